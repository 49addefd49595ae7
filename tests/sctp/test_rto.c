/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define MS WRD_MILLISECOND

static void starts_at_the_initial_value_and_follows_samples(void **state)
{
    struct wrd_sctp_rto rto;
    wrd_sctp_rto_init(&rto, WRD_SECOND);
    assert_int_equal(wrd_sctp_rto(&rto), WRD_SECOND);
    wrd_sctp_rto_sample(&rto, 300 * MS);
    assert_int_equal(rto.srtt, 300 * MS);
    assert_int_equal(wrd_sctp_rto(&rto), 900 * MS); /* srtt + 4 * srtt / 2 */
    wrd_sctp_rto_sample(&rto, 380 * MS);
    assert_int_equal(rto.srtt, 310 * MS);
    assert_int_equal(rto.rttvar, (3 * 150 * MS + 80 * MS) / 4);
}

static void stays_between_its_bounds(void **state)
{
    struct wrd_sctp_rto rto;
    wrd_sctp_rto_init(&rto, WRD_SECOND);
    for (int i = 0; i < 100; i++)
        wrd_sctp_rto_sample(&rto, 1);
    assert_int_equal(wrd_sctp_rto(&rto), WRD_SCTP_RTO_MIN);
    for (int i = 0; i < 100; i++)
        wrd_sctp_rto_sample(&rto, 3600 * WRD_SECOND);
    assert_int_equal(wrd_sctp_rto(&rto), WRD_SCTP_RTO_MAX);
    wrd_sctp_rto_init(&rto, WRD_NEVER);
    assert_int_equal(wrd_sctp_rto(&rto), WRD_SCTP_RTO_MAX);
}

static void steady_path_keeps_a_margin(void **state)
{
    struct wrd_sctp_rto rto;
    wrd_sctp_rto_init(&rto, WRD_SECOND);
    for (int i = 0; i < 200; i++)
        wrd_sctp_rto_sample(&rto, WRD_SECOND);
    assert_in_range(wrd_sctp_rto(&rto), WRD_SECOND + 4 * WRD_SCTP_RTO_VAR_MIN - 10, WRD_SECOND + 110 * MS);
}

static void backs_off_by_doubling_up_to_three_seconds(void **state)
{
    struct wrd_sctp_rto rto;
    wrd_sctp_rto_init(&rto, 500 * MS);
    static const unsigned expected[] = {1000, 2000, 3000, 3000};
    for (int i = 0; i < 4; i++) {
        wrd_sctp_rto_back_off(&rto);
        assert_int_equal(wrd_sctp_rto(&rto), expected[i] * MS);
    }
    for (int i = 0; i < 100; i++)
        wrd_sctp_rto_back_off(&rto);
    assert_int_equal(wrd_sctp_rto(&rto), WRD_SCTP_RTO_BACKOFF_MAX);
    wrd_sctp_rto_recover(&rto);
    assert_int_equal(wrd_sctp_rto(&rto), 500 * MS);
    wrd_sctp_rto_sample(&rto, 5 * WRD_SECOND); /* a slow path is waited for */
    wrd_sctp_rto_back_off(&rto);
    assert_int_equal(wrd_sctp_rto(&rto), 15 * WRD_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_at_the_initial_value_and_follows_samples),
        cmocka_unit_test(stays_between_its_bounds),
        cmocka_unit_test(steady_path_keeps_a_margin),
        cmocka_unit_test(backs_off_by_doubling_up_to_three_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
