/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <string.h>

static void opened(struct script *s, const struct wrd_sctp_options *options)
{
    script_init(s, options);
    script_open(s);
    assert_int_equal(wrd_sctp_next(s->sctp), WRD_SCTP_EVENT_OPEN);
    assert_int_equal(wrd_sctp_next(s->sctp), 0);
}

static void send_answers_each_refusal(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.message_limit = 100, .streams = 10};
    script_init(&s, &options);
    struct wrd_sctp_message message = {.stream = 0, .data = (const uint8_t *)"x", .len = 1};
    message.len = 0;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_INVALID);
    message.len = 101;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_TOO_LARGE);
    message.len = 1;
    message.stream = 10;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_INVALID);
    message.stream = 9;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 1);
    s.env.fail_at = s.env.asked + 1;
    message.stream = 8;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_NO_MEMORY);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 1);
    wrd_sctp_abort(s.sctp, s.now);
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_CLOSED);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void full_queue_says_again_and_writable_at_half(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.send_limit = 10000};
    opened(&s, &options);
    static const uint8_t bytes[1000];
    struct wrd_sctp_message message = {.data = bytes, .len = sizeof bytes};
    unsigned sent = 0;
    while (wrd_sctp_send(s.sctp, s.now, &message) == WRD_OK)
        sent++;
    assert_int_equal(sent, 9);
    script_collect(&s);
    for (uint32_t i = 0; i < 9; i++) {
        script_send_sack(&s, s.tsn + i, NULL);
        bool half = 10000 / 2 >= (8 - i) * 1064;
        bool told = wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_WRITABLE;
        assert_int_equal(told, half && i == 4); /* once */
    }
    script_free(&s);
}

static void one_message_always_fits_an_empty_queue_and_leaves_room_beside_it(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.send_limit = 1000};
    opened(&s, &options);
    script_say(&s, 0, WRD_MESSAGE_MAX);
    assert_int_equal(wrd_sctp_room(s.sctp), 1000);
    static const uint8_t bytes[1001];
    struct wrd_sctp_message message = {.stream = 1, .data = bytes, .len = sizeof bytes};
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_AGAIN);
    assert_int_equal(wrd_sctp_next(s.sctp) & WRD_SCTP_EVENT_WRITABLE, 0); /* not before the first is gone */
    message.len = 500;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK); /* others need not wait for it */
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_AGAIN);
    script_free(&s);
}

static void message_event_comes_with_each_new_message(void **state)
{
    struct script s;
    opened(&s, NULL);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "a");
    assert_int_equal(wrd_sctp_next(s.sctp), WRD_SCTP_EVENT_MESSAGE);
    script_send_data(&s, SCRIPT_TSN + 1, 0, 1, 3, "b");
    assert_int_equal(wrd_sctp_next(s.sctp), WRD_SCTP_EVENT_MESSAGE);
    script_send_data(&s, SCRIPT_TSN + 2, 0, 2, 2, "half");
    assert_int_equal(wrd_sctp_next(s.sctp), 0);
    struct wrd_sctp_message first, again;
    assert_true(wrd_sctp_peek(s.sctp, &first) && wrd_sctp_peek(s.sctp, &again));
    assert_ptr_equal(first.data, again.data);
    assert_int_equal(first.ppid, 53);
    script_hear(&s, "a");
    script_hear(&s, "b");
    wrd_sctp_release(s.sctp, s.now); /* nothing there: nothing happens */
    script_free(&s);
}

static void idle_peer_is_probed_every_thirty_seconds(void **state)
{
    struct script s;
    opened(&s, NULL);
    script_wait(&s, 29 * WRD_SECOND);
    assert_int_equal(s.out_count, 0);
    script_wait(&s, 2 * WRD_SECOND);
    struct script_chunk probe;
    assert_true(script_find(&s, WRD_SCTP_HEARTBEAT, 0, &probe));
    uint8_t info[64];
    size_t len = probe.len;
    memcpy(info, probe.value, len);
    for (int wrong = 1; wrong >= 0; wrong--) {
        info[10] ^= (uint8_t)wrong;
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, WRD_SCTP_HEARTBEAT_ACK, 0);
        wrd_wr_bytes(&s.wr, info, len);
        script_chunk_end(&s, start);
        info[10] ^= (uint8_t)wrong;
        s.now += 5 * WRD_MILLISECOND;
        script_send(&s);
        assert_int_equal(s.sctp->heartbeat.outstanding, wrong);
    }
    assert_in_range(wrd_sctp_rtt(s.sctp), 1, 1100 * WRD_MILLISECOND);
    wrd_time rtt = wrd_sctp_rtt(s.sctp);
    script_send(&s); /* the same answer again means nothing */
    assert_int_equal(wrd_sctp_rtt(s.sctp), rtt);
    script_free(&s);
}

static void peer_that_answers_nothing_is_lost(void **state)
{
    struct script s;
    opened(&s, NULL);
    script_say(&s, 0, 100);
    for (int i = 0; i < 12; i++) {
        script_wait(&s, 10 * WRD_SECOND);
        assert_true(script_count(&s, WRD_SCTP_HEARTBEAT) <= 1);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);

    opened(&s, NULL);
    for (int i = 0; i < 70; i++)
        script_wait(&s, 10 * WRD_SECOND);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void spurious_expire_does_nothing(void **state)
{
    struct script s;
    opened(&s, NULL);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "a");
    script_collect(&s);
    script_send_data(&s, SCRIPT_TSN + 1, 0, 1, 3, "b");
    script_say(&s, 0, 10);
    script_collect(&s); /* the SACK went along: no delayed one is owed */
    wrd_time deadline = wrd_sctp_deadline(s.sctp);
    assert_true(deadline > s.now + WRD_SCTP_SACK_DELAY);
    s.now += WRD_SCTP_SACK_DELAY;
    wrd_sctp_expire(s.sctp, s.now);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void closing_what_never_opened_is_quiet(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_shutdown(s.sctp, s.now);
    assert_int_equal(wrd_sctp_next(s.sctp), WRD_SCTP_EVENT_CLOSED);
    wrd_sctp_connect(s.sctp, s.now);
    wrd_sctp_abort(s.sctp, s.now);
    wrd_sctp_shutdown(s.sctp, s.now);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    const char *text;
    assert_int_equal(wrd_sctp_failure(s.sctp, &text), WRD_OK);
    assert_non_null(text);
    script_free(&s);

    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    wrd_sctp_abort(s.sctp, s.now);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
    wrd_sctp_free(NULL);
}

/* Much in both directions, after which memory is kept for more of it. */
static void talk(struct script *s)
{
    size_t before = s->env.live;
    for (uint16_t i = 0; i < 200; i++) {
        script_send_data(s, SCRIPT_TSN + i, 0, i, 3, "some text");
        script_say(s, 0, 500);
    }
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(s->sctp, &message))
        wrd_sctp_release(s->sctp, s->now);
    while (wrd_sctp_buffered(s->sctp) > 0) {
        script_collect(s);
        script_send_sack(s, s->sctp->flight.next.v - 1, NULL);
    }
    script_collect(s);
    assert_true(s->env.live > before + 50000);
}

static void ask(struct script *s)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_HEARTBEAT, 0);
    wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_HEARTBEAT_INFO, (const uint8_t *)"are you?", 8);
    script_chunk_end(s, start);
    script_send(s);
    script_collect(s);
}

static void idle_association_gives_its_spare_blocks_back(void **state)
{
    struct script s;
    opened(&s, NULL);
    size_t before = s.env.live;
    talk(&s);
    script_wait(&s, 31 * WRD_SECOND);
    assert_true(s.env.live < before + 20000);
    script_free(&s);
}

static void so_it_does_when_the_peer_is_always_the_first_to_ask(void **state)
{
    struct script s;
    opened(&s, NULL);
    size_t before = s.env.live;
    talk(&s);
    ask(&s); /* in the midst of it, it may go on */
    assert_true(s.env.live > before + 50000);
    script_wait(&s, 15 * WRD_SECOND);
    ask(&s);
    assert_true(s.env.live < before + 20000);
    assert_int_equal(s.sctp->heartbeat.deadline, s.now + WRD_SCTP_HEARTBEAT_IDLE);
    script_free(&s);
}

/* Everything that allocates, with the n-th allocation refused, for every n: nothing leaks, breaks, or is delivered
 * wrong. */
static bool run_with_failure(uint64_t fail_at, uint64_t fail_for)
{
    struct lab lab;
    struct wrd_sctp_options options = {.receive_window = 60000};
    lab_init(&lab, 3, &options);
    for (int i = 0; i < 2; i++) {
        struct lab_end *end = &lab.ends[i];
        end->traffic =
            (struct lab_traffic){.messages = 60, .size_max = 30000, .streams = LAB_STREAMS, .unordered = 300};
        end->out.loss = 0.05;
        end->out.jitter_us = 8000;
        end->env.fail_at = end->env.asked + fail_at;
        end->env.fail_for = fail_for;
    }
    uint64_t start = lab.ends[0].env.asked;
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    bool delivered = lab_deliver(&lab, 400 * WRD_SECOND);
    for (int i = 0; i < 2 && !delivered; i++) {
        wrd_result failure = wrd_sctp_failure(lab.ends[i].sctp, NULL);
        assert_int_equal(wrd_sctp_state(lab.ends[i].sctp), WRD_SCTP_CLOSED);
        assert_true(failure == WRD_NO_MEMORY || failure == WRD_PROTOCOL || failure == WRD_LOST ||
                    failure == WRD_CLOSED);
    }
    bool reached = lab.ends[0].env.asked - start >= fail_at;
    lab_free(&lab);
    return reached;
}

static void any_allocation_may_fail(void **state)
{
    for (uint64_t n = 1; run_with_failure(n, 1); n++)
        ;
    for (uint64_t n = 1; run_with_failure(n, 7); n += 3)
        ;
}

static void creation_may_fail_at_each_allocation(void **state)
{
    for (uint64_t n = 1;; n++) {
        struct lab_env env;
        lab_env_init(&env, 1);
        env.fail_at = n;
        struct wrd_sctp *sctp = wrd_sctp_new(NULL, &env.env);
        wrd_sctp_free(sctp);
        assert_int_equal(env.live, 0);
        if (sctp)
            break;
    }
}

static void same_seed_gives_the_same_bytes(void **state)
{
    uint32_t sums[2];
    for (int i = 0; i < 2; i++) {
        struct script s;
        script_init(&s, NULL);
        wrd_sctp_connect(s.sctp, s.now);
        script_collect(&s);
        sums[i] = wrd_crc32c(wrd_crc32c_by_table, s.out[0].bytes, s.out[0].len - 1);
        script_free(&s);
    }
    assert_int_equal(sums[0], sums[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_answers_each_refusal),
        cmocka_unit_test(full_queue_says_again_and_writable_at_half),
        cmocka_unit_test(one_message_always_fits_an_empty_queue_and_leaves_room_beside_it),
        cmocka_unit_test(message_event_comes_with_each_new_message),
        cmocka_unit_test(idle_peer_is_probed_every_thirty_seconds),
        cmocka_unit_test(peer_that_answers_nothing_is_lost),
        cmocka_unit_test(spurious_expire_does_nothing),
        cmocka_unit_test(closing_what_never_opened_is_quiet),
        cmocka_unit_test(idle_association_gives_its_spare_blocks_back),
        cmocka_unit_test(so_it_does_when_the_peer_is_always_the_first_to_ask),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(creation_may_fail_at_each_allocation),
        cmocka_unit_test(same_seed_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
