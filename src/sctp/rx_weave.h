/* SPDX-License-Identifier: MIT */
/*
 * Fragments of I-DATA to messages (RFC 8260): many messages at once, each under its stream, order bit and MID.
 *
 *   fragment --(its turn)--> one growing buffer of its message --(complete)--> order of the stream
 *        \--(ahead)--> table by message and FSN --(its turn came)--^
 *
 * What is in such buffers costs its bytes and two times WRD_SCTP_OVERHEAD for each message; as far as that is more than
 * the message limit it takes from the window. Fragments ahead take from the window like everything else.
 */
#ifndef WRD_SCTP_RX_WEAVE_H
#define WRD_SCTP_RX_WEAVE_H

#include "sctp/rx_order.h"
#include "sctp/rx_table.h"

struct wrd_sctp_fragment;
struct wrd_sctp_open;

struct wrd_sctp_weave {
    struct wrd_sctp_order *order;
    size_t message_limit;
    struct wrd_sctp_sorted opens;    /* messages under assembly, by stream and order bit */
    struct wrd_sctp_table fragments; /* ahead of their turn */
    struct wrd_sctp_open *recent;    /* the one that took a fragment last, or NULL */
    size_t assembling;               /* bytes in the buffers, with their overhead */
    size_t last_assembled;
    bool torn; /* there was an I-FORWARD-TSN: late fragments of what it gave up are dropped */
};

void wrd_sctp_weave_init(struct wrd_sctp_weave *weave, struct wrd_sctp_order *order, size_t message_limit);
void wrd_sctp_weave_free(struct wrd_sctp_weave *weave);
void wrd_sctp_weave_drain(struct wrd_sctp_weave *weave);

/* A chunk seen for the first time, wherever its TSN is. */
enum wrd_sctp_joined wrd_sctp_weave_take(struct wrd_sctp_weave *weave, const struct wrd_sctp_data *data);
/* I-FORWARD-TSN: nothing up to `mid` will come on `stream`, which is in use. */
void wrd_sctp_weave_skip(struct wrd_sctp_weave *weave, uint16_t stream, bool unordered, uint32_t mid);
/* Charged to the window beyond what `order` counts. */
static inline size_t wrd_sctp_weave_excess(const struct wrd_sctp_weave *weave)
{
    return weave->assembling > weave->message_limit ? weave->assembling - weave->message_limit : 0;
}
/* Stops the process when the counters are wrong; answers what of `order` is charged for fragments. For tests. */
size_t wrd_sctp_weave_audit(const struct wrd_sctp_weave *weave);

#endif
