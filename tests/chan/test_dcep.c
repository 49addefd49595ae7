/* SPDX-License-Identifier: MIT */
/* The messages that open channels, byte for byte, and the reasons of closes. */
#include "chan/dcep.h"
#include "chan/farewell.h"
#include "chan/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- DATA_CHANNEL_OPEN, RFC 8832 5.1 */

static const uint8_t sample[] = {3, 0x81, 0x02, 0x00, 0, 0, 0, 7, 0, 5, 0, 3, 's', 't', 'a', 't', 'e', 'v', '/', '1'};

static void an_open_is_read_as_it_lies(void **state)
{
    (void)state;
    struct wrd_chan_dcep_open open;
    assert_int_equal(wrd_chan_dcep_read(&open, sample, sizeof sample), WRD_CHAN_DCEP_OPEN);
    assert_true(open.unordered);
    assert_int_equal(open.reliability, WRD_CHAN_RETRANSMITS);
    assert_int_equal(open.limit, 7);
    assert_int_equal(open.priority, 512);
    assert_int_equal(open.label_len, 5);
    assert_memory_equal(open.label, "state", 5);
    assert_int_equal(open.protocol_len, 3);
    assert_memory_equal(open.protocol, "v/1", 3);
}

static void an_open_is_written_as_it_is_read(void **state)
{
    (void)state;
    struct wrd_chan_dcep_open open, again;
    uint8_t out[64];
    assert_int_equal(wrd_chan_dcep_read(&open, sample, sizeof sample), WRD_CHAN_DCEP_OPEN);
    assert_int_equal(wrd_chan_dcep_write_open(out, sizeof out, &open), sizeof sample);
    assert_memory_equal(out, sample, sizeof sample);
    for (size_t cap = 0; cap < sizeof sample; cap++)
        assert_int_equal(wrd_chan_dcep_write_open(out, cap, &open), 0);
    for (int kind = WRD_CHAN_RELIABLE; kind <= WRD_CHAN_LIFETIME; kind++) {
        for (int unordered = 0; unordered < 2; unordered++) {
            open.reliability = (enum wrd_chan_reliability)kind;
            open.unordered = unordered;
            open.limit = kind == WRD_CHAN_RELIABLE ? 0 : UINT32_MAX;
            size_t len = wrd_chan_dcep_write_open(out, sizeof out, &open);
            assert_int_equal(out[1], kind | (unordered ? 0x80 : 0));
            assert_int_equal(wrd_chan_dcep_read(&again, out, len), WRD_CHAN_DCEP_OPEN);
            assert_true(again.reliability == open.reliability && again.unordered == open.unordered &&
                        again.limit == open.limit);
        }
    }
}

static void the_limit_of_a_reliable_channel_is_ignored(void **state)
{
    (void)state;
    struct wrd_chan_dcep_open open;
    uint8_t bytes[sizeof sample];
    memcpy(bytes, sample, sizeof bytes);
    bytes[1] = 0x80;
    assert_int_equal(wrd_chan_dcep_read(&open, bytes, sizeof bytes), WRD_CHAN_DCEP_OPEN);
    assert_int_equal(open.limit, 0);
}

static void an_open_of_any_other_length_is_bad(void **state)
{
    (void)state;
    struct wrd_chan_dcep_open open;
    for (size_t len = 0; len < sizeof sample; len++) {
        uint8_t *bytes = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a step too far */
        assert_non_null(bytes);
        memcpy(bytes, sample, len);
        assert_int_equal(wrd_chan_dcep_read(&open, bytes, len), WRD_CHAN_DCEP_BAD);
        free(bytes);
    }
    uint8_t longer[sizeof sample + 1];
    memcpy(longer, sample, sizeof sample);
    longer[sizeof sample] = 0;
    assert_int_equal(wrd_chan_dcep_read(&open, longer, sizeof longer), WRD_CHAN_DCEP_BAD);
    memset(longer + 8, 0xff, 4); /* lengths whose sum would wrap 16 bits */
    assert_int_equal(wrd_chan_dcep_read(&open, longer, sizeof longer), WRD_CHAN_DCEP_BAD);
}

static void only_six_channel_types_and_two_messages_exist(void **state)
{
    (void)state;
    struct wrd_chan_dcep_open open;
    uint8_t bytes[sizeof sample];
    memcpy(bytes, sample, sizeof bytes);
    unsigned known = 0;
    for (unsigned type = 0; type < 256; type++) {
        bytes[1] = (uint8_t)type;
        known += wrd_chan_dcep_read(&open, bytes, sizeof bytes) == WRD_CHAN_DCEP_OPEN;
    }
    assert_int_equal(known, 6);
    for (unsigned type = 0; type < 256; type++) {
        bytes[0] = (uint8_t)type;
        assert_int_equal(wrd_chan_dcep_read(&open, bytes, 1), type == 2 ? WRD_CHAN_DCEP_ACK : WRD_CHAN_DCEP_BAD);
        assert_int_equal(wrd_chan_dcep_read(&open, bytes, 2), WRD_CHAN_DCEP_BAD);
    }
    uint8_t ack[WRD_CHAN_DCEP_ACK_SIZE];
    wrd_chan_dcep_write_ack(ack);
    assert_int_equal(ack[0], 2);
}

/* ---- farewells, docs/WIRE.md */

static void a_farewell_is_written_and_read_back(void **state)
{
    (void)state;
    static const uint8_t wire[] = {1, 0x12, 0x34, 0, 0, 0x0f, 0xa0, 'b', 'y', 'e'};
    struct wrd_chan_farewell farewell = {.id = 0x1234, .code = 4000, .reason = (const uint8_t *)"bye", .reason_len = 3};
    uint8_t out[WRD_CHAN_FAREWELL_MAX];
    assert_int_equal(wrd_chan_farewell_write(out, &farewell), sizeof wire);
    assert_memory_equal(out, wire, sizeof wire);
    memset(&farewell, 0, sizeof farewell);
    assert_true(wrd_chan_farewell_read(&farewell, wire, sizeof wire));
    assert_true(farewell.id == 0x1234 && farewell.code == 4000 && farewell.reason_len == 3);
    assert_memory_equal(farewell.reason, "bye", 3);
    assert_true(wrd_chan_farewell_read(&farewell, wire, WRD_CHAN_FAREWELL_SIZE));
    assert_int_equal(farewell.reason_len, 0);
}

static void farewells_that_are_short_long_unknown_or_no_text_are_refused(void **state)
{
    (void)state;
    struct wrd_chan_farewell farewell;
    uint8_t bytes[WRD_CHAN_FAREWELL_MAX + 1] = {1};
    memset(bytes + WRD_CHAN_FAREWELL_SIZE, 'x', WRD_CHAN_REASON_MAX + 1);
    for (size_t len = 0; len < WRD_CHAN_FAREWELL_SIZE; len++)
        assert_false(wrd_chan_farewell_read(&farewell, bytes, len));
    assert_true(wrd_chan_farewell_read(&farewell, bytes, WRD_CHAN_FAREWELL_MAX));
    assert_false(wrd_chan_farewell_read(&farewell, bytes, WRD_CHAN_FAREWELL_MAX + 1));
    bytes[0] = 2;
    assert_false(wrd_chan_farewell_read(&farewell, bytes, 20));
    bytes[0] = 1;
    bytes[10] = 0xff;
    assert_false(wrd_chan_farewell_read(&farewell, bytes, 20));
}

/* ---- UTF-8, RFC 3629 */

static size_t prefix(const char *text)
{
    return wrd_chan_utf8_prefix((const uint8_t *)text, strlen(text), SIZE_MAX);
}

static void valid_characters_pass_and_a_bad_one_stops(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(prefix(good[i]), strlen(good[i]));
    static const char *const bad[] = {"ab\x80",
                                      "ab\xc0\x80",
                                      "ab\xc1\xbf",
                                      "ab\xe0\x9f\xbf",
                                      "ab\xed\xa0\x80",
                                      "ab\xf0\x8f\xbf\xbf",
                                      "ab\xf4\x90\x80\x80",
                                      "ab\xf5\x80\x80\x80",
                                      "ab\xff",
                                      "ab\xe2\x82",
                                      "ab\xc3z",
                                      "ab\xe2\x82z",
                                      "ab\xf0\x9f\x98z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(prefix(bad[i]), 2);
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    const uint8_t *text = (const uint8_t *)"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t max = 0; max <= 10; max++)
        assert_int_equal(wrd_chan_utf8_prefix(text, 10, max), cuts[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_is_read_as_it_lies),
        cmocka_unit_test(an_open_is_written_as_it_is_read),
        cmocka_unit_test(the_limit_of_a_reliable_channel_is_ignored),
        cmocka_unit_test(an_open_of_any_other_length_is_bad),
        cmocka_unit_test(only_six_channel_types_and_two_messages_exist),
        cmocka_unit_test(a_farewell_is_written_and_read_back),
        cmocka_unit_test(farewells_that_are_short_long_unknown_or_no_text_are_refused),
        cmocka_unit_test(valid_characters_pass_and_a_bad_one_stops),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
