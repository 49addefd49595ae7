/* SPDX-License-Identifier: MIT */
/*
 * Flows of live associations, without DTLS, that share one link in virtual time: what a path lets through, how fairly,
 * and how late. Of each flow the first end speaks and the second listens.
 */
#ifndef WRD_TESTS_ROAD_H
#define WRD_TESTS_ROAD_H

#include "net/link.h"
#include "sctp/sctp.h"

#define ROAD_FLOWS_MAX 4
#define ROAD_OVERHEAD  65 /* of each packet on the line: IPv4, UDP, a DTLS 1.2 record */
#define ROAD_LATE_MAX  100000

struct flow {
    /* set before road_run() */
    struct wrd_sctp_options options;
    wrd_time extra_us;    /* one way, beyond the link's delay */
    wrd_time starts_us;   /* from the road's beginning */
    size_t bulk;          /* messages of this size as fast as they are taken; 0: none */
    uint64_t bulk_limit;  /* bytes of bulk in all; 0: no end */
    size_t small;         /* and messages of this size on another stream; 0: none ... */
    wrd_time small_every; /* ... so often ... */
    wrd_time small_until; /* ... until then, from the road's beginning; 0: no end */
    /* what came of it */
    struct wrd_sctp *ends[2];
    uint64_t heard_bytes, heard_bulk, heard_small, said_bulk_bytes, said_small;
    wrd_time *late; /* of small messages in the order they arrived: from send() to the listener */
    wrd_time small_next;
    bool full;
};

struct road {
    struct link_options out, back;
    struct link_state line, back_line;
    struct flow flows[ROAD_FLOWS_MAX];
    unsigned flow_count;
    wrd_time start, now;
    uint64_t seed;
    struct transit transit;
    wrd_env env;
    /* Sees each packet before it is put on the link; false: it dies. */
    bool (*tap)(struct road *road, struct flow *flow, int from, const uint8_t *bytes, size_t len);
    void *tap_user;
};

/* A link of this rate and round trip, its queue one product of both and of no less than 20 packets; the way back is as
 * fast and has room. */
void road_init(struct road *road, uint64_t seed, uint64_t rate_bps, wrd_time rtt);
/* Windows and limits that never hold the flow up on a path of that rate and round trip. */
struct flow *road_add(struct road *road);
void road_run(struct road *road, wrd_time time);
/* Sorts, too. `share` 0.99 is the 99th percentile; 0 when there are none. */
wrd_time road_late(struct flow *flow, double share);
/* Bytes that all flows delivered, as a share of what the line carries in this time. */
double road_share(const struct road *road, uint64_t bytes, wrd_time time);
void road_free(struct road *road);

#endif
