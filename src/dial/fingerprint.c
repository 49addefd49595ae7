/* SPDX-License-Identifier: MIT */
#include "wrd/fingerprint.h"

#include "base/text.h"
#include "dial/words.h"

#define HEX_LEN   (WRD_FINGERPRINT_HEX_SIZE - 1)
#define COLON_LEN (WRD_FINGERPRINT_SDP_SIZE - 1)

/* multiformats: the code of sha2-256 and the digest's length. */
static const uint8_t multihash_head[2] = {0x12, WRD_FINGERPRINT_SIZE};

static const char *read_certhash(wrd_fingerprint *out, const char *text, size_t len)
{
    uint8_t multihash[WRD_FINGERPRINT_MULTIHASH_SIZE];
    if (!wrd_base64url_read(multihash, sizeof multihash, text, len) || memcmp(multihash, multihash_head, 2) != 0)
        return "The certhash is damaged or not SHA-256: expected are uEi and 44 more base64url characters; copy it "
               "whole.";
    memcpy(out->bytes, multihash + 2, WRD_FINGERPRINT_SIZE);
    return NULL;
}

static const char *read_hex(wrd_fingerprint *out, const char *text, size_t len)
{
    if (len != HEX_LEN && len != COLON_LEN)
        return "The fingerprint has the wrong length: expected are 64 hex digits; copy it whole from the server.";
    size_t stride = len == HEX_LEN ? 2 : 3;
    for (size_t i = 0; i < WRD_FINGERPRINT_SIZE; i++) {
        bool joined = i == 0 || stride == 2 || text[stride * i - 1] == ':';
        if (!joined || !wrd_hex_read(out->bytes + i, 1, text + stride * i))
            return "The fingerprint holds a wrong character: expected are 64 hex digits, or a colon between all bytes.";
    }
    return NULL;
}

wrd_result wrd_fingerprint_parse(wrd_fingerprint *out, const char *text, size_t len, const char **why)
{
    wrd_fingerprint fingerprint = {{0}};
    struct wrd_dial_slice rest = {text, len};
    const char *complaint;
    if (wrd_dial_take(&rest, WRD_DIAL_LITERAL("u")))
        complaint = read_certhash(&fingerprint, rest.text, rest.len);
    else {
        if (!wrd_dial_take(&rest, WRD_DIAL_LITERAL("sha-256 ")))
            (void)wrd_dial_take(&rest, WRD_DIAL_LITERAL("SHA-256 "));
        complaint = read_hex(&fingerprint, rest.text, rest.len);
    }
    if (!complaint)
        *out = fingerprint;
    return wrd_dial_verdict(complaint, why);
}

void wrd_fingerprint_hex(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_HEX_SIZE])
{
    wrd_hex_write(out, fingerprint->bytes, WRD_FINGERPRINT_SIZE);
    out[HEX_LEN] = '\0';
}

void wrd_fingerprint_sdp(const wrd_fingerprint *fingerprint, char out[WRD_FINGERPRINT_SDP_SIZE])
{
    for (size_t i = 0; i < WRD_FINGERPRINT_SIZE; i++) {
        out[3 * i] = "0123456789ABCDEF"[fingerprint->bytes[i] >> 4];
        out[3 * i + 1] = "0123456789ABCDEF"[fingerprint->bytes[i] & 15];
        out[3 * i + 2] = ':';
    }
    out[COLON_LEN] = '\0';
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
    memcpy(out, multihash_head, 2);
    memcpy(out + 2, fingerprint->bytes, WRD_FINGERPRINT_SIZE);
}
