/* SPDX-License-Identifier: MIT */
#include "endpoint/counters.h"

#include "endpoint/inside.h"

const wrd_time wrd_rtt_bounds[WRD_RTT_CLASSES] = {
    1 * WRD_MILLISECOND,   2 * WRD_MILLISECOND,   5 * WRD_MILLISECOND,    10 * WRD_MILLISECOND,  20 * WRD_MILLISECOND,
    35 * WRD_MILLISECOND,  50 * WRD_MILLISECOND,  75 * WRD_MILLISECOND,   100 * WRD_MILLISECOND, 150 * WRD_MILLISECOND,
    250 * WRD_MILLISECOND, 500 * WRD_MILLISECOND, 1000 * WRD_MILLISECOND, 2500 * WRD_MILLISECOND};

static void add_sctp(wrd_endpoint_counters *counters, const struct wrd_sctp *sctp)
{
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(sctp, &stats);
    counters->chunks_sent += stats.chunks_sent;
    counters->chunks_received += stats.chunks_received;
    counters->chunks_retransmitted += stats.chunks_retransmitted;
    counters->timeouts += stats.timeouts;
}

void wrd_counters_retire(wrd_endpoint_counters *counters, const struct wrd_connection *c)
{
    counters->connections--;
    if (c->sctp)
        add_sctp(counters, c->sctp);
    if (c->was_open) {
        counters->connections_closed++;
        if (c->reason == WRD_LOST)
            counters->connections_lost++;
        else if (c->reason != WRD_OK && c->reason != WRD_CLOSED && c->reason != WRD_TIMEOUT)
            counters->connections_failed++;
    } else if (c->evicted) {
        counters->handshakes_evicted++;
    } else if (c->reason == WRD_TIMEOUT) {
        counters->handshakes_timed_out++;
    } else {
        counters->handshakes_failed++;
    }
}

void wrd_counters_note_rtt(wrd_endpoint_counters *counters, wrd_time rtt)
{
    unsigned at = 0;
    while (at < WRD_RTT_CLASSES && rtt > wrd_rtt_bounds[at])
        at++;
    counters->rtt[at]++;
    counters->rtt_sum += rtt;
}

void wrd_endpoint_get_counters(const wrd_endpoint *ep, wrd_endpoint_counters *out)
{
    if (out->size != sizeof *out)
        return;
    *out = ep->counters;
    out->size = sizeof *out;
    out->memory = ep->ledger.used;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        const struct wrd_connection *c = ep->table.slots[i].connection;
        if (!c)
            continue;
        if (c->phase < WRD_PHASE_OPEN)
            out->handshakes++;
        if (c->sctp)
            add_sctp(out, c->sctp);
    }
}
