/* SPDX-License-Identifier: MIT */
#include "sctp/rx_track.h"

#include "sctp/chunk.h"

#define BITS_MIN ((uint32_t)256)

void wrd_sctp_track_init(struct wrd_sctp_track *track, const wrd_env *env, struct wrd_tsn peer_initial)
{
    *track = (struct wrd_sctp_track){.env = env, .sack_deadline = WRD_NEVER};
    track->cumulative = wrd_tsn(peer_initial.v - 1);
    track->highest = track->cumulative;
}

static size_t words_size(const struct wrd_sctp_bitmap *bits)
{
    return ((size_t)bits->mask + 1) / 8;
}

static void free_bits(struct wrd_sctp_track *track)
{
    if (!track->bits.words)
        return;
    wrd_mem_free(track->env, track->bits.words, words_size(&track->bits));
    track->bits = (struct wrd_sctp_bitmap){0};
}

static void free_duplicates(struct wrd_sctp_track *track)
{
    wrd_mem_free(track->env, track->duplicates, WRD_SCTP_DUPLICATES_MAX * sizeof *track->duplicates);
    track->duplicates = NULL;
    track->duplicate_count = 0;
}

void wrd_sctp_track_free(struct wrd_sctp_track *track)
{
    free_bits(track);
    free_duplicates(track);
}

static bool has_gap(const struct wrd_sctp_track *track)
{
    return !wrd_tsn_eq(track->cumulative, track->highest);
}

void wrd_sctp_track_drain(struct wrd_sctp_track *track)
{
    if (!has_gap(track))
        free_bits(track);
    if (track->duplicate_count == 0)
        free_duplicates(track);
}

enum wrd_sctp_arrival wrd_sctp_track_look(const struct wrd_sctp_track *track, struct wrd_tsn tsn)
{
    int32_t ahead = wrd_tsn_diff(tsn, track->cumulative);
    if (ahead == 1)
        return WRD_SCTP_IN_SEQUENCE;
    if (ahead <= 0)
        return WRD_SCTP_DUPLICATE;
    if ((uint32_t)ahead >= WRD_SCTP_TSN_WINDOW)
        return WRD_SCTP_OUTSIDE;
    /* Past the highest, the place in the ring may be that of another TSN. */
    if (wrd_tsn_lt(track->highest, tsn))
        return WRD_SCTP_AHEAD;
    return wrd_sctp_bit(&track->bits, tsn) ? WRD_SCTP_DUPLICATE : WRD_SCTP_AHEAD;
}

bool wrd_sctp_track_reserve(struct wrd_sctp_track *track, struct wrd_tsn tsn)
{
    uint32_t span = (uint32_t)wrd_tsn_diff(tsn, track->cumulative);
    WRD_ASSERT(span > 0 && span < WRD_SCTP_TSN_WINDOW);
    if (span == 1 || (track->bits.words && span <= track->bits.mask))
        return true;
    struct wrd_sctp_bitmap bits = {.mask = track->bits.words ? track->bits.mask : BITS_MIN - 1};
    while (bits.mask < span)
        bits.mask = bits.mask * 2 + 1;
    bits.words = wrd_mem_zalloc(track->env, words_size(&bits));
    if (!bits.words)
        return false;
    uint32_t known = (uint32_t)wrd_tsn_diff(track->highest, track->cumulative);
    for (uint32_t i = 1; i <= known; i++) {
        if (wrd_sctp_bit(&track->bits, wrd_tsn_add(track->cumulative, i)))
            wrd_sctp_bit_set(&bits, wrd_tsn_add(track->cumulative, i));
    }
    free_bits(track);
    track->bits = bits;
    return true;
}

/* Moves the cumulative TSN over what already arrived behind it. */
static void advance(struct wrd_sctp_track *track)
{
    if (!wrd_tsn_lt(track->cumulative, track->highest)) {
        track->highest = track->cumulative;
        return;
    }
    struct wrd_tsn next = wrd_tsn_add(track->cumulative, 1);
    while (wrd_tsn_le(next, track->highest) && wrd_sctp_bit(&track->bits, next)) {
        wrd_sctp_bit_clear(&track->bits, next);
        track->cumulative = next;
        next = wrd_tsn_add(next, 1);
    }
}

void wrd_sctp_track_mark(struct wrd_sctp_track *track, struct wrd_tsn tsn)
{
    if (!track->any) {
        track->any = true;
        track->sack_now = true;
    }
    if (wrd_tsn_diff(tsn, track->cumulative) == 1) {
        track->cumulative = tsn;
        advance(track);
        return;
    }
    WRD_ASSERT(wrd_sctp_track_look(track, tsn) == WRD_SCTP_AHEAD);
    wrd_sctp_bit_set(&track->bits, tsn);
    if (wrd_tsn_lt(track->highest, tsn))
        track->highest = tsn;
}

void wrd_sctp_track_duplicate(struct wrd_sctp_track *track, struct wrd_tsn tsn)
{
    track->sack_now = true;
    if (!track->duplicates) /* without memory, one report less */
        track->duplicates = wrd_mem_alloc(track->env, WRD_SCTP_DUPLICATES_MAX * sizeof *track->duplicates);
    if (track->duplicates && track->duplicate_count < WRD_SCTP_DUPLICATES_MAX)
        track->duplicates[track->duplicate_count++] = tsn.v;
}

bool wrd_sctp_track_next(const struct wrd_sctp_track *track, struct wrd_tsn *tsn, struct wrd_tsn last)
{
    if (wrd_tsn_lt(track->highest, last))
        last = track->highest;
    int32_t count = wrd_tsn_diff(last, *tsn);
    if (count <= 0)
        return false;
    uint32_t passed = wrd_sctp_bit_find(&track->bits, wrd_tsn_add(*tsn, 1), (uint32_t)count, true);
    *tsn = wrd_tsn_add(*tsn, passed + 1);
    return passed < (uint32_t)count;
}

void wrd_sctp_track_forward(struct wrd_sctp_track *track, struct wrd_tsn tsn)
{
    struct wrd_tsn known = wrd_tsn_lt(track->highest, tsn) ? track->highest : tsn;
    wrd_sctp_bit_clear_range(&track->bits, wrd_tsn_add(track->cumulative, 1),
                             (uint32_t)wrd_tsn_diff(known, track->cumulative));
    track->cumulative = tsn;
    advance(track);
}

void wrd_sctp_track_packet(struct wrd_sctp_track *track, wrd_time now)
{
    track->packets++;
    if (has_gap(track) || track->packets >= WRD_SCTP_SACK_PACKETS)
        track->sack_now = true;
    if (track->sack_deadline == WRD_NEVER)
        track->sack_deadline = now + WRD_SCTP_SACK_DELAY;
}

bool wrd_sctp_track_owes(const struct wrd_sctp_track *track)
{
    return track->sack_now || track->sack_deadline != WRD_NEVER;
}

/* Returns how many blocks it wrote, each as offsets from the cumulative TSN. */
static uint16_t write_gaps(const struct wrd_sctp_track *track, struct wrd_writer *wr)
{
    uint32_t span = (uint32_t)wrd_tsn_diff(track->highest, track->cumulative);
    uint32_t offset = 1; /* the TSN right after the cumulative one is missing */
    uint16_t count = 0;
    while (offset <= span && wr->cap - wr->len >= 4) {
        struct wrd_tsn from = wrd_tsn_add(track->cumulative, offset);
        uint32_t start = offset + wrd_sctp_bit_find(&track->bits, from, span - offset + 1, true);
        if (start > span)
            break;
        from = wrd_tsn_add(track->cumulative, start);
        offset = start + wrd_sctp_bit_find(&track->bits, from, span - start + 1, false);
        wrd_wr16(wr, (uint16_t)start);
        wrd_wr16(wr, (uint16_t)(offset - 1));
        count++;
    }
    return count;
}

void wrd_sctp_track_write(struct wrd_sctp_track *track, struct wrd_writer *wr, uint32_t a_rwnd)
{
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_SACK, 0);
    wrd_wr32(wr, track->cumulative.v);
    wrd_wr32(wr, a_rwnd);
    uint8_t *counts = wrd_wr_space(wr, 4);
    if (!counts)
        return;
    wrd_store16be(counts, write_gaps(track, wr));
    uint16_t reported = 0;
    while (reported < track->duplicate_count && wr->cap - wr->len >= 4)
        wrd_wr32(wr, track->duplicates[reported++]);
    wrd_store16be(counts + 2, reported);
    wrd_sctp_chunk_end(wr, start);
    track->duplicate_count = 0;
    track->packets = 0;
    track->sack_now = false;
    track->sack_deadline = WRD_NEVER;
}
