/* SPDX-License-Identifier: MIT */
/*
 * One sentence to the person at the terminal, on stderr, behind the program's name; or one JSON object in a line to the
 * program that collects logs. Any thread.
 */
#ifndef WRD_CLI_SAY_H
#define WRD_CLI_SAY_H

#include <stdbool.h>
#include <stddef.h>

/* The name that say() puts first. Set once at the start; `name` must stay valid. */
void say_as(const char *name);
/* From now on say() writes {"time": ..., "event": "message", "text": ...}. Once, before there are threads. */
void say_in_json(void);
/* From now on who says something never waits for a reader (lines.h); end it with lines_end(). Once; SIGPIPE must be
 * ignored. False with a sentence said. */
bool say_without_waiting(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What an error number means; where too many files are open, also what to do. */
const char *say_cause(int error);
/*
 * `text` of a stranger, cut to `size` bytes in `out`: valid UTF-8 without control characters, line ends and changes of
 * direction, which a terminal would obey.
 */
const char *say_safely(char *out, size_t size, const char *text);

/* A line of JSON with members of its own: an object with its time and `event`, and what writes and frees it. */
struct cJSON *say_event(const char *event);
void say_json(struct cJSON *json);

#endif
