/* SPDX-License-Identifier: MIT */
#include "endpoint/asked.h"

#include "base/check.h"

/* One address: a bit that says there is one, 14 bits of its hash, and the identity. */
enum { WAY_BITS = 16, THERE_IS = 0x8000 };

static uint64_t way_of(uint64_t hash)
{
    return THERE_IS | hash >> 50 << 1;
}

/* By how many bits the way of an address is shifted in a word; 64: it has none. */
static unsigned shift_of(uint64_t word, uint64_t way)
{
    unsigned shift = 0;
    while (shift < 64 && (word >> shift & 0xfffe) != way)
        shift += WAY_BITS;
    return shift;
}

void wrd_asked_note(struct wrd_asked *asked, uint64_t hash, uint8_t identity)
{
    WRD_ASSERT(identity <= 1);
    uint64_t *word = &asked->words[hash % WRD_ASKED_WORDS], way = way_of(hash);
    unsigned shift = shift_of(*word, way);
    if (shift >= 64 - WAY_BITS) { /* new, or the oldest */
        *word = *word << WAY_BITS | way | identity;
        return;
    }
    uint64_t newer = *word & (((uint64_t)1 << shift) - 1);
    uint64_t older = *word >> (shift + WAY_BITS) << (shift + WAY_BITS);
    *word = older | newer << WAY_BITS | way | identity;
}

bool wrd_asked_find(const struct wrd_asked *asked, uint64_t hash, uint8_t *identity)
{
    uint64_t word = asked->words[hash % WRD_ASKED_WORDS];
    unsigned shift = shift_of(word, way_of(hash));
    if (shift >= 64)
        return false;
    *identity = word >> shift & 1;
    return true;
}
