/* SPDX-License-Identifier: MIT */
#include "sctp/rack.h"

#include "sctp/bounds.h"

#include <string.h>

void wrd_sctp_rack_init(struct wrd_sctp_rack *rack)
{
    memset(rack, 0, sizeof *rack);
    rack->mult = 1;
}

void wrd_sctp_rack_sample(struct wrd_sctp_rack *rack, wrd_time now, wrd_time rtt)
{
    if (rtt == 0)
        rtt = 1;
    if (rack->rtt_min_now == 0 || now - rack->rtt_min_since >= WRD_SCTP_RTT_MIN_LIFETIME) {
        rack->rtt_min_last = rack->rtt_min_now;
        rack->rtt_min_now = rtt;
        rack->rtt_min_since = now;
    } else if (rtt < rack->rtt_min_now) {
        rack->rtt_min_now = rtt;
    } else {
        return;
    }
    bool last = rack->rtt_min_last && rack->rtt_min_last < rack->rtt_min_now;
    rack->rtt_min = last ? rack->rtt_min_last : rack->rtt_min_now;
}

bool wrd_sctp_rack_arrived(struct wrd_sctp_rack *rack, wrd_time now, struct wrd_tsn tsn, wrd_time sent_at, bool again)
{
    wrd_time rtt = now > sent_at ? now - sent_at : 0;
    bool early = again && rtt < rack->rtt_min;
    if (!rack->any || wrd_tsn_lt(rack->fack, tsn))
        rack->fack = tsn;
    else if ((!again || early) && wrd_tsn_lt(tsn, rack->fack))
        rack->reordering = true;
    if (early)
        return false;
    if (!rack->any || sent_at > rack->sent_at || (sent_at == rack->sent_at && wrd_tsn_lt(rack->tsn, tsn))) {
        rack->tsn = tsn;
        rack->sent_at = sent_at;
        rack->rtt = rtt;
        rack->any = true;
    }
    return true;
}

void wrd_sctp_rack_hasty(struct wrd_sctp_rack *rack, struct wrd_tsn cumulative, struct wrd_tsn next)
{
    if (rack->widening && wrd_tsn_lt(cumulative, rack->round))
        return;
    rack->reordering = true;
    rack->widening = true;
    rack->round = next;
    rack->persist = WRD_SCTP_REORDER_PERSIST;
    if (rack->mult < UINT8_MAX)
        rack->mult++;
}

void wrd_sctp_rack_recovered(struct wrd_sctp_rack *rack)
{
    if (rack->persist > 0 && --rack->persist == 0)
        rack->mult = 1;
}

wrd_time wrd_sctp_rack_window(const struct wrd_sctp_rack *rack, wrd_time srtt, bool sure)
{
    if (!rack->reordering && sure)
        return 0;
    wrd_time base = rack->rtt_min ? rack->rtt_min : rack->rtt;
    wrd_time window = base * rack->mult / 4;
    return srtt && window > srtt ? srtt : window;
}
