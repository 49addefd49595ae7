/* SPDX-License-Identifier: MIT */
/*
 * LZ4 block codec. A block is a row of sequences:
 *
 *   token | more literal length | literals | u16le offset | more match length
 *
 * The token's high four bits are the number of literals, its low four the match length less 4; 15 goes on in bytes that
 * are added up as long as they are 255. The last sequence ends behind its literals.
 */
#ifndef WRD_FRAME_LZ4_H
#define WRD_FRAME_LZ4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes that a block of `len` bytes can take. */
#define WRD_FRAME_LZ4_BOUND(len) ((len) + (len) / 255 + 16)
/* No block decodes to more than this many bytes for each of its own. */
#define WRD_FRAME_LZ4_GROWTH_MAX 255

/* `out` has room for WRD_FRAME_LZ4_BOUND(len); `len` is below 4 GiB. Returns the block's length, never 0. */
size_t wrd_frame_lz4_encode(uint8_t *out, const uint8_t *in, size_t len);

/* True when all of `in` is a block that decodes to exactly `out_len` bytes. Never touches anything outside both. */
bool wrd_frame_lz4_decode(uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len);

#endif
