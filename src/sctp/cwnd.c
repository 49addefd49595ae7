/* SPDX-License-Identifier: MIT */
#include "sctp/cwnd.h"

#include "sctp/bounds.h"

/* The most full packets that one SACK adds in slow start. RFC 3465's L = 2 doubles each round trip as a rule, since a
 * SACK acknowledges two packets; with pacing more can do no harm (RFC 9406 4.2), and makes up for SACKs that are lost.
 */
#define RENO_STEP  2
#define CUBIC_STEP 8

void wrd_sctp_cwnd_init(struct wrd_sctp_cwnd *cc, enum wrd_sctp_congestion kind, size_t payload)
{
    *cc = (struct wrd_sctp_cwnd){
        .kind = kind, .payload = payload, .cwnd = WRD_SCTP_CWND_INITIAL * payload, .ssthresh = WRD_SCTP_CWND_MAX};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void slow_start(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked, size_t bytes)
{
    if (!acked->used)
        return;
    size_t step = (cc->kind == WRD_SCTP_RENO ? RENO_STEP : CUBIC_STEP) * cc->payload;
    size_t growth = least(bytes, step);
    bool first = cc->ssthresh == WRD_SCTP_CWND_MAX;
    if (first && cc->hystart.phase == WRD_SCTP_HYSTART_SLOW)
        growth /= 4;
    cc->cwnd += least(growth, cc->ssthresh - cc->cwnd);
    if (first && cc->hystart.phase == WRD_SCTP_HYSTART_DONE)
        cc->ssthresh = cc->cwnd;
}

static void reno(struct wrd_sctp_cwnd *cc, bool used, size_t bytes)
{
    cc->partial_bytes_acked += bytes;
    if (cc->partial_bytes_acked < cc->cwnd)
        return;
    if (used) {
        cc->partial_bytes_acked -= cc->cwnd;
        cc->cwnd += cc->payload;
    }
    cc->partial_bytes_acked = least(cc->partial_bytes_acked, cc->cwnd);
}

/* RFC 9937. */
static void reduce(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked)
{
    if (acked->bytes == 0)
        return;
    cc->delivered += acked->bytes;
    if (acked->in_flight > cc->ssthresh) {
        uint64_t share = (uint64_t)cc->delivered * cc->ssthresh;
        size_t due = (size_t)((share + cc->flight - 1) / cc->flight);
        cc->quota = due > cc->out ? due - cc->out : 0;
    } else {
        size_t unsent = cc->delivered > cc->out ? cc->delivered - cc->out : 0;
        cc->quota = most(unsent, acked->bytes);
        if (acked->moved && !acked->lost)
            cc->quota += cc->payload;
        cc->quota = least(cc->quota, cc->ssthresh - acked->in_flight);
    }
    if (cc->out == 0)
        cc->quota = most(cc->quota, cc->payload);
}

void wrd_sctp_cwnd_acked(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked)
{
    if (cc->ssthresh == WRD_SCTP_CWND_MAX)
        wrd_sctp_hystart_acked(&cc->hystart, acked->rtt, acked->cumulative, acked->next);
    if (cc->recovering) {
        reduce(cc, acked);
        return;
    }
    size_t bytes = cc->waiting + acked->bytes;
    cc->waiting = acked->moved ? 0 : bytes;
    if (!acked->moved)
        return;
    if (wrd_sctp_cwnd_slow_start(cc))
        slow_start(cc, acked, bytes);
    else if (cc->kind == WRD_SCTP_RENO)
        reno(cc, acked->used, bytes);
    else
        cc->cwnd = wrd_sctp_cubic_acked(&cc->cubic, acked->now, acked->srtt, cc->payload, cc->cwnd, bytes, acked->used);
    cc->cwnd = least(cc->cwnd, WRD_SCTP_CWND_MAX);
}

static void save(struct wrd_sctp_cwnd *cc)
{
    cc->can_undo = true;
    cc->saved.cwnd = cc->cwnd;
    cc->saved.ssthresh = cc->ssthresh;
    cc->saved.cubic = cc->cubic;
}

static size_t reduced(struct wrd_sctp_cwnd *cc, bool gently)
{
    size_t size = cc->kind == WRD_SCTP_RENO ? cc->cwnd / 2 : wrd_sctp_cubic_reduce(&cc->cubic, cc->cwnd, gently);
    return most(size, WRD_SCTP_CWND_MIN * cc->payload);
}

void wrd_sctp_cwnd_lost(struct wrd_sctp_cwnd *cc, size_t in_flight, bool gently)
{
    save(cc);
    cc->ssthresh = reduced(cc, gently);
    cc->cwnd = cc->ssthresh;
    cc->partial_bytes_acked = 0;
    cc->waiting = 0;
    cc->recovering = true;
    cc->flight = most(in_flight, 1);
    cc->delivered = 0;
    cc->out = 0;
    cc->quota = cc->payload;
}

void wrd_sctp_cwnd_recovered(struct wrd_sctp_cwnd *cc)
{
    cc->recovering = false;
}

void wrd_sctp_cwnd_timeout(struct wrd_sctp_cwnd *cc, bool again)
{
    if (!again)
        save(cc);
    if (!again && !cc->recovering)
        cc->ssthresh = reduced(cc, false);
    wrd_sctp_cubic_forget(&cc->cubic);
    cc->cwnd = cc->payload;
    cc->partial_bytes_acked = 0;
    cc->waiting = 0;
    cc->recovering = false;
}

void wrd_sctp_cwnd_undo(struct wrd_sctp_cwnd *cc)
{
    if (!cc->can_undo)
        return;
    cc->can_undo = false;
    cc->recovering = false;
    cc->cwnd = most(cc->cwnd, cc->saved.cwnd);
    cc->ssthresh = cc->saved.ssthresh;
    cc->cubic = cc->saved.cubic;
}

void wrd_sctp_cwnd_idle(struct wrd_sctp_cwnd *cc, wrd_time idle, wrd_time rto)
{
    size_t floor = WRD_SCTP_CWND_INITIAL * cc->payload;
    if (idle < rto || cc->cwnd <= floor)
        return;
    /* What the path carried before is where slow start leads back to (RFC 7661 4.4.1 halves, and keeps as much). */
    if (cc->ssthresh != WRD_SCTP_CWND_MAX)
        cc->ssthresh = most(cc->ssthresh, cc->cwnd / 4 * 3);
    for (; idle >= rto && cc->cwnd > floor; idle -= rto)
        cc->cwnd = most(cc->cwnd / 2, floor);
    cc->cubic.running = false;
}

void wrd_sctp_cwnd_sent(struct wrd_sctp_cwnd *cc, size_t bytes)
{
    if (!cc->recovering)
        return;
    cc->out += bytes;
    cc->quota -= least(cc->quota, bytes);
}
