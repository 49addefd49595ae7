/* SPDX-License-Identifier: MIT */
#include "dtls/ciphers_openssl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* A slot for another key: an empty one, or the next that was not used since the hand passed (the clock algorithm). */
static unsigned find_slot(struct wrd_dtls_ciphers *ciphers)
{
    for (;;) {
        unsigned at = ciphers->hand;
        ciphers->hand = (at + 1) % WRD_DTLS_CIPHERS;
        if (!ciphers->slots[at].key || !ciphers->slots[at].used)
            return at;
        ciphers->slots[at].used = false;
    }
}

/* Key and nonce in one call, which costs less than two. */
static bool load_slot(struct wrd_dtls_ciphers *ciphers, unsigned at, struct wrd_dtls_key *key,
                      const uint8_t nonce[WRD_DTLS_NONCE_SIZE])
{
    bool fresh = !ciphers->slots[at].context;
    if (fresh && !(ciphers->slots[at].context = EVP_CIPHER_CTX_new()))
        return false;
    const EVP_CIPHER *cipher = NULL; /* the same as before */
    if (fresh || ciphers->slots[at].suite != key->suite)
        cipher = key->suite == WRD_DTLS_AES_128_GCM ? EVP_aes_128_gcm() : EVP_chacha20_poly1305();
    ciphers->slots[at].key = NULL;
    if (EVP_CipherInit_ex(ciphers->slots[at].context, cipher, NULL, key->bytes, nonce, key->seals) != 1) {
        EVP_CIPHER_CTX_free(ciphers->slots[at].context);
        ciphers->slots[at].context = NULL;
        return false;
    }
    ciphers->slots[at].key = key;
    ciphers->slots[at].suite = key->suite;
    key->slot = (uint8_t)at;
    return true;
}

struct evp_cipher_ctx_st *wrd_dtls_ciphers_load(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key,
                                                const uint8_t nonce[WRD_DTLS_NONCE_SIZE])
{
    unsigned at = key->slot;
    if (ciphers->slots[at].key == key) {
        if (EVP_CipherInit_ex(ciphers->slots[at].context, NULL, NULL, NULL, nonce, key->seals) != 1)
            return NULL;
    } else {
        at = find_slot(ciphers);
        if (!load_slot(ciphers, at, key, nonce))
            return NULL;
    }
    ciphers->slots[at].used = true;
    return ciphers->slots[at].context;
}

void wrd_dtls_ciphers_forget(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key)
{
    unsigned at = key->slot;
    bool loaded = ciphers->slots[at].key == key;
    bool seals = key->seals;
    OPENSSL_cleanse(key, sizeof *key);
    if (!loaded)
        return;
    ciphers->slots[at].key = NULL;
    /* Overwrites the key schedule in the context. */
    static const uint8_t nobody[WRD_DTLS_KEY_MAX];
    if (EVP_CipherInit_ex(ciphers->slots[at].context, NULL, NULL, nobody, NULL, seals) != 1) {
        EVP_CIPHER_CTX_free(ciphers->slots[at].context);
        ciphers->slots[at].context = NULL;
    }
}

void wrd_dtls_ciphers_free(struct wrd_dtls_ciphers *ciphers)
{
    for (unsigned i = 0; i < WRD_DTLS_CIPHERS; i++)
        EVP_CIPHER_CTX_free(ciphers->slots[i].context);
}
