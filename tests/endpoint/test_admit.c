/* SPDX-License-Identifier: MIT */
#include "endpoint/admit.h"

#include "lab.h"
#include "wrd/address.h"

#include <stdlib.h>

#define START (1000 * WRD_SECOND)

/* With what the endpoint adds up. */
static void note(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote, uint64_t name,
                 uint32_t in, uint32_t out)
{
    struct wrd_admitted *entry = wrd_admit_note(admit, now, hash, remote, name);
    entry->bytes_in += in;
    entry->bytes_out += out;
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct wrd_admit));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void an_address_without_a_check_is_unknown(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr addr = lab_addr(1);
    assert_null(wrd_admit_find(admit, START, 7, &addr));
    assert_null(wrd_admit_find(admit, 0, 7, &(wrd_addr){0})); /* though every empty entry has this address */
}

static void a_check_is_good_for_its_lifetime_and_no_longer(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr addr = lab_addr(1);
    note(admit, START, 7, &addr, 99, 100, 80);
    struct wrd_admitted *found = wrd_admit_find(admit, START + WRD_ADMIT_LIFETIME, 7, &addr);
    assert_non_null(found);
    assert_int_equal(found->name, 99);
    assert_int_equal(found->bytes_in, 100);
    assert_int_equal(found->bytes_out, 80);
    assert_null(wrd_admit_find(admit, START + WRD_ADMIT_LIFETIME + 1, 7, &addr));
}

static void later_checks_prolong_it_and_add_up(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr addr = lab_addr(1);
    for (unsigned i = 0; i < 10; i++)
        note(admit, START + i * WRD_ADMIT_LIFETIME, 7, &addr, 99, 100, 80);
    struct wrd_admitted *found = wrd_admit_find(admit, START + 10 * WRD_ADMIT_LIFETIME, 7, &addr);
    assert_non_null(found);
    assert_int_equal(found->bytes_in, 1000);
    assert_int_equal(found->bytes_out, 800);
}

static void another_ufrag_or_a_stale_entry_counts_from_nothing(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr addr = lab_addr(1);
    note(admit, START, 7, &addr, 99, 100, 80);
    note(admit, START + 1, 7, &addr, 98, 10, 8);
    struct wrd_admitted *found = wrd_admit_find(admit, START + 1, 7, &addr);
    assert_int_equal(found->name, 98);
    assert_int_equal(found->bytes_in, 10);
    note(admit, START + 2 + WRD_ADMIT_LIFETIME, 7, &addr, 98, 20, 16);
    found = wrd_admit_find(admit, START + 2 + WRD_ADMIT_LIFETIME, 7, &addr);
    assert_int_equal(found->bytes_in, 20);
    assert_int_equal(found->bytes_out, 16);
}

static void neighbours_in_one_bucket_are_told_apart(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr addr = {.ip = {10, 0, 0, 1}, .port = 1, .family = 4};
    note(admit, START, 7, &addr, 99, 100, 80);
    wrd_addr port = addr, ip = addr, family = addr;
    port.port = 2;
    ip.ip[3] = 2;
    family.family = 6;
    assert_null(wrd_admit_find(admit, START, 7, &port));
    assert_null(wrd_admit_find(admit, START, 7, &ip));
    assert_null(wrd_admit_find(admit, START, 7, &family));
    assert_null(wrd_admit_find(admit, START, 8, &addr)); /* nor is any other bucket looked at */
}

static void a_full_bucket_forgets_its_oldest_and_no_other_bucket_suffers(void **state)
{
    struct wrd_admit *admit = *state;
    wrd_addr bystander = lab_addr(1000);
    note(admit, START, 8, &bystander, 1, 1, 1);
    for (uint32_t i = 0; i < WRD_ADMIT_WAYS; i++) {
        wrd_addr addr = lab_addr(i);
        note(admit, START + 1 + i, 7, &addr, 1, 1, 1);
    }
    wrd_addr first = lab_addr(0), second = lab_addr(1), fresh = lab_addr(WRD_ADMIT_WAYS);
    note(admit, START + 10, 7, &first, 1, 1, 1); /* no longer the oldest */
    note(admit, START + 11, 7, &fresh, 1, 1, 1);
    assert_non_null(wrd_admit_find(admit, START + 11, 7, &first));
    assert_non_null(wrd_admit_find(admit, START + 11, 7, &fresh));
    assert_null(wrd_admit_find(admit, START + 11, 7, &second));
    for (uint32_t i = 0; i < 100000; i++) { /* a flood of addresses */
        wrd_addr addr = lab_addr(5000 + i);
        note(admit, START + 12 + i, 7 + (uint64_t)i * 2 * WRD_ADMIT_BUCKETS, &addr, 1, 1, 1);
    }
    assert_non_null(wrd_admit_find(admit, START + 11, 8, &bystander));
}

/* ---- against a model that keeps every address and drops the oldest of a bucket */

#define ADDRESSES 40
#define BUCKETS   4

struct known {
    bool present;
    wrd_time at;
    uint64_t name;
    uint32_t in, out;
};

/* Upper bits differ, so that only the lower choose the bucket. */
static uint64_t hash_of(uint32_t number)
{
    return (uint64_t)number << 40 | (WRD_ADMIT_BUCKETS - 1 - number % BUCKETS);
}

static void model_note(struct known *known, uint32_t number, wrd_time now, uint64_t name)
{
    struct known *k = &known[number], *oldest = NULL;
    unsigned count = 0;
    for (uint32_t i = number % BUCKETS; i < ADDRESSES; i += BUCKETS) {
        if (!known[i].present)
            continue;
        count++;
        if (!oldest || known[i].at < oldest->at)
            oldest = &known[i];
    }
    if (!k->present && count == WRD_ADMIT_WAYS)
        oldest->present = false;
    if (!k->present || now > k->at + WRD_ADMIT_LIFETIME || k->name != name)
        *k = (struct known){.present = true, .name = name};
    k->at = now;
    k->in += number + 20;
    k->out += number + 10;
}

static void any_sequence_agrees_with_the_model(void **state)
{
    struct wrd_admit *admit = *state;
    struct known known[ADDRESSES] = {{0}};
    uint64_t seed = 1;
    wrd_time now = START;
    for (int step = 0; step < 20000; step++) {
        now += 1 + lab_below(&seed, lab_below(&seed, 8) ? 1000 : (uint32_t)WRD_ADMIT_LIFETIME);
        uint32_t number = lab_below(&seed, ADDRESSES);
        wrd_addr addr = lab_addr(number);
        uint64_t name = lab_below(&seed, 4) == 0;
        note(admit, now, hash_of(number), &addr, name, number + 20, number + 10);
        model_note(known, number, now, name);
        for (uint32_t i = 0; i < ADDRESSES; i++) {
            addr = lab_addr(i);
            struct wrd_admitted *found = wrd_admit_find(admit, now, hash_of(i), &addr);
            bool expected = known[i].present && now - known[i].at <= WRD_ADMIT_LIFETIME;
            assert_int_equal(found != NULL, expected);
            if (!found)
                continue;
            assert_true(wrd_addr_equal(&found->remote, &addr));
            assert_int_equal(found->name, known[i].name);
            assert_int_equal(found->bytes_in, known[i].in);
            assert_int_equal(found->bytes_out, known[i].out);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_without_a_check_is_unknown),
        TEST(a_check_is_good_for_its_lifetime_and_no_longer),
        TEST(later_checks_prolong_it_and_add_up),
        TEST(another_ufrag_or_a_stale_entry_counts_from_nothing),
        TEST(neighbours_in_one_bucket_are_told_apart),
        TEST(a_full_bucket_forgets_its_oldest_and_no_other_bucket_suffers),
        TEST(any_sequence_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
