/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ceiling.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PEERS_MAX 4096 /* slots; a power of two */

struct peer {
    struct sockaddr_in address;
    struct records records;
    unsigned unacknowledged, in_flight;
};

struct server {
    enum task task;
    struct flow flow;
    struct peer peers[PEERS_MAX];
    struct peer *bulk; /* whom TASK_SEND sends to */
    unsigned window;
};

static struct peer *peer_at(struct server *server, const struct sockaddr_in *from)
{
    uint32_t hash = (from->sin_addr.s_addr ^ (uint32_t)from->sin_port * 0x9e3779b1u) * 0x85ebca6bu;
    for (uint32_t i = hash >> 20;; i++) {
        struct peer *peer = &server->peers[i % PEERS_MAX];
        if (peer->address.sin_port == from->sin_port && peer->address.sin_addr.s_addr == from->sin_addr.s_addr)
            return peer;
        if (!peer->address.sin_port) {
            peer->address = *from;
            records_open(&peer->records);
            return peer;
        }
    }
}

static void send_sack(struct server *server, struct peer *peer)
{
    uint8_t *out = flow_room(&server->flow);
    memset(out + RECORD_HEAD, 0, SACK_PACKET);
    flow_queue(&server->flow, &peer->address, records_seal(&peer->records, out, SACK_PACKET));
}

/* Message by message, as an application that gets each and sends it back. */
static void echo(struct server *server, struct peer *peer, const uint8_t *packet, size_t len)
{
    uint8_t *out = flow_room(&server->flow);
    size_t head = PACKET_HEAD + 16; /* and a SACK */
    memcpy(out + RECORD_HEAD, packet, head);
    for (size_t at = head; at + CHUNK_HEAD + MESSAGE <= len; at += CHUNK_HEAD + MESSAGE) {
        uint8_t message[MESSAGE];
        memcpy(message, packet + at + CHUNK_HEAD, sizeof message);
        memcpy(out + RECORD_HEAD + at, packet + at, CHUNK_HEAD);
        memcpy(out + RECORD_HEAD + at + CHUNK_HEAD, message, sizeof message);
    }
    flow_queue(&server->flow, &peer->address, records_seal(&peer->records, out, len));
}

/* Without any crypto: what is left is what waking up costs. */
static void answer_check(struct server *server, const struct sockaddr_in *from, const uint8_t *check)
{
    memcpy(flow_room(&server->flow), check, CHECK);
    flow_queue(&server->flow, from, CHECK);
}

static void take(void *user, const struct sockaddr_in *from, uint8_t *datagram, size_t len)
{
    struct server *server = user;
    struct peer *peer = peer_at(server, from);
    if (server->task == TASK_IDLE) {
        answer_check(server, from, datagram);
        return;
    }
    size_t inside = records_open_one(&peer->records, datagram, len);
    if (!inside)
        return;
    if (server->task == TASK_ECHO) {
        echo(server, peer, datagram + RECORD_HEAD, inside);
    } else if (server->task == TASK_RECEIVE) {
        if (++peer->unacknowledged == ACK_EVERY) {
            peer->unacknowledged = 0;
            send_sack(server, peer);
        }
    } else {
        server->bulk = peer;
        peer->in_flight -= peer->in_flight < ACK_EVERY ? peer->in_flight : ACK_EVERY;
    }
}

/* The application's bytes are copied once, as a library that takes them copies them. */
static void send_bulk(struct server *server)
{
    static const uint8_t bytes[BULK_BYTES];
    struct peer *peer = server->bulk;
    while (peer->in_flight + RUN <= server->window) {
        for (int i = 0; i < RUN; i++) {
            uint8_t *out = flow_room(&server->flow);
            memset(out + RECORD_HEAD, 0, PACKET_HEAD + CHUNK_HEAD);
            memcpy(out + RECORD_HEAD + PACKET_HEAD + CHUNK_HEAD, bytes, sizeof bytes);
            flow_queue(&server->flow, &peer->address, records_seal(&peer->records, out, PACKET_MAX));
        }
        flow_write(&server->flow);
        peer->in_flight += RUN;
    }
}

void serve(enum task task, int ready)
{
    static struct server server;
    struct sockaddr_in address;
    server.task = task;
    flow_listen(&server.flow, &address);
    server.window = flow_window(&server.flow);
    int waiting = epoll_create1(0);
    struct epoll_event event;
    if (waiting < 0)
        give_up("epoll");
    flow_watch(&server.flow, waiting, NULL);
    if (write(ready, &address, sizeof address) != sizeof address)
        give_up("pipe");
    for (;;) {
        if (epoll_wait(waiting, &event, 1, 1000) == 0 && server.bulk)
            server.bulk->in_flight = 0; /* a SACK was lost */
        (void)flow_read(&server.flow, 1, take, &server);
        if (server.bulk)
            send_bulk(&server);
        if (server.flow.queued)
            flow_write(&server.flow);
    }
}
