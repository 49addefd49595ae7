/* SPDX-License-Identifier: MIT */
/* Lines of stdin, read when poll() says that there is something. */
#ifndef WRD_CLI_INPUT_H
#define WRD_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed at the start; its owner frees `bytes`. */
struct input {
    char *bytes; /* lines that were not dropped yet */
    size_t start, len, capacity;
    size_t searched; /* no newline before this */
    bool ended;
};

/* Reads once, which does not block after poll(). False with a sentence said: no memory, or stdin broke. */
bool input_read(struct input *in);
/* The next line without its newline; the last one needs none. The same one until it is dropped. */
bool input_line(struct input *in, const char **line, size_t *len);
void input_drop_line(struct input *in, size_t len);

#endif
