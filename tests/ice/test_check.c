/* SPDX-License-Identifier: MIT */
#include "ice/ice.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define X  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MS WRD_MILLISECOND

static const wrd_addr us = {.family = 4, .ip = {192, 0, 2, 9}, .port = 4000};
static const wrd_time origin = 1000 * WRD_SECOND;

/* A small generator of numbers, the same in each run. */
static void numbered_random(void *user, uint8_t *out, size_t len)
{
    uint64_t *x = user;
    for (size_t i = 0; i < len; i++) {
        *x = *x * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(*x >> 56);
    }
}

static void all_ones(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0xff, len);
}

struct client {
    uint64_t seed;
    wrd_env env;
    wrd_ufrag ufrag;
    struct wrd_ice_check check;
    uint8_t request[WRD_STUN_MESSAGE_MAX];
    size_t request_len;
    uint8_t answer[WRD_ICE_ANSWER_MAX];
    size_t answer_len;
};

static void begin_as(struct client *c, const char *ufrag, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->seed = seed;
    c->env = (wrd_env){.user = &c->seed, .random = numbered_random};
    assert_int_equal(wrd_ufrag_parse(&c->ufrag, ufrag, strlen(ufrag), NULL), WRD_OK);
    wrd_ice_check_start(&c->check, origin, &c->ufrag, &c->env);
}

static void begin(struct client *c)
{
    begin_as(c, X, 1);
}

static bool sends(struct client *c, wrd_time now)
{
    wrd_ice_check_expire(&c->check, now);
    size_t len = wrd_ice_check_transmit(&c->check, now, &c->env, c->request, sizeof c->request);
    if (len > 0)
        c->request_len = len;
    return len > 0;
}

/* The lite server's answer to the last request. */
static void make_answer(struct client *c)
{
    struct wrd_ice_answered answered;
    c->answer_len = wrd_ice_lite_answer(&answered, &us, c->request, c->request_len, c->answer, sizeof c->answer);
    assert_true(c->answer_len > 0 && answered.is_success);
}

static bool takes_answer(struct client *c, wrd_time now)
{
    return wrd_ice_check_receive(&c->check, now, c->answer, c->answer_len);
}

static void connect_at(struct client *c, wrd_time now)
{
    begin(c);
    assert_true(sends(c, origin));
    make_answer(c);
    assert_true(takes_answer(c, now));
}

static void the_first_check_leaves_at_once_and_is_what_a_lite_server_answers(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    assert_int_equal(wrd_ice_check_deadline(&c.check), origin);
    assert_true(sends(&c, origin));
    struct wrd_stun request;
    assert_true(wrd_stun_read(&request, c.request, c.request_len));
    assert_int_equal(request.type, WRD_STUN_BINDING_REQUEST);
    assert_int_equal(request.username_len, strlen(X ":" X));
    assert_memory_equal(request.username, X ":" X, request.username_len);
    assert_true(request.use_candidate && request.has_ice_controlling && request.has_priority);
    assert_true(request.has_fingerprint);
    assert_true(wrd_stun_verify(&request, c.request, (const uint8_t *)X, strlen(X)));
    make_answer(&c);
    assert_int_equal(c.check.state, WRD_ICE_CHECKING);
    assert_true(takes_answer(&c, origin + 30 * MS));
    assert_int_equal(c.check.state, WRD_ICE_VALID);
    assert_int_equal(c.check.rtt, 30 * MS);
}

static void unanswered_checks_back_off_from_50_ms_to_1_s(void **state)
{
    (void)state;
    static const wrd_time gaps[] = {50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000};
    struct client c;
    begin(&c);
    wrd_time now = origin;
    assert_true(sends(&c, now));
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        assert_false(sends(&c, now));
        assert_int_equal(wrd_ice_check_deadline(&c.check), now + gaps[i] * MS);
        assert_false(sends(&c, now + gaps[i] * MS - 1));
        now += gaps[i] * MS;
        assert_true(sends(&c, now));
    }
    assert_int_equal(c.check.state, WRD_ICE_CHECKING);
    assert_int_equal(c.check.sent, 12);
}

static void each_check_has_a_transaction_of_its_own_and_one_tie_breaker(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    uint8_t seen[12][12], tie_breaker[8];
    wrd_time now = origin;
    for (size_t i = 0; i < 12; i++, now = wrd_ice_check_deadline(&c.check)) {
        assert_true(sends(&c, now));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[j], c.request + 8, 12);
        memcpy(seen[i], c.request + 8, 12);
        /* ICE-CONTROLLING stands behind the 20 bytes of header and the USERNAME, 129 bytes long. */
        if (i == 0)
            memcpy(tie_breaker, c.request + 20 + 4 + 132 + 4, 8);
        assert_memory_equal(tie_breaker, c.request + 20 + 4 + 132 + 4, 8);
    }
}

static void an_answer_to_any_of_the_last_eight_checks_counts(void **state)
{
    (void)state;
    for (size_t age = 0; age < 10; age++) {
        struct client c;
        begin(&c);
        wrd_time now = origin, sent_at = origin;
        for (size_t i = 0; i < 10; i++, now = wrd_ice_check_deadline(&c.check)) {
            assert_true(sends(&c, now));
            if (i == 9 - age) {
                make_answer(&c);
                sent_at = now;
            }
        }
        assert_int_equal(takes_answer(&c, now), age < WRD_ICE_TRANSACTIONS);
        assert_int_equal(c.check.state, age < WRD_ICE_TRANSACTIONS ? WRD_ICE_VALID : WRD_ICE_CHECKING);
        assert_int_equal(c.check.rtt, age < WRD_ICE_TRANSACTIONS ? now - sent_at : 0);
    }
}

static void an_answer_that_is_not_ours_is_ignored(void **state)
{
    (void)state;
    struct client c, other;
    begin(&c);
    begin_as(&other, X, 2);
    /* Nothing was sent yet: not even all zeros match. */
    uint8_t out[128];
    static const uint8_t zeros[12];
    size_t len = wrd_stun_write_success(out, sizeof out, zeros, &us, (const uint8_t *)X, strlen(X));
    assert_false(wrd_ice_check_receive(&c.check, origin, out, len));
    assert_true(sends(&c, origin));
    assert_false(wrd_ice_check_receive(&c.check, origin, out, len));
    assert_true(sends(&other, origin));
    make_answer(&other);
    assert_false(wrd_ice_check_receive(&c.check, origin, other.answer, other.answer_len));
    /* The right transaction under a wrong key. */
    len = wrd_stun_write_success(out, sizeof out, c.request + 8, &us, (const uint8_t *)"wrong", 5);
    assert_false(wrd_ice_check_receive(&c.check, origin, out, len));
    /* Our own request, reflected. */
    assert_false(wrd_ice_check_receive(&c.check, origin, c.request, c.request_len));
    assert_int_equal(c.check.state, WRD_ICE_CHECKING);
    make_answer(&c);
    assert_true(takes_answer(&c, origin));
}

static void an_error_answer_is_no_answer(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    assert_true(sends(&c, origin));
    uint8_t out[128];
    size_t len = wrd_stun_write_error(out, sizeof out, c.request + 8, 487, 0, (const uint8_t *)X, strlen(X));
    assert_true(len > 0);
    assert_false(wrd_ice_check_receive(&c.check, origin, out, len));
    assert_int_equal(c.check.state, WRD_ICE_CHECKING);
}

static void any_cut_or_flipped_answer_is_ignored(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    assert_true(sends(&c, origin));
    make_answer(&c);
    for (size_t len = 0; len < c.answer_len; len++)
        assert_false(wrd_ice_check_receive(&c.check, origin, c.answer, len));
    /* But for the type of FINGERPRINT: without one an answer is still good, and MESSAGE-INTEGRITY stands before it. */
    size_t type_at = c.answer_len - 8;
    for (size_t bit = 0; bit < 8 * c.answer_len; bit++) {
        if (bit / 8 == type_at || bit / 8 == type_at + 1)
            continue;
        uint8_t copy[WRD_ICE_ANSWER_MAX];
        memcpy(copy, c.answer, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(wrd_ice_check_receive(&c.check, origin, copy, c.answer_len));
    }
    assert_true(takes_answer(&c, origin));
}

/* RFC 7675 5.1 */
static void consent_is_checked_every_4_to_6_s_at_random(void **state)
{
    (void)state;
    struct client c;
    connect_at(&c, origin + 10 * MS);
    wrd_time last = origin + 10 * MS, shortest = WRD_NEVER, longest = 0;
    for (int i = 0; i < 500; i++) {
        wrd_time next = wrd_ice_check_deadline(&c.check);
        wrd_time gap = next - last;
        assert_in_range(gap, 4 * WRD_SECOND, 6 * WRD_SECOND);
        shortest = gap < shortest ? gap : shortest;
        longest = gap > longest ? gap : longest;
        assert_false(sends(&c, next - 1));
        assert_true(sends(&c, next));
        make_answer(&c);
        assert_true(takes_answer(&c, next + 20 * MS));
        last = next;
    }
    assert_true(shortest < 4200 * MS && longest > 5800 * MS);
    assert_int_equal(c.check.state, WRD_ICE_VALID);
}

static void a_hurried_check_comes_at_once_but_not_more_than_twice_a_second(void **state)
{
    (void)state;
    struct client c;
    connect_at(&c, origin);
    wrd_time now = origin + 2 * WRD_SECOND;
    assert_false(sends(&c, now));
    wrd_ice_check_hurry(&c.check, now);
    assert_true(sends(&c, now));
    unsigned sent = 0;
    for (wrd_time t = 10 * MS; t <= 5 * WRD_SECOND; t += 10 * MS) {
        wrd_ice_check_hurry(&c.check, now + t);
        sent += sends(&c, now + t);
    }
    assert_in_range(sent, 9, 10);
    begin(&c);
    assert_true(sends(&c, origin));
    wrd_ice_check_hurry(&c.check, origin); /* while there is no answer yet, checks come as they come */
    assert_false(sends(&c, origin + 49 * MS));
}

static void consent_ends_30_s_after_the_last_answer(void **state)
{
    (void)state;
    struct client c;
    wrd_time answered_at = origin + 10 * MS;
    connect_at(&c, answered_at);
    int checks = 0;
    wrd_time now = 0;
    while (c.check.state == WRD_ICE_VALID) {
        now = wrd_ice_check_deadline(&c.check);
        assert_true(now <= answered_at + 30 * WRD_SECOND);
        checks += sends(&c, now);
    }
    assert_int_equal(now, answered_at + 30 * WRD_SECOND);
    assert_in_range(checks, 5, 7);
    assert_int_equal(c.check.state, WRD_ICE_LOST);
    assert_int_equal(wrd_ice_check_deadline(&c.check), WRD_NEVER);
    assert_false(sends(&c, now + WRD_SECOND));
}

static void a_late_answer_does_not_bring_consent_back(void **state)
{
    (void)state;
    struct client c;
    connect_at(&c, origin);
    assert_true(sends(&c, wrd_ice_check_deadline(&c.check)));
    make_answer(&c);
    /* Even where nobody has called expire since. */
    assert_false(takes_answer(&c, origin + 30 * WRD_SECOND));
    assert_int_equal(c.check.state, WRD_ICE_LOST);
}

static void any_answer_within_30_s_keeps_consent(void **state)
{
    (void)state;
    struct client c;
    connect_at(&c, origin);
    assert_true(sends(&c, wrd_ice_check_deadline(&c.check)));
    make_answer(&c);
    while (wrd_ice_check_deadline(&c.check) < origin + 29 * WRD_SECOND)
        assert_true(sends(&c, wrd_ice_check_deadline(&c.check)));
    assert_true(takes_answer(&c, origin + 29 * WRD_SECOND));
    wrd_ice_check_expire(&c.check, origin + 58 * WRD_SECOND);
    assert_int_equal(c.check.state, WRD_ICE_VALID);
    wrd_ice_check_expire(&c.check, origin + 59 * WRD_SECOND);
    assert_int_equal(c.check.state, WRD_ICE_LOST);
}

static void a_copied_answer_does_not_prolong_consent(void **state)
{
    (void)state;
    struct client c;
    connect_at(&c, origin);
    assert_false(takes_answer(&c, origin + 20 * WRD_SECOND));
    wrd_ice_check_expire(&c.check, origin + 30 * WRD_SECOND);
    assert_int_equal(c.check.state, WRD_ICE_LOST);
}

static void further_answers_of_the_opening_do_not_move_the_next_check(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    assert_true(sends(&c, origin));
    make_answer(&c);
    struct client second = c;
    second.env.user = &second.seed;
    assert_true(sends(&second, origin + 50 * MS));
    assert_true(takes_answer(&second, origin + 60 * MS));
    wrd_time next = wrd_ice_check_deadline(&second.check);
    make_answer(&second);
    assert_true(takes_answer(&second, origin + 110 * MS));
    assert_int_equal(wrd_ice_check_deadline(&second.check), next);
    assert_int_equal(second.check.rtt, 60 * MS);
}

static void a_check_that_finds_no_room_is_sent_later(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    uint8_t out[64];
    assert_int_equal(wrd_ice_check_transmit(&c.check, origin, &c.env, out, sizeof out), 0);
    assert_int_equal(c.check.sent, 0);
    assert_true(sends(&c, origin));
}

static void the_longest_ufrag_fits(void **state)
{
    (void)state;
    char text[WRD_UFRAG_MAX + 1] = {0};
    memset(text, 'u', WRD_UFRAG_MAX);
    struct client c;
    begin_as(&c, text, 1);
    assert_true(sends(&c, origin));
    make_answer(&c);
    assert_true(takes_answer(&c, origin));
}

/* The largest and smallest draws stay inside the interval. */
static void extreme_random_numbers_keep_the_interval(void **state)
{
    (void)state;
    struct client c;
    begin(&c);
    c.env.random = all_ones;
    wrd_ice_check_start(&c.check, origin, &c.ufrag, &c.env);
    assert_in_range(c.check.consent_interval, 4 * WRD_SECOND, 6 * WRD_SECOND);
    assert_int_equal(c.check.tie_breaker, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_check_leaves_at_once_and_is_what_a_lite_server_answers),
        cmocka_unit_test(unanswered_checks_back_off_from_50_ms_to_1_s),
        cmocka_unit_test(each_check_has_a_transaction_of_its_own_and_one_tie_breaker),
        cmocka_unit_test(an_answer_to_any_of_the_last_eight_checks_counts),
        cmocka_unit_test(an_answer_that_is_not_ours_is_ignored),
        cmocka_unit_test(an_error_answer_is_no_answer),
        cmocka_unit_test(any_cut_or_flipped_answer_is_ignored),
        cmocka_unit_test(consent_is_checked_every_4_to_6_s_at_random),
        cmocka_unit_test(consent_ends_30_s_after_the_last_answer),
        cmocka_unit_test(a_hurried_check_comes_at_once_but_not_more_than_twice_a_second),
        cmocka_unit_test(a_late_answer_does_not_bring_consent_back),
        cmocka_unit_test(any_answer_within_30_s_keeps_consent),
        cmocka_unit_test(a_copied_answer_does_not_prolong_consent),
        cmocka_unit_test(further_answers_of_the_opening_do_not_move_the_next_check),
        cmocka_unit_test(a_check_that_finds_no_room_is_sent_later),
        cmocka_unit_test(the_longest_ufrag_fits),
        cmocka_unit_test(extreme_random_numbers_keep_the_interval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
