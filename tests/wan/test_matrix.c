/* SPDX-License-Identifier: MIT */
/*
 * Bulk one way over 1 .. 1000 Mbit/s, 20 .. 300 ms, no loss .. 2 %, in order and not; the queue in front of the line
 * holds one bandwidth-delay product. Prints the bytes of messages delivered, as a share of the line's rate: 92 % is all
 * that headers leave. `WAN=1` in the environment lets each path run for a minute.
 */
#include "wan/road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RATES  4
#define RTTS   4
#define LOSSES 4

static const uint64_t rates_mbit[RATES] = {1, 10, 100, 1000};
static const wrd_time rtts_ms[RTTS] = {20, 50, 100, 300};
static const double losses[LOSSES] = {0, 0.001, 0.01, 0.02};

/* Percent that each path must reach: a little below what it does. By rate, order, round trip, loss. */
static const double floors[RATES][2][RTTS][LOSSES] = {
    {
        {{64.2, 64.2, 63.3, 62.3}, {62.3, 63.3, 62.3, 59.6}, {62.3, 62.3, 51.3, 44.0}, {50.4, 40.3, 19.2, 16.5}},
        {{64.2, 64.2, 63.3, 62.3}, {62.3, 63.3, 62.3, 57.8}, {62.3, 61.4, 52.2, 39.4}, {42.2, 25.6, 12.8, 11.9}},
    },
    {
        {{62.8, 62.7, 37.8, 24.6}, {61.8, 54.1, 15.5, 10.8}, {58.1, 27.3, 6.9, 5.1}, {50.5, 4.5, 2.0, 1.7}},
        {{63.3, 61.2, 34.8, 24.2}, {22.3, 19.6, 11.8, 9.6}, {16.0, 12.2, 6.0, 4.4}, {8.3, 3.2, 1.3, 1.2}},
    },
    {
        {{60.9, 12.9, 4.0, 2.7}, {57.4, 6.2, 1.6, 1.1}, {29.5, 2.8, 0.7, 0.52}, {20.5, 0.46, 0.20, 0.17}},
        {{5.1, 4.4, 3.1, 2.4}, {2.3, 1.9, 1.2, 0.9}, {1.0, 1.0, 0.62, 0.46}, {0.8, 0.32, 0.13, 0.12}},
    },
    {
        {{28.3, 1.2, 0.33, 0.27}, {16.9, 0.31, 0.11, 0.09}, {9.5, 0.12, 0.06, 0.04}, {29.9, 0.03, 0.02, 0.01}},
        {{0.7, 0.55, 0.25, 0.20}, {0.34, 0.14, 0.08, 0.06}, {0.11, 0.06, 0.04, 0.03}, {0.09, 0.02, 0.01, 0.01}},
    },
};

struct path {
    int rate, rtt, loss;
    bool reorder;
};

static bool is_long(void)
{
    const char *wan = getenv("WAN");
    return wan && *wan;
}

/* Slow start alone takes some twelve round trips to fill the fastest path. */
static wrd_time time_for(const struct path *path)
{
    if (is_long())
        return 60 * WRD_SECOND;
    if (rates_mbit[path->rate] < 1000)
        return 10 * WRD_SECOND;
    return WRD_SECOND + 20 * rtts_ms[path->rtt] * WRD_MILLISECOND;
}

static double use_of(const struct path *path)
{
    struct road road;
    wrd_time time = time_for(path), rtt = rtts_ms[path->rtt] * WRD_MILLISECOND;
    road_init(&road, 1, rates_mbit[path->rate] * 1000000, rtt);
    road.out.loss = losses[path->loss];
    if (path->reorder) {
        road.out.reorder = 0.01;
        road.out.reorder_us = rtt / 8;
    }
    struct flow *flow = road_add(&road);
    flow->bulk = 16384;
    road_run(&road, time);
    double share = road_share(&road, flow->heard_bytes, time);
    road_free(&road);
    return 100 * share;
}

/* Prints its row. How many paths stayed below their floor. */
static unsigned run_row(struct path path)
{
    unsigned missed = 0;
    const double *least = floors[path.rate][path.reorder][path.rtt];
    printf("%4llu Mbit/s %3llu ms %-9s", (unsigned long long)rates_mbit[path.rate],
           (unsigned long long)rtts_ms[path.rtt], path.reorder ? "reordered" : "in order");
    for (path.loss = 0; path.loss < LOSSES; path.loss++) {
        double percent = use_of(&path);
        bool misses = percent < least[path.loss];
        missed += misses;
        printf("  %6.2f%s", percent, misses ? " MISSED" : "");
        if (misses)
            printf(" (%.2f)", least[path.loss]);
        (void)fflush(stdout);
    }
    puts("");
    return missed;
}

static void run_rate(int rate)
{
    unsigned missed = 0;
    puts("delivered, percent of the line      no loss    0.1 %     1 %     2 %");
    for (int reorder = 0; reorder < 2; reorder++) {
        for (int rtt = 0; rtt < RTTS; rtt++)
            missed += run_row((struct path){.rate = rate, .rtt = rtt, .reorder = reorder == 1});
    }
    assert_int_equal(missed, 0);
}

static void links_of_1_mbit_are_used(void **state)
{
    run_rate(0);
}

static void links_of_10_mbit_are_used(void **state)
{
    run_rate(1);
}

static void links_of_100_mbit_are_used(void **state)
{
    run_rate(2);
}

static void links_of_1000_mbit_are_used(void **state)
{
    run_rate(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_1_mbit_are_used),
        cmocka_unit_test(links_of_10_mbit_are_used),
        cmocka_unit_test(links_of_100_mbit_are_used),
        cmocka_unit_test(links_of_1000_mbit_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
