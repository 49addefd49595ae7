/* SPDX-License-Identifier: MIT */
#include "sctp/heap.h"

#include "base/check.h"

#include <stddef.h>

static bool goes_before(const struct wrd_sctp_heap_node *a, const struct wrd_sctp_heap_node *b)
{
    if (a->key != b->key)
        return (int64_t)(a->key - b->key) < 0;
    return (int32_t)(a->order - b->order) < 0;
}

/* Two roots become one. */
static struct wrd_sctp_heap_node *merge(struct wrd_sctp_heap_node *a, struct wrd_sctp_heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (goes_before(b, a)) {
        struct wrd_sctp_heap_node *swapped = a;
        a = b;
        b = swapped;
    }
    b->next = a->child;
    b->prev = a;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* The children of a node that left: merged in pairs from the left, then the pairs from the right. */
static struct wrd_sctp_heap_node *merge_children(struct wrd_sctp_heap_node *child)
{
    struct wrd_sctp_heap_node *pairs = NULL;
    while (child) {
        struct wrd_sctp_heap_node *a = child;
        struct wrd_sctp_heap_node *b = a->next;
        child = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct wrd_sctp_heap_node *root = NULL;
    while (pairs) {
        struct wrd_sctp_heap_node *rest = pairs->next;
        pairs->next = NULL;
        root = merge(root, pairs);
        pairs = rest;
    }
    return root;
}

void wrd_sctp_heap_add(struct wrd_sctp_heap *heap, struct wrd_sctp_heap_node *node, uint64_t key)
{
    WRD_ASSERT(!node->is_in);
    *node = (struct wrd_sctp_heap_node){.key = key, .order = heap->order++, .is_in = true};
    heap->first = merge(heap->first, node);
}

void wrd_sctp_heap_remove(struct wrd_sctp_heap *heap, struct wrd_sctp_heap_node *node)
{
    if (!node->is_in)
        return;
    node->is_in = false;
    struct wrd_sctp_heap_node *rest = merge_children(node->child);
    node->child = NULL;
    if (heap->first == node) {
        heap->first = rest;
        return;
    }
    if (node->prev->child == node)
        node->prev->child = node->next;
    else
        node->prev->next = node->next;
    if (node->next)
        node->next->prev = node->prev;
    heap->first = merge(heap->first, rest);
}
