/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define P  WRD_SCTP_PAYLOAD
#define MS WRD_MILLISECOND

/* Sends whenever it may, looking again when told to; bytes until `end`. The most that left at once is kept. */
static uint64_t send_until(struct wrd_sctp_pacer *pacer, wrd_time now, wrd_time end, wrd_time late, size_t *burst)
{
    uint64_t sent = 0;
    *burst = 0;
    while (now < end) {
        wrd_sctp_pacer_fill(pacer, now, P);
        size_t at_once = 0;
        for (; wrd_sctp_pacer_open(pacer); at_once += P)
            wrd_sctp_pacer_sent(pacer, P);
        sent += at_once;
        *burst = at_once > *burst ? at_once : *burst;
        wrd_time next = wrd_sctp_pacer_next(pacer, P);
        assert_true(next > now);
        now = next + late;
    }
    return sent;
}

static void window_leaves_over_a_round_trip(void **state)
{
    static const size_t windows[] = {4 * P, 50 * P, 1000 * P, 20000 * P};
    for (size_t i = 0; i < 4; i++) {
        for (int slow_start = 0; slow_start < 2; slow_start++) {
            struct wrd_sctp_pacer pacer = {0};
            wrd_sctp_pacer_fill(&pacer, WRD_SECOND, P);
            wrd_sctp_pacer_set(&pacer, windows[i], 100 * MS, slow_start);
            size_t burst;
            uint64_t sent = send_until(&pacer, WRD_SECOND, 11 * WRD_SECOND, 0, &burst);
            uint64_t expected = windows[i] * 100 * (slow_start ? 20 : 12) / 10;
            assert_in_range(sent, expected * 98 / 100, expected + windows[i] + 12 * P);
            size_t most = windows[i] / 25 > 10 * P ? windows[i] / 25 : 10 * P; /* ten packets, or 2 ms of 50 or more */
            assert_in_range(burst, P, most + P);
        }
    }
}

static void timer_that_is_a_millisecond_late_loses_nothing(void **state)
{
    struct wrd_sctp_pacer pacer = {0};
    wrd_sctp_pacer_set(&pacer, 1000 * P, 50 * MS, false);
    size_t burst;
    uint64_t sent = send_until(&pacer, WRD_SECOND, 3 * WRD_SECOND, MS - 1, &burst);
    assert_true(sent >= 2 * WRD_SECOND / (50 * MS) * 1000 * P * 12 / 10 * 98 / 100);
}

static void round_trip_too_short_to_be_divided_is_not_paced(void **state)
{
    struct wrd_sctp_pacer pacer = {0};
    assert_true(wrd_sctp_pacer_open(&pacer)); /* nor one that is not known */
    wrd_sctp_pacer_set(&pacer, 1000 * P, 300, false);
    for (int i = 0; i < 1000; i++) {
        assert_true(wrd_sctp_pacer_open(&pacer));
        wrd_sctp_pacer_sent(&pacer, P);
    }
    wrd_sctp_pacer_set(&pacer, 1000 * P, 10 * MS, false); /* and none of that is owed later */
    wrd_sctp_pacer_fill(&pacer, WRD_SECOND, P);
    assert_true(wrd_sctp_pacer_open(&pacer));
}

static void looking_often_gains_no_less(void **state)
{
    struct wrd_sctp_pacer pacer = {0};
    wrd_sctp_pacer_set(&pacer, 4 * P, WRD_SECOND, false); /* about 5 bytes in a millisecond */
    uint64_t sent = 0;
    for (wrd_time now = WRD_SECOND; now < 21 * WRD_SECOND; now += 100) {
        wrd_sctp_pacer_fill(&pacer, now, P);
        while (wrd_sctp_pacer_open(&pacer)) {
            wrd_sctp_pacer_sent(&pacer, P);
            sent += P;
        }
    }
    assert_in_range(sent, 20 * 4 * P * 12 / 10 * 95 / 100, 20 * 4 * P * 12 / 10 + 12 * P);
}

static void extremes_do_not_wrap(void **state)
{
    struct wrd_sctp_pacer pacer = {0};
    wrd_sctp_pacer_set(&pacer, WRD_SCTP_CWND_MAX, WRD_SCTP_PACE_QUANTUM + 1, true);
    wrd_sctp_pacer_fill(&pacer, (wrd_time)1 << 60, 500);
    assert_true(wrd_sctp_pacer_open(&pacer));
    wrd_sctp_pacer_set(&pacer, 500, 60 * WRD_SECOND, false);
    wrd_sctp_pacer_sent(&pacer, (size_t)1 << 32);
    wrd_time next = wrd_sctp_pacer_next(&pacer, 500);
    assert_true(next > (wrd_time)1 << 60 && next < WRD_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_leaves_over_a_round_trip),
        cmocka_unit_test(timer_that_is_a_millisecond_late_loses_nothing),
        cmocka_unit_test(round_trip_too_short_to_be_divided_is_not_paced),
        cmocka_unit_test(looking_often_gains_no_less),
        cmocka_unit_test(extremes_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
