/* SPDX-License-Identifier: MIT */
#include "sctp/heap.h"

#include "lab.h"

#define COUNT 300

static struct wrd_sctp_heap heap;
static struct wrd_sctp_heap_node nodes[COUNT];

/* The one that must be first, looked for the slow way. */
static struct wrd_sctp_heap_node *least(void)
{
    struct wrd_sctp_heap_node *best = NULL;
    for (size_t i = 0; i < COUNT; i++) {
        struct wrd_sctp_heap_node *node = &nodes[i];
        if (!node->is_in)
            continue;
        int64_t ahead = best ? (int64_t)(node->key - best->key) : -1;
        if (ahead < 0 || (ahead == 0 && (int32_t)(node->order - best->order) < 0))
            best = node;
    }
    return best;
}

static void first_is_always_the_least_whatever_is_added_and_removed(void **state)
{
    uint64_t seed = 3;
    for (uint64_t base = 0; base < 3; base++) {
        heap = (struct wrd_sctp_heap){.order = UINT32_MAX - 500};
        for (int round = 0; round < 5000; round++) {
            struct wrd_sctp_heap_node *node = &nodes[lab_random(&seed) % COUNT];
            if (node->is_in || lab_random(&seed) % 3 == 0)
                wrd_sctp_heap_remove(&heap, node);
            else
                wrd_sctp_heap_add(&heap, node, base * (UINT64_MAX / 2) - 50 + lab_random(&seed) % 100);
            assert_ptr_equal(heap.first, least());
        }
        while (heap.first) {
            wrd_sctp_heap_remove(&heap, heap.first);
            assert_ptr_equal(heap.first, least());
        }
    }
}

static void equal_keys_come_out_as_they_went_in(void **state)
{
    heap = (struct wrd_sctp_heap){.order = UINT32_MAX - 10};
    for (size_t i = 0; i < COUNT; i++)
        wrd_sctp_heap_add(&heap, &nodes[i], 7);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(heap.first, &nodes[i]);
        wrd_sctp_heap_remove(&heap, &nodes[i]);
    }
    assert_null(heap.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_is_always_the_least_whatever_is_added_and_removed),
        cmocka_unit_test(equal_keys_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
