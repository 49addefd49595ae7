/* SPDX-License-Identifier: MIT */
#include "endpoint/newcomers.h"

#include <string.h>

/* Sets the two bits of `hash`; answers whether both were set. */
static bool mark(uint64_t *bits, uint64_t hash)
{
    uint32_t a = (uint32_t)hash % WRD_NEWCOMERS_BITS, b = (uint32_t)(hash >> 32) % WRD_NEWCOMERS_BITS;
    uint64_t a_bit = (uint64_t)1 << a % 64, b_bit = (uint64_t)1 << b % 64;
    bool marked = (bits[a / 64] & a_bit) && (bits[b / 64] & b_bit);
    bits[a / 64] |= a_bit;
    bits[b / 64] |= b_bit;
    return marked;
}

static bool is_marked(const uint64_t *bits, uint64_t hash)
{
    uint32_t a = (uint32_t)hash % WRD_NEWCOMERS_BITS, b = (uint32_t)(hash >> 32) % WRD_NEWCOMERS_BITS;
    return bits[a / 64] >> a % 64 & bits[b / 64] >> b % 64 & 1;
}

static void turn_page(struct wrd_newcomers *newcomers, wrd_time now)
{
    bool missed = now >= newcomers->until + WRD_NEWCOMERS_PERIOD;
    newcomers->recent = 1 - newcomers->recent;
    memset(newcomers->heard[newcomers->recent], 0, sizeof newcomers->heard[0]);
    if (missed)
        memset(newcomers->heard[1 - newcomers->recent], 0, sizeof newcomers->heard[0]);
    newcomers->until = now + WRD_NEWCOMERS_PERIOD;
    newcomers->count = 0;
}

bool wrd_newcomers_ask(struct wrd_newcomers *newcomers, wrd_time now, uint64_t hash)
{
    if (now >= newcomers->until)
        turn_page(newcomers, now);
    bool before = is_marked(newcomers->heard[1 - newcomers->recent], hash);
    before = mark(newcomers->heard[newcomers->recent], hash) || before;
    if (newcomers->count < WRD_NEWCOMERS_FREE) {
        newcomers->count++;
        return true;
    }
    return before;
}
