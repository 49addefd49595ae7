/* SPDX-License-Identifier: MIT */
/*
 * Stream reset (RFC 6525), as data channels close by it (RFC 8831 6.7): the peer resets its outgoing stream, and we
 * answer and reset ours. One request of ours is outstanding at most, and repeated word for word. Every other kind of
 * request is denied.
 */
#ifndef WRD_SCTP_RESET_H
#define WRD_SCTP_RESET_H

#include "base/serial.h"
#include "sctp/bounds.h"
#include "sctp/param.h"
#include "sctp/rx_join.h"
#include "sctp/tx_queue.h"

enum wrd_sctp_reset_result {
    WRD_SCTP_RESET_NOTHING = 0,
    WRD_SCTP_RESET_PERFORMED = 1,
    WRD_SCTP_RESET_DENIED = 2,
    WRD_SCTP_RESET_BAD_NUMBER = 5,
    WRD_SCTP_RESET_IN_PROGRESS = 6
};

#define WRD_SCTP_RESPONSES_MAX 2 /* a chunk carries at most two requests (RFC 6525 3.1) */
#define WRD_SCTP_STREAM_WORDS  (65536 / 64)

/* One bit for each stream. */
struct wrd_sctp_streams {
    uint64_t words[WRD_SCTP_STREAM_WORDS];
    uint32_t count;
};

/* Allocated with the first request of the peer. */
struct wrd_sctp_reset_lists {
    struct wrd_sctp_streams wanted;             /* ours, to be reset once they are quiet */
    struct wrd_sctp_streams told;               /* the peer's, reset and not yet told above */
    uint16_t asked[WRD_SCTP_RESET_STREAMS_MAX]; /* in our outstanding request */
};

struct wrd_sctp_reset {
    uint32_t peer_number;  /* of the peer's next request */
    uint32_t local_number; /* of our next or outstanding request */
    bool answered_any;
    uint32_t last_result;
    struct {
        uint32_t number, result;
    } responses[WRD_SCTP_RESPONSES_MAX];
    unsigned response_count;

    struct wrd_sctp_reset_lists *lists;
    size_t asked_count; /* > 0: a request is outstanding */
    struct wrd_tsn asked_last;
    uint32_t asked_after; /* the peer's last request when ours was made */
    bool send;
    unsigned attempts;
    wrd_time deadline;
};

/* What the peer's requests are judged by. */
struct wrd_sctp_reset_view {
    const wrd_env *env;
    struct wrd_sctp_join *join;
    struct wrd_sctp_queue *queue;
    struct wrd_tsn cumulative; /* received */
    uint32_t streams_in, streams_out;
};

void wrd_sctp_reset_init(struct wrd_sctp_reset *reset, struct wrd_tsn local_initial, struct wrd_tsn peer_initial);
void wrd_sctp_reset_free(struct wrd_sctp_reset *reset, const wrd_env *env);
/* A RE-CONFIG chunk. False: the peer broke the order of its messages. */
bool wrd_sctp_reset_receive(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                            struct wrd_reader params);
/* Makes a request of the streams that are wanted and quiet, when none is outstanding. `last`: the last TSN assigned. */
void wrd_sctp_reset_ask(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, wrd_time now, wrd_time rto,
                        struct wrd_tsn last);
/* The deadline passed: the request goes out again. */
void wrd_sctp_reset_expire(struct wrd_sctp_reset *reset, wrd_time now, wrd_time rto);
/* Writes what is due, as far as it fits. */
void wrd_sctp_reset_write(struct wrd_sctp_reset *reset, struct wrd_writer *wr);
/* Takes a stream that the peer reset and that was not told yet; false: none. */
bool wrd_sctp_reset_tell(struct wrd_sctp_reset *reset, uint16_t *stream);

#endif
