/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include "sctp/param.h"

#include <string.h>

static void list_reads_what_it_writes(void **state)
{
    uint8_t bytes[128];
    struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
    for (size_t len = 0; len < 9; len++)
        wrd_sctp_param_write(&wr, (uint16_t)(100 + len), "abcdefghi", len);
    assert_int_equal(wr.len % 4, 0);
    struct wrd_reader rd = wrd_rd(bytes, wr.len);
    struct wrd_sctp_param param;
    for (size_t len = 0; len < 9; len++) {
        assert_true(wrd_sctp_param_next(&rd, &param));
        assert_int_equal(param.type, 100 + len);
        assert_int_equal(param.value.left, len);
        assert_memory_equal(param.value.at, "abcdefghi", len);
    }
    assert_false(wrd_sctp_param_next(&rd, &param));
    assert_false(rd.bad);
}

static void lengths_below_four_or_past_the_list_turn_it_bad(void **state)
{
    for (uint16_t len = 0; len < 20; len++) {
        uint8_t bytes[8] = {0, 1};
        wrd_store16be(bytes + 2, len);
        struct wrd_reader rd = wrd_rd(bytes, sizeof bytes);
        struct wrd_sctp_param param;
        assert_int_equal(wrd_sctp_param_next(&rd, &param), len >= 4 && len <= 8);
        assert_int_equal(rd.bad, len < 4 || len > 8);
    }
    for (size_t left = 1; left < 4; left++) {
        static const uint8_t bytes[4] = {0, 1, 0, 4};
        struct wrd_reader rd = wrd_rd(bytes, left);
        struct wrd_sctp_param param;
        assert_false(wrd_sctp_param_next(&rd, &param));
        assert_true(rd.bad);
    }
}

static void writer_without_room_writes_nothing_past_it(void **state)
{
    for (size_t cap = 0; cap < 12; cap++) {
        uint8_t bytes[16];
        memset(bytes, 0xee, sizeof bytes);
        struct wrd_writer wr = wrd_wr(bytes, cap);
        wrd_sctp_param_write(&wr, 1, "abcdefg", 7);
        assert_true(wr.bad);
        for (size_t i = cap; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0xee);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_reads_what_it_writes),
        cmocka_unit_test(lengths_below_four_or_past_the_list_turn_it_bad),
        cmocka_unit_test(writer_without_room_writes_nothing_past_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
