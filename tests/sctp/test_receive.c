/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdlib.h>
#include <string.h>

#define T SCRIPT_TSN

static void opened(struct script *s)
{
    script_init(s, NULL);
    script_open(s);
    (void)wrd_sctp_next(s->sctp);
}

static void wrong_checksum_port_or_tag_is_ignored(void **state)
{
    struct script s;
    opened(&s);
    script_begin(&s, s.tag);
    script_data(&s, T, 0, 0, 3, "x", 1);
    wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
    for (size_t i = 0; i < s.wr.len; i++) {
        s.bytes[i] ^= 4;
        wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
        s.bytes[i] ^= 4;
    }
    for (size_t len = 0; len < s.wr.len; len++)
        wrd_sctp_receive(s.sctp, s.now, s.bytes, len);
    s.wr.len = 0;
    s.wr = wrd_wr(s.bytes, sizeof s.bytes);
    wrd_sctp_packet_begin(&s.wr, 5001, s.tag);
    script_data(&s, T, 0, 0, 3, "x", 1);
    script_send(&s);
    uint32_t tags[] = {0, SCRIPT_TAG, s.tag + 1};
    for (size_t i = 0; i < 3; i++) {
        script_begin(&s, tags[i]);
        script_data(&s, T, 0, 0, 3, "x", 1);
        script_send(&s);
    }
    assert_true(script_hears_nothing(&s));
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void abort_needs_our_tag_or_its_own_reflected(void **state)
{
    const struct {
        int tag; /* 0 ours, 1 the peer's, 2 none of both */
        uint8_t flags;
        bool ends;
    } cases[] = {{0, 0, true}, {1, 1, true}, {0, 1, false}, {1, 0, false}, {2, 0, false}, {2, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script s;
        opened(&s);
        script_begin(&s, cases[i].tag == 0 ? s.tag : cases[i].tag == 1 ? SCRIPT_TAG : 77);
        script_plain(&s, WRD_SCTP_ABORT, cases[i].flags);
        script_send(&s);
        assert_int_equal(script_state(&s), cases[i].ends ? WRD_SCTP_CLOSED : WRD_SCTP_ESTABLISHED);
        if (cases[i].ends) {
            assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_CLOSED);
            assert_int_equal(wrd_sctp_next(s.sctp), WRD_SCTP_EVENT_CLOSED);
        }
        script_collect(&s);
        assert_int_equal(s.out_count, 0);
        script_free(&s);
    }
}

static void abort_with_tag_zero_does_not_end_a_handshake(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_begin(&s, 0);
    script_plain(&s, WRD_SCTP_ABORT, WRD_SCTP_REFLECTED);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_free(&s);
}

static void abort_with_a_protocol_cause_says_so(void **state)
{
    struct script s;
    opened(&s);
    script_begin(&s, s.tag);
    wrd_sctp_abort_write(&s.wr, 0, WRD_SCTP_CAUSE_PROTOCOL, "why", 3);
    script_send(&s);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
    script_free(&s);
}

static void chunk_lengths_below_four_or_past_the_packet_end_the_packet(void **state)
{
    for (uint16_t len = 0; len < 40; len++) {
        struct script s;
        opened(&s);
        script_begin(&s, s.tag);
        script_data(&s, T, 0, 0, 3, "good", 4);
        wrd_wr8(&s.wr, WRD_SCTP_DATA);
        wrd_wr8(&s.wr, 3);
        wrd_wr16(&s.wr, len);
        wrd_wr32(&s.wr, T + 1);
        script_send(&s);
        script_hear(&s, "good");
        assert_true(script_hears_nothing(&s));
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        script_free(&s);
    }
}

static void unknown_chunks_follow_their_top_bits_and_the_echo_is_capped(void **state)
{
    const struct {
        uint8_t type;
        bool goes_on, reports;
    } cases[] = {{0x3f, false, false}, {0x7f, false, true}, {0xbf, true, false}, {0xff, true, true}};
    uint8_t big[900] = {0};
    for (size_t i = 0; i < 4; i++) {
        struct script s;
        opened(&s);
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, cases[i].type, 0);
        wrd_wr_bytes(&s.wr, big, sizeof big);
        script_chunk_end(&s, start);
        script_data(&s, T, 0, 0, 3, "after", 5);
        script_send(&s);
        assert_int_equal(!script_hears_nothing(&s), cases[i].goes_on);
        script_collect(&s);
        struct script_chunk error;
        assert_int_equal(script_find(&s, WRD_SCTP_ERROR, 0, &error), cases[i].reports);
        if (cases[i].reports) {
            assert_int_equal(wrd_load16be(error.value), WRD_SCTP_CAUSE_UNRECOGNIZED_CHUNK);
            assert_true(error.len <= WRD_SCTP_ERROR_MAX);
        }
        script_free(&s);
    }
}

static void sack_comes_at_once_for_the_first_data_then_for_every_second_packet(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 0, 0, 3, "1");
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SACK));
    script_send_data(&s, T + 1, 0, 1, 3, "2");
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    assert_int_equal(wrd_sctp_deadline(s.sctp), s.now + WRD_SCTP_SACK_DELAY);
    script_send_data(&s, T + 2, 0, 2, 3, "3");
    script_collect(&s);
    struct script_chunk sack;
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_int_equal(script_word(&sack, 0), T + 2);
    script_send_data(&s, T + 3, 0, 3, 3, "4");
    script_wait(&s, WRD_SCTP_SACK_DELAY);
    assert_int_equal(script_count(&s, WRD_SCTP_SACK), 1);
    script_free(&s);
}

static void sack_comes_at_once_for_a_gap_a_duplicate_and_the_i_bit(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 0, 0, 3, "1");
    script_collect(&s);
    script_send_data(&s, T + 2, 0, 2, 3, "3");
    script_collect(&s);
    struct script_chunk sack;
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_int_equal(script_word(&sack, 8), 0x00010000);
    assert_int_equal(script_word(&sack, 12), 0x00020002);
    script_send_data(&s, T + 2, 0, 2, 3, "3");
    script_collect(&s);
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_int_equal(script_word(&sack, 8), 0x00010001);
    assert_int_equal(script_word(&sack, 16), T + 2);
    script_send_data(&s, T + 1, 0, 1, 3, "2"); /* closes the gap; one packet alone may be delayed */
    script_collect(&s);
    script_send_data(&s, T + 3, 0, 3, 3 | WRD_SCTP_IMMEDIATE, "4");
    script_collect(&s);
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_int_equal(script_word(&sack, 0), T + 3);
    script_free(&s);
}

static void peer_is_told_of_two_gaps_and_messages_keep_their_order(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T + 4, 0, 4, 3, "e");
    script_send_data(&s, T + 2, 0, 2, 3, "c");
    script_send_data(&s, T + 1, 0, 1, 3, "b");
    assert_true(script_hears_nothing(&s));
    script_collect(&s);
    struct script_chunk sack;
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_int_equal(script_word(&sack, 0), T - 1);
    assert_int_equal(script_word(&sack, 8), 0x00020000);
    assert_int_equal(script_word(&sack, 12), 0x00020003);
    assert_int_equal(script_word(&sack, 16), 0x00050005);
    script_send_data(&s, T, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_hear(&s, "b");
    script_hear(&s, "c");
    script_send_data(&s, T + 3, 0, 3, 3, "d");
    script_hear(&s, "d");
    script_hear(&s, "e");
    assert_int_equal(s.sctp->join.order.charged, 0);
    script_free(&s);
}

static void other_streams_and_unordered_messages_pass_a_gap(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T + 1, 1, 0, 3, "stream one");
    script_hear(&s, "stream one");
    script_send_data(&s, T + 2, 0, 0, 7, "unordered");
    script_hear(&s, "unordered");
    script_send_data(&s, T + 4, 2, 0, 1, " end");
    script_send_data(&s, T + 3, 2, 0, 2, "begin");
    script_hear(&s, "begin end");
    script_send_data(&s, T, 0, 0, 3, "late");
    script_hear(&s, "late");
    assert_int_equal(s.sctp->track.cumulative.v, T + 4);
    script_free(&s);
}

static void fragments_in_any_order_become_one_message(void **state)
{
    static const unsigned orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}, {0, 3, 2, 1}};
    static const char *parts[] = {"ab", "cd", "ef", "gh"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        for (uint8_t unordered = 0; unordered <= 4; unordered += 4) {
            struct script s;
            opened(&s);
            for (unsigned j = 0; j < 4; j++) {
                unsigned part = orders[i][j];
                uint8_t flags = (uint8_t)(unordered | (part == 0 ? 2 : 0) | (part == 3 ? 1 : 0));
                script_send_data(&s, T + part, 0, 0, flags, parts[part]);
            }
            script_hear(&s, "abcdefgh");
            assert_true(script_hears_nothing(&s));
            assert_int_equal(s.sctp->join.order.charged, 0);
            script_free(&s);
        }
    }
}

static void fragments_that_do_not_fit_together_abort(void **state)
{
    const struct {
        uint16_t stream, ssn;
        uint8_t flags;
    } cases[] = {{0, 0, 3}, {0, 0, 2}, {1, 0, 1}, {0, 1, 1}, {0, 0, 5}};
    for (size_t i = 0; i < 5; i++) {
        for (int ahead = 0; ahead < 2; ahead++) {
            struct script s;
            opened(&s);
            if (ahead)
                script_send_data(&s, T + 1, cases[i].stream, cases[i].ssn, cases[i].flags, "x");
            script_send_data(&s, T, 0, 0, 2, "begin");
            if (!ahead)
                script_send_data(&s, T + 1, cases[i].stream, cases[i].ssn, cases[i].flags, "x");
            assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
            assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
            script_collect(&s);
            assert_true(script_has(&s, WRD_SCTP_ABORT));
            script_free(&s);
        }
    }
}

static void fragment_without_a_beginning_aborts(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 0, 0, 0, "middle");
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void ssn_used_twice_aborts(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 0, 0, 3, "a");
    script_send_data(&s, T + 1, 0, 0, 3, "b");
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_hear(&s, "a"); /* what came before the end stays readable */
    script_free(&s);
}

static void data_without_data_aborts(void **state)
{
    struct script s;
    opened(&s);
    script_begin(&s, s.tag);
    script_data(&s, T, 0, 0, 3, "", 0);
    script_send(&s);
    script_collect(&s);
    struct script_chunk abort_chunk;
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &abort_chunk));
    assert_int_equal(wrd_load16be(abort_chunk.value), WRD_SCTP_CAUSE_NO_USER_DATA);
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    script_free(&s);
}

static void stream_that_was_not_agreed_on_is_acknowledged_reported_and_dropped(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 100, 0, 3, "x");
    script_send_data(&s, T + 2, 100, 0, 3, "x");
    script_send_data(&s, T + 1, 0, 0, 3, "y");
    script_hear(&s, "y");
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_ERROR));
    assert_int_equal(s.sctp->track.cumulative.v, T + 2);
    script_free(&s);
}

static void tsn_past_the_window_is_dropped_without_a_trace(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T + WRD_SCTP_TSN_WINDOW - 1, 0, 0, 3, "x");
    script_send_data(&s, T + 0x7fffffff, 0, 0, 3, "x");
    script_send_data(&s, T + 0x80000000u, 0, 0, 3, "x");
    assert_int_equal(s.sctp->join.order.charged, 0);
    script_send_data(&s, T + WRD_SCTP_TSN_WINDOW - 2, 0, 9, 3, "x");
    assert_int_not_equal(s.sctp->join.order.charged, 0);
    script_free(&s);
}

static void message_above_the_limit_aborts(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.message_limit = 10};
    script_init(&s, &options);
    script_open(&s);
    script_send_data(&s, T, 0, 0, 3, "0123456789");
    script_hear(&s, "0123456789");
    script_send_data(&s, T + 1, 0, 1, 2, "01234");
    script_send_data(&s, T + 2, 0, 1, 1, "567890");
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
    script_free(&s);
}

/* ---- the window ---- */

static void send_big(struct script *s, uint32_t tsn, uint16_t ssn, uint8_t flags)
{
    static const uint8_t bytes[1000];
    script_begin(s, s->tag);
    script_data(s, tsn, 0, ssn, flags, bytes, sizeof bytes);
    script_send(s);
}

static uint32_t a_rwnd(struct script *s)
{
    struct script_chunk sack;
    script_collect(s);
    assert_true(script_find(s, WRD_SCTP_SACK, 0, &sack));
    return script_word(&sack, 4);
}

static void window_counts_unread_messages_with_their_overhead_and_never_wraps(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.receive_window = 5000};
    script_init(&s, &options);
    script_open(&s);
    send_big(&s, T, 0, 3 | WRD_SCTP_IMMEDIATE);
    assert_int_equal(a_rwnd(&s), 5000 - 1064);
    for (uint16_t i = 1; i < 5; i++)
        send_big(&s, T + i, i, 3 | WRD_SCTP_IMMEDIATE);
    assert_int_equal(a_rwnd(&s), 0);
    /* Full, with something to read: the peer's probes are dropped, and answered. */
    send_big(&s, T + 5, 5, 3);
    assert_int_equal(a_rwnd(&s), 0);
    assert_int_equal(s.sctp->track.cumulative.v, T + 4);
    script_free(&s);
}

static void release_reopens_a_window_that_was_small(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.receive_window = 5000};
    script_init(&s, &options);
    script_open(&s);
    for (uint16_t i = 0; i < 5; i++)
        send_big(&s, T + i, i, 3 | WRD_SCTP_IMMEDIATE);
    assert_int_equal(a_rwnd(&s), 0);
    struct wrd_sctp_message message;
    unsigned updates = 0;
    while (wrd_sctp_peek(s.sctp, &message)) {
        wrd_sctp_release(s.sctp, s.now);
        script_collect(&s);
        updates += script_count(&s, WRD_SCTP_SACK);
    }
    assert_in_range(updates, 1, 3);
    assert_int_equal(s.sctp->track.sack_now, false);
    send_big(&s, T + 5, 5, 3);
    send_big(&s, T + 6, 6, 3);
    assert_int_equal(s.sctp->track.cumulative.v, T + 6);
    script_free(&s);
}

static void nearly_full_window_takes_only_what_fills_the_gap(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.receive_window = 5000};
    script_init(&s, &options);
    script_open(&s);
    for (uint16_t i = 1; i < 6; i++)
        send_big(&s, T + i, i, 3); /* 1064 each: the fifth is the first above nine tenths */
    send_big(&s, T + 6, 6, 3);
    assert_int_equal(s.sctp->track.highest.v, T + 5);
    send_big(&s, T, 0, 3);
    assert_int_equal(s.sctp->track.cumulative.v, T + 5);
    struct wrd_sctp_message message;
    unsigned heard = 0;
    while (wrd_sctp_peek(s.sctp, &message)) {
        wrd_sctp_release(s.sctp, s.now);
        heard++;
    }
    assert_int_equal(heard, 6);
    script_free(&s);
}

static void window_full_of_messages_that_cannot_be_delivered_aborts(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.receive_window = 5000};
    script_init(&s, &options);
    script_open(&s);
    for (uint16_t i = 0; i < 5; i++)
        send_big(&s, T + i, (uint16_t)(i + 1), 3); /* SSN 0 never comes */
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_collect(&s);
    struct script_chunk abort_chunk;
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &abort_chunk));
    assert_int_equal(wrd_load16be(abort_chunk.value), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
    script_free(&s);
}

static void tiny_chunks_cannot_hold_more_memory_than_the_window(void **state)
{
    struct script s;
    opened(&s);
    size_t before = s.env.live;
    uint32_t tsn = T + 1;
    for (unsigned packet = 0; packet < 600; packet++) {
        script_begin(&s, s.tag);
        for (unsigned i = 0; i < 50; i++, tsn++)
            script_data(&s, tsn, (uint16_t)(tsn % 100), (uint16_t)(tsn / 100 + 1), 3, "x", 1);
        script_send(&s);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_true(s.env.live - before < 3 * WRD_SCTP_RECEIVE_WINDOW);
    script_free(&s);
}

static void message_of_16_mib_passes_a_window_of_1_mib(void **state)
{
    struct script s;
    opened(&s);
    static uint8_t bytes[1160];
    size_t total = WRD_MESSAGE_MAX, sent = 0;
    uint32_t tsn = T;
    while (sent < total) {
        size_t len = total - sent < sizeof bytes ? total - sent : sizeof bytes;
        memset(bytes, (int)(tsn & 0xff), sizeof bytes);
        script_begin(&s, s.tag);
        script_data(&s, tsn, 0, 0, (uint8_t)((sent == 0 ? 2 : 0) | (sent + len == total ? 1 : 0)), bytes, len);
        wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
        wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
        sent += len;
        tsn++;
        assert_true(s.env.live <
                    2 * sent + WRD_SCTP_POOL_IDLE_MAX + 50000); /* it grows with what came, not with what might */
        if (sent < total) {
            assert_int_equal(wrd_sctp_window(s.sctp), WRD_SCTP_RECEIVE_WINDOW);
        }
    }
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s.sctp, &message));
    assert_int_equal(message.len, total);
    for (size_t i = 0; i < total; i += 997)
        assert_int_equal(message.data[i], (uint8_t)(T + i / sizeof bytes));
    assert_int_equal(wrd_sctp_window(s.sctp), 0);
    script_collect(&s);
    wrd_sctp_release(s.sctp, s.now);
    assert_int_equal(a_rwnd(&s), WRD_SCTP_RECEIVE_WINDOW);
    /* One byte more. */
    for (sent = 0; sent <= total && script_state(&s) == WRD_SCTP_ESTABLISHED; sent += sizeof bytes, tsn++) {
        script_begin(&s, s.tag);
        script_data(&s, tsn, 0, 1, sent == 0 ? 2 : 0, bytes, sizeof bytes);
        wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
        wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

/* ---- FORWARD-TSN, RE-CONFIG, I-DATA ---- */

static void send_forward(struct script *s, uint32_t tsn, uint16_t stream, uint16_t ssn)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_FORWARD_TSN, 0);
    wrd_wr32(&s->wr, tsn);
    wrd_wr16(&s->wr, stream);
    wrd_wr16(&s->wr, ssn);
    script_chunk_end(s, start);
    script_send(s);
}

static void forward_tsn_skips_what_was_abandoned_and_delivers_what_waited(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T + 2, 0, 2, 3, "c");
    script_send_data(&s, T + 4, 0, 4, 3, "e");
    script_collect(&s);
    send_forward(&s, T + 3, 0, 3); /* a, b and d will not come */
    script_hear(&s, "c");
    script_hear(&s, "e");
    assert_int_equal(s.sctp->track.cumulative.v, T + 4);
    script_collect(&s);
    send_forward(&s, T + 3, 0, 3); /* old: answered at once */
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SACK));
    script_send_data(&s, T + 5, 0, 5, 3, "f");
    script_hear(&s, "f");
    assert_int_equal(s.sctp->join.order.charged, 0);
    script_free(&s);
}

static void forward_tsn_drops_half_a_message_and_its_stray_rest(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 0, 0, 2, "begin");
    script_send_data(&s, T + 2, 0, 0, 0, "middle");
    send_forward(&s, T + 1, 0, 0);
    script_send_data(&s, T + 3, 0, 0, 1, "end");
    assert_true(script_hears_nothing(&s));
    script_send_data(&s, T + 4, 0, 1, 3, "next");
    script_hear(&s, "next");
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);
}

static void forward_tsn_past_the_window_is_refused(void **state)
{
    struct script s;
    opened(&s);
    send_forward(&s, T + WRD_SCTP_TSN_WINDOW, 0, 0);
    send_forward(&s, T + 0x7ffffff0, 0, 0);
    assert_int_equal(s.sctp->track.cumulative.v, T - 1);
    script_send_data(&s, T, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_free(&s);
}

static void forward_tsn_over_many_ssns_delivers_what_waits_behind_them(void **state)
{
    struct script s;
    opened(&s);
    for (uint16_t i = 0; i < 90; i++)
        script_send_data(&s, T + 1 + i, i, 30000, 3, "x");
    script_begin(&s, s.tag);
    size_t start = script_chunk(&s, WRD_SCTP_FORWARD_TSN, 0);
    wrd_wr32(&s.wr, T);
    for (uint16_t i = 0; i < 90; i++) {
        wrd_wr16(&s.wr, i);
        wrd_wr16(&s.wr, 29999);
    }
    script_chunk_end(&s, start);
    script_send(&s);
    for (uint16_t i = 0; i < 90; i++)
        script_hear(&s, "x");
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);
}

static void forward_tsn_that_was_not_agreed_on_aborts(void **state)
{
    struct script s;
    opened(&s);
    s.sctp->peer_forward_tsn = false;
    send_forward(&s, T, 0, 0);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
    script_free(&s);
}

static void interleaved_data_that_was_not_agreed_on_aborts(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct script s;
        opened(&s);
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, i ? WRD_SCTP_I_DATA : WRD_SCTP_I_FORWARD_TSN, 3);
        wrd_wr32(&s.wr, T);
        wrd_wr_bytes(&s.wr, "0123456789012345", 16);
        script_chunk_end(&s, start);
        script_send(&s);
        assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
        script_free(&s);
    }
}

static void heartbeat_is_echoed_unless_it_is_too_large(void **state)
{
    struct script s;
    opened(&s);
    uint8_t info[1000] = {0, 1, 0, 20, 9, 8, 7};
    size_t lens[] = {20, WRD_SCTP_ECHO_MAX, WRD_SCTP_ECHO_MAX + 1, sizeof info};
    for (size_t i = 0; i < 4; i++) {
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, WRD_SCTP_HEARTBEAT, 0);
        wrd_wr_bytes(&s.wr, info, lens[i]);
        script_chunk_end(&s, start);
        script_send(&s);
        script_collect(&s);
        struct script_chunk ack;
        assert_int_equal(script_find(&s, WRD_SCTP_HEARTBEAT_ACK, 0, &ack), i < 2);
        if (i < 2) {
            assert_int_equal(ack.len, lens[i]);
            assert_memory_equal(ack.value, info, lens[i]);
        }
    }
    script_free(&s);
}

/* ---- shutdown ---- */

static void send_shutdown(struct script *s, uint32_t cumulative)
{
    script_begin(s, s->tag);
    wrd_sctp_shutdown_write(&s->wr, wrd_tsn(cumulative));
    script_send(s);
}

static void send_plain(struct script *s, uint32_t tag, uint8_t type, uint8_t flags)
{
    script_begin(s, tag);
    script_plain(s, type, flags);
    script_send(s);
}

static void our_shutdown_waits_for_data_and_ends_with_shutdown_complete(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 0, 100);
    wrd_sctp_shutdown(s.sctp, s.now);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_PENDING);
    struct wrd_sctp_message message = {.data = (const uint8_t *)"x", .len = 1};
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_CLOSED);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    assert_false(script_has(&s, WRD_SCTP_SHUTDOWN));
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN));
    script_send_data(&s, T, 0, 0, 3, "last words"); /* still taken, and answered with SHUTDOWN and SACK */
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SACK) && script_has(&s, WRD_SCTP_SHUTDOWN));
    script_hear(&s, "last words");
    send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_ACK, 0);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_COMPLETE));
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_OK);
    send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_ACK, 0); /* ours was lost */
    script_collect(&s);
    struct script_chunk complete;
    assert_true(script_find(&s, WRD_SCTP_SHUTDOWN_COMPLETE, 0, &complete));
    assert_int_equal(complete.flags, WRD_SCTP_REFLECTED);
    assert_int_equal(s.out[0].tag, s.tag);
    script_free(&s);
}

static void peers_shutdown_waits_for_our_data(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 0, 100);
    send_shutdown(&s, s.tsn - 1);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_RECEIVED);
    send_shutdown(&s, s.tsn - 1);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_RECEIVED);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    assert_false(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    send_shutdown(&s, s.tsn);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_ACK_SENT);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    send_shutdown(&s, s.tsn); /* again: ours was lost */
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    script_begin(&s, 0);
    script_init_chunk(&s, WRD_SCTP_INIT, 5, 5); /* RFC 9260 9.2 */
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    assert_false(script_has(&s, WRD_SCTP_INIT_ACK));
    send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_COMPLETE, 0);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_CLOSED);
    script_free(&s);
}

static void shutdown_of_both_sides_at_once_completes(void **state)
{
    struct script s;
    opened(&s);
    wrd_sctp_shutdown(s.sctp, s.now);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_SENT);
    send_shutdown(&s, s.tsn - 1);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_ACK_SENT);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_ACK, 0);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_OK);
    script_free(&s);
}

static void shutdown_complete_follows_the_tag_rules(void **state)
{
    const struct {
        int tag;
        uint8_t flags;
        bool ends;
    } cases[] = {{0, 0, true}, {1, 1, true}, {0, 1, false}, {1, 0, false}, {2, 1, false}};
    for (size_t i = 0; i < 5; i++) {
        struct script s;
        opened(&s);
        send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_COMPLETE, 0); /* out of turn */
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        send_shutdown(&s, s.tsn - 1);
        send_plain(&s,
                   cases[i].tag == 0   ? s.tag
                   : cases[i].tag == 1 ? SCRIPT_TAG
                                       : 3,
                   WRD_SCTP_SHUTDOWN_COMPLETE, cases[i].flags);
        assert_int_equal(script_state(&s) == WRD_SCTP_CLOSED, cases[i].ends);
        script_free(&s);
    }
}

static void shutdown_ack_before_established_is_completed_with_its_tag_reflected(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    send_plain(&s, 4711, WRD_SCTP_SHUTDOWN_ACK, 0);
    script_collect(&s);
    struct script_chunk complete;
    assert_true(script_find(&s, WRD_SCTP_SHUTDOWN_COMPLETE, 0, &complete));
    assert_int_equal(complete.flags, WRD_SCTP_REFLECTED);
    assert_int_equal(s.out[0].tag, 4711);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_free(&s);
}

static void unanswered_shutdown_ends_in_abort(void **state)
{
    struct script s;
    opened(&s);
    wrd_sctp_shutdown(s.sctp, s.now);
    script_wait(&s, 60 * WRD_SECOND);
    assert_in_range(script_count(&s, WRD_SCTP_SHUTDOWN), 9, 12);
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void packets_after_the_end_are_answered_with_abort_and_its_tag_reflected(void **state)
{
    struct script s;
    opened(&s);
    wrd_sctp_abort(s.sctp, s.now);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_OK);
    script_collect(&s);
    struct script_chunk abort_chunk;
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &abort_chunk));
    assert_int_equal(wrd_load16be(abort_chunk.value), WRD_SCTP_CAUSE_USER_ABORT);
    script_send_data(&s, T, 0, 0, 3, "x");
    script_collect(&s);
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &abort_chunk));
    assert_int_equal(abort_chunk.flags, WRD_SCTP_REFLECTED);
    assert_int_equal(s.out[0].tag, s.tag);
    send_plain(&s, s.tag, WRD_SCTP_ABORT, 0);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_send_init(&s, 7, 7);
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    assert_int_equal(s.out[0].tag, 7);
    assert_int_equal(wrd_sctp_deadline(s.sctp), WRD_NEVER);
    script_free(&s);
}

/* ---- garbage ---- */

static void garbage_with_a_good_header_does_no_harm(void **state)
{
    static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 64, 130, 192, 194, 0x3f, 0xff};
    uint64_t seed = 5;
    for (unsigned round = 0; round < 20000; round++) {
        static struct script s;
        if (round % 100 == 0 || script_state(&s) == WRD_SCTP_CLOSED) {
            if (round > 0)
                script_free(&s);
            opened(&s);
            script_say(&s, 0, 5000);
        }
        script_begin(&s, s.tag);
        unsigned chunks = 1 + (unsigned)(lab_random(&seed) % 4);
        while (chunks-- > 0) {
            uint8_t type = types[lab_random(&seed) % sizeof types];
            if (type == WRD_SCTP_ABORT && lab_random(&seed) % 10)
                continue;
            size_t start = script_chunk(&s, type, (uint8_t)lab_random(&seed) & 15);
            size_t len = (size_t)(lab_random(&seed) % 60);
            if (lab_random(&seed) % 2) {
                bool tx = type == WRD_SCTP_SACK || type == WRD_SCTP_SHUTDOWN;
                wrd_wr32(&s.wr, (tx ? s.tsn : T) + (uint32_t)(lab_random(&seed) % 20) - 5);
            }
            for (size_t i = 0; i < len; i++)
                wrd_wr8(&s.wr, lab_random(&seed) % 3 ? (uint8_t)(lab_random(&seed) % 8) : (uint8_t)lab_random(&seed));
            script_chunk_end(&s, start);
            if (lab_random(&seed) % 8 == 0)
                wrd_store16be(s.wr.start + start + 2, (uint16_t)(lab_random(&seed) % 100));
        }
        script_send(&s);
        script_collect(&s);
        if (lab_random(&seed) % 4 == 0) {
            s.now += lab_random(&seed) % WRD_SECOND;
            wrd_sctp_expire(s.sctp, s.now);
        }
        if (round == 19999)
            script_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_checksum_port_or_tag_is_ignored),
        cmocka_unit_test(abort_needs_our_tag_or_its_own_reflected),
        cmocka_unit_test(abort_with_tag_zero_does_not_end_a_handshake),
        cmocka_unit_test(abort_with_a_protocol_cause_says_so),
        cmocka_unit_test(chunk_lengths_below_four_or_past_the_packet_end_the_packet),
        cmocka_unit_test(unknown_chunks_follow_their_top_bits_and_the_echo_is_capped),
        cmocka_unit_test(sack_comes_at_once_for_the_first_data_then_for_every_second_packet),
        cmocka_unit_test(sack_comes_at_once_for_a_gap_a_duplicate_and_the_i_bit),
        cmocka_unit_test(peer_is_told_of_two_gaps_and_messages_keep_their_order),
        cmocka_unit_test(other_streams_and_unordered_messages_pass_a_gap),
        cmocka_unit_test(fragments_in_any_order_become_one_message),
        cmocka_unit_test(fragments_that_do_not_fit_together_abort),
        cmocka_unit_test(fragment_without_a_beginning_aborts),
        cmocka_unit_test(ssn_used_twice_aborts),
        cmocka_unit_test(data_without_data_aborts),
        cmocka_unit_test(stream_that_was_not_agreed_on_is_acknowledged_reported_and_dropped),
        cmocka_unit_test(tsn_past_the_window_is_dropped_without_a_trace),
        cmocka_unit_test(message_above_the_limit_aborts),
        cmocka_unit_test(window_counts_unread_messages_with_their_overhead_and_never_wraps),
        cmocka_unit_test(release_reopens_a_window_that_was_small),
        cmocka_unit_test(nearly_full_window_takes_only_what_fills_the_gap),
        cmocka_unit_test(window_full_of_messages_that_cannot_be_delivered_aborts),
        cmocka_unit_test(tiny_chunks_cannot_hold_more_memory_than_the_window),
        cmocka_unit_test(message_of_16_mib_passes_a_window_of_1_mib),
        cmocka_unit_test(forward_tsn_skips_what_was_abandoned_and_delivers_what_waited),
        cmocka_unit_test(forward_tsn_drops_half_a_message_and_its_stray_rest),
        cmocka_unit_test(forward_tsn_past_the_window_is_refused),
        cmocka_unit_test(forward_tsn_over_many_ssns_delivers_what_waits_behind_them),
        cmocka_unit_test(forward_tsn_that_was_not_agreed_on_aborts),
        cmocka_unit_test(interleaved_data_that_was_not_agreed_on_aborts),
        cmocka_unit_test(heartbeat_is_echoed_unless_it_is_too_large),
        cmocka_unit_test(our_shutdown_waits_for_data_and_ends_with_shutdown_complete),
        cmocka_unit_test(peers_shutdown_waits_for_our_data),
        cmocka_unit_test(shutdown_of_both_sides_at_once_completes),
        cmocka_unit_test(shutdown_complete_follows_the_tag_rules),
        cmocka_unit_test(shutdown_ack_before_established_is_completed_with_its_tag_reflected),
        cmocka_unit_test(unanswered_shutdown_ends_in_abort),
        cmocka_unit_test(packets_after_the_end_are_answered_with_abort_and_its_tag_reflected),
        cmocka_unit_test(garbage_with_a_good_header_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
