/* SPDX-License-Identifier: MIT */
/* How late messages are: after the loss of a last packet, over a lossy path, and beside bulk. */
#include "wan/road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const wrd_time rtts_ms[] = {20, 50, 100, 300};

#define RTTS (sizeof rtts_ms / sizeof *rtts_ms)

static double ms(wrd_time time)
{
    return (double)time / 1000;
}

/* ---- the last packet is lost */

struct loss {
    wrd_time at;   /* the first packet of the speaker then or later dies */
    unsigned skip; /* or the one so many later */
    bool done;
};

static bool lose_one(struct road *road, struct flow *flow, int from, const uint8_t *bytes, size_t len)
{
    struct loss *loss = road->tap_user;
    if (from != 0 || road->now < loss->at || loss->done || loss->skip-- > 0)
        return true;
    loss->done = true;
    return false;
}

/* Messages every two seconds; of the fourth the last packet is lost. How late it was, in round trips. */
static double repair(wrd_time rtt, size_t size, unsigned packets)
{
    struct road road;
    road_init(&road, 1, 100 * (uint64_t)1000000, rtt);
    struct flow *flow = road_add(&road);
    flow->small = size;
    flow->small_every = 2 * WRD_SECOND;
    flow->small_until = 11 * WRD_SECOND;
    struct loss loss = {.at = road.now + 7 * WRD_SECOND, .skip = packets - 1};
    road.tap = lose_one;
    road.tap_user = &loss;
    road_run(&road, 12 * WRD_SECOND);
    assert_true(loss.done);
    assert_int_equal(flow->heard_small, flow->said_small);
    double late = (double)flow->late[4] / (double)rtt;
    assert_true((double)flow->late[3] / (double)rtt < 0.6);
    road_free(&road);
    return late;
}

/* Two for the probe and a half for its way. */
static void lost_last_packet_is_there_within_two_and_a_half_round_trips(void **state)
{
    for (size_t i = 0; i < RTTS; i++) {
        wrd_time rtt = rtts_ms[i] * WRD_MILLISECOND;
        double one = repair(rtt, 100, 1), three = repair(rtt, 3000, 3);
        printf("%3.0f ms: a lone packet after %.2f round trips, the last of three after %.2f\n", ms(rtt), one, three);
        double on_the_line = 0.8 / ms(rtt); /* of three packets, and of the timer's rounding */
        assert_true(one <= 2.5 + on_the_line && three <= 2.5 + on_the_line);
    }
}

/* ---- a lossy path */

/* One loss costs two and a half round trips, or waits for the next message; a second in a row some more. */
static void small_messages_pass_a_lossy_path_in_time(void **state)
{
    static const wrd_time late_ms[RTTS] = {170, 225, 400, 800};
    for (size_t i = 0; i < RTTS; i++) {
        struct road road;
        wrd_time rtt = rtts_ms[i] * WRD_MILLISECOND;
        road_init(&road, 1, 10 * (uint64_t)1000000, rtt);
        road.out.loss = road.back.loss = 0.05;
        struct flow *flow = road_add(&road);
        flow->small = 100;
        flow->small_every = 100 * WRD_MILLISECOND;
        flow->small_until = 600 * WRD_SECOND;
        road_run(&road, 620 * WRD_SECOND);
        assert_int_equal(flow->heard_small, flow->said_small);
        printf("5 %% loss, 100 bytes every 100 ms, %3.0f ms: half within %.0f ms, 99 %% within %.0f, all within %.0f\n",
               ms(rtt), ms(road_late(flow, 0.5)), ms(road_late(flow, 0.99)), ms(road_late(flow, 1)));
        assert_true(road_late(flow, 0.5) < rtt / 2 + 2 * WRD_MILLISECOND);
        assert_true(road_late(flow, 0.99) <= late_ms[i] * WRD_MILLISECOND);
        road_free(&road);
    }
}

/* ---- beside bulk */

static wrd_time beside_bulk(bool interleaving)
{
    struct road road;
    road_init(&road, 1, 10 * (uint64_t)1000000, 50 * WRD_MILLISECOND);
    struct flow *flow = road_add(&road);
    flow->options.no_interleaving = !interleaving;
    flow->bulk = 256 * 1024;
    flow->small = 100;
    flow->small_every = 50 * WRD_MILLISECOND;
    road_run(&road, 30 * WRD_SECOND);
    wrd_time late = road_late(flow, 0.99);
    printf("beside messages of 256 KiB at 10 Mbit/s, 50 ms, %s: half within %.0f ms, 99 %% within %.0f, all within "
           "%.0f\n",
           interleaving ? "I-DATA" : "DATA", ms(road_late(flow, 0.5)), ms(late), ms(road_late(flow, 1)));
    assert_true(flow->heard_small > 500 && flow->heard_bulk > 50);
    road_free(&road);
    return late;
}

static void interleaving_keeps_small_messages_quick_beside_bulk(void **state)
{
    wrd_time with = beside_bulk(true), without = beside_bulk(false);
    assert_true(with <= 120 * WRD_MILLISECOND); /* half a round trip, and what the line's queue holds */
    assert_true(2 * with < without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_last_packet_is_there_within_two_and_a_half_round_trips),
        cmocka_unit_test(small_messages_pass_a_lossy_path_in_time),
        cmocka_unit_test(interleaving_keeps_small_messages_quick_beside_bulk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
