/* SPDX-License-Identifier: MIT */
/* One sentence to the person at the terminal, on stderr, behind the program's name. */
#ifndef WRD_CLI_SAY_H
#define WRD_CLI_SAY_H

#include <stddef.h>

/* The name that say() puts first. Set once at the start; `name` must stay valid. */
void say_as(const char *name);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `text` of a stranger, cut to `size` bytes in `out` and without control characters, which a terminal would obey. */
const char *say_safely(char *out, size_t size, const char *text);

#endif
