/* SPDX-License-Identifier: MIT */
/*
 * A non-blocking UDP socket that moves datagrams in batches. On a wildcard address it asks for, and answers from, the
 * local address that each datagram was sent to (IP_PKTINFO). IPv4 on a dual-stack socket looks like plain IPv4 above
 * this line.
 */
#ifndef WRD_NATIVE_UDP_H
#define WRD_NATIVE_UDP_H

#include "wrd/endpoint.h"

#define WRD_UDP_BATCH 32
#define WRD_UDP_SLOT  2048 /* longer datagrams are none of ours; their rest is cut off and they fail as garbage */

struct wrd_udp {
    int fd;
    uint8_t family; /* of the socket */
    bool wildcard;
    bool connected;
    wrd_addr local;
};

struct wrd_datagram {
    wrd_path path;
    size_t len;
    uint8_t bytes[WRD_UDP_SLOT];
};

/* WRD_SYSTEM with errno and `*why`. `remote` not NULL: connected to it, so that ICMP errors come back. */
wrd_result wrd_udp_open(struct wrd_udp *udp, const wrd_addr *local, const wrd_addr *remote, bool ipv6_only,
                        int buffer_size, const char **why);
void wrd_udp_close(struct wrd_udp *udp);
/* Up to WRD_UDP_BATCH waiting datagrams; 0: none. `*refused` becomes true when ICMP said that the port is closed. */
unsigned wrd_udp_receive(struct wrd_udp *udp, struct wrd_datagram batch[WRD_UDP_BATCH], bool *refused);
/* Sends datagrams; returns how many left or were given up (unreachable). Fewer than `count`: the socket is full. */
unsigned wrd_udp_send(struct wrd_udp *udp, struct wrd_datagram *batch, unsigned count, bool *refused);

#endif
