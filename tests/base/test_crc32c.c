/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/crc32c.h"

/* Vectors of RFC 3720 B.4, as big-endian reading of the little-endian wire bytes. */
static void rfc_3720_vectors_hold_both_ways(void **state)
{
    wrd_crc32c_update *ways[2] = {wrd_crc32c_by_table, wrd_crc32c_pick()};
    for (int way = 0; way < 2; way++) {
        uint8_t bytes[32];
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(wrd_crc32c(ways[way], bytes, sizeof bytes), 0x8a9136aa);
        memset(bytes, 0xff, sizeof bytes);
        assert_int_equal(wrd_crc32c(ways[way], bytes, sizeof bytes), 0x62a8ab43);
        for (int i = 0; i < 32; i++)
            bytes[i] = (uint8_t)i;
        assert_int_equal(wrd_crc32c(ways[way], bytes, sizeof bytes), 0x46dd794e);
        for (int i = 0; i < 32; i++)
            bytes[i] = (uint8_t)(31 - i);
        assert_int_equal(wrd_crc32c(ways[way], bytes, sizeof bytes), 0x113fdb5c);
        assert_int_equal(wrd_crc32c(ways[way], (const uint8_t *)"123456789", 9), 0xe3069283);
        assert_int_equal(wrd_crc32c(ways[way], bytes, 0), 0);
    }
}

static void picked_way_equals_table_for_every_length_and_alignment(void **state)
{
    static uint8_t bytes[2600];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    wrd_crc32c_update *picked = wrd_crc32c_pick();
    for (size_t len = 0; len + 8 <= sizeof bytes; len++) {
        const uint8_t *at = bytes + len % 8;
        assert_int_equal(picked(0x12345678, at, len), wrd_crc32c_by_table(0x12345678, at, len));
    }
}

static void pieces_continue_one_register(void **state)
{
    const uint8_t *bytes = (const uint8_t *)"123456789";
    uint32_t crc = UINT32_MAX;
    crc = wrd_crc32c_by_table(crc, bytes, 4);
    crc = wrd_crc32c_pick()(crc, bytes + 4, 5);
    assert_int_equal(~crc, 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3720_vectors_hold_both_ways),
        cmocka_unit_test(picked_way_equals_table_for_every_length_and_alignment),
        cmocka_unit_test(pieces_continue_one_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
