/* SPDX-License-Identifier: MIT */
#include "stun/crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static void crc32_gives_the_published_check_value(void **state)
{
    (void)state;
    assert_int_equal(wrd_stun_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(wrd_stun_crc32(NULL, 0), 0);
    uint8_t ones[32];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(wrd_stun_crc32(ones, sizeof ones), 0xff6cab0b);
}

/* The definition. */
static uint32_t bit_by_bit(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        crc ^= bit % 8 == 0 ? data[bit / 8] : 0u;
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* Each table entry meets it. */
static void crc32_of_each_single_byte_follows_the_polynomial(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t data = (uint8_t)byte;
        assert_int_equal(wrd_stun_crc32(&data, 1), bit_by_bit(&data, 1));
    }
}

/* Eight bytes at a time give what one at a time gives, at every length, and for each bit of the eight. */
static void crc32_is_the_same_however_the_bytes_are_cut(void **state)
{
    (void)state;
    uint8_t data[67];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 151 + 43);
    for (size_t len = 0; len <= sizeof data; len++)
        assert_int_equal(wrd_stun_crc32(data, len), bit_by_bit(data, len));
    for (size_t bit = 0; bit < 64; bit++) {
        memset(data, 0, 8);
        data[bit / 8] = (uint8_t)(1 << bit % 8);
        assert_int_equal(wrd_stun_crc32(data, 8), bit_by_bit(data, 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(crc32_gives_the_published_check_value),
                                       cmocka_unit_test(crc32_of_each_single_byte_follows_the_polynomial),
                                       cmocka_unit_test(crc32_is_the_same_however_the_bytes_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
