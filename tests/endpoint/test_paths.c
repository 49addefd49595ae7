/* SPDX-License-Identifier: MIT */
#include "endpoint/paths.h"

#include "lab.h"

#include <stdlib.h>
#include <string.h>

#define MANY 300

struct bench {
    struct lab_memory memory;
    struct wrd_paths paths;
    struct wrd_connection *connections; /* MANY, each with an address of its own */
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->connections = calloc(MANY, sizeof *b->connections);
    assert_non_null(b->connections);
    lab_memory_init(&b->memory);
    memset(b->paths.key, 42, sizeof b->paths.key);
    for (uint32_t i = 0; i < MANY; i++)
        b->connections[i].path.remote = lab_addr(i);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    wrd_paths_free(&b->paths, &b->memory.env);
    assert_int_equal(b->memory.live, 0);
    wrd_paths_free(&b->paths, &b->memory.env); /* a second time does no harm */
    free(b->connections);
    free(b);
    return 0;
}

static struct wrd_connection *look_up(struct bench *b, uint32_t number)
{
    wrd_addr addr = lab_addr(number);
    return wrd_paths_find(&b->paths, &addr);
}

static void an_empty_table_knows_nobody(void **state)
{
    struct bench *b = *state;
    assert_null(look_up(b, 0));
    wrd_paths_remove(&b->paths, &b->connections[0]);
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, 0));
    assert_null(look_up(b, 0));
    wrd_paths_remove(&b->paths, &b->connections[0]);
}

static void the_hash_depends_on_the_key_and_every_part_of_the_address(void **state)
{
    struct bench *b = *state;
    wrd_addr addr = lab_addr(1), other = addr;
    uint64_t hash = wrd_paths_hash(b->paths.key, &addr);
    assert_true(wrd_paths_hash(b->paths.key, &other) == hash);
    for (size_t i = 0; i < sizeof addr.ip; i++) {
        other = addr;
        other.ip[i] ^= 1;
        assert_true(wrd_paths_hash(b->paths.key, &other) != hash);
    }
    other = addr;
    other.port ^= 0x100;
    assert_true(wrd_paths_hash(b->paths.key, &other) != hash);
    other = addr;
    other.family = 4;
    assert_true(wrd_paths_hash(b->paths.key, &other) != hash);
    other = addr;
    other.scope ^= 1;
    assert_true(wrd_paths_hash(b->paths.key, &other) != hash);
    b->paths.key[15] ^= 1;
    assert_true(wrd_paths_hash(b->paths.key, &addr) != hash);
}

static void removing_one_who_is_not_there_leaves_who_has_the_same_address(void **state)
{
    struct bench *b = *state;
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, 2));
    wrd_paths_put(&b->paths, &b->connections[0]);
    b->connections[1].path.remote = b->connections[0].path.remote;
    wrd_paths_remove(&b->paths, &b->connections[1]);
    assert_ptr_equal(look_up(b, 0), &b->connections[0]);
    wrd_paths_remove(&b->paths, &b->connections[2]);
    assert_int_equal(b->paths.map.len, 1);
    wrd_paths_remove(&b->paths, &b->connections[0]);
    assert_null(look_up(b, 0));
}

static void a_refused_reserve_changes_nothing(void **state)
{
    struct bench *b = *state;
    b->memory.refuses = true;
    assert_false(wrd_paths_reserve(&b->paths, &b->memory.env, 1));
    assert_null(look_up(b, 0));
    b->memory.refuses = false;
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, 8));
    for (uint32_t i = 0; i < 8; i++)
        wrd_paths_put(&b->paths, &b->connections[i]);
    b->memory.refuses = true;
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, 8)); /* there is room already */
    assert_false(wrd_paths_reserve(&b->paths, &b->memory.env, 9));
    for (uint32_t i = 0; i < 8; i++)
        assert_ptr_equal(look_up(b, i), &b->connections[i]);
    b->memory.refuses = false;
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, MANY));
    for (uint32_t i = 0; i < 8; i++)
        assert_ptr_equal(look_up(b, i), &b->connections[i]);
    assert_int_equal(b->paths.map.len, 8);
}

static void any_sequence_agrees_with_a_plain_list(void **state)
{
    struct bench *b = *state;
    bool in[MANY] = {false};
    uint32_t count = 0;
    uint64_t seed = 2;
    for (int step = 0; step < 30000; step++) {
        uint32_t i = lab_below(&seed, step / 3000 % 2 ? MANY : 20); /* crowded and sparse in turn */
        b->memory.refuses = lab_below(&seed, 3) == 0;
        if (in[i]) {
            wrd_paths_remove(&b->paths, &b->connections[i]);
            in[i] = false;
            count--;
        } else if (wrd_paths_reserve(&b->paths, &b->memory.env, count + 1)) {
            wrd_paths_put(&b->paths, &b->connections[i]);
            in[i] = true;
            count++;
        }
        assert_int_equal(b->paths.map.len, count);
        uint32_t asked = lab_below(&seed, MANY);
        assert_ptr_equal(look_up(b, asked), in[asked] ? &b->connections[asked] : NULL);
        if (step % 100 == 0)
            for (uint32_t k = 0; k < MANY; k++)
                assert_ptr_equal(look_up(b, k), in[k] ? &b->connections[k] : NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_table_knows_nobody),
        TEST(the_hash_depends_on_the_key_and_every_part_of_the_address),
        TEST(removing_one_who_is_not_there_leaves_who_has_the_same_address),
        TEST(a_refused_reserve_changes_nothing),
        TEST(any_sequence_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
