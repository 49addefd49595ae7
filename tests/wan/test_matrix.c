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
        {{80.2, 67.1, 67.5, 66.5}, {81.3, 67.1, 66.5, 64.2}, {80.2, 66.8, 62.9, 57.3}, {74.3, 56.3, 45.2, 39.3}},
        {{66.8, 67.5, 67.8, 66.8}, {67.8, 67.8, 67.1, 65.2}, {66.8, 66.5, 64.8, 59.3}, {61.6, 54.7, 42.2, 33.0}},
    },
    {
        {{81.7, 67.6, 42.7, 33.3}, {80.3, 60.9, 18.5, 14.6}, {79.0, 45.0, 10.2, 8.2}, {68.0, 26.6, 4.4, 3.9}},
        {{67.8, 67.1, 45.0, 33.2}, {67.3, 56.6, 20.2, 14.1}, {65.5, 44.0, 12.0, 8.0}, {52.7, 36.5, 6.1, 3.8}},
    },
    {
        {{85.0, 17.1, 4.6, 3.6}, {85.0, 9.2, 1.8, 1.4}, {85.0, 9.1, 1.0, 0.81}, {68.5, 6.1, 0.44, 0.39}},
        {{68.5, 18.2, 4.9, 3.5}, {67.8, 10.3, 2.1, 1.5}, {66.2, 9.2, 1.2, 0.81}, {59.4, 6.1, 0.62, 0.36}},
    },
    {
        {{81.4, 5.4, 0.53, 0.42}, {75.1, 3.1, 0.24, 0.20}, {55.9, 1.8, 0.12, 0.11}, {62.0, 0.72, 0.04, 0.04}},
        {{56.9, 5.4, 0.63, 0.42}, {38.5, 3.2, 0.31, 0.19}, {17.0, 1.8, 0.18, 0.10}, {3.4, 0.66, 0.06, 0.03}},
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
    if (rates_mbit[path->rate] == 100 && path->loss == 0)
        return 30 * WRD_SECOND;
    if (rates_mbit[path->rate] < 1000)
        return 10 * WRD_SECOND;
    if (path->loss == 0 && !path->reorder)
        return 15 * WRD_SECOND;
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

static void unlimited_line_is_bounded_by_the_peers_window_alone(void **state)
{
    struct road road;
    wrd_time rtt = 60 * WRD_MILLISECOND, time = 10 * WRD_SECOND;
    road_init(&road, 1, 0, rtt);
    struct flow *flow = road_add(&road);
    flow->options.receive_window = (size_t)1 << 20;
    flow->options.send_limit = (size_t)4 << 20;
    flow->bulk = 16384;
    road_run(&road, time);
    double windows = (double)flow->heard_bytes / (double)flow->options.receive_window;
    double of_possible = windows / ((double)time / (double)rtt);
    printf("a window of 1 MiB each round trip: %.1f %%\n", 100 * of_possible);
    assert_true(of_possible > 0.75 && of_possible < 1);
    road_free(&road);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_1_mbit_are_used),
        cmocka_unit_test(links_of_10_mbit_are_used),
        cmocka_unit_test(links_of_100_mbit_are_used),
        cmocka_unit_test(links_of_1000_mbit_are_used),
        cmocka_unit_test(unlimited_line_is_bounded_by_the_peers_window_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
