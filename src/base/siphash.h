/* SPDX-License-Identifier: MIT */
/* SipHash-2-4: a keyed hash for tables that strangers can put keys into, so that nobody can choose collisions. */
#ifndef WRD_BASE_SIPHASH_H
#define WRD_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define WRD_SIPHASH_KEY_SIZE 16

uint64_t wrd_siphash(const uint8_t key[WRD_SIPHASH_KEY_SIZE], const uint8_t *data, size_t len);

#endif
