/* SPDX-License-Identifier: MIT */
/* Data channels end to end: opening, closing, reasons, limits, and what a busy channel does to others. */
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
static const struct link_options lossy = {.delay_us = 10 * WRD_MILLISECOND, .jitter_us = WRD_MILLISECOND, .loss = 0.1};

static void connect_as(uint64_t seed, const struct link_options *link, wrd_mode mode)
{
    wrd_endpoint_options s, c;
    pair_init(&pair, seed, &s, &c);
    s.mode = c.mode = mode;
    assert_true(pair_connect(&pair, &s, &c, link));
}

static wrd_channel_options named(const char *label)
{
    wrd_channel_options options;
    wrd_channel_options_init(&options);
    options.label = label;
    return options;
}

static wrd_channel open_at(struct party *party, const wrd_channel_options *options)
{
    wrd_channel channel;
    assert_int_equal(party_open(party, &channel, options), WRD_OK);
    assert_int_not_equal(channel, WRD_CHANNEL_MAIN);
    return channel;
}

/* Opens one and waits until both ends know it. */
static wrd_channel open_both(struct party *party, struct party *other, const wrd_channel_options *options,
                             wrd_channel *others)
{
    wrd_channel channel = open_at(party, options);
    for (int i = 0; i < 100 && !party_find(party, WRD_EVENT_CHANNEL_OPEN, channel); i++)
        pair_run(&pair, 20 * WRD_MILLISECOND);
    const struct party_event *event = party_find(other, WRD_EVENT_CHANNEL_OPEN, 0);
    assert_non_null(event);
    *others = event->channel;
    assert_int_equal(party_info(party, channel).id, party_info(other, event->channel).id);
    return channel;
}

static void say(struct party *party, wrd_channel channel, const char *text)
{
    assert_int_equal(party_say(party, channel, text, strlen(text)), WRD_OK);
}

static bool heard_last(const struct party *party, wrd_channel channel, const char *text)
{
    const struct party_message *last = &party->messages[(party->message_count - 1) % PARTY_LOG];
    return party->message_count > 0 && last->channel == channel && last->len == strlen(text) &&
           memcmp(last->head, text, last->len) == 0;
}

static wrd_conn_info conn_info(const struct party *party)
{
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(party->node->endpoint, party->conn, &info), WRD_OK);
    return info;
}

/* ---- opening */

static void each_side_opens_and_the_other_sees_what_was_asked_for(void **state)
{
    (void)state;
    connect_as(1, &clean, WRD_FRAMED);
    wrd_channel_options options = named("state \xe2\x82\xac");
    options.protocol = "snapshots";
    options.unordered = options.limit_retransmits = true;
    options.max_retransmits = 7;
    options.priority = WRD_PRIORITY_HIGH;
    wrd_channel far;
    wrd_channel near = open_both(client, server, &options, &far);
    wrd_channel_info info = party_info(server, far), own = party_info(client, near);
    assert_int_equal(info.id, 2);
    assert_true(info.by_peer && !own.by_peer && !info.negotiated);
    assert_true(info.unordered && info.limit_retransmits && info.max_retransmits == 7 && info.lifetime == 0);
    assert_int_equal(info.priority, WRD_PRIORITY_HIGH);
    assert_string_equal(info.label, "state \xe2\x82\xac");
    assert_string_equal(info.protocol, "snapshots");
    assert_int_equal(info.label_len, strlen(info.label));
    assert_int_equal(own.state, WRD_CHANNEL_OPEN);
    assert_int_equal(info.state, WRD_CHANNEL_OPEN);

    options = named("");
    options.lifetime = 1500 * WRD_MILLISECOND + 999;
    near = open_both(server, client, &options, &far);
    info = party_info(client, far);
    assert_int_equal(info.id, 3);
    assert_true(!info.unordered && !info.limit_retransmits && info.lifetime == 1500 * WRD_MILLISECOND);
    assert_int_equal(info.priority, WRD_PRIORITY_LOW);
    assert_int_equal(info.label_len + info.protocol_len, 0);
    assert_int_equal(conn_info(client).channels, 2);
    say(client, far, "up");
    pair_run(&pair, WRD_SECOND);
    assert_true(heard_last(server, near, "up"));
    assert_true(pair_end(&pair));
}

static void messages_may_be_sent_at_once_and_none_overtakes_the_opening(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        connect_as(seed, &lossy, WRD_RAW);
        wrd_channel_options options = named("hasty");
        options.unordered = true;
        wrd_channel channel = open_at(client, &options);
        for (int i = 0; i < 20; i++)
            say(client, channel, "now");
        pair_run(&pair, 10 * WRD_SECOND);
        assert_int_equal(server->message_count, 20);
        assert_int_equal(conn_info(server).messages_dropped, 0);
        assert_true(pair_end(&pair));
    }
}

static void many_open_from_both_sides_at_once(void **state)
{
    (void)state;
    connect_as(3, &lossy, WRD_FRAMED);
    wrd_channel channels[2][200];
    server->echoes = true;
    for (unsigned i = 0; i < 200; i++) {
        channels[0][i] = open_at(client, NULL);
        channels[1][i] = open_at(server, NULL);
        say(client, channels[0][i], "ping");
    }
    pair_run(&pair, 30 * WRD_SECOND);
    assert_int_equal(conn_info(client).channels, 400);
    assert_int_equal(conn_info(server).channels, 400);
    assert_int_equal(client->message_count, 200);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(party_info(client, channels[0][i]).messages_received, 1);
        assert_int_equal(party_info(client, channels[0][i]).bytes_received, 4);
        assert_int_equal(party_info(server, channels[1][i]).state, WRD_CHANNEL_OPEN);
    }
    assert_true(pair_end(&pair));
}

static void a_negotiated_channel_says_nothing_in_band(void **state)
{
    (void)state;
    connect_as(4, &clean, WRD_FRAMED);
    wrd_channel_options options = named("agreed");
    options.negotiated = true;
    options.id = 1000;
    wrd_channel near = open_at(client, &options);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, 0), 0);
    wrd_channel far = open_at(server, &options);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_OPEN, near), 1);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, far), 1);
    say(server, far, "hi");
    pair_run(&pair, WRD_SECOND);
    assert_true(heard_last(client, near, "hi"));
    party_close(client, near, 0, NULL);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, near), 1);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_CLOSED, far), 1);
    assert_true(pair_end(&pair));
}

static void what_nobody_accepts_is_closed_again_and_the_connection_goes_on(void **state)
{
    (void)state;
    wrd_endpoint_options s, c;
    pair_init(&pair, 5, &s, &c);
    s.accept_channels = 0;
    c.accept_channels = 2;
    assert_true(pair_connect(&pair, &s, &c, &clean));
    wrd_channel refused = open_at(client, NULL);
    say(client, refused, "lost");
    pair_run(&pair, WRD_SECOND);
    const struct party_event *event = party_find(client, WRD_EVENT_CHANNEL_CLOSED, refused);
    assert_true(event && event->reason == WRD_CLOSED);
    assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_OPEN, 0), 0);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, 0), 0);
    assert_int_equal(conn_info(server).channels_refused, 1);

    wrd_channel channels[3];
    for (unsigned i = 0; i < 3; i++)
        channels[i] = open_at(server, NULL);
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, 0), 2);
    assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_CLOSED, channels[2]), 1);
    for (int i = 0; i < 20; i++) { /* a closed one makes place */
        party_close(server, channels[0], 0, NULL);
        channels[0] = open_at(server, NULL);
        pair_run(&pair, WRD_SECOND);
        assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_OPEN, channels[0]), 1);
    }
    assert_int_equal(conn_info(server).channels, 2);
    assert_false(client->closed || server->closed);
    assert_true(pair_end(&pair));
}

static void options_that_contradict_each_other_are_told(void **state)
{
    (void)state;
    connect_as(6, &clean, WRD_FRAMED);
    static char long_name[WRD_CHANNEL_NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name - 1);
    wrd_channel channel;
    const char *why;
    for (int i = 0; i < 9; i++) {
        wrd_channel_options options = named("x");
        options.limit_retransmits = i == 0;
        options.lifetime = i == 0 ? WRD_SECOND : i == 1 ? 65536 * WRD_MILLISECOND : i == 2 ? 999 : 0;
        options.size -= i == 3;
        options.negotiated = i == 4 || i == 5;
        options.id = i == 4 ? 0 : i == 5 ? WRD_CHANNEL_CONTROL_ID : i == 6 ? 2 : 0;
        options.label = i == 7 ? long_name : "\xff";
        options.label = i == 8 || i == 7 ? options.label : "x";
        assert_int_equal(
            wrd_channel_open(client->node->endpoint, pair.world.now, client->conn, &channel, &options, &why),
            WRD_INVALID);
        assert_true(strlen(why) > 10);
        assert_int_equal(channel, 0);
    }
    long_name[WRD_CHANNEL_NAME_MAX] = 0;
    wrd_channel_options options = named(long_name);
    options.protocol = long_name;
    wrd_channel far;
    channel = open_both(client, server, &options, &far);
    assert_string_equal(party_info(server, far).protocol, long_name);
    options = named("taken");
    options.negotiated = true;
    options.id = party_info(client, channel).id;
    assert_int_equal(party_open(client, &channel, &options), WRD_INVALID);
    assert_true(pair_end(&pair));
}

/* ---- closing */

static void either_side_closes_and_what_was_sent_arrives_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        connect_as(seed, &lossy, WRD_RAW);
        struct party *closer = seed % 2 ? client : server, *other = seed % 2 ? server : client;
        wrd_channel far;
        wrd_channel near = open_both(client, server, NULL, &far);
        wrd_channel ours = closer == client ? near : far, theirs = closer == client ? far : near;
        static uint8_t bytes[50000];
        for (int i = 0; i < 10; i++)
            assert_int_equal(party_say(closer, ours, bytes, sizeof bytes), WRD_OK);
        party_close(closer, ours, seed % 3 ? (uint32_t)seed : 0, seed % 3 == 2 ? "enough \xe2\x82\xac" : NULL);
        assert_int_equal(party_say(closer, ours, bytes, 1), WRD_CLOSED);
        pair_run(&pair, 60 * WRD_SECOND);
        const struct party_event *event = party_find(other, WRD_EVENT_CHANNEL_CLOSED, theirs);
        assert_non_null(event);
        assert_int_equal(event->messages, 10);
        assert_int_equal(event->reason, WRD_CLOSED);
        assert_int_equal(event->code, seed % 3 ? seed : 0);
        assert_string_equal(event->said, seed % 3 == 2 ? "enough \xe2\x82\xac" : "");
        event = party_find(closer, WRD_EVENT_CHANNEL_CLOSED, ours);
        assert_non_null(event);
        assert_int_equal(event->reason, WRD_OK);
        assert_int_equal(event->code, 0);
        assert_int_equal(party_say(other, theirs, bytes, 1), WRD_GONE);
        assert_int_equal(conn_info(client).channels + conn_info(server).channels, 0);
        assert_true(pair_end(&pair));
    }
}

static void both_sides_close_at_once_and_each_hears_the_other(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        connect_as(seed, seed % 2 ? &clean : &lossy, WRD_FRAMED);
        wrd_channel far;
        wrd_channel near = open_both(client, server, NULL, &far);
        party_close(client, near, 1, "client");
        party_close(server, far, 2, "server");
        party_close(server, far, 3, "again");
        pair_run(&pair, 30 * WRD_SECOND);
        assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, near), 1);
        assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_CLOSED, far), 1);
        assert_int_equal(party_find(client, WRD_EVENT_CHANNEL_CLOSED, near)->code, 2);
        assert_string_equal(party_find(server, WRD_EVENT_CHANNEL_CLOSED, far)->said, "client");
        assert_int_equal(conn_info(client).channels + conn_info(server).channels, 0);
        wrd_channel again = open_both(server, client, NULL, &near); /* and life goes on */
        say(server, again, "new");
        pair_run(&pair, 5 * WRD_SECOND);
        assert_true(heard_last(client, near, "new"));
        assert_true(pair_end(&pair));
    }
}

static void a_channel_closed_while_it_opens_closes_with_its_reason(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        connect_as(seed, &lossy, WRD_FRAMED);
        wrd_channel channel = open_at(client, NULL);
        pair_run(&pair, WRD_MILLISECOND); /* the opening leaves in a packet of its own, and may be lost alone */
        say(client, channel, "brief");
        party_close(client, channel, 77, "changed my mind");
        pair_run(&pair, 30 * WRD_SECOND);
        const struct party_event *event = party_find(server, WRD_EVENT_CHANNEL_CLOSED, 0);
        assert_true(event && event->code == 77 && event->messages == 1);
        assert_string_equal(event->said, "changed my mind");
        assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, channel), 1);
        assert_true(pair_end(&pair));
    }
}

static void a_reason_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    connect_as(8, &clean, WRD_FRAMED);
    wrd_channel far;
    wrd_channel near = open_both(client, server, NULL, &far);
    static char reason[2 * WRD_REASON_MAX];
    for (size_t i = 0; i + 1 < sizeof reason; i++)
        reason[i] = "\xe2\x82\xac"[i % 3]; /* the 334th would end at 1002 */
    party_close(client, near, 0, reason);
    pair_run(&pair, WRD_SECOND);
    const struct party_event *event = party_find(server, WRD_EVENT_CHANNEL_CLOSED, far);
    assert_true(event && strlen(event->said) == 999 && memcmp(event->said, reason, 999) == 0);
    near = open_both(client, server, NULL, &far);
    party_close(client, near, 5, "bad \xff tail");
    pair_run(&pair, WRD_SECOND);
    event = party_find(server, WRD_EVENT_CHANNEL_CLOSED, far);
    assert_true(event && event->code == 5);
    assert_string_equal(event->said, "bad ");
    assert_true(pair_end(&pair));
}

static void the_connection_closes_with_a_reason_and_without_losing_its_tail(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        wrd_mode mode = seed % 2 ? WRD_RAW : WRD_FRAMED;
        connect_as(seed, &lossy, mode);
        wrd_channel far;
        wrd_channel near = open_both(client, server, NULL, &far);
        static uint8_t bytes[60000];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)world_random(&pair.world);
        unsigned sent = 0;
        wrd_result result = WRD_OK;
        while (result == WRD_OK) { /* until not even the reason finds room */
            result = sent % 2 ? party_say(client, near, bytes, sizeof bytes)
                              : wrd_conn_send(client->node->endpoint, pair.world.now, client->conn, WRD_BINARY, bytes,
                                              sizeof bytes);
            sent += result == WRD_OK;
        }
        while (party_say(client, near, bytes, 1) == WRD_OK)
            sent++;
        wrd_conn_close_with(client->node->endpoint, pair.world.now, client->conn, 4000 + (uint32_t)seed, "round over");
        pair_run(&pair, 60 * WRD_SECOND);
        const struct party_event *event = party_find(server, WRD_EVENT_CLOSED, 0);
        assert_non_null(event);
        assert_int_equal(event->messages, sent);
        assert_int_equal(event->reason, WRD_CLOSED);
        assert_int_equal(event->code, 4000 + seed);
        assert_string_equal(event->said, "round over");
        assert_int_equal(party_count(server, WRD_EVENT_CHANNEL_CLOSED, far), 1);
        assert_int_equal(party_count(client, WRD_EVENT_CHANNEL_CLOSED, near), 1);
        event = party_find(client, WRD_EVENT_CLOSED, 0);
        assert_true(event && event->reason == WRD_OK && event->code == 0);
        assert_true(pair_end(&pair));
    }
}

static void the_end_of_the_connection_closes_its_channels_first(void **state)
{
    (void)state;
    connect_as(9, &clean, WRD_FRAMED);
    wrd_channel far[3];
    for (int i = 0; i < 3; i++)
        (void)open_both(client, server, NULL, &far[i]);
    client->node->silent = true; /* pulled out */
    pair_run(&pair, 60 * WRD_SECOND);
    assert_true(server->closed);
    for (int i = 0; i < 3; i++) {
        const struct party_event *event = party_find(server, WRD_EVENT_CHANNEL_CLOSED, far[i]);
        assert_true(event && event->reason == WRD_LOST);
    }
    assert_int_equal(server->events[(server->event_count - 1) % PARTY_LOG].kind, WRD_EVENT_CLOSED);
    assert_true(pair_end(&pair));
}

static void closing_the_main_channel_ends_the_connection(void **state)
{
    (void)state;
    connect_as(10, &clean, WRD_FRAMED);
    party_close(server, WRD_CHANNEL_MAIN, 9, "all of it");
    pair_run(&pair, WRD_SECOND);
    const struct party_event *event = party_find(client, WRD_EVENT_CLOSED, 0);
    assert_true(event && event->code == 9 && server->closed);
    assert_true(pair_end(&pair));
}

static void ids_come_back_ten_thousand_times_without_growth(void **state)
{
    (void)state;
    static const struct link_options quick = {.delay_us = WRD_MILLISECOND, .loss = 0.005};
    connect_as(11, &quick, WRD_FRAMED);
    size_t before = 0;
    uint16_t highest = 0;
    for (int i = 0; i < 10000; i++) {
        struct party *opener = i % 2 ? client : server, *closer = i % 4 < 2 ? client : server;
        wrd_channel far;
        wrd_channel near = open_both(opener, opener == client ? server : client, NULL, &far);
        say(opener, near, "x");
        uint16_t id = party_info(opener, near).id;
        highest = id > highest ? id : highest;
        party_close(closer, closer == opener ? near : far, i % 8 == 7 ? 1 : 0, NULL);
        if (i % 100 != 0)
            continue;
        pair_run(&pair, 5 * WRD_SECOND); /* the rest opens while an earlier one closes */
        assert_int_equal(conn_info(client).channels + conn_info(server).channels, 0);
        if (i == 1000)
            before = pair.world.allocations.bytes;
    }
    pair_run(&pair, 40 * WRD_SECOND);
    assert_true(pair.world.allocations.bytes <= before + 2000);
    assert_int_equal(conn_info(client).messages_dropped + conn_info(server).messages_dropped, 0);
    assert_int_equal(conn_info(client).channels_refused + conn_info(server).channels_refused, 0);
    assert_in_range(highest, 2, 200); /* a lost reset takes a timeout, while others open */
    assert_true(pair_end(&pair));
}

static void a_stale_handle_is_gone_though_its_id_lives_again(void **state)
{
    (void)state;
    connect_as(12, &clean, WRD_FRAMED);
    wrd_channel far, near = open_both(client, server, NULL, &far);
    uint16_t id = party_info(client, near).id;
    party_close(client, near, 0, NULL);
    pair_run(&pair, WRD_SECOND);
    wrd_channel again = open_both(client, server, NULL, &far);
    assert_int_equal(party_info(client, again).id, id);
    assert_int_not_equal(again, near);
    assert_int_equal(party_say(client, near, "x", 1), WRD_GONE);
    assert_int_equal(party_info(client, near).size, 0);
    assert_int_equal(wrd_channel_set_low(client->node->endpoint, client->conn, near, 1), WRD_GONE);
    party_close(client, near, 1, "nobody hears");
    pair_run(&pair, WRD_SECOND);
    assert_int_equal(party_info(client, again).state, WRD_CHANNEL_OPEN);
    assert_true(pair_end(&pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_side_opens_and_the_other_sees_what_was_asked_for),
        cmocka_unit_test(messages_may_be_sent_at_once_and_none_overtakes_the_opening),
        cmocka_unit_test(many_open_from_both_sides_at_once),
        cmocka_unit_test(a_negotiated_channel_says_nothing_in_band),
        cmocka_unit_test(what_nobody_accepts_is_closed_again_and_the_connection_goes_on),
        cmocka_unit_test(options_that_contradict_each_other_are_told),
        cmocka_unit_test(either_side_closes_and_what_was_sent_arrives_first),
        cmocka_unit_test(both_sides_close_at_once_and_each_hears_the_other),
        cmocka_unit_test(a_channel_closed_while_it_opens_closes_with_its_reason),
        cmocka_unit_test(a_reason_is_cut_at_a_whole_character),
        cmocka_unit_test(the_connection_closes_with_a_reason_and_without_losing_its_tail),
        cmocka_unit_test(the_end_of_the_connection_closes_its_channels_first),
        cmocka_unit_test(closing_the_main_channel_ends_the_connection),
        cmocka_unit_test(ids_come_back_ten_thousand_times_without_growth),
        cmocka_unit_test(a_stale_handle_is_gone_though_its_id_lives_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
