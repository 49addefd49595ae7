/* SPDX-License-Identifier: MIT */
/*
 * The one string that the client invents and both sides use as ICE ufrag and password (docs/WIRE.md).
 * Freestanding; part of the protocol library. Pure functions, any thread.
 */
#ifndef WRD_UFRAG_H
#define WRD_UFRAG_H

#include "wrd/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As a password it needs 22 characters, as a ufrag it may have 256 (RFC 8839 5.4). */
#define WRD_UFRAG_MIN         22
#define WRD_UFRAG_MAX         256
#define WRD_UFRAG_RANDOM_SIZE 32

typedef struct wrd_ufrag {
    uint16_t len;
    char text[WRD_UFRAG_MAX]; /* ice-char only: ALPHA DIGIT "+" "/"; no NUL */
} wrd_ufrag;

/* 32 random bytes become 64 lower-case hex digits. */
WRD_API void wrd_ufrag_from_random(wrd_ufrag *out, const uint8_t random[WRD_UFRAG_RANDOM_SIZE]);
/*
 * The ufrag of a client that dials `fingerprint`: `prefix` (a token, may be NULL with 0 bytes), then 64 hex digits as
 * above, the last 8 of which tell a server with two keys which one is meant (docs/WIRE.md). WRD_INVALID: the prefix is
 * no ice-chars, or longer than WRD_UFRAG_PREFIX_MAX: a USERNAME of X:X has fewer than 509 bytes (RFC 8489 14.3), and
 * Chromium sends no longer one.
 */
#define WRD_UFRAG_PREFIX_MAX 189
WRD_API WRD_MUST_USE wrd_result wrd_ufrag_for(wrd_ufrag *out, const char *prefix, size_t prefix_len,
                                              const uint8_t random[WRD_UFRAG_RANDOM_SIZE],
                                              const wrd_fingerprint *fingerprint);
/* Was it made by that for `fingerprint`? Of others one in 2^32 seems to be. */
WRD_API bool wrd_ufrag_is_for(const wrd_ufrag *ufrag, const wrd_fingerprint *fingerprint);
/* Any 22..256 ice-chars. WRD_INVALID with a static sentence in `*why` (may be NULL). */
WRD_API WRD_MUST_USE wrd_result wrd_ufrag_parse(wrd_ufrag *out, const char *text, size_t len, const char **why);
/*
 * The server's view: takes what stands *before* the first colon of a STUN USERNAME. Accepts `X:X` (the original, libp2p
 * v1) and `X:anything` (no munging, libp2p v2). What stands behind the colon must be 4..256 ice-chars.
 */
WRD_API WRD_MUST_USE wrd_result wrd_ufrag_from_stun_username(wrd_ufrag *out, const uint8_t *username, size_t len);
WRD_API bool wrd_ufrag_equal(const wrd_ufrag *a, const wrd_ufrag *b);

#ifdef __cplusplus
}
#endif
#endif
