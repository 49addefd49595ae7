/* SPDX-License-Identifier: MIT */
/*
 * The virtual-time world: endpoints on one clock, joined by links that delay, lose, repeat, reorder and damage
 * datagrams. Nothing sleeps and nothing is random but the seed, so that a seed reproduces a failure to the byte.
 */
#ifndef WRD_TESTS_WORLD_H
#define WRD_TESTS_WORLD_H

#include "net/link.h"
#include "wrd/wrd.h"

#define WORLD_NODES_MAX 64
#define WORLD_UNIX_TIME 1800000000u /* at virtual time 0 */

struct node;
struct world;

/* Called after each step that may have changed the node: pull events, send, receive. */
typedef void (*node_turn)(struct world *world, struct node *node);
/* A datagram came to a node that has no endpoint. */
typedef void (*node_hear)(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes,
                          size_t len);

struct node {
    wrd_endpoint *endpoint; /* NULL: a scripted node, which hears and speaks by world_speak() */
    wrd_addr addr;
    struct link_options out; /* of datagrams that leave this node */
    struct link_state line;
    node_turn turn;
    node_hear hear;
    void *app;
    wrd_env env;
    uint64_t received, bytes_sent, bytes_received;
    size_t longest;    /* datagram that its endpoint sent */
    unsigned shares, share; /* of nodes with one address: gets what comes from ports that leave this rest; 0: everything */
    bool silent;       /* drops everything in and out: a cable pulled */
    wrd_time moves_at; /* then it has the address `moves_to`, and what is sent to the old one is lost; 0: stays */
    wrd_addr moves_to;
};

struct allocations {
    uint64_t count;   /* calls that asked for memory */
    uint64_t fail_at; /* this one fails, and every later one when fail_after; 0: none */
    bool fail_after;
    size_t bytes, peak_bytes;
};

struct world {
    wrd_time now;
    uint64_t random;
    struct node nodes[WORLD_NODES_MAX];
    unsigned node_count;
    struct transit transit;
    struct allocations allocations;
    uint8_t *scratch;
    size_t scratch_cap;
    void (*watch)(struct world *world, const struct node *node); /* optional: after each turn of an endpoint */
    uint64_t digest; /* of every datagram that left, with its time: the witness of determinism */
};

void world_init(struct world *world, uint64_t seed);
void world_free(struct world *world);
uint64_t world_random(struct world *world);
/* 0 .. below - 1 */
uint64_t world_below(struct world *world, uint64_t below);
/* An endpoint at 10.0.0.<n>:<port>; NULL options: defaults. NULL when memory is short. */
struct node *world_add(struct world *world, const wrd_endpoint_options *options, const struct link_options *out,
                       node_turn turn, void *app);
/* A node without an endpoint, played by the test. */
struct node *world_add_script(struct world *world, const struct link_options *out, node_hear hear, void *app);
/* A datagram of a node, over its link. */
void world_speak(struct world *world, struct node *node, const wrd_addr *to, const uint8_t *bytes, size_t len);
/* After `delay` the node has another address: a NAT forgot it, or it changed networks. Its endpoint is not told. */
void world_rebind(struct world *world, struct node *node, wrd_time delay, const wrd_addr *addr);
/* Runs until `until` or until `*done`; true when done. */
bool world_run(struct world *world, wrd_time until, const bool *done);
/* One buffer for the applications: a fresh one each turn costs more than everything else under sanitizers. */
uint8_t *world_scratch(struct world *world, size_t len);
/* A datagram from an address that is no node's, or pretends. */
void world_inject(struct world *world, struct node *to, const wrd_addr *from, const uint8_t *bytes, size_t len);

/* Server options with a fixed key; `key` must outlive the call that uses them. */
void world_server_options(wrd_endpoint_options *options, wrd_key *key);
/* What to dial to reach `node`, a server made with world_server_options(). */
wrd_address world_address(const struct node *node);

#endif
