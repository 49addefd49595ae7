/* SPDX-License-Identifier: MIT */
/* Two associations, their packets handed over by hand, on a clock that stands unless a test moves it. */
#include "chan/chan.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW        ((size_t)64 * 1024)
#define MESSAGE_LIMIT ((size_t)20000)

struct pair {
    wrd_env env;
    size_t live;
    bool refuses, denies;
    uint8_t random;
    wrd_time now;
    struct wrd_sctp *near, *far;
    struct wrd_chan speaker, chan; /* of the near and the far end */
};

static void *resize(void *user, void *old, size_t old_size, size_t new_size)
{
    struct pair *p = user;
    if (new_size > old_size && p->refuses)
        return NULL;
    p->live = p->live - old_size + new_size;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    struct pair *p = user;
    for (size_t i = 0; i < len; i++)
        out[i] = p->random = (uint8_t)(p->random * 77 + 13);
}

/* Makes of every answer to a reset that it is denied. */
static void deny_resets(uint8_t *packet, size_t len)
{
    enum { RE_CONFIG = 130, RESPONSE = 16, DENIED = 2 };
    for (size_t at = 12; at + 4 <= len; at += ((size_t)wrd_load16be(packet + at + 2) + 3) & ~(size_t)3)
        if (packet[at] == RE_CONFIG && wrd_load16be(packet + at + 4) == RESPONSE) {
            assert_int_equal(wrd_load32be(packet + 8), 0); /* checksum: agreed to go without */
            packet[at + 15] = DENIED;
        }
}

static bool hand_over(struct pair *p, struct wrd_sctp *from, struct wrd_sctp *to)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    size_t len;
    bool any = false;
    while ((len = wrd_sctp_transmit(from, p->now, packet, sizeof packet)) > 0) {
        if (p->denies)
            deny_resets(packet, len);
        wrd_sctp_receive(to, p->now, packet, len);
        any = true;
    }
    return any;
}

/* Until both are quiet, delayed acknowledgements included. */
static void exchange(struct pair *p)
{
    for (int turn = 0; turn < 50; turn++) {
        bool any = true;
        while (any) {
            any = hand_over(p, p->near, p->far);
            any = hand_over(p, p->far, p->near) || any;
        }
        p->now += 20 * WRD_MILLISECOND;
        wrd_sctp_expire(p->near, p->now);
        wrd_sctp_expire(p->far, p->now);
    }
}

static int set_up(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->env = (wrd_env){.user = p, .memory = resize, .random = fill_random};
    p->now = WRD_SECOND;
    struct wrd_sctp_options options = {.receive_window = WINDOW, .send_limit = WINDOW, .message_limit = MESSAGE_LIMIT};
    p->near = wrd_sctp_new(&options, &p->env);
    p->far = wrd_sctp_new(&options, &p->env);
    assert_true(p->near && p->far);
    wrd_chan_init(&p->speaker, &p->env, p->near);
    wrd_chan_init(&p->chan, &p->env, p->far);
    *state = p;
    return 0;
}

static int set_up_open(void **state)
{
    (void)set_up(state);
    struct pair *p = *state;
    wrd_sctp_connect(p->near, p->now);
    exchange(p);
    assert_int_equal(wrd_sctp_state(p->near), WRD_SCTP_ESTABLISHED);
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_ESTABLISHED);
    return 0;
}

static int tear_down(void **state)
{
    struct pair *p = *state;
    wrd_chan_free(&p->speaker);
    wrd_chan_free(&p->chan);
    wrd_sctp_free(p->near);
    wrd_sctp_free(p->far);
    assert_int_equal(p->live, 0);
    free(p);
    return 0;
}

static wrd_result say(struct pair *p, bool text, const void *data, size_t len)
{
    return wrd_chan_send(&p->speaker, p->now, &(struct wrd_chan_message){.data = data, .len = len, .text = text});
}

/* Below the channel: whatever a peer may send. */
static void say_raw(struct pair *p, uint16_t stream, uint32_t ppid, bool unordered, const void *data, size_t len)
{
    struct wrd_sctp_message message = {
        .stream = stream, .ppid = ppid, .unordered = unordered, .data = data, .len = len};
    assert_int_equal(wrd_sctp_send(p->near, p->now, &message), WRD_OK);
}

static void hears(struct pair *p, bool text, const void *data, size_t len)
{
    struct wrd_chan_message message;
    for (int twice = 0; twice < 2; twice++) { /* the same until it is released */
        memset(&message, 0, sizeof message);
        assert_true(wrd_chan_peek(&p->chan, p->now, &message));
        assert_int_equal(message.text, text);
        assert_int_equal(message.len, len);
        assert_non_null(message.data);
        assert_memory_equal(message.data, data, len);
    }
    wrd_chan_release(&p->chan, p->now);
}

static void hears_nothing(struct pair *p)
{
    struct wrd_chan_message message;
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
}

/* ---- what goes out */

static void goes_out_as(struct pair *p, bool text, const void *data, size_t len, uint32_t ppid, const void *wire,
                        size_t wire_len)
{
    assert_int_equal(say(p, text, data, len), WRD_OK);
    exchange(p);
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
    static uint8_t large[MESSAGE_LIMIT];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 2654435761u >> 13);
    assert_int_equal(say(p, true, "first", 5), WRD_OK);
    assert_int_equal(say(p, false, "", 0), WRD_OK);
    assert_int_equal(say(p, false, large, sizeof large), WRD_OK);
    assert_int_equal(say(p, true, NULL, 0), WRD_OK);
    assert_int_equal(say(p, false, "last", 4), WRD_OK);
    exchange(p);
    hears(p, true, "first", 5);
    hears(p, false, "", 0);
    hears(p, false, large, sizeof large);
    hears(p, true, "", 0);
    hears(p, false, "last", 4);
    hears_nothing(p);
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
        say_raw(p, 0, kinds[i].ppid, false, "abc", 3); /* an "empty" one's bytes are ignored, however many */
        say_raw(p, 0, kinds[i].ppid, true, "d", 1);
        exchange(p);
        hears(p, kinds[i].text, "abc", kinds[i].empty ? 0 : 3);
        hears(p, kinds[i].text, "d", kinds[i].empty ? 0 : 1);
    }
    assert_int_equal(p->chan.dropped, 0);
}

static void an_unknown_ppid_is_dropped_and_counted(void **state)
{
    struct pair *p = *state;
    static const uint32_t unknown[] = {0, 50, 55, 58, 49, 51u << 24, 53u << 24, 256 + 51, UINT32_MAX};
    size_t count = sizeof unknown / sizeof *unknown;
    for (size_t i = 0; i < count; i++)
        say_raw(p, 0, unknown[i], false, "abc", 3);
    assert_int_equal(say(p, true, "known", 5), WRD_OK);
    exchange(p);
    hears(p, true, "known", 5);
    assert_int_equal(p->chan.dropped, count);
    say_raw(p, 0, 50, false, "abc", 3);
    exchange(p);
    hears_nothing(p);
    assert_int_equal(p->chan.dropped, count + 1);
}

static void other_streams_are_dropped_and_counted(void **state)
{
    struct pair *p = *state;
    static const uint16_t streams[] = {1, 2, 255, 256, 65534};
    size_t count = sizeof streams / sizeof *streams;
    for (size_t i = 0; i < count; i++)
        say_raw(p, streams[i], 51, false, "abc", 3);
    say_raw(p, 1, 57, false, "\0", 1);
    assert_int_equal(say(p, false, "ours", 4), WRD_OK);
    exchange(p);
    hears(p, false, "ours", 4);
    hears_nothing(p);
    assert_int_equal(p->chan.dropped, count + 1);
}

static void a_channel_that_nobody_accepts_is_closed_again(void **state)
{
    struct pair *p = *state;
    static const uint8_t open[12] = {3}; /* DATA_CHANNEL_OPEN, RFC 8832 section 5.1 */
    say_raw(p, 2, 50, false, open, sizeof open);
    exchange(p);
    hears_nothing(p);
    exchange(p);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    assert_true(wrd_sctp_next_reset(p->near, &stream, &side));
    assert_int_equal(stream, 2);
    assert_int_equal(side, WRD_SCTP_RESET_BY_PEER);
    assert_int_equal(p->chan.refused, 1);
    assert_false(wrd_chan_has_events(&p->chan));
}

static void what_is_dropped_gives_its_window_back(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MESSAGE_LIMIT];
    for (unsigned i = 0; i < 5 * WINDOW / sizeof bytes; i++) {
        say_raw(p, 0, 50, false, bytes, sizeof bytes);
        exchange(p);
        hears_nothing(p);
        assert_int_equal(p->chan.dropped, i + 1);
    }
    assert_int_equal(say(p, false, bytes, sizeof bytes), WRD_OK);
    exchange(p);
    hears(p, false, bytes, sizeof bytes);
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
    exchange(p);
    hears_nothing(p);
    assert_int_equal(say(p, true, "second", 6), WRD_OK);
    exchange(p);
    struct wrd_chan_event event;
    assert_true(wrd_chan_next(&p->chan, &event));
    assert_int_equal(event.kind, WRD_CHAN_EVENT_OPEN);
    struct wrd_chan_message borrowed;
    assert_true(wrd_chan_peek(&p->chan, p->now, &borrowed));
    p->chan.lent = true;
    p->chan.lent_to = borrowed.channel;
    wrd_chan_close(&p->chan, p->now, event.channel, 0, NULL);
    p->denies = true;
    exchange(p);
    wrd_chan_take(&p->chan, p->now, wrd_sctp_next(p->far));
    assert_true(wrd_chan_next(&p->chan, &event));
    assert_int_equal(event.kind, WRD_CHAN_EVENT_CLOSED);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message));
    assert_ptr_equal(message.data, borrowed.data);
    assert_memory_equal(message.data, "first", 5);
    assert_int_equal(message.channel, borrowed.channel);
    wrd_chan_release(&p->chan, p->now);
    p->chan.lent = false;
    hears(p, true, "second", 6);
}

/* ---- what is refused */

static void a_message_above_the_limit_is_too_large(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MESSAGE_LIMIT + 1];
    assert_int_equal(say(p, false, bytes, sizeof bytes), WRD_TOO_LARGE);
    assert_int_equal(say(p, true, bytes, sizeof bytes), WRD_TOO_LARGE);
    assert_int_equal(say(p, false, bytes, MESSAGE_LIMIT), WRD_OK);
    exchange(p);
    hears(p, false, bytes, MESSAGE_LIMIT);
    hears_nothing(p);
}

static void a_full_queue_answers_again_and_takes_more_later(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MESSAGE_LIMIT];
    wrd_result result;
    unsigned taken = 0;
    while ((result = say(p, false, bytes, sizeof bytes)) == WRD_OK)
        assert_true(++taken < 100);
    assert_int_equal(result, WRD_AGAIN);
    for (unsigned i = 0; i < taken; i++) {
        exchange(p);
        hears(p, false, bytes, sizeof bytes);
    }
    exchange(p);
    assert_int_equal(say(p, true, "", 0), WRD_OK);
    exchange(p);
    hears(p, true, "", 0);
    hears_nothing(p);
}

static void short_memory_is_told_and_nothing_is_sent(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MESSAGE_LIMIT];
    p->refuses = true;
    wrd_result result = say(p, false, bytes, sizeof bytes);
    p->refuses = false;
    assert_int_equal(result, WRD_NO_MEMORY);
    exchange(p);
    hears_nothing(p);
    assert_int_equal(say(p, false, "again", 5), WRD_OK);
    exchange(p);
    hears(p, false, "again", 5);
}

static void messages_said_before_the_association_is_up_arrive(void **state)
{
    struct pair *p = *state;
    assert_int_equal(say(p, true, "early", 5), WRD_OK);
    assert_int_equal(say(p, false, NULL, 0), WRD_OK);
    hears_nothing(p);
    wrd_sctp_connect(p->near, p->now);
    exchange(p);
    hears(p, true, "early", 5);
    hears(p, false, "", 0);
}

static void a_closed_association_takes_nothing_but_what_was_said_is_heard(void **state)
{
    struct pair *p = *state;
    assert_int_equal(say(p, true, "last", 4), WRD_OK);
    say_raw(p, 7, 51, false, "x", 1);
    assert_int_equal(say(p, false, "", 0), WRD_OK);
    wrd_sctp_shutdown(p->near, p->now);
    assert_int_equal(say(p, true, "late", 4), WRD_CLOSED);
    assert_int_equal(say(p, true, "", 0), WRD_CLOSED);
    exchange(p);
    assert_int_equal(wrd_sctp_state(p->near), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_CLOSED);
    hears(p, true, "last", 4);
    hears(p, false, "", 0);
    hears_nothing(p);
    assert_int_equal(p->chan.dropped, 1);
    assert_int_equal(
        wrd_chan_send(&p->chan, p->now, &(struct wrd_chan_message){.data = (const uint8_t *)"x", .len = 1}),
        WRD_CLOSED);
}

static void an_aborted_association_takes_nothing(void **state)
{
    struct pair *p = *state;
    wrd_sctp_abort(p->far, p->now);
    exchange(p);
    assert_int_equal(say(p, true, "late", 4), WRD_CLOSED);
    assert_int_equal(say(p, false, "", 0), WRD_CLOSED);
    hears_nothing(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_out_under_the_ppids_of_rfc_8831),
        TEST(an_empty_message_is_one_zero_byte_under_a_ppid_of_its_own),
        TEST(messages_arrive_as_they_were_sent_and_in_order),
        TEST(every_ppid_of_rfc_8831_is_understood),
        TEST(an_unknown_ppid_is_dropped_and_counted),
        TEST(other_streams_are_dropped_and_counted),
        TEST(a_channel_that_nobody_accepts_is_closed_again),
        TEST(what_is_dropped_gives_its_window_back),
        TEST(a_borrowed_message_outlives_its_channel),
        TEST(a_message_above_the_limit_is_too_large),
        TEST(a_full_queue_answers_again_and_takes_more_later),
        TEST(short_memory_is_told_and_nothing_is_sent),
        cmocka_unit_test_setup_teardown(messages_said_before_the_association_is_up_arrive, set_up, tear_down),
        TEST(a_closed_association_takes_nothing_but_what_was_said_is_heard),
        TEST(an_aborted_association_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
