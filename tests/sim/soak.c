/* SPDX-License-Identifier: MIT */
#include "sim/soak.h"

#include <stdlib.h>
#include <string.h>

#define SLICE    (100 * WRD_MILLISECOND) /* guests look at the clock that often */
#define PATIENCE (60 * WRD_SECOND)       /* for the last echoes, and to be let in */
#define SILENCE  (70 * WRD_SECOND)       /* enough for both sides to notice */

enum { HEAD = 8, SIZE_MAX_SMALL = 1200, SIZE_MAX_LARGE = 60000 };

static void blame(struct guest *guest, const char *what)
{
    struct soak *soak = guest->soak;
    if (soak->wrong)
        return;
    soak->wrong = what;
    soak->wrong_guest = guest->number;
    soak->wrong_reason = guest->reason;
}

static wrd_time within(struct world *world, wrd_time least, wrd_time most)
{
    return least + world_below(world, most - least);
}

/* ---- the server: everything comes back where it came from */

static void echo_waiting(struct world *world, struct node *node, wrd_conn conn)
{
    wrd_message message;
    while (wrd_conn_receive(node->endpoint, world->now, conn, &message) == WRD_OK) {
        if (wrd_channel_send(node->endpoint, world->now, conn, message.channel, message.kind, message.data,
                             message.len) == WRD_AGAIN)
            return; /* the WRITABLE event comes back here */
        wrd_conn_release(node->endpoint, world->now, conn);
    }
}

static void server_turn(struct world *world, struct node *node)
{
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event))
        if (event.kind == WRD_EVENT_READABLE || event.kind == WRD_EVENT_WRITABLE)
            echo_waiting(world, node, event.conn);
}

/* ---- what a guest says and hears */

static size_t message_of(const struct guest *guest, unsigned line, uint32_t index, uint8_t *bytes)
{
    struct world source = {.random = (uint64_t)guest->number << 48 | (uint64_t)guest->life << 32 | line << 24 | index};
    size_t most = world_below(&source, 50) == 0 ? SIZE_MAX_LARGE : SIZE_MAX_SMALL;
    size_t len = HEAD + (size_t)world_below(&source, most);
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        if (i % 64 == 0)
            word = world_random(&source);
        bytes[i] = (uint8_t)(word >> (i % 8 * 8));
    }
    memcpy(bytes, &index, sizeof index);
    bytes[4] = guest->number;
    bytes[5] = (uint8_t)guest->life;
    bytes[6] = (uint8_t)(guest->life >> 8);
    bytes[7] = (uint8_t)line;
    return len;
}

static void open_lines(struct guest *guest)
{
    struct node *node = guest->node;
    for (unsigned i = SOAK_ORDERED; i < SOAK_CHANNELS; i++) {
        wrd_channel_options options;
        wrd_channel_options_init(&options);
        options.unordered = i == SOAK_UNORDERED;
        options.limit_retransmits = i == SOAK_LIMITED;
        if (wrd_channel_open(node->endpoint, guest->soak->world.now, guest->conn, &guest->lines[i].handle, &options,
                             NULL) != WRD_OK)
            blame(guest, "a channel does not open");
    }
}

static void say(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    unsigned i = (unsigned)world_below(world, SOAK_CHANNELS);
    struct soak_line *line = &guest->lines[i];
    uint8_t *bytes = world_scratch(world, SIZE_MAX_LARGE + HEAD);
    if (line->sent == SOAK_MESSAGES_MAX)
        return;
    size_t len = message_of(guest, i, line->sent, bytes);
    wrd_result result =
        wrd_channel_send(guest->node->endpoint, world->now, guest->conn, line->handle, WRD_BINARY, bytes, len);
    if (result == WRD_OK)
        line->sent++;
    else if (result != WRD_AGAIN)
        blame(guest, "a message is not taken");
}

static void check(struct guest *guest, const wrd_message *message)
{
    struct world *world = &guest->soak->world;
    unsigned i = 0;
    uint32_t index;
    while (i < SOAK_CHANNELS && guest->lines[i].handle != message->channel)
        i++;
    if (i == SOAK_CHANNELS || message->len < HEAD) {
        blame(guest, "something that nobody sent");
        return;
    }
    struct soak_line *line = &guest->lines[i];
    memcpy(&index, message->data, sizeof index);
    uint8_t *expected = world_scratch(world, SIZE_MAX_LARGE + HEAD);
    if (index >= line->sent || message_of(guest, i, index, expected) != message->len ||
        memcmp(expected, message->data, message->len) != 0) {
        blame(guest, "a message comes back changed, or is another's");
        return;
    }
    if (line->seen[index / 8] >> index % 8 & 1)
        blame(guest, "a message comes back twice");
    if ((i != SOAK_UNORDERED && index < line->next) || (i < SOAK_UNORDERED && index > line->next))
        blame(guest, "a message comes back out of order, or one is missing");
    line->seen[index / 8] |= (uint8_t)(1u << index % 8);
    line->next = index + 1;
    line->heard++;
    guest->soak->messages++;
}

static bool heard_all(const struct guest *guest)
{
    for (unsigned i = 0; i < SOAK_LIMITED; i++)
        if (guest->lines[i].heard != guest->lines[i].sent)
            return false;
    return true;
}

/* ---- its life */

static void go_away(struct guest *guest, wrd_time until)
{
    guest->state = SOAK_AWAY;
    guest->next_at = until;
    guest->conn = 0;
    guest->told = false;
    guest->reason = WRD_OK;
    memset(guest->lines, 0, sizeof guest->lines);
    guest->life++;
}

static void come(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    wrd_address to = world_address(guest->soak->server);
    if (wrd_endpoint_dial(guest->node->endpoint, world->now, &guest->conn, &to) != WRD_OK) {
        blame(guest, "a dial fails");
        return;
    }
    guest->soak->lives++;
    guest->state = SOAK_DIALING;
    guest->next_at = world->now + PATIENCE;
    guest->leave_at = within(world, world->now + 5 * WRD_SECOND, world->now + 240 * WRD_SECOND);
}

static void leave(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    if (guest->soak->vanishes && world_below(world, 4) == 0) {
        guest->state = SOAK_SILENT; /* in the middle of whatever it had to say */
        guest->node->silent = true;
        guest->next_at = world->now + SILENCE;
        return;
    }
    guest->state = SOAK_WAITING;
    guest->next_at = world->now + PATIENCE;
}

static void move(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    wrd_addr to = guest->node->addr;
    to.port = (uint16_t)(1024 + world_below(world, 60000));
    to.ip[1] = (uint8_t)world_below(world, 200);
    world_rebind(world, guest->node, 1, &to);
    guest->soak->moved++;
}

static void talk(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    if (world->now >= guest->next_at) {
        say(guest);
        guest->next_at = within(world, world->now + 50 * WRD_MILLISECOND, world->now + 2 * WRD_SECOND);
        if (guest->soak->moves && world_below(world, 100) == 0)
            move(guest);
    }
    if (world->now >= guest->leave_at || guest->soak->quiet)
        leave(guest);
}

static void ended(struct guest *guest)
{
    struct soak *soak = guest->soak;
    wrd_time until = within(&soak->world, soak->world.now, soak->world.now + 30 * WRD_SECOND);
    if (guest->state == SOAK_LEAVING && guest->reason == WRD_OK)
        soak->finished++;
    else if (guest->state != SOAK_SILENT)
        blame(guest, guest->state == SOAK_DIALING ? "it does not get in" : "its connection ends by itself");
    if (guest->state != SOAK_SILENT) {
        go_away(guest, until);
        return;
    }
    if (soak->world.now < guest->next_at)
        return; /* it noticed; the server may not have */
    soak->vanished++;
    guest->node->silent = false;
    go_away(guest, until);
}

/* What time brings. */
static void live(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    switch (guest->state) {
    case SOAK_AWAY:
        if (world->now >= guest->next_at && !guest->soak->quiet)
            come(guest);
        break;
    case SOAK_TALKING: talk(guest); break;
    case SOAK_WAITING:
        if (heard_all(guest)) {
            guest->state = SOAK_LEAVING;
            guest->next_at = world->now + PATIENCE;
            wrd_conn_close(guest->node->endpoint, world->now, guest->conn);
        } else if (world->now >= guest->next_at) {
            blame(guest, "an echo is missing");
        }
        break;
    case SOAK_DIALING:
    case SOAK_LEAVING:
        if (world->now >= guest->next_at)
            blame(guest, "it takes too long to come or to leave");
        break;
    case SOAK_SILENT:
        if (world->now >= guest->next_at && !guest->told)
            blame(guest, "it does not notice that nobody is there");
        break;
    }
    if (guest->told)
        ended(guest);
}

static void hear(struct guest *guest)
{
    struct world *world = &guest->soak->world;
    wrd_message message;
    while (wrd_conn_receive(guest->node->endpoint, world->now, guest->conn, &message) == WRD_OK) {
        check(guest, &message);
        wrd_conn_release(guest->node->endpoint, world->now, guest->conn);
    }
}

static void guest_turn(struct world *world, struct node *node)
{
    struct guest *guest = node->app;
    wrd_event event;
    if (guest->soak->wrong)
        return;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN && guest->state == SOAK_DIALING) {
            guest->state = SOAK_TALKING;
            guest->next_at = world->now;
            open_lines(guest);
        }
        if (event.kind == WRD_EVENT_READABLE)
            hear(guest);
        if (event.kind == WRD_EVENT_CLOSED) {
            guest->told = true;
            guest->reason = event.reason;
        }
    }
    live(guest);
}

/* ---- the whole */

static struct link_options wild_link(struct world *world)
{
    struct link_options link = {.delay_us = within(world, WRD_MILLISECOND, 100 * WRD_MILLISECOND)};
    link.loss = (double)world_below(world, 30) / 1000;
    link.duplicate = (double)world_below(world, 10) / 1000;
    link.jitter_us = world_below(world, 10 * WRD_MILLISECOND);
    return link;
}

void soak_start(struct soak *soak, uint64_t seed, unsigned guests)
{
    static const struct link_options near = {.delay_us = WRD_MILLISECOND, .loss = 0.005};
    wrd_endpoint_options options;
    world_init(&soak->world, seed);
    world_server_options(&options, &soak->key);
    options.accept_channels = SOAK_CHANNELS;
    options.handshake_timeout = PATIENCE;
    soak->server = world_add(&soak->world, &options, &near, server_turn, NULL);
    wrd_endpoint_options_init(&options);
    options.handshake_timeout = PATIENCE;
    soak->count = guests;
    for (unsigned i = 0; i < guests; i++) {
        struct guest *guest = &soak->guests[i];
        struct link_options link = wild_link(&soak->world);
        guest->soak = soak;
        guest->number = (uint8_t)i;
        guest->node = world_add(&soak->world, &options, &link, guest_turn, guest);
        if (!soak->server || !guest->node)
            abort();
    }
}

void soak_run(struct soak *soak, wrd_time time)
{
    wrd_time until = soak->world.now + time;
    while (!soak->wrong && soak->world.now < until)
        world_run(&soak->world, soak->world.now + SLICE, NULL);
}

static bool is_empty(const struct soak *soak)
{
    for (unsigned i = 0; i < soak->count; i++)
        if (soak->guests[i].state != SOAK_AWAY)
            return false;
    return soak_counters(soak).connections == 0;
}

bool soak_empty(struct soak *soak, wrd_time patience)
{
    wrd_time until = soak->world.now + patience;
    soak->quiet = true;
    while (!soak->wrong && soak->world.now < until && !is_empty(soak))
        soak_run(soak, WRD_SECOND);
    soak->quiet = false;
    return is_empty(soak);
}

wrd_endpoint_counters soak_counters(const struct soak *soak)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(soak->server->endpoint, &c);
    return c;
}
