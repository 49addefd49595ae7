/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include "sctp/chunk.h"
#include "sctp/heartbeat.h"
#include "sctp/param.h"

#include <string.h>

static struct lab_env env;
static struct wrd_sctp_heartbeat hb;
static uint8_t out[1200];

static size_t write(size_t cap)
{
    struct wrd_writer wr = wrd_wr(out, cap);
    wrd_sctp_heartbeat_write(&hb, 1000, &wr);
    assert_false(wr.bad);
    return wr.len;
}

static void probe_is_answered_only_by_its_own_nonce_and_only_once(void **state)
{
    lab_env_init(&env, 1);
    wrd_sctp_heartbeat_init(&hb, &env.env);
    assert_false(wrd_sctp_heartbeat_expire(&hb, 0));
    assert_int_equal(write(sizeof out), 24);
    uint8_t info[20];
    memcpy(info, out + 4, sizeof info);
    for (size_t i = 0; i < sizeof info; i++) {
        info[i] ^= 0x40;
        assert_int_equal(wrd_sctp_heartbeat_answered(&hb, 9000, wrd_rd(info, sizeof info)), 0);
        info[i] ^= 0x40;
    }
    for (size_t len = 0; len < sizeof info; len++)
        assert_int_equal(wrd_sctp_heartbeat_answered(&hb, 9000, wrd_rd(info, len)), 0);
    assert_int_equal(wrd_sctp_heartbeat_answered(&hb, 9000, wrd_rd(info, sizeof info)), 8000);
    assert_int_equal(wrd_sctp_heartbeat_answered(&hb, 9000, wrd_rd(info, sizeof info)), 0);
}

static void one_probe_is_outstanding_and_the_next_has_another_nonce(void **state)
{
    lab_env_init(&env, 1);
    wrd_sctp_heartbeat_init(&hb, &env.env);
    (void)wrd_sctp_heartbeat_expire(&hb, 0);
    assert_int_equal(write(sizeof out), 24);
    uint8_t info[20];
    memcpy(info, out + 4, sizeof info);
    assert_true(wrd_sctp_heartbeat_expire(&hb, WRD_SCTP_HEARTBEAT_IDLE)); /* it went unanswered */
    assert_int_equal(write(sizeof out), 24);
    assert_memory_not_equal(info, out + 4, sizeof info);
    assert_int_equal(wrd_sctp_heartbeat_answered(&hb, 9000, wrd_rd(info, sizeof info)), 0);
    assert_int_equal(write(sizeof out), 0);
}

static void echo_waits_for_a_packet_with_room(void **state)
{
    lab_env_init(&env, 1);
    wrd_sctp_heartbeat_init(&hb, &env.env);
    wrd_sctp_heartbeat_asked(&hb, (const uint8_t *)"information", 11);
    assert_int_equal(write(17), 0);
    assert_int_equal(write(18), 16);
    assert_int_equal(out[0], WRD_SCTP_HEARTBEAT_ACK);
    assert_int_equal(wrd_load16be(out + 2), 15);
    assert_memory_equal(out + 4, "information", 11);
    assert_int_equal(write(sizeof out), 0);
    assert_int_equal(env.live, 0);
    wrd_sctp_heartbeat_asked(&hb, (const uint8_t *)"lost", 4);
    wrd_sctp_heartbeat_asked(&hb, (const uint8_t *)"newer", 5); /* one is owed at most */
    assert_int_equal(env.live, 5);
    env.fail_at = env.asked + 1;
    wrd_sctp_heartbeat_asked(&hb, (const uint8_t *)"no memory", 9);
    assert_int_equal(write(sizeof out), 0);
    assert_int_equal(env.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probe_is_answered_only_by_its_own_nonce_and_only_once),
        cmocka_unit_test(one_probe_is_outstanding_and_the_next_has_another_nonce),
        cmocka_unit_test(echo_waits_for_a_packet_with_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
