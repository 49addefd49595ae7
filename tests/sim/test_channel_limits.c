/* SPDX-License-Identifier: MIT */
/* What channels do under pressure: loss, large messages, slow readers, short memory. */
#include "sim/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pair pair;
static struct party *const server = &pair.server, *const client = &pair.client;

static const struct link_options clean = {.delay_us = 10 * WRD_MILLISECOND};
static uint8_t bytes[WRD_MESSAGE_MAX];

static int fill(void **state)
{
    (void)state;
    struct world source = {.random = 5};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)world_random(&source);
    return 0;
}

static wrd_channel open_one(struct party *party, const wrd_channel_options *options)
{
    wrd_channel channel;
    assert_int_equal(party_open(party, &channel, options), WRD_OK);
    pair_run(&pair, 500 * WRD_MILLISECOND);
    assert_int_equal(party_count(party, WRD_EVENT_CHANNEL_OPEN, channel), 1);
    return channel;
}

static wrd_conn_info conn_info(const struct party *party)
{
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(party->node->endpoint, party->conn, &info), WRD_OK);
    return info;
}

static void connect_as(uint64_t seed, const struct link_options *link, wrd_mode mode, size_t datagram_limit)
{
    wrd_endpoint_options s, c;
    pair_init(&pair, seed, &s, &c);
    s.mode = c.mode = mode;
    s.datagram_limit = c.datagram_limit = datagram_limit;
    assert_true(pair_connect(&pair, &s, &c, link));
}

/* ---- what is lost, and what is not */

/* How many of 2000 messages arrive over a link that loses a tenth, 40 of them a second apart from nothing. */
static uint64_t arrives(const wrd_channel_options *options, uint64_t seed)
{
    static const struct link_options lossy = {.delay_us = 20 * WRD_MILLISECOND, .loss = 0.1};
    connect_as(seed, &clean, WRD_FRAMED, 0);
    wrd_channel channel = open_one(client, options);
    pair.client.node->out = pair.server.node->out = lossy;
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(party_say(client, channel, bytes, 400), WRD_OK);
        pair_run(&pair, 5 * WRD_MILLISECOND);
    }
    pair_run(&pair, 60 * WRD_SECOND);
    uint64_t count = server->message_count;
    wrd_conn_info info = conn_info(client);
    assert_int_equal(info.buffered + info.in_flight, 0);
    assert_true(info.messages_given_up >= 2000 - count);
    assert_true(info.packets_sent > 1000 && info.packets_received > 500 && info.losses > 100);
    assert_true(info.congestion_window > 0 && info.peer_window > 0 && info.interleaving);
    assert_in_range(info.rtt_min, 20 * WRD_MILLISECOND, 21 * WRD_MILLISECOND);
    assert_true(info.rtt >= info.rtt_min && info.rto > info.rtt && info.rtt_var > 0);
    assert_int_equal(wrd_channel_buffered(client->node->endpoint, client->conn, channel), 0);
    assert_false(client->closed || server->closed);
    assert_true(pair_end(&pair));
    return count;
}

static void limited_channels_lose_what_they_may_and_reliable_ones_nothing(void **state)
{
    (void)state;
    wrd_channel_options options;
    wrd_channel_options_init(&options);
    assert_int_equal(arrives(&options, 1), 2000);
    options.unordered = true;
    assert_int_equal(arrives(&options, 2), 2000);
    options.limit_retransmits = true;
    assert_in_range(arrives(&options, 3), 1700, 1900);
    options.max_retransmits = 20;
    assert_int_equal(arrives(&options, 4), 2000);
    options.limit_retransmits = false;
    options.unordered = false;
    options.lifetime = 30 * WRD_MILLISECOND; /* shorter than a round trip: no time for another try */
    assert_in_range(arrives(&options, 5), 1700, 1990);
    options.lifetime = 60 * WRD_SECOND;
    assert_int_equal(arrives(&options, 6), 2000);
}

/* ---- large and small */

struct small_talk {
    wrd_channel channel;
    wrd_time latest; /* the longest that one was on its way */
    unsigned heard;
};

static void hear_small(struct party *party, const struct party_message *message)
{
    struct small_talk *talk = party->user;
    wrd_time sent;
    if (message->len != sizeof sent)
        return;
    memcpy(&sent, message->head, sizeof sent);
    talk->heard++;
    if (message->at - sent > talk->latest)
        talk->latest = message->at - sent;
}

static void send_large(struct party *party, wrd_channel channel)
{
    wrd_result result = channel == WRD_CHANNEL_MAIN ? wrd_conn_send(party->node->endpoint, pair.world.now, party->conn,
                                                                    WRD_BINARY, bytes, WRD_FRAME_ANY_MAX)
                                                    : party_say(party, channel, bytes, sizeof bytes);
    assert_int_equal(result, WRD_OK);
}

/* While `large` is busy with 16 MiB each way, small messages go both ways every 20 ms. */
static void talk_beside(wrd_mode mode, bool large_is_main)
{
    static const struct link_options line = {
        .delay_us = 10 * WRD_MILLISECOND, .rate_bps = 50000000, .queue_bytes = 125000};
    connect_as(7, &clean, mode, 0);
    wrd_channel large = WRD_CHANNEL_MAIN, larges = WRD_CHANNEL_MAIN;
    if (!large_is_main) {
        large = open_one(client, NULL);
        larges = party_find(server, WRD_EVENT_CHANNEL_OPEN, 0)->channel;
    }
    wrd_channel small = open_one(client, NULL), smalls = party_find(server, WRD_EVENT_CHANNEL_OPEN, 0)->channel;
    struct small_talk talks[2] = {{.channel = small}, {.channel = smalls}};
    client->user = &talks[0];
    server->user = &talks[1];
    client->heard = server->heard = hear_small;
    pair.client.node->out = pair.server.node->out = line;
    uint64_t before[2] = {client->message_count, server->message_count + 1};
    send_large(client, large);
    send_large(server, larges);
    unsigned said = 0;
    while (client->message_count - talks[0].heard == before[0] || server->message_count - talks[1].heard == before[1]) {
        wrd_time now = pair.world.now;
        assert_int_equal(party_say(client, small, &now, sizeof now), WRD_OK);
        assert_int_equal(party_say(server, smalls, &now, sizeof now), WRD_OK);
        if (said == 5) /* and one that is not so small finds room, too */
            assert_int_equal(party_say(client, small, bytes, 200000), WRD_OK);
        said++;
        pair_run(&pair, 20 * WRD_MILLISECOND);
        assert_true(said < 2000);
    }
    assert_true(said > 100); /* 16 MiB take 2.7 s at least */
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(talks[0].heard, said);
    assert_int_equal(talks[1].heard, said);
    assert_in_range(talks[0].latest, 10 * WRD_MILLISECOND, 200 * WRD_MILLISECOND);
    assert_in_range(talks[1].latest, 10 * WRD_MILLISECOND, 200 * WRD_MILLISECOND);
    assert_true(conn_info(client).buffered == 0 && conn_info(server).buffered == 0);
    assert_true(pair_end(&pair));
}

static void small_messages_pass_sixteen_mebibytes_on_another_channel(void **state)
{
    (void)state;
    talk_beside(WRD_RAW, false);
    talk_beside(WRD_FRAMED, false);
}

static void small_messages_pass_sixteen_mebibytes_on_the_main_channel(void **state)
{
    (void)state;
    talk_beside(WRD_RAW, true);
    talk_beside(WRD_FRAMED, true);
}

static void no_datagram_is_longer_than_the_limit(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 600, 1472};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t limit = limits[i] ? limits[i] : 1200;
        connect_as(8 + i, &clean, WRD_RAW, limits[i]);
        assert_true(client->node->longest <= 1200 && server->node->longest <= 1200); /* the handshakes */
        client->node->longest = server->node->longest = 0;
        wrd_channel channel = open_one(client, NULL);
        assert_int_equal(party_say(client, channel, bytes, 100000), WRD_OK);
        assert_int_equal(party_say(client, WRD_CHANNEL_MAIN, bytes, 100000), WRD_OK);
        party_close(client, WRD_CHANNEL_MAIN, 1, "end");
        pair_run(&pair, 5 * WRD_SECOND);
        assert_int_equal(server->message_count, 2);
        assert_in_range(client->node->longest, limit - 3, limit);
        assert_true(server->node->longest <= limit);
        assert_true(pair_end(&pair));
    }
}

/* ---- pressure */

static void a_full_queue_says_again_then_low_and_writable(void **state)
{
    (void)state;
    static const struct link_options slow = {
        .delay_us = 10 * WRD_MILLISECOND, .rate_bps = 8000000, .queue_bytes = 30000};
    connect_as(12, &clean, WRD_FRAMED, 0);
    wrd_channel channel = open_one(client, NULL);
    client->node->out = slow;
    assert_int_equal(wrd_channel_set_low(client->node->endpoint, client->conn, channel, 100000), WRD_OK);
    unsigned sent = 0;
    while (party_say(client, channel, bytes, 50000) == WRD_OK)
        sent++;
    assert_in_range(sent, 18, 21);
    assert_in_range(wrd_channel_buffered(client->node->endpoint, client->conn, channel), 900000, 1050000);
    assert_int_equal(party_info(client, channel).buffered,
                     wrd_channel_buffered(client->node->endpoint, client->conn, channel));
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_LOW, channel), 0);
    for (int i = 0; i < 300 && !party_find(client, WRD_EVENT_WRITABLE, 0); i++)
        pair_run(&pair, 10 * WRD_MILLISECOND);
    assert_in_range(conn_info(client).buffered, 300000, 530000);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_LOW, channel), 0);
    for (int i = 0; i < 300 && !party_find(client, WRD_EVENT_CHANNEL_LOW, 0); i++)
        pair_run(&pair, 10 * WRD_MILLISECOND);
    assert_in_range(wrd_channel_buffered(client->node->endpoint, client->conn, channel), 50000, 100000);
    pair_run(&pair, 5 * WRD_SECOND);
    assert_int_equal(server->message_count, sent);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_LOW, channel), 1);
    assert_int_equal(party_count(client, WRD_EVENT_WRITABLE, 0), 1);
    assert_true(pair_end(&pair));
}

static void the_main_channel_has_a_low_mark_too_but_only_when_asked(void **state)
{
    (void)state;
    for (int mode = WRD_FRAMED; mode <= WRD_RAW; mode++) {
        static const struct link_options slow = {.delay_us = 10 * WRD_MILLISECOND, .rate_bps = 8000000};
        connect_as(13, &slow, (wrd_mode)mode, 0);
        for (int asked = 0; asked < 2; asked++) {
            if (asked)
                assert_int_equal(wrd_channel_set_low(client->node->endpoint, client->conn, WRD_CHANNEL_MAIN, 200000),
                                 WRD_OK);
            wrd_result result =
                wrd_conn_send(client->node->endpoint, pair.world.now, client->conn, WRD_BINARY, bytes, 3000000);
            assert_int_equal(result, WRD_OK);
            assert_in_range(wrd_channel_buffered(client->node->endpoint, client->conn, WRD_CHANNEL_MAIN), 2900000,
                            3100000);
            for (int i = 0; i < 500 && !party_find(client, WRD_EVENT_CHANNEL_LOW, 0); i++)
                pair_run(&pair, 10 * WRD_MILLISECOND);
            assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_LOW, 0), asked);
            assert_in_range(wrd_channel_buffered(client->node->endpoint, client->conn, WRD_CHANNEL_MAIN),
                            asked ? 100000 : 0, asked ? 200000 : 0);
        }
        pair_run(&pair, 10 * WRD_SECOND);
        assert_int_equal(server->message_count, 2);
        assert_int_equal(party_info(server, WRD_CHANNEL_MAIN).bytes_received, 6000000);
        assert_true(pair_end(&pair));
    }
}

static void one_that_does_not_listen_slows_its_peer_and_misses_nothing(void **state)
{
    (void)state;
    connect_as(14, &clean, WRD_RAW, 0);
    server->deaf = true;
    wrd_channel channels[20];
    unsigned sent = 0;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(party_open(client, &channels[i], NULL), WRD_OK);
        for (unsigned j = 0; j < 10; j++)
            sent += party_say(client, channels[i], bytes, 60000) == WRD_OK;
        pair_run(&pair, 100 * WRD_MILLISECOND);
        party_close(client, channels[i], i, NULL);
    }
    pair_run(&pair, 20 * WRD_SECOND);
    assert_in_range(sent, 30, 50);
    assert_int_equal(server->message_count, 0);
    assert_true(pair.world.allocations.bytes < 5000000);
    server->deaf = false;
    pair_run(&pair, 20 * WRD_SECOND);
    assert_int_equal(server->message_count, sent);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, 0), 20);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_CLOSED, 0), 20);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, 0), 20);
    uint32_t codes = 0; /* streams share the line, so the last may not be the last */
    for (uint64_t i = 0; i < server->event_count; i++)
        codes += server->events[i].code;
    assert_int_equal(codes, 20 * 19 / 2);
    assert_true(pair_end(&pair));
}

static void check_order(struct party *party, const struct party_message *message)
{
    bool *known = party->user;
    assert_true(known[message->channel & 0xffff]);
}

static void note_order(struct party *party, const struct party_event *event)
{
    bool *known = party->user;
    if (event->kind == WRD_EVENT_CHANNEL_OPEN || event->kind == WRD_EVENT_CHANNEL_CLOSED) {
        assert_int_equal(known[event->channel & 0xffff], event->kind == WRD_EVENT_CHANNEL_CLOSED);
        known[event->channel & 0xffff] = event->kind == WRD_EVENT_CHANNEL_OPEN;
    }
}

static void messages_come_between_the_events_of_their_channel(void **state)
{
    (void)state;
    static bool known[65536];
    memset(known, 0, sizeof known);
    connect_as(15, &clean, WRD_FRAMED, 0);
    server->user = known;
    server->heard = check_order;
    server->told = note_order;
    for (int round = 0; round < 300; round++) {
        wrd_channel channel;
        assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
        unsigned count = (unsigned)world_below(&pair.world, 4);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(party_say(client, channel, bytes, 1 + (size_t)world_below(&pair.world, 3000)), WRD_OK);
        party_close(client, channel, 0, NULL);
        if (round % 3 == 0)
            pair_run(&pair, 15 * WRD_MILLISECOND);
        server->deaf = round % 7 == 0;
    }
    server->deaf = false;
    pair_run(&pair, 30 * WRD_SECOND);
    for (size_t i = 0; i < sizeof known; i++)
        assert_false(known[i]);
    assert_true(pair_end(&pair));
}

static void thousands_are_open_at_a_time_and_cost_little(void **state)
{
    (void)state;
    wrd_endpoint_options s, c;
    pair_init(&pair, 16, &s, &c);
    s.accept_channels = c.accept_channels = 65535;
    assert_true(pair_connect(&pair, &s, &c, &clean));
    size_t before = pair.world.allocations.bytes;
    wrd_channel channel = 0;
    wrd_result result = WRD_OK;
    unsigned opened = 0;
    while (opened < 5000 && result == WRD_OK) {
        result = party_open(client, &channel, NULL);
        opened += result == WRD_OK;
    }
    assert_int_equal(opened, 5000);
    pair_run(&pair, 20 * WRD_SECOND);
    assert_int_equal(conn_info(server).channels, 5000);
    assert_true((pair.world.allocations.bytes - before) / 5000 / 2 < 700); /* at each end, SCTP's share included */
    assert_int_equal(party_say(client, channel, "far out", 7), WRD_OK);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(server->message_count, 1);
    while (conn_info(client).channels < 32767) /* ids 2, 4 .. 65534 */
        assert_int_equal(party_open(client, &channel, NULL), WRD_OK);
    assert_int_equal(party_open(client, &channel, NULL), WRD_AGAIN);
    pair_run(&pair, 60 * WRD_SECOND);
    assert_int_equal(conn_info(server).channels, 32767);
    assert_true(pair_end(&pair));
}

/* ---- short memory */

static void play(uint64_t fail_at)
{
    wrd_endpoint_options s, c;
    pair_init(&pair, 17, &s, &c);
    pair.world.allocations.fail_at = 0;
    if (!pair_connect(&pair, &s, &c, &clean))
        return;
    pair.world.allocations.count = 0;
    pair.world.allocations.fail_at = fail_at;
    server->echoes = true;
    wrd_channel_options options;
    wrd_channel_options_init(&options);
    options.label = "label";
    for (int i = 0; i < 4; i++) {
        wrd_channel channel;
        options.priority = (uint16_t)(100 * i);
        if (party_open(i % 2 ? client : server, &channel, &options) != WRD_OK)
            continue;
        (void)party_say(i % 2 ? client : server, channel, bytes, 30000);
        const struct party *party = i % 2 ? client : server;
        if (wrd_channel_set_low(party->node->endpoint, party->conn, channel, 9) != WRD_OK)
            continue;
        pair_run(&pair, 200 * WRD_MILLISECOND);
        party_close(i % 2 ? client : server, channel, 5, "some reason");
    }
    pair_run(&pair, 5 * WRD_SECOND);
    wrd_conn_close_with(client->node->endpoint, pair.world.now, client->conn, 6, "the end");
    pair_run(&pair, 120 * WRD_SECOND);
    assert_true(client->closed && server->closed);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t last = UINT64_MAX;
    for (uint64_t n = 1; n <= last; n++) {
        play(n);
        if (pair.world.allocations.count < n)
            last = n;
        assert_true(pair_end(&pair));
    }
    assert_true(last > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limited_channels_lose_what_they_may_and_reliable_ones_nothing),
        cmocka_unit_test(small_messages_pass_sixteen_mebibytes_on_another_channel),
        cmocka_unit_test(small_messages_pass_sixteen_mebibytes_on_the_main_channel),
        cmocka_unit_test(no_datagram_is_longer_than_the_limit),
        cmocka_unit_test(a_full_queue_says_again_then_low_and_writable),
        cmocka_unit_test(the_main_channel_has_a_low_mark_too_but_only_when_asked),
        cmocka_unit_test(one_that_does_not_listen_slows_its_peer_and_misses_nothing),
        cmocka_unit_test(messages_come_between_the_events_of_their_channel),
        cmocka_unit_test(thousands_are_open_at_a_time_and_cost_little),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
