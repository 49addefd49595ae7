/* SPDX-License-Identifier: MIT */
/* What `wrd serve` does with its clients: every message goes back, and the log may tell who comes and goes. */
#ifndef WRD_CLI_ECHO_H
#define WRD_CLI_ECHO_H

#include "wrd/server.h"

struct echo;

/* For a server with all its loops. `verbose`: log every connection. NULL: memory is short, as was said. */
struct echo *echo_new(wrd_server *server, bool verbose);
/* Once nothing runs any more. NULL is fine. */
void echo_free(struct echo *echo);
/* They call on the threads of the loops. */
wrd_handlers echo_handlers(struct echo *echo);

#endif
