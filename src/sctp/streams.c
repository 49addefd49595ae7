/* SPDX-License-Identifier: MIT */
#include "sctp/streams.h"

#include "base/check.h"
#include "base/mem.h"

#define LIST_BYTES (WRD_SCTP_STREAMS_LISTED * sizeof(uint16_t))
#define BITS_BYTES ((size_t)65536 / 8)

void wrd_sctp_streams_free(struct wrd_sctp_streams *set, const wrd_env *env)
{
    wrd_mem_free(env, set->list, LIST_BYTES);
    wrd_mem_free(env, set->bits, BITS_BYTES);
    *set = (struct wrd_sctp_streams){0};
}

static void set_bit(struct wrd_sctp_streams *set, uint16_t stream)
{
    set->bits[stream / 64] |= (uint64_t)1 << (stream % 64);
}

static bool spread(struct wrd_sctp_streams *set, const wrd_env *env)
{
    set->bits = wrd_mem_zalloc(env, BITS_BYTES);
    if (!set->bits)
        return false;
    set->lowest = 0;
    for (uint32_t i = 0; set->list && i < set->count; i++)
        set_bit(set, set->list[i]);
    wrd_mem_free(env, set->list, LIST_BYTES);
    set->list = NULL;
    return true;
}

bool wrd_sctp_streams_reserve(struct wrd_sctp_streams *set, const wrd_env *env, size_t more)
{
    if (set->bits || more == 0)
        return true;
    if (more > WRD_SCTP_STREAMS_LISTED - set->count)
        return spread(set, env);
    if (!set->list)
        set->list = wrd_mem_alloc(env, LIST_BYTES);
    return set->list;
}

/* Where in the sorted list `stream` is, or would be. */
static uint32_t place_of(const struct wrd_sctp_streams *set, uint16_t stream)
{
    uint32_t at = 0;
    while (at < set->count && set->list[at] < stream)
        at++;
    return at;
}

bool wrd_sctp_streams_has(const struct wrd_sctp_streams *set, uint16_t stream)
{
    if (set->bits)
        return (set->bits[stream / 64] >> (stream % 64)) & 1;
    uint32_t at = place_of(set, stream);
    return at < set->count && set->list[at] == stream;
}

bool wrd_sctp_streams_add(struct wrd_sctp_streams *set, const wrd_env *env, uint16_t stream)
{
    if (wrd_sctp_streams_has(set, stream))
        return true;
    if (!wrd_sctp_streams_reserve(set, env, 1))
        return false;
    if (set->bits) {
        set_bit(set, stream);
        if (stream < set->lowest)
            set->lowest = stream;
    } else {
        uint32_t at = place_of(set, stream);
        memmove(set->list + at + 1, set->list + at, (set->count - at) * sizeof *set->list);
        set->list[at] = stream;
    }
    set->count++;
    return true;
}

void wrd_sctp_streams_remove(struct wrd_sctp_streams *set, const wrd_env *env, uint16_t stream)
{
    WRD_ASSERT(wrd_sctp_streams_has(set, stream));
    if (set->count == 1) {
        wrd_sctp_streams_free(set, env);
        return;
    }
    if (set->bits) {
        set->bits[stream / 64] &= ~((uint64_t)1 << (stream % 64));
    } else {
        uint32_t at = place_of(set, stream);
        memmove(set->list + at, set->list + at + 1, (set->count - at - 1) * sizeof *set->list);
    }
    set->count--;
}

static bool next_bit(const struct wrd_sctp_streams *set, uint32_t from, uint16_t *stream)
{
    while (from < 65536) {
        uint64_t word = set->bits[from / 64] >> (from % 64);
        if (word) {
            *stream = (uint16_t)(from + (uint32_t)__builtin_ctzll(word));
            return true;
        }
        from = (from / 64 + 1) * 64;
    }
    return false;
}

bool wrd_sctp_streams_next(struct wrd_sctp_streams *set, uint32_t *cursor, uint16_t *stream)
{
    if (set->count == 0 || *cursor > UINT16_MAX)
        return false;
    if (set->bits) {
        bool is_first = *cursor <= set->lowest;
        if (!next_bit(set, is_first ? set->lowest : *cursor, stream))
            return false;
        if (is_first)
            set->lowest = *stream;
    } else {
        uint32_t at = place_of(set, (uint16_t)*cursor);
        if (at == set->count)
            return false;
        *stream = set->list[at];
    }
    *cursor = (uint32_t)*stream + 1;
    return true;
}
