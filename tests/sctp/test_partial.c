/* SPDX-License-Identifier: MIT */
/* Partial reliability, interleaving and buffered amounts of one association, against a peer played by hand. */
#include "script.h"

#include <string.h>

enum peer { PLAIN, WITH_FORWARD, WITH_INTERLEAVING };

static void open_as(struct script *s, const struct wrd_sctp_options *options, uint32_t rwnd, enum peer peer)
{
    script_init(s, options);
    s->rwnd = rwnd;
    script_begin(s, 0);
    size_t start = script_chunk(s, WRD_SCTP_INIT, 0);
    wrd_wr32(&s->wr, SCRIPT_TAG);
    wrd_wr32(&s->wr, rwnd);
    wrd_wr16(&s->wr, 1000);
    wrd_wr16(&s->wr, 1000);
    wrd_wr32(&s->wr, SCRIPT_TSN);
    static const uint8_t extensions[] = {WRD_SCTP_RE_CONFIG, WRD_SCTP_FORWARD_TSN, WRD_SCTP_I_DATA,
                                         WRD_SCTP_I_FORWARD_TSN};
    static const size_t counts[] = {1, 2, 4};
    wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_SUPPORTED_EXTENSIONS, extensions, counts[peer]);
    script_chunk_end(s, start);
    script_send(s);
    script_take_init_ack(s);
    script_echo(s);
    script_send(s);
    assert_int_equal(script_state(s), WRD_SCTP_ESTABLISHED);
    script_collect(s);
    (void)wrd_sctp_next(s->sctp);
    assert_int_equal(s->sctp->interleaving, peer == WITH_INTERLEAVING);
}

static wrd_result try_say(struct script *s, const struct wrd_sctp_message *like, size_t len)
{
    static const uint8_t bytes[300000];
    struct wrd_sctp_message message = *like;
    message.ppid = 53;
    message.data = bytes;
    message.len = len;
    return wrd_sctp_send(s->sctp, s->now, &message);
}

static void say(struct script *s, const struct wrd_sctp_message *like, size_t len)
{
    assert_int_equal(try_say(s, like, len), WRD_OK);
}

static const struct wrd_sctp_message once = {.stream = 1, .limit_retransmits = true};
static const struct wrd_sctp_message reliable = {.stream = 1};

static void assert_forward(const struct script *s, unsigned n, uint32_t tsn, size_t streams)
{
    struct script_chunk forward;
    assert_true(script_find(s, WRD_SCTP_FORWARD_TSN, n, &forward));
    assert_int_equal(script_word(&forward, 0), tsn);
    assert_int_equal(forward.len, 4 + 4 * streams);
}

/* Lets time pass until `count` chunks were given up, or much time is over; how many DATA chunks went out meanwhile. */
static unsigned wait_given_up(struct script *s, uint64_t count)
{
    unsigned sent = 0;
    for (int i = 0; i < 300 && s->sctp->queue.given_up < count; i++) {
        script_wait(s, 50 * WRD_MILLISECOND);
        sent += script_count(s, WRD_SCTP_DATA) + script_count(s, WRD_SCTP_I_DATA);
    }
    return sent;
}

/* ---- Retransmits ---- */

static void message_is_sent_as_often_as_its_limit_says_and_then_skipped(void **state)
{
    for (uint32_t retransmits = 0; retransmits < 4; retransmits++) {
        struct script s;
        open_as(&s, NULL, 1 << 20, WITH_FORWARD);
        struct wrd_sctp_message like = {.stream = 7, .limit_retransmits = true, .retransmits = retransmits};
        say(&s, &like, 100);
        script_collect(&s);
        assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
        assert_int_equal(wait_given_up(&s, 1), retransmits);
        assert_forward(&s, 0, s.tsn, 1);
        struct script_chunk forward;
        assert_true(script_find(&s, WRD_SCTP_FORWARD_TSN, 0, &forward));
        assert_int_equal(script_word(&forward, 4), 7 << 16);
        assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
        assert_int_equal(s.sctp->flight.bytes, 0);
        script_send_sack(&s, s.tsn, NULL);
        assert_int_equal(s.sctp->t3, WRD_NEVER);
        script_wait(&s, 10 * WRD_SECOND);
        assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN) || script_has(&s, WRD_SCTP_DATA));
        script_free(&s);
    }
}

static void fragments_are_given_up_together(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    say(&s, &once, 5000);
    say(&s, &reliable, 10);
    script_collect(&s);
    uint32_t chunks = script_count(&s, WRD_SCTP_DATA) - 1;
    assert_int_equal(chunks, 5);
    static const uint16_t gaps[] = {2, 3, 5, 5, 0};
    script_send_sack(&s, s.tsn - 1, gaps);
    (void)wait_given_up(&s, 1);
    assert_forward(&s, 0, s.tsn + chunks - 1, 1);
    assert_int_equal(s.sctp->queue.bytes, 10);
    script_send_sack(&s, s.tsn + chunks - 1, NULL);
    script_wait(&s, 2 * WRD_SECOND);
    struct script_chunk data;
    for (unsigned i = 0; script_find(&s, WRD_SCTP_DATA, i, &data); i++)
        assert_int_equal(script_word(&data, 0), s.tsn + chunks); /* the reliable one */
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_free(&s);
}

static void without_agreement_every_message_is_reliable(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, PLAIN);
    struct wrd_sctp_message like = {.limit_retransmits = true, .lifetime = 1};
    say(&s, &like, 100);
    script_collect(&s);
    for (int i = 0; i < 5; i++) {
        script_wait(&s, 4 * WRD_SECOND);
        assert_true(script_has(&s, WRD_SCTP_DATA));
        assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    }
    assert_int_equal(s.sctp->queue.given_up, 0);
    script_send_sack(&s, s.tsn, NULL);
    script_free(&s);
}

static void nothing_is_skipped_before_the_handshake_is_over(void **state)
{
    struct script s;
    script_init(&s, NULL);
    struct wrd_sctp_message like = {.limit_retransmits = true, .lifetime = 2500 * WRD_MILLISECOND};
    say(&s, &like, 100);
    script_answer_init(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ECHO) && script_has(&s, WRD_SCTP_DATA));
    script_wait(&s, 8 * WRD_SECOND);
    assert_true(script_count(&s, WRD_SCTP_COOKIE_ECHO) > 1);
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_send(&s);
    (void)wait_given_up(&s, 1);
    assert_forward(&s, 0, s.tsn, 1);
    script_free(&s);
}

static void acknowledgements_of_what_was_given_up_count_for_nothing(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    for (int i = 0; i < 10; i++)
        say(&s, &once, 1000);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 10);
    (void)wait_given_up(&s, 10);
    assert_forward(&s, 0, s.tsn + 9, 1);
    size_t cwnd = s.sctp->cwnd.cwnd;
    static const uint16_t gaps[] = {2, 5, 7, 10, 0};
    script_send_sack(&s, s.tsn - 1, gaps);
    script_send_sack(&s, s.tsn + 3, NULL);
    assert_int_equal(s.sctp->flight.bytes, 0);
    script_send_sack(&s, s.tsn + 9, NULL);
    assert_int_equal(s.sctp->cwnd.cwnd, cwnd);
    assert_int_equal(s.sctp->queue.bytes, 0);
    script_free(&s);
}

/* ---- Lifetime ---- */

static void message_within_its_lifetime_is_sent_again(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    struct wrd_sctp_message like = {.stream = 1, .lifetime = 20 * WRD_SECOND};
    say(&s, &like, 100);
    script_collect(&s);
    script_wait(&s, 5 * WRD_SECOND);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    script_send_sack(&s, s.tsn, NULL);
    script_wait(&s, 60 * WRD_SECOND);
    assert_int_equal(s.sctp->queue.given_up, 0);
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    script_free(&s);
}

static void message_past_its_lifetime_is_not_sent_again(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    struct wrd_sctp_message like = {.stream = 1, .lifetime = WRD_MILLISECOND};
    say(&s, &like, 100);
    script_collect(&s);
    assert_int_equal(wait_given_up(&s, 1), 0);
    assert_forward(&s, 0, s.tsn, 1);
    script_free(&s);
}

/* The peer has no room, so that all but one chunk stay queued. */
static void expired_backlog_makes_room_though_nothing_can_be_sent(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.send_limit = 20000};
    open_as(&s, &options, 1500, WITH_FORWARD);
    say(&s, &reliable, 1000);
    script_collect(&s);
    script_begin(&s, s.tag);
    script_sack(&s, s.tsn, 0, NULL);
    script_send(&s);
    say(&s, &reliable, 1000);
    script_collect(&s); /* the probe of the window */
    struct wrd_sctp_message like = {.stream = 3, .lifetime = 100 * WRD_MILLISECOND};
    while (try_say(&s, &like, 1000) == WRD_OK)
        ;
    assert_int_equal(try_say(&s, &like, 1000), WRD_AGAIN);
    assert_in_range(wrd_sctp_deadline(s.sctp), s.now, s.now + 100 * WRD_MILLISECOND);
    script_wait(&s, 99 * WRD_MILLISECOND);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_WRITABLE, 0);
    script_wait(&s, WRD_MILLISECOND);
    unsigned events = wrd_sctp_next(s.sctp);
    assert_true(events & WRD_SCTP_EVENT_WRITABLE);
    assert_true(events & WRD_SCTP_EVENT_LOW);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 3), 0);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 1000);
    assert_true(s.sctp->queue.given_up > 10);
    assert_int_equal(try_say(&s, &reliable, 1000), WRD_OK);
    script_free(&s);
}

static void expired_unsent_message_takes_no_number(void **state)
{
    struct script s;
    open_as(&s, NULL, 2000, WITH_FORWARD);
    say(&s, &reliable, 1000);
    script_collect(&s);
    struct wrd_sctp_message like = {.stream = 2, .lifetime = WRD_MILLISECOND};
    say(&s, &like, 1100); /* does not fit the peer's window beside the other */
    like.lifetime = 0;
    say(&s, &like, 1100);
    script_collect(&s);
    assert_false(script_has(&s, WRD_SCTP_DATA));
    script_wait(&s, 10 * WRD_MILLISECOND);
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(script_word(&data, 0), s.tsn + 1);
    assert_int_equal(script_word(&data, 4), 2 << 16);
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    assert_int_equal(s.sctp->queue.given_up, 1);
    script_free(&s);
}

static void partly_sent_message_that_expires_is_skipped_whole(void **state)
{
    for (int acked = 0; acked < 2; acked++) {
        struct script s;
        open_as(&s, NULL, 1 << 20, WITH_FORWARD);
        struct wrd_sctp_message like = {.stream = 2, .lifetime = 100 * WRD_MILLISECOND};
        say(&s, &like, 200000);
        script_collect(&s);
        say(&s, &reliable, 10);
        uint32_t sent = script_count(&s, WRD_SCTP_DATA);
        assert_in_range(sent, 5, 20);
        s.now += 100 * WRD_MILLISECOND;
        if (acked) /* the peer has all that was sent, and would wait for the rest for ever */
            script_send_sack(&s, s.tsn + sent - 1, NULL);
        script_wait(&s, 0);
        assert_int_equal(s.sctp->queue.given_up, 1);
        assert_int_equal(wrd_sctp_buffered(s.sctp), 10);
        assert_forward(&s, 0, s.tsn + sent, 1);
        struct script_chunk data;
        assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data)); /* and the next message follows at once */
        assert_int_equal(script_word(&data, 0), s.tsn + sent + 1);
        script_send_sack(&s, s.tsn + sent + 1, NULL);
        assert_int_equal(s.sctp->t3, WRD_NEVER);
        script_free(&s);
    }
}

/* ---- FORWARD-TSN ---- */

static void forward_is_repeated_but_not_for_every_acknowledgement(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    say(&s, &once, 100);
    say(&s, &reliable, 100);
    script_collect(&s);
    (void)wait_given_up(&s, 1);
    assert_forward(&s, 0, s.tsn, 1);
    unsigned forwards = 0;
    for (int i = 0; i < 200; i++) { /* 2 s; the peer has the second message and not heard of the first */
        static const uint16_t gaps[] = {2, 2, 0};
        script_send_sack(&s, s.tsn - 1, gaps);
        script_wait(&s, 10 * WRD_MILLISECOND);
        forwards += script_count(&s, WRD_SCTP_FORWARD_TSN);
    }
    assert_in_range(forwards, 7, 12);
    script_send_sack(&s, s.tsn + 1, NULL);
    script_wait(&s, 5 * WRD_SECOND);
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    script_free(&s);
}

static void lost_forward_is_sent_again_on_timeout(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    say(&s, &once, 100);
    script_collect(&s);
    (void)wait_given_up(&s, 1);
    for (int i = 0; i < 4; i++) {
        script_wait(&s, 4 * WRD_SECOND);
        assert_forward(&s, 0, s.tsn, 1);
        assert_false(script_has(&s, WRD_SCTP_DATA));
    }
    script_free(&s);
}

static void forward_names_the_highest_message_of_each_ordered_stream(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    struct wrd_sctp_message like = once;
    for (int i = 0; i < 60; i++) {
        like.stream = (uint16_t)(i % 4);
        like.unordered = like.stream == 3;
        say(&s, &like, 20);
    }
    script_collect(&s);
    (void)wait_given_up(&s, 60);
    assert_forward(&s, 0, s.tsn + 59, 3);
    struct script_chunk forward;
    assert_true(script_find(&s, WRD_SCTP_FORWARD_TSN, 0, &forward));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(script_word(&forward, 4 + 4 * i), i << 16 | 14);
    script_free(&s);
}

static void forward_names_as_many_streams_as_fit_and_goes_on_with_the_rest(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    struct wrd_sctp_message like = once;
    for (uint16_t i = 0; i < 600; i++) {
        like.stream = i;
        say(&s, &like, 1);
    }
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 600);
    (void)wait_given_up(&s, 600);
    uint32_t point = s.tsn - 1;
    bool seen[600] = {false};
    for (int round = 0; point != s.tsn + 599; round++) {
        assert_true(round < 4);
        struct script_chunk forward;
        assert_true(script_find(&s, WRD_SCTP_FORWARD_TSN, 0, &forward));
        assert_true(script_word(&forward, 0) - point <= 600);
        assert_int_equal((forward.len - 4) / 4, script_word(&forward, 0) - point);
        for (size_t at = 4; at < forward.len; at += 4) {
            uint32_t pair = script_word(&forward, at);
            assert_true(pair >> 16 < 600 && (pair & 0xffff) == 0 && !seen[pair >> 16]);
            seen[pair >> 16] = true;
        }
        point = script_word(&forward, 0);
        script_send_sack(&s, point, NULL);
        script_collect(&s);
    }
    for (int i = 0; i < 600; i++)
        assert_true(seen[i]);
    script_free(&s);
}

static void respond_reset(struct script *s, uint32_t number, uint32_t result)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s->wr, WRD_SCTP_PARAM_RECONFIG_RESPONSE);
    wrd_wr32(&s->wr, number);
    wrd_wr32(&s->wr, result);
    wrd_sctp_param_end(&s->wr, param);
    script_chunk_end(s, start);
    script_send(s);
}

/* webrtc:14600: the numbers of a stream before and after its reset must not meet in one FORWARD-TSN. */
static void forward_does_not_reach_across_a_stream_reset(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    struct wrd_sctp_message other = once;
    other.stream = 2;
    say(&s, &once, 100);
    script_collect(&s);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 1), WRD_OK);
    script_collect(&s);
    say(&s, &other, 100);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    (void)wait_given_up(&s, 2);
    script_wait(&s, 5 * WRD_SECOND);
    struct script_chunk forward;
    for (unsigned i = 0; script_find(&s, WRD_SCTP_FORWARD_TSN, i, &forward); i++)
        assert_int_equal(script_word(&forward, 0), s.tsn);
    assert_true(script_has(&s, WRD_SCTP_FORWARD_TSN));
    assert_false(script_has(&s, WRD_SCTP_RE_CONFIG));
    script_send_sack(&s, s.tsn, NULL); /* the peer is past what the reset counts from */
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_RE_CONFIG));
    assert_forward(&s, 0, s.tsn + 1, 1);
    respond_reset(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    script_send_sack(&s, s.tsn + 1, NULL);
    say(&s, &once, 100);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(script_word(&data, 4), 1 << 16); /* SSN 0 again */
    script_free(&s);
}

static void shutdown_goes_on_when_what_it_waited_for_is_given_up(void **state)
{
    struct script s;
    open_as(&s, NULL, 1500, WITH_FORWARD);
    struct wrd_sctp_message like = {.stream = 1, .lifetime = 100 * WRD_MILLISECOND};
    for (int i = 0; i < 5; i++)
        say(&s, &like, 1000);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    wrd_sctp_shutdown(s.sctp, s.now);
    (void)wait_given_up(&s, 5);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_PENDING);
    assert_false(script_has(&s, WRD_SCTP_SHUTDOWN));
    assert_forward(&s, 0, s.tsn, 1);
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN));
    script_free(&s);

    open_as(&s, NULL, 1500, WITH_FORWARD);
    say(&s, &reliable, 1000);
    script_collect(&s);
    say(&s, &like, 1000);
    wrd_sctp_shutdown(s.sctp, s.now);
    script_send_sack(&s, s.tsn, NULL);
    s.now += WRD_SECOND; /* nothing is in flight, and what is queued expired */
    script_wait(&s, 0);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN));
    script_free(&s);
}

/* ---- Interleaving ---- */

static void i_data_is_numbered_by_message_and_fragment(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_INTERLEAVING);
    struct wrd_sctp_message like = {.stream = 4};
    say(&s, &like, 2500);
    like.unordered = true;
    say(&s, &like, 10);
    like.stream = 5;
    like.unordered = false;
    say(&s, &like, 2500);
    script_collect(&s);
    assert_false(script_has(&s, WRD_SCTP_DATA));
    assert_int_equal(script_count(&s, WRD_SCTP_I_DATA), 7);
    uint32_t fsn[6] = {0};
    uint16_t order[7];
    struct script_chunk data;
    for (unsigned i = 0; script_find(&s, WRD_SCTP_I_DATA, i, &data); i++) {
        uint16_t stream = wrd_load16be(data.value + 4);
        order[i] = stream;
        assert_int_equal(script_word(&data, 0), s.tsn + i);
        assert_int_equal(wrd_load16be(data.value + 6), 0);
        assert_int_equal(script_word(&data, 8), 0);
        if (data.flags & WRD_SCTP_UNORDERED) {
            assert_int_equal(data.flags, WRD_SCTP_UNORDERED | WRD_SCTP_BEGIN | WRD_SCTP_END);
            assert_int_equal(script_word(&data, 12), 53);
            continue;
        }
        assert_int_equal(data.flags & WRD_SCTP_BEGIN, fsn[stream] == 0 ? WRD_SCTP_BEGIN : 0);
        assert_int_equal(data.flags & WRD_SCTP_END, fsn[stream] == 2 ? WRD_SCTP_END : 0);
        assert_int_equal(script_word(&data, 12), fsn[stream] == 0 ? 53 : fsn[stream]);
        fsn[stream]++;
    }
    assert_true(order[0] != order[1] && order[1] != order[2]); /* they take turns chunk by chunk */
    script_free(&s);
}

static void i_data_packets_are_full_and_fit(void **state)
{
    struct wrd_sctp_options options = {.packet_max = 1163};
    for (size_t len = 1100; len < 1200; len++) {
        struct script s;
        open_as(&s, &options, 1 << 20, WITH_INTERLEAVING);
        say(&s, &reliable, len);
        script_collect(&s);
        assert_int_equal(s.out_count, len <= WRD_SCTP_PAYLOAD - 4 ? 1 : 2);
        assert_true(s.out[0].len <= 1163);
        if (s.out_count == 2)
            assert_true(s.out[0].len >= 1160);
        script_free(&s);
    }
}

static void i_forward_names_ordered_and_unordered_messages(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_INTERLEAVING);
    struct wrd_sctp_message like = once;
    for (uint16_t i = 0; i < 12; i++) {
        like.stream = i % 2;
        like.unordered = i % 3 == 0;
        say(&s, &like, 30);
    }
    script_collect(&s);
    (void)wait_given_up(&s, 12);
    struct script_chunk forward;
    assert_false(script_has(&s, WRD_SCTP_FORWARD_TSN));
    assert_true(script_find(&s, WRD_SCTP_I_FORWARD_TSN, 0, &forward));
    assert_int_equal(script_word(&forward, 0), s.tsn + 11);
    assert_int_equal(forward.len, 4 + 4 * 8);
    uint32_t highest[2][2] = {{0}};
    for (size_t at = 4; at < forward.len; at += 8) {
        uint32_t which = script_word(&forward, at);
        assert_true(which >> 16 < 2 && (which & 0xffff) < 2);
        highest[which >> 16][which & 1] = script_word(&forward, at + 4) + 1;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(highest[i][0], 4);
        assert_int_equal(highest[i][1], 2);
    }
    script_free(&s);
}

static void interleaved_message_is_given_up_without_the_others(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_INTERLEAVING);
    struct wrd_sctp_message like = {.stream = 2, .lifetime = 100 * WRD_MILLISECOND};
    say(&s, &reliable, 100000);
    say(&s, &like, 100000);
    script_collect(&s);
    size_t left = wrd_sctp_stream_buffered(s.sctp, 1);
    size_t bytes = s.sctp->flight.bytes;
    assert_true(left < 100000 && wrd_sctp_stream_buffered(s.sctp, 2) < 100000);
    s.now += 100 * WRD_MILLISECOND;
    wrd_sctp_expire(s.sctp, s.now);
    wrd_sctp_audit(s.sctp);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 1), left);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 2), 0);
    assert_int_equal(s.sctp->flight.bytes, 100000 - left);
    assert_true(bytes > 100000 - left);
    script_free(&s);
}

static void halves_of_messages_but_one_stay_below_half_the_peers_window(void **state)
{
    struct script s;
    open_as(&s, NULL, 60000, WITH_INTERLEAVING);
    struct wrd_sctp_message like = {.stream = 0};
    for (; like.stream < 10; like.stream++)
        say(&s, &like, 14000);
    uint32_t acked = s.tsn - 1;
    size_t begun[10] = {0};
    while (wrd_sctp_buffered(s.sctp) > 0) {
        script_collect(&s);
        struct script_chunk data;
        for (unsigned i = 0; script_find(&s, WRD_SCTP_I_DATA, i, &data); i++) {
            size_t *have = &begun[wrd_load16be(data.value + 4)];
            *have += data.len - 16;
            size_t halves = 0;
            for (int j = 0; j < 10; j++)
                halves += begun[j] > 0 && begun[j] < 14000 ? 14000 : 0;
            assert_true(halves <= 30000 + 14000);
            acked = script_word(&data, 0);
        }
        script_send_sack(&s, acked, NULL);
    }
    for (int j = 0; j < 10; j++)
        assert_int_equal(begun[j], 14000);
    script_free(&s);
}

/* INIT or INIT-ACK of a peer that knows I-DATA or does not. */
static void send_init(struct script *s, uint8_t type, uint32_t tag, bool interleaving)
{
    static const uint8_t extensions[] = {WRD_SCTP_FORWARD_TSN, WRD_SCTP_I_DATA, WRD_SCTP_I_FORWARD_TSN};
    script_begin(s, type == WRD_SCTP_INIT ? 0 : s->tag);
    size_t start = script_chunk(s, type, 0);
    wrd_wr32(&s->wr, tag);
    wrd_wr32(&s->wr, 1 << 20);
    wrd_wr16(&s->wr, 1000);
    wrd_wr16(&s->wr, 1000);
    wrd_wr32(&s->wr, SCRIPT_TSN);
    wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_SUPPORTED_EXTENSIONS, extensions, interleaving ? 3 : 1);
    if (type == WRD_SCTP_INIT_ACK)
        wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_STATE_COOKIE, "abc", 3);
    script_chunk_end(s, start);
    script_send(s);
}

/* The peer answers our INIT, and opens under another tag later (RFC 9260 5.2.4 B), this time with I-DATA, or without:
 * chunks of one kind do not fit where those of the other did, nor may all of them come between others. */
static void data_is_cut_anew_when_the_peer_changes_its_mind(void **state)
{
    for (int later = 0; later < 2; later++) {
        struct script s;
        struct script_chunk chunk;
        script_init(&s, NULL);
        wrd_sctp_connect(s.sctp, s.now);
        script_collect(&s);
        assert_true(script_find(&s, WRD_SCTP_INIT, 0, &chunk));
        s.tag = script_word(&chunk, 0);
        send_init(&s, WRD_SCTP_INIT_ACK, SCRIPT_TAG, !later);
        script_collect(&s);
        s.now += 1000;
        send_init(&s, WRD_SCTP_INIT, SCRIPT_TAG + 1, later);
        script_take_init_ack(&s);
        script_begin(&s, s.tag);
        script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
        script_send(&s);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        say(&s, &reliable, 5000);
        say(&s, &(struct wrd_sctp_message){.stream = 2}, 50000);
        script_collect(&s);
        assert_int_equal(s.sctp->interleaving, !later);
        assert_true(script_has(&s, later ? WRD_SCTP_DATA : WRD_SCTP_I_DATA));
        script_echo(&s);
        script_send(&s);
        assert_int_equal(s.sctp->interleaving, later);
        uint8_t type = later ? WRD_SCTP_I_DATA : WRD_SCTP_DATA;
        uint32_t acked = s.sctp->flight.cumulative.v;
        size_t had[3] = {0};
        while (wrd_sctp_buffered(s.sctp) > 0) {
            uint32_t before = acked;
            script_wait(&s, 4 * WRD_SECOND);
            assert_false(script_has(&s, later ? WRD_SCTP_DATA : WRD_SCTP_I_DATA));
            for (unsigned i = 0; script_find(&s, type, i, &chunk); i++) {
                if (script_word(&chunk, 0) != acked + 1)
                    continue;
                uint16_t stream = wrd_load16be(chunk.value + 4);
                assert_true(stream < 3);
                assert_int_equal((chunk.flags & WRD_SCTP_BEGIN) != 0, had[stream] == 0);
                had[stream] += chunk.len - (later ? 16 : 12);
                acked++;
            }
            assert_true(acked != before);
            script_send_sack(&s, acked, NULL);
        }
        assert_int_equal(had[1], 5000);
        assert_int_equal(had[2], 50000);
        script_free(&s);
    }
}

/* ---- What the application sees ---- */

static void priority_and_low_mark_refuse_what_makes_no_sense(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.streams = 10};
    script_init(&s, &options);
    assert_int_equal(wrd_sctp_set_priority(s.sctp, 10, 256), WRD_INVALID);
    assert_int_equal(wrd_sctp_set_priority(s.sctp, 9, 0), WRD_INVALID);
    assert_int_equal(wrd_sctp_set_priority(s.sctp, 9, 65535), WRD_OK);
    assert_int_equal(wrd_sctp_set_low(s.sctp, 10, 1), WRD_INVALID);
    s.env.fail_at = s.env.asked + 1;
    assert_int_equal(wrd_sctp_set_low(s.sctp, 8, 1), WRD_NO_MEMORY);
    s.env.fail_at = s.env.asked + 1;
    assert_int_equal(wrd_sctp_set_priority(s.sctp, 7, 1), WRD_NO_MEMORY);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 65535), 0);
    script_free(&s);
}

static void buffered_amount_of_a_stream_is_what_was_not_yet_cut(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    say(&s, &reliable, 1000);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 1), 1000);
    script_collect(&s);
    assert_int_equal(wrd_sctp_stream_buffered(s.sctp, 1), 0);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 1000);
    say(&s, &reliable, 100000);
    script_collect(&s);
    size_t left = wrd_sctp_stream_buffered(s.sctp, 1);
    assert_in_range(left, 80000, 99999);
    assert_int_equal(s.sctp->flight.bytes, 101000 - left);
    script_free(&s);
}

static void low_event_comes_when_the_mark_is_crossed_and_names_each_stream_once(void **state)
{
    struct script s;
    open_as(&s, NULL, 1 << 20, WITH_FORWARD);
    uint16_t stream;
    assert_int_equal(wrd_sctp_set_low(s.sctp, 1, 500), WRD_OK);
    say(&s, &reliable, 400);
    script_collect(&s);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_LOW, 0); /* it never was above */
    assert_false(wrd_sctp_next_low(s.sctp, &stream));
    struct wrd_sctp_message like = {.stream = 0};
    say(&s, &reliable, 400);
    say(&s, &reliable, 400);
    say(&s, &like, 10);
    say(&s, &like, 10);
    script_collect(&s);
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_LOW);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_LOW, 0);
    bool told[2] = {false, false};
    while (wrd_sctp_next_low(s.sctp, &stream)) {
        assert_true(stream < 2 && !told[stream]);
        told[stream] = true;
    }
    assert_true(told[0] && told[1]);
    script_free(&s);
}

static void message_above_the_limit_fits_an_empty_queue(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.send_limit = 5000};
    open_as(&s, &options, 1 << 20, WITH_FORWARD);
    assert_int_equal(try_say(&s, &reliable, 200000), WRD_OK);
    assert_int_equal(try_say(&s, &reliable, 1), WRD_OK); /* it does not count, or other streams would wait for it */
    assert_int_equal(try_say(&s, &reliable, 5000), WRD_AGAIN);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_sent_as_often_as_its_limit_says_and_then_skipped),
        cmocka_unit_test(fragments_are_given_up_together),
        cmocka_unit_test(without_agreement_every_message_is_reliable),
        cmocka_unit_test(nothing_is_skipped_before_the_handshake_is_over),
        cmocka_unit_test(acknowledgements_of_what_was_given_up_count_for_nothing),
        cmocka_unit_test(message_within_its_lifetime_is_sent_again),
        cmocka_unit_test(message_past_its_lifetime_is_not_sent_again),
        cmocka_unit_test(expired_backlog_makes_room_though_nothing_can_be_sent),
        cmocka_unit_test(expired_unsent_message_takes_no_number),
        cmocka_unit_test(partly_sent_message_that_expires_is_skipped_whole),
        cmocka_unit_test(forward_is_repeated_but_not_for_every_acknowledgement),
        cmocka_unit_test(lost_forward_is_sent_again_on_timeout),
        cmocka_unit_test(forward_names_the_highest_message_of_each_ordered_stream),
        cmocka_unit_test(forward_names_as_many_streams_as_fit_and_goes_on_with_the_rest),
        cmocka_unit_test(forward_does_not_reach_across_a_stream_reset),
        cmocka_unit_test(shutdown_goes_on_when_what_it_waited_for_is_given_up),
        cmocka_unit_test(i_data_is_numbered_by_message_and_fragment),
        cmocka_unit_test(i_data_packets_are_full_and_fit),
        cmocka_unit_test(i_forward_names_ordered_and_unordered_messages),
        cmocka_unit_test(interleaved_message_is_given_up_without_the_others),
        cmocka_unit_test(halves_of_messages_but_one_stay_below_half_the_peers_window),
        cmocka_unit_test(data_is_cut_anew_when_the_peer_changes_its_mind),
        cmocka_unit_test(priority_and_low_mark_refuse_what_makes_no_sense),
        cmocka_unit_test(buffered_amount_of_a_stream_is_what_was_not_yet_cut),
        cmocka_unit_test(low_event_comes_when_the_mark_is_crossed_and_names_each_stream_once),
        cmocka_unit_test(message_above_the_limit_fits_an_empty_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
