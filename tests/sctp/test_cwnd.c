/* SPDX-License-Identifier: MIT */
#include "lab.h"

#define P WRD_SCTP_PAYLOAD

static const enum wrd_sctp_congestion kinds[] = {WRD_SCTP_CUBIC, WRD_SCTP_RENO};

static void acked_at(struct wrd_sctp_cwnd *cc, wrd_time now, size_t bytes, bool used)
{
    struct wrd_sctp_acked it = {
        .now = now, .bytes = bytes, .used = used, .moved = true, .srtt = 50 * WRD_MILLISECOND, .in_flight = cc->cwnd};
    wrd_sctp_cwnd_acked(cc, &it);
}

static void acked(struct wrd_sctp_cwnd *cc, size_t bytes, bool used)
{
    acked_at(cc, WRD_SECOND, bytes, used);
}

static struct wrd_sctp_cwnd make(enum wrd_sctp_congestion kind, size_t packets, size_t ssthresh)
{
    struct wrd_sctp_cwnd cc;
    wrd_sctp_cwnd_init(&cc, kind, P);
    assert_int_equal(cc.cwnd, 10 * P);
    cc.cwnd = packets * P;
    if (ssthresh)
        cc.ssthresh = ssthresh * P;
    return cc;
}

static void slow_start_grows_by_what_was_acknowledged_up_to_a_few_packets(void **state)
{
    static const size_t most[] = {8, 2};
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 10, 0);
        acked(&cc, 100, true);
        assert_int_equal(cc.cwnd, 10 * P + 100);
        acked(&cc, 20 * P, true);
        assert_int_equal(cc.cwnd, (10 + most[k]) * P + 100);
        cc = make(kinds[k], 10, 11);
        acked(&cc, 2 * P, true);
        assert_int_equal(cc.cwnd, 11 * P);
    }
}

static void window_that_is_not_used_does_not_grow(void **state)
{
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 10, 0);
        for (int i = 0; i < 100; i++)
            acked_at(&cc, WRD_SECOND * (wrd_time)i, P, false);
        assert_int_equal(cc.cwnd, 10 * P);
        cc = make(kinds[k], 10, 10);
        for (int i = 1; i < 100; i++)
            acked_at(&cc, WRD_SECOND * (wrd_time)i, P, false);
        assert_int_equal(cc.cwnd, 10 * P);
        acked_at(&cc, WRD_SECOND * 100, P, true); /* and it was not saved up for later */
        assert_in_range(cc.cwnd, 10 * P, 11 * P);
        acked_at(&cc, WRD_SECOND * 100, P, true);
        assert_in_range(cc.cwnd, 10 * P, 11 * P);
    }
}

static void reno_grows_one_packet_for_each_window(void **state)
{
    struct wrd_sctp_cwnd cc = make(WRD_SCTP_RENO, 10, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(cc.cwnd, 10 * P);
        acked(&cc, P, true);
    }
    assert_int_equal(cc.cwnd, 11 * P);
    for (int i = 0; i < 11; i++)
        acked(&cc, P, true);
    assert_int_equal(cc.cwnd, 12 * P);
}

/* A SACK that moves nothing says too little to grow; the next that does counts for both (RFC 9260 7.2.1). */
static void what_gap_blocks_named_counts_when_the_cumulative_tsn_moves(void **state)
{
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 10, 0);
        struct wrd_sctp_acked it = {.bytes = 500, .used = true};
        wrd_sctp_cwnd_acked(&cc, &it);
        assert_int_equal(cc.cwnd, 10 * P);
        acked(&cc, 100, true);
        assert_int_equal(cc.cwnd, 10 * P + 600);
    }
}

static void loss_reduces_once_and_a_timeout_starts_over(void **state)
{
    struct wrd_sctp_cwnd cc = make(WRD_SCTP_RENO, 100, 0);
    wrd_sctp_cwnd_lost(&cc, 100 * P, false);
    assert_int_equal(cc.ssthresh, 50 * P);
    wrd_sctp_cwnd_timeout(&cc, false); /* of the same loss */
    assert_int_equal(cc.ssthresh, 50 * P);
    assert_int_equal(cc.cwnd, P);
    cc = make(WRD_SCTP_RENO, 100, 0);
    wrd_sctp_cwnd_timeout(&cc, false);
    assert_int_equal(cc.cwnd, P);
    assert_int_equal(cc.ssthresh, 50 * P);
    wrd_sctp_cwnd_timeout(&cc, true);
    assert_int_equal(cc.ssthresh, 50 * P);
    wrd_sctp_cwnd_timeout(&cc, false);
    assert_int_equal(cc.ssthresh, 4 * P);
    cc = make(WRD_SCTP_CUBIC, 100, 0);
    wrd_sctp_cwnd_timeout(&cc, false);
    assert_int_equal(cc.ssthresh, 70 * P);
    assert_int_equal(cc.cubic.highest, 0); /* growth starts flat after it (RFC 9438 4.8) */
    cc = make(WRD_SCTP_CUBIC, 100, 0);
    wrd_sctp_cwnd_lost(&cc, 100 * P, false);
    assert_int_equal(cc.ssthresh, 70 * P);
    wrd_sctp_cwnd_recovered(&cc);
    assert_int_equal(cc.cwnd, 70 * P);
    for (int i = 0; i < 20; i++)
        wrd_sctp_cwnd_lost(&cc, cc.cwnd, false);
    assert_int_equal(cc.cwnd, 4 * P);
}

/* PRR: as packets leave the network one by one, the flight falls to the target over one round trip, and no further. */
static void recovery_sends_in_proportion_to_what_arrives(void **state)
{
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 100, 0);
        size_t flight = 99 * P; /* one is lost */
        wrd_sctp_cwnd_lost(&cc, 100 * P, false);
        assert_true(wrd_sctp_cwnd_open(&cc, flight));
        size_t sent = 0;
        for (int i = 0; i < 99; i++) {
            flight -= P;
            struct wrd_sctp_acked it = {.bytes = P, .in_flight = flight};
            wrd_sctp_cwnd_acked(&cc, &it);
            while (wrd_sctp_cwnd_open(&cc, flight)) {
                wrd_sctp_cwnd_sent(&cc, P);
                flight += P;
                sent += P;
            }
            assert_true(sent * 100 <= (size_t)(i + 3) * cc.ssthresh);
        }
        assert_in_range(flight, cc.ssthresh - 2 * P, cc.ssthresh + P);
    }
}

static void first_retransmission_goes_out_whatever_arrived(void **state)
{
    struct wrd_sctp_cwnd cc = make(WRD_SCTP_RENO, 100, 0);
    wrd_sctp_cwnd_lost(&cc, 100 * P, false);
    assert_true(wrd_sctp_cwnd_open(&cc, 99 * P));
    struct wrd_sctp_acked it = {.bytes = 1, .in_flight = 99 * P};
    wrd_sctp_cwnd_acked(&cc, &it);
    assert_int_equal(cc.quota, P);
    wrd_sctp_cwnd_sent(&cc, P);
    assert_false(wrd_sctp_cwnd_open(&cc, 99 * P));
}

/* After a loss of most of the window it grows back as in slow start, up to the target. */
static void recovery_from_heavy_loss_does_not_starve(void **state)
{
    struct wrd_sctp_cwnd cc = make(WRD_SCTP_CUBIC, 100, 0);
    size_t flight = 10 * P;
    wrd_sctp_cwnd_lost(&cc, 100 * P, false);
    for (int round = 0; round < 5; round++) {
        size_t arriving = flight;
        for (; arriving > 0; arriving -= P) {
            flight -= P;
            struct wrd_sctp_acked it = {.bytes = P, .in_flight = flight, .moved = true};
            wrd_sctp_cwnd_acked(&cc, &it);
            while (wrd_sctp_cwnd_open(&cc, flight)) {
                wrd_sctp_cwnd_sent(&cc, P);
                flight += P;
            }
        }
    }
    assert_in_range(flight, 68 * P, 71 * P);
}

static void undo_restores_window_and_growth(void **state)
{
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 100, 60);
        wrd_sctp_cwnd_lost(&cc, 100 * P, false);
        wrd_sctp_cwnd_undo(&cc);
        assert_int_equal(cc.cwnd, 100 * P);
        assert_int_equal(cc.ssthresh, 60 * P);
        assert_int_equal(cc.cubic.highest, 0);
        assert_false(cc.recovering);
        wrd_sctp_cwnd_timeout(&cc, false);
        wrd_sctp_cwnd_timeout(&cc, true);
        wrd_sctp_cwnd_undo(&cc);
        assert_int_equal(cc.cwnd, 100 * P);
        assert_int_equal(cc.ssthresh, 60 * P);
        cc.cwnd = 20 * P;
        wrd_sctp_cwnd_undo(&cc); /* nothing to take back */
        assert_int_equal(cc.cwnd, 20 * P);
    }
}

static void idleness_decays_but_slow_start_leads_back(void **state)
{
    for (int k = 0; k < 2; k++) {
        struct wrd_sctp_cwnd cc = make(kinds[k], 100, 50);
        wrd_sctp_cwnd_idle(&cc, 999, 1000);
        assert_int_equal(cc.cwnd, 100 * P);
        wrd_sctp_cwnd_idle(&cc, 2500, 1000);
        assert_int_equal(cc.cwnd, 25 * P);
        assert_int_equal(cc.ssthresh, 75 * P);
        wrd_sctp_cwnd_idle(&cc, UINT64_MAX, 1);
        assert_int_equal(cc.cwnd, 10 * P);
        wrd_sctp_cwnd_timeout(&cc, false);
        wrd_sctp_cwnd_idle(&cc, 5000, 1000);
        assert_int_equal(cc.cwnd, P);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_grows_by_what_was_acknowledged_up_to_a_few_packets),
        cmocka_unit_test(window_that_is_not_used_does_not_grow),
        cmocka_unit_test(reno_grows_one_packet_for_each_window),
        cmocka_unit_test(what_gap_blocks_named_counts_when_the_cumulative_tsn_moves),
        cmocka_unit_test(loss_reduces_once_and_a_timeout_starts_over),
        cmocka_unit_test(recovery_sends_in_proportion_to_what_arrives),
        cmocka_unit_test(first_retransmission_goes_out_whatever_arrived),
        cmocka_unit_test(recovery_from_heavy_loss_does_not_starve),
        cmocka_unit_test(undo_restores_window_and_growth),
        cmocka_unit_test(idleness_decays_but_slow_start_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
