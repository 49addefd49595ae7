/* SPDX-License-Identifier: MIT */
/* What server and client share: an endpoint, its socket, and the clock that drives them. */
#ifndef WRD_NATIVE_NODE_H
#define WRD_NATIVE_NODE_H

#include "native/udp.h"

struct wrd_node {
    wrd_endpoint *endpoint;
    struct wrd_udp udp;
    struct wrd_inbox *in;
    struct wrd_datagram *out;      /* WRD_UDP_OUT */
    unsigned out_first, out_count; /* waiting because the socket was full */
};

wrd_time wrd_node_now(void);
wrd_result wrd_node_open(struct wrd_node *node, const wrd_endpoint_options *options, const wrd_addr *local,
                         const wrd_addr *remote, bool ipv6_only, int buffer_size, const char **why);
void wrd_node_close(struct wrd_node *node);
void wrd_node_process(struct wrd_node *node);
void wrd_node_flush(struct wrd_node *node);
int wrd_node_timeout(const struct wrd_node *node); /* milliseconds for poll(), -1: none */

#endif
