/* SPDX-License-Identifier: MIT */
/* INIT, INIT-ACK, COOKIE-ECHO, COOKIE-ACK: RFC 9260 5.1 and 5.2. */
#include "sctp/assoc.h"

static struct wrd_sctp_init describe_us(const struct wrd_sctp *sctp, uint32_t tag, struct wrd_tsn tsn)
{
    return (struct wrd_sctp_init){.tag = tag,
                                  .a_rwnd = (uint32_t)sctp->options.receive_window,
                                  .streams_out = sctp->options.streams,
                                  .streams_in = sctp->options.streams,
                                  .tsn = tsn,
                                  .interleaving = !sctp->options.no_interleaving,
                                  .zero_checksum = !sctp->options.always_checksum};
}

void wrd_sctp_write_init(const struct wrd_sctp *sctp, struct wrd_writer *wr)
{
    struct wrd_sctp_init init = describe_us(sctp, sctp->local_tag, sctp->local_initial);
    wrd_sctp_chunk_end(wr, wrd_sctp_init_begin(wr, WRD_SCTP_INIT, &init));
}

static void refuse(struct wrd_sctp *sctp, uint32_t tag, uint16_t cause, const uint8_t *value, size_t len)
{
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, tag);
    wrd_sctp_abort_write(&wr, 0, cause, value, len);
    wrd_sctp_reply_end(sctp, &wr);
}

/* Our tag and TSN for an INIT-ACK, with the tags that tie it to the association there may be (RFC 9260 5.2.1, 5.2.2).
 */
static void fill_local(struct wrd_sctp *sctp, struct wrd_sctp_cookie *cookie)
{
    cookie->local_tag = sctp->local_tag;
    cookie->local_tsn = sctp->local_initial;
    if (sctp->state == WRD_SCTP_CLOSED || sctp->state == WRD_SCTP_COOKIE_WAIT)
        return;
    cookie->local_tie = sctp->local_tag;
    cookie->peer_tie = sctp->peer_tag;
    if (sctp->state == WRD_SCTP_COOKIE_ECHOED)
        return;
    struct {
        uint32_t tag, tsn;
    } fresh;
    sctp->env->random(sctp->env->user, (uint8_t *)&fresh, sizeof fresh);
    cookie->local_tag = fresh.tag ? fresh.tag : 1;
    cookie->local_tsn = wrd_tsn(fresh.tsn);
}

/* Nothing of the INIT is kept: all of it goes into the cookie. */
void wrd_sctp_take_init(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk)
{
    uint8_t unrecognized_bytes[128];
    struct wrd_writer unrecognized = wrd_wr(unrecognized_bytes, sizeof unrecognized_bytes);
    struct wrd_sctp_init init;
    if (!wrd_sctp_init_read(&init, chunk, &unrecognized) || init.tag == 0)
        return;
    if (sctp->over || init.streams_in == 0 || init.streams_out == 0) {
        refuse(sctp, init.tag, sctp->over ? 0 : WRD_SCTP_CAUSE_INVALID_PARAMETER, NULL, 0);
        return;
    }
    if (sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT) {
        sctp->due |= WRD_SCTP_DUE_SHUTDOWN_ACK; /* RFC 9260 9.2 */
        return;
    }
    struct wrd_sctp_cookie cookie = {.made = now,
                                     .peer_tag = init.tag,
                                     .peer_tsn = init.tsn,
                                     .peer_rwnd = init.a_rwnd,
                                     .streams_out = init.streams_out,
                                     .streams_in = init.streams_in,
                                     .forward_tsn = init.forward_tsn,
                                     .reconfig = init.reconfig,
                                     .interleaving = init.interleaving,
                                     .i_forward_tsn = init.i_forward_tsn,
                                     .zero_checksum = init.zero_checksum};
    fill_local(sctp, &cookie);
    uint8_t sealed[WRD_SCTP_COOKIE_SIZE];
    if (!wrd_sctp_cookie_seal(sealed, &cookie, sctp->cookie_key))
        return;
    struct wrd_sctp_init answer = describe_us(sctp, cookie.local_tag, cookie.local_tsn);
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, init.tag);
    size_t start = wrd_sctp_init_begin(&wr, WRD_SCTP_INIT_ACK, &answer);
    wrd_sctp_param_write(&wr, WRD_SCTP_PARAM_STATE_COOKIE, sealed, sizeof sealed);
    struct wrd_reader list = wrd_rd(unrecognized_bytes, unrecognized.len);
    struct wrd_sctp_param param;
    while (wrd_sctp_param_next(&list, &param))
        wrd_sctp_param_write(&wr, WRD_SCTP_PARAM_UNRECOGNIZED, param.whole, param.whole_len);
    wrd_sctp_chunk_end(&wr, start);
    wrd_sctp_reply_end(sctp, &wr);
}

static uint16_t least(uint16_t a, uint16_t b)
{
    return a < b ? a : b;
}

/* The peer is known: both directions start. False: it takes fewer streams than messages are queued for. */
static bool begin(struct wrd_sctp *sctp, wrd_time now, wrd_time said, const struct wrd_sctp_init *peer)
{
    sctp->peer_tag = peer->tag;
    sctp->peer_said = said;
    sctp->peer_rwnd = peer->a_rwnd;
    sctp->streams_out = least(sctp->options.streams, peer->streams_in);
    sctp->streams_in = least(sctp->options.streams, peer->streams_out);
    sctp->interleaving = peer->interleaving && !sctp->options.no_interleaving;
    sctp->peer_forward_tsn = sctp->interleaving ? peer->i_forward_tsn : peer->forward_tsn;
    sctp->peer_reconfig = peer->reconfig;
    sctp->without_checksum = peer->zero_checksum && !sctp->options.always_checksum;
    struct wrd_sctp_join_setup setup = {.pool = &sctp->pool,
                                        .message_limit = sctp->options.message_limit,
                                        .window = sctp->options.receive_window,
                                        .interleaving = sctp->interleaving,
                                        .peer_initial = peer->tsn};
    sctp->env->random(sctp->env->user, (uint8_t *)&setup.salt, sizeof setup.salt);
    if (sctp->begun) {
        wrd_sctp_track_free(&sctp->track);
        wrd_sctp_join_restart(&sctp->join, &setup);
    } else {
        wrd_sctp_join_init(&sctp->join, &setup);
    }
    wrd_sctp_track_init(&sctp->track, sctp->env, peer->tsn);
    sctp->begun = true;
    sctp->advertised = wrd_sctp_window(sctp);
    wrd_sctp_reset_begin(&sctp->reset, sctp->local_initial, peer->tsn);
    if (sctp->reset.wanted.count > 0 && !sctp->peer_reconfig)
        sctp->events |= WRD_SCTP_EVENT_RESET; /* refused */
    wrd_sctp_agree(sctp);
    wrd_sctp_loss_init(sctp);
    if (sctp->queue.messages == 0 || sctp->queue.highest_stream < sctp->streams_out)
        return true;
    wrd_sctp_fail(sctp, now, WRD_PROTOCOL, WRD_SCTP_CAUSE_INVALID_STREAM, "the peer accepts too few streams");
    return false;
}

/* Nothing that was sent counts: it goes back to the queue, and out again from the first TSN on. */
static void queue_again(struct wrd_sctp *sctp)
{
    wrd_sctp_flight_restart(&sctp->flight, sctp->local_initial);
    wrd_sctp_queue_restart(&sctp->queue);
    sctp->abandon = (struct wrd_sctp_abandon){0};
    sctp->last_data = 0;
    sctp->t3 = WRD_NEVER;
}

/* The handshake's own round trip is the first sample, if nothing of it was sent twice. */
static void sample_handshake(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->attempts == 0 && now > sctp->t1_sent)
        wrd_sctp_rto_sample(&sctp->rto, now - sctp->t1_sent);
}

static void drop_peer_cookie(struct wrd_sctp *sctp)
{
    wrd_sctp_pool_give(&sctp->pool, sctp->peer_cookie, sctp->peer_cookie_capacity);
    sctp->peer_cookie = NULL;
    sctp->peer_cookie_len = 0;
}

/* False: it cannot be used, and that ends the association (RFC 9260 3.3.3). */
static bool check_init_ack(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_init *init)
{
    static const uint8_t missing[] = {0, 0, 0, 1, 0, WRD_SCTP_PARAM_STATE_COOKIE}; /* one, and which */
    const char *text = NULL;
    if (init->tag == 0) {
        text = "the peer's INIT-ACK has no tag";
    } else if (init->streams_in == 0 || init->streams_out == 0) {
        text = "the peer's INIT-ACK has no streams";
        refuse(sctp, init->tag, WRD_SCTP_CAUSE_INVALID_PARAMETER, NULL, 0);
    } else if (init->cookie_len == 0) {
        text = "the peer's INIT-ACK has no cookie";
        refuse(sctp, init->tag, WRD_SCTP_CAUSE_MISSING_PARAMETER, missing, sizeof missing);
    } else if (init->cookie_len > WRD_SCTP_COOKIE_MAX) {
        text = "the peer's cookie is too large";
        refuse(sctp, init->tag, WRD_SCTP_CAUSE_OUT_OF_RESOURCE, NULL, 0);
    }
    if (text)
        wrd_sctp_end(sctp, now, WRD_PROTOCOL, text);
    return !text;
}

void wrd_sctp_take_init_ack(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk)
{
    uint8_t unrecognized_bytes[128];
    struct wrd_writer unrecognized = wrd_wr(unrecognized_bytes, sizeof unrecognized_bytes);
    struct wrd_sctp_init init;
    if (sctp->state != WRD_SCTP_COOKIE_WAIT || !wrd_sctp_init_read(&init, chunk, &unrecognized))
        return;
    if (!check_init_ack(sctp, now, &init))
        return;
    if (wrd_sctp_fast_open_shows(&sctp->fast_open, &init)) { /* what said so before was lost */
        (void)wrd_sctp_take_fast_open(sctp, now);
        return;
    }
    drop_peer_cookie(sctp);
    sctp->peer_cookie = wrd_sctp_pool_take(&sctp->pool, init.cookie_len, &sctp->peer_cookie_capacity);
    if (!sctp->peer_cookie)
        return; /* T1 asks for another */
    memcpy(sctp->peer_cookie, init.cookie, init.cookie_len);
    sctp->peer_cookie_len = init.cookie_len;
    sample_handshake(sctp, now);
    if (!begin(sctp, now, now, &init))
        return;
    if (unrecognized.len > 0)
        wrd_sctp_report(sctp, WRD_SCTP_CAUSE_UNRECOGNIZED_PARAMETERS, unrecognized_bytes, unrecognized.len);
    wrd_sctp_enter(sctp, now, WRD_SCTP_COOKIE_ECHOED);
}

static void establish(struct wrd_sctp *sctp, wrd_time now)
{
    drop_peer_cookie(sctp);
    sctp->fast_open.offered = false;
    wrd_sctp_enter(sctp, now, WRD_SCTP_ESTABLISHED);
    wrd_sctp_settle(sctp, now);
}

void wrd_sctp_write_fast_open(struct wrd_sctp *sctp, struct wrd_writer *wr)
{
    const struct wrd_sctp_fast_open_us us = {
        .tsn = sctp->local_initial, .a_rwnd = (uint32_t)sctp->options.receive_window, .streams = sctp->options.streams};
    wrd_sctp_fast_open_write(&sctp->fast_open, &us, wr);
}

bool wrd_sctp_take_fast_open(struct wrd_sctp *sctp, wrd_time now)
{
    struct wrd_sctp_init peer = wrd_sctp_fast_open_peer(&sctp->fast_open, sctp->options.streams);
    queue_again(sctp); /* what went out with the other cookie reached nobody */
    sctp->local_tag = sctp->fast_open.local_tag;
    if (sctp->state == WRD_SCTP_COOKIE_WAIT)
        sample_handshake(sctp, now);
    if (!begin(sctp, now, now, &peer))
        return false;
    establish(sctp, now);
    return true;
}

void wrd_sctp_take_cookie_ack(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state != WRD_SCTP_COOKIE_ECHOED)
        return;
    sample_handshake(sctp, now);
    establish(sctp, now);
}

void wrd_sctp_take_stale_cookie(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state != WRD_SCTP_COOKIE_ECHOED)
        return;
    wrd_sctp_flight_rewind(&sctp->flight, false);
    wrd_sctp_enter(sctp, now, WRD_SCTP_COOKIE_WAIT);
    if (++sctp->stale > WRD_SCTP_INIT_RETRIES)
        wrd_sctp_end(sctp, now, WRD_LOST, "the peer finds every cookie stale");
}

static void refuse_stale(struct wrd_sctp *sctp, wrd_time age, const struct wrd_sctp_cookie *cookie)
{
    wrd_time over = age - WRD_SCTP_COOKIE_LIFETIME;
    uint8_t measure[4];
    wrd_store32be(measure, over < UINT32_MAX ? (uint32_t)over : UINT32_MAX);
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, cookie->peer_tag);
    size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_ERROR, 0);
    wrd_sctp_param_write(&wr, WRD_SCTP_CAUSE_STALE_COOKIE, measure, sizeof measure);
    wrd_sctp_chunk_end(&wr, start);
    wrd_sctp_reply_end(sctp, &wr);
}

static struct wrd_sctp_init peer_of(const struct wrd_sctp_cookie *cookie)
{
    return (struct wrd_sctp_init){.tag = cookie->peer_tag,
                                  .a_rwnd = cookie->peer_rwnd,
                                  .streams_out = cookie->streams_out,
                                  .streams_in = cookie->streams_in,
                                  .tsn = cookie->peer_tsn,
                                  .forward_tsn = cookie->forward_tsn,
                                  .reconfig = cookie->reconfig,
                                  .interleaving = cookie->interleaving,
                                  .i_forward_tsn = cookie->i_forward_tsn,
                                  .zero_checksum = cookie->zero_checksum};
}

static bool accept_cookie(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_cookie *cookie)
{
    struct wrd_sctp_init peer = peer_of(cookie);
    bool known = sctp->state == WRD_SCTP_COOKIE_ECHOED && sctp->peer_tag == cookie->peer_tag;
    if (!known && !begin(sctp, now, cookie->made, &peer))
        return false;
    establish(sctp, now);
    sctp->due |= WRD_SCTP_DUE_COOKIE_ACK;
    return true;
}

/* Case B while established: the peer chose another tag after it had answered our INIT, and nothing came under the old
 * one. A cookie that is older than what stands is only late. */
static bool adopt_tag(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_cookie *cookie)
{
    struct wrd_sctp_init peer = peer_of(cookie);
    if (sctp->state != WRD_SCTP_ESTABLISHED || sctp->track.any || cookie->made <= sctp->peer_said)
        return false;
    queue_again(sctp);
    if (!begin(sctp, now, cookie->made, &peer))
        return false;
    sctp->due |= WRD_SCTP_DUE_COOKIE_ACK;
    return true;
}

/* Case A: the peer restarted. As if it had aborted and begun anew (RFC 9260 5.2.4.1), and what it did not acknowledge
 * is queued once more. */
static bool restart(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_cookie *cookie)
{
    struct wrd_sctp_init peer = peer_of(cookie);
    unsigned events = sctp->events;
    sctp->local_tag = cookie->local_tag;
    sctp->local_initial = cookie->local_tsn;
    queue_again(sctp);
    wrd_sctp_rto_init(&sctp->rto, sctp->options.rto_initial);
    wrd_sctp_heartbeat_free(&sctp->heartbeat);
    wrd_sctp_heartbeat_init(&sctp->heartbeat, sctp->env);
    sctp->errors = 0;
    wrd_sctp_drop_report(sctp);
    if (!begin(sctp, now, cookie->made, &peer))
        return false;
    wrd_sctp_enter(sctp, now, WRD_SCTP_ESTABLISHED);
    sctp->due = WRD_SCTP_DUE_COOKIE_ACK;
    sctp->events = events | WRD_SCTP_EVENT_RESTART;
    return true;
}

/* The peer restarted while this side was about to leave: it is told so (RFC 9260 5.2.4 A). */
static void refuse_restart(struct wrd_sctp *sctp, const struct wrd_sctp_cookie *cookie)
{
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, cookie->peer_tag);
    wrd_sctp_plain_write(&wr, WRD_SCTP_SHUTDOWN_ACK, 0);
    size_t start = wrd_sctp_chunk_begin(&wr, WRD_SCTP_ERROR, 0);
    wrd_sctp_param_write(&wr, WRD_SCTP_CAUSE_CLOSING, NULL, 0);
    wrd_sctp_chunk_end(&wr, start);
    wrd_sctp_reply_end(sctp, &wr);
}

/* The table of RFC 9260 5.2.4. */
bool wrd_sctp_take_cookie_echo(struct wrd_sctp *sctp, wrd_time now, uint32_t tag, const struct wrd_sctp_chunk *chunk)
{
    struct wrd_sctp_cookie cookie;
    if (!wrd_sctp_cookie_open(&cookie, chunk->value.at, chunk->value.left, sctp->cookie_key) || cookie.local_tag != tag)
        return false;
    bool local_match = cookie.local_tag == sctp->local_tag;
    bool peer_match = sctp->begun && cookie.peer_tag == sctp->peer_tag;
    wrd_time age = now > cookie.made ? now - cookie.made : 0;
    if (age > WRD_SCTP_COOKIE_LIFETIME && !(local_match && peer_match)) {
        refuse_stale(sctp, age, &cookie);
        return false;
    }
    if (sctp->state < WRD_SCTP_ESTABLISHED)
        return local_match && accept_cookie(sctp, now, &cookie); /* cases B and D, or the first of all */
    if (local_match && peer_match) {
        sctp->due |= WRD_SCTP_DUE_COOKIE_ACK; /* D: ours was lost */
        return true;
    }
    if (local_match)
        return adopt_tag(sctp, now, &cookie);
    if (peer_match || cookie.local_tie != sctp->local_tag || cookie.peer_tie != sctp->peer_tag)
        return false; /* C, or of an association that is no more */
    if (sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT) {
        refuse_restart(sctp, &cookie);
        return false;
    }
    return restart(sctp, now, &cookie);
}
