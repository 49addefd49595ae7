/* SPDX-License-Identifier: MIT */
#include "sctp/pacer.h"

#include "sctp/bounds.h"

/* In tenths of a window for each round trip. */
#define FACTOR            12
#define FACTOR_SLOW_START 20

/* Above this a bucket says nothing; it also keeps products within 64 bits. */
#define RATE_MAX ((uint64_t)1 << 36)

/* Bytes that are worth an entry; what they are rounded off by is not much of it. */
#define GAIN_MIN 64

void wrd_sctp_pacer_set(struct wrd_sctp_pacer *pacer, size_t cwnd, wrd_time srtt, bool slow_start)
{
    if (srtt <= WRD_SCTP_PACE_QUANTUM) {
        pacer->rate = 0;
        return;
    }
    uint64_t tenths = (uint64_t)cwnd * (slow_start ? FACTOR_SLOW_START : FACTOR);
    uint64_t rate = tenths * (WRD_SECOND / 10) / srtt;
    pacer->rate = rate < 1 ? 1 : rate > RATE_MAX ? RATE_MAX : rate;
}

static uint64_t quantum(const struct wrd_sctp_pacer *pacer)
{
    return pacer->rate * WRD_SCTP_PACE_QUANTUM / WRD_SECOND;
}

void wrd_sctp_pacer_fill(struct wrd_sctp_pacer *pacer, wrd_time now, size_t payload)
{
    wrd_time elapsed = now > pacer->since ? now - pacer->since : 0;
    elapsed = elapsed < WRD_SCTP_RTO_MAX ? elapsed : WRD_SCTP_RTO_MAX;
    uint64_t gained = pacer->rate * elapsed / WRD_SECOND;
    if (gained < GAIN_MIN && elapsed < WRD_SCTP_RTO_MAX && pacer->rate > 0)
        return;
    pacer->since = now;
    uint64_t most = quantum(pacer);
    most = most > WRD_SCTP_BURST * payload ? most : WRD_SCTP_BURST * payload;
    pacer->credit += (int64_t)gained;
    if (pacer->credit > (int64_t)most || pacer->rate == 0)
        pacer->credit = (int64_t)most;
}

wrd_time wrd_sctp_pacer_next(const struct wrd_sctp_pacer *pacer, size_t payload)
{
    uint64_t worth = quantum(pacer) / 2;
    worth = worth < payload ? payload : worth;
    uint64_t missing = (uint64_t)((int64_t)worth - pacer->credit);
    return pacer->since + missing * WRD_SECOND / pacer->rate + 1;
}
