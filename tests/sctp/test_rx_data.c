/* SPDX-License-Identifier: MIT */
/* What a peer may do with DATA, I-DATA and FORWARD-TSN, and what it may not. */
#include "script.h"

#include <string.h>

#define T SCRIPT_TSN

/* As if the handshake had agreed on I-DATA. */
static void agree_on_interleaving(struct script *s)
{
    struct wrd_sctp *sctp = s->sctp;
    wrd_sctp_join_free(&sctp->join);
    struct wrd_sctp_join_setup setup = {.pool = &sctp->pool,
                                        .message_limit = sctp->options.message_limit,
                                        .window = sctp->options.receive_window,
                                        .interleaving = true,
                                        .peer_initial = wrd_tsn(T),
                                        .salt = 0x0123456789abcdefu};
    wrd_sctp_join_init(&sctp->join, &setup);
    sctp->interleaving = true;
    sctp->peer_forward_tsn = true;
}

static void open_with(struct script *s, bool interleaving, const struct wrd_sctp_options *options)
{
    script_init(s, options);
    script_open(s);
    if (interleaving)
        agree_on_interleaving(s);
    (void)wrd_sctp_next(s->sctp);
}

static void opened(struct script *s)
{
    open_with(s, true, NULL);
}

static const uint8_t zeros[1200];

static void send_zeros(struct script *s, uint32_t tsn, uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags,
                       size_t len)
{
    script_begin(s, s->tag);
    if (s->sctp->interleaving)
        script_i_data(s, tsn, stream, mid, fsn, flags, zeros, len);
    else
        script_data(s, tsn, stream, (uint16_t)mid, flags, zeros, len);
    script_send(s);
}

static uint32_t a_rwnd(struct script *s)
{
    struct script_chunk sack;
    script_collect(s);
    assert_true(script_find(s, WRD_SCTP_SACK, 0, &sack));
    return script_word(&sack, 4);
}

static uint16_t abort_cause(struct script *s)
{
    struct script_chunk chunk;
    assert_int_equal(script_state(s), WRD_SCTP_CLOSED);
    script_collect(s);
    assert_true(script_find(s, WRD_SCTP_ABORT, 0, &chunk));
    return chunk.len >= 4 ? wrd_load16be(chunk.value) : 0;
}

struct skip {
    uint16_t stream, unordered;
    uint32_t number;
};

static void send_forward(struct script *s, uint32_t tsn, const struct skip *skips, size_t count)
{
    bool interleaving = s->sctp->interleaving;
    script_begin(s, s->tag);
    size_t start = script_chunk(s, interleaving ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN, 0);
    wrd_wr32(&s->wr, tsn);
    for (size_t i = 0; i < count; i++) {
        wrd_wr16(&s->wr, skips[i].stream);
        if (interleaving) {
            wrd_wr16(&s->wr, skips[i].unordered);
            wrd_wr32(&s->wr, skips[i].number);
        } else {
            wrd_wr16(&s->wr, (uint16_t)skips[i].number);
        }
    }
    script_chunk_end(s, start);
    script_send(s);
}

/* ---- I-DATA ---- */

static void messages_of_several_streams_are_assembled_side_by_side(void **state)
{
    struct script s;
    opened(&s);
    script_send_i_data(&s, T, 0, 0, 0, WRD_SCTP_BEGIN, "a");
    script_send_i_data(&s, T + 1, 1, 0, 0, WRD_SCTP_BEGIN, "x");
    script_send_i_data(&s, T + 2, 0, 0, 0, WRD_SCTP_BEGIN | WRD_SCTP_UNORDERED, "1"); /* another kind, the same MID */
    script_send_i_data(&s, T + 3, 1, 0, 1, WRD_SCTP_END, "y");
    script_hear(&s, "xy");
    script_send_i_data(&s, T + 4, 0, 0, 1, WRD_SCTP_END | WRD_SCTP_UNORDERED, "2");
    script_hear(&s, "12");
    script_send_i_data(&s, T + 5, 0, 0, 1, 0, "b");
    script_send_i_data(&s, T + 6, 2, 0, 0, 3, "whole");
    script_hear(&s, "whole");
    script_send_i_data(&s, T + 7, 0, 0, 2, WRD_SCTP_END, "c");
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s.sctp, &message));
    assert_int_equal(message.ppid, 53); /* the first fragment's */
    script_hear(&s, "abc");
    assert_int_equal(wrd_sctp_window(s.sctp), WRD_SCTP_RECEIVE_WINDOW);
    script_free(&s);
}

static void fragments_that_lie_about_their_message_abort(void **state)
{
    static const struct {
        uint32_t mid, fsn;
        uint8_t flags;
        const char *text;
    } cases[][4] = {
        {{0, 0, 2, "b"}, {0, 0, 2, "again"}},             /* two beginnings */
        {{0, 0, 2, "b"}, {0, 0, 0, "x"}},                 /* the first FSN without a beginning */
        {{0, 0, 2, "b"}, {0, 1, 0, "x"}, {0, 1, 0, "x"}}, /* an FSN that was taken */
        {{0, 3, 0, "b"}, {0, 3, 0, "x"}},                 /* an FSN that is kept */
        {{0, 3, 1, "b"}, {0, 4, 0, "x"}},                 /* past the end */
        {{0, 3, 1, "b"}, {0, 5, 1, "x"}},                 /* two ends */
        {{0, 5, 0, "b"}, {0, 4, 1, "x"}},                 /* an end before what is kept */
        {{0, 0, 2, "b"}, {0, 1, 0, "x"}, {0, 1, 1, "x"}}, /* an end that was passed */
        {{0, 0, 2, "b"}, {0, 0, 3, "whole"}},             /* a whole message under its MID */
        {{0, 0, 3, "b"}, {0, 0, 3, "x"}},                 /* the MID of a message that was delivered */
        {{0, 0, 3, "b"}, {0, 1, 0, "x"}},                 /* a late piece of it */
        {{5, 0, 3, "b"}, {5, 0, 3, "x"}},                 /* the MID of a message that waits */
        {{5, 0, 3, "b"}, {5, 0, 2, "x"}, {5, 1, 1, "y"}}, /* the same in pieces */
        {{0x80000000u, 0, 3, "b"}},                       /* a MID far behind */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script s;
        opened(&s);
        for (uint32_t j = 0; j < 4 && cases[i][j].text; j++) {
            assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
            script_send_i_data(&s, T + j, 1, cases[i][j].mid, cases[i][j].fsn, cases[i][j].flags, cases[i][j].text);
        }
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_PROTOCOL);
        assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
        script_free(&s);
    }
}

static void message_of_i_data_above_the_limit_aborts(void **state)
{
    struct wrd_sctp_options options = {.message_limit = 2000};
    static const struct {
        uint32_t fsn;
        uint8_t flags;
        size_t len;
    } cases[][3] = {{{0, 2, 1000}, {1, 0, 1000}, {2, 1, 1}},
                    {{2, 0, 1000}, {1, 0, 1000}, {0, 2, 1}},
                    {{1, 0, 1000}, {2, 0, 1000}, {2000, 0, 1}}};
    for (size_t i = 0; i < 3; i++) {
        struct script s;
        open_with(&s, true, &options);
        for (uint32_t j = 0; j < 3; j++) {
            assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
            send_zeros(&s, T + j, 0, 0, cases[i][j].fsn, cases[i][j].flags, cases[i][j].len);
        }
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
        script_free(&s);
    }
}

static void message_limit_may_be_raised_in_the_middle_of_a_message(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct wrd_sctp_options options = {.message_limit = 2000};
        struct script s;
        open_with(&s, interleaving, &options);
        send_zeros(&s, T, 0, 0, 0, 2, 1000);
        wrd_sctp_raise_message_limit(s.sctp, 1000); /* it never falls */
        send_zeros(&s, T + 1, 0, 0, 1, 0, 1000);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        wrd_sctp_raise_message_limit(s.sctp, 3000);
        send_zeros(&s, T + 2, 0, 0, 2, 1, 1000);
        struct wrd_sctp_message message;
        assert_true(wrd_sctp_peek(s.sctp, &message));
        assert_int_equal(message.len, 3000);
        wrd_sctp_release(s.sctp, s.now);
        send_zeros(&s, T + 3, 0, 1, 0, 2, 1000);
        send_zeros(&s, T + 4, 0, 1, 1, 0, 1000);
        send_zeros(&s, T + 5, 0, 1, 2, 0, 1000);
        send_zeros(&s, T + 6, 0, 1, 3, 0, 1);
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
        script_free(&s);
    }
}

static void large_message_passes_a_small_window_while_others_come_through(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 20000, .message_limit = 1000000};
    struct script s;
    open_with(&s, true, &options);
    uint32_t tsn = T, mid = 0;
    for (uint32_t fsn = 0; fsn < 1000; fsn++) {
        send_zeros(&s, tsn++, 0, 0, fsn, fsn == 0 ? 2 : fsn == 999 ? 1 : 0, 999);
        if (fsn % 10 == 5) {
            script_send_i_data(&s, tsn++, 1, mid++, 0, 3, "meanwhile");
            script_hear(&s, "meanwhile");
            assert_int_equal(wrd_sctp_window(s.sctp), 20000);
        }
    }
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s.sctp, &message));
    assert_int_equal(message.len, 999000);
    assert_int_equal(wrd_sctp_window(s.sctp), 0);
    script_collect(&s);
    wrd_sctp_release(s.sctp, s.now);
    assert_int_equal(a_rwnd(&s), 20000);
    script_free(&s);
}

/* Our sender has begun one message and half a window's worth of others at most: those never fill the window. */
static void what_our_sender_may_have_begun_leaves_half_the_window(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 100000, .message_limit = 200000};
    struct script s;
    open_with(&s, true, &options);
    uint32_t tsn = T;
    for (uint32_t fsn = 0; fsn < 199; fsn++)
        send_zeros(&s, tsn++, 0, 0, fsn, fsn == 0 ? 2 : 0, 1000);
    for (uint16_t stream = 1; stream < 50; stream++)
        send_zeros(&s, tsn++, stream, 0, 0, 2, 1000);
    assert_in_range(wrd_sctp_window(s.sctp), 40000, 60000);
    for (uint32_t mid = 0; mid < 100; mid++) {
        send_zeros(&s, tsn++, 60, mid, 0, 3, 1000);
        wrd_sctp_release(s.sctp, s.now);
    }
    send_zeros(&s, tsn++, 0, 0, 199, 1, 1000);
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s.sctp, &message));
    assert_int_equal(message.len, 200000);
    script_free(&s);
}

/* ---- Rule 5: bounds on bytes, entries, streams and distance; gap fillers; no way out is an ABORT ---- */

static void rule_5_bytes_under_assembly_are_bounded(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 20000, .message_limit = 50000};
    struct script s;
    open_with(&s, true, &options);
    uint32_t sent = 0;
    while (script_state(&s) == WRD_SCTP_ESTABLISHED) {
        send_zeros(&s, T + sent, (uint16_t)(sent % 20), 0, sent / 20, sent < 20 ? 2 : 0, 1000);
        sent++;
        assert_true(sent <= 70);
        assert_true(s.env.live < 500000);
    }
    assert_in_range(sent, 65, 70);
    assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
    script_free(&s);
}

/* Full of chunks that each give up `each` messages of stream 2 and as many TSNs; `*tsn`, `*number`: the last ones. */
static void send_forwards(struct script *s, uint32_t *tsn, uint32_t *number, uint32_t each)
{
    bool interleaving = s->sctp->interleaving;
    script_begin(s, s->tag);
    for (unsigned i = 0; i < 70; i++) {
        size_t start = script_chunk(s, interleaving ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN, 0);
        wrd_wr32(&s->wr, *tsn += interleaving ? 1 : each);
        wrd_wr16(&s->wr, 2);
        *number += each;
        if (interleaving) {
            wrd_wr16(&s->wr, 0);
            wrd_wr32(&s->wr, *number);
        } else {
            wrd_wr16(&s->wr, (uint16_t)*number);
        }
        script_chunk_end(s, start);
    }
    script_send(s);
}

/* Step by step, this would take minutes. */
static void a_peer_that_gives_up_what_never_was_makes_little_work(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        uint32_t tsn = T, number = UINT32_MAX, ahead = interleaving ? (uint32_t)1 << 30 : 30000;
        uint32_t each = interleaving ? 500000 : 10000;
        if (interleaving)
            script_send_i_data(&s, T, 2, ahead, 0, 3, "x");
        else
            script_send_data(&s, T, 2, (uint16_t)ahead, 3, "x");
        assert_int_equal(s.sctp->track.cumulative.v, tsn);
        for (unsigned packet = 0; packet < 3000; packet++) {
            if (!interleaving) { /* something kept, as far ahead as it may be */
                script_send_data(&s, tsn + WRD_SCTP_TSN_WINDOW - 1, 3, 1, WRD_SCTP_BEGIN, "y");
                number = 0;
            }
            send_forwards(&s, &tsn, &number, each);
            assert_int_equal(s.sctp->track.cumulative.v, tsn);
        }
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        script_hear(&s, "x");
        script_free(&s);
    }
}

/* What wrd_sctp_receive() says of a packet with this fragment, and of the same packet with a SACK before it. */
static bool brings_news(struct script *s, uint32_t tsn, uint32_t fsn, uint8_t flags, bool with_sack)
{
    script_begin(s, s->tag);
    if (with_sack)
        script_sack(s, s->tsn - 1, s->rwnd, NULL);
    script_i_data(s, tsn, 0, 0, fsn, flags, "x", 1);
    wrd_sctp_packet_end(&s->wr, wrd_crc32c_by_table);
    return wrd_sctp_receive(s->sctp, s->now, s->bytes, s->wr.len);
}

static void a_part_of_a_message_alone_is_no_news_and_all_else_is(void **state)
{
    struct script s;
    opened(&s);
    (void)wrd_sctp_next(s.sctp);
    assert_false(brings_news(&s, T, 0, WRD_SCTP_BEGIN, false));
    assert_true(brings_news(&s, T + 1, 1, 0, true)); /* room, it may be */
    assert_false(brings_news(&s, T + 2, 2, 0, false));
    assert_false(brings_news(&s, T + 2, 2, 0, false)); /* again */
    assert_true(brings_news(&s, T + 3, 3, WRD_SCTP_END, false));
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_MESSAGE);
    wrd_sctp_release(s.sctp, s.now);
    script_begin(&s, s.tag);
    script_data(&s, T + 4, 0, 0, 3, "x", 1); /* breaks the agreement on I-DATA, and so ends it */
    wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
    assert_true(wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len));
    script_free(&s);
}

static uint64_t taken(const struct script *s)
{
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(s->sctp, &stats);
    return stats.bytes_taken;
}

/* Whoever repeats what was kept, or sends what cannot be, moves nothing. */
static void only_what_is_kept_counts_as_taken(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        for (int i = 0; i < 3; i++) {
            send_zeros(&s, T, 0, 0, 0, WRD_SCTP_BEGIN, 100);
            assert_int_equal(taken(&s), 100 + WRD_SCTP_DATA_HEADER_SIZE);
        }
        for (int i = 0; i < 3; i++) {
            send_zeros(&s, T + 2, 0, 0, 2, 0, 1); /* ahead */
            assert_int_equal(taken(&s), 101 + 2 * WRD_SCTP_DATA_HEADER_SIZE);
        }
        send_zeros(&s, T + 2 + WRD_SCTP_TSN_WINDOW, 0, 0, 3, 0, 100);
        send_zeros(&s, T + 1, 65535, 0, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, 100); /* no such stream */
        assert_int_equal(taken(&s), 101 + 2 * WRD_SCTP_DATA_HEADER_SIZE);
        script_free(&s);
    }
    (void)state;
}

static void rule_5_messages_without_an_end_are_bounded(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 20000, .message_limit = 50000};
    for (int large = 0; large < 2; large++) {
        struct script s;
        open_with(&s, true, large ? NULL : &options);
        uint32_t tsn = T;
        while (script_state(&s) == WRD_SCTP_ESTABLISHED) {
            script_begin(&s, s.tag);
            for (unsigned i = 0; i < 40; i++, tsn++)
                script_i_data(&s, tsn, (uint16_t)(tsn % 100), tsn - T, 0, WRD_SCTP_BEGIN | WRD_SCTP_UNORDERED, "x", 1);
            wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
            wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
        }
        assert_in_range(tsn - T, large ? WRD_SCTP_ASSEMBLIES_MAX : 500, WRD_SCTP_ASSEMBLIES_MAX + 40);
        assert_true(s.env.live < (large ? 4000000 : 600000));
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
        script_free(&s);
    }
}

static void rule_5_tiny_fragments_ahead_cannot_hold_more_than_the_window(void **state)
{
    struct script s;
    opened(&s);
    size_t before = s.env.live;
    uint32_t tsn = T + 1;
    for (unsigned packet = 0; packet < 600; packet++) {
        script_begin(&s, s.tag);
        for (unsigned i = 0; i < 50; i++, tsn++)
            script_i_data(&s, tsn, (uint16_t)((tsn - T) % 100), 0, (tsn - T) / 100 + 1, 0, "x", 1);
        wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
        wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_true(s.env.live - before < 3 * WRD_SCTP_RECEIVE_WINDOW);
    script_free(&s);
}

static void rule_5_every_stream_in_use_costs_little(void **state)
{
    struct script s;
    opened(&s);
    s.sctp->streams_in = 65535;
    size_t before = s.env.live;
    for (uint32_t i = 0; i < 65535; i++) {
        script_begin(&s, s.tag);
        script_i_data(&s, T + i, (uint16_t)i, 0, 0, 3, "x", 1);
        wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
        wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
        wrd_sctp_release(s.sctp, s.now);
    }
    assert_int_equal(s.sctp->join.order.stream_count, 65535);
    wrd_sctp_data_drain(s.sctp);
    wrd_sctp_pool_drain(&s.sctp->pool);
    assert_true(s.env.live - before <= (size_t)2 * 1024 * 1024 + 4096);
    script_free(&s);
}

static void rule_5_above_nine_tenths_only_what_is_due_is_taken(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 5000};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, &options);
        for (uint32_t i = 1; i < 6; i++)
            send_zeros(&s, T + i, 0, i, 0, 3, 1000); /* 1064 each: the fifth is the first above nine tenths */
        send_zeros(&s, T + 6, 0, 6, 0, 3, 1000);
        assert_int_equal(s.sctp->track.highest.v, T + 5);
        assert_int_equal(a_rwnd(&s), 0);
        send_zeros(&s, T, 0, 0, 0, 3, 1000);
        assert_int_equal(s.sctp->track.cumulative.v, T + 5);
        script_free(&s);
    }
}

static void rule_5_full_window_with_nothing_to_deliver_aborts(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 5000};
    for (int kind = 0; kind < 3; kind++) {
        struct script s;
        open_with(&s, kind > 0, &options);
        for (uint32_t i = 0; i < 5; i++) {
            assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
            /* Number 0 never comes, or the first fragment does not. */
            send_zeros(&s, T + i, 0, kind < 2 ? i + 1 : 0, i + 1, kind < 2 ? 3 : 0, 1000);
        }
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_OUT_OF_RESOURCE);
        script_free(&s);
    }
}

static void rule_5_full_window_with_something_to_read_only_drops(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 5000};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, &options);
        for (uint32_t i = 0; i < 5; i++)
            send_zeros(&s, T + i, 0, i, 0, 3, 1000);
        for (uint32_t i = 0; i < 20; i++) {
            send_zeros(&s, T + 5 + i % 3, 0, 5 + i % 3, 0, 3, 1000); /* probes, not acknowledged but answered */
            assert_int_equal(a_rwnd(&s), 0);
            assert_int_equal(s.sctp->track.highest.v, T + 4);
        }
        wrd_sctp_release(s.sctp, s.now);
        send_zeros(&s, T + 5, 0, 5, 0, 3, 1000);
        assert_int_equal(s.sctp->track.cumulative.v, T + 5);
        script_free(&s);
    }
}

static void rule_5_full_window_is_no_reason_to_abort_while_a_message_goes_on(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 5000};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, &options);
        for (uint32_t i = 1; i < 6; i++)
            send_zeros(&s, T + 2 + i, 0, i, 0, 3, 1000);
        assert_int_equal(a_rwnd(&s), 0);
        for (uint32_t i = 0; i < 3; i++)
            send_zeros(&s, T + i, 0, 0, i, i == 0 ? 2 : i == 2 ? 1 : 0, 1000);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        assert_int_equal(s.sctp->track.cumulative.v, T + 7);
        assert_false(script_hears_nothing(&s));
        script_free(&s);
    }
}

static void what_was_given_up_does_not_keep_the_window_shut(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 107000};
    struct script s;
    open_with(&s, true, &options);
    uint32_t tsn = T + 1;
    for (uint32_t mid = 0; mid < 350; mid++)
        send_zeros(&s, tsn++, 4, mid, 1, WRD_SCTP_UNORDERED, 200);
    struct skip skip = {.stream = 4, .unordered = 1, .number = 349};
    send_forward(&s, T, &skip, 1);
    assert_int_equal(wrd_sctp_window(s.sctp), options.receive_window);
    assert_int_equal(s.sctp->track.cumulative.v, tsn - 1);
    tsn++;
    for (uint32_t fsn = 1; fsn < 200; fsn++)
        send_zeros(&s, tsn++, 5, 0, fsn, 0, 200);
    assert_int_equal(s.sctp->track.highest.v, tsn - 1);
    assert_int_equal(s.sctp->join.weave.opens.count, 1);
    script_free(&s);
}

/* ---- Rule 6: the window says what is kept and not read, exactly ---- */

static void rule_6_window_is_the_limit_less_what_is_kept_and_never_wraps(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        for (uint64_t seed = 1; seed <= 40; seed++) {
            uint64_t r = seed;
            size_t limit = 2000 + lab_random(&r) % 50000;
            struct wrd_sctp_options options = {.receive_window = limit, .message_limit = 60000};
            struct script s;
            open_with(&s, interleaving, &options);
            uint32_t mid = 0;
            size_t unread = 0;
            for (unsigned i = 0; i < 300; i++) {
                if (lab_random(&r) % 3) {
                    size_t len = 1 + lab_random(&r) % 1100;
                    bool fits = unread < limit;
                    send_zeros(&s, T + mid, 0, mid, 0, 3 | WRD_SCTP_IMMEDIATE, len);
                    mid += fits;
                    unread += fits ? len + WRD_SCTP_OVERHEAD : 0;
                    assert_int_equal(a_rwnd(&s), unread < limit ? limit - unread : 0);
                } else {
                    struct wrd_sctp_message message;
                    if (!wrd_sctp_peek(s.sctp, &message))
                        continue;
                    unread -= message.len + WRD_SCTP_OVERHEAD;
                    wrd_sctp_release(s.sctp, s.now);
                    wrd_sctp_release(s.sctp, s.now + (lab_random(&r) % 2 ? 0 : 1));
                    /* The second took another, if there was one. */
                    unread = s.sctp->join.order.charged;
                    script_collect(&s);
                }
                assert_int_equal(wrd_sctp_window(s.sctp), unread < limit ? limit - unread : 0);
            }
            script_free(&s);
        }
    }
}

static void window_that_was_shut_is_reopened_at_once_for_a_packet_but_not_for_crumbs(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 20000};
    struct script s;
    open_with(&s, false, &options);
    uint32_t n = 0;
    while (wrd_sctp_window(s.sctp) > 0) {
        send_zeros(&s, T + n, 0, n, 0, 3 | WRD_SCTP_IMMEDIATE, 136);
        n++;
    }
    assert_int_equal(a_rwnd(&s), 0);
    for (unsigned i = 1; i <= 8; i++) {
        wrd_sctp_release(s.sctp, s.now);
        script_collect(&s);
        bool first_packet = i == 8; /* 8 times 200 bytes are more than a packet */
        assert_int_equal(script_has(&s, WRD_SCTP_SACK), first_packet);
    }
    /* Then for every quarter. */
    unsigned updates = 0;
    while (!script_hears_nothing(&s)) {
        wrd_sctp_release(s.sctp, s.now);
        script_collect(&s);
        updates += script_count(&s, WRD_SCTP_SACK);
    }
    assert_int_equal(updates, 3);
    script_free(&s);
}

static void reader_that_frees_a_large_message_makes_it_known(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 100000};
    struct script s;
    open_with(&s, false, &options);
    for (uint32_t i = 0; i < 30; i++)
        send_zeros(&s, T + i, 0, 0, i, i == 0 ? 2 : i == 29 ? 9 : 0, 1000);
    assert_int_equal(a_rwnd(&s), 100000 - 30064);
    wrd_sctp_release(s.sctp, s.now);
    assert_int_equal(a_rwnd(&s), 100000);
    script_free(&s);
}

/* ---- Rule 7: FORWARD-TSN as agreed and within the window; the kind of DATA as agreed ---- */

static void rule_7_data_of_the_other_kind_aborts(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        if (interleaving)
            script_send_data(&s, T, 0, 0, 3, "x");
        else
            script_send_i_data(&s, T, 0, 0, 0, 3, "x");
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_PROTOCOL);
        assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
        assert_true(script_hears_nothing(&s));
        script_free(&s);
    }
}

static void rule_7_forward_tsn_of_the_other_kind_or_not_agreed_on_aborts(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        for (int agreed = 0; agreed < 2; agreed++) {
            struct script s;
            open_with(&s, interleaving, NULL);
            s.sctp->peer_forward_tsn = agreed;
            bool other = agreed;
            script_begin(&s, s.tag);
            size_t start =
                script_chunk(&s, (interleaving != 0) != other ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN, 0);
            wrd_wr32(&s.wr, T);
            script_chunk_end(&s, start);
            script_send(&s);
            assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_PROTOCOL);
            script_free(&s);
        }
    }
}

static void rule_7_forward_tsn_leaps_no_further_than_the_window(void **state)
{
    static const uint32_t leaps[] = {WRD_SCTP_TSN_WINDOW, 0x7ffffff0, 0x7fffffff, 0x80000000u, 0xfffffff0u};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        struct skip skip = {.number = 5};
        for (size_t i = 0; i < sizeof leaps / sizeof leaps[0]; i++) {
            send_forward(&s, T + leaps[i], &skip, 1);
            assert_int_equal(s.sctp->track.cumulative.v, T - 1);
            script_collect(&s);
            assert_true(script_has(&s, WRD_SCTP_SACK));
        }
        send_zeros(&s, T, 0, 0, 0, 3, 1); /* number 0 is still the next */
        assert_false(script_hears_nothing(&s));
        send_forward(&s, T + WRD_SCTP_TSN_WINDOW - 1, &skip, 1);
        assert_int_equal(s.sctp->track.cumulative.v, T + WRD_SCTP_TSN_WINDOW - 1);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        script_free(&s);
    }
}

static void given_up_messages_leave_nothing_and_their_late_pieces_are_dropped(void **state)
{
    for (uint16_t unordered = 0; unordered < 2; unordered++) {
        uint8_t flag = unordered ? WRD_SCTP_UNORDERED : 0;
        struct script s;
        opened(&s);
        script_send_i_data(&s, T, 4, 0, 0, WRD_SCTP_BEGIN | flag, "begin");
        script_send_i_data(&s, T + 2, 4, 0, 2, flag, "ahead");
        script_send_i_data(&s, T + 4, 5, 0, 0, 3, "other");
        script_hear(&s, "other");
        script_send_i_data(&s, T + 6, 4, 1, 0, 3 | flag, "next");
        struct skip skip = {.stream = 4, .unordered = unordered};
        send_forward(&s, T + 3, &skip, 1);
        script_hear(&s, "next");
        script_send_i_data(&s, T + 5, 4, 0, 3, WRD_SCTP_END | flag, "late");
        assert_true(script_hears_nothing(&s));
        assert_int_equal(s.sctp->join.order.charged, 0);
        assert_int_equal(s.sctp->join.weave.assembling, 0);
        assert_int_equal(s.sctp->track.cumulative.v, T + 6);
        script_send_i_data(&s, T + 7, 4, 2, 0, 3 | flag, "goes on");
        script_hear(&s, "goes on");
        script_free(&s);
    }
}

/* At once, under one entry: nothing is left to be looked for when a stream is reset, or memory is short. */
static void given_up_messages_are_found_however_many(void **state)
{
    struct script s;
    opened(&s);
    uint32_t tsn = T + 1;
    for (uint32_t mid = 0; mid < 200; mid++)
        script_send_i_data(&s, tsn++, 4, mid, 0, WRD_SCTP_BEGIN | WRD_SCTP_UNORDERED, "begin");
    script_send_i_data(&s, tsn++, 5, 0, 0, WRD_SCTP_BEGIN, "kept");
    struct skip skip = {.stream = 4, .unordered = 1, .number = 199};
    send_forward(&s, T, &skip, 1);
    assert_int_equal(s.sctp->join.weave.opens.count, 1);
    assert_int_equal(s.sctp->join.order.charged, 0);
    script_send_i_data(&s, tsn++, 5, 0, 1, WRD_SCTP_END, "!");
    script_hear(&s, "kept!");
    script_free(&s);
}

static void forward_tsn_without_memory_is_not_answered_and_not_half_done(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        struct skip skips[20];
        for (uint16_t i = 0; i < 20; i++)
            skips[i] = (struct skip){.stream = i, .number = 3};
        s.env.fail_at = s.env.asked + 2; /* some streams are had, others not */
        send_forward(&s, T, skips, 20);
        assert_int_equal(s.sctp->track.cumulative.v, T - 1);
        script_collect(&s);
        assert_int_equal(s.out_count, 0);
        send_forward(&s, T, skips, 20);
        assert_int_equal(s.sctp->track.cumulative.v, T);
        send_zeros(&s, T + 1, 19, 4, 0, 3, 1);
        assert_false(script_hears_nothing(&s));
        script_free(&s);
    }
}

static void forward_tsns_that_skip_the_world_cost_little(void **state)
{
    struct script s;
    opened(&s);
    static struct skip skips[100];
    for (uint32_t round = 0; round < 50; round++) {
        for (uint16_t i = 0; i < 100; i++)
            skips[i] = (struct skip){.stream = i, .unordered = round % 2, .number = (round + 1) * 0x01000000u};
        send_forward(&s, T + round, skips, 100);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED); /* nothing waited anywhere */
    script_send_i_data(&s, T + 60, 0, 50 * 0x01000000u, 0, 3, "waits");
    for (uint16_t i = 0; i < 100; i++)
        skips[i] = (struct skip){.stream = i, .number = 50 * 0x01000000u - 1};
    send_forward(&s, T + 50, skips, 100);
    script_hear(&s, "waits");
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);
}

/* ---- The end of a stream, in its place ---- */

static void ask_reset(struct script *s, uint32_t number, uint32_t last, const uint16_t *streams, size_t count)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s->wr, WRD_SCTP_PARAM_OUTGOING_RESET);
    wrd_wr32(&s->wr, number);
    wrd_wr32(&s->wr, 0);
    wrd_wr32(&s->wr, last);
    for (size_t i = 0; i < count; i++)
        wrd_wr16(&s->wr, streams[i]);
    wrd_sctp_param_end(&s->wr, param);
    script_chunk_end(s, start);
    script_send(s);
}

static uint32_t reset_result(struct script *s)
{
    struct script_chunk chunk;
    script_collect(s);
    assert_true(script_find(s, WRD_SCTP_RE_CONFIG, 0, &chunk));
    return script_word(&chunk, 8);
}

static void end_of_a_stream_is_heard_after_its_messages_and_before_those_of_its_next_life(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        uint16_t stream = 3;
        send_zeros(&s, T, 3, 0, 0, 3, 10);
        send_zeros(&s, T + 1, 3, 0, 0, 7, 20); /* unordered */
        ask_reset(&s, T, T + 1, &stream, 1);
        assert_int_equal(reset_result(&s), WRD_SCTP_RESET_PERFORMED);
        send_zeros(&s, T + 2, 3, 0, 0, 3, 30);
        assert_int_equal(s.sctp->join.order.charged, 60 + 4 * WRD_SCTP_OVERHEAD);
        static const size_t lens[] = {10, 20, 0, 30};
        struct wrd_sctp_message message;
        for (size_t i = 0; i < 4; i++) {
            assert_true(wrd_sctp_peek(s.sctp, &message));
            assert_int_equal(message.len, lens[i]);
            assert_int_equal(message.ends_stream, lens[i] == 0);
            assert_non_null(message.data);
            assert_int_equal(message.stream, 3);
            wrd_sctp_release(s.sctp, s.now);
        }
        assert_true(script_hears_nothing(&s));
        script_free(&s);
    }
}

static void end_of_a_stream_alone_is_an_event(void **state)
{
    struct script s;
    opened(&s);
    uint16_t streams[] = {9, 8};
    ask_reset(&s, T, T - 1, streams, 2);
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_MESSAGE);
    script_hear_end(&s, 9);
    script_hear_end(&s, 8);
    script_free(&s);
}

static void reset_waits_for_memory_and_for_a_reader_that_lags(void **state)
{
    struct wrd_sctp_options options = {.receive_window = 5000};
    struct script s;
    open_with(&s, true, &options);
    uint16_t streams[] = {1, 2, 3, 4};
    send_zeros(&s, T, 1, 0, 0, 3, 1000);
    wrd_sctp_release(s.sctp, s.now);
    s.env.fail_for = 1000;
    wrd_sctp_pool_drain(&s.sctp->pool);
    s.env.fail_at = s.env.asked + 1;
    ask_reset(&s, T, T, streams, 4);
    s.env.fail_at = 0;
    assert_int_equal(reset_result(&s), WRD_SCTP_RESET_IN_PROGRESS);
    assert_true(script_hears_nothing(&s));
    ask_reset(&s, T, T, streams, 4);
    assert_int_equal(reset_result(&s), WRD_SCTP_RESET_PERFORMED);
    /* The reader does not come: resets pile up to the window and no further. */
    uint32_t number = T + 1, performed = 1;
    while (performed < 100) {
        ask_reset(&s, number, T, streams, 4);
        if (reset_result(&s) == WRD_SCTP_RESET_IN_PROGRESS)
            break;
        number++;
        performed++;
    }
    assert_int_equal(performed, 5000 / (4 * WRD_SCTP_OVERHEAD));
    for (uint32_t i = 0; i < performed * 4; i++)
        script_hear_end(&s, streams[i % 4]);
    ask_reset(&s, number, T, streams, 4);
    assert_int_equal(reset_result(&s), WRD_SCTP_RESET_PERFORMED);
    script_free(&s);
}

static void reset_in_the_middle_of_a_message_aborts(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        uint16_t stream = 3;
        send_zeros(&s, T, 3, 0, 0, 2, 10);
        ask_reset(&s, T, T, &stream, 1);
        assert_int_equal(abort_cause(&s), WRD_SCTP_CAUSE_PROTOCOL);
        script_free(&s);
    }
}

static void reset_after_giving_up_starts_clean(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    for (uint32_t mid = 0; mid < 50; mid++)
        script_send_i_data(&s, T + 1 + mid, 3, mid, 0, WRD_SCTP_BEGIN | WRD_SCTP_UNORDERED, "begin");
    struct skip skips[] = {{.stream = 3, .number = 7}, {.stream = 3, .unordered = 1, .number = 49}};
    send_forward(&s, T, skips, 2);
    ask_reset(&s, T, T + 50, &stream, 1);
    assert_int_equal(reset_result(&s), WRD_SCTP_RESET_PERFORMED);
    script_hear_end(&s, 3);
    assert_int_equal(s.sctp->join.weave.opens.count, 0);
    script_send_i_data(&s, T + 51, 3, 0, 0, 3 | WRD_SCTP_UNORDERED, "new");
    script_send_i_data(&s, T + 52, 3, 0, 0, 3, "life");
    script_hear(&s, "new");
    script_hear(&s, "life");
    script_free(&s);
}

/* ---- SACK, states, memory ---- */

static void gap_blocks_that_do_not_fit_leave_out_the_highest(void **state)
{
    struct script s;
    opened(&s);
    for (uint32_t i = 0; i < 900; i++)
        script_send_i_data(&s, T + 1 + 2 * i, 0, i + 1, 0, 3, "x");
    script_collect(&s);
    struct script_chunk sack;
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    uint16_t blocks = wrd_load16be(sack.value + 8);
    assert_true(s.out[0].len > 1100);
    assert_in_range(blocks, 270, 300);
    for (uint16_t i = 0; i < blocks; i++)
        assert_int_equal(wrd_load16be(sack.value + 12 + 4 * i), 2 + 2 * i);
    script_free(&s);
}

static void data_before_established_is_dropped_without_a_word(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_send_data(&s, T, 0, 0, 3, "early");
    script_wait(&s, WRD_SECOND / 2);
    assert_false(script_has(&s, WRD_SCTP_SACK));
    assert_true(script_hears_nothing(&s));
    assert_int_equal(s.sctp->track.cumulative.v, T - 1);
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_data(&s, T, 0, 0, 3, "in time", 7);
    script_send(&s);
    script_hear(&s, "in time");
    script_free(&s);
}

static void data_bundled_with_the_cookie_is_taken(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(&s);
    script_data(&s, T, 0, 0, 3, "first words", 11);
    script_send(&s);
    script_hear(&s, "first words");
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SACK));
    script_free(&s);
}

static void idle_association_gives_back_what_gaps_and_messages_took(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        uint32_t tsn = T;
        for (uint16_t round = 0; round < 5; round++) { /* streams, a message ahead, a duplicate, fragments ahead */
            script_wait(&s, WRD_SECOND);
            send_zeros(&s, tsn + 1, round, 1, 0, 3, 500);
            send_zeros(&s, tsn + 1, round, 1, 0, 3, 500);
            send_zeros(&s, tsn + 4, round, 2, 2, 1, 500);
            send_zeros(&s, tsn, round, 0, 0, 3, 500);
            send_zeros(&s, tsn + 3, round, 2, 1, 0, 500);
            send_zeros(&s, tsn + 2, round, 2, 0, 2, 500);
            tsn += 5;
            while (!script_hears_nothing(&s))
                wrd_sctp_release(s.sctp, s.now);
            script_collect(&s);
        }
        assert_int_equal(s.sctp->track.cumulative.v, tsn - 1);
        script_wait(&s, WRD_SCTP_HEARTBEAT_IDLE + WRD_SECOND);
        struct wrd_sctp *sctp = s.sctp;
        assert_null(sctp->track.bits.words);
        assert_null(sctp->track.duplicates);
        assert_null(sctp->join.ring);
        assert_null(sctp->join.order.waiting.root);
        assert_null(sctp->join.weave.fragments.heads);
        assert_null(sctp->pool.idle);
        size_t streams = sctp->join.order.stream_size * sizeof *sctp->join.order.streams;
        assert_true(sizeof sctp->join + sizeof sctp->track + sizeof sctp->pool + streams <= 512);
        script_free(&s);
    }
}

/* The peer sends a scene again and again until all is acknowledged, as peers do. */
struct scene {
    uint32_t at;
    uint16_t stream;
    uint32_t mid, fsn;
    uint8_t flags;
};

static const struct scene scene[] = {
    {3, 1, 1, 0, 3},  {1, 1, 0, 1, 0},  {9, 2, 0, 0, 7},  {0, 1, 0, 0, 2},  {2, 1, 0, 2, 1},   {6, 30, 0, 2, 1},
    {5, 30, 0, 1, 0}, {4, 30, 0, 0, 2}, {8, 40, 1, 0, 3}, {7, 40, 0, 0, 3}, {11, 50, 0, 1, 5}, {10, 50, 0, 0, 6},
};
#define SCENE        (sizeof scene / sizeof scene[0])
#define SCENE_WHOLES 7

/* False: the association ended for want of memory. */
static bool play(struct script *s, bool interleaving)
{
    size_t heard = 0;
    bool reset_done = false;
    for (unsigned round = 0; round < 20 && !reset_done; round++) {
        for (size_t i = 0; i < SCENE && script_state(s) != WRD_SCTP_CLOSED; i++)
            send_zeros(s, T + scene[i].at, scene[i].stream, scene[i].mid, scene[i].fsn, scene[i].flags, 600);
        uint16_t streams[] = {1, 2};
        if (script_state(s) != WRD_SCTP_CLOSED)
            ask_reset(s, T, T + (uint32_t)SCENE - 1, streams, 2);
        if (script_state(s) == WRD_SCTP_CLOSED) {
            assert_int_equal(wrd_sctp_failure(s->sctp, NULL), WRD_NO_MEMORY);
            return false;
        }
        struct wrd_sctp_message message;
        while (wrd_sctp_peek(s->sctp, &message)) {
            heard += !message.ends_stream;
            reset_done = reset_done || message.ends_stream;
            wrd_sctp_release(s->sctp, s->now);
        }
        script_wait(s, WRD_SECOND);
    }
    assert_true(reset_done);
    assert_int_equal(heard, SCENE_WHOLES);
    assert_int_equal(s->sctp->track.cumulative.v, T + SCENE - 1);
    assert_int_equal(wrd_sctp_window(s->sctp), WRD_SCTP_RECEIVE_WINDOW);
    assert_int_equal(s->sctp->interleaving, interleaving);
    return true;
}

static void every_allocation_may_fail(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct script s;
        open_with(&s, interleaving, NULL);
        uint64_t before = s.env.asked;
        assert_true(play(&s, interleaving));
        uint64_t asked = s.env.asked - before;
        assert_true(asked > 12);
        script_free(&s);
        unsigned survived = 0;
        for (uint64_t n = 1; n <= asked; n++) {
            for (uint64_t in_a_row = 1; in_a_row <= 5; in_a_row += 4) {
                open_with(&s, interleaving, NULL);
                s.env.fail_at = s.env.asked + n;
                s.env.fail_for = in_a_row;
                survived += play(&s, interleaving);
                script_free(&s);
            }
        }
        assert_true(survived > asked); /* most lose nothing */
    }
}

/* Mostly what a peer might send, with numbers so close that they meet; the audit looks at everything after each. */
static void hostile_chunk(struct script *s, uint64_t *r, uint32_t *next)
{
    uint32_t tsn = lab_random(r) % 2 ? *next : *next + (uint32_t)(lab_random(r) % 12) - 3;
    uint16_t stream = (uint16_t)(lab_random(r) % 4);
    const struct wrd_sctp_stream_in *in = wrd_sctp_order_find(&s->sctp->join.order, stream);
    bool unordered = lab_random(r) % 3 == 0;
    uint32_t number =
        unordered ? (uint32_t)(lab_random(r) % 1000) : (in ? in->next : 0) + (uint32_t)(lab_random(r) % 3 / 2);
    struct skip skip = {.stream = stream, .unordered = unordered, .number = number};
    uint32_t fsn = (uint32_t)(lab_random(r) % 12 / 9 * (lab_random(r) % 3));
    unsigned flags = fsn == 0 ? lab_random(r) % 5 ? 3 : 2 : lab_random(r) % 2;
    if (!s->sctp->interleaving && lab_random(r) % 8)
        flags = s->sctp->join.assembly && tsn == *next ? lab_random(r) % 2 : 3;
    switch (lab_random(r) % 24) {
    case 0: send_forward(s, tsn, &skip, lab_random(r) % 2); break;
    case 1: ask_reset(s, s->sctp->reset.peer_number, tsn, &stream, lab_random(r) % 3 ? 1 : 0); break;
    default:
        if (lab_random(r) % 100 == 0)
            flags = lab_random(r) % 256;
        send_zeros(s, tsn, stream, number, fsn, (uint8_t)(flags | (unordered ? WRD_SCTP_UNORDERED : 0)),
                   1 + lab_random(r) % 400);
        break;
    }
    *next = s->sctp->track.cumulative.v + 1;
}

static void hostile_chunks_end_the_association_or_cost_no_more_than_the_window(void **state)
{
    unsigned survivors = 0, heard = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t r = seed;
        struct wrd_sctp_options options = {.receive_window = 2000 + lab_random(&r) % 4000,
                                           .message_limit = 500 + lab_random(&r) % 3000};
        struct script s;
        open_with(&s, lab_random(&r) % 3 > 0, &options);
        size_t before = s.env.live;
        uint32_t next = T;
        for (unsigned i = 0; i < 60 && script_state(&s) != WRD_SCTP_CLOSED; i++) {
            s.env.fail_at = lab_random(&r) % 10 ? 0 : s.env.asked + 1 + lab_random(&r) % 3;
            hostile_chunk(&s, &r, &next);
            s.env.fail_at = 0;
            if (lab_random(&r) % 4 == 0 && !script_hears_nothing(&s)) {
                wrd_sctp_release(s.sctp, s.now);
                heard++;
            }
            if (lab_random(&r) % 16 == 0)
                wrd_sctp_data_drain(s.sctp);
            script_collect(&s);
            assert_true(s.env.live - before < 4 * (options.receive_window + options.message_limit) + 60000);
        }
        survivors += script_state(&s) != WRD_SCTP_CLOSED;
        script_free(&s);
    }
    assert_true(survivors > 20 && heard > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_several_streams_are_assembled_side_by_side),
        cmocka_unit_test(fragments_that_lie_about_their_message_abort),
        cmocka_unit_test(message_of_i_data_above_the_limit_aborts),
        cmocka_unit_test(message_limit_may_be_raised_in_the_middle_of_a_message),
        cmocka_unit_test(large_message_passes_a_small_window_while_others_come_through),
        cmocka_unit_test(what_our_sender_may_have_begun_leaves_half_the_window),
        cmocka_unit_test(rule_5_bytes_under_assembly_are_bounded),
        cmocka_unit_test(only_what_is_kept_counts_as_taken),
        cmocka_unit_test(rule_5_messages_without_an_end_are_bounded),
        cmocka_unit_test(rule_5_tiny_fragments_ahead_cannot_hold_more_than_the_window),
        cmocka_unit_test(rule_5_every_stream_in_use_costs_little),
        cmocka_unit_test(rule_5_above_nine_tenths_only_what_is_due_is_taken),
        cmocka_unit_test(rule_5_full_window_with_nothing_to_deliver_aborts),
        cmocka_unit_test(rule_5_full_window_with_something_to_read_only_drops),
        cmocka_unit_test(rule_5_full_window_is_no_reason_to_abort_while_a_message_goes_on),
        cmocka_unit_test(what_was_given_up_does_not_keep_the_window_shut),
        cmocka_unit_test(rule_6_window_is_the_limit_less_what_is_kept_and_never_wraps),
        cmocka_unit_test(window_that_was_shut_is_reopened_at_once_for_a_packet_but_not_for_crumbs),
        cmocka_unit_test(reader_that_frees_a_large_message_makes_it_known),
        cmocka_unit_test(rule_7_data_of_the_other_kind_aborts),
        cmocka_unit_test(rule_7_forward_tsn_of_the_other_kind_or_not_agreed_on_aborts),
        cmocka_unit_test(rule_7_forward_tsn_leaps_no_further_than_the_window),
        cmocka_unit_test(given_up_messages_leave_nothing_and_their_late_pieces_are_dropped),
        cmocka_unit_test(given_up_messages_are_found_however_many),
        cmocka_unit_test(forward_tsn_without_memory_is_not_answered_and_not_half_done),
        cmocka_unit_test(forward_tsns_that_skip_the_world_cost_little),
        cmocka_unit_test(end_of_a_stream_is_heard_after_its_messages_and_before_those_of_its_next_life),
        cmocka_unit_test(end_of_a_stream_alone_is_an_event),
        cmocka_unit_test(reset_waits_for_memory_and_for_a_reader_that_lags),
        cmocka_unit_test(reset_in_the_middle_of_a_message_aborts),
        cmocka_unit_test(reset_after_giving_up_starts_clean),
        cmocka_unit_test(gap_blocks_that_do_not_fit_leave_out_the_highest),
        cmocka_unit_test(data_before_established_is_dropped_without_a_word),
        cmocka_unit_test(data_bundled_with_the_cookie_is_taken),
        cmocka_unit_test(a_peer_that_gives_up_what_never_was_makes_little_work),
        cmocka_unit_test(a_part_of_a_message_alone_is_no_news_and_all_else_is),
        cmocka_unit_test(idle_association_gives_back_what_gaps_and_messages_took),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(hostile_chunks_end_the_association_or_cost_no_more_than_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
