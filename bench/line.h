/* SPDX-License-Identifier: MIT */
/*
 * Two ends of an association of some stack in virtual time, joined by the link model of the tests, the same both ways.
 * The line carries SCTP packets; what DTLS, UDP and IP add is the same for every stack and left out.
 */
#ifndef WRD_BENCH_LINE_H
#define WRD_BENCH_LINE_H

#include "net/link.h"
#include "peers/peer.h"

struct line {
    struct link_options options;
    const struct peer_kind *kind;
    void *ends[2];
    struct link_state ways[2]; /* by sender */
    struct transit transit;
    wrd_time now;
    uint64_t seed;
    unsigned turns;               /* without that time passed */
    uint8_t drop_mark[PEER_HEAD]; /* the next packet with these bytes in it dies, once */
    bool drop_marked;
};

/* Opens the association over it; false: it does not come up. Close it in either case. */
bool line_open(struct line *line, const struct peer_kind *kind, const struct peer_options *peer,
               const struct link_options *options, uint64_t seed);
void line_close(struct line *line);
/* Lets everything happen that is due, then moves to the next event, at the latest `until`; false: that was reached. */
bool line_step(struct line *line, wrd_time until);

#endif
