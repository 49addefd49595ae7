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
    assert_int_equal(b->paths.len, 1);
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
    assert_int_equal(b->paths.len, 8);
}

/* ---- a cluster that wraps around the end of the table, emptied in every order */

#define CLUSTER 6

static uint32_t home_of(const struct bench *b, uint32_t number)
{
    wrd_addr addr = lab_addr(number);
    return (uint32_t)wrd_paths_hash(b->paths.key, &addr) & (b->paths.cap - 1);
}

/* Numbers whose homes are the last two places and the first of the table. */
static void pick_cluster(const struct bench *b, uint32_t numbers[CLUSTER])
{
    unsigned wanted[3] = {2, 2, 2}, count = 0;
    for (uint32_t i = 0; i < MANY && count < CLUSTER; i++) {
        uint32_t place = (home_of(b, i) + 2) & (b->paths.cap - 1);
        if (place < 3 && wanted[place] > 0) {
            wanted[place]--;
            numbers[count++] = i;
        }
    }
    assert_int_equal(count, CLUSTER);
}

static void empty_in_order(struct bench *b, const uint32_t numbers[CLUSTER], uint32_t order)
{
    bool in[CLUSTER];
    for (unsigned i = 0; i < CLUSTER; i++) {
        wrd_paths_put(&b->paths, &b->connections[numbers[i]]);
        in[i] = true;
    }
    for (unsigned left = CLUSTER; left > 0; left--) {
        unsigned skip = order % left, at = 0;
        order /= left;
        while (!in[at] || skip-- > 0)
            at++;
        wrd_paths_remove(&b->paths, &b->connections[numbers[at]]);
        in[at] = false;
        for (unsigned i = 0; i < CLUSTER; i++)
            assert_ptr_equal(look_up(b, numbers[i]), in[i] ? &b->connections[numbers[i]] : NULL);
    }
    assert_int_equal(b->paths.len, 0);
}

static void a_cluster_across_the_end_of_the_table_can_be_emptied_in_every_order(void **state)
{
    struct bench *b = *state;
    assert_true(wrd_paths_reserve(&b->paths, &b->memory.env, CLUSTER));
    assert_int_equal(b->paths.cap, 16);
    uint32_t numbers[CLUSTER];
    pick_cluster(b, numbers);
    for (uint32_t order = 0; order < 720; order++)
        empty_in_order(b, numbers, order);
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
        assert_int_equal(b->paths.len, count);
        assert_true(2 * count <= b->paths.cap);
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
        TEST(a_cluster_across_the_end_of_the_table_can_be_emptied_in_every_order),
        TEST(any_sequence_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
