/* SPDX-License-Identifier: MIT */
/* Flows of ours that share one bottleneck: 20 Mbit/s, 50 ms, a drop-tail queue of one bandwidth-delay product. */
#include "wan/road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RATE (20 * (uint64_t)1000000)
#define RTT  (50 * WRD_MILLISECOND)

static struct flow *add(struct road *road, enum wrd_sctp_congestion congestion, wrd_time starts, wrd_time extra_rtt)
{
    struct flow *flow = road_add(road);
    flow->options.congestion = congestion;
    flow->bulk = 16384;
    flow->starts_us = starts;
    flow->extra_us = extra_rtt / 2;
    return flow;
}

/* What each flow delivered from `from` to `to`, seconds from the beginning; answers Jain's index: 1 is fair, 1/n is all
 * to one. */
static double jain(struct road *road, wrd_time from, wrd_time to, double shares[ROAD_FLOWS_MAX])
{
    uint64_t before[ROAD_FLOWS_MAX];
    double sum = 0, squares = 0;
    road_run(road, from * WRD_SECOND - (road->now - road->start));
    for (unsigned i = 0; i < road->flow_count; i++)
        before[i] = road->flows[i].heard_bytes;
    road_run(road, (to - from) * WRD_SECOND);
    for (unsigned i = 0; i < road->flow_count; i++) {
        shares[i] = road_share(road, road->flows[i].heard_bytes - before[i], (to - from) * WRD_SECOND);
        sum += shares[i];
        squares += shares[i] * shares[i];
        printf("  %.1f %%", 100 * shares[i]);
    }
    double index = sum * sum / (road->flow_count * squares);
    printf("  of the line, together %.1f %%, Jain %.3f\n", 100 * sum, index);
    return index;
}

static void two_of_the_same_kind_share_evenly(void **state)
{
    for (int kind = WRD_SCTP_CUBIC; kind <= WRD_SCTP_RENO; kind++) {
        for (wrd_time later = 0; later < 3; later++) {
            struct road road;
            double shares[ROAD_FLOWS_MAX];
            road_init(&road, 1, RATE, RTT);
            add(&road, (enum wrd_sctp_congestion)kind, 0, 0);
            add(&road, (enum wrd_sctp_congestion)kind, later * 137 * WRD_MILLISECOND, 0);
            assert_true(jain(&road, 10, 70, shares) >= 0.9); /* without chance, a drop-tail queue favours a phase */
            assert_true(shares[0] + shares[1] >= 0.85);
            road_free(&road);
        }
    }
}

static void four_share_evenly(void **state)
{
    struct road road;
    double shares[ROAD_FLOWS_MAX];
    road_init(&road, 1, RATE, RTT);
    for (wrd_time i = 0; i < 4; i++)
        add(&road, WRD_SCTP_CUBIC, i * 213 * WRD_MILLISECOND, 0);
    assert_true(jain(&road, 10, 70, shares) >= 0.9);
    road_free(&road);
}

/* RFC 9438 4.3: on such a path CUBIC behaves as Reno would. */
static void cubic_leaves_reno_its_share(void **state)
{
    struct road road;
    double shares[ROAD_FLOWS_MAX];
    road_init(&road, 1, RATE, RTT);
    add(&road, WRD_SCTP_CUBIC, 0, 0);
    add(&road, WRD_SCTP_RENO, 137 * WRD_MILLISECOND, 0);
    assert_true(jain(&road, 10, 70, shares) >= 0.85);
    road_free(&road);
}

static void longer_round_trip_is_not_starved(void **state)
{
    struct road road;
    double shares[ROAD_FLOWS_MAX];
    road_init(&road, 1, RATE, RTT);
    add(&road, WRD_SCTP_CUBIC, 0, 0);
    add(&road, WRD_SCTP_CUBIC, 137 * WRD_MILLISECOND, 100 * WRD_MILLISECOND);
    assert_true(jain(&road, 10, 70, shares) >= 0.8);
    assert_true(shares[1] >= 0.25);
    road_free(&road);
}

static void late_comer_gets_its_share(void **state)
{
    struct road road;
    double shares[ROAD_FLOWS_MAX];
    road_init(&road, 1, RATE, RTT);
    add(&road, WRD_SCTP_CUBIC, 0, 0);
    add(&road, WRD_SCTP_CUBIC, 20 * WRD_SECOND, 0);
    (void)jain(&road, 10, 20, shares);
    (void)jain(&road, 20, 25, shares);
    assert_true(jain(&road, 40, 60, shares) >= 0.9);
    road_free(&road);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_the_same_kind_share_evenly), cmocka_unit_test(four_share_evenly),
        cmocka_unit_test(cubic_leaves_reno_its_share),       cmocka_unit_test(longer_round_trip_is_not_starved),
        cmocka_unit_test(late_comer_gets_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
