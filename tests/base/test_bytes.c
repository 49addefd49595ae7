/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static const uint8_t counting[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void loads_and_stores_name_their_byte_order(void **state)
{
    assert_int_equal(wrd_load16be(counting), 0x0102);
    assert_int_equal(wrd_load32be(counting), 0x01020304);
    assert_true(wrd_load64be(counting) == 0x0102030405060708u);
    assert_int_equal(wrd_load32le(counting), 0x04030201);
    uint8_t out[8];
    wrd_store16be(out, 0x0102);
    assert_memory_equal(out, counting, 2);
    wrd_store32be(out, 0x01020304);
    assert_memory_equal(out, counting, 4);
    wrd_store64be(out, 0x0102030405060708u);
    assert_memory_equal(out, counting, 8);
    wrd_store32le(out, 0x04030201);
    assert_memory_equal(out, counting, 4);
}

static void loads_keep_the_highest_bit(void **state)
{
    static const uint8_t high[] = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8};
    assert_int_equal(wrd_load16be(high), 0xfffe);
    assert_true(wrd_load32be(high) == 0xfffefdfcu);
    assert_true(wrd_load32le(high) == 0xfcfdfeffu);
    assert_true(wrd_load64be(high) == 0xfffefdfcfbfaf9f8u);
}

static void reader_takes_fields_in_order(void **state)
{
    struct wrd_reader rd = wrd_rd(counting, sizeof counting);
    assert_int_equal(wrd_rd8(&rd), 0x01);
    assert_int_equal(wrd_rd16(&rd), 0x0203);
    assert_int_equal(wrd_rd32(&rd), 0x04050607);
    assert_ptr_equal(wrd_rd_bytes(&rd, 2), counting + 7);
    assert_int_equal(rd.left, 0);
    assert_false(rd.bad);
}

static void reader_that_overruns_yields_zeros_and_stays_bad(void **state)
{
    struct wrd_reader rd = wrd_rd(counting, 3);
    assert_int_equal(wrd_rd32(&rd), 0);
    assert_true(rd.bad);
    assert_int_equal(wrd_rd8(&rd), 0);
    assert_int_equal(wrd_rd16(&rd), 0);
    assert_null(wrd_rd_bytes(&rd, 0));
    assert_true(rd.bad);
    assert_int_equal(rd.left, 0);
}

static void reader_refuses_the_longest_length(void **state)
{
    struct wrd_reader rd = wrd_rd(counting, 3);
    assert_null(wrd_rd_bytes(&rd, SIZE_MAX));
    assert_true(rd.bad);
}

static void writer_puts_fields_in_order(void **state)
{
    uint8_t out[9];
    struct wrd_writer wr = wrd_wr(out, sizeof out);
    wrd_wr8(&wr, 0x01);
    wrd_wr16(&wr, 0x0203);
    wrd_wr32(&wr, 0x04050607);
    wrd_wr_bytes(&wr, counting + 7, 2);
    wrd_wr_bytes(&wr, NULL, 0);
    assert_false(wr.bad);
    assert_int_equal(wr.len, 9);
    assert_memory_equal(out, counting, 9);
}

static void writer_that_overruns_writes_nothing_more_and_stays_bad(void **state)
{
    uint8_t out[4] = {9, 9, 9, 9};
    struct wrd_writer wr = wrd_wr(out, 3);
    wrd_wr16(&wr, 0x0102);
    wrd_wr32(&wr, 0x03040506);
    assert_true(wr.bad);
    wrd_wr8(&wr, 3);
    wrd_wr16(&wr, 3);
    wrd_wr_bytes(&wr, counting, 1);
    assert_null(wrd_wr_space(&wr, 0));
    assert_true(wr.bad);
    assert_int_equal(wr.len, 2);
    assert_int_equal(out[2], 9);
    assert_int_equal(out[3], 9);
}

static void writer_refuses_the_longest_length(void **state)
{
    uint8_t out[4];
    struct wrd_writer wr = wrd_wr(out, sizeof out);
    wrd_wr8(&wr, 1);
    assert_null(wrd_wr_space(&wr, SIZE_MAX));
    assert_true(wr.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_stores_name_their_byte_order),
        cmocka_unit_test(loads_keep_the_highest_bit),
        cmocka_unit_test(reader_takes_fields_in_order),
        cmocka_unit_test(reader_that_overruns_yields_zeros_and_stays_bad),
        cmocka_unit_test(reader_refuses_the_longest_length),
        cmocka_unit_test(writer_puts_fields_in_order),
        cmocka_unit_test(writer_that_overruns_writes_nothing_more_and_stays_bad),
        cmocka_unit_test(writer_refuses_the_longest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
