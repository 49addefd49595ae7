/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

static const struct wrd_sctp_cookie full = {.made = 0x123456789abcdef0u,
                                            .local_tag = 1,
                                            .peer_tag = 2,
                                            .local_tsn = {3},
                                            .peer_tsn = {4},
                                            .peer_rwnd = 5,
                                            .streams_out = 6,
                                            .streams_in = 7,
                                            .local_tie = 8,
                                            .peer_tie = 9,
                                            .forward_tsn = true,
                                            .reconfig = true,
                                            .zero_checksum = true};
static const uint8_t key[WRD_SCTP_COOKIE_KEY_SIZE] = {1, 2, 3};

static void what_was_sealed_is_what_opens(void **state)
{
    uint8_t bytes[WRD_SCTP_COOKIE_SIZE];
    struct wrd_sctp_cookie cookie;
    assert_true(wrd_sctp_cookie_seal(bytes, &full, key));
    assert_true(wrd_sctp_cookie_open(&cookie, bytes, sizeof bytes, key));
    assert_true(cookie.made == full.made);
    assert_int_equal(cookie.local_tag, 1);
    assert_int_equal(cookie.peer_tag, 2);
    assert_int_equal(cookie.local_tsn.v, 3);
    assert_int_equal(cookie.peer_tsn.v, 4);
    assert_int_equal(cookie.peer_rwnd, 5);
    assert_int_equal(cookie.streams_out, 6);
    assert_int_equal(cookie.streams_in, 7);
    assert_int_equal(cookie.local_tie, 8);
    assert_int_equal(cookie.peer_tie, 9);
    assert_true(cookie.forward_tsn && cookie.reconfig && cookie.zero_checksum);
    assert_false(cookie.interleaving || cookie.i_forward_tsn);
    struct wrd_sctp_cookie other = full;
    other.forward_tsn = other.reconfig = other.zero_checksum = false;
    other.interleaving = other.i_forward_tsn = true;
    assert_true(wrd_sctp_cookie_seal(bytes, &other, key));
    assert_true(wrd_sctp_cookie_open(&cookie, bytes, sizeof bytes, key));
    assert_false(cookie.forward_tsn || cookie.reconfig || cookie.zero_checksum);
    assert_true(cookie.interleaving && cookie.i_forward_tsn);
}

static void any_changed_bit_length_or_key_is_refused(void **state)
{
    uint8_t bytes[WRD_SCTP_COOKIE_SIZE + 1] = {0};
    struct wrd_sctp_cookie cookie;
    assert_true(wrd_sctp_cookie_seal(bytes, &full, key));
    for (size_t i = 0; i < 8 * WRD_SCTP_COOKIE_SIZE; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << (i % 8));
        assert_false(wrd_sctp_cookie_open(&cookie, bytes, WRD_SCTP_COOKIE_SIZE, key));
        bytes[i / 8] ^= (uint8_t)(1 << (i % 8));
    }
    for (size_t len = 0; len <= sizeof bytes; len++)
        assert_int_equal(wrd_sctp_cookie_open(&cookie, bytes, len, key), len == WRD_SCTP_COOKIE_SIZE);
    uint8_t other[WRD_SCTP_COOKIE_KEY_SIZE] = {1, 2, 4};
    assert_false(wrd_sctp_cookie_open(&cookie, bytes, WRD_SCTP_COOKIE_SIZE, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_is_what_opens),
        cmocka_unit_test(any_changed_bit_length_or_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
