/* SPDX-License-Identifier: MIT */
/* Two live ends in virtual time. */
#include "lab.h"

#include <string.h>

static void one_side_connects_and_both_are_open(void **state)
{
    struct lab lab;
    lab_init(&lab, 1, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    lab_run(&lab, WRD_SECOND);
    assert_true(lab.ends[0].events & WRD_SCTP_EVENT_OPEN);
    assert_true(lab.ends[1].events & WRD_SCTP_EVENT_OPEN);
    lab_free(&lab);
}

static void both_sides_connect_at_once_and_both_are_open(void **state)
{
    struct lab lab;
    lab_init(&lab, 1, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    wrd_sctp_connect(lab.ends[1].sctp, lab.now);
    lab_open(&lab);
    assert_int_equal(lab_send(&lab, 0, 0, false, "hello", 5), WRD_OK);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 1);
    lab_free(&lab);
}

static void lossless_echo_of_many_sizes(void **state)
{
    struct lab lab;
    lab_init(&lab, 7, NULL);
    for (int i = 0; i < 2; i++)
        lab.ends[i].traffic = (struct lab_traffic){.messages = 500, .size_max = 40000, .streams = 4, .unordered = 200};
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    assert_true(lab_deliver(&lab, 60 * WRD_SECOND));
    lab_free(&lab);
}

/* Every way to lose some of the first five packets of either direction; with data waiting from the start. */
static void handshake_survives_the_loss_of_any_of_its_packets(void **state)
{
    for (unsigned mask = 0; mask < 1024; mask++) {
        for (int both = 0; both < 2; both++) {
            struct lab lab;
            lab_init(&lab, mask + 1, NULL);
            lab.ends[0].out.loss_mask = mask & 31;
            lab.ends[1].out.loss_mask = mask >> 5;
            for (int i = 0; i < 2; i++)
                lab.ends[i].traffic = (struct lab_traffic){.messages = 3, .size_max = 3000, .streams = 2};
            wrd_sctp_connect(lab.ends[0].sctp, lab.now);
            if (both)
                wrd_sctp_connect(lab.ends[1].sctp, lab.now);
            assert_true(lab_deliver(&lab, 60 * WRD_SECOND));
            lab_free(&lab);
        }
    }
}

static void shutdown_survives_the_loss_of_any_of_its_packets(void **state)
{
    for (unsigned mask = 0; mask < 256; mask++) {
        for (int both = 0; both < 2; both++) {
            struct lab lab;
            lab_init(&lab, mask + 1, NULL);
            wrd_sctp_connect(lab.ends[0].sctp, lab.now);
            lab_open(&lab);
            lab_run(&lab, WRD_SECOND);
            for (int i = 0; i < 2; i++) {
                lab.ends[i].line.sent = 0;
                lab.ends[i].out.loss_mask = i ? mask >> 4 : mask & 15;
                lab.ends[i].traffic = (struct lab_traffic){.messages = 3, .size_max = 2000, .streams = 1};
                lab_pump(&lab, i);
            }
            wrd_sctp_shutdown(lab.ends[0].sctp, lab.now);
            if (both)
                wrd_sctp_shutdown(lab.ends[1].sctp, lab.now);
            lab_run(&lab, 100 * WRD_SECOND);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(wrd_sctp_state(lab.ends[i].sctp), WRD_SCTP_CLOSED);
                assert_int_equal(lab.ends[i].heard, 3);
                bool asked = both || i == 0;
                assert_int_equal(wrd_sctp_failure(lab.ends[i].sctp, NULL), asked ? WRD_OK : WRD_CLOSED);
            }
            lab_free(&lab);
        }
    }
}

static void messages_of_16_mib_pass_both_ways_over_loss(void **state)
{
    struct lab lab;
    static uint8_t bytes[WRD_MESSAGE_MAX];
    lab_init(&lab, 5, NULL);
    for (int i = 0; i < 2; i++) {
        lab.ends[i].out = (struct link_options){.delay_us = 1000, .jitter_us = 200, .loss = 0.005};
        assert_int_equal(lab_send(&lab, i, 0, false, bytes, sizeof bytes), WRD_OK);
    }
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    wrd_time until = lab.now + 600 * WRD_SECOND;
    while (lab.ends[0].heard < 1 || lab.ends[1].heard < 1)
        assert_true(lab_step(&lab, until));
    assert_int_equal(lab.ends[0].heard_bytes, sizeof bytes);
    assert_int_equal(lab.ends[1].heard_bytes, sizeof bytes);
    lab_free(&lab);
}

static void slow_reader_stops_the_sender_and_loses_nothing(void **state)
{
    struct lab lab;
    struct wrd_sctp_options options = {.receive_window = 30000};
    lab_init(&lab, 9, &options);
    lab.ends[0].traffic = (struct lab_traffic){.messages = 400, .size_max = 1000, .streams = 3, .unordered = 300};
    lab.ends[1].reading = false;
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_run(&lab, 20 * WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 0);
    assert_in_range(lab.ends[1].sctp->join.order.charged, 20000, 40000);
    uint64_t sent = lab.ends[0].line.sent;
    lab_run(&lab, 30 * WRD_SECOND);
    assert_in_range(lab.ends[0].line.sent - sent, 8, 12); /* probes, each three seconds */
    wrd_time before = lab.now;
    lab.ends[1].reading = true;
    assert_true(lab_deliver(&lab, 60 * WRD_SECOND));
    assert_true(lab.now - before < 3 * WRD_SECOND); /* told at once, not found out by a probe */
    lab_free(&lab);
}

/* Interleaved, more is begun at once than the window holds; the sender's share of it never shuts the window. */
static void large_messages_on_all_streams_pass_a_small_window(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct wrd_sctp_options options = {
            .receive_window = 65536, .message_limit = 400000, .send_limit = 4000000, .no_interleaving = !interleaving};
        struct lab lab;
        lab_init(&lab, 21, &options);
        for (int i = 0; i < 2; i++) {
            lab.ends[i].traffic.messages = 150;
            lab.ends[i].traffic.size_max = 390000;
            lab.ends[i].traffic.streams = LAB_STREAMS;
            lab.ends[i].traffic.unordered = 200;
            lab.ends[i].traffic.limited = 100;
            lab.ends[i].traffic.resets = 50;
            lab.ends[i].out.loss = 0.01;
        }
        wrd_sctp_connect(lab.ends[0].sctp, lab.now);
        lab_open(&lab);
        assert_int_equal(lab.ends[1].sctp->interleaving, interleaving);
        size_t widest = 0;
        for (unsigned i = 0; i < 8000; i++) {
            lab.ends[0].reading = i / 20 % 3 != 0; /* one reader pauses at times */
            lab_run(&lab, 5 * WRD_MILLISECOND / 2);
            if (lab.ends[1].sctp->join.weave.opens.count > widest)
                widest = lab.ends[1].sctp->join.weave.opens.count;
        }
        lab.ends[0].reading = true;
        assert_true(lab_deliver(&lab, 3000 * WRD_SECOND));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(wrd_sctp_state(lab.ends[i].sctp), WRD_SCTP_ESTABLISHED);
            assert_int_equal(lab.ends[i].sctp->join.order.charged, 0);
        }
        assert_int_equal(widest > 1, interleaving);
        lab_free(&lab);
    }
}

static void abort_tells_the_other_side(void **state)
{
    struct lab lab;
    lab_init(&lab, 9, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    wrd_sctp_abort(lab.ends[1].sctp, lab.now);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(wrd_sctp_failure(lab.ends[0].sctp, NULL), WRD_CLOSED);
    assert_int_equal(wrd_sctp_failure(lab.ends[1].sctp, NULL), WRD_OK);
    assert_true(lab.ends[0].events & WRD_SCTP_EVENT_CLOSED);
    assert_int_equal(wrd_sctp_deadline(lab.ends[0].sctp), WRD_NEVER);
    lab_free(&lab);
}

static void lost_abort_is_repeated_when_the_other_side_speaks(void **state)
{
    struct lab lab;
    lab_init(&lab, 9, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    lab_run(&lab, WRD_SECOND);
    lab.ends[1].out.loss = 1;
    wrd_sctp_abort(lab.ends[1].sctp, lab.now);
    lab_run(&lab, WRD_SECOND);
    lab.ends[1].out.loss = 0;
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_ESTABLISHED);
    assert_int_equal(lab_send(&lab, 0, 0, false, "anyone?", 7), WRD_OK);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_CLOSED);
    lab_free(&lab);
}

static void quiet_link_carries_heartbeats_only(void **state)
{
    struct lab lab;
    lab_init(&lab, 9, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    lab_run(&lab, WRD_SECOND);
    uint64_t before = lab.ends[0].line.sent + lab.ends[1].line.sent;
    lab_run(&lab, 600 * WRD_SECOND);
    assert_in_range(lab.ends[0].line.sent + lab.ends[1].line.sent - before, 38, 82);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_ESTABLISHED);
    lab_free(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_side_connects_and_both_are_open),
        cmocka_unit_test(both_sides_connect_at_once_and_both_are_open),
        cmocka_unit_test(lossless_echo_of_many_sizes),
        cmocka_unit_test(handshake_survives_the_loss_of_any_of_its_packets),
        cmocka_unit_test(shutdown_survives_the_loss_of_any_of_its_packets),
        cmocka_unit_test(messages_of_16_mib_pass_both_ways_over_loss),
        cmocka_unit_test(slow_reader_stops_the_sender_and_loses_nothing),
        cmocka_unit_test(large_messages_on_all_streams_pass_a_small_window),
        cmocka_unit_test(abort_tells_the_other_side),
        cmocka_unit_test(lost_abort_is_repeated_when_the_other_side_speaks),
        cmocka_unit_test(quiet_link_carries_heartbeats_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
