/* SPDX-License-Identifier: MIT */
#include "sim/talk.h"

#include <string.h>

static const char ready[] = "ready";
static const char reason[] = "that was all";

bool talk_is_limited(const struct talk_plan *plan)
{
    return plan->options.limit_retransmits || plan->options.lifetime > 0;
}

static void blame(struct talker *talker, unsigned channel, const char *what)
{
    if (talker->wrong)
        return;
    talker->wrong = what;
    talker->wrong_at = channel;
}

/* Message `index`, byte for byte. Where nothing can be missing some are empty; the others begin with their index. */
static size_t message_of(const struct talk_plan *plan, uint32_t index, uint8_t *bytes, wrd_kind *kind)
{
    struct world source = {.random = plan->seed * 1000003u + index};
    bool may_be_empty = !plan->options.unordered && !talk_is_limited(plan);
    size_t len = (size_t)world_below(&source, plan->size_max + 1);
    *kind = world_below(&source, 3) == 0 ? WRD_TEXT : WRD_BINARY;
    if (may_be_empty && world_below(&source, 5) == 0)
        return 0;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0)
            word = world_random(&source);
        bytes[i] = (uint8_t)(word >> (i % 8 * 8)) & 0x7f;
    }
    if (len < 2)
        len = 2;
    bytes[0] = (uint8_t)(index & 0x7f);
    bytes[1] = (uint8_t)(index >> 7 & 0x7f);
    return len;
}

/* ---- speaking */

static void open_channels(struct world *world, struct node *node, struct talker *talker)
{
    for (unsigned i = 0; i < talker->count; i++) {
        const struct talk_plan *plan = &talker->plans[i];
        struct talk_channel *channel = &talker->channels[i];
        if (plan->owner != talker->side && !plan->options.negotiated)
            continue;
        wrd_channel_options options = plan->options;
        options.label = plan->label;
        if (wrd_channel_open(node->endpoint, world->now, talker->conn, &channel->handle, &options, NULL) != WRD_OK)
            blame(talker, i, "it does not open");
        channel->known = true;
    }
}

static void speak_on(struct world *world, struct node *node, struct talker *talker, unsigned i)
{
    const struct talk_plan *plan = &talker->plans[i];
    struct talk_channel *channel = &talker->channels[i];
    uint8_t *bytes = world_scratch(world, plan->size_max + 2);
    for (; channel->sent < plan->messages; channel->sent++) {
        wrd_kind kind;
        size_t len = message_of(plan, channel->sent, bytes, &kind);
        wrd_result result =
            wrd_channel_send(node->endpoint, world->now, talker->conn, channel->handle, kind, bytes, len);
        if (result == WRD_AGAIN)
            return;
        if (result != WRD_OK) {
            blame(talker, i, "it does not take a message");
            return;
        }
    }
    channel->closing = true;
    wrd_channel_close(node->endpoint, world->now, talker->conn, channel->handle, TALK_CODE + 1 + i, reason);
}

static void speak(struct world *world, struct node *node, struct talker *talker)
{
    if (!talker->said_ready)
        talker->said_ready =
            wrd_conn_send(node->endpoint, world->now, talker->conn, WRD_BINARY, ready, sizeof ready) == WRD_OK;
    unsigned left = 0;
    for (unsigned i = 0; i < talker->count; i++) {
        const struct talk_plan *plan = &talker->plans[i];
        struct talk_channel *channel = &talker->channels[i];
        left += !channel->closed;
        /* The peer opened its end of a negotiated one before it said that it is ready. */
        if (plan->owner == talker->side && !channel->closing && !channel->closed &&
            (talker->heard_ready || !plan->options.negotiated))
            speak_on(world, node, talker, i);
    }
    if (left == 0 && talker->side == 0 && talker->heard_ready && talker->said_ready)
        wrd_conn_close_with(node->endpoint, world->now, talker->conn, TALK_CODE, reason);
}

/* ---- hearing */

static unsigned find(struct talker *talker, wrd_channel handle)
{
    for (unsigned i = 0; i < talker->count; i++) {
        if (talker->channels[i].known && talker->channels[i].handle == handle)
            return i;
    }
    return TALK_CHANNELS_MAX;
}

static void meet(struct node *node, struct talker *talker, wrd_channel handle)
{
    wrd_channel_info info = {.size = sizeof info};
    if (find(talker, handle) < TALK_CHANNELS_MAX)
        return; /* ours */
    if (wrd_channel_get_info(node->endpoint, talker->conn, handle, &info) != WRD_OK || !info.by_peer) {
        blame(talker, 0, "a channel is told that is not the peer's");
        return;
    }
    for (unsigned i = 0; i < talker->count; i++) {
        const wrd_channel_options *options = &talker->plans[i].options;
        if (strcmp(info.label, talker->plans[i].label) != 0)
            continue;
        if (info.unordered != options->unordered || info.limit_retransmits != options->limit_retransmits ||
            info.max_retransmits != options->max_retransmits || info.lifetime != options->lifetime ||
            talker->plans[i].owner == talker->side || options->negotiated || talker->channels[i].known)
            blame(talker, i, "it arrives as something else");
        talker->channels[i].known = true;
        talker->channels[i].handle = handle;
        return;
    }
    blame(talker, 0, "a channel with an unknown label");
}

static void check_message(struct world *world, struct talker *talker, const wrd_message *message)
{
    if (message->channel == WRD_CHANNEL_MAIN) {
        if (talker->heard_ready || message->len != sizeof ready || memcmp(message->data, ready, sizeof ready) != 0)
            blame(talker, 0, "something else on the main channel");
        talker->heard_ready = true;
        return;
    }
    unsigned i = find(talker, message->channel);
    if (i == TALK_CHANNELS_MAX) {
        blame(talker, 0, "a message of an unknown channel");
        return;
    }
    const struct talk_plan *plan = &talker->plans[i];
    struct talk_channel *channel = &talker->channels[i];
    uint8_t *expected = world_scratch(world, plan->size_max + 2);
    bool exact = !plan->options.unordered && !talk_is_limited(plan);
    uint32_t index = channel->next;
    if (!exact && message->len >= 2)
        index = message->data[0] | (uint32_t)message->data[1] << 7;
    wrd_kind kind;
    size_t len = index < plan->messages ? message_of(plan, index, expected, &kind) : 0;
    if (plan->owner == talker->side || channel->closed || index >= plan->messages)
        blame(talker, i, "a message that nobody sent");
    else if (len != message->len || kind != message->kind || memcmp(expected, message->data, len) != 0)
        blame(talker, i, "a message came changed");
    else if (channel->seen[index] || (!plan->options.unordered && index < channel->next))
        blame(talker, i, "a message came twice or late");
    else
        channel->seen[index] = true;
    channel->next = index + 1;
    channel->heard++;
}

static void check_close(struct talker *talker, const wrd_event *event)
{
    unsigned i = find(talker, event->channel);
    if (i == TALK_CHANNELS_MAX) {
        blame(talker, 0, "an unknown channel closes");
        return;
    }
    const struct talk_plan *plan = &talker->plans[i];
    struct talk_channel *channel = &talker->channels[i];
    if (channel->closed)
        blame(talker, i, "it closes twice");
    channel->closed = true;
    if (plan->owner == talker->side) {
        if (!channel->closing)
            blame(talker, i, "it closes by itself");
        return;
    }
    if (!talk_is_limited(plan) && channel->heard != plan->messages)
        blame(talker, i, "it closes before all was heard");
    if (event->code != TALK_CODE + 1 + i || strcmp(event->said, reason) != 0)
        blame(talker, i, "it closes with another code or reason");
}

static void take_event(struct world *world, struct node *node, struct talker *talker, const wrd_event *event)
{
    switch (event->kind) {
    case WRD_EVENT_OPEN:
        talker->conn = event->conn;
        talker->opened = true;
        open_channels(world, node, talker);
        break;
    case WRD_EVENT_CHANNEL_OPEN: meet(node, talker, event->channel); break;
    case WRD_EVENT_CHANNEL_CLOSED: check_close(talker, event); break;
    case WRD_EVENT_CLOSED:
        talker->done = true;
        talker->reason = event->reason;
        if (talker->side == 1 && (event->code != TALK_CODE || strcmp(event->said, reason) != 0))
            blame(talker, 0, "the connection closes with another code or reason");
        break;
    case WRD_EVENT_READABLE:
    case WRD_EVENT_WRITABLE:
    case WRD_EVENT_CHANNEL_LOW:
    case WRD_EVENT_MOVED: break;
    }
}

static void hear(struct world *world, struct node *node, struct talker *talker)
{
    wrd_message message;
    wrd_event event;
    for (bool any = true; any;) {
        any = false;
        while (wrd_endpoint_next(node->endpoint, &event)) {
            take_event(world, node, talker, &event);
            any = true;
        }
        while (talker->opened && !talker->done && !talker->sleeps &&
               wrd_conn_receive(node->endpoint, world->now, talker->conn, &message) == WRD_OK) {
            check_message(world, talker, &message);
            wrd_conn_release(node->endpoint, world->now, talker->conn);
            any = true;
        }
    }
}

void talk_turn(struct world *world, struct node *node)
{
    struct talker *talker = node->app;
    if (talker->side == 0 && talker->conn == 0 &&
        wrd_endpoint_dial(node->endpoint, world->now, &talker->conn, &talker->to) != WRD_OK) {
        blame(talker, 0, "the dial fails");
        talker->done = true;
        return;
    }
    hear(world, node, talker);
    if (!talker->opened || talker->done)
        return;
    speak(world, node, talker);
    hear(world, node, talker);
}
