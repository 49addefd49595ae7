/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for their turn, by stream and number: a treap whose heap order is a keyed hash, so that nobody who
 * chooses streams and numbers makes it deep. It takes no memory of its own.
 */
#ifndef WRD_SCTP_RX_WAITING_H
#define WRD_SCTP_RX_WAITING_H

#include <stddef.h>
#include <stdint.h>

struct wrd_sctp_block;

struct wrd_sctp_waiting {
    struct wrd_sctp_block *root;
    uint32_t count;
    uint64_t salt; /* secret */
};

/* No other of its stream has its number. */
void wrd_sctp_waiting_add(struct wrd_sctp_waiting *waiting, struct wrd_sctp_block *block);
/* `block` is in it. */
void wrd_sctp_waiting_remove(struct wrd_sctp_waiting *waiting, struct wrd_sctp_block *block);
/* Of those of `stream`, the one with the least number that is not below `number`; NULL: none. */
struct wrd_sctp_block *wrd_sctp_waiting_from(const struct wrd_sctp_waiting *waiting, uint16_t stream, uint32_t number);
/* Counts them, for audits; `*charge` grows by what they take. */
size_t wrd_sctp_waiting_audit(const struct wrd_sctp_waiting *waiting, size_t *charge);

#endif
