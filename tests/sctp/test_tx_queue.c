/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_queue queue;

static void start(void)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_queue_init(&queue, &pool);
}

static void stop(void)
{
    wrd_sctp_queue_free(&queue);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static bool push(uint16_t stream, size_t len)
{
    static const uint8_t bytes[5000];
    return wrd_sctp_queue_push(&queue, stream, stream, false, bytes, len);
}

static struct wrd_sctp_outgoing *cut(size_t len)
{
    struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(&queue);
    assert_non_null(message);
    wrd_sctp_queue_cut(&queue, len);
    return message;
}

static void streams_cost_nothing_until_used(void **state)
{
    start();
    assert_int_equal(env.live, 0);
    assert_true(push(65535, 1));
    assert_true(env.live < 3000);
    struct wrd_sctp_outgoing *message = cut(1);
    wrd_sctp_queue_acked(&queue, message, 1);
    assert_int_equal(wrd_sctp_queue_charge(&queue), 0);
    stop();
}

static void message_once_begun_is_cut_to_its_end(void **state)
{
    start();
    assert_true(push(1, 3000) && push(2, 10) && push(1, 10));
    struct wrd_sctp_outgoing *first = cut(1000);
    assert_ptr_equal(cut(1000), first);
    assert_ptr_equal(cut(1000), first);
    struct wrd_sctp_outgoing *second = cut(10);
    assert_int_equal(second->stream, 2);
    struct wrd_sctp_outgoing *third = cut(10);
    assert_int_equal(third->stream, 1);
    assert_int_equal(third->ssn.v, 1);
    assert_null(wrd_sctp_queue_first(&queue));
    assert_int_equal(queue.bytes, 3020);
    wrd_sctp_queue_acked(&queue, first, 1000);
    assert_int_equal(queue.bytes, 2020);
    wrd_sctp_queue_acked(&queue, first, 2000);
    wrd_sctp_queue_acked(&queue, third, 10);
    wrd_sctp_queue_acked(&queue, second, 10);
    assert_int_equal(queue.messages, 0);
    stop();
}

static void each_refused_allocation_leaves_the_queue_as_it_was(void **state)
{
    for (uint64_t n = 1; n <= 3; n++) {
        start();
        env.fail_at = n;
        assert_false(push(7, 100));
        assert_null(wrd_sctp_queue_first(&queue));
        assert_int_equal(wrd_sctp_queue_charge(&queue), 0);
        assert_true(push(7, 100));
        struct wrd_sctp_outgoing *message = cut(100);
        wrd_sctp_queue_acked(&queue, message, 100);
        stop();
    }
}

static void paused_stream_loses_its_turn_until_resumed(void **state)
{
    start();
    assert_true(wrd_sctp_queue_quiet(&queue, 5));
    assert_true(wrd_sctp_queue_pause(&queue, 5));
    assert_true(push(5, 10) && push(6, 10));
    struct wrd_sctp_outgoing *message = cut(10);
    assert_int_equal(message->stream, 6);
    wrd_sctp_queue_acked(&queue, message, 10);
    assert_null(wrd_sctp_queue_first(&queue));
    wrd_sctp_queue_resume(&queue, 5, true);
    message = cut(10);
    assert_int_equal(message->ssn.v, 0);
    wrd_sctp_queue_acked(&queue, message, 10);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_cost_nothing_until_used),
        cmocka_unit_test(message_once_begun_is_cut_to_its_end),
        cmocka_unit_test(each_refused_allocation_leaves_the_queue_as_it_was),
        cmocka_unit_test(paused_stream_loses_its_turn_until_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
