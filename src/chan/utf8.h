/* SPDX-License-Identifier: MIT */
#ifndef WRD_CHAN_UTF8_H
#define WRD_CHAN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest beginning of at most `max` bytes that is whole, valid UTF-8 (RFC 3629). */
size_t wrd_chan_utf8_prefix(const uint8_t *bytes, size_t len, size_t max);

#endif
