/* SPDX-License-Identifier: MIT */
#include "sctp/tx_abandon.h"

#include "base/check.h"
#include "sctp/packet.h"

#define FORWARD_HEADER_SIZE ((size_t)8)

#define SLOTS 1024 /* of the table of skipped messages; a power of two, and more than twice the entries */

_Static_assert(SLOTS >= 2 * WRD_SCTP_FORWARD_SKIPS_MAX, "the table is never full");

static struct wrd_sctp_sent *sent_at(const struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    return &flight->ring[tsn.v & flight->mask];
}

/* ---- Giving up ---- */

static void abandon_chunk(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    const struct wrd_sctp_outgoing *message = sent->message;
    wrd_sctp_flight_abandon(flight, tsn);
    sent->message = NULL;
    sent->mid = message->mid;
    sent->stream = message->stream;
}

/* Every outstanding chunk of `message`; `tsn` is one of them, or the one after the last. */
static void abandon_chunks(struct wrd_sctp_flight *flight, const struct wrd_sctp_outgoing *message, struct wrd_tsn tsn)
{
    struct wrd_tsn at = tsn;
    bool begins = wrd_tsn_lt(tsn, flight->next) && sent_at(flight, tsn)->message == message &&
                  sent_at(flight, tsn)->flags & WRD_SCTP_BEGIN;
    while (!begins && wrd_tsn_lt(wrd_tsn_add(flight->cumulative, 1), at)) {
        at = wrd_tsn(at.v - 1);
        const struct wrd_sctp_sent *sent = sent_at(flight, at);
        if (sent->message != message)
            continue;
        begins = sent->flags & WRD_SCTP_BEGIN;
        abandon_chunk(flight, at);
    }
    bool ends = false;
    for (at = tsn; !ends && wrd_tsn_lt(at, flight->next); at = wrd_tsn_add(at, 1)) {
        const struct wrd_sctp_sent *sent = sent_at(flight, at);
        if (sent->message != message)
            continue;
        ends = sent->flags & WRD_SCTP_END;
        abandon_chunk(flight, at);
    }
}

bool wrd_sctp_abandon(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight,
                      struct wrd_sctp_outgoing *message, struct wrd_tsn tsn)
{
    /* The peer may have every chunk that was sent, and would wait for the rest: a TSN that stands for it is skipped. */
    if (message->cut < message->len && !wrd_sctp_flight_skip(flight, message))
        return false;
    abandon_chunks(flight, message, tsn);
    wrd_sctp_queue_give_up(flight->queue, message);
    abandon->due = abandon->news = true;
    return true;
}

void wrd_sctp_abandon_lost(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now)
{
    if (!flight->queue->rules.expiring)
        return;
    struct wrd_sctp_data lost;
    while (wrd_sctp_flight_lost(flight, &lost) && !wrd_sctp_flight_may_repeat(flight, now, lost.tsn)) {
        if (!wrd_sctp_abandon(abandon, flight, sent_at(flight, lost.tsn)->message, lost.tsn))
            return;
    }
}

void wrd_sctp_abandon_late(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now)
{
    if (!flight->queue->rules.expiring)
        return;
    wrd_sctp_abandon_lost(abandon, flight, now);
    for (;;) {
        struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(flight->queue, now);
        if (!message || message->cut == 0 || !wrd_sctp_queue_is_late(flight->queue, message, now))
            return;
        if (!wrd_sctp_abandon(abandon, flight, message, flight->next))
            return;
    }
}

void wrd_sctp_abandon_expire(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now)
{
    struct wrd_sctp_outgoing *message;
    /* One that cannot be given up yet is looked at again when its next chunk is cut. */
    while ((message = wrd_sctp_queue_expire(flight->queue, now)))
        (void)wrd_sctp_abandon(abandon, flight, message, flight->next);
}

void wrd_sctp_abandon_timeout(struct wrd_sctp_abandon *abandon)
{
    abandon->due = abandon->repeat = true;
}

/* ---- Telling the peer ---- */

struct skip {
    uint32_t mid;
    uint16_t stream;
    bool unordered;
};

struct skips {
    struct skip list[WRD_SCTP_FORWARD_SKIPS_MAX];
    uint16_t slots[SLOTS]; /* index in `list`, plus one; by stream and kind */
    size_t count, max;
};

/* The highest message of its stream counts. False: there is no room for another stream. */
static bool note_skip(struct skips *skips, const struct wrd_sctp_sent *sent)
{
    bool unordered = sent->flags & WRD_SCTP_UNORDERED;
    uint32_t slot = ((uint32_t)(sent->stream * 2 + unordered) * 0x9e3779b1u) / (UINT32_MAX / SLOTS + 1);
    while (skips->slots[slot]) {
        struct skip *skip = &skips->list[skips->slots[slot] - 1];
        if (skip->stream == sent->stream && skip->unordered == unordered) {
            if ((int32_t)(sent->mid - skip->mid) > 0)
                skip->mid = sent->mid;
            return true;
        }
        slot = (slot + 1) % SLOTS;
    }
    if (skips->count == skips->max)
        return false;
    skips->list[skips->count] = (struct skip){.mid = sent->mid, .stream = sent->stream, .unordered = unordered};
    skips->slots[slot] = (uint16_t)++skips->count;
    return true;
}

/* The Advanced.Peer.Ack.Point (RFC 3758 3.5), as far as `skips` has room for its streams. */
static struct wrd_tsn advance(const struct wrd_sctp_flight *flight, const struct wrd_sctp_forward *forward,
                              struct skips *skips)
{
    struct wrd_tsn point = flight->cumulative;
    bool limited = forward->limited && wrd_tsn_lt(flight->cumulative, forward->limit);
    while (!limited || !wrd_tsn_eq(point, forward->limit)) {
        struct wrd_tsn next = wrd_tsn_add(point, 1);
        if (wrd_tsn_eq(next, flight->next) || !sent_at(flight, next)->abandoned)
            break;
        const struct wrd_sctp_sent *sent = sent_at(flight, next);
        /* Without interleaving unordered messages have no number to tell. */
        bool is_told = forward->interleaving || !(sent->flags & WRD_SCTP_UNORDERED);
        if (is_told && !note_skip(skips, sent))
            break;
        point = next;
    }
    return point;
}

static void write_skips(const struct skips *skips, bool interleaving, struct wrd_writer *wr)
{
    for (size_t i = 0; i < skips->count; i++) {
        const struct skip *skip = &skips->list[i];
        wrd_wr16(wr, skip->stream);
        if (interleaving) {
            wrd_wr16(wr, skip->unordered);
            wrd_wr32(wr, skip->mid);
        } else {
            wrd_wr16(wr, (uint16_t)skip->mid);
        }
    }
}

/* It would be told the same again: not worth a look at all that was given up for each of its SACKs. */
static bool is_told(const struct wrd_sctp_abandon *abandon, const struct wrd_sctp_flight *flight, wrd_time now,
                    wrd_time pause)
{
    return abandon->told > 0 && !abandon->news && !abandon->repeat && wrd_tsn_lt(flight->cumulative, abandon->upto) &&
           now - abandon->told < pause;
}

void wrd_sctp_abandon_write(struct wrd_sctp_abandon *abandon, const struct wrd_sctp_flight *flight, wrd_time now,
                            const struct wrd_sctp_forward *forward, struct wrd_writer *wr)
{
    size_t room = wr->cap - wr->len;
    size_t each = forward->interleaving ? 8 : 4;
    if (!abandon->due || room < FORWARD_HEADER_SIZE + each || is_told(abandon, flight, now, forward->pause))
        return;
    struct wrd_tsn first = wrd_tsn_add(flight->cumulative, 1);
    if (wrd_tsn_eq(first, flight->next) || !sent_at(flight, first)->abandoned) {
        abandon->due = abandon->repeat = false;
        return;
    }
    struct skips skips = {.max = (room - FORWARD_HEADER_SIZE) / each};
    if (skips.max > WRD_SCTP_FORWARD_SKIPS_MAX)
        skips.max = WRD_SCTP_FORWARD_SKIPS_MAX;
    struct wrd_tsn point = advance(flight, forward, &skips);
    bool is_news = abandon->told == 0 || wrd_tsn_lt(abandon->upto, point);
    if (!is_news && !abandon->repeat && now - abandon->told < forward->pause)
        return;
    size_t start = wrd_sctp_chunk_begin(wr, forward->interleaving ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN, 0);
    wrd_wr32(wr, point.v);
    write_skips(&skips, forward->interleaving, wr);
    wrd_sctp_chunk_end(wr, start);
    abandon->due = abandon->repeat = false;
    abandon->news = skips.count == skips.max;
    abandon->told = now;
    abandon->upto = point;
}
