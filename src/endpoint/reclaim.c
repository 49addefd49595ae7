/* SPDX-License-Identifier: MIT */
/* When memory is short: who has to go, so that others can come. */
#include "endpoint/inside.h"
#include "endpoint/messages.h"

/*
 * Whoever holds more than an even share of half the limit, and in such a time neither brings nor takes one part in so
 * many of it, may be sent away for it: at that rate what it holds would lie for more than five minutes. So an honest
 * one may be as slow as 26 kbit/s for each MiB it holds: 420 kbit/s in the middle of a message of 16 MiB, twice that
 * while another waits for the echo of the first. To hold 768 MiB, three quarters of the default limit, costs 20 Mbit/s
 * all the time. All who hold less than their share leave a quarter of the limit to newcomers, with what the endpoint
 * has besides. An idle one holds half of HOARD_LEAST at most, and nobody is blamed for less.
 */
#define HOARD_LEAST ((size_t)8 * 1024)
#define HOARD_MOST  ((size_t)256 * 1024)
#define HOARD_TIME  (5 * WRD_SECOND)
#define HOARD_PART  64
/* A look goes over every connection. */
#define LOOK_INTERVAL (50 * WRD_MILLISECOND)

static size_t fair_share(const struct wrd_endpoint *ep)
{
    size_t even = ep->ledger.limit / 2 / (ep->counters.connections + 1u);
    return even < HOARD_LEAST ? HOARD_LEAST : even > HOARD_MOST ? HOARD_MOST : even;
}

/* Keeps how much came and went in the last period. Chunks count with their headers: small messages take much memory for
 * their few bytes. */
static void measure(struct wrd_connection *c, wrd_time now)
{
    if (c->judged_at > 0 && now < c->judged_at + HOARD_TIME)
        return;
    uint64_t moved = wrd_sctp_carried(c->sctp);
    c->moved = c->judged_at > 0 ? moved - c->moved_then : UINT64_MAX;
    c->moved_then = moved;
    c->judged_at = now;
}

/* What the peer is to answer for. That a message waits for the application is not its fault, unless the application
 * waits for it to take something first. */
static size_t held_by(struct wrd_connection *c, wrd_time now)
{
    wrd_message message;
    if (!wrd_connection_is_blocked(c) && wrd_connection_look(c, now, &message))
        return wrd_connection_buffered(c);
    return c->account.used;
}

/* Does it hold what it lets lie, a message that it never ends or never takes? What it only might need again is given
 * back first. */
static bool hoards(struct wrd_connection *c, wrd_time now, size_t share)
{
    if (!c->was_open || c->phase == WRD_PHASE_ENDED || c->account.used < share) {
        c->judged_at = 0;
        return false;
    }
    measure(c, now);
    if (c->moved >= c->account.used / HOARD_PART)
        return false;
    wrd_connection_shrink(c);
    size_t held = held_by(c, now);
    return c->phase != WRD_PHASE_ENDED && held >= share && c->moved < held / HOARD_PART;
}

void wrd_endpoint_reclaim(struct wrd_endpoint *ep)
{
    struct wrd_connection *most = NULL;
    if (ep->now < ep->reclaim_after)
        return;
    ep->reclaim_after = ep->now + LOOK_INTERVAL;
    size_t share = fair_share(ep);
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (!c)
            continue;
        bool ended = c->phase == WRD_PHASE_ENDED;
        if (hoards(c, ep->now, share) && (!most || c->account.used > most->account.used))
            most = c;
        else if (!ended && c->phase == WRD_PHASE_ENDED) /* the look found a frame that is none */
            wrd_endpoint_settle(ep, c);
    }
    if (!most)
        return;
    wrd_connection_end(most, ep->now, WRD_NO_MEMORY, "memory was short, and this connection held most without using it");
    wrd_endpoint_settle(ep, most);
}
