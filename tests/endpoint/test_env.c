/* SPDX-License-Identifier: MIT */
#include "endpoint/env.h"

#include "lab.h"

#include <string.h>

static void random_of_ones(void *user, uint8_t *out, size_t len)
{
    *(size_t *)user += len;
    memset(out, 1, len);
}

static void check_memory(const wrd_env *env)
{
    uint8_t *p = env->memory(env->user, NULL, 0, 100);
    assert_non_null(p);
    memset(p, 7, 100);
    p = env->memory(env->user, p, 100, 100000);
    assert_non_null(p);
    memset(p + 100, 8, 100000 - 100);
    p = env->memory(env->user, p, 100000, 50);
    assert_non_null(p);
    for (int i = 0; i < 50; i++)
        assert_int_equal(p[i], 7);
    assert_null(env->memory(env->user, p, 50, 0));
    assert_null(env->memory(env->user, NULL, 0, 0));
}

static void check_random(const wrd_env *env)
{
    uint8_t a[32] = {0}, b[32] = {0}, zero[32] = {0};
    env->random(env->user, a, sizeof a);
    env->random(env->user, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, zero, sizeof a);
    memset(a, 0, sizeof a);
    env->random(env->user, a, 1);
    assert_memory_equal(a + 1, zero, sizeof a - 1);
    env->random(env->user, a, 0);
}

static void no_environment_is_the_platforms_own(void **state)
{
    (void)state;
    wrd_env env = wrd_env_complete(NULL);
    check_memory(&env);
    check_random(&env);
    env = wrd_env_complete(&(wrd_env){0});
    check_memory(&env);
    check_random(&env);
}

static void own_memory_is_kept_beside_the_platforms_random(void **state)
{
    (void)state;
    struct lab_memory memory;
    lab_memory_init(&memory);
    wrd_env env = wrd_env_complete(&memory.env);
    assert_ptr_equal(env.user, &memory);
    assert_true(env.memory == memory.env.memory);
    check_memory(&env);
    assert_int_equal(memory.live, 0);
    check_random(&env);
    assert_null(memory.env.random); /* the caller's is not touched */
}

static void own_random_is_kept_beside_the_platforms_memory(void **state)
{
    (void)state;
    size_t asked = 0;
    uint8_t out[3];
    wrd_env env = wrd_env_complete(&(wrd_env){.user = &asked, .random = random_of_ones});
    env.random(env.user, out, sizeof out);
    assert_int_equal(asked, 3);
    assert_int_equal(out[2], 1);
    check_memory(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_environment_is_the_platforms_own),
        cmocka_unit_test(own_memory_is_kept_beside_the_platforms_random),
        cmocka_unit_test(own_random_is_kept_beside_the_platforms_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
