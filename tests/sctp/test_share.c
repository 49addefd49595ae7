/* SPDX-License-Identifier: MIT */
/* Two live ends that share a line among streams, give messages up, and interleave. */
#include "lab.h"

#include <string.h>

#define STREAMS 64

static uint8_t bytes[WRD_MESSAGE_MAX];

/* What end 1 heard, by stream. */
struct heard {
    size_t bytes[STREAMS];
    unsigned messages[STREAMS];
    wrd_time last[STREAMS];
};

static void open_over(struct lab *lab, bool interleaving, const struct link_options *link, size_t window)
{
    struct wrd_sctp_options options = {
        .no_interleaving = !interleaving, .receive_window = window, .send_limit = 2 * sizeof bytes};
    lab_init(lab, 3, &options);
    for (int i = 0; i < 2; i++) {
        lab->ends[i].out = *link;
        lab->ends[i].reading = false;
    }
    wrd_sctp_connect(lab->ends[0].sctp, lab->now);
    lab_open(lab);
    assert_int_equal(lab->ends[0].sctp->interleaving, interleaving);
}

static void read_all(struct lab *lab, struct heard *heard)
{
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(lab->ends[1].sctp, &message)) {
        assert_true(message.stream < STREAMS);
        heard->bytes[message.stream] += message.len;
        heard->messages[message.stream]++;
        heard->last[message.stream] = lab->now;
        wrd_sctp_release(lab->ends[1].sctp, lab->now);
    }
}

static void step(struct lab *lab, struct heard *heard)
{
    assert_true(lab_step(lab, lab->now + 100 * WRD_SECOND));
    read_all(lab, heard);
}

static const struct link_options ten_mbit = {
    .delay_us = 10 * WRD_MILLISECOND, .rate_bps = 10000000, .queue_bytes = 50000};

static void line_is_shared_by_priority(void **state)
{
    static const uint16_t weights[] = {128, 256, 512, 1024};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct lab lab;
        struct heard heard = {0};
        open_over(&lab, interleaving, &ten_mbit, 0);
        for (uint16_t i = 0; i < 4; i++) {
            assert_int_equal(wrd_sctp_set_priority(lab.ends[0].sctp, i, weights[i]), WRD_OK);
            for (int j = 0; j < 400; j++)
                assert_int_equal(lab_send(&lab, 0, i, false, bytes, 10000), WRD_OK);
        }
        while (heard.messages[3] < 300)
            step(&lab, &heard);
        for (uint16_t i = 0; i < 3; i++)
            assert_in_range(heard.messages[i], 300 * weights[i] / 1024 - 6, 300 * weights[i] / 1024 + 6);
        lab_free(&lab);
    }
}

static void small_messages_pass_a_large_one_when_they_interleave(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct lab lab;
        struct heard heard = {0};
        open_over(&lab, interleaving, &ten_mbit, 0);
        assert_int_equal(lab_send(&lab, 0, 0, false, bytes, 4 << 20), WRD_OK); /* more than three seconds of line */
        wrd_time until = lab.now + WRD_SECOND;
        while (lab.now < until)
            step(&lab, &heard);
        wrd_time asked = lab.now;
        assert_int_equal(lab_send(&lab, 0, 1, false, bytes, 100), WRD_OK);
        while (heard.messages[1] == 0)
            step(&lab, &heard);
        wrd_time took = lab.now - asked;
        assert_int_equal(heard.messages[0], interleaving ? 0 : 1);
        if (interleaving)
            assert_true(took < 100 * WRD_MILLISECOND); /* the queue of the line holds 40 ms */
        while (heard.messages[0] == 0)
            step(&lab, &heard);
        lab_free(&lab);
    }
}

/* Each larger than half the window, on more streams than would fit it, to a reader that reads whole messages only. */
static void halves_of_large_messages_do_not_fill_the_receiver_for_ever(void **state)
{
    struct lab lab;
    struct heard heard = {0};
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND, .loss = 0.02};
    open_over(&lab, true, &link, 30000);
    for (uint16_t i = 0; i < STREAMS; i++) {
        assert_int_equal(lab_send(&lab, 0, i, i % 2, bytes, 20000 + i * 1000u), WRD_OK);
        assert_int_equal(lab_send(&lab, 0, i, i % 3, bytes, 3000), WRD_OK);
    }
    wrd_time until = lab.now + 600 * WRD_SECOND;
    while (wrd_sctp_buffered(lab.ends[0].sctp) > 0 && lab.now < until)
        step(&lab, &heard);
    for (uint16_t i = 0; i < STREAMS; i++)
        assert_int_equal(heard.bytes[i], 23000 + i * 1000u);
    lab_free(&lab);
}

static void limited_messages_are_given_up_and_no_other_is_lost(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct lab lab;
        struct wrd_sctp_options options = {.no_interleaving = seed % 2, .receive_window = 40000 + seed * 5000};
        lab_init(&lab, seed, &options);
        for (int i = 0; i < 2; i++) {
            lab.ends[i].out =
                (struct link_options){.delay_us = 20 * WRD_MILLISECOND, .jitter_us = seed * 1000, .loss = 0.05};
            lab.ends[i].traffic =
                (struct lab_traffic){.messages = 600, .size_max = 9000, .unordered = 300, .limited = 600, .streams = 6};
        }
        wrd_sctp_connect(lab.ends[0].sctp, lab.now);
        assert_true(lab_deliver(&lab, 600 * WRD_SECOND));
        lab_run(&lab, 20 * WRD_SECOND);
        for (int i = 0; i < 2; i++) {
            const struct lab_end *end = &lab.ends[i];
            assert_true(end->sctp->queue.given_up > 10);
            assert_true(end->heard < 600 && end->heard + lab.ends[!i].sctp->queue.given_up >= 600);
            assert_int_equal(wrd_sctp_flight_count(&end->sctp->flight), 0);
            assert_int_equal(wrd_sctp_window(end->sctp), options.receive_window); /* no half of any is left */
        }
        lab_free(&lab);
    }
}

/* Audio, say: a message each 20 ms that is worth nothing 150 ms later, over a line that is gone for two seconds. */
static void fresh_messages_flow_again_at_once_after_an_outage(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        struct lab lab;
        struct heard heard = {0};
        struct link_options link = {.delay_us = 20 * WRD_MILLISECOND};
        open_over(&lab, interleaving, &link, 0);
        wrd_time start = lab.now;
        for (unsigned i = 0; i < 500; i++) {
            bool gone = i >= 100 && i < 200;
            lab.ends[0].out.loss = lab.ends[1].out.loss = gone ? 1.0 : 0.0;
            struct wrd_sctp_message message = {
                .stream = 1, .data = bytes, .len = 300, .lifetime = 150 * WRD_MILLISECOND};
            assert_int_equal(wrd_sctp_send(lab.ends[0].sctp, lab.now, &message), WRD_OK);
            while (lab_step(&lab, start + (i + 1) * 20 * WRD_MILLISECOND))
                read_all(&lab, &heard);
            read_all(&lab, &heard);
            if (i == 199)
                assert_true(wrd_sctp_buffered(lab.ends[0].sctp) < 60 * 300);
        }
        lab_run(&lab, 5 * WRD_SECOND);
        read_all(&lab, &heard);
        assert_in_range(heard.messages[1], 250, 402); /* T3 was backed off, at most to three seconds */
        assert_int_equal(wrd_sctp_buffered(lab.ends[0].sctp), 0);
        assert_in_range(lab.ends[0].sctp->queue.given_up, 90, 250);
        lab_free(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_shared_by_priority),
        cmocka_unit_test(small_messages_pass_a_large_one_when_they_interleave),
        cmocka_unit_test(halves_of_large_messages_do_not_fill_the_receiver_for_ever),
        cmocka_unit_test(limited_messages_are_given_up_and_no_other_is_lost),
        cmocka_unit_test(fresh_messages_flow_again_at_once_after_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
