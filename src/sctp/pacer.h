/* SPDX-License-Identifier: MIT */
/* When the next packet may leave, so that a window does not leave at once: a bucket that fills at a rate. */
#ifndef WRD_SCTP_PACER_H
#define WRD_SCTP_PACER_H

#include "wrd/base.h"

struct wrd_sctp_pacer {
    uint64_t rate;  /* bytes per second; 0: without limit, as for a round trip that is too short to be divided */
    int64_t credit; /* bytes that may leave; a packet may leave while it is above 0 */
    wrd_time since; /* when `credit` was right */
};

/* A window each round trip, a little faster so that the window is what limits, and twice as fast in slow start. */
void wrd_sctp_pacer_set(struct wrd_sctp_pacer *pacer, size_t cwnd, wrd_time srtt, bool slow_start);
/* Brings `credit` to `now`. */
void wrd_sctp_pacer_fill(struct wrd_sctp_pacer *pacer, wrd_time now, size_t payload);
/* When it is worth to look again after `credit` ran out. */
wrd_time wrd_sctp_pacer_next(const struct wrd_sctp_pacer *pacer, size_t payload);

static inline bool wrd_sctp_pacer_open(const struct wrd_sctp_pacer *pacer)
{
    return pacer->rate == 0 || pacer->credit > 0;
}

static inline void wrd_sctp_pacer_sent(struct wrd_sctp_pacer *pacer, size_t bytes)
{
    if (pacer->rate > 0)
        pacer->credit -= (int64_t)bytes;
}

#endif
