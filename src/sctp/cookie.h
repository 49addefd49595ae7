/* SPDX-License-Identifier: MIT */
/* The state cookie (RFC 9260 5.1.3): all that an answered INIT amounts to, held by the peer under our MAC. */
#ifndef WRD_SCTP_COOKIE_H
#define WRD_SCTP_COOKIE_H

#include "base/serial.h"
#include "wrd/base.h"

#define WRD_SCTP_COOKIE_KEY_SIZE 32
#define WRD_SCTP_COOKIE_SIZE     76

struct wrd_sctp_cookie {
    wrd_time made;
    uint32_t local_tag, peer_tag;
    struct wrd_tsn local_tsn, peer_tsn;
    uint32_t peer_rwnd;
    uint16_t streams_out, streams_in; /* as the peer asked */
    uint32_t local_tie, peer_tie;     /* tags of the association there was (RFC 9260 5.2.2), else 0 */
    bool forward_tsn, reconfig, interleaving, i_forward_tsn, zero_checksum; /* as the peer has it */
};

/* False: no memory for the MAC. */
bool wrd_sctp_cookie_seal(uint8_t out[WRD_SCTP_COOKIE_SIZE], const struct wrd_sctp_cookie *cookie,
                          const uint8_t key[WRD_SCTP_COOKIE_KEY_SIZE]);
/* False: not one of ours. Its age is the caller's question. */
bool wrd_sctp_cookie_open(struct wrd_sctp_cookie *cookie, const uint8_t *bytes, size_t len,
                          const uint8_t key[WRD_SCTP_COOKIE_KEY_SIZE]);

#endif
