/* SPDX-License-Identifier: MIT */
/* What a server counts, as numbers for Prometheus and for the status page. Any thread. */
#ifndef WRD_CLI_METRICS_H
#define WRD_CLI_METRICS_H

#include "wrd/server.h"

/* The Prometheus text format, version 0.0.4. Freed with free(); NULL when memory is short. */
char *metrics_text(wrd_server *server);
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The same for /status.json; what is in it the page status.js reads. Freed with free(). */
char *metrics_json(wrd_server *server, bool draining);

#endif
