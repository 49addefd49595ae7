/* SPDX-License-Identifier: MIT */
/* Chunks, parameters and error causes have one shape: two bytes of type (or type and flags), two of length, the value,
 * and padding to four that the length leaves out (RFC 9260 3.2). */
#ifndef WRD_SCTP_TLV_H
#define WRD_SCTP_TLV_H

#include "base/bytes.h"

#define WRD_SCTP_TLV_HEADER_SIZE 4

struct wrd_sctp_tlv {
    const uint8_t *whole; /* header and value, without padding */
    size_t whole_len;
    struct wrd_reader value;
};

/* The next one; false at the end, or with `list->bad` at a length that is below 4 or past the list. */
bool wrd_sctp_tlv_next(struct wrd_reader *list, struct wrd_sctp_tlv *tlv);
/* Fills in the length of the one that began at `start`, and pads. */
void wrd_sctp_tlv_end(struct wrd_writer *wr, size_t start);

#endif
