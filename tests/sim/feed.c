/* SPDX-License-Identifier: MIT */
#include "sim/feed.h"

#include <string.h>

#include "endpoint/inside.h"

static const struct link_options near = {.delay_us = WRD_MILLISECOND};

void feed_turn(struct world *world, struct node *node)
{
    static const uint8_t bytes[FEED_MESSAGE_MAX];
    struct feed *feed = node->app;
    wrd_event event;
    while (wrd_endpoint_next(node->endpoint, &event)) {
        if (event.kind == WRD_EVENT_OPEN)
            feed->conn = event.conn;
        if (event.kind != WRD_EVENT_CLOSED)
            continue;
        feed->conn = 0;
        feed->closed++;
        feed->closed_at = world->now;
        feed->reason = event.reason;
        feed->text = event.text;
    }
    while (feed->conn && feed->size > 0 && wrd_conn_buffered(node->endpoint, feed->conn) < feed->ahead &&
           wrd_conn_send(node->endpoint, world->now, feed->conn, WRD_BINARY, bytes, feed->size) == WRD_OK)
        continue;
}

void feed_init(struct feed *feed, wrd_endpoint_options *server)
{
    memset(feed, 0, sizeof *feed);
    feed->ahead = SIZE_MAX;
    world_init(&feed->world, 71);
    world_server_options(server, &feed->key);
    server->mode = WRD_RAW;
}

bool feed_connect(struct feed *feed, const wrd_endpoint_options *server)
{
    wrd_endpoint_options client;
    wrd_endpoint_options_init(&client);
    client.mode = WRD_RAW;
    feed->server = world_add(&feed->world, server, &near, feed_turn, feed);
    return feed->server && hostile_connect(&feed->peer, &feed->world, feed->server, &client, &near) && feed->conn != 0;
}

struct wrd_connection *feed_connection(const struct feed *feed)
{
    return wrd_table_find(&feed->server->endpoint->table, feed->conn);
}

bool feed_end(struct feed *feed)
{
    hostile_end(&feed->peer);
    world_free(&feed->world);
    return feed->world.allocations.bytes == 0;
}
