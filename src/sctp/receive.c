/* SPDX-License-Identifier: MIT */
/* Packets from the peer: which to believe (RFC 9260 8.5), and what each chunk does. */
#include "sctp/assoc.h"

#include "base/check.h"

/* Top bits of an unknown chunk's type (RFC 9260 3.2). */
#define CHUNK_SKIP   0x80
#define CHUNK_REPORT 0x40

static void break_off(struct wrd_sctp *sctp, wrd_time now, const char *text)
{
    wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_PROTOCOL, text);
}

/* ---- Acknowledgements ---- */

static void take_sack(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk)
{
    struct wrd_sctp_sack sack;
    if (sctp->state >= WRD_SCTP_ESTABLISHED && wrd_sctp_sack_read(&sack, chunk))
        (void)wrd_sctp_acknowledge(sctp, now, &sack);
}

/* ---- The rest ---- */

_Static_assert(WRD_SCTP_PATH_INFO == WRD_SCTP_NONCE_SIZE, "what asks a path looks like any heartbeat");

bool wrd_sctp_next_path_answer(struct wrd_sctp *sctp, uint8_t info[WRD_SCTP_PATH_INFO])
{
    bool answered = sctp->path_answered;
    if (answered)
        memcpy(info, sctp->path_info, WRD_SCTP_PATH_INFO);
    sctp->path_answered = false;
    return answered;
}

bool wrd_sctp_path_shown(struct wrd_sctp *sctp, const uint8_t *info)
{
    bool own = sctp->heartbeat_answered;
    sctp->heartbeat_answered = false;
    return own || (info && sctp->path_answered && memcmp(info, sctp->path_info, WRD_SCTP_PATH_INFO) == 0);
}

/* Peers ask when there is nothing else to say (RFC 9260 8.3); one that always does so first stops our own timer. */
static void take_heartbeat(struct wrd_sctp *sctp, struct wrd_reader value)
{
    uint32_t carried = (uint32_t)wrd_sctp_carried(sctp);
    wrd_sctp_heartbeat_asked(&sctp->heartbeat, value.at, value.left);
    if (carried == sctp->carried_then)
        wrd_sctp_shrink(sctp);
    sctp->carried_then = carried;
}

static void take_heartbeat_ack(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader value)
{
    wrd_time rtt = wrd_sctp_heartbeat_answered(&sctp->heartbeat, now, value);
    const uint8_t *info = wrd_sctp_heartbeat_info(value);
    sctp->path_answered = info != NULL;
    if (info)
        memcpy(sctp->path_info, info, sizeof sctp->path_info);
    if (rtt == 0)
        return;
    sctp->heartbeat_answered = true;
    sctp->errors = 0;
    wrd_sctp_rto_sample(&sctp->rto, rtt);
}

static struct wrd_sctp_reset_view reset_view(struct wrd_sctp *sctp)
{
    return (struct wrd_sctp_reset_view){.join = &sctp->join,
                                        .queue = &sctp->queue,
                                        .received = sctp->track.cumulative,
                                        .acked = sctp->flight.cumulative,
                                        .streams_in = sctp->streams_in};
}

static void take_re_config(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader params)
{
    if (sctp->state < WRD_SCTP_ESTABLISHED)
        return;
    struct wrd_sctp_reset_view view = reset_view(sctp);
    if (!wrd_sctp_reset_receive(&sctp->reset, &view, params))
        break_off(sctp, now, "the peer reset a stream with messages missing");
}

static void go_on_with_resets(struct wrd_sctp *sctp, wrd_time now)
{
    struct wrd_sctp_reset_view view = reset_view(sctp);
    if (!wrd_sctp_reset_progress(&sctp->reset, &view))
        break_off(sctp, now, "the peer reset a stream with messages missing");
    if (sctp->reset.news)
        sctp->events |= WRD_SCTP_EVENT_RESET;
    sctp->reset.news = false;
}

/* False: the rest of the packet is not to be read. */
static bool take_unknown(struct wrd_sctp *sctp, const struct wrd_sctp_chunk *chunk)
{
    if (chunk->type & CHUNK_REPORT)
        wrd_sctp_report(sctp, WRD_SCTP_CAUSE_UNRECOGNIZED_CHUNK, chunk->whole, chunk->whole_len);
    return chunk->type & CHUNK_SKIP;
}

/* Of the packet at hand. */
struct taken {
    bool with_data; /* a SACK is owed for it */
    unsigned sacks;
};

/* One chunk of a packet whose tag is ours. */
static bool take_chunk(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk, struct taken *taken)
{
    switch (chunk->type) {
    case WRD_SCTP_DATA:
    case WRD_SCTP_I_DATA: taken->with_data = wrd_sctp_take_data(sctp, now, chunk) || taken->with_data; return true;
    case WRD_SCTP_SACK:
        if (taken->sacks++ < WRD_SCTP_SACKS_MAX)
            take_sack(sctp, now, chunk);
        return true;
    case WRD_SCTP_FORWARD_TSN:
    case WRD_SCTP_I_FORWARD_TSN:
        taken->with_data = wrd_sctp_take_forward(sctp, now, chunk) || taken->with_data;
        return true;
    case WRD_SCTP_HEARTBEAT: take_heartbeat(sctp, chunk->value); return true;
    case WRD_SCTP_HEARTBEAT_ACK: take_heartbeat_ack(sctp, now, chunk->value); return true;
    case WRD_SCTP_INIT_ACK: wrd_sctp_take_init_ack(sctp, now, chunk); return false;
    case WRD_SCTP_COOKIE_ACK: wrd_sctp_take_cookie_ack(sctp, now); return true;
    case WRD_SCTP_RE_CONFIG: take_re_config(sctp, now, chunk->value); return true;
    case WRD_SCTP_ERROR: wrd_sctp_take_error(sctp, now, chunk->value); return true;
    case WRD_SCTP_SHUTDOWN: wrd_sctp_take_shutdown(sctp, now, chunk->value); return true;
    case WRD_SCTP_SHUTDOWN_ACK: wrd_sctp_take_shutdown_ack(sctp, now); return true;
    case WRD_SCTP_SHUTDOWN_COMPLETE: wrd_sctp_take_shutdown_complete(sctp, now); return true;
    case WRD_SCTP_ABORT: wrd_sctp_take_abort(sctp, now, chunk->value); return false;
    case WRD_SCTP_INIT: /* alone in its packet, and handled before */
    case WRD_SCTP_COOKIE_ECHO: /* first in its packet, and handled before */ return false;
    default: return take_unknown(sctp, chunk);
    }
}

/* RFC 9260 8.5.1: a reflected tag is the peer's own; no tag is good before there is one. */
static bool has_good_tag(const struct wrd_sctp *sctp, uint32_t tag, const struct wrd_sctp_chunk *chunk)
{
    bool may_reflect = chunk->type == WRD_SCTP_ABORT || chunk->type == WRD_SCTP_SHUTDOWN_COMPLETE;
    if (may_reflect && (chunk->flags & WRD_SCTP_REFLECTED))
        return sctp->begun && tag == sctp->peer_tag;
    return tag == sctp->local_tag;
}

/* Does the packet belong to an association that stands? A COOKIE-ECHO may have it stand from now on. */
static bool is_ours(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_packet *packet,
                    const struct wrd_sctp_chunk *first)
{
    bool connecting = sctp->state == WRD_SCTP_COOKIE_WAIT || sctp->state == WRD_SCTP_COOKIE_ECHOED;
    if (first->type == WRD_SCTP_COOKIE_ECHO && !sctp->over)
        return wrd_sctp_take_cookie_echo(sctp, now, packet->tag, first);
    if (connecting && wrd_sctp_fast_open_is_taken(&sctp->fast_open, packet->tag, first->type))
        return wrd_sctp_take_fast_open(sctp, now);
    if (sctp->state == WRD_SCTP_CLOSED) {
        wrd_sctp_answer_stray(sctp, packet);
        return false;
    }
    if (first->type == WRD_SCTP_SHUTDOWN_ACK && connecting) {
        wrd_sctp_complete_shutdown(sctp, packet->tag, WRD_SCTP_REFLECTED); /* RFC 9260 8.5.1 E */
        return false;
    }
    return has_good_tag(sctp, packet->tag, first);
}

/* What the packet as a whole calls for. */
static void end_packet(struct wrd_sctp *sctp, wrd_time now, bool with_data)
{
    if (with_data)
        wrd_sctp_track_packet(&sctp->track, now);
    /* DATA after our SHUTDOWN is answered with both at once (RFC 9260 9.2). */
    if (with_data && sctp->state == WRD_SCTP_SHUTDOWN_SENT) {
        sctp->track.sack_now = true;
        sctp->due |= WRD_SCTP_DUE_SHUTDOWN;
        sctp->t2 = now + wrd_sctp_rto(&sctp->rto);
    }
    if (sctp->state >= WRD_SCTP_ESTABLISHED)
        wrd_sctp_heartbeat_heard(&sctp->heartbeat, now);
    wrd_sctp_settle(sctp, now);
}

static bool is_data(const struct wrd_sctp_chunk *chunk)
{
    return chunk->type == WRD_SCTP_DATA || chunk->type == WRD_SCTP_I_DATA;
}

/* True: DATA, and nothing else. */
static bool take_packet(struct wrd_sctp *sctp, wrd_time now, struct wrd_sctp_packet *packet)
{
    struct wrd_reader chunks = packet->chunks;
    struct wrd_sctp_chunk chunk;
    if (!wrd_sctp_chunk_next(&chunks, &chunk))
        return false;
    if (chunk.type == WRD_SCTP_INIT) {
        if (packet->tag == 0 && chunks.left == 0)
            wrd_sctp_take_init(sctp, now, &chunk);
        return false;
    }
    if (!is_ours(sctp, now, packet, &chunk))
        return false;
    bool only_data = is_data(&chunk);
    struct taken taken = {0};
    bool more = chunk.type == WRD_SCTP_COOKIE_ECHO || take_chunk(sctp, now, &chunk, &taken);
    while (more && !sctp->over && wrd_sctp_chunk_next(&chunks, &chunk)) {
        only_data = only_data && is_data(&chunk);
        more = has_good_tag(sctp, packet->tag, &chunk) && take_chunk(sctp, now, &chunk, &taken);
    }
    if (sctp->state >= WRD_SCTP_ESTABLISHED)
        go_on_with_resets(sctp, now);
    if (!sctp->over)
        end_packet(sctp, now, taken.with_data);
    return only_data;
}

/* Without CRC32c, that is: once we have offered that, and not what begins an association (RFC 9653 5.3). */
static bool may_come_plain(const struct wrd_sctp *sctp, const uint8_t *bytes, size_t len)
{
    bool offered = !sctp->options.always_checksum && (sctp->begun || sctp->state == WRD_SCTP_COOKIE_WAIT);
    if (!offered || len <= WRD_SCTP_HEADER_SIZE)
        return false;
    uint8_t first = bytes[WRD_SCTP_HEADER_SIZE];
    return first != WRD_SCTP_INIT && first != WRD_SCTP_COOKIE_ECHO;
}

bool wrd_sctp_receive(struct wrd_sctp *sctp, wrd_time now, const uint8_t *bytes, size_t len)
{
    struct wrd_sctp_packet packet;
    bool plain = wrd_sctp_packet_without_checksum(bytes, len) && may_come_plain(sctp, bytes, len);
    if (!wrd_sctp_packet_read(&packet, plain ? NULL : sctp->crc, bytes, len) || packet.from != sctp->options.port ||
        packet.to != sctp->options.port)
        return true;
    sctp->stats.packets_received++;
    struct wrd_sctp_block *last = sctp->begun ? sctp->join.order.ready_last : NULL;
    bool only_data = take_packet(sctp, now, &packet);
    if (sctp->begun && sctp->join.order.ready && sctp->join.order.ready_last != last)
        sctp->events |= WRD_SCTP_EVENT_MESSAGE;
    return !only_data || sctp->events != 0;
}
