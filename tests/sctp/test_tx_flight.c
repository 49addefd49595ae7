/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

#define FIRST 0xffffffe0u

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_queue queue;
static struct wrd_sctp_flight flight;

static void start(void)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_queue_init(&queue, &pool);
    assert_true(wrd_sctp_flight_init(&flight, &queue, wrd_tsn(FIRST)));
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
    assert_true(wrd_sctp_flight_push(&flight, 1000, wrd_sctp_queue_first(&queue, 0), len, &data));
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
    bool taken = wrd_sctp_flight_sack(&flight, 5000, &it, out);
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

static void ring_keeps_everything_when_it_grows(void **state)
{
    start();
    for (size_t i = 0; i < 200; i++)
        push(1 + i % 100);
    struct wrd_sctp_sacked out;
    for (uint16_t top = 10; top < 13; top++) {
        const uint16_t gaps[] = {3, 4, 6, top, 0};
        assert_true(sack(FIRST + 49, gaps, &out));
    }
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
        wrd_sctp_flight_resent(&flight, data.tsn);
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

static void chunk_is_fast_retransmitted_once(void **state)
{
    start();
    for (size_t i = 0; i < 20; i++)
        push(100);
    struct wrd_sctp_sacked out;
    struct wrd_sctp_data data;
    for (uint16_t top = 2; top < 12; top++) {
        const uint16_t gaps[] = {2, top, 0};
        assert_true(sack(FIRST - 1, gaps, &out));
        assert_int_equal(out.loss, top == 4);
        if (wrd_sctp_flight_lost(&flight, &data)) {
            assert_int_equal(top, 4);
            wrd_sctp_flight_resent(&flight, data.tsn);
        }
    }
    assert_true(flight.recovering);
    assert_true(sack(FIRST + 19, NULL, &out));
    assert_false(flight.recovering);
    assert_int_equal(flight.bytes, 0);
    stop();
}

/* In fast recovery each SACK that moves the cumulative TSN reports every hole (RFC 9260 7.2.4). */
static void progress_in_recovery_reports_all_holes(void **state)
{
    start();
    for (size_t i = 0; i < 20; i++)
        push(100);
    struct wrd_sctp_sacked out;
    struct wrd_sctp_data data;
    const uint16_t first[] = {2, 2, 0};
    const uint16_t second[] = {2, 3, 0};
    const uint16_t third[] = {2, 3, 5, 5, 7, 7, 0}; /* TSN 0, 3 and 5 are missing */
    assert_true(sack(FIRST - 1, first, &out) && sack(FIRST - 1, second, &out) && sack(FIRST - 1, third, &out));
    assert_true(out.loss);
    assert_true(wrd_sctp_flight_lost(&flight, &data));
    wrd_sctp_flight_resent(&flight, data.tsn);
    assert_int_equal(flight.lost_count, 0);
    const uint16_t fourth[] = {2, 2, 4, 4, 0}; /* nothing new is named, but TSN 0 arrived */
    assert_true(sack(FIRST + 2, fourth, &out));
    assert_int_equal(flight.lost_count, 0);
    const uint16_t fifth[] = {2, 2, 0}; /* TSN 3 was only late; 5 is reported for the third time */
    assert_true(sack(FIRST + 4, fifth, &out));
    assert_false(out.loss);
    assert_true(wrd_sctp_flight_lost(&flight, &data));
    assert_int_equal(data.tsn.v, FIRST + 5);
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
    (void)wrd_sctp_flight_timeout(&flight);
    wrd_sctp_flight_abandon(&flight, wrd_tsn(FIRST + 1)); /* lost */
    (void)wrd_sctp_flight_timeout(&flight);
    wrd_sctp_flight_audit(&flight);
    assert_int_equal(flight.lost_count, 3);
    for (uint32_t i = 3; i < 6; i++) {
        assert_true(wrd_sctp_flight_lost(&flight, &data));
        assert_int_equal(data.tsn.v, FIRST + i);
        wrd_sctp_flight_resent(&flight, data.tsn);
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
        for (unsigned round = 0; round < 400 && sent < 600; round++) {
            for (unsigned n = (unsigned)(lab_random(&r) % 6); n > 0; n--) {
                lens[sent] = 1 + (size_t)(lab_random(&r) % 1000);
                push(lens[sent++]);
            }
            struct wrd_sctp_data data;
            while (lab_random(&r) % 3 && wrd_sctp_flight_lost(&flight, &data))
                wrd_sctp_flight_resent(&flight, data.tsn);
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
            if (lab_random(&r) % 40 == 0) {
                (void)wrd_sctp_flight_timeout(&flight);
                wrd_sctp_flight_audit(&flight);
                assert_int_equal(flight.bytes, 0);
                if (flight.timeouts >= 2)
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
        cmocka_unit_test(ring_keeps_everything_when_it_grows),
        cmocka_unit_test(push_without_memory_changes_nothing),
        cmocka_unit_test(chunk_is_fast_retransmitted_once),
        cmocka_unit_test(progress_in_recovery_reports_all_holes),
        cmocka_unit_test(abandoned_chunk_is_never_sent_again),
        cmocka_unit_test(random_sacks_agree_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
