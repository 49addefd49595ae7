/* SPDX-License-Identifier: MIT */
/* The association, as the files of this room share it: assoc.c (life), handshake.c, receive.c, transmit.c, messages.c.
 */
#ifndef WRD_SCTP_ASSOC_H
#define WRD_SCTP_ASSOC_H

#include "sctp/bounds.h"
#include "sctp/chunk.h"
#include "sctp/cookie.h"
#include "sctp/cwnd.h"
#include "sctp/fast_open.h"
#include "sctp/heartbeat.h"
#include "sctp/pacer.h"
#include "sctp/param.h"
#include "sctp/pool.h"
#include "sctp/reset.h"
#include "sctp/rto.h"
#include "sctp/rx_join.h"
#include "sctp/rx_track.h"
#include "sctp/sctp.h"
#include "sctp/tx_abandon.h"
#include "sctp/tx_flight.h"
#include "sctp/tx_loss.h"
#include "sctp/tx_queue.h"

/* Chunks without content of their own that are due. */
enum wrd_sctp_due {
    WRD_SCTP_DUE_INIT = 1,
    WRD_SCTP_DUE_COOKIE_ECHO = 2,
    WRD_SCTP_DUE_COOKIE_ACK = 4,
    WRD_SCTP_DUE_SHUTDOWN = 8,
    WRD_SCTP_DUE_SHUTDOWN_ACK = 16
};

struct wrd_sctp {
    const wrd_env *env;
    struct wrd_sctp_options options; /* defaults filled in */
    size_t payload;                  /* bytes of DATA in a full packet: the unit of congestion control (PMDCS) */
    wrd_crc32c_update *crc;
    struct wrd_sctp_pool pool;

    enum wrd_sctp_state state;
    bool over;          /* CLOSED for good */
    bool begun;         /* the peer's tag, TSN and window are known */
    bool closing;       /* shutdown was asked for by us */
    bool blocked;       /* a send answered WRD_AGAIN */
    bool giant_blocked; /* the same, for a message that only an empty queue takes */
    unsigned events;
    wrd_result failure;
    const char *failure_text;

    uint32_t local_tag, peer_tag;
    wrd_time peer_said; /* when it said what it is: its INIT or INIT-ACK */
    struct wrd_tsn local_initial;
    uint8_t cookie_key[WRD_SCTP_COOKIE_KEY_SIZE];
    uint16_t streams_out, streams_in;
    bool peer_forward_tsn; /* partial reliability: FORWARD-TSN, or I-FORWARD-TSN with `interleaving` */
    bool peer_reconfig;
    bool interleaving;     /* I-DATA takes the place of DATA, both ways (RFC 8260) */
    bool without_checksum; /* the peer takes packets without CRC32c; whether we do is for us to say (RFC 9653) */
    struct wrd_sctp_fast_open fast_open;
    uint8_t *peer_cookie;
    size_t peer_cookie_len, peer_cookie_capacity;

    unsigned due;   /* bits of wrd_sctp_due */
    uint8_t *reply; /* a whole packet, first in line: WRD_SCTP_REPLY_MAX, or NULL */
    uint8_t *error; /* causes for one ERROR: WRD_SCTP_ERROR_MAX, or NULL */
    uint16_t reply_len, error_len;

    wrd_time t1, t2, t3;
    wrd_time t5;                     /* the shutdown as a whole (RFC 9260 9.2) */
    wrd_time probe, reorder, pacing; /* RFC 8985 7 and 6.2; pacer.h */
    wrd_time t1_sent;
    unsigned attempts; /* expiries of T1 or T2 */
    unsigned stale;    /* cookies that the peer found so */
    unsigned errors;   /* in a row without a sign of the peer: T3, heartbeat */

    struct wrd_sctp_track track;
    struct wrd_sctp_join join;
    uint32_t advertised; /* a_rwnd in the last SACK */

    struct wrd_sctp_queue queue;
    struct wrd_sctp_flight flight;
    struct wrd_sctp_abandon abandon;
    struct wrd_sctp_cwnd cwnd;
    bool limited; /* the window was full when `limited_to` was sent: acknowledgements up to it let it grow */
    struct wrd_tsn limited_to;
    struct wrd_sctp_rto rto;
    struct wrd_sctp_recovery recovery;
    struct wrd_sctp_pacer pacer;
    uint32_t peer_rwnd;
    uint32_t carried_then;       /* lower half, when the peer's last HEARTBEAT came */
    wrd_time last_data;          /* when DATA was last sent; 0: never */
    struct wrd_sctp_stats stats; /* what is counted; the rest is filled in when asked for */

    struct wrd_sctp_heartbeat heartbeat;
    bool path_answered, heartbeat_answered; /* one from aside; one of `heartbeat` */
    uint8_t path_info[WRD_SCTP_PATH_INFO];
    struct wrd_sctp_reset reset;
};

/* assoc.c. enter() is the only writer of `state`. */
void wrd_sctp_enter(struct wrd_sctp *sctp, wrd_time now, enum wrd_sctp_state state);
/* Ends the association without a word to the peer. */
void wrd_sctp_end(struct wrd_sctp *sctp, wrd_time now, wrd_result failure, const char *text);
/* Ends it with an ABORT that names `cause`; a protocol violation is described to the peer, too. */
void wrd_sctp_fail(struct wrd_sctp *sctp, wrd_time now, wrd_result failure, uint16_t cause, const char *text);
/* Likewise, with what the cause is about. */
void wrd_sctp_fail_with(struct wrd_sctp *sctp, wrd_time now, uint16_t cause, const uint8_t *value, size_t len,
                        const char *text);
/* Shutdown goes on once everything is delivered (RFC 9260 9.2). */
void wrd_sctp_settle(struct wrd_sctp *sctp, wrd_time now);
/* Stops the process when the association contradicts itself. For tests; walks everything. */
void wrd_sctp_audit(const struct wrd_sctp *sctp);

/* messages.c */
/* The peer is known, and with it how messages may be cut and given up. */
void wrd_sctp_agree(struct wrd_sctp *sctp);
/* Gives up what may not be sent, or sent again. */
void wrd_sctp_give_up_late(struct wrd_sctp *sctp, wrd_time now);
/* When some message may expire that waits to be sent. */
wrd_time wrd_sctp_messages_deadline(const struct wrd_sctp *sctp);
void wrd_sctp_messages_expire(struct wrd_sctp *sctp, wrd_time now);

/* rx_data.c. The two that take a chunk answer whether the packet counts as one with DATA. */
bool wrd_sctp_take_data(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk);
bool wrd_sctp_take_forward(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk);
uint32_t wrd_sctp_window(const struct wrd_sctp *sctp);
/* Gives back memory that is not needed while nothing comes. */
void wrd_sctp_data_drain(struct wrd_sctp *sctp);

/* handshake.c */
void wrd_sctp_take_init(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk);
void wrd_sctp_take_init_ack(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_chunk *chunk);
/* True: an association stands, and what follows in the packet belongs to it. */
bool wrd_sctp_take_cookie_echo(struct wrd_sctp *sctp, wrd_time now, uint32_t tag, const struct wrd_sctp_chunk *chunk);
void wrd_sctp_take_cookie_ack(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_take_stale_cookie(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_write_init(const struct wrd_sctp *sctp, struct wrd_writer *wr);
void wrd_sctp_write_fast_open(struct wrd_sctp *sctp, struct wrd_writer *wr);
/* The peer took the cookie that it had not given: ESTABLISHED. False: ended. */
bool wrd_sctp_take_fast_open(struct wrd_sctp *sctp, wrd_time now);

/* closing.c */
void wrd_sctp_take_shutdown(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader value);
void wrd_sctp_take_shutdown_ack(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_take_shutdown_complete(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_complete_shutdown(struct wrd_sctp *sctp, uint32_t tag, uint8_t flags);
void wrd_sctp_take_abort(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader causes);
void wrd_sctp_take_error(struct wrd_sctp *sctp, wrd_time now, struct wrd_reader causes);
/* To a packet of no association, which the peer may think there is (RFC 9260 8.4). */
void wrd_sctp_answer_stray(struct wrd_sctp *sctp, const struct wrd_sctp_packet *packet);

/* reply.c */
/* A packet of one chunk for `reply`; `tag` 0 would be an INIT's. */
struct wrd_writer wrd_sctp_reply_begin(struct wrd_sctp *sctp, uint32_t tag);
/* Without memory there is none, as if it had been lost. */
void wrd_sctp_reply_end(struct wrd_sctp *sctp, struct wrd_writer *wr);
void wrd_sctp_drop_reply(struct wrd_sctp *sctp);
/* Queues an error cause, cut to what fits, if there is memory. */
void wrd_sctp_report(struct wrd_sctp *sctp, uint16_t cause, const uint8_t *bytes, size_t len);
void wrd_sctp_drop_report(struct wrd_sctp *sctp);

#endif
