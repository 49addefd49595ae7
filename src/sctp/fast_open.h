/* SPDX-License-Identifier: MIT */
/*
 * Fast open: the peer's state cookie, written by this side (docs/WIRE.md). The stack of today's browsers does not seal
 * its cookie, and takes one that it never gave while it waits for an answer to its INIT: two round trips fewer. The
 * cookie names both sides' tags and TSNs, so this side chooses them; its own tag is not the one of its INIT, and so
 * tells which of the two a packet belongs to. A peer that takes no such cookie drops it, and the usual handshake, which
 * goes on beside it, wins.
 */
#ifndef WRD_SCTP_FAST_OPEN_H
#define WRD_SCTP_FAST_OPEN_H

#include "base/serial.h"
#include "sctp/chunk.h"
#include "wrd/base.h"

struct wrd_sctp_fast_open {
    bool offered; /* and not yet decided */
    uint8_t due;  /* forms of the cookie that are to be sent */
    uint32_t local_tag, peer_tag;
    struct wrd_tsn peer_tsn;
};

/* What the cookie says of this side. */
struct wrd_sctp_fast_open_us {
    struct wrd_tsn tsn;
    uint32_t a_rwnd;
    uint16_t streams;
};

/* `other_tag`: this side's in INIT. */
void wrd_sctp_fast_open_offer(struct wrd_sctp_fast_open *open, const wrd_env *env, uint32_t other_tag);
/* Writes the next form as a COOKIE-ECHO chunk for a packet to `peer_tag`. */
void wrd_sctp_fast_open_write(struct wrd_sctp_fast_open *open, const struct wrd_sctp_fast_open_us *us,
                              struct wrd_writer *wr);
/* Does a packet with this tag, beginning with a chunk of `type`, say that the peer took the cookie? */
bool wrd_sctp_fast_open_is_taken(const struct wrd_sctp_fast_open *open, uint32_t tag, uint8_t type);
/* ... or the cookie of its INIT-ACK, which names an association that it has? */
bool wrd_sctp_fast_open_shows(const struct wrd_sctp_fast_open *open, const struct wrd_sctp_init *init_ack);
/* The peer as it is then. */
struct wrd_sctp_init wrd_sctp_fast_open_peer(const struct wrd_sctp_fast_open *open, uint16_t streams);

#endif
