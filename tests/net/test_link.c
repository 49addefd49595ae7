/* SPDX-License-Identifier: MIT */
#include "net/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct line {
    struct link_options options;
    struct link_state state;
    struct transit transit;
    uint64_t seed;
};

static void put(struct line *line, wrd_time now, size_t len, uint8_t mark)
{
    static const wrd_addr from = {.port = 1}, to = {.port = 2};
    uint8_t bytes[1500];
    memset(bytes, mark, sizeof bytes);
    link_send(&line->options, &line->state, &line->transit, &line->seed, now, &from, &to, bytes, len);
}

/* When the next one arrives and what it is marked with. */
static wrd_time take(struct line *line, uint8_t *mark)
{
    struct parcel *parcel = transit_take(&line->transit);
    wrd_time at = parcel->at;
    *mark = parcel->bytes[0];
    assert_int_equal(parcel->from.port, 1);
    assert_int_equal(parcel->to.port, 2);
    free(parcel);
    return at;
}

static void full_queue_drops_the_newest_and_drains_at_the_rate(void **state)
{
    /* 8 Mbit/s: a byte each microsecond. */
    struct line line = {.options = {.delay_us = 100, .rate_bps = 8000000, .queue_bytes = 3000, .overhead = 10}};
    for (uint8_t i = 0; i < 5; i++)
        put(&line, 1000, 990, i);
    assert_int_equal(line.state.overflowed, 2);
    put(&line, 2000, 990, 5); /* one has left */
    put(&line, 2000, 990, 6);
    assert_int_equal(line.state.overflowed, 3);
    assert_int_equal(line.state.bytes, 4000);
    static const uint8_t marks[] = {0, 1, 2, 5};
    for (size_t i = 0; i < 4; i++) {
        uint8_t mark;
        assert_int_equal(take(&line, &mark), 2100 + 1000 * i);
        assert_int_equal(mark, marks[i]);
    }
    assert_true(transit_next(&line.transit) == WRD_NEVER);
    transit_free(&line.transit);
}

static void fast_line_is_exact_over_many_datagrams(void **state)
{
    struct line line = {.options = {.rate_bps = 1000000000}};
    for (int i = 0; i < 1000; i++)
        put(&line, 0, 1200, 0);
    assert_int_equal(line.state.free_at_ns, 9600000);
    transit_free(&line.transit);
}

static void mask_loses_exactly_its_datagrams(void **state)
{
    struct line line = {.options = {.loss_mask = 5}};
    for (uint8_t i = 0; i < 70; i++)
        put(&line, i, 10, i);
    assert_int_equal(line.state.lost, 2);
    uint8_t mark;
    (void)take(&line, &mark);
    assert_int_equal(mark, 1);
    (void)take(&line, &mark);
    assert_int_equal(mark, 3);
    transit_free(&line.transit);
}

static void random_faults_come_as_often_as_asked(void **state)
{
    struct line line = {.options = {.loss = 0.1, .duplicate = 0.2, .corrupt = 0.3, .reorder = 0.25, .reorder_us = 500}};
    unsigned late = 0, damaged = 0, whole = 0;
    for (wrd_time i = 0; i < 10000; i++)
        put(&line, i * 1000, 4, 0xaa);
    assert_in_range(line.state.lost, 900, 1100);
    assert_in_range(line.transit.count, 9000 * 115 / 100, 9000 * 125 / 100);
    while (line.transit.count > 0) {
        struct parcel *parcel = transit_take(&line.transit);
        int bits = 0;
        for (size_t i = 0; i < 4; i++)
            bits += __builtin_popcount(parcel->bytes[i] ^ 0xaau);
        assert_in_range(bits, 0, 1);
        damaged += bits == 1;
        late += parcel->at % 1000 == 500;
        whole++;
        free(parcel);
    }
    assert_in_range(damaged, whole * 27 / 100, whole * 33 / 100);
    assert_in_range(late, whole * 22 / 100, whole * 28 / 100);
    transit_free(&line.transit);
}

static void bursts_are_as_long_and_as_bad_as_asked(void **state)
{
    /* One in a hundred begins a burst, which lasts ten on average and loses eight of ten. */
    struct line line = {.options = {.burst_enter = 0.01, .burst_leave = 0.1, .burst_loss = 0.8}};
    unsigned runs = 0;
    uint64_t before = 0;
    bool losing = false;
    for (wrd_time i = 0; i < 100000; i++) {
        put(&line, i, 4, 0);
        bool lost = line.state.lost > before;
        before = line.state.lost;
        runs += lost && !losing;
        losing = lost;
    }
    assert_in_range(line.state.lost, 6000, 8500); /* 1/11 of the time in bursts */
    assert_true(line.state.lost > 3 * runs);      /* together, not spread */
    transit_free(&line.transit);
}

static void burst_ends_with_its_time(void **state)
{
    struct line line = {.options = {.burst_enter = 1, .burst_loss = 1, .burst_us = 1000}};
    put(&line, 0, 4, 0);
    put(&line, 999, 4, 0);
    assert_int_equal(line.state.lost, 2);
    line.options.burst_enter = 0;
    put(&line, 1000, 4, 0);
    assert_int_equal(line.state.lost, 2);
    transit_free(&line.transit);
}

static void same_seed_gives_the_same_fate(void **state)
{
    struct line a = {.seed = 7, .options = {.loss = 0.2, .duplicate = 0.1, .jitter_us = 5000, .corrupt = 0.1}}, b = a;
    for (wrd_time i = 0; i < 1000; i++) {
        put(&a, i, 100, 1);
        put(&b, i, 100, 1);
    }
    assert_int_equal(a.transit.count, b.transit.count);
    while (a.transit.count > 0) {
        struct parcel *x = transit_take(&a.transit), *y = transit_take(&b.transit);
        assert_true(x->at == y->at);
        assert_memory_equal(x->bytes, y->bytes, 100);
        free(x);
        free(y);
    }
    transit_free(&a.transit);
    transit_free(&b.transit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_queue_drops_the_newest_and_drains_at_the_rate),
        cmocka_unit_test(fast_line_is_exact_over_many_datagrams),
        cmocka_unit_test(mask_loses_exactly_its_datagrams),
        cmocka_unit_test(random_faults_come_as_often_as_asked),
        cmocka_unit_test(bursts_are_as_long_and_as_bad_as_asked),
        cmocka_unit_test(burst_ends_with_its_time),
        cmocka_unit_test(same_seed_gives_the_same_fate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
