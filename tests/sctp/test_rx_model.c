/* SPDX-License-Identifier: MIT */
/* The receive side against a model that keeps everything in a table: random messages, orders of arrival, repeats,
 * messages given up, resets and refused allocations, with DATA and with I-DATA. */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#define FIRST      0xffffff00u
#define CHUNKS_MAX 700
#define STREAMS    5
#define BYTES_MAX  40

struct message {
    uint16_t stream;
    bool unordered;
    uint64_t number; /* with all its bits */
    unsigned chunks, arrived;
    bool heard, given_up;
};

struct piece {
    unsigned message, fsn;
    bool begins, ends, arrived;
    size_t len;
    unsigned resets; /* bits of streams that begin again after this one */
};

struct model {
    uint64_t seed;
    bool interleaving;
    struct piece pieces[CHUNKS_MAX];
    struct message messages[CHUNKS_MAX];
    unsigned chunk_count, message_count;
    uint64_t first;                         /* number on every stream; above 0: they wrap, and nothing is reset */
    uint64_t next[STREAMS];                 /* of the ordered messages, as they are to be heard */
    unsigned pending[CHUNKS_MAX + STREAMS]; /* what is to be heard, in order; >= CHUNKS_MAX: the end of a stream */
    unsigned pending_count;

    struct lab_env env;
    struct wrd_sctp_pool pool;
    struct wrd_sctp_join join;
    struct wrd_sctp_track track;
};

static unsigned roll(struct model *m, unsigned below)
{
    return (unsigned)(lab_random(&m->seed) % below);
}

static uint8_t byte_of(unsigned piece, size_t at)
{
    return (uint8_t)(piece * 31 + at);
}

static struct wrd_tsn tsn_of(unsigned piece)
{
    return wrd_tsn(FIRST + piece);
}

/* ---- What the peer sends: messages of one stream after another, of several streams at once with I-DATA. ---- */

static unsigned begin_message(struct model *m, uint16_t stream, uint64_t numbers[2][STREAMS], unsigned most)
{
    struct message *message = &m->messages[m->message_count];
    bool unordered = roll(m, 4) == 0;
    bool counts = !unordered || m->interleaving; /* unordered DATA has no number */
    *message = (struct message){.stream = stream,
                                .unordered = unordered,
                                .number = counts ? numbers[unordered][stream]++ : 0,
                                .chunks = roll(m, 3) ? 1 : 1 + roll(m, 20)};
    if (message->chunks > most)
        message->chunks = most;
    return m->message_count++;
}

static void plan(struct model *m)
{
    uint64_t numbers[2][STREAMS];
    unsigned current[STREAMS], left[STREAMS] = {0}, open = 0;
    unsigned stream = 0;
    for (unsigned i = 0; i < STREAMS; i++)
        numbers[0][i] = numbers[1][i] = m->next[i] = m->first;
    while (m->chunk_count + open < CHUNKS_MAX) {
        unsigned i = m->chunk_count;
        if (m->interleaving || left[stream] == 0)
            stream = roll(m, STREAMS);
        bool begins = left[stream] == 0;
        if (begins) {
            current[stream] = begin_message(m, (uint16_t)stream, numbers, CHUNKS_MAX - i - open);
            left[stream] = m->messages[current[stream]].chunks;
            open += left[stream];
        }
        struct message *message = &m->messages[current[stream]];
        m->pieces[i] = (struct piece){.message = current[stream],
                                      .fsn = message->chunks - left[stream],
                                      .begins = begins,
                                      .ends = left[stream] == 1,
                                      .len = 1 + roll(m, BYTES_MAX)};
        m->chunk_count++;
        left[stream]--;
        open--;
        for (unsigned other = 0; other < STREAMS && roll(m, 8) == 0; other++) {
            if (left[other] > 0 || roll(m, 3) || m->first > 0)
                continue;
            m->pieces[i].resets |= 1u << other;
            numbers[0][other] = numbers[1][other] = 0;
        }
    }
    /* What is still open is never finished: its chunks would not fit. */
    for (unsigned i = 0; i < STREAMS; i++) {
        while (left[i] > 0 && m->chunk_count < CHUNKS_MAX) {
            struct message *message = &m->messages[current[i]];
            m->pieces[m->chunk_count++] = (struct piece){.message = current[i],
                                                         .fsn = message->chunks - left[i],
                                                         .begins = left[i] == message->chunks,
                                                         .ends = left[i] == 1,
                                                         .len = 1 + roll(m, BYTES_MAX)};
            left[i]--;
        }
    }
}

/* ---- What must be heard ---- */

static void hear_later(struct model *m, unsigned what)
{
    assert_true(m->pending_count < CHUNKS_MAX + STREAMS);
    m->pending[m->pending_count++] = what;
}

static struct message *find_complete(struct model *m, unsigned stream, uint64_t number, unsigned from)
{
    for (unsigned i = from; i < m->message_count; i++) {
        struct message *message = &m->messages[i];
        if (!message->heard && !message->given_up && !message->unordered && message->stream == stream &&
            message->number == number)
            return message->arrived == message->chunks ? message : NULL;
    }
    return NULL;
}

static void follow(struct model *m, unsigned stream)
{
    struct message *message;
    while ((message = find_complete(m, stream, m->next[stream], 0))) {
        message->heard = true;
        m->next[stream]++;
        hear_later(m, (unsigned)(message - m->messages));
    }
}

static void arrived(struct model *m, unsigned at)
{
    struct message *message = &m->messages[m->pieces[at].message];
    m->pieces[at].arrived = true;
    message->arrived++;
    if (message->given_up || message->arrived < message->chunks)
        return;
    if (message->unordered) {
        message->heard = true;
        hear_later(m, m->pieces[at].message);
    } else {
        follow(m, message->stream);
    }
}

static void check_message(struct model *m, const struct wrd_sctp_block *block, unsigned which)
{
    const struct message *message = &m->messages[which];
    const uint8_t *at = (const uint8_t *)(block + 1);
    size_t left = block->len;
    assert_int_equal(block->ppid, which);
    assert_int_equal(block->stream, message->stream);
    assert_int_equal(!!(block->flags & WRD_SCTP_UNORDERED), message->unordered);
    assert_int_equal(block->flags & WRD_SCTP_STREAM_ENDS, 0);
    for (unsigned i = 0; i < m->chunk_count; i++) {
        if (m->pieces[i].message != which)
            continue;
        for (size_t j = 0; j < m->pieces[i].len; j++, left--) {
            assert_true(left > 0);
            assert_int_equal(*at++, byte_of(i, j));
        }
    }
    assert_int_equal(left, 0);
}

/* Exactly what the model says, in its order; a reader that is slow at times. */
static void hear(struct model *m, bool all)
{
    unsigned count = all ? m->pending_count : m->pending_count - roll(m, m->pending_count + 1);
    for (unsigned i = 0; i < count; i++) {
        struct wrd_sctp_block *block = m->join.order.ready;
        assert_non_null(block);
        if (m->pending[i] < CHUNKS_MAX) {
            check_message(m, block, m->pending[i]);
        } else {
            assert_int_equal(block->flags, WRD_SCTP_STREAM_ENDS);
            assert_int_equal(block->stream, m->pending[i] - CHUNKS_MAX);
        }
        wrd_sctp_order_release(&m->join.order);
    }
    m->pending_count -= count;
    memmove(m->pending, m->pending + count, m->pending_count * sizeof *m->pending);
    if (m->pending_count == 0)
        assert_null(m->join.order.ready);
}

/* ---- What happens ---- */

static unsigned base_of(const struct model *m)
{
    return m->track.cumulative.v + 1 - FIRST;
}

static void arrive(struct model *m, unsigned at, bool refuse)
{
    const struct piece *piece = &m->pieces[at];
    const struct message *message = &m->messages[piece->message];
    uint8_t bytes[BYTES_MAX];
    for (size_t i = 0; i < piece->len; i++)
        bytes[i] = byte_of(at, i);
    struct wrd_sctp_data data = {.tsn = tsn_of(at),
                                 .stream = message->stream,
                                 .flags = (uint8_t)((message->unordered ? WRD_SCTP_UNORDERED : 0) |
                                                    (piece->begins ? WRD_SCTP_BEGIN : 0) |
                                                    (piece->ends ? WRD_SCTP_END : 0) | (roll(m, 2) ? 0xf0 : 0)),
                                 .bytes = bytes,
                                 .len = piece->len};
    if (m->interleaving) {
        data.mid = (uint32_t)message->number;
        data.fsn = piece->fsn;
        data.ppid = piece->begins ? piece->message : 0;
    } else {
        data.ssn.v = (uint16_t)message->number;
        data.ppid = piece->message;
    }
    if (!wrd_sctp_track_reserve(&m->track, data.tsn))
        return;
    size_t charged = m->join.order.charged, assembling = m->join.weave.assembling;
    m->env.fail_at = refuse ? m->env.asked + 1 + roll(m, 3) : 0;
    enum wrd_sctp_joined joined = wrd_sctp_join_take(&m->join, &data);
    m->env.fail_at = 0;
    wrd_sctp_join_audit(&m->join);
    if (joined == WRD_SCTP_JOIN_NO_MEMORY) {
        assert_true(refuse);
        assert_int_equal(m->join.order.charged, charged);
        assert_int_equal(m->join.weave.assembling, assembling);
        return;
    }
    assert_int_equal(joined, WRD_SCTP_JOINED);
    wrd_sctp_track_mark(&m->track, data.tsn);
    arrived(m, at);
    assert_int_equal(wrd_sctp_join_advance(&m->join, m->track.cumulative), WRD_SCTP_JOINED);
    wrd_sctp_join_audit(&m->join);
}

/* The peer gives up the message that holds everything back, and maybe more (RFC 3758 3.5). */
static void give_up(struct model *m, unsigned stop)
{
    unsigned base = base_of(m), point = base;
    bool lucky = roll(m, 2);
    while (point < stop) {
        struct message *message = &m->messages[m->pieces[point].message];
        bool more = point == base || lucky || message->given_up;
        if (message->arrived == message->chunks || !more)
            break;
        message->given_up = true;
        lucky = roll(m, 2);
        point++;
    }
    assert_true(point > base);
    struct wrd_tsn tsn = tsn_of(point - 1);
    bool named[2][STREAMS] = {{false}};
    uint64_t highest[2][STREAMS] = {{0}};
    for (unsigned i = base; i < point; i++) {
        const struct message *message = &m->messages[m->pieces[i].message];
        if (message->given_up && (m->interleaving || !message->unordered)) {
            named[message->unordered][message->stream] = true;
            highest[message->unordered][message->stream] = message->number;
        }
    }
    for (unsigned i = 0; i < STREAMS; i++)
        assert_non_null(wrd_sctp_order_use(&m->join.order, (uint16_t)i));
    assert_true(wrd_tsn_lt(m->track.cumulative, tsn));
    for (struct wrd_tsn kept = m->track.cumulative; wrd_sctp_track_next(&m->track, &kept, tsn);)
        wrd_sctp_join_give_up(&m->join, kept);
    wrd_sctp_track_forward(&m->track, tsn);
    wrd_sctp_join_forward(&m->join, tsn);
    for (unsigned i = 0; i < 2 * STREAMS; i++) {
        unsigned stream = i % STREAMS, unordered = i / STREAMS;
        if (!named[unordered][stream])
            continue;
        wrd_sctp_join_skip(&m->join, (uint16_t)stream, unordered,
                           (uint32_t)highest[unordered][stream] & m->join.order.last_number);
        if (unordered)
            continue;
        while (m->next[stream] <= highest[0][stream]) {
            struct message *message = find_complete(m, stream, m->next[stream]++, 0);
            if (message) {
                message->heard = true;
                hear_later(m, (unsigned)(message - m->messages));
            }
        }
        follow(m, stream);
    }
    assert_int_equal(wrd_sctp_join_advance(&m->join, m->track.cumulative), WRD_SCTP_JOINED);
    wrd_sctp_join_audit(&m->join);
}

static void reset(struct model *m, unsigned at)
{
    unsigned streams = m->pieces[at].resets;
    m->pieces[at].resets = 0;
    assert_true(wrd_sctp_join_reserve_resets(&m->join, STREAMS));
    for (unsigned i = 0; i < STREAMS; i++) {
        if (!(streams & (1u << i)))
            continue;
        assert_true(wrd_sctp_join_reset(&m->join, (uint16_t)i));
        m->next[i] = 0;
        hear_later(m, CHUNKS_MAX + i);
    }
    wrd_sctp_join_audit(&m->join);
}

/* Every stream goes on at `first`, in two steps, as none may be more than half of all numbers. */
static void go_to_first(struct model *m)
{
    uint32_t last = m->join.order.last_number;
    for (unsigned i = 0; i < 2 * STREAMS && m->first > 0; i++) {
        assert_non_null(wrd_sctp_order_use(&m->join.order, (uint16_t)(i % STREAMS)));
        wrd_sctp_join_skip(&m->join, (uint16_t)(i % STREAMS), i >= STREAMS, last / 2);
        wrd_sctp_join_skip(&m->join, (uint16_t)(i % STREAMS), i >= STREAMS, (uint32_t)m->first - 1);
    }
}

static void run(uint64_t seed, bool interleaving, bool refusals, bool wraps)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    m.seed = seed;
    m.interleaving = interleaving;
    lab_env_init(&m.env, seed);
    wrd_sctp_pool_init(&m.pool, &m.env.env);
    if (wraps)
        m.first = (interleaving ? UINT32_MAX : UINT16_MAX) - roll(&m, 60);
    plan(&m);
    struct wrd_sctp_join_setup setup = {.pool = &m.pool,
                                        .message_limit = 20 * BYTES_MAX,
                                        .window = WRD_SCTP_RECEIVE_WINDOW,
                                        .interleaving = interleaving,
                                        .peer_initial = wrd_tsn(FIRST),
                                        .salt = lab_random(&m.seed)};
    wrd_sctp_join_init(&m.join, &setup);
    wrd_sctp_track_init(&m.track, &m.env.env, wrd_tsn(FIRST));
    go_to_first(&m);
    unsigned spread = 1 + roll(&m, 100);
    unsigned patience = roll(&m, 3) ? 5 + roll(&m, 200) : 0;
    while (base_of(&m) < m.chunk_count) {
        unsigned base = base_of(&m), stop = base;
        if (base > 0 && m.pieces[base - 1].resets)
            reset(&m, base - 1);
        while (stop + 1 < m.chunk_count && !m.pieces[stop].resets)
            stop++;
        stop++;
        unsigned at = base + roll(&m, spread);
        if (patience > 0 && roll(&m, patience) == 0) {
            give_up(&m, stop);
            /* What was passed over this way never counts as not yet reset. */
            unsigned now = base_of(&m);
            assert_true(now <= stop);
        } else {
            if (at >= stop || m.pieces[at].arrived || wrd_tsn_le(tsn_of(at), m.track.cumulative))
                at = base;
            arrive(&m, at, refusals && roll(&m, 10) == 0);
        }
        hear(&m, false);
        if (roll(&m, 200) == 0) {
            wrd_sctp_join_drain(&m.join);
            wrd_sctp_track_drain(&m.track);
            wrd_sctp_pool_drain(&m.pool);
        }
    }
    hear(&m, true);
    assert_int_equal(m.join.order.charged, 0);
    assert_int_equal(m.join.weave.assembling, 0);
    for (unsigned i = 0; i < m.message_count; i++)
        assert_true(m.messages[i].heard || m.messages[i].given_up || m.messages[i].arrived < m.messages[i].chunks);
    wrd_sctp_join_free(&m.join);
    wrd_sctp_track_free(&m.track);
    wrd_sctp_pool_drain(&m.pool);
    assert_int_equal(m.env.live, 0);
}

static void data_in_any_order_is_heard_as_the_model_says(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        run(seed, false, false, false);
}

static void i_data_in_any_order_is_heard_as_the_model_says(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        run(seed, true, false, false);
}

static void refused_memory_loses_nothing_that_was_taken(void **state)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        run(seed, false, true, false);
        run(seed, true, true, false);
    }
}

static void numbers_begin_anew_without_a_difference(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        run(seed, seed % 2, seed % 3 == 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_in_any_order_is_heard_as_the_model_says),
        cmocka_unit_test(i_data_in_any_order_is_heard_as_the_model_says),
        cmocka_unit_test(refused_memory_loses_nothing_that_was_taken),
        cmocka_unit_test(numbers_begin_anew_without_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
