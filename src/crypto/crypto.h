/* SPDX-License-Identifier: MIT */
/*
 * The door to libcrypto: hashes, MACs, the P-256 pieces that an identity needs, random, constant-time compare, wipe.
 * Nothing else in the core includes an OpenSSL header, but dtls/. No primitives of our own live here.
 */
#ifndef WRD_CRYPTO_H
#define WRD_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRD_SHA1_SIZE 20
#define WRD_SHA256_SIZE 32
#define WRD_P256_POINT_SIZE 65   /* 04 || X || Y */
#define WRD_ECDSA_DER_MAX 72

/* Those that answer something answer false only when libcrypto is out of memory. */
bool wrd_sha1(uint8_t out[WRD_SHA1_SIZE], const uint8_t *data, size_t len);
bool wrd_sha256(uint8_t out[WRD_SHA256_SIZE], const uint8_t *data, size_t len);
bool wrd_hmac_sha1(uint8_t out[WRD_SHA1_SIZE], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len);
/* What every MAC under one key begins with, for whoever makes several. Secret as the key is. */
struct wrd_hmac_sha1_key {
    uint32_t inner[5], outer[5];
};
void wrd_hmac_sha1_prepare(struct wrd_hmac_sha1_key *out, const uint8_t *key, size_t key_len);
void wrd_hmac_sha1_with(uint8_t out[WRD_SHA1_SIZE], const struct wrd_hmac_sha1_key *key, const uint8_t *data,
                        size_t len);
bool wrd_hmac_sha256(uint8_t out[WRD_SHA256_SIZE], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len);

/* Is the big-endian scalar in 1 .. group order - 1? */
bool wrd_p256_scalar_ok(const uint8_t scalar[32]);
/* Public point of a scalar. False for one out of range, or out of memory. */
bool wrd_p256_public(uint8_t out[WRD_P256_POINT_SIZE], const uint8_t scalar[32]);
/* ECDSA with the nonce of RFC 6979 over SHA-256(`data`); DER in `out`. Returns its length, 0 on failure. */
size_t wrd_p256_sign_deterministic(uint8_t out[WRD_ECDSA_DER_MAX], const uint8_t scalar[32], const uint8_t *data,
                                   size_t len);

/* The operating system's random source, through libcrypto. Stops the process when there is none. */
void wrd_crypto_random(void *user, uint8_t *out, size_t len);
bool wrd_crypto_equal(const void *a, const void *b, size_t len);
void wrd_crypto_wipe(void *p, size_t len);

#endif
