/* SPDX-License-Identifier: MIT */
#include "endpoint/consent.h"

#include "lab.h"

#include <string.h>

#define LIMIT (30 * WRD_SECOND)
#define T0    (1000 * WRD_SECOND)

static void fill(void *user, uint8_t *out, size_t len)
{
    uint8_t *next = user;
    for (size_t i = 0; i < len; i++)
        out[i] = *next;
    (*next)++;
}

static uint8_t seed;
static const wrd_env env = {.user = &seed, .random = fill};

static bool begins(struct wrd_consent consent, wrd_time now, wrd_time limit, uint64_t sent)
{
    wrd_consent_note(&consent, now, limit, sent, &env);
    return wrd_consent_take_try(&consent, now, limit);
}

static void begin(struct wrd_consent *consent, wrd_time now)
{
    wrd_consent_given(consent, now - WRD_CONSENT_LITTLE_INTERVAL, 0);
    wrd_consent_note(consent, now, LIMIT, WRD_CONSENT_LITTLE, &env);
    assert_non_null(wrd_consent_nonce(consent));
}

/* Tries each time that it is due; when it was lost. */
static wrd_time tries_until_lost(struct wrd_consent *consent, wrd_time now, wrd_time limit, wrd_time *last)
{
    for (unsigned i = 0; i < 100000; i++) {
        if (wrd_consent_take_try(consent, now, limit)) {
            assert_true(*last == 0 || now - *last <= WRD_CONSENT_PACE_MAX);
            *last = now;
        }
        if (wrd_consent_is_lost(consent, now, limit))
            return now;
        assert_true(wrd_consent_deadline(consent, limit) > now);
        now = wrd_consent_deadline(consent, limit);
    }
    fail_msg("never lost");
    return 0;
}

static void it_is_asked_for_the_sooner_the_more_went_out(void **state)
{
    (void)state;
    struct wrd_consent c;
    wrd_consent_given(&c, T0, 5000);
    assert_null(wrd_consent_nonce(&c));
    static const struct {
        uint64_t sent;
        wrd_time after;
    } cases[] = {{WRD_CONSENT_LITTLE, WRD_CONSENT_LITTLE_INTERVAL},
                 {WRD_CONSENT_MUCH - 1, WRD_CONSENT_LITTLE_INTERVAL},
                 {WRD_CONSENT_MUCH, WRD_CONSENT_MUCH_INTERVAL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(begins(c, T0 + cases[i].after - 1, LIMIT, 5000 + cases[i].sent));
        assert_true(begins(c, T0 + cases[i].after, LIMIT, 5000 + cases[i].sent));
    }
    assert_false(begins(c, T0 + 3600 * WRD_SECOND, LIMIT, 5000 + WRD_CONSENT_LITTLE - 1));
    assert_true(begins(c, T0 + WRD_SECOND, 2 * WRD_SECOND, 5000 + WRD_CONSENT_LITTLE));
}

/* As after the process stood still. */
static void tries_that_were_missed_are_one(void **state)
{
    (void)state;
    struct wrd_consent c;
    wrd_time limit = 86400 * WRD_SECOND, now = T0 + 3600 * WRD_SECOND;
    begin(&c, T0);
    assert_true(wrd_consent_take_try(&c, T0, limit));
    assert_true(wrd_consent_take_try(&c, now, limit));
    assert_false(wrd_consent_take_try(&c, now, limit));
    assert_in_range(wrd_consent_deadline(&c, limit), now + 1, now + WRD_CONSENT_PACE_MAX);
}

static void who_is_sent_nothing_is_asked_at_last(void **state)
{
    (void)state;
    struct wrd_consent c;
    wrd_consent_given(&c, T0, 0);
    wrd_time at = wrd_consent_deadline(&c, LIMIT);
    assert_int_equal(at, T0 + WRD_CONSENT_INTERVAL_MAX);
    wrd_consent_expire(&c, at - 1, &env);
    assert_false(wrd_consent_take_try(&c, at - 1, LIMIT));
    wrd_consent_expire(&c, at, &env);
    assert_true(wrd_consent_take_try(&c, at, LIMIT));
    assert_int_equal(wrd_consent_deadline(&c, LIMIT), at + WRD_CONSENT_TRY_TIME);
}

static void many_tries_with_one_nonce_then_nothing_else_then_the_end(void **state)
{
    (void)state;
    struct wrd_consent c;
    begin(&c, T0);
    uint8_t nonce[WRD_SCTP_PATH_INFO];
    memcpy(nonce, wrd_consent_nonce(&c), sizeof nonce);
    wrd_time eager = WRD_CONSENT_TRIES * WRD_CONSENT_TRY_TIME, last = 0;
    assert_false(wrd_consent_is_overdue(&c, T0 + eager - 1, LIMIT));
    assert_true(wrd_consent_is_overdue(&c, T0 + eager, LIMIT));
    wrd_time lost = tries_until_lost(&c, T0, LIMIT, &last);
    assert_in_range(lost, T0 + LIMIT + 1, T0 + 2 * LIMIT);
    assert_memory_equal(wrd_consent_nonce(&c), nonce, sizeof nonce);
    assert_in_range(c.tries, 2 * WRD_CONSENT_TRIES, 3 * WRD_CONSENT_TRIES);
    assert_true(last > T0 + LIMIT); /* a line that was dead for less than the limit gets one after it */
    wrd_consent_given(&c, lost, 0);
    assert_false(wrd_consent_is_lost(&c, lost + LIMIT, LIMIT) || wrd_consent_is_overdue(&c, lost + LIMIT, LIMIT));
    begin(&c, lost);
    assert_memory_not_equal(wrd_consent_nonce(&c), nonce, sizeof nonce); /* an old answer is none */
}

static void any_limit_that_options_allow_has_an_end(void **state)
{
    (void)state;
    static const wrd_time limits[] = {WRD_MILLISECOND, 7 * WRD_MILLISECOND, WRD_SECOND, 5 * WRD_SECOND,
                                      24 * 3600 * WRD_SECOND};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct wrd_consent c;
        wrd_time last = 0;
        begin(&c, T0);
        assert_int_equal(tries_until_lost(&c, T0, limits[i], &last), T0 + limits[i] + limits[i] / 4);
        assert_in_range(c.tries, 2, 3 * WRD_CONSENT_TRIES + limits[i] / WRD_CONSENT_PACE_MAX * 5 / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_for_the_sooner_the_more_went_out),
        cmocka_unit_test(tries_that_were_missed_are_one),
        cmocka_unit_test(who_is_sent_nothing_is_asked_at_last),
        cmocka_unit_test(many_tries_with_one_nonce_then_nothing_else_then_the_end),
        cmocka_unit_test(any_limit_that_options_allow_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
