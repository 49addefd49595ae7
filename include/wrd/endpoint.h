/* SPDX-License-Identifier: MIT */
/*
 * The sans-IO core: every connection of one UDP socket, as a value that you feed and drain. It owns no socket, no
 * clock, no thread and no global. Six verbs:
 *
 *      wrd_conn_send                    wrd_endpoint_next, wrd_conn_receive         the application
 *            v                                       ^
 *      +----------------------- endpoint ------------------------+
 *      |  datagram -> demux -> ice | dtls -> sctp -> chan -> frame |   wrd_endpoint_deadline, wrd_endpoint_expire
 *      +---------------------------------------------------------+
 *            v                                       ^
 *      wrd_endpoint_transmit                wrd_endpoint_receive                    your socket
 *
 * The order of calls is free; not draining only delays. Bytes from the network never make a call fail: trouble closes
 * that one connection, and its WRD_EVENT_CLOSED says why.
 *
 * Threads: an endpoint belongs to one thread at a time. Nothing is called back but `wrd_env`, `wrd_trace` and
 * `wrd_siblings`.
 * Ownership: pointers in are borrowed for the call; pointers out are borrowed as each function says.
 * `now` never has to be exact and is taken as the latest seen when it runs backwards.
 */
#ifndef WRD_ENDPOINT_H
#define WRD_ENDPOINT_H

#include "wrd/address.h"
#include "wrd/base.h"
#include "wrd/identity.h"
#include "wrd/token.h"

#ifdef __cplusplus
extern "C" {
#endif

/* No datagram out is longer; longer ones that come in are dropped. Browsers send at most 1408 bytes (a ClientHello). */
#define WRD_DATAGRAM_MAX 1500

typedef struct wrd_endpoint wrd_endpoint;

/* A connection: slot and generation in one number, so that a stale one is answered with WRD_GONE. 0 is none. */
typedef uint64_t wrd_conn;

/* What the application's messages are on the wire: length-prefixed LZ4 frames like the original, or data-channel
 * messages as they are. */
typedef enum wrd_mode { WRD_FRAMED = 0, WRD_RAW = 1 } wrd_mode;

/* A channel of a connection: id and generation in one number. 0 is the main one. See wrd/channel.h. */
typedef uint32_t wrd_channel;

#define WRD_REASON_MAX 1000 /* bytes of a close reason */

typedef enum wrd_congestion { WRD_CUBIC = 0, WRD_RENO = 1 } wrd_congestion;

typedef enum wrd_kind { WRD_BINARY = 0, WRD_TEXT = 1 } wrd_kind; /* text only in WRD_RAW */

/*
 * For finding faults: it sees the secrets and the decrypted packets of every connection. Called from within the
 * endpoint's calls, which it may not call. Each may be NULL.
 */
typedef struct wrd_trace {
    void *user;
    void (*key)(void *user, const char *line); /* as in an SSLKEYLOGFILE, without the newline */
    void (*packet)(void *user, const wrd_path *path, bool sent, const uint8_t *packet, size_t len); /* SCTP */
} wrd_trace;

/*
 * How many connections there may be, and how fast handshakes may begin: max_connections, max_per_address, handshake_rate
 * and handshake_rate_per_address of some options, kept for several endpoints together. Made with wrd_gate_new().
 */
typedef struct wrd_gate wrd_gate;

/*
 * The endpoints that share one UDP port, each on a thread of its own. A client whose address changed may reach another
 * one than has its connection: that one hands its datagrams on. Each endpoint has a struct of its own, `user` tells which
 * it is; the key is the same for all and secret. Called from within the endpoint's calls, which it may not call.
 */
typedef struct wrd_siblings {
    void *user;
    uint8_t key[16];
    /* This endpoint has an open connection of this name from now on, or has it no longer. */
    void (*own)(void *user, uint64_t name, bool owned);
    /* The peer of an open connection of this endpoint has moved to this remote address, as it proved, or is no longer
     * there. Several endpoints may say so of one address. */
    void (*own_address)(void *user, const wrd_addr *remote, bool owned);
    /* Did a sibling say so? */
    bool (*is_owned)(void *user, const wrd_addr *remote);
    /* Gives a copy of the datagram to the sibling that has a connection of this name, for wrd_endpoint_receive_passed();
     * of name 0, to those that own its remote address, and to those that lately got a named datagram from there, which
     * anybody can forge: a few of them, and a few datagrams. WRD_AGAIN: none has room, and the datagram is lost.
     * WRD_GONE: there is none, or this endpoint is that one. */
    wrd_result (*pass)(void *user, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len);
    wrd_gate *gate; /* of all of them, which outlives them; NULL: each keeps its own limits */
} wrd_siblings;

#define WRD_CONNECTIONS_DEFAULT 16384                        /* wrd_endpoint_options.max_connections */
#define WRD_MEMORY_DEFAULT      ((size_t)1024 * 1024 * 1024) /* wrd_endpoint_options.memory_limit */

/* Zeroed members take the default. Fill with wrd_endpoint_options_init(). */
typedef struct wrd_endpoint_options {
    size_t size;                /* sizeof(wrd_endpoint_options) */
    const wrd_key *key;         /* identity for accepting; NULL: this endpoint only dials */
    const wrd_key *second_key;  /* another, while clients go over to a new one: who dials its fingerprint meets it, if the
                                   client is of this library; others meet `key`. Default NULL */
    wrd_mode mode;              /* default WRD_FRAMED */
    uint32_t max_connections;   /* default 16384 */
    uint32_t max_handshakes;    /* of those, whose DTLS handshake is not done; the oldest gives way. Default 1024 */
    wrd_time handshake_timeout; /* default 10 s */
    wrd_time lost_timeout;      /* silence after which a peer counts as lost, and a quarter more without an answer from
                                   its address, whatever comes from others in its name. Who only answers checks, as a
                                   server that was started again, is silent while something waits to be acknowledged,
                                   and lost after twice that or 66 s otherwise. Default 30 s */
    wrd_time idle_timeout;      /* without a part of a message that came or that the peer took, after which we close; what
                                   waits for a peer that takes nothing is lost with it. Default 0: never */
    size_t send_limit;          /* bytes a connection may queue to send; default 1 MiB. One message above that always
                                   fits, and leaves this much to other channels */
    size_t receive_window;      /* bytes a connection may hold undelivered; default 1 MiB; 64 KiB .. 64 MiB */
    size_t message_limit;       /* largest message in either direction; default and maximum WRD_MESSAGE_MAX */
    size_t datagram_limit;      /* largest datagram to send once open; default 1200; 600 .. 1472 */
    uint16_t accept_channels;   /* channels that a peer may have open that it opened itself; default 0: refused */
    wrd_congestion congestion;  /* control; default WRD_CUBIC (RFC 9438) */
    const wrd_trace *trace;     /* must outlive the endpoint; default NULL */
    /* An open port (docs/THREATS.md). An address is an IPv4 address or an IPv6 /64. */
    uint32_t max_per_address;            /* connections, open or not; default 1024, which suits carriers' NAT. Where it
                                            is below max_connections, an address may also have no more than are still
                                            free, so that a few addresses leave room for others. Nor does a connection
                                            move to an address above that */
    uint32_t handshake_rate;             /* handshakes begun per second, a second's worth at once; default 2000 */
    uint32_t handshake_rate_per_address; /* of those, by one address; default 200 */
    uint32_t cookies_above;      /* handshakes not yet open above which an address must prove itself first, which costs a
                                    client one round trip; default a quarter of max_handshakes. So it must when half is
                                    taken of a rate, of what its address may have, or of the places left by open ones */
    size_t memory_limit;         /* bytes that the connections may take together; default 1 GiB. At it they are slowed down;
                                    above three quarters there are no new ones, and who holds most of those that move
                                    less than a 64th of what they hold in 5 s ends with WRD_NO_MEMORY, but nobody who
                                    holds less than an even share of half of it (counted as 8 KiB at least, 256 KiB at
                                    most). libssl's, some 70 KB for each of max_handshakes, are not in it */
    const wrd_token_key *token_keys; /* copied; a client needs a token of one of them (wrd/token.h); default none */
    size_t token_key_count;      /* up to WRD_TOKEN_KEYS_MAX */
    bool ask_certificate;        /* of each client, for wrd_conn_info.fingerprint; it costs the handshake twice the time */
    const wrd_siblings *siblings; /* must outlive the endpoint; default NULL */
    bool fast_open; /* saves two round trips with browsers that take it, costs the others nothing; rests on how they
                       make their cookies, which is no standard (docs/WIRE.md) */
} wrd_endpoint_options;

#define WRD_TOKEN_KEYS_MAX 4

typedef enum wrd_event_kind {
    WRD_EVENT_OPEN = 1,     /* the data channel is open: this is the accept. Also the end of a successful dial */
    WRD_EVENT_READABLE = 2, /* messages wait: call wrd_conn_receive() until it answers WRD_AGAIN */
    WRD_EVENT_WRITABLE = 3, /* after a send answered WRD_AGAIN: there is room again */
    WRD_EVENT_CLOSED = 4,   /* the last event of a connection, after everything that arrived was taken */
    WRD_EVENT_CHANNEL_OPEN = 5,
    WRD_EVENT_CHANNEL_CLOSED = 6, /* the last event of a channel, after its messages were received */
    WRD_EVENT_CHANNEL_LOW = 7,
    WRD_EVENT_MOVED = 8 /* the peer's address changed: `peer` is the new one */
} wrd_event_kind;

typedef struct wrd_event {
    wrd_event_kind kind;
    wrd_conn conn;
    wrd_addr peer;       /* the peer's transport address */
    wrd_result reason;   /* CLOSED, CHANNEL_CLOSED: WRD_OK by us, WRD_CLOSED by the peer, else what went wrong */
    const char *text;    /* the same: a static sentence for a person */
    wrd_channel channel; /* of a CHANNEL event */
    uint32_t code;       /* the same: what the peer gave, or 0 */
    const char *said;    /* the peer's reason, "" for none; valid until the next wrd_endpoint_next() */
} wrd_event;

typedef struct wrd_message {
    const uint8_t *data; /* never NULL, even for an empty message */
    size_t len;
    wrd_kind kind;
    wrd_channel channel;
} wrd_message;

typedef struct wrd_conn_info {
    size_t size; /* sizeof(wrd_conn_info), set by the caller */
    wrd_path path;
    bool open;
    bool ended;          /* WRD_EVENT_CLOSED is due, though messages may still wait */
    wrd_result reason;   /* once ended, as in that event */
    wrd_time opened_at;  /* 0 before */
    wrd_time rtt;        /* smoothed round-trip time, 0 before the first sample */
    uint64_t bytes_sent; /* application bytes */
    uint64_t bytes_received;
    uint64_t messages_sent;
    uint64_t messages_received;
    size_t buffered; /* bytes queued or in flight, not yet acknowledged */

    /* SCTP; 0 before the connection is open */
    wrd_time rtt_var, rtt_min, rto;
    uint64_t packets_sent, packets_received;
    uint64_t chunks_retransmitted, losses, probes, timeouts, slowdowns_undone, messages_given_up;
    size_t in_flight, congestion_window, peer_window;
    bool interleaving, without_checksum; /* agreed on with the peer */
    uint32_t channels;                   /* besides the main one */
    uint64_t messages_dropped;           /* of no channel, or of no kind that we know */
    uint64_t channels_refused;           /* openings by the peer, for want of accept_channels or against the rules */

    bool has_token; /* the client's; false where several came from its address, so that nobody knows whose it is: */
    uint8_t subject[WRD_TOKEN_SUBJECT_SIZE];
    bool has_fingerprint; /* ask_certificate, and the client has one: */
    wrd_fingerprint fingerprint;
} wrd_conn_info;

/* Upper bounds of the classes of wrd_endpoint_counters.rtt; what is above the last goes into one class more. */
#define WRD_RTT_CLASSES 14
WRD_API extern const wrd_time wrd_rtt_bounds[WRD_RTT_CLASSES];

/* What the endpoint did and turned away, counted since it was made, and how it stands. */
typedef struct wrd_endpoint_counters {
    size_t size; /* sizeof(wrd_endpoint_counters), set by the caller */
    uint64_t datagrams_received, datagrams_sent, bytes_received, bytes_sent; /* UDP payload; what
                                        a sibling passed on is counted there alone */
    uint64_t messages_received, messages_sent, message_bytes_received, message_bytes_sent; /* of connections */

    uint64_t checks_answered; /* valid STUN binding requests */
    uint64_t checks_invalid;  /* STUN-shaped, but malformed or with a wrong MESSAGE-INTEGRITY */
    uint64_t checks_unknown_token, checks_expired_token;
    uint64_t checks_put_off; /* of addresses without an open connection, under overload: not looked at this time */

    /* Each handshake that was begun ends as one of those below it. */
    uint64_t handshakes_begun, connections_opened, handshakes_failed, handshakes_timed_out, handshakes_evicted;
    uint64_t cookies_sent, cookies_wrong; /* HelloVerifyRequests, and answers to none of ours */

    /* Datagrams not taken, by cause: */
    uint64_t dropped_garbage;      /* neither STUN nor DTLS, or of a kind we do not take */
    uint64_t dropped_unknown_path; /* DTLS from a path without a recent valid check */
    uint64_t dropped_rate;         /* a ClientHello above handshake_rate */
    uint64_t dropped_address_rate; /* above handshake_rate_per_address */
    uint64_t dropped_address;      /* above max_per_address, or what a nearly full server leaves to one; so is a check
                                      or an answer by which a connection would move to such an address */
    uint64_t dropped_full;         /* above max_connections */
    uint64_t dropped_draining;     /* a ClientHello after wrd_endpoint_drain() */
    uint64_t dropped_memory;       /* memory_limit, or the system has no more */
    uint64_t dropped_busy;         /* more to answer than there is room for at once */
    uint64_t passed_on;            /* to a sibling that had room for it; of several, those whose it is not drop it */

    uint64_t connections_closed; /* of connections_opened; by us or the peer */
    uint64_t connections_lost, connections_failed; /* of those closed: silence; anything else wrong */
    uint64_t paths_moved;
    uint64_t chunks_sent, chunks_received, chunks_retransmitted, timeouts; /* SCTP */
    uint64_t rtt[WRD_RTT_CLASSES + 1], rtt_sum; /* round trips measured, by wrd_rtt_bounds, and their sum in us */

    uint32_t connections; /* now, open or opening */
    uint32_t handshakes;  /* of those, not open */
    size_t memory;        /* bytes taken now */
} wrd_endpoint_counters;

WRD_API void wrd_endpoint_options_init(wrd_endpoint_options *options);

/* `env` may be NULL: malloc and the operating system's random source. `*out` owns what it needs of `options`.
 * WRD_INVALID: `*why` (may be NULL) names the option and its range. */
WRD_API WRD_MUST_USE wrd_result wrd_endpoint_new(wrd_endpoint **out, const wrd_endpoint_options *options,
                                                 const wrd_env *env, const char **why);
/* Ends every connection at once; what was sent may be lost. wrd_endpoint_transmit() has a last word to each peer. */
WRD_API void wrd_endpoint_abort(wrd_endpoint *endpoint, wrd_time now);
/* Frees everything at once, without a word to the peers. NULL is fine. */
WRD_API void wrd_endpoint_free(wrd_endpoint *endpoint);

/*
 * `lock` is called with true before each use of what the endpoints share and with false after it, on the thread of one
 * of them; held for less than a microsecond, but for when it grows. WRD_INVALID, WRD_NO_MEMORY: as wrd_endpoint_new().
 */
WRD_API WRD_MUST_USE wrd_result wrd_gate_new(wrd_gate **out, const wrd_endpoint_options *options, const wrd_env *env,
                                             void (*lock)(void *user, bool held), void *user, const char **why);
WRD_API void wrd_gate_free(wrd_gate *gate); /* NULL is fine */

/* A datagram came in on `path`. It is copied where needed. */
WRD_API void wrd_endpoint_receive(wrd_endpoint *endpoint, wrd_time now, const wrd_path *path, const uint8_t *datagram,
                                  size_t len);
/* The same for one that a sibling received and passed on. */
WRD_API void wrd_endpoint_receive_passed(wrd_endpoint *endpoint, wrd_time now, const wrd_path *path,
                                         const uint8_t *datagram, size_t len);
/* Writes the next datagram to send into `out` (cap >= WRD_DATAGRAM_MAX) and its path. 0: nothing to send now. */
WRD_API size_t wrd_endpoint_transmit(wrd_endpoint *endpoint, wrd_time now, wrd_path *path, uint8_t *out, size_t cap);
/* When to come back at the latest, to expire, transmit and look for events. May be in the past: at once. WRD_NEVER: not
 * at all. */
WRD_API wrd_time wrd_endpoint_deadline(const wrd_endpoint *endpoint);
WRD_API void wrd_endpoint_expire(wrd_endpoint *endpoint, wrd_time now);
/* The next event; false: none now. */
WRD_API bool wrd_endpoint_next(wrd_endpoint *endpoint, wrd_event *out);
/* The next opened connection, instead of its WRD_EVENT_OPEN. WRD_AGAIN: none. What it sent meanwhile is kept. `peer`
 * may be NULL. */
WRD_API WRD_MUST_USE wrd_result wrd_endpoint_accept(wrd_endpoint *endpoint, wrd_conn *out, wrd_addr *peer);
/* The shell learned (ICMP) that nobody listens at `remote`: a dial to it ends with WRD_REFUSED. */
WRD_API void wrd_endpoint_refused(wrd_endpoint *endpoint, wrd_time now, const wrd_addr *remote);

/* Starts to connect. WRD_EVENT_OPEN or WRD_EVENT_CLOSED follows within handshake_timeout. */
WRD_API WRD_MUST_USE wrd_result wrd_endpoint_dial(wrd_endpoint *endpoint, wrd_time now, wrd_conn *out,
                                                  const wrd_address *address);
/* The same, to a server that asks for a token; NULL: none. WRD_INVALID: it has other characters than those of a ufrag,
 * or more than WRD_UFRAG_PREFIX_MAX (wrd/ufrag.h). */
WRD_API WRD_MUST_USE wrd_result wrd_endpoint_dial_with(wrd_endpoint *endpoint, wrd_time now, wrd_conn *out,
                                                       const wrd_address *address, const char *token);
/* From now on nobody is accepted, and every connection is closed as by wrd_conn_close_with(). */
WRD_API void wrd_endpoint_drain(wrd_endpoint *endpoint, wrd_time now, uint32_t code, const char *reason);

/*
 * Queues one message; it is copied. WRD_AGAIN: it does not fit now, WRD_EVENT_WRITABLE follows when it may.
 * WRD_TOO_LARGE: it never fits (message_limit). WRD_CLOSED, WRD_GONE. Before WRD_EVENT_OPEN: WRD_AGAIN.
 */
WRD_API WRD_MUST_USE wrd_result wrd_conn_send(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, wrd_kind kind,
                                              const void *data, size_t len);
/*
 * The oldest message that waits, borrowed until it is released; the same one again until then. WRD_AGAIN: none.
 * What is not released stays charged to the connection's window, so a slow reader slows its peer and nobody else.
 */
WRD_API WRD_MUST_USE wrd_result wrd_conn_receive(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, wrd_message *out);
WRD_API void wrd_conn_release(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn);
/*
 * Exact byte reads over the same messages as one stream: fills all of `out` or, WRD_AGAIN, takes nothing yet.
 * `len` up to the receive window. Do not mix with a message that was received and not released. Of the main channel
 * alone: WRD_AGAIN, too, while the oldest message is another's, which wrd_conn_receive() takes.
 */
WRD_API WRD_MUST_USE wrd_result wrd_conn_read(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, void *out,
                                              size_t len);
/* Bytes queued or in flight; 0 for a connection that is gone. */
WRD_API size_t wrd_conn_buffered(const wrd_endpoint *endpoint, wrd_conn conn);
/*
 * Ends the connection: what was sent still arrives as long as the peer keeps taking it, what waits to be received is
 * dropped. WRD_EVENT_CLOSED follows, with WRD_LOST when the peer took nothing for 10 s, or not all of it after 30 s and
 * one more for each 4 KiB (64 bytes for each message included): half of what 64 kbit/s carry. A message that is
 * borrowed stays valid until it is released or that event.
 */
WRD_API void wrd_conn_close(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn);
/* The same, and its CLOSED event at the peer carries `code` and `reason` (as wrd_channel_close()). */
WRD_API void wrd_conn_close_with(wrd_endpoint *endpoint, wrd_time now, wrd_conn conn, uint32_t code,
                                 const char *reason);
WRD_API WRD_MUST_USE wrd_result wrd_conn_get_info(const wrd_endpoint *endpoint, wrd_conn conn, wrd_conn_info *out);
WRD_API void wrd_endpoint_get_counters(const wrd_endpoint *endpoint, wrd_endpoint_counters *out);

#ifdef __cplusplus
}
#endif
#endif
