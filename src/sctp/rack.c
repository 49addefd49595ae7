/* SPDX-License-Identifier: MIT */
#include "sctp/rack.h"

#include "sctp/bounds.h"

#include <string.h>

void wrd_sctp_rack_init(struct wrd_sctp_rack *rack)
{
    memset(rack, 0, sizeof *rack);
    rack->mult = 1;
}

void wrd_sctp_least_take(struct wrd_sctp_least *least, wrd_time now, wrd_time interval, wrd_time value)
{
    if (least->current == 0 || now - least->since >= interval) {
        least->last = least->current;
        least->current = value;
        least->since = now;
    } else if (value < least->current) {
        least->current = value;
    }
    least->value = least->last && least->last < least->current ? least->last : least->current;
}

void wrd_sctp_rack_sample(struct wrd_sctp_rack *rack, wrd_time now, wrd_time rtt)
{
    wrd_time value = rtt ? rtt : 1;
    wrd_sctp_least_take(&rack->rtt_min, now, WRD_SCTP_RTT_MIN_LIFETIME, value);
    wrd_sctp_least_take(&rack->rtt_recent, now, rack->rtt_min.value, value);
}

bool wrd_sctp_rack_no_queue(const struct wrd_sctp_rack *rack)
{
    wrd_time least = rack->rtt_min.value;
    return least > 0 && rack->rtt_recent.value <= least + least / 16 + WRD_MILLISECOND;
}

bool wrd_sctp_rack_arrived(struct wrd_sctp_rack *rack, wrd_time now, struct wrd_tsn tsn, wrd_time sent_at, bool again)
{
    wrd_time rtt = now > sent_at ? now - sent_at : 0;
    bool early = again && rtt < rack->rtt_min.value;
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
    wrd_time base = rack->rtt_min.value ? rack->rtt_min.value : rack->rtt;
    wrd_time window = base * rack->mult / 4;
    return srtt && window > srtt ? srtt : window;
}
