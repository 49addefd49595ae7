/* SPDX-License-Identifier: MIT */
/*
 * The SHA-256 fingerprint of a DTLS certificate: what a client must know of a server besides its IP and port.
 * Freestanding; part of the protocol library. All functions are pure and may be called from any thread.
 */
#ifndef WRD_FINGERPRINT_H
#define WRD_FINGERPRINT_H

#include "wrd/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_FINGERPRINT_SIZE           32
#define WRD_FINGERPRINT_HEX_SIZE       65 /* 64 lower-case hex digits and NUL */
#define WRD_FINGERPRINT_SDP_SIZE       96 /* "AA:BB:..", 95 characters and NUL */
#define WRD_FINGERPRINT_MULTIHASH_SIZE 34 /* 0x12 0x20 and the digest (multiformats: sha2-256) */
#define WRD_FINGERPRINT_CERTHASH_SIZE  48 /* "u" + base64url of the multihash, 47 characters and NUL */

typedef struct wrd_fingerprint {
    uint8_t bytes[WRD_FINGERPRINT_SIZE];
} wrd_fingerprint;

/*
 * Reads 64 hex digits, in either case, with or without colons between all bytes, optionally behind "sha-256 " as in
 * SDP; or a multibase certhash ("u..." base64url). `text` is `len` bytes, no NUL needed. WRD_INVALID: `*why` (may be
 * NULL) gets a static sentence that says what was wrong and what is expected.
 */
WRD_API WRD_MUST_USE wrd_result wrd_fingerprint_parse(wrd_fingerprint *out, const char *text, size_t len,
                                                      const char **why);

/* Each prints with a final NUL and cannot fail. */
WRD_API void wrd_fingerprint_hex(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_HEX_SIZE]);
WRD_API void wrd_fingerprint_sdp(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_SDP_SIZE]);
WRD_API void wrd_fingerprint_certhash(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_CERTHASH_SIZE]);
WRD_API void wrd_fingerprint_multihash(const wrd_fingerprint *fingerprint, uint8_t out[WRD_FINGERPRINT_MULTIHASH_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
