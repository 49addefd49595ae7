/* SPDX-License-Identifier: MIT */
/*
 * Data channels (RFC 8831, RFC 8832) on one SCTP association.
 *
 *   open, send(message), close     next(event), peek/release(message)      above: the connection
 *        v                                   ^
 *   +------------------------ chan ------------------------+               take(): after anything happened below
 *        v                                   ^
 *   wrd_sctp_send, _reset_stream   wrd_sctp_peek, _next_reset, _next_low   below: the association
 *
 * Channel 0 is there from the start, negotiated, ordered and reliable. Others come by DATA_CHANNEL_OPEN from either
 * side, or negotiated; each is OPENING until the peer confirms it, CLOSING from the first reset on, and gone when both
 * directions were reset and its CLOSED event was taken. Stream 1 carries the reasons of closes (farewell.h).
 * A connection with channel 0 alone allocates nothing here. What is bounded: channels of the peer by `accept`, events
 * by the channels, all else by SCTP's window. It refuses to know what a message says, framing, and connections.
 */
#ifndef WRD_CHAN_H
#define WRD_CHAN_H

#include "chan/dcep.h"
#include "sctp/sctp.h"

#define WRD_CHAN_MAIN     0    /* the one channel both sides agree on beforehand (docs/WIRE.md) */
#define WRD_CHAN_CONTROL  1    /* the stream of farewells */
#define WRD_CHAN_NAME_MAX 1024 /* bytes of a label or protocol */

struct wrd_chan_set;

/* Bytes of our heap that end with a zero byte, or NULL. */
struct wrd_chan_said {
    uint8_t *bytes;
    size_t len;
};

struct wrd_chan_stats {
    uint64_t bytes_sent, bytes_received, messages_sent, messages_received;
};

struct wrd_chan {
    const wrd_env *env;
    struct wrd_sctp *sctp;
    struct wrd_chan_set *set; /* NULL until a channel besides the main one was there */
    uint16_t accept;          /* channels that the peer may have open that it opened itself */
    bool client;              /* of DTLS: our channels have even ids (RFC 8832 6) */
    size_t message_limit;     /* of channels besides the main one; a larger message closes its channel */
    bool lent;                /* above, somebody borrows what peek gave last; kept by the caller */
    uint32_t lent_to;         /* its channel, which may be gone before the message is released; the same */
    bool stopped;             /* closing: nothing is wanted any more */
    bool held;                /* peek stopped in front of something that waits for an event to be taken */
    bool stalled;             /* a send answered AGAIN for a reason of its channel's, not for want of room */
    bool main_reset;          /* the peer closed the main channel */
    uint64_t dropped;         /* messages of no channel, or of unknown kinds */
    uint64_t refused;         /* channels of the peer, and broken DCEP messages */
    struct wrd_chan_said own; /* a farewell of the connection that has yet to go out */
    uint32_t code;            /* what the peer said about the end of the connection, first word first */
    struct wrd_chan_said said;
    bool has_said;
};

enum wrd_chan_state { WRD_CHAN_OPENING, WRD_CHAN_OPEN, WRD_CHAN_CLOSING };

struct wrd_chan_message {
    const uint8_t *data; /* never NULL */
    size_t len;          /* may be 0 */
    bool text;
    uint32_t channel; /* a handle; 0: the main one */
};

enum wrd_chan_event_kind { WRD_CHAN_EVENT_OPEN, WRD_CHAN_EVENT_LOW, WRD_CHAN_EVENT_CLOSED };

struct wrd_chan_event {
    enum wrd_chan_event_kind kind;
    uint32_t channel;
    /* CLOSED: WRD_OK by us, WRD_CLOSED by the peer, else why; and what the peer said. `said` belongs to the taker. */
    wrd_result reason;
    const char *text;
    uint32_t code;
    struct wrd_chan_said said;
};

struct wrd_chan_info {
    uint16_t id;
    enum wrd_chan_state state;
    bool by_peer, negotiated, unordered;
    enum wrd_chan_reliability reliability;
    uint32_t limit;
    uint16_t priority;
    const char *label, *protocol;
    size_t label_len, protocol_len;
    struct wrd_chan_stats stats;
};

void wrd_chan_init(struct wrd_chan *chan, const wrd_env *env, struct wrd_sctp *sctp);
void wrd_chan_free(struct wrd_chan *chan);

/* WRD_INVALID with `*why`; WRD_AGAIN: all ids are in use; WRD_NO_MEMORY. `id` counts when `negotiated`. */
wrd_result wrd_chan_open(struct wrd_chan *chan, wrd_time now, uint32_t *channel, const struct wrd_chan_dcep_open *open,
                         bool negotiated, uint16_t id, const char **why);
/* As wrd_sctp_send(), but `len` may be 0: an empty message is one zero byte under a PPID of its own (RFC 8831 6.6).
 * WRD_GONE, WRD_CLOSED. */
wrd_result wrd_chan_send(struct wrd_chan *chan, wrd_time now, const struct wrd_chan_message *message);
/* Not of the main channel. A farewell goes first when there is a code or a reason. */
void wrd_chan_close(struct wrd_chan *chan, wrd_time now, uint32_t channel, uint32_t code, const char *reason);
/* Says a farewell of the whole connection; WRD_SCTP shutdown has to wait for wrd_chan_farewells_out(). */
void wrd_chan_say_farewell(struct wrd_chan *chan, wrd_time now, uint32_t code, const char *reason);
bool wrd_chan_farewells_out(const struct wrd_chan *chan);

/* The oldest message of all channels, borrowed until released; false: none. Answers the peer's openings and closings on
 * its way. */
bool wrd_chan_peek(struct wrd_chan *chan, wrd_time now, struct wrd_chan_message *out);
void wrd_chan_release(struct wrd_chan *chan, wrd_time now);

/* After wrd_sctp_next() answered `events`. */
void wrd_chan_take(struct wrd_chan *chan, wrd_time now, unsigned events);
/* Sends what waits for room. */
void wrd_chan_flush(struct wrd_chan *chan, wrd_time now);

/* The next event; false: none. Taking one may let wrd_chan_peek() go on. */
bool wrd_chan_next(struct wrd_chan *chan, struct wrd_chan_event *out);
bool wrd_chan_has_events(const struct wrd_chan *chan);
/* The connection is over: every channel that is left gets its CLOSED event. */
void wrd_chan_end(struct wrd_chan *chan, wrd_result reason, const char *text);

/* False: no such channel, or the main one. */
bool wrd_chan_get_info(const struct wrd_chan *chan, uint32_t channel, struct wrd_chan_info *out);
/* Bytes of the channel not yet cut into chunks; 0 for one that is gone. */
size_t wrd_chan_buffered(const struct wrd_chan *chan, uint32_t channel);
/* From now on LOW events, as wrd_sctp_set_low(). WRD_GONE. */
wrd_result wrd_chan_set_low(struct wrd_chan *chan, uint32_t channel, size_t bytes);
/* Of all channels but the main one, those that are gone included. */
struct wrd_chan_stats wrd_chan_stats_of_others(const struct wrd_chan *chan);
uint32_t wrd_chan_count(const struct wrd_chan *chan); /* besides the main one, closing ones included */

#endif
