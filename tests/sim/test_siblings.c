/* SPDX-License-Identifier: MIT */
/*
 * Endpoints behind one port, each with its share of the clients, as the threads of a server: a client that moves may
 * reach another one, which hands its datagrams on.
 */
#include "endpoint/gate.h"
#include "sim/apps.h"
#include "sim/strangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOOPS   3
#define CLIENTS 12
#define NAMES   64
#define BOX     32
#define HEARSAY 8

static const struct link_options line = {.delay_us = 10 * WRD_MILLISECOND};

/* What native/ shares between threads, without the threads. */
struct mail {
    wrd_path path;
    size_t len;
    uint8_t bytes[WRD_DATAGRAM_MAX];
};

static struct port {
    struct world world;
    wrd_key key;
    struct echo echoes[LOOPS];
    struct node *loops[LOOPS];
    wrd_siblings siblings[LOOPS];
    wrd_gate *gate;
    bool gate_held;
    unsigned numbers[LOOPS];
    struct {
        uint64_t name;
        unsigned loop;
    } names[NAMES];
    unsigned name_count, names_seen;
    struct {
        wrd_addr remote;
        unsigned loop;
    } addresses[NAMES];
    unsigned address_count;
    struct {
        wrd_addr remote;
        unsigned loop, left;
    } hearsay[LOOPS][NAMES]; /* the least that wrd_siblings promises: the last loop, for a few datagrams */
    unsigned hearsay_count[LOOPS];
    struct mail mail[LOOPS][BOX];
    unsigned mail_count[LOOPS];
    uint64_t lost; /* for want of room */
} port;

static void own(void *user, uint64_t name, bool owned)
{
    unsigned self = *(unsigned *)user;
    for (unsigned i = 0; i < port.name_count; i++) {
        if (port.names[i].name != name)
            continue;
        assert_false(owned); /* each is claimed once */
        assert_int_equal(port.names[i].loop, self);
        port.names[i] = port.names[--port.name_count];
        return;
    }
    assert_true(owned && port.name_count < NAMES);
    port.names[port.name_count].name = name;
    port.names[port.name_count++].loop = self;
    port.names_seen++;
}

static wrd_result send_to(unsigned loop, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    if (port.mail_count[loop] == BOX) {
        port.lost++;
        return WRD_AGAIN;
    }
    struct mail *mail = &port.mail[loop][port.mail_count[loop]++];
    mail->path = *path;
    mail->len = len;
    memcpy(mail->bytes, datagram, len);
    return WRD_OK;
}

static void own_address(void *user, const wrd_addr *remote, bool owned)
{
    unsigned self = *(unsigned *)user, at = 0;
    while (at < port.address_count &&
           (port.addresses[at].loop != self || !wrd_addr_equal(&port.addresses[at].remote, remote)))
        at++;
    assert_int_equal(owned, at == port.address_count); /* claimed once, and given up once */
    if (!owned) {
        port.addresses[at] = port.addresses[--port.address_count];
        return;
    }
    assert_true(at < NAMES);
    port.addresses[at].remote = *remote;
    port.addresses[port.address_count++].loop = self;
}

static bool is_owned(void *user, const wrd_addr *remote)
{
    unsigned self = *(unsigned *)user;
    for (unsigned i = 0; i < port.address_count; i++)
        if (port.addresses[i].loop != self && wrd_addr_equal(&port.addresses[i].remote, remote))
            return true;
    return false;
}

static void hear_of(unsigned self, const wrd_addr *remote, unsigned loop)
{
    unsigned at = 0;
    while (at < port.hearsay_count[self] && !wrd_addr_equal(&port.hearsay[self][at].remote, remote))
        at++;
    assert_true(at < NAMES);
    port.hearsay[self][at].remote = *remote;
    port.hearsay[self][at].loop = loop;
    port.hearsay[self][at].left = HEARSAY;
    port.hearsay_count[self] += at == port.hearsay_count[self];
}

static wrd_result pass_named(unsigned self, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    for (unsigned i = 0; i < port.name_count; i++) {
        if (port.names[i].name != name || port.names[i].loop == self)
            continue;
        hear_of(self, &path->remote, port.names[i].loop);
        return send_to(port.names[i].loop, path, datagram, len);
    }
    return WRD_GONE;
}

static wrd_result pass_nameless(unsigned self, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    bool to[LOOPS] = {false};
    wrd_result result = WRD_GONE;
    for (unsigned i = 0; i < port.address_count; i++)
        if (wrd_addr_equal(&port.addresses[i].remote, &path->remote))
            to[port.addresses[i].loop] = true;
    for (unsigned i = 0; i < port.hearsay_count[self]; i++)
        if (wrd_addr_equal(&port.hearsay[self][i].remote, &path->remote) && port.hearsay[self][i].left > 0) {
            port.hearsay[self][i].left--;
            to[port.hearsay[self][i].loop] = true;
        }
    for (unsigned loop = 0; loop < LOOPS; loop++)
        if (to[loop] && loop != self) {
            wrd_result one = send_to(loop, path, datagram, len);
            result = result == WRD_OK ? result : one;
        }
    return result;
}

static wrd_result pass(void *user, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    unsigned self = *(unsigned *)user;
    return name != 0 ? pass_named(self, name, path, datagram, len) : pass_nameless(self, path, datagram, len);
}

static void lock_gate(void *user, bool held)
{
    (void)user;
    assert_true(held != port.gate_held);
    port.gate_held = held;
}

static void read_mail(struct world *world)
{
    for (unsigned loop = 0; loop < LOOPS; loop++) {
        for (unsigned i = 0; i < port.mail_count[loop]; i++) {
            const struct mail *mail = &port.mail[loop][i];
            wrd_endpoint_receive_passed(port.loops[loop]->endpoint, world->now, &mail->path, mail->bytes, mail->len);
        }
        port.mail_count[loop] = 0;
    }
}

static void loop_turn(struct world *world, struct node *node)
{
    echo_turn(world, node);
    read_mail(world);
}

/* With these limits of all loops together; 0: the default. */
static void open_port(uint32_t max_connections, uint32_t max_per_address)
{
    memset(&port, 0, sizeof port);
    world_init(&port.world, 77);
    for (unsigned i = 0; i < LOOPS; i++) {
        wrd_endpoint_options options;
        world_server_options(&options, &port.key);
        options.max_connections = max_connections;
        options.max_per_address = max_per_address;
        if (i == 0)
            assert_int_equal(wrd_gate_new(&port.gate, &options, NULL, lock_gate, NULL, NULL), WRD_OK);
        port.numbers[i] = i;
        port.siblings[i] = (wrd_siblings){.user = &port.numbers[i],
                                          .key = {1, 2, 3},
                                          .own = own,
                                          .own_address = own_address,
                                          .is_owned = is_owned,
                                          .pass = pass,
                                          .gate = port.gate};
        options.siblings = &port.siblings[i];
        port.loops[i] = world_add(&port.world, &options, &line, loop_turn, &port.echoes[i]);
        assert_non_null(port.loops[i]);
        port.loops[i]->addr = port.loops[0]->addr;
        port.loops[i]->shares = LOOPS;
        port.loops[i]->share = i;
    }
}

/* The gate outlives the endpoints, and nobody is left in it. */
static void close_port(void)
{
    world_free(&port.world);
    assert_int_equal(port.world.allocations.bytes, 0);
    assert_int_equal(port.gate->count, 0);
    assert_int_equal(port.gate->opening, 0);
    assert_false(port.gate_held);
    wrd_gate_free(port.gate);
}

static wrd_endpoint_counters counters_of(unsigned loop)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(port.loops[loop]->endpoint, &c);
    return c;
}

static void a_client_that_moves_to_another_loop_keeps_its_connection(void **state)
{
    (void)state;
    static struct caller callers[CLIENTS];
    struct node *clients[CLIENTS];
    open_port(0, 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        wrd_endpoint_options options;
        wrd_endpoint_options_init(&options);
        callers[i] = (struct caller){
            .to = world_address(port.loops[0]), .seed = i + 1, .messages = 5, .size_max = 2000, .close_after = false};
        clients[i] = world_add(&port.world, &options, &line, caller_turn, &callers[i]);
        clients[i]->addr.port = (uint16_t)(4000 + i);
    }
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(port.echoes[i].opened, CLIENTS / LOOPS);
    assert_int_equal(port.name_count, CLIENTS);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            wrd_addr to = clients[i]->addr;
            to.port = (uint16_t)(to.port + 100 + i % 4); /* some stay with their loop, most do not */
            world_rebind(&port.world, clients[i], i * 50 * WRD_MILLISECOND, &to);
            callers[i].messages += 50;
        }
        world_run(&port.world, port.world.now + 30 * WRD_SECOND, NULL);
    }
    uint64_t moved = 0, passed = 0;
    for (unsigned i = 0; i < LOOPS; i++) {
        moved += counters_of(i).paths_moved;
        passed += counters_of(i).passed_on;
        assert_int_equal(port.echoes[i].closed, 0);
        assert_int_equal(counters_of(i).connections, CLIENTS / LOOPS);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_true(caller_succeeded(&callers[i]));
        assert_false(callers[i].closed);
    }
    assert_int_equal(moved, 3 * CLIENTS);
    assert_int_equal(port.lost, 0);
    assert_true(passed > 100);
    for (unsigned i = 0; i < CLIENTS; i++)
        wrd_conn_close(clients[i]->endpoint, port.world.now, callers[i].conn);
    world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
    assert_int_equal(port.name_count, 0);
    assert_int_equal(port.address_count, 0);
    assert_int_equal(port.names_seen, CLIENTS);
    close_port();
}

/* More checks of strangers than are looked at in a period, at every loop. */
static void overload(uint64_t *seed)
{
    static const uint8_t check[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    for (unsigned loop = 0; loop < LOOPS; loop++) {
        for (unsigned i = 0; i < 8001; i++) {
            wrd_path path = {.remote = {.family = 4, .port = 1}, .local = port.loops[loop]->addr};
            uint64_t ip = link_random(seed);
            memcpy(path.remote.ip, &ip, 4);
            wrd_endpoint_receive(port.loops[loop]->endpoint, port.world.now, &path, check, sizeof check);
        }
    }
}

static void a_client_that_moved_to_another_loop_stays_though_there_are_more_checks_than_time(void **state)
{
    (void)state;
    static struct caller caller;
    wrd_endpoint_options options;
    uint64_t seed = 5;
    open_port(0, 0);
    wrd_endpoint_options_init(&options);
    caller = (struct caller){
        .to = world_address(port.loops[0]), .seed = 1, .messages = 5, .size_max = 100, .close_after = false};
    struct node *client = world_add(&port.world, &options, &line, caller_turn, &caller);
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    uint64_t passed = 0;
    for (uint16_t tries = 0; tries < 8 && passed == 0; tries++) { /* until it is at another loop */
        wrd_addr to = client->addr;
        to.port = (uint16_t)(to.port + 101);
        world_rebind(&port.world, client, 0, &to);
        world_run(&port.world, port.world.now + 20 * WRD_SECOND, NULL);
        for (unsigned i = 0; i < LOOPS; i++)
            passed += counters_of(i).passed_on;
    }
    assert_true(passed > 0);
    for (unsigned i = 0; i < 180; i++) { /* a minute and a half without a message */
        overload(&seed);
        world_run(&port.world, port.world.now + 500 * WRD_MILLISECOND, NULL);
    }
    assert_false(caller.closed);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_true(counters_of(i).checks_put_off > 0);
    close_port();
}

static wrd_endpoint_counters counters_of_all(void)
{
    wrd_endpoint_counters sum = {0};
    for (unsigned i = 0; i < LOOPS; i++) {
        wrd_endpoint_counters c = counters_of(i);
        sum.datagrams_received += c.datagrams_received;
        sum.bytes_received += c.bytes_received;
        sum.passed_on += c.passed_on;
        sum.paths_moved += c.paths_moved;
        sum.connections += c.connections;
    }
    return sum;
}

static struct node *add_client(struct caller *caller, uint16_t from_port)
{
    wrd_endpoint_options options;
    wrd_endpoint_options_init(&options);
    *caller = (struct caller){
        .to = world_address(port.loops[0]), .seed = from_port, .messages = 5, .size_max = 100, .close_after = false};
    struct node *client = world_add(&port.world, &options, &line, caller_turn, caller);
    client->addr.port = from_port;
    return client;
}

/* Runs until a check from that address is on its way, and copies it. */
static size_t copy_check(uint8_t out[WRD_DATAGRAM_MAX], const wrd_addr *from)
{
    for (unsigned step = 0; step < 10000; step++) {
        world_run(&port.world, port.world.now + 5 * WRD_MILLISECOND, NULL);
        for (size_t i = 0; i < port.world.transit.count; i++) {
            const struct parcel *parcel = port.world.transit.heap[i];
            if (wrd_addr_equal(&parcel->from, from) && parcel->bytes[0] == 0) {
                memcpy(out, parcel->bytes, parcel->len);
                return parcel->len;
            }
        }
    }
    fail_msg("no check in 50 s");
    return 0;
}

static void what_goes_from_loop_to_loop_is_counted_as_received_once_and_as_passed_if_it_got_there(void **state)
{
    (void)state;
    static struct caller caller;
    uint8_t check[WRD_DATAGRAM_MAX];
    open_port(0, 0);
    struct node *client = add_client(&caller, 4002); /* of loop 0 */
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    size_t len = copy_check(check, &client->addr);
    wrd_endpoint_counters before = counters_of_all();
    wrd_path path = {.remote = client->addr, .local = port.loops[0]->addr};
    path.remote.port = 4003;
    for (unsigned i = 0; i < BOX + 18; i++)
        wrd_endpoint_receive(port.loops[1]->endpoint, port.world.now, &path, check, len);
    read_mail(&port.world);
    wrd_endpoint_counters after = counters_of_all();
    assert_int_equal(after.datagrams_received - before.datagrams_received, BOX + 18);
    assert_int_equal(after.bytes_received - before.bytes_received, (BOX + 18) * len);
    assert_int_equal(after.passed_on - before.passed_on, BOX);
    assert_int_equal(port.lost, 18);
    assert_int_equal(counters_of(1).checks_answered, 0); /* nor are those that were lost anybody else's */
    close_port();
}

/* It is of loop 0 and goes to an address of loop 1. */
static struct node *add_moved_client(struct caller *caller)
{
    struct node *client = add_client(caller, 4002);
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    wrd_addr to = client->addr;
    to.port = 4003;
    world_rebind(&port.world, client, 0, &to);
    world_run(&port.world, port.world.now + 20 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(0).paths_moved, 1);
    assert_true(counters_of(1).passed_on > 0);
    return client;
}

static void a_stranger_who_forges_the_address_of_a_moved_client_does_not_take_its_way(void **state)
{
    (void)state;
    static struct caller callers[2];
    uint8_t check[WRD_DATAGRAM_MAX];
    open_port(0, 0);
    struct node *client = add_moved_client(&callers[0]);
    struct node *stranger = add_client(&callers[1], 4004); /* of loop 2 */
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(2).connections, 1);
    size_t len = copy_check(check, &stranger->addr);
    for (unsigned i = 0; i < 9000; i++) { /* 90 s */
        callers[0].messages += i % 10 == 0;
        world_inject(&port.world, port.loops[0], &client->addr, check, len);
        world_run(&port.world, port.world.now + 10 * WRD_MILLISECOND, NULL);
        assert_true(callers[0].messages - callers[0].echoed < 5);
    }
    assert_false(callers[0].closed);
    assert_true(caller_succeeded(&callers[0]));
    assert_int_equal(counters_of_all().paths_moved, 1);
    close_port();
}

/* The loop that the address belongs to has no connection there, and so no reason to doubt the hello. */
static void handshakes_under_the_address_of_a_moved_client_do_not_take_its_way(void **state)
{
    (void)state;
    static struct caller caller;
    static struct strangers strangers;
    open_port(0, 0);
    struct node *client = add_moved_client(&caller);
    assert_true(strangers_init(&strangers, STRANGERS_PORT, 3));
    strangers.nat = client->addr;
    for (unsigned i = 0; i < 900; i++) { /* 90 s */
        caller.messages++;
        strangers_send(&strangers, &port.world, port.loops[0]);
        world_run(&port.world, port.world.now + 100 * WRD_MILLISECOND, NULL);
        assert_true(caller.messages - caller.echoed < 5);
    }
    assert_false(caller.closed);
    assert_true(caller_succeeded(&caller));
    assert_int_equal(counters_of(1).handshakes_begun, 0);
    assert_true(counters_of(1).cookies_sent > 0);
    close_port();
}

static void a_client_gets_the_address_of_one_that_fell_silent_at_another_loop(void **state)
{
    (void)state;
    static struct caller callers[2];
    open_port(0, 0);
    struct node *client = add_client(&callers[0], 4002), *silent = add_client(&callers[1], 4003);
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(1).connections, 1);
    silent->silent = true;
    wrd_addr to = silent->addr;
    callers[0].messages += 100;
    world_rebind(&port.world, client, 0, &to);
    world_run(&port.world, port.world.now + 15 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(1).connections, 1); /* nobody knows yet that it is gone */
    assert_int_equal(counters_of(0).paths_moved, 1);
    assert_true(caller_succeeded(&callers[0]));
    close_port();
}

static void a_client_that_dials_again_from_the_address_it_moved_to_gets_in(void **state)
{
    (void)state;
    static struct caller callers[2];
    open_port(0, 0);
    struct node *client = add_moved_client(&callers[0]);
    client->silent = true;
    struct node *again = add_client(&callers[1], client->addr.port);
    again->addr = client->addr;
    world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
    assert_true(caller_succeeded(&callers[1]));
    assert_int_equal(counters_of(1).connections, 1);
    world_run(&port.world, port.world.now + 90 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(0).connections, 0);
    assert_int_equal(port.address_count, 0);
    assert_false(callers[1].closed);
    close_port();
}

static void an_address_that_a_client_left_or_that_another_took_is_given_up(void **state)
{
    (void)state;
    static struct caller callers[2];
    open_port(0, 0);
    struct node *client = add_moved_client(&callers[0]), *other = add_client(&callers[1], 4005); /* of loop 0, too */
    world_run(&port.world, port.world.now + 2 * WRD_SECOND, NULL);
    wrd_addr left = client->addr, to = left;
    assert_int_equal(port.address_count, 1);
    to.port = 4006;
    world_rebind(&port.world, client, 0, &to);
    world_run(&port.world, port.world.now + 20 * WRD_SECOND, NULL);
    assert_int_equal(port.address_count, 1);
    assert_true(wrd_addr_equal(&port.addresses[0].remote, &to));
    world_rebind(&port.world, client, 0, &left);
    world_run(&port.world, port.world.now + 20 * WRD_SECOND, NULL);
    client->silent = true;
    world_rebind(&port.world, other, 0, &left);
    world_run(&port.world, port.world.now + 20 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(0).paths_moved, 4);
    assert_int_equal(port.address_count, 1); /* of the other */
    world_run(&port.world, port.world.now + 90 * WRD_SECOND, NULL);
    assert_int_equal(counters_of(0).connections, 1);
    assert_int_equal(port.address_count, 1);
    wrd_conn_close(other->endpoint, port.world.now, callers[1].conn);
    world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
    assert_int_equal(port.address_count, 0);
    close_port();
}

static uint64_t connections_of_all(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LOOPS; i++)
        sum += counters_of(i).connections;
    return sum;
}

/* CLIENTS of them, each from an IP of its own or all from one. */
static void add_clients(struct node *clients[CLIENTS], struct caller callers[CLIENTS], bool of_one_address)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = add_client(&callers[i], (uint16_t)(4000 + i));
        if (of_one_address)
            memcpy(clients[i]->addr.ip, clients[0]->addr.ip, sizeof clients[i]->addr.ip);
    }
}

static void limits_are_of_all_loops_together(void **state)
{
    (void)state;
    static struct caller callers[CLIENTS];
    struct node *clients[CLIENTS];
    for (unsigned one = 0; one < 2; one++) {
        open_port(one ? 0 : 7, one ? 7 : 0);
        add_clients(clients, callers, one);
        world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
        assert_int_equal(connections_of_all(), 7);
        for (unsigned i = 0; i < CLIENTS; i++)
            wrd_conn_close(clients[i]->endpoint, port.world.now, callers[i].conn);
        world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
        assert_int_equal(connections_of_all(), 0);
        add_clients(clients, callers, one); /* their places are free again */
        world_run(&port.world, port.world.now + 5 * WRD_SECOND, NULL);
        assert_int_equal(connections_of_all(), 7);
        close_port();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_moves_to_another_loop_keeps_its_connection),
        cmocka_unit_test(a_client_that_moved_to_another_loop_stays_though_there_are_more_checks_than_time),
        cmocka_unit_test(what_goes_from_loop_to_loop_is_counted_as_received_once_and_as_passed_if_it_got_there),
        cmocka_unit_test(a_stranger_who_forges_the_address_of_a_moved_client_does_not_take_its_way),
        cmocka_unit_test(handshakes_under_the_address_of_a_moved_client_do_not_take_its_way),
        cmocka_unit_test(a_client_gets_the_address_of_one_that_fell_silent_at_another_loop),
        cmocka_unit_test(a_client_that_dials_again_from_the_address_it_moved_to_gets_in),
        cmocka_unit_test(an_address_that_a_client_left_or_that_another_took_is_given_up),
        cmocka_unit_test(limits_are_of_all_loops_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
