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

/* The definition, bit by bit: each table entry meets it. */
static void crc32_of_each_single_byte_follows_the_polynomial(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t crc = UINT32_MAX ^ byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        uint8_t data = (uint8_t)byte;
        assert_int_equal(wrd_stun_crc32(&data, 1), (uint32_t)~crc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(crc32_gives_the_published_check_value),
                                       cmocka_unit_test(crc32_of_each_single_byte_follows_the_polynomial)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
