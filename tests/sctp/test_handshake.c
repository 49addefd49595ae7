/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <string.h>

static void init_announces_what_firefox_demands(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk init;
    assert_int_equal(s.out_count, 1);
    assert_int_equal(s.out[0].tag, 0);
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    assert_int_equal(script_word(&init, 4), 1 << 20);
    assert_int_equal(script_word(&init, 8), 0xffffffff); /* 65535 streams each way */
    static const uint8_t params[] = {0xc0, 0x00, 0x00, 0x04, 0x80, 0x08, 0x00, 0x08, 0x82, 0xc0, 0x40, 0xc2};
    assert_true(init.len >= 16 + sizeof params);
    assert_memory_equal(init.value + 16, params, sizeof params);
    script_free(&s);
}

static void init_alone_leaves_no_state(void **state)
{
    struct script s;
    script_init(&s, NULL);
    size_t before = s.env.live;
    for (uint32_t i = 1; i < 100; i++)
        script_send_init(&s, i, i);
    assert_int_equal(s.env.live, before);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_false(s.sctp->begun);
    assert_int_equal(wrd_sctp_deadline(s.sctp), WRD_NEVER);
    script_free(&s);
}

static void init_is_taken_only_alone_and_with_tag_zero(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_begin(&s, 1);
    script_init_chunk(&s, WRD_SCTP_INIT, SCRIPT_TAG, 1);
    script_send(&s);
    script_begin(&s, 0);
    script_init_chunk(&s, WRD_SCTP_INIT, SCRIPT_TAG, 1);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_send(&s);
    script_begin(&s, 0);
    script_init_chunk(&s, WRD_SCTP_INIT, 0, 1);
    script_send(&s);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void init_without_streams_is_aborted(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_begin(&s, 0);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG, .a_rwnd = 5000, .streams_out = 0, .streams_in = 1};
    script_chunk_end(&s, wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT, &init));
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    script_free(&s);
}

static void unknown_init_parameters_follow_their_top_bits(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_begin(&s, 0);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG, .a_rwnd = 5000, .streams_out = 9, .streams_in = 9};
    size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT, &init);
    wrd_sctp_param_write(&s.wr, 0x8999, "skip", 4);
    wrd_sctp_param_write(&s.wr, 0xc999, "skip and report", 15);
    wrd_sctp_param_write(&s.wr, 0x4999, "stop and report", 15);
    wrd_sctp_param_write(&s.wr, 0xc998, "not read", 8);
    script_chunk_end(&s, start);
    script_send(&s);
    script_collect(&s);
    struct script_chunk ack;
    assert_true(script_find(&s, WRD_SCTP_INIT_ACK, 0, &ack));
    struct wrd_reader params = wrd_rd(ack.value + 16, ack.len - 16);
    struct wrd_sctp_param param;
    uint16_t reported[4];
    unsigned count = 0;
    while (wrd_sctp_param_next(&params, &param)) {
        if (param.type == WRD_SCTP_PARAM_UNRECOGNIZED)
            reported[count++] = wrd_load16be(param.value.at);
    }
    assert_int_equal(count, 2);
    assert_int_equal(reported[0], 0xc999);
    assert_int_equal(reported[1], 0x4999);
    script_free(&s);
}

static void forged_or_altered_cookie_is_ignored(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    for (size_t i = 0; i < s.cookie_len; i++) {
        s.cookie[i] ^= 1;
        script_echo(&s);
        script_send(&s);
        s.cookie[i] ^= 1;
        assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    }
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    s.tag++; /* the packet's tag must be the cookie's */
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void cookie_older_than_its_lifetime_is_stale(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    s.now += WRD_SCTP_COOKIE_LIFETIME + 1;
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    struct script_chunk error;
    assert_true(script_find(&s, WRD_SCTP_ERROR, 0, &error));
    assert_int_equal(wrd_load16be(error.value), WRD_SCTP_CAUSE_STALE_COOKIE);
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void stale_cookie_error_starts_the_handshake_again(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_begin(&s, s.tag);
    size_t start = script_chunk(&s, WRD_SCTP_ERROR, 0);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_CAUSE_STALE_COOKIE, "\0\0\0\1", 4);
    script_chunk_end(&s, start);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_INIT));
    script_free(&s);
}

static void data_bundled_with_cookie_echo_is_taken(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(&s);
    script_data(&s, SCRIPT_TSN, 0, 0, 3, "early", 5);
    script_send(&s);
    script_hear(&s, "early");
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_int_equal(s.out[0].bytes[WRD_SCTP_HEADER_SIZE], WRD_SCTP_COOKIE_ACK);
    assert_true(script_has(&s, WRD_SCTP_SACK));
    script_free(&s);
}

static void data_is_bundled_with_our_cookie_echo_and_nothing_else_goes_before_cookie_ack(void **state)
{
    struct script s;
    script_init(&s, NULL);
    for (int i = 0; i < 40; i++)
        script_say(&s, 0, 1000);
    script_answer_init(&s);
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_int_equal(s.out[0].bytes[WRD_SCTP_HEADER_SIZE], WRD_SCTP_COOKIE_ECHO);
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    script_say(&s, 0, 10);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void cookie_echo_is_repeated_with_its_data_until_answered(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_say(&s, 0, 100);
    script_answer_init(&s);
    script_collect(&s);
    for (int i = 0; i < 3; i++) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_int_equal(script_count(&s, WRD_SCTP_COOKIE_ECHO), 1);
        struct script_chunk data;
        assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
        assert_int_equal(script_word(&data, 0), s.tsn);
    }
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_sack(&s, s.tsn, s.rwnd, NULL);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void cookie_ack_releases_what_was_queued(void **state)
{
    struct script s;
    script_init(&s, NULL);
    for (int i = 0; i < 3; i++)
        script_say(&s, 0, 1000);
    script_answer_init(&s);
    script_collect(&s);
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_send(&s);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 2);
    assert_true(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_OPEN);
    script_free(&s);
}

static void data_before_established_is_dropped_without_sack(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "too early");
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    assert_true(script_hears_nothing(&s));
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_send(&s);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "in time");
    script_hear(&s, "in time");
    script_free(&s);
}

static void lost_cookie_ack_is_sent_again_for_the_same_cookie(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "one");
    script_echo(&s);
    script_data(&s, SCRIPT_TSN, 0, 0, 3, "one", 3);
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    script_hear(&s, "one");
    assert_true(script_hears_nothing(&s));
    /* Even when it is past its lifetime (RFC 9260 5.2.4). */
    s.now += 2 * WRD_SCTP_COOKIE_LIFETIME;
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    script_free(&s);
}

static void init_collision_answers_with_the_same_tag_and_tsn(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk init;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    uint32_t tag = script_word(&init, 0), tsn = script_word(&init, 12);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    assert_int_equal(s.tag, tag);
    assert_int_equal(s.tsn, tsn);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
    assert_false(script_has(&s, WRD_SCTP_INIT));
    script_free(&s);
}

static void init_in_cookie_echoed_answers_with_the_same_tag_too(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_say(&s, 0, 10);
    script_answer_init(&s);
    script_collect(&s);
    uint32_t tag = s.tag, tsn = s.tsn;
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    assert_int_equal(s.tag, tag);
    assert_int_equal(s.tsn, tsn);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_send_sack(&s, s.tsn, NULL);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void duplicate_init_while_established_changes_nothing(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    uint32_t tag = s.tag;
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    assert_int_not_equal(s.tag, tag); /* a fresh one, tied to the old by the cookie */
    s.tag = tag;
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "still here");
    script_hear(&s, "still here");
    script_free(&s);
}

static void late_cookie_of_another_attempt_is_discarded(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG + 1, SCRIPT_TSN); /* a first try of the peer's */
    uint8_t old[256];
    memcpy(old, s.cookie, s.cookie_len);
    script_open(&s);
    memcpy(s.cookie, old, s.cookie_len);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void init_is_repeated_and_then_given_up(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_wait(&s, 10 * WRD_SECOND);
    assert_in_range(script_count(&s, WRD_SCTP_INIT), 4, 6);
    script_wait(&s, 100 * WRD_SECOND);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void cookie_echo_is_given_up_in_the_end(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_wait(&s, 100 * WRD_SECOND);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void init_ack_with_a_wrong_tag_or_in_another_state_is_ignored(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_begin(&s, 12345);
    script_init_chunk(&s, WRD_SCTP_INIT_ACK, SCRIPT_TAG, 1);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_free(&s);

    script_init(&s, NULL);
    script_open(&s);
    script_begin(&s, s.tag);
    script_init_chunk(&s, WRD_SCTP_INIT_ACK, SCRIPT_TAG + 9, 1);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    assert_int_equal(s.sctp->peer_tag, SCRIPT_TAG);
    script_free(&s);
}

static void init_ack_without_cookie_ends_it(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk init;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    script_begin(&s, script_word(&init, 0));
    struct wrd_sctp_init ack = {.tag = SCRIPT_TAG, .a_rwnd = 5000, .streams_out = 1, .streams_in = 1};
    script_chunk_end(&s, wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT_ACK, &ack));
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
    script_free(&s);
}

static void streams_are_the_smaller_of_both_wishes(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s); /* the peer wants 100 */
    struct wrd_sctp_message message = {.stream = 100, .data = (const uint8_t *)"x", .len = 1};
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_INVALID);
    message.stream = 99;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK);
    script_free(&s);
}

static void message_queued_on_a_stream_the_peer_does_not_take_ends_it(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_say(&s, 200, 1);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_PROTOCOL);
    script_free(&s);
}

static void shutdown_while_connecting_waits_for_the_association(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_say(&s, 0, 10);
    script_answer_init(&s);
    wrd_sctp_shutdown(s.sctp, s.now);
    script_collect(&s);
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_PENDING);
    script_send_sack(&s, s.tsn, NULL);
    assert_int_equal(script_state(&s), WRD_SCTP_SHUTDOWN_SENT);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_announces_what_firefox_demands),
        cmocka_unit_test(init_alone_leaves_no_state),
        cmocka_unit_test(init_is_taken_only_alone_and_with_tag_zero),
        cmocka_unit_test(init_without_streams_is_aborted),
        cmocka_unit_test(unknown_init_parameters_follow_their_top_bits),
        cmocka_unit_test(forged_or_altered_cookie_is_ignored),
        cmocka_unit_test(cookie_older_than_its_lifetime_is_stale),
        cmocka_unit_test(stale_cookie_error_starts_the_handshake_again),
        cmocka_unit_test(data_bundled_with_cookie_echo_is_taken),
        cmocka_unit_test(data_is_bundled_with_our_cookie_echo_and_nothing_else_goes_before_cookie_ack),
        cmocka_unit_test(cookie_echo_is_repeated_with_its_data_until_answered),
        cmocka_unit_test(cookie_ack_releases_what_was_queued),
        cmocka_unit_test(data_before_established_is_dropped_without_sack),
        cmocka_unit_test(lost_cookie_ack_is_sent_again_for_the_same_cookie),
        cmocka_unit_test(init_collision_answers_with_the_same_tag_and_tsn),
        cmocka_unit_test(init_in_cookie_echoed_answers_with_the_same_tag_too),
        cmocka_unit_test(duplicate_init_while_established_changes_nothing),
        cmocka_unit_test(late_cookie_of_another_attempt_is_discarded),
        cmocka_unit_test(init_is_repeated_and_then_given_up),
        cmocka_unit_test(cookie_echo_is_given_up_in_the_end),
        cmocka_unit_test(init_ack_with_a_wrong_tag_or_in_another_state_is_ignored),
        cmocka_unit_test(init_ack_without_cookie_ends_it),
        cmocka_unit_test(streams_are_the_smaller_of_both_wishes),
        cmocka_unit_test(message_queued_on_a_stream_the_peer_does_not_take_ends_it),
        cmocka_unit_test(shutdown_while_connecting_waits_for_the_association),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
