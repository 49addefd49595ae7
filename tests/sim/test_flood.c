/* SPDX-License-Identifier: MIT */
/* Clients from afar, who need several round trips to get in, at a server that strangers flood. Strangers are near. */
#include "sim/apps.h"
#include "sim/strangers.h"

#include "endpoint/newcomers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* They all come early in the flood, which lasts longer than a dial may take. */
enum { CLIENTS = 20, COMING_MS = 2000, FLOOD_MS = 12500 };

#if defined(WRD_TEST_SANITIZED) && defined(WRD_TEST_REAL_DTLS)
enum { CHECKS_PER_MS = 30, PAIRS_PER_MS = 1 };
#elif defined(WRD_TEST_SANITIZED) || defined(WRD_TEST_REAL_DTLS)
enum { CHECKS_PER_MS = 30, PAIRS_PER_MS = 4 };
#else
enum { CHECKS_PER_MS = 50, PAIRS_PER_MS = 5 };
#endif

static struct world world;
static struct strangers strangers;
static struct echo echo;
static struct caller callers[CLIENTS];
static struct node *server;
static unsigned came;
static size_t memory_before;
static wrd_key second;
static wrd_fingerprint fingerprint; /* of `second` */
static bool rotates;
static uint32_t places, places_of_one, rate_of_one; /* limits; 0: the defaults */

static void begin(enum strangers_kind kind)
{
    static const struct link_options near = {.delay_us = 100 * WRD_MILLISECOND};
    wrd_endpoint_options options;
    wrd_key key;
    world_init(&world, 61);
    echo = (struct echo){0};
    came = 0;
    world_server_options(&options, &key);
    options.second_key = rotates ? &second : NULL;
    options.max_connections = places;
    options.max_per_address = places_of_one;
    options.handshake_rate_per_address = rate_of_one;
    server = world_add(&world, &options, &near, echo_turn, &echo);
    memory_before = world.allocations.bytes;
    assert_true(strangers_init(&strangers, kind, 5));
    strangers.nat = (wrd_addr){.family = 4, .ip = {12, 3, 4, 5}, .port = 7777};
}

static void one_comes(void)
{
    static const struct link_options far = {.delay_us = 200 * WRD_MILLISECOND, .jitter_us = 5 * WRD_MILLISECOND};
    wrd_endpoint_options options;
    wrd_endpoint_options_init(&options);
    callers[came] = (struct caller){
        .to = world_address(server), .seed = came, .messages = 3, .size_max = 1000, .close_after = true};
    if (rotates && came % 2)
        callers[came].to.fingerprint = fingerprint;
    struct node *node = world_add(&world, &options, &far, caller_turn, &callers[came]);
    assert_non_null(node);
    if (strangers.kind == STRANGERS_NAT || strangers.kind == STRANGERS_PORT)
        node->addr = (wrd_addr){.family = 4, .ip = {12, 3, 4, 5}, .port = (uint16_t)(62000 + came)};
    came++;
}

static wrd_endpoint_counters counters(void)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(server->endpoint, &c);
    return c;
}

static void tell(const char *what, unsigned succeeded)
{
    wrd_endpoint_counters c = counters();
    printf("  %s: %u of %u clients; checks answered %llu, handshakes begun %llu, evicted %llu, cookies sent %llu, "
           "put off %llu; dropped: unknown path %llu, rate %llu, address rate %llu, address %llu, full %llu, "
           "memory %llu, busy %llu; memory at most %zu\n",
           what, succeeded, came, (unsigned long long)c.checks_answered, (unsigned long long)c.handshakes_begun,
           (unsigned long long)c.handshakes_evicted, (unsigned long long)c.cookies_sent,
           (unsigned long long)c.checks_put_off, (unsigned long long)c.dropped_unknown_path,
           (unsigned long long)c.dropped_rate, (unsigned long long)c.dropped_address_rate,
           (unsigned long long)c.dropped_address, (unsigned long long)c.dropped_full,
           (unsigned long long)c.dropped_memory, (unsigned long long)c.dropped_busy,
           world.allocations.peak_bytes - memory_before);
}

static wrd_endpoint_counters ended; /* of the last flood */

/* How many of the clients get in and are heard. */
static unsigned flood(const char *what, enum strangers_kind kind, unsigned per_ms)
{
    begin(kind);
    for (unsigned ms = 0; ms < FLOOD_MS; ms++) {
        if (ms % (COMING_MS / CLIENTS) == 0 && came < CLIENTS)
            one_comes();
        for (unsigned i = 0; i < per_ms; i++)
            strangers_send(&strangers, &world, server);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    world_run(&world, world.now + 30 * WRD_SECOND, NULL);
    unsigned succeeded = 0;
    for (unsigned i = 0; i < came; i++)
        succeeded += caller_succeeded(&callers[i]);
    tell(what, succeeded);
    ended = counters();
    assert_int_equal(ended.connections, 0); /* nothing of a stranger stays */
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
    return succeeded;
}

static void clients_from_afar_get_in_past_a_flood_of_valid_checks(void **state)
{
    (void)state;
    assert_int_equal(flood("checks", STRANGERS_CHECK, CHECKS_PER_MS), CLIENTS);
}

/* Twice, so that each is answered, and the table forgets everybody before their hello comes. */
static void clients_of_both_keys_get_in_past_a_flood_of_checks_that_come_twice(void **state)
{
    (void)state;
    assert_int_equal(wrd_key_from_seed(&second, 4321), WRD_OK);
    assert_int_equal(wrd_key_fingerprint(&fingerprint, &second), WRD_OK);
    for (unsigned keys = 1; keys <= 2; keys++) {
        rotates = keys == 2;
        unsigned succeeded = flood(rotates ? "twice, two keys" : "twice, one key", STRANGERS_TWICE, 2 * CHECKS_PER_MS);
        rotates = false;
        assert_int_equal(succeeded, CLIENTS);
    }
}

/* A rate for all, another for those who go on without a handshake, and a part of the rest. */
static void a_few_addresses_that_go_on_with_checks_are_put_off_like_any(void **state)
{
    (void)state;
    assert_int_equal(flood("few addresses", STRANGERS_FEW, CHECKS_PER_MS), CLIENTS);
    uint64_t answered_a_second = 2 * WRD_NEWCOMERS_FREE + 1000 * CHECKS_PER_MS / (WRD_NEWCOMERS_OF_PUSHY / 2);
    assert_true(ended.checks_answered < (FLOOD_MS / 1000 + 1) * answered_a_second);
    assert_true(ended.checks_put_off > ended.checks_answered / 4);
}

/* Is a check from there answered at this moment? */
static bool is_answered(const wrd_addr *from)
{
    uint64_t before = counters().checks_answered;
    wrd_endpoint_receive(server->endpoint, world.now, &(wrd_path){.remote = *from}, strangers.checks[0].bytes,
                         strangers.checks[0].len);
    return counters().checks_answered > before;
}

/* As browsers do, whose answers are lost. */
static void who_checks_every_50_ms_is_answered_now_and_then_and_who_is_connected_always(void **state)
{
    (void)state;
    enum { TRIES = 80 };
    const wrd_addr browser = {.family = 4, .ip = {12, 9, 9, 9}, .port = 999};
    unsigned tries = 0, answered = 0, first = 0, longest = 0, since = 0;
    begin(STRANGERS_FEW);
    one_comes();
    callers[0].close_after = false;
    world_run(&world, world.now + 2 * WRD_SECOND, NULL);
    assert_int_equal(callers[0].echoed, callers[0].messages);
    for (unsigned ms = 0; tries < TRIES; ms++) {
        for (unsigned i = 0; i < CHECKS_PER_MS; i++)
            strangers_send(&strangers, &world, server);
        if (ms >= 900 && ms % 50 == 0) {
            bool is = is_answered(&browser);
            tries++;
            answered += is;
            since = is ? 0 : since + 1;
            longest = since > longest ? since : longest;
            first = is && first == 0 ? tries : first;
            assert_true(is_answered(&world.nodes[1].addr));
        }
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    printf("  of %u checks %u answered, the first was number %u; %u in a row were not\n", tries, answered, first,
           longest);
    assert_in_range(first, 1, 3);
    assert_in_range(answered, TRIES / WRD_NEWCOMERS_OF_PUSHY, TRIES - 1);
    assert_true(longest < 4 * WRD_NEWCOMERS_OF_PUSHY);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

/* A handshake needs an address that anybody may forge, and an answer that nobody gives. */
static void who_began_a_handshake_is_put_off_like_any(void **state)
{
    (void)state;
    enum { TRIES = 200 };
    begin(STRANGERS_FEW);
    one_comes();
    for (unsigned ms = 0; ms < 1000 && counters().handshakes == 0; ms++)
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    world.nodes[1].silent = true;
    unsigned answered = 0;
    for (unsigned ms = 0; ms < 2000; ms++) {
        for (unsigned i = 0; i < CHECKS_PER_MS; i++)
            strangers_send(&strangers, &world, server);
        if (ms >= 1000 && ms % (1000 / TRIES) == 0)
            answered += is_answered(&world.nodes[1].addr);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    assert_int_equal(counters().handshakes, 1);
    printf("  of %u checks %u answered\n", TRIES, answered);
    assert_in_range(answered, TRIES / (4 * WRD_NEWCOMERS_OF_PUSHY), TRIES * 3 / 4);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

static void clients_from_afar_get_in_past_a_flood_of_half_open_handshakes(void **state)
{
    (void)state;
    assert_int_equal(flood("half open", STRANGERS_HALF_OPEN, 2 * PAIRS_PER_MS), CLIENTS);
}

static void clients_from_afar_get_in_past_one_address_that_begins_handshakes(void **state)
{
    (void)state;
    assert_int_equal(flood("one address", STRANGERS_ONE_ADDRESS, 2 * PAIRS_PER_MS), CLIENTS);
}

static void clients_from_afar_get_in_past_one_net_that_begins_handshakes(void **state)
{
    (void)state;
    assert_int_equal(flood("one /64", STRANGERS_ONE_NET, 2 * PAIRS_PER_MS), CLIENTS);
}

/* Forged: nobody there asked for anything, and nobody there shall pay for it. */
static void clients_behind_an_address_get_in_while_strangers_forge_it(void **state)
{
    (void)state;
    assert_int_equal(flood("forged address of clients", STRANGERS_NAT, 2 * PAIRS_PER_MS), CLIENTS);
}

static void clients_behind_an_address_get_in_while_strangers_forge_one_port_of_it(void **state)
{
    (void)state;
    assert_int_equal(flood("one forged port", STRANGERS_PORT, 2 * PAIRS_PER_MS), CLIENTS);
}

/* Under the credentials of strangers, again and again, from the very address and port of one who wants in. */
static void a_client_gets_in_while_strangers_forge_its_port(void **state)
{
    (void)state;
    begin(STRANGERS_PORT);
    one_comes();
    strangers.nat = world.nodes[1].addr;
    for (unsigned ms = 0; ms < FLOOD_MS && !callers[0].done; ms++) {
        if (ms % 20 < 2)
            strangers_send(&strangers, &world, server);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    tell("forged port", caller_succeeded(&callers[0]));
    assert_true(caller_succeeded(&callers[0]));
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

static void forge_check(const wrd_addr *from)
{
    strangers.kind = STRANGERS_PORT;
    strangers.nat = *from;
    strangers.count &= ~(uint64_t)1; /* a check, no hello */
    strangers_send(&strangers, &world, server);
    strangers.kind = STRANGERS_CHECK;
}

/* It came in by its cookie, before any check that the server remembers; then a stranger gives it a name. */
static void a_silent_client_that_came_in_under_pressure_stays_whatever_strangers_call_it(void **state)
{
    (void)state;
    begin(STRANGERS_CHECK);
    for (unsigned ms = 0; ms < 3 * COMING_MS; ms++) {
        if (ms == 500)
            one_comes();
        for (unsigned i = 0; i < CHECKS_PER_MS; i++)
            strangers_send(&strangers, &world, server);
        if (ms > 500 && ms % 50 == 0)
            forge_check(&world.nodes[1].addr);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
        callers[0].close_after = false;
    }
    assert_int_equal(callers[0].echoed, callers[0].messages);
    for (unsigned i = 0; i < 1200; i++) {
        forge_check(&world.nodes[1].addr);
        world_run(&world, world.now + 100 * WRD_MILLISECOND, NULL);
    }
    printf("  after two minutes of silence: %s\n", callers[0].closed ? wrd_result_text(callers[0].reason) : "open");
    assert_false(callers[0].closed);
    assert_int_equal(counters().connections, 1);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

/* Ten handshakes a second, none of which goes on, before and while some want in. */
static unsigned drip(const char *what, enum strangers_kind kind)
{
    begin(kind);
    for (unsigned ms = 0; ms < 3 * FLOOD_MS; ms++) {
        if (ms >= FLOOD_MS && ms % FLOOD_MS == 0)
            one_comes();
        if (ms % 50 == 0)
            strangers_send(&strangers, &world, server);
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
    }
    unsigned succeeded = 0;
    for (unsigned i = 0; i < came; i++)
        succeeded += caller_succeeded(&callers[i]);
    tell(what, succeeded);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
    return succeeded;
}

/* Forged, all of them: nobody proves to be there. */
static void a_few_half_open_handshakes_take_no_more_than_half_of_a_small_server(void **state)
{
    (void)state;
    for (places = 1; places <= 64; places *= 4)
        assert_int_equal(drip("few places", STRANGERS_HALF_OPEN), 2);
    places = 0;
}

static void a_few_half_open_handshakes_take_no_more_than_half_of_an_address(void **state)
{
    (void)state;
    for (places_of_one = 1; places_of_one <= 64; places_of_one *= 4)
        assert_int_equal(drip("few places of one address", STRANGERS_NAT), 2);
    places_of_one = 0;
    rate_of_one = 2;
    assert_int_equal(drip("low rate of one address", STRANGERS_NAT), 2);
    rate_of_one = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_from_afar_get_in_past_a_flood_of_valid_checks),
        cmocka_unit_test(clients_of_both_keys_get_in_past_a_flood_of_checks_that_come_twice),
        cmocka_unit_test(a_few_addresses_that_go_on_with_checks_are_put_off_like_any),
        cmocka_unit_test(who_checks_every_50_ms_is_answered_now_and_then_and_who_is_connected_always),
        cmocka_unit_test(who_began_a_handshake_is_put_off_like_any),
        cmocka_unit_test(clients_from_afar_get_in_past_a_flood_of_half_open_handshakes),
        cmocka_unit_test(clients_from_afar_get_in_past_one_address_that_begins_handshakes),
        cmocka_unit_test(clients_from_afar_get_in_past_one_net_that_begins_handshakes),
        cmocka_unit_test(clients_behind_an_address_get_in_while_strangers_forge_it),
        cmocka_unit_test(clients_behind_an_address_get_in_while_strangers_forge_one_port_of_it),
        cmocka_unit_test(a_few_half_open_handshakes_take_no_more_than_half_of_a_small_server),
        cmocka_unit_test(a_few_half_open_handshakes_take_no_more_than_half_of_an_address),
        cmocka_unit_test(a_client_gets_in_while_strangers_forge_its_port),
        cmocka_unit_test(a_silent_client_that_came_in_under_pressure_stays_whatever_strangers_call_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
