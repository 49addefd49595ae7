/* SPDX-License-Identifier: MIT */
/* A pairing heap whose nodes lie in what they order: it allocates nothing. Every operation is O(log n), amortised.
 * Keys compare as serial numbers, so they may wrap; equal ones come out in the order in which they went in.
 */
#ifndef WRD_SCTP_HEAP_H
#define WRD_SCTP_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct wrd_sctp_heap_node {
    struct wrd_sctp_heap_node *child, *next;
    struct wrd_sctp_heap_node *prev; /* the left sibling; of a first child: its parent */
    uint64_t key;
    uint32_t order;
    bool is_in;
};

struct wrd_sctp_heap {
    struct wrd_sctp_heap_node *first;
    uint32_t order; /* of the next node */
};

void wrd_sctp_heap_add(struct wrd_sctp_heap *heap, struct wrd_sctp_heap_node *node, uint64_t key);
/* A node that is not in is left alone. */
void wrd_sctp_heap_remove(struct wrd_sctp_heap *heap, struct wrd_sctp_heap_node *node);

#endif
