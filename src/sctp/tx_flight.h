/* SPDX-License-Identifier: MIT */
/*
 * Chunks that were sent and are not acknowledged cumulatively (RFC 9260 6.2.1), in a ring by TSN.
 * Each is in one of three states: in flight (its bytes count), held (a gap block named it), lost (to be sent again).
 * Those in flight are ordered by when they were last sent: what was sent once by TSN, what was sent again in a chain.
 * A SACK costs what it changes, and word scans of the bitmaps; never a walk over chunks.
 */
#ifndef WRD_SCTP_TX_FLIGHT_H
#define WRD_SCTP_TX_FLIGHT_H

#include "sctp/bitmap.h"
#include "sctp/bounds.h"
#include "sctp/chunk.h"
#include "sctp/rack.h"
#include "sctp/tx_queue.h"

struct wrd_sctp_sent {
    struct wrd_sctp_outgoing *message; /* NULL: given up, and gone */
    wrd_time sent_at;                  /* last */
    union {
        uint32_t offset; /* in the message */
        uint32_t mid;    /* of one that is gone */
    };
    union {
        uint32_t fsn;
        uint16_t stream; /* of one that is gone */
    };
    uint16_t len;
    uint16_t sends;        /* so far; stays at the highest */
    uint16_t older, newer; /* in the chain: low bits of its neighbours' TSNs */
    uint8_t flags;
    bool told_twice; /* the peer said that it came twice */
    bool abandoned;  /* will not be sent again (RFC 3758): counts as held, and no SACK takes that back */
};

struct wrd_sctp_flight {
    struct wrd_sctp_queue *queue;
    struct wrd_sctp_sent *ring;
    uint64_t *words;             /* memory of the three bitmaps */
    struct wrd_sctp_bitmap held; /* named by a gap block */
    struct wrd_sctp_bitmap lost; /* to be sent again */
    struct wrd_sctp_bitmap once; /* in flight, and sent once */
    uint32_t mask;
    struct wrd_tsn recorded;   /* records of what was acknowledged reach back to here, if not overwritten since */
    struct wrd_tsn cumulative; /* the last one acknowledged cumulatively */
    struct wrd_tsn next;       /* of the next new chunk */
    uint32_t lost_count;
    size_t bytes;      /* in flight */
    size_t held_bytes; /* that gap blocks named */
    struct {
        uint32_t count;
        uint16_t oldest, newest; /* low bits of TSNs */
    } again; /* the chain of those in flight that were sent more than once, by when they last were */
    struct wrd_sctp_rack rack;
    bool cut_short; /* the last SACK had so many gap blocks that there may be more above them */

    bool timing; /* one TSN at a time is timed */
    struct wrd_tsn timed;
    wrd_time timed_since;
};

/* What a SACK changed. */
struct wrd_sctp_sacked {
    size_t bytes;      /* acknowledged for the first time */
    size_t settled;    /* bytes and headers of what the cumulative TSN passed */
    bool cumulative;   /* the cumulative TSN moved */
    wrd_time rtt;      /* a sample, once in a round trip, or 0 */
    wrd_time last_rtt; /* of the last one acknowledged that was sent once, or 0 */
    bool unrepeated;   /* one that was to be sent again, and had not yet been */
    bool early;        /* one that was sent again so shortly before that its first sending must have arrived */
};

/* What to think of a TSN that the peer says came twice. */
enum wrd_sctp_twice {
    WRD_SCTP_TWICE_UNKNOWN,   /* too old, told before, or never sent */
    WRD_SCTP_TWICE_NETWORK,   /* it was sent once */
    WRD_SCTP_TWICE_NEEDLESSLY /* it was sent again, and had arrived */
};

/* What is lost by now, and when to look again. */
struct wrd_sctp_losses {
    uint32_t count;
    size_t bytes;
    struct wrd_tsn highest; /* of them */
    wrd_time next;          /* WRD_NEVER: only an acknowledgement can tell more */
};

/* The ring comes with the first chunk. */
void wrd_sctp_flight_init(struct wrd_sctp_flight *flight, struct wrd_sctp_queue *queue, struct wrd_tsn initial);
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
void wrd_sctp_flight_resent(struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn);
/* May it be sent again, if need be (RFC 3758)? */
bool wrd_sctp_flight_may_repeat(const struct wrd_sctp_flight *flight, wrd_time now, struct wrd_tsn tsn);
/* Has the last chunks in flight, as many as fit one packet's `room`, sent again: those from `first` to `last`. False:
 * there are none that may be. */
bool wrd_sctp_flight_repeat(struct wrd_sctp_flight *flight, wrd_time now, size_t room, struct wrd_tsn *first,
                            struct wrd_tsn *last);
/* A TSN without bytes is sent and abandoned at once, for what was not cut of `message`; false as above. */
bool wrd_sctp_flight_skip(struct wrd_sctp_flight *flight, const struct wrd_sctp_outgoing *message);
/* It will not be sent again (RFC 3758): it counts as held for ever. Outstanding, and not yet abandoned. */
void wrd_sctp_flight_abandon(struct wrd_sctp_flight *flight, struct wrd_tsn tsn);

/* False, and nothing changed: an old SACK, or one that names what was never sent. */
bool wrd_sctp_flight_sack(struct wrd_sctp_flight *flight, wrd_time now, const struct wrd_sctp_sack *sack,
                          struct wrd_sctp_sacked *out);
/* The peer says that `tsn` came twice. */
enum wrd_sctp_twice wrd_sctp_flight_twice(struct wrd_sctp_flight *flight, struct wrd_tsn tsn);
/* Finds what is lost by time (RFC 8985 6.2); to be asked after each SACK, and at `next`. */
struct wrd_sctp_losses wrd_sctp_flight_detect(struct wrd_sctp_flight *flight, wrd_time now, wrd_time srtt, bool sure);
/* Everything not held is lost; with `reneged`, also what gap blocks named: the peer may drop it (RFC 9260 6.2.1), and
 * its next SACK says what it still has. */
void wrd_sctp_flight_rewind(struct wrd_sctp_flight *flight, bool reneged);
/* What is to be sent for the second time was not lost after all, but is late. */
void wrd_sctp_flight_undo(struct wrd_sctp_flight *flight);
/* Gives the memory back when nothing is outstanding. */
void wrd_sctp_flight_idle(struct wrd_sctp_flight *flight);
/* Walks everything and stops the process when the counters disagree with it. For tests. */
void wrd_sctp_flight_audit(const struct wrd_sctp_flight *flight);

#endif
