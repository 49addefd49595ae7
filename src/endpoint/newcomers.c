/* SPDX-License-Identifier: MIT */
#include "endpoint/newcomers.h"

#include <string.h>

enum { TIMES_BITS = 2, TIMES_MAX = 3, A_WORD = 64 / TIMES_BITS };

struct place {
    uint32_t word;
    unsigned shift;
};

static struct place place_of(uint32_t hash)
{
    uint32_t at = hash % WRD_NEWCOMERS_COUNTERS;
    return (struct place){at / A_WORD, at % A_WORD * TIMES_BITS};
}

static unsigned times_at(const uint64_t *page, struct place at)
{
    return (unsigned)(page[at.word] >> at.shift & TIMES_MAX);
}

static unsigned times(const uint64_t *page, uint64_t hash)
{
    unsigned a = times_at(page, place_of((uint32_t)hash)), b = times_at(page, place_of((uint32_t)(hash >> 32)));
    return a < b ? a : b;
}

static void count_at(uint64_t *page, struct place at)
{
    if (times_at(page, at) < TIMES_MAX)
        page[at.word] += (uint64_t)1 << at.shift;
}

static void clear(struct wrd_newcomers *newcomers, unsigned page)
{
    if (newcomers->used[page])
        memset(newcomers->heard[page], 0, sizeof newcomers->heard[page]);
    newcomers->used[page] = false;
}

static void turn_page(struct wrd_newcomers *newcomers, wrd_time now)
{
    bool missed = now >= newcomers->until + WRD_NEWCOMERS_PERIOD;
    newcomers->recent = 1 - newcomers->recent;
    clear(newcomers, newcomers->recent);
    if (missed)
        clear(newcomers, 1 - newcomers->recent);
    newcomers->until = now + WRD_NEWCOMERS_PERIOD;
    newcomers->count = newcomers->pushy = 0;
}

/* Nobody can know beforehand whose turn is the next, for the hash is keyed. */
static bool is_drawn(uint32_t number, uint64_t hash)
{
    return ((hash ^ number) * 0x9e3779b97f4a7c15u) >> 32 < UINT32_MAX / WRD_NEWCOMERS_OF_PUSHY;
}

bool wrd_newcomers_ask(struct wrd_newcomers *newcomers, wrd_time now, uint64_t hash)
{
    if (now >= newcomers->until)
        turn_page(newcomers, now);
    if (newcomers->count < WRD_NEWCOMERS_FREE) {
        newcomers->count++;
        return true;
    }
    uint64_t *page = newcomers->heard[newcomers->recent];
    unsigned before = times(page, hash) + times(newcomers->heard[1 - newcomers->recent], hash);
    newcomers->used[newcomers->recent] = true;
    count_at(page, place_of((uint32_t)hash));
    count_at(page, place_of((uint32_t)(hash >> 32)));
    if (before <= WRD_NEWCOMERS_ANSWERS)
        return before > 0;
    newcomers->pushy++;
    return newcomers->pushy <= WRD_NEWCOMERS_FREE || is_drawn(newcomers->pushy, hash);
}
