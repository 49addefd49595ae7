/* SPDX-License-Identifier: MIT */
#include "wrd/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static const char order_minus_one[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char some[] = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

static wrd_result from_hex(wrd_key *key, const char *text, const char **why)
{
    return wrd_key_from_hex(key, text, strlen(text), why);
}

static void hex_of_either_case_is_read_and_printed_in_lower_case(void **state)
{
    (void)state;
    wrd_key lower, upper;
    char hex[WRD_KEY_HEX_SIZE];
    assert_int_equal(from_hex(&lower, some, NULL), WRD_OK);
    assert_int_equal(from_hex(&upper, "00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789aBcDeF", NULL),
                     WRD_OK);
    assert_memory_equal(&lower, &upper, sizeof lower);
    assert_int_equal(lower.bytes[1], 0x11);
    assert_int_equal(lower.bytes[31], 0xef);
    wrd_key_hex(&upper, hex);
    assert_string_equal(hex, some);
}

static void a_refused_text_says_why_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {{"", "64"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcde", "64"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef0", "64"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdeg", "hex digits only"},
                 {"0x112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef", "hex digits only"},
                 {" 0112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef", "hex digits only"},
                 {zero, "group order"},
                 {order, "group order"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wrd_key key, untouched;
        memset(&key, 0x33, sizeof key);
        memset(&untouched, 0x33, sizeof untouched);
        const char *why = NULL;
        assert_int_equal(from_hex(&key, cases[i].text, &why), WRD_INVALID);
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].word));
        assert_int_equal(from_hex(&key, cases[i].text, NULL), WRD_INVALID);
        assert_memory_equal(&key, &untouched, sizeof key);
    }
    wrd_key key;
    assert_int_equal(from_hex(&key, order_minus_one, NULL), WRD_OK);
}

static void seed_goes_big_endian_into_the_last_eight_bytes(void **state)
{
    (void)state;
    wrd_key key;
    static const uint8_t expected[WRD_KEY_SIZE] = {[24] = 1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(wrd_key_from_seed(&key, 0x0102030405060708), WRD_OK);
    assert_memory_equal(key.bytes, expected, WRD_KEY_SIZE);
    assert_int_equal(wrd_key_from_seed(&key, 0), WRD_INVALID);
    assert_memory_equal(key.bytes, expected, WRD_KEY_SIZE);
    assert_int_equal(wrd_key_from_seed(&key, UINT64_MAX), WRD_OK);
}

static void bytes_are_taken_in_range_only(void **state)
{
    (void)state;
    wrd_key key, copy;
    assert_int_equal(from_hex(&key, some, NULL), WRD_OK);
    assert_int_equal(wrd_key_from_bytes(&copy, key.bytes), WRD_OK);
    assert_memory_equal(&copy, &key, sizeof key);
    assert_int_equal(wrd_key_from_bytes(&key, key.bytes), WRD_OK);
    assert_memory_equal(&copy, &key, sizeof key);
    uint8_t bytes[WRD_KEY_SIZE] = {0};
    assert_int_equal(wrd_key_from_bytes(&copy, bytes), WRD_INVALID);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(wrd_key_from_bytes(&copy, bytes), WRD_INVALID);
    assert_memory_equal(&copy, &key, sizeof key);
}

/* `*user` counts down the calls that answer a number out of range. */
static void scripted_random(void *user, uint8_t *out, size_t len)
{
    int *bad = user;
    memset(out, *bad > 0 ? 0xff : 0x42, len);
    *bad -= 1;
}

static void random_takes_the_environment_and_tries_again_when_out_of_range(void **state)
{
    (void)state;
    int bad = 3;
    wrd_env env = {.user = &bad, .random = scripted_random};
    wrd_key key;
    uint8_t expected[WRD_KEY_SIZE];
    memset(expected, 0x42, sizeof expected);
    assert_int_equal(wrd_key_random(&key, &env), WRD_OK);
    assert_memory_equal(key.bytes, expected, WRD_KEY_SIZE);
    assert_int_equal(bad, -1);
}

static void a_broken_random_source_ends_in_an_error(void **state)
{
    (void)state;
    int bad = 1000000;
    wrd_env env = {.user = &bad, .random = scripted_random};
    wrd_key key;
    assert_int_equal(wrd_key_random(&key, &env), WRD_INVALID);
    assert_true(bad > 1000000 - 100);
}

static void random_keys_differ(void **state)
{
    (void)state;
    wrd_env empty = {0};
    wrd_key a, b;
    assert_int_equal(wrd_key_random(&a, NULL), WRD_OK);
    assert_int_equal(wrd_key_random(&b, &empty), WRD_OK);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void wipe_leaves_zeros(void **state)
{
    (void)state;
    wrd_key key;
    static const wrd_key nothing;
    assert_int_equal(wrd_key_random(&key, NULL), WRD_OK);
    wrd_key_wipe(&key);
    assert_memory_equal(&key, &nothing, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hex_of_either_case_is_read_and_printed_in_lower_case),
                                       cmocka_unit_test(a_refused_text_says_why_and_changes_nothing),
                                       cmocka_unit_test(seed_goes_big_endian_into_the_last_eight_bytes),
                                       cmocka_unit_test(bytes_are_taken_in_range_only),
                                       cmocka_unit_test(random_takes_the_environment_and_tries_again_when_out_of_range),
                                       cmocka_unit_test(a_broken_random_source_ends_in_an_error),
                                       cmocka_unit_test(random_keys_differ),
                                       cmocka_unit_test(wipe_leaves_zeros)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
