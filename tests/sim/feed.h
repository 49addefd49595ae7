/* SPDX-License-Identifier: MIT */
/* A server that sends to a hostile peer, and what becomes of their connection. Not framed. */
#ifndef WRD_TESTS_FEED_H
#define WRD_TESTS_FEED_H

#include "sim/hostile.h"

#define FEED_MESSAGE_MAX 1000

struct feed {
    struct world world;
    wrd_key key;
    struct node *server;
    struct hostile peer;
    wrd_conn conn; /* 0: none, or no longer */
    size_t size;   /* of each message, up to FEED_MESSAGE_MAX; 0: sends none */
    size_t ahead;  /* sends while less than this is buffered, and there is room */
    unsigned closed;
    wrd_time closed_at;
    wrd_result reason;
    const char *text;
};

/* The server's options may be changed between these two, and what it sends at any time. The peer answers no heartbeats
 * unless it is told to. */
void feed_init(struct feed *feed, wrd_endpoint_options *server);
bool feed_connect(struct feed *feed, const wrd_endpoint_options *server);
/* The server takes events and sends; it does so by itself while the world runs. */
void feed_turn(struct world *world, struct node *node);
/* The server's end; NULL: gone. */
struct wrd_connection *feed_connection(const struct feed *feed);
/* Frees everything; true when nothing is left. */
bool feed_end(struct feed *feed);

#endif
