/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define P WRD_SCTP_PAYLOAD

static void cube_root_is_exact(void **state)
{
    static const uint64_t some[] = {0, 1, 2, 7, 8, 9, 26, 27, 28, 999999999, 1000000000, UINT64_MAX};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        uint64_t root = wrd_sctp_cube_root(some[i]);
        assert_true(root * root * root <= some[i]);
        uint64_t next = root + 1;
        if (next < 2642246)
            assert_true(next * next * next > some[i]);
    }
    uint64_t r = 1;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = lab_random(&r) >> (i % 60);
        uint64_t root = wrd_sctp_cube_root(value);
        assert_true(root <= 2642245 && root * root * root <= value);
        assert_true(root == 2642245 || (root + 1) * (root + 1) * (root + 1) > value);
    }
}

/* One epoch with a full window acknowledged each round trip; the window `seconds` after the loss. */
static size_t window_after(size_t highest, wrd_time rtt, wrd_time seconds)
{
    struct wrd_sctp_cubic cubic = {0};
    size_t cwnd = wrd_sctp_cubic_reduce(&cubic, highest, false);
    assert_int_equal(cwnd, highest / 100 * 70);
    wrd_time now = 7 * WRD_SECOND, end = now + seconds * WRD_SECOND;
    while (now < end) {
        size_t window = cwnd;
        for (size_t done = 0; done < window; done += 2 * P) {
            size_t grown = wrd_sctp_cubic_acked(&cubic, now, rtt, P, cwnd, 2 * P, true);
            assert_true(grown >= cwnd && grown <= cwnd + 2 * P);
            cwnd = grown;
        }
        now += rtt;
    }
    return cwnd;
}

/* RFC 9438 figure 1 in other numbers: from 1000 packets, K = cbrt(300 / 0.4) = 9.09 s. */
static void window_follows_the_curve(void **state)
{
    static const struct {
        wrd_time seconds;
        double packets;
    } curve[] = {{2, 857.4}, {5, 972.6}, {8, 999.5}, {9, 1000}, {11, 1002.8}, {15, 1082.7}, {20, 1519.7}};
    for (size_t i = 0; i < sizeof curve / sizeof *curve; i++) {
        double packets = (double)window_after(1000 * P, 100 * WRD_MILLISECOND, curve[i].seconds) / (double)P;
        assert_true(packets > curve[i].packets * 0.97 && packets < curve[i].packets * 1.03);
    }
}

/* On a short path Reno would grow faster: alpha packets each round trip until the old window, then one (4.3). */
static void short_paths_grow_as_reno(void **state)
{
    double packets = (double)window_after(20 * P, 10 * WRD_MILLISECOND, 1) / (double)P;
    double expected = 20 + (100 - 6 / 0.529); /* 6 packets at 0.529, the rest at 1 */
    assert_true(packets > expected * 0.9 && packets < expected * 1.1);
}

static void window_that_fell_twice_leaves_room(void **state)
{
    struct wrd_sctp_cubic cubic = {0};
    (void)wrd_sctp_cubic_reduce(&cubic, 1000 * P, false);
    assert_int_equal(cubic.highest, 1000 * P);
    (void)wrd_sctp_cubic_reduce(&cubic, 800 * P, false);
    assert_int_equal(cubic.highest, 680 * P);
}

static void single_loss_without_a_queue_costs_half_as_much(void **state)
{
    struct wrd_sctp_cubic cubic = {0};
    assert_int_equal(wrd_sctp_cubic_reduce(&cubic, 1000 * P, true), 850 * P);
    (void)wrd_sctp_cubic_reduce(&cubic, 900 * P, true);
    assert_int_equal(cubic.highest, 900 * P);
}

static void time_in_which_the_window_was_not_used_does_not_count(void **state)
{
    struct wrd_sctp_cubic a = {0}, b = {0};
    size_t cwnd_a = wrd_sctp_cubic_reduce(&a, 100 * P, false), cwnd_b = wrd_sctp_cubic_reduce(&b, 100 * P, false);
    wrd_time now = WRD_SECOND, rtt = 50 * WRD_MILLISECOND;
    for (int i = 0; i < 100; i++, now += rtt / 10) {
        cwnd_a = wrd_sctp_cubic_acked(&a, now, rtt, P, cwnd_a, P, true);
        cwnd_b = wrd_sctp_cubic_acked(&b, now, rtt, P, cwnd_b, P, true);
    }
    assert_int_equal(cwnd_a, cwnd_b);
    for (wrd_time t = now; t < now + 100 * WRD_SECOND; t += WRD_SECOND)
        assert_int_equal(wrd_sctp_cubic_acked(&b, t, rtt, P, cwnd_b, P, false), cwnd_b);
    wrd_time later = now + 99 * WRD_SECOND;
    for (int i = 0; i < 100; i++, now += rtt / 10, later += rtt / 10) {
        cwnd_a = wrd_sctp_cubic_acked(&a, now, rtt, P, cwnd_a, P, true);
        cwnd_b = wrd_sctp_cubic_acked(&b, later, rtt, P, cwnd_b, P, true);
        assert_in_range(cwnd_b, cwnd_a - P / 4, cwnd_a + P / 4);
    }
}

static void extremes_do_not_wrap(void **state)
{
    struct wrd_sctp_cubic cubic = {0};
    size_t cwnd = wrd_sctp_cubic_reduce(&cubic, WRD_SCTP_CWND_MAX, false);
    static const wrd_time times[] = {0, 1, WRD_SECOND, 1000 * WRD_SECOND, (wrd_time)1 << 50};
    for (size_t i = 0; i < 5; i++) {
        size_t grown = wrd_sctp_cubic_acked(&cubic, times[i], 60 * WRD_SECOND, 500, cwnd, WRD_SCTP_CWND_MAX / 2, true);
        assert_true(grown >= cwnd && grown <= 2 * WRD_SCTP_CWND_MAX);
        cwnd = grown < WRD_SCTP_CWND_MAX ? grown : WRD_SCTP_CWND_MAX;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cube_root_is_exact),
        cmocka_unit_test(window_follows_the_curve),
        cmocka_unit_test(short_paths_grow_as_reno),
        cmocka_unit_test(window_that_fell_twice_leaves_room),
        cmocka_unit_test(single_loss_without_a_queue_costs_half_as_much),
        cmocka_unit_test(time_in_which_the_window_was_not_used_does_not_count),
        cmocka_unit_test(extremes_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
