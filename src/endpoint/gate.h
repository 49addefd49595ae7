/* SPDX-License-Identifier: MIT */
/*
 * How many and how fast: connections of one address, handshakes begun per second by one address and by all. An address
 * is an IPv4 address or an IPv6 /64, which is what one subscriber has; here it is known by a keyed hash.
 *
 * Where one address may not fill the endpoint, a few may not either: each may have as many connections as are still to
 * be had (the dynamic thresholds of shared-memory switches), so that n who take all they get leave one part in n + 1.
 *
 * Rates follow the virtual scheduling of ATM's GCRA: one moment, up to which the rate is used up. Those of addresses
 * lie in a count-min sketch of fixed size, so that no flood of addresses grows it; two that share a place in both rows
 * share their rate.
 */
#ifndef WRD_ENDPOINT_GATE_H
#define WRD_ENDPOINT_GATE_H

#include "endpoint/map.h"
#include "wrd/endpoint.h"

#define WRD_GATE_ROWS    2
#define WRD_GATE_COLUMNS 2048

struct wrd_gate_rate {
    uint64_t interval_ns, tolerance_ns;
};

struct wrd_gate {
    wrd_env env;
    void (*lock)(void *user, bool held); /* NULL: one thread has it */
    void *user;
    uint32_t max_connections, max_per_address;
    struct wrd_gate_rate all, one;
    uint32_t count;        /* connections, */
    uint32_t opening;      /* and those of them whose address has not proved itself */
    struct wrd_map counts; /* address -> its connections */
    uint64_t used_up;      /* ns */
    uint64_t used_up_by[WRD_GATE_ROWS][WRD_GATE_COLUMNS];
};

enum wrd_gate_answer {
    WRD_GATE_OPEN,
    WRD_GATE_FULL,
    WRD_GATE_ADDRESS_FULL,
    WRD_GATE_ADDRESS_RATE,
    WRD_GATE_RATE,
    WRD_GATE_NO_MEMORY
};

/* With the limits of complete options; NULL: no memory. Freed by wrd_gate_free(). */
struct wrd_gate *wrd_gate_open(const wrd_endpoint_options *limits, const wrd_env *env);
/* The part of `addr` that counts, hashed. */
uint64_t wrd_gate_address(const uint8_t key[16], const wrd_addr *addr);
/* May `address` begin a handshake now? With OPEN it has a connection more, and has used up of its rates. */
enum wrd_gate_answer wrd_gate_ask(struct wrd_gate *gate, wrd_time now, uint64_t address);
/* Is half used up of what all may begin at once, or `address`, or half taken of what it may have, or of the places left
 * by those that proved themselves? Then the other half is for addresses that do, and hellos of forged ones take no
 * more. */
bool wrd_gate_is_tight(struct wrd_gate *gate, wrd_time now, uint64_t address);
/* The address of a connection that wrd_gate_ask() let in has proved itself. */
void wrd_gate_prove(struct wrd_gate *gate);
/* Such a connection is no longer; `proved`: there was wrd_gate_prove() for it. */
void wrd_gate_leave(struct wrd_gate *gate, uint64_t address, bool proved);
/* May it go on from another address? It may where a new one would find room; rates are of handshakes. With true from
 * move() it counts there from now on. */
bool wrd_gate_has_room(struct wrd_gate *gate, uint64_t from, uint64_t to);
bool wrd_gate_move(struct wrd_gate *gate, uint64_t from, uint64_t to);

#endif
