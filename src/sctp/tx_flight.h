/* SPDX-License-Identifier: MIT */
/*
 * Chunks that were sent and are not acknowledged cumulatively (RFC 9260 6.2.1, 7.2.4), in a ring by TSN.
 * Each is in one of three states: in flight (its bytes count), held (a gap block named it), lost (to be sent again).
 * A SACK costs what it changes, and word scans of the bitmaps; never a walk over chunks.
 */
#ifndef WRD_SCTP_TX_FLIGHT_H
#define WRD_SCTP_TX_FLIGHT_H

#include "sctp/bitmap.h"
#include "sctp/bounds.h"
#include "sctp/chunk.h"
#include "sctp/tx_queue.h"

struct wrd_sctp_sent {
    struct wrd_sctp_outgoing *message; /* NULL: given up, and gone */
    union {
        uint32_t offset; /* in the message */
        uint32_t mid;    /* of one that is gone */
    };
    union {
        uint32_t fsn;
        uint16_t stream; /* of one that is gone */
    };
    uint16_t len;
    uint16_t sends; /* so far; stays at the highest */
    uint8_t flags;
    uint8_t misses;
    bool fast_done;
    bool abandoned; /* will not be sent again (RFC 3758): counts as held, and no SACK takes that back */
};

struct wrd_sctp_flight {
    struct wrd_sctp_queue *queue;
    struct wrd_sctp_sent *ring;
    uint64_t *words;             /* memory of the three bitmaps */
    struct wrd_sctp_bitmap held; /* named by a gap block */
    struct wrd_sctp_bitmap lost; /* to be sent again */
    struct wrd_sctp_bitmap open; /* in flight and not yet fast-retransmitted: reports that it is missing count */
    uint32_t mask;
    struct wrd_tsn cumulative; /* the last one acknowledged cumulatively */
    struct wrd_tsn next;       /* of the next new chunk */
    uint32_t lost_count;
    size_t bytes; /* in flight */

    bool recovering;
    struct wrd_tsn recovery_exit;
    bool urgent;       /* one packet of retransmissions goes out whatever the window says */
    unsigned timeouts; /* in a row, without progress */
    bool has_timeout_point;
    struct wrd_tsn timeout_point; /* what was sent up to the last expiry gives no second reason to slow down */

    bool timing; /* one TSN at a time is timed */
    struct wrd_tsn timed;
    wrd_time timed_since;
};

/* What a SACK changed. */
struct wrd_sctp_sacked {
    size_t bytes;    /* acknowledged for the first time */
    bool cumulative; /* the cumulative TSN moved */
    bool was_recovering;
    bool loss;    /* fast recovery began: slow down */
    wrd_time rtt; /* a sample, or 0 */
};

/* False: no memory. */
bool wrd_sctp_flight_init(struct wrd_sctp_flight *flight, struct wrd_sctp_queue *queue, struct wrd_tsn initial);
void wrd_sctp_flight_free(struct wrd_sctp_flight *flight);
/* The peer begins anew, and so does this, with `initial`: what was outstanding goes back to the queue, in order. */
void wrd_sctp_flight_restart(struct wrd_sctp_flight *flight, struct wrd_tsn initial);

static inline uint32_t wrd_sctp_flight_count(const struct wrd_sctp_flight *flight)
{
    return flight->next.v - flight->cumulative.v - 1;
}

/* A new chunk of `message` (not yet cut there) goes out; false: the ring is full and cannot grow. */
bool wrd_sctp_flight_push(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_sctp_outgoing *message, size_t len,
                          struct wrd_sctp_data *out);
/* The first chunk that is to be sent again; false: none. */
bool wrd_sctp_flight_lost(const struct wrd_sctp_flight *flight, struct wrd_sctp_data *out);
/* It goes out again. */
void wrd_sctp_flight_resent(struct wrd_sctp_flight *flight, struct wrd_tsn tsn);
/* A TSN without bytes is sent and abandoned at once, for what was not cut of `message`; false as above. */
bool wrd_sctp_flight_skip(struct wrd_sctp_flight *flight, const struct wrd_sctp_outgoing *message);
/* It will not be sent again (RFC 3758): it counts as held for ever. Outstanding, and not yet abandoned. */
void wrd_sctp_flight_abandon(struct wrd_sctp_flight *flight, struct wrd_tsn tsn);

/* False, and nothing changed: an old SACK, or one that names what was never sent. */
bool wrd_sctp_flight_sack(struct wrd_sctp_flight *flight, wrd_time now, const struct wrd_sctp_sack *sack,
                          struct wrd_sctp_sacked *out);
/* T3 expired: everything not held is lost. True: also for data that was out at an earlier expiry. */
bool wrd_sctp_flight_timeout(struct wrd_sctp_flight *flight);
/* Everything not held is lost, and that says nothing of the path: it went to a peer that had no association yet. */
void wrd_sctp_flight_rewind(struct wrd_sctp_flight *flight);
/* Walks everything and stops the process when the counters disagree with it. For tests. */
void wrd_sctp_flight_audit(const struct wrd_sctp_flight *flight);

#endif
