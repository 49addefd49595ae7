/* SPDX-License-Identifier: MIT */
/* INIT and COOKIE-ECHO when there is an association already: RFC 9260 5.2. */
#include "script.h"

#include <string.h>

#define T SCRIPT_TSN

/* The peer forgot everything and connects as if for the first time. */
static void restart(struct script *s, uint32_t tag, uint32_t tsn)
{
    script_send_init(s, tag, tsn);
    script_echo(s);
    script_send(s);
}

static void send_plain(struct script *s, uint32_t tag, uint8_t type)
{
    script_begin(s, tag);
    script_plain(s, type, 0);
    script_send(s);
}

static void restart_begins_both_directions_anew(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_data(&s, T, 0, 0, 3, "old");
    script_hear(&s, "old");
    script_say(&s, 0, 10);
    script_collect(&s);
    s.now += 1000;
    script_send_sack(&s, s.tsn, NULL);
    assert_true(wrd_sctp_rtt(s.sctp) > 0);
    (void)wrd_sctp_next(s.sctp);
    uint32_t tag = s.tag;
    restart(&s, SCRIPT_TAG + 1, 7000);
    assert_int_not_equal(s.tag, tag);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_int_equal(wrd_sctp_next(s.sctp), WRD_SCTP_EVENT_RESTART);
    assert_int_equal(wrd_sctp_rtt(s.sctp), 0);
    assert_int_equal(s.sctp->errors, 0);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    assert_int_equal(s.out[0].tag, SCRIPT_TAG + 1);
    script_say(&s, 0, 10);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(script_word(&data, 0), s.tsn);
    assert_int_equal(wrd_load16be(data.value + 6), 0); /* SSN */
    script_send_data(&s, 7000, 0, 0, 3, "new");
    script_hear(&s, "new");
    script_begin(&s, tag); /* what was on its way under the old tag is late */
    script_data(&s, T + 1, 0, 1, 3, "late", 4);
    script_send(&s);
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

static void restart_sends_again_what_was_not_acknowledged_from_its_beginning(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 1, 10);
    script_say(&s, 0, 3000); /* in three chunks, the first of which arrives */
    script_say(&s, 0, 20);
    script_say(&s, 2, 30000); /* stays half in the queue */
    script_collect(&s);
    script_send_sack(&s, s.tsn + 1, NULL);
    script_collect(&s);
    restart(&s, SCRIPT_TAG + 1, 7000);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 3000 + 20 + 30000);
    size_t heard[3] = {0};
    uint16_t ssn[3] = {0};
    uint32_t next = s.tsn;
    while (wrd_sctp_buffered(s.sctp) > 0) {
        script_collect(&s);
        struct script_chunk data;
        for (unsigned i = 0; script_find(&s, WRD_SCTP_DATA, i, &data); i++) {
            assert_int_equal(script_word(&data, 0), next);
            next++;
            uint16_t stream = wrd_load16be(data.value + 4);
            assert_true(stream < 3);
            assert_int_equal(wrd_load16be(data.value + 6), ssn[stream]);
            if (data.flags & WRD_SCTP_BEGIN)
                assert_int_equal(heard[stream], stream == 0 && ssn[0] == 1 ? 3000 : 0);
            heard[stream] += data.len - 12;
            if (data.flags & WRD_SCTP_END)
                ssn[stream]++;
        }
        script_send_sack(&s, next - 1, NULL);
    }
    assert_int_equal(heard[0], 3020);
    assert_int_equal(heard[1], 0);
    assert_int_equal(heard[2], 30000);
    script_free(&s);
}

static void restart_keeps_what_is_whole_and_drops_what_is_not(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_data(&s, T, 0, 0, 3, "whole");
    script_send_data(&s, T + 1, 0, 1, 2, "half");
    script_send_data(&s, T + 3, 0, 2, 3, "ahead");
    struct wrd_sctp_message message; /* borrowed over the restart */
    assert_true(wrd_sctp_peek(s.sctp, &message));
    restart(&s, SCRIPT_TAG + 1, T);
    assert_memory_equal(message.data, "whole", 5);
    script_hear(&s, "whole");
    assert_true(script_hears_nothing(&s));
    script_send_data(&s, T, 0, 0, 3, "anew");
    script_hear(&s, "anew");
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

static void restart_counts_a_pending_reset_as_done(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 3, 100);
    script_collect(&s);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_OK);
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_RE_CONFIG));
    script_say(&s, 4, 30000);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 4), WRD_OK); /* not asked for yet: it is, behind the message */
    restart(&s, SCRIPT_TAG + 1, 7000);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESET);
    assert_true(wrd_sctp_next_reset(s.sctp, &stream, &side) && stream == 3 && side == WRD_SCTP_RESET_OURS);
    assert_false(wrd_sctp_next_reset(s.sctp, &stream, &side));
    assert_int_equal(s.sctp->reset.deadline, WRD_NEVER);
    script_say(&s, 3, 1);
    bool asked = false;
    for (int i = 0; i < 20 && !asked; i++) {
        script_collect(&s);
        asked = script_has(&s, WRD_SCTP_RE_CONFIG);
        script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
    }
    assert_true(asked);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void restart_sends_again_what_a_reset_still_waited_for(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 3, 100);
    script_collect(&s);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 3), WRD_OK);
    script_collect(&s);
    assert_false(script_has(&s, WRD_SCTP_RE_CONFIG));
    restart(&s, SCRIPT_TAG + 1, 7000);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(data.len, 12 + 100);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    assert_true(wrd_sctp_next_reset(s.sctp, &stream, &side) && stream == 3 && side == WRD_SCTP_RESET_OURS);
    script_free(&s);
}

static void restart_in_the_middle_of_our_shutdown_delivers_and_shuts_down_again(void **state)
{
    for (int pending = 0; pending < 2; pending++) {
        struct script s;
        script_init(&s, NULL);
        script_open(&s);
        if (pending)
            script_say(&s, 0, 100);
        wrd_sctp_shutdown(s.sctp, s.now);
        script_collect(&s);
        assert_int_equal(script_state(&s), pending ? WRD_SCTP_SHUTDOWN_PENDING : WRD_SCTP_SHUTDOWN_SENT);
        restart(&s, SCRIPT_TAG + 1, 7000);
        script_collect(&s);
        assert_int_equal(script_state(&s), pending ? WRD_SCTP_SHUTDOWN_PENDING : WRD_SCTP_SHUTDOWN_SENT);
        assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
        if (pending) {
            assert_true(script_has(&s, WRD_SCTP_DATA));
            script_send_sack(&s, s.tsn, NULL);
            script_collect(&s);
        }
        assert_true(script_has(&s, WRD_SCTP_SHUTDOWN));
        send_plain(&s, s.tag, WRD_SCTP_SHUTDOWN_ACK);
        assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_OK);
        script_free(&s);
    }
}

static void restart_of_a_peer_that_was_leaving_opens_again(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 0, 100);
    script_collect(&s);
    script_begin(&s, s.tag);
    wrd_sctp_shutdown_write(&s.wr, wrd_tsn(s.tsn - 1));
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_RECEIVED);
    restart(&s, SCRIPT_TAG + 1, 7000);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_free(&s);
}

static void restart_while_the_shutdown_is_acknowledged_is_refused(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_init(&s, SCRIPT_TAG + 1, 7000);
    uint32_t fresh = s.tag;
    script_begin(&s, s.sctp->local_tag);
    wrd_sctp_shutdown_write(&s.wr, wrd_tsn(s.sctp->local_initial.v - 1));
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_ACK_SENT);
    script_collect(&s);
    s.tag = fresh;
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    struct script_chunk error;
    assert_true(script_find(&s, WRD_SCTP_ERROR, 0, &error));
    assert_int_equal(wrd_load16be(error.value), WRD_SCTP_CAUSE_CLOSING);
    assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
    assert_int_equal(s.out[0].tag, SCRIPT_TAG + 1);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_ACK_SENT);
    script_free(&s);
}

static void restart_may_happen_again_and_again(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 0, 5000);
    for (uint32_t i = 1; i < 20; i++) {
        script_collect(&s);
        restart(&s, SCRIPT_TAG + i, 7000 * i);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        assert_int_equal(wrd_sctp_buffered(s.sctp), 5000);
        script_send_data(&s, 7000 * i, 0, 0, 3, "x");
        script_hear(&s, "x");
    }
    script_free(&s);
}

static void restart_survives_any_refused_allocation(void **state)
{
    for (uint64_t n = 1; n < 12; n++) {
        struct script s;
        script_init(&s, NULL);
        script_open(&s);
        script_say(&s, 0, 5000);
        script_send_data(&s, T, 0, 0, 3, "whole");
        script_collect(&s);
        script_send_init(&s, SCRIPT_TAG + 1, 7000);
        s.env.fail_at = s.env.asked + n;
        script_echo(&s);
        script_send(&s);
        script_collect(&s);
        if (script_state(&s) == WRD_SCTP_CLOSED) {
            assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_NO_MEMORY);
            assert_true(script_has(&s, WRD_SCTP_ABORT));
        }
        script_free(&s);
    }
}

static void peer_that_restarts_with_fewer_streams_than_are_used_is_refused(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_say(&s, 50, 100);
    script_begin(&s, 0);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG + 1, .a_rwnd = 5000, .streams_out = 9, .streams_in = 9};
    script_chunk_end(&s, wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT, &init));
    script_send(&s);
    script_take_init_ack(&s);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

/* ---- RFC 9260 5.2.4: what the two tags of a cookie say */

static void case_b_peer_that_changed_its_tag_meanwhile_is_followed(void **state)
{
    /* While our cookie is on its way ... */
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_send_init(&s, SCRIPT_TAG + 1, 7000);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_int_equal(s.sctp->peer_tag, SCRIPT_TAG + 1);
    script_send_data(&s, 7000, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_free(&s);

    /* ... and after it was acknowledged. */
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    s.now += 1000;
    script_send_init(&s, SCRIPT_TAG + 1, 7000);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK);
    assert_int_equal(s.sctp->peer_tag, SCRIPT_TAG);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(s.sctp->peer_tag, SCRIPT_TAG + 1);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    script_send_data(&s, 7000, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_free(&s);
}

static void case_c_cookie_that_knows_the_peer_but_not_us_is_dropped(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    uint32_t tag = s.tag;
    script_send_init(&s, SCRIPT_TAG, T); /* the same peer tag; the cookie has a fresh one of ours, and ties */
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESTART, 0);
    s.tag = tag;
    script_send_data(&s, T, 0, 0, 3, "still here");
    script_hear(&s, "still here");
    script_free(&s);
}

static void case_d_cookie_that_knows_both_is_answered_and_changes_nothing(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_send_init(&s, SCRIPT_TAG, T);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    script_send_data(&s, T, 0, 0, 3, "a");
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    script_hear(&s, "a");
    script_free(&s);
}

static void cookie_tied_to_an_association_that_is_no_more_is_dropped(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_init(&s, SCRIPT_TAG + 1, 7000);
    uint8_t old[256];
    memcpy(old, s.cookie, s.cookie_len);
    uint32_t old_tag = s.tag;
    restart(&s, SCRIPT_TAG + 2, 8000);
    script_collect(&s);
    (void)wrd_sctp_next(s.sctp);
    uint32_t tag = s.tag;
    memcpy(s.cookie, old, s.cookie_len);
    s.tag = old_tag;
    script_echo(&s);
    script_send(&s);
    assert_int_equal(wrd_sctp_next(s.sctp), 0);
    s.tag = tag;
    script_send_data(&s, 8000, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_free(&s);
}

static void stale_cookie_does_not_restart(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_init(&s, SCRIPT_TAG + 1, 7000);
    s.now += WRD_SCTP_COOKIE_LIFETIME + 1;
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    struct script_chunk error;
    assert_true(script_find(&s, WRD_SCTP_ERROR, 0, &error));
    assert_int_equal(wrd_load16be(error.value), WRD_SCTP_CAUSE_STALE_COOKIE);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_RESTART, 0);
    script_free(&s);
}

/* ---- INIT in every state */

static void init_is_answered_in_every_state_as_the_rfc_says(void **state)
{
    for (int at = WRD_SCTP_CLOSED; at <= WRD_SCTP_SHUTDOWN_ACK_SENT; at++) {
        struct script s;
        script_init(&s, NULL);
        if (at == WRD_SCTP_COOKIE_WAIT)
            wrd_sctp_connect(s.sctp, s.now);
        else if (at == WRD_SCTP_COOKIE_ECHOED)
            script_answer_init(&s);
        else if (at > WRD_SCTP_COOKIE_ECHOED)
            script_open(&s);
        if (at == WRD_SCTP_SHUTDOWN_PENDING || at == WRD_SCTP_SHUTDOWN_RECEIVED)
            script_say(&s, 0, 10);
        if (at == WRD_SCTP_SHUTDOWN_PENDING || at == WRD_SCTP_SHUTDOWN_SENT)
            wrd_sctp_shutdown(s.sctp, s.now);
        if (at == WRD_SCTP_SHUTDOWN_RECEIVED || at == WRD_SCTP_SHUTDOWN_ACK_SENT) {
            script_collect(&s);
            script_begin(&s, s.tag);
            wrd_sctp_shutdown_write(&s.wr, wrd_tsn(s.tsn - 1));
            script_send(&s);
        }
        script_collect(&s);
        assert_int_equal(script_state(&s), at);
        uint32_t tag = s.sctp->local_tag;
        s.tag = 0;
        script_send_init(&s, SCRIPT_TAG + 1, 7000);
        assert_int_equal(script_state(&s), at);
        if (at == WRD_SCTP_SHUTDOWN_ACK_SENT) { /* RFC 9260 9.2 */
            assert_true(script_has(&s, WRD_SCTP_SHUTDOWN_ACK));
            assert_int_equal(s.tag, 0);
        } else {
            assert_true(script_has(&s, WRD_SCTP_INIT_ACK));
            assert_int_equal(s.out[0].tag, SCRIPT_TAG + 1);
            assert_int_equal(s.tag == tag, at <= WRD_SCTP_COOKIE_ECHOED); /* 5.2.1, 5.2.2 */
        }
        script_free(&s);
    }
}

static void same_init_twice_is_answered_twice_and_either_answer_goes(void **state)
{
    for (int use_first = 0; use_first < 2; use_first++) {
        struct script s;
        script_init(&s, NULL);
        script_send_init(&s, SCRIPT_TAG, T);
        uint8_t first[256];
        memcpy(first, s.cookie, s.cookie_len);
        s.now += 1000;
        script_send_init(&s, SCRIPT_TAG, T);
        assert_memory_not_equal(s.cookie, first, s.cookie_len);
        if (use_first)
            memcpy(s.cookie, first, s.cookie_len);
        script_echo(&s);
        script_send(&s);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        script_send_data(&s, T, 0, 0, 3, "a");
        script_hear(&s, "a");
        script_free(&s);
    }
}

static void second_init_ack_is_ignored(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_begin(&s, s.tag);
    script_init_chunk(&s, WRD_SCTP_INIT_ACK, SCRIPT_TAG + 1, 7000);
    script_send(&s);
    assert_int_equal(s.sctp->peer_tag, SCRIPT_TAG);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK);
    script_send_data(&s, T, 0, 0, 3, "a");
    script_hear(&s, "a");
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_begins_both_directions_anew),
        cmocka_unit_test(restart_sends_again_what_was_not_acknowledged_from_its_beginning),
        cmocka_unit_test(restart_keeps_what_is_whole_and_drops_what_is_not),
        cmocka_unit_test(restart_counts_a_pending_reset_as_done),
        cmocka_unit_test(restart_sends_again_what_a_reset_still_waited_for),
        cmocka_unit_test(restart_in_the_middle_of_our_shutdown_delivers_and_shuts_down_again),
        cmocka_unit_test(restart_of_a_peer_that_was_leaving_opens_again),
        cmocka_unit_test(restart_while_the_shutdown_is_acknowledged_is_refused),
        cmocka_unit_test(restart_may_happen_again_and_again),
        cmocka_unit_test(restart_survives_any_refused_allocation),
        cmocka_unit_test(peer_that_restarts_with_fewer_streams_than_are_used_is_refused),
        cmocka_unit_test(case_b_peer_that_changed_its_tag_meanwhile_is_followed),
        cmocka_unit_test(case_c_cookie_that_knows_the_peer_but_not_us_is_dropped),
        cmocka_unit_test(case_d_cookie_that_knows_both_is_answered_and_changes_nothing),
        cmocka_unit_test(cookie_tied_to_an_association_that_is_no_more_is_dropped),
        cmocka_unit_test(stale_cookie_does_not_restart),
        cmocka_unit_test(init_is_answered_in_every_state_as_the_rfc_says),
        cmocka_unit_test(same_init_twice_is_answered_twice_and_either_answer_goes),
        cmocka_unit_test(second_init_ack_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
