/* SPDX-License-Identifier: MIT */
/* The calls of wrd/channel.h. */
#include "wrd/channel.h"

#include "base/mem.h"
#include "endpoint/inside.h"
#include "endpoint/messages.h"

#define LIFETIME_MAX (65535 * WRD_MILLISECOND)

void wrd_channel_options_init(wrd_channel_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

/* Bytes of a name, at most one more than is allowed. */
static uint16_t name_len(const char *name)
{
    uint16_t len = 0;
    while (name && len <= WRD_CHANNEL_NAME_MAX && name[len] != 0)
        len++;
    return len;
}

static const char *find_fault(const wrd_channel_options *options)
{
    if (options->size != sizeof *options)
        return "options.size is not sizeof(wrd_channel_options): fill options with wrd_channel_options_init() first";
    if (options->limit_retransmits && options->lifetime > 0)
        return "options.limit_retransmits and options.lifetime exclude each other (RFC 8832 5.1)";
    if (options->lifetime > LIFETIME_MAX)
        return "options.lifetime is above 65.535 s";
    if (options->lifetime > 0 && options->lifetime < WRD_MILLISECOND)
        return "options.lifetime is below a millisecond: it counts microseconds";
    if (!options->negotiated && options->id != 0)
        return "options.id is only for negotiated channels";
    return NULL;
}

static struct wrd_chan_dcep_open describe(const wrd_channel_options *options)
{
    struct wrd_chan_dcep_open open = {.unordered = options->unordered,
                                      .priority =
                                          options->priority > 0 ? options->priority : (uint16_t)WRD_PRIORITY_LOW,
                                      .label = (const uint8_t *)options->label,
                                      .label_len = name_len(options->label),
                                      .protocol = (const uint8_t *)options->protocol,
                                      .protocol_len = name_len(options->protocol)};
    if (options->limit_retransmits) {
        open.reliability = WRD_CHAN_RETRANSMITS;
        open.limit = options->max_retransmits;
    } else if (options->lifetime > 0) {
        open.reliability = WRD_CHAN_LIFETIME;
        open.limit = (uint32_t)(options->lifetime / WRD_MILLISECOND);
    }
    return open;
}

wrd_result wrd_channel_open(wrd_endpoint *ep, wrd_time now, wrd_conn conn, wrd_channel *out,
                            const wrd_channel_options *options, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = "";
    *out = 0;
    wrd_channel_options defaults;
    wrd_channel_options_init(&defaults);
    options = options ? options : &defaults;
    *why = find_fault(options);
    if (*why)
        return WRD_INVALID;
    *why = "";
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return WRD_GONE;
    if (c->phase != WRD_PHASE_OPEN || c->chan.main_reset) {
        *why = c->phase < WRD_PHASE_OPEN ? "the connection is not open yet" : "the connection closes";
        return c->phase < WRD_PHASE_OPEN ? WRD_AGAIN : WRD_CLOSED;
    }
    struct wrd_chan_dcep_open open = describe(options);
    wrd_result result = wrd_chan_open(&c->chan, ep->now, out, &open, options->negotiated, options->id, why);
    if (result == WRD_OK)
        wrd_sctp_raise_message_limit(c->sctp, ep->shared.options.message_limit);
    wrd_endpoint_settle(ep, c);
    return result;
}

wrd_result wrd_channel_send(wrd_endpoint *ep, wrd_time now, wrd_conn conn, wrd_channel channel, wrd_kind kind,
                            const void *data, size_t len)
{
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c)
        return WRD_GONE;
    if (!data && len > 0)
        return WRD_INVALID;
    const uint8_t *bytes = data ? data : (const uint8_t *)"";
    wrd_result result = wrd_connection_send(&ep->shared, c, ep->now, channel, kind, bytes, len);
    wrd_endpoint_settle(ep, c);
    return result;
}

size_t wrd_channel_buffered(const wrd_endpoint *ep, wrd_conn conn, wrd_channel channel)
{
    const struct wrd_connection *c = wrd_table_find(&ep->table, conn);
    return c ? wrd_connection_channel_buffered(c, channel) : 0;
}

wrd_result wrd_channel_set_low(wrd_endpoint *ep, wrd_conn conn, wrd_channel channel, size_t bytes)
{
    struct wrd_connection *c = wrd_table_find(&ep->table, conn);
    if (!c)
        return WRD_GONE;
    if (channel != WRD_CHANNEL_MAIN)
        return wrd_chan_set_low(&c->chan, channel, bytes);
    c->wants_low = true;
    c->low = bytes;
    c->above_low = wrd_connection_channel_buffered(c, channel) > bytes;
    return WRD_OK;
}

void wrd_channel_close(wrd_endpoint *ep, wrd_time now, wrd_conn conn, wrd_channel channel, uint32_t code,
                       const char *reason)
{
    if (channel == WRD_CHANNEL_MAIN) {
        wrd_conn_close_with(ep, now, conn, code, reason);
        return;
    }
    struct wrd_connection *c = wrd_endpoint_find(ep, now, conn);
    if (!c || c->phase != WRD_PHASE_OPEN)
        return;
    wrd_chan_close(&c->chan, ep->now, channel, code, reason);
    wrd_endpoint_settle(ep, c);
}

static void fill_main(wrd_channel_info *out, const struct wrd_connection *c)
{
    struct wrd_chan_stats others = wrd_chan_stats_of_others(&c->chan);
    *out = (wrd_channel_info){.size = sizeof *out,
                              .state = c->phase < WRD_PHASE_OPEN                           ? WRD_CHANNEL_OPENING
                                       : c->phase == WRD_PHASE_OPEN && !c->chan.main_reset ? WRD_CHANNEL_OPEN
                                                                                           : WRD_CHANNEL_CLOSING,
                              .negotiated = true,
                              .priority = WRD_PRIORITY_LOW,
                              .label = "rpc",
                              .label_len = 3,
                              .protocol = "",
                              .bytes_sent = c->app_bytes_sent - others.bytes_sent,
                              .bytes_received = c->app_bytes_received - others.bytes_received,
                              .messages_sent = c->app_messages_sent - others.messages_sent,
                              .messages_received = c->app_messages_received - others.messages_received};
}

static void fill_other(wrd_channel_info *out, const struct wrd_chan_info *info)
{
    static const wrd_channel_state states[] = {[WRD_CHAN_OPENING] = WRD_CHANNEL_OPENING,
                                               [WRD_CHAN_OPEN] = WRD_CHANNEL_OPEN,
                                               [WRD_CHAN_CLOSING] = WRD_CHANNEL_CLOSING};
    uint16_t limit = info->limit < UINT16_MAX ? (uint16_t)info->limit : UINT16_MAX;
    *out = (wrd_channel_info){.size = sizeof *out,
                              .id = info->id,
                              .state = states[info->state],
                              .by_peer = info->by_peer,
                              .negotiated = info->negotiated,
                              .unordered = info->unordered,
                              .priority = info->priority,
                              .label = info->label,
                              .label_len = info->label_len,
                              .protocol = info->protocol,
                              .protocol_len = info->protocol_len,
                              .bytes_sent = info->stats.bytes_sent,
                              .bytes_received = info->stats.bytes_received,
                              .messages_sent = info->stats.messages_sent,
                              .messages_received = info->stats.messages_received};
    if (info->reliability == WRD_CHAN_RETRANSMITS) {
        out->limit_retransmits = true;
        out->max_retransmits = limit;
    } else if (info->reliability == WRD_CHAN_LIFETIME) {
        out->lifetime = limit * WRD_MILLISECOND;
    }
}

wrd_result wrd_channel_get_info(const wrd_endpoint *ep, wrd_conn conn, wrd_channel channel, wrd_channel_info *out)
{
    const struct wrd_connection *c = wrd_table_find(&ep->table, conn);
    struct wrd_chan_info info;
    if (!c || (channel != WRD_CHANNEL_MAIN && !wrd_chan_get_info(&c->chan, channel, &info)))
        return WRD_GONE;
    if (out->size != sizeof *out)
        return WRD_INVALID;
    if (channel == WRD_CHANNEL_MAIN)
        fill_main(out, c);
    else
        fill_other(out, &info);
    out->buffered = wrd_connection_channel_buffered(c, channel);
    return WRD_OK;
}
