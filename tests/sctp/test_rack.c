/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define MS WRD_MILLISECOND

static void newest_sending_that_arrived_is_remembered(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    assert_false(wrd_sctp_rack_passed(&rack, wrd_tsn(1), 0));
    assert_true(wrd_sctp_rack_arrived(&rack, 150, wrd_tsn(5), 100, false));
    assert_int_equal(rack.rtt, 50);
    assert_true(wrd_sctp_rack_passed(&rack, wrd_tsn(4), 100)); /* the same time: by TSN */
    assert_false(wrd_sctp_rack_passed(&rack, wrd_tsn(5), 100));
    assert_false(wrd_sctp_rack_passed(&rack, wrd_tsn(6), 100));
    assert_true(wrd_sctp_rack_passed(&rack, wrd_tsn(6), 99));
    assert_true(wrd_sctp_rack_arrived(&rack, 200, wrd_tsn(4), 90, false)); /* sent earlier: no news */
    assert_int_equal(rack.rtt, 50);
    assert_true(wrd_sctp_rack_arrived(&rack, 200, wrd_tsn(2), 120, true)); /* a retransmission counts as well */
    assert_int_equal(rack.rtt, 80);
    assert_true(wrd_sctp_rack_passed(&rack, wrd_tsn(9), 110));
}

static void answer_sooner_than_any_round_trip_is_to_the_first_sending(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    wrd_sctp_rack_sample(&rack, 0, 50 * MS);
    assert_true(wrd_sctp_rack_arrived(&rack, 100 * MS, wrd_tsn(9), 50 * MS, false));
    assert_false(wrd_sctp_rack_arrived(&rack, 110 * MS, wrd_tsn(3), 90 * MS, true));
    assert_int_equal(rack.sent_at, 50 * MS);
    assert_true(rack.reordering); /* so what was sent first came after what was sent later */
}

static void reordering_is_seen_only_where_it_is_certain(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    for (uint32_t tsn = 0xfffffff0u; tsn != 10; tsn++)
        (void)wrd_sctp_rack_arrived(&rack, 100, wrd_tsn(tsn), 50, false);
    assert_false(rack.reordering);
    (void)wrd_sctp_rack_arrived(&rack, 100, wrd_tsn(4), 60, true); /* which sending was it? */
    assert_false(rack.reordering);
    (void)wrd_sctp_rack_arrived(&rack, 100, wrd_tsn(5), 50, false);
    assert_true(rack.reordering);
}

/* RFC 8985 6.2 step 4. */
static void window_follows_reordering(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    wrd_sctp_rack_sample(&rack, 0, 40 * MS);
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, true), 0);
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, false), 10 * MS);
    wrd_sctp_rack_hasty(&rack, wrd_tsn(10), wrd_tsn(20));
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, true), 20 * MS);
    wrd_sctp_rack_hasty(&rack, wrd_tsn(19), wrd_tsn(30)); /* the same round trip */
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, true), 20 * MS);
    for (uint32_t round = 2; round < 400; round++)
        wrd_sctp_rack_hasty(&rack, wrd_tsn(round * 10), wrd_tsn(round * 10 + 10));
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, true), 50 * MS); /* never above a round trip */
    for (int i = 0; i < WRD_SCTP_REORDER_PERSIST; i++) {
        assert_true(rack.mult > 1);
        wrd_sctp_rack_recovered(&rack);
    }
    assert_int_equal(wrd_sctp_rack_window(&rack, 50 * MS, true), 10 * MS);
}

static void least_round_trip_time_is_forgotten_in_time(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    wrd_sctp_rack_sample(&rack, 0, 0); /* less than the clock tells is not nothing */
    assert_int_equal(rack.rtt_min.value, 1);
    wrd_sctp_rack_init(&rack);
    wrd_sctp_rack_sample(&rack, 0, 20 * MS);
    wrd_sctp_rack_sample(&rack, MS, 10 * MS);
    wrd_sctp_rack_sample(&rack, 2 * MS, 30 * MS);
    assert_int_equal(rack.rtt_min.value, 10 * MS);
    wrd_sctp_rack_sample(&rack, WRD_SCTP_RTT_MIN_LIFETIME, 25 * MS);
    assert_int_equal(rack.rtt_min.value, 10 * MS);
    wrd_sctp_rack_sample(&rack, WRD_SCTP_RTT_MIN_LIFETIME + MS, 24 * MS);
    wrd_sctp_rack_sample(&rack, 2 * WRD_SCTP_RTT_MIN_LIFETIME, 40 * MS);
    assert_int_equal(rack.rtt_min.value, 24 * MS);
}

static void queue_shows_in_recent_round_trips(void **state)
{
    struct wrd_sctp_rack rack;
    wrd_sctp_rack_init(&rack);
    assert_false(wrd_sctp_rack_no_queue(&rack));
    wrd_time now = 0;
    for (; now < WRD_SECOND; now += 5 * MS)
        wrd_sctp_rack_sample(&rack, now, 50 * MS);
    wrd_sctp_rack_sample(&rack, now, 90 * MS); /* a SACK that was delayed is no queue */
    assert_true(wrd_sctp_rack_no_queue(&rack));
    for (int i = 0; i < 30; i++, now += 5 * MS)
        wrd_sctp_rack_sample(&rack, now, 56 * MS);
    assert_false(wrd_sctp_rack_no_queue(&rack));
    wrd_sctp_rack_sample(&rack, now, 51 * MS);
    assert_true(wrd_sctp_rack_no_queue(&rack));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_sending_that_arrived_is_remembered),
        cmocka_unit_test(answer_sooner_than_any_round_trip_is_to_the_first_sending),
        cmocka_unit_test(reordering_is_seen_only_where_it_is_certain),
        cmocka_unit_test(window_follows_reordering),
        cmocka_unit_test(least_round_trip_time_is_forgotten_in_time),
        cmocka_unit_test(queue_shows_in_recent_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
