/* SPDX-License-Identifier: MIT */
/*
 * SCTP over DTLS for data channels: RFC 9260 on RFC 8261, one association per struct.
 *
 *   send(message)         peek/release(message), events     above: channels
 *        v                    ^
 *   +------------- sctp -------------+                       deadline() -> time     expire(now)
 *        v                    ^
 *   transmit(packet)      receive(packet)                    below: one DTLS record each
 *
 * It owns no clock, no thread, no global, and calls nobody but `env`. Packets from the peer never make a call fail:
 * they are ignored or end the association with an ABORT, and state and reason say so. States: RFC 9260 section 4.
 * Timers: T1-init, T1-cookie, T2-shutdown, T3-rtx, probe, reordering, pacing, delayed SACK, reset, heartbeat
 * (bounds.h). Bounds: bounds.h. It refuses to know DTLS, addresses, and what a message means.
 */
#ifndef WRD_SCTP_H
#define WRD_SCTP_H

#include "base/crc32c.h"
#include "wrd/base.h"

struct wrd_sctp;

#define WRD_SCTP_PACKET_MAX     1435 /* no packet out is longer, whatever the options say: Ethernet, IPv4, DTLS */
#define WRD_SCTP_PACKET_DEFAULT 1163 /* a datagram of 1200 bytes less the 37 of a DTLS 1.2 record */

enum wrd_sctp_congestion { WRD_SCTP_CUBIC, WRD_SCTP_RENO };

/* Zeroed members take the default in parentheses. */
struct wrd_sctp_options {
    uint16_t port;         /* both sides' (5000) */
    uint16_t streams;      /* asked for in each direction (65535); cost nothing until used */
    size_t receive_window; /* advertised bytes (1 MiB) */
    size_t send_limit; /* queued and in-flight bytes above which send answers WRD_AGAIN (1 MiB); one message always fits
                          an empty queue */
    size_t message_limit; /* largest message either way (16 MiB) */
    wrd_time rto_initial; /* (1 s) */
    size_t packet_max;    /* largest packet to send; 512 .. WRD_SCTP_PACKET_MAX (WRD_SCTP_PACKET_DEFAULT) */
    enum wrd_sctp_congestion congestion; /* (CUBIC) */
    bool no_interleaving;                /* does not offer I-DATA (RFC 8260) */
    bool always_checksum;                /* does not offer to go without CRC32c (RFC 9653) */
    wrd_crc32c_update *crc;              /* (what wrd_crc32c_pick() answers, which asks the processor each time) */
    bool fast_open;                      /* connect() also sends cookies that the peer did not give (docs/WIRE.md) */
};

enum wrd_sctp_state {
    WRD_SCTP_CLOSED, /* also the end: see wrd_sctp_failure() */
    WRD_SCTP_COOKIE_WAIT,
    WRD_SCTP_COOKIE_ECHOED,
    WRD_SCTP_ESTABLISHED,
    WRD_SCTP_SHUTDOWN_PENDING,
    WRD_SCTP_SHUTDOWN_SENT,
    WRD_SCTP_SHUTDOWN_RECEIVED,
    WRD_SCTP_SHUTDOWN_ACK_SENT
};

/* A message on its way up, borrowed until released, or down, borrowed for the call. */
struct wrd_sctp_message {
    uint16_t stream;
    uint32_t ppid;
    bool unordered;
    const uint8_t *data;
    size_t len; /* > 0: SCTP has no empty messages */

    bool ends_stream; /* up: no message (len 0), but the peer's reset of this stream, in its place among the messages */

    /* Down: when to give it up (RFC 3758), if the peer can; both may be set. */
    bool limit_retransmits;
    uint32_t retransmits; /* of any of its chunks; 0: one try */
    wrd_time lifetime;    /* from now; 0: for ever */
};

/* Since the last call of wrd_sctp_next(); several may be set at once. */
enum wrd_sctp_event {
    WRD_SCTP_EVENT_OPEN = 1,     /* ESTABLISHED reached */
    WRD_SCTP_EVENT_MESSAGE = 2,  /* wrd_sctp_peek() has one that it had not */
    WRD_SCTP_EVENT_WRITABLE = 4, /* after a send answered WRD_AGAIN: buffered fell to half of send_limit */
    WRD_SCTP_EVENT_CLOSED = 8,   /* CLOSED reached, in whatever way */
    WRD_SCTP_EVENT_RESET = 16,   /* streams were reset, by either side: see wrd_sctp_next_reset() */
    WRD_SCTP_EVENT_LOW = 32,     /* wrd_sctp_next_low() names streams */
    WRD_SCTP_EVENT_RESTART = 64  /* the peer began anew (RFC 9260 5.2.2): all streams start again, what was not
                                    acknowledged is sent once more */
};

/* What happened so far, and how it stands. */
struct wrd_sctp_stats {
    uint64_t packets_sent, packets_received;
    uint64_t chunks_sent, chunks_received; /* DATA and I-DATA; repeats count */
    uint64_t chunks_retransmitted;
    uint64_t losses;            /* chunks found lost by RACK (RFC 8985) */
    uint64_t probes;            /* tail loss probes */
    uint64_t timeouts;          /* T3 */
    uint64_t undone;            /* slow-downs taken back as spurious */
    uint64_t messages_given_up; /* by lifetime or retransmits */
    /* Of chunks that were kept, and of those acknowledged for good: their bytes and headers, each once. */
    uint64_t bytes_taken, bytes_settled;
    size_t in_flight, cwnd, ssthresh, peer_window;
    wrd_time rtt, rtt_var, rtt_min, rto; /* 0: not known */
    bool interleaving, without_checksum; /* agreed on */
};

/* One heap object and, later, queues under the bounds. NULL: memory is short. `env` must outlive it. */
struct wrd_sctp *wrd_sctp_new(const struct wrd_sctp_options *options, const wrd_env *env);
void wrd_sctp_free(struct wrd_sctp *sctp); /* NULL is fine */

/* Sends our INIT. Both sides may (RFC 9260 5.2.1). Without it the association only answers. */
void wrd_sctp_connect(struct wrd_sctp *sctp, wrd_time now);
/* False: it held DATA alone, which completes no message, so that nothing is new to who takes messages and sends. */
bool wrd_sctp_receive(struct wrd_sctp *sctp, wrd_time now, const uint8_t *packet, size_t len);
/* The next packet into `out` (cap >= WRD_SCTP_PACKET_MAX); its length, 0: nothing to send now. */
size_t wrd_sctp_transmit(struct wrd_sctp *sctp, wrd_time now, uint8_t *out, size_t cap);
wrd_time wrd_sctp_deadline(const struct wrd_sctp *sctp);
void wrd_sctp_expire(struct wrd_sctp *sctp, wrd_time now);
/* A packet that the peer answers at once with the same `info`, for a path that is to be tried (a HEARTBEAT, RFC 9260
 * 5.4). 0: not now. */
#define WRD_SCTP_PATH_INFO 16
size_t wrd_sctp_path_probe(struct wrd_sctp *sctp, const uint8_t info[WRD_SCTP_PATH_INFO], uint8_t *out, size_t cap);
/* The last such answer since the last call of this, or that of any other HEARTBEAT; false: none came. */
bool wrd_sctp_next_path_answer(struct wrd_sctp *sctp, uint8_t info[WRD_SCTP_PATH_INFO]);
/* Since the last call: was a HEARTBEAT of the association's own answered, or last one with `info` (may be NULL)?
 * Whoever answered can read what goes to the peer. */
bool wrd_sctp_path_shown(struct wrd_sctp *sctp, const uint8_t *info);
/* The peer is reached on another path from now on: what the old one let wait is not waited for. */
void wrd_sctp_moved(struct wrd_sctp *sctp, wrd_time now);
/* Bits of wrd_sctp_event since the last call; 0: none. */
unsigned wrd_sctp_next(struct wrd_sctp *sctp);

/*
 * Queues one message, copied. WRD_AGAIN above send_limit; WRD_TOO_LARGE above message_limit; WRD_INVALID for an empty
 * message or a stream at or above what was agreed; WRD_CLOSED once closing; WRD_NO_MEMORY. Allowed before ESTABLISHED.
 */
wrd_result wrd_sctp_send(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_message *message);
/* Bytes left under send_limit, 64 for each message included. A message longer than that limit, which goes only into an
 * empty queue, does not count against what follows it. */
size_t wrd_sctp_room(const struct wrd_sctp *sctp);
/* Is there anything that was not yet cut into chunks? */
bool wrd_sctp_has_uncut(const struct wrd_sctp *sctp);
/* How many streams were agreed on that go both ways; before that, asked for. */
uint16_t wrd_sctp_streams(const struct wrd_sctp *sctp);
/* options.message_limit is `limit` from here on, if that is more; up to WRD_MESSAGE_MAX. */
void wrd_sctp_raise_message_limit(struct wrd_sctp *sctp, size_t limit);
/* The oldest complete message, in delivery order; false: none. The same again until released. */
bool wrd_sctp_peek(struct wrd_sctp *sctp, struct wrd_sctp_message *out);
/* Drops it and gives its bytes back to the window (with a window-update SACK when that matters). */
void wrd_sctp_release(struct wrd_sctp *sctp, wrd_time now);

/*
 * Resets our direction of `stream` once everything queued on it was sent (RFC 6525), so that its sequence starts anew.
 * Sends on it answer WRD_CLOSED until that is over. WRD_INVALID when the peer cannot, or for a stream not agreed on.
 */
wrd_result wrd_sctp_reset_stream(struct wrd_sctp *sctp, uint16_t stream);
enum wrd_sctp_reset_side {
    WRD_SCTP_RESET_BY_PEER, /* its direction; also told by `ends_stream` in its place among the messages */
    WRD_SCTP_RESET_OURS,    /* performed: the stream may be used again */
    WRD_SCTP_RESET_REFUSED  /* ours was denied by the peer */
};
/* A stream that was reset, each once; false: no more. Nothing is answered by itself: RFC 8831 6.7 is for above. */
bool wrd_sctp_next_reset(struct wrd_sctp *sctp, uint16_t *stream, enum wrd_sctp_reset_side *side);

/* Share of the line among streams that have something to send (1 .. 65535, RFC 8831 6.4; 256 from the start). This and
 * the low mark are forgotten with a reset of the stream by us. */
wrd_result wrd_sctp_set_priority(struct wrd_sctp *sctp, uint16_t stream, uint16_t weight);
/* Bytes of `stream` that were not yet cut into chunks. */
size_t wrd_sctp_stream_buffered(const struct wrd_sctp *sctp, uint16_t stream);
/* An EVENT_LOW follows each time that wrd_sctp_stream_buffered() falls from above `bytes` to it or below (0 at first).
 */
wrd_result wrd_sctp_set_low(struct wrd_sctp *sctp, uint16_t stream, size_t bytes);
/* A stream for which that happened, each once; false: no more. */
bool wrd_sctp_next_low(struct wrd_sctp *sctp, uint16_t *stream);

/* Graceful: everything queued is delivered first. Further sends answer WRD_CLOSED. */
void wrd_sctp_shutdown(struct wrd_sctp *sctp, wrd_time now);
/* At once: one ABORT packet (user-initiated, RFC 9260 3.3.10.12) is still to be transmitted. */
void wrd_sctp_abort(struct wrd_sctp *sctp, wrd_time now);

enum wrd_sctp_state wrd_sctp_state(const struct wrd_sctp *sctp);
/* Why CLOSED: WRD_OK by us, WRD_CLOSED by the peer (shutdown, or ABORT without a protocol cause), WRD_LOST,
 * WRD_PROTOCOL, WRD_NO_MEMORY. */
wrd_result wrd_sctp_failure(const struct wrd_sctp *sctp, const char **text);
size_t wrd_sctp_buffered(const struct wrd_sctp *sctp); /* bytes queued or in flight */
size_t wrd_sctp_load(const struct wrd_sctp *sctp);     /* the same, 64 for each message included */
wrd_time wrd_sctp_rtt(const struct wrd_sctp *sctp);    /* smoothed; 0 before the first sample */
/* How often something that was sent was not answered in time. */
uint64_t wrd_sctp_unanswered(const struct wrd_sctp *sctp);
/* Of these, those in a row since the peer last acknowledged anything; probes are not among them. */
unsigned wrd_sctp_silences(const struct wrd_sctp *sctp);
/* Gives back what is kept only because more traffic may follow. */
void wrd_sctp_shrink(struct wrd_sctp *sctp);
/* Bytes of new chunks that came and of those acknowledged for good, as in the stats; it only grows. */
uint64_t wrd_sctp_carried(const struct wrd_sctp *sctp);
/* How many round trips were measured, and the last. */
uint32_t wrd_sctp_rtt_samples(const struct wrd_sctp *sctp, wrd_time *latest);
void wrd_sctp_get_stats(const struct wrd_sctp *sctp, struct wrd_sctp_stats *out);

#endif
