/* SPDX-License-Identifier: MIT */
/*
 * What a server has for `wrd bench`, in front of its ordinary handlers. Any echo server serves most of a bench; figures
 * for one direction alone need this, over the main channel (id 0, negotiated, ordered, reliable):
 *
 *   A connection echoes until it gets one of these ASCII messages, which the bench sends as the first one.
 *
 *     "wrd-bench sink"         From now on everything is taken and thrown away.
 *                              "wrd-bench count" is answered with "wrd-bench count MESSAGES BYTES", what was thrown
 * away so far, in decimal; a server may leave this out, then the bench cannot check that all arrived. "wrd-bench source
 * SIZE"  SIZE in decimal, 1 to 1048576. From now on messages of SIZE bytes are sent as fast as they are taken, until
 * the connection ends. What comes in is thrown away.
 *
 *   Everything else is an echo, commands that are not known, too: from the echo of a command the bench sees that the
 * server only echoes.
 *
 * Message i of a source, counted from 0, is the SIZE bytes from place i mod 4096 on of this pattern, which does not
 * compress: x starts as 1; for each byte x becomes x * 1664525 + 1013904223 mod 2^32, and the byte is x >> 24. A server
 * may send other bytes; then the bench checks no more than the lengths.
 */
#ifndef WRD_CLI_BENCH_SERVER_H
#define WRD_CLI_BENCH_SERVER_H

#include "wrd/server.h"

#define BENCH_COMMAND    "wrd-bench "
#define BENCH_SINK       BENCH_COMMAND "sink"
#define BENCH_SOURCE     BENCH_COMMAND "source " /* SIZE */
#define BENCH_COUNT      BENCH_COMMAND "count"
#define BENCH_REPLY_MAX  64 /* bytes of a command or an answer */
#define BENCH_SOURCE_MAX ((size_t)1024 * 1024)

struct bench_server;

/*
 * Puts the above in front of `*handlers`, which become those to run `server` with; all loops of it, each on its own
 * thread. NULL: memory is short, nothing has changed.
 */
struct bench_server *bench_server_open(wrd_server *server, wrd_handlers *handlers);
void bench_server_close(struct bench_server *bench); /* after the server ran; NULL is fine */

/* Lifts the limits that one address meets, from where all clients of a bench come, where `options` has none of its own.
 */
void bench_server_lift_limits(wrd_endpoint_options *options);

#endif
