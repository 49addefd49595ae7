/* SPDX-License-Identifier: MIT */
/* What two live ends must do together; docs/TESTS-SCTP.md maps the whole checklist. */
#include "script.h"

#include <stdlib.h>
#include <string.h>

static void open_lab(struct lab *lab, const struct wrd_sctp_options *options)
{
    lab_init(lab, 3, options);
    wrd_sctp_connect(lab->ends[0].sctp, lab->now);
    lab_open(lab);
    lab_run(lab, WRD_SECOND);
}

/* ---- connect */

static void each_of_two_init_acks_may_be_continued(void **state)
{
    for (int kept = 0; kept < 2; kept++) {
        struct script s;
        uint8_t first[256];
        script_init(&s, NULL);
        script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
        size_t first_len = s.cookie_len;
        memcpy(first, s.cookie, first_len);
        s.now += 2 * WRD_SECOND;
        script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
        if (kept == 0) {
            memcpy(s.cookie, first, first_len);
            s.cookie_len = first_len;
        }
        script_echo(&s);
        script_send(&s);
        assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
        script_collect(&s);
        assert_true(script_has(&s, WRD_SCTP_COOKIE_ACK));
        script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "here");
        script_hear(&s, "here");
        script_free(&s);
    }
}

static void tags_and_first_tsns_differ_from_one_association_to_the_next(void **state)
{
    uint32_t tags[32], tsns[32];
    struct lab_env env;
    lab_env_init(&env, 5);
    for (int i = 0; i < 32; i++) {
        struct wrd_sctp *sctp = wrd_sctp_new(NULL, &env.env);
        tags[i] = sctp->local_tag;
        tsns[i] = sctp->local_initial.v;
        assert_int_not_equal(tags[i], 0);
        for (int j = 0; j < i; j++)
            assert_true(tags[i] != tags[j] && tsns[i] != tsns[j]);
        wrd_sctp_free(sctp);
    }
}

static void shutdown_while_connecting_still_delivers_what_was_sent(void **state)
{
    struct lab lab;
    lab_init(&lab, 3, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    assert_int_equal(lab_send(&lab, 0, 1, false, "last words", 10), WRD_OK);
    wrd_sctp_shutdown(lab.ends[0].sctp, lab.now);
    lab_run(&lab, 10 * WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 1);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_state(lab.ends[1].sctp), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(lab.ends[0].sctp, NULL), WRD_OK);
    assert_int_equal(wrd_sctp_failure(lab.ends[1].sctp, NULL), WRD_CLOSED);
    lab_free(&lab);
}

/* ---- a peer that starts over */

/* End 0 forgets everything and connects again; what was under way is lost. */
static void start_over(struct lab *lab)
{
    struct lab_end *end = &lab->ends[0];
    wrd_sctp_free(end->sctp);
    end->sctp = wrd_sctp_new(NULL, &end->env.env);
    assert_non_null(end->sctp);
    while (lab->transit.count > 0)
        free(transit_take(&lab->transit));
    wrd_sctp_connect(end->sctp, lab->now);
}

static void peer_that_starts_over_is_told_what_was_pending_for_it(void **state)
{
    for (int resets = 0; resets < 2; resets++) {
        struct lab lab;
        open_lab(&lab, NULL);
        lab.ends[1].out.loss = 1;
        for (int i = 0; i < 20; i++)
            assert_int_equal(lab_send(&lab, 1, (uint16_t)(i % 3), i % 2, "pending", 7), WRD_OK);
        if (resets)
            assert_int_equal(wrd_sctp_reset_stream(lab.ends[1].sctp, 1), WRD_OK);
        lab_run(&lab, 200 * WRD_MILLISECOND);
        lab.ends[1].out.loss = 0;
        start_over(&lab);
        lab_run(&lab, 10 * WRD_SECOND);
        assert_true(lab.ends[1].events & WRD_SCTP_EVENT_RESTART);
        assert_int_equal(lab.ends[0].heard, 20);
        assert_int_equal(lab_send(&lab, 0, 5, false, "anew", 4), WRD_OK);
        assert_int_equal(lab_send(&lab, 1, 1, false, "too", 3), WRD_OK);
        lab_run(&lab, WRD_SECOND);
        assert_int_equal(lab.ends[0].heard, 21);
        assert_int_equal(lab.ends[1].heard, 1);
        lab_free(&lab);
    }
}

/* ---- data */

static void large_message_survives_the_loss_of_any_of_its_first_packets(void **state)
{
    static uint8_t bytes[100000];
    for (int lost = 0; lost < 12; lost++) {
        struct lab lab;
        open_lab(&lab, NULL);
        wrd_time start = lab.now;
        lab.ends[0].line.sent = 0;
        lab.ends[0].out.loss_mask = (uint64_t)1 << lost;
        assert_int_equal(lab_send(&lab, 0, 0, false, bytes, sizeof bytes), WRD_OK);
        wrd_time until = lab.now + 10 * WRD_SECOND;
        while (lab.ends[1].heard == 0)
            assert_true(lab_step(&lab, until));
        assert_int_equal(lab.ends[0].line.lost, 1);
        assert_int_equal(lab.ends[1].heard_bytes, sizeof bytes);
        assert_true(lab.now - start < 500 * WRD_MILLISECOND);
        lab_free(&lab);
    }
}

/* Message "n" on the stream; the first is lost. What is heard before it comes again. */
static void loss_holds_back_only_what_is_in_order_on_its_stream(void **state)
{
    struct lab lab;
    open_lab(&lab, NULL);
    lab.ends[0].line.sent = 0;
    lab.ends[0].out.loss_mask = 1;
    assert_int_equal(lab_send(&lab, 0, 1, false, "first", 5), WRD_OK);
    lab_pump(&lab, 0);
    assert_int_equal(lab_send(&lab, 0, 1, false, "behind it", 9), WRD_OK);
    assert_int_equal(lab_send(&lab, 0, 1, true, "unordered", 9), WRD_OK);
    assert_int_equal(lab_send(&lab, 0, 2, false, "elsewhere", 9), WRD_OK);
    lab_pump(&lab, 0);
    lab_run(&lab, 15 * WRD_MILLISECOND);
    assert_int_equal(lab.ends[1].heard, 2);
    lab_run(&lab, 2 * WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 4);
    lab_free(&lab);
}

static void most_streams_at_once_carry_one_message_each(void **state)
{
    struct lab lab;
    struct wrd_sctp_options options = {.send_limit = (size_t)16 << 20, .receive_window = (size_t)16 << 20};
    open_lab(&lab, &options);
    for (uint32_t i = 0; i < 65535; i++)
        assert_int_equal(lab_send(&lab, 0, (uint16_t)i, false, "x", 1), WRD_OK);
    wrd_time until = lab.now + 60 * WRD_SECOND;
    while (lab.ends[1].heard < 65535)
        assert_true(lab_step(&lab, until));
    lab_free(&lab);
}

/* ---- partial reliability */

static void limited_messages_vanish_whole_and_the_rest_arrives(void **state)
{
    struct lab lab;
    lab_init(&lab, 3, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    lab.ends[0].out.loss = lab.ends[1].out.loss = 0.1;
    lab.ends[0].traffic =
        (struct lab_traffic){.messages = 2000, .size_max = 5000, .streams = 4, .unordered = 300, .limited = 500};
    assert_true(lab_deliver(&lab, 600 * WRD_SECOND));
    unsigned given_up = lab.ends[0].traffic.sent - lab.ends[1].heard;
    assert_in_range(given_up, 20, 900);
    lab_free(&lab);
}

/* ---- streams */

static void closing_two_of_three_streams_leaves_the_third_alone(void **state)
{
    struct lab lab;
    open_lab(&lab, NULL);
    for (uint16_t stream = 1; stream <= 3; stream++)
        assert_int_equal(lab_send(&lab, 0, stream, false, "hello", 5), WRD_OK);
    assert_int_equal(wrd_sctp_reset_stream(lab.ends[0].sctp, 1), WRD_OK);
    assert_int_equal(wrd_sctp_reset_stream(lab.ends[0].sctp, 3), WRD_OK);
    assert_int_equal(lab_send(&lab, 0, 1, false, "no", 2), WRD_CLOSED);
    assert_int_equal(lab_send(&lab, 0, 2, false, "still", 5), WRD_OK);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 4);
    for (uint16_t stream = 1; stream <= 3; stream++)
        assert_int_equal(lab_send(&lab, 0, stream, false, "again", 5), WRD_OK);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 7);
    assert_true(lab.ends[0].events & lab.ends[1].events & WRD_SCTP_EVENT_RESET);
    lab_free(&lab);
}

/* 1 Mbit/s for ten seconds with more to say than fits; how much more of `high` came. */
static double favour(bool interleaving, uint16_t low, uint16_t high)
{
    static uint8_t bytes[20000];
    struct lab lab;
    struct wrd_sctp_options options = {.no_interleaving = !interleaving, .send_limit = (size_t)8 << 20};
    size_t heard[2] = {0};
    open_lab(&lab, &options);
    lab.ends[0].out.rate_bps = 1000000;
    lab.ends[0].out.queue_bytes = 20000;
    lab.ends[1].reading = false;
    assert_int_equal(wrd_sctp_set_priority(lab.ends[0].sctp, 0, low), WRD_OK);
    assert_int_equal(wrd_sctp_set_priority(lab.ends[0].sctp, 1, high), WRD_OK);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(lab_send(&lab, 0, 0, false, bytes, sizeof bytes), WRD_OK);
        assert_int_equal(lab_send(&lab, 0, 1, false, bytes, sizeof bytes), WRD_OK);
    }
    wrd_time until = lab.now + 10 * WRD_SECOND;
    while (lab_step(&lab, until)) {
        struct wrd_sctp_message message;
        while (wrd_sctp_peek(lab.ends[1].sctp, &message)) {
            heard[message.stream] += message.len;
            wrd_sctp_release(lab.ends[1].sctp, lab.now);
        }
    }
    lab_free(&lab);
    assert_true(heard[0] > 100000);
    return (double)heard[1] / (double)heard[0];
}

static void line_is_shared_by_priority(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        double even = favour(interleaving, 256, 256), four = favour(interleaving, 256, 1024);
        assert_true(even > 0.85 && even < 1.18);
        assert_true(four > 3 && four < 5);
    }
}

static void priority_changed_amid_messages_counts_from_then_on(void **state)
{
    static uint8_t large[4000000]; /* more than three seconds */
    struct lab lab;
    /* So that the large message is less than half of the window: of others only whole chunks pass a larger one. */
    struct wrd_sctp_options options = {.send_limit = (size_t)8 << 20, .receive_window = (size_t)16 << 20};
    open_lab(&lab, &options);
    lab.ends[0].out.rate_bps = 10000000;
    assert_int_equal(lab_send(&lab, 0, 0, false, large, sizeof large), WRD_OK);
    lab_run(&lab, 100 * WRD_MILLISECOND);
    assert_int_equal(wrd_sctp_set_priority(lab.ends[0].sctp, 0, 1), WRD_OK);
    assert_int_equal(wrd_sctp_set_priority(lab.ends[0].sctp, 1, 1024), WRD_OK);
    assert_int_equal(lab_send(&lab, 0, 1, false, large, 40000), WRD_OK);
    lab_run(&lab, WRD_SECOND); /* what is in front of it on the line takes most of this */
    assert_int_equal(lab.ends[1].heard, 1);
    assert_int_equal(lab.ends[1].heard_bytes, 40000);
    lab_run(&lab, 10 * WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 2);
    lab_free(&lab);
}

/* ---- heartbeats */

static void path_that_comes_back_is_used_again(void **state)
{
    struct lab lab;
    open_lab(&lab, NULL);
    lab.ends[0].out.loss = lab.ends[1].out.loss = 1;
    lab_run(&lab, 120 * WRD_SECOND);
    lab.ends[0].out.loss = lab.ends[1].out.loss = 0;
    lab_run(&lab, 60 * WRD_SECOND);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_ESTABLISHED);
    assert_int_equal(wrd_sctp_state(lab.ends[1].sctp), WRD_SCTP_ESTABLISHED);
    assert_int_equal(lab.ends[0].sctp->errors, 0);
    assert_int_equal(lab_send(&lab, 0, 0, false, "there?", 6), WRD_OK);
    lab_run(&lab, 100 * WRD_MILLISECOND);
    assert_int_equal(lab.ends[1].heard, 1);
    lab_free(&lab);
}

static void data_waits_out_an_outage(void **state)
{
    struct lab lab;
    open_lab(&lab, NULL);
    lab.ends[0].out.loss = lab.ends[1].out.loss = 1;
    lab.ends[0].traffic = lab.ends[1].traffic = (struct lab_traffic){.messages = 100, .size_max = 3000, .streams = 3};
    lab_run(&lab, 20 * WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 0);
    lab.ends[0].out.loss = lab.ends[1].out.loss = 0;
    assert_true(lab_deliver(&lab, 5 * WRD_SECOND)); /* the back-off is bounded at three */
    lab_free(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_two_init_acks_may_be_continued),
        cmocka_unit_test(tags_and_first_tsns_differ_from_one_association_to_the_next),
        cmocka_unit_test(shutdown_while_connecting_still_delivers_what_was_sent),
        cmocka_unit_test(peer_that_starts_over_is_told_what_was_pending_for_it),
        cmocka_unit_test(large_message_survives_the_loss_of_any_of_its_first_packets),
        cmocka_unit_test(loss_holds_back_only_what_is_in_order_on_its_stream),
        cmocka_unit_test(most_streams_at_once_carry_one_message_each),
        cmocka_unit_test(limited_messages_vanish_whole_and_the_rest_arrives),
        cmocka_unit_test(closing_two_of_three_streams_leaves_the_third_alone),
        cmocka_unit_test(line_is_shared_by_priority),
        cmocka_unit_test(priority_changed_amid_messages_counts_from_then_on),
        cmocka_unit_test(path_that_comes_back_is_used_again),
        cmocka_unit_test(data_waits_out_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
