/* SPDX-License-Identifier: MIT */
/* The options of a sub-command, and the mistakes that a command line can hold. */
#ifndef WRD_CLI_OPTIONS_H
#define WRD_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "wrd/address.h"

/*
 * getopt_long for `wrd COMMAND`: the option's value, -1 after the last, or '?' when the line is wrong; then a person
 * has been told what, with the nearest known option.
 */
int next_option(int argc, char **argv, const struct option *options, const char *command);

/* Of the option with this value. */
const char *option_name(const struct option *options, int value);

/* Says what is wrong with the command line and where help is. Always EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The number of `--NAME TEXT`, in [least, most]. False with a sentence said, "--max-clients 0: expected 1 to 16777216";
 * `unit` stands before the range, as "whole seconds from ", or is "".
 */
bool option_number(long *out, const char *command, const char *name, const char *text, const char *unit, long least,
                   long most);

/* The words IP:PORT FINGERPRINT, in one argument or two, or a multiaddr. False with a sentence in `why`. */
bool read_address(wrd_address *out, char *why, size_t size, int argc, char **argv);
#define WHY_SIZE 1024
/* False with a sentence said: `text` cannot be a token. Whether it is genuine only the server knows. */
bool option_token(const char *command, const char *text);
/* The file that the environment's SSLKEYLOGFILE names, or NULL. */
const char *option_key_log(void);

/* The word of `list` (NULL at its end) that `word` was probably meant to be, or NULL. */
const char *nearest_word(const char *word, const char *const *list);

#endif
