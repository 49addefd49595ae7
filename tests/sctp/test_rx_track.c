/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

#define FIRST 0xfffffff8u

static struct lab_env env;
static struct wrd_sctp_track track;

static void start(void)
{
    lab_env_init(&env, 1);
    wrd_sctp_track_init(&track, &env.env, wrd_tsn(FIRST));
}

static void stop(void)
{
    wrd_sctp_track_free(&track);
    assert_int_equal(env.live, 0);
}

static void mark(uint32_t tsn)
{
    assert_true(wrd_sctp_track_reserve(&track, wrd_tsn(tsn)));
    wrd_sctp_track_mark(&track, wrd_tsn(tsn));
}

static size_t write(uint8_t *out, size_t cap)
{
    struct wrd_writer wr = wrd_wr(out, cap);
    wrd_sctp_track_write(&track, &wr, 1234);
    assert_false(wr.bad);
    return wr.len;
}

static void arrivals_are_told_apart_across_the_wrap(void **state)
{
    start();
    assert_int_equal(wrd_sctp_track_look(&track, wrd_tsn(FIRST - 1)), WRD_SCTP_DUPLICATE);
    assert_int_equal(wrd_sctp_track_look(&track, wrd_tsn(FIRST)), WRD_SCTP_IN_SEQUENCE);
    assert_int_equal(wrd_sctp_track_look(&track, wrd_tsn(FIRST + 20)), WRD_SCTP_AHEAD);
    assert_int_equal(wrd_sctp_track_look(&track, wrd_tsn(FIRST - 1 + WRD_SCTP_TSN_WINDOW)), WRD_SCTP_OUTSIDE);
    mark(FIRST + 20);
    assert_int_equal(wrd_sctp_track_look(&track, wrd_tsn(FIRST + 20)), WRD_SCTP_DUPLICATE);
    for (uint32_t i = 0; i < 20; i++)
        mark(FIRST + i);
    assert_int_equal(track.cumulative.v, FIRST + 20);
    assert_int_equal(track.highest.v, FIRST + 20);
    stop();
}

/* Against a plain array of what arrived. */
static void gap_blocks_name_exactly_what_arrived(void **state)
{
    static bool arrived[3000];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t r = seed;
        memset(arrived, 0, sizeof arrived);
        start();
        unsigned density = (unsigned)(lab_random(&r) % 1000);
        for (uint32_t i = 0; i < 3000; i++) {
            if (lab_random(&r) % 1000 >= density)
                continue;
            uint32_t at = (uint32_t)(lab_random(&r) % 3000);
            enum wrd_sctp_arrival arrival = wrd_sctp_track_look(&track, wrd_tsn(FIRST + at));
            assert_int_equal(arrival == WRD_SCTP_DUPLICATE, arrived[at]);
            if (arrived[at])
                continue;
            arrived[at] = true;
            mark(FIRST + at);
        }
        static uint8_t out[20000];
        size_t len = write(out, sizeof out);
        uint32_t cumulative = wrd_load32be(out + 4) - FIRST; /* wraps to -1 for none */
        uint32_t at = 0;
        while (at < 3000 && arrived[at])
            at++;
        assert_int_equal(cumulative, at - 1);
        size_t blocks = wrd_load16be(out + 12);
        assert_int_equal(len, 16 + 4 * blocks);
        for (size_t i = 0; i < blocks; i++) {
            uint32_t start = cumulative + wrd_load16be(out + 16 + 4 * i);
            uint32_t end = cumulative + wrd_load16be(out + 18 + 4 * i);
            for (; at < start; at++)
                assert_false(arrived[at]);
            for (; at <= end; at++)
                assert_true(arrived[at]);
        }
        for (; at < 3000; at++)
            assert_false(arrived[at]);
        stop();
    }
}

static void widest_gap_has_sixteen_bits_room(void **state)
{
    start();
    mark(FIRST + WRD_SCTP_TSN_WINDOW - 2);
    uint8_t out[64];
    assert_int_equal(write(out, sizeof out), 20);
    assert_int_equal(wrd_load16be(out + 16), WRD_SCTP_TSN_WINDOW - 1);
    assert_int_equal(wrd_load16be(out + 18), WRD_SCTP_TSN_WINDOW - 1);
    stop();
}

static void duplicates_are_reported_once_and_bounded(void **state)
{
    start();
    mark(FIRST);
    for (uint32_t i = 0; i < 1000; i++)
        wrd_sctp_track_duplicate(&track, wrd_tsn(FIRST));
    static uint8_t out[2000];
    assert_int_equal(write(out, sizeof out), 16 + 4 * WRD_SCTP_DUPLICATES_MAX);
    assert_int_equal(wrd_load16be(out + 14), WRD_SCTP_DUPLICATES_MAX);
    assert_int_equal(write(out, sizeof out), 16);
    stop();
}

static void sack_fits_any_space_of_at_least_its_header(void **state)
{
    start();
    for (uint32_t i = 1; i < 200; i += 2)
        mark(FIRST + i);
    uint8_t out[600];
    for (size_t cap = 16; cap < sizeof out; cap++) {
        for (int i = 0; i < 20; i++)
            wrd_sctp_track_duplicate(&track, wrd_tsn(FIRST + 1));
        size_t len = write(out, cap);
        assert_true(len <= cap);
        assert_int_equal(len, 16 + 4 * (wrd_load16be(out + 12) + wrd_load16be(out + 14)));
    }
    stop();
}

static void forward_moves_over_what_is_missing_and_joins_what_follows(void **state)
{
    start();
    mark(FIRST + 2);
    mark(FIRST + 6);
    mark(FIRST + 7);
    mark(FIRST + 9);
    struct wrd_tsn kept = track.cumulative;
    assert_true(wrd_sctp_track_next(&track, &kept, wrd_tsn(FIRST + 6)));
    assert_int_equal(kept.v, FIRST + 2);
    assert_true(wrd_sctp_track_next(&track, &kept, wrd_tsn(FIRST + 6)));
    assert_int_equal(kept.v, FIRST + 6);
    assert_false(wrd_sctp_track_next(&track, &kept, wrd_tsn(FIRST + 6)));
    wrd_sctp_track_forward(&track, wrd_tsn(FIRST + 5));
    assert_int_equal(track.cumulative.v, FIRST + 7);
    assert_int_equal(track.highest.v, FIRST + 9);
    wrd_sctp_track_forward(&track, wrd_tsn(FIRST + 100));
    assert_int_equal(track.cumulative.v, FIRST + 100);
    assert_int_equal(track.highest.v, FIRST + 100);
    kept = track.cumulative;
    assert_false(wrd_sctp_track_next(&track, &kept, wrd_tsn(FIRST + 200)));
    for (uint32_t i = 101; i < 40000; i++) /* no bit was left behind */
        mark(FIRST + i);
    assert_int_equal(track.cumulative.v, FIRST + 39999);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_are_told_apart_across_the_wrap),
        cmocka_unit_test(gap_blocks_name_exactly_what_arrived),
        cmocka_unit_test(widest_gap_has_sixteen_bits_room),
        cmocka_unit_test(duplicates_are_reported_once_and_bounded),
        cmocka_unit_test(sack_fits_any_space_of_at_least_its_header),
        cmocka_unit_test(forward_moves_over_what_is_missing_and_joins_what_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
