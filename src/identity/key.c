/* SPDX-License-Identifier: MIT */
#include "wrd/identity.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include <string.h>

/* A random number is out of range once in 2^32; a source that fails this often is no random source. */
#define RANDOM_TRIES 16

static void tell(const char **why, const char *sentence)
{
    if (why)
        *why = sentence;
}

wrd_result wrd_key_from_bytes(wrd_key *out, const uint8_t bytes[WRD_KEY_SIZE])
{
    if (!wrd_p256_scalar_ok(bytes))
        return WRD_INVALID;
    memmove(out->bytes, bytes, WRD_KEY_SIZE);
    return WRD_OK;
}

wrd_result wrd_key_random(wrd_key *out, const wrd_env *env)
{
    bool own = env && env->random;
    wrd_key candidate;
    wrd_result result = WRD_INVALID;
    for (int i = 0; i < RANDOM_TRIES && result != WRD_OK; i++) {
        if (own)
            env->random(env->user, candidate.bytes, WRD_KEY_SIZE);
        else
            wrd_crypto_random(NULL, candidate.bytes, WRD_KEY_SIZE);
        result = wrd_key_from_bytes(out, candidate.bytes);
    }
    wrd_key_wipe(&candidate);
    return result;
}

wrd_result wrd_key_from_seed(wrd_key *out, uint64_t seed)
{
    uint8_t bytes[WRD_KEY_SIZE] = {0};
    for (size_t i = 0; i < 8; i++)
        bytes[WRD_KEY_SIZE - 1 - i] = (uint8_t)(seed >> 8 * i);
    wrd_result result = wrd_key_from_bytes(out, bytes);
    wrd_crypto_wipe(bytes, sizeof bytes);
    return result;
}

wrd_result wrd_key_from_hex(wrd_key *out, const char *text, size_t len, const char **why)
{
    if (len != 2 * WRD_KEY_SIZE) {
        tell(why, "A key is written as exactly 64 hex digits.");
        return WRD_INVALID;
    }
    wrd_key key;
    wrd_result result = WRD_INVALID;
    if (!wrd_hex_read(key.bytes, WRD_KEY_SIZE, text))
        tell(why, "A key is written in hex digits only, 0-9 and a-f.");
    else if ((result = wrd_key_from_bytes(out, key.bytes)) != WRD_OK)
        tell(why, "The number is no P-256 key: it is zero or not below the group order.");
    wrd_key_wipe(&key);
    return result;
}

void wrd_key_hex(const wrd_key *key, char out[WRD_KEY_HEX_SIZE])
{
    wrd_hex_write(out, key->bytes, WRD_KEY_SIZE);
    out[2 * WRD_KEY_SIZE] = '\0';
}

void wrd_key_wipe(wrd_key *key)
{
    wrd_crypto_wipe(key->bytes, WRD_KEY_SIZE);
}
