/* SPDX-License-Identifier: MIT */
/* Channels in the hands of careless applications. */
#include "sim/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pair pair;
static struct party *const server = &pair.server, *const client = &pair.client;

static const struct link_options clean = {.delay_us = 10 * WRD_MILLISECOND};
static const struct link_options slow = {.delay_us = 10 * WRD_MILLISECOND, .rate_bps = 8000000, .queue_bytes = 30000};
static uint8_t bytes[1024 * 1024];

static void connect_as(uint64_t seed, wrd_mode mode)
{
    wrd_endpoint_options s, c;
    pair_init(&pair, seed, &s, &c);
    s.mode = c.mode = mode;
    assert_true(pair_connect(&pair, &s, &c, &clean));
}

static void answer_to_a_new_channel(struct party *party, const struct party_event *event)
{
    wrd_result *result = party->user;
    if (event->kind == WRD_EVENT_CHANNEL_OPEN)
        *result = party_say(party, event->channel, "hello", 5);
}

/* Its acknowledgement has no room, and nobody else waits for any. */
static void a_send_that_waits_for_its_channels_acknowledgement_hears_of_room(void **state)
{
    (void)state;
    connect_as(31, WRD_RAW);
    server->node->out = slow;
    wrd_result result = WRD_OK;
    server->told = answer_to_a_new_channel;
    server->user = &result;
    assert_int_equal(party_say(server, WRD_CHANNEL_MAIN, bytes, sizeof bytes), WRD_OK); /* all of send_limit */
    wrd_channel channel;
    assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
    pair_run(&pair, 10 * WRD_SECOND);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, 0), 1);
    assert_int_equal(result, WRD_AGAIN);
    assert_int_equal(party_count(server, WRD_EVENT_WRITABLE, 0), 1);
    assert_true(pair_end(&pair));
}

static void stay_away(struct world *world, struct node *node)
{
    (void)world;
    (void)node;
}

static void messages_of_our_own_channel_come_after_its_event(void **state)
{
    (void)state;
    connect_as(32, WRD_RAW);
    wrd_result result = WRD_OK;
    server->told = answer_to_a_new_channel;
    server->user = &result;
    wrd_channel channel;
    assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
    node_turn turn = client->node->turn;
    client->node->turn = stay_away;
    pair_run(&pair, 100 * WRD_MILLISECOND);
    wrd_message message;
    assert_int_equal(wrd_conn_receive(client->node->endpoint, pair.world.now, client->conn, &message), WRD_AGAIN);
    client->node->turn = turn;
    pair_run(&pair, 100 * WRD_MILLISECOND);
    assert_int_equal(party_find(client, WRD_EVENT_CHANNEL_OPEN, channel)->messages, 0);
    assert_int_equal(client->message_count, 1);
    assert_true(pair_end(&pair));
}

static void a_channel_closed_with_a_reason_that_the_peer_never_took_is_closed(void **state)
{
    (void)state;
    wrd_endpoint_options s, c;
    pair_init(&pair, 34, &s, &c);
    s.accept_channels = 0;
    assert_true(pair_connect(&pair, &s, &c, &clean));
    wrd_channel channel;
    assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
    party_close(client, channel, 5, "never mind");
    pair_run(&pair, 2 * WRD_SECOND);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, channel), 1);
    assert_false(client->closed);
    assert_true(pair_end(&pair));
}

/* A server of frames gives a peer memory for a chunk, until one of them opens a channel for more. */
static void a_server_of_frames_assembles_no_messages_longer_than_chunks(void **state)
{
    (void)state;
    for (int opens = 0; opens < 2; opens++) {
        wrd_endpoint_options s, c;
        pair_init(&pair, 35, &s, &c);
        s.mode = WRD_FRAMED;
        c.mode = WRD_RAW;
        s.accept_channels = 0;
        c.accept_channels = 1;
        assert_true(pair_connect(&pair, &s, &c, &clean));
        wrd_channel channel = WRD_CHANNEL_MAIN;
        if (opens) {
            assert_int_equal(party_open(server, &channel, NULL), WRD_OK);
            pair_run(&pair, WRD_SECOND);
        }
        assert_int_equal(party_say(client, channel, bytes, sizeof bytes), WRD_OK);
        pair_run(&pair, 5 * WRD_SECOND);
        assert_int_equal(server->closed, !opens);
        assert_int_equal(server->message_count, opens);
        pair_end(&pair);
    }
}

static void flood(struct party *party, const struct party_event *event)
{
    wrd_channel *channel = party->user;
    if (event->kind == WRD_EVENT_WRITABLE)
        while (party_say(party, *channel, bytes, 10000) == WRD_OK)
            ;
}

static void a_channel_that_is_always_full_leaves_the_main_one_its_share(void **state)
{
    (void)state;
    connect_as(33, WRD_FRAMED);
    wrd_channel channel;
    assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
    pair_run(&pair, 500 * WRD_MILLISECOND);
    client->node->out = slow;
    client->user = &channel;
    client->told = flood;
    while (party_say(client, channel, bytes, 10000) == WRD_OK)
        ;
    pair_run(&pair, 5 * WRD_SECOND);
    uint64_t others = party_info(server, channel).bytes_received;
    while (party_say(client, WRD_CHANNEL_MAIN, bytes, 500000) == WRD_AGAIN)
        pair_run(&pair, 10 * WRD_MILLISECOND);
    pair_run(&pair, 3 * WRD_SECOND);
    assert_int_equal(party_info(server, WRD_CHANNEL_MAIN).messages_received, 1);
    assert_true(party_info(server, channel).bytes_received > others + 1000000);
    assert_true(pair_end(&pair));
}

int main(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_that_waits_for_its_channels_acknowledgement_hears_of_room),
        cmocka_unit_test(messages_of_our_own_channel_come_after_its_event),
        cmocka_unit_test(a_channel_closed_with_a_reason_that_the_peer_never_took_is_closed),
        cmocka_unit_test(a_server_of_frames_assembles_no_messages_longer_than_chunks),
        cmocka_unit_test(a_channel_that_is_always_full_leaves_the_main_one_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
