/* SPDX-License-Identifier: MIT */
#include "sctp/rx_waiting.h"

#include "base/check.h"
#include "sctp/rx_order.h"

static uint64_t key_of(const struct wrd_sctp_block *block)
{
    return (uint64_t)block->stream << 32 | block->number;
}

/* None has a higher rank than the one above it. */
static uint64_t rank_of(const struct wrd_sctp_waiting *waiting, const struct wrd_sctp_block *block)
{
    uint64_t x = key_of(block) ^ waiting->salt;
    x = (x ^ x >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 29) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 32) * (waiting->salt | 1);
}

void wrd_sctp_waiting_add(struct wrd_sctp_waiting *waiting, struct wrd_sctp_block *block)
{
    uint64_t key = key_of(block), rank = rank_of(waiting, block);
    struct wrd_sctp_block **at = &waiting->root;
    while (*at && rank_of(waiting, *at) >= rank)
        at = key_of(*at) < key ? &(*at)->after : &(*at)->before;
    /* What hangs there is split into those before and those after it. */
    struct wrd_sctp_block *rest = *at, **before = &block->before, **after = &block->after;
    *at = block;
    while (rest) {
        if (key_of(rest) < key) {
            *before = rest;
            before = &rest->after;
            rest = *before;
        } else {
            *after = rest;
            after = &rest->before;
            rest = *after;
        }
    }
    *before = *after = NULL;
    waiting->count++;
}

void wrd_sctp_waiting_remove(struct wrd_sctp_waiting *waiting, struct wrd_sctp_block *block)
{
    uint64_t key = key_of(block);
    struct wrd_sctp_block **at = &waiting->root;
    while (*at != block) {
        WRD_ASSERT(*at);
        at = key_of(*at) < key ? &(*at)->after : &(*at)->before;
    }
    struct wrd_sctp_block *before = block->before, *after = block->after;
    while (before && after) {
        if (rank_of(waiting, before) >= rank_of(waiting, after)) {
            *at = before;
            at = &before->after;
            before = *at;
        } else {
            *at = after;
            at = &after->before;
            after = *at;
        }
    }
    *at = before ? before : after;
    block->before = block->after = NULL;
    waiting->count--;
}

struct wrd_sctp_block *wrd_sctp_waiting_from(const struct wrd_sctp_waiting *waiting, uint16_t stream, uint32_t number)
{
    uint64_t key = (uint64_t)stream << 32 | number;
    struct wrd_sctp_block *found = NULL;
    for (struct wrd_sctp_block *at = waiting->root; at;) {
        if (key_of(at) >= key) {
            found = at;
            at = at->before;
        } else {
            at = at->after;
        }
    }
    return found && found->stream == stream ? found : NULL;
}

static size_t audit(const struct wrd_sctp_waiting *waiting, const struct wrd_sctp_block *top, uint64_t least,
                    uint64_t most, size_t *charge)
{
    if (!top)
        return 0;
    uint64_t key = key_of(top);
    WRD_ASSERT(key >= least && key <= most);
    WRD_ASSERT(!top->before || rank_of(waiting, top->before) <= rank_of(waiting, top));
    WRD_ASSERT(!top->after || rank_of(waiting, top->after) <= rank_of(waiting, top));
    *charge += wrd_sctp_block_charge(top);
    return 1 + (top->before ? audit(waiting, top->before, least, key - 1, charge) : 0) +
           (top->after ? audit(waiting, top->after, key + 1, most, charge) : 0);
}

size_t wrd_sctp_waiting_audit(const struct wrd_sctp_waiting *waiting, size_t *charge)
{
    return audit(waiting, waiting->root, 0, UINT64_MAX, charge);
}
