/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for their turn or for their end, by group and number: a treap whose heap order is a keyed hash, so
 * that nobody who chooses streams and numbers makes it deep. It takes no memory of its own.
 */
#ifndef WRD_SCTP_RX_SORTED_H
#define WRD_SCTP_RX_SORTED_H

#include <stddef.h>
#include <stdint.h>

/* A member of what is sorted. */
struct wrd_sctp_place {
    struct wrd_sctp_place *before, *after;
    uint64_t key; /* the group, and the number in its lower half */
};

struct wrd_sctp_sorted {
    struct wrd_sctp_place *root;
    uint32_t count;
    uint64_t salt; /* secret */
};

static inline uint64_t wrd_sctp_sorted_key(uint32_t group, uint32_t number)
{
    return (uint64_t)group << 32 | number;
}

/* No other has its key. */
void wrd_sctp_sorted_add(struct wrd_sctp_sorted *sorted, struct wrd_sctp_place *place);
/* `place` is in it. */
void wrd_sctp_sorted_remove(struct wrd_sctp_sorted *sorted, struct wrd_sctp_place *place);
/* The one with the least key that is not below `key`; NULL: none. */
struct wrd_sctp_place *wrd_sctp_sorted_from(const struct wrd_sctp_sorted *sorted, uint64_t key);
/* The first of `group` from `number` on, when after the highest number come the lowest; NULL: the group is empty. */
struct wrd_sctp_place *wrd_sctp_sorted_round(const struct wrd_sctp_sorted *sorted, uint32_t group, uint32_t number);
/* Counts them, and stops the process when one is out of its place. For tests. */
size_t wrd_sctp_sorted_audit(const struct wrd_sctp_sorted *sorted);

#endif
