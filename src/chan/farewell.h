/* SPDX-License-Identifier: MIT */
/*
 * Why a channel or the connection was closed, said on the control stream (docs/WIRE.md):
 *
 *    u8 type = 1 | u16be channel id, 0: the connection | u32be code | reason, UTF-8, at most 1000 bytes
 */
#ifndef WRD_CHAN_FAREWELL_H
#define WRD_CHAN_FAREWELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRD_CHAN_REASON_MAX    1000
#define WRD_CHAN_FAREWELL_SIZE 7 /* before the reason */
#define WRD_CHAN_FAREWELL_MAX  (WRD_CHAN_FAREWELL_SIZE + WRD_CHAN_REASON_MAX)

struct wrd_chan_farewell {
    uint16_t id;
    uint32_t code;
    const uint8_t *reason; /* where it lies in the message; not NULL */
    size_t reason_len;
};

/* False: of another type, malformed, or the reason is no UTF-8. */
bool wrd_chan_farewell_read(struct wrd_chan_farewell *out, const uint8_t *bytes, size_t len);
/* Writes the message; its length. A reason is cut where it is too long or stops being UTF-8. */
size_t wrd_chan_farewell_write(uint8_t out[WRD_CHAN_FAREWELL_MAX], const struct wrd_chan_farewell *farewell);

#endif
