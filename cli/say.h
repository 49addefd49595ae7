/* SPDX-License-Identifier: MIT */
/* One sentence to the person at the terminal, on stderr, behind the program's name. */
#ifndef WRD_CLI_SAY_H
#define WRD_CLI_SAY_H

/* The name that say() puts first. Set once at the start; `name` must stay valid. */
void say_as(const char *name);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
