/* SPDX-License-Identifier: MIT */
/*
 * A client whose address changes: a NAT forgot it, or it went to another network. Its check names its connection, and
 * what it answers to a probe shows that it is there; nothing is lost, and nobody else can move it.
 */
#include "sim/party.h"

#include "sim/apps.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct link_options line = {.delay_us = 20 * WRD_MILLISECOND};

static wrd_addr elsewhere(uint8_t number)
{
    return (wrd_addr){.family = 4, .ip = {198, 51, 100, number}, .port = (uint16_t)(7000 + number)};
}

static wrd_endpoint_counters counters_of(const struct node *node)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(node->endpoint, &c);
    return c;
}

static void set_pair(struct pair *pair, uint64_t seed)
{
    wrd_endpoint_options server, client;
    pair_init(pair, seed, &server, &client);
    server.mode = client.mode = WRD_RAW;
    assert_true(pair_connect(pair, &server, &client, &line));
}

static void say_number(struct party *party, uint32_t number)
{
    assert_int_equal(party_say(party, WRD_CHANNEL_MAIN, &number, sizeof number), WRD_OK);
}

/* Numbers 0 .. count - 1, each once and in this order. */
static void expect_numbers(const struct party *party, uint32_t count)
{
    assert_int_equal(party->message_count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        memcpy(&number, party->messages[i].head, sizeof number);
        assert_int_equal(number, i);
    }
}

static void a_client_that_moves_keeps_its_connection_and_loses_nothing(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 1);
    wrd_addr to = elsewhere(1);
    world_rebind(&pair.world, pair.client.node, 2 * WRD_SECOND, &to);
    for (uint32_t i = 0; i < 300; i++) {
        say_number(&pair.client, i);
        say_number(&pair.server, i);
        pair_run(&pair, 50 * WRD_MILLISECOND);
    }
    pair_run(&pair, 20 * WRD_SECOND);
    expect_numbers(&pair.server, 300);
    expect_numbers(&pair.client, 300);
    assert_int_equal(party_count(&pair.server, WRD_EVENT_MOVED, 0), 1);
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(pair.server.node->endpoint, pair.server.conn, &info), WRD_OK);
    assert_true(wrd_addr_equal(&info.path.remote, &to));
    assert_int_equal(counters_of(pair.server.node).paths_moved, 1);
    assert_false(pair.client.closed || pair.server.closed);
    assert_true(pair_end(&pair));
}

/* It has nothing to say by itself, so the server asks where its check came from. */
static void a_client_that_only_listens_is_found_again(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 2);
    wrd_addr to = elsewhere(1);
    world_rebind(&pair.world, pair.client.node, 0, &to);
    pair_run(&pair, WRD_SECOND); /* it has moved */
    for (uint32_t i = 0; i < 100; i++) {
        say_number(&pair.server, i);
        pair_run(&pair, 100 * WRD_MILLISECOND);
    }
    pair_run(&pair, 10 * WRD_SECOND);
    expect_numbers(&pair.client, 100);
    assert_int_equal(party_count(&pair.server, WRD_EVENT_MOVED, 0), 1);
    assert_true(pair_end(&pair));
}

static void it_may_move_again_and_back(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 3);
    wrd_addr home = pair.client.node->addr;
    uint32_t said = 0;
    for (uint8_t round = 0; round < 6; round++) {
        wrd_addr to = round % 3 == 2 ? home : elsewhere(round);
        world_rebind(&pair.world, pair.client.node, 0, &to);
        for (uint32_t i = 0; i < 40; i++) {
            say_number(&pair.client, said);
            say_number(&pair.server, said++);
            pair_run(&pair, 250 * WRD_MILLISECOND);
        }
    }
    pair_run(&pair, 30 * WRD_SECOND);
    expect_numbers(&pair.server, said);
    expect_numbers(&pair.client, said);
    assert_int_equal(counters_of(pair.server.node).paths_moved, 6);
    assert_true(pair_end(&pair));
}

/* ---- two clients of one echo */

struct two {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller callers[2];
    struct node *nodes[2], *serving;
};

/* `max_per_address` 0: the default. */
static void open_two(struct two *two, uint64_t seed, uint32_t max_per_address)
{
    wrd_endpoint_options server, client;
    memset(two, 0, sizeof *two);
    world_init(&two->world, seed);
    world_server_options(&server, &two->key);
    server.max_per_address = max_per_address;
    wrd_endpoint_options_init(&client);
    two->serving = world_add(&two->world, &server, &line, echo_turn, &two->echo);
    for (unsigned i = 0; i < 2; i++) {
        two->callers[i] =
            (struct caller){.to = world_address(two->serving), .seed = i + 1, .messages = 5, .size_max = 3000};
        two->nodes[i] = world_add(&two->world, &client, &line, caller_turn, &two->callers[i]);
    }
    world_run(&two->world, two->world.now + 2 * WRD_SECOND, NULL);
}

static void clients_that_swap_addresses_keep_their_own_connections(void **state)
{
    (void)state;
    struct two two;
    open_two(&two, 4, 0);
    wrd_addr first = two.nodes[0]->addr, second = two.nodes[1]->addr;
    world_rebind(&two.world, two.nodes[0], 0, &second);
    world_rebind(&two.world, two.nodes[1], 0, &first);
    two.callers[0].messages = two.callers[1].messages = 60;
    world_run(&two.world, two.world.now + 60 * WRD_SECOND, NULL);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(caller_succeeded(&two.callers[i]));
        assert_false(two.callers[i].closed);
    }
    assert_int_equal(two.echo.closed, 0);
    assert_int_equal(counters_of(two.serving).paths_moved, 2);
    world_free(&two.world);
    assert_int_equal(two.world.allocations.bytes, 0);
}

static uint64_t heard_by(const struct two *two)
{
    return two->nodes[0]->received + two->nodes[1]->received;
}

/* Else whoever has two addresses connects from one, moves to the other, and so on. */
static void who_moves_to_an_address_that_has_all_it_may_waits_there_for_room(void **state)
{
    (void)state;
    struct two two;
    open_two(&two, 9, 1);
    wrd_addr there = two.nodes[0]->addr;
    there.port += 100; /* its own address has it already */
    world_rebind(&two.world, two.nodes[0], 0, &there);
    two.callers[0].messages = 10;
    world_run(&two.world, two.world.now + 10 * WRD_SECOND, NULL);
    assert_int_equal(two.callers[0].echoed, 10);
    assert_int_equal(counters_of(two.serving).paths_moved, 1);
    there = two.nodes[1]->addr;
    there.port += 100;
    world_rebind(&two.world, two.nodes[0], 0, &there);
    two.callers[0].messages = 15;
    uint64_t heard = heard_by(&two), answered = counters_of(two.serving).checks_answered;
    world_run(&two.world, two.world.now + 10 * WRD_SECOND, NULL);
    wrd_endpoint_counters c = counters_of(two.serving);
    assert_int_equal(c.paths_moved, 1);
    assert_in_range(c.dropped_address, 2, 60); /* five a second at most */
    /* Its checks are answered there; nothing else goes there, probes neither. */
    assert_true(heard_by(&two) - heard <= c.checks_answered - answered);
    assert_false(two.callers[0].closed || two.callers[1].closed);
    wrd_conn_close(two.nodes[1]->endpoint, two.world.now, two.callers[1].conn);
    world_run(&two.world, two.world.now + 20 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(two.serving).paths_moved, 2);
    assert_int_equal(two.callers[0].echoed, 15);
    world_free(&two.world);
    assert_int_equal(two.world.allocations.bytes, 0);
}

static void of_two_that_move_to_the_last_place_one_gets_it(void **state)
{
    (void)state;
    struct two two;
    open_two(&two, 10, 1);
    for (unsigned i = 0; i < 2; i++) {
        wrd_addr there = elsewhere(1);
        there.port += (uint16_t)i;
        world_rebind(&two.world, two.nodes[i], 0, &there);
        two.callers[i].messages = 10;
    }
    world_run(&two.world, two.world.now + 10 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(two.serving).paths_moved, 1);
    assert_int_equal((two.callers[0].echoed == 10) + (two.callers[1].echoed == 10), 1);
    assert_false(two.callers[0].closed || two.callers[1].closed);
    world_free(&two.world);
    assert_int_equal(two.world.allocations.bytes, 0);
}

/* It is where it was, but somebody else was taken to be there meanwhile. */
static void who_lost_its_address_to_another_that_went_on_gets_it_back(void **state)
{
    (void)state;
    struct two two;
    open_two(&two, 11, 0);
    wrd_addr home = two.nodes[0]->addr, there = elsewhere(1);
    two.nodes[0]->silent = true;
    world_rebind(&two.world, two.nodes[1], 0, &home);
    two.callers[1].messages += 5;
    world_run(&two.world, two.world.now + 5 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(two.serving).paths_moved, 1);
    two.nodes[0]->silent = false;
    world_rebind(&two.world, two.nodes[1], 0, &there);
    for (unsigned i = 0; i < 120; i++) {
        two.callers[0].messages++;
        two.callers[1].messages++;
        world_run(&two.world, two.world.now + WRD_SECOND, NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_false(two.callers[i].closed);
        assert_true(caller_succeeded(&two.callers[i]));
    }
    assert_int_equal(two.echo.closed, 0);
    assert_int_equal(counters_of(two.serving).paths_moved, 2); /* the other, there and back; this one has not */
    world_free(&two.world);
    assert_int_equal(two.world.allocations.bytes, 0);
}

/* ---- somebody on the path, who sees every datagram and sends from elsewhere */

struct spy {
    uint8_t check[1500], record[1500];
    size_t check_len, record_len;
    uint64_t heard;
};

static void hear(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    struct spy *spy = node->app;
    (void)world, (void)from, (void)bytes, (void)len;
    spy->heard++;
}

/* A check of the client, made anew: whoever reads its ufrag off the wire can. */
static size_t stolen_check(uint8_t out[600], const wrd_ufrag *ufrag)
{
    char username[2 * WRD_UFRAG_MAX + 1];
    memcpy(username, ufrag->text, ufrag->len);
    username[ufrag->len] = ':';
    memcpy(username + ufrag->len + 1, ufrag->text, ufrag->len);
    struct wrd_stun_request request = {.transaction = (const uint8_t *)"transaction!",
                                       .username = username,
                                       .username_len = 2u * ufrag->len + 1,
                                       .priority = 1};
    return wrd_stun_write_request(out, 600, &request, (const uint8_t *)ufrag->text, ufrag->len);
}

/* The last check and the last record on their way from `from`, or from anywhere, to `to`. */
static void look_at_the_wire(struct world *world, struct spy *spy, const wrd_addr *from, const wrd_addr *to)
{
    for (size_t i = 0; i < world->transit.count; i++) {
        const struct parcel *parcel = world->transit.heap[i];
        if (!wrd_addr_equal(&parcel->to, to) || (from && !wrd_addr_equal(&parcel->from, from)) ||
            parcel->len > sizeof spy->check)
            continue;
        if (wrd_stun_is(parcel->bytes, parcel->len)) {
            memcpy(spy->check, parcel->bytes, parcel->len);
            spy->check_len = parcel->len;
        } else {
            memcpy(spy->record, parcel->bytes, parcel->len);
            spy->record_len = parcel->len;
        }
    }
}

static void who_only_knows_the_name_moves_nothing(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 5);
    static struct spy spy;
    memset(&spy, 0, sizeof spy);
    struct node *stranger = world_add_script(&pair.world, &line, hear, &spy);
    uint32_t said = 0;
    for (unsigned i = 0; i < 400 && spy.check_len == 0; i++) {
        say_number(&pair.client, said++);
        for (unsigned step = 0; step < 10; step++) {
            pair_run(&pair, 5 * WRD_MILLISECOND);
            look_at_the_wire(&pair.world, &spy, NULL, &pair.server.node->addr);
        }
    }
    assert_true(spy.check_len > 0 && spy.record_len > 0);
    struct wrd_stun message;
    wrd_ufrag ufrag;
    assert_true(wrd_stun_read(&message, spy.check, spy.check_len));
    assert_int_equal(wrd_ufrag_from_stun_username(&ufrag, message.username, message.username_len), WRD_OK);
    pair_run(&pair, WRD_SECOND); /* the record has arrived: what follows are copies of it */
    uint64_t sent = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t check[600], forged[1500];
        size_t len = stolen_check(check, &ufrag);
        world_speak(&pair.world, stranger, &pair.server.node->addr, check, len);
        world_speak(&pair.world, stranger, &pair.server.node->addr, spy.record, spy.record_len);
        memcpy(forged, spy.record, spy.record_len);
        forged[10]++; /* a number that was not seen yet */
        world_speak(&pair.world, stranger, &pair.server.node->addr, forged, spy.record_len);
        sent += len + 2 * spy.record_len;
        say_number(&pair.client, said++);
        pair_run(&pair, 100 * WRD_MILLISECOND);
    }
    pair_run(&pair, 5 * WRD_SECOND);
    assert_int_equal(counters_of(pair.server.node).paths_moved, 0);
    assert_int_equal(pair.server.message_count, said);
    assert_false(pair.server.closed || pair.client.closed);
    assert_true(spy.heard > 0); /* answers to its checks, and probes */
    assert_true(stranger->bytes_received <= 3 * sent);
    assert_true(pair_end(&pair));
}

/* Faster than the client: its own record arrives first from elsewhere, but it cannot answer for it. */
static void who_forwards_fresh_records_moves_nothing(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 6);
    static struct spy spy;
    memset(&spy, 0, sizeof spy);
    static const struct link_options near = {.delay_us = WRD_MILLISECOND};
    struct node *stranger = world_add_script(&pair.world, &near, hear, &spy);
    uint32_t said = 0, forwarded = 0;
    for (unsigned i = 0; i < 200; i++) {
        say_number(&pair.client, said++);
        for (unsigned step = 0; step < 10; step++) {
            pair_run(&pair, 5 * WRD_MILLISECOND);
            look_at_the_wire(&pair.world, &spy, NULL, &pair.server.node->addr);
            if (step > 0 || spy.check_len == 0 || spy.record_len == 0)
                continue;
            world_speak(&pair.world, stranger, &pair.server.node->addr, spy.check, spy.check_len);
            world_speak(&pair.world, stranger, &pair.server.node->addr, spy.record, spy.record_len);
            forwarded++;
        }
    }
    pair_run(&pair, 10 * WRD_SECOND);
    assert_true(forwarded > 50 && spy.heard > 50); /* it was asked to answer */
    assert_int_equal(counters_of(pair.server.node).paths_moved, 0);
    expect_numbers(&pair.server, said);
    say_number(&pair.server, 0);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(pair.client.message_count, 1);
    assert_true(pair_end(&pair));
}

/* A peer with a connection of its own speaks under its own keys and name, from where another client is. */
static void a_peer_that_forges_the_address_of_another_takes_nothing_from_it(void **state)
{
    (void)state;
    struct two two;
    open_two(&two, 8, 0);
    static struct spy spy;
    memset(&spy, 0, sizeof spy);
    unsigned forged = 0;
    two.callers[0].messages = 400;
    for (unsigned i = 0; i < 4000; i++) { /* what it sends arrives from the first one's address, and before itself */
        two.callers[1].messages += i % 10 == 0;
        world_run(&two.world, two.world.now + 5 * WRD_MILLISECOND, NULL);
        spy.record_len = 0;
        look_at_the_wire(&two.world, &spy, &two.nodes[1]->addr, &two.serving->addr);
        if (spy.check_len == 0 || spy.record_len == 0)
            continue;
        world_inject(&two.world, two.serving, &two.nodes[0]->addr, spy.check, spy.check_len);
        world_inject(&two.world, two.serving, &two.nodes[0]->addr, spy.record, spy.record_len);
        forged++;
    }
    assert_true(forged > 100);
    world_run(&two.world, two.world.now + 10 * WRD_SECOND, NULL);
    assert_true(caller_succeeded(&two.callers[0]));
    assert_false(two.callers[0].closed);
    assert_int_equal(counters_of(two.serving).paths_moved, 0);
    world_free(&two.world);
    assert_int_equal(two.world.allocations.bytes, 0);
}

/* ---- over bad lines, from seeds */

static void moves_over_bad_lines_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct pair pair;
        set_pair(&pair, 100 + seed);
        struct link_options bad = {.delay_us = (wrd_time)(5 + seed * 7) * WRD_MILLISECOND,
                                   .jitter_us = 30 * WRD_MILLISECOND,
                                   .loss = 0.05};
        pair.client.node->out = pair.server.node->out = bad;
        uint32_t said = 0;
        for (uint8_t round = 0; round < 4; round++) {
            wrd_addr to = elsewhere(round);
            world_rebind(&pair.world, pair.client.node, world_below(&pair.world, WRD_SECOND), &to);
            for (uint32_t i = 0; i < 50; i++) {
                say_number(&pair.client, said);
                say_number(&pair.server, said++);
                pair_run(&pair, 200 * WRD_MILLISECOND);
            }
        }
        pair_run(&pair, 60 * WRD_SECOND);
        if (pair.server.closed || pair.client.closed)
            fail_msg("seed %llu: the connection ended", (unsigned long long)seed);
        expect_numbers(&pair.server, said);
        expect_numbers(&pair.client, said);
        assert_true(pair_end(&pair));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_moves_keeps_its_connection_and_loses_nothing),
        cmocka_unit_test(a_client_that_only_listens_is_found_again),
        cmocka_unit_test(it_may_move_again_and_back),
        cmocka_unit_test(clients_that_swap_addresses_keep_their_own_connections),
        cmocka_unit_test(who_moves_to_an_address_that_has_all_it_may_waits_there_for_room),
        cmocka_unit_test(of_two_that_move_to_the_last_place_one_gets_it),
        cmocka_unit_test(who_lost_its_address_to_another_that_went_on_gets_it_back),
        cmocka_unit_test(who_only_knows_the_name_moves_nothing),
        cmocka_unit_test(who_forwards_fresh_records_moves_nothing),
        cmocka_unit_test(a_peer_that_forges_the_address_of_another_takes_nothing_from_it),
        cmocka_unit_test(moves_over_bad_lines_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
