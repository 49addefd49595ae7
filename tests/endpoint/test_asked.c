/* SPDX-License-Identifier: MIT */
#include "endpoint/asked.h"

#include "lab.h"

#include <string.h>

static struct wrd_asked asked;

/* The `number`th address of those that share the word `word`. */
static uint64_t sharing(uint32_t word, uint64_t number)
{
    return number << 50 | word;
}

static void assert_asks(uint64_t hash, uint8_t expected)
{
    uint8_t identity = 99;
    assert_true(wrd_asked_find(&asked, hash, &identity));
    assert_int_equal(identity, expected);
}

static void nobody_is_known_who_did_not_ask(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t identity;
    memset(&asked, 0, sizeof asked);
    assert_false(wrd_asked_find(&asked, 0, &identity));
    for (unsigned i = 0; i < 1000; i++)
        assert_false(wrd_asked_find(&asked, lab_random(&seed), &identity));
}

/* Against a list of the four that asked last, the newest first. */
static void a_word_remembers_the_four_that_asked_last_and_what_for(void **state)
{
    (void)state;
    enum { ADDRESSES = 7, WORD = 4711 };
    uint64_t seed = 2;
    unsigned order[ADDRESSES], count = 0;
    uint8_t identities[ADDRESSES];
    memset(&asked, 0, sizeof asked);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned who = lab_below(&seed, ADDRESSES), at = 0;
        identities[who] = (uint8_t)lab_below(&seed, 2);
        wrd_asked_note(&asked, sharing(WORD, who), identities[who]);
        while (at < count && order[at] != who)
            at++;
        count += at == count;
        memmove(order + 1, order, at * sizeof *order);
        order[0] = who;
        count = count < WRD_ASKED_WAYS ? count : WRD_ASKED_WAYS;
        for (unsigned i = 0; i < ADDRESSES; i++) {
            uint8_t identity;
            at = 0;
            while (at < count && order[at] != i)
                at++;
            assert_int_equal(wrd_asked_find(&asked, sharing(WORD, i), &identity), at < count);
            if (at < count)
                assert_asks(sharing(WORD, i), identities[i]);
        }
    }
    uint8_t identity;
    assert_false(wrd_asked_find(&asked, sharing(WORD + 1, order[0]), &identity));
}

/* 100,000 others a second, while a client from afar takes 300 ms to send its hello. */
static void a_flood_makes_it_forget_hardly_anybody_within_a_round_trip(void **state)
{
    (void)state;
    enum { CLIENTS = 1000, OTHERS = 30000 };
    uint64_t seed = 3, own = 4;
    unsigned forgotten = 0, confused = 0;
    memset(&asked, 0, sizeof asked);
    for (unsigned i = 0; i < 200000; i++) /* before them */
        wrd_asked_note(&asked, lab_random(&seed), i % 2);
    for (unsigned i = 0; i < CLIENTS; i++)
        wrd_asked_note(&asked, lab_random(&own), i % 2);
    for (unsigned i = 0; i < OTHERS; i++)
        wrd_asked_note(&asked, lab_random(&seed), i % 2);
    own = 4;
    for (unsigned i = 0; i < CLIENTS; i++) {
        uint8_t identity = 0;
        bool found = wrd_asked_find(&asked, lab_random(&own), &identity);
        forgotten += !found;
        confused += found && identity != i % 2;
    }
    assert_in_range(forgotten, 0, CLIENTS / 200);
    assert_int_equal(confused, 0);
    unsigned strangers = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t identity;
        strangers += wrd_asked_find(&asked, lab_random(&seed), &identity);
    }
    assert_in_range(strangers, 0, 100000 / 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_known_who_did_not_ask),
        cmocka_unit_test(a_word_remembers_the_four_that_asked_last_and_what_for),
        cmocka_unit_test(a_flood_makes_it_forget_hardly_anybody_within_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
