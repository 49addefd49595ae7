/* SPDX-License-Identifier: MIT */
#include "sim/hostile.h"

#include <string.h>

#include "endpoint/inside.h"
#include "sctp/assoc.h"

static void watch(struct world *world, struct node *node)
{
    struct hostile *hostile = node->app;
    wrd_event event;
    (void)world;
    while (wrd_endpoint_next(node->endpoint, &event))
        hostile->open = hostile->open || event.kind == WRD_EVENT_OPEN;
}

static void ignore(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    (void)world;
    (void)node;
    (void)from;
    (void)bytes;
    (void)len;
}

bool hostile_connect(struct hostile *hostile, struct world *world, struct node *server,
                     const wrd_endpoint_options *options, const struct link_options *link)
{
    wrd_endpoint_options defaults;
    wrd_address to = world_address(server);
    wrd_endpoint_options_init(&defaults);
    *hostile = (struct hostile){.world = world, .server = server};
    hostile->node = world_add(world, options ? options : &defaults, link, watch, hostile);
    if (!hostile->node || wrd_endpoint_dial(hostile->node->endpoint, world->now, &hostile->conn, &to) != WRD_OK)
        return false;
    world_run(world, world->now + 10 * WRD_SECOND, &hostile->open);
    world_run(world, world->now + 200 * WRD_MILLISECOND, NULL); /* until both sides are at rest */
    if (!hostile->open)
        return false;
    hostile->endpoint = hostile->node->endpoint;
    hostile->connection = wrd_endpoint_find(hostile->endpoint, world->now, hostile->conn);
    hostile->node->endpoint = NULL;
    hostile->node->hear = ignore;
    const struct wrd_sctp *sctp = hostile->connection->sctp;
    hostile->tag = sctp->peer_tag;
    hostile->tsn = sctp->flight.next.v;
    hostile->interleaving = sctp->interleaving;
    return true;
}

struct fragment {
    uint16_t stream;
    uint32_t number, index;
    uint8_t flags;
    const uint8_t *bytes;
    size_t len;
};

void hostile_end(struct hostile *hostile)
{
    if (hostile->endpoint)
        hostile->node->endpoint = hostile->endpoint; /* world_free() frees it */
    hostile->endpoint = NULL;
}

static size_t seal(struct hostile *hostile, struct wrd_writer *wr, uint8_t out[WRD_DATAGRAM_MAX])
{
    wrd_sctp_packet_end(wr, wrd_crc32c_by_table);
    return wrd_dtls_seal(hostile->connection->dtls, wr->start, wr->len, out, WRD_DATAGRAM_MAX);
}

static void speak(struct hostile *hostile, struct wrd_writer *wr)
{
    uint8_t sealed[WRD_DATAGRAM_MAX];
    size_t len = seal(hostile, wr, sealed);
    world_speak(hostile->world, hostile->node, &hostile->server->addr, sealed, len);
}

static void write_fragment(struct hostile *hostile, struct wrd_writer *wr, const struct fragment *fragment)
{
    static const uint8_t zeros[WRD_SCTP_PACKET_MAX];
    bool begins = fragment->flags & WRD_SCTP_BEGIN;
    size_t start = wrd_sctp_chunk_begin(wr, hostile->interleaving ? WRD_SCTP_I_DATA : WRD_SCTP_DATA, fragment->flags);
    wrd_wr32(wr, hostile->tsn++);
    wrd_wr16(wr, fragment->stream);
    wrd_wr16(wr, hostile->interleaving ? 0 : (uint16_t)fragment->number);
    if (hostile->interleaving)
        wrd_wr32(wr, fragment->number);
    wrd_wr32(wr, hostile->interleaving && !begins ? fragment->index : 53); /* 53: binary */
    wrd_wr_bytes(wr, fragment->bytes ? fragment->bytes : zeros, fragment->len);
    wrd_sctp_chunk_end(wr, start);
}

void hostile_fragment(struct hostile *hostile, uint16_t stream, uint32_t number, uint32_t index, uint8_t flags,
                      const uint8_t *bytes, size_t len)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    struct wrd_writer wr = wrd_wr(packet, sizeof packet);
    wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
    write_fragment(hostile, &wr, &(struct fragment){stream, number, index, flags, bytes, len});
    speak(hostile, &wr);
}

void hostile_crumbs(struct hostile *hostile, uint16_t stream, uint32_t number, uint32_t index, uint8_t flags,
                    unsigned crumbs)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    struct wrd_writer wr = wrd_wr(packet, sizeof packet);
    bool whole = flags & WRD_SCTP_BEGIN;
    wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
    for (unsigned i = 0; i < crumbs; i++)
        write_fragment(hostile, &wr, &(struct fragment){stream, number + (whole ? i : 0), index + i, flags, NULL, 1});
    speak(hostile, &wr);
}

void hostile_skip(struct hostile *hostile, uint32_t count)
{
    hostile->tsn += count;
}

static struct wrd_writer write_sack(struct hostile *hostile, uint8_t packet[WRD_SCTP_PACKET_MAX], uint32_t cumulative,
                                    uint32_t window)
{
    struct wrd_writer wr = wrd_wr(packet, WRD_SCTP_PACKET_MAX);
    wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
    size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_SACK, 0);
    wrd_wr32(&wr, cumulative);
    wrd_wr32(&wr, window);
    wrd_wr32(&wr, 0);
    wrd_sctp_chunk_end(&wr, start);
    return wr;
}

void hostile_take(struct hostile *hostile, uint32_t count, uint32_t window)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    uint32_t taken = hostile->connection->sctp->track.cumulative.v + count;
    struct wrd_writer wr = write_sack(hostile, packet, taken, window);
    speak(hostile, &wr);
}

void hostile_sack(struct hostile *hostile, uint32_t window)
{
    hostile_take(hostile, 0, window);
}

/* An attacker counts along; the test looks. */
static uint32_t last_sent(const struct hostile *hostile)
{
    const struct wrd_endpoint *server = hostile->server->endpoint;
    for (uint32_t i = 0; i < server->table.cap; i++) {
        const struct wrd_connection *c = server->table.slots[i].connection;
        if (c && c->sctp && c->sctp->peer_tag == hostile->connection->sctp->local_tag)
            return c->sctp->flight.next.v - 1;
    }
    return hostile->connection->sctp->track.cumulative.v;
}

size_t hostile_sack_all(struct hostile *hostile, const wrd_addr *from)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX], sealed[WRD_DATAGRAM_MAX];
    struct wrd_writer wr = write_sack(hostile, packet, last_sent(hostile), 1 << 24);
    size_t len = seal(hostile, &wr, sealed);
    world_inject(hostile->world, hostile->server, from, sealed, len);
    return len;
}

void hostile_frame(struct hostile *hostile, uint32_t number)
{
    uint8_t message[1000], frame[1100];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)world_random(hostile->world);
    size_t len = wrd_frame_encode(frame, sizeof frame, message, sizeof message);
    hostile_fragment(hostile, 0, number, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, frame, len);
}

static void answer_heartbeats(struct hostile *hostile, const uint8_t *bytes, size_t len)
{
    struct wrd_sctp_packet in;
    struct wrd_sctp_chunk chunk;
    if (!wrd_sctp_packet_read(&in, NULL, bytes, len))
        return;
    while (wrd_sctp_chunk_next(&in.chunks, &chunk)) {
        uint8_t packet[WRD_SCTP_PACKET_MAX];
        struct wrd_writer wr = wrd_wr(packet, sizeof packet);
        if (chunk.type != WRD_SCTP_HEARTBEAT)
            continue;
        wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
        size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_HEARTBEAT_ACK, 0);
        wrd_wr_bytes(&wr, chunk.value.at, chunk.value.left);
        wrd_sctp_chunk_end(&wr, start);
        speak(hostile, &wr);
    }
}

static void answer(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    struct hostile *hostile = node->app;
    struct wrd_dtls *dtls = hostile->connection->dtls;
    uint8_t packet[WRD_DATAGRAM_MAX];
    (void)from;
    if (!wrd_dtls_is(bytes, len))
        return;
    wrd_dtls_receive(dtls, world->now, bytes, len);
    while ((len = wrd_dtls_next(dtls, world->now, packet, sizeof packet)) > 0)
        answer_heartbeats(hostile, packet, len);
}

void hostile_answer(struct hostile *hostile)
{
    hostile->node->hear = answer;
}

size_t hostile_check(struct hostile *hostile, uint8_t out[WRD_DATAGRAM_MAX])
{
    struct wrd_ice_check *check = hostile->connection->check;
    check->due = true;
    return wrd_ice_check_transmit(check, hostile->world->now, &hostile->node->env, out, WRD_DATAGRAM_MAX);
}
