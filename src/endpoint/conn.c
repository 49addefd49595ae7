/* SPDX-License-Identifier: MIT */
/* The calls of wrd/endpoint.h on one connection. */
#include "endpoint/inside.h"
#include "endpoint/messages.h"
#include "wrd/channel.h"

#include <string.h>

wrd_result wrd_conn_send(wrd_endpoint *ep, wrd_time now, wrd_conn conn, wrd_kind kind, const void *data, size_t len)
{
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return WRD_GONE;
    if (!data && len > 0)
        return WRD_INVALID;
    wrd_result result =
        wrd_connection_send(&ep->shared, c, ep->now, WRD_CHANNEL_MAIN, kind, data ? data : (const uint8_t *)"", len);
    wrd_endpoint_settle(ep, c);
    return result;
}

wrd_result wrd_conn_receive(wrd_endpoint *ep, wrd_time now, wrd_conn conn, wrd_message *out)
{
    *out = (wrd_message){.data = (const uint8_t *)""};
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return WRD_GONE;
    wrd_result result = wrd_connection_peek(c, ep->now, out);
    wrd_endpoint_settle(ep, c); /* a frame's chunks may have been taken, and the window have opened */
    return result;
}

void wrd_conn_release(wrd_endpoint *ep, wrd_time now, wrd_conn conn)
{
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return;
    wrd_connection_release(&ep->shared, c, ep->now);
    wrd_endpoint_settle(ep, c);
}

wrd_result wrd_conn_read(wrd_endpoint *ep, wrd_time now, wrd_conn conn, void *out, size_t len)
{
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return WRD_GONE;
    wrd_result result = wrd_connection_read(&ep->shared, c, ep->now, out, len);
    wrd_endpoint_settle(ep, c);
    return result;
}

size_t wrd_conn_buffered(const wrd_endpoint *ep, wrd_conn conn)
{
    const struct wrd_connection *c = wrd_table_find(&ep->table, conn);
    return c ? wrd_connection_buffered(c) : 0;
}

void wrd_conn_close(wrd_endpoint *ep, wrd_time now, wrd_conn conn)
{
    wrd_conn_close_with(ep, now, conn, 0, NULL);
}

void wrd_conn_close_with(wrd_endpoint *ep, wrd_time now, wrd_conn conn, uint32_t code, const char *reason)
{
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return;
    wrd_connection_close(&ep->shared, c, ep->now, code, reason);
    wrd_endpoint_settle(ep, c);
}

static void fill_sctp(wrd_conn_info *out, const struct wrd_sctp *sctp)
{
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(sctp, &stats);
    out->rtt_var = stats.rtt_var;
    out->rtt_min = stats.rtt_min;
    out->rto = stats.rto;
    out->packets_sent = stats.packets_sent;
    out->packets_received = stats.packets_received;
    out->chunks_retransmitted = stats.chunks_retransmitted;
    out->losses = stats.losses;
    out->probes = stats.probes;
    out->timeouts = stats.timeouts;
    out->slowdowns_undone = stats.undone;
    out->messages_given_up = stats.messages_given_up;
    out->in_flight = stats.in_flight;
    out->congestion_window = stats.cwnd;
    out->peer_window = stats.peer_window;
    out->interleaving = stats.interleaving;
    out->without_checksum = stats.without_checksum;
}

wrd_result wrd_conn_get_info(const wrd_endpoint *ep, wrd_conn conn, wrd_conn_info *out)
{
    const struct wrd_connection *c = wrd_table_find(&ep->table, conn);
    if (!c)
        return WRD_GONE;
    if (out->size != sizeof *out)
        return WRD_INVALID;
    *out = (wrd_conn_info){.size = sizeof *out,
                           .path = c->path,
                           .open = c->phase == WRD_PHASE_OPEN,
                           .ended = c->phase == WRD_PHASE_ENDED,
                           .reason = c->reason,
                           .opened_at = c->opened_at,
                           .rtt = c->sctp ? wrd_sctp_rtt(c->sctp) : 0,
                           .bytes_sent = c->app_bytes_sent,
                           .bytes_received = c->app_bytes_received,
                           .messages_sent = c->app_messages_sent,
                           .messages_received = c->app_messages_received,
                           .buffered = wrd_connection_buffered(c),
                           .channels = wrd_chan_count(&c->chan),
                           .messages_dropped = c->chan.dropped,
                           .channels_refused = c->chan.refused,
                           .has_token = c->has_token};
    memcpy(out->subject, c->subject, sizeof out->subject);
    out->has_fingerprint = c->dtls && wrd_dtls_peer_fingerprint(c->dtls, &out->fingerprint);
    if (c->sctp && c->was_open)
        fill_sctp(out, c->sctp);
    return WRD_OK;
}
