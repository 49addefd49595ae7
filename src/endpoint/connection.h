/* SPDX-License-Identifier: MIT */
/*
 * One connection: the stack ice -> dtls -> sctp -> chan -> frame and the only code that knows its order.
 *
 * Phases: CHECKING (client only) -> HANDSHAKING -> ASSOCIATING -> OPEN -> CLOSING -> ENDED. Any may go to ENDED.
 * Timers: handshake timeout until OPEN, silence and idle timeouts from then on, CLOSING without progress at most
 * WRD_CLOSE_STALL_TIMEOUT, and with it no longer than WRD_CLOSE_RATE allows; and the rooms' own. It refuses to know the
 * socket and the tables it stands in.
 */
#ifndef WRD_ENDPOINT_CONNECTION_H
#define WRD_ENDPOINT_CONNECTION_H

#include "chan/chan.h"
#include "dtls/dtls.h"
#include "endpoint/admit.h"
#include "endpoint/consent.h"
#include "endpoint/ledger.h"
#include "endpoint/queue.h"
#include "ice/ice.h"
#include "sctp/sctp.h"
#include "wrd/endpoint.h"
#include "wrd/frame.h"

/* CLOSING: without progress, while the peer has yet to take something, and then until it confirms the shutdown. */
#define WRD_CLOSE_STALL_TIMEOUT   (10 * WRD_SECOND)
#define WRD_CLOSE_CONFIRM_TIMEOUT (3 * WRD_SECOND)
/* Progress counts as long as all of it goes at such a pace: bytes a second, 64 for each message included, and time to
 * begin. Half of what 64 kbit/s carry. */
#define WRD_CLOSE_RATE  4096
#define WRD_CLOSE_GRACE (30 * WRD_SECOND)
/* Checks alone are no life: a server that was started again answers them, and anybody can repeat them. Heartbeats are
 * answered by records, so these come at least so often. */
#define WRD_AUTHENTIC_TIMEOUT (66 * WRD_SECOND)
/* ... and who leaves so many of SCTP's expiries in a row unanswered is waited for no longer than who is silent. */
#define WRD_SILENCES_MAX 4
/* To an address that has not proved itself goes at most this many times what came from it. */
#define WRD_AMPLIFICATION_MAX 3

enum wrd_phase {
    WRD_PHASE_CHECKING,
    WRD_PHASE_HANDSHAKING,
    WRD_PHASE_ASSOCIATING,
    WRD_PHASE_OPEN,
    WRD_PHASE_CLOSING,
    WRD_PHASE_ENDED
};

/* What all connections of one endpoint share. */
struct wrd_shared {
    wrd_env env;
    wrd_endpoint_options options;
    struct wrd_dtls_context *dtls;
    wrd_endpoint_counters *counters;
    wrd_crc32c_update *crc; /* NULL: the association finds one */
};

/* Events not yet handed out; bits by wrd_event_kind. */
#define WRD_PENDING(kind) (1u << (kind))

struct wrd_connection {
    struct wrd_account account;
    /* Where it stands in the endpoint, whose files keep these. */
    wrd_conn handle;
    uint32_t heap_index;
    wrd_time deadline;
    struct wrd_connection *rival;    /* a handshake from the same address that may replace this one */
    struct wrd_connection *replaces; /* the other way round */
    struct wrd_queue_link links[WRD_QUEUES];
    bool buried;          /* retired: only its last words remain */
    bool counted;         /* in connections_opened */
    bool named;           /* found by `name` */
    bool owns_address;    /* the siblings know that it moved there */
    bool evicted;         /* gave way to a newer handshake */
    bool hearsay;         /* whose name it is, anybody may have said: each check from its address gives it a new one */
    uint64_t name;        /* hash of the ufrag; 0: not known */
    uint64_t hello;       /* hash of its ClientHello's random; 0: not known */
    uint64_t address;     /* hash of the part of its address that limits count by */
    wrd_time probe_after; /* moves.c */
    wrd_time judged_at;   /* reclaim.c: how much had come and gone by then, and in the period before */
    uint64_t moved_then, moved;

    enum wrd_phase phase, timed_phase; /* now, and when the timer was set */
    bool dialed;
    bool closed_by_us; /* the application closed, in whatever phase */
    bool was_open;
    bool brings_token;  /* client only */
    bool idled;         /* closed for want of messages */
    unsigned pending;   /* WRD_PENDING bits */
    unsigned announced; /* of those, the ones that made the endpoint's deadline due (its `news`) */
    wrd_result reason;
    const char *reason_text;

    wrd_path path;
    bool proved;  /* a cookie came back from that address */
    bool stirred; /* the datagram at hand brought more than a part of a message */
    bool has_token;
    uint8_t subject[WRD_TOKEN_SUBJECT_SIZE];
    size_t left_to_arrive;        /* queued or in flight before the datagram at hand */
    size_t closing_buffered;      /* how much was left to arrive when CLOSING last made progress */
    wrd_time closing_until;       /* when CLOSING ends even with progress */
    wrd_time phase_until;         /* end of the handshake or closing phase */
    wrd_time heard_at;            /* last sign of life: a check, an answer to one, or a record */
    wrd_time authentic_at;        /* last record: a sign that nobody else can give */
    wrd_time talked_at;           /* the last part of a message that came or was taken, or that was to be taken next */
    uint64_t bytes_in, bytes_out; /* on the path; the first while it is not validated */

    struct wrd_ice_check *check; /* client only */
    union {
        struct { /* client only */
            wrd_fingerprint expected;
            uint64_t unanswered; /* by SCTP, when a check was last hurried for it */
        };
        struct wrd_consent consent; /* server only, from OPEN to CLOSING */
    };
    struct wrd_dtls *dtls;
    struct wrd_sctp *sctp;
    struct wrd_chan chan;

    /* frames on their way out: one encoded frame that SCTP takes chunk by chunk */
    uint8_t *frame;
    size_t frame_cap, frame_len, frame_sent;
    /* A send answered WRD_AGAIN and no WRITABLE was given since: for the sake of the frame, of SCTP, of a channel. */
    bool blocked_by_frame, blocked_by_sctp, blocked_by_channel;
    bool wants_low, above_low; /* the main channel's low mark was asked for; it was passed since */
    size_t low;

    /* messages on their way in */
    wrd_frame_decoder *decoder;
    size_t chunk_used;                     /* of the chunk that waits at SCTP */
    uint8_t *bytes;                        /* wrd_conn_read()'s stream, taken from messages */
    size_t bytes_cap, bytes_at, bytes_len; /* `bytes_len` are left, from `bytes_at` on */
    size_t bytes_wanted;                   /* by the last read that found too few */

    wrd_time opened_at;
    uint32_t rtt_samples; /* counted */
    uint32_t carried;     /* by SCTP at `talked_at`, lower half */
    uint64_t app_bytes_sent, app_bytes_received, app_messages_sent, app_messages_received;
};

/* Whom a server lets begin. */
struct wrd_accept {
    wrd_path path;
    struct wrd_admitted admitted; /* by its check; all zero: none that is remembered */
    uint8_t identity;             /* that it meets: of the check, or as a cookie says */
    bool proved;                  /* by a cookie, which the first datagram carries */
};

/* NULL: memory is short. The server's end begins at HANDSHAKING, the client's at CHECKING. */
struct wrd_connection *wrd_connection_accept(const struct wrd_shared *shared, wrd_time now,
                                             const struct wrd_accept *accept);
struct wrd_connection *wrd_connection_dial(const struct wrd_shared *shared, wrd_time now, const wrd_address *address,
                                           const wrd_ufrag *ufrag);
void wrd_connection_free(const struct wrd_shared *shared, struct wrd_connection *c);

void wrd_connection_receive_stun(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                                 const uint8_t *datagram, size_t len);
/* True when it carried a record under the peer's keys. */
bool wrd_connection_receive_dtls(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                                 const uint8_t *datagram, size_t len);
size_t wrd_connection_transmit(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint8_t *out,
                               size_t cap);
/* A datagram to the address that the peer may have now, which it answers under its keys with the same `info`. 0: none.
 */
size_t wrd_connection_probe(const struct wrd_shared *shared, struct wrd_connection *c,
                            const uint8_t info[WRD_SCTP_PATH_INFO], uint8_t *out, size_t cap);
/* The peer of an open connection is at `path` now; the application is to know, or not. */
void wrd_connection_move(struct wrd_connection *c, wrd_time now, const wrd_path *path, bool tell);
wrd_time wrd_connection_deadline(const struct wrd_shared *shared, const struct wrd_connection *c);
void wrd_connection_expire(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now);

/* Did a send answer WRD_AGAIN, and was there no WRITABLE since? */
bool wrd_connection_is_blocked(const struct wrd_connection *c);

/* Graceful, by the application. */
void wrd_connection_close(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint32_t code,
                          const char *reason);
/* At once, for `reason`; the first reason stays. */
void wrd_connection_end(struct wrd_connection *c, wrd_time now, wrd_result reason, const char *text);

#endif
