/* SPDX-License-Identifier: MIT */
/*
 * The keys of epoch 1 and the records under them: AES-128-GCM (RFC 5288) or ChaCha20-Poly1305 (RFC 7905).
 * Sealing and opening allocate nothing once the shared cipher contexts are made.
 */
#ifndef WRD_DTLS_KEYS_OPENSSL_H
#define WRD_DTLS_KEYS_OPENSSL_H

#include "dtls/ciphers_openssl.h"
#include "dtls/record.h"

struct ssl_st;

struct wrd_dtls_keys {
    struct wrd_dtls_ciphers *ciphers; /* NULL: no keys yet */
    struct wrd_dtls_key seal, open;
    uint8_t seal_nonce[WRD_DTLS_NONCE_SIZE]; /* its fixed part; GCM: the first 4 bytes */
    uint8_t open_nonce[WRD_DTLS_NONCE_SIZE];
    size_t explicit_len; /* nonce bytes that travel in the record: 8 with GCM, else 0 */
};

/* From the handshake's master secret, once the cipher suite and the secret are settled. False: memory is short. `keys`
 * may not move then, and `ciphers` must outlive them. */
bool wrd_dtls_keys_derive(struct wrd_dtls_keys *keys, struct wrd_dtls_ciphers *ciphers, struct ssl_st *ssl,
                          bool server);
/* Also wipes. Fine on all zero. */
void wrd_dtls_keys_free(struct wrd_dtls_keys *keys);

/* A whole record of epoch 1. Its length, at most `len` + WRD_DTLS_OVERHEAD; 0: it does not fit, or libcrypto failed. */
size_t wrd_dtls_keys_seal(struct wrd_dtls_keys *keys, uint8_t type, uint64_t sequence, const uint8_t *data, size_t len,
                          uint8_t *out, size_t cap);
/* False: not authentic, or longer than `cap`. */
bool wrd_dtls_keys_open(struct wrd_dtls_keys *keys, const struct wrd_dtls_record *record, uint8_t *out, size_t cap,
                        size_t *len);

#endif
