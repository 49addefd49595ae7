/* SPDX-License-Identifier: MIT */
#include "sctp/rx_order.h"

#include "lab.h"

#define STREAMS 5
#define NUMBERS 200

static struct wrd_sctp_waiting waiting;
static struct wrd_sctp_block blocks[STREAMS * NUMBERS];
static bool waits[STREAMS * NUMBERS];

static void begin(uint64_t salt)
{
    waiting = (struct wrd_sctp_waiting){.salt = salt};
    memset(waits, 0, sizeof waits);
    for (unsigned i = 0; i < STREAMS * NUMBERS; i++)
        blocks[i] = (struct wrd_sctp_block){.stream = (uint16_t)(i / NUMBERS), .number = i % NUMBERS, .len = 1};
}

static const struct wrd_sctp_block *expected(uint16_t stream, uint32_t number)
{
    for (; number < NUMBERS; number++)
        if (waits[stream * NUMBERS + number])
            return &blocks[stream * NUMBERS + number];
    return NULL;
}

static void any_order_of_adding_and_removing_agrees_with_the_model(void **state)
{
    uint64_t r = 3;
    begin(lab_random(&r));
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)(lab_random(&r) % (STREAMS * NUMBERS));
        if (waits[i])
            wrd_sctp_waiting_remove(&waiting, &blocks[i]);
        else
            wrd_sctp_waiting_add(&waiting, &blocks[i]);
        waits[i] = !waits[i];
        uint16_t stream = (uint16_t)(lab_random(&r) % STREAMS);
        uint32_t number = (uint32_t)(lab_random(&r) % (NUMBERS + 10));
        assert_ptr_equal(wrd_sctp_waiting_from(&waiting, stream, number), expected(stream, number));
        size_t charge = 0;
        if (step % 100 == 0)
            assert_int_equal(wrd_sctp_waiting_audit(&waiting, &charge), waiting.count);
    }
}

static unsigned depth(const struct wrd_sctp_block *block)
{
    unsigned before = block ? depth(block->before) : 0, after = block ? depth(block->after) : 0;
    return block ? 1 + (before > after ? before : after) : 0;
}

/* In order, as they come from a peer, and under many salts, also bad ones. */
static void it_stays_shallow_whatever_comes(void **state)
{
    uint64_t r = 9;
    for (unsigned round = 0; round < 200; round++) {
        begin(round < 4 ? round : lab_random(&r));
        for (unsigned i = 0; i < STREAMS * NUMBERS; i++)
            wrd_sctp_waiting_add(&waiting, &blocks[i]);
        assert_true(depth(waiting.root) < 45); /* a thousand; expected are some 22 */
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
