/* SPDX-License-Identifier: MIT */
/* What comes in as DATA, I-DATA and FORWARD-TSN, and what the window says to it (RFC 9260 6.2). */
#include "sctp/assoc.h"

#include "base/check.h"

static bool takes_data(const struct wrd_sctp *sctp)
{
    return sctp->state == WRD_SCTP_ESTABLISHED || sctp->state == WRD_SCTP_SHUTDOWN_PENDING ||
           sctp->state == WRD_SCTP_SHUTDOWN_SENT;
}

static void break_off(struct wrd_sctp *sctp, wrd_time now, const char *text)
{
    wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_PROTOCOL, text);
}

/* ---- DATA and I-DATA ---- */

static bool has_room(const struct wrd_sctp *sctp, enum wrd_sctp_arrival arrival)
{
    size_t limit = sctp->join.window;
    size_t charge = wrd_sctp_join_charge(&sctp->join);
    if (charge >= limit && sctp->join.order.ready)
        return false;
    /* Nearly full: only what lets the cumulative TSN move, or the gap could never be filled. */
    return arrival == WRD_SCTP_IN_SEQUENCE || charge <= limit - limit / 10;
}

/* False when the association ended. */
static bool check_joined(struct wrd_sctp *sctp, wrd_time now, enum wrd_sctp_joined joined)
{
    switch (joined) {
    case WRD_SCTP_JOINED:
    case WRD_SCTP_JOIN_NO_MEMORY: return true;
    case WRD_SCTP_JOIN_TOO_LARGE:
        wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_OUT_OF_RESOURCE, "the peer's message is too large");
        return false;
    case WRD_SCTP_JOIN_TOO_MANY:
        wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_OUT_OF_RESOURCE,
                      "the peer begins too many messages without an end");
        return false;
    case WRD_SCTP_JOIN_BROKEN: break_off(sctp, now, "the peer's fragments do not fit together"); return false;
    case WRD_SCTP_JOIN_STUCK:
        wrd_sctp_fail(sctp, now, WRD_NO_MEMORY, WRD_SCTP_CAUSE_OUT_OF_RESOURCE, "no memory to join a message");
        return false;
    }
    return false;
}

static void keep_data(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_data *data,
                      enum wrd_sctp_arrival arrival)
{
    struct wrd_sctp_join *join = &sctp->join;
    size_t before = wrd_sctp_join_charge(join);
    enum wrd_sctp_joined joined = wrd_sctp_join_take(join, data);
    if (!check_joined(sctp, now, joined) || joined == WRD_SCTP_JOIN_NO_MEMORY)
        return;
    sctp->stats.bytes_taken += data->len + WRD_SCTP_DATA_HEADER_SIZE;
    wrd_sctp_track_mark(&sctp->track, data->tsn);
    if (!check_joined(sctp, now, wrd_sctp_join_advance(join, sctp->track.cumulative)))
        return;
    /* Full, nothing to read that would make room, and even the chunk that was due only made it fuller. */
    size_t charge = wrd_sctp_join_charge(join);
    if (arrival == WRD_SCTP_IN_SEQUENCE && charge >= join->window && charge > before && !join->order.ready)
        wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_OUT_OF_RESOURCE, "the peer fills the window with gaps");
}

static void refuse_stream(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_data *data)
{
    uint8_t value[4] = {0};
    wrd_store16be(value, data->stream);
    wrd_sctp_report(sctp, WRD_SCTP_CAUSE_INVALID_STREAM, value, sizeof value);
    wrd_sctp_track_mark(&sctp->track, data->tsn);
    (void)check_joined(sctp, now, wrd_sctp_join_advance(&sctp->join, sctp->track.cumulative));
}

bool wrd_sctp_take_data(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk)
{
    struct wrd_sctp_data data;
    if (!takes_data(sctp))
        return false;
    if ((chunk->type == WRD_SCTP_I_DATA) != sctp->interleaving) { /* RFC 8260 2.2.1 */
        break_off(sctp, now, "DATA or I-DATA came where the other was agreed on");
        return false;
    }
    if (!wrd_sctp_data_read(&data, chunk))
        return false;
    sctp->stats.chunks_received++;
    if (data.len == 0) {
        wrd_sctp_fail_with(sctp, now, WRD_SCTP_CAUSE_NO_USER_DATA, chunk->value.at, 4,
                           "the peer sent DATA without data");
        return false;
    }
    if (data.flags & WRD_SCTP_IMMEDIATE)
        sctp->track.sack_now = true;
    enum wrd_sctp_arrival arrival = wrd_sctp_track_look(&sctp->track, data.tsn);
    if (arrival == WRD_SCTP_DUPLICATE) {
        wrd_sctp_track_duplicate(&sctp->track, data.tsn);
    } else if (arrival == WRD_SCTP_OUTSIDE || !has_room(sctp, arrival)) {
        sctp->track.sack_now = true;
    } else if (wrd_sctp_track_reserve(&sctp->track, data.tsn)) {
        if (data.stream < sctp->streams_in)
            keep_data(sctp, now, &data, arrival);
        else
            refuse_stream(sctp, now, &data);
    }
    return true;
}

/* ---- FORWARD-TSN (RFC 3758 3.6) and I-FORWARD-TSN (RFC 8260 2.3) ---- */

struct skipped {
    uint16_t stream;
    bool unordered;
    uint32_t number;
};

/* The next stream of the list, of those that were agreed on; false: no more. */
static bool next_skipped(const struct wrd_sctp *sctp, struct wrd_reader *rd, struct skipped *out)
{
    while (rd->left >= (sctp->interleaving ? 8 : 4)) {
        out->stream = wrd_rd16(rd);
        out->unordered = sctp->interleaving && (wrd_rd16(rd) & 1);
        out->number = sctp->interleaving ? wrd_rd32(rd) : wrd_rd16(rd);
        if (out->stream < sctp->streams_in)
            return true;
    }
    return false;
}

/* Memory for all that it names, so that it is done as a whole or not at all; the peer repeats what is not answered. */
static bool prepare_skips(struct wrd_sctp *sctp, struct wrd_reader list)
{
    struct skipped skipped;
    while (next_skipped(sctp, &list, &skipped)) {
        if (!wrd_sctp_order_use(&sctp->join.order, skipped.stream))
            return false;
    }
    return true;
}

bool wrd_sctp_take_forward(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk)
{
    if (!takes_data(sctp))
        return false;
    if (!sctp->peer_forward_tsn || (chunk->type == WRD_SCTP_I_FORWARD_TSN) != sctp->interleaving) {
        break_off(sctp, now, "FORWARD-TSN was not agreed on");
        return false;
    }
    struct wrd_reader rd = chunk->value;
    struct wrd_tsn tsn = wrd_tsn(wrd_rd32(&rd));
    if (rd.bad)
        return false;
    int32_t ahead = wrd_tsn_diff(tsn, sctp->track.cumulative);
    if (ahead > 0 && (uint32_t)ahead < WRD_SCTP_TSN_WINDOW && !prepare_skips(sctp, rd))
        return false;
    if (ahead <= 0 || (uint32_t)ahead >= WRD_SCTP_TSN_WINDOW) {
        sctp->track.sack_now = true; /* old: our SACK was lost; or beyond all that can be out */
        return true;
    }
    for (struct wrd_tsn kept = sctp->track.cumulative; wrd_sctp_track_next(&sctp->track, &kept, tsn);)
        wrd_sctp_join_give_up(&sctp->join, kept);
    wrd_sctp_track_forward(&sctp->track, tsn);
    wrd_sctp_join_forward(&sctp->join, tsn);
    struct skipped skipped;
    while (next_skipped(sctp, &rd, &skipped))
        wrd_sctp_join_skip(&sctp->join, skipped.stream, skipped.unordered, skipped.number);
    (void)check_joined(sctp, now, wrd_sctp_join_advance(&sctp->join, sctp->track.cumulative));
    return true;
}

/* ---- The reader ---- */

bool wrd_sctp_peek(struct wrd_sctp *sctp, struct wrd_sctp_message *out)
{
    struct wrd_sctp_block *block = sctp->begun ? sctp->join.order.ready : NULL;
    if (!block)
        return false;
    *out = (struct wrd_sctp_message){.stream = block->stream,
                                     .ppid = block->ppid,
                                     .unordered = block->flags & WRD_SCTP_UNORDERED,
                                     .data = wrd_sctp_block_bytes(block),
                                     .len = block->len,
                                     .ends_stream = block->flags & WRD_SCTP_STREAM_ENDS};
    return true;
}

uint32_t wrd_sctp_window(const struct wrd_sctp *sctp)
{
    size_t limit = sctp->join.window;
    size_t charge = wrd_sctp_join_charge(&sctp->join);
    return charge < limit ? (uint32_t)(limit - charge) : 0;
}

void wrd_sctp_data_drain(struct wrd_sctp *sctp)
{
    if (!sctp->begun)
        return;
    wrd_sctp_track_drain(&sctp->track);
    wrd_sctp_join_drain(&sctp->join);
}

/* A peer that saw a small window waits for news of a larger one, but not for every crumb (RFC 9260 6.2, RFC 1122
 * 4.2.3.3). */
static bool is_worth_telling(const struct wrd_sctp *sctp)
{
    uint32_t limit = (uint32_t)sctp->join.window;
    uint32_t window = wrd_sctp_window(sctp);
    if (window <= sctp->advertised)
        return false;
    bool was_shut = sctp->advertised < WRD_SCTP_PACKET_MAX;
    return window - sctp->advertised >= limit / 4 || (was_shut && window >= WRD_SCTP_PACKET_MAX);
}

void wrd_sctp_release(struct wrd_sctp *sctp, wrd_time now)
{
    (void)now;
    if (!sctp->begun || !sctp->join.order.ready)
        return;
    wrd_sctp_order_release(&sctp->join.order);
    if (takes_data(sctp) && is_worth_telling(sctp))
        sctp->track.sack_now = true;
}
