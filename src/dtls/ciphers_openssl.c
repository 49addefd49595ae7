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

struct evp_cipher_ctx_st *wrd_dtls_ciphers_load(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key)
{
    unsigned at = key->slot;
    if (ciphers->slots[at].key == key) {
        ciphers->slots[at].used = true;
        return ciphers->slots[at].context;
    }
    at = find_slot(ciphers);
    bool fresh = !ciphers->slots[at].context;
    if (fresh && !(ciphers->slots[at].context = EVP_CIPHER_CTX_new()))
        return NULL;
    const EVP_CIPHER *cipher = NULL; /* the same as before */
    if (fresh || ciphers->slots[at].suite != key->suite)
        cipher = key->suite == WRD_DTLS_AES_128_GCM ? EVP_aes_128_gcm() : EVP_chacha20_poly1305();
    ciphers->slots[at].key = NULL;
    if (EVP_CipherInit_ex(ciphers->slots[at].context, cipher, NULL, key->bytes, NULL, key->seals) != 1) {
        EVP_CIPHER_CTX_free(ciphers->slots[at].context);
        ciphers->slots[at].context = NULL;
        return NULL;
    }
    ciphers->slots[at].key = key;
    ciphers->slots[at].suite = key->suite;
    ciphers->slots[at].used = true;
    key->slot = (uint8_t)at;
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
