/* SPDX-License-Identifier: MIT */
/* CRC-32 of ITU V.42 (IEEE 802.3), as FINGERPRINT takes it. Inside the stun room only. */
#ifndef WRD_STUN_CRC_H
#define WRD_STUN_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t wrd_stun_crc32(const uint8_t *data, size_t len);

#endif
