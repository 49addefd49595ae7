/* SPDX-License-Identifier: MIT */
#include "endpoint/connection.h"

#include "base/check.h"
#include "base/earlier.h"
#include "base/mem.h"
#include "endpoint/counters.h"
#include "endpoint/messages.h"

/* Framed messages travel in chunks; peers may cut larger ones than WRD_CHUNK_MAX, up to what browsers can send. */
#define CHUNK_TAKEN_MAX ((size_t)256 * 1024)

static void enter(struct wrd_connection *c, enum wrd_phase phase)
{
    WRD_ASSERT(phase > c->phase);
    c->phase = phase;
}

bool wrd_connection_is_blocked(const struct wrd_connection *c)
{
    return c->blocked_by_frame || c->blocked_by_sctp || c->blocked_by_channel;
}

void wrd_connection_end(struct wrd_connection *c, wrd_time now, wrd_result reason, const char *text)
{
    if (c->phase == WRD_PHASE_ENDED)
        return;
    enter(c, WRD_PHASE_ENDED);
    c->reason = reason;
    c->reason_text = text;
    if (c->sctp)
        wrd_sctp_abort(c->sctp, now);
    if (c->was_open || c->dialed)
        c->pending |= WRD_PENDING(WRD_EVENT_CLOSED);
    /* A last look for the application at what arrived, and at a send that waits for room that never comes. */
    if (c->was_open && reason != WRD_OK && !c->closed_by_us)
        c->pending |=
            WRD_PENDING(WRD_EVENT_READABLE) | (wrd_connection_is_blocked(c) ? WRD_PENDING(WRD_EVENT_WRITABLE) : 0);
}

/* ---- birth and death */

static struct wrd_connection *new_connection(const struct wrd_shared *shared, wrd_time now, enum wrd_phase phase)
{
    struct wrd_connection *c = wrd_mem_zalloc(&shared->env, sizeof *c);
    if (!c)
        return NULL;
    wrd_account_open(&c->account, &shared->env);
    c->phase = phase;
    c->reason_text = "";
    c->phase_until = now + shared->options.handshake_timeout;
    c->heard_at = now;
    return c;
}

struct wrd_connection *wrd_connection_accept(const struct wrd_shared *shared, wrd_time now,
                                             const struct wrd_accept *accept)
{
    struct wrd_connection *c = new_connection(shared, now, WRD_PHASE_HANDSHAKING);
    if (!c)
        return NULL;
    const struct wrd_admitted *admitted = &accept->admitted;
    c->path = accept->path;
    c->proved = accept->proved;
    c->name = admitted->name;
    c->hearsay = admitted->name == 0 || admitted->contested;
    c->bytes_in = admitted->bytes_in;
    c->bytes_out = admitted->bytes_out;
    c->has_token = shared->options.token_key_count > 0 && !admitted->mixed;
    if (c->has_token)
        memcpy(c->subject, admitted->subject, sizeof c->subject);
    c->dtls = wrd_dtls_server_new(shared->dtls, accept->proved, accept->identity);
    if (!c->dtls) {
        wrd_connection_free(shared, c);
        return NULL;
    }
    return c;
}

struct wrd_connection *wrd_connection_dial(const struct wrd_shared *shared, wrd_time now, const wrd_address *address,
                                           const wrd_ufrag *ufrag)
{
    struct wrd_connection *c = new_connection(shared, now, WRD_PHASE_CHECKING);
    if (!c)
        return NULL;
    c->dialed = true;
    c->path.remote = address->addr;
    c->expected = address->fingerprint;
    c->brings_token = ufrag->len > 2 * WRD_UFRAG_RANDOM_SIZE; /* what wrd_ufrag_for() put before the random part */
    c->check = wrd_mem_zalloc(&c->account.env, sizeof *c->check);
    if (!c->check) {
        wrd_connection_free(shared, c);
        return NULL;
    }
    wrd_ice_check_start(c->check, now, ufrag, &shared->env);
    return c;
}

void wrd_connection_free(const struct wrd_shared *shared, struct wrd_connection *c)
{
    const wrd_env *env = &c->account.env;
    wrd_frame_decoder_free(c->decoder);
    wrd_chan_free(&c->chan);
    wrd_sctp_free(c->sctp);
    wrd_dtls_free(c->dtls);
    wrd_mem_free(env, c->frame, c->frame_cap);
    wrd_mem_free(env, c->bytes, c->bytes_cap);
    if (c->check)
        wrd_mem_free(env, c->check, sizeof *c->check);
    wrd_mem_free(&shared->env, c, sizeof *c);
}

/* ---- the pump: after anything happened, carry what the rooms have upward and note what the application should know */

static void open_association(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    const wrd_endpoint_options *o = &shared->options;
    /* Where nothing but a frame's chunks can come, a peer has no use for memory for more. */
    bool framed = o->mode == WRD_FRAMED;
    bool only_chunks = framed && (o->accept_channels == 0 || o->message_limit < CHUNK_TAKEN_MAX);
    struct wrd_sctp_options options = {.receive_window = o->receive_window,
                                       .send_limit = o->send_limit,
                                       .message_limit = only_chunks ? CHUNK_TAKEN_MAX : o->message_limit,
                                       .packet_max = o->datagram_limit - WRD_DTLS_OVERHEAD,
                                       .congestion = o->congestion == WRD_RENO ? WRD_SCTP_RENO : WRD_SCTP_CUBIC,
                                       .crc = shared->crc,
                                       .fast_open = o->fast_open && !c->dialed};
    c->sctp = wrd_sctp_new(&options, &c->account.env);
    wrd_chan_init(&c->chan, &c->account.env, c->sctp);
    c->chan.client = c->dialed;
    c->chan.accept = o->accept_channels;
    c->chan.message_limit = o->message_limit;
    if (framed)
        c->decoder = wrd_frame_decoder_new(&c->account.env, o->message_limit);
    if (!c->sctp || (framed && !c->decoder)) {
        wrd_connection_end(c, now, WRD_NO_MEMORY, "out of memory for the association");
        return;
    }
    enter(c, WRD_PHASE_ASSOCIATING);
    wrd_sctp_connect(c->sctp, now); /* both sides do: one round trip fewer (RFC 9260 5.2.1) */
}

/* One side or both closed. Our own close is a success only when all that was sent arrived. */
static void end_by_close(struct wrd_connection *c, wrd_time now, wrd_result reason, const char *text)
{
    if (c->phase == WRD_PHASE_CLOSING && (reason == WRD_OK || reason == WRD_CLOSED)) {
        bool all = c->frame_len == 0 && (reason == WRD_OK || c->left_to_arrive == 0);
        reason = all ? WRD_OK : WRD_CLOSED;
        text = all ? "closed by us" : "the peer closed before everything that was sent had arrived";
    }
    if (c->idled && reason == WRD_OK) {
        reason = WRD_TIMEOUT;
        text = "closed by us: nothing of a message came or was taken for idle_timeout";
    }
    wrd_connection_end(c, now, reason, text);
}

static void pump_dtls_state(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    switch (wrd_dtls_state(c->dtls)) {
    case WRD_DTLS_HANDSHAKING: break;
    case WRD_DTLS_OPEN:
        if (c->phase == WRD_PHASE_HANDSHAKING)
            open_association(shared, c, now);
        break;
    case WRD_DTLS_CLOSED: end_by_close(c, now, WRD_CLOSED, "the peer closed the connection"); break;
    case WRD_DTLS_FAILED: {
        const char *text;
        wrd_result reason = wrd_dtls_failure(c->dtls, &text);
        wrd_connection_end(c, now, reason, text);
        break;
    }
    }
}

static void end_with_association(struct wrd_connection *c, wrd_time now)
{
    const char *text;
    wrd_result reason = wrd_sctp_failure(c->sctp, &text);
    if (c->chan.main_reset && reason == WRD_OK) {
        reason = WRD_CLOSED;
        text = "the peer closed the channel";
    }
    end_by_close(c, now, reason, text);
}

static void watch_closing(struct wrd_connection *c, wrd_time now)
{
    c->closing_buffered = wrd_connection_buffered(c);
    c->phase_until = c->closing_buffered > 0 ? wrd_earlier(now + WRD_CLOSE_STALL_TIMEOUT, c->closing_until)
                                             : now + WRD_CLOSE_CONFIRM_TIMEOUT;
}

static void pump_sctp_events(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    unsigned events = wrd_sctp_next(c->sctp);
    if (events & WRD_SCTP_EVENT_RESTART) { /* what it had taken is gone, and nobody can say what that was */
        wrd_connection_end(c, now, WRD_LOST, "the peer restarted its association");
        return;
    }
    if ((events & WRD_SCTP_EVENT_OPEN) && c->phase == WRD_PHASE_ASSOCIATING) {
        enter(c, WRD_PHASE_OPEN);
        c->was_open = true;
        c->opened_at = c->talked_at = c->authentic_at = now;
        if (!c->dialed)
            wrd_consent_given(&c->consent, now, c->bytes_out);
        c->pending |= WRD_PENDING(WRD_EVENT_OPEN);
    }
    wrd_chan_take(&c->chan, now, events);
    wrd_message message;
    if (c->phase == WRD_PHASE_CLOSING) {
        /* What the application still borrows stays until it is released. */
        while (!c->chan.lent && wrd_connection_look(c, now, &message))
            wrd_connection_drop(c, now);
        if (wrd_connection_buffered(c) < c->closing_buffered) { /* the peer takes what was sent: that may last */
            watch_closing(c, now);
        }
    } else if ((events & (WRD_SCTP_EVENT_MESSAGE | WRD_SCTP_EVENT_RESET)) && wrd_connection_look(c, now, &message)) {
        c->pending |= WRD_PENDING(WRD_EVENT_READABLE);
    }
    if (c->phase < WRD_PHASE_ENDED && c->frame_len > 0)
        wrd_connection_push_frame(shared, c, now);
    wrd_connection_note_room(shared, c, events);
    /* A browser closes a channel by resetting its stream (RFC 8831 6.7): with the main one the connection ends. */
    if ((c->phase == WRD_PHASE_CLOSING && c->frame_len == 0 && wrd_chan_farewells_out(&c->chan)) || c->chan.main_reset)
        wrd_sctp_shutdown(c->sctp, now);
    if (events & WRD_SCTP_EVENT_CLOSED)
        end_with_association(c, now);
}

static void pump(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    if (c->phase == WRD_PHASE_CHECKING && c->check->state == WRD_ICE_VALID) {
        c->dtls = wrd_dtls_client_new(shared->dtls, now, &c->expected);
        if (c->dtls)
            enter(c, WRD_PHASE_HANDSHAKING);
        else
            wrd_connection_end(c, now, WRD_NO_MEMORY, "out of memory for the DTLS handshake");
    }
    if (c->dtls && c->phase != WRD_PHASE_ENDED)
        pump_dtls_state(shared, c, now);
    if (c->sctp && c->phase != WRD_PHASE_ENDED)
        pump_sctp_events(shared, c, now);
}

/* ---- from the network */

void wrd_connection_receive_stun(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                                 const uint8_t *datagram, size_t len)
{
    if (!c->check || !wrd_ice_check_receive(c->check, now, datagram, len))
        return;
    c->heard_at = now;
    pump(shared, c, now);
}

static void trace(const struct wrd_shared *shared, const struct wrd_connection *c, bool sent, const uint8_t *packet,
                  size_t len)
{
    const wrd_trace *to = shared->options.trace;
    if (to && to->packet)
        to->packet(to->user, &c->path, sent, packet, len);
}

static void count_rtt(const struct wrd_shared *shared, struct wrd_connection *c)
{
    wrd_time latest;
    uint32_t samples = wrd_sctp_rtt_samples(c->sctp, &latest);
    if (samples != c->rtt_samples)
        wrd_counters_note_rtt(shared->counters, latest);
    c->rtt_samples = samples;
}

/* Parts of messages that came for the first time, and those that the peer took. */
static void note_talk(struct wrd_connection *c, wrd_time now)
{
    uint32_t carried = (uint32_t)wrd_sctp_carried(c->sctp);
    if (carried != c->carried)
        c->talked_at = now;
    c->carried = carried;
}

/* A client has its checks for that. */
static bool needs_consent(const struct wrd_connection *c)
{
    return !c->dialed && (c->phase == WRD_PHASE_OPEN || c->phase == WRD_PHASE_CLOSING);
}

bool wrd_connection_receive_dtls(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                                 const uint8_t *datagram, size_t len)
{
    bool authentic = false;
    c->stirred = true;
    if (!c->dtls || c->phase == WRD_PHASE_ENDED)
        return false;
    c->left_to_arrive = wrd_connection_buffered(c); /* an end forgets it */
    wrd_dtls_receive(c->dtls, now, datagram, len);
    pump_dtls_state(shared, c, now);
    c->stirred = c->phase != WRD_PHASE_OPEN;
    uint8_t packet[WRD_DATAGRAM_MAX];
    size_t packet_len;
    while ((packet_len = wrd_dtls_next(c->dtls, now, packet, sizeof packet)) > 0) {
        c->heard_at = c->authentic_at = now;
        authentic = true;
        if (c->phase == WRD_PHASE_HANDSHAKING)
            pump_dtls_state(shared, c, now);
        if (c->sctp && c->phase != WRD_PHASE_ENDED) {
            trace(shared, c, false, packet, packet_len);
            c->stirred = wrd_sctp_receive(c->sctp, now, packet, packet_len) || c->stirred;
            if (needs_consent(c) && wrd_sctp_path_shown(c->sctp, wrd_consent_nonce(&c->consent)))
                wrd_consent_given(&c->consent, now, c->bytes_out);
            count_rtt(shared, c);
            note_talk(c, now);
        }
    }
    c->stirred = c->stirred || wrd_dtls_state(c->dtls) != WRD_DTLS_OPEN;
    if (c->stirred)
        pump(shared, c, now);
    return authentic;
}

/* ---- to the network */

/* How much may go out before the peer's address has proved itself (RFC 9147 5.1 has the same figure). */
static size_t budget(const struct wrd_connection *c, size_t cap)
{
    if (c->dialed || c->proved || (c->dtls && wrd_dtls_state(c->dtls) == WRD_DTLS_OPEN))
        return cap;
    uint64_t allowed = WRD_AMPLIFICATION_MAX * c->bytes_in;
    uint64_t left = allowed > c->bytes_out ? allowed - c->bytes_out : 0;
    return left < cap ? (size_t)left : cap;
}

static bool waits_for_consent(const struct wrd_shared *shared, const struct wrd_connection *c, wrd_time now)
{
    return needs_consent(c) && wrd_consent_is_overdue(&c->consent, now, shared->options.lost_timeout);
}

static size_t ask_for_consent(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint8_t *out,
                              size_t cap)
{
    if (!needs_consent(c) || !wrd_consent_take_try(&c->consent, now, shared->options.lost_timeout))
        return 0;
    return wrd_connection_probe(shared, c, c->consent.nonce, out, cap);
}

size_t wrd_connection_transmit(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint8_t *out,
                               size_t cap)
{
    size_t len = 0;
    if (c->dtls)
        len = wrd_dtls_transmit(c->dtls, now, out, budget(c, cap));
    if (len == 0)
        len = ask_for_consent(shared, c, now, out, cap);
    if (len == 0 && c->sctp && wrd_dtls_state(c->dtls) == WRD_DTLS_OPEN && !waits_for_consent(shared, c, now)) {
        uint8_t packet[WRD_SCTP_PACKET_MAX];
        size_t packet_len = wrd_sctp_transmit(c->sctp, now, packet, sizeof packet);
        if (packet_len > 0)
            trace(shared, c, true, packet, packet_len);
        if (packet_len > 0)
            len = wrd_dtls_seal(c->dtls, packet, packet_len, out, cap);
        if (len > 0 && needs_consent(c))
            wrd_consent_note(&c->consent, now, shared->options.lost_timeout, c->bytes_out, &shared->env);
        if (len == 0 && (packet_len > 0 || wrd_sctp_state(c->sctp) == WRD_SCTP_CLOSED))
            pump(shared, c, now); /* sending ended it */
    }
    if (len == 0 && c->phase == WRD_PHASE_ENDED && c->dtls && wrd_dtls_state(c->dtls) == WRD_DTLS_OPEN) {
        wrd_dtls_close(c->dtls); /* after the ABORT, so that the peer learns of the end either way */
        len = wrd_dtls_transmit(c->dtls, now, out, cap);
    }
    /* Behind everything else: where there is room for one datagram only, a check must not take it from the data. */
    if (len == 0 && c->check && c->phase != WRD_PHASE_ENDED)
        len = wrd_ice_check_transmit(c->check, now, &shared->env, out, cap);
    c->bytes_out += len;
    return len;
}

size_t wrd_connection_probe(const struct wrd_shared *shared, struct wrd_connection *c,
                            const uint8_t info[WRD_SCTP_PATH_INFO], uint8_t *out, size_t cap)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    size_t len = c->sctp ? wrd_sctp_path_probe(c->sctp, info, packet, sizeof packet) : 0;
    if (len == 0 || len + WRD_DTLS_OVERHEAD > cap)
        return 0;
    trace(shared, c, true, packet, len);
    return wrd_dtls_seal(c->dtls, packet, len, out, cap);
}

void wrd_connection_move(struct wrd_connection *c, wrd_time now, const wrd_path *path, bool tell)
{
    c->path = *path;
    wrd_sctp_moved(c->sctp, now);
    wrd_consent_given(&c->consent, now, c->bytes_out);
    if (tell && !c->closed_by_us)
        c->pending |= WRD_PENDING(WRD_EVENT_MOVED);
}

/* ---- time */

/* When an open connection counts as lost. */
static wrd_time lost_at(const struct wrd_shared *shared, const struct wrd_connection *c)
{
    wrd_time limit = shared->options.lost_timeout;
    wrd_time authentic = 2 * limit > WRD_AUTHENTIC_TIMEOUT ? 2 * limit : WRD_AUTHENTIC_TIMEOUT;
    if (wrd_sctp_silences(c->sctp) >= WRD_SILENCES_MAX)
        authentic = limit;
    return wrd_earlier(c->heard_at + limit, c->authentic_at + authentic);
}

wrd_time wrd_connection_deadline(const struct wrd_shared *shared, const struct wrd_connection *c)
{
    if (c->phase == WRD_PHASE_ENDED)
        return WRD_NEVER;
    wrd_time deadline = c->phase == WRD_PHASE_OPEN ? lost_at(shared, c) : c->phase_until;
    if (c->phase == WRD_PHASE_OPEN && shared->options.idle_timeout > 0)
        deadline = wrd_earlier(deadline, c->talked_at + shared->options.idle_timeout);
    if (needs_consent(c))
        deadline = wrd_earlier(deadline, wrd_consent_deadline(&c->consent, shared->options.lost_timeout));
    if (c->check)
        deadline = wrd_earlier(deadline, wrd_ice_check_deadline(c->check));
    if (c->dtls)
        deadline = wrd_earlier(deadline, wrd_dtls_deadline(c->dtls));
    if (c->sctp)
        deadline = wrd_earlier(deadline, wrd_sctp_deadline(c->sctp));
    return deadline;
}

static void end_unconfirmed(struct wrd_connection *c, wrd_time now)
{
    if (wrd_connection_buffered(c) > 0 && now >= c->closing_until)
        wrd_connection_end(c, now, WRD_LOST, "closed by us, but the peer took what was sent too slowly");
    else if (wrd_connection_buffered(c) > 0)
        wrd_connection_end(c, now, WRD_LOST, "closed by us, but the peer stopped answering before everything arrived");
    else
        wrd_connection_end(c, now, c->idled ? WRD_TIMEOUT : WRD_OK, "closed by us; the peer did not confirm in time");
}

/* It had said that it closes, and only the end of that was lost. */
static bool was_leaving(const struct wrd_connection *c)
{
    return c->sctp && !c->closed_by_us && wrd_sctp_state(c->sctp) == WRD_SCTP_SHUTDOWN_ACK_SENT;
}

static void end_silent(struct wrd_connection *c, wrd_time now, const char *text)
{
    if (was_leaving(c))
        wrd_connection_end(c, now, WRD_CLOSED, "closed by the peer");
    else
        wrd_connection_end(c, now, WRD_LOST, text);
}

static bool is_idle(const struct wrd_shared *shared, const struct wrd_connection *c, wrd_time now)
{
    wrd_time limit = shared->options.idle_timeout;
    return c->phase == WRD_PHASE_OPEN && limit > 0 && now >= c->talked_at + limit;
}

static void close_idle(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    c->idled = true;
    wrd_connection_close(shared, c, now, 0, "idle");
}

/* Why it is still in `c->phase`. A server that asks for tokens answers nobody who has none that it takes. */
static const char *stuck_text(const struct wrd_connection *c)
{
    if (c->phase == WRD_PHASE_HANDSHAKING)
        return "the peer answers checks, but the DTLS handshake did not finish in time";
    if (c->phase == WRD_PHASE_ASSOCIATING)
        return "DTLS is up, but the SCTP association did not open in time";
    return c->brings_token ? "no answer to the connectivity checks: is the server up and the address right, does every "
                             "firewall let UDP through, and is the token one that the server takes?"
                           : "no answer to the connectivity checks: is the server up and the address right, does every "
                             "firewall let UDP through, and does the server ask for a token?";
}

static void expire_phase(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    if (c->phase == WRD_PHASE_CLOSING && now >= c->phase_until)
        end_unconfirmed(c, now);
    else if (c->phase < WRD_PHASE_OPEN && now >= c->phase_until)
        wrd_connection_end(c, now, WRD_TIMEOUT, stuck_text(c));
    else if (c->phase == WRD_PHASE_OPEN && now >= lost_at(shared, c))
        end_silent(c, now, "nothing was heard from the peer for too long");
    else if (needs_consent(c) && wrd_consent_is_lost(&c->consent, now, shared->options.lost_timeout))
        end_silent(c, now, "nobody at the peer's address answers any more, whatever comes from elsewhere in its name");
    else if (c->check && c->check->state == WRD_ICE_LOST)
        end_silent(c, now, "the peer no longer answers the consent checks");
    else if (is_idle(shared, c, now))
        close_idle(shared, c, now);
}

void wrd_connection_close(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint32_t code,
                          const char *reason)
{
    c->closed_by_us = true; /* nobody wants what still waits or comes */
    c->pending &= WRD_PENDING(WRD_EVENT_OPEN) | WRD_PENDING(WRD_EVENT_CLOSED);
    if (c->phase >= WRD_PHASE_CLOSING)
        return;
    if (c->phase != WRD_PHASE_OPEN) {
        wrd_connection_end(c, now, WRD_OK, "closed by us before it was open");
        return;
    }
    c->chan.stopped = true;
    wrd_chan_say_farewell(&c->chan, now, code, reason);
    enter(c, WRD_PHASE_CLOSING);
    wrd_time load = wrd_sctp_load(c->sctp) + (c->frame_len - c->frame_sent);
    c->closing_until = now + WRD_CLOSE_GRACE + load * WRD_SECOND / WRD_CLOSE_RATE;
    watch_closing(c, now);
    c->pending &= WRD_PENDING(WRD_EVENT_OPEN);
    pump(shared, c, now);
}

void wrd_connection_expire(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now)
{
    if (c->phase == WRD_PHASE_ENDED)
        return;
    if (c->check)
        wrd_ice_check_expire(c->check, now);
    if (c->dtls)
        wrd_dtls_expire(c->dtls, now);
    if (c->sctp)
        wrd_sctp_expire(c->sctp, now);
    if (needs_consent(c))
        wrd_consent_expire(&c->consent, now, &shared->env);
    if (c->check && c->sctp && wrd_sctp_unanswered(c->sctp) != c->unanswered) {
        c->unanswered = wrd_sctp_unanswered(c->sctp);
        wrd_ice_check_hurry(c->check, now); /* a server that knows another address of ours learns this one by it */
    }
    pump(shared, c, now);
    expire_phase(shared, c, now);
}
