/* SPDX-License-Identifier: MIT */
/* When memory is short: who has to go, so that others can come. */
#include "endpoint/inside.h"
#include "endpoint/messages.h"

/* Whoever holds so much, and takes and gives less than so many chunks in such a time, may be sent away for it. */
#define HOARD_MIN    ((size_t)256 * 1024)
#define HOARD_TIME   (5 * WRD_SECOND)
#define HOARD_CHUNKS 64
/* A look goes over every connection. */
#define LOOK_INTERVAL (50 * WRD_MILLISECOND)

/* Does it hold what it lets lie, a message that it never ends or never takes? What waits for the application is not its
 * fault. */
static bool hoards(struct wrd_connection *c, wrd_time now)
{
    struct wrd_sctp_stats stats;
    wrd_message message;
    if (!c->was_open || c->phase == WRD_PHASE_ENDED || c->account.used < HOARD_MIN) {
        c->judged_at = 0;
        c->hoards = false;
        return false;
    }
    if (c->judged_at == 0 || now >= c->judged_at + HOARD_TIME) {
        wrd_sctp_get_stats(c->sctp, &stats);
        uint64_t chunks = stats.chunks_received + stats.chunks_sent;
        c->hoards = c->judged_at != 0 && chunks - c->chunks_then < HOARD_CHUNKS;
        c->judged_at = now;
        c->chunks_then = chunks;
    }
    return c->hoards && !wrd_connection_look(c, now, &message);
}

void wrd_endpoint_reclaim(struct wrd_endpoint *ep)
{
    struct wrd_connection *most = NULL;
    if (ep->now < ep->reclaim_after)
        return;
    ep->reclaim_after = ep->now + LOOK_INTERVAL;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (!c)
            continue;
        bool ended = c->phase == WRD_PHASE_ENDED;
        if (hoards(c, ep->now) && (!most || c->account.used > most->account.used))
            most = c;
        else if (!ended && c->phase == WRD_PHASE_ENDED) /* the look found a frame that is none */
            wrd_endpoint_settle(ep, c);
    }
    if (!most)
        return;
    wrd_connection_end(most, ep->now, WRD_NO_MEMORY, "memory was short, and this connection held most without using it");
    wrd_endpoint_settle(ep, most);
}
