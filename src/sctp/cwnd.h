/* SPDX-License-Identifier: MIT */
/*
 * How many bytes may be in flight. Slow start, reduction and idleness are common; Reno (RFC 9260 7.2) and CUBIC
 * (RFC 9438) differ in how much they give up and how they grow again. While losses are repaired the window shrinks
 * with what arrives, not at once (PRR, RFC 9937).
 */
#ifndef WRD_SCTP_CWND_H
#define WRD_SCTP_CWND_H

#include "sctp/cubic.h"
#include "sctp/hystart.h"
#include "sctp/sctp.h"

/* What a slow-down took away. */
struct wrd_sctp_saved {
    size_t cwnd, ssthresh;
    struct wrd_sctp_cubic cubic;
};

struct wrd_sctp_cwnd {
    enum wrd_sctp_congestion kind;
    size_t payload; /* of a full packet */
    size_t cwnd, ssthresh;
    size_t waiting;             /* bytes acknowledged by SACKs that did not move the cumulative TSN */
    size_t partial_bytes_acked; /* Reno's, 7.2.2 */
    struct wrd_sctp_cubic cubic;
    struct wrd_sctp_hystart hystart;

    bool recovering;
    size_t flight;    /* when recovery began */
    size_t delivered; /* since */
    size_t out;       /* sent since */
    size_t quota;     /* may still be sent for what was delivered */

    bool can_undo;
    struct wrd_sctp_saved saved;
};

/* What one SACK meant to congestion control. */
struct wrd_sctp_acked {
    wrd_time now;
    size_t bytes;     /* acknowledged for the first time */
    size_t in_flight; /* still */
    bool used;        /* what it acknowledges was sent when the window was full */
    bool moved;       /* the cumulative TSN */
    bool lost;        /* it showed a loss */
    wrd_time rtt;     /* a sample, or 0 */
    wrd_time srtt;
    struct wrd_tsn cumulative, next;
};

void wrd_sctp_cwnd_init(struct wrd_sctp_cwnd *cc, enum wrd_sctp_congestion kind, size_t payload);
void wrd_sctp_cwnd_acked(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked);
/* Something is lost that was in flight with `in_flight` bytes in all: recovery begins. `gently`: a single packet, while
 * nothing tells of a queue; more likely it was damaged on the way than dropped for want of room. */
void wrd_sctp_cwnd_lost(struct wrd_sctp_cwnd *cc, size_t in_flight, bool gently);
/* All that was in flight when recovery began is acknowledged. */
void wrd_sctp_cwnd_recovered(struct wrd_sctp_cwnd *cc);
/* T3 expired (7.2.3); `again`: before anything sent since the last expiry was acknowledged. */
void wrd_sctp_cwnd_timeout(struct wrd_sctp_cwnd *cc, bool again);
/* The last of these two was for nothing. */
void wrd_sctp_cwnd_undo(struct wrd_sctp_cwnd *cc);
/* Nothing was sent for `idle` (7.2.1). */
void wrd_sctp_cwnd_idle(struct wrd_sctp_cwnd *cc, wrd_time idle, wrd_time rto);
void wrd_sctp_cwnd_sent(struct wrd_sctp_cwnd *cc, size_t bytes);

static inline bool wrd_sctp_cwnd_open(const struct wrd_sctp_cwnd *cc, size_t in_flight)
{
    return cc->recovering ? cc->quota > 0 : in_flight < cc->cwnd;
}

static inline bool wrd_sctp_cwnd_slow_start(const struct wrd_sctp_cwnd *cc)
{
    return cc->cwnd < cc->ssthresh;
}

#endif
