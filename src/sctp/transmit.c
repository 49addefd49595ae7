/* SPDX-License-Identifier: MIT */
/* Packets to the peer: control chunks, then SACK, then DATA, as much as fits one (RFC 9260 6.1, 6.10). */
#include "sctp/assoc.h"

#include "base/check.h"

/* A piece of a large message smaller than this is not worth a chunk at the end of a packet. */
#define FRAGMENT_MIN ((size_t)256)

_Static_assert(WRD_SCTP_PAYLOAD == (WRD_SCTP_PACKET_DEFAULT - WRD_SCTP_HEADER_SIZE) / 4 * 4 - WRD_SCTP_DATA_HEADER_SIZE,
               "a DATA chunk is padded to four");

static size_t room_in(const struct wrd_writer *wr)
{
    return wr->cap - wr->len;
}

/* Bytes of DATA that still fit. */
static size_t data_room(const struct wrd_sctp *sctp, const struct wrd_writer *wr)
{
    return sctp->interleaving ? wrd_sctp_i_data_fits(room_in(wr)) : wrd_sctp_data_fits(room_in(wr));
}

/* Writes a chunk that `flight` counts already. */
static void place(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr, const struct wrd_sctp_data *data)
{
    size_t padding = -data->len & 3;
    size_t header_size = sctp->interleaving ? WRD_SCTP_I_DATA_HEADER_SIZE : WRD_SCTP_DATA_HEADER_SIZE;
    uint8_t *at = wrd_wr_space(wr, header_size + data->len + padding);
    WRD_ASSERT(at);
    if (sctp->interleaving)
        wrd_sctp_i_data_write_header(at, data);
    else
        wrd_sctp_data_write_header(at, data);
    memcpy(at + header_size, data->bytes, data->len);
    memset(at + header_size + data->len, 0, padding);
    sctp->last_data = now;
    sctp->stats.chunks_sent++;
    wrd_sctp_cwnd_sent(&sctp->cwnd, data->len);
    wrd_sctp_pacer_sent(&sctp->pacer, data->len);
}

/* With nothing in flight nothing would ever open it again. */
static bool window_is_open(const struct wrd_sctp *sctp)
{
    return sctp->flight.bytes == 0 || sctp->recovery.urgent ||
           (wrd_sctp_cwnd_open(&sctp->cwnd, sctp->flight.bytes) && wrd_sctp_pacer_open(&sctp->pacer));
}

/* RFC 9260 6.1 A, but for what may go out whatever the peer's window says. */
static bool peer_has_room(const struct wrd_sctp *sctp, size_t len)
{
    return sctp->peer_rwnd >= sctp->flight.bytes && sctp->peer_rwnd - sctp->flight.bytes >= len;
}

/* How much of the message in turn the next chunk may take; 0: none now. */
static size_t next_cut(struct wrd_sctp *sctp, wrd_time now, size_t room, bool fresh)
{
    if (sctp->flight.lost_count > 0 || !window_is_open(sctp))
        return 0;
    const struct wrd_sctp_outgoing *message = wrd_sctp_queue_first(&sctp->queue, now);
    if (!message)
        return 0;
    size_t left = message->len - message->cut;
    size_t len = left < room ? left : room;
    /* No splitting only to fill up a packet: what fits one whole waits for it. */
    if (len < left && !fresh && (left <= sctp->queue.rules.piece || len < FRAGMENT_MIN))
        return 0;
    /* One chunk may be out whatever the peer's window says: it finds out when that opens. */
    return sctp->flight.bytes == 0 || peer_has_room(sctp, len) ? len : 0;
}

static bool may_send_data(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->flight.lost_count > 0)
        return window_is_open(sctp);
    return sctp->recovery.urgent || next_cut(sctp, now, sctp->queue.rules.piece, true) > 0;
}

static void resend_data(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    struct wrd_sctp_data data;
    while (wrd_sctp_flight_lost(&sctp->flight, &data)) {
        if (data.len > data_room(sctp, wr) || !window_is_open(sctp))
            return;
        wrd_sctp_flight_resent(&sctp->flight, now, data.tsn);
        place(sctp, now, wr, &data);
        sctp->stats.chunks_retransmitted++;
        if (wrd_tsn_diff(data.tsn, sctp->flight.cumulative) == 1 && sctp->state != WRD_SCTP_COOKIE_ECHOED)
            sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
        if (sctp->state >= WRD_SCTP_ESTABLISHED)
            wrd_sctp_abandon_lost(&sctp->abandon, &sctp->flight, now);
    }
}

/* The peer would delay its SACK (RFC 7053): for what ends a burst, for a window so small that it waits for this one,
 * and for a probe. `before`: where the packet's DATA begins. */
static void ask_for_sack(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr, size_t before, bool probe)
{
    bool small = sctp->cwnd.cwnd < WRD_SCTP_CWND_INITIAL * sctp->payload;
    bool last = sctp->flight.lost_count == 0 && !wrd_sctp_queue_first(&sctp->queue, now);
    if (small || last || probe)
        wr->start[before + 1] |= WRD_SCTP_IMMEDIATE;
}

static void send_new_data(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    for (;;) {
        bool fresh = wr->len == WRD_SCTP_HEADER_SIZE;
        size_t len = next_cut(sctp, now, data_room(sctp, wr), fresh);
        struct wrd_sctp_data data;
        if (len == 0 || !wrd_sctp_flight_push(&sctp->flight, now, wrd_sctp_queue_first(&sctp->queue, now), len, &data))
            return;
        sctp->recovery.window_probe = sctp->flight.bytes > sctp->peer_rwnd;
        place(sctp, now, wr, &data);
    }
}

/* Lost data, a probe, or new data: what a packet carries beside control. */
static void write_data(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    wrd_time rto = wrd_sctp_rto(&sctp->rto);
    wrd_time idle = now > sctp->last_data ? now - sctp->last_data : 0;
    if (sctp->last_data > 0 && idle >= rto && wrd_sctp_flight_count(&sctp->flight) == 0)
        wrd_sctp_cwnd_idle(&sctp->cwnd, idle, rto);
    size_t before = wr->len;
    uint64_t repeated = sctp->stats.chunks_retransmitted;
    resend_data(sctp, now, wr);
    send_new_data(sctp, now, wr);
    bool probe = sctp->recovery.urgent;
    if (probe && wr->len == before) {
        wrd_sctp_probe_again(sctp, now, room_in(wr));
        resend_data(sctp, now, wr);
    } else {
        sctp->recovery.repeats += (uint32_t)(sctp->stats.chunks_retransmitted - repeated);
    }
    sctp->recovery.urgent = false;
    if (wr->len == before)
        return;
    if (probe || !may_send_data(sctp, now))
        ask_for_sack(sctp, now, wr, before, probe);
    /* Seen here and not when SACKs come: several may come before there is a chance to fill the window again. */
    if (sctp->flight.bytes + sctp->payload > sctp->cwnd.cwnd) {
        sctp->limited = true;
        sctp->limited_to = wrd_tsn(sctp->flight.next.v - 1);
    }
    wrd_sctp_loss_sent(sctp, now);
}

static bool take_due(struct wrd_sctp *sctp, unsigned due)
{
    bool is_due = sctp->due & due;
    sctp->due &= ~due;
    return is_due;
}

/* A stream's numbers from before its reset and from after it would be one and the same to the peer (RFC 6525 5.2). */
static void write_forward(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    const struct wrd_sctp_reset *reset = &sctp->reset;
    wrd_time srtt = sctp->rto.srtt;
    struct wrd_sctp_forward forward = {.interleaving = sctp->interleaving,
                                       .pause =
                                           srtt > 0 && srtt < WRD_SCTP_FORWARD_PAUSE ? srtt : WRD_SCTP_FORWARD_PAUSE,
                                       .limited = wrd_sctp_reset_is_under_way(reset),
                                       .limit = reset->asked_last};
    wrd_sctp_abandon_write(&sctp->abandon, &sctp->flight, now, &forward, wr);
}

static void write_control(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    if (take_due(sctp, WRD_SCTP_DUE_COOKIE_ACK))
        wrd_sctp_plain_write(wr, WRD_SCTP_COOKIE_ACK, 0);
    if (sctp->error_len > 0) {
        size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_ERROR, 0);
        wrd_wr_bytes(wr, sctp->error, sctp->error_len);
        wrd_sctp_chunk_end(wr, start);
        wrd_sctp_drop_report(sctp);
    }
    wrd_sctp_heartbeat_write(&sctp->heartbeat, now, wr);
    if (sctp->peer_reconfig && sctp->state == WRD_SCTP_ESTABLISHED)
        wrd_sctp_reset_ask(&sctp->reset, &sctp->queue, now, wrd_sctp_rto(&sctp->rto), wrd_tsn(sctp->flight.next.v - 1),
                           sctp->flight.cumulative);
    wrd_sctp_reset_write(&sctp->reset, wr);
    write_forward(sctp, now, wr);
}

static void write_established(struct wrd_sctp *sctp, wrd_time now, struct wrd_writer *wr)
{
    wrd_sctp_give_up_late(sctp, now);
    write_control(sctp, now, wr);
    bool data_follows = may_send_data(sctp, now);
    if ((sctp->track.sack_now || (data_follows && wrd_sctp_track_owes(&sctp->track))) &&
        room_in(wr) >= WRD_SCTP_SACK_HEADER_SIZE) {
        sctp->advertised = wrd_sctp_window(sctp);
        wrd_sctp_track_write(&sctp->track, wr, sctp->advertised);
    }
    if (sctp->due & WRD_SCTP_DUE_SHUTDOWN && room_in(wr) >= 8) {
        (void)take_due(sctp, WRD_SCTP_DUE_SHUTDOWN);
        wrd_sctp_shutdown_write(wr, sctp->track.cumulative);
    }
    if (sctp->due & WRD_SCTP_DUE_SHUTDOWN_ACK && room_in(wr) >= 4) {
        (void)take_due(sctp, WRD_SCTP_DUE_SHUTDOWN_ACK);
        wrd_sctp_plain_write(wr, WRD_SCTP_SHUTDOWN_ACK, 0);
    }
    if (data_follows)
        write_data(sctp, now, wr);
}

/* Nothing was to be sent: does only the pacer hold it back? */
static void note_pacing(struct wrd_sctp *sctp, wrd_time now)
{
    sctp->pacing = WRD_NEVER;
    if (sctp->state < WRD_SCTP_ESTABLISHED || wrd_sctp_pacer_open(&sctp->pacer) ||
        !wrd_sctp_cwnd_open(&sctp->cwnd, sctp->flight.bytes))
        return;
    if (sctp->flight.lost_count > 0 || wrd_sctp_queue_first(&sctp->queue, now))
        sctp->pacing = wrd_sctp_pacer_next(&sctp->pacer, sctp->payload);
}

static size_t take_reply(struct wrd_sctp *sctp, uint8_t *out)
{
    size_t len = sctp->reply_len;
    memcpy(out, sctp->reply, len);
    wrd_sctp_drop_reply(sctp);
    return len;
}

/* A cookie is the peer's, and goes back whole whatever its length. */
static size_t packet_limit(const struct wrd_sctp *sctp)
{
    size_t limit = sctp->options.packet_max;
    size_t least = WRD_SCTP_HEADER_SIZE + WRD_SCTP_CHUNK_HEADER_SIZE + (sctp->peer_cookie_len + 3) / 4 * 4;
    return sctp->state == WRD_SCTP_COOKIE_ECHOED && limit < least ? least : limit;
}

size_t wrd_sctp_transmit(struct wrd_sctp *sctp, wrd_time now, uint8_t *out, size_t cap)
{
    WRD_ASSERT(cap >= WRD_SCTP_PACKET_MAX);
    if (sctp->reply_len > 0)
        return take_reply(sctp, out);
    if (sctp->state == WRD_SCTP_CLOSED)
        return 0;
    struct wrd_writer wr = wrd_wr(out, packet_limit(sctp));
    wrd_sctp_pacer_fill(&sctp->pacer, now, sctp->payload);
    bool is_waiting = sctp->state == WRD_SCTP_COOKIE_WAIT, is_fast = is_waiting && sctp->fast_open.due;
    wrd_sctp_packet_begin(&wr, sctp->options.port,
                          is_fast      ? sctp->fast_open.peer_tag
                          : is_waiting ? 0
                                       : sctp->peer_tag);
    if (is_fast) {
        wrd_sctp_write_fast_open(sctp, &wr);
    } else if (is_waiting) {
        if (take_due(sctp, WRD_SCTP_DUE_INIT))
            wrd_sctp_write_init(sctp, &wr);
    } else if (sctp->state == WRD_SCTP_COOKIE_ECHOED) {
        if (take_due(sctp, WRD_SCTP_DUE_COOKIE_ECHO)) {
            size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_COOKIE_ECHO, 0);
            wrd_wr_bytes(&wr, sctp->peer_cookie, sctp->peer_cookie_len);
            wrd_sctp_chunk_end(&wr, start);
            write_data(sctp, now, &wr);
        }
    } else {
        write_established(sctp, now, &wr);
    }
    WRD_ASSERT(!wr.bad);
    if (wr.len == WRD_SCTP_HEADER_SIZE) {
        note_pacing(sctp, now);
        return 0;
    }
    sctp->stats.packets_sent++;
    /* INIT and COOKIE-ECHO have a checksum always (RFC 9653 5.2). */
    bool plain = sctp->without_checksum && sctp->state >= WRD_SCTP_ESTABLISHED;
    wrd_sctp_packet_end(&wr, plain ? NULL : sctp->crc);
    return wr.len;
}

size_t wrd_sctp_path_probe(struct wrd_sctp *sctp, const uint8_t info[WRD_SCTP_PATH_INFO], uint8_t *out, size_t cap)
{
    WRD_ASSERT(cap >= WRD_SCTP_PACKET_MAX);
    if (sctp->state < WRD_SCTP_ESTABLISHED)
        return 0;
    struct wrd_writer wr = wrd_wr(out, packet_limit(sctp));
    wrd_sctp_packet_begin(&wr, sctp->options.port, sctp->peer_tag);
    wrd_sctp_heartbeat_write_aside(&wr, info);
    sctp->stats.packets_sent++;
    wrd_sctp_packet_end(&wr, sctp->without_checksum ? NULL : sctp->crc);
    return wr.len;
}
