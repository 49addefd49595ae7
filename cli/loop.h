/* SPDX-License-Identifier: MIT */
/* The poll() loops of a program that carries a WebRTC server and serves HTTP beside it. */
#ifndef WRD_CLI_LOOP_H
#define WRD_CLI_LOOP_H

#include "cli/http.h"
#include "wrd/server.h"

/* What clients are told when the server ends; 1001 is "going away" in RFC 6455, too. */
#define LOOP_END_CODE   1001
#define LOOP_END_REASON "server is shutting down"

/*
 * Runs both in one thread until `stop` (stop_open()) is readable, then drains the server for `drain_s` seconds at most;
 * or until a handler called wrd_server_stop(). `http` may be NULL: no pages. False with a sentence said: the socket
 * broke.
 */
bool loop_run(wrd_server *server, const wrd_handlers *handlers, struct http *http, int stop, int drain_s);

struct loop_watch {
    struct http *pages, *numbers; /* each may be NULL */
    int stop;                     /* stop_open() */
    int ended;                    /* loop_ended_open() */
    int drain_s;
    bool verbose; /* log all drops */
};

/* A descriptor by which loop_run_threads() learns that its threads have ended, and yours to close; -1 with errno. */
int loop_ended_open(void);

/*
 * The same for a server with any number of loops: they run on threads of their own, and HTTP, signals and the log of
 * drops in the caller's. So HTTP answers while the loops are busy, and slows none of them.
 */
bool loop_run_threads(wrd_server *server, const wrd_handlers *handlers, const struct loop_watch *watch);

#endif
