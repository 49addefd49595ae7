/* SPDX-License-Identifier: MIT */
#include "dial/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static struct wrd_dial_text text_of(const char *start)
{
    return (struct wrd_dial_text){start, start + strlen(start), NULL};
}

static void take_moves_only_over_a_whole_word(void **state)
{
    struct wrd_dial_text text = text_of("abc");
    assert_false(wrd_dial_take(&text, "abd"));
    assert_false(wrd_dial_take(&text, "abcd"));
    assert_true(wrd_dial_take(&text, "ab"));
    assert_false(wrd_dial_take(&text, "ab"));
    assert_true(wrd_dial_take(&text, ""));
    assert_true(wrd_dial_take(&text, "c"));
    assert_false(wrd_dial_take(&text, "c"));
    assert_ptr_equal(text.at, text.end);
}

static void first_complaint_stays_and_nothing_is_left(void **state)
{
    struct wrd_dial_text text = text_of("7 seven");
    const char *why = "untouched";
    assert_int_equal(wrd_dial_verdict(&text, &why), WRD_OK);
    assert_string_equal(why, "untouched");
    wrd_dial_complain(&text, "first");
    wrd_dial_complain(&text, "second");
    assert_int_equal(wrd_dial_take_number(&text, 9, "third"), 0);
    assert_int_equal(wrd_dial_take_hex(&text), -1);
    assert_false(wrd_dial_take(&text, "7"));
    wrd_dial_take_blanks(&text);
    assert_int_equal(wrd_dial_verdict(&text, &why), WRD_INVALID);
    assert_string_equal(why, "first");
    assert_int_equal(wrd_dial_verdict(&text, NULL), WRD_INVALID);
}

static void number_takes_digits_and_stops_before_the_rest(void **state)
{
    struct wrd_dial_text text = text_of("0.65535 4294967295");
    assert_int_equal(wrd_dial_take_number(&text, 255, "bad"), 0);
    assert_true(wrd_dial_take(&text, "."));
    assert_int_equal(wrd_dial_take_number(&text, 65535, "bad"), 65535);
    wrd_dial_take_blanks(&text);
    assert_true(wrd_dial_take_number(&text, UINT32_MAX, "bad") == UINT32_MAX);
    assert_null(text.complaint);
}

static void number_above_its_maximum_or_with_a_leading_zero_is_a_complaint(void **state)
{
    static const char *const bad[] = {"", "x", "256", "99999999999999999999999999", "00", "01", "-1", "+1", " 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wrd_dial_text text = text_of(bad[i]);
        assert_int_equal(wrd_dial_take_number(&text, 255, "bad"), 0);
        assert_non_null(text.complaint);
    }
}

static void blanks_are_space_and_the_line_and_tab_characters(void **state)
{
    for (int c = 0; c < 256; c++)
        assert_true(wrd_dial_is_blank((char)c) == (c == ' ' || (c >= 9 && c <= 13)));
}

static void numbers_print_as_printf_would(void **state)
{
    static const uint32_t values[] = {0, 1, 9, 10, 15, 16, 99, 100, 255, 256, 65535, 999999999, 1000000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char out[16], expected[16];
        struct wrd_writer wr = wrd_wr((uint8_t *)out, sizeof out);
        wrd_dial_put_number(&wr, values[i], 10);
        assert_int_equal(wr.len, snprintf(expected, sizeof expected, "%u", values[i]));
        assert_memory_equal(out, expected, wr.len);
        wr = wrd_wr((uint8_t *)out, sizeof out);
        wrd_dial_put_number(&wr, values[i], 16);
        assert_int_equal(wr.len, snprintf(expected, sizeof expected, "%x", values[i]));
        assert_memory_equal(out, expected, wr.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_moves_only_over_a_whole_word),
        cmocka_unit_test(first_complaint_stays_and_nothing_is_left),
        cmocka_unit_test(number_takes_digits_and_stops_before_the_rest),
        cmocka_unit_test(number_above_its_maximum_or_with_a_leading_zero_is_a_complaint),
        cmocka_unit_test(blanks_are_space_and_the_line_and_tab_characters),
        cmocka_unit_test(numbers_print_as_printf_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
