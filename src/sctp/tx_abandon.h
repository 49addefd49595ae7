/* SPDX-License-Identifier: MIT */
/*
 * Partial reliability (RFC 3758, with messages interleaved RFC 8260 2.3): messages of which something was sent are
 * given up whole, when their time is over or one of their chunks was sent often enough, and the peer is told to wait no
 * longer for their TSNs.
 */
#ifndef WRD_SCTP_TX_ABANDON_H
#define WRD_SCTP_TX_ABANDON_H

#include "base/bytes.h"
#include "sctp/tx_flight.h"

struct wrd_sctp_abandon {
    bool due;            /* look whether the peer has to be told, */
    bool repeat;         /* though it was a moment ago: that was lost */
    bool news;           /* since it was told, more was given up, or there was more than fitted */
    wrd_time told;       /* when it was last; 0: never */
    struct wrd_tsn upto; /* what it was told */
};

/* How the peer is to be told. */
struct wrd_sctp_forward {
    bool interleaving;    /* I-FORWARD-TSN takes the place of FORWARD-TSN */
    wrd_time pause;       /* at least this long between two that say the same */
    bool limited;         /* a stream reset is under way: */
    struct wrd_tsn limit; /* nothing past what it counts from is told in one with what is before */
};

/* Gives up a message of which something was cut, all of it. False: not now, for the flight has no TSN left for what was
 * not sent of it. */
bool wrd_sctp_abandon(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight,
                      struct wrd_sctp_outgoing *message, struct wrd_tsn tsn);
/* Gives up what is lost and may not be sent again, as far as it comes first. */
void wrd_sctp_abandon_lost(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now);
/* That, and what expired while it was being cut. */
void wrd_sctp_abandon_late(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now);
/* Gives up, or drops, what waits to be cut and expired. */
void wrd_sctp_abandon_expire(struct wrd_sctp_abandon *abandon, struct wrd_sctp_flight *flight, wrd_time now);
/* T3 expired. */
void wrd_sctp_abandon_timeout(struct wrd_sctp_abandon *abandon);
/* Writes what is due, if it fits. */
void wrd_sctp_abandon_write(struct wrd_sctp_abandon *abandon, const struct wrd_sctp_flight *flight, wrd_time now,
                            const struct wrd_sctp_forward *forward, struct wrd_writer *wr);

#endif
