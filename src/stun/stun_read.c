/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "stun/attribute.h"
#include "stun/crc.h"

/*
 * RFC 8489 5:
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0 0|     STUN Message Type     |         Message Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Magic Cookie                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                     Transaction ID (96 bits)                  |
 *
 * followed by attributes: 16 bits of type, 16 bits of length, the value, padding to a multiple of 4.
 */

/* One attribute in place; `at` is the offset of its header. */
struct attribute {
    uint16_t type;
    size_t at;
    const uint8_t *value;
    size_t len;
};

bool wrd_stun_is(const uint8_t *datagram, size_t len)
{
    /* RFC 7983 7: a first byte of 0..3 is STUN. */
    return len >= WRD_STUN_HEADER_SIZE && datagram[0] <= 3 && wrd_load32be(datagram + 4) == WRD_STUN_MAGIC_COOKIE;
}

static bool read_xor_mapped(struct wrd_stun *out, const struct attribute *attribute)
{
    struct wrd_reader rd = wrd_rd(attribute->value, attribute->len);
    (void)wrd_rd8(&rd);
    uint8_t family = wrd_rd8(&rd);
    uint16_t port = wrd_rd16(&rd);
    size_t ip_len = family == 1 ? 4 : 16;
    const uint8_t *ip = wrd_rd_bytes(&rd, ip_len);
    if (!ip || rd.left != 0 || (family != 1 && family != 2))
        return false;
    if (out->has_mapped)
        return true;
    /* RFC 8489 14.2: XORed with the magic cookie and, for IPv6, the transaction ID behind it. */
    uint8_t mask[16];
    wrd_store32be(mask, WRD_STUN_MAGIC_COOKIE);
    memcpy(mask + 4, out->transaction, WRD_STUN_TRANSACTION_SIZE);
    for (size_t i = 0; i < sizeof mask && i < ip_len; i++)
        out->mapped.ip[i] = ip[i] ^ mask[i];
    out->mapped.port = port ^ (uint16_t)(WRD_STUN_MAGIC_COOKIE >> 16);
    out->mapped.family = family == 1 ? 4 : 6;
    out->has_mapped = true;
    return true;
}

static bool read_error_code(struct wrd_stun *out, const struct attribute *attribute)
{
    struct wrd_reader rd = wrd_rd(attribute->value, attribute->len);
    uint32_t word = wrd_rd32(&rd);
    uint32_t hundreds = word >> 8 & 7;
    uint32_t rest = word & 0xff;
    /* RFC 8489 14.8: the class is 3 to 6, the number 0 to 99. */
    if (rd.bad || hundreds < 3 || hundreds > 6 || rest > 99)
        return false;
    if (out->error_code == 0)
        out->error_code = (uint16_t)(hundreds * 100 + rest);
    return true;
}

static bool read_priority(struct wrd_stun *out, const struct attribute *attribute)
{
    if (attribute->len != 4)
        return false;
    if (!out->has_priority)
        out->priority = wrd_load32be(attribute->value);
    out->has_priority = true;
    return true;
}

static bool read_integrity(struct wrd_stun *out, const struct attribute *attribute)
{
    if (attribute->len != WRD_STUN_INTEGRITY_SIZE)
        return false;
    out->integrity = attribute->value;
    out->integrity_at = attribute->at;
    return true;
}

static bool note_role(bool *has_role, const struct attribute *attribute)
{
    *has_role = true;
    return attribute->len == 8;
}

/* Of an attribute that comes twice the first counts (RFC 8489 14). False when this one is malformed. */
static bool read_attribute(struct wrd_stun *out, const struct attribute *attribute)
{
    switch (attribute->type) {
    case WRD_STUN_USERNAME:
        if (!out->username) {
            out->username = attribute->value;
            out->username_len = attribute->len;
        }
        return true;
    case WRD_STUN_INTEGRITY: return read_integrity(out, attribute);
    case WRD_STUN_ERROR_CODE: return read_error_code(out, attribute);
    case WRD_STUN_XOR_MAPPED_ADDRESS: return read_xor_mapped(out, attribute);
    case WRD_STUN_PRIORITY: return read_priority(out, attribute);
    case WRD_STUN_USE_CANDIDATE: out->use_candidate = true; return attribute->len == 0;
    case WRD_STUN_ICE_CONTROLLED: return note_role(&out->has_ice_controlled, attribute);
    case WRD_STUN_ICE_CONTROLLING: return note_role(&out->has_ice_controlling, attribute);
    case WRD_STUN_MAPPED_ADDRESS:
    case WRD_STUN_UNKNOWN_ATTRIBUTES:
    case WRD_STUN_REALM:
    case WRD_STUN_NONCE: return true; /* Known, but an ICE check has no use for them. */
    default:
        if (attribute->type < WRD_STUN_COMPREHENSION_OPTIONAL && out->unknown_required == 0)
            out->unknown_required = attribute->type;
        return true;
    }
}

/* FINGERPRINT is the last attribute, so the length in the header already counts it (RFC 8489 14.7). */
static bool read_fingerprint(struct wrd_stun *out, const struct attribute *attribute, const uint8_t *datagram)
{
    out->has_fingerprint = true;
    return attribute->len == 4 &&
           wrd_load32be(attribute->value) == (wrd_stun_crc32(datagram, attribute->at) ^ WRD_STUN_FINGERPRINT_XOR);
}

bool wrd_stun_read(struct wrd_stun *out, const uint8_t *datagram, size_t len)
{
    memset(out, 0, sizeof *out);
    if (!wrd_stun_is(datagram, len) || len > WRD_STUN_MESSAGE_MAX || len % 4 != 0 ||
        wrd_load16be(datagram + 2) != len - WRD_STUN_HEADER_SIZE)
        return false;
    out->type = wrd_load16be(datagram);
    out->transaction = datagram + 8;
    struct wrd_reader rd = wrd_rd(datagram + WRD_STUN_HEADER_SIZE, len - WRD_STUN_HEADER_SIZE);
    while (rd.left > 0) {
        struct attribute attribute = {.at = len - rd.left};
        attribute.type = wrd_rd16(&rd);
        attribute.len = wrd_rd16(&rd);
        attribute.value = wrd_rd_bytes(&rd, attribute.len);
        (void)wrd_rd_bytes(&rd, (0 - attribute.len) & 3);
        if (rd.bad)
            return false;
        bool ok = true;
        if (attribute.type == WRD_STUN_FINGERPRINT)
            ok = rd.left == 0 && read_fingerprint(out, &attribute, datagram);
        else if (!out->integrity)
            ok = read_attribute(out, &attribute);
        else
            /* RFC 8489 14.5: what follows MESSAGE-INTEGRITY is not covered by it and does not count. */
            ok = attribute.type != WRD_STUN_INTEGRITY;
        if (!ok)
            return false;
    }
    return true;
}

bool wrd_stun_verify_with(const struct wrd_stun *message, const uint8_t *datagram, const struct wrd_hmac_sha1_key *key)
{
    if (!message->integrity)
        return false;
    size_t covered = message->integrity_at;
    WRD_ASSERT(covered >= WRD_STUN_HEADER_SIZE && covered < WRD_STUN_MESSAGE_MAX);
    /* RFC 8489 14.5: hashed with the length as if MESSAGE-INTEGRITY were the last attribute. */
    uint8_t text[WRD_STUN_MESSAGE_MAX];
    memcpy(text, datagram, covered);
    wrd_store16be(text + 2, (uint16_t)(covered + 4 + WRD_STUN_INTEGRITY_SIZE - WRD_STUN_HEADER_SIZE));
    uint8_t expected[WRD_SHA1_SIZE];
    wrd_hmac_sha1_with(expected, key, text, covered);
    return wrd_crypto_equal(expected, message->integrity, sizeof expected);
}

bool wrd_stun_verify(const struct wrd_stun *message, const uint8_t *datagram, const uint8_t *key, size_t key_len)
{
    struct wrd_hmac_sha1_key prepared;
    wrd_hmac_sha1_prepare(&prepared, key, key_len);
    return wrd_stun_verify_with(message, datagram, &prepared);
}
