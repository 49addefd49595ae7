/* SPDX-License-Identifier: MIT */
/* What strangers send to a simulated server: checks under invented ufrags and genuine ClientHellos, of any address. */
#ifndef WRD_TESTS_STRANGERS_H
#define WRD_TESTS_STRANGERS_H

#include "sim/world.h"

#define STRANGERS_CHECKS 4096

enum strangers_kind {
    STRANGERS_CHECK,       /* valid checks, from anywhere */
    STRANGERS_TWICE,       /* the same, each of them twice in a row */
    STRANGERS_FEW,         /* the same from a few hundred addresses, which go on with it */
    STRANGERS_HALF_OPEN,   /* a check and then a ClientHello, from anywhere */
    STRANGERS_ONE_ADDRESS, /* the same from ports of one IPv4 address */
    STRANGERS_ONE_NET,     /* the same from addresses of one IPv6 /64 */
    STRANGERS_NAT,         /* the same, forged, from ports of `nat`, behind which are clients */
    STRANGERS_PORT,        /* the same, forged, from `nat` and its port alone, which is a client's */
    STRANGERS_KINDS
};

struct strangers {
    enum strangers_kind kind;
    uint64_t count;
    wrd_addr nat;
    struct {
        size_t len;
        uint8_t bytes[256];
    } checks[STRANGERS_CHECKS];
    size_t hello_len, random_at; /* where the hello has its random bytes */
    uint8_t hello[WRD_DATAGRAM_MAX];
};

/* False: there is no hello to be had. */
bool strangers_init(struct strangers *strangers, enum strangers_kind kind, uint64_t seed);
/* One of them sends what it has to send. */
void strangers_send(struct strangers *strangers, struct world *world, struct node *to);

#endif
