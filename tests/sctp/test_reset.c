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

static uint32_t answer(const struct script *s, uint32_t number)
{
    struct wrd_sctp_param param;
    assert_true(find_param(s, WRD_SCTP_PARAM_RECONFIG_RESPONSE, &param));
    assert_int_equal(wrd_load32be(param.value.at), number);
    return wrd_load32be(param.value.at + 4);
}

static void closing_a_channel_is_answered_told_and_returned(void **state)
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
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &ours));
    assert_int_equal(wrd_load32be(ours.value.at), s.tsn);     /* our first request */
    assert_int_equal(wrd_load32be(ours.value.at + 4), N);     /* the peer's last */
    assert_int_equal(wrd_load32be(ours.value.at + 8), s.tsn); /* our last TSN */
    assert_int_equal(wrd_load16be(ours.value.at + 12), 3);
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESET);
    script_hear(&s, "bye");
    uint16_t told = 0;
    assert_true(wrd_sctp_next_reset(s.sctp, &told, &(enum wrd_sctp_reset_side){0}));
    assert_int_equal(told, 3);
    assert_false(wrd_sctp_next_reset(s.sctp, &told, &(enum wrd_sctp_reset_side){0}));
    script_send_sack(&s, s.tsn, NULL);
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_int_equal(s.sctp->reset.deadline, WRD_NEVER);
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
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    struct wrd_sctp_param param;
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    uint8_t first[64];
    size_t len = param.whole_len;
    memcpy(first, param.whole, len);
    respond(&s, s.tsn, WRD_SCTP_RESET_IN_PROGRESS);
    respond(&s, s.tsn + 1, WRD_SCTP_RESET_PERFORMED); /* not ours */
    stream = 4;
    ask(&s, WRD_SCTP_PARAM_INCOMING_RESET, N + 1, 0, &stream, 1); /* meanwhile */
    script_say(&s, 3, 1);                                         /* waits for the new life of its stream */
    for (int i = 0; i < 3; i++) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
        assert_int_equal(param.whole_len, len);
        assert_memory_equal(param.whole, first, len);
        assert_false(script_has(&s, WRD_SCTP_DATA));
    }
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_free(&s);
}

static void our_reset_waits_until_the_stream_is_quiet(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 3, 50000);
    script_collect(&s);
    uint16_t stream = 3;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, &stream, 1);
    struct wrd_sctp_param param;
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    bool asked = false;
    for (int i = 0; i < 10 && !asked; i++) {
        script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
        script_collect(&s);
        asked = find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param);
    }
    assert_true(asked);
    assert_true(wrd_sctp_queue_quiet(&s.sctp->queue, 3));
    script_free(&s);
}

static void reset_of_all_streams_covers_those_in_use(void **state)
{
    struct script s;
    opened(&s);
    script_send_data(&s, T, 2, 0, 3, "x");
    script_say(&s, 2, 10);
    script_collect(&s);
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T, NULL, 0);
    assert_int_equal(answer(&s, N), WRD_SCTP_RESET_PERFORMED);
    uint16_t stream;
    unsigned count = 0;
    while (wrd_sctp_next_reset(s.sctp, &stream, &(enum wrd_sctp_reset_side){0}))
        count++;
    assert_int_equal(count, 3);
    script_send_data(&s, T + 1, 2, 0, 3, "y");
    script_hear(&s, "x");
    script_hear(&s, "y");
    script_free(&s);
}

static void many_streams_are_reset_in_bounded_requests(void **state)
{
    struct script s;
    opened(&s);
    s.sctp->streams_in = 2000;
    s.sctp->streams_out = 2000;
    uint16_t streams[400];
    for (uint16_t i = 0; i < 400; i++)
        streams[i] = i;
    ask(&s, WRD_SCTP_PARAM_OUTGOING_RESET, N, T - 1, streams, 400);
    struct wrd_sctp_param param;
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(param.value.left, 12 + 2 * WRD_SCTP_RESET_STREAMS_MAX);
    respond(&s, s.tsn, WRD_SCTP_RESET_PERFORMED);
    assert_true(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
    assert_int_equal(wrd_load32be(param.value.at), s.tsn + 1);
    assert_int_equal(param.value.left, 12 + 2 * (400 - WRD_SCTP_RESET_STREAMS_MAX));
    respond(&s, s.tsn + 1, WRD_SCTP_RESET_DENIED);
    assert_false(find_param(&s, WRD_SCTP_PARAM_OUTGOING_RESET, &param));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_a_channel_is_answered_told_and_returned),
        cmocka_unit_test(reset_waits_for_the_last_tsn),
        cmocka_unit_test(repeated_request_is_answered_the_same_and_done_once),
        cmocka_unit_test(request_out_of_sequence_is_refused),
        cmocka_unit_test(other_requests_are_denied),
        cmocka_unit_test(our_request_is_repeated_word_for_word_until_answered),
        cmocka_unit_test(our_reset_waits_until_the_stream_is_quiet),
        cmocka_unit_test(reset_of_all_streams_covers_those_in_use),
        cmocka_unit_test(many_streams_are_reset_in_bounded_requests),
        cmocka_unit_test(reset_without_memory_is_in_progress),
        cmocka_unit_test(reset_with_messages_missing_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
