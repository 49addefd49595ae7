/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

#define FIRST 0xffffffe0u

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_queue queue;
static struct wrd_sctp_flight flight;
static wrd_time now;

static void start(void)
{
    lab_env_init(&env, 1);
    now = 5000;
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_queue_init(&queue, &pool);
    wrd_sctp_flight_init(&flight, &queue, wrd_tsn(FIRST));
}

static void stop(void)
{
    wrd_sctp_flight_free(&flight);
    wrd_sctp_queue_free(&queue);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void push(size_t len)
{
    static uint8_t bytes[2000];
    struct wrd_sctp_data data;
    struct wrd_sctp_message message = {.ppid = 53, .data = bytes, .len = len};
    assert_true(wrd_sctp_queue_push(&queue, 0, &message));
    assert_true(wrd_sctp_flight_push(&flight, now - 4000, wrd_sctp_queue_first(&queue, 0), len, &data));
    assert_int_equal(data.len, len);
    assert_int_equal(data.flags, WRD_SCTP_BEGIN | WRD_SCTP_END);
}

static bool sack(uint32_t cumulative, const uint16_t *gaps, struct wrd_sctp_sacked *out)
{
    uint8_t bytes[400];
    struct wrd_sctp_sack it = {.cumulative = wrd_tsn(cumulative), .gaps = bytes};
    while (gaps && gaps[2 * it.gap_count]) {
        wrd_store16be(bytes + 4 * it.gap_count, gaps[2 * it.gap_count]);
        wrd_store16be(bytes + 4 * it.gap_count + 2, gaps[2 * it.gap_count + 1]);
        it.gap_count++;
    }
    bool taken = wrd_sctp_flight_sack(&flight, now, &it, out);
    wrd_sctp_flight_audit(&flight);
    return taken;
}

static void bytes_are_counted_exactly(void **state)
{
    start();
    for (size_t i = 1; i <= 10; i++)
        push(i * 10);
    assert_int_equal(flight.bytes, 550);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {2, 3, 5, 5, 0};
    assert_true(sack(FIRST + 1, gaps, &out));
    assert_int_equal(out.bytes, 10 + 20 + 40 + 50 + 70);
    assert_true(out.cumulative);
    assert_int_equal(out.rtt, 4000); /* the first one was timed */
    assert_int_equal(flight.bytes, 550 - out.bytes);
    assert_int_equal(queue.bytes, 550 - 30); /* only what is acknowledged for good is forgotten */
    stop();
}

/* Those of an honest peer are apart, and so name no more than is out: what overlaps is not looked at again and again.
 */
static void gap_blocks_are_read_as_far_as_they_can_be_apart(void **state)
{
    start();
    for (size_t i = 1; i <= 10; i++)
        push(10);
    struct wrd_sctp_sacked out;
    const uint16_t apart[] = {2, 3, 5, 5, 0};
    assert_true(sack(FIRST - 1, apart, &out));
    assert_int_equal(out.bytes, 30);
    const uint16_t overlapping[] = {2, 6, 2, 5, 7, 7, 9, 9, 0};
    assert_true(sack(FIRST - 1, overlapping, &out));
    assert_int_equal(out.bytes, 30); /* 4, 6 and 7 */
    const uint16_t rest[] = {2, 7, 9, 10, 0};
    assert_true(sack(FIRST - 1, rest, &out));
    assert_int_equal(out.bytes, 20);
    stop();
}

static void ring_keeps_everything_when_it_grows(void **state)
{
    start();
    for (size_t i = 0; i < 200; i++)
        push(1 + i % 100);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {3, 4, 6, 12, 0};
    assert_true(sack(FIRST + 49, gaps, &out));
    (void)wrd_sctp_flight_detect(&flight, 9000, 4000, true);
    size_t bytes = flight.bytes;
    uint32_t lost = flight.lost_count;
    assert_int_equal(lost, 3);
    for (size_t i = 200; i < 2000; i++)
        push(1 + i % 100);
    wrd_sctp_flight_audit(&flight);
    for (size_t i = 200; i < 2000; i++)
        bytes += 1 + i % 100;
    assert_int_equal(flight.bytes, bytes);
    struct wrd_sctp_data data;
    static const uint32_t again[] = {50, 51, 54};
    for (size_t i = 0; i < 3; i++) {
        assert_true(wrd_sctp_flight_lost(&flight, &data));
        assert_int_equal(data.tsn.v, FIRST + again[i]);
        assert_int_equal(data.len, 1 + again[i] % 100);
        wrd_sctp_flight_resent(&flight, now, data.tsn);
    }
    assert_false(wrd_sctp_flight_lost(&flight, &data));
    stop();
}

static void push_without_memory_changes_nothing(void **state)
{
    start();
    for (size_t i = 0; i < WRD_SCTP_TSN_WINDOW_MIN - 1; i++)
        push(10);
    struct wrd_sctp_message message = {.ppid = 53, .data = (const uint8_t *)"last", .len = 4};
    assert_true(wrd_sctp_queue_push(&queue, 0, &message));
    for (uint64_t n = 1; n <= 2; n++) {
        env.fail_at = env.asked + n;
        struct wrd_sctp_data data;
        assert_false(wrd_sctp_flight_push(&flight, 0, wrd_sctp_queue_first(&queue, 0), 4, &data));
        assert_int_equal(wrd_sctp_queue_first(&queue, 0)->cut, 0);
        wrd_sctp_flight_audit(&flight);
    }
    stop();
}

static uint32_t lost_after(wrd_time when, bool sure)
{
    uint32_t before = flight.lost_count;
    struct wrd_sctp_losses losses = wrd_sctp_flight_detect(&flight, when, 4000, sure);
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.lost_count - before, losses.count);
    return losses.count;
}

static void resend_all(wrd_time when)
{
    struct wrd_sctp_data data;
    while (wrd_sctp_flight_lost(&flight, &data))
        wrd_sctp_flight_resent(&flight, when, data.tsn);
    wrd_sctp_flight_audit(&flight);
}

/* Sent at 1000 each, acknowledged at 5000: the round trip is 4000, and the window for reordering a quarter of it. */
static void what_was_sent_before_what_arrived_is_lost_a_quarter_round_trip_later(void **state)
{
    start();
    for (size_t i = 0; i < 20; i++)
        push(100);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {3, 3, 0};
    assert_true(sack(FIRST - 1, gaps, &out));
    struct wrd_sctp_losses losses = wrd_sctp_flight_detect(&flight, 5000, 4000, false);
    assert_int_equal(losses.count, 0);
    assert_int_equal(losses.next, 6000);
    assert_int_equal(lost_after(5999, false), 0);
    losses = wrd_sctp_flight_detect(&flight, 6000, 4000, false);
    assert_int_equal(losses.count, 2);
    assert_int_equal(losses.highest.v, FIRST + 1);
    assert_int_equal(losses.next, WRD_NEVER); /* what is above says nothing of itself */
    stop();
}

static void sure_losses_are_not_waited_for(void **state)
{
    start();
    for (size_t i = 0; i < 20; i++)
        push(100);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {2, 4, 0};
    assert_true(sack(FIRST - 1, gaps, &out));
    assert_int_equal(lost_after(5000, true), 1);
    /* Unless packets were seen out of order. */
    const uint16_t late[] = {2, 4, 7, 9, 0}, reordered[] = {2, 5, 7, 9, 0};
    assert_true(sack(FIRST - 1, late, &out));
    assert_true(sack(FIRST - 1, reordered, &out));
    assert_true(flight.rack.reordering);
    assert_int_equal(lost_after(5000, true), 0);
    assert_int_equal(lost_after(6000, true), 1);
    stop();
}

static void lost_retransmission_is_found_by_what_was_sent_after_it(void **state)
{
    start();
    for (size_t i = 0; i < 20; i++)
        push(100);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {2, 4, 0};
    assert_true(sack(FIRST - 1, gaps, &out));
    assert_int_equal(lost_after(5000, true), 1);
    resend_all(5000);
    const uint16_t more[] = {2, 19, 0};
    assert_true(sack(FIRST - 1, more, &out));
    assert_int_equal(lost_after(9500, true), 0); /* all that arrived was sent before it */
    struct wrd_sctp_data data;
    struct wrd_sctp_message message = {.ppid = 53, .data = (const uint8_t *)"x", .len = 1};
    assert_true(wrd_sctp_queue_push(&queue, 0, &message));
    assert_true(wrd_sctp_flight_push(&flight, 5500, wrd_sctp_queue_first(&queue, 0), 1, &data));
    struct wrd_sctp_sack it = {
        .cumulative = wrd_tsn(FIRST - 1), .gaps = (const uint8_t[]){0, 2, 0, 21}, .gap_count = 1};
    assert_true(wrd_sctp_flight_sack(&flight, 9500, &it, &out));
    assert_int_equal(lost_after(9500, true), 1);
    assert_true(wrd_sctp_flight_lost(&flight, &data));
    assert_int_equal(data.tsn.v, FIRST);
    stop();
}

/* A peer that reports few gap blocks knows more than it can say. */
static void nothing_above_a_sack_that_is_cut_short_is_lost(void **state)
{
    start();
    for (size_t i = 0; i < 100; i++)
        push(100);
    uint16_t gaps[2 * WRD_SCTP_GAP_BLOCKS_LEAST + 1] = {0};
    for (uint16_t i = 0; i < WRD_SCTP_GAP_BLOCKS_LEAST; i++)
        gaps[2 * i] = gaps[2 * i + 1] = (uint16_t)(2 + 2 * i);
    struct wrd_sctp_sacked out;
    assert_true(sack(FIRST - 1, gaps, &out));
    assert_int_equal(lost_after(5000, true), WRD_SCTP_GAP_BLOCKS_LEAST);
    resend_all(5000);
    struct wrd_sctp_sack it = {.cumulative = wrd_tsn(FIRST + 1)};
    uint8_t bytes[4 * WRD_SCTP_GAP_BLOCKS_LEAST];
    for (uint16_t i = 0; i < WRD_SCTP_GAP_BLOCKS_LEAST; i++) {
        wrd_store16be(bytes + 4 * i, (uint16_t)(2 + 2 * i));
        wrd_store16be(bytes + 4 * i + 2, (uint16_t)(2 + 2 * i));
    }
    it.gaps = bytes;
    it.gap_count = WRD_SCTP_GAP_BLOCKS_LEAST;
    assert_true(wrd_sctp_flight_sack(&flight, 9000, &it, &out));
    /* The retransmission arrived, and all else was sent long before it: but only what lies below the last block, and
     * was not sent again, is found lost. */
    assert_int_equal(lost_after(9000, true), 1);
    it.gap_count = 1;
    assert_true(wrd_sctp_flight_sack(&flight, 9000, &it, &out));
    assert_int_equal(lost_after(9000, true), 100 - 2 * (WRD_SCTP_GAP_BLOCKS_LEAST + 1));
    stop();
}

static void probe_repeats_the_last_packet_only(void **state)
{
    start();
    for (size_t i = 0; i < 6; i++)
        push(300);
    struct wrd_sctp_sacked out;
    const uint16_t gaps[] = {5, 5, 0};
    assert_true(sack(FIRST - 1, gaps, &out));
    struct wrd_tsn first = {0}, last = {0};
    assert_true(wrd_sctp_flight_repeat(&flight, now, 1000, &first, &last));
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.lost_count, 3);
    assert_int_equal(first.v, FIRST + 2);
    assert_int_equal(last.v, FIRST + 5);
    stop();
}

static void undo_brings_back_what_was_not_sent_again(void **state)
{
    start();
    for (size_t i = 0; i < 6; i++)
        push(100);
    wrd_sctp_flight_rewind(&flight, false);
    assert_int_equal(flight.lost_count, 6);
    wrd_sctp_flight_resent(&flight, 9000, wrd_tsn(FIRST));
    wrd_sctp_flight_undo(&flight);
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.lost_count, 0);
    assert_int_equal(flight.bytes, 600);
    struct wrd_sctp_sacked out;
    assert_true(sack(FIRST + 5, NULL, &out));
    assert_false(out.unrepeated);
    stop();
}

static void ring_is_given_back_when_nothing_is_outstanding(void **state)
{
    start();
    size_t before = env.live;
    push(100);
    wrd_sctp_flight_idle(&flight);
    assert_non_null(flight.ring);
    struct wrd_sctp_sacked out;
    assert_true(sack(FIRST, NULL, &out));
    wrd_sctp_flight_idle(&flight);
    wrd_sctp_pool_drain(&pool);
    wrd_sctp_flight_audit(&flight);
    assert_true(env.live < before + 4096); /* the queue keeps its stream */
    push(100);
    assert_true(sack(FIRST + 1, NULL, &out));
    stop();
}

static void abandoned_chunk_is_never_sent_again(void **state)
{
    start();
    for (size_t i = 0; i < 6; i++)
        push(100);
    struct wrd_sctp_sacked out;
    struct wrd_sctp_data data;
    const uint16_t gaps[] = {3, 3, 0};
    assert_true(sack(FIRST - 1, gaps, &out));
    wrd_sctp_flight_abandon(&flight, wrd_tsn(FIRST));     /* in flight, and timed */
    wrd_sctp_flight_abandon(&flight, wrd_tsn(FIRST + 2)); /* held */
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.bytes, 400);
    wrd_sctp_flight_rewind(&flight, false);
    wrd_sctp_flight_abandon(&flight, wrd_tsn(FIRST + 1)); /* lost */
    wrd_sctp_flight_rewind(&flight, true);
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.lost_count, 3);
    for (uint32_t i = 3; i < 6; i++) {
        assert_true(wrd_sctp_flight_lost(&flight, &data));
        assert_int_equal(data.tsn.v, FIRST + i);
        wrd_sctp_flight_resent(&flight, now, data.tsn);
    }
    assert_true(sack(FIRST + 5, NULL, &out));
    assert_int_equal(out.rtt, 0);
    assert_int_equal(out.bytes, 300);
    assert_int_equal(queue.bytes, 0);
    stop();
}

/* Random SACKs against a plain model of what is acknowledged. */
static void random_sacks_agree_with_a_plain_model(void **state)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        uint64_t r = seed;
        start();
        static bool have[700];
        static size_t lens[700];
        memset(have, 0, sizeof have);
        uint32_t sent = 0, cumulative = 0; /* counts */
        struct wrd_tsn first, last;
        now = 5000;
        for (unsigned round = 0; round < 400 && sent < 600; round++) {
            for (unsigned n = (unsigned)(lab_random(&r) % 6); n > 0; n--) {
                lens[sent] = 1 + (size_t)(lab_random(&r) % 1000);
                push(lens[sent++]);
            }
            struct wrd_sctp_data data;
            while (lab_random(&r) % 3 && wrd_sctp_flight_lost(&flight, &data))
                wrd_sctp_flight_resent(&flight, now, data.tsn);
            for (unsigned n = (unsigned)(lab_random(&r) % 8); n > 0 && sent > cumulative; n--)
                have[cumulative + lab_random(&r) % (sent - cumulative)] = true;
            size_t expected = 0;
            while (cumulative < sent && have[cumulative])
                cumulative++;
            uint16_t gaps[200] = {0};
            size_t count = 0;
            for (uint32_t i = cumulative; i < sent && count < 90; i++) {
                if (!have[i])
                    continue;
                uint32_t end = i;
                while (end + 1 < sent && have[end + 1])
                    end++;
                gaps[2 * count] = (uint16_t)(i - cumulative + 1);
                gaps[2 * count + 1] = (uint16_t)(end - cumulative + 1);
                count++;
                i = end;
            }
            struct wrd_sctp_sacked out;
            assert_true(sack(FIRST + cumulative - 1, gaps, &out));
            for (uint32_t i = cumulative; i < sent; i++)
                expected += have[i] ? 0 : lens[i];
            size_t lost = 0;
            for (uint32_t i = cumulative; i < sent; i++) {
                if (wrd_sctp_bit(&flight.lost, wrd_tsn(FIRST + i)))
                    lost += lens[i];
            }
            if (count < 90)
                assert_int_equal(flight.bytes + lost, expected);
            now += lab_random(&r) % 3000;
            (void)wrd_sctp_flight_detect(&flight, now, 3000, lab_random(&r) % 2);
            wrd_sctp_flight_audit(&flight);
            if (lab_random(&r) % 20 == 0)
                wrd_sctp_flight_undo(&flight);
            if (lab_random(&r) % 10 == 0)
                (void)wrd_sctp_flight_repeat(&flight, now, lab_random(&r) % 1200, &first, &last);
            wrd_sctp_flight_audit(&flight);
            if (lab_random(&r) % 40 == 0) {
                bool reneged = lab_random(&r) % 2;
                wrd_sctp_flight_rewind(&flight, reneged);
                wrd_sctp_flight_audit(&flight);
                assert_int_equal(flight.bytes, 0);
                if (reneged)
                    for (uint32_t i = cumulative; i < sent; i++)
                        have[i] = have[i] && lab_random(&r) % 2; /* the peer may renege */
            }
        }
        stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_counted_exactly),
        cmocka_unit_test(gap_blocks_are_read_as_far_as_they_can_be_apart),
        cmocka_unit_test(ring_keeps_everything_when_it_grows),
        cmocka_unit_test(push_without_memory_changes_nothing),
        cmocka_unit_test(what_was_sent_before_what_arrived_is_lost_a_quarter_round_trip_later),
        cmocka_unit_test(sure_losses_are_not_waited_for),
        cmocka_unit_test(lost_retransmission_is_found_by_what_was_sent_after_it),
        cmocka_unit_test(nothing_above_a_sack_that_is_cut_short_is_lost),
        cmocka_unit_test(probe_repeats_the_last_packet_only),
        cmocka_unit_test(undo_brings_back_what_was_not_sent_again),
        cmocka_unit_test(ring_is_given_back_when_nothing_is_outstanding),
        cmocka_unit_test(abandoned_chunk_is_never_sent_again),
        cmocka_unit_test(random_sacks_agree_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
