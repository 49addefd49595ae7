/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <string.h>

#define T SCRIPT_TSN
#define N SCRIPT_TSN /* the peer's request numbers start with its TSN (RFC 6525 4) */

static void opened(struct script *s)
{
    script_init(s, NULL);
    script_open(s);
    (void)wrd_sctp_next(s->sctp);
}

static void ask(struct script *s, uint16_t type, uint32_t number, uint32_t last, const uint16_t *streams, size_t count)
{
    script_begin(s, s->tag);
    size_t chunk = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s->wr, type);
    wrd_wr32(&s->wr, number);
    wrd_wr32(&s->wr, s->tsn - 1);
    wrd_wr32(&s->wr, last);
    for (size_t i = 0; i < count; i++)
        wrd_wr16(&s->wr, streams[i]);
    wrd_sctp_param_end(&s->wr, param);
    script_chunk_end(s, chunk);
    script_send(s);
    script_collect(s);
}

static void respond(struct script *s, uint32_t number, uint32_t result)
{
    script_begin(s, s->tag);
    size_t chunk = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s->wr, WRD_SCTP_PARAM_RECONFIG_RESPONSE);
    wrd_wr32(&s->wr, number);
    wrd_wr32(&s->wr, result);
    wrd_sctp_param_end(&s->wr, param);
    script_chunk_end(s, chunk);
    script_send(s);
    script_collect(s);
}

static bool find_param(const struct script *s, uint16_t type, struct wrd_sctp_param *param)
{
    struct script_chunk chunk;
    for (unsigned i = 0; script_find(s, WRD_SCTP_RE_CONFIG, i, &chunk); i++) {
        struct wrd_reader params = wrd_rd(chunk.value, chunk.len);
        while (wrd_sctp_param_next(&params, param)) {
            if (param->type == type)
                return true;
        }
    }
    return false;
}

/* The next one told is this, and the last. */
static void assert_told(struct script *s, uint16_t stream, enum wrd_sctp_reset_side side)
{
    uint16_t told;
    enum wrd_sctp_reset_side what;
    assert_true(wrd_sctp_next(s->sctp) & WRD_SCTP_EVENT_RESET);
    assert_true(wrd_sctp_next_reset(s->sctp, &told, &what));
    assert_int_equal(told, stream);
    assert_int_equal(what, side);
    assert_false(wrd_sctp_next_reset(s->sctp, &told, &what));
    assert_int_equal(wrd_sctp_next(s->sctp) & WRD_SCTP_EVENT_RESET, 0);
}

/* We reset `stream`, and what goes out for it is collected. */
static void reset(struct script *s, uint16_t stream)
{
    assert_int_equal(wrd_sctp_reset_stream(s->sctp, stream), WRD_OK);
    script_collect(s);
}

static wrd_result try_to_send(struct script *s, uint16_t stream)
{
    struct wrd_sctp_message message = {.stream = stream, .data = (const uint8_t *)"x", .len = 1};
    return wrd_sctp_send(s->sctp, s->now, &message);
}

static uint32_t answer(const struct script *s, uint32_t number)
{
    struct wrd_sctp_param param;
    assert_true(find_param(s, WRD_SCTP_PARAM_RECONFIG_RESPONSE, &param));
    assert_int_equal(wrd_load32be(param.value.at), number);
    return wrd_load32be(param.value.at + 4);
}

static void channel_closed_by_the_peer_is_told_and_can_be_closed_here_too(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 3, 0, 3, "bye");
    script_say(&s, 3, 100);
    script_collect(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    struct wrd_sctp_param ours;
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &ours)); /* nothing is answered by itself */
    assert_told(&s, 3, WRD_SCTP_RESET_BY_PEER);
    script_hear(&s, "bye");
    script_hear_end(&s, 3);
    reset(&s, 3);
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &ours));
    assert_int_equal(wrd_load32be(ours.value.at), s.tsn);     /* our first request */
    assert_int_equal(wrd_load32be(ours.value.at + 4), N);     /* the peer's last */
    assert_int_equal(wrd_load32be(ours.value.at + 8), s.tsn); /* our last TSN */
    assert_int_equal(wrd_load16be(ours.value.at + 12), 3);
    assert_int_equal(try_to_send(&s, 3), WRD_CLOSED);
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_int_equal(s.sctp->reset.deadline, WRD_NEVER);
    assert_told(&s, 3, WRD_SCTP_RESET_OURS);
    /* Both directions begin again at SSN 0. */
    script_send_data(&s, T + 1, 3, 0, 3, "again");
    script_hear(&s, "again");
    script_say(&s, 3, 1);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(wrd_load16be(data.value + 6), 0);
    script_free(&s);
}

static void reset_waits_for_the_last_tsn(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T + 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_IN_PROGRESS);
    script_send_data(&s, T, 3, 0, 3, "a");
    script_send_data(&s, T + 1, 3, 1, 3, "b");
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T + 1, &stream, 1); /* the same again, as Chrome does */
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    script_free(&s);

    opened(&s);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T, &stream, 1);
    script_send_data(&s, T, 3, 0, 3, "a");
    script_collect(&s);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + 1, T, &stream, 1); /* or with the next number */
    assert_int_equal(answer(&s, N + 1), WRD_SCTP_RESET_PERFORMED);
    script_free(&s);
}

static void repeated_request_is_answered_the_same_and_done_once(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    script_send_data(&s, T, 3, 0, 3, "new life");
    script_hear_end(&s, 3);
    script_hear(&s, "new life");
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    script_send_data(&s, T + 1, 3, 1, 3, "goes on");
    script_hear(&s, "goes on");
    script_free(&s);
}

static void request_out_of_sequence_is_refused(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + 1, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N + 1), WRD_SCTP_RESET_BAD_NUMBER);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N - 1, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N - 1), WRD_SCTP_RESET_BAD_NUMBER);
    script_free(&s);
}

static void other_requests_are_denied(void **state)
{
    static const uint16_t types[] = {WRD_SCTP_PARAM_INCOMING_RESET, WRD_SCTP_PARAM_ASSOCIATION_RESET,
                                     WRD_SCTP_PARAM_ADD_OUTGOING, WRD_SCTP_PARAM_ADD_INCOMING};
    struct script s;
    opened(&s);
    for (uint32_t i = 0; i < 4; i++) {
        ask(&s, types[i], N + i, 0, NULL, 0);
        assert_int_equal(answer(&s, N + i), WRD_SCTP_RESET_DENIED);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);
}

static void our_request_is_repeated_word_for_word_until_answered(void **state)
{
    struct script s;
    opened(&s);
    reset(&s, 3);
    struct wrd_sctp_param param;
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    uint8_t first[64];
    size_t len = param.whole_len;
    memcpy(first, param.whole, len);
    respond(&s, s.tsn, WRD_SCTP_RESET_IN_PROGRESS);
    respond(&s, s.tsn + 1, WRD_SCTP_RESET_PERFORMED); /* not ours */
    uint16_t stream = 4;
    ask(&s, WRD_SCTP_PARAM_INCOMING_RESET, N, 0, &stream, 1); /* meanwhile */
    reset(&s, 5);
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param)); /* it waits for the first */
    for (int i = 0; i < 3; i++) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
        assert_int_equal(param.whole_len, len);
        assert_memory_equal(param.whole, first, len);
        assert_int_equal(try_to_send(&s, 3), WRD_CLOSED);
    }
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_told(&s, 3, WRD_SCTP_RESET_OURS);
    assert_int_equal(try_to_send(&s, 3), WRD_OK);
    script_collect(&s);
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(wrd_load32be(param.value.at), s.tsn + 1);
    assert_int_equal(wrd_load16be(param.value.at + 12), 5);
    script_free(&s);
}

static void our_reset_waits_until_the_stream_is_quiet(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 3, 50000);
    script_collect(&s);
    reset(&s, 3);
    assert_int_equal(try_to_send(&s, 3), WRD_CLOSED);
    struct wrd_sctp_param param;
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    bool asked = false;
    for (int i = 0; i < 10 && !asked; i++) {
        script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
        script_collect(&s);
        asked = find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param);
    }
    assert_true(asked);
    assert_true(wrd_sctp_queue_await_quiet(&s.sctp->queue, 3));
    script_free(&s);
}

static void reset_of_all_streams_covers_those_in_use(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 2, 0, 3, "x");
    script_say(&s, 5, 10);
    script_collect(&s);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T, NULL, 0);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    assert_true(wrd_sctp_next_reset(s.sctp, &stream, &side) && stream == 2 && side == WRD_SCTP_RESET_BY_PEER);
    assert_true(wrd_sctp_next_reset(s.sctp, &stream, &side) && stream == 5 && side == WRD_SCTP_RESET_BY_PEER);
    assert_false(wrd_sctp_next_reset(s.sctp, &stream, &side));
    script_send_data(&s, T + 1, 2, 0, 3, "y");
    script_hear(&s, "x");
    script_hear_end(&s, 2); /* in its place; streams that were not used have none */
    script_hear(&s, "y");
    script_free(&s);
}

static unsigned count_told(struct script *s)
{
    unsigned told = 0;
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    while (wrd_sctp_next_reset(s->sctp, &stream, &side))
        told++;
    return told;
}

/* Sixty such requests fit a packet, and of our streams there may be thousands. */
static void a_reset_of_all_streams_looks_at_ours_only_when_there_are_new_ones(void **state)
{
    struct script s;
    opened(&s);
    for (uint16_t i = 0; i < 50; i++)
        script_say(&s, i, 1);
    for (uint32_t i = 0; i < 3; i++) {
        ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + i, T - 1, NULL, 0);
        assert_int_equal(answer(&s, N + i), WRD_SCTP_RESET_PERFORMED);
        assert_int_equal(count_told(&s), i == 0 ? 50 : 0);
    }
    script_send_data(&s, T, 2, 0, 3, "x");
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + 3, T, NULL, 0);
    assert_told(&s, 2, WRD_SCTP_RESET_BY_PEER);
    script_say(&s, 60, 1);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + 4, T, NULL, 0);
    assert_int_equal(count_told(&s), 51);
    script_free(&s);
}

static void a_reset_of_all_streams_forgets_them(void **state)
{
    struct script s;
    opened(&s);
    for (uint16_t i = 0; i < 100; i++) {
        script_send_data(&s, T + i, i, 0, 3, "x");
        script_hear(&s, "x");
    }
    assert_int_equal(s.sctp->join.order.stream_count, 100);
    for (uint32_t i = 0; i < 2; i++) {
        ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + i, T + 99, NULL, 0);
        assert_int_equal(answer(&s, N + i), WRD_SCTP_RESET_PERFORMED);
        assert_int_equal(s.sctp->join.order.stream_count, 0);
        unsigned told = 0, heard = 0;
        uint16_t stream;
        enum wrd_sctp_reset_side side;
        struct wrd_sctp_message end;
        while (wrd_sctp_next_reset(s.sctp, &stream, &side))
            told++;
        for (; wrd_sctp_peek(s.sctp, &end) && end.ends_stream; heard++)
            wrd_sctp_release(s.sctp, s.now);
        assert_int_equal(told, i == 0 ? 100 : 0);
        assert_int_equal(heard, told);
    }
    script_send_data(&s, T + 100, 7, 0, 3, "y");
    script_hear(&s, "y");
    script_free(&s);
}

static void many_streams_are_reset_in_bounded_requests(void **state)
{
    struct script s;
    opened(&s);
    s.sctp->streams_in = 2000;
    s.sctp->streams_out = 2000;
    for (uint16_t i = 0; i < 400; i++)
        assert_int_equal(wrd_sctp_reset_stream(s.sctp, i), WRD_OK);
    script_collect(&s);
    struct wrd_sctp_param param;
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(param.value.left, 12 + 2 * WRD_SCTP_RESET_STREAMS_MAX);
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    uint16_t told;
    enum wrd_sctp_reset_side side;
    for (uint16_t i = 0; i < WRD_SCTP_RESET_STREAMS_MAX; i++)
        assert_true(wrd_sctp_next_reset(s.sctp, &told, &side) && told == i && side == WRD_SCTP_RESET_OURS);
    assert_false(wrd_sctp_next_reset(s.sctp, &told, &side));
    script_collect(&s);
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(wrd_load32be(param.value.at), s.tsn + 1);
    assert_int_equal(param.value.left, 12 + 2 * (400 - WRD_SCTP_RESET_STREAMS_MAX));
    respond(&s, s.tsn + 1, WRD_SCTP_RESET_DENIED);
    for (uint16_t i = WRD_SCTP_RESET_STREAMS_MAX; i < 400; i++)
        assert_true(wrd_sctp_next_reset(s.sctp, &told, &side) && told == i && side == WRD_SCTP_RESET_REFUSED);
    script_collect(&s);
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(try_to_send(&s, 399), WRD_OK);
    script_free(&s);
}

static void reset_without_memory_is_in_progress(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    s.env.fail_at = s.env.asked + 1;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_IN_PROGRESS);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    script_free(&s);
}

static void reset_with_messages_missing_aborts(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 3, 1, 3, "SSN 0 never came");
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T, &stream, 1);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void reset_that_waited_is_performed_with_the_last_message(void **state)
{
    struct script s;
    opened(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T + 1, &stream, 1);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_IN_PROGRESS);
    script_send_data(&s, T + 1, 3, 1, 3, "b");
    script_collect(&s);
    struct wrd_sctp_param param;
    assert_false(find_param(&s, WRD_SCTP_PARAM_RECONFIG_RESPONSE, &param));
    script_send_data(&s, T, 3, 0, 3, "a");
    script_collect(&s);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED); /* the peer need not ask again */
    assert_told(&s, 3, WRD_SCTP_RESET_BY_PEER);
    script_hear(&s, "a");
    script_hear(&s, "b");
    script_hear_end(&s, 3);
    script_send_data(&s, T + 2, 3, 0, 3, "c");
    script_hear(&s, "c");
    /* The answer was lost: the same again, also under the next number, is done already. */
    for (uint32_t i = 0; i < 2; i++) {
        ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N + i, T + 1, &stream, 1);
        assert_int_equal(answer(&s, N + i), WRD_SCTP_RESET_PERFORMED);
        assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESET, 0);
    }
    script_send_data(&s, T + 3, 3, 1, 3, "d");
    script_hear(&s, "d");
    script_free(&s);
}

static void reset_of_a_stream_that_was_not_agreed_on_is_refused_whole(void **state)
{
    struct script s;
    opened(&s);
    s.sctp->streams_in = 100;
    uint16_t streams[] = {3, 100};
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, streams, 2);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_WRONG_STREAM);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESET, 0);
    script_free(&s);
}

/* usrsctp answers a request that comes before its data with "in progress" and does not look at it again. */
static void reset_is_asked_for_only_when_what_went_before_is_acknowledged(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 3, 10);
    reset(&s, 3);
    assert_false(script_has(&s, WRD_SCTP_RE_CONFIG));
    script_say(&s, 4, 10); /* later, on another stream: nothing to wait for */
    script_collect(&s);
    assert_int_equal(try_to_send(&s, 3), WRD_CLOSED);
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    struct wrd_sctp_param ours;
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &ours));
    assert_int_equal(wrd_load32be(ours.value.at + 8), s.tsn);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESET, 0);
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_told(&s, 3, WRD_SCTP_RESET_OURS);
    assert_int_equal(try_to_send(&s, 3), WRD_OK);
    script_free(&s);
}

static void peer_that_has_a_reset_in_progress_for_ever_is_given_up(void **state)
{
    struct script s;
    opened(&s);
    reset(&s, 3);
    unsigned requests = 0;
    while (script_state(&s) == WRD_SCTP_ESTABLISHED && requests < 1000) {
        respond(&s, s.tsn, WRD_SCTP_RESET_IN_PROGRESS);
        script_wait(&s, s.sctp->reset.deadline - s.now);
        requests++;
    }
    assert_int_equal(requests, WRD_SCTP_RESET_RETRIES + 1);
    const char *text;
    assert_int_equal(wrd_sctp_failure(s.sctp, &text), WRD_LOST);
    assert_string_equal(text, "the peer does not perform a stream reset");
    script_free(&s);
}

static void peer_that_never_answers_a_reset_is_given_up_after_a_minute(void **state)
{
    struct script s;
    opened(&s);
    wrd_time start = s.now;
    reset(&s, 3);
    while (script_state(&s) == WRD_SCTP_ESTABLISHED) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_true(s.now < start + 90 * WRD_SECOND);
    }
    assert_true(s.now > start + 40 * WRD_SECOND);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void reset_is_refused_where_it_cannot_be(void **state)
{
    struct script s;
    opened(&s);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 100), WRD_INVALID);
    s.sctp->peer_reconfig = false;
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_INVALID);
    s.sctp->peer_reconfig = true;
    s.env.fail_at = s.env.asked + 1;
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_NO_MEMORY);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_OK);
    wrd_sctp_shutdown(s.sctp, s.now);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_CLOSED);
    script_free(&s);
}

static void reset_wanted_before_the_peer_is_known_waits_for_it(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_say(&s, 3, 10);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_OK);
    assert_int_equal(try_to_send(&s, 3), WRD_CLOSED);
    script_open(&s);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_RE_CONFIG));
    script_free(&s);
}

static void resets_cost_memory_only_while_they_last(void **state)
{
    struct script s;
    opened(&s);
    size_t before = s.env.live;
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    wrd_sctp_pool_drain(&s.sctp->pool);
    size_t told = s.env.live - before;
    assert_in_range(told, 1, 4500); /* a page of the peer's streams, and a short list */
    assert_told(&s, 3, WRD_SCTP_RESET_BY_PEER);
    before = s.env.live;
    reset(&s, 3);
    assert_in_range(s.env.live - before, 1, 2500); /* a page of ours */
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_told(&s, 3, WRD_SCTP_RESET_OURS);
    assert_null(s.sctp->reset.asked);
    assert_null(s.sctp->reset.wanted.list);
    assert_null(s.sctp->reset.untold.list);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_closed_by_the_peer_is_told_and_can_be_closed_here_too),
        cmocka_unit_test(reset_waits_for_the_last_tsn),
        cmocka_unit_test(repeated_request_is_answered_the_same_and_done_once),
        cmocka_unit_test(request_out_of_sequence_is_refused),
        cmocka_unit_test(other_requests_are_denied),
        cmocka_unit_test(our_request_is_repeated_word_for_word_until_answered),
        cmocka_unit_test(our_reset_waits_until_the_stream_is_quiet),
        cmocka_unit_test(reset_of_all_streams_covers_those_in_use),
        cmocka_unit_test(a_reset_of_all_streams_looks_at_ours_only_when_there_are_new_ones),
        cmocka_unit_test(a_reset_of_all_streams_forgets_them),
        cmocka_unit_test(many_streams_are_reset_in_bounded_requests),
        cmocka_unit_test(reset_without_memory_is_in_progress),
        cmocka_unit_test(reset_with_messages_missing_aborts),
        cmocka_unit_test(reset_that_waited_is_performed_with_the_last_message),
        cmocka_unit_test(reset_of_a_stream_that_was_not_agreed_on_is_refused_whole),
        cmocka_unit_test(reset_is_asked_for_only_when_what_went_before_is_acknowledged),
        cmocka_unit_test(peer_that_has_a_reset_in_progress_for_ever_is_given_up),
        cmocka_unit_test(peer_that_never_answers_a_reset_is_given_up_after_a_minute),
        cmocka_unit_test(reset_is_refused_where_it_cannot_be),
        cmocka_unit_test(reset_wanted_before_the_peer_is_known_waits_for_it),
        cmocka_unit_test(resets_cost_memory_only_while_they_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
