/* SPDX-License-Identifier: MIT */
/*
 * One direction of a link in virtual time: what becomes of a datagram put on it, and a heap of those under way.
 * Simulated endpoints, bare associations and benchmarks share it. Nothing is random but the seed, and it knows neither
 * a test framework nor what the datagrams mean. Memory that runs out ends the program.
 */
#ifndef WRD_TESTS_LINK_H
#define WRD_TESTS_LINK_H

#include "wrd/base.h"

struct link_options {
    wrd_time delay_us;   /* one way */
    wrd_time jitter_us;  /* added, uniform; reorders when it exceeds the spacing */
    double loss;         /* 0..1 */
    double burst_enter;  /* 0..1: a datagram begins a burst of losses (Gilbert-Elliott) ... */
    double burst_leave;  /* ... each one in it may end it ... */
    double burst_loss;   /* ... and inside this share is lost ... */
    wrd_time burst_us;   /* ... until it is as old as this; 0: as may be */
    double reorder;      /* 0..1: this share comes later ... */
    wrd_time reorder_us; /* ... by this much */
    double duplicate;    /* 0..1 */
    double corrupt;      /* 0..1: one bit flipped */
    uint64_t rate_bps;   /* 0: unlimited */
    size_t queue_bytes;  /* drop-tail queue in front of the rate; 0: unlimited */
    size_t overhead;     /* bytes on the line that each datagram costs beyond its own */
    uint64_t loss_mask;  /* bit i: datagram i dies; the first 64 */
};

/* What a link remembers; starts zeroed. Flows that share it share its queue. */
struct link_state {
    uint64_t free_at_ns; /* when the line has sent what is queued */
    bool in_burst;
    wrd_time burst_began;
    uint64_t sent, lost, overflowed; /* datagrams: put on the link, lost by chance or mask, by a full queue */
    uint64_t bytes;                  /* that passed the queue, with overhead */
};

/* A datagram under way. */
struct parcel {
    wrd_time at;
    uint64_t order; /* ties arrive in the order they were sent */
    wrd_addr from, to;
    size_t len;
    uint8_t bytes[];
};

struct transit {
    struct parcel **heap; /* by arrival */
    size_t count, cap;
    uint64_t order;
};

/* splitmix64 */
uint64_t link_random(uint64_t *seed);
/* True with this probability; draws nothing when it is 0. */
bool link_chance(uint64_t *seed, double probability);

/* Puts a datagram on the link; what comes of it, none to two parcels, is under way then. */
void link_send(const struct link_options *options, struct link_state *state, struct transit *transit, uint64_t *seed,
               wrd_time now, const wrd_addr *from, const wrd_addr *to, const uint8_t *bytes, size_t len);

/* Arrives at `at`, whatever any link says. */
struct parcel *transit_put(struct transit *transit, wrd_time at, const wrd_addr *from, const wrd_addr *to,
                           const uint8_t *bytes, size_t len);
/* When the first arrives; WRD_NEVER: none is under way. */
wrd_time transit_next(const struct transit *transit);
/* The first to arrive, which the caller frees with free(). There must be one. */
struct parcel *transit_take(struct transit *transit);
void transit_free(struct transit *transit);

#endif
