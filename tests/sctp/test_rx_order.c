/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_order order;

static void start(bool long_numbers)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_order_init(&order, &pool, long_numbers, 0xfedcba9876543211u);
}

static void stop(void)
{
    wrd_sctp_order_audit(&order, 0);
    wrd_sctp_order_free(&order);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static enum wrd_sctp_joined put(uint16_t stream, uint32_t number)
{
    struct wrd_sctp_data data = {.stream = stream, .ppid = number, .flags = 3, .bytes = (const uint8_t *)"x", .len = 1};
    assert_non_null(wrd_sctp_order_use(&order, stream));
    return wrd_sctp_order_put(&order, wrd_sctp_order_block(&order, &data, number, 1));
}

static void hear(uint32_t number)
{
    assert_non_null(order.ready);
    assert_int_equal(order.ready->number, number);
    wrd_sctp_order_release(&order);
}

static void begin_at(uint16_t stream, uint32_t number)
{
    wrd_sctp_order_use(&order, stream)->next = number;
}

static void numbers_wrap_at_their_width(void **state)
{
    for (int long_numbers = 0; long_numbers < 2; long_numbers++) {
        uint32_t last = long_numbers ? UINT32_MAX : UINT16_MAX;
        start(long_numbers);
        begin_at(7, last - 1);
        assert_int_equal(put(7, 1), WRD_SCTP_JOINED);
        assert_int_equal(put(7, last), WRD_SCTP_JOINED);
        assert_null(order.ready);
        assert_int_equal(put(7, last - 1), WRD_SCTP_JOINED);
        hear(last - 1);
        hear(last);
        assert_null(order.ready);
        assert_int_equal(put(7, last - 5), WRD_SCTP_JOIN_BROKEN); /* behind */
        assert_int_equal(put(7, 0), WRD_SCTP_JOINED);
        hear(0);
        hear(1);
        stop();
    }
}

static void skipping_wraps_and_delivers_what_waited_on_either_side(void **state)
{
    for (int long_numbers = 0; long_numbers < 2; long_numbers++) {
        uint32_t last = long_numbers ? UINT32_MAX : UINT16_MAX;
        start(long_numbers);
        begin_at(7, last - 2);
        (void)put(7, last);
        (void)put(7, 1);
        (void)put(7, 4);
        (void)put(7, 7);
        wrd_sctp_order_skip(&order, 7, 3);
        hear(last);
        hear(1);
        hear(4); /* its turn has come */
        assert_null(order.ready);
        wrd_sctp_order_skip(&order, 7, last); /* long past */
        assert_int_equal(wrd_sctp_order_find(&order, 7)->next, 5);
        wrd_sctp_order_skip(&order, 7, last / 2); /* as far as can be told from what is past */
        hear(7);
        assert_int_equal(wrd_sctp_order_find(&order, 7)->next, last / 2 + 1);
        stop();
    }
}

/* Whatever the streams are, each has its own numbers. */
static void streams_are_kept_apart_however_many(void **state)
{
    start(false);
    uint64_t r = 5;
    static uint16_t next[65535];
    memset(next, 0, sizeof next);
    for (unsigned i = 0; i < 100000; i++) {
        uint16_t stream = (uint16_t)(lab_random(&r) % (i < 1000 ? 10 : 65535));
        assert_int_equal(put(stream, next[stream]), WRD_SCTP_JOINED);
        hear(next[stream]++);
    }
    unsigned used = 0;
    for (unsigned i = 0; i < 65535; i++) {
        struct wrd_sctp_stream_in *in = wrd_sctp_order_find(&order, (uint16_t)i);
        assert_int_equal(in != NULL, next[i] > 0);
        assert_int_equal(in ? in->next : 0, next[i]);
        used += next[i] > 0;
    }
    assert_int_equal(order.stream_count, used);
    stop();
}

static void stream_without_memory_is_not_used(void **state)
{
    start(true);
    for (uint16_t i = 0; i < 300; i++) {
        env.fail_at = env.asked + 1;
        if (!wrd_sctp_order_use(&order, i)) {
            assert_null(wrd_sctp_order_find(&order, i));
            assert_int_equal(order.stream_count, i);
            env.fail_at = 0;
            assert_non_null(wrd_sctp_order_use(&order, i));
        }
        assert_int_equal(wrd_sctp_order_find(&order, i)->id, i);
    }
    env.fail_at = 0;
    stop();
}

static void reset_tells_in_turn_and_says_when_messages_still_wait(void **state)
{
    start(true);
    (void)put(1, 0);
    (void)put(2, 1);
    assert_true(wrd_sctp_order_reserve_resets(&order, 3));
    assert_true(wrd_sctp_order_reset(&order, 1));
    assert_true(wrd_sctp_order_reset(&order, 9)); /* never used */
    (void)put(1, 0);
    assert_false(wrd_sctp_order_reset(&order, 2));
    hear(0);
    assert_int_equal(order.ready->flags, WRD_SCTP_STREAM_ENDS);
    assert_int_equal(order.ready->stream, 1);
    wrd_sctp_order_release(&order);
    assert_int_equal(order.ready->stream, 9);
    wrd_sctp_order_release(&order);
    hear(0);
    stop();
}

/* ---- The table below ---- */

struct element {
    struct element *next;
    uint32_t key;
};

static uint32_t hash_element(const void *element, uint64_t salt)
{
    return wrd_sctp_hash(((const struct element *)element)->key, salt);
}

static struct element *find_element(const struct wrd_sctp_table *table, uint32_t key, uint64_t salt)
{
    struct element *at = wrd_sctp_table_first(table, wrd_sctp_hash(key, salt));
    while (at && at->key != key)
        at = at->next;
    return at;
}

static void table_holds_exactly_what_was_put_in(void **state)
{
    static struct element elements[3000];
    static bool in[3000];
    lab_env_init(&env, 1);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct wrd_sctp_table table = {0};
        uint64_t r = seed, salt = lab_random(&r) | 1;
        uint32_t count = 0;
        memset(in, 0, sizeof in);
        for (uint32_t i = 0; i < 3000; i++)
            elements[i].key = seed % 2 ? i : i << 20; /* keys that differ only above */
        for (unsigned i = 0; i < 20000; i++) {
            unsigned at = (unsigned)(lab_random(&r) % 3000);
            assert_int_equal(find_element(&table, elements[at].key, salt) != NULL, in[at]);
            if (in[at]) {
                wrd_sctp_table_remove(&table, &elements[at], hash_element(&elements[at], salt));
                count--;
            } else {
                env.fail_at = lab_random(&r) % 4 ? 0 : env.asked + 1;
                if (!wrd_sctp_table_reserve(&table, &env.env, hash_element, salt))
                    continue;
                wrd_sctp_table_add(&table, &elements[at], hash_element(&elements[at], salt));
                count++;
            }
            in[at] = !in[at];
            assert_int_equal(table.count, count);
        }
        env.fail_at = 0;
        wrd_sctp_table_drain(&table, &env.env);
        assert_non_null(table.heads); /* not while something is in it */
        for (unsigned at = 0; at < 3000; at++) {
            if (in[at])
                wrd_sctp_table_remove(&table, &elements[at], hash_element(&elements[at], salt));
        }
        wrd_sctp_table_drain(&table, &env.env);
        assert_int_equal(env.live, 0);
    }
}

/* A peer chooses streams, MIDs and FSNs, but not the salt: no chain gets long. */
static void chains_stay_short_for_keys_in_any_pattern(void **state)
{
    static struct element elements[16384];
    lab_env_init(&env, 1);
    for (unsigned shift = 0; shift < 32; shift += 2) {
        struct wrd_sctp_table table = {0};
        uint64_t r = 77, salt = lab_random(&r) | 1;
        uint32_t count = shift <= 18 ? 16384 : (uint32_t)1 << (32 - shift);
        for (uint32_t i = 0; i < count; i++) {
            elements[i].key = i << shift;
            assert_true(wrd_sctp_table_reserve(&table, &env.env, hash_element, salt));
            wrd_sctp_table_add(&table, &elements[i], hash_element(&elements[i], salt));
        }
        for (uint32_t i = 0; i < table.size; i++) {
            unsigned length = 0;
            for (const struct element *at = table.heads[i]; at; at = at->next)
                length++;
            assert_true(length <= 40);
        }
        table.count = 0;
        wrd_sctp_table_drain(&table, &env.env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_wrap_at_their_width),
        cmocka_unit_test(skipping_wraps_and_delivers_what_waited_on_either_side),
        cmocka_unit_test(streams_are_kept_apart_however_many),
        cmocka_unit_test(stream_without_memory_is_not_used),
        cmocka_unit_test(reset_tells_in_turn_and_says_when_messages_still_wait),
        cmocka_unit_test(table_holds_exactly_what_was_put_in),
        cmocka_unit_test(chains_stay_short_for_keys_in_any_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
