/* SPDX-License-Identifier: MIT */
#include "endpoint/cookie.h"

#include "lab.h"

#include <string.h>

#define START (1000 * WRD_SECOND)

static const struct wrd_cookie_keys keys = {{{1}, {2}}}, others = {{{1}, {3}}};

static struct wrd_dtls_hello hello_with(const uint8_t *random, const uint8_t *cookie, size_t len)
{
    return (struct wrd_dtls_hello){.random = random, .cookie = cookie, .cookie_len = len, .repeated = true};
}

static bool is_good(const struct wrd_cookie_keys *made_with, wrd_time now, const wrd_addr *remote,
                    const struct wrd_dtls_hello *hello)
{
    uint8_t identity;
    return wrd_cookie_is_good(made_with, now, remote, hello, &identity);
}

static void a_cookie_is_good_for_its_sender_alone_and_for_a_while(void **state)
{
    (void)state;
    wrd_addr remote = lab_addr(1);
    uint8_t random[WRD_DTLS_RANDOM_SIZE] = {7}, cookie[WRD_DTLS_COOKIE_SIZE];
    wrd_time now = START / WRD_COOKIE_PERIOD * WRD_COOKIE_PERIOD;
    wrd_cookie_make(cookie, &keys, now, &remote, 0);
    struct wrd_dtls_hello hello = hello_with(random, cookie, sizeof cookie);
    assert_true(is_good(&keys, now, &remote, &hello));
    assert_true(is_good(&keys, now + 2 * WRD_COOKIE_PERIOD - 1, &remote, &hello));
    assert_false(is_good(&keys, now + 2 * WRD_COOKIE_PERIOD, &remote, &hello));
    assert_false(is_good(&keys, now - 1, &remote, &hello)); /* of the future */
    assert_false(is_good(&others, now, &remote, &hello));
    for (uint32_t number = 2; number < 40; number++) {
        wrd_addr other = lab_addr(number);
        assert_false(is_good(&keys, now, &other, &hello));
    }
    uint8_t another[WRD_DTLS_RANDOM_SIZE] = {8}; /* another hello of that address may bring it */
    hello = hello_with(another, cookie, sizeof cookie);
    assert_true(is_good(&keys, now, &remote, &hello));
}

static void any_bit_counts_and_so_does_the_length(void **state)
{
    (void)state;
    wrd_addr remote = lab_addr(1);
    uint8_t random[WRD_DTLS_RANDOM_SIZE] = {7}, cookie[WRD_DTLS_COOKIE_SIZE + 1] = {0};
    wrd_cookie_make(cookie, &keys, START, &remote, 0);
    for (unsigned bit = 0; bit < 8 * WRD_DTLS_COOKIE_SIZE; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct wrd_dtls_hello hello = hello_with(random, cookie, WRD_DTLS_COOKIE_SIZE);
        assert_false(is_good(&keys, START, &remote, &hello));
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len <= WRD_DTLS_COOKIE_SIZE + 1; len++) {
        struct wrd_dtls_hello hello = hello_with(random, cookie, len);
        assert_int_equal(is_good(&keys, START, &remote, &hello), len == WRD_DTLS_COOKIE_SIZE);
    }
}

static void a_cookie_says_which_identity_was_asked_for_when_it_was_made(void **state)
{
    (void)state;
    wrd_addr remote = lab_addr(1);
    uint8_t random[WRD_DTLS_RANDOM_SIZE] = {7}, cookies[WRD_DTLS_IDENTITIES_MAX][WRD_DTLS_COOKIE_SIZE];
    for (uint8_t asked = 0; asked < WRD_DTLS_IDENTITIES_MAX; asked++) {
        uint8_t told = 99;
        wrd_cookie_make(cookies[asked], &keys, START, &remote, asked);
        struct wrd_dtls_hello hello = hello_with(random, cookies[asked], WRD_DTLS_COOKIE_SIZE);
        assert_true(wrd_cookie_is_good(&keys, START, &remote, &hello, &told));
        assert_int_equal(told, asked);
        told = 99;
        assert_true(wrd_cookie_is_good(&keys, START + WRD_COOKIE_PERIOD, &remote, &hello, &told));
        assert_int_equal(told, asked);
    }
    memcpy(cookies[1], cookies[0], WRD_DTLS_COOKIE_SIZE / 2); /* halves of two make none */
    struct wrd_dtls_hello hello = hello_with(random, cookies[1], WRD_DTLS_COOKIE_SIZE);
    assert_false(is_good(&keys, START, &remote, &hello));
}

static void what_proves_a_path_is_of_that_connection_and_no_answer_to_a_request(void **state)
{
    (void)state;
    wrd_addr remote = lab_addr(1), other = lab_addr(2);
    uint8_t random[WRD_DTLS_RANDOM_SIZE] = {7}, path[WRD_DTLS_COOKIE_SIZE];
    uint64_t handle = (uint64_t)1 << 32 | 5;
    wrd_time now = START / WRD_COOKIE_PERIOD * WRD_COOKIE_PERIOD;
    wrd_cookie_of_path(path, &keys, now, &remote, handle);
    struct wrd_dtls_hello hello = hello_with(random, path, sizeof path);
    assert_false(is_good(&keys, now, &remote, &hello));
    assert_true(wrd_cookie_is_of_path(path, &keys, now, &remote, handle));
    assert_true(wrd_cookie_is_of_path(path, &keys, now + 2 * WRD_COOKIE_PERIOD - 1, &remote, handle));
    assert_false(wrd_cookie_is_of_path(path, &keys, now + 2 * WRD_COOKIE_PERIOD, &remote, handle));
    assert_false(wrd_cookie_is_of_path(path, &keys, now, &remote, handle + 1));
    assert_false(wrd_cookie_is_of_path(path, &keys, now, &other, handle));
    for (uint8_t identity = 0; identity < WRD_DTLS_IDENTITIES_MAX; identity++) {
        wrd_cookie_make(path, &keys, now, &remote, identity);
        assert_false(wrd_cookie_is_of_path(path, &keys, now, &remote, handle));
    }
}

static void at_the_beginning_of_time_there_is_no_period_before(void **state)
{
    (void)state;
    wrd_addr remote = lab_addr(1);
    uint8_t random[WRD_DTLS_RANDOM_SIZE] = {7}, cookie[WRD_DTLS_COOKIE_SIZE] = {0};
    struct wrd_dtls_hello hello = hello_with(random, cookie, sizeof cookie);
    assert_false(is_good(&keys, 0, &remote, &hello));
    wrd_cookie_make(cookie, &keys, 0, &remote, 0);
    assert_true(is_good(&keys, 0, &remote, &hello));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_good_for_its_sender_alone_and_for_a_while),
        cmocka_unit_test(any_bit_counts_and_so_does_the_length),
        cmocka_unit_test(a_cookie_says_which_identity_was_asked_for_when_it_was_made),
        cmocka_unit_test(what_proves_a_path_is_of_that_connection_and_no_answer_to_a_request),
        cmocka_unit_test(at_the_beginning_of_time_there_is_no_period_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
