/* SPDX-License-Identifier: MIT */
/* The poll() loop of a program that carries a WebRTC server and its pages in one thread. */
#ifndef WRD_CLI_LOOP_H
#define WRD_CLI_LOOP_H

#include "cli/http.h"
#include "wrd/server.h"

/*
 * Runs both until `stop` (stop_open()) is readable or a handler called wrd_server_stop(). `http` may be NULL: no pages.
 * False with a sentence said: the socket broke.
 */
bool loop_run(wrd_server *server, const wrd_handlers *handlers, struct http *http, int stop);

#endif
