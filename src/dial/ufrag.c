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
