/* SPDX-License-Identifier: MIT */
#include "dtls/record.h"

#include "dtls/dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

enum { HELLO_SIZE = 60, DATAGRAM_SIZE = WRD_DTLS_RECORD_HEADER + WRD_DTLS_FRAGMENT_HEADER + HELLO_SIZE };

/* A datagram with a whole ClientHello of HELLO_SIZE bytes. */
static void write_hello(uint8_t out[DATAGRAM_SIZE])
{
    memset(out, 0, DATAGRAM_SIZE);
    wrd_dtls_record_header(out, WRD_DTLS_HANDSHAKE, 0, 0, DATAGRAM_SIZE - WRD_DTLS_RECORD_HEADER);
    uint8_t *fragment = out + WRD_DTLS_RECORD_HEADER;
    fragment[0] = WRD_DTLS_CLIENT_HELLO;
    fragment[3] = fragment[11] = HELLO_SIZE;
    wrd_store16be(fragment + WRD_DTLS_FRAGMENT_HEADER, 0xfefd);
}

static void assert_hello_with(size_t at, uint8_t value, bool expected)
{
    uint8_t datagram[DATAGRAM_SIZE];
    write_hello(datagram);
    datagram[at] = value;
    assert_int_equal(wrd_dtls_is_client_hello(datagram, sizeof datagram), expected);
}

static void client_hello_is_recognised_in_any_version_of_the_record(void **state)
{
    (void)state;
    assert_hello_with(0, WRD_DTLS_HANDSHAKE, true);
    assert_hello_with(2, 0xff, true);
    assert_hello_with(2, 0xfc, true);
    assert_hello_with(10, 77, true); /* record number */
    assert_hello_with(26, 0xff, true);
    assert_hello_with(18, 1, true); /* message_seq: it answers a HelloVerifyRequest */
}

static void what_is_not_a_client_hello_is_refused(void **state)
{
    (void)state;
    assert_hello_with(0, WRD_DTLS_DATA, false);
    assert_hello_with(1, 0x03, false);
    assert_hello_with(4, 1, false);   /* epoch */
    assert_hello_with(12, 11, false); /* the record ends in the fragment's header */
    assert_hello_with(12, 255, false);
    assert_hello_with(13, WRD_DTLS_SERVER_HELLO, false);
    assert_hello_with(14, 1, false);  /* 64 KiB */
    assert_hello_with(15, 33, false); /* above WRD_DTLS_MESSAGE_MAX */
    assert_hello_with(16, 41, false); /* too short to be a hello */
    assert_hello_with(16, 59, false); /* the part is longer than the message */
    assert_hello_with(18, 2, false);  /* message_seq */
    assert_hello_with(21, 1, false);  /* offset + part exceed the message */
    assert_hello_with(24, 0, false);  /* an empty part */
    assert_hello_with(24, 61, false); /* the part exceeds its record */
    assert_hello_with(25, 0x03, false);
}

static void cut_client_hello_is_refused_at_every_length(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM_SIZE];
    write_hello(datagram);
    for (size_t len = 0; len < sizeof datagram; len++)
        assert_false(wrd_dtls_is_client_hello(datagram, len));
    assert_true(wrd_dtls_is_client_hello(datagram, sizeof datagram));
}

static void later_part_of_a_client_hello_is_recognised(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM_SIZE];
    write_hello(datagram);
    wrd_store16be(datagram + 15, 1500);
    wrd_store16be(datagram + 20, 1440);
    memset(datagram + 25, 0x33, HELLO_SIZE);
    assert_true(wrd_dtls_is_client_hello(datagram, sizeof datagram));
    wrd_store16be(datagram + 20, 1441);
    assert_false(wrd_dtls_is_client_hello(datagram, sizeof datagram));
}

static void records_of_a_datagram_come_one_by_one_until_one_is_cut(void **state)
{
    (void)state;
    uint8_t datagram[64] = {0};
    wrd_dtls_record_header(datagram, WRD_DTLS_DATA, 1, 0x123456789abcU, 2);
    wrd_dtls_record_header(datagram + 15, WRD_DTLS_ALERT, 0, 5, 0);
    wrd_dtls_record_header(datagram + 28, WRD_DTLS_DATA, 1, 6, 24);
    struct wrd_reader rd = wrd_rd(datagram, sizeof datagram);
    struct wrd_dtls_record record;
    assert_true(wrd_dtls_record_take(&rd, &record));
    assert_int_equal(record.type, WRD_DTLS_DATA);
    assert_int_equal(record.epoch, 1);
    assert_true(record.sequence == 0x123456789abcU);
    assert_int_equal(record.len, 2);
    assert_ptr_equal(record.body, datagram + 13);
    assert_true(wrd_dtls_record_take(&rd, &record));
    assert_int_equal(record.len, 0);
    assert_false(wrd_dtls_record_take(&rd, &record));
    assert_false(wrd_dtls_record_take(&rd, &record));
}

static void window_takes_each_number_once(void **state)
{
    (void)state;
    struct wrd_dtls_window window = {0};
    static const uint64_t order[] = {3, 0, 2, 70, 8, 7, 71, 1000, 937, 999};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        assert_true(wrd_dtls_window_fresh(&window, order[i]));
        wrd_dtls_window_mark(&window, order[i]);
        assert_false(wrd_dtls_window_fresh(&window, order[i]));
    }
    assert_false(wrd_dtls_window_fresh(&window, 936)); /* older than the window */
    assert_false(wrd_dtls_window_fresh(&window, 71));
    assert_true(wrd_dtls_window_fresh(&window, 938));
}

static void window_stays_right_at_the_largest_number(void **state)
{
    (void)state;
    struct wrd_dtls_window window = {0};
    uint64_t last = ((uint64_t)1 << 48) - 1;
    wrd_dtls_window_mark(&window, last);
    assert_false(wrd_dtls_window_fresh(&window, last));
    assert_true(wrd_dtls_window_fresh(&window, last - 63));
    assert_false(wrd_dtls_window_fresh(&window, last - 64));
    assert_false(wrd_dtls_window_fresh(&window, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_hello_is_recognised_in_any_version_of_the_record),
        cmocka_unit_test(what_is_not_a_client_hello_is_refused),
        cmocka_unit_test(cut_client_hello_is_refused_at_every_length),
        cmocka_unit_test(later_part_of_a_client_hello_is_recognised),
        cmocka_unit_test(records_of_a_datagram_come_one_by_one_until_one_is_cut),
        cmocka_unit_test(window_takes_each_number_once),
        cmocka_unit_test(window_stays_right_at_the_largest_number),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
