/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

#define PIECE WRD_SCTP_PAYLOAD

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_queue queue;
static wrd_time now;
static unsigned steps;

/* Now and then: it walks everything. */
static void audit(void)
{
    if (queue.messages < 300 || ++steps % 64 == 0)
        wrd_sctp_queue_audit(&queue);
}

static void start(void)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_queue_init(&queue, &pool);
    now = WRD_SECOND;
}

static void agree(bool interleaving, size_t begun_limit)
{
    struct wrd_sctp_queue_rules rules = {
        .interleaving = interleaving, .expiring = true, .begun_limit = begun_limit, .piece = PIECE};
    wrd_sctp_queue_agree(&queue, &rules);
}

static void stop(void)
{
    wrd_sctp_queue_audit(&queue);
    wrd_sctp_queue_free(&queue);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static bool push_for(uint16_t stream, size_t len, wrd_time lifetime)
{
    static const uint8_t bytes[200000];
    struct wrd_sctp_message message = {
        .stream = stream, .ppid = stream, .data = bytes, .len = len, .lifetime = lifetime};
    bool done = wrd_sctp_queue_push(&queue, now, &message);
    audit();
    return done;
}

static bool push(uint16_t stream, size_t len)
{
    return push_for(stream, len, 0);
}

static struct wrd_sctp_outgoing *first(void)
{
    struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(&queue, now);
    audit();
    return message;
}

static struct wrd_sctp_outgoing *cut(size_t len)
{
    struct wrd_sctp_outgoing *message = first();
    assert_non_null(message);
    wrd_sctp_queue_cut(&queue, len);
    audit();
    return message;
}

/* Cuts the next chunk as large as may be, acknowledges a message at its end; the stream. */
static uint16_t cut_chunk(void)
{
    struct wrd_sctp_outgoing *message = first();
    assert_non_null(message);
    uint16_t stream = message->stream;
    size_t left = message->len - message->cut;
    wrd_sctp_queue_cut(&queue, left < PIECE ? left : PIECE);
    if (message->cut == message->len)
        wrd_sctp_queue_acked(&queue, message, message->len);
    return stream;
}

static void streams_cost_nothing_until_used(void **state)
{
    start();
    assert_int_equal(env.live, 0);
    assert_true(push(65535, 1));
    assert_true(env.live < 500);
    struct wrd_sctp_outgoing *message = cut(1);
    wrd_sctp_queue_acked(&queue, message, 1);
    assert_int_equal(wrd_sctp_queue_charge(&queue), 0);
    stop();
}

static void every_stream_number_can_be_in_use_at_once(void **state)
{
    start();
    for (uint32_t i = 0; i < 65536; i++)
        assert_true(wrd_sctp_queue_set_low(&queue, (uint16_t)(i * 7919), i));
    assert_int_equal(queue.stream_count, 65536);
    assert_true(env.live < 65536 * 300);
    assert_true(wrd_sctp_queue_set_weight(&queue, 40000, 1));
    assert_int_equal(queue.stream_count, 65536);
    stop();
}

static void message_once_begun_is_cut_to_its_end(void **state)
{
    start();
    assert_true(push(1, 3000) && push(2, 1000) && push(1, 10));
    struct wrd_sctp_outgoing *second = cut(1000);
    assert_int_equal(second->stream, 2);
    struct wrd_sctp_outgoing *message = cut(1000);
    assert_int_equal(message->stream, 1);
    assert_true(push(3, 1));
    assert_true(wrd_sctp_queue_set_weight(&queue, 3, 65535));
    assert_ptr_equal(cut(1000), message);
    assert_ptr_equal(cut(1000), message);
    struct wrd_sctp_outgoing *small = cut(1);
    assert_int_equal(small->stream, 3);
    struct wrd_sctp_outgoing *last = cut(10);
    assert_int_equal(last->mid, 1);
    assert_null(first());
    assert_int_equal(queue.bytes, 4011);
    wrd_sctp_queue_acked(&queue, message, 1000);
    assert_int_equal(queue.bytes, 3011);
    wrd_sctp_queue_acked(&queue, message, 2000);
    wrd_sctp_queue_acked(&queue, last, 10);
    wrd_sctp_queue_acked(&queue, second, 1000);
    wrd_sctp_queue_acked(&queue, small, 1);
    assert_int_equal(queue.messages, 0);
    stop();
}

static void each_refused_allocation_leaves_the_queue_as_it_was(void **state)
{
    for (uint64_t n = 1; n <= 3; n++) {
        start();
        env.fail_at = n;
        assert_false(push(7, 100));
        assert_null(first());
        assert_int_equal(wrd_sctp_queue_charge(&queue), 0);
        assert_true(push(7, 100));
        struct wrd_sctp_outgoing *message = cut(100);
        wrd_sctp_queue_acked(&queue, message, 100);
        stop();
    }
    start();
    for (uint16_t i = 0; i < 8; i++)
        assert_true(push(i, 1));
    env.fail_at = env.asked + 1; /* wider buckets: it does without */
    assert_true(push(8, 1));
    for (int i = 0; i < 9; i++)
        assert_int_equal(cut_chunk(), i);
    stop();
}

static void paused_stream_loses_its_turn_until_resumed(void **state)
{
    start();
    assert_true(wrd_sctp_queue_await_quiet(&queue, 5));
    assert_true(wrd_sctp_queue_pause(&queue, 5));
    assert_true(push(5, 10) && push(6, 10));
    assert_int_equal(cut_chunk(), 6);
    assert_null(first());
    wrd_sctp_queue_resume(&queue, 5, true);
    struct wrd_sctp_outgoing *message = cut(10);
    assert_int_equal(message->mid, 0);
    wrd_sctp_queue_acked(&queue, message, 10);
    stop();
}

static void stream_begins_anew_after_its_reset_and_costs_nothing_until_used_again(void **state)
{
    start();
    size_t empty = env.live;
    assert_true(wrd_sctp_queue_set_weight(&queue, 5, 9) && wrd_sctp_queue_set_low(&queue, 5, 1));
    assert_true(push(5, 10) && push(5, 10));
    cut_chunk();
    cut_chunk();
    uint16_t low;
    assert_true(wrd_sctp_queue_take_low(&queue, &low));
    assert_true(wrd_sctp_queue_pause(&queue, 5));
    wrd_sctp_queue_resume(&queue, 5, true);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, empty);
    assert_true(push(5, 10));
    assert_int_equal(first()->stream, 5);
    struct wrd_sctp_outgoing *message = cut(10);
    assert_int_equal(message->mid, 0);
    wrd_sctp_queue_acked(&queue, message, 10);
    assert_true(wrd_sctp_queue_pause(&queue, 5));
    wrd_sctp_queue_resume(&queue, 5, false); /* denied: it goes on */
    assert_true(push(5, 10));
    message = cut(10);
    assert_int_equal(message->mid, 1);
    wrd_sctp_queue_acked(&queue, message, 10);
    stop();
}

/* A peer that opens channels chooses their ids, and each message looks for its stream. */
static void streams_are_found_soon_whichever_they_are(void **state)
{
    start();
    uint32_t count = 0, longest = 0;
    for (uint32_t id = 0; id < 65535 && count < 256; id++) {
        /* All in one place of 256, if the peer could know where. */
        if ((id * 0x9e3779b1u >> 24) == 7) {
            assert_true(push((uint16_t)id, 1));
            count++;
        }
    }
    assert_true(count > 200);
    for (uint32_t i = 0; i < queue.bucket_count; i++) {
        uint32_t len = 0;
        for (const struct wrd_sctp_stream_out *out = queue.buckets[i]; out; out = out->bucket_next)
            len++;
        longest = len > longest ? len : longest;
    }
    assert_true(longest < 20);
    for (uint32_t i = 0; i < count; i++)
        cut_chunk();
    stop();
}

static void stream_that_was_never_used_costs_nothing_after_a_denied_reset_either(void **state)
{
    start();
    size_t empty = env.live;
    for (uint16_t i = 0; i < 500; i++) {
        assert_true(wrd_sctp_queue_pause(&queue, i));
        wrd_sctp_queue_resume(&queue, i, false);
    }
    assert_int_equal(env.live, empty);
    assert_true(wrd_sctp_queue_set_weight(&queue, 5, 9) && wrd_sctp_queue_set_low(&queue, 6, 1));
    for (uint16_t i = 5; i < 7; i++) {
        assert_true(wrd_sctp_queue_pause(&queue, i));
        wrd_sctp_queue_resume(&queue, i, false);
    }
    assert_int_equal(queue.stream_count, 2); /* what was said of them still holds */
    stop();
}

/* ---- Fair shares ---- */

/* `count` streams of these weights always have something to send; the bytes that each sends in `chunks` chunks. */
static void saturate(const uint16_t *weights, const size_t *sizes, size_t count, unsigned chunks, double *sent)
{
    for (uint16_t i = 0; i < count; i++) {
        assert_true(wrd_sctp_queue_set_weight(&queue, i, weights[i]));
        assert_true(push(i, sizes[i]));
        sent[i] = 0;
    }
    while (chunks-- > 0) {
        struct wrd_sctp_outgoing *message = first();
        size_t left = message->len - message->cut;
        size_t len = left < PIECE ? left : PIECE;
        sent[message->stream] += (double)(len + WRD_SCTP_DATA_HEADER_SIZE);
        if (len == left)
            assert_true(push(message->stream, sizes[message->stream]));
        cut_chunk();
    }
}

static void assert_share(double is, double total, double weight, double weights)
{
    double want = total * weight / weights;
    if (is < want * 0.98 || is > want * 1.02)
        fail_msg("share %.0f instead of %.0f", is, want);
}

static void shares_follow_the_weights_whatever_the_sizes(void **state)
{
    static const uint16_t weights[] = {128, 256, 512, 1024, 1, 65535, 256, 3000};
    static const size_t sizes[] = {50000, 100, 1160, 3000, 20, 70000, 1, 1161};
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        for (size_t count = 2; count <= 8; count++) {
            double sent[8];
            double total = 0;
            double sum = 0;
            start();
            agree(interleaving, 1000000);
            saturate(weights, sizes, count, 60000, sent);
            for (size_t i = 0; i < count; i++) {
                total += sent[i];
                sum += weights[i];
            }
            for (size_t i = 0; i < count; i++) {
                if (weights[i] > 1 && total * weights[i] / sum > 60 * (double)sizes[i])
                    assert_share(sent[i], total, weights[i], sum);
            }
            stop();
        }
    }
}

static void equal_streams_take_turns(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        start();
        agree(interleaving, 100);
        for (int round = 0; round < 20; round++) {
            for (uint16_t i = 0; i < 1000; i++)
                assert_true(push((uint16_t)(i * 61), 200));
        }
        for (int round = 0; round < 20; round++) {
            for (uint16_t i = 0; i < 1000; i++)
                assert_int_equal(cut_chunk(), (uint16_t)(i * 61));
        }
        stop();
    }
}

/* However it stands, each stream with something to send sends within one turn of the others. */
static void weight_of_one_is_not_starved_by_ever_new_streams(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        start();
        agree(interleaving, 100000);
        assert_true(push(1, PIECE));
        assert_true(wrd_sctp_queue_set_weight(&queue, 1, 256));
        bool served = false;
        for (uint16_t i = 2; i < 100 && !served; i++) {
            assert_true(wrd_sctp_queue_set_weight(&queue, i, 1024));
            assert_true(push(i, PIECE));
            served = cut_chunk() == 1;
        }
        assert_true(served);
        while (first())
            cut_chunk();
        stop();
    }
}

static void idle_stream_does_not_save_up_its_share(void **state)
{
    start();
    agree(true, 100000);
    assert_true(push(1, 1) && push(2, 1));
    cut_chunk();
    cut_chunk();
    for (int i = 0; i < 100; i++) {
        assert_true(push(1, PIECE));
        cut_chunk();
    }
    for (int i = 0; i < 10; i++)
        assert_true(push(1, PIECE) && push(2, PIECE));
    int of_two = 0;
    for (int i = 0; i < 10; i++)
        of_two += cut_chunk() == 2;
    assert_in_range(of_two, 4, 6);
    while (first())
        cut_chunk();
    stop();
}

static void weight_changed_while_waiting_counts_at_once(void **state)
{
    start();
    agree(true, 1000000);
    assert_true(wrd_sctp_queue_set_weight(&queue, 1, 1) && wrd_sctp_queue_set_weight(&queue, 2, 256));
    assert_true(push(1, 10 * PIECE) && push(2, 100 * PIECE));
    for (int i = 0; i < 50; i++)
        assert_int_equal(cut_chunk(), 2);
    assert_true(wrd_sctp_queue_set_weight(&queue, 1, 65535));
    for (int i = 0; i < 10; i++)
        assert_int_equal(cut_chunk(), 1);
    while (first())
        cut_chunk();
    stop();
}

/* ---- Interleaving ---- */

static void chunks_of_streams_interleave_and_count_apart(void **state)
{
    start();
    agree(true, 1000000);
    assert_true(push(1, 3 * PIECE) && push(2, 3 * PIECE));
    struct wrd_sctp_outgoing *one = first();
    assert_int_equal(one->pieces, 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(cut_chunk(), 1);
        assert_int_equal(one->pieces, i + 1);
        assert_int_equal(cut_chunk(), 2);
    }
    assert_true(push(3, 5));
    assert_int_equal(cut_chunk(), 3); /* a short one need not wait for the long ones */
    while (first())
        cut_chunk();
    stop();
}

static void ordered_and_unordered_messages_are_numbered_apart(void **state)
{
    start();
    struct wrd_sctp_outgoing *messages[6];
    for (int i = 0; i < 6; i++) {
        struct wrd_sctp_message message = {.stream = 4, .unordered = i % 2, .data = (const uint8_t *)"x", .len = 1};
        assert_true(wrd_sctp_queue_push(&queue, now, &message));
    }
    for (uint32_t i = 0; i < 6; i++) {
        messages[i] = cut(1);
        assert_int_equal(messages[i]->mid, i / 2);
    }
    for (int i = 0; i < 6; i++)
        wrd_sctp_queue_acked(&queue, messages[i], 1);
    stop();
}

/* Against a model: what was begun and is not finished stays below the limit but for one message, the first that did not
 * fit; and every message is sent. */
static void unfinished_messages_stay_within_the_bound_and_none_waits_for_ever(void **state)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t r = seed;
        start();
        size_t limit = 5000 + lab_random(&r) % 50000;
        agree(true, limit);
        unsigned pushed = 0;
        unsigned finished = 0;
        size_t unfinished = 0;
        const struct wrd_sctp_outgoing *beyond = NULL;
        for (int step = 0; step < 4000 || first(); step++) {
            if (step < 4000 && lab_random(&r) % 8 == 0 && queue.messages < 200) {
                size_t most = lab_random(&r) % 3 ? 1000 : 100000;
                uint16_t stream = (uint16_t)(lab_random(&r) % 30);
                assert_true(wrd_sctp_queue_set_weight(&queue, stream, (uint16_t)(1 + lab_random(&r) % 1000)));
                assert_true(push(stream, 1 + lab_random(&r) % most));
                pushed++;
            }
            struct wrd_sctp_outgoing *message = first();
            if (!message)
                continue;
            bool large = message->len > PIECE;
            size_t len = message->len;
            size_t left = message->len - message->cut;
            if (message->cut == 0 && large && len > limit - unfinished) {
                assert_null(beyond);
                beyond = message;
            } else if (message->cut == 0 && large) {
                unfinished += len;
            }
            cut_chunk();
            if (left > PIECE)
                continue;
            finished++;
            if (message == beyond)
                beyond = NULL;
            else if (large)
                unfinished -= len;
        }
        assert_int_equal(finished, pushed);
        assert_int_equal(unfinished, 0);
        assert_int_equal(queue.begun, 0);
        stop();
    }
}

static void waiting_messages_wait_neither_for_ever_nor_in_the_way_of_small_ones(void **state)
{
    start();
    agree(true, 10000);
    assert_true(push(1, 90000)); /* beyond the limit */
    assert_int_equal(cut_chunk(), 1);
    assert_true(push(2, 8000));
    while (cut_chunk() != 2)
        continue;
    assert_true(push(3, 9000)); /* does not fit beside it */
    bool begun = false;
    for (uint16_t i = 0; i < 200 && !begun; i++) {
        assert_true(push((uint16_t)(100 + i), 500));  /* always goes */
        assert_true(push((uint16_t)(400 + i), 1200)); /* would fit, but comes after the third */
        uint16_t stream = cut_chunk();
        assert_true(stream < 400);
        begun = stream == 3;
    }
    assert_true(begun);
    while (first())
        cut_chunk();
    stop();
}

/* However much larger ones are under way or wait. */
static void message_within_the_limit_begins_beside_larger_ones(void **state)
{
    start();
    agree(true, 10000);
    assert_true(push(1, 200000));
    assert_true(push(2, 200000));
    uint16_t under_way = cut_chunk();
    for (int i = 0; i < 5; i++)
        assert_int_equal(cut_chunk(), under_way); /* the other waits for its end */
    assert_true(wrd_sctp_queue_set_weight(&queue, 3, 1024));
    assert_true(push(3, 8 * PIECE));
    int others = 0;
    for (int pieces = 0; pieces < 8;) {
        uint16_t stream = cut_chunk();
        assert_true(stream == 3 || stream == under_way);
        pieces += stream == 3;
        others += stream != 3;
    }
    assert_in_range(others, 1, 4);
    while (first())
        cut_chunk();
    stop();
}

/* ---- Lifetime ---- */

static void message_that_expires_unsent_is_dropped_without_a_number(void **state)
{
    start();
    agree(false, 0);
    assert_true(push_for(1, 100, 1000) && push_for(1, 100, 5000) && push(1, 100));
    assert_int_equal(wrd_sctp_queue_deadline(&queue), now + 1000);
    now += 1000;
    struct wrd_sctp_outgoing *message = cut(100);
    assert_int_equal(queue.given_up, 1);
    assert_int_equal(message->mid, 0);
    wrd_sctp_queue_acked(&queue, message, 100);
    assert_int_equal(wrd_sctp_queue_uncut(&queue, 1), 100);
    cut_chunk();
    assert_null(first());
    assert_null(wrd_sctp_queue_expire(&queue, now));
    assert_int_equal(wrd_sctp_queue_deadline(&queue), WRD_NEVER);
    stop();
}

static void nothing_expires_unless_agreed(void **state)
{
    start();
    assert_true(push_for(1, 100, 1));
    now += WRD_SECOND;
    assert_int_equal(wrd_sctp_queue_deadline(&queue), WRD_NEVER);
    assert_null(wrd_sctp_queue_expire(&queue, now));
    assert_int_equal(cut_chunk(), 1);
    assert_int_equal(queue.given_up, 0);
    stop();
}

/* Against a model: at every deadline exactly what is late at the head of a stream goes, and never before. */
static void backlog_is_dropped_when_its_time_is_over_though_nothing_can_be_sent(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t r = seed;
        start();
        agree(false, 0);
        wrd_time expires[40] = {0}; /* each stream's messages live equally long, so they end in order */
        wrd_time last = 0;
        unsigned pushed = 0;
        for (int i = 0; i < 500; i++) {
            uint16_t stream = (uint16_t)(lab_random(&r) % 40);
            wrd_time lifetime = 1000 + (wrd_time)stream * 5000;
            assert_true(push_for(stream, 100, lifetime));
            expires[stream] = now + lifetime;
            last = expires[stream] > last ? expires[stream] : last;
            pushed++;
            now += lab_random(&r) % 300;
            while (wrd_sctp_queue_deadline(&queue) <= now)
                assert_null(wrd_sctp_queue_expire(&queue, now));
            wrd_sctp_queue_audit(&queue);
        }
        while (queue.messages > 0) {
            assert_true(wrd_sctp_queue_deadline(&queue) != WRD_NEVER);
            now = wrd_sctp_queue_deadline(&queue);
            assert_null(wrd_sctp_queue_expire(&queue, now));
            for (uint16_t i = 0; i < 40; i++)
                assert_true((wrd_sctp_queue_uncut(&queue, i) == 0) == (expires[i] <= now));
        }
        assert_int_equal(now, last);
        assert_int_equal(queue.given_up, pushed);
        assert_int_equal(wrd_sctp_queue_charge(&queue), 0);
        stop();
    }
}

static void parked_message_that_expires_makes_way(void **state)
{
    start();
    agree(true, 10000);
    assert_true(push(1, 9000));
    cut_chunk();
    assert_true(push_for(2, 9000, 1000) && push(2, 100) && push(3, 2000));
    assert_int_equal(first()->stream, 1);
    now += 1000;
    assert_null(wrd_sctp_queue_expire(&queue, now));
    unsigned chunks = 0;
    while (first()) {
        cut_chunk();
        chunks++;
    }
    assert_int_equal(chunks, 7 + 1 + 2);
    stop();
}

static void begun_message_is_handed_over_when_it_expires(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        start();
        agree(interleaving, 100000);
        assert_true(push_for(1, 5000, 1000));
        struct wrd_sctp_outgoing *message = cut(1000);
        assert_true(push(1, 10) && push(2, 2000));
        now += 1000;
        assert_ptr_equal(wrd_sctp_queue_expire(&queue, now), message);
        wrd_sctp_queue_give_up(&queue, message);
        wrd_sctp_queue_audit(&queue);
        assert_int_equal(queue.given_up, 1);
        assert_int_equal(wrd_sctp_queue_uncut(&queue, 1), 10);
        assert_null(wrd_sctp_queue_expire(&queue, now));
        assert_int_equal(queue.begun, 0);
        assert_int_equal(queue.bytes, 2010);
        while (first())
            cut_chunk();
        stop();
    }
}

/* ---- Low marks ---- */

static void low_mark_is_told_only_when_it_is_crossed(void **state)
{
    uint16_t stream;
    start();
    assert_true(wrd_sctp_queue_set_low(&queue, 1, 1000));
    assert_true(push(1, 1000));
    cut(500);
    assert_false(queue.fell_low);
    assert_true(push(1, 600));
    assert_int_equal(wrd_sctp_queue_uncut(&queue, 1), 1100);
    struct wrd_sctp_outgoing *message = cut(99);
    assert_false(wrd_sctp_queue_take_low(&queue, &stream));
    cut(1);
    assert_true(queue.fell_low);
    queue.fell_low = false;
    assert_true(wrd_sctp_queue_take_low(&queue, &stream));
    assert_int_equal(stream, 1);
    assert_false(wrd_sctp_queue_take_low(&queue, &stream));
    cut(400);
    wrd_sctp_queue_acked(&queue, message, 1000);
    cut_chunk();
    assert_false(queue.fell_low);
    stop();
}

static void low_mark_is_zero_at_first_and_each_stream_is_told_once(void **state)
{
    uint16_t stream;
    start();
    agree(false, 0);
    for (uint16_t round = 0; round < 2; round++) {
        for (uint16_t i = 0; i < 1000; i++)
            assert_true(push_for(i, 10, i % 3 ? 0 : 1000));
        for (int i = 0; i < 500; i++)
            cut_chunk();
        now += 1000; /* what expires is gone from the queue as well */
        while (first())
            cut_chunk();
        assert_null(wrd_sctp_queue_expire(&queue, now));
    }
    unsigned told = 0;
    while (wrd_sctp_queue_take_low(&queue, &stream))
        told++;
    assert_int_equal(told, 1000);
    stop();
}

/* ---- Restart ---- */

static void everything_begins_again_in_order_when_the_peer_does(void **state)
{
    for (int interleaving = 0; interleaving < 2; interleaving++) {
        start();
        agree(interleaving, 9000);
        for (uint16_t i = 0; i < 4; i++)
            assert_true(push(i % 2, 3000u + i));
        assert_true(push(9, 8000)); /* parked, if they interleave */
        struct wrd_sctp_outgoing *sent[9];
        for (int i = 0; i < 9; i++) {
            size_t left = first()->len - first()->cut;
            sent[i] = cut(left < 1000 ? left : 1000);
        }
        for (int i = 8; i >= 0; i--) {
            if (sent[i]->cut > 0)
                wrd_sctp_queue_requeue(&queue, sent[i]);
        }
        wrd_sctp_queue_restart(&queue);
        agree(!interleaving, 9000);
        assert_int_equal(queue.bytes, 12006 + 8000);
        uint32_t mids[10] = {0};
        uint32_t lens[2] = {3000, 3001};
        while (first()) {
            struct wrd_sctp_outgoing *message = first();
            uint16_t stream = message->stream;
            if (message->cut == 0 && stream < 2) {
                assert_int_equal(message->len, lens[stream]);
                lens[stream] += 2;
            }
            bool begins = message->cut == 0;
            bool ends = message->len - message->cut <= PIECE;
            size_t left = message->len - message->cut;
            wrd_sctp_queue_cut(&queue, ends ? left : PIECE);
            assert_int_equal(message->mid, begins ? mids[stream]++ : mids[stream] - 1);
            if (ends)
                wrd_sctp_queue_acked(&queue, message, message->len);
        }
        assert_int_equal(queue.messages, 0);
        stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_cost_nothing_until_used),
        cmocka_unit_test(every_stream_number_can_be_in_use_at_once),
        cmocka_unit_test(message_once_begun_is_cut_to_its_end),
        cmocka_unit_test(each_refused_allocation_leaves_the_queue_as_it_was),
        cmocka_unit_test(paused_stream_loses_its_turn_until_resumed),
        cmocka_unit_test(stream_begins_anew_after_its_reset_and_costs_nothing_until_used_again),
        cmocka_unit_test(streams_are_found_soon_whichever_they_are),
        cmocka_unit_test(stream_that_was_never_used_costs_nothing_after_a_denied_reset_either),
        cmocka_unit_test(shares_follow_the_weights_whatever_the_sizes),
        cmocka_unit_test(equal_streams_take_turns),
        cmocka_unit_test(weight_of_one_is_not_starved_by_ever_new_streams),
        cmocka_unit_test(idle_stream_does_not_save_up_its_share),
        cmocka_unit_test(weight_changed_while_waiting_counts_at_once),
        cmocka_unit_test(chunks_of_streams_interleave_and_count_apart),
        cmocka_unit_test(ordered_and_unordered_messages_are_numbered_apart),
        cmocka_unit_test(unfinished_messages_stay_within_the_bound_and_none_waits_for_ever),
        cmocka_unit_test(waiting_messages_wait_neither_for_ever_nor_in_the_way_of_small_ones),
        cmocka_unit_test(message_within_the_limit_begins_beside_larger_ones),
        cmocka_unit_test(message_that_expires_unsent_is_dropped_without_a_number),
        cmocka_unit_test(nothing_expires_unless_agreed),
        cmocka_unit_test(backlog_is_dropped_when_its_time_is_over_though_nothing_can_be_sent),
        cmocka_unit_test(parked_message_that_expires_makes_way),
        cmocka_unit_test(begun_message_is_handed_over_when_it_expires),
        cmocka_unit_test(low_mark_is_told_only_when_it_is_crossed),
        cmocka_unit_test(low_mark_is_zero_at_first_and_each_stream_is_told_once),
        cmocka_unit_test(everything_begins_again_in_order_when_the_peer_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
