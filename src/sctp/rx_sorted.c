/* SPDX-License-Identifier: MIT */
#include "sctp/rx_sorted.h"

#include "base/check.h"

/* None has a higher rank than the one above it. */
static uint64_t rank_of(const struct wrd_sctp_sorted *sorted, const struct wrd_sctp_place *place)
{
    uint64_t x = place->key ^ sorted->salt;
    x = (x ^ x >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 29) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 32) * (sorted->salt | 1);
}

void wrd_sctp_sorted_add(struct wrd_sctp_sorted *sorted, struct wrd_sctp_place *place)
{
    uint64_t rank = rank_of(sorted, place);
    struct wrd_sctp_place **at = &sorted->root;
    while (*at && rank_of(sorted, *at) >= rank)
        at = (*at)->key < place->key ? &(*at)->after : &(*at)->before;
    /* What hangs there is split into those before and those after it. */
    struct wrd_sctp_place *rest = *at, **before = &place->before, **after = &place->after;
    *at = place;
    while (rest) {
        if (rest->key < place->key) {
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
    sorted->count++;
}

void wrd_sctp_sorted_remove(struct wrd_sctp_sorted *sorted, struct wrd_sctp_place *place)
{
    struct wrd_sctp_place **at = &sorted->root;
    while (*at != place) {
        WRD_ASSERT(*at);
        at = (*at)->key < place->key ? &(*at)->after : &(*at)->before;
    }
    struct wrd_sctp_place *before = place->before, *after = place->after;
    while (before && after) {
        if (rank_of(sorted, before) >= rank_of(sorted, after)) {
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
    place->before = place->after = NULL;
    sorted->count--;
}

struct wrd_sctp_place *wrd_sctp_sorted_from(const struct wrd_sctp_sorted *sorted, uint64_t key)
{
    struct wrd_sctp_place *found = NULL;
    for (struct wrd_sctp_place *at = sorted->root; at;) {
        if (at->key >= key) {
            found = at;
            at = at->before;
        } else {
            at = at->after;
        }
    }
    return found;
}

struct wrd_sctp_place *wrd_sctp_sorted_round(const struct wrd_sctp_sorted *sorted, uint32_t group, uint32_t number)
{
    struct wrd_sctp_place *found = wrd_sctp_sorted_from(sorted, wrd_sctp_sorted_key(group, number));
    if (!found || found->key >> 32 != group)
        found = wrd_sctp_sorted_from(sorted, wrd_sctp_sorted_key(group, 0));
    return found && found->key >> 32 == group ? found : NULL;
}

static size_t audit(const struct wrd_sctp_sorted *sorted, const struct wrd_sctp_place *top, uint64_t least,
                    uint64_t most)
{
    if (!top)
        return 0;
    WRD_ASSERT(top->key >= least && top->key <= most);
    WRD_ASSERT(!top->before || rank_of(sorted, top->before) <= rank_of(sorted, top));
    WRD_ASSERT(!top->after || rank_of(sorted, top->after) <= rank_of(sorted, top));
    return 1 + (top->before ? audit(sorted, top->before, least, top->key - 1) : 0) +
           (top->after ? audit(sorted, top->after, top->key + 1, most) : 0);
}

size_t wrd_sctp_sorted_audit(const struct wrd_sctp_sorted *sorted)
{
    return audit(sorted, sorted->root, 0, UINT64_MAX);
}
