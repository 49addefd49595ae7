/* SPDX-License-Identifier: MIT */
#include "wrd/fingerprint.h"

#include "base/text.h"
#include "dial/words.h"

/* multiformats: the code of sha2-256 and the digest's length. */
static const uint8_t multihash_head[2] = {0x12, WRD_FINGERPRINT_SIZE};

static const char bad_certhash[] =
    "The certhash is damaged or not SHA-256: expected are uEi and 44 more characters; copy "
    "it whole.";

void wrd_dial_take_certhash(struct wrd_dial_text *text, wrd_fingerprint *out)
{
    uint8_t multihash[WRD_FINGERPRINT_MULTIHASH_SIZE];
    size_t len = WRD_BASE64_LEN(sizeof multihash);
    if ((size_t)(text->end - text->at) < len || !wrd_base64url_read(multihash, sizeof multihash, text->at, len) ||
        memcmp(multihash, multihash_head, sizeof multihash_head) != 0) {
        wrd_dial_complain(text, bad_certhash);
        return;
    }
    text->at += len;
    memcpy(out->bytes, multihash + sizeof multihash_head, WRD_FINGERPRINT_SIZE);
}

static void take_digits(struct wrd_dial_text *text, wrd_fingerprint *out)
{
    size_t len = (size_t)(text->end - text->at);
    bool colons = len == WRD_FINGERPRINT_SDP_SIZE - 1;
    if (!colons && len != WRD_FINGERPRINT_HEX_SIZE - 1)
        wrd_dial_complain(text, "The fingerprint has the wrong length: expected are 64 hex digits; copy it whole.");
    for (size_t i = 0; i < WRD_FINGERPRINT_SIZE; i++) {
        bool joined = !colons || i == 0 || wrd_dial_take(text, ":");
        int high = wrd_dial_take_hex(text), low = wrd_dial_take_hex(text);
        if (!joined || high < 0 || low < 0) {
            wrd_dial_complain(text, "The fingerprint holds a wrong character: expected are 64 hex digits, or colons "
                                    "between all bytes.");
            return;
        }
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
}

void wrd_dial_take_fingerprint(struct wrd_dial_text *text, wrd_fingerprint *out)
{
    if (wrd_dial_take(text, "u")) {
        wrd_dial_take_certhash(text, out);
        if (text->at < text->end)
            wrd_dial_complain(text, bad_certhash);
    } else {
        (void)(wrd_dial_take(text, "sha-256 ") || wrd_dial_take(text, "SHA-256 "));
        take_digits(text, out);
    }
}

wrd_result wrd_fingerprint_parse(wrd_fingerprint *out, const char *text, size_t len, const char **why)
{
    wrd_fingerprint fingerprint;
    struct wrd_dial_text rest = wrd_dial_text(text, len);
    wrd_dial_take_fingerprint(&rest, &fingerprint);
    if (!rest.complaint)
        *out = fingerprint;
    return wrd_dial_verdict(&rest, why);
}

void wrd_fingerprint_hex(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_HEX_SIZE])
{
    wrd_hex_write(out, fingerprint->bytes, WRD_FINGERPRINT_SIZE);
    out[WRD_FINGERPRINT_HEX_SIZE - 1] = '\0';
}

void wrd_fingerprint_sdp(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_SDP_SIZE])
{
    for (size_t i = 0; i < WRD_FINGERPRINT_SIZE; i++) {
        *out++ = "0123456789ABCDEF"[fingerprint->bytes[i] >> 4];
        *out++ = "0123456789ABCDEF"[fingerprint->bytes[i] & 15];
        *out++ = i < WRD_FINGERPRINT_SIZE - 1 ? ':' : '\0';
    }
}

void wrd_fingerprint_certhash(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_CERTHASH_SIZE])
{
    uint8_t multihash[WRD_FINGERPRINT_MULTIHASH_SIZE];
    wrd_fingerprint_multihash(fingerprint, multihash);
    out[0] = 'u';
    wrd_base64url_write(out + 1, multihash, sizeof multihash);
    out[WRD_FINGERPRINT_CERTHASH_SIZE - 1] = '\0';
}

void wrd_fingerprint_multihash(const wrd_fingerprint *fingerprint, uint8_t out[WRD_FINGERPRINT_MULTIHASH_SIZE])
{
    memcpy(out, multihash_head, sizeof multihash_head);
    memcpy(out + sizeof multihash_head, fingerprint->bytes, WRD_FINGERPRINT_SIZE);
}
