/* SPDX-License-Identifier: MIT */
/* Which TSNs arrived, and when and how the peer hears of it (RFC 9260 6.2, 3.3.4). */
#ifndef WRD_SCTP_RX_TRACK_H
#define WRD_SCTP_RX_TRACK_H

#include "base/bytes.h"
#include "sctp/bitmap.h"
#include "sctp/bounds.h"
#include "base/mem.h"

enum wrd_sctp_arrival {
    WRD_SCTP_IN_SEQUENCE, /* the one after the cumulative TSN */
    WRD_SCTP_AHEAD,
    WRD_SCTP_DUPLICATE,
    WRD_SCTP_OUTSIDE /* further ahead than the window */
};

struct wrd_sctp_track {
    const wrd_env *env;
    struct wrd_tsn cumulative;
    struct wrd_tsn highest;
    struct wrd_sctp_bitmap bits; /* set: arrived, and above `cumulative`; without words: no gap yet */
    uint32_t *duplicates;        /* WRD_SCTP_DUPLICATES_MAX of them, or NULL */
    uint16_t duplicate_count;
    uint16_t packets; /* with DATA since the last SACK */
    bool any;         /* DATA arrived at all */
    bool sack_now;
    wrd_time sack_deadline; /* of the delayed SACK; WRD_NEVER: none owed */
};

void wrd_sctp_track_init(struct wrd_sctp_track *track, const wrd_env *env, struct wrd_tsn peer_initial);
void wrd_sctp_track_free(struct wrd_sctp_track *track);
/* Gives back what nothing needs at the moment. */
void wrd_sctp_track_drain(struct wrd_sctp_track *track);
enum wrd_sctp_arrival wrd_sctp_track_look(const struct wrd_sctp_track *track, struct wrd_tsn tsn);
/* Memory to mark `tsn`, which is not outside; false: none. */
bool wrd_sctp_track_reserve(struct wrd_sctp_track *track, struct wrd_tsn tsn);
/* `tsn` arrived and is kept; it was neither a duplicate nor outside, and reserved. */
void wrd_sctp_track_mark(struct wrd_sctp_track *track, struct wrd_tsn tsn);
void wrd_sctp_track_duplicate(struct wrd_sctp_track *track, struct wrd_tsn tsn);
/* The next TSN after `*tsn`, which is not below the cumulative one, and up to `last` that arrived; false: none. */
bool wrd_sctp_track_next(const struct wrd_sctp_track *track, struct wrd_tsn *tsn, struct wrd_tsn last);
/* FORWARD-TSN: everything up to `tsn`, which is ahead and within the window, counts as arrived. */
void wrd_sctp_track_forward(struct wrd_sctp_track *track, struct wrd_tsn tsn);

/* A packet with DATA ended: decides between a SACK now and a delayed one. */
void wrd_sctp_track_packet(struct wrd_sctp_track *track, wrd_time now);
/* Is some SACK owed, delayed or not? */
bool wrd_sctp_track_owes(const struct wrd_sctp_track *track);
/* Writes the SACK with as many gap blocks, then duplicates, as fit; nothing is owed then. */
void wrd_sctp_track_write(struct wrd_sctp_track *track, struct wrd_writer *wr, uint32_t a_rwnd);

#endif
