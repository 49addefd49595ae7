/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#define FIRST   0xffffff00u
#define CHUNKS  600
#define STREAMS 5

struct piece {
    struct wrd_sctp_data data;
    unsigned message;
    bool kept;
};

static struct piece pieces[CHUNKS];
static uint8_t bytes_of[CHUNKS][40];

static void start(struct wrd_sctp_join *join, struct wrd_sctp_pool *pool, size_t message_limit)
{
    struct wrd_sctp_join_setup setup = {.pool = pool,
                                        .message_limit = message_limit,
                                        .window = WRD_SCTP_RECEIVE_WINDOW,
                                        .peer_initial = wrd_tsn(FIRST),
                                        .salt = 0x123456789abcdef1u};
    wrd_sctp_join_init(join, &setup);
}

/* Messages cut as a sender would: contiguous TSNs, SSNs counting up on each stream. */
static void cut(uint64_t *r)
{
    uint16_t ssns[STREAMS] = {0};
    unsigned left = 0, message = 0;
    struct wrd_sctp_data now = {0};
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint8_t flags = 0;
        if (left == 0) {
            left = 1 + (unsigned)(lab_random(r) % 3 ? 0 : lab_random(r) % 20);
            if (left > CHUNKS - i)
                left = CHUNKS - i;
            now.stream = (uint16_t)(lab_random(r) % STREAMS);
            now.flags = lab_random(r) % 4 == 0 ? WRD_SCTP_UNORDERED : 0;
            now.ssn.v = now.flags ? 0 : ssns[now.stream]++;
            now.ppid = message++;
            flags = WRD_SCTP_BEGIN;
        }
        if (--left == 0)
            flags |= WRD_SCTP_END;
        pieces[i].data = now;
        pieces[i].data.flags |= flags;
        pieces[i].data.tsn = wrd_tsn(FIRST + i);
        pieces[i].data.bytes = bytes_of[i];
        pieces[i].data.len = 1 + (size_t)(lab_random(r) % sizeof bytes_of[0]);
        pieces[i].message = now.ppid;
        pieces[i].kept = false;
        for (size_t j = 0; j < sizeof bytes_of[i]; j++)
            bytes_of[i][j] = (uint8_t)(i + j);
    }
}

static void check_bytes(const struct wrd_sctp_block *block)
{
    const uint8_t *at = (const uint8_t *)(block + 1);
    size_t left = block->len;
    for (unsigned i = 0; i < CHUNKS; i++) {
        if (pieces[i].message != block->ppid)
            continue;
        assert_true(left >= pieces[i].data.len);
        assert_memory_equal(at, pieces[i].data.bytes, pieces[i].data.len);
        at += pieces[i].data.len;
        left -= pieces[i].data.len;
    }
    assert_int_equal(left, 0);
}

/* The oracle: whatever the order of arrival, each message comes whole, once, in order, and as soon as it can. */
static void check_order(uint64_t seed)
{
    struct lab_env env;
    lab_env_init(&env, seed);
    struct wrd_sctp_pool pool;
    wrd_sctp_pool_init(&pool, &env.env);
    struct wrd_sctp_join join;
    static struct wrd_sctp_track track;
    uint64_t r = seed;
    cut(&r);
    start(&join, &pool, 100000);
    wrd_sctp_track_init(&track, &env.env, wrd_tsn(FIRST));
    unsigned spread = 1 + (unsigned)(lab_random(&r) % 100);
    unsigned heard[CHUNKS] = {0}, done = 0;
    uint16_t ssns[STREAMS] = {0};
    while (!wrd_tsn_eq(track.cumulative, wrd_tsn(FIRST + CHUNKS - 1))) {
        unsigned base = track.cumulative.v + 1 - FIRST;
        unsigned at = base + (unsigned)(lab_random(&r) % spread);
        if (at >= CHUNKS || pieces[at].kept)
            at = base;
        pieces[at].kept = true;
        const struct wrd_sctp_data *data = &pieces[at].data;
        assert_int_equal(wrd_sctp_join_take(&join, data), WRD_SCTP_JOINED);
        assert_true(wrd_sctp_track_reserve(&track, data->tsn));
        wrd_sctp_track_mark(&track, data->tsn);
        assert_int_equal(wrd_sctp_join_advance(&join, track.cumulative), WRD_SCTP_JOINED);
        while (join.order.ready) {
            struct wrd_sctp_block *block = join.order.ready;
            check_bytes(block);
            assert_int_equal(heard[block->ppid]++, 0);
            if (!(block->flags & WRD_SCTP_UNORDERED))
                assert_int_equal(block->number, ssns[block->stream]++);
            done++;
            wrd_sctp_order_release(&join.order);
        }
        /* Unordered and whole: it must have been heard. */
        if ((data->flags & 7) == 7)
            assert_int_equal(heard[data->ppid], 1);
    }
    assert_int_equal(done, pieces[CHUNKS - 1].message + 1);
    assert_int_equal(join.order.charged, 0);
    wrd_sctp_join_free(&join);
    wrd_sctp_track_free(&track);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void every_order_of_arrival_joins_to_the_same_messages(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        check_order(seed);
}

static struct wrd_sctp_data chunk(uint32_t at, uint16_t ssn, uint8_t flags, const char *text)
{
    return (struct wrd_sctp_data){
        .tsn = wrd_tsn(FIRST + at), .ssn = {ssn}, .flags = flags, .bytes = (const uint8_t *)text, .len = strlen(text)};
}

static void whole_message_in_sequence_costs_one_block(void **state)
{
    struct lab_env env;
    lab_env_init(&env, 1);
    struct wrd_sctp_pool pool;
    wrd_sctp_pool_init(&pool, &env.env);
    struct wrd_sctp_join join;
    start(&join, &pool, 1000);
    uint64_t asked = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct wrd_sctp_data data = chunk(i, (uint16_t)i, 3, "text");
        assert_int_equal(wrd_sctp_join_take(&join, &data), WRD_SCTP_JOINED);
        assert_int_equal(join.order.charged, 4 + WRD_SCTP_OVERHEAD);
        wrd_sctp_order_release(&join.order);
        if (i == 0)
            asked = env.asked;
        assert_int_equal(env.asked, asked); /* the block is used again */
    }
    wrd_sctp_join_free(&join);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void refused_chunk_changes_nothing(void **state)
{
    struct lab_env env;
    lab_env_init(&env, 1);
    struct wrd_sctp_pool pool;
    wrd_sctp_pool_init(&pool, &env.env);
    struct wrd_sctp_join join;
    start(&join, &pool, 100000);
    struct wrd_sctp_data first = chunk(0, 0, 2, "begin");
    struct wrd_sctp_data ahead = chunk(2, 0, 1, "end");
    env.fail_at = 1;
    env.fail_for = 1000;
    assert_int_equal(wrd_sctp_join_take(&join, &first), WRD_SCTP_JOIN_NO_MEMORY);
    assert_int_equal(wrd_sctp_join_take(&join, &ahead), WRD_SCTP_JOIN_NO_MEMORY);
    assert_int_equal(join.order.charged, 0);
    assert_int_equal(join.next.v, FIRST);
    assert_null(join.assembly);
    env.fail_at = 0;
    assert_int_equal(wrd_sctp_join_take(&join, &first), WRD_SCTP_JOINED);
    assert_int_equal(join.order.charged, 0); /* under assembly, it is not charged */
    wrd_sctp_join_free(&join);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void last_chunk_of_a_run_is_not_taken_without_memory_for_the_whole(void **state)
{
    struct lab_env env;
    lab_env_init(&env, 1);
    struct wrd_sctp_pool pool;
    wrd_sctp_pool_init(&pool, &env.env);
    struct wrd_sctp_join join;
    start(&join, &pool, 100000);
    struct wrd_sctp_data parts[] = {chunk(0, 0, 3, "first"), chunk(1, 1, 2, "se"), chunk(2, 1, 1, "cond")};
    assert_int_equal(wrd_sctp_join_take(&join, &parts[1]), WRD_SCTP_JOINED);
    size_t charged = join.order.charged;
    env.fail_at = env.asked + 1;
    assert_int_equal(wrd_sctp_join_take(&join, &parts[2]), WRD_SCTP_JOIN_NO_MEMORY);
    assert_int_equal(join.order.charged, charged);
    wrd_sctp_join_audit(&join);
    assert_int_equal(wrd_sctp_join_take(&join, &parts[2]), WRD_SCTP_JOINED);
    assert_int_equal(wrd_sctp_join_take(&join, &parts[0]), WRD_SCTP_JOINED);
    assert_int_equal(wrd_sctp_join_advance(&join, wrd_tsn(FIRST + 2)), WRD_SCTP_JOINED);
    wrd_sctp_order_release(&join.order);
    assert_int_equal(join.order.ready->len, 6);
    assert_memory_equal(wrd_sctp_block_bytes(join.order.ready), "second", 6);
    wrd_sctp_join_free(&join);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_arrival_joins_to_the_same_messages),
        cmocka_unit_test(whole_message_in_sequence_costs_one_block),
        cmocka_unit_test(refused_chunk_changes_nothing),
        cmocka_unit_test(last_chunk_of_a_run_is_not_taken_without_memory_for_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
