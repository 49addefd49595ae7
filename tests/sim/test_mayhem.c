/* SPDX-License-Identifier: MIT */
/* Clients of one subnet that move, also to each other's addresses, fall silent and come again, strangers who forge
 * their addresses, and a server that closes some: what its tables tell of all that must agree at every moment. */
#include "net/seeds.h"
#include "sim/apps.h"
#include "sim/audit.h"
#include "sim/strangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#if defined(WRD_TEST_SANITIZED) || defined(WRD_TEST_REAL_DTLS)
#define SEEDS 10
#else
#define SEEDS 100
#endif

enum { CLIENTS = 14, STEPS = 1500 };

struct mayhem {
    struct world world;
    struct node *server, *clients[CLIENTS];
    struct caller callers[CLIENTS];
    struct strangers strangers;
    struct echo echo;
    wrd_conn open[CLIENTS]; /* at the server, as far as it remembers */
    unsigned opened, lives;
    const char *wrong;
};

static struct mayhem mayhem;

static wrd_addr address_of(uint64_t host, uint64_t port)
{
    return (wrd_addr){.family = 4, .ip = {10, 7, 7, (uint8_t)host}, .port = (uint16_t)(100 + port)};
}

static void watch(struct world *world, const struct node *node)
{
    (void)world;
    if (!mayhem.wrong)
        mayhem.wrong = audit(node->endpoint);
}

static void server_turn(struct world *world, struct node *node)
{
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN)
            mayhem.open[mayhem.opened++ % CLIENTS] = event.conn;
        if (event.kind == WRD_EVENT_READABLE || event.kind == WRD_EVENT_WRITABLE)
            echo_waiting(world, node, &mayhem.echo, event.conn);
    }
}

static void begin_life(unsigned i)
{
    mayhem.callers[i] =
        (struct caller){.to = world_address(mayhem.server), .seed = ++mayhem.lives, .messages = 5, .size_max = 3000};
}

/* Tight limits, some of them by the seed. */
static void server_options(wrd_endpoint_options *options, wrd_key *key, uint64_t seed)
{
    static wrd_key second;
    world_server_options(options, key);
    options->max_per_address = 1 + seed % 4;
    options->max_connections = seed % 3 ? 16 : 10;
    options->max_handshakes = 3;
    options->handshake_timeout = 3 * WRD_SECOND;
    options->lost_timeout = 12 * WRD_SECOND;
    options->idle_timeout = seed % 5 ? 0 : 9 * WRD_SECOND;
    if (seed % 2 && wrd_key_from_seed(&second, 99) == WRD_OK)
        options->second_key = &second;
}

static void begin(uint64_t seed)
{
    static const struct link_options line = {
        .delay_us = 20 * WRD_MILLISECOND, .jitter_us = 10 * WRD_MILLISECOND, .loss = 0.03, .duplicate = 0.02};
    wrd_endpoint_options options;
    wrd_key key;
    memset(&mayhem, 0, sizeof mayhem);
    world_init(&mayhem.world, seed);
    mayhem.world.watch = watch;
    server_options(&options, &key, seed);
    mayhem.server = world_add(&mayhem.world, &options, &line, server_turn, NULL);
    assert_true(strangers_init(&mayhem.strangers, STRANGERS_PORT, seed));
    wrd_endpoint_options_init(&options);
    for (unsigned i = 0; i < CLIENTS; i++) {
        begin_life(i);
        mayhem.clients[i] = world_add(&mayhem.world, &options, &line, caller_turn, &mayhem.callers[i]);
        mayhem.clients[i]->addr = address_of(i / 3, i);
    }
}

static void step(void)
{
    struct world *world = &mayhem.world;
    unsigned i = (unsigned)world_below(world, CLIENTS), other = (unsigned)world_below(world, CLIENTS);
    wrd_addr taken = mayhem.clients[other]->addr, any = address_of(world_below(world, 5), world_below(world, 24));
    switch (world_below(world, 14)) {
    case 0: world_rebind(world, mayhem.clients[i], 1, &taken); break;
    case 1: world_rebind(world, mayhem.clients[i], 1, &any); break;
    case 2: mayhem.clients[i]->silent = world_below(world, 3) == 0; break;
    case 3:
        mayhem.strangers.nat = mayhem.clients[i]->addr;
        strangers_send(&mayhem.strangers, world, mayhem.server);
        break;
    case 4:
    case 5:
        if (mayhem.callers[i].closed)
            begin_life(i);
        break;
    case 6:
        if (world_below(world, 40) == 0)
            wrd_conn_close(mayhem.server->endpoint, world->now, mayhem.open[i]);
        break;
    default: mayhem.callers[i].messages++; break;
    }
    world_run(world, world->now + 1 + world_below(world, 200) * WRD_MILLISECOND, NULL);
}

static void assert_right(const char *when)
{
    if (mayhem.wrong)
        fail_msg("%s: %s", when, mayhem.wrong);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_false(mayhem.callers[i].corrupt);
}

static void tables_agree_whatever_happens(void **state)
{
    struct seeds *seeds = *state;
    for (; seeds->first <= seeds->last; seeds->first++) {
        wrd_endpoint_counters c = {.size = sizeof c};
        begin(seeds->first);
        for (unsigned i = 0; i < STEPS; i++) {
            step();
            assert_right("in the middle");
        }
        for (unsigned i = 0; i < CLIENTS; i++)
            mayhem.clients[i]->silent = true;
        world_run(&mayhem.world, mayhem.world.now + 120 * WRD_SECOND, NULL);
        assert_right("at the end");
        wrd_endpoint_get_counters(mayhem.server->endpoint, &c);
        if (seeds->telling)
            printf("  %llu handshakes, %llu opened, %llu moved, %u lives\n", (unsigned long long)c.handshakes_begun,
                   (unsigned long long)c.connections_opened, (unsigned long long)c.paths_moved, mayhem.lives);
        assert_true(mayhem.opened > 5 && c.paths_moved > 0);
        assert_int_equal(c.connections, 0);
        assert_int_equal(c.handshakes_begun, c.connections_opened + c.handshakes_failed + c.handshakes_timed_out +
                                                 c.handshakes_evicted + c.handshakes);
        world_free(&mayhem.world);
        assert_int_equal(mayhem.world.allocations.bytes, 0);
    }
}

int main(void)
{
    struct seeds seeds = seeds_chosen(SEEDS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(tables_agree_whatever_happens, NULL, seeds_name_failed, &seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
