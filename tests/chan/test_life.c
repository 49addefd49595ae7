/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
/* How channels open and close, against a peer by the book and one that is not. */
#include "chan/farewell.h"
#include "chan/pair.h"
#include "sctp/assoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wrd_chan_dcep_open plain = {.priority = 256};

static uint32_t open_near(struct pair *p, const struct wrd_chan_dcep_open *open)
{
    uint32_t channel;
    const char *why;
    assert_int_equal(wrd_chan_open(&p->speaker, p->now, &channel, open, false, 0, &why), WRD_OK);
    assert_string_equal(why, "");
    return channel;
}

static void say_open_raw(struct pair *p, uint16_t stream, const struct wrd_chan_dcep_open *open)
{
    uint8_t bytes[5000];
    size_t len = wrd_chan_dcep_write_open(bytes, sizeof bytes, open);
    assert_true(len > 0);
    pair_say_raw(p, stream, 50, false, bytes, len);
}

static void say_farewell_raw(struct pair *p, uint16_t id, uint32_t code, const char *reason)
{
    uint8_t bytes[WRD_CHAN_FAREWELL_MAX];
    struct wrd_chan_farewell farewell = {
        .id = id, .code = code, .reason = (const uint8_t *)reason, .reason_len = strlen(reason)};
    pair_say_raw(p, WRD_CHAN_CONTROL, 53, false, bytes, wrd_chan_farewell_write(bytes, &farewell));
}

/* Runs both ends; nobody receives but what leads to events. */
static void settle(struct pair *p)
{
    struct wrd_chan_message message;
    for (int i = 0; i < 4; i++) {
        pair_exchange(p);
        (void)wrd_chan_peek(&p->chan, p->now, &message);
        (void)wrd_chan_peek(&p->speaker, p->now, &message);
    }
}

static struct wrd_chan_event expect(struct wrd_chan *chan, enum wrd_chan_event_kind kind)
{
    struct wrd_chan_event event;
    assert_true(wrd_chan_next(chan, &event));
    assert_int_equal(event.kind, kind);
    return event;
}

static void forget(struct pair *p, struct wrd_chan_event *event)
{
    if (event->said.bytes)
        (void)p->env.memory(p->env.user, event->said.bytes, event->said.len + 1, 0);
}

/* The near end opens one, and both know it; the far end's handle. */
static uint32_t open_both(struct pair *p, uint32_t *near)
{
    p->chan.accept = 10;
    *near = open_near(p, &plain);
    settle(p);
    (void)expect(&p->speaker, WRD_CHAN_EVENT_OPEN);
    return expect(&p->chan, WRD_CHAN_EVENT_OPEN).channel;
}

/* ---- by the book */

static void opening_is_acknowledged_and_told_at_both_ends(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    struct wrd_chan_info info;
    assert_true(wrd_chan_get_info(&p->chan, far, &info));
    assert_true(info.by_peer && info.state == WRD_CHAN_OPEN && info.id == 2 && info.priority == 256);
    assert_true(wrd_chan_get_info(&p->speaker, near, &info));
    assert_true(!info.by_peer && info.state == WRD_CHAN_OPEN);
    assert_false(wrd_chan_has_events(&p->chan) || wrd_chan_has_events(&p->speaker));
    assert_int_equal(wrd_chan_count(&p->chan), 1);
}

static void a_connection_without_channels_allocates_nothing_for_them(void **state)
{
    struct pair *p = *state;
    size_t before = p->live;
    wrd_chan_say_farewell(&p->chan, p->now, 0, NULL);
    wrd_chan_say_farewell(&p->chan, p->now, 0, "");
    assert_false(wrd_chan_next(&p->chan, &(struct wrd_chan_event){0}));
    assert_int_equal(wrd_chan_buffered(&p->chan, 0), 0);
    assert_int_equal(wrd_chan_count(&p->chan), 0);
    wrd_chan_end(&p->chan, WRD_OK, "");
    pair_exchange(p);
    assert_int_equal(p->live, before);
    assert_null(p->chan.set);
}

static void until_it_is_acknowledged_an_unordered_channel_is_ordered(void **state)
{
    struct pair *p = *state;
    p->chan.accept = 1;
    struct wrd_chan_dcep_open open = plain;
    open.unordered = true;
    uint32_t channel = open_near(p, &open);
    struct wrd_chan_message message = {.data = (const uint8_t *)"x", .len = 1, .channel = channel};
    struct wrd_sctp_message up;
    for (int known = 0; known < 2; known++) {
        assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
        pair_exchange(p);
        while (wrd_sctp_peek(p->far, &up) && up.ppid == 50) { /* the far end's channels answer it */
            assert_false(up.unordered);
            assert_false(wrd_chan_peek(&p->chan, p->now, &message));
            (void)expect(&p->chan, WRD_CHAN_EVENT_OPEN);
        }
        assert_true(wrd_sctp_peek(p->far, &up));
        assert_int_equal(up.unordered, known);
        wrd_sctp_release(p->far, p->now);
        settle(p); /* the acknowledgement arrives */
        message = (struct wrd_chan_message){.data = (const uint8_t *)"x", .len = 1, .channel = channel};
    }
}

static void a_full_queue_delays_the_opening_but_not_the_handle(void **state)
{
    struct pair *p = *state;
    p->chan.accept = 3;
    static uint8_t bytes[PAIR_MESSAGE_LIMIT];
    while (pair_say(p, false, bytes, sizeof bytes) == WRD_OK)
        continue;
    while (pair_say(p, false, bytes, 10) == WRD_OK)
        continue;
    uint32_t channels[3];
    for (int i = 0; i < 3; i++)
        channels[i] = open_near(p, &plain);
    struct wrd_chan_message message = {.data = bytes, .len = 1, .channel = channels[0]};
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_AGAIN);
    assert_true(p->speaker.stalled);
    wrd_chan_close(&p->speaker, p->now, channels[1], 5, "never said");
    struct wrd_chan_event event = expect(&p->speaker, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == channels[1] && event.reason == WRD_OK);
    struct wrd_chan_message heard;
    for (int i = 0; i < 200; i++) {
        pair_exchange(p);
        while (wrd_chan_peek(&p->chan, p->now, &heard))
            wrd_chan_release(&p->chan, p->now);
    }
    settle(p);
    assert_false(p->speaker.stalled);
    assert_int_equal(expect(&p->speaker, WRD_CHAN_EVENT_OPEN).channel, channels[0]);
    assert_int_equal(expect(&p->speaker, WRD_CHAN_EVENT_OPEN).channel, channels[2]);
    assert_false(wrd_chan_has_events(&p->speaker));
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    assert_int_equal(wrd_chan_count(&p->chan), 2);
}

static void a_farewell_comes_before_the_reset_however_full_the_line(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    static uint8_t bytes[PAIR_MESSAGE_LIMIT];
    while (pair_say(p, false, bytes, sizeof bytes) == WRD_OK)
        continue;
    while (pair_say(p, false, bytes, 10) == WRD_OK)
        continue;
    wrd_chan_close(&p->speaker, p->now, near, 9, "with a reason");
    assert_false(wrd_chan_farewells_out(&p->speaker));
    struct wrd_chan_message heard;
    for (int i = 0; i < 200; i++) {
        pair_exchange(p);
        while (wrd_chan_peek(&p->chan, p->now, &heard))
            wrd_chan_release(&p->chan, p->now);
        (void)wrd_chan_peek(&p->speaker, p->now, &heard);
    }
    assert_true(wrd_chan_farewells_out(&p->speaker));
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == far && event.code == 9 && event.reason == WRD_CLOSED);
    assert_string_equal((const char *)event.said.bytes, "with a reason");
    forget(p, &event);
    event = expect(&p->speaker, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.reason == WRD_OK && event.code == 0 && !event.said.bytes);
}

/* Does the packet hold a chunk of this type? */
static bool holds(const uint8_t *packet, size_t len, uint8_t type)
{
    for (size_t at = 12; at + 4 <= len; at += ((size_t)(packet[at + 2] << 8 | packet[at + 3]) + 3) & ~(size_t)3)
        if (packet[at] == type)
            return true;
    return false;
}

static void a_reset_is_not_asked_for_before_the_farewell_has_left(void **state)
{
    struct pair *p = *state;
    uint32_t near;
    (void)open_both(p, &near);
    wrd_chan_close(&p->speaker, p->now, near, 9, "a reason");
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    size_t len = wrd_sctp_transmit(p->near, p->now, packet, sizeof packet);
    assert_true(len > 0 && holds(packet, len, 64) && !holds(packet, len, 130)); /* I-DATA, no RE-CONFIG */
    wrd_sctp_receive(p->far, p->now, packet, len);
    settle(p);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_int_equal(event.code, 9);
    forget(p, &event);
}

/* Delivers what the far end sends, save packets that ask for a reset. */
static void deliver_but_requests(struct pair *p)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    size_t len;
    while ((len = wrd_sctp_transmit(p->far, p->now, packet, sizeof packet)) > 0)
        if (!memmem(packet, len, "\x00\x0d\x00", 3)) /* an Outgoing SSN Reset Request */
            wrd_sctp_receive(p->near, p->now, packet, len);
}

static void channels_that_the_peer_leaves_half_closed_are_bounded(void **state)
{
    struct pair *p = *state;
    p->chan.accept = 10;
    for (unsigned i = 0; i < 40; i++) {
        uint16_t stream = (uint16_t)(2 + i * 2);
        say_open_raw(p, stream, &plain);
        assert_int_equal(wrd_sctp_reset_stream(p->near, stream), WRD_OK);
        for (int turn = 0; turn < 60; turn++) {
            uint8_t packet[WRD_SCTP_PACKET_MAX];
            size_t len;
            struct wrd_chan_message message;
            struct wrd_chan_event event;
            while ((len = wrd_sctp_transmit(p->near, p->now, packet, sizeof packet)) > 0)
                wrd_sctp_receive(p->far, p->now, packet, len);
            deliver_but_requests(p); /* the answer to the reset, before ours is asked for */
            wrd_chan_take(&p->speaker, p->now, wrd_sctp_next(p->near));
            wrd_chan_take(&p->chan, p->now, wrd_sctp_next(p->far));
            (void)wrd_chan_peek(&p->chan, p->now, &message);
            while (wrd_chan_next(&p->chan, &event))
                assert_int_equal(event.kind, WRD_CHAN_EVENT_OPEN);
            deliver_but_requests(p);
            p->now += 20 * WRD_MILLISECOND;
            wrd_sctp_expire(p->near, p->now);
            wrd_sctp_expire(p->far, p->now);
        }
        assert_in_range(wrd_chan_count(&p->chan), 1, 20);
    }
    assert_int_equal(wrd_chan_count(&p->chan), 20);
    assert_int_equal(p->chan.refused, 20);
}

static void an_id_may_be_opened_again_before_we_know_that_our_reset_was_performed(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    wrd_chan_close(&p->speaker, p->now, near, 0, NULL);
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    struct wrd_chan_message message;
    size_t len;
    /* The near end's reset comes, ours goes out; then everything that answers it is lost until the peer opens anew. */
    while ((len = wrd_sctp_transmit(p->near, p->now, packet, sizeof packet)) > 0)
        wrd_sctp_receive(p->far, p->now, packet, len);
    wrd_chan_take(&p->chan, p->now, wrd_sctp_next(p->far));
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
    while ((len = wrd_sctp_transmit(p->far, p->now, packet, sizeof packet)) > 0)
        wrd_sctp_receive(p->near, p->now, packet, len);
    wrd_chan_take(&p->speaker, p->now, wrd_sctp_next(p->near));
    assert_false(wrd_chan_peek(&p->speaker, p->now, &message));
    struct wrd_chan_event event = expect(&p->speaker, WRD_CHAN_EVENT_CLOSED); /* the near end saw both directions end */
    assert_int_equal(event.channel, near);
    while (wrd_sctp_transmit(p->near, p->now, packet, sizeof packet) > 0)
        continue; /* lost */
    uint32_t again = open_near(p, &plain);
    assert_int_equal((uint16_t)again, (uint16_t)near);
    assert_int_equal(
        wrd_chan_send(&p->speaker, p->now,
                      &(struct wrd_chan_message){.data = (const uint8_t *)"new", .len = 3, .channel = again}),
        WRD_OK);
    while ((len = wrd_sctp_transmit(p->near, p->now, packet, sizeof packet)) > 0)
        wrd_sctp_receive(p->far, p->now, packet, len);
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
    assert_true(p->chan.held);
    event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED); /* first the old one's end is taken */
    assert_int_equal(event.channel, far);
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
    event = expect(&p->chan, WRD_CHAN_EVENT_OPEN);
    assert_int_not_equal(event.channel, far);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message));
    assert_int_equal(message.channel, event.channel);
    wrd_chan_release(&p->chan, p->now);
    message = (struct wrd_chan_message){.data = (const uint8_t *)"back", .len = 4, .channel = event.channel};
    assert_int_equal(wrd_chan_send(&p->chan, p->now, &message), WRD_AGAIN); /* our direction is not known to be reset */
    for (int i = 0; i < 10; i++)
        settle(p);
    assert_false(p->chan.stalled);
    message = (struct wrd_chan_message){.data = (const uint8_t *)"back", .len = 4, .channel = event.channel};
    assert_int_equal(wrd_chan_send(&p->chan, p->now, &message), WRD_OK);
    pair_exchange(p);
    assert_int_equal(expect(&p->speaker, WRD_CHAN_EVENT_OPEN).channel, again);
    assert_true(wrd_chan_peek(&p->speaker, p->now, &message) && message.channel == again);
    assert_int_equal(p->chan.refused + p->chan.dropped + p->speaker.dropped, 0);
}

/* ---- not by the book */

static void expect_refused(struct pair *p, uint64_t count)
{
    struct wrd_chan_event event;
    settle(p);
    assert_int_equal(p->chan.refused, count);
    while (wrd_chan_next(&p->chan, &event)) {
        assert_int_not_equal(event.kind, WRD_CHAN_EVENT_OPEN);
        forget(p, &event);
    }
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_ESTABLISHED);
}

static void openings_against_the_rules_are_reset_and_counted(void **state)
{
    struct pair *p = *state;
    static uint8_t name[WRD_CHAN_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    p->chan.accept = 100;
    say_open_raw(p, 3, &plain); /* ours to open */
    expect_refused(p, 1);
    struct wrd_chan_dcep_open open = plain;
    open.label = name;
    open.label_len = sizeof name;
    say_open_raw(p, 4, &open);
    expect_refused(p, 2);
    open.label_len = 0;
    open.protocol = (const uint8_t *)"\xc3";
    open.protocol_len = 1;
    say_open_raw(p, 6, &open);
    expect_refused(p, 3);
    static const uint8_t odd[] = {3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, unknown[] = {7}, cut[] = {3, 0, 0};
    pair_say_raw(p, 8, 50, false, odd, sizeof odd);
    pair_say_raw(p, 10, 50, false, unknown, sizeof unknown);
    pair_say_raw(p, 12, 50, true, cut, sizeof cut);
    expect_refused(p, 6);
    assert_int_equal(wrd_chan_count(&p->chan), 0);
    uint16_t ids[] = {3, 4, 6, 8, 10, 12};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) { /* each was reset: our direction goes on from 0 */
        struct wrd_sctp_message down = {.stream = ids[i], .ppid = 53, .data = ids[i] ? name : NULL, .len = 1};
        assert_int_equal(wrd_sctp_send(p->far, p->now, &down), WRD_OK);
    }
}

static void main_and_control_stream_are_not_to_be_opened(void **state)
{
    struct pair *p = *state;
    p->chan.accept = 100;
    say_open_raw(p, 0, &plain);
    say_open_raw(p, 1, &plain);
    settle(p);
    assert_int_equal(p->chan.dropped, 2);
    assert_int_equal(p->chan.refused, 0);
    assert_false(wrd_chan_has_events(&p->chan));
    assert_int_equal(pair_say(p, true, "on", 2), WRD_OK);
    pair_exchange(p);
    pair_hears(p, true, "on", 2);
}

static void a_channel_opened_twice_is_closed(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    say_open_raw(p, (uint16_t)near, &plain);
    settle(p);
    assert_int_equal(p->chan.refused, 1);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == far && event.reason == WRD_PROTOCOL);
    event = expect(&p->speaker, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == near && event.reason == WRD_CLOSED);
}

static void a_bad_message_of_openings_closes_its_channel(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    pair_say_raw(p, (uint16_t)near, 50, false, "\x09", 1);
    settle(p);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == far && event.reason == WRD_PROTOCOL && p->chan.refused == 1);
    (void)expect(&p->speaker, WRD_CHAN_EVENT_CLOSED);
}

static void acknowledgements_of_nothing_are_dropped(void **state)
{
    struct pair *p = *state;
    uint32_t near;
    (void)open_both(p, &near);
    pair_say_raw(p, (uint16_t)near, 50, false, "\x02", 1); /* of a channel that the peer itself opened */
    pair_say_raw(p, 100, 50, false, "\x02", 1);
    settle(p);
    assert_int_equal(p->chan.dropped, 2);
    assert_false(wrd_chan_has_events(&p->chan));
    assert_int_equal(wrd_chan_count(&p->chan), 1);
}

static void openings_are_bounded_however_fast_they_come_and_go(void **state)
{
    struct pair *p = *state;
    p->chan.accept = 4;
    size_t most = 0;
    for (unsigned i = 0; i < 400; i++) {
        say_open_raw(p, (uint16_t)(2 + i * 2), &plain);
        if (i % 2)
            assert_int_equal(wrd_sctp_reset_stream(p->near, (uint16_t)(2 + i * 2)), WRD_OK);
        pair_exchange(p);
        struct wrd_chan_message message;
        (void)wrd_chan_peek(&p->chan, p->now, &message);
        assert_true(wrd_chan_count(&p->chan) <= 8);
        most = p->live > most ? p->live : most;
    }
    assert_true(p->chan.refused > 300);
    assert_true(most < 300000);
    unsigned opened = 0;
    struct wrd_chan_event event;
    while (wrd_chan_next(&p->chan, &event))
        opened += event.kind == WRD_CHAN_EVENT_OPEN;
    assert_in_range(opened, 4, 10);
}

static void farewells_of_nothing_and_of_no_sense_are_dropped(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    say_farewell_raw(p, 1000, 5, "no such channel");
    say_farewell_raw(p, 1, 5, "the control stream is none");
    pair_say_raw(p, WRD_CHAN_CONTROL, 53, false, "\x01\x00\x02\x00", 4);
    pair_say_raw(p, WRD_CHAN_CONTROL, 53, false, "\x09\x00\x02\x00\x00\x00\x01", 7);
    pair_say_raw(p, WRD_CHAN_CONTROL, 51, false, "\x01\x00\x02\x00\x00\x00\x01", 7);
    pair_say_raw(p, WRD_CHAN_CONTROL, 53, false, "\x01\x00\x02\x00\x00\x00\x01\xff", 8);
    settle(p);
    assert_int_equal(p->chan.dropped, 6);
    say_farewell_raw(p, (uint16_t)far, 1, "first");
    say_farewell_raw(p, (uint16_t)far, 2, "second");
    say_farewell_raw(p, 0, 3, "third");
    say_farewell_raw(p, 0, 4, "fourth");
    settle(p);
    assert_int_equal(p->chan.dropped, 8);
    assert_int_equal(p->chan.code, 3);
    assert_string_equal((const char *)p->chan.said.bytes, "third");
    wrd_chan_close(&p->speaker, p->now, near, 0, NULL);
    settle(p);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_int_equal(event.code, 1);
    assert_string_equal((const char *)event.said.bytes, "first");
    forget(p, &event);
}

static void a_message_above_the_limit_closes_its_channel_alone(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    p->chan.message_limit = 1000;
    static uint8_t bytes[1001];
    struct wrd_chan_message message = {.data = bytes, .len = 1000, .channel = near};
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    pair_exchange(p);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message) && message.len == 1000);
    wrd_chan_release(&p->chan, p->now);
    message = (struct wrd_chan_message){.data = bytes, .len = 1001, .channel = near};
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    settle(p);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == far && event.reason == WRD_TOO_LARGE);
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_ESTABLISHED);
}

static void what_is_borrowed_outlives_our_close_and_what_waits_does_not(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    struct wrd_chan_message message = {.data = (const uint8_t *)"one", .len = 3, .channel = near};
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    assert_int_equal(wrd_chan_send(&p->speaker, p->now, &message), WRD_OK);
    pair_exchange(p);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message));
    p->chan.lent = true;
    wrd_chan_close(&p->chan, p->now, far, 0, NULL);
    pair_exchange(p);
    assert_true(wrd_chan_peek(&p->chan, p->now, &message));
    assert_memory_equal(message.data, "one", 3);
    wrd_chan_release(&p->chan, p->now);
    p->chan.lent = false;
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
    settle(p);
    (void)expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_int_equal(p->chan.dropped, 0);
}

static void the_end_of_all_closes_each_channel_once(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    (void)far;
    wrd_chan_end(&p->chan, WRD_LOST, "gone");
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.reason == WRD_LOST && strcmp(event.text, "gone") == 0);
    wrd_chan_end(&p->chan, WRD_LOST, "gone");
    assert_false(wrd_chan_has_events(&p->chan));
    assert_int_equal(wrd_chan_count(&p->chan), 0);
}

static void a_peer_that_cannot_reset_streams_does_not_keep_a_channel_closing(void **state)
{
    struct pair *p = *state;
    uint32_t near, far = open_both(p, &near);
    p->far->peer_reconfig = false;
    wrd_chan_close(&p->chan, p->now, far, 3, "cannot say it better");
    settle(p);
    struct wrd_chan_event event = expect(&p->chan, WRD_CHAN_EVENT_CLOSED);
    assert_true(event.channel == far && event.reason == WRD_OK);
    assert_int_equal(wrd_chan_count(&p->chan), 0);
    assert_int_equal(wrd_chan_count(&p->speaker), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_set_up_open, pair_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opening_is_acknowledged_and_told_at_both_ends),
        TEST(a_connection_without_channels_allocates_nothing_for_them),
        TEST(until_it_is_acknowledged_an_unordered_channel_is_ordered),
        TEST(a_full_queue_delays_the_opening_but_not_the_handle),
        TEST(a_farewell_comes_before_the_reset_however_full_the_line),
        TEST(a_reset_is_not_asked_for_before_the_farewell_has_left),
        TEST(channels_that_the_peer_leaves_half_closed_are_bounded),
        TEST(an_id_may_be_opened_again_before_we_know_that_our_reset_was_performed),
        TEST(openings_against_the_rules_are_reset_and_counted),
        TEST(main_and_control_stream_are_not_to_be_opened),
        TEST(a_channel_opened_twice_is_closed),
        TEST(a_bad_message_of_openings_closes_its_channel),
        TEST(acknowledgements_of_nothing_are_dropped),
        TEST(openings_are_bounded_however_fast_they_come_and_go),
        TEST(farewells_of_nothing_and_of_no_sense_are_dropped),
        TEST(a_message_above_the_limit_closes_its_channel_alone),
        TEST(what_is_borrowed_outlives_our_close_and_what_waits_does_not),
        TEST(a_peer_that_cannot_reset_streams_does_not_keep_a_channel_closing),
        TEST(the_end_of_all_closes_each_channel_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
