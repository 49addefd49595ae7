/* SPDX-License-Identifier: MIT */
/* Peers that lie, and networks that are unlucky, against the sending side. */
#include "script.h"

#include <string.h>

static void say_stale(struct script *s)
{
    static const uint8_t measure[4] = {0, 0, 0, 1};
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_ERROR, 0);
    wrd_sctp_param_write(&s->wr, WRD_SCTP_CAUSE_STALE_COOKIE, measure, sizeof measure);
    script_chunk_end(s, start);
    script_send(s);
    script_collect(s);
}

static void peer_whose_cookies_are_always_stale_is_given_up(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    for (int i = 0; i < WRD_SCTP_INIT_RETRIES; i++) {
        script_collect(&s);
        assert_true(script_has(&s, WRD_SCTP_COOKIE_ECHO));
        s.now += WRD_MILLISECOND;
        say_stale(&s);
        assert_true(script_has(&s, WRD_SCTP_INIT));
        s.now += WRD_MILLISECOND;
        script_begin(&s, s.tag);
        script_init_chunk(&s, WRD_SCTP_INIT_ACK, SCRIPT_TAG, SCRIPT_TSN);
        script_send(&s);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_ECHOED);
    say_stale(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void all_arrived(struct script *s)
{
    script_wait(s, 50 * WRD_MILLISECOND);
    script_send_sack(s, s->sctp->flight.next.v - 1, NULL);
}

static void say_and_hear(struct script *s, size_t len)
{
    script_say(s, 0, len);
    script_collect(s);
    while (wrd_sctp_buffered(s->sctp) > 0) {
        all_arrived(s);
        script_collect(s);
    }
}

static void tell_duplicate(struct script *s, uint32_t tsn)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_SACK, 0);
    wrd_wr32(&s->wr, s->sctp->flight.cumulative.v);
    wrd_wr32(&s->wr, s->rwnd);
    wrd_wr16(&s->wr, 0);
    wrd_wr16(&s->wr, 1);
    wrd_wr32(&s->wr, tsn);
    script_chunk_end(s, start);
    script_send(s);
}

/* One chunk is lost, sent again, and acknowledged with all that followed; the answer is its TSN. */
static uint32_t lose_one(struct script *s)
{
    for (int i = 0; i < 12; i++)
        say_and_hear(s, 20000);
    uint32_t cumulative = s->sctp->flight.cumulative.v;
    static const uint16_t gaps[] = {2, 17, 0};
    script_say(s, 0, 20000);
    script_collect(s);
    script_wait(s, 50 * WRD_MILLISECOND);
    script_send_sack(s, cumulative, gaps);
    script_collect(s);
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(s->sctp, &stats);
    assert_int_equal(stats.chunks_retransmitted, 1);
    all_arrived(s);
    return cumulative + 1;
}

static void repeat_that_was_needless_takes_the_slow_down_back(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    tell_duplicate(&s, lose_one(&s));
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(s.sctp, &stats);
    assert_int_equal(stats.undone, 1);
    script_free(&s);
}

/* Of what was lost and sent again, it may be the second that came twice. */
static void on_a_path_that_repeats_packets_duplicates_take_nothing_back(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    uint32_t lost = lose_one(&s);
    tell_duplicate(&s, lost + 3); /* sent once */
    tell_duplicate(&s, lost);
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(s.sctp, &stats);
    assert_int_equal(stats.undone, 0);
    script_free(&s);
}

static void duplicate_counts_only_of_what_was_sent_again_and_once(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    uint32_t lost = lose_one(&s);
    s.sctp->recovery.repeats = 2; /* as if two had been sent again */
    tell_duplicate(&s, s.sctp->flight.next.v + 5);
    tell_duplicate(&s, lost - 40000);
    tell_duplicate(&s, lost);
    tell_duplicate(&s, lost);
    assert_int_equal(s.sctp->recovery.repeats, 1);
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(s.sctp, &stats);
    assert_int_equal(stats.undone, 0);
    script_free(&s);
}

static void duplicate_of_long_after_takes_nothing_back(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    uint32_t lost = lose_one(&s);
    struct wrd_sctp_stats stats;
    for (int i = 0; i < 3; i++) {
        script_wait(&s, 30 * WRD_SECOND);
        say_and_hear(&s, 100);
    }
    wrd_sctp_get_stats(s.sctp, &stats);
    size_t cwnd = stats.cwnd;
    tell_duplicate(&s, lost);
    tell_duplicate(&s, s.sctp->flight.cumulative.v);
    wrd_sctp_get_stats(s.sctp, &stats);
    assert_int_equal(stats.undone, 0);
    assert_int_equal(stats.cwnd, cwnd);
    script_free(&s);
}

/* 543 bytes a second: more than a second goes by between packets. */
static void slow_pacer_keeps_to_its_rate(void **state)
{
    struct wrd_sctp_pacer pacer = {0};
    wrd_sctp_pacer_set(&pacer, 4 * WRD_SCTP_PAYLOAD, 10 * WRD_SECOND, false);
    wrd_time now = pacer.since = 1000 * WRD_SECOND;
    wrd_time until = now + 1000 * WRD_SECOND;
    size_t sent = 0;
    while (now < until) {
        wrd_sctp_pacer_fill(&pacer, now, WRD_SCTP_PAYLOAD);
        for (; wrd_sctp_pacer_open(&pacer); sent += WRD_SCTP_PAYLOAD)
            wrd_sctp_pacer_sent(&pacer, WRD_SCTP_PAYLOAD);
        wrd_time next = wrd_sctp_pacer_next(&pacer, WRD_SCTP_PAYLOAD);
        assert_true(next > now);
        now = next;
    }
    assert_in_range(sent, 540000, 546000);
}

static void nothing_is_uncut_once_all_was_cut(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    assert_false(wrd_sctp_has_uncut(s.sctp));
    script_say(&s, 0, 20000);
    assert_true(wrd_sctp_has_uncut(s.sctp));
    script_collect(&s);
    assert_true(wrd_sctp_has_uncut(s.sctp));
    all_arrived(&s);
    script_collect(&s);
    assert_false(wrd_sctp_has_uncut(s.sctp));
    script_free(&s);
}

/* Each costs a look at all that is out, and peers send one. */
static void few_sacks_of_one_packet_are_read(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_open(&s);
    for (unsigned i = 0; i < 8; i++)
        script_say(&s, 0, 1000);
    script_collect(&s);
    script_begin(&s, s.tag);
    for (uint32_t i = 0; i < 8; i++)
        script_sack(&s, s.tsn + i, s.rwnd, NULL);
    script_send(&s);
    assert_int_equal(s.sctp->flight.cumulative.v, s.tsn + WRD_SCTP_SACKS_MAX - 1);
    script_send_sack(&s, s.tsn + 7, NULL); /* another packet is another chance */
    assert_int_equal(s.sctp->flight.cumulative.v, s.tsn + 7);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_whose_cookies_are_always_stale_is_given_up),
        cmocka_unit_test(repeat_that_was_needless_takes_the_slow_down_back),
        cmocka_unit_test(on_a_path_that_repeats_packets_duplicates_take_nothing_back),
        cmocka_unit_test(duplicate_counts_only_of_what_was_sent_again_and_once),
        cmocka_unit_test(duplicate_of_long_after_takes_nothing_back),
        cmocka_unit_test(slow_pacer_keeps_to_its_rate),
        cmocka_unit_test(nothing_is_uncut_once_all_was_cut),
        cmocka_unit_test(few_sacks_of_one_packet_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
