/* SPDX-License-Identifier: MIT */
#include "sctp/assoc.h"

#include "base/check.h"
#include "base/earlier.h"

#define MOVE(to) (1u << WRD_SCTP_##to)
#define RESTART  MOVE(ESTABLISHED)

/* The states that each may move to (RFC 9260 section 4). CLOSED is left once and entered for good. */
static const unsigned legal[] = {
    [WRD_SCTP_CLOSED] = MOVE(COOKIE_WAIT) | MOVE(ESTABLISHED) | MOVE(CLOSED),
    [WRD_SCTP_COOKIE_WAIT] = MOVE(COOKIE_ECHOED) | MOVE(ESTABLISHED) | MOVE(CLOSED),
    [WRD_SCTP_COOKIE_ECHOED] = MOVE(COOKIE_WAIT) | MOVE(ESTABLISHED) | MOVE(CLOSED),
    [WRD_SCTP_ESTABLISHED] = RESTART | MOVE(SHUTDOWN_PENDING) | MOVE(SHUTDOWN_RECEIVED) | MOVE(CLOSED),
    [WRD_SCTP_SHUTDOWN_PENDING] = RESTART | MOVE(SHUTDOWN_SENT) | MOVE(SHUTDOWN_RECEIVED) | MOVE(CLOSED),
    [WRD_SCTP_SHUTDOWN_SENT] = RESTART | MOVE(SHUTDOWN_ACK_SENT) | MOVE(CLOSED),
    [WRD_SCTP_SHUTDOWN_RECEIVED] = RESTART | MOVE(SHUTDOWN_ACK_SENT) | MOVE(CLOSED),
    [WRD_SCTP_SHUTDOWN_ACK_SENT] = MOVE(CLOSED),
};

/* ---- Life ---- */

static void fill_options(struct wrd_sctp_options *options)
{
    if (options->port == 0)
        options->port = WRD_SCTP_PORT;
    if (options->streams == 0)
        options->streams = WRD_SCTP_STREAMS;
    if (options->receive_window == 0)
        options->receive_window = WRD_SCTP_RECEIVE_WINDOW;
    if (options->receive_window < WRD_SCTP_RECEIVE_WINDOW_MIN)
        options->receive_window = WRD_SCTP_RECEIVE_WINDOW_MIN;
    if (options->receive_window > WRD_SCTP_RECEIVE_WINDOW_MAX)
        options->receive_window = WRD_SCTP_RECEIVE_WINDOW_MAX;
    if (options->send_limit == 0)
        options->send_limit = WRD_SCTP_SEND_LIMIT;
    if (options->message_limit == 0 || options->message_limit > WRD_MESSAGE_MAX)
        options->message_limit = WRD_MESSAGE_MAX;
    if (options->rto_initial == 0)
        options->rto_initial = WRD_SCTP_RTO_INITIAL;
    if (options->packet_max == 0)
        options->packet_max = WRD_SCTP_PACKET_DEFAULT;
    if (options->packet_max < WRD_SCTP_PACKET_MIN)
        options->packet_max = WRD_SCTP_PACKET_MIN;
    if (options->packet_max > WRD_SCTP_PACKET_MAX)
        options->packet_max = WRD_SCTP_PACKET_MAX;
}

struct wrd_sctp *wrd_sctp_new(const struct wrd_sctp_options *options, const wrd_env *env)
{
    struct wrd_sctp *sctp = wrd_mem_zalloc(env, sizeof *sctp);
    if (!sctp)
        return NULL;
    sctp->env = env;
    if (options)
        sctp->options = *options;
    fill_options(&sctp->options);
    sctp->payload = wrd_sctp_data_fits(sctp->options.packet_max - WRD_SCTP_HEADER_SIZE);
    sctp->crc = sctp->options.crc ? sctp->options.crc : wrd_crc32c_pick();
    sctp->state = WRD_SCTP_CLOSED;
    sctp->failure_text = "";
    sctp->t1 = sctp->t2 = sctp->t3 = sctp->t5 = WRD_NEVER;
    sctp->probe = sctp->reorder = sctp->pacing = WRD_NEVER;
    struct {
        uint32_t tag, tsn;
    } start;
    env->random(env->user, (uint8_t *)&start, sizeof start);
    env->random(env->user, sctp->cookie_key, sizeof sctp->cookie_key);
    sctp->local_tag = start.tag ? start.tag : 1;
    sctp->local_initial = wrd_tsn(start.tsn);
    wrd_sctp_pool_init(&sctp->pool, env);
    wrd_sctp_queue_init(&sctp->queue, &sctp->pool);
    sctp->queue.limit = sctp->options.send_limit;
    sctp->queue.rules.piece = sctp->payload;
    wrd_sctp_rto_init(&sctp->rto, sctp->options.rto_initial);
    wrd_sctp_heartbeat_init(&sctp->heartbeat, env);
    wrd_sctp_reset_init(&sctp->reset, env);
    wrd_sctp_flight_init(&sctp->flight, &sctp->queue, sctp->local_initial);
    return sctp;
}

void wrd_sctp_free(struct wrd_sctp *sctp)
{
    if (!sctp)
        return;
    wrd_sctp_flight_free(&sctp->flight);
    wrd_sctp_queue_free(&sctp->queue);
    if (sctp->begun) {
        wrd_sctp_join_free(&sctp->join);
        wrd_sctp_track_free(&sctp->track);
    }
    wrd_sctp_reset_free(&sctp->reset);
    wrd_sctp_heartbeat_free(&sctp->heartbeat);
    wrd_sctp_drop_reply(sctp);
    wrd_sctp_drop_report(sctp);
    wrd_sctp_pool_give(&sctp->pool, sctp->peer_cookie, sctp->peer_cookie_capacity);
    wrd_sctp_pool_drain(&sctp->pool);
    wrd_mem_free(sctp->env, sctp, sizeof *sctp);
}

static void stop_timers(struct wrd_sctp *sctp)
{
    sctp->t1 = sctp->t2 = sctp->t3 = sctp->t5 = WRD_NEVER;
    sctp->probe = sctp->reorder = sctp->pacing = WRD_NEVER;
    sctp->heartbeat.deadline = WRD_NEVER;
    sctp->reset.deadline = WRD_NEVER;
    sctp->track.sack_deadline = WRD_NEVER;
    sctp->track.sack_now = false;
    sctp->due = 0;
}

void wrd_sctp_enter(struct wrd_sctp *sctp, wrd_time now, enum wrd_sctp_state state)
{
    WRD_ASSERT(!sctp->over && (legal[sctp->state] & (1u << state)));
    sctp->state = state;
    sctp->attempts = 0;
    wrd_time rto = wrd_sctp_rto(&sctp->rto);
    switch (state) {
    case WRD_SCTP_CLOSED:
        sctp->over = true;
        sctp->events |= WRD_SCTP_EVENT_CLOSED;
        stop_timers(sctp);
        break;
    case WRD_SCTP_COOKIE_WAIT:
        sctp->due = WRD_SCTP_DUE_INIT;
        sctp->t1 = now + rto;
        sctp->t1_sent = now;
        break;
    case WRD_SCTP_COOKIE_ECHOED:
        sctp->due = WRD_SCTP_DUE_COOKIE_ECHO;
        sctp->t1 = now + rto;
        sctp->t1_sent = now;
        break;
    case WRD_SCTP_ESTABLISHED:
        sctp->due &= ~(unsigned)(WRD_SCTP_DUE_INIT | WRD_SCTP_DUE_COOKIE_ECHO);
        sctp->t1 = sctp->t2 = sctp->t3 = sctp->t5 = WRD_NEVER;
        wrd_sctp_rto_recover(&sctp->rto);
        if (wrd_sctp_flight_count(&sctp->flight) > 0)
            sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
        wrd_sctp_heartbeat_heard(&sctp->heartbeat, now);
        sctp->events |= WRD_SCTP_EVENT_OPEN;
        break;
    case WRD_SCTP_SHUTDOWN_PENDING:
    case WRD_SCTP_SHUTDOWN_RECEIVED: break;
    case WRD_SCTP_SHUTDOWN_SENT:
        sctp->due |= WRD_SCTP_DUE_SHUTDOWN;
        sctp->t2 = now + rto;
        sctp->t5 = now + WRD_SCTP_SHUTDOWN_GUARD;
        break;
    case WRD_SCTP_SHUTDOWN_ACK_SENT:
        sctp->due &= ~(unsigned)WRD_SCTP_DUE_SHUTDOWN;
        sctp->due |= WRD_SCTP_DUE_SHUTDOWN_ACK;
        sctp->t2 = now + rto;
        if (sctp->t5 == WRD_NEVER)
            sctp->t5 = now + WRD_SCTP_SHUTDOWN_GUARD;
        break;
    }
}

void wrd_sctp_end(struct wrd_sctp *sctp, wrd_time now, wrd_result failure, const char *text)
{
    if (sctp->over)
        return;
    sctp->failure = failure;
    sctp->failure_text = text;
    wrd_sctp_enter(sctp, now, WRD_SCTP_CLOSED);
}

static void write_abort(struct wrd_sctp *sctp, uint16_t cause, const uint8_t *value, size_t len)
{
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, sctp->peer_tag);
    wrd_sctp_abort_write(&wr, 0, cause, value, len);
    wrd_sctp_reply_end(sctp, &wr);
}

void wrd_sctp_fail(struct wrd_sctp *sctp, wrd_time now, wrd_result failure, uint16_t cause, const char *text)
{
    if (sctp->over)
        return;
    size_t len = 0;
    while (cause == WRD_SCTP_CAUSE_PROTOCOL && len < WRD_SCTP_ERROR_MAX && text[len])
        len++;
    if (sctp->begun)
        write_abort(sctp, cause, (const uint8_t *)text, len);
    wrd_sctp_end(sctp, now, failure, text);
}

void wrd_sctp_fail_with(struct wrd_sctp *sctp, wrd_time now, uint16_t cause, const uint8_t *value, size_t len,
                        const char *text)
{
    if (sctp->over)
        return;
    if (sctp->begun)
        write_abort(sctp, cause, value, len);
    wrd_sctp_end(sctp, now, WRD_PROTOCOL, text);
}

void wrd_sctp_connect(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state != WRD_SCTP_CLOSED || sctp->over)
        return;
    if (sctp->options.fast_open)
        wrd_sctp_fast_open_offer(&sctp->fast_open, sctp->env, sctp->local_tag);
    wrd_sctp_enter(sctp, now, WRD_SCTP_COOKIE_WAIT);
}

void wrd_sctp_settle(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->closing && sctp->state == WRD_SCTP_ESTABLISHED)
        wrd_sctp_enter(sctp, now, WRD_SCTP_SHUTDOWN_PENDING);
    if (sctp->queue.messages > 0 || wrd_sctp_flight_count(&sctp->flight) > 0)
        return;
    if (sctp->state == WRD_SCTP_SHUTDOWN_PENDING)
        wrd_sctp_enter(sctp, now, WRD_SCTP_SHUTDOWN_SENT);
    else if (sctp->state == WRD_SCTP_SHUTDOWN_RECEIVED)
        wrd_sctp_enter(sctp, now, WRD_SCTP_SHUTDOWN_ACK_SENT);
}

void wrd_sctp_shutdown(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->over)
        return;
    sctp->closing = true;
    if (sctp->state == WRD_SCTP_CLOSED)
        wrd_sctp_end(sctp, now, WRD_OK, "closed before it opened");
    else
        wrd_sctp_settle(sctp, now);
}

void wrd_sctp_abort(struct wrd_sctp *sctp, wrd_time now)
{
    wrd_sctp_fail(sctp, now, WRD_OK, WRD_SCTP_CAUSE_USER_ABORT, "closed by this side");
}

/* ---- Time ---- */

wrd_time wrd_sctp_deadline(const struct wrd_sctp *sctp)
{
    wrd_time deadline = wrd_earlier(wrd_earlier(sctp->t1, sctp->t5), wrd_earlier(sctp->t2, sctp->t3));
    deadline = wrd_earlier(deadline, wrd_earlier(sctp->probe, wrd_earlier(sctp->reorder, sctp->pacing)));
    if (sctp->begun && !sctp->track.sack_now)
        deadline = wrd_earlier(deadline, sctp->track.sack_deadline);
    deadline = wrd_earlier(deadline, wrd_sctp_messages_deadline(sctp));
    return wrd_earlier(deadline, wrd_earlier(sctp->heartbeat.deadline, sctp->reset.deadline));
}

static void expire_t1(struct wrd_sctp *sctp, wrd_time now)
{
    if (++sctp->attempts > WRD_SCTP_INIT_RETRIES) {
        wrd_sctp_end(sctp, now, WRD_LOST, "the peer does not answer the SCTP handshake");
        return;
    }
    wrd_sctp_rto_back_off(&sctp->rto);
    sctp->t1 = now + wrd_sctp_rto(&sctp->rto);
    if (sctp->state == WRD_SCTP_COOKIE_WAIT) {
        sctp->due |= WRD_SCTP_DUE_INIT;
        return;
    }
    sctp->due |= WRD_SCTP_DUE_COOKIE_ECHO;
    wrd_sctp_flight_rewind(&sctp->flight, false);
}

static void expire_t2(struct wrd_sctp *sctp, wrd_time now)
{
    if (++sctp->attempts > WRD_SCTP_SHUTDOWN_RETRIES && sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT && !sctp->closing) {
        wrd_sctp_fail(sctp, now, WRD_CLOSED, 0,
                      "closed by the peer"); /* that it knows we agree is all that is missing */
        return;
    }
    if (sctp->attempts > WRD_SCTP_SHUTDOWN_RETRIES) {
        wrd_sctp_fail(sctp, now, WRD_LOST, 0, "the peer does not answer the shutdown");
        return;
    }
    wrd_sctp_rto_back_off(&sctp->rto);
    sctp->t2 = now + wrd_sctp_rto(&sctp->rto);
    sctp->due |= sctp->state == WRD_SCTP_SHUTDOWN_SENT ? WRD_SCTP_DUE_SHUTDOWN : WRD_SCTP_DUE_SHUTDOWN_ACK;
}

/* Another sign that the peer is not there; false when that was the last. */
static bool count_error(struct wrd_sctp *sctp, wrd_time now)
{
    if (++sctp->errors <= WRD_SCTP_DATA_RETRIES)
        return true;
    wrd_sctp_fail(sctp, now, WRD_LOST, 0, "the peer no longer acknowledges anything");
    return false;
}

static void expire_reset(struct wrd_sctp *sctp, wrd_time now)
{
    if (!wrd_sctp_reset_expire(&sctp->reset, now, wrd_sctp_rto(&sctp->rto)))
        wrd_sctp_fail(sctp, now, WRD_LOST, 0, "the peer does not perform a stream reset");
}

void wrd_sctp_shrink(struct wrd_sctp *sctp)
{
    wrd_sctp_data_drain(sctp);
    wrd_sctp_pool_drain(&sctp->pool);
    wrd_sctp_flight_idle(&sctp->flight);
}

void wrd_sctp_expire(struct wrd_sctp *sctp, wrd_time now)
{
    if (now >= sctp->t1)
        expire_t1(sctp, now);
    if (now >= sctp->t2)
        expire_t2(sctp, now);
    if (now >= sctp->t5)
        wrd_sctp_fail(sctp, now, WRD_LOST, 0, "the peer never comes to the end of the shutdown");
    if (now >= sctp->reorder)
        wrd_sctp_expire_reorder(sctp, now);
    if (now >= sctp->probe)
        wrd_sctp_expire_probe(sctp, now);
    if (now >= sctp->t3 && count_error(sctp, now))
        wrd_sctp_expire_t3(sctp, now);
    if (now >= sctp->pacing)
        sctp->pacing = WRD_NEVER; /* the caller transmits */
    if (sctp->begun && now >= sctp->track.sack_deadline)
        sctp->track.sack_now = true;
    if (now >= wrd_sctp_messages_deadline(sctp))
        wrd_sctp_messages_expire(sctp, now);
    if (now >= sctp->reset.deadline)
        expire_reset(sctp, now);
    if (now >= sctp->heartbeat.deadline) {
        wrd_sctp_shrink(sctp);
        if (wrd_sctp_heartbeat_expire(&sctp->heartbeat, now))
            (void)count_error(sctp, now);
    }
}

/* A timer that runs is due after one timeout at the latest. */
static void hasten(wrd_time *timer, wrd_time at)
{
    if (*timer != WRD_NEVER && *timer > at)
        *timer = at;
}

void wrd_sctp_moved(struct wrd_sctp *sctp, wrd_time now)
{
    sctp->errors = 0;
    sctp->heartbeat.outstanding = false; /* its answer would say nothing of the new one */
    wrd_sctp_rto_recover(&sctp->rto);
    wrd_time at = now + wrd_sctp_rto(&sctp->rto);
    hasten(&sctp->t1, at);
    hasten(&sctp->t2, at);
    hasten(&sctp->t3, at);
    sctp->track.sack_now = sctp->track.sack_now || (sctp->begun && sctp->state >= WRD_SCTP_ESTABLISHED);
}

/* ---- Messages ---- */

wrd_result wrd_sctp_reset_stream(struct wrd_sctp *sctp, uint16_t stream)
{
    uint16_t streams = sctp->begun ? sctp->streams_out : sctp->options.streams;
    if (sctp->over || sctp->closing || sctp->state > WRD_SCTP_ESTABLISHED)
        return WRD_CLOSED;
    if (stream >= streams || (sctp->begun && !sctp->peer_reconfig))
        return WRD_INVALID;
    return wrd_sctp_reset_want(&sctp->reset, stream) ? WRD_OK : WRD_NO_MEMORY;
}

bool wrd_sctp_next_reset(struct wrd_sctp *sctp, uint16_t *stream, enum wrd_sctp_reset_side *side)
{
    if (wrd_sctp_reset_tell(&sctp->reset, stream, side))
        return true;
    *side = WRD_SCTP_RESET_REFUSED;
    return sctp->begun && !sctp->peer_reconfig && wrd_sctp_reset_give_up(&sctp->reset, stream);
}

enum wrd_sctp_state wrd_sctp_state(const struct wrd_sctp *sctp)
{
    return sctp->state;
}

wrd_result wrd_sctp_failure(const struct wrd_sctp *sctp, const char **text)
{
    if (text)
        *text = sctp->failure_text;
    return sctp->failure;
}

uint64_t wrd_sctp_unanswered(const struct wrd_sctp *sctp)
{
    return sctp->stats.probes + sctp->stats.timeouts + sctp->heartbeat.unanswered;
}

unsigned wrd_sctp_silences(const struct wrd_sctp *sctp)
{
    return sctp->errors;
}

uint64_t wrd_sctp_carried(const struct wrd_sctp *sctp)
{
    return sctp->stats.bytes_taken + sctp->stats.bytes_settled;
}

uint32_t wrd_sctp_rtt_samples(const struct wrd_sctp *sctp, wrd_time *latest)
{
    *latest = sctp->rto.latest;
    return sctp->rto.samples;
}

wrd_time wrd_sctp_rtt(const struct wrd_sctp *sctp)
{
    return sctp->rto.srtt;
}

void wrd_sctp_get_stats(const struct wrd_sctp *sctp, struct wrd_sctp_stats *out)
{
    *out = sctp->stats;
    out->messages_given_up = sctp->queue.given_up;
    out->in_flight = sctp->flight.bytes;
    out->cwnd = sctp->cwnd.cwnd;
    out->ssthresh = sctp->cwnd.ssthresh;
    out->peer_window = sctp->peer_rwnd;
    out->rtt = sctp->rto.srtt;
    out->rtt_var = sctp->rto.rttvar;
    out->rtt_min = sctp->flight.rack.rtt_min.value;
    out->rto = wrd_sctp_rto(&sctp->rto);
    out->interleaving = sctp->interleaving;
    out->without_checksum = sctp->without_checksum;
}

void wrd_sctp_audit(const struct wrd_sctp *sctp)
{
    wrd_sctp_flight_audit(&sctp->flight);
    wrd_sctp_queue_audit(&sctp->queue);
    bool handshaking = sctp->state == WRD_SCTP_COOKIE_WAIT || sctp->state == WRD_SCTP_COOKIE_ECHOED;
    bool leaving = sctp->state == WRD_SCTP_SHUTDOWN_SENT || sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT;
    WRD_ASSERT((sctp->t1 != WRD_NEVER) == handshaking);
    WRD_ASSERT((sctp->t2 != WRD_NEVER) == leaving);
    WRD_ASSERT((sctp->t5 != WRD_NEVER) == leaving);
    WRD_ASSERT(sctp->begun || sctp->state <= WRD_SCTP_COOKIE_WAIT);
    WRD_ASSERT(!sctp->over || sctp->state == WRD_SCTP_CLOSED);
    WRD_ASSERT(!leaving || (sctp->queue.messages == 0 && wrd_sctp_flight_count(&sctp->flight) == 0));
    if (sctp->state >= WRD_SCTP_ESTABLISHED)
        WRD_ASSERT((sctp->t3 != WRD_NEVER) == (wrd_sctp_flight_count(&sctp->flight) > 0));
    if (sctp->begun) {
        WRD_ASSERT(wrd_tsn_eq(sctp->join.next, wrd_tsn_add(sctp->track.cumulative, 1)) || sctp->over);
        WRD_ASSERT(wrd_tsn_le(sctp->track.cumulative, sctp->track.highest));
        wrd_sctp_join_audit(&sctp->join);
    }
}
