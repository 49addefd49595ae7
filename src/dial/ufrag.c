/* SPDX-License-Identifier: MIT */
#include "wrd/ufrag.h"

#include "base/text.h"
#include "dial/words.h"

/* A browser's own ufrag, behind the colon, may be this short (RFC 8839 5.4). */
#define PEER_UFRAG_MIN 4

void wrd_ufrag_from_random(wrd_ufrag *out, const uint8_t random[WRD_UFRAG_RANDOM_SIZE])
{
    out->len = 2 * WRD_UFRAG_RANDOM_SIZE;
    wrd_hex_write(out->text, random, WRD_UFRAG_RANDOM_SIZE);
}

/* The last bytes of the random part are the first of it and of the fingerprint, combined: as random as before to those
 * who do not look for it. */
#define MARK_SIZE 4
#define MARK_AT   (WRD_UFRAG_RANDOM_SIZE - MARK_SIZE)

wrd_result wrd_ufrag_for(wrd_ufrag *out, const char *prefix, size_t prefix_len,
                         const uint8_t random[WRD_UFRAG_RANDOM_SIZE], const wrd_fingerprint *fingerprint)
{
    uint8_t bytes[WRD_UFRAG_RANDOM_SIZE];
    if (prefix_len > WRD_UFRAG_PREFIX_MAX || (prefix_len > 0 && !wrd_dial_is_ice_text(prefix, prefix_len, 1)))
        return WRD_INVALID;
    memcpy(bytes, random, MARK_AT);
    for (size_t i = 0; i < MARK_SIZE; i++)
        bytes[MARK_AT + i] = random[i] ^ fingerprint->bytes[i];
    if (prefix_len > 0)
        memcpy(out->text, prefix, prefix_len);
    wrd_hex_write(out->text + prefix_len, bytes, sizeof bytes);
    out->len = (uint16_t)(prefix_len + 2 * sizeof bytes);
    return WRD_OK;
}

bool wrd_ufrag_is_for(const wrd_ufrag *ufrag, const wrd_fingerprint *fingerprint)
{
    uint8_t bytes[WRD_UFRAG_RANDOM_SIZE];
    char digits[2 * sizeof bytes];
    if (ufrag->len < sizeof digits || !wrd_hex_read(bytes, sizeof bytes, ufrag->text + ufrag->len - sizeof digits))
        return false;
    for (size_t i = 0; i < MARK_SIZE; i++)
        bytes[MARK_AT + i] = bytes[i] ^ fingerprint->bytes[i];
    wrd_hex_write(digits, bytes, sizeof bytes); /* lower case only */
    return memcmp(digits, ufrag->text + ufrag->len - sizeof digits, sizeof digits) == 0;
}

wrd_result wrd_ufrag_parse(wrd_ufrag *out, const char *text, size_t len, const char **why)
{
    if (!wrd_dial_is_ice_text(text, len, WRD_UFRAG_MIN)) {
        if (why)
            *why = "The ufrag must be 22 to 256 letters, digits, + or /.";
        return WRD_INVALID;
    }
    out->len = (uint16_t)len;
    memcpy(out->text, text, len);
    return WRD_OK;
}

wrd_result wrd_ufrag_from_stun_username(wrd_ufrag *out, const uint8_t *username, size_t len)
{
    const char *text = (const char *)username;
    size_t own = 0;
    while (own < len && text[own] != ':')
        own++;
    if (own == len || !wrd_dial_is_ice_text(text + own + 1, len - own - 1, PEER_UFRAG_MIN))
        return WRD_INVALID;
    return wrd_ufrag_parse(out, text, own, NULL);
}

bool wrd_ufrag_equal(const wrd_ufrag *a, const wrd_ufrag *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}
