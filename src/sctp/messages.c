/* SPDX-License-Identifier: MIT */
/* Messages on their way down, what of them is still queued, and what happened since the caller last asked. */
#include "sctp/assoc.h"

/* The queue became shorter, by acknowledgements or by giving up: a blocked sender may hear of it. */
static void note_room(struct wrd_sctp *sctp)
{
    if (wrd_sctp_queue_charge(&sctp->queue) > sctp->options.send_limit / 2)
        return;
    bool wakes = sctp->blocked || (sctp->giant_blocked && !sctp->queue.giant);
    sctp->blocked = false;
    if (!sctp->queue.giant)
        sctp->giant_blocked = false;
    if (wakes)
        sctp->events |= WRD_SCTP_EVENT_WRITABLE;
}

unsigned wrd_sctp_next(struct wrd_sctp *sctp)
{
    note_room(sctp);
    unsigned events = sctp->events;
    if (sctp->queue.fell_low)
        events |= WRD_SCTP_EVENT_LOW;
    sctp->queue.fell_low = false;
    sctp->events = 0;
    return events;
}

static bool has_stream(const struct wrd_sctp *sctp, uint16_t stream)
{
    return stream < (sctp->begun ? sctp->streams_out : sctp->options.streams);
}

size_t wrd_sctp_room(const struct wrd_sctp *sctp)
{
    size_t charge = wrd_sctp_queue_charge(&sctp->queue);
    return charge < sctp->options.send_limit ? sctp->options.send_limit - charge : 0;
}

bool wrd_sctp_has_uncut(const struct wrd_sctp *sctp)
{
    const struct wrd_sctp_queue *queue = &sctp->queue;
    return queue->turns.first || queue->current || queue->parked[0].first || queue->parked[1].first;
}

uint16_t wrd_sctp_streams(const struct wrd_sctp *sctp)
{
    if (!sctp->begun)
        return sctp->options.streams;
    return sctp->streams_out < sctp->streams_in ? sctp->streams_out : sctp->streams_in;
}

void wrd_sctp_raise_message_limit(struct wrd_sctp *sctp, size_t limit)
{
    if (limit > WRD_MESSAGE_MAX)
        limit = WRD_MESSAGE_MAX;
    if (limit <= sctp->options.message_limit)
        return;
    sctp->options.message_limit = limit;
    sctp->join.message_limit = limit;
    sctp->join.weave.message_limit = limit;
}

wrd_result wrd_sctp_send(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_message *message)
{
    if (sctp->over || sctp->closing || sctp->state > WRD_SCTP_ESTABLISHED)
        return WRD_CLOSED;
    if (message->len == 0 || !has_stream(sctp, message->stream))
        return WRD_INVALID;
    if (wrd_sctp_reset_holds(&sctp->reset, message->stream))
        return WRD_CLOSED;
    if (message->len > sctp->options.message_limit)
        return WRD_TOO_LARGE;
    if (sctp->queue.messages > 0 && message->len > wrd_sctp_room(sctp)) {
        if (message->len > sctp->options.send_limit)
            sctp->giant_blocked = true;
        else
            sctp->blocked = true;
        return WRD_AGAIN;
    }
    return wrd_sctp_queue_push(&sctp->queue, now, message) ? WRD_OK : WRD_NO_MEMORY;
}

void wrd_sctp_agree(struct wrd_sctp *sctp)
{
    /* What was cut for a peer that answers otherwise now is cut once more. */
    if (sctp->interleaving != sctp->queue.rules.interleaving && wrd_sctp_flight_count(&sctp->flight) > 0) {
        wrd_sctp_flight_restart(&sctp->flight, wrd_tsn_add(sctp->flight.cumulative, 1));
        wrd_sctp_queue_restart(&sctp->queue);
        sctp->abandon = (struct wrd_sctp_abandon){0};
        sctp->t3 = WRD_NEVER;
    }
    size_t room = sctp->options.packet_max - WRD_SCTP_HEADER_SIZE;
    struct wrd_sctp_queue_rules rules = {.interleaving = sctp->interleaving,
                                         .expiring = sctp->peer_forward_tsn,
                                         .begun_limit = sctp->peer_rwnd / 2,
                                         .piece = sctp->interleaving ? wrd_sctp_i_data_fits(room)
                                                                     : wrd_sctp_data_fits(room)};
    wrd_sctp_queue_agree(&sctp->queue, &rules);
}

/* Some message was given up, or may have been. */
static void settle_given_up(struct wrd_sctp *sctp, wrd_time now)
{
    if (wrd_sctp_flight_count(&sctp->flight) > 0 && sctp->t3 == WRD_NEVER && sctp->state >= WRD_SCTP_ESTABLISHED)
        sctp->t3 = now + wrd_sctp_rto(&sctp->rto); /* the peer is to be told until it answers (RFC 3758 3.5 C5) */
    wrd_sctp_settle(sctp, now);
}

void wrd_sctp_give_up_late(struct wrd_sctp *sctp, wrd_time now)
{
    if (!sctp->peer_forward_tsn)
        return;
    wrd_sctp_abandon_late(&sctp->abandon, &sctp->flight, now);
    settle_given_up(sctp, now);
}

wrd_time wrd_sctp_messages_deadline(const struct wrd_sctp *sctp)
{
    return sctp->over ? WRD_NEVER : wrd_sctp_queue_deadline(&sctp->queue);
}

void wrd_sctp_messages_expire(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->over)
        return;
    if (sctp->state >= WRD_SCTP_ESTABLISHED)
        wrd_sctp_abandon_expire(&sctp->abandon, &sctp->flight, now);
    else
        while (wrd_sctp_queue_expire(&sctp->queue, now)) /* what was sent waits for the handshake's end */
            ;
    settle_given_up(sctp, now);
}

wrd_result wrd_sctp_set_priority(struct wrd_sctp *sctp, uint16_t stream, uint16_t weight)
{
    if (weight == 0 || !has_stream(sctp, stream))
        return WRD_INVALID;
    return wrd_sctp_queue_set_weight(&sctp->queue, stream, weight) ? WRD_OK : WRD_NO_MEMORY;
}

size_t wrd_sctp_stream_buffered(const struct wrd_sctp *sctp, uint16_t stream)
{
    return sctp->over ? 0 : wrd_sctp_queue_uncut(&sctp->queue, stream);
}

wrd_result wrd_sctp_set_low(struct wrd_sctp *sctp, uint16_t stream, size_t bytes)
{
    if (!has_stream(sctp, stream))
        return WRD_INVALID;
    return wrd_sctp_queue_set_low(&sctp->queue, stream, bytes) ? WRD_OK : WRD_NO_MEMORY;
}

bool wrd_sctp_next_low(struct wrd_sctp *sctp, uint16_t *stream)
{
    return wrd_sctp_queue_take_low(&sctp->queue, stream);
}

size_t wrd_sctp_buffered(const struct wrd_sctp *sctp)
{
    return sctp->over ? 0 : sctp->queue.bytes;
}

size_t wrd_sctp_load(const struct wrd_sctp *sctp)
{
    return sctp->over ? 0 : sctp->queue.bytes + sctp->queue.messages * WRD_SCTP_OVERHEAD;
}
