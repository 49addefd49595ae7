/* SPDX-License-Identifier: MIT */
/* Clients whose address changes under an open connection: a NAT forgot them, or they went to another network. */
#include "sim/apps.h"
#include "sim/hostile.h"
#include "sim/soak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const wrd_addr elsewhere = {.family = 4, .ip = {172, 16, 5, 9}, .port = 40404};

static struct world world;
static struct echo echo;
static struct caller caller;
static struct node *server, *client;
static unsigned moved;
static wrd_addr moved_to;

static void server_turn(struct world *w, struct node *node)
{
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_MOVED) {
            moved++;
            moved_to = event.peer;
        }
        if (event.kind == WRD_EVENT_CLOSED)
            echo.closed++;
        if (event.kind == WRD_EVENT_READABLE || event.kind == WRD_EVENT_WRITABLE)
            echo_waiting(w, node, &echo, event.conn);
    }
}

static void begin(unsigned messages)
{
    static const struct link_options link = {.delay_us = 20 * WRD_MILLISECOND, .rate_bps = 2000000};
    wrd_endpoint_options options;
    wrd_key key;
    world_init(&world, 41);
    moved = 0;
    echo = (struct echo){0};
    world_server_options(&options, &key);
    server = world_add(&world, &options, &link, server_turn, NULL);
    wrd_endpoint_options_init(&options);
    caller = (struct caller){
        .to = world_address(server), .seed = 3, .messages = messages, .size_max = 2000, .close_after = true};
    client = world_add(&world, &options, &link, caller_turn, &caller);
    world_run(&world, world.now + 2 * WRD_SECOND, &caller.opened);
    assert_true(caller.opened);
}

static void end(void)
{
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

static void a_client_that_moves_in_the_middle_of_its_traffic_keeps_its_connection(void **state)
{
    (void)state;
    begin(2000);
    world_rebind(&world, client, WRD_SECOND, &elsewhere);
    world_run(&world, world.now + 120 * WRD_SECOND, &caller.done);
    assert_true(caller_succeeded(&caller));
    assert_int_equal(moved, 1);
    assert_true(wrd_addr_equal(&moved_to, &elsewhere));
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(server->endpoint, &c);
    assert_int_equal(c.paths_moved, 1);
    assert_int_equal(c.connections_opened, 1);
    end();
}

static void a_client_that_moves_while_it_is_silent_keeps_its_connection(void **state)
{
    (void)state;
    begin(10);
    caller.close_after = false;
    caller.messages = caller.sent;
    world_run(&world, world.now + 5 * WRD_SECOND, NULL);
    world_rebind(&world, client, WRD_SECOND, &elsewhere);
    world_run(&world, world.now + 100 * WRD_SECOND, NULL); /* longer than any timeout */
    assert_false(caller.closed);
    assert_int_equal(echo.closed, 0);
    caller.done = false;
    caller.messages += 10;
    world_run(&world, world.now + 20 * WRD_SECOND, NULL);
    assert_int_equal(caller.echoed, caller.messages);
    assert_int_equal(moved, 1);
    end();
}

/* The check of the client, seen by a stranger on its way and sent again from his own address, moves nothing: what
 * proves a new address is what comes from it under the connection's keys. */
static const wrd_addr stranger = {.family = 4, .ip = {192, 0, 2, 66}, .port = 6666};

static void copy_to_stranger(uint64_t from_then)
{
    /* Everything that is under way to the server arrives from the stranger, too, and first. */
    struct parcel *copies[256];
    unsigned count = 0;
    for (size_t i = 0; i < world.transit.count && count < 256; i++)
        if (wrd_addr_equal(&world.transit.heap[i]->to, &server->addr))
            copies[count++] = world.transit.heap[i];
    for (unsigned i = 0; i < count; i++)
        transit_put(&world.transit, copies[i]->at > from_then ? copies[i]->at - 1 : copies[i]->at, &stranger,
                    &server->addr, copies[i]->bytes, copies[i]->len);
}

static void a_stranger_who_overtakes_copies_of_its_datagrams_ends_nothing(void **state)
{
    (void)state;
    begin(500);
    for (int i = 0; i < 2000 && !caller.done; i++) {
        copy_to_stranger(world.now);
        world_run(&world, world.now + 10 * WRD_MILLISECOND, &caller.done);
    }
    world_run(&world, world.now + 120 * WRD_SECOND, &caller.done);
    assert_true(caller_succeeded(&caller));
    end();
}

/* ---- an attacker with a connection of its own, who lets a third party have what it asks for */

static uint64_t heard_elsewhere, said_elsewhere;

static void hear_elsewhere(struct world *w, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    (void)w;
    (void)node;
    (void)from;
    (void)bytes;
    heard_elsewhere += len;
}

/* Its keys are right, so what it forges is authentic; it acknowledges what it never got, so that more comes. Only that
 * nobody answers from there tells. */
static void an_address_that_never_answers_gets_three_times_what_came_from_it(void **state)
{
    (void)state;
    struct hostile hostile;
    static const struct link_options fast = {.delay_us = 20 * WRD_MILLISECOND};
    begin(3);
    server->out = fast;
    struct node *third = world_add_script(&world, &fast, hear_elsewhere, NULL);
    assert_true(hostile_connect(&hostile, &world, server, NULL, &fast));
    heard_elsewhere = said_elsewhere = 0;
    uint8_t check[WRD_DATAGRAM_MAX];
    size_t check_len = hostile_check(&hostile, check);
    for (unsigned i = 0; i < 900; i++) { /* nearly a megabyte that is to come back */
        hostile_frame(&hostile, i);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    world_run(&world, world.now + 100 * WRD_MILLISECOND, NULL);
    for (unsigned i = 0; i < 200; i++) {
        if (i % 20 == 0) {
            world_inject(&world, server, &third->addr, check, check_len);
            said_elsewhere += check_len;
        }
        said_elsewhere += hostile_sack_all(&hostile, &third->addr);
        world_run(&world, world.now + 5 * WRD_MILLISECOND, NULL);
    }
    printf("  %llu bytes forged, %llu sent to who never asked\n", (unsigned long long)said_elsewhere,
           (unsigned long long)heard_elsewhere);
    assert_true(heard_elsewhere <= 3 * said_elsewhere);
    hostile_end(&hostile);
    end();
}

static struct soak soak;

static void an_hour_of_guests_who_move_loses_no_message(void **state)
{
    (void)state;
    soak = (struct soak){.vanishes = true, .moves = true};
    soak_start(&soak, 3, 12);
    soak_run(&soak, 3600 * WRD_SECOND);
    assert_true(soak.wrong || soak_empty(&soak, 200 * WRD_SECOND));
    if (soak.wrong)
        fail_msg("guest %u: %s (%s), after %llu moves", soak.wrong_guest, soak.wrong,
                 wrd_result_text(soak.wrong_reason), (unsigned long long)soak.moved);
    printf("  %llu lives, %llu moves, %llu messages\n", (unsigned long long)soak.lives, (unsigned long long)soak.moved,
           (unsigned long long)soak.messages);
    assert_true(soak.moved > 12);
    world_free(&soak.world);
    assert_int_equal(soak.world.allocations.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_moves_in_the_middle_of_its_traffic_keeps_its_connection),
        cmocka_unit_test(a_client_that_moves_while_it_is_silent_keeps_its_connection),
        cmocka_unit_test(a_stranger_who_overtakes_copies_of_its_datagrams_ends_nothing),
        cmocka_unit_test(an_hour_of_guests_who_move_loses_no_message),
        cmocka_unit_test(an_address_that_never_answers_gets_three_times_what_came_from_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
