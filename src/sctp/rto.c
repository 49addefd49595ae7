/* SPDX-License-Identifier: MIT */
#include "sctp/rto.h"

#include "sctp/bounds.h"

#define BACKOFF_MAX 16

static wrd_time clamp(wrd_time value, wrd_time low, wrd_time high)
{
    return value < low ? low : value > high ? high : value;
}

void wrd_sctp_rto_init(struct wrd_sctp_rto *rto, wrd_time initial)
{
    *rto = (struct wrd_sctp_rto){.computed = clamp(initial, 1, WRD_SCTP_RTO_MAX)};
}

void wrd_sctp_rto_sample(struct wrd_sctp_rto *rto, wrd_time rtt)
{
    rtt = clamp(rtt, 1, WRD_SCTP_RTO_MAX);
    rto->samples++;
    rto->latest = rtt;
    if (rto->srtt == 0) {
        rto->srtt = rtt;
        rto->rttvar = rtt / 2;
    } else {
        wrd_time error = rtt > rto->srtt ? rtt - rto->srtt : rto->srtt - rtt;
        rto->rttvar = (3 * rto->rttvar + error) / 4;
        rto->srtt = (7 * rto->srtt + rtt) / 8;
    }
    /* A steady path must not bring the variance to nothing: the next delayed SACK would be taken for a loss. */
    wrd_time var = rto->rttvar > WRD_SCTP_RTO_VAR_MIN ? rto->rttvar : WRD_SCTP_RTO_VAR_MIN;
    rto->computed = clamp(rto->srtt + 4 * var, WRD_SCTP_RTO_MIN, WRD_SCTP_RTO_MAX);
    rto->backoff = 0;
}

void wrd_sctp_rto_back_off(struct wrd_sctp_rto *rto)
{
    if (rto->backoff < BACKOFF_MAX)
        rto->backoff++;
}

void wrd_sctp_rto_recover(struct wrd_sctp_rto *rto)
{
    rto->backoff = 0;
}

wrd_time wrd_sctp_rto(const struct wrd_sctp_rto *rto)
{
    wrd_time doubled = rto->computed << rto->backoff;
    wrd_time high = rto->computed > WRD_SCTP_RTO_BACKOFF_MAX ? rto->computed : WRD_SCTP_RTO_BACKOFF_MAX;
    return doubled < high ? doubled : high;
}
