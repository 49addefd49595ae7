/* SPDX-License-Identifier: MIT */
/*
 * Fragments to messages (RFC 9260 6.6, 6.9): chunks come in, whole messages queue up in delivery order.
 *
 *   in sequence ------------> assembly (one growing buffer) --+
 *        ^                                                    +--> order of the stream --> ready
 *   ahead --> ring of chunks by TSN --(run complete)----------+        |      ^
 *                                                                  waiting, by stream and SSN
 *
 * Fragments of one message have contiguous TSNs, so only one message can be under assembly in sequence. It is bounded
 * by the message limit and not charged to the window; everything else is, with WRD_SCTP_OVERHEAD for each block.
 */
#ifndef WRD_SCTP_RX_JOIN_H
#define WRD_SCTP_RX_JOIN_H

#include "sctp/bounds.h"
#include "sctp/chunk.h"
#include "sctp/pool.h"

/* A chunk, or a whole message; its bytes follow. */
struct wrd_sctp_block {
    struct wrd_sctp_block *next;
    size_t capacity; /* of the whole block */
    size_t len;
    struct wrd_tsn tsn;
    struct wrd_tsn run_end; /* at either end of a run of fragments: the other end */
    uint32_t run_bytes;
    uint32_t ppid;
    uint16_t stream;
    struct wrd_ssn ssn;
    uint8_t flags;
};

static inline uint8_t *wrd_sctp_block_bytes(struct wrd_sctp_block *block)
{
    return (uint8_t *)(block + 1);
}

#define WRD_SCTP_STREAM_PAGES 256
#define WRD_SCTP_STREAM_PAGE  256

struct wrd_sctp_stream_in {
    struct wrd_ssn next;
    uint16_t waiting;
};

struct wrd_sctp_join {
    struct wrd_sctp_pool *pool;
    size_t message_limit;
    struct wrd_tsn next; /* the TSN that the assembly takes next */
    bool torn; /* a FORWARD-TSN may have cut a message: stray fragments up to the next beginning are dropped */

    struct wrd_sctp_block *assembly;
    size_t last_assembled;

    struct wrd_sctp_block **ring; /* chunks ahead, by TSN */
    uint32_t ring_mask;

    struct wrd_sctp_stream_in *pages[WRD_SCTP_STREAM_PAGES];
    struct wrd_sctp_block **waiting; /* WRD_SCTP_WAITING_BUCKETS lists */
    uint32_t waiting_salt;

    struct wrd_sctp_block *ready, *ready_last;
    size_t charged;
};

enum wrd_sctp_joined {
    WRD_SCTP_JOINED,
    WRD_SCTP_JOIN_NO_MEMORY, /* the chunk was not taken; nothing changed */
    WRD_SCTP_JOIN_TOO_LARGE, /* these two: the association must end */
    WRD_SCTP_JOIN_BROKEN,
    WRD_SCTP_JOIN_STUCK /* memory ended in the middle of what was acknowledged: it must end, too */
};

void wrd_sctp_join_init(struct wrd_sctp_join *join, struct wrd_sctp_pool *pool, size_t message_limit,
                        struct wrd_tsn peer_initial, uint32_t salt);
void wrd_sctp_join_free(struct wrd_sctp_join *join);

/* The chunk with TSN `join->next`. */
enum wrd_sctp_joined wrd_sctp_join_in_sequence(struct wrd_sctp_join *join, const struct wrd_sctp_data *data);
/* A chunk further on, inside the window, seen for the first time. */
enum wrd_sctp_joined wrd_sctp_join_ahead(struct wrd_sctp_join *join, const struct wrd_sctp_data *data);
/* The cumulative TSN is `cumulative` now: joins the kept chunks up to it; those not kept were delivered, or not wanted.
 */
enum wrd_sctp_joined wrd_sctp_join_advance(struct wrd_sctp_join *join, struct wrd_tsn cumulative);
/* FORWARD-TSN: nothing up to `tsn` will come any more. */
void wrd_sctp_join_forward(struct wrd_sctp_join *join, struct wrd_tsn tsn);
/* ... and on `stream` nothing up to `ssn`. `budget` is what is left of the SSNs to look up. */
void wrd_sctp_join_skip(struct wrd_sctp_join *join, uint16_t stream, struct wrd_ssn ssn, uint32_t *budget);
/* The peer begins `stream` again at SSN 0; false: messages still wait for an earlier one. */
bool wrd_sctp_join_reset(struct wrd_sctp_join *join, uint16_t stream);
bool wrd_sctp_join_reset_all(struct wrd_sctp_join *join);

/* Drops the first of `ready`. */
void wrd_sctp_join_release(struct wrd_sctp_join *join);

#endif
