/* SPDX-License-Identifier: MIT */
#include "sctp/tx_flight.h"

#define BITMAPS 3

static bool widen(struct wrd_sctp_flight *flight)
{
    uint32_t old_count = flight->ring ? flight->mask + 1 : 0;
    uint32_t count = old_count ? old_count * 2 : WRD_SCTP_TSN_WINDOW_MIN;
    if (count > WRD_SCTP_TSN_WINDOW)
        return false;
    const wrd_env *env = flight->queue->pool->env;
    size_t words = count / 64;
    struct wrd_sctp_sent *ring = wrd_mem_alloc(env, count * sizeof *ring);
    uint64_t *bits = wrd_mem_zalloc(env, BITMAPS * words * sizeof *bits);
    if (!ring || !bits) {
        wrd_mem_free(env, ring, count * sizeof *ring);
        wrd_mem_free(env, bits, BITMAPS * words * sizeof *bits);
        return false;
    }
    struct wrd_sctp_bitmap held = {.words = bits, .mask = count - 1};
    struct wrd_sctp_bitmap lost = {.words = bits + words, .mask = count - 1};
    struct wrd_sctp_bitmap once = {.words = bits + 2 * words, .mask = count - 1};
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        ring[tsn.v & (count - 1)] = flight->ring[tsn.v & flight->mask];
        if (wrd_sctp_bit(&flight->held, tsn))
            wrd_sctp_bit_set(&held, tsn);
        if (wrd_sctp_bit(&flight->lost, tsn))
            wrd_sctp_bit_set(&lost, tsn);
        if (wrd_sctp_bit(&flight->once, tsn))
            wrd_sctp_bit_set(&once, tsn);
    }
    wrd_mem_free(env, flight->ring, old_count * sizeof *ring);
    wrd_mem_free(env, flight->words, BITMAPS * (size_t)(old_count / 64) * sizeof *bits);
    flight->ring = ring;
    flight->words = bits;
    flight->held = held;
    flight->lost = lost;
    flight->once = once;
    flight->mask = count - 1;
    flight->recorded = wrd_tsn_add(flight->cumulative, 1);
    return true;
}

void wrd_sctp_flight_init(struct wrd_sctp_flight *flight, struct wrd_sctp_queue *queue, struct wrd_tsn initial)
{
    memset(flight, 0, sizeof *flight);
    flight->queue = queue;
    flight->next = initial;
    flight->cumulative = wrd_tsn(initial.v - 1);
    wrd_sctp_rack_init(&flight->rack);
}

static struct wrd_sctp_sent *sent_at(const struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    return &flight->ring[tsn.v & flight->mask];
}

void wrd_sctp_flight_free(struct wrd_sctp_flight *flight)
{
    if (!flight->ring)
        return;
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        /* A message that is still being cut is its queue's to free. */
        if (sent->message && sent->message->cut == sent->message->len)
            wrd_sctp_queue_acked(flight->queue, sent->message, sent->len);
    }
    flight->cumulative = wrd_tsn(flight->next.v - 1);
    wrd_sctp_flight_idle(flight);
}

void wrd_sctp_flight_idle(struct wrd_sctp_flight *flight)
{
    if (!flight->ring || wrd_sctp_flight_count(flight) > 0)
        return;
    const wrd_env *env = flight->queue->pool->env;
    size_t count = (size_t)flight->mask + 1;
    wrd_mem_free(env, flight->ring, count * sizeof *flight->ring);
    wrd_mem_free(env, flight->words, BITMAPS * (count / 64) * sizeof *flight->words);
    flight->ring = NULL;
    flight->words = NULL;
    flight->mask = 0;
}

enum wrd_sctp_twice wrd_sctp_flight_twice(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    if (!flight->ring || wrd_tsn_lt(tsn, flight->recorded) || !wrd_tsn_lt(tsn, flight->next) ||
        (uint32_t)wrd_tsn_diff(flight->next, tsn) > flight->mask + 1)
        return WRD_SCTP_TWICE_UNKNOWN;
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (sent->told_twice)
        return WRD_SCTP_TWICE_UNKNOWN;
    sent->told_twice = true;
    return sent->sends > 1 ? WRD_SCTP_TWICE_NEEDLESSLY : WRD_SCTP_TWICE_NETWORK;
}

/* ---- The chain of what was sent again ---- */

static void join_chain(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    uint16_t at = (uint16_t)tsn.v;
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (flight->again.count++ == 0)
        flight->again.oldest = at;
    else
        flight->ring[flight->again.newest & flight->mask].newer = at;
    sent->older = flight->again.newest;
    flight->again.newest = at;
}

static void leave_chain(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    uint16_t at = (uint16_t)tsn.v;
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(flight->again.count > 0);
    flight->again.count--;
    if (at == flight->again.oldest)
        flight->again.oldest = sent->newer;
    else
        flight->ring[sent->older & flight->mask].newer = sent->newer;
    if (at == flight->again.newest)
        flight->again.newest = sent->older;
    else
        flight->ring[sent->newer & flight->mask].older = sent->older;
}

/* The TSN in the window that ends with these bits: no window is as wide as they count. */
static struct wrd_tsn chained(const struct wrd_sctp_flight *flight, uint16_t at)
{
    return wrd_tsn_add(flight->cumulative, (uint16_t)(at - (uint16_t)flight->cumulative.v));
}

void wrd_sctp_flight_restart(struct wrd_sctp_flight *flight, struct wrd_tsn initial)
{
    struct wrd_tsn tsn = flight->next;
    while (wrd_tsn_diff(tsn, flight->cumulative) > 1) {
        tsn = wrd_tsn(tsn.v - 1);
        struct wrd_sctp_outgoing *message = sent_at(flight, tsn)->message;
        if (message && message->cut > 0) /* else one of its later chunks brought it back, or it was given up */
            wrd_sctp_queue_requeue(flight->queue, message);
    }
    flight->cumulative = wrd_tsn(flight->next.v - 1);
    wrd_sctp_flight_idle(flight);
    wrd_sctp_flight_init(flight, flight->queue, initial);
}

static void describe(const struct wrd_sctp_sent *sent, struct wrd_tsn tsn, struct wrd_sctp_data *out)
{
    const struct wrd_sctp_outgoing *message = sent->message;
    *out = (struct wrd_sctp_data){.tsn = tsn,
                                  .stream = message->stream,
                                  .ssn = {message->unordered ? 0 : (uint16_t)message->mid},
                                  .mid = message->mid,
                                  .fsn = sent->fsn,
                                  .ppid = message->ppid,
                                  .flags = sent->flags,
                                  .bytes = wrd_sctp_outgoing_bytes(message) + sent->offset,
                                  .len = sent->len};
}

bool wrd_sctp_flight_push(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_sctp_outgoing *message, size_t len,
                          struct wrd_sctp_data *out)
{
    /* The last TSN of the ring stays free, so that gap offsets fit 16 bits and the scans their window. */
    if (wrd_sctp_flight_count(flight) >= flight->mask && !widen(flight))
        return false; /* also without a ring, whose mask is 0 */
    WRD_ASSERT(len > 0 && len <= message->len - message->cut && len <= UINT16_MAX);
    struct wrd_tsn tsn = flight->next;
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    *sent = (struct wrd_sctp_sent){.message = message,
                                   .sent_at = now,
                                   .offset = message->cut,
                                   .fsn = message->pieces,
                                   .len = (uint16_t)len,
                                   .sends = 1};
    sent->flags = message->unordered ? WRD_SCTP_UNORDERED : 0;
    if (message->cut == 0)
        sent->flags |= WRD_SCTP_BEGIN;
    if (message->cut + len == message->len)
        sent->flags |= WRD_SCTP_END;
    wrd_sctp_queue_cut(flight->queue, len);
    wrd_sctp_bit_set(&flight->once, tsn);
    flight->bytes += len;
    flight->next = wrd_tsn_add(tsn, 1);
    if (!flight->timing) {
        flight->timing = true;
        flight->timed = tsn;
        flight->timed_since = now;
    }
    describe(sent, tsn, out);
    return true;
}

bool wrd_sctp_flight_skip(struct wrd_sctp_flight *flight, const struct wrd_sctp_outgoing *message)
{
    if (wrd_sctp_flight_count(flight) >= flight->mask && !widen(flight))
        return false;
    *sent_at(flight, flight->next) = (struct wrd_sctp_sent){.mid = message->mid,
                                                            .stream = message->stream,
                                                            .sends = 1,
                                                            .flags = message->unordered ? WRD_SCTP_UNORDERED : 0,
                                                            .abandoned = true};
    wrd_sctp_bit_set(&flight->held, flight->next);
    flight->next = wrd_tsn_add(flight->next, 1);
    return true;
}

bool wrd_sctp_flight_lost(const struct wrd_sctp_flight *flight, struct wrd_sctp_data *out)
{
    if (flight->lost_count == 0)
        return false;
    struct wrd_tsn from = wrd_tsn_add(flight->cumulative, 1);
    uint32_t count = wrd_sctp_flight_count(flight);
    uint32_t at = wrd_sctp_bit_find(&flight->lost, from, count, true);
    WRD_ASSERT(at < count);
    struct wrd_tsn tsn = wrd_tsn_add(from, at);
    describe(sent_at(flight, tsn), tsn, out);
    return true;
}

static void forget_timing(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    /* Karn: the answer to a chunk sent twice measures nothing. */
    if (flight->timing && wrd_tsn_eq(flight->timed, tsn))
        flight->timing = false;
}

void wrd_sctp_flight_resent(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn)
{
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(wrd_sctp_bit(&flight->lost, tsn) && flight->lost_count > 0);
    wrd_sctp_bit_clear(&flight->lost, tsn);
    flight->lost_count--;
    flight->bytes += sent->len;
    sent->sent_at = now;
    if (sent->sends < UINT16_MAX)
        sent->sends++;
    join_chain(flight, tsn);
    forget_timing(flight, tsn);
}

static void leave_flight(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(flight->bytes >= sent->len);
    flight->bytes -= sent->len;
    if (wrd_sctp_bit(&flight->once, tsn))
        wrd_sctp_bit_clear(&flight->once, tsn);
    else
        leave_chain(flight, tsn);
}

/* It neither is in flight any more nor is to be sent again. */
static void take_back(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    if (wrd_sctp_bit(&flight->lost, tsn)) {
        wrd_sctp_bit_clear(&flight->lost, tsn);
        flight->lost_count--;
    } else {
        leave_flight(flight, tsn);
    }
}

static void mark_lost(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    wrd_sctp_bit_set(&flight->lost, tsn);
    flight->lost_count++;
}

/* ---- SACK ---- */

void wrd_sctp_flight_abandon(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(wrd_tsn_lt(flight->cumulative, tsn) && wrd_tsn_lt(tsn, flight->next) && !sent->abandoned);
    sent->abandoned = true;
    if (wrd_sctp_bit(&flight->held, tsn))
        flight->held_bytes -= sent->len;
    else
        take_back(flight, tsn);
    wrd_sctp_bit_set(&flight->held, tsn);
    forget_timing(flight, tsn);
}

struct gap {
    uint32_t start, end; /* offsets from the SACK's cumulative TSN */
};

static struct gap gap_at(const struct wrd_sctp_sack *sack, size_t i)
{
    return (struct gap){.start = wrd_load16be(sack->gaps + 4 * i), .end = wrd_load16be(sack->gaps + 4 * i + 2)};
}

/* `*gaps` of its blocks are to be read: those that follow name more than is out, so they overlap (RFC 9260 3.3.4), and
 * would have all of it looked at again. What is left out comes again with a later SACK. */
static bool is_plausible(const struct wrd_sctp_flight *flight, const struct wrd_sctp_sack *sack, size_t *gaps)
{
    if (wrd_tsn_lt(sack->cumulative, flight->cumulative) || !wrd_tsn_lt(sack->cumulative, flight->next))
        return false;
    uint32_t outstanding = flight->next.v - sack->cumulative.v - 1, named = 0;
    for (*gaps = 0; *gaps < sack->gap_count && *gaps < WRD_SCTP_GAP_BLOCKS_MAX; ++*gaps) {
        struct gap gap = gap_at(sack, *gaps);
        if (gap.start == 0 || gap.start > gap.end || gap.end > outstanding)
            return false;
        named += gap.end - gap.start + 1;
        if (named > outstanding)
            break;
    }
    return true;
}

/* `tsn` is named for the first time. */
static void take_named(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn, struct wrd_sctp_sacked *out)
{
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (wrd_sctp_bit(&flight->lost, tsn))
        out->unrepeated = true;
    take_back(flight, tsn);
    out->bytes += sent->len;
    bool again = sent->sends > 1;
    if (!wrd_sctp_rack_arrived(&flight->rack, now, tsn, sent->sent_at, again))
        out->early = true;
    if (!again)
        out->last_rtt = now > sent->sent_at ? now - sent->sent_at : 1;
    if (flight->timing && wrd_tsn_eq(flight->timed, tsn)) {
        flight->timing = false;
        out->rtt = now > flight->timed_since ? now - flight->timed_since : 1;
    }
}

static void take_cumulative(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn cumulative,
                            struct wrd_sctp_sacked *out)
{
    while (!wrd_tsn_eq(flight->cumulative, cumulative)) {
        struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        if (wrd_sctp_bit(&flight->held, tsn)) {
            wrd_sctp_bit_clear(&flight->held, tsn);
            flight->held_bytes -= sent->abandoned ? 0 : sent->len;
        } else {
            take_named(flight, now, tsn, out);
        }
        flight->cumulative = tsn;
        if (sent->message) {
            out->settled += sent->len + WRD_SCTP_DATA_HEADER_SIZE;
            wrd_sctp_queue_acked(flight->queue, sent->message, sent->len);
        }
        out->cumulative = true;
    }
}

static void take_gap(struct wrd_sctp_flight *flight, wrd_time now, struct gap gap, struct wrd_sctp_sacked *out)
{
    uint32_t at = gap.start;
    for (;;) {
        struct wrd_tsn from = wrd_tsn_add(flight->cumulative, at);
        at += wrd_sctp_bit_find(&flight->held, from, gap.end - at + 1, false);
        if (at > gap.end)
            return;
        struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, at);
        take_named(flight, now, tsn, out);
        wrd_sctp_bit_set(&flight->held, tsn);
        flight->held_bytes += sent_at(flight, tsn)->len;
        if (at == gap.end)
            return;
        at++;
    }
}

bool wrd_sctp_flight_sack(struct wrd_sctp_flight *flight, wrd_time now, const struct wrd_sctp_sack *sack,
                          struct wrd_sctp_sacked *out)
{
    *out = (struct wrd_sctp_sacked){0};
    size_t gaps;
    if (!is_plausible(flight, sack, &gaps))
        return false;
    take_cumulative(flight, now, sack->cumulative, out);
    for (size_t i = 0; i < gaps; i++)
        take_gap(flight, now, gap_at(sack, i), out);
    if (out->last_rtt)
        wrd_sctp_rack_sample(&flight->rack, now, out->last_rtt);
    flight->cut_short = sack->gap_count >= WRD_SCTP_GAP_BLOCKS_LEAST;
    return true;
}

/* ---- Loss ---- */

static void lose(struct wrd_sctp_flight *flight, struct wrd_tsn tsn, struct wrd_sctp_losses *losses)
{
    leave_flight(flight, tsn);
    mark_lost(flight, tsn);
    losses->bytes += sent_at(flight, tsn)->len;
    if (losses->count++ == 0 || wrd_tsn_lt(losses->highest, tsn))
        losses->highest = tsn;
}

/* One that was sent once; false: it may still arrive, as all above it. */
static bool lose_once(struct wrd_sctp_flight *flight, wrd_time now, wrd_time patience, struct wrd_tsn tsn,
                      struct wrd_sctp_losses *losses)
{
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (!wrd_sctp_rack_passed(&flight->rack, tsn, sent->sent_at))
        return false;
    if (flight->cut_short && wrd_tsn_lt(flight->rack.fack, tsn))
        return false; /* it may have arrived without room to say so */
    if (now < sent->sent_at + patience) {
        losses->next = sent->sent_at + patience;
        return false;
    }
    lose(flight, tsn, losses);
    return true;
}

struct wrd_sctp_losses wrd_sctp_flight_detect(struct wrd_sctp_flight *flight, wrd_time now, wrd_time srtt, bool sure)
{
    struct wrd_sctp_losses losses = {.next = WRD_NEVER};
    const struct wrd_sctp_rack *rack = &flight->rack;
    wrd_time patience = rack->rtt + wrd_sctp_rack_window(rack, srtt, sure);
    struct wrd_tsn from = wrd_tsn_add(flight->cumulative, 1);
    uint32_t count = wrd_sctp_flight_count(flight);
    for (uint32_t at = 0; at < count; at++) {
        at += wrd_sctp_bit_find(&flight->once, wrd_tsn_add(from, at), count - at, true);
        if (at >= count || !lose_once(flight, now, patience, wrd_tsn_add(from, at), &losses))
            break;
    }
    while (flight->again.count > 0) {
        struct wrd_tsn tsn = chained(flight, flight->again.oldest);
        wrd_time since = sent_at(flight, tsn)->sent_at;
        if (!wrd_sctp_rack_passed(rack, tsn, since))
            break;
        if (now < since + patience) {
            losses.next = since + patience < losses.next ? since + patience : losses.next;
            break;
        }
        lose(flight, tsn, &losses);
    }
    return losses;
}

bool wrd_sctp_flight_may_repeat(const struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn)
{
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (!flight->queue->rules.expiring || !sent->message)
        return !sent->abandoned;
    uint32_t most = sent->message->retransmits;
    return (most == WRD_SCTP_RETRANSMITS_ANY || sent->sends <= most) &&
           !wrd_sctp_queue_is_late(flight->queue, sent->message, now);
}

bool wrd_sctp_flight_repeat(struct wrd_sctp_flight *flight, wrd_time now, size_t room, struct wrd_tsn *first,
                            struct wrd_tsn *last)
{
    bool any = false;
    size_t header = flight->queue->rules.interleaving ? WRD_SCTP_I_DATA_HEADER_SIZE : WRD_SCTP_DATA_HEADER_SIZE;
    for (uint32_t at = wrd_sctp_flight_count(flight); at > 0; at--) {
        struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, at);
        if (wrd_sctp_bit(&flight->held, tsn) || wrd_sctp_bit(&flight->lost, tsn))
            continue;
        size_t size = header + ((size_t)sent_at(flight, tsn)->len + 3) / 4 * 4;
        if ((any && size > room) || !wrd_sctp_flight_may_repeat(flight, now, tsn))
            break;
        room -= size < room ? size : room;
        leave_flight(flight, tsn);
        mark_lost(flight, tsn);
        *first = tsn;
        *last = any ? *last : tsn;
        any = true;
    }
    return any;
}

/* What the peer said it had may be dropped again (RFC 9260 6.2.1). */
static void forget_held(struct wrd_sctp_flight *flight)
{
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        if (!wrd_sctp_bit(&flight->held, tsn) || sent->abandoned)
            continue;
        wrd_sctp_bit_clear(&flight->held, tsn);
        flight->held_bytes -= sent->len;
        mark_lost(flight, tsn);
    }
}

void wrd_sctp_flight_rewind(struct wrd_sctp_flight *flight, bool reneged)
{
    struct wrd_tsn from = wrd_tsn_add(flight->cumulative, 1);
    uint32_t count = wrd_sctp_flight_count(flight);
    for (uint32_t at = 0; at < count; at++) {
        at += wrd_sctp_bit_find(&flight->once, wrd_tsn_add(from, at), count - at, true);
        if (at >= count)
            break;
        leave_flight(flight, wrd_tsn_add(from, at));
        mark_lost(flight, wrd_tsn_add(from, at));
    }
    while (flight->again.count > 0) {
        struct wrd_tsn tsn = chained(flight, flight->again.oldest);
        leave_flight(flight, tsn);
        mark_lost(flight, tsn);
    }
    if (reneged)
        forget_held(flight);
    WRD_ASSERT(flight->bytes == 0);
    flight->timing = false;
}

void wrd_sctp_flight_undo(struct wrd_sctp_flight *flight)
{
    struct wrd_tsn from = wrd_tsn_add(flight->cumulative, 1);
    uint32_t count = wrd_sctp_flight_count(flight);
    for (uint32_t at = 0; at < count; at++) {
        at += wrd_sctp_bit_find(&flight->lost, wrd_tsn_add(from, at), count - at, true);
        if (at >= count)
            break;
        struct wrd_tsn tsn = wrd_tsn_add(from, at);
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        if (sent->sends > 1)
            continue; /* its place in the chain is gone */
        wrd_sctp_bit_clear(&flight->lost, tsn);
        flight->lost_count--;
        wrd_sctp_bit_set(&flight->once, tsn);
        flight->bytes += sent->len;
    }
}

/* The chain holds `count` chunks that are neither held, lost nor sent once, by when they were last sent. */
static void audit_chain(const struct wrd_sctp_flight *flight, uint32_t count)
{
    WRD_ASSERT(flight->again.count == count);
    uint16_t at = flight->again.oldest;
    wrd_time last = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wrd_tsn tsn = chained(flight, at);
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        WRD_ASSERT(!wrd_sctp_bit(&flight->held, tsn) && !wrd_sctp_bit(&flight->lost, tsn));
        WRD_ASSERT(!wrd_sctp_bit(&flight->once, tsn) && sent->sends > 1 && sent->sent_at >= last);
        last = sent->sent_at;
        WRD_ASSERT(i + 1 < count || at == flight->again.newest);
        at = sent->newer;
    }
}

void wrd_sctp_flight_audit(const struct wrd_sctp_flight *flight)
{
    size_t bytes = 0, held_bytes = 0;
    uint32_t lost = 0, again = 0;
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        bool is_held = wrd_sctp_bit(&flight->held, tsn);
        bool is_lost = wrd_sctp_bit(&flight->lost, tsn);
        bool is_once = wrd_sctp_bit(&flight->once, tsn);
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        WRD_ASSERT(is_held + is_lost + is_once <= 1);
        WRD_ASSERT(is_held || !sent->abandoned);
        lost += is_lost;
        again += !is_held && !is_lost && !is_once;
        bytes += is_held || is_lost ? 0 : sent->len;
        held_bytes += is_held && !sent->abandoned ? sent->len : 0;
    }
    WRD_ASSERT(bytes == flight->bytes && held_bytes == flight->held_bytes && lost == flight->lost_count);
    WRD_ASSERT(wrd_sctp_flight_count(flight) <= flight->mask);
    audit_chain(flight, again);
}
