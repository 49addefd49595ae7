/* SPDX-License-Identifier: MIT */
/*
 * A server's lasting identity: a 32-byte key, the certificate that follows from it byte for byte, and its fingerprint.
 * The same key gives the same certificate everywhere, so a published fingerprint survives restarts and moves.
 * Native only (libcrypto). Any thread.
 */
#ifndef WRD_IDENTITY_H
#define WRD_IDENTITY_H

#include "wrd/base.h"
#include "wrd/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_KEY_SIZE        32
#define WRD_KEY_HEX_SIZE    65  /* 64 lower-case hex digits and NUL */
#define WRD_CERTIFICATE_MAX 341 /* 339..341 bytes of DER */

/* A P-256 private scalar, big-endian; 1 .. group order - 1. Secret: wipe it with wrd_key_wipe(). */
typedef struct wrd_key {
    uint8_t bytes[WRD_KEY_SIZE];
} wrd_key;

typedef struct wrd_certificate {
    size_t len;
    uint8_t der[WRD_CERTIFICATE_MAX];
} wrd_certificate;

/* From the operating system's random source, or `env` when it is not NULL and has one. */
WRD_API WRD_MUST_USE wrd_result wrd_key_random(wrd_key *out, const wrd_env *env);
/* The original's from_seed: `seed` big-endian in the last 8 bytes. Predictable: for tests. WRD_INVALID for 0. */
WRD_API WRD_MUST_USE wrd_result wrd_key_from_seed(wrd_key *out, uint64_t seed);
/* WRD_INVALID when the number is 0 or not below the group order. */
WRD_API WRD_MUST_USE wrd_result wrd_key_from_bytes(wrd_key *out, const uint8_t bytes[WRD_KEY_SIZE]);
/* 64 hex digits, either case. On WRD_INVALID `*why` (may be NULL) gets a static sentence. */
WRD_API WRD_MUST_USE wrd_result wrd_key_from_hex(wrd_key *out, const char *text, size_t len, const char **why);
WRD_API void wrd_key_hex(const wrd_key *key, char out[WRD_KEY_HEX_SIZE]);
WRD_API void wrd_key_wipe(wrd_key *key);

/*
 * A key file holds 64 hex digits and a newline. Load refuses a file that group or others may access.
 * WRD_SYSTEM: errno says why. WRD_INVALID: `*why` (may be NULL) gets a static sentence.
 */
WRD_API WRD_MUST_USE wrd_result wrd_key_load(wrd_key *out, const char *path, const char **why);
/* Creates `path` with mode 0600, whole or not at all. An existing file is never replaced: WRD_SYSTEM with EEXIST. */
WRD_API WRD_MUST_USE wrd_result wrd_key_save(const wrd_key *key, const char *path, const char **why);

/* The deterministic self-signed certificate (docs/WIRE.md). WRD_INVALID for a key out of range. */
WRD_API WRD_MUST_USE wrd_result wrd_certificate_from_key(wrd_certificate *out, const wrd_key *key);
/* SHA-256 over any DER certificate. */
WRD_API void wrd_certificate_fingerprint(wrd_fingerprint *out, const uint8_t *der, size_t len);
/* Both steps at once. */
WRD_API WRD_MUST_USE wrd_result wrd_key_fingerprint(wrd_fingerprint *out, const wrd_key *key);

#ifdef __cplusplus
}
#endif
#endif
