/* SPDX-License-Identifier: MIT */
/*
 * Stream reset (RFC 6525), as data channels close by it (RFC 8831 6.7). Each side resets its own direction; nothing is
 * answered by a reset of ours unless it is asked for above. One request of ours is outstanding at most, and repeated
 * word for word. Every other kind of request is denied. Nothing is allocated while no reset is under way.
 */
#ifndef WRD_SCTP_RESET_H
#define WRD_SCTP_RESET_H

#include "base/serial.h"
#include "sctp/bounds.h"
#include "sctp/param.h"
#include "sctp/rx_join.h"
#include "sctp/sctp.h"
#include "sctp/streams.h"
#include "sctp/tx_queue.h"

enum wrd_sctp_reset_result {
    WRD_SCTP_RESET_NOTHING = 0,
    WRD_SCTP_RESET_PERFORMED = 1,
    WRD_SCTP_RESET_DENIED = 2,
    WRD_SCTP_RESET_WRONG_STREAM = 3,
    WRD_SCTP_RESET_BAD_NUMBER = 5,
    WRD_SCTP_RESET_IN_PROGRESS = 6
};

/* Of our request. */
enum wrd_sctp_reset_stage {
    WRD_SCTP_RESET_IDLE,
    WRD_SCTP_RESET_HOLDING, /* the streams pause, but what was sent on them is not yet acknowledged */
    WRD_SCTP_RESET_ASKING,
    WRD_SCTP_RESET_SETTLING, /* performed, but what was sent before is not yet acknowledged */
    WRD_SCTP_RESET_ANSWERED  /* the streams are to be told above, `asked_told` of them were */
};

#define WRD_SCTP_RESPONSES_MAX 2 /* a chunk carries at most two requests (RFC 6525 3.1) */

struct wrd_sctp_reset {
    const wrd_env *env;

    uint32_t peer_number; /* of the peer's next request */
    bool answered_any;
    uint32_t last_result;
    struct {
        uint32_t number, result;
    } responses[WRD_SCTP_RESPONSES_MAX];
    unsigned response_count;
    struct wrd_sctp_streams untold; /* reset by the peer and not yet told above */
    uint8_t *held;                  /* the peer's request that waits for messages, from its last TSN on; or NULL */
    uint16_t held_len;
    bool held_done;     /* performed since; kept to know the same request under another number */
    uint32_t told_made; /* streams that our queue had made when the peer last reset all */

    struct wrd_sctp_streams wanted; /* ours, to be asked for once they are quiet */
    enum wrd_sctp_reset_stage stage;
    uint32_t local_number; /* of our next or outstanding request */
    uint16_t *asked;       /* what it names; or NULL */
    uint16_t asked_capacity, asked_count, asked_told;
    struct wrd_tsn asked_last;
    uint32_t asked_after; /* the peer's last request when ours was made */
    bool refused;
    bool news; /* there is more for wrd_sctp_reset_tell() than when this was last cleared */
    bool send;
    bool look; /* some of those that are wanted may be quiet, or else once `fell_quiet` of the queue is not this: */
    uint32_t fell_quiet;
    unsigned attempts, silences; /* expiries in all, and in a row without an answer */
    wrd_time deadline;
};

/* What requests and answers are judged by. */
struct wrd_sctp_reset_view {
    struct wrd_sctp_join *join;
    struct wrd_sctp_queue *queue;
    struct wrd_tsn received; /* cumulatively */
    struct wrd_tsn acked;    /* by the peer, cumulatively */
    uint32_t streams_in;
};

void wrd_sctp_reset_init(struct wrd_sctp_reset *reset, const wrd_env *env);
void wrd_sctp_reset_free(struct wrd_sctp_reset *reset);
/* An association begins, or begins anew, and the queue with it: what was under way in the old one counts as done. */
void wrd_sctp_reset_begin(struct wrd_sctp_reset *reset, struct wrd_tsn local_initial, struct wrd_tsn peer_initial);

/* A RE-CONFIG chunk. False: the peer broke the order of its messages. */
bool wrd_sctp_reset_receive(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                            struct wrd_reader params);
/* Something was received or acknowledged that a reset may have waited for. False as above. */
bool wrd_sctp_reset_progress(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view);

/* Our direction of `stream` is to be reset. False: no memory. */
bool wrd_sctp_reset_want(struct wrd_sctp_reset *reset, uint16_t stream);
/* Streams pause for a request of ours, asked or about to be. */
bool wrd_sctp_reset_is_under_way(const struct wrd_sctp_reset *reset);
/* Is it to be, and not over yet? */
bool wrd_sctp_reset_holds(const struct wrd_sctp_reset *reset, uint16_t stream);
/* Makes a request of the streams that are wanted and quiet, when none is outstanding, and sends it once all up to
 * `last`, the last TSN assigned, is `acked`: usrsctp does not look again at a request that came before its data. */
void wrd_sctp_reset_ask(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, wrd_time now, wrd_time rto,
                        struct wrd_tsn last, struct wrd_tsn acked);
/* The deadline passed: the request goes out again. False: it did often enough. */
bool wrd_sctp_reset_expire(struct wrd_sctp_reset *reset, wrd_time now, wrd_time rto);
/* Writes what is due, as far as it fits. */
void wrd_sctp_reset_write(struct wrd_sctp_reset *reset, struct wrd_writer *wr);

/* Takes a stream that was reset, or refused, and that was not told yet; false: none. */
bool wrd_sctp_reset_tell(struct wrd_sctp_reset *reset, uint16_t *stream, enum wrd_sctp_reset_side *side);
/* Takes a stream that is wanted of a peer that cannot. */
bool wrd_sctp_reset_give_up(struct wrd_sctp_reset *reset, uint16_t *stream);

#endif
