/* SPDX-License-Identifier: MIT */
/*
 * Fragments to messages (RFC 9260 6.6, 6.9): chunks come in, whole messages go to the order of their stream. I-DATA is
 * for rx_weave.h; fragments of DATA have contiguous TSNs:
 *
 *   in sequence ------------> assembly (one growing buffer) --+--> order
 *        ^                                                    |
 *   ahead --> ring of chunks by TSN --(run complete)----------+
 *
 * So only one message can be under assembly in sequence. It is bounded by the message limit and does not take from the
 * window; everything else does, with WRD_SCTP_OVERHEAD for each block.
 */
#ifndef WRD_SCTP_RX_JOIN_H
#define WRD_SCTP_RX_JOIN_H

#include "sctp/rx_order.h"
#include "sctp/rx_weave.h"

struct wrd_sctp_join {
    struct wrd_sctp_order order;
    struct wrd_sctp_weave weave;
    bool interleaving;
    bool torn; /* a FORWARD-TSN may have cut a message: stray fragments up to the next beginning are dropped */
    size_t message_limit, window;
    struct wrd_tsn next; /* the TSN that comes next in sequence */

    struct wrd_sctp_block *assembly;
    size_t last_assembled;

    struct wrd_sctp_block **ring; /* chunks ahead, by TSN */
    uint32_t ring_size;           /* a power of two, or 0 */
    uint32_t ring_count;
};

struct wrd_sctp_join_setup {
    struct wrd_sctp_pool *pool;
    size_t message_limit;
    size_t window; /* bytes to keep in all */
    bool interleaving;
    struct wrd_tsn peer_initial;
    uint64_t salt; /* secret */
};

void wrd_sctp_join_init(struct wrd_sctp_join *join, const struct wrd_sctp_join_setup *setup);
void wrd_sctp_join_free(struct wrd_sctp_join *join);
/* The peer begins anew: what is not whole is dropped, what waits to be read stays. */
void wrd_sctp_join_restart(struct wrd_sctp_join *join, const struct wrd_sctp_join_setup *setup);
/* Gives back what nothing needs at the moment. */
void wrd_sctp_join_drain(struct wrd_sctp_join *join);

/* What takes from the window. */
static inline size_t wrd_sctp_join_charge(const struct wrd_sctp_join *join)
{
    return join->order.charged + wrd_sctp_weave_excess(&join->weave);
}

/* A chunk inside the TSN window, seen for the first time. */
enum wrd_sctp_joined wrd_sctp_join_take(struct wrd_sctp_join *join, const struct wrd_sctp_data *data);
/* The cumulative TSN is `cumulative` now: joins the kept chunks up to it; those not kept were delivered, or not wanted.
 */
enum wrd_sctp_joined wrd_sctp_join_advance(struct wrd_sctp_join *join, struct wrd_tsn cumulative);

/* FORWARD-TSN: the chunk of this TSN, if it is still kept, belongs to a message that will not be whole. */
void wrd_sctp_join_give_up(struct wrd_sctp_join *join, struct wrd_tsn tsn);
/* ... nothing up to `tsn` is kept any more, nor will it come ... */
void wrd_sctp_join_forward(struct wrd_sctp_join *join, struct wrd_tsn tsn);
/* ... and on `stream`, which is in use, nothing up to `number` (SSN or MID). */
void wrd_sctp_join_skip(struct wrd_sctp_join *join, uint16_t stream, bool unordered, uint32_t number);

/* Memory and window to tell the reader of `count` resets; SIZE_MAX: of every stream that was used. False: not now. */
bool wrd_sctp_join_reserve_resets(struct wrd_sctp_join *join, size_t count);
/* The peer begins `stream` again at number 0, and the reader is told in its turn. Reserved before. False: messages
 * still wait for an earlier one, or for their end. */
bool wrd_sctp_join_reset(struct wrd_sctp_join *join, uint16_t stream);
/* The same of every stream that was used, and forgets them: what that takes is not paid for again and again. */
bool wrd_sctp_join_reset_all(struct wrd_sctp_join *join);

/* Stops the process when it contradicts itself. For tests; walks everything. */
void wrd_sctp_join_audit(const struct wrd_sctp_join *join);

#endif
