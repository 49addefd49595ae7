/* SPDX-License-Identifier: MIT */
/* A server goes on sending only while somebody with the connection's keys receives at its address. */
#include "sim/feed.h"
#include "sim/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint/inside.h"
#include "sctp/assoc.h"

#define STEP (20 * WRD_MILLISECOND)

/* ---- a server that streams to whoever is there */

static struct feed stream;
static uint64_t heard; /* at the peer's address, since it says nothing there */

static void hear(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    (void)world, (void)node, (void)from, (void)bytes;
    heard += len;
}

static void set_stream(void)
{
    wrd_endpoint_options server;
    feed_init(&stream, &server);
    assert_true(feed_connect(&stream, &server));
    heard = 0;
    stream.peer.node->hear = hear;
    stream.size = 1000;
    stream.ahead = 4000;
}

/* Acknowledges from `from` whatever is sent, arrived or not. Its checks, which anybody can repeat, come from `checks`.
 */
static void acknowledge_all(const wrd_addr *from, const wrd_addr *checks, wrd_time duration)
{
    uint8_t check[WRD_DATAGRAM_MAX];
    wrd_time end = stream.world.now + duration;
    for (unsigned i = 0; stream.world.now < end && stream.closed == 0; i++) {
        if (i % 250 == 0) {
            size_t len = hostile_check(&stream.peer, check);
            world_inject(&stream.world, stream.server, checks, check, len);
        }
        (void)hostile_sack_all(&stream.peer, from);
        world_run(&stream.world, stream.world.now + STEP, NULL);
    }
}

static void expect_an_end(const wrd_addr *from, const wrd_addr *checks)
{
    acknowledge_all(from, checks, WRD_CONSENT_LITTLE_INTERVAL + WRD_CONSENT_TRIES * WRD_CONSENT_TRY_TIME + WRD_SECOND);
    assert_int_equal(stream.closed, 0);
    assert_true(heard > 100000); /* it was sent something */
    heard = 0;
    acknowledge_all(from, checks, 60 * WRD_SECOND);
    assert_int_equal(stream.closed, 1);
    assert_int_equal(stream.reason, WRD_LOST);
    assert_string_equal(stream.text,
                        "nobody at the peer's address answers any more, whatever comes from elsewhere in its name");
    assert_true(heard < 5000); /* questions, answers to checks, and a last word */
    assert_true(feed_end(&stream));
}

static void who_acknowledges_from_elsewhere_what_its_address_never_gets_is_lost(void **state)
{
    (void)state;
    set_stream();
    wrd_addr elsewhere = {.family = 4, .ip = {198, 51, 100, 7}, .port = 7007};
    expect_an_end(&elsewhere, &elsewhere);
}

static void who_forges_acknowledgements_and_checks_from_an_address_is_lost(void **state)
{
    (void)state;
    set_stream();
    wrd_addr there = stream.peer.node->addr;
    expect_an_end(&there, &there);
}

/* With a window that never closes much is sent at once: then it is asked sooner. */
static void who_is_sent_much_is_asked_within_seconds(void **state)
{
    (void)state;
    set_stream();
    wrd_addr there = stream.peer.node->addr;
    struct wrd_connection *c = feed_connection(&stream);
    wrd_time begun = stream.world.now;
    while (!c->consent.asking && stream.world.now < begun + 10 * WRD_SECOND) {
        for (unsigned i = 0; i < 20; i++)
            feed_turn(&stream.world, stream.server);
        c->bytes_out += 16 * 1024; /* as a faster line would have carried */
        acknowledge_all(&there, &there, STEP);
    }
    assert_in_range(stream.world.now - begun, WRD_CONSENT_MUCH_INTERVAL, 6 * WRD_SECOND);
    assert_true(feed_end(&stream));
}

/* It has the server send nothing, but keeps a place of that address, which may be somebody else's by now. */
static void who_only_says_from_elsewhere_that_it_is_there_is_lost(void **state)
{
    (void)state;
    set_stream();
    wrd_addr elsewhere = {.family = 4, .ip = {198, 51, 100, 7}, .port = 7007};
    stream.size = 0; /* it streams nothing */
    uint8_t check[WRD_DATAGRAM_MAX];
    wrd_time begun = stream.world.now;
    while (stream.closed == 0 && stream.world.now < begun + 2 * WRD_CONSENT_INTERVAL_MAX) {
        size_t len = hostile_check(&stream.peer, check);
        world_inject(&stream.world, stream.server, &elsewhere, check, len);
        (void)hostile_sack_all(&stream.peer, &elsewhere);
        world_run(&stream.world, stream.world.now + 5 * WRD_SECOND, NULL);
    }
    assert_int_equal(stream.closed, 1);
    assert_int_equal(stream.reason, WRD_LOST);
    assert_true(stream.world.now > begun + WRD_CONSENT_INTERVAL_MAX);
    assert_true(feed_end(&stream));
}

/* ---- who is honest is not troubled */

static struct wrd_connection *accepted(struct pair *pair)
{
    return wrd_table_find(&pair->server.node->endpoint->table, pair->server.conn);
}

/* `lost_timeout` 0: the default. */
static void set_pair(struct pair *pair, uint64_t seed, wrd_time lost_timeout)
{
    static const struct link_options line = {.delay_us = 40 * WRD_MILLISECOND, .jitter_us = 10 * WRD_MILLISECOND};
    wrd_endpoint_options server, client;
    pair_init(pair, seed, &server, &client);
    server.mode = client.mode = WRD_RAW;
    server.lost_timeout = client.lost_timeout = lost_timeout;
    assert_true(pair_connect(pair, &server, &client, &line));
}

static void stream_to_client(struct pair *pair, wrd_time duration)
{
    static const uint8_t bytes[1000];
    for (wrd_time end = pair->world.now + duration; pair->world.now < end && !pair->server.closed;) {
        wrd_result result = party_say(&pair->server, WRD_CHANNEL_MAIN, bytes, sizeof bytes);
        assert_true(result == WRD_OK || result == WRD_AGAIN || result == WRD_GONE || result == WRD_CLOSED);
        pair_run(pair, 100 * WRD_MILLISECOND);
    }
}

static void a_busy_client_is_asked_and_stays_on_a_line_that_loses_a_tenth(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 11, 0);
    pair.server.node->out.loss = pair.client.node->out.loss = 0.1;
    for (unsigned i = 0; i < 20; i++) {
        stream_to_client(&pair, 30 * WRD_SECOND);
        assert_false(pair.server.closed || pair.client.closed);
        assert_true(pair.world.now - accepted(&pair)->consent.since < 30 * WRD_SECOND); /* it proved itself again */
    }
    assert_true(pair_end(&pair));
}

/* No longer than the client's own checks take it. */
static void a_line_that_was_dead_for_a_while_goes_on(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 12, 0);
    for (unsigned i = 0; i < 8; i++) { /* at whatever time since the last question */
        stream_to_client(&pair, 20 * WRD_SECOND + i * 1900 * WRD_MILLISECOND);
        pair.client.node->silent = true;
        stream_to_client(&pair, 20 * WRD_SECOND);
        pair.client.node->silent = false;
    }
    stream_to_client(&pair, 20 * WRD_SECOND);
    assert_false(pair.server.closed || pair.client.closed);
    assert_true(pair_end(&pair));
}

/* It is asked again soon, however long it takes until it would be lost. */
static void a_line_that_was_dead_for_seconds_goes_on_soon_whatever_the_limit(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 15, 3600 * WRD_SECOND);
    for (unsigned i = 0; i < 8; i++) {
        stream_to_client(&pair, 20 * WRD_SECOND + i * 900 * WRD_MILLISECOND);
        pair.client.node->silent = true;
        stream_to_client(&pair, 8 * WRD_SECOND);
        pair.client.node->silent = false;
        uint64_t before = pair.client.message_count;
        stream_to_client(&pair, 10 * WRD_SECOND);
        assert_true(pair.client.message_count > before);
    }
    assert_true(pair_end(&pair));
}

static void a_busy_client_that_moves_is_asked_where_it_is(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 13, 0);
    for (uint8_t i = 0; i < 10; i++) {
        wrd_addr to = {.family = 4, .ip = {198, 51, 100, i}, .port = 7000};
        world_rebind(&pair.world, pair.client.node, 0, &to);
        stream_to_client(&pair, 40 * WRD_SECOND + i * 1700 * WRD_MILLISECOND);
        assert_false(pair.server.closed || pair.client.closed);
        assert_true(wrd_addr_equal(&accepted(&pair)->path.remote, &to));
    }
    assert_int_equal(party_count(&pair.server, WRD_EVENT_MOVED, 0), 10);
    assert_true(pair_end(&pair));
}

/* Heartbeats of either side, each with its answer, are all that an idle association has. */
static void an_idle_client_costs_no_packet_more(void **state)
{
    (void)state;
    struct pair pair;
    set_pair(&pair, 14, 0);
    stream_to_client(&pair, WRD_SECOND);
    pair_run(&pair, WRD_SECOND);
    uint64_t before = accepted(&pair)->sctp->stats.packets_sent;
    pair_run(&pair, 1800 * WRD_SECOND);
    uint64_t packets = accepted(&pair)->sctp->stats.packets_sent - before;
    assert_in_range(packets, 1, 2 * (1800 * WRD_SECOND / WRD_SCTP_HEARTBEAT_IDLE + 1));
    assert_false(pair.server.closed || pair.client.closed);
    assert_true(pair_end(&pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_acknowledges_from_elsewhere_what_its_address_never_gets_is_lost),
        cmocka_unit_test(who_forges_acknowledgements_and_checks_from_an_address_is_lost),
        cmocka_unit_test(who_is_sent_much_is_asked_within_seconds),
        cmocka_unit_test(who_only_says_from_elsewhere_that_it_is_there_is_lost),
        cmocka_unit_test(a_busy_client_is_asked_and_stays_on_a_line_that_loses_a_tenth),
        cmocka_unit_test(a_line_that_was_dead_for_a_while_goes_on),
        cmocka_unit_test(a_line_that_was_dead_for_seconds_goes_on_soon_whatever_the_limit),
        cmocka_unit_test(a_busy_client_that_moves_is_asked_where_it_is),
        cmocka_unit_test(an_idle_client_costs_no_packet_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
