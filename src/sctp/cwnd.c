/* SPDX-License-Identifier: MIT */
#include "sctp/cwnd.h"

#include "sctp/bounds.h"

/* RFC 3465: one SACK acknowledges two packets as a rule, so that L = 2 doubles each round trip. */
#define SLOW_START_STEP 2

void wrd_sctp_cwnd_init(struct wrd_sctp_cwnd *cc, size_t payload, size_t peer_rwnd)
{
    *cc = (struct wrd_sctp_cwnd){.payload = payload, .cwnd = WRD_SCTP_CWND_INITIAL * payload, .ssthresh = peer_rwnd};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

void wrd_sctp_cwnd_acked(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked)
{
    if (acked->recovering || !acked->cumulative)
        return;
    if (cc->cwnd <= cc->ssthresh) {
        if (acked->limited)
            cc->cwnd += least(acked->bytes, SLOW_START_STEP * cc->payload);
        return;
    }
    cc->partial_bytes_acked += acked->bytes;
    if (cc->partial_bytes_acked < cc->cwnd)
        return;
    if (acked->limited) {
        cc->partial_bytes_acked -= cc->cwnd;
        cc->cwnd += cc->payload;
    }
    cc->partial_bytes_acked = least(cc->partial_bytes_acked, cc->cwnd);
}

void wrd_sctp_cwnd_lost(struct wrd_sctp_cwnd *cc)
{
    cc->ssthresh = most(cc->cwnd / 2, WRD_SCTP_CWND_MIN * cc->payload);
    cc->cwnd = cc->ssthresh;
    cc->partial_bytes_acked = 0;
}

void wrd_sctp_cwnd_timeout(struct wrd_sctp_cwnd *cc, bool again)
{
    if (!again)
        cc->ssthresh = most(cc->cwnd / 2, WRD_SCTP_CWND_MIN * cc->payload);
    cc->cwnd = cc->payload;
    cc->partial_bytes_acked = 0;
}

void wrd_sctp_cwnd_idle(struct wrd_sctp_cwnd *cc, wrd_time idle, wrd_time rto)
{
    for (; idle >= rto && cc->cwnd > WRD_SCTP_CWND_MIN * cc->payload; idle -= rto)
        cc->cwnd = most(cc->cwnd / 2, WRD_SCTP_CWND_MIN * cc->payload);
}
