/* SPDX-License-Identifier: MIT */
#include "wrd/token.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/crypto.h"

/*
 * "wt1", then in hex:
 *
 *   5 bytes    expires, seconds since 1970
 *   16 bytes   subject
 *   8 bytes    random, so that two tokens differ
 *   16 bytes   the first of HMAC-SHA-256 over "wt1" and the bytes above
 */
#define PREFIX      "wt1"
#define PREFIX_LEN  ((size_t)3)
#define NONCE_SIZE  ((size_t)8)
#define MAC_SIZE    ((size_t)16)
#define SIGNED_SIZE (5 + WRD_TOKEN_SUBJECT_SIZE + NONCE_SIZE)
#define EXPIRES_END ((uint64_t)1 << 40)

_Static_assert(WRD_TOKEN_LEN == PREFIX_LEN + 2 * (SIGNED_SIZE + MAC_SIZE), "the length of a token");

static bool sign(uint8_t out[MAC_SIZE], const uint8_t bytes[SIGNED_SIZE], const wrd_token_key *key)
{
    uint8_t text[PREFIX_LEN + SIGNED_SIZE];
    uint8_t mac[WRD_SHA256_SIZE];
    memcpy(text, PREFIX, PREFIX_LEN);
    memcpy(text + PREFIX_LEN, bytes, SIGNED_SIZE);
    if (!wrd_hmac_sha256(mac, key->bytes, sizeof key->bytes, text, sizeof text))
        return false;
    memcpy(out, mac, MAC_SIZE);
    return true;
}

wrd_result wrd_token_mint(char out[WRD_TOKEN_LEN + 1], const wrd_token *token, const wrd_token_key *key)
{
    uint8_t bytes[SIGNED_SIZE + MAC_SIZE];
    out[0] = 0;
    if (token->expires >= EXPIRES_END)
        return WRD_INVALID;
    bytes[0] = (uint8_t)(token->expires >> 32);
    wrd_store32be(bytes + 1, (uint32_t)token->expires);
    memcpy(bytes + 5, token->subject, sizeof token->subject);
    wrd_crypto_random(NULL, bytes + 5 + sizeof token->subject, NONCE_SIZE);
    if (!sign(bytes + SIGNED_SIZE, bytes, key))
        return WRD_NO_MEMORY;
    memcpy(out, PREFIX, PREFIX_LEN);
    wrd_hex_write(out + PREFIX_LEN, bytes, sizeof bytes);
    out[WRD_TOKEN_LEN] = 0;
    return WRD_OK;
}

static wrd_result answer(wrd_result result, const char **why, const char *text)
{
    if (why)
        *why = text;
    return result;
}

wrd_result wrd_token_check(wrd_token *out, const char *ufrag, size_t len, const wrd_token_key *keys, size_t count,
                           uint64_t now, const char **why)
{
    uint8_t bytes[SIGNED_SIZE + MAC_SIZE];
    memset(out, 0, sizeof *out);
    if (len < WRD_TOKEN_LEN || memcmp(ufrag, PREFIX, PREFIX_LEN) != 0 ||
        !wrd_hex_read(bytes, sizeof bytes, ufrag + PREFIX_LEN))
        return answer(WRD_INVALID, why, "there is no connect token; one begins with wt1 and has 93 characters");
    bool genuine = false;
    for (size_t i = 0; i < count && !genuine; i++) {
        uint8_t mac[MAC_SIZE];
        genuine = sign(mac, bytes, &keys[i]) && wrd_crypto_equal(mac, bytes + SIGNED_SIZE, MAC_SIZE);
    }
    if (!genuine)
        return answer(WRD_MISMATCH, why, "the connect token was made with another key, or was changed");
    out->expires = (uint64_t)bytes[0] << 32 | wrd_load32be(bytes + 1);
    memcpy(out->subject, bytes + 5, sizeof out->subject);
    if (now >= out->expires)
        return answer(WRD_TIMEOUT, why, "the connect token has expired");
    return answer(WRD_OK, why, "");
}
