/* SPDX-License-Identifier: MIT */
/* What server and client share: an endpoint, its socket, and the clock that drives them. */
#ifndef WRD_NATIVE_NODE_H
#define WRD_NATIVE_NODE_H

#include "native/trace.h"
#include "native/udp.h"

struct wrd_node {
    wrd_endpoint *endpoint;
    struct wrd_udp udp;
    struct wrd_trace_files trace;
    struct wrd_inbox *in;
    struct wrd_datagram *out;      /* WRD_UDP_OUT */
    unsigned out_first, out_count; /* waiting because the socket was full */
};

wrd_time wrd_node_now(void);
/* What server and client ask for. */
struct wrd_node_options {
    wrd_endpoint_options endpoint;
    bool ipv6_only;
    int socket_buffer;
    const char *capture_file, *key_log_file;
};

/* `node` must not move. `remote`: of a client, else NULL. */
wrd_result wrd_node_open(struct wrd_node *node, const struct wrd_node_options *options, const wrd_addr *local,
                         const wrd_addr *remote, const char **why);
void wrd_node_close(struct wrd_node *node);
void wrd_node_process(struct wrd_node *node);
void wrd_node_flush(struct wrd_node *node);
int wrd_node_timeout(const struct wrd_node *node); /* milliseconds for poll(), -1: none */

#endif
