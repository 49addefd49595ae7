/* SPDX-License-Identifier: MIT */
#include "dtls/keys_openssl.h"

#include "base/check.h"
#include "crypto/crypto.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#define LABEL "key expansion"

enum {
    MASTER_SIZE = 48,
    RANDOM_SIZE = 32,
    LABEL_SIZE = sizeof LABEL - 1,
    SEED_SIZE = LABEL_SIZE + 2 * RANDOM_SIZE,
    AAD_SIZE = 13,
    GCM_KEY_SIZE = 16,
    GCM_FIXED_SIZE = 4,
    GCM_EXPLICIT_SIZE = 8,
    KEY_BLOCK_MAX = 2 * (WRD_DTLS_KEY_MAX + WRD_DTLS_NONCE_SIZE)
};

/* P_hash of RFC 5246 section 5 with SHA-256. EVP_KDF does the same several times slower. */
static bool p_sha256(uint8_t *out, size_t len, const uint8_t secret[MASTER_SIZE], const uint8_t seed[SEED_SIZE])
{
    uint8_t text[WRD_SHA256_SIZE + SEED_SIZE]; /* A(i), then the seed */
    uint8_t next[WRD_SHA256_SIZE], block[WRD_SHA256_SIZE];
    memcpy(text + WRD_SHA256_SIZE, seed, SEED_SIZE);
    bool ok = wrd_hmac_sha256(next, secret, MASTER_SIZE, seed, SEED_SIZE);
    while (ok && len > 0) {
        size_t part = len < sizeof block ? len : sizeof block;
        memcpy(text, next, sizeof next);
        ok = wrd_hmac_sha256(block, secret, MASTER_SIZE, text, sizeof text) &&
             wrd_hmac_sha256(next, secret, MASTER_SIZE, text, WRD_SHA256_SIZE);
        memcpy(out, block, part);
        out += part;
        len -= part;
    }
    wrd_crypto_wipe(text, sizeof text);
    wrd_crypto_wipe(next, sizeof next);
    wrd_crypto_wipe(block, sizeof block);
    return ok;
}

/* RFC 5246 section 6.3. Both cipher suites use the PRF with SHA-256. */
static bool expand(uint8_t *out, size_t len, struct ssl_st *ssl)
{
    uint8_t master[MASTER_SIZE], seed[SEED_SIZE];
    uint8_t *randoms = seed + LABEL_SIZE;
    memcpy(seed, LABEL, LABEL_SIZE);
    bool ok = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master) == MASTER_SIZE &&
              SSL_get_server_random(ssl, randoms, RANDOM_SIZE) == RANDOM_SIZE &&
              SSL_get_client_random(ssl, randoms + RANDOM_SIZE, RANDOM_SIZE) == RANDOM_SIZE &&
              p_sha256(out, len, master, seed);
    wrd_crypto_wipe(master, sizeof master);
    return ok;
}

bool wrd_dtls_keys_derive(struct wrd_dtls_keys *keys, struct wrd_dtls_ciphers *ciphers, struct ssl_st *ssl, bool server)
{
    WRD_ASSERT(!keys->ciphers);
    const SSL_CIPHER *suite = SSL_SESSION_get0_cipher(SSL_get_session(ssl));
    bool gcm = suite && SSL_CIPHER_get_cipher_nid(suite) == NID_aes_128_gcm;
    size_t key_len = gcm ? GCM_KEY_SIZE : WRD_DTLS_KEY_MAX;
    size_t fixed_len = gcm ? GCM_FIXED_SIZE : WRD_DTLS_NONCE_SIZE;
    /* client key, server key, client fixed nonce, server fixed nonce. */
    uint8_t block[KEY_BLOCK_MAX];
    const uint8_t *fixed = block + 2 * key_len;
    size_t ours = server ? 1 : 0, theirs = 1 - ours;
    bool ok = suite && expand(block, 2 * (key_len + fixed_len), ssl);
    if (ok) {
        keys->ciphers = ciphers;
        keys->explicit_len = gcm ? GCM_EXPLICIT_SIZE : 0;
        keys->seal.suite = keys->open.suite = gcm ? WRD_DTLS_AES_128_GCM : WRD_DTLS_CHACHA20_POLY1305;
        keys->seal.seals = true;
        memcpy(keys->seal.bytes, block + ours * key_len, key_len);
        memcpy(keys->open.bytes, block + theirs * key_len, key_len);
        memcpy(keys->seal_nonce, fixed + ours * fixed_len, fixed_len);
        memcpy(keys->open_nonce, fixed + theirs * fixed_len, fixed_len);
    }
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

void wrd_dtls_keys_free(struct wrd_dtls_keys *keys)
{
    if (!keys->ciphers)
        return;
    wrd_dtls_ciphers_forget(keys->ciphers, &keys->seal);
    wrd_dtls_ciphers_forget(keys->ciphers, &keys->open);
    OPENSSL_cleanse(keys, sizeof *keys);
}

/* `record_number` is epoch and sequence number, 8 bytes; with GCM it is what the sender chose as its explicit part. */
static void make_nonce(uint8_t nonce[WRD_DTLS_NONCE_SIZE], const uint8_t fixed[WRD_DTLS_NONCE_SIZE], bool gcm,
                       const uint8_t record_number[8])
{
    memcpy(nonce, fixed, WRD_DTLS_NONCE_SIZE);
    if (gcm)
        memcpy(nonce + GCM_FIXED_SIZE, record_number, GCM_EXPLICIT_SIZE);
    for (size_t i = 0; i < 8 && !gcm; i++)
        nonce[4 + i] ^= record_number[i];
}

/* RFC 5246 section 6.2.3.3: epoch and sequence number, type, version, plaintext length. */
static void make_aad(uint8_t aad[AAD_SIZE], const uint8_t header[WRD_DTLS_RECORD_HEADER], size_t len)
{
    memcpy(aad, header + 3, 8);
    memcpy(aad + 8, header, 3);
    wrd_store16be(aad + 11, (uint16_t)len);
}

size_t wrd_dtls_keys_seal(struct wrd_dtls_keys *keys, uint8_t type, uint64_t sequence, const uint8_t *data, size_t len,
                          uint8_t *out, size_t cap)
{
    size_t body_len = keys->explicit_len + len + WRD_DTLS_TAG_SIZE;
    if (len > WRD_DTLS_RECORD_MAX || cap < WRD_DTLS_RECORD_HEADER + body_len)
        return 0;
    uint8_t *text = out + WRD_DTLS_RECORD_HEADER + keys->explicit_len;
    uint8_t nonce[WRD_DTLS_NONCE_SIZE], aad[AAD_SIZE];
    wrd_dtls_record_header(out, type, 1, sequence, body_len);
    make_nonce(nonce, keys->seal_nonce, keys->explicit_len > 0, out + 3);
    make_aad(aad, out, len);
    memcpy(out + WRD_DTLS_RECORD_HEADER, out + 3, keys->explicit_len);
    int n = 0;
    EVP_CIPHER_CTX *context = wrd_dtls_ciphers_load(keys->ciphers, &keys->seal, nonce, NULL);
    bool ok = context && EVP_EncryptUpdate(context, NULL, &n, aad, sizeof aad) == 1 &&
              (len == 0 || EVP_EncryptUpdate(context, text, &n, data, (int)len) == 1) &&
              EVP_EncryptFinal_ex(context, text + len, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, WRD_DTLS_TAG_SIZE, text + len) == 1;
    if (!ok && ERR_peek_error() != 0)
        ERR_clear_error();
    return ok ? WRD_DTLS_RECORD_HEADER + body_len : 0;
}

bool wrd_dtls_keys_open(struct wrd_dtls_keys *keys, const struct wrd_dtls_record *record, uint8_t *out, size_t cap,
                        size_t *len)
{
    if (record->len < keys->explicit_len + WRD_DTLS_TAG_SIZE)
        return false;
    const uint8_t *text = record->body + keys->explicit_len;
    size_t text_len = record->len - keys->explicit_len - WRD_DTLS_TAG_SIZE;
    if (text_len > cap || text_len > WRD_DTLS_RECORD_MAX)
        return false;
    uint8_t nonce[WRD_DTLS_NONCE_SIZE], aad[AAD_SIZE], tag[WRD_DTLS_TAG_SIZE];
    bool gcm = keys->explicit_len > 0;
    make_nonce(nonce, keys->open_nonce, gcm, gcm ? record->body : record->header + 3);
    make_aad(aad, record->header, text_len);
    memcpy(tag, text + text_len, WRD_DTLS_TAG_SIZE);
    int n = 0;
    EVP_CIPHER_CTX *context = wrd_dtls_ciphers_load(keys->ciphers, &keys->open, nonce, tag);
    bool ok = context && EVP_DecryptUpdate(context, NULL, &n, aad, sizeof aad) == 1 &&
              (text_len == 0 || EVP_DecryptUpdate(context, out, &n, text, (int)text_len) == 1) &&
              EVP_DecryptFinal_ex(context, out + text_len, &n) == 1;
    if (!ok && ERR_peek_error() != 0)
        ERR_clear_error();
    *len = text_len;
    return ok;
}
