/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdlib.h>
#include <string.h>

static void opened(struct script *s, uint32_t rwnd)
{
    script_init(s, NULL);
    s->rwnd = rwnd;
    script_open(s);
    (void)wrd_sctp_next(s->sctp);
}

static uint32_t data_tsn(const struct script *s, unsigned n)
{
    struct script_chunk data;
    assert_true(script_find(s, WRD_SCTP_DATA, n, &data));
    return script_word(&data, 0);
}

static void packets_are_full_and_never_above_1163_bytes(void **state)
{
    for (size_t len = 1100; len < 1300; len++) {
        struct script s;
        opened(&s, 1 << 20);
        script_say(&s, 0, len);
        script_collect(&s);
        assert_int_equal(s.out_count, len <= WRD_SCTP_PAYLOAD ? 1 : 2);
        size_t total = 0;
        struct script_chunk data;
        for (unsigned i = 0; script_find(&s, WRD_SCTP_DATA, i, &data); i++) {
            for (size_t j = 12; j < data.len; j++)
                assert_int_equal(data.value[j], (uint8_t)((total + j - 12) * 7));
            total += data.len - 12;
        }
        assert_int_equal(total, len);
        assert_true(s.out[0].len <= 1163);
        script_free(&s);
    }
}

static void no_packet_is_longer_than_the_options_say(void **state)
{
    static const size_t asked[] = {0, 1, 512, 777, 1163, 1200, WRD_SCTP_PACKET_MAX, 9000};
    static const size_t used[] = {1163, 512, 512, 777, 1163, 1200, WRD_SCTP_PACKET_MAX, WRD_SCTP_PACKET_MAX};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct script s;
        struct wrd_sctp_options options = {.packet_max = asked[i]};
        script_init(&s, &options);
        s.rwnd = 1 << 20;
        script_open(&s);
        script_say(&s, 0, 100000);
        script_collect(&s);
        assert_int_equal(s.out_count, 10);
        for (size_t j = 0; j < s.out_count; j++) {
            assert_true(s.out[j].len <= used[i] && s.out[j].len + 3 >= used[i]);
            assert_int_equal(s.out[j].len, WRD_SCTP_HEADER_SIZE + WRD_SCTP_DATA_HEADER_SIZE + s.sctp->payload);
        }
        script_free(&s);
    }
}

/* The peer's cookie cannot be cut. */
static void cookie_longer_than_a_packet_goes_back_whole(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.packet_max = 512};
    script_init(&s, &options);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk chunk;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &chunk));
    s.tag = script_word(&chunk, 0);
    static uint8_t cookie[WRD_SCTP_COOKIE_MAX];
    memset(cookie, 'c', sizeof cookie);
    struct wrd_sctp_init init = {
        .tag = SCRIPT_TAG, .a_rwnd = 1 << 20, .streams_out = 1, .streams_in = 1, .tsn = wrd_tsn(1)};
    script_begin(&s, s.tag);
    size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT_ACK, &init);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_STATE_COOKIE, cookie, sizeof cookie);
    script_chunk_end(&s, start);
    script_send(&s);
    script_say(&s, 0, 1000);
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_true(script_find(&s, WRD_SCTP_COOKIE_ECHO, 0, &chunk));
    assert_int_equal(chunk.len, sizeof cookie);
    script_free(&s);
}

static void small_messages_share_a_packet_and_are_not_split_to_fill_it(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    for (int i = 0; i < 5; i++)
        script_say(&s, 0, 100);
    script_say(&s, 0, 1000);
    script_collect(&s);
    assert_int_equal(s.out_count, 2);
    struct script_chunk data;
    for (unsigned i = 0; script_find(&s, WRD_SCTP_DATA, i, &data); i++)
        assert_int_equal(data.flags & ~WRD_SCTP_IMMEDIATE, 3);
    script_free(&s);
}

static void streams_take_turns_message_by_message(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 1, 3000);
    script_say(&s, 1, 1000);
    script_say(&s, 2, 50);
    script_say(&s, 2, 50);
    script_say(&s, 3, 50);
    script_collect(&s);
    static const uint16_t streams[] = {2, 3, 2, 1, 1, 1, 1};
    static const uint16_t ssns[] = {0, 0, 1, 0, 0, 0, 1};
    for (unsigned i = 0; i < 7; i++) {
        struct script_chunk data;
        assert_true(script_find(&s, WRD_SCTP_DATA, i, &data));
        assert_int_equal(wrd_load16be(data.value + 4), streams[i]);
        assert_int_equal(wrd_load16be(data.value + 6), ssns[i]);
    }
    script_free(&s);
}

static void first_flight_is_ten_packets_and_slow_start_doubles_it(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 500000);
    script_collect(&s);
    size_t first = s.out_count;
    assert_int_equal(first, 10);
    uint32_t tsn = s.tsn;
    /* All SACKs of a round trip come before we may send again: that must not slow the growth. */
    for (size_t i = 2; i <= first; i += 2)
        script_send_sack(&s, tsn + (uint32_t)i - 1, NULL);
    script_collect(&s);
    assert_in_range(s.out_count, 2 * first - 3, 2 * first + 2);
    script_free(&s);
}

static void peers_window_is_never_overrun(void **state)
{
    struct script s;
    opened(&s, 3000);
    script_say(&s, 0, 20000);
    script_collect(&s);
    assert_int_equal(s.sctp->flight.bytes, 2 * WRD_SCTP_PAYLOAD);
    s.rwnd = 0;
    script_send_sack(&s, s.tsn + 1, NULL);
    script_collect(&s);
    /* Nothing in flight: one probe. */
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    script_send_sack(&s, s.tsn + 1, NULL);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    /* The probe is repeated for as long as the peer answers, which it may for very long. */
    for (int i = 0; i < 200; i++) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_true(script_count(&s, WRD_SCTP_DATA) <= 1);
        script_send_sack(&s, s.tsn + 1, NULL);
    }
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    s.rwnd = 100000;
    script_send_sack(&s, s.tsn + 1, NULL);
    uint32_t acked = s.tsn + 1;
    for (int i = 0; i < 40 && wrd_sctp_buffered(s.sctp) > 0; i++) {
        script_wait(&s, 10 * WRD_MILLISECOND);
        acked = s.sctp->flight.next.v - 1;
        script_send_sack(&s, acked, NULL);
    }
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void window_that_shrinks_below_what_is_in_flight_does_not_wrap(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 100000);
    script_collect(&s);
    s.rwnd = 10;
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void sack_gap_reported_three_times_triggers_fast_retransmit(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 100000);
    script_collect(&s);
    s.now += 50 * WRD_MILLISECOND;
    size_t before = s.sctp->cwnd.cwnd;
    for (uint16_t i = 2; i <= 3; i++) {
        const uint16_t gaps[] = {2, i, 0};
        script_send_sack(&s, s.tsn - 1, gaps);
        script_collect(&s);
        for (unsigned j = 0; j < script_count(&s, WRD_SCTP_DATA); j++)
            assert_int_not_equal(data_tsn(&s, j), s.tsn);
    }
    const uint16_t gaps[] = {2, 4, 0};
    script_send_sack(&s, s.tsn - 1, gaps);
    script_collect(&s);
    assert_int_equal(data_tsn(&s, 0), s.tsn);
    assert_true(s.sctp->cwnd.cwnd < before);
    assert_int_equal(s.sctp->cwnd.cwnd, s.sctp->cwnd.ssthresh);
    /* Further reports neither repeat it nor slow down again. */
    size_t slowed = s.sctp->cwnd.cwnd;
    for (uint16_t i = 5; i <= 9; i++) {
        const uint16_t more[] = {2, i, 0};
        script_send_sack(&s, s.tsn - 1, more);
        script_collect(&s);
        for (unsigned j = 0; j < script_count(&s, WRD_SCTP_DATA); j++)
            assert_int_not_equal(data_tsn(&s, j), s.tsn);
    }
    assert_int_equal(s.sctp->cwnd.cwnd, slowed);
    script_free(&s);
}

static void same_gap_reported_again_is_no_new_report(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 100000);
    script_collect(&s);
    s.now += 50 * WRD_MILLISECOND;
    const uint16_t gaps[] = {2, 3, 0};
    for (int i = 0; i < 10; i++)
        script_send_sack(&s, s.tsn - 1, gaps);
    assert_int_equal(s.sctp->flight.lost_count, 0);
    script_free(&s);
}

static void t3_sends_the_oldest_again_and_backs_off_up_to_three_seconds(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 100000);
    script_collect(&s);
    wrd_time last = s.now, waited = 0;
    for (int i = 0; i < 6; i++) {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        waited = s.now - last;
        last = s.now;
        assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
        assert_int_equal(data_tsn(&s, 0), s.tsn);
        assert_int_equal(s.sctp->cwnd.cwnd, WRD_SCTP_PAYLOAD);
    }
    assert_int_equal(waited, WRD_SCTP_RTO_BACKOFF_MAX);
    script_free(&s);
}

static void t3_leaves_fast_recovery_and_the_window_grows_again(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 200000);
    script_collect(&s);
    for (uint16_t i = 2; i <= 4; i++) {
        const uint16_t gaps[] = {2, i, 0};
        script_send_sack(&s, s.tsn - 1, gaps);
    }
    assert_true(s.sctp->recovery.active);
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    assert_false(s.sctp->recovery.active);
    assert_int_equal(s.sctp->cwnd.cwnd, WRD_SCTP_PAYLOAD);
    for (int i = 0; i < 4; i++) {
        uint32_t last = data_tsn(&s, script_count(&s, WRD_SCTP_DATA) - 1);
        script_send_sack(&s, last, NULL);
        script_collect(&s);
    }
    assert_true(s.sctp->cwnd.cwnd >= 4 * WRD_SCTP_PAYLOAD);
    script_free(&s);
}

static void losses_before_the_last_timeout_do_not_slow_down_twice(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 200000);
    script_collect(&s);
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    size_t ssthresh = s.sctp->cwnd.ssthresh;
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    assert_int_equal(s.sctp->cwnd.ssthresh, ssthresh);
    s.now += 50 * WRD_MILLISECOND;
    script_send_sack(&s, s.tsn, NULL); /* the answer to what was sent again */
    script_collect(&s);
    for (uint16_t i = 2; i <= 5; i++) {
        const uint16_t gaps[] = {2, i, 0};
        script_send_sack(&s, s.tsn, gaps);
        script_collect(&s);
    }
    assert_true(s.sctp->flight.lost_count > 0);
    assert_int_equal(s.sctp->cwnd.ssthresh, ssthresh);
    assert_false(s.sctp->recovery.active);
    script_free(&s);
}

static void second_timeout_sends_again_what_the_peer_may_have_dropped(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 3000);
    script_collect(&s);
    s.now += 50 * WRD_MILLISECOND;
    const uint16_t gaps[] = {2, 3, 0};
    script_send_sack(&s, s.tsn - 1, gaps);
    struct wrd_sctp_stats stats;
    do {
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        for (unsigned i = 0; i < script_count(&s, WRD_SCTP_DATA); i++)
            assert_int_equal(data_tsn(&s, i), s.tsn);
        wrd_sctp_get_stats(s.sctp, &stats);
    } while (stats.timeouts < 2);
    /* The peer reneged: it has only the first now. */
    script_send_sack(&s, s.tsn, NULL);
    script_collect(&s);
    assert_int_equal(data_tsn(&s, 0), s.tsn + 1);
    script_send_sack(&s, s.tsn + 2, NULL);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

static void sack_for_what_was_never_sent_changes_nothing(void **state)
{
    static const struct {
        int32_t cumulative; /* from our first TSN */
        uint16_t gaps[5];
    } cases[] = {
        {3, {0}},
        {0x7fffffff, {0}},
        {-2, {0}},
        {-1, {2, 4, 0}},
        {-1, {3, 2, 0}},
        {0, {3, 3, 0}},
        {-1, {1, 65535, 0}},
        {-1, {2, 2, 60000, 60001, 0}},
        {-1, {2, 2, 3, 1, 0}},
    };
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 3000); /* three chunks */
    script_collect(&s);
    size_t flight = s.sctp->flight.bytes;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        s.rwnd = 1;
        script_send_sack(&s, s.tsn + (uint32_t)cases[i].cumulative, cases[i].gaps);
        assert_int_equal(s.sctp->flight.bytes, flight);
        assert_int_equal(s.sctp->peer_rwnd, 1 << 20);
        assert_int_equal(s.sctp->flight.cumulative.v, s.tsn - 1);
    }
    script_free(&s);
}

static void unsorted_and_overlapping_gaps_count_once(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 9000);
    script_collect(&s);
    size_t flight = s.sctp->flight.bytes;
    const uint16_t gaps[] = {4, 5, 2, 4, 3, 5, 2, 2, 0};
    script_send_sack(&s, s.tsn - 1, gaps);
    assert_int_equal(s.sctp->flight.held_bytes, 4 * WRD_SCTP_PAYLOAD);
    script_send_sack(&s, s.tsn - 1, gaps);
    assert_int_equal(s.sctp->flight.held_bytes, 4 * WRD_SCTP_PAYLOAD);
    assert_int_equal(s.sctp->flight.lost_count, 1);
    const uint16_t none[] = {0};
    script_send_sack(&s, s.tsn + 4, none);
    assert_int_equal(flight - s.sctp->flight.bytes, 5 * WRD_SCTP_PAYLOAD);
    script_send_sack(&s, s.tsn + 1, none); /* old */
    assert_int_equal(s.sctp->flight.cumulative.v, s.tsn + 4);
    script_free(&s);
}

static void sack_rides_with_data(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "a");
    script_collect(&s);
    script_send_data(&s, SCRIPT_TSN + 1, 0, 1, 3, "b");
    script_say(&s, 0, 100);
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_int_equal(s.out[0].bytes[WRD_SCTP_HEADER_SIZE], WRD_SCTP_SACK);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    assert_int_equal(s.sctp->track.sack_deadline, WRD_NEVER);
    script_free(&s);
}

static void sack_reports_as_many_gaps_as_fit_one_packet(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    for (uint32_t i = 0; i < 600; i++)
        script_send_data(&s, SCRIPT_TSN + 1 + 2 * i, 0, (uint16_t)(1 + 2 * i), 3, "x");
    script_collect(&s);
    struct script_chunk sack;
    assert_true(script_find(&s, WRD_SCTP_SACK, 0, &sack));
    assert_in_range(wrd_load16be(sack.value + 8), 282, 284);
    assert_true(s.out[0].len <= WRD_SCTP_PACKET_DEFAULT);
    script_free(&s);
}

static void window_halves_with_each_rto_of_idleness(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 400000);
    for (int i = 0; i < 8; i++) {
        script_collect(&s);
        script_wait(&s, 100 * WRD_MILLISECOND);
        script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
    }
    size_t grown = s.sctp->cwnd.cwnd;
    assert_true(grown > 20 * WRD_SCTP_PAYLOAD);
    while (wrd_sctp_buffered(s.sctp) > 0) {
        script_collect(&s);
        script_wait(&s, 100 * WRD_MILLISECOND);
        script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
    }
    grown = s.sctp->cwnd.cwnd;
    s.now += wrd_sctp_rto(&s.sctp->rto);
    script_say(&s, 0, 100000);
    script_collect(&s);
    assert_int_equal(s.sctp->cwnd.cwnd, grown / 2);
    assert_int_equal(s.out_count, 10); /* and no burst of all that at once */
    script_free(&s);
}

static void rtt_is_not_taken_from_what_was_sent_twice(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 100);
    script_collect(&s);
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    s.now += 10 * WRD_MILLISECOND;
    script_send_sack(&s, s.tsn, NULL);
    assert_int_equal(wrd_sctp_rtt(s.sctp), 0);
    script_say(&s, 0, 100);
    script_collect(&s);
    s.now += 70 * WRD_MILLISECOND;
    script_send_sack(&s, s.tsn + 1, NULL);
    assert_int_equal(wrd_sctp_rtt(s.sctp), 70 * WRD_MILLISECOND);
    script_free(&s);
}

static void small_window_that_is_full_asks_for_a_sack_at_once(void **state)
{
    struct script s;
    opened(&s, 1 << 20);
    script_say(&s, 0, 50000);
    script_collect(&s);
    struct script_chunk data;
    for (unsigned i = 0; script_find(&s, WRD_SCTP_DATA, i, &data); i++)
        assert_false(data.flags & WRD_SCTP_IMMEDIATE);
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now); /* T3: one packet alone */
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_true(data.flags & WRD_SCTP_IMMEDIATE);
    script_free(&s);
}

static void ring_grows_to_its_bound_and_no_further(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.send_limit = 64 << 20};
    script_init(&s, &options);
    s.rwnd = 1 << 30;
    script_open(&s);
    s.sctp->cwnd.cwnd = 1 << 30;
    static uint8_t packet[WRD_SCTP_PACKET_MAX];
    for (int i = 0; i < 40000; i++)
        script_say(&s, (uint16_t)(i % 3), 1);
    while (wrd_sctp_transmit(s.sctp, s.now, packet, sizeof packet) > 0)
        continue;
    assert_int_equal(wrd_sctp_flight_count(&s.sctp->flight), WRD_SCTP_TSN_WINDOW - 1);
    uint32_t last = s.sctp->flight.next.v - 1;
    const uint16_t gaps[] = {3, 32767, 0};
    for (int i = 0; i < 3; i++)
        script_send_sack(&s, s.tsn - 1, gaps);
    script_send_sack(&s, last, NULL);
    while (wrd_sctp_transmit(s.sctp, s.now, packet, sizeof packet) > 0)
        continue;
    script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_full_and_never_above_1163_bytes),
        cmocka_unit_test(no_packet_is_longer_than_the_options_say),
        cmocka_unit_test(cookie_longer_than_a_packet_goes_back_whole),
        cmocka_unit_test(small_messages_share_a_packet_and_are_not_split_to_fill_it),
        cmocka_unit_test(streams_take_turns_message_by_message),
        cmocka_unit_test(first_flight_is_ten_packets_and_slow_start_doubles_it),
        cmocka_unit_test(peers_window_is_never_overrun),
        cmocka_unit_test(window_that_shrinks_below_what_is_in_flight_does_not_wrap),
        cmocka_unit_test(sack_gap_reported_three_times_triggers_fast_retransmit),
        cmocka_unit_test(same_gap_reported_again_is_no_new_report),
        cmocka_unit_test(t3_sends_the_oldest_again_and_backs_off_up_to_three_seconds),
        cmocka_unit_test(t3_leaves_fast_recovery_and_the_window_grows_again),
        cmocka_unit_test(losses_before_the_last_timeout_do_not_slow_down_twice),
        cmocka_unit_test(second_timeout_sends_again_what_the_peer_may_have_dropped),
        cmocka_unit_test(sack_for_what_was_never_sent_changes_nothing),
        cmocka_unit_test(unsorted_and_overlapping_gaps_count_once),
        cmocka_unit_test(sack_rides_with_data),
        cmocka_unit_test(sack_reports_as_many_gaps_as_fit_one_packet),
        cmocka_unit_test(window_halves_with_each_rto_of_idleness),
        cmocka_unit_test(rtt_is_not_taken_from_what_was_sent_twice),
        cmocka_unit_test(small_window_that_is_full_asks_for_a_sack_at_once),
        cmocka_unit_test(ring_grows_to_its_bound_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
