/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

static struct lab_env env;
static struct wrd_sctp_pool pool;

static void start(void)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
}

static void every_size_fits_and_wastes_a_quarter_at_most(void **state)
{
    start();
    for (size_t size = 1; size < 600000; size += size < 2000 ? 1 : 97) {
        size_t capacity;
        uint8_t *block = wrd_sctp_pool_take(&pool, size, &capacity);
        assert_true(capacity >= size && (size < 64 || capacity <= size + size / 4));
        block[capacity - 1] = 1;
        wrd_sctp_pool_give(&pool, block, capacity);
        assert_true(pool.idle_bytes <= WRD_SCTP_POOL_IDLE_MAX);
        uint64_t asked = env.asked;
        size_t again;
        uint8_t *same = wrd_sctp_pool_take(&pool, size, &again);
        assert_int_equal(again, capacity);
        if (capacity <= 524288)
            assert_true(env.asked == asked || pool.idle_bytes + capacity > WRD_SCTP_POOL_IDLE_MAX);
        wrd_sctp_pool_give(&pool, same, again);
        if (pool.idle_bytes > WRD_SCTP_POOL_IDLE_MAX / 2)
            wrd_sctp_pool_drain(&pool);
    }
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void idle_bytes_are_bounded(void **state)
{
    start();
    void *blocks[300];
    size_t capacity = 0;
    for (int i = 0; i < 300; i++)
        blocks[i] = wrd_sctp_pool_take(&pool, 4096, &capacity);
    for (int i = 0; i < 300; i++)
        wrd_sctp_pool_give(&pool, blocks[i], capacity);
    assert_int_equal(env.live, WRD_SCTP_POOL_IDLE_MAX + WRD_SCTP_POOL_CLASSES * sizeof(void *));
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
    wrd_sctp_pool_give(&pool, NULL, 0);
    assert_int_equal(env.live, 0);
}

static void blocks_are_given_back_at_once_without_memory_for_the_lists(void **state)
{
    start();
    size_t capacity;
    void *block = wrd_sctp_pool_take(&pool, 100, &capacity);
    env.fail_at = env.asked + 1;
    wrd_sctp_pool_give(&pool, block, capacity);
    assert_int_equal(env.live, 0);
    wrd_sctp_pool_drain(&pool);
}

static void growing_keeps_the_bytes_and_a_refusal_keeps_the_block(void **state)
{
    start();
    size_t capacity;
    uint8_t *block = wrd_sctp_pool_take(&pool, 100, &capacity);
    memset(block, 7, 100);
    size_t size = 100;
    while (size < 3000000) {
        env.fail_at = env.asked + 1;
        size_t before = capacity;
        wrd_sctp_pool_drain(&pool);
        assert_null(wrd_sctp_pool_grow(&pool, block, size, capacity * 2, &capacity));
        assert_int_equal(capacity, before);
        uint8_t *larger = wrd_sctp_pool_grow(&pool, block, size, capacity * 2, &capacity);
        assert_non_null(larger);
        assert_true(capacity >= before * 2);
        for (size_t i = 0; i < size; i += 13)
            assert_int_equal(larger[i], 7);
        memset(larger, 7, capacity);
        block = larger;
        size = capacity;
    }
    wrd_sctp_pool_give(&pool, block, capacity);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_fits_and_wastes_a_quarter_at_most),
        cmocka_unit_test(idle_bytes_are_bounded),
        cmocka_unit_test(blocks_are_given_back_at_once_without_memory_for_the_lists),
        cmocka_unit_test(growing_keeps_the_bytes_and_a_refusal_keeps_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
