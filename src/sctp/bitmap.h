/* SPDX-License-Identifier: MIT */
/* One bit for each TSN of a window, in a ring of 64-bit words. The window is never wider than the ring. */
#ifndef WRD_SCTP_BITMAP_H
#define WRD_SCTP_BITMAP_H

#include "base/check.h"
#include "base/serial.h"

#include <stddef.h>

struct wrd_sctp_bitmap {
    uint64_t *words;
    uint32_t mask; /* bits - 1; bits are a power of two and at least 64 */
};

static inline bool wrd_sctp_bit(const struct wrd_sctp_bitmap *map, struct wrd_tsn tsn)
{
    uint32_t at = tsn.v & map->mask;
    return (map->words[at >> 6] >> (at & 63)) & 1;
}

static inline void wrd_sctp_bit_set(struct wrd_sctp_bitmap *map, struct wrd_tsn tsn)
{
    uint32_t at = tsn.v & map->mask;
    map->words[at >> 6] |= (uint64_t)1 << (at & 63);
}

static inline void wrd_sctp_bit_clear(struct wrd_sctp_bitmap *map, struct wrd_tsn tsn)
{
    uint32_t at = tsn.v & map->mask;
    map->words[at >> 6] &= ~((uint64_t)1 << (at & 63));
}

static inline void wrd_sctp_bit_clear_range(struct wrd_sctp_bitmap *map, struct wrd_tsn from, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t at = (from.v + done) & map->mask, bits = 64 - (at & 63);
        if (bits > count - done)
            bits = count - done;
        map->words[at >> 6] &= ~((UINT64_MAX >> (64 - bits)) << (at & 63));
        done += bits;
    }
}

/* How many TSNs from `from` on have the other value before the first with `value`; `count` when none of `count` has. */
static inline uint32_t wrd_sctp_bit_find(const struct wrd_sctp_bitmap *map, struct wrd_tsn from, uint32_t count,
                                         bool value)
{
    WRD_ASSERT(count <= map->mask + 1);
    uint32_t passed = 0;
    while (passed < count) {
        uint32_t at = (from.v + passed) & map->mask;
        uint64_t word = map->words[at >> 6];
        word = (value ? word : ~word) >> (at & 63);
        if (word) {
            passed += (uint32_t)__builtin_ctzll(word);
            return passed < count ? passed : count;
        }
        passed += 64 - (at & 63);
    }
    return count;
}

#endif
