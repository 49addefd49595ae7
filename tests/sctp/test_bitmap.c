/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include "sctp/bitmap.h"

#include <string.h>

static void finds_what_a_walk_would_find(void **state)
{
    uint64_t words[4];
    struct wrd_sctp_bitmap map = {.words = words, .mask = 255};
    uint64_t r = 1;
    for (unsigned round = 0; round < 20000; round++) {
        memset(words, round % 2 ? 0xff : 0, sizeof words);
        for (uint64_t n = lab_random(&r) % 8; n > 0; n--) {
            struct wrd_tsn tsn = wrd_tsn((uint32_t)lab_random(&r));
            if (round % 2)
                wrd_sctp_bit_clear(&map, tsn);
            else
                wrd_sctp_bit_set(&map, tsn);
        }
        struct wrd_tsn from = wrd_tsn((uint32_t)lab_random(&r) | 0xffffff00u);
        uint32_t count = (uint32_t)(lab_random(&r) % 257);
        bool value = !(round % 2);
        uint32_t expected = 0;
        while (expected < count && wrd_sctp_bit(&map, wrd_tsn_add(from, expected)) != value)
            expected++;
        assert_int_equal(wrd_sctp_bit_find(&map, from, count, value), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_a_walk_would_find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
