/* SPDX-License-Identifier: MIT */
#include "endpoint/gate.h"

#include "lab.h"

#include <string.h>

#define START (1000 * WRD_SECOND)

static const uint8_t key[16] = {1, 2, 3};
static struct wrd_gate *gate;
static struct lab_memory memory;

static int close_gate(void **state)
{
    (void)state;
    wrd_gate_free(gate);
    gate = NULL;
    assert_int_equal(memory.live, 0);
    return 0;
}

#define ALL 1000

static void open_gate(uint32_t max_per_address, uint32_t rate, uint32_t rate_of_one)
{
    wrd_endpoint_options limits = {.max_connections = ALL,
                                   .max_per_address = max_per_address,
                                   .handshake_rate = rate,
                                   .handshake_rate_per_address = rate_of_one};
    lab_memory_init(&memory);
    gate = wrd_gate_open(&limits, &memory.env);
    assert_non_null(gate);
}

static enum wrd_gate_answer ask(wrd_time now, uint64_t address)
{
    return wrd_gate_ask(gate, now, address);
}

/* As many connections as an address gets. */
static uint32_t take_all(uint64_t address)
{
    uint32_t taken = 0;
    while (ask(START, address) == WRD_GATE_OPEN)
        taken++;
    return taken;
}

/* How many of `tries` get in, each to leave at once. */
static unsigned count_open(wrd_time now, uint64_t address, unsigned tries)
{
    unsigned open = 0;
    for (unsigned i = 0; i < tries; i++)
        if (ask(now, address) == WRD_GATE_OPEN) {
            wrd_gate_leave(gate, address, false);
            open++;
        }
    return open;
}

static void an_address_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
    (void)state;
    wrd_addr v4 = {.family = 4, .ip = {10, 0, 0, 1}, .port = 1}, other = v4;
    other.port = 2;
    assert_true(wrd_gate_address(key, &v4) == wrd_gate_address(key, &other));
    other.ip[3] = 2;
    assert_true(wrd_gate_address(key, &v4) != wrd_gate_address(key, &other));
    wrd_addr v6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9}, .port = 1}, same = v6;
    same.ip[8] = 77;
    same.ip[15] = 1;
    assert_true(wrd_gate_address(key, &v6) == wrd_gate_address(key, &same));
    same.ip[7] = 2;
    assert_true(wrd_gate_address(key, &v6) != wrd_gate_address(key, &same));
}

static void connections_of_one_address_are_counted_and_others_are_not_touched(void **state)
{
    (void)state;
    open_gate(3, 1000000, 1000000);
    assert_int_equal(take_all(7), 3);
    assert_int_equal(ask(START, 7), WRD_GATE_ADDRESS_FULL);
    assert_int_equal(ask(START, 8), WRD_GATE_OPEN);
    wrd_gate_leave(gate, 7, false);
    assert_int_equal(take_all(7), 1);
    assert_true(wrd_gate_move(gate, 7, 9));
    assert_int_equal(take_all(7), 1);
    assert_int_equal(take_all(9), 2);
    for (int i = 0; i < 3; i++) {
        wrd_gate_leave(gate, 7, false);
        wrd_gate_leave(gate, 9, false);
    }
    wrd_gate_leave(gate, 8, false);
    assert_int_equal(gate->counts.len, 0);
    assert_int_equal(gate->count, 0);
}

static void a_few_addresses_leave_some_to_others(void **state)
{
    (void)state;
    open_gate(100, 1000000, 1000000);
    for (uint64_t address = 1; address < 10; address++)
        assert_int_equal(take_all(address), 100);
    assert_int_equal(take_all(10), 50); /* as many as it leaves */
    for (uint64_t address = 1; address <= 10; address++)
        assert_int_equal(take_all(address), 0);
    assert_int_equal(take_all(11), 25);
}

static void who_moves_finds_the_room_there_that_a_new_one_would(void **state)
{
    (void)state;
    open_gate(2, 1000000, 1000000);
    assert_int_equal(take_all(7) + take_all(8), 4);
    assert_false(wrd_gate_has_room(gate, 7, 8));
    assert_false(wrd_gate_move(gate, 7, 8));
    assert_int_equal(take_all(7), 0); /* it still counts where it was */
    assert_true(wrd_gate_has_room(gate, 7, 7));
    assert_true(wrd_gate_move(gate, 7, 7));
    wrd_gate_leave(gate, 8, false);
    assert_true(wrd_gate_has_room(gate, 7, 8));
    assert_int_equal(gate->count, 3); /* asking took nothing */
    assert_true(wrd_gate_move(gate, 7, 8));
    assert_int_equal(take_all(8), 0);
    assert_int_equal(take_all(7), 1);
}

/* Two that move to and fro have no more of a nearly full server than two that stay. */
static void who_moves_leaves_some_to_others(void **state)
{
    (void)state;
    open_gate(ALL - 1, 1000000, 1000000);
    uint32_t at_first = 0;
    for (int round = 0; round < 20; round++) {
        at_first += take_all(1);
        while (at_first > 0 && wrd_gate_move(gate, 1, 2))
            at_first--;
    }
    assert_int_equal(gate->count, ALL / 2 + ALL / 4);
    assert_int_equal(take_all(3), ALL / 8);
}

static void who_moves_may_go_to_a_new_address_though_it_is_full(void **state)
{
    (void)state;
    open_gate(ALL, 1000000, 1000000);
    assert_int_equal(take_all(1), ALL);
    assert_true(wrd_gate_has_room(gate, 1, 2));
    assert_true(wrd_gate_move(gate, 1, 2));
    assert_int_equal(gate->count, ALL);
}

static void who_may_fill_it_alone_may_have_the_last_place(void **state)
{
    (void)state;
    open_gate(ALL, 1000000, 1000000);
    assert_int_equal(take_all(1), ALL);
    assert_int_equal(ask(START, 1), WRD_GATE_FULL);
    assert_int_equal(ask(START, 2), WRD_GATE_FULL);
}

static void short_memory_keeps_one_out_and_counts_nothing(void **state)
{
    (void)state;
    open_gate(100, 1000000, 1000000);
    memory.refuses = true;
    assert_int_equal(ask(START, 7), WRD_GATE_NO_MEMORY);
    assert_int_equal(gate->count, 0);
    memory.refuses = false;
    assert_int_equal(ask(START, 7), WRD_GATE_OPEN);
}

static void one_address_has_a_seconds_worth_at_once_and_then_its_rate(void **state)
{
    (void)state;
    open_gate(1000, 1000000, 20);
    assert_int_equal(count_open(START, 7, 100), 20);
    assert_int_equal(ask(START, 7), WRD_GATE_ADDRESS_RATE);
    assert_int_equal(count_open(START, 8, 100), 20); /* the neighbour has its own */
    unsigned open = 0;
    for (wrd_time t = 0; t < 10 * WRD_SECOND; t += WRD_MILLISECOND)
        open += count_open(START + t, 7, 1);
    assert_in_range(open, 198, 202);
    assert_int_equal(count_open(START + 3600 * WRD_SECOND, 7, 100), 20); /* rest does not pile up */
}

static void all_together_have_a_seconds_worth_at_once_and_then_the_rate(void **state)
{
    (void)state;
    open_gate(1000, 100, 1000000);
    unsigned open = 0;
    for (uint64_t address = 0; address < 500; address++)
        open += count_open(START, address * 0x9e3779b97f4a7c15u, 1);
    assert_int_equal(open, 100);
    assert_int_equal(ask(START, 12345), WRD_GATE_RATE);
    open = 0;
    for (wrd_time t = 0; t < 10 * WRD_SECOND; t += WRD_MILLISECOND)
        open += count_open(START + t, t * 0x9e3779b97f4a7c15u, 1);
    assert_in_range(open, 998, 1002);
}

/* What was refused for the rate of all is not charged to the address. */
static void a_refusal_costs_nothing(void **state)
{
    (void)state;
    open_gate(1000, 10, 5);
    assert_int_equal(count_open(START, 1, 5) + count_open(START, 0x9e3779b97f4a7c15u, 5), 10);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(START, 7), WRD_GATE_RATE);
    assert_int_equal(count_open(START + 100 * WRD_MILLISECOND, 7, 1), 1);
}

/* Some 1,800 busy addresses take little from a quiet one. */
static void a_crowd_of_addresses_does_not_use_up_a_quiet_ones_rate(void **state)
{
    (void)state;
    open_gate(1000, 1000000, 10);
    uint64_t seed = 5;
    for (int i = 0; i < 600; i++)
        (void)count_open(START, lab_random(&seed), 12);
    unsigned refused = 0;
    for (int i = 0; i < 1000; i++)
        refused += count_open(START, lab_random(&seed), 1) == 0;
    assert_true(refused < 200);
}

static bool is_tight(wrd_time now, uint64_t address)
{
    return wrd_gate_is_tight(gate, now, address);
}

static void it_is_tight_when_half_is_used_up_and_until_that_comes_back(void **state)
{
    (void)state;
    open_gate(1000, 100, 1000000);
    assert_false(is_tight(START, 7));
    for (uint64_t address = 0; address < 49; address++)
        (void)count_open(START, address * 0x9e3779b97f4a7c15u, 1);
    assert_false(is_tight(START, 7));
    for (uint64_t address = 49; address < 55; address++)
        (void)count_open(START, address * 0x9e3779b97f4a7c15u, 1);
    assert_true(is_tight(START, 7));
    assert_false(is_tight(START + 100 * WRD_MILLISECOND, 7));
}

static void it_is_tight_for_an_address_that_used_up_half_of_its_rate(void **state)
{
    (void)state;
    open_gate(ALL, 1000000, 10);
    assert_int_equal(count_open(START, 7, 4), 4);
    assert_false(is_tight(START, 7));
    assert_int_equal(count_open(START, 7, 2), 2);
    assert_true(is_tight(START, 7));
    assert_false(is_tight(START, 8));
    assert_false(is_tight(START + WRD_SECOND, 7));
}

static void take(uint64_t address, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(ask(START, address), WRD_GATE_OPEN);
}

static void take_proved(uint64_t address, unsigned count)
{
    take(address, count);
    for (unsigned i = 0; i < count; i++)
        wrd_gate_prove(gate);
}

static void it_is_tight_for_an_address_that_has_half_of_its_places(void **state)
{
    (void)state;
    open_gate(20, 1000000, 1000000);
    take(7, 9);
    assert_false(is_tight(START, 7));
    take(7, 1);
    assert_true(is_tight(START, 7));
    assert_false(is_tight(START, 8));
    take(7, 10); /* the rest, once it is proved */
}

static void it_is_tight_for_nobody_in_particular_where_one_may_have_all(void **state)
{
    (void)state;
    open_gate(ALL, 1000000, 1000000);
    take_proved(7, ALL - 10);
    assert_false(is_tight(START, 7));
}

/* Of whichever loop they are. */
static void it_is_tight_when_those_not_proved_hold_half_of_what_others_leave(void **state)
{
    (void)state;
    open_gate(ALL, 1000000, 1000000);
    take_proved(7, ALL - 10);
    take(9, 4);
    assert_false(is_tight(START, 8));
    take(9, 1);
    assert_true(is_tight(START, 8));
    wrd_gate_leave(gate, 9, false);
    assert_false(is_tight(START, 8));
    for (int i = 0; i < 4; i++)
        wrd_gate_prove(gate);
    take_proved(9, 5);
    assert_true(is_tight(START, 8)); /* the last place */
    take(7, 1);
    assert_true(is_tight(START, 8));
    wrd_gate_leave(gate, 7, true);
    wrd_gate_leave(gate, 7, false);
    assert_int_equal(gate->opening, 0);
}

static void the_lowest_rates_work(void **state)
{
    (void)state;
    open_gate(1, 1, 1);
    assert_int_equal(count_open(START, 7, 5), 1);
    assert_int_equal(count_open(START + WRD_SECOND - 1, 7, 5), 0);
    assert_int_equal(count_open(START + WRD_SECOND, 7, 5), 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_gate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_an_ipv4_address_or_an_ipv6_64),
        TEST(connections_of_one_address_are_counted_and_others_are_not_touched),
        TEST(a_few_addresses_leave_some_to_others),
        TEST(who_moves_finds_the_room_there_that_a_new_one_would),
        TEST(who_moves_leaves_some_to_others),
        TEST(who_moves_may_go_to_a_new_address_though_it_is_full),
        TEST(who_may_fill_it_alone_may_have_the_last_place),
        TEST(short_memory_keeps_one_out_and_counts_nothing),
        TEST(one_address_has_a_seconds_worth_at_once_and_then_its_rate),
        TEST(all_together_have_a_seconds_worth_at_once_and_then_the_rate),
        TEST(a_refusal_costs_nothing),
        TEST(a_crowd_of_addresses_does_not_use_up_a_quiet_ones_rate),
        TEST(it_is_tight_when_half_is_used_up_and_until_that_comes_back),
        TEST(it_is_tight_for_an_address_that_used_up_half_of_its_rate),
        TEST(it_is_tight_for_an_address_that_has_half_of_its_places),
        TEST(it_is_tight_for_nobody_in_particular_where_one_may_have_all),
        TEST(it_is_tight_when_those_not_proved_hold_half_of_what_others_leave),
        TEST(the_lowest_rates_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
