/* SPDX-License-Identifier: MIT */
#include "sctp/rx_sorted.h"

#include "lab.h"

#define STREAMS 5
#define NUMBERS 200

static struct wrd_sctp_sorted sorted;
static struct wrd_sctp_place places[STREAMS * NUMBERS];
static bool waits[STREAMS * NUMBERS];

/* The numbers of a stream are its first hundred and its last. */
static uint32_t number_of(unsigned at)
{
    return at < NUMBERS / 2 ? at : UINT32_MAX - (NUMBERS - 1 - at);
}

static uint64_t key_of(unsigned i)
{
    return wrd_sctp_sorted_key(i / NUMBERS, number_of(i % NUMBERS));
}

static void begin(uint64_t salt)
{
    sorted = (struct wrd_sctp_sorted){.salt = salt};
    memset(waits, 0, sizeof waits);
    for (unsigned i = 0; i < STREAMS * NUMBERS; i++)
        places[i] = (struct wrd_sctp_place){.key = key_of(i)};
}

static const struct wrd_sctp_place *expected(uint64_t key)
{
    for (unsigned i = 0; i < STREAMS * NUMBERS; i++)
        if (waits[i] && key_of(i) >= key)
            return &places[i];
    return NULL;
}

static const struct wrd_sctp_place *expected_round(unsigned stream, unsigned at)
{
    for (unsigned i = 0; i < NUMBERS; i++)
        if (waits[stream * NUMBERS + (at + i) % NUMBERS])
            return &places[stream * NUMBERS + (at + i) % NUMBERS];
    return NULL;
}

static void any_order_of_adding_and_removing_agrees_with_the_model(void **state)
{
    uint64_t r = 3;
    begin(lab_random(&r));
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)(lab_random(&r) % (STREAMS * NUMBERS));
        if (waits[i])
            wrd_sctp_sorted_remove(&sorted, &places[i]);
        else
            wrd_sctp_sorted_add(&sorted, &places[i]);
        waits[i] = !waits[i];
        unsigned stream = (unsigned)(lab_random(&r) % STREAMS), at = (unsigned)(lab_random(&r) % NUMBERS);
        uint64_t key = wrd_sctp_sorted_key(stream, number_of(at));
        assert_ptr_equal(wrd_sctp_sorted_from(&sorted, key), expected(key));
        assert_ptr_equal(wrd_sctp_sorted_round(&sorted, stream, number_of(at)), expected_round(stream, at));
        if (step % 100 == 0)
            assert_int_equal(wrd_sctp_sorted_audit(&sorted), sorted.count);
    }
}

static unsigned depth(const struct wrd_sctp_place *place)
{
    unsigned before = place ? depth(place->before) : 0, after = place ? depth(place->after) : 0;
    return place ? 1 + (before > after ? before : after) : 0;
}

/* In order, as they come from a peer, and under many salts, also bad ones. */
static void it_stays_shallow_whatever_comes(void **state)
{
    uint64_t r = 9;
    for (unsigned round = 0; round < 200; round++) {
        begin(round < 4 ? round : lab_random(&r));
        for (unsigned i = 0; i < STREAMS * NUMBERS; i++)
            wrd_sctp_sorted_add(&sorted, &places[i]);
        assert_true(depth(sorted.root) < 45); /* a thousand; expected are some 22 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_adding_and_removing_agrees_with_the_model),
        cmocka_unit_test(it_stays_shallow_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
