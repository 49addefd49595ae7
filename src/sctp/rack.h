/* SPDX-License-Identifier: MIT */
/*
 * Which chunks are lost, told by time (RFC 8985 section 6): one that was sent sufficiently before another that arrived
 * did not arrive. How long "sufficiently" is follows the reordering that was seen.
 */
#ifndef WRD_SCTP_RACK_H
#define WRD_SCTP_RACK_H

#include "base/serial.h"
#include "wrd/base.h"

/* The least of what was seen in the current interval and the one before. */
struct wrd_sctp_least {
    wrd_time value; /* 0: nothing was seen */
    wrd_time last, current;
    wrd_time since;
};

struct wrd_sctp_rack {
    bool any;            /* something arrived; until then the next four say nothing */
    struct wrd_tsn tsn;  /* of what was sent last among all that arrived */
    wrd_time sent_at;    /* when that was */
    wrd_time rtt;        /* how long its acknowledgement took */
    struct wrd_tsn fack; /* the highest that arrived */
    bool reordering;     /* was ever seen */
    bool widening;       /* `round` is set: one widening for each round trip */
    uint8_t mult;        /* the window is so many quarters of the least round-trip time */
    uint8_t persist;     /* recoveries until the window narrows again */
    struct wrd_tsn round;
    struct wrd_sctp_least rtt_min;    /* of round-trip times of what was sent once, as long as a path may be trusted */
    struct wrd_sctp_least rtt_recent; /* the same, of the last round trip or two */
};

void wrd_sctp_rack_init(struct wrd_sctp_rack *rack);
void wrd_sctp_least_take(struct wrd_sctp_least *least, wrd_time now, wrd_time interval, wrd_time value);
/* A round-trip time of something that was sent once. */
void wrd_sctp_rack_sample(struct wrd_sctp_rack *rack, wrd_time now, wrd_time rtt);
/* Do recent round-trip times tell of hardly any queue on the path? */
bool wrd_sctp_rack_no_queue(const struct wrd_sctp_rack *rack);
/* `tsn`, last sent at `sent_at`, arrived. `again`: it was sent more than once. False: so soon that this is the answer
 * to an earlier sending, which says nothing. */
bool wrd_sctp_rack_arrived(struct wrd_sctp_rack *rack, wrd_time now, struct wrd_tsn tsn, wrd_time sent_at, bool again);
/* The peer received twice what we took for lost by time. `cumulative` and `next` bound what is outstanding. */
void wrd_sctp_rack_hasty(struct wrd_sctp_rack *rack, struct wrd_tsn cumulative, struct wrd_tsn next);
/* A recovery ended. */
void wrd_sctp_rack_recovered(struct wrd_sctp_rack *rack);
/* How much later than a round trip something may arrive. `sure`: the peer holds three packets sent after it, or we
 * repair a loss anyway. */
wrd_time wrd_sctp_rack_window(const struct wrd_sctp_rack *rack, wrd_time srtt, bool sure);

/* Was `tsn`, sent at `sent_at`, sent before the last that arrived? */
static inline bool wrd_sctp_rack_passed(const struct wrd_sctp_rack *rack, struct wrd_tsn tsn, wrd_time sent_at)
{
    return rack->any && (sent_at < rack->sent_at || (sent_at == rack->sent_at && wrd_tsn_lt(tsn, rack->tsn)));
}

#endif
