/* SPDX-License-Identifier: MIT */
#include "endpoint/messages.h"

#include "base/mem.h"

/* An encode buffer above this is given back once its frame is out. */
#define FRAME_KEEP_BYTES ((size_t)16 * 1024)

/* ---- frames out */

static void free_frame(struct wrd_connection *c)
{
    wrd_mem_free(&c->account.env, c->frame, c->frame_cap);
    c->frame = NULL;
    c->frame_cap = 0;
}

static void give_back_frame(struct wrd_connection *c)
{
    c->frame_len = c->frame_sent = 0;
    if (c->frame_cap > FRAME_KEEP_BYTES)
        free_frame(c);
}

/* Room that SCTP has for the next chunk. Other channels find half of it free, whatever waits here. */
static size_t chunk_room(const struct wrd_shared *shared, const struct wrd_connection *c)
{
    size_t room = wrd_sctp_room(c->sctp);
    size_t kept = wrd_chan_count(&c->chan) > 0 ? shared->options.send_limit / 2 : 0;
    return room > kept ? room - kept : 0;
}

/* When others keep the queue above half, the frame has a chunk among what they still have to send. */
static bool has_turn(const struct wrd_connection *c, size_t len)
{
    return len <= wrd_sctp_room(c->sctp) && wrd_sctp_has_uncut(c->sctp) &&
           wrd_sctp_stream_buffered(c->sctp, WRD_CHAN_MAIN) == 0;
}

void wrd_connection_push_frame(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    while (c->frame_sent < c->frame_len) {
        size_t left = c->frame_len - c->frame_sent;
        struct wrd_chan_message chunk = {.data = c->frame + c->frame_sent,
                                         .len = left < WRD_CHUNK_MAX ? left : WRD_CHUNK_MAX};
        bool fits = chunk.len <= chunk_room(shared, c) || wrd_sctp_buffered(c->sctp) == 0 || has_turn(c, chunk.len);
        if (!fits || wrd_chan_send(&c->chan, now, &chunk) != WRD_OK)
            return; /* no room, or no memory: tried again at the next turn of this connection */
        c->frame_sent += chunk.len;
    }
    give_back_frame(c);
}

static wrd_result send_framed(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                              const uint8_t *data, size_t len)
{
    if (wrd_sctp_state(c->sctp) != WRD_SCTP_ESTABLISHED)
        return WRD_CLOSED; /* the peer shuts down and takes nothing new */
    if (c->frame_len > 0 || wrd_sctp_room(c->sctp) == 0)
        return WRD_AGAIN;
    size_t bound = wrd_frame_bound(len);
    if (bound > c->frame_cap) {
        uint8_t *grown = wrd_mem_resize(&c->account.env, c->frame, c->frame_cap, bound);
        if (!grown)
            return WRD_NO_MEMORY;
        c->frame = grown;
        c->frame_cap = bound;
    }
    size_t frame_len = wrd_frame_encode(c->frame, c->frame_cap, data, len);
    if (frame_len == 0) {
        give_back_frame(c);
        return WRD_TOO_LARGE;
    }
    c->frame_len = frame_len;
    c->frame_sent = 0;
    wrd_connection_push_frame(shared, c, now);
    return WRD_OK;
}

static wrd_result send_raw(struct wrd_connection *c, wrd_time now, wrd_channel channel, wrd_kind kind,
                           const uint8_t *data, size_t len)
{
    bool was_stalled = c->chan.stalled;
    c->chan.stalled = false;
    wrd_result result = wrd_chan_send(&c->chan, now, &(struct wrd_chan_message){data, len, kind == WRD_TEXT, channel});
    if (result == WRD_AGAIN && c->chan.stalled)
        c->blocked_by_channel = true;
    else if (result == WRD_AGAIN)
        c->blocked_by_sctp = true;
    c->chan.stalled = c->chan.stalled || was_stalled; /* another channel's send may still wait */
    return result;
}

static wrd_result send_main(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, wrd_kind kind,
                            const uint8_t *data, size_t len)
{
    if (shared->options.mode == WRD_FRAMED && kind != WRD_BINARY)
        return WRD_INVALID;
    wrd_result result = WRD_AGAIN;
    if (c->phase == WRD_PHASE_OPEN && shared->options.mode == WRD_RAW)
        result = send_raw(c, now, WRD_CHAN_MAIN, kind, data, len);
    else if (c->phase == WRD_PHASE_OPEN)
        result = send_framed(shared, c, now, data, len);
    if (result == WRD_AGAIN && (shared->options.mode == WRD_FRAMED || c->phase != WRD_PHASE_OPEN))
        c->blocked_by_frame = true;
    c->above_low = c->above_low || wrd_connection_channel_buffered(c, WRD_CHAN_MAIN) > c->low;
    return result;
}

wrd_result wrd_connection_send(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                               wrd_channel channel, wrd_kind kind, const uint8_t *data, size_t len)
{
    if (len > shared->options.message_limit)
        return WRD_TOO_LARGE;
    if (c->phase >= WRD_PHASE_CLOSING || c->chan.main_reset)
        return WRD_CLOSED;
    wrd_result result = WRD_GONE;
    bool waits = wrd_connection_buffered(c) > 0;
    if (channel == WRD_CHAN_MAIN)
        result = send_main(shared, c, now, kind, data, len);
    else if (c->phase == WRD_PHASE_OPEN)
        result = send_raw(c, now, channel, kind, data, len);
    if (result == WRD_OK) {
        c->talked_at = waits ? c->talked_at : now; /* from then on the peer is to take something */
        c->app_messages_sent++;
        c->app_bytes_sent += len;
        shared->counters->messages_sent++;
        shared->counters->message_bytes_sent += len;
    }
    return result;
}

void wrd_connection_note_room(const struct wrd_shared *shared, struct wrd_connection *c, unsigned events)
{
    if (c->phase != WRD_PHASE_OPEN)
        return;
    bool has_room = c->frame_len == 0 && wrd_sctp_room(c->sctp) >= shared->options.send_limit / 2;
    bool by_frame = c->blocked_by_frame && has_room;
    bool by_sctp = c->blocked_by_sctp && (events & WRD_SCTP_EVENT_WRITABLE);
    bool by_channel = c->blocked_by_channel && !c->chan.stalled;
    if (by_frame || by_sctp || by_channel)
        c->pending |= WRD_PENDING(WRD_EVENT_WRITABLE);
    c->blocked_by_frame = c->blocked_by_frame && !by_frame;
    c->blocked_by_sctp = c->blocked_by_sctp && !by_sctp;
    c->blocked_by_channel = c->blocked_by_channel && !by_channel;
    if (c->wants_low && c->above_low && wrd_connection_channel_buffered(c, WRD_CHAN_MAIN) <= c->low) {
        c->above_low = false;
        c->pending |= WRD_PENDING(WRD_EVENT_CHANNEL_LOW);
    }
}

size_t wrd_connection_channel_buffered(const struct wrd_connection *c, wrd_channel channel)
{
    if (!c->sctp)
        return 0;
    return wrd_chan_buffered(&c->chan, channel) + (channel == 0 ? c->frame_len - c->frame_sent : 0);
}

size_t wrd_connection_buffered(const struct wrd_connection *c)
{
    return (c->sctp ? wrd_sctp_buffered(c->sctp) : 0) + (c->frame_len - c->frame_sent);
}

void wrd_connection_shrink(struct wrd_connection *c)
{
    if (c->frame_len == 0)
        free_frame(c);
    if (c->bytes_len == 0) {
        wrd_mem_free(&c->account.env, c->bytes, c->bytes_cap);
        c->bytes = NULL;
        c->bytes_cap = c->bytes_at = 0;
    }
    if (c->sctp)
        wrd_sctp_shrink(c->sctp);
}

/* ---- messages in */

/* Takes a chunk of the main channel for the decoder. False: that is the end of the connection. */
static bool decode(struct wrd_connection *c, wrd_time now, const struct wrd_chan_message *chunk)
{
    size_t used = 0;
    wrd_result result =
        wrd_frame_decoder_push(c->decoder, chunk->data + c->chunk_used, chunk->len - c->chunk_used, &used);
    c->chunk_used += used;
    if (result != WRD_OK && result != WRD_AGAIN) {
        wrd_connection_end(c, now, result == WRD_NO_MEMORY ? WRD_NO_MEMORY : WRD_PROTOCOL,
                           result == WRD_TOO_LARGE   ? "the peer sent a message above the size limit"
                           : result == WRD_NO_MEMORY ? "out of memory for an incoming message"
                                                     : "the peer sent bytes that are no frame; is it in raw mode?");
        return false;
    }
    if (c->chunk_used == chunk->len) {
        c->chunk_used = 0;
        wrd_chan_release(&c->chan, now);
    }
    return true;
}

bool wrd_connection_look(struct wrd_connection *c, wrd_time now, wrd_message *out)
{
    struct wrd_chan_message up;
    *out = (wrd_message){.kind = WRD_BINARY};
    if (!c->sctp)
        return false;
    for (;;) {
        if (c->decoder && (out->data = wrd_frame_decoder_message(c->decoder, &out->len)))
            return true;
        if (!wrd_chan_peek(&c->chan, now, &up))
            return false;
        if (!c->decoder || up.channel != 0)
            break;
        if (!decode(c, now, &up))
            return false;
    }
    *out =
        (wrd_message){.data = up.data, .len = up.len, .kind = up.text ? WRD_TEXT : WRD_BINARY, .channel = up.channel};
    return true;
}

void wrd_connection_drop(struct wrd_connection *c, wrd_time now)
{
    size_t len;
    if (c->decoder && wrd_frame_decoder_message(c->decoder, &len))
        wrd_frame_decoder_release(c->decoder);
    else
        wrd_chan_release(&c->chan, now);
}

wrd_result wrd_connection_peek(struct wrd_connection *c, wrd_time now, wrd_message *out)
{
    if (c->closed_by_us || (c->phase == WRD_PHASE_ENDED && c->reason == WRD_OK))
        return WRD_CLOSED;
    if (wrd_connection_look(c, now, out)) {
        c->chan.lent = true;
        c->chan.lent_to = out->channel;
        return WRD_OK;
    }
    return c->phase == WRD_PHASE_ENDED && !c->chan.held ? WRD_CLOSED : WRD_AGAIN;
}

void wrd_connection_release(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    wrd_message message;
    if (!c->chan.lent || !wrd_connection_look(c, now, &message))
        return;
    c->chan.lent = false;
    c->app_messages_received++;
    c->app_bytes_received += message.len;
    shared->counters->messages_received++;
    shared->counters->message_bytes_received += message.len;
    wrd_connection_drop(c, now);
}

/* Makes room for `extra` more bytes behind those not yet read. */
static bool reserve_bytes(struct wrd_connection *c, size_t extra)
{
    if (c->bytes_at > 0)
        memmove(c->bytes, c->bytes + c->bytes_at, c->bytes_len);
    c->bytes_at = 0;
    size_t needed = c->bytes_len + extra;
    if (needed <= c->bytes_cap)
        return true;
    uint8_t *grown = wrd_mem_resize(&c->account.env, c->bytes, c->bytes_cap, needed);
    if (!grown)
        return false;
    c->bytes = grown;
    c->bytes_cap = needed;
    return true;
}

bool wrd_connection_drained(struct wrd_connection *c, wrd_time now)
{
    wrd_message message;
    if (c->closed_by_us || c->reason == WRD_OK)
        return true; /* a message still borrowed is valid until CLOSED */
    return (c->bytes_len == 0 || c->bytes_len < c->bytes_wanted) && !wrd_connection_look(c, now, &message);
}

wrd_result wrd_connection_read(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint8_t *out,
                               size_t len)
{
    if (len > shared->options.receive_window)
        return WRD_TOO_LARGE;
    wrd_message message;
    while (c->bytes_len < len) {
        wrd_result result = wrd_connection_peek(c, now, &message);
        if (result == WRD_OK && message.channel != 0) {
            c->chan.lent = false;
            result = WRD_AGAIN; /* another channel's turn: wrd_conn_receive() */
        }
        if (result != WRD_OK) {
            c->bytes_wanted = len;
            return result;
        }
        if (!reserve_bytes(c, message.len))
            return WRD_NO_MEMORY;
        if (message.len > 0)
            memcpy(c->bytes + c->bytes_len, message.data, message.len);
        c->bytes_len += message.len;
        wrd_connection_release(shared, c, now);
    }
    if (len > 0)
        memcpy(out, c->bytes + c->bytes_at, len);
    c->bytes_at += len;
    c->bytes_len -= len;
    c->bytes_wanted = 0;
    return WRD_OK;
}
