/* SPDX-License-Identifier: MIT */
#include "dtls/ciphers_openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

/* As the length of a GCM context's "fixed" part of the nonce, as EVP_CTRL_GCM_SET_IV_FIXED takes it. */
#define WHOLE_NONCE ((size_t)-1)

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

static bool load_tag(EVP_CIPHER_CTX *context, uint8_t *tag)
{
    return !tag || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, WRD_DTLS_TAG_SIZE, tag) == 1;
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

/* The whole nonce and the tag in one call: EVP_CipherInit_ex() asks a GCM context for the length of its nonce each
 * time, which with EVP_CTRL_AEAD_SET_TAG takes a seventh of a record. */
static bool load_gcm(EVP_CIPHER_CTX *context, uint8_t nonce[WRD_DTLS_NONCE_SIZE], uint8_t *tag)
{
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nonce, WHOLE_NONCE),
                           OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, WRD_DTLS_TAG_SIZE), OSSL_PARAM_END};
    if (!tag)
        params[1].key = NULL; /* the end */
    return EVP_CIPHER_CTX_set_params(context, params) == 1;
}

static bool load_nonce(EVP_CIPHER_CTX *context, const struct wrd_dtls_key *key, uint8_t nonce[WRD_DTLS_NONCE_SIZE],
                       uint8_t *tag)
{
    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, key->seals) == 1 && load_tag(context, tag);
}

static bool seals_alike(EVP_CIPHER_CTX *context)
{
    static const uint8_t key[WRD_DTLS_KEY_MAX];
    uint8_t first[WRD_DTLS_NONCE_SIZE] = {1}, second[WRD_DTLS_NONCE_SIZE] = {2};
    uint8_t text[WRD_DTLS_NONCE_SIZE] = {0}, quick[sizeof text], plain[sizeof text];
    int n = 0;
    return EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, first) == 1 && load_gcm(context, second, NULL) &&
           EVP_EncryptUpdate(context, quick, &n, text, sizeof text) == 1 &&
           EVP_EncryptInit_ex(context, NULL, NULL, NULL, second) == 1 &&
           EVP_EncryptUpdate(context, plain, &n, text, sizeof text) == 1 && memcmp(quick, plain, sizeof quick) == 0;
}

/* Does load_gcm() do what it shall? AES may be that of an engine or of another provider, and a nonce that stays is the
 * end of all secrecy. */
static bool sets_nonces(struct wrd_dtls_ciphers *ciphers)
{
    if (ciphers->tried)
        return ciphers->sets_nonces;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    ciphers->tried = context != NULL;
    ciphers->sets_nonces = context && seals_alike(context);
    EVP_CIPHER_CTX_free(context);
    return ciphers->sets_nonces;
}

struct evp_cipher_ctx_st *wrd_dtls_ciphers_load(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key,
                                                uint8_t nonce[WRD_DTLS_NONCE_SIZE], uint8_t *tag)
{
    unsigned at = key->slot;
    EVP_CIPHER_CTX *context = ciphers->slots[at].context;
    bool loaded;
    if (ciphers->slots[at].key != key) {
        at = find_slot(ciphers);
        loaded = load_slot(ciphers, at, key, nonce) && load_tag(ciphers->slots[at].context, tag);
    } else if (key->suite == WRD_DTLS_AES_128_GCM && sets_nonces(ciphers)) {
        loaded = load_gcm(context, nonce, tag);
    } else {
        loaded = load_nonce(context, key, nonce, tag);
    }
    ciphers->slots[at].used = true;
    return loaded ? ciphers->slots[at].context : NULL;
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
