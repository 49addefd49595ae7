/* SPDX-License-Identifier: MIT */
/*
 * A few cipher contexts that all connections of an endpoint share. libcrypto's takes more than a kilobyte for each
 * direction of a connection, of which only the key is the connection's own; loading that again costs a fraction of a
 * record. Connections that are busy keep theirs, and the rest pays with 140 ns.
 */
#ifndef WRD_DTLS_CIPHERS_OPENSSL_H
#define WRD_DTLS_CIPHERS_OPENSSL_H

#include <stdbool.h>
#include <stdint.h>

struct evp_cipher_ctx_st;

enum { WRD_DTLS_CIPHERS = 128, WRD_DTLS_KEY_MAX = 32, WRD_DTLS_NONCE_SIZE = 12, WRD_DTLS_TAG_SIZE = 16 };

/* AES-128-GCM (RFC 5288) or ChaCha20-Poly1305 (RFC 7905). */
enum wrd_dtls_suite { WRD_DTLS_AES_128_GCM, WRD_DTLS_CHACHA20_POLY1305 };

/* One direction of a connection. Does not move while it may be known to a struct wrd_dtls_ciphers. */
struct wrd_dtls_key {
    uint8_t bytes[WRD_DTLS_KEY_MAX];
    uint8_t suite;
    bool seals;
    uint8_t slot; /* where it was loaded last */
};

struct wrd_dtls_ciphers {
    struct {
        struct evp_cipher_ctx_st *context; /* made when first needed */
        const struct wrd_dtls_key *key;    /* loaded; NULL: none */
        uint8_t suite;
        bool used; /* since the hand passed */
    } slots[WRD_DTLS_CIPHERS];
    unsigned hand;
    bool tried, sets_nonces; /* the quick way to set a nonce, and whether it works here */
};

/* A context with `key`, the nonce and, to open, the tag loaded, good until the next call. NULL: memory is short. */
struct evp_cipher_ctx_st *wrd_dtls_ciphers_load(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key,
                                                uint8_t nonce[WRD_DTLS_NONCE_SIZE], uint8_t *tag);
/* Wipes `key`, here and where it is loaded. */
void wrd_dtls_ciphers_forget(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key);
/* On all zero nothing. */
void wrd_dtls_ciphers_free(struct wrd_dtls_ciphers *ciphers);

#endif
