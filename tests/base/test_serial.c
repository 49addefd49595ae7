/* SPDX-License-Identifier: MIT */
#include "base/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static void tsn_after_the_highest_is_zero(void **state)
{
    struct wrd_tsn last = wrd_tsn(UINT32_MAX);
    assert_true(wrd_tsn_eq(wrd_tsn_add(last, 1), wrd_tsn(0)));
    assert_true(wrd_tsn_lt(last, wrd_tsn(0)));
    assert_false(wrd_tsn_lt(wrd_tsn(0), last));
    assert_int_equal(wrd_tsn_diff(wrd_tsn(4), wrd_tsn(UINT32_MAX)), 5);
    assert_int_equal(wrd_tsn_diff(wrd_tsn(UINT32_MAX), wrd_tsn(4)), -5);
}

/* RFC 1982 3.2: i1 < i2 while i2 is less than 2^31 ahead. */
static void tsn_is_less_for_half_the_circle(void **state)
{
    static const uint32_t starts[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, UINT32_MAX};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct wrd_tsn a = wrd_tsn(starts[i]);
        assert_true(wrd_tsn_lt(a, wrd_tsn_add(a, 1)));
        assert_true(wrd_tsn_lt(a, wrd_tsn_add(a, 0x7fffffff)));
        assert_false(wrd_tsn_lt(wrd_tsn_add(a, 0x7fffffff), a));
        assert_true(wrd_tsn_lt(wrd_tsn_add(a, 0x80000001), a));
        assert_false(wrd_tsn_lt(a, a));
        assert_true(wrd_tsn_le(a, a));
        assert_true(wrd_tsn_le(a, wrd_tsn_add(a, 1)));
        assert_false(wrd_tsn_le(wrd_tsn_add(a, 1), a));
        assert_false(wrd_tsn_eq(a, wrd_tsn_add(a, 1)));
    }
}

static void ssn_wraps_at_16_bits(void **state)
{
    struct wrd_ssn last = {UINT16_MAX}, zero = {0}, far = {0x7fff};
    assert_true(wrd_ssn_eq(wrd_ssn_next(last), zero));
    assert_false(wrd_ssn_eq(last, zero));
    assert_true(wrd_ssn_lt(last, zero));
    assert_false(wrd_ssn_lt(zero, last));
    assert_true(wrd_ssn_lt(zero, far));
    assert_false(wrd_ssn_lt(far, zero));
    assert_false(wrd_ssn_lt(zero, zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsn_after_the_highest_is_zero),
        cmocka_unit_test(tsn_is_less_for_half_the_circle),
        cmocka_unit_test(ssn_wraps_at_16_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
