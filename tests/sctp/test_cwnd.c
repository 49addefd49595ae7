/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define P WRD_SCTP_PAYLOAD

static void acked(struct wrd_sctp_cwnd *cc, size_t bytes, bool limited)
{
    struct wrd_sctp_acked it = {.bytes = bytes, .limited = limited, .cumulative = true};
    wrd_sctp_cwnd_acked(cc, &it);
}

static void slow_start_grows_by_what_was_acknowledged_up_to_two_packets(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 1 << 20);
    assert_int_equal(cc.cwnd, 10 * P);
    acked(&cc, 100, true);
    assert_int_equal(cc.cwnd, 10 * P + 100);
    acked(&cc, 10 * P, true);
    assert_int_equal(cc.cwnd, 12 * P + 100);
}

static void window_that_is_not_used_does_not_grow(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 1 << 20);
    for (int i = 0; i < 100; i++)
        acked(&cc, P, false);
    assert_int_equal(cc.cwnd, 10 * P);
    wrd_sctp_cwnd_init(&cc, P, 0);
    for (int i = 0; i < 100; i++)
        acked(&cc, P, false);
    assert_int_equal(cc.cwnd, 10 * P);
    acked(&cc, P, true); /* and it was not saved up for later */
    assert_int_equal(cc.cwnd, 11 * P);
    acked(&cc, P, true);
    assert_int_equal(cc.cwnd, 11 * P);
}

static void congestion_avoidance_grows_one_packet_for_each_window(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(cc.cwnd, 10 * P);
        acked(&cc, P, true);
    }
    assert_int_equal(cc.cwnd, 11 * P);
    for (int i = 0; i < 11; i++)
        acked(&cc, P, true);
    assert_int_equal(cc.cwnd, 12 * P);
}

static void nothing_grows_in_recovery_or_without_progress(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 1 << 20);
    struct wrd_sctp_acked it = {.bytes = P, .limited = true, .cumulative = true, .recovering = true};
    wrd_sctp_cwnd_acked(&cc, &it);
    it = (struct wrd_sctp_acked){.bytes = P, .limited = true};
    wrd_sctp_cwnd_acked(&cc, &it);
    assert_int_equal(cc.cwnd, 10 * P);
}

static void loss_halves_and_a_timeout_starts_over(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 1 << 20);
    cc.cwnd = 100 * P;
    wrd_sctp_cwnd_lost(&cc);
    assert_int_equal(cc.cwnd, 50 * P);
    assert_int_equal(cc.ssthresh, 50 * P);
    wrd_sctp_cwnd_timeout(&cc, false);
    assert_int_equal(cc.cwnd, P);
    assert_int_equal(cc.ssthresh, 25 * P);
    wrd_sctp_cwnd_timeout(&cc, true);
    assert_int_equal(cc.ssthresh, 25 * P);
    wrd_sctp_cwnd_timeout(&cc, false);
    assert_int_equal(cc.ssthresh, WRD_SCTP_CWND_MIN * P);
}

static void idleness_decays_down_to_four_packets(void **state)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, P, 1 << 20);
    cc.cwnd = 100 * P;
    wrd_sctp_cwnd_idle(&cc, 999, 1000);
    assert_int_equal(cc.cwnd, 100 * P);
    wrd_sctp_cwnd_idle(&cc, 2500, 1000);
    assert_int_equal(cc.cwnd, 25 * P);
    wrd_sctp_cwnd_idle(&cc, UINT64_MAX, 1);
    assert_int_equal(cc.cwnd, WRD_SCTP_CWND_MIN * P);
    wrd_sctp_cwnd_timeout(&cc, false);
    wrd_sctp_cwnd_idle(&cc, 5000, 1000);
    assert_int_equal(cc.cwnd, P);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_grows_by_what_was_acknowledged_up_to_two_packets),
        cmocka_unit_test(window_that_is_not_used_does_not_grow),
        cmocka_unit_test(congestion_avoidance_grows_one_packet_for_each_window),
        cmocka_unit_test(nothing_grows_in_recovery_or_without_progress),
        cmocka_unit_test(loss_halves_and_a_timeout_starts_over),
        cmocka_unit_test(idleness_decays_down_to_four_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
