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
    struct wrd_sctp_bitmap open = {.words = bits + 2 * words, .mask = count - 1};
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        ring[tsn.v & (count - 1)] = flight->ring[tsn.v & flight->mask];
        if (wrd_sctp_bit(&flight->held, tsn))
            wrd_sctp_bit_set(&held, tsn);
        if (wrd_sctp_bit(&flight->lost, tsn))
            wrd_sctp_bit_set(&lost, tsn);
        if (wrd_sctp_bit(&flight->open, tsn))
            wrd_sctp_bit_set(&open, tsn);
    }
    wrd_mem_free(env, flight->ring, old_count * sizeof *ring);
    wrd_mem_free(env, flight->words, BITMAPS * (size_t)(old_count / 64) * sizeof *bits);
    flight->ring = ring;
    flight->words = bits;
    flight->held = held;
    flight->lost = lost;
    flight->open = open;
    flight->mask = count - 1;
    return true;
}

bool wrd_sctp_flight_init(struct wrd_sctp_flight *flight, struct wrd_sctp_queue *queue, struct wrd_tsn initial)
{
    memset(flight, 0, sizeof *flight);
    flight->queue = queue;
    flight->next = initial;
    flight->cumulative = wrd_tsn(initial.v - 1);
    return widen(flight);
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
    const wrd_env *env = flight->queue->pool->env;
    size_t count = (size_t)flight->mask + 1;
    wrd_mem_free(env, flight->ring, count * sizeof *flight->ring);
    wrd_mem_free(env, flight->words, BITMAPS * (count / 64) * sizeof *flight->words);
    memset(flight, 0, sizeof *flight);
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
    memset(flight->words, 0, BITMAPS * (((size_t)flight->mask + 1) / 64) * sizeof *flight->words);
    *flight = (struct wrd_sctp_flight){.queue = flight->queue,
                                       .ring = flight->ring,
                                       .words = flight->words,
                                       .held = flight->held,
                                       .lost = flight->lost,
                                       .open = flight->open,
                                       .mask = flight->mask,
                                       .next = initial,
                                       .cumulative = wrd_tsn(initial.v - 1)};
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
        return false;
    WRD_ASSERT(len > 0 && len <= message->len - message->cut && len <= UINT16_MAX);
    struct wrd_tsn tsn = flight->next;
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    *sent = (struct wrd_sctp_sent){
        .message = message, .offset = message->cut, .fsn = message->pieces, .len = (uint16_t)len, .sends = 1};
    sent->flags = message->unordered ? WRD_SCTP_UNORDERED : 0;
    if (message->cut == 0)
        sent->flags |= WRD_SCTP_BEGIN;
    if (message->cut + len == message->len)
        sent->flags |= WRD_SCTP_END;
    wrd_sctp_queue_cut(flight->queue, len);
    wrd_sctp_bit_set(&flight->open, tsn);
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

void wrd_sctp_flight_resent(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(wrd_sctp_bit(&flight->lost, tsn) && flight->lost_count > 0);
    wrd_sctp_bit_clear(&flight->lost, tsn);
    flight->lost_count--;
    flight->bytes += sent->len;
    if (sent->sends < UINT16_MAX)
        sent->sends++;
    /* Fast retransmission happens once; another loss of the same chunk is T3's to find (RFC 9260 7.2.4). */
    if (!sent->fast_done)
        wrd_sctp_bit_set(&flight->open, tsn);
    forget_timing(flight, tsn);
}

/* ---- SACK ---- */

/* It neither is in flight any more nor is to be sent again. */
static void take_back(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    if (wrd_sctp_bit(&flight->lost, tsn)) {
        wrd_sctp_bit_clear(&flight->lost, tsn);
        flight->lost_count--;
    } else {
        WRD_ASSERT(flight->bytes >= sent->len);
        flight->bytes -= sent->len;
    }
    wrd_sctp_bit_clear(&flight->open, tsn);
}

void wrd_sctp_flight_abandon(struct wrd_sctp_flight *flight, struct wrd_tsn tsn)
{
    struct wrd_sctp_sent *sent = sent_at(flight, tsn);
    WRD_ASSERT(wrd_tsn_lt(flight->cumulative, tsn) && wrd_tsn_lt(tsn, flight->next) && !sent->abandoned);
    sent->abandoned = true;
    if (!wrd_sctp_bit(&flight->held, tsn))
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

/* Blocks may overlap, so their number bounds the work; what is left out comes again with a later SACK. */
static size_t gaps_to_read(const struct wrd_sctp_sack *sack)
{
    return sack->gap_count < WRD_SCTP_GAP_BLOCKS_MAX ? sack->gap_count : WRD_SCTP_GAP_BLOCKS_MAX;
}

static bool is_plausible(const struct wrd_sctp_flight *flight, const struct wrd_sctp_sack *sack)
{
    if (wrd_tsn_lt(sack->cumulative, flight->cumulative) || !wrd_tsn_lt(sack->cumulative, flight->next))
        return false;
    uint32_t outstanding = flight->next.v - sack->cumulative.v - 1;
    for (size_t i = 0; i < gaps_to_read(sack); i++) {
        struct gap gap = gap_at(sack, i);
        if (gap.start == 0 || gap.start > gap.end || gap.end > outstanding)
            return false;
    }
    return true;
}

/* `tsn` is named for the first time. */
static void take_named(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn, struct wrd_sctp_sacked *out)
{
    take_back(flight, tsn);
    out->bytes += sent_at(flight, tsn)->len;
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
        if (wrd_sctp_bit(&flight->held, tsn))
            wrd_sctp_bit_clear(&flight->held, tsn);
        else
            take_named(flight, now, tsn, out);
        flight->cumulative = tsn;
        const struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        if (sent->message)
            wrd_sctp_queue_acked(flight->queue, sent->message, sent->len);
        out->cumulative = true;
    }
}

/* Returns how far the highest newly named TSN is past the cumulative one; 0: none. */
static uint32_t take_gap(struct wrd_sctp_flight *flight, wrd_time now, struct gap gap, struct wrd_sctp_sacked *out)
{
    uint32_t highest = 0;
    uint32_t at = gap.start;
    for (;;) {
        struct wrd_tsn from = wrd_tsn_add(flight->cumulative, at);
        at += wrd_sctp_bit_find(&flight->held, from, gap.end - at + 1, false);
        if (at > gap.end)
            return highest;
        struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, at);
        take_named(flight, now, tsn, out);
        wrd_sctp_bit_set(&flight->held, tsn);
        highest = at;
        if (at == gap.end)
            return highest;
        at++;
    }
}

/* `counted`: its bytes as far as they are in flight. */
static void mark_lost(struct wrd_sctp_flight *flight, struct wrd_tsn tsn, size_t counted)
{
    WRD_ASSERT(flight->bytes >= counted);
    flight->bytes -= counted;
    wrd_sctp_bit_clear(&flight->open, tsn);
    wrd_sctp_bit_set(&flight->lost, tsn);
    flight->lost_count++;
}

/* Counts a miss for each open chunk below `limit`, an offset; true when one was lost that says something of the path.
 */
static bool count_misses(struct wrd_sctp_flight *flight, uint32_t limit)
{
    bool loss = false;
    for (uint32_t at = 1; at < limit; at++) {
        struct wrd_tsn from = wrd_tsn_add(flight->cumulative, at);
        at += wrd_sctp_bit_find(&flight->open, from, limit - at, true);
        if (at >= limit)
            break;
        struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, at);
        struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        if (++sent->misses < WRD_SCTP_MISSES_MAX)
            continue;
        sent->fast_done = true;
        mark_lost(flight, tsn, sent->len);
        if (!flight->has_timeout_point || wrd_tsn_lt(flight->timeout_point, tsn))
            loss = true;
    }
    return loss;
}

bool wrd_sctp_flight_sack(struct wrd_sctp_flight *flight, wrd_time now, const struct wrd_sctp_sack *sack,
                          struct wrd_sctp_sacked *out)
{
    *out = (struct wrd_sctp_sacked){.was_recovering = flight->recovering};
    if (!is_plausible(flight, sack))
        return false;
    take_cumulative(flight, now, sack->cumulative, out);
    uint32_t highest_new = 0;
    uint32_t highest = 0;
    for (size_t i = 0; i < gaps_to_read(sack); i++) {
        struct gap gap = gap_at(sack, i);
        uint32_t newest = take_gap(flight, now, gap, out);
        highest_new = newest > highest_new ? newest : highest_new;
        highest = gap.end > highest ? gap.end : highest;
    }
    if (out->cumulative) {
        flight->timeouts = 0;
        if (flight->has_timeout_point && wrd_tsn_le(flight->timeout_point, flight->cumulative))
            flight->has_timeout_point = false;
        if (flight->recovering && wrd_tsn_le(flight->recovery_exit, flight->cumulative))
            flight->recovering = false;
    }
    /* In fast recovery every SACK that moves the cumulative TSN is a report for all (RFC 9260 7.2.4). */
    if (count_misses(flight, flight->recovering && out->cumulative ? highest : highest_new) && !flight->recovering) {
        flight->recovering = true;
        flight->urgent = true;
        flight->recovery_exit = wrd_tsn(flight->next.v - 1);
        out->loss = true;
    }
    return true;
}

/* ---- T3 ---- */

/* Everything is lost; what gap blocks named only when `reneged`. */
static void lose_all(struct wrd_sctp_flight *flight, bool reneged)
{
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        struct wrd_sctp_sent *sent = sent_at(flight, tsn);
        sent->misses = 0;
        sent->fast_done = false;
        bool was_held = wrd_sctp_bit(&flight->held, tsn);
        if (wrd_sctp_bit(&flight->lost, tsn) || (was_held && (!reneged || sent->abandoned)))
            continue;
        wrd_sctp_bit_clear(&flight->held, tsn);
        mark_lost(flight, tsn, was_held ? 0 : sent->len);
    }
    WRD_ASSERT(flight->bytes == 0);
    flight->timing = false;
    flight->recovering = false;
    flight->urgent = false;
}

bool wrd_sctp_flight_timeout(struct wrd_sctp_flight *flight)
{
    bool again = flight->has_timeout_point;
    flight->timeouts++;
    /* The peer may drop what its gap blocks named (RFC 9260 6.2.1). Its next SACK says what it still has. */
    lose_all(flight, flight->timeouts >= 2);
    flight->has_timeout_point = true;
    flight->timeout_point = wrd_tsn(flight->next.v - 1);
    return again;
}

void wrd_sctp_flight_rewind(struct wrd_sctp_flight *flight)
{
    lose_all(flight, false);
}

void wrd_sctp_flight_audit(const struct wrd_sctp_flight *flight)
{
    size_t bytes = 0;
    uint32_t lost = 0;
    struct wrd_tsn tsn = wrd_tsn_add(flight->cumulative, 1);
    for (; !wrd_tsn_eq(tsn, flight->next); tsn = wrd_tsn_add(tsn, 1)) {
        bool is_held = wrd_sctp_bit(&flight->held, tsn);
        bool is_lost = wrd_sctp_bit(&flight->lost, tsn);
        bool is_open = wrd_sctp_bit(&flight->open, tsn);
        WRD_ASSERT(is_held + is_lost + is_open <= 1);
        lost += is_lost;
        bytes += is_held || is_lost ? 0 : sent_at(flight, tsn)->len;
    }
    WRD_ASSERT(bytes == flight->bytes && lost == flight->lost_count);
    WRD_ASSERT(wrd_sctp_flight_count(flight) <= flight->mask);
}
