/* SPDX-License-Identifier: MIT */
#include "chan/pair.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *resize(void *user, void *old, size_t old_size, size_t new_size)
{
    struct pair *p = user;
    if (new_size > old_size && p->refuses)
        return NULL;
    p->allocations += new_size > old_size;
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

void pair_exchange(struct pair *p)
{
    for (int turn = 0; turn < 50; turn++) {
        bool any = true;
        while (any) {
            wrd_chan_take(&p->speaker, p->now, wrd_sctp_next(p->near));
            wrd_chan_take(&p->chan, p->now, wrd_sctp_next(p->far));
            any = hand_over(p, p->near, p->far);
            any = hand_over(p, p->far, p->near) || any;
        }
        p->now += 20 * WRD_MILLISECOND;
        wrd_sctp_expire(p->near, p->now);
        wrd_sctp_expire(p->far, p->now);
    }
}

int pair_set_up(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->env = (wrd_env){.user = p, .memory = resize, .random = fill_random};
    p->now = WRD_SECOND;
    struct wrd_sctp_options options = {
        .receive_window = PAIR_WINDOW, .send_limit = PAIR_WINDOW, .message_limit = PAIR_MESSAGE_LIMIT};
    p->near = wrd_sctp_new(&options, &p->env);
    p->far = wrd_sctp_new(&options, &p->env);
    assert_true(p->near && p->far);
    wrd_chan_init(&p->speaker, &p->env, p->near);
    wrd_chan_init(&p->chan, &p->env, p->far);
    p->speaker.client = true;
    *state = p;
    return 0;
}

int pair_set_up_open(void **state)
{
    (void)pair_set_up(state);
    struct pair *p = *state;
    wrd_sctp_connect(p->near, p->now);
    pair_exchange(p);
    assert_int_equal(wrd_sctp_state(p->near), WRD_SCTP_ESTABLISHED);
    assert_int_equal(wrd_sctp_state(p->far), WRD_SCTP_ESTABLISHED);
    return 0;
}

int pair_tear_down(void **state)
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

wrd_result pair_say(struct pair *p, bool text, const void *data, size_t len)
{
    return wrd_chan_send(&p->speaker, p->now, &(struct wrd_chan_message){.data = data, .len = len, .text = text});
}

void pair_say_raw(struct pair *p, uint16_t stream, uint32_t ppid, bool unordered, const void *data, size_t len)
{
    struct wrd_sctp_message message = {
        .stream = stream, .ppid = ppid, .unordered = unordered, .data = data, .len = len};
    assert_int_equal(wrd_sctp_send(p->near, p->now, &message), WRD_OK);
}

void pair_hears(struct pair *p, bool text, const void *data, size_t len)
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

void pair_hears_nothing(struct pair *p)
{
    struct wrd_chan_message message;
    assert_false(wrd_chan_peek(&p->chan, p->now, &message));
}
