/* SPDX-License-Identifier: MIT */
#include "endpoint/timers.h"

#include "lab.h"

#include <stdlib.h>

#define MANY 200

struct bench {
    struct lab_memory memory;
    struct wrd_timers timers;
    struct wrd_connection *connections; /* MANY */
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->connections = calloc(MANY, sizeof *b->connections);
    assert_non_null(b->connections);
    lab_memory_init(&b->memory);
    for (uint32_t i = 0; i < MANY; i++)
        b->connections[i].heap_index = WRD_TIMERS_NOWHERE;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    wrd_timers_free(&b->timers, &b->memory.env);
    assert_int_equal(b->memory.live, 0);
    wrd_timers_free(&b->timers, &b->memory.env); /* a second time does no harm */
    free(b->connections);
    free(b);
    return 0;
}

static void reserve(struct bench *b, uint32_t count)
{
    assert_true(wrd_timers_reserve(&b->timers, &b->memory.env, count));
}

static void set(struct bench *b, uint32_t number, wrd_time deadline)
{
    wrd_timers_set(&b->timers, &b->connections[number], deadline);
}

static void nobody_is_first_when_empty(void **state)
{
    struct bench *b = *state;
    assert_null(wrd_timers_first(&b->timers));
    set(b, 0, WRD_NEVER); /* needs no room */
    assert_null(wrd_timers_first(&b->timers));
    assert_int_equal(b->connections[0].heap_index, WRD_TIMERS_NOWHERE);
    reserve(b, 0);
    assert_null(wrd_timers_first(&b->timers));
}

static void the_earliest_is_first_and_moves_with_its_deadline(void **state)
{
    struct bench *b = *state;
    reserve(b, 3);
    set(b, 0, 30);
    set(b, 1, 10);
    set(b, 2, 20);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[1]);
    set(b, 1, 40);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[2]);
    set(b, 0, 0);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[0]);
    set(b, 0, WRD_NEVER);
    set(b, 0, WRD_NEVER);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[2]);
    set(b, 2, WRD_NEVER);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[1]);
    set(b, 1, WRD_NEVER);
    assert_null(wrd_timers_first(&b->timers));
}

static void the_latest_time_that_is_not_never_still_counts(void **state)
{
    struct bench *b = *state;
    reserve(b, 2);
    set(b, 0, WRD_NEVER - 1);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[0]);
    set(b, 1, WRD_NEVER - 2);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[1]);
}

static void who_was_removed_comes_back_at_the_same_deadline(void **state)
{
    struct bench *b = *state;
    reserve(b, 1);
    set(b, 0, 5);
    set(b, 0, WRD_NEVER);
    set(b, 0, 5);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[0]);
}

static void a_refused_reserve_changes_nothing(void **state)
{
    struct bench *b = *state;
    b->memory.refuses = true;
    assert_false(wrd_timers_reserve(&b->timers, &b->memory.env, 1));
    assert_null(wrd_timers_first(&b->timers));
    b->memory.refuses = false;
    reserve(b, 2);
    set(b, 0, 2);
    set(b, 1, 1);
    b->memory.refuses = true;
    assert_true(wrd_timers_reserve(&b->timers, &b->memory.env, 2)); /* there is room already */
    assert_false(wrd_timers_reserve(&b->timers, &b->memory.env, 3));
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[1]);
    set(b, 1, WRD_NEVER);
    assert_ptr_equal(wrd_timers_first(&b->timers), &b->connections[0]);
}

static wrd_time earliest(const wrd_time *deadlines)
{
    wrd_time first = WRD_NEVER;
    for (int i = 0; i < MANY; i++)
        first = deadlines[i] < first ? deadlines[i] : first;
    return first;
}

static void check_places(const struct bench *b, const wrd_time *deadlines)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        const struct wrd_connection *c = &b->connections[i];
        if (deadlines[i] == WRD_NEVER) {
            assert_int_equal(c->heap_index, WRD_TIMERS_NOWHERE);
            continue;
        }
        count++;
        assert_true(c->heap_index < b->timers.len);
        assert_ptr_equal(b->timers.heap[c->heap_index], c);
        assert_true(c->deadline == deadlines[i]);
    }
    assert_int_equal(b->timers.len, count);
}

static void any_sequence_agrees_with_a_plain_list(void **state)
{
    struct bench *b = *state;
    wrd_time deadlines[MANY];
    for (int i = 0; i < MANY; i++)
        deadlines[i] = WRD_NEVER;
    uint64_t seed = 3;
    reserve(b, MANY);
    for (int step = 0; step < 40000; step++) {
        uint32_t i = lab_below(&seed, step / 5000 % 2 ? MANY : 9);
        uint32_t range = lab_below(&seed, 2) ? 10 : 1000000; /* many alike, and few */
        wrd_time deadline = lab_below(&seed, 3) == 0 ? WRD_NEVER : lab_below(&seed, range);
        set(b, i, deadline);
        deadlines[i] = deadline;
        const struct wrd_connection *first = wrd_timers_first(&b->timers);
        assert_true((first ? first->deadline : WRD_NEVER) == earliest(deadlines));
        if (step % 50 == 0)
            check_places(b, deadlines);
    }
}

static void taken_one_by_one_they_come_in_order(void **state)
{
    struct bench *b = *state;
    uint64_t seed = 4;
    for (uint32_t i = 0; i < MANY; i++) {
        reserve(b, i + 1);
        set(b, i, lab_below(&seed, 50));
    }
    wrd_time last = 0;
    unsigned count = 0;
    for (struct wrd_connection *c; (c = wrd_timers_first(&b->timers)); count++) {
        assert_true(c->deadline >= last);
        last = c->deadline;
        wrd_timers_set(&b->timers, c, WRD_NEVER);
    }
    assert_int_equal(count, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_first_when_empty),
        TEST(the_earliest_is_first_and_moves_with_its_deadline),
        TEST(the_latest_time_that_is_not_never_still_counts),
        TEST(who_was_removed_comes_back_at_the_same_deadline),
        TEST(a_refused_reserve_changes_nothing),
        TEST(any_sequence_agrees_with_a_plain_list),
        TEST(taken_one_by_one_they_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
