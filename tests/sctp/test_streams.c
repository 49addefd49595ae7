/* SPDX-License-Identifier: MIT */
#include "sctp/streams.h"

#include "lab.h"

#include <string.h>

static void set_agrees_with_a_plain_array(void **state)
{
    static const uint32_t spans[] = {8, 40, 300, 65536};
    for (size_t round = 0; round < 4; round++) {
        struct lab_env env;
        lab_env_init(&env, round);
        struct wrd_sctp_streams set = {0};
        static bool model[65536];
        memset(model, 0, sizeof model);
        uint64_t seed = round;
        uint32_t count = 0;
        for (int i = 0; i < 3000; i++) {
            uint16_t stream = (uint16_t)(65535 - lab_random(&seed) % spans[round]);
            assert_int_equal(wrd_sctp_streams_has(&set, stream), model[stream]);
            if (!model[stream] || lab_random(&seed) % 4 == 0) {
                count += !model[stream];
                model[stream] = true;
                assert_true(wrd_sctp_streams_add(&set, &env.env, stream));
            } else {
                count--;
                model[stream] = false;
                wrd_sctp_streams_remove(&set, &env.env, stream);
            }
            assert_int_equal(set.count, count);
        }
        uint32_t cursor = 0, seen = 0;
        uint16_t stream;
        int32_t last = -1;
        while (wrd_sctp_streams_next(&set, &cursor, &stream)) {
            assert_true(model[stream] && stream > last);
            last = stream;
            seen++;
        }
        assert_int_equal(seen, count);
        while (set.count > 0) { /* taken from below, with additions anywhere */
            cursor = 0;
            assert_true(wrd_sctp_streams_next(&set, &cursor, &stream) && model[stream]);
            for (uint32_t below = 0; below < stream; below++)
                assert_false(model[below]);
            model[stream] = false;
            wrd_sctp_streams_remove(&set, &env.env, stream);
            if (lab_random(&seed) % 4 == 0) {
                stream = (uint16_t)(65535 - lab_random(&seed) % spans[round]);
                model[stream] = true;
                assert_true(wrd_sctp_streams_add(&set, &env.env, stream));
            }
        }
        wrd_sctp_streams_free(&set, &env.env);
        assert_int_equal(env.live, 0);
    }
}

static void empty_set_holds_no_memory(void **state)
{
    struct lab_env env;
    lab_env_init(&env, 1);
    struct wrd_sctp_streams set = {0};
    for (uint32_t most = 1; most < 100; most += 7) {
        for (uint16_t i = 0; i < most; i++)
            assert_true(wrd_sctp_streams_add(&set, &env.env, i));
        assert_true(env.live == (most <= WRD_SCTP_STREAMS_LISTED ? 64 : 8192));
        for (uint16_t i = 0; i < most; i++)
            wrd_sctp_streams_remove(&set, &env.env, i);
        assert_int_equal(env.live, 0);
    }
}

static void reserved_room_needs_no_more_memory(void **state)
{
    for (size_t more = 1; more < 70; more++) {
        struct lab_env env;
        lab_env_init(&env, 1);
        struct wrd_sctp_streams set = {0};
        assert_true(wrd_sctp_streams_add(&set, &env.env, 9000));
        assert_true(wrd_sctp_streams_reserve(&set, &env.env, more));
        env.fail_at = env.asked + 1;
        env.fail_for = 1000;
        for (uint16_t i = 0; i < more; i++)
            assert_true(wrd_sctp_streams_add(&set, &env.env, i));
        wrd_sctp_streams_free(&set, &env.env);
    }
}

static void refused_memory_changes_nothing(void **state)
{
    struct lab_env env;
    lab_env_init(&env, 1);
    env.fail_at = 1;
    struct wrd_sctp_streams set = {0};
    assert_false(wrd_sctp_streams_add(&set, &env.env, 1));
    for (uint16_t i = 0; i < WRD_SCTP_STREAMS_LISTED; i++)
        assert_true(wrd_sctp_streams_add(&set, &env.env, i));
    env.fail_at = env.asked + 1;
    assert_false(wrd_sctp_streams_add(&set, &env.env, 1000));
    assert_int_equal(set.count, WRD_SCTP_STREAMS_LISTED);
    assert_true(wrd_sctp_streams_has(&set, 0) && !wrd_sctp_streams_has(&set, 1000));
    wrd_sctp_streams_free(&set, &env.env);
    assert_int_equal(env.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_agrees_with_a_plain_array),
        cmocka_unit_test(empty_set_holds_no_memory),
        cmocka_unit_test(reserved_room_needs_no_more_memory),
        cmocka_unit_test(refused_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
