/* SPDX-License-Identifier: MIT */
#include "sim/party.h"

#include <string.h>

static void note_event(struct party *party, const wrd_event *event)
{
    struct party_event *noted = &party->events[party->event_count++ % PARTY_LOG];
    *noted = (struct party_event){.kind = event->kind,
                                  .channel = event->channel,
                                  .reason = event->reason,
                                  .code = event->code,
                                  .at = party->world->now,
                                  .messages = party->message_count};
    memcpy(noted->said, event->said, strlen(event->said) + 1);
    if (event->kind == WRD_EVENT_OPEN) {
        party->conn = event->conn;
        party->open = true;
    }
    if (event->kind == WRD_EVENT_CLOSED)
        party->closed = true;
    if (party->told)
        party->told(party, noted);
}

static void note_message(struct party *party, const wrd_message *message)
{
    struct party_message *noted = &party->messages[party->message_count++ % PARTY_LOG];
    *noted = (struct party_message){
        .channel = message->channel, .kind = message->kind, .len = message->len, .at = party->world->now};
    memcpy(noted->head, message->data, message->len < PARTY_HEAD ? message->len : PARTY_HEAD);
    if (party->heard)
        party->heard(party, noted);
}

static void receive_all(struct party *party)
{
    wrd_message message;
    wrd_endpoint *endpoint = party->node->endpoint;
    while (!party->deaf && wrd_conn_receive(endpoint, party->world->now, party->conn, &message) == WRD_OK) {
        if (party->echoes && message.channel != WRD_CHANNEL_MAIN &&
            wrd_channel_send(endpoint, party->world->now, party->conn, message.channel, message.kind, message.data,
                             message.len) == WRD_AGAIN)
            return;
        note_message(party, &message);
        wrd_conn_release(endpoint, party->world->now, party->conn);
    }
}

void party_turn(struct world *world, struct node *node)
{
    struct party *party = node->app;
    wrd_event event;
    (void)world;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        note_event(party, &event);
        if (event.kind == WRD_EVENT_READABLE || event.kind == WRD_EVENT_WRITABLE)
            receive_all(party);
    }
    receive_all(party); /* one that was deaf */
}

void pair_init(struct pair *pair, uint64_t seed, wrd_endpoint_options *server, wrd_endpoint_options *client)
{
    memset(pair, 0, sizeof *pair);
    world_init(&pair->world, seed);
    world_server_options(server, &pair->key);
    wrd_endpoint_options_init(client);
    server->accept_channels = client->accept_channels = 1000;
    pair->server.world = pair->client.world = &pair->world;
}

bool pair_connect(struct pair *pair, const wrd_endpoint_options *server, const wrd_endpoint_options *client,
                  const struct link_options *link)
{
    static const struct link_options clean = {.delay_us = 5 * WRD_MILLISECOND};
    pair->server.node = world_add(&pair->world, server, &clean, party_turn, &pair->server);
    pair->client.node = world_add(&pair->world, client, &clean, party_turn, &pair->client);
    if (!pair->server.node || !pair->client.node)
        return false;
    wrd_address address = world_address(pair->server.node);
    if (wrd_endpoint_dial(pair->client.node->endpoint, pair->world.now, &pair->client.conn, &address) != WRD_OK)
        return false;
    for (unsigned i = 0; i < 200 && !(pair->client.open && pair->server.open); i++)
        pair_run(pair, 50 * WRD_MILLISECOND);
    pair->server.node->out = pair->client.node->out = *link;
    return pair->client.open && pair->server.open;
}

void pair_run(struct pair *pair, wrd_time time)
{
    world_run(&pair->world, pair->world.now + time, NULL);
}

bool pair_end(struct pair *pair)
{
    world_free(&pair->world);
    return pair->world.allocations.bytes == 0;
}

wrd_result party_open(struct party *party, wrd_channel *out, const wrd_channel_options *options)
{
    return wrd_channel_open(party->node->endpoint, party->world->now, party->conn, out, options, NULL);
}

wrd_result party_say(struct party *party, wrd_channel channel, const void *bytes, size_t len)
{
    return wrd_channel_send(party->node->endpoint, party->world->now, party->conn, channel, WRD_BINARY, bytes, len);
}

void party_close(struct party *party, wrd_channel channel, uint32_t code, const char *reason)
{
    wrd_channel_close(party->node->endpoint, party->world->now, party->conn, channel, code, reason);
}

wrd_channel_info party_info(const struct party *party, wrd_channel channel)
{
    wrd_channel_info info = {.size = sizeof info};
    if (wrd_channel_get_info(party->node->endpoint, party->conn, channel, &info) != WRD_OK)
        info.size = 0;
    return info;
}

static bool matches(const struct party_event *event, wrd_event_kind kind, wrd_channel channel)
{
    return event->kind == kind && (channel == WRD_CHANNEL_MAIN || event->channel == channel);
}

const struct party_event *party_find(const struct party *party, wrd_event_kind kind, wrd_channel channel)
{
    uint64_t kept = party->event_count < PARTY_LOG ? party->event_count : PARTY_LOG;
    for (uint64_t i = 1; i <= kept; i++) {
        const struct party_event *event = &party->events[(party->event_count - i) % PARTY_LOG];
        if (matches(event, kind, channel))
            return event;
    }
    return NULL;
}

unsigned party_count(const struct party *party, wrd_event_kind kind, wrd_channel channel)
{
    unsigned count = 0;
    uint64_t kept = party->event_count < PARTY_LOG ? party->event_count : PARTY_LOG;
    for (uint64_t i = 0; i < kept; i++)
        count += matches(&party->events[i], kind, channel);
    return count;
}
