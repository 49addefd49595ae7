/* SPDX-License-Identifier: MIT */
/*
 * The `wrd` command: its sub-commands, its exit codes, and how it talks to a person.
 * What a script reads goes to stdout, what a person reads to stderr.
 */
#ifndef WRD_CLI_CLI_H
#define WRD_CLI_CLI_H

#include <getopt.h>

#include "wrd/base.h"

/* Told in `wrd dial --help`; scripts rely on them, so a number never changes its meaning. */
enum exit_code {
    EXIT_DONE = 0,         /* everything asked for was done */
    EXIT_TROUBLE = 1,      /* the operating system refused, memory is short, stdout is gone */
    EXIT_USAGE = 2,        /* the command line is not what the command takes */
    EXIT_TIMEOUT = 3,      /* nobody answers there */
    EXIT_REFUSED = 4,      /* the other host says that nobody listens on that port */
    EXIT_MISMATCH = 5,     /* the certificate is not the one the fingerprint names */
    EXIT_LOST = 6,         /* the connection ended before everything was echoed */
    EXIT_PROTOCOL = 7,     /* the server broke a rule of the protocol */
    EXIT_UNANSWERED = 8,   /* connected, but an echo did not come in time */
    EXIT_INTERRUPTED = 130 /* SIGINT or SIGTERM in dial, as shells report it */
};

/* Each takes its own part of the command line: argv[0] is the sub-command's name. Answers an exit code. */
int serve_main(int argc, char **argv);
int dial_main(int argc, char **argv);
int key_main(int argc, char **argv);

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
