/* SPDX-License-Identifier: MIT */
/* What server and client share: an endpoint, its socket, and the clock that drives them. */
#ifndef WRD_NATIVE_NODE_H
#define WRD_NATIVE_NODE_H

#include "native/buffers.h"
#include "native/trace.h"
#include "native/udp.h"

/* For calls that take what came before: the core goes on with the time of the last turn, and no clock is read for each
 * message. */
#define WRD_NODE_LAST_TURN ((wrd_time)0)

struct wrd_node {
    wrd_endpoint *endpoint;
    struct wrd_udp udp;
    struct wrd_trace_files trace;
    struct wrd_buffers *buffers;   /* NULL: given back */
    unsigned out_first, out_count; /* of buffers->out, waiting because the socket was full */
    struct wrd_datagram *aside;    /* those, while the buffers are given back */
    wrd_addr last;                 /* whose datagram came last */
    unsigned in_a_row;             /* of it, since answers were drawn up */
    unsigned unsent;               /* of all, since everything was sent */
    bool full;                     /* the socket: it is not tried again in this turn, but at its end */
    bool joined, keeps_buffers;
};

/* What server and client ask for. */
struct wrd_node_options {
    wrd_endpoint_options endpoint;
    struct wrd_udp_options udp;
    bool keep_buffers;
    const char *capture_file, *key_log_file;
};

wrd_time wrd_node_now(void);
/* `node` must not move. */
wrd_result wrd_node_open(struct wrd_node *node, const struct wrd_node_options *options, const wrd_addr *local,
                         const char **why);
void wrd_node_close(struct wrd_node *node);
void wrd_node_process(struct wrd_node *node);
void wrd_node_flush(struct wrd_node *node);
/* A datagram that came through the socket of another loop. */
void wrd_node_receive_passed(struct wrd_node *node, wrd_time now, const wrd_path *path, const uint8_t *datagram,
                             size_t len);
int wrd_node_timeout(const struct wrd_node *node); /* milliseconds for poll(), -1: none */

#endif
