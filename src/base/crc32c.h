/* SPDX-License-Identifier: MIT */
/*
 * CRC32c (Castagnoli), the checksum of SCTP packets. There is no writable global: whoever computes many picks the
 * fastest way once and keeps it, because asking the processor costs more than a checksum.
 */
#ifndef WRD_BASE_CRC32C_H
#define WRD_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues a running register over `len` bytes; a register starts as all ones and is inverted at the end. */
typedef uint32_t wrd_crc32c_update(uint32_t crc, const uint8_t *bytes, size_t len);

/* The fastest way on this processor. */
wrd_crc32c_update *wrd_crc32c_pick(void);
/* Works everywhere. */
wrd_crc32c_update wrd_crc32c_by_table;

static inline uint32_t wrd_crc32c(wrd_crc32c_update *update, const uint8_t *bytes, size_t len)
{
    return ~update(UINT32_MAX, bytes, len);
}

#endif
