/* SPDX-License-Identifier: MIT */
/* Losses, probes and timeouts against a peer played by hand, on a path of 50 ms. */
#include "script.h"

#include <string.h>

#define P   WRD_SCTP_PAYLOAD
#define RTT (50 * WRD_MILLISECOND)

/* What is open is steady: the round-trip time is known to be RTT, and nothing is in flight. */
static void opened(struct script *s, const struct wrd_sctp_options *options)
{
    script_init(s, options);
    s->rwnd = 1 << 20;
    script_open(s);
    for (int i = 0; i < 20; i++) {
        script_say(s, 0, 100);
        script_collect(s);
        s->now += RTT;
        script_send_sack(s, s->sctp->flight.next.v - 1, NULL);
    }
    s->tsn = s->sctp->flight.next.v;
    assert_int_equal(wrd_sctp_rtt(s->sctp), RTT);
}

static struct wrd_sctp_stats stats(const struct script *s)
{
    struct wrd_sctp_stats all;
    wrd_sctp_get_stats(s->sctp, &all);
    return all;
}

static uint32_t data_tsn(const struct script *s, unsigned n)
{
    struct script_chunk data;
    assert_true(script_find(s, WRD_SCTP_DATA, n, &data));
    return script_word(&data, 0);
}

static void sends_packets(struct script *s, unsigned count)
{
    script_say(s, 0, count * P);
    s->sctp->cwnd.cwnd = 100 * P;
    s->sctp->pacer.rate = 0;
    script_collect(s);
    assert_int_equal(script_count(s, WRD_SCTP_DATA), count);
}

/* Like script_send_sack(), with one TSN reported as received twice. */
static void sack_with_duplicate(struct script *s, uint32_t cumulative, uint32_t duplicate)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_SACK, 0);
    wrd_wr32(&s->wr, cumulative);
    wrd_wr32(&s->wr, s->rwnd);
    wrd_wr16(&s->wr, 0);
    wrd_wr16(&s->wr, 1);
    wrd_wr32(&s->wr, duplicate);
    script_chunk_end(s, start);
    script_send(s);
}

static void sack_gap(struct script *s, uint32_t cumulative, uint16_t from, uint16_t to)
{
    const uint16_t gaps[] = {from, to, 0};
    script_send_sack(s, cumulative, gaps);
}

/* A gap block may be taken back, and named once more. */
static void what_is_acknowledged_for_good_counts_once(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 4);
    uint64_t before = stats(&s).bytes_settled;
    for (int i = 0; i < 3; i++) {
        sack_gap(&s, s.tsn - 1, 2, 4);
        assert_int_equal(stats(&s).bytes_settled - before, 0);
        script_send_sack(&s, s.tsn - 1, NULL);
    }
    for (int i = 0; i < 3; i++) {
        script_send_sack(&s, s.tsn, NULL);
        assert_int_equal(stats(&s).bytes_settled - before, P + WRD_SCTP_DATA_HEADER_SIZE);
    }
    script_send_sack(&s, s.tsn + 3, NULL);
    assert_int_equal(stats(&s).bytes_settled - before, 4 * (P + WRD_SCTP_DATA_HEADER_SIZE));
    script_free(&s);
    (void)state;
}

static void isolated_tail_loss_is_repaired_within_two_and_a_half_round_trips(void **state)
{
    for (unsigned count = 1; count <= 10; count += 9) {
        struct script s;
        opened(&s, NULL);
        sends_packets(&s, count);
        wrd_time start = s.now;
        if (count > 1) {
            s.now += RTT;
            script_send_sack(&s, s.tsn + count - 2, NULL); /* the last one is lost */
        }
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
        assert_true(s.now - start + RTT / 2 <= RTT * 5 / 2);
        assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
        assert_int_equal(data_tsn(&s, 0), s.tsn + count - 1);
        struct script_chunk probe;
        assert_true(script_find(&s, WRD_SCTP_DATA, 0, &probe));
        assert_true(probe.flags & WRD_SCTP_IMMEDIATE);
        s.now += RTT;
        script_send_sack(&s, s.tsn + count - 1, NULL);
        assert_int_equal(stats(&s).probes, 1);
        assert_int_equal(stats(&s).timeouts, 0);
        assert_int_equal(s.sctp->t3, WRD_NEVER);
        assert_int_equal(s.sctp->probe, WRD_NEVER);
        script_free(&s);
    }
}

static void one_probe_for_each_silence_then_the_timeout(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 5);
    script_wait(&s, 350 * WRD_MILLISECOND);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    script_wait(&s, 3 * WRD_SECOND);
    assert_int_equal(stats(&s).probes, 1);
    assert_true(stats(&s).timeouts >= 2);
    script_free(&s);
}

static void probe_sends_new_data_where_there_is_some(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 4);
    s.sctp->cwnd.cwnd = 2 * P;
    script_say(&s, 0, 100);
    script_wait(&s, 2 * RTT);
    assert_int_equal(stats(&s).probes, 1);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    assert_int_equal(data_tsn(&s, 0), s.tsn + 4);
    /* It arrives where the others did not, and they are repaired. */
    s.now += RTT;
    sack_gap(&s, s.tsn - 1, 5, 5);
    script_wait(&s, RTT);
    assert_int_equal(data_tsn(&s, 0), s.tsn);
    assert_int_equal(stats(&s).losses, 4);
    script_free(&s);
}

/* RFC 7053: the peer is not to delay a SACK that is waited for. */
static void probes_and_ends_of_bursts_ask_for_a_sack(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 5);
    struct script_chunk data;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(script_find(&s, WRD_SCTP_DATA, i, &data));
        assert_int_equal(data.flags & WRD_SCTP_IMMEDIATE, i == 4 ? WRD_SCTP_IMMEDIATE : 0);
    }
    s.now += RTT;
    script_send_sack(&s, s.tsn + 4, NULL);
    s.sctp->cwnd.cwnd = 12 * P;
    s.sctp->pacer.rate = 0;
    script_say(&s, 0, 30 * P);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 12);
    for (unsigned i = 0; i < 12; i++) { /* the window is full of others that are answered */
        assert_true(script_find(&s, WRD_SCTP_DATA, i, &data));
        assert_false(data.flags & WRD_SCTP_IMMEDIATE);
    }
    script_wait(&s, 2 * RTT);
    assert_int_equal(stats(&s).probes, 1);
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data));
    assert_true(data.flags & WRD_SCTP_IMMEDIATE);
    script_free(&s);
}

static void probe_that_was_needed_slows_down_once(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 3);
    s.sctp->cwnd.cwnd = 100 * P;
    script_wait(&s, 2 * RTT);
    s.now += RTT;
    script_send_sack(&s, s.tsn + 2, NULL);
    assert_true(s.sctp->cwnd.cwnd < 100 * P && s.sctp->cwnd.cwnd >= 70 * P);
    size_t slowed = s.sctp->cwnd.cwnd;
    script_send_sack(&s, s.tsn + 2, NULL);
    assert_int_equal(s.sctp->cwnd.cwnd, slowed);
    /* But the peer had it twice: it was only late. */
    sack_with_duplicate(&s, s.tsn + 2, s.tsn + 2);
    assert_int_equal(s.sctp->cwnd.cwnd, 100 * P);
    assert_int_equal(stats(&s).undone, 1);
    script_free(&s);
}

/* A peer that delays the SACK for a single packet by 200 ms, though it is asked not to. */
static void needless_probes_come_later_until_there_are_none(void **state)
{
    struct script s;
    opened(&s, NULL);
    size_t cwnd = s.sctp->cwnd.cwnd;
    uint64_t probes = 0;
    for (int i = 0; i < 12; i++) {
        s.sctp->rto.srtt = RTT; /* as if it were talkative otherwise */
        s.sctp->rto.rttvar = 0;
        script_say(&s, 0, 100);
        script_collect(&s);
        uint32_t tsn = s.sctp->flight.next.v - 1;
        wrd_time sack_at = s.now + RTT + 200 * WRD_MILLISECOND, probe_at = s.sctp->probe;
        assert_true(probe_at <= s.sctp->t3);
        if (probe_at < sack_at) {
            script_wait(&s, probe_at - s.now);
            assert_int_equal(stats(&s).probes, ++probes);
            s.now += RTT;
            sack_with_duplicate(&s, tsn, tsn); /* what comes twice is answered at once */
        } else {
            s.now = sack_at;
            script_send_sack(&s, tsn, NULL);
        }
        assert_int_equal(s.sctp->cwnd.cwnd, cwnd); /* nothing of that was a loss */
        s.now += 100 * WRD_MILLISECOND;
    }
    assert_in_range(probes, 3, 5);
    script_free(&s);
}

static void lost_retransmission_needs_no_timeout(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 10);
    script_say(&s, 0, 20 * P);
    uint32_t t = s.tsn;
    s.now += RTT;
    sack_gap(&s, t - 1, 2, 10);
    script_wait(&s, 5 * WRD_MILLISECOND);
    assert_int_equal(data_tsn(&s, 0), t); /* and this is lost, too */
    uint32_t last = s.sctp->flight.next.v - 1;
    assert_true(last > t + 9);
    s.now += RTT;
    sack_gap(&s, t - 1, 2, (uint16_t)(last - t + 1));
    script_wait(&s, 20 * WRD_MILLISECOND);
    assert_int_equal(data_tsn(&s, 0), t);
    assert_int_equal(stats(&s).losses, 2);
    assert_int_equal(stats(&s).timeouts, 0);
    script_free(&s);
}

static void reordering_within_the_window_causes_no_retransmission(void **state)
{
    struct script s;
    opened(&s, NULL);
    for (int i = 0; i < 20; i++) {
        sends_packets(&s, 6);
        uint32_t t = s.sctp->flight.next.v - 6;
        s.now += RTT;
        sack_gap(&s, t - 1, 2, 3); /* the first one is late by a tenth of the round trip */
        script_wait(&s, RTT / 10);
        assert_int_equal(script_count(&s, WRD_SCTP_DATA), 0);
        script_send_sack(&s, t + 5, NULL);
        if (i > 0) { /* reordering is known of: three packets are no proof any more */
            sends_packets(&s, 6);
            s.now += RTT;
            sack_gap(&s, t + 5, 2, 6);
            script_wait(&s, RTT / 10);
            assert_int_equal(script_count(&s, WRD_SCTP_DATA), 0);
            script_send_sack(&s, t + 11, NULL);
        }
    }
    assert_int_equal(stats(&s).losses, 0);
    assert_int_equal(stats(&s).chunks_retransmitted, 0);
    script_free(&s);
}

static void loss_below_three_packets_is_found_a_quarter_round_trip_later(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 3);
    s.now += RTT;
    sack_gap(&s, s.tsn - 1, 2, 3);
    wrd_time start = s.now;
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    assert_int_equal(data_tsn(&s, 0), s.tsn);
    assert_int_equal(s.now - start, RTT / 4);
    script_free(&s);
}

static void one_reduction_per_epoch(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 60);
    size_t before = s.sctp->cwnd.cwnd;
    s.now += RTT;
    uint32_t t = s.tsn;
    sack_gap(&s, t - 1, 2, 5);
    script_collect(&s);
    size_t target = s.sctp->cwnd.ssthresh;
    assert_in_range(target, before / 100 * 70, before / 100 * 85 + 1);
    for (uint16_t top = 10; top <= 60; top = (uint16_t)(top + 10)) { /* every tenth is lost */
        uint16_t gaps[20] = {2, 9};
        for (uint16_t i = 1; i < top / 10; i++) {
            gaps[2 * i] = (uint16_t)(10 * i + 1);
            gaps[2 * i + 1] = (uint16_t)(10 * i + 9);
        }
        script_send_sack(&s, t - 1, gaps);
        script_collect(&s);
    }
    assert_true(stats(&s).losses >= 5);
    assert_true(s.sctp->recovery.active);
    assert_int_equal(s.sctp->cwnd.ssthresh, target);
    s.now += RTT;
    script_send_sack(&s, s.sctp->flight.next.v - 1, NULL);
    assert_false(s.sctp->recovery.active);
    assert_int_equal(s.sctp->cwnd.cwnd, target);
    /* What is lost after that is another episode. */
    sends_packets(&s, 20);
    t = s.sctp->flight.next.v - 20;
    s.now += RTT;
    sack_gap(&s, t - 1, 2, 20);
    assert_true(s.sctp->recovery.active);
    script_free(&s);
}

static void needless_retransmissions_are_undone(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 10);
    uint32_t t = s.tsn;
    s.now += RTT;
    sack_gap(&s, t - 1, 3, 10); /* two are late by more than was to be thought */
    script_wait(&s, 5 * WRD_MILLISECOND);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 2);
    assert_true(s.sctp->recovery.active && s.sctp->cwnd.cwnd < 100 * P);
    script_wait(&s, RTT - 5 * WRD_MILLISECOND);
    script_send_sack(&s, t + 9, NULL);
    sack_with_duplicate(&s, t + 9, t);
    assert_int_equal(stats(&s).undone, 0);
    sack_with_duplicate(&s, t + 9, t + 1);
    assert_int_equal(stats(&s).undone, 1);
    assert_int_equal(s.sctp->cwnd.cwnd, 100 * P);
    assert_true(s.sctp->flight.rack.mult > 1); /* and the next ones get more time */
    sack_with_duplicate(&s, t + 9, t + 1);     /* the network repeats packets, too */
    assert_int_equal(stats(&s).undone, 1);
    script_free(&s);
}

/* Duplicates are told once, so a SACK that others overtook must not be lost on us. */
static void duplicates_in_an_overtaken_sack_count(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 10);
    uint32_t t = s.tsn;
    s.now += RTT;
    sack_gap(&s, t - 1, 2, 10);
    script_wait(&s, 5 * WRD_MILLISECOND);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    s.now += RTT;
    script_send_sack(&s, t + 9, NULL);
    assert_int_equal(stats(&s).undone, 0);
    sack_with_duplicate(&s, t + 4, t);
    assert_int_equal(stats(&s).undone, 1);
    assert_int_equal(s.sctp->flight.cumulative.v, t + 9);
    script_free(&s);
}

static void two_hasty_slow_downs_in_a_row_are_undone_together(void **state)
{
    struct script s;
    opened(&s, NULL);
    uint32_t t = s.tsn;
    sends_packets(&s, 10);
    for (int i = 0; i < 2; i++, t += 10) {
        s.now += RTT;
        sack_gap(&s, t - 1, 2, 10);
        script_collect(&s);
        assert_int_equal(data_tsn(&s, 0), t);
        script_send_sack(&s, t + 9, NULL); /* it was only late */
        size_t slowed = s.sctp->cwnd.cwnd;
        if (i == 0) {
            script_say(&s, 0, 10 * P);
            s.sctp->pacer.rate = 0;
            script_collect(&s);
            assert_int_equal(script_count(&s, WRD_SCTP_DATA), 10);
        } else {
            assert_true(slowed < 80 * P);
        }
        s.sctp->flight.rack.reordering = false; /* as if that had not been seen yet */
    }
    sack_with_duplicate(&s, t - 1, t - 20);
    assert_int_equal(stats(&s).undone, 0);
    sack_with_duplicate(&s, t - 1, t - 10);
    assert_int_equal(stats(&s).undone, 1);
    assert_int_equal(s.sctp->cwnd.cwnd, 100 * P);
    assert_int_equal(s.sctp->cwnd.ssthresh, WRD_SCTP_CWND_MAX);
    script_free(&s);
}

static void duplicates_that_the_network_made_say_nothing(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 10);
    for (uint32_t i = 0; i < 10; i++)
        sack_with_duplicate(&s, s.tsn + i, s.tsn + i);
    assert_int_equal(s.sctp->flight.rack.mult, 1);
    assert_false(s.sctp->flight.rack.reordering);
    assert_int_equal(s.sctp->recovery.repeats, 0);
    assert_int_equal(stats(&s).undone, 0);
    script_free(&s);
}

static void spurious_timeout_is_undone(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 20);
    uint32_t t = s.tsn;
    while (stats(&s).timeouts == 0)
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    assert_int_equal(s.sctp->cwnd.cwnd, P);
    assert_int_equal(data_tsn(&s, script_count(&s, WRD_SCTP_DATA) - 1), t);
    /* All was only held up for a while. */
    s.now += 10 * WRD_MILLISECOND;
    script_send_sack(&s, t + 1, NULL);
    assert_int_equal(stats(&s).undone, 1);
    assert_in_range(s.sctp->cwnd.cwnd, 100 * P, 102 * P);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1); /* only what the probe repeated stays lost */
    assert_int_equal(data_tsn(&s, 0), t + 19);
    assert_int_equal(s.sctp->flight.lost_count, 0);
    assert_int_equal(s.sctp->flight.bytes, 18 * P);
    for (uint32_t i = 4; i < 20; i += 2) {
        script_send_sack(&s, t + i - 1, NULL);
        script_collect(&s);
        assert_int_equal(script_count(&s, WRD_SCTP_DATA), 0);
    }
    assert_int_equal(stats(&s).chunks_retransmitted, 3); /* the probe, the first, and that */
    script_free(&s);
}

/* Later than the answer to what was sent again could be: but that would have told of all, and this goes on in order. */
static void late_sacks_of_first_sendings_undo_a_timeout(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 20);
    while (stats(&s).timeouts == 0)
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    s.now += 2 * RTT;
    script_send_sack(&s, s.tsn + 1, NULL);
    assert_int_equal(stats(&s).undone, 1);
    assert_in_range(s.sctp->cwnd.cwnd, 100 * P, 102 * P);
    script_free(&s);
}

/* The answer to the retransmission tells that nothing else is missing: the others' SACKs were lost, or they were. */
static void timeout_that_was_right_stays(void **state)
{
    struct script s;
    opened(&s, NULL);
    sends_packets(&s, 20);
    uint32_t t = s.tsn;
    while (stats(&s).timeouts == 0)
        script_wait(&s, wrd_sctp_deadline(s.sctp) - s.now);
    s.now += RTT;
    script_send_sack(&s, t, NULL);
    assert_int_equal(stats(&s).undone, 0);
    assert_true(s.sctp->cwnd.cwnd < 5 * P);
    script_collect(&s);
    assert_int_equal(data_tsn(&s, 0), t + 1);
    uint32_t last = data_tsn(&s, script_count(&s, WRD_SCTP_DATA) - 1);
    s.now += RTT;
    script_send_sack(&s, last, NULL);
    assert_int_equal(stats(&s).undone, 0);
    assert_in_range(s.sctp->cwnd.ssthresh, 70 * P, 71 * P);
    script_free(&s);
}

static void closed_window_is_no_congestion(void **state)
{
    struct script s;
    opened(&s, NULL);
    s.sctp->cwnd.cwnd = 100 * P;
    s.rwnd = 0;
    script_send_sack(&s, s.tsn - 1, NULL);
    script_say(&s, 0, 30 * P);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    unsigned sent = 0;
    for (int i = 0; i < 60; i++) {
        s.now += RTT;
        script_send_sack(&s, s.tsn - 1, NULL);
        script_wait(&s, WRD_SECOND - RTT);
        sent += script_count(&s, WRD_SCTP_DATA);
    }
    assert_in_range(sent, 18, 25); /* in a minute: each three seconds */
    assert_int_equal(s.sctp->cwnd.cwnd, 100 * P);
    assert_int_equal(stats(&s).timeouts, 0);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    /* It opens: what was dropped goes out at once, and the rest with it. */
    s.rwnd = 1 << 20;
    script_send_sack(&s, s.tsn - 1, NULL);
    script_collect(&s);
    assert_int_equal(data_tsn(&s, 0), s.tsn);
    assert_true(script_count(&s, WRD_SCTP_DATA) >= 10);
    assert_int_equal(s.sctp->cwnd.cwnd, 100 * P);
    script_free(&s);
}

/* A peer that takes the closed window for a reason to fall silent is lost all the same. */
static void silence_behind_a_closed_window_ends_it(void **state)
{
    struct script s;
    opened(&s, NULL);
    s.rwnd = 0;
    script_send_sack(&s, s.tsn - 1, NULL);
    script_say(&s, 0, 100);
    script_collect(&s);
    for (int i = 0; i < 40 && script_state(&s) == WRD_SCTP_ESTABLISHED; i++)
        script_wait(&s, 3 * WRD_SECOND);
    assert_int_equal(wrd_sctp_failure(s.sctp, NULL), WRD_LOST);
    script_free(&s);
}

static void window_leaves_evenly(void **state)
{
    struct script s;
    opened(&s, NULL);
    s.sctp->cwnd.cwnd = 100 * P;
    s.sctp->cwnd.ssthresh = 100 * P;
    wrd_sctp_pacer_set(&s.sctp->pacer, 100 * P, RTT, false);
    script_say(&s, 0, 200 * P);
    script_collect(&s);
    assert_in_range(s.out_count, 10, 11);
    wrd_time start = s.now;
    size_t sent = s.out_count, largest = 0;
    while (sent < 100) {
        assert_true(wrd_sctp_deadline(s.sctp) > s.now);
        s.now = wrd_sctp_deadline(s.sctp);
        wrd_sctp_expire(s.sctp, s.now);
        script_collect(&s);
        sent += s.out_count;
        largest = s.out_count > largest ? s.out_count : largest;
    }
    assert_in_range(s.now - start, RTT / 2, RTT);
    assert_true(largest <= 5);
    script_free(&s);
}

static void message_that_may_not_be_sent_again_is_not_probed_with(void **state)
{
    struct script s;
    opened(&s, NULL);
    s.sctp->peer_forward_tsn = true;
    s.sctp->queue.rules.expiring = true;
    struct wrd_sctp_message message = {.ppid = 53, .data = (const uint8_t *)"x", .len = 1, .limit_retransmits = true};
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    script_wait(&s, 5 * RTT);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 0);
    script_wait(&s, WRD_SECOND);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 0);
    assert_true(script_has(&s, WRD_SCTP_FORWARD_TSN));
    script_free(&s);
}

static void statistics_count_what_happened(void **state)
{
    struct script s;
    opened(&s, NULL);
    struct wrd_sctp_stats before = stats(&s);
    assert_int_equal(before.chunks_sent, 20);
    assert_int_equal(before.rtt, RTT);
    assert_int_equal(before.rtt_min, RTT);
    assert_int_equal(before.rto, WRD_SCTP_RTO_MIN);
    sends_packets(&s, 5);
    s.now += RTT;
    sack_gap(&s, s.tsn - 1, 2, 5);
    script_collect(&s);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "a");
    struct wrd_sctp_stats now = stats(&s);
    assert_int_equal(now.packets_sent - before.packets_sent, 6);
    assert_int_equal(now.packets_received - before.packets_received, 2);
    assert_int_equal(now.chunks_sent - before.chunks_sent, 6);
    assert_int_equal(now.chunks_received, 1);
    assert_int_equal(now.chunks_retransmitted, 1);
    assert_int_equal(now.losses, 1);
    assert_int_equal(now.in_flight, P);
    assert_int_equal(now.peer_window, 1 << 20);
    assert_int_equal(now.cwnd, s.sctp->cwnd.cwnd);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_acknowledged_for_good_counts_once),
        cmocka_unit_test(isolated_tail_loss_is_repaired_within_two_and_a_half_round_trips),
        cmocka_unit_test(one_probe_for_each_silence_then_the_timeout),
        cmocka_unit_test(probe_sends_new_data_where_there_is_some),
        cmocka_unit_test(probes_and_ends_of_bursts_ask_for_a_sack),
        cmocka_unit_test(probe_that_was_needed_slows_down_once),
        cmocka_unit_test(needless_probes_come_later_until_there_are_none),
        cmocka_unit_test(lost_retransmission_needs_no_timeout),
        cmocka_unit_test(reordering_within_the_window_causes_no_retransmission),
        cmocka_unit_test(loss_below_three_packets_is_found_a_quarter_round_trip_later),
        cmocka_unit_test(one_reduction_per_epoch),
        cmocka_unit_test(needless_retransmissions_are_undone),
        cmocka_unit_test(duplicates_in_an_overtaken_sack_count),
        cmocka_unit_test(two_hasty_slow_downs_in_a_row_are_undone_together),
        cmocka_unit_test(duplicates_that_the_network_made_say_nothing),
        cmocka_unit_test(spurious_timeout_is_undone),
        cmocka_unit_test(late_sacks_of_first_sendings_undo_a_timeout),
        cmocka_unit_test(timeout_that_was_right_stays),
        cmocka_unit_test(closed_window_is_no_congestion),
        cmocka_unit_test(silence_behind_a_closed_window_ends_it),
        cmocka_unit_test(window_leaves_evenly),
        cmocka_unit_test(message_that_may_not_be_sent_again_is_not_probed_with),
        cmocka_unit_test(statistics_count_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
