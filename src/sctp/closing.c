/* SPDX-License-Identifier: MIT */
/* How the peer ends an association, gracefully or not, and what it gets to hear when there is none (RFC 9260 8.4, 9).
 */
#include "sctp/assoc.h"

/* ---- Shutdown (RFC 9260 9.2) ---- */

void wrd_sctp_take_shutdown(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader rd)
{
    struct wrd_sctp_sack sack = {.cumulative = wrd_tsn(wrd_rd32(&rd)), .a_rwnd = sctp->peer_rwnd, .gaps = rd.at};
    if (rd.bad || sctp->state < WRD_SCTP_ESTABLISHED || !wrd_tsn_lt(sack.cumulative, sctp->flight.next))
        return;
    /* What it acknowledges may be old by now; that the peer leaves is not. */
    (void)wrd_sctp_acknowledge(sctp, now, &sack);
    if (sctp->state == WRD_SCTP_ESTABLISHED || sctp->state == WRD_SCTP_SHUTDOWN_PENDING)
        wrd_sctp_enter(sctp, now, WRD_SCTP_SHUTDOWN_RECEIVED);
    else if (sctp->state == WRD_SCTP_SHUTDOWN_SENT)
        wrd_sctp_enter(sctp, now, WRD_SCTP_SHUTDOWN_ACK_SENT);
    else if (sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT)
        sctp->due |= WRD_SCTP_DUE_SHUTDOWN_ACK;
}

void wrd_sctp_complete_shutdown(struct wrd_sctp *sctp, uint32_t tag, uint8_t flags)
{
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, tag);
    wrd_sctp_plain_write(&wr, WRD_SCTP_SHUTDOWN_COMPLETE, flags);
    wrd_sctp_reply_end(sctp, &wr);
}

static void end_shutdown(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->closing)
        wrd_sctp_end(sctp, now, WRD_OK, "closed by this side");
    else
        wrd_sctp_end(sctp, now, WRD_CLOSED, "closed by the peer");
}

void wrd_sctp_take_shutdown_ack(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state != WRD_SCTP_SHUTDOWN_SENT && sctp->state != WRD_SCTP_SHUTDOWN_ACK_SENT)
        return;
    wrd_sctp_complete_shutdown(sctp, sctp->peer_tag, 0);
    end_shutdown(sctp, now);
}

void wrd_sctp_take_shutdown_complete(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state == WRD_SCTP_SHUTDOWN_ACK_SENT)
        end_shutdown(sctp, now);
}

/* ---- ABORT and ERROR ---- */

static const char *describe_abort(uint16_t cause)
{
    switch ((enum wrd_sctp_cause)cause) {
    case WRD_SCTP_CAUSE_INVALID_STREAM: return "the peer aborted: it does not take a stream that was used";
    case WRD_SCTP_CAUSE_MISSING_PARAMETER: return "the peer aborted: it misses a parameter";
    case WRD_SCTP_CAUSE_STALE_COOKIE: return "the peer aborted: its cookie came too late";
    case WRD_SCTP_CAUSE_OUT_OF_RESOURCE: return "the peer aborted: it is out of memory";
    case WRD_SCTP_CAUSE_UNRECOGNIZED_CHUNK: return "the peer aborted: it does not know a chunk";
    case WRD_SCTP_CAUSE_INVALID_PARAMETER: return "the peer aborted: a parameter is not valid for it";
    case WRD_SCTP_CAUSE_UNRECOGNIZED_PARAMETERS: return "the peer aborted: it does not know a parameter";
    case WRD_SCTP_CAUSE_NO_USER_DATA: return "the peer aborted: it got DATA without data";
    case WRD_SCTP_CAUSE_CLOSING: return "the peer aborted: it is shutting down";
    case WRD_SCTP_CAUSE_RESTART_ADDRESSES: return "the peer aborted: it does not take the restart";
    case WRD_SCTP_CAUSE_USER_ABORT: return "closed by the peer";
    case WRD_SCTP_CAUSE_PROTOCOL: return "the peer aborted: it found a protocol violation";
    }
    return "the peer aborted for a reason that is not known here";
}

void wrd_sctp_take_abort(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader causes)
{
    struct wrd_sctp_param cause;
    while (wrd_sctp_param_next(&causes, &cause)) {
        if (cause.type != WRD_SCTP_CAUSE_USER_ABORT) {
            wrd_sctp_end(sctp, now, WRD_PROTOCOL, describe_abort(cause.type));
            return;
        }
    }
    wrd_sctp_end(sctp, now, WRD_CLOSED, "closed by the peer");
}

void wrd_sctp_take_error(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader causes)
{
    struct wrd_sctp_param cause;
    while (wrd_sctp_param_next(&causes, &cause)) {
        if (cause.type == WRD_SCTP_CAUSE_STALE_COOKIE) {
            wrd_sctp_take_stale_cookie(sctp, now);
            return;
        }
    }
}

/* ---- Out of the blue ---- */

static bool find_chunk(struct wrd_reader chunks, uint8_t type)
{
    struct wrd_sctp_chunk chunk;
    while (wrd_sctp_chunk_next(&chunks, &chunk)) {
        if (chunk.type == type)
            return true;
    }
    return false;
}

void wrd_sctp_answer_stray(struct wrd_sctp *sctp, const struct wrd_sctp_packet *packet)
{
    static const uint8_t never[] = {WRD_SCTP_ABORT, WRD_SCTP_SHUTDOWN_COMPLETE, WRD_SCTP_COOKIE_ACK, WRD_SCTP_ERROR,
                                    WRD_SCTP_INIT};
    if (packet->tag == 0 || sctp->reply_len > 0)
        return;
    for (size_t i = 0; i < sizeof never; i++) {
        if (find_chunk(packet->chunks, never[i]))
            return;
    }
    if (find_chunk(packet->chunks, WRD_SCTP_SHUTDOWN_ACK)) {
        wrd_sctp_complete_shutdown(sctp, packet->tag, WRD_SCTP_REFLECTED);
        return;
    }
    struct wrd_writer wr = wrd_sctp_reply_begin(sctp, packet->tag);
    wrd_sctp_abort_write(&wr, WRD_SCTP_REFLECTED, 0, NULL, 0);
    wrd_sctp_reply_end(sctp, &wr);
}
