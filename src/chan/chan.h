/* SPDX-License-Identifier: MIT */
/*
 * Data channels, RFC 8831, on one SCTP association: what a message's payload protocol identifier means, and the
 * negotiated channel 0. Nothing is opened in band; what arrives for a channel that nobody agreed on is dropped and
 * counted. It keeps no memory of its own beyond this struct, and refuses to know what a message says.
 */
#ifndef WRD_CHAN_H
#define WRD_CHAN_H

#include "sctp/sctp.h"

#define WRD_CHAN_NEGOTIATED 0 /* the one channel both sides agree on beforehand (docs/WIRE.md) */

struct wrd_chan_message {
    const uint8_t *data; /* never NULL */
    size_t len;          /* may be 0 */
    bool text;
};

struct wrd_chan {
    uint64_t dropped; /* messages of other channels or unknown kinds */
};

/* As wrd_sctp_send(), but `len` may be 0: an empty message is one zero byte under a PPID of its own (RFC 8831 6.6). */
wrd_result wrd_chan_send(struct wrd_sctp *sctp, wrd_time now, const struct wrd_chan_message *message);
/* The oldest message of the channel, borrowed until released; false: none. */
bool wrd_chan_peek(struct wrd_chan *chan, struct wrd_sctp *sctp, wrd_time now, struct wrd_chan_message *out);
void wrd_chan_release(struct wrd_sctp *sctp, wrd_time now);

#endif
