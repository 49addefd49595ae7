/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as a file descriptor that a poll() loop can wait for. */
#ifndef WRD_CLI_STOP_H
#define WRD_CLI_STOP_H

/*
 * Catches the first SIGINT or SIGTERM; the second has its usual effect, so a hanging program can still be stopped.
 * Answers a descriptor that becomes readable then, -1 with errno when there is none to be had. Call it once.
 */
int stop_open(void);

#endif
