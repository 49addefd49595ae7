/* SPDX-License-Identifier: MIT */
/*
 * The one string that the client invents and both sides use as ICE ufrag and password (docs/WIRE.md).
 * Freestanding; part of the protocol library. Pure functions, any thread.
 */
#ifndef WRD_UFRAG_H
#define WRD_UFRAG_H

#include "wrd/base.h"

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
