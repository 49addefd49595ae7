/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP as a file descriptor that a poll() loop can wait for. */
#ifndef WRD_CLI_STOP_H
#define WRD_CLI_STOP_H

#include <pthread.h>

/*
 * Catches the first SIGINT, SIGTERM or SIGHUP, that one unless it is ignored. A SIGINT or SIGTERM behind it has its
 * usual effect, so a hanging program can be stopped. Answers a descriptor that becomes readable then, -1 with errno
 * when there is none to be had. Call it once.
 */
int stop_open(void);

/* Starts a thread that gets no signals: they are for who waits for them. 0 or an error number. */
int stop_spared_thread(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
