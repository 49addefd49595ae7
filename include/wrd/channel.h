/* SPDX-License-Identifier: MIT */
/*
 * Data channels of a connection (RFC 8831, RFC 8832), as a browser's RTCDataChannel has them.
 *
 *      wrd_channel_open        -> WRD_EVENT_CHANNEL_OPEN       we open one; the event says that the peer has it
 *                                 WRD_EVENT_CHANNEL_OPEN       the peer opened one (wrd_channel_info.by_peer)
 *      wrd_channel_send, wrd_channel_buffered, WRD_EVENT_CHANNEL_LOW
 *      wrd_conn_receive, wrd_conn_release                      messages of all channels, each names its own
 *      wrd_channel_close       -> WRD_EVENT_CHANNEL_CLOSED     after everything that was sent, with code and reason
 *
 * Every connection has WRD_CHANNEL_MAIN, ordered and reliable; wrd_conn_send() uses it and closing it ends the
 * connection. On other channels a message is a data-channel message as it is, whatever the endpoint's mode. What the
 * peer opens is taken up to wrd_endpoint_options.accept_channels, none by default, and closed again above that.
 *
 * Messages come in the order of arrival: one that nobody receives holds back what is behind it, of any channel. Events
 * and messages keep their order, too: a channel's messages come after its OPEN event was taken and before its CLOSED
 * event. When a connection ends, each channel left has its CLOSED event before that of the connection.
 *
 * The native server and client have the same calls without endpoint and `now`: wrd_server_channel_*,
 * wrd_client_channel_*.
 *
 * Threads, ownership, `now`: as wrd/endpoint.h. A channel that is gone, its CLOSED event taken, answers WRD_GONE.
 */
#ifndef WRD_CHANNEL_H
#define WRD_CHANNEL_H

#include "wrd/endpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_CHANNEL_MAIN ((wrd_channel)0)

#define WRD_CHANNEL_NAME_MAX   1024 /* bytes of a label or a protocol name */
#define WRD_CHANNEL_ID_MAX     65534
#define WRD_CHANNEL_CONTROL_ID 1 /* carries codes and reasons (docs/WIRE.md); not for applications */

/* Shares of the line when it is full (RFC 8831 6.4); any value from 1 on is fine. */
enum { WRD_PRIORITY_VERY_LOW = 128, WRD_PRIORITY_LOW = 256, WRD_PRIORITY_MEDIUM = 512, WRD_PRIORITY_HIGH = 1024 };

/* Zeroed members take the default. */
typedef struct wrd_channel_options {
    size_t size;              /* sizeof(wrd_channel_options) */
    const char *label;        /* UTF-8, default "" */
    const char *protocol;     /* UTF-8, default "" */
    bool unordered;           /* messages may overtake each other */
    bool limit_retransmits;   /* give a message up after `max_retransmits`; not together with `lifetime` */
    uint16_t max_retransmits; /* 0: one try */
    wrd_time lifetime;        /* give a message up when it is so old, to the millisecond, at most 65.535 s; 0: never */
    uint16_t priority;        /* default WRD_PRIORITY_LOW */
    bool negotiated;          /* both sides open it with the same `id`; nothing is said in band */
    uint16_t id;              /* of a negotiated channel; 0 and 1 are taken. Others have the lowest that is free */
} wrd_channel_options;

typedef enum wrd_channel_state {
    WRD_CHANNEL_OPENING = 0,
    WRD_CHANNEL_OPEN = 1,
    WRD_CHANNEL_CLOSING = 2
} wrd_channel_state;

typedef struct wrd_channel_info {
    size_t size; /* sizeof(wrd_channel_info), set by the caller */
    uint16_t id;
    wrd_channel_state state;
    bool by_peer, negotiated, unordered, limit_retransmits;
    uint16_t max_retransmits;
    wrd_time lifetime;
    uint16_t priority;
    const char *label, *protocol; /* end with a zero byte; valid until the channel's CLOSED event */
    size_t label_len, protocol_len;
    uint64_t bytes_sent, bytes_received, messages_sent, messages_received;
    size_t buffered; /* as wrd_channel_buffered() */
} wrd_channel_info;

WRD_API void wrd_channel_options_init(wrd_channel_options *options);

/* `options` may be NULL. Messages may be sent at once; the event follows (for a negotiated channel, too, which nobody
 * confirms). WRD_INVALID: the options contradict each other or RFC 8832, or the id is taken; `*why` (may be NULL) says
 * what. WRD_AGAIN: the connection is not open yet, or all ids are in use. WRD_CLOSED, WRD_GONE. */
WRD_API WRD_MUST_USE wrd_result wrd_channel_open(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, wrd_channel *out,
                                                 const wrd_channel_options *options, const char **why);
/* As wrd_conn_send(). Both kinds are fine, except on a WRD_FRAMED main channel. WRD_AGAIN: WRD_EVENT_WRITABLE follows.
 */
WRD_API WRD_MUST_USE wrd_result wrd_channel_send(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn,
                                                 wrd_channel channel, wrd_kind kind, const void *data, size_t len);
/* Bytes that wait to go out for the first time, like bufferedAmount; 0 for a channel that is gone. */
WRD_API size_t wrd_channel_buffered(const wrd_endpoint *endpoint, wrd_conn conn, wrd_channel channel);
/* From now on a WRD_EVENT_CHANNEL_LOW follows each time that this falls from above `bytes` to it or below. */
WRD_API WRD_MUST_USE wrd_result wrd_channel_set_low(wrd_endpoint *endpoint, wrd_conn conn, wrd_channel channel,
                                                    size_t bytes);
/*
 * Closes after what was sent arrived, or was given up by the channel's own limits. `reason` is UTF-8 of at most
 * WRD_REASON_MAX bytes (cut there, or where it is no UTF-8), NULL: none. The peer's event carries both, if it is of
 * this kind (docs/WIRE.md); ours comes when its side is closed, too. What still comes in on the channel is dropped.
 */
WRD_API void wrd_channel_close(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, wrd_channel channel, uint32_t code,
                               const char *reason);
WRD_API WRD_MUST_USE wrd_result wrd_channel_get_info(const wrd_endpoint *endpoint, wrd_conn conn, wrd_channel channel,
                                                     wrd_channel_info *out);

#ifdef __cplusplus
}
#endif
#endif
