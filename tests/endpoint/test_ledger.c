/* SPDX-License-Identifier: MIT */
#include "endpoint/ledger.h"

#include "lab.h"

static void what_is_taken_is_counted_and_what_is_above_the_limit_refused(void **state)
{
    (void)state;
    struct lab_memory memory;
    lab_memory_init(&memory);
    struct wrd_ledger ledger = {.env = memory.env, .limit = 1000};
    wrd_env env = wrd_ledger_env(&ledger);
    void *a = env.memory(env.user, NULL, 0, 600);
    assert_non_null(a);
    assert_true(wrd_ledger_has_room(&ledger));
    assert_null(env.memory(env.user, NULL, 0, 401));
    assert_null(env.memory(env.user, a, 600, 1001));
    assert_int_equal(ledger.used, 600);
    void *b = env.memory(env.user, NULL, 0, 400);
    assert_non_null(b);
    assert_false(wrd_ledger_has_room(&ledger));
    assert_null(env.memory(env.user, NULL, 0, 1));
    a = env.memory(env.user, a, 600, 300); /* shrinking works at the limit, too */
    assert_non_null(a);
    assert_int_equal(ledger.used, 700);
    assert_null(env.memory(env.user, b, 400, 0));
    assert_null(env.memory(env.user, a, 300, 0));
    assert_int_equal(ledger.used, 0);
    assert_int_equal(memory.live, 0);
}

static void what_the_system_refuses_is_not_counted(void **state)
{
    (void)state;
    struct lab_memory memory;
    lab_memory_init(&memory);
    struct wrd_ledger ledger = {.env = memory.env, .limit = 1000};
    wrd_env env = wrd_ledger_env(&ledger);
    void *a = env.memory(env.user, NULL, 0, 100);
    memory.refuses = true;
    assert_null(env.memory(env.user, NULL, 0, 100));
    assert_null(env.memory(env.user, a, 100, 200));
    assert_int_equal(ledger.used, 100);
    memory.refuses = false;
    assert_null(env.memory(env.user, a, 100, 0));
    assert_null(env.memory(env.user, NULL, 0, 0));
    assert_int_equal(ledger.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_counted_and_what_is_above_the_limit_refused),
        cmocka_unit_test(what_the_system_refuses_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
