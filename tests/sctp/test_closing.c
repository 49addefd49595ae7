/* SPDX-License-Identifier: MIT */
/* How associations end: what goes over the wire, and what the application is told. */
#include "script.h"

#include <string.h>

#define T SCRIPT_TSN

static void opened(struct script *s)
{
    script_init(s, NULL);
    script_open(s);
    (void)wrd_sctp_next(s->sctp);
}

static void send_shutdown(struct script *s, uint32_t cumulative)
{
    script_begin(s, s->tag);
    wrd_sctp_shutdown_write(&s->wr, wrd_tsn(cumulative));
    script_send(s);
}

static void assert_ended(struct script *s, wrd_result reason, const char *text)
{
    const char *said;
    assert_int_equal(script_state(s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s->sctp, &said), reason);
    assert_string_equal(said, text);
}

static void abort_of_the_peer_is_told_by_its_cause(void **state)
{
    const struct {
        uint16_t cause;
        wrd_result reason;
        const char *word;
    } cases[] = {{WRD_SCTP_CAUSE_USER_ABORT, WRD_CLOSED, "closed by the peer"},
                 {WRD_SCTP_CAUSE_PROTOCOL, WRD_PROTOCOL, "protocol violation"},
                 {WRD_SCTP_CAUSE_OUT_OF_RESOURCE, WRD_PROTOCOL, "memory"},
                 {WRD_SCTP_CAUSE_NO_USER_DATA, WRD_PROTOCOL, "without data"},
                 {999, WRD_PROTOCOL, "not known"}};
    for (size_t i = 0; i < 5; i++) {
        struct script s;
        opened(&s);
        script_begin(&s, s.tag);
        wrd_sctp_abort_write(&s.wr, 0, cases[i].cause, "why", 3);
        script_send(&s);
        const char *text;
        assert_int_equal(wrd_sctp_failure(s.sctp, &text), cases[i].reason);
        assert_non_null(strstr(text, cases[i].word));
        script_collect(&s);
        assert_int_equal(s.out_count, 0); /* an ABORT is never answered */
        script_free(&s);
    }
}

static void our_abort_names_the_cause_and_what_it_is_about(void **state)
{
    struct script s;
    opened(&s);
    script_begin(&s, s.tag);
    script_data(&s, 0x01020304, 0, 0, 3, "", 0);
    script_send(&s);
    assert_ended(&s, WRD_PROTOCOL, "the peer sent DATA without data");
    script_collect(&s);
    struct script_chunk chunk;
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &chunk));
    static const uint8_t expected[] = {0, WRD_SCTP_CAUSE_NO_USER_DATA, 0, 8, 1, 2, 3, 4};
    assert_int_equal(chunk.len, sizeof expected);
    assert_memory_equal(chunk.value, expected, sizeof expected);
    assert_int_equal(chunk.flags, 0);
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    script_free(&s);

    opened(&s);
    script_begin(&s, s.tag);
    size_t start = script_chunk(&s, WRD_SCTP_I_DATA, 3);
    wrd_wr_bytes(&s.wr, "0123456789012345678901", 22);
    script_chunk_end(&s, start);
    script_send(&s);
    script_collect(&s);
    const char *text;
    assert_int_equal(wrd_sctp_failure(s.sctp, &text), WRD_PROTOCOL);
    assert_true(script_find(&s, WRD_SCTP_ABORT, 0, &chunk));
    assert_int_equal(wrd_load16be(chunk.value), WRD_SCTP_CAUSE_PROTOCOL);
    assert_int_equal(wrd_load16be(chunk.value + 2), 4 + strlen(text));
    assert_memory_equal(chunk.value + 4, text, strlen(text)); /* the peer can tell its application */
    script_free(&s);
}

static void init_ack_that_cannot_be_used_is_aborted_with_its_cause(void **state)
{
    static uint8_t cookie[WRD_SCTP_COOKIE_MAX + 1];
    const struct {
        uint32_t tag;
        uint16_t streams;
        size_t cookie;
        uint16_t cause; /* 0: no ABORT */
        const char *text;
    } cases[] = {{0, 1, 3, 0, "the peer's INIT-ACK has no tag"},
                 {SCRIPT_TAG, 0, 3, WRD_SCTP_CAUSE_INVALID_PARAMETER, "the peer's INIT-ACK has no streams"},
                 {SCRIPT_TAG, 1, 0, WRD_SCTP_CAUSE_MISSING_PARAMETER, "the peer's INIT-ACK has no cookie"},
                 {SCRIPT_TAG, 1, sizeof cookie, WRD_SCTP_CAUSE_OUT_OF_RESOURCE, "the peer's cookie is too large"}};
    for (size_t i = 0; i < 4; i++) {
        struct script s;
        script_init(&s, NULL);
        wrd_sctp_connect(s.sctp, s.now);
        script_collect(&s);
        struct script_chunk chunk;
        assert_true(script_find(&s, WRD_SCTP_INIT, 0, &chunk));
        script_begin(&s, script_word(&chunk, 0));
        struct wrd_sctp_init ack = {
            .tag = cases[i].tag, .a_rwnd = 5000, .streams_out = cases[i].streams, .streams_in = cases[i].streams};
        size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT_ACK, &ack);
        if (cases[i].cookie)
            wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_STATE_COOKIE, cookie, cases[i].cookie);
        script_chunk_end(&s, start);
        script_send(&s);
        assert_ended(&s, WRD_PROTOCOL, cases[i].text);
        script_collect(&s);
        assert_int_equal(script_find(&s, WRD_SCTP_ABORT, 0, &chunk), cases[i].cause != 0);
        if (cases[i].cause) {
            assert_int_equal(wrd_load16be(chunk.value), cases[i].cause);
            assert_int_equal(s.out[0].tag, SCRIPT_TAG);
        }
        script_free(&s);
    }
}

static void shutdown_that_was_overtaken_by_a_sack_still_counts(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 0, 10);
    script_say(&s, 0, 10);
    script_collect(&s);
    script_send_sack(&s, s.tsn + 1, NULL);
    send_shutdown(&s, s.tsn);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_ACK_SENT);
    script_free(&s);
}

static void shutdown_that_acknowledges_what_was_never_sent_is_ignored(void **state)
{
    struct script s;
    opened(&s);
    send_shutdown(&s, s.tsn + 100);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);
}

static void peer_that_keeps_sending_cannot_hold_up_the_shutdown_for_ever(void **state)
{
    struct script s;
    opened(&s);
    wrd_sctp_shutdown(s.sctp, s.now);
    script_collect(&s);
    wrd_time start = s.now;
    uint32_t i = 0;
    while (script_state(&s) == WRD_SCTP_SHUTDOWN_SENT) {
        script_send_data(&s, T + i, 0, (uint16_t)i, 3, "and another thing");
        script_hear(&s, "and another thing");
        script_wait(&s, 300 * WRD_MILLISECOND);
        i++;
        assert_true(s.now < start + WRD_SCTP_SHUTDOWN_GUARD + WRD_SECOND);
    }
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    assert_ended(&s, WRD_LOST, "the peer never comes to the end of the shutdown");
    script_free(&s);
}

static void data_after_the_peers_shutdown_is_dropped(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 0, 10);
    script_collect(&s);
    send_shutdown(&s, s.tsn - 1);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_RECEIVED);
    script_send_data(&s, T, 0, 0, 3, "after all");
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abort_of_the_peer_is_told_by_its_cause),
        cmocka_unit_test(our_abort_names_the_cause_and_what_it_is_about),
        cmocka_unit_test(init_ack_that_cannot_be_used_is_aborted_with_its_cause),
        cmocka_unit_test(shutdown_that_was_overtaken_by_a_sack_still_counts),
        cmocka_unit_test(shutdown_that_acknowledges_what_was_never_sent_is_ignored),
        cmocka_unit_test(peer_that_keeps_sending_cannot_hold_up_the_shutdown_for_ever),
        cmocka_unit_test(data_after_the_peers_shutdown_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
