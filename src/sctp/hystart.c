/* SPDX-License-Identifier: MIT */
#include "sctp/hystart.h"

/* RFC 9406 4.3. */
#define RTT_RISE_MIN  (4 * WRD_MILLISECOND)
#define RTT_RISE_MAX  (16 * WRD_MILLISECOND)
#define RTT_RISE_PART 8
#define SAMPLES       8
#define SLOW_ROUNDS   5

static wrd_time rise(wrd_time rtt)
{
    wrd_time part = rtt / RTT_RISE_PART;
    return part < RTT_RISE_MIN ? RTT_RISE_MIN : part > RTT_RISE_MAX ? RTT_RISE_MAX : part;
}

static void begin_round(struct wrd_sctp_hystart *hs, struct wrd_tsn next)
{
    hs->in_round = true;
    hs->round_end = next;
    hs->last_rtt = hs->rtt;
    hs->rtt = 0;
    hs->samples = 0;
}

void wrd_sctp_hystart_acked(struct wrd_sctp_hystart *hs, wrd_time rtt, struct wrd_tsn cumulative, struct wrd_tsn next)
{
    if (hs->phase == WRD_SCTP_HYSTART_DONE)
        return;
    /* `round_end` is the first TSN that was sent after the round began. */
    if (!hs->in_round || wrd_tsn_le(hs->round_end, cumulative)) {
        if (hs->phase == WRD_SCTP_HYSTART_SLOW && ++hs->rounds >= SLOW_ROUNDS) {
            hs->phase = WRD_SCTP_HYSTART_DONE;
            return;
        }
        begin_round(hs, next);
    }
    if (rtt == 0)
        return;
    hs->rtt = hs->rtt && hs->rtt < rtt ? hs->rtt : rtt;
    if (hs->samples < SAMPLES && ++hs->samples < SAMPLES)
        return;
    if (hs->phase == WRD_SCTP_HYSTART_FAST && hs->last_rtt && hs->rtt >= hs->last_rtt + rise(hs->last_rtt)) {
        hs->phase = WRD_SCTP_HYSTART_SLOW;
        hs->baseline = hs->rtt;
        hs->rounds = 0;
    } else if (hs->phase == WRD_SCTP_HYSTART_SLOW && hs->rtt < hs->baseline) {
        hs->phase = WRD_SCTP_HYSTART_FAST;
    }
}
