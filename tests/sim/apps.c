/* SPDX-License-Identifier: MIT */
#include "sim/apps.h"

#include <stdlib.h>
#include <string.h>

/* ---- the server */

void echo_waiting(struct world *world, struct node *node, struct echo *echo, wrd_conn conn)
{
    wrd_message message;
    while (wrd_conn_receive(node->endpoint, world->now, conn, &message) == WRD_OK) {
        echo->taken++;
        wrd_result result = wrd_conn_send(node->endpoint, world->now, conn, message.kind, message.data, message.len);
        if (result == WRD_AGAIN)
            return; /* the WRITABLE event comes back here */
        if (result != WRD_OK) {
            wrd_conn_close(node->endpoint, world->now, conn);
            return;
        }
        wrd_conn_release(node->endpoint, world->now, conn);
        echo->messages++;
    }
}

void echo_turn(struct world *world, struct node *node)
{
    struct echo *echo = node->app;
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN)
            echo->opened++;
        if (event.kind == WRD_EVENT_CLOSED) {
            echo->closed++;
            echo->last_reason = event.reason;
        }
        if (event.kind == WRD_EVENT_READABLE || event.kind == WRD_EVENT_WRITABLE)
            echo_waiting(world, node, echo, event.conn);
    }
}

/* ---- the caller */

/* Message `index` of the caller, byte for byte; `bytes` NULL: only its length. */
static size_t message_of(const struct caller *caller, unsigned index, uint8_t *bytes)
{
    struct world source = {.random = caller->seed * 1000003u + index};
    size_t len = caller->fixed_size ? caller->size_max : (size_t)world_below(&source, caller->size_max + 1);
    uint64_t word = 0;
    for (size_t i = 0; bytes && i < len; i++) {
        if (i % 8 == 0)
            word = i % 256 < 128 ? world_random(&source) : 0; /* half of it compresses */
        bytes[i] = (uint8_t)(word >> (i % 8 * 8));
    }
    return len;
}

static void finish(struct caller *caller)
{
    if (caller->done)
        return;
    caller->done = true;
    if (caller->left && --*caller->left == 0)
        *caller->all_done = true;
}

static void send_more(struct world *world, struct node *node, struct caller *caller)
{
    if (caller->blocked || caller->sent == caller->messages ||
        (caller->stay_quiet_before_reply && caller->echoed < caller->sent))
        return;
    uint8_t *bytes = world_scratch(world, caller->size_max + 1);
    while (caller->sent < caller->messages) {
        size_t len = message_of(caller, caller->sent, bytes);
        wrd_result result = wrd_conn_send(node->endpoint, world->now, caller->conn, WRD_BINARY, bytes, len);
        caller->blocked = result == WRD_AGAIN; /* the WRITABLE event says when */
        if (result != WRD_OK && result != WRD_AGAIN)
            wrd_conn_close(node->endpoint, world->now, caller->conn);
        if (result != WRD_OK)
            break;
        caller->sent++;
        if (caller->stay_quiet_before_reply)
            break;
    }
}

static void check_echoes(struct world *world, struct node *node, struct caller *caller)
{
    wrd_message message;
    uint8_t *expected = world_scratch(world, caller->size_max + 1);
    while (wrd_conn_receive(node->endpoint, world->now, caller->conn, &message) == WRD_OK) {
        size_t len = message_of(caller, caller->echoed, expected);
        if (caller->echoed >= caller->sent || message.len != len || memcmp(message.data, expected, len) != 0)
            caller->corrupt = true;
        caller->echoed++;
        caller->echoed_at = world->now;
        wrd_conn_release(node->endpoint, world->now, caller->conn);
    }
}

void caller_turn(struct world *world, struct node *node)
{
    struct caller *caller = node->app;
    if (caller->conn == 0 && wrd_endpoint_dial_with(node->endpoint, world->now, &caller->conn, &caller->to,
                                                    caller->token) != WRD_OK) {
        caller->reason = WRD_NO_MEMORY;
        caller->closed = true;
        caller->conn = UINT64_MAX;
        finish(caller);
        return;
    }
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN) {
            caller->opened = true;
            caller->opened_at = world->now;
        }
        if (event.kind == WRD_EVENT_WRITABLE)
            caller->blocked = false;
        if (event.kind == WRD_EVENT_CLOSED) {
            caller->closed = true;
            caller->reason = event.reason;
            caller->text = event.text;
        }
    }
    if (caller->opened && !caller->closed) {
        check_echoes(world, node, caller);
        send_more(world, node, caller);
        if (caller->echoed == caller->messages && caller->close_after)
            wrd_conn_close(node->endpoint, world->now, caller->conn);
    }
    if (caller->closed || (caller->echoed == caller->messages && caller->opened && !caller->close_after))
        finish(caller);
}

bool caller_succeeded(const struct caller *caller)
{
    return caller->opened && !caller->corrupt && caller->echoed == caller->messages &&
           (!caller->close_after || (caller->closed && caller->reason == WRD_OK));
}
