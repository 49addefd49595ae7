/* SPDX-License-Identifier: MIT */
/* Queues of connections, first in first out; a connection is at most once in each, and leaves from anywhere in one
 * step. */
#ifndef WRD_ENDPOINT_QUEUE_H
#define WRD_ENDPOINT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct wrd_connection;

enum wrd_queue_name {
    WRD_QUEUE_OUTPUT,     /* may have datagrams to transmit */
    WRD_QUEUE_EVENTS,     /* have events for the application */
    WRD_QUEUE_HANDSHAKES, /* accepted, but their address has not proved itself; the oldest gives way */
    WRD_QUEUES
};

/* A connection's place in one queue. */
struct wrd_queue_link {
    struct wrd_connection *before, *after;
    bool in;
};

struct wrd_queue {
    enum wrd_queue_name name;
    struct wrd_connection *first, *last;
    uint32_t count;
};

/* Each does nothing when `c` is in already, or is not. */
void wrd_queue_push(struct wrd_queue *queue, struct wrd_connection *c);
void wrd_queue_remove(struct wrd_queue *queue, struct wrd_connection *c);
struct wrd_connection *wrd_queue_after(const struct wrd_queue *queue, const struct wrd_connection *c);

#endif
