/* SPDX-License-Identifier: MIT */
/* The messages that open a channel in band, RFC 8832 section 5. */
#ifndef WRD_CHAN_DCEP_H
#define WRD_CHAN_DCEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRD_CHAN_DCEP_OPEN_SIZE 12 /* before label and protocol */
#define WRD_CHAN_DCEP_ACK_SIZE  1

enum wrd_chan_reliability { WRD_CHAN_RELIABLE, WRD_CHAN_RETRANSMITS, WRD_CHAN_LIFETIME };

struct wrd_chan_dcep_open {
    bool unordered;
    enum wrd_chan_reliability reliability;
    uint32_t limit; /* retransmissions, or milliseconds; 0 when reliable */
    uint16_t priority;
    const uint8_t *label, *protocol; /* where they lie in the message */
    uint16_t label_len, protocol_len;
};

enum wrd_chan_dcep { WRD_CHAN_DCEP_BAD, WRD_CHAN_DCEP_OPEN, WRD_CHAN_DCEP_ACK };

/* What the message is; `open` is filled for an OPEN. BAD: of another kind, or not exactly as long as it says. */
enum wrd_chan_dcep wrd_chan_dcep_read(struct wrd_chan_dcep_open *open, const uint8_t *bytes, size_t len);
/* Writes an OPEN; its length, 0: `cap` is too small. */
size_t wrd_chan_dcep_write_open(uint8_t *out, size_t cap, const struct wrd_chan_dcep_open *open);
void wrd_chan_dcep_write_ack(uint8_t out[WRD_CHAN_DCEP_ACK_SIZE]);

#endif
