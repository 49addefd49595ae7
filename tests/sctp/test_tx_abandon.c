/* SPDX-License-Identifier: MIT */
/* Giving up, against a model of what the peer may be told. */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#define FIRST    0xffffff00u
#define RECORDS  4000
#define MESSAGES 4000

static struct lab_env env;
static struct wrd_sctp_pool pool;
static struct wrd_sctp_queue queue;
static struct wrd_sctp_flight flight;
static struct wrd_sctp_abandon abandon;
static wrd_time now;

/* What was sent, by offset from FIRST. */
static struct {
    unsigned message;
    bool received;
} sent[RECORDS];
static unsigned sent_count;

static struct model_message {
    struct wrd_sctp_outgoing *queued; /* NULL once freed */
    uint32_t mid;
    uint16_t stream;
    bool unordered, given_up;
    unsigned last; /* of its records */
} messages[MESSAGES];
static unsigned message_count;

static void start(bool interleaving)
{
    lab_env_init(&env, 1);
    wrd_sctp_pool_init(&pool, &env.env);
    wrd_sctp_queue_init(&queue, &pool);
    struct wrd_sctp_queue_rules rules = {
        .interleaving = interleaving, .expiring = true, .begun_limit = 10000, .piece = 1000};
    wrd_sctp_queue_agree(&queue, &rules);
    (void)wrd_sctp_flight_init(&flight, &queue, wrd_tsn(FIRST));
    abandon = (struct wrd_sctp_abandon){0};
    memset(sent, 0, sizeof sent);
    memset(messages, 0, sizeof messages);
    sent_count = message_count = 0;
    now = WRD_SECOND;
}

static void stop(void)
{
    wrd_sctp_flight_audit(&flight);
    wrd_sctp_queue_audit(&queue);
    wrd_sctp_flight_free(&flight);
    wrd_sctp_queue_free(&queue);
    wrd_sctp_pool_drain(&pool);
    assert_int_equal(env.live, 0);
}

static void push_for(uint16_t stream, bool unordered, size_t len, wrd_time lifetime)
{
    static const uint8_t bytes[WRD_SCTP_TSN_WINDOW * 2];
    struct wrd_sctp_message message = {
        .stream = stream, .unordered = unordered, .data = bytes, .len = len, .lifetime = lifetime};
    assert_true(wrd_sctp_queue_push(&queue, now, &message));
}

/* One chunk goes out. */
static void cut(size_t most)
{
    struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(&queue, now);
    if (!message)
        return;
    size_t left = message->len - message->cut;
    bool begins = message->cut == 0;
    struct wrd_sctp_data data;
    assert_true(wrd_sctp_flight_push(&flight, now, message, left < most ? left : most, &data));
    assert_int_equal(data.tsn.v, FIRST + sent_count);
    unsigned which = 0;
    while (!begins && messages[which].queued != message)
        which++;
    if (begins) {
        which = message_count++;
        messages[which] = (struct model_message){
            .queued = message, .mid = data.mid, .stream = data.stream, .unordered = message->unordered};
    }
    messages[which].last = sent_count;
    sent[sent_count++].message = which;
}

static void forget_freed(unsigned cumulative)
{
    for (unsigned i = 0; i < message_count; i++) {
        struct wrd_sctp_outgoing *queued = messages[i].queued;
        if (queued && queued->cut == queued->len && messages[i].last < cumulative)
            messages[i].queued = NULL;
    }
}

/* The peer acknowledges all that it has, as far as `sack_gaps` blocks tell. */
static void acknowledge(unsigned *cumulative)
{
    while (*cumulative < sent_count && sent[*cumulative].received)
        ++*cumulative;
    forget_freed(*cumulative);
    uint8_t gaps[64];
    size_t count = 0;
    for (unsigned i = *cumulative; i < sent_count && count < 16; i++) {
        if (!sent[i].received)
            continue;
        unsigned end = i;
        while (end + 1 < sent_count && sent[end + 1].received)
            end++;
        wrd_store16be(gaps + 4 * count, (uint16_t)(i - *cumulative + 1));
        wrd_store16be(gaps + 4 * count + 2, (uint16_t)(end - *cumulative + 1));
        count++;
        i = end;
    }
    struct wrd_sctp_sack sack = {
        .cumulative = wrd_tsn(FIRST + *cumulative - 1), .a_rwnd = 1 << 20, .gaps = gaps, .gap_count = count};
    struct wrd_sctp_sacked sacked;
    assert_true(wrd_sctp_flight_sack(&flight, now, &sack, &sacked));
    abandon.due = true;
}

static void give_up(unsigned record)
{
    struct model_message *message = &messages[sent[record].message];
    if (message->given_up || !message->queued)
        return;
    bool unfinished = message->queued->cut < message->queued->len;
    assert_true(wrd_sctp_abandon(&abandon, &flight, message->queued, wrd_tsn(FIRST + record)));
    message->given_up = true;
    message->queued = NULL;
    if (unfinished) { /* a TSN stands for the rest */
        message->last = sent_count;
        sent[sent_count++].message = sent[record].message;
    }
    assert_int_equal(flight.next.v, FIRST + sent_count);
    wrd_sctp_flight_audit(&flight);
    wrd_sctp_queue_audit(&queue);
}

/* Of the messages that the peer is told to skip, and only of them, is the whole at or before `point`. */
static void check_skip(unsigned point, uint16_t stream, bool unordered, uint32_t number, bool short_numbers)
{
    bool named = false;
    for (unsigned i = 0; i < message_count; i++) {
        const struct model_message *message = &messages[i];
        if (message->stream != stream || message->unordered != unordered)
            continue;
        int32_t ahead = short_numbers ? (int16_t)(uint16_t)(message->mid - number) : (int32_t)(message->mid - number);
        if (ahead <= 0)
            assert_true(message->last < point || message->given_up);
        if (ahead == 0) {
            assert_true(message->given_up);
            named = true;
        }
        /* Nothing that lies wholly between is left out. */
        if (ahead > 0 && message->given_up)
            assert_true(message->last >= point);
    }
    assert_true(named);
}

/* Takes a FORWARD-TSN to the peer; false: none is due. */
static bool forward(unsigned *cumulative, bool interleaving, size_t cap)
{
    uint8_t bytes[WRD_SCTP_PACKET_MAX];
    struct wrd_writer wr = wrd_wr(bytes, cap);
    struct wrd_sctp_forward how = {.interleaving = interleaving, .pause = 1000};
    wrd_sctp_abandon_write(&abandon, &flight, now, &how, &wr);
    if (wr.len == 0)
        return false;
    assert_true(!wr.bad && wr.len <= cap);
    assert_int_equal(bytes[0], interleaving ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN);
    assert_int_equal(wrd_load16be(bytes + 2), wr.len);
    unsigned point = wrd_load32be(bytes + 4) - FIRST + 1;
    assert_true(point > flight.cumulative.v - FIRST + 1 && point <= sent_count);
    unsigned told = 0;
    for (size_t at = 8; at < wr.len; told++) {
        uint16_t stream = wrd_load16be(bytes + at);
        bool unordered = interleaving && wrd_load16be(bytes + at + 2) & 1;
        uint32_t number = interleaving ? wrd_load32be(bytes + at + 4) : wrd_load16be(bytes + at + 2);
        at += interleaving ? 8 : 4;
        check_skip(point, stream, unordered, number, !interleaving);
    }
    for (unsigned i = *cumulative; i < point; i++) {
        const struct model_message *message = &messages[sent[i].message];
        assert_true(message->given_up);
        assert_true(told > 0 || (message->unordered && !interleaving));
        sent[i].received = true;
    }
    if (point > *cumulative)
        *cumulative = point;
    return true;
}

static void peer_is_told_of_all_that_was_given_up_and_of_nothing_else(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t r = seed;
        bool interleaving = seed % 2;
        unsigned cumulative = 0;
        start(interleaving);
        for (uint16_t i = 0; i < 6; i++) { /* numbers wrap soon */
            assert_true(wrd_sctp_queue_set_weight(&queue, i, 256));
            for (uint32_t j = 0; j < queue.bucket_count; j++) {
                for (struct wrd_sctp_stream_out *out = queue.buckets[j]; out; out = out->bucket_next)
                    out->mid = out->mid_unordered = UINT32_MAX - (uint32_t)(lab_random(&r) % 12);
            }
        }
        for (int step = 0; step < 1200; step++) {
            now += 500;
            uint64_t what = lab_random(&r) % 10;
            if (what < 2 && queue.messages < 60)
                push_for((uint16_t)(lab_random(&r) % 6), lab_random(&r) % 3 == 0, 1 + lab_random(&r) % 3000, 0);
            else if (what < 6 && sent_count < RECORDS - 100)
                cut(1 + lab_random(&r) % 1000);
            else if (what == 6 && sent_count > cumulative)
                sent[cumulative + lab_random(&r) % (sent_count - cumulative)].received = true;
            else if (what == 7 && sent_count > cumulative && lab_random(&r) % 3 == 0)
                give_up(cumulative + (unsigned)(lab_random(&r) % (sent_count - cumulative)));
            else if (what == 8)
                acknowledge(&cumulative);
            else if (what == 9)
                (void)forward(&cumulative, interleaving, 8 + 8 + lab_random(&r) % 60);
        }
        /* What is left is given up, and the peer hears of it at last. */
        while (cumulative < sent_count) {
            give_up(cumulative);
            now += WRD_SECOND;
            abandon.due = true;
            (void)forward(&cumulative, interleaving, 100);
            acknowledge(&cumulative);
        }
        assert_int_equal(wrd_sctp_flight_count(&flight), 0);
        assert_int_equal(flight.bytes, 0);
        stop();
    }
}

static void message_without_a_tsn_for_its_rest_is_kept_until_there_is_one(void **state)
{
    start(false);
    push_for(1, false, WRD_SCTP_TSN_WINDOW + 10, 1000);
    struct wrd_sctp_data data;
    struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(&queue, now);
    for (uint32_t i = 0; i < WRD_SCTP_TSN_WINDOW - 1; i++) {
        assert_ptr_equal(wrd_sctp_queue_first(&queue, now), message);
        assert_true(wrd_sctp_flight_push(&flight, now, message, 1, &data));
    }
    now += 1000;
    wrd_sctp_abandon_expire(&abandon, &flight, now);
    wrd_sctp_abandon_late(&abandon, &flight, now);
    assert_int_equal(queue.given_up, 0);
    assert_int_equal(queue.messages, 1);
    assert_int_equal(wrd_sctp_queue_deadline(&queue), WRD_NEVER); /* no deadline that passes again and again */
    struct wrd_sctp_sack sack = {.cumulative = wrd_tsn(FIRST + 99), .a_rwnd = 1 << 20};
    struct wrd_sctp_sacked sacked;
    assert_true(wrd_sctp_flight_sack(&flight, now, &sack, &sacked));
    wrd_sctp_abandon_late(&abandon, &flight, now);
    assert_int_equal(queue.given_up, 1);
    assert_int_equal(queue.messages, 0);
    assert_int_equal(flight.bytes, 0);
    stop();
}

static void memory_of_what_is_given_up_is_free_at_once(void **state)
{
    start(true);
    push_for(1, false, 5000, 1000);
    push_for(2, false, 5000, 0);
    for (int i = 0; i < 6; i++)
        cut(1000);
    assert_int_equal(queue.bytes, 10000);
    now += 1000;
    wrd_sctp_abandon_expire(&abandon, &flight, now);
    assert_int_equal(queue.bytes, 5000);
    assert_int_equal(queue.messages, 1);
    assert_int_equal(flight.bytes, 3000);
    stop();
}

static void nothing_is_written_into_too_little_room(void **state)
{
    for (size_t cap = 0; cap < 24; cap++) {
        start(true);
        unsigned cumulative = 0;
        push_for(1, false, 10, 0);
        cut(1000);
        give_up(0);
        assert_int_equal(forward(&cumulative, true, cap), cap >= 16);
        assert_int_equal(abandon.due, cap < 16);
        stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_is_told_of_all_that_was_given_up_and_of_nothing_else),
        cmocka_unit_test(message_without_a_tsn_for_its_rest_is_kept_until_there_is_one),
        cmocka_unit_test(memory_of_what_is_given_up_is_free_at_once),
        cmocka_unit_test(nothing_is_written_into_too_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
