/* SPDX-License-Identifier: MIT */
/* Applications for simulated nodes: a server that echoes, and a caller that checks every byte of the echo. */
#ifndef WRD_TESTS_APPS_H
#define WRD_TESTS_APPS_H

#include "sim/world.h"

/* Echoes every message of every connection; holds what does not fit. */
struct echo {
    unsigned opened, closed;
    wrd_result last_reason;
    uint64_t messages; /* echoed */
    uint64_t taken;    /* looked at, those asked again more than once */
};
void echo_turn(struct world *world, struct node *node);
/* What it does with the messages that wait; the WRITABLE event is the time for what had no room. */
void echo_waiting(struct world *world, struct node *node, struct echo *echo, wrd_conn conn);

/*
 * Dials `to`, sends `messages` messages of up to `size_max` bytes as fast as the connection takes them, and checks that
 * each comes back once, in order and unchanged. Then it closes, if told so. `done` becomes true at success or when the
 * connection ended.
 */
struct caller {
    wrd_address to;
    const char *token; /* optional */
    uint64_t seed;
    unsigned messages;
    size_t size_max;
    bool fixed_size, close_after, stay_quiet_before_reply;
    /* results */
    wrd_conn conn;
    bool opened, closed, done, corrupt, blocked;
    unsigned sent, echoed;
    wrd_result reason;
    const char *text; /* of its end */
    wrd_time opened_at, echoed_at;
    unsigned *left; /* optional: callers still at work; `all_done` becomes true at 0 */
    bool *all_done;
};
void caller_turn(struct world *world, struct node *node);
bool caller_succeeded(const struct caller *caller);

#endif
