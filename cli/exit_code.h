/* SPDX-License-Identifier: MIT */
/* How the `wrd` command ends. */
#ifndef WRD_CLI_EXIT_CODE_H
#define WRD_CLI_EXIT_CODE_H

/* Told in `wrd dial --help`; scripts rely on them, so a number never changes its meaning. */
enum exit_code {
    EXIT_DONE = 0,         /* everything asked for was done */
    EXIT_TROUBLE = 1,      /* the operating system refused, memory is short, stdout is gone */
    EXIT_USAGE = 2,        /* the command line is not what the command takes */
    EXIT_TIMEOUT = 3,      /* no connection in the time given */
    EXIT_REFUSED = 4,      /* the other host says that nobody listens on that port */
    EXIT_MISMATCH = 5,     /* the certificate is not the one the fingerprint names */
    EXIT_LOST = 6,         /* the connection ended before everything was echoed */
    EXIT_PROTOCOL = 7,     /* the server broke a rule of the protocol */
    EXIT_UNANSWERED = 8,   /* connected, but an echo did not come in time */
    EXIT_INTERRUPTED = 130 /* SIGINT or SIGTERM in dial, as shells report it */
};

#endif
