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

void hostile_end(struct hostile *hostile)
{
    if (hostile->endpoint)
        hostile->node->endpoint = hostile->endpoint; /* world_free() frees it */
    hostile->endpoint = NULL;
}

static void speak(struct hostile *hostile, struct wrd_writer *wr)
{
    uint8_t sealed[WRD_DATAGRAM_MAX];
    wrd_sctp_packet_end(wr, wrd_crc32c_by_table);
    size_t len = wrd_dtls_seal(hostile->connection->dtls, wr->start, wr->len, sealed, sizeof sealed);
    world_speak(hostile->world, hostile->node, &hostile->server->addr, sealed, len);
}

void hostile_fragment(struct hostile *hostile, uint16_t stream, uint32_t number, uint32_t index, uint8_t flags,
                      size_t len)
{
    static const uint8_t zeros[WRD_SCTP_PACKET_MAX];
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    struct wrd_writer wr = wrd_wr(packet, sizeof packet);
    wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
    size_t start = wrd_sctp_chunk_begin(&wr, hostile->interleaving ? WRD_SCTP_I_DATA : WRD_SCTP_DATA, flags);
    wrd_wr32(&wr, hostile->tsn++);
    wrd_wr16(&wr, stream);
    wrd_wr16(&wr, hostile->interleaving ? 0 : (uint16_t)number);
    if (hostile->interleaving)
        wrd_wr32(&wr, number);
    wrd_wr32(&wr, hostile->interleaving && !(flags & WRD_SCTP_BEGIN) ? index : 53); /* 53: binary */
    wrd_wr_bytes(&wr, zeros, len);
    wrd_sctp_chunk_end(&wr, start);
    speak(hostile, &wr);
}

void hostile_skip(struct hostile *hostile, uint32_t count)
{
    hostile->tsn += count;
}

void hostile_sack(struct hostile *hostile, uint32_t window)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    struct wrd_writer wr = wrd_wr(packet, sizeof packet);
    wrd_sctp_packet_begin(&wr, WRD_SCTP_PORT, hostile->tag);
    size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_SACK, 0);
    wrd_wr32(&wr, hostile->connection->sctp->track.cumulative.v);
    wrd_wr32(&wr, window);
    wrd_wr32(&wr, 0);
    wrd_sctp_chunk_end(&wr, start);
    speak(hostile, &wr);
}
