/* SPDX-License-Identifier: MIT */
#include "endpoint/newcomers.h"

#include "lab.h"

#include <string.h>

#define START (1000 * WRD_SECOND)

static struct wrd_newcomers newcomers;

/* `count` checks of addresses that come once; how many are looked at. */
static unsigned strangers(wrd_time now, unsigned count, uint64_t *seed)
{
    unsigned asked = 0;
    for (unsigned i = 0; i < count; i++)
        asked += wrd_newcomers_ask(&newcomers, now, lab_random(seed));
    return asked;
}

static void up_to_the_rate_everybody_is_looked_at(void **state)
{
    (void)state;
    uint64_t seed = 1;
    memset(&newcomers, 0, sizeof newcomers);
    for (wrd_time second = 0; second < 5; second++)
        assert_int_equal(strangers(START + second * WRD_NEWCOMERS_PERIOD, WRD_NEWCOMERS_FREE, &seed),
                         WRD_NEWCOMERS_FREE);
}

static void above_it_who_comes_again_is_and_who_comes_once_is_not(void **state)
{
    (void)state;
    uint64_t seed = 2, own = 77;
    memset(&newcomers, 0, sizeof newcomers);
    for (wrd_time second = 0; second < 5; second++) { /* 200,000 a second */
        wrd_time now = START + second * WRD_NEWCOMERS_PERIOD;
        (void)strangers(now, WRD_NEWCOMERS_FREE, &seed);
        unsigned asked = strangers(now, 100000, &seed);
        uint64_t client = lab_random(&own);
        (void)wrd_newcomers_ask(&newcomers, now, client);
        asked += strangers(now + 50 * WRD_MILLISECOND, 92000, &seed);
        assert_true(wrd_newcomers_ask(&newcomers, now + 50 * WRD_MILLISECOND, client));
        assert_true(asked < 40000); /* they share bits by chance */
    }
}

/* `count` checks of some addresses that go on without a handshake; how many are looked at. */
static unsigned pushy(wrd_time now, unsigned count, uint64_t *seed)
{
    unsigned looked = 0;
    for (unsigned i = 0; i < count; i++)
        looked += wrd_newcomers_ask(&newcomers, now, (uint64_t)lab_below(seed, 500) * 0x9e3779b97f4a7c15u);
    return looked;
}

static void who_goes_on_without_a_handshake_shares_a_rate_and_is_never_put_off_for_good(void **state)
{
    (void)state;
    uint64_t seed = 4;
    memset(&newcomers, 0, sizeof newcomers);
    unsigned looked = 0, others = 0, longest = 0, since = 0;
    for (unsigned i = 0; i < 2000; i++) { /* in ten seconds, among others */
        wrd_time now = START + i * 5 * WRD_MILLISECOND;
        if (now == START || now >= newcomers.until) {
            (void)strangers(now, WRD_NEWCOMERS_FREE, &seed);
            assert_in_range(pushy(now, WRD_NEWCOMERS_FREE, &seed), WRD_NEWCOMERS_FREE * 9 / 10, WRD_NEWCOMERS_FREE);
            (void)pushy(now, 2 * WRD_NEWCOMERS_FREE / 10, &seed); /* now their rate is used up */
            others += pushy(now, WRD_NEWCOMERS_FREE, &seed);
        }
        bool is = wrd_newcomers_ask(&newcomers, now, 12345);
        looked += is;
        since = is ? 0 : since + 1;
        longest = since > longest ? since : longest;
    }
    assert_in_range(looked, 2000 / WRD_NEWCOMERS_OF_PUSHY * 2 / 3, 2000 / WRD_NEWCOMERS_OF_PUSHY * 3 / 2);
    assert_in_range(others, 10 * WRD_NEWCOMERS_FREE / WRD_NEWCOMERS_OF_PUSHY * 2 / 3,
                    10 * WRD_NEWCOMERS_FREE / WRD_NEWCOMERS_OF_PUSHY * 3 / 2);
    assert_true(longest < 16 * WRD_NEWCOMERS_OF_PUSHY);
}

static void who_was_heard_is_remembered_for_one_to_two_periods(void **state)
{
    (void)state;
    uint64_t seed = 3;
    memset(&newcomers, 0, sizeof newcomers);
    (void)strangers(START, WRD_NEWCOMERS_FREE, &seed);
    assert_false(wrd_newcomers_ask(&newcomers, START, 12345));
    wrd_time next = START + WRD_NEWCOMERS_PERIOD + 1;
    (void)strangers(next, WRD_NEWCOMERS_FREE, &seed);
    assert_true(wrd_newcomers_ask(&newcomers, next, 12345));
    wrd_time late = next + 2 * WRD_NEWCOMERS_PERIOD + 1;
    (void)strangers(late, WRD_NEWCOMERS_FREE, &seed);
    assert_false(wrd_newcomers_ask(&newcomers, late, 12345));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_to_the_rate_everybody_is_looked_at),
        cmocka_unit_test(above_it_who_comes_again_is_and_who_comes_once_is_not),
        cmocka_unit_test(who_goes_on_without_a_handshake_shares_a_rate_and_is_never_put_off_for_good),
        cmocka_unit_test(who_was_heard_is_remembered_for_one_to_two_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
