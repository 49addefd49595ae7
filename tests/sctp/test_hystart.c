/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define MS WRD_MILLISECOND

static struct wrd_sctp_hystart hs;
static uint32_t sent;

/* One round trip of `samples` acknowledgements. */
static void round_of(unsigned samples, wrd_time rtt)
{
    for (unsigned i = 0; i < samples; i++)
        wrd_sctp_hystart_acked(&hs, rtt + i % 3 * MS, wrd_tsn(sent + i), wrd_tsn(sent + 100));
    sent += 100;
}

static void begin(void)
{
    hs = (struct wrd_sctp_hystart){0};
    sent = 0xffffff80u;
}

static void steady_round_trips_never_end_it(void **state)
{
    begin();
    for (int i = 0; i < 1000; i++)
        round_of(20, 50 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
}

static void rising_round_trips_slow_it_and_five_rounds_end_it(void **state)
{
    begin();
    round_of(20, 50 * MS);
    round_of(20, 56 * MS); /* an eighth of 50 is 6.25 */
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
    round_of(20, 63 * MS + 1);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_SLOW);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(hs.phase, WRD_SCTP_HYSTART_SLOW);
        round_of(20, 70 * MS);
    }
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_DONE);
    round_of(20, 10 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_DONE);
}

static void rise_that_goes_away_was_none(void **state)
{
    begin();
    round_of(20, 50 * MS);
    round_of(20, 60 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_SLOW);
    round_of(20, 52 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
}

static void too_few_samples_say_nothing(void **state)
{
    begin();
    round_of(20, 50 * MS);
    round_of(7, 90 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
}

static void rise_is_at_least_4_and_at_most_16_ms(void **state)
{
    begin();
    round_of(20, 2 * MS);
    round_of(20, 5 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
    round_of(20, 9 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_SLOW);
    begin();
    round_of(20, 400 * MS);
    round_of(20, 415 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_FAST);
    round_of(20, 431 * MS);
    assert_int_equal(hs.phase, WRD_SCTP_HYSTART_SLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_round_trips_never_end_it),
        cmocka_unit_test(rising_round_trips_slow_it_and_five_rounds_end_it),
        cmocka_unit_test(rise_that_goes_away_was_none),
        cmocka_unit_test(too_few_samples_say_nothing),
        cmocka_unit_test(rise_is_at_least_4_and_at_most_16_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
