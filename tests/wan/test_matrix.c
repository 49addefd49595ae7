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
        {{50.4, 50.4, 49.7, 48.3}, {49.0, 49.2, 48.0, 45.8}, {49.0, 48.5, 43.7, 38.4}, {39.6, 36.7, 23.7, 19.4}},
        {{50.4, 49.9, 49.7, 49.0}, {49.0, 49.2, 48.7, 46.1}, {49.0, 48.7, 43.9, 38.6}, {28.5, 23.3, 18.7, 15.6}},
    },
    {
        {{49.8, 49.0, 28.1, 20.9}, {48.5, 42.1, 12.3, 9.1}, {45.7, 25.0, 6.6, 5.0}, {39.7, 13.6, 2.5, 2.1}},
        {{49.8, 47.9, 29.5, 21.3}, {15.9, 13.0, 9.8, 7.6}, {9.0, 6.7, 5.0, 4.1}, {4.0, 2.6, 1.8, 1.5}},
    },
    {
        {{47.8, 11.0, 3.1, 2.3}, {45.3, 5.5, 1.2, 0.9}, {23.2, 4.2, 0.6, 0.50}, {16.1, 2.8, 0.25, 0.21}},
        {{3.7, 3.3, 2.5, 1.9}, {1.5, 1.3, 0.9, 0.7}, {1.0, 0.6, 0.53, 0.42}, {0.41, 0.28, 0.19, 0.15}},
    },
    {
        {{22.3, 2.6, 0.33, 0.25}, {13.3, 1.4, 0.14, 0.12}, {7.5, 0.9, 0.07, 0.06}, {23.5, 0.36, 0.02, 0.02}},
        {{0.46, 0.33, 0.25, 0.20}, {0.23, 0.14, 0.10, 0.08}, {0.12, 0.07, 0.05, 0.04}, {0.04, 0.02, 0.01, 0.01}},
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

static double use_with_seed(const struct path *path, uint64_t seed)
{
    struct road road;
    wrd_time time = time_for(path), rtt = rtts_ms[path->rtt] * WRD_MILLISECOND;
    road_init(&road, seed, rates_mbit[path->rate] * 1000000, rtt);
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

/* Chance has a part in some, so they run more than once. */
static double use_of(const struct path *path)
{
    unsigned runs = path->loss > 0 || path->reorder ? 3 : 1;
    double sum = 0;
    for (uint64_t seed = 1; seed <= runs; seed++)
        sum += use_with_seed(path, seed);
    return sum / runs;
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
