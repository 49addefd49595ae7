/* SPDX-License-Identifier: MIT */
#include "endpoint/map.h"

#include "lab.h"

#include <string.h>

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct wrd_map map = {0};
    assert_null(wrd_map_find(&map, 0));
    assert_null(wrd_map_find(&map, 7));
    wrd_map_remove(&map, 7);
    assert_int_equal(map.len, 0);
}

static void without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    struct lab_memory memory;
    lab_memory_init(&memory);
    struct wrd_map map = {0};
    assert_true(wrd_map_reserve(&map, &memory.env, 8));
    wrd_map_put(&map, 1, 11);
    memory.refuses = true;
    assert_false(wrd_map_reserve(&map, &memory.env, 9));
    assert_int_equal(*wrd_map_find(&map, 1), 11);
    wrd_map_free(&map, &memory.env);
    assert_int_equal(memory.live, 0);
}

#define KEYS 512

/* Eight keys to a home, homes on both sides of the table's end, and hash 0 among them. */
static uint64_t hash_of(uint32_t number)
{
    return (uint64_t)(number / 8) << 40 | (uint32_t)(number % 8 - 4);
}

/* Against a plain array. */
static void any_sequence_agrees_with_the_model(void **state)
{
    (void)state;
    struct lab_memory memory;
    lab_memory_init(&memory);
    struct wrd_map map = {0};
    static uint64_t model[KEYS];
    static bool present[KEYS];
    uint64_t seed = 3;
    uint32_t len = 0;
    memset(present, 0, sizeof present);
    for (int step = 0; step < 40000; step++) {
        uint32_t number = lab_below(&seed, KEYS);
        uint64_t hash = hash_of(number);
        if (hash == 1)
            continue; /* shares its key with hash 0 */
        if (present[number] && lab_below(&seed, 2) == 0) {
            wrd_map_remove(&map, hash);
            present[number] = false;
            len--;
        } else if (!present[number]) {
            assert_true(wrd_map_reserve(&map, &memory.env, len + 1));
            model[number] = lab_random(&seed);
            wrd_map_put(&map, hash, model[number]);
            present[number] = true;
            len++;
        }
        assert_int_equal(map.len, len);
        uint64_t *found = wrd_map_find(&map, hash);
        assert_int_equal(found != NULL, present[number]);
        if (found)
            assert_true(*found == model[number]);
    }
    for (uint32_t number = 0; number < KEYS; number++) {
        uint64_t hash = hash_of(number);
        if (hash == 1 || !present[number])
            continue;
        assert_non_null(wrd_map_find(&map, hash));
        assert_true(*wrd_map_find(&map, hash) == model[number]);
    }
    wrd_map_free(&map, &memory.env);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(without_memory_it_stays_as_it_was),
        cmocka_unit_test(any_sequence_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
