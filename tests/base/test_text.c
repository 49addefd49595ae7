/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void hex_digit_takes_both_cases_and_nothing_else(void **state)
{
    for (int c = -128; c < 256; c++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *at = c > 0 ? strchr(digits, c) : NULL;
        int expected = at ? (int)(at - digits) : -1;
        if (expected > 15)
            expected -= 6;
        assert_int_equal(wrd_hex_digit((char)c), expected);
    }
}

static void hex_written_is_lower_case_and_reads_back(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x9a, 0xff, 0x7f};
    char text[10];
    uint8_t back[5];
    wrd_hex_write(text, bytes, sizeof bytes);
    assert_memory_equal(text, "00019aff7f", 10);
    assert_true(wrd_hex_read(back, sizeof back, text));
    assert_memory_equal(back, bytes, 5);
    assert_true(wrd_hex_read(back, 2, "aBCd"));
    assert_int_equal(back[0], 0xab);
    assert_int_equal(back[1], 0xcd);
    assert_true(wrd_hex_read(back, 0, ""));
}

static void hex_read_refuses_a_bad_digit_in_either_half(void **state)
{
    uint8_t back[2];
    assert_false(wrd_hex_read(back, 2, "12g4"));
    assert_false(wrd_hex_read(back, 2, "123:"));
    assert_false(wrd_hex_read(back, 2,
                              "\0"
                              "123"));
    assert_false(wrd_hex_read(back, 2, " 123"));
}

/* RFC 4648 10, in the URL alphabet and without padding. */
static void base64url_knows_the_vectors_of_its_rfc(void **state)
{
    static const struct {
        const char *plain, *coded;
    } vectors[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
                   {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t len = strlen(vectors[i].plain), coded_len = strlen(vectors[i].coded);
        char coded[8];
        uint8_t plain[6];
        assert_int_equal(WRD_BASE64_LEN(len), coded_len);
        wrd_base64url_write(coded, (const uint8_t *)vectors[i].plain, len);
        assert_memory_equal(coded, vectors[i].coded, coded_len);
        assert_true(wrd_base64url_read(plain, len, coded, coded_len));
        assert_memory_equal(plain, vectors[i].plain, len);
    }
}

static void base64url_round_trips_random_bytes(void **state)
{
    uint32_t seed = 1;
    for (int turn = 0; turn < 2000; turn++) {
        uint8_t bytes[40], back[40];
        char text[54];
        size_t len = next_random(&seed) % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        wrd_base64url_write(text, bytes, len);
        assert_true(wrd_base64url_read(back, len, text, WRD_BASE64_LEN(len)));
        assert_memory_equal(back, bytes, len);
    }
}

static void base64url_uses_minus_and_underscore(void **state)
{
    static const uint8_t bytes[] = {0xfb, 0xff, 0xfe};
    uint8_t back[3];
    char text[4];
    wrd_base64url_write(text, bytes, 3);
    assert_memory_equal(text, "-__-", 4);
    assert_true(wrd_base64url_read(back, 3, "-__-", 4));
    assert_memory_equal(back, bytes, 3);
    assert_false(wrd_base64url_read(back, 3, "+//+", 4));
}

static void base64url_refuses_length_character_and_stray_bits(void **state)
{
    uint8_t back[4];
    assert_false(wrd_base64url_read(back, 1, "Zg=", 3));
    assert_false(wrd_base64url_read(back, 1, "Z", 1));
    assert_false(wrd_base64url_read(back, 1, "Z=", 2));
    assert_false(wrd_base64url_read(back, 1, "Z\0", 2));
    assert_false(wrd_base64url_read(back, 1, "Zh", 2));
    assert_false(wrd_base64url_read(back, 2, "Zm9", 3));
    assert_false(wrd_base64url_read(back, 2, "Zg", 2));
}

static void decimal_reads_digits_up_to_its_maximum(void **state)
{
    uint32_t value = 7;
    assert_true(wrd_decimal_read(&value, "0", 1, 0));
    assert_int_equal(value, 0);
    assert_true(wrd_decimal_read(&value, "65535", 5, 65535));
    assert_int_equal(value, 65535);
    assert_true(wrd_decimal_read(&value, "4294967295", 10, UINT32_MAX));
    assert_true(value == UINT32_MAX);
    assert_true(wrd_decimal_read(&value, "12x", 2, 12));
    assert_int_equal(value, 12);
}

static void decimal_refuses_everything_else_and_leaves_the_value(void **state)
{
    static const char *const bad[] = {"",    "65536", "065", "00",         "+1",          "-1",          " 1", "1 ",
                                      "0x1", "1a",    ".",   "4294967296", "99999999999", "00000000001", "१"};
    uint32_t value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(wrd_decimal_read(&value, bad[i], strlen(bad[i]), 65535));
    assert_false(wrd_decimal_read(&value, "4294967296", 10, UINT32_MAX));
    assert_false(wrd_decimal_read(&value, "1\0", 2, 9));
    assert_int_equal(value, 7);
}

static void decimal_writes_what_it_reads(void **state)
{
    static const uint32_t values[] = {0, 9, 10, 99, 100, 65535, 1000000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[10];
        uint32_t back;
        size_t len = wrd_decimal_write(text, values[i]);
        assert_true(wrd_decimal_read(&back, text, len, UINT32_MAX));
        assert_true(back == values[i]);
    }
    char text[10];
    assert_int_equal(wrd_decimal_write(text, UINT32_MAX), 10);
    assert_memory_equal(text, "4294967295", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_digit_takes_both_cases_and_nothing_else),
        cmocka_unit_test(hex_written_is_lower_case_and_reads_back),
        cmocka_unit_test(hex_read_refuses_a_bad_digit_in_either_half),
        cmocka_unit_test(base64url_knows_the_vectors_of_its_rfc),
        cmocka_unit_test(base64url_round_trips_random_bytes),
        cmocka_unit_test(base64url_uses_minus_and_underscore),
        cmocka_unit_test(base64url_refuses_length_character_and_stray_bits),
        cmocka_unit_test(decimal_reads_digits_up_to_its_maximum),
        cmocka_unit_test(decimal_refuses_everything_else_and_leaves_the_value),
        cmocka_unit_test(decimal_writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
