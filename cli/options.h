/* SPDX-License-Identifier: MIT */
/* The options of a sub-command, and the mistakes that a command line can hold. */
#ifndef WRD_CLI_OPTIONS_H
#define WRD_CLI_OPTIONS_H

#include <getopt.h>

/*
 * getopt_long for `wrd COMMAND`: the option's value, -1 after the last, or '?' when the line is wrong; then a person
 * has been told what, with the nearest known option.
 */
int next_option(int argc, char **argv, const struct option *options, const char *command);

/* Says what is wrong with the command line and where help is. Always EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The word of `list` (NULL at its end) that `word` was probably meant to be, or NULL. */
const char *nearest_word(const char *word, const char *const *list);

#endif
