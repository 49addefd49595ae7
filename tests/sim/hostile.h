/* SPDX-License-Identifier: MIT */
/*
 * A peer that shakes hands like any other, and from then on says what it likes under the keys of its connection. It
 * hears nothing any more, or heartbeats at most.
 */
#ifndef WRD_TESTS_HOSTILE_H
#define WRD_TESTS_HOSTILE_H

#include "endpoint/connection.h"
#include "sim/world.h"

struct hostile {
    struct world *world;
    struct node *node, *server;
    wrd_endpoint *endpoint; /* taken from the node, so that it says nothing by itself */
    struct wrd_connection *connection;
    uint32_t tag, tsn;
    bool open, interleaving;
    wrd_conn conn;
};

/* Dials from a node of its own; true once it is open and turned hostile. `options` may be NULL. */
bool hostile_connect(struct hostile *hostile, struct world *world, struct node *server,
                     const wrd_endpoint_options *options, const struct link_options *link);
/* One fragment (flags of DATA) of message `number` on `stream`, piece `index` of it; takes the next TSN. `bytes` may be
 * NULL: zeros. */
void hostile_fragment(struct hostile *hostile, uint16_t stream, uint32_t number, uint32_t index, uint8_t flags,
                      const uint8_t *bytes, size_t len);
/* One datagram of `crumbs` chunks, a byte each: of one message from piece `index` on, or with flags of whole messages
 * those from `number` on. */
void hostile_crumbs(struct hostile *hostile, uint16_t stream, uint32_t number, uint32_t index, uint8_t flags,
                    unsigned crumbs);
/* Leaves out TSNs. */
void hostile_skip(struct hostile *hostile, uint32_t count);
/* A SACK of what had come when it turned, and a window: 0 makes the server probe, and wait. */
void hostile_sack(struct hostile *hostile, uint32_t window);
/* The same, as if `count` chunks more had been taken. */
void hostile_take(struct hostile *hostile, uint32_t count, uint32_t window);
/* A whole message that a server of frames echoes: a kilobyte that does not compress. */
void hostile_frame(struct hostile *hostile, uint32_t number);
/* A new check of the connection, under its ufrag; the length. */
size_t hostile_check(struct hostile *hostile, uint8_t out[WRD_DATAGRAM_MAX]);
/* A SACK of whatever the server sent, arrived or not, with a large window; as if from `from`. Its length. */
size_t hostile_sack_all(struct hostile *hostile, const wrd_addr *from);
/* It answers heartbeats from now on, without which nobody is sent anything for long. */
void hostile_answer(struct hostile *hostile);
/* Before world_free(). */
void hostile_end(struct hostile *hostile);

#endif
