/* SPDX-License-Identifier: MIT */
/* Messages of the main channel, and what is borrowed when another goes. */
#include "chan/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- what goes out */

static void goes_out_as(struct pair *p, bool text, const void *data, size_t len, uint32_t ppid, const void *wire,
                        size_t wire_len)
{
    assert_int_equal(pair_say(p, text, data, len), WRD_OK);
    pair_exchange(p);
    struct wrd_sctp_message up;
    assert_true(wrd_sctp_peek(p->far, &up));
    assert_int_equal(up.ppid, ppid);
    assert_int_equal(up.stream, WRD_CHAN_MAIN);
    assert_false(up.unordered);
    assert_int_equal(up.len, wire_len);
    assert_memory_equal(up.data, wire, wire_len);
    wrd_sctp_release(p->far, p->now);
}

static void messages_go_out_under_the_ppids_of_rfc_8831(void **state)
{
    struct pair *p = *state;
    goes_out_as(p, true, "words", 5, 51, "words", 5);
    goes_out_as(p, false, "\0\1\2", 3, 53, "\0\1\2", 3);
    goes_out_as(p, false, "\0", 1, 53, "\0", 1);
}

static void an_empty_message_is_one_zero_byte_under_a_ppid_of_its_own(void **state)
{
    struct pair *p = *state;
    goes_out_as(p, true, "", 0, 56, "\0", 1);
    goes_out_as(p, false, NULL, 0, 57, "\0", 1);
}

static void messages_arrive_as_they_were_sent_and_in_order(void **state)
{
    struct pair *p = *state;
    static uint8_t large[PAIR_MESSAGE_LIMIT];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 2654435761u >> 13);
    assert_int_equal(pair_say(p, true, "first", 5), WRD_OK);
    assert_int_equal(pair_say(p, false, "", 0), WRD_OK);
    assert_int_equal(pair_say(p, false, large, sizeof large), WRD_OK);
    assert_int_equal(pair_say(p, true, NULL, 0), WRD_OK);
    assert_int_equal(pair_say(p, false, "last", 4), WRD_OK);
    pair_exchange(p);
    pair_hears(p, true, "first", 5);
    pair_hears(p, false, "", 0);
    pair_hears(p, false, large, sizeof large);
    pair_hears(p, true, "", 0);
    pair_hears(p, false, "last", 4);
    pair_hears_nothing(p);
    assert_int_equal(p->chan.dropped, 0);
}

/* ---- what comes in */

static void every_ppid_of_rfc_8831_is_understood(void **state)
{
    struct pair *p = *state;
    static const struct {
        uint32_t ppid;
        bool text, empty;
    } kinds[] = {{51, true, false}, {53, false, false}, {56, true, true},
                 {57, false, true}, {54, true, false},  {52, false, false}}; /* the last two are deprecated */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pair_say_raw(p, 0, kinds[i].ppid, false, "abc", 3); /* an "empty" one's bytes are ignored, however many */
        pair_say_raw(p, 0, kinds[i].ppid, true, "d", 1);
        pair_exchange(p);
        pair_hears(p, kinds[i].text, "abc", kinds[i].empty ? 0 : 3);
        pair_hears(p, kinds[i].text, "d", kinds[i].empty ? 0 : 1);
    }
    assert_int_equal(p->chan.dropped, 0);
}

static void an_unknown_ppid_is_dropped_and_counted(void **state)
{
    struct pair *p = *state;
    static const uint32_t unknown[] = {0, 50, 55, 58, 49, 51u << 24, 53u << 24, 256 + 51, UINT32_MAX};
    size_t count = sizeof unknown / sizeof *unknown;
    for (size_t i = 0; i < count; i++)
        pair_say_raw(p, 0, unknown[i], false, "abc", 3);
    assert_int_equal(pair_say(p, true, "known", 5), WRD_OK);
    pair_exchange(p);
    pair_hears(p, true, "known", 5);
    assert_int_equal(p->chan.dropped, count);
    pair_say_raw(p, 0, 50, false, "abc", 3);
    pair_exchange(p);
    pair_hears_nothing(p);
    assert_int_equal(p->chan.dropped, count + 1);
}

static void other_streams_are_dropped_and_counted(void **state)
{
    struct pair *p = *state;
    static const uint16_t streams[] = {1, 2, 255, 256, 65534};
    size_t count = sizeof streams / sizeof *streams;
    for (size_t i = 0; i < count; i++)
        pair_say_raw(p, streams[i], 51, false, "abc", 3);
    pair_say_raw(p, 1, 57, false, "\0", 1);
    assert_int_equal(pair_say(p, false, "ours", 4), WRD_OK);
    pair_exchange(p);
    pair_hears(p, false, "ours", 4);
    pair_hears_nothing(p);
    assert_int_equal(p->chan.dropped, count + 1);
}

static void what_is_dropped_gives_its_window_back(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[PAIR_MESSAGE_LIMIT];
    for (unsigned i = 0; i < 5 * PAIR_WINDOW / sizeof bytes; i++) {
        pair_say_raw(p, 0, 50, false, bytes, sizeof bytes);
        pair_exchange(p);
        pair_hears_nothing(p);
        assert_int_equal(p->chan.dropped, i + 1);
    }
    assert_int_equal(pair_say(p, false, bytes, sizeof bytes), WRD_OK);
    pair_exchange(p);
    pair_hears(p, false, bytes, sizeof bytes);
}

static void a_borrowed_message_outlives_its_channel(void **state)
{
    struct pair *p = *state;
    struct wrd_chan_dcep_open open = {.label = (const uint8_t *)"", .protocol = (const uint8_t *)"", .priority = 256};
    uint32_t channel;
    const char *why;
    p->speaker.client = true;
    p->chan.accept = 1;
    assert_int_equal(wrd_chan_open(&p->speaker, p->now, &channel, &open, false, 0, &why), WRD_OK);
    struct wrd_chan_message message = {.data = (const uint8_t *)"first", .len = 5, .text = true, .channel = channel};
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    pair_exchange(p);
    pair_hears_nothing(p);
    assert_int_equal(pair_say(p, true, "second", 6), WRD_OK);
    pair_exchange(p);
    struct wrd_chan_event event;
    assert_true(wrd_chan_next(&p->chan, &event));
    assert_int_equal(event.kind, WRD_CHAN_EVENT_OPEN);
    struct wrd_chan_message borrowed;
    assert_true(wrd_chan_peek(&p->chan, p->now, &borrowed));
    p->chan.lent = true;
    p->chan.lent_to = borrowed.channel;
    wrd_chan_close(&p->chan, p->now, event.channel, 0, NULL);
    p->denies = true;
    pair_exchange(p);
    wrd_chan_take(&p->chan, p->now, wrd_sctp_next(p->far));
    assert_true(wrd_chan_next(&p->chan, &event));
    assert_int_equal(event.kind, WRD_CHAN_EVENT_CLOSED);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message));
    assert_ptr_equal(message.data, borrowed.data);
    assert_memory_equal(message.data, "first", 5);
    assert_int_equal(message.channel, borrowed.channel);
    wrd_chan_release(&p->chan, p->now);
    p->chan.lent = false;
    pair_hears(p, true, "second", 6);
}

/* ---- what is refused */

static void a_message_above_the_limit_is_too_large(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[PAIR_MESSAGE_LIMIT + 1];
    assert_int_equal(pair_say(p, false, bytes, sizeof bytes), WRD_TOO_LARGE);
    assert_int_equal(pair_say(p, true, bytes, sizeof bytes), WRD_TOO_LARGE);
    assert_int_equal(pair_say(p, false, bytes, PAIR_MESSAGE_LIMIT), WRD_OK);
    pair_exchange(p);
    pair_hears(p, false, bytes, PAIR_MESSAGE_LIMIT);
    pair_hears_nothing(p);
}

static void a_full_queue_answers_again_and_takes_more_later(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[PAIR_MESSAGE_LIMIT];
    wrd_result result;
    unsigned taken = 0;
    while ((result = pair_say(p, false, bytes, sizeof bytes)) == WRD_OK)
        assert_true(++taken < 100);
    assert_int_equal(result, WRD_AGAIN);
    for (unsigned i = 0; i < taken; i++) {
        pair_exchange(p);
        pair_hears(p, false, bytes, sizeof bytes);
    }
    pair_exchange(p);
    assert_int_equal(pair_say(p, true, "", 0), WRD_OK);
    pair_exchange(p);
    pair_hears(p, true, "", 0);
    pair_hears_nothing(p);
}

static void short_memory_is_told_and_nothing_is_sent(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[PAIR_MESSAGE_LIMIT];
    p->refuses = true;
    wrd_result result = pair_say(p, false, bytes, sizeof bytes);
    p->refuses = false;
    assert_int_equal(result, WRD_NO_MEMORY);
    pair_exchange(p);
    pair_hears_nothing(p);
    assert_int_equal(pair_say(p, false, "again", 5), WRD_OK);
    pair_exchange(p);
    pair_hears(p, false, "again", 5);
}

static void messages_said_before_the_association_is_up_arrive(void **state)
{
    struct pair *p = *state;
    assert_int_equal(pair_say(p, true, "early", 5), WRD_OK);
    assert_int_equal(pair_say(p, false, NULL, 0), WRD_OK);
    pair_hears_nothing(p);
    wrd_sctp_connect(p->near, p->now);
    pair_exchange(p);
    pair_hears(p, true, "early", 5);
    pair_hears(p, false, "", 0);
}

static void a_closed_association_takes_nothing_but_what_was_said_is_heard(void **state)
{
    struct pair *p = *state;
    assert_int_equal(pair_say(p, true, "last", 4), WRD_OK);
    pair_say_raw(p, 7, 51, false, "x", 1);
    assert_int_equal(pair_say(p, false, "", 0), WRD_OK);
    wrd_sctp_shutdown(p->near, p->now);
    assert_int_equal(pair_say(p, true, "late", 4), WRD_CLOSED);
    assert_int_equal(pair_say(p, true, "", 0), WRD_CLOSED);
    pair_exchange(p);
    assert_int_equal(wrd_sctp_state(p->near), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_CLOSED);
    pair_hears(p, true, "last", 4);
    pair_hears(p, false, "", 0);
    pair_hears_nothing(p);
    assert_int_equal(p->chan.dropped, 1);
    assert_int_equal(
        wrd_chan_send(&p->chan, p->now, &(struct wrd_chan_message){.data = (const uint8_t *)"x", .len = 1}),
        WRD_CLOSED);
}

static void an_aborted_association_takes_nothing(void **state)
{
    struct pair *p = *state;
    wrd_sctp_abort(p->far, p->now);
    pair_exchange(p);
    assert_int_equal(pair_say(p, true, "late", 4), WRD_CLOSED);
    assert_int_equal(pair_say(p, false, "", 0), WRD_CLOSED);
    pair_hears_nothing(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set_up_open, pair_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_out_under_the_ppids_of_rfc_8831),
        TEST(an_empty_message_is_one_zero_byte_under_a_ppid_of_its_own),
        TEST(messages_arrive_as_they_were_sent_and_in_order),
        TEST(every_ppid_of_rfc_8831_is_understood),
        TEST(an_unknown_ppid_is_dropped_and_counted),
        TEST(other_streams_are_dropped_and_counted),
        TEST(what_is_dropped_gives_its_window_back),
        TEST(a_borrowed_message_outlives_its_channel),
        TEST(a_message_above_the_limit_is_too_large),
        TEST(a_full_queue_answers_again_and_takes_more_later),
        TEST(short_memory_is_told_and_nothing_is_sent),
        cmocka_unit_test_setup_teardown(messages_said_before_the_association_is_up_arrive, pair_set_up, pair_tear_down),
        TEST(a_closed_association_takes_nothing_but_what_was_said_is_heard),
        TEST(an_aborted_association_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
