/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "stun/attribute.h"
#include "stun/crc.h"

/* The length in the header stands for what is written so far and grows with each integrity attribute. */
static void set_length(struct wrd_writer *wr, size_t coming)
{
    if (!wr->bad)
        wrd_store16be(wr->start + 2, (uint16_t)(wr->len + coming - WRD_STUN_HEADER_SIZE));
}

static struct wrd_writer open_message(uint8_t *out, size_t cap, uint16_t type, const uint8_t *transaction)
{
    struct wrd_writer wr = wrd_wr(out, cap < WRD_STUN_MESSAGE_MAX ? cap : WRD_STUN_MESSAGE_MAX);
    wrd_wr16(&wr, type);
    wrd_wr16(&wr, 0);
    wrd_wr32(&wr, WRD_STUN_MAGIC_COOKIE);
    wrd_wr_bytes(&wr, transaction, WRD_STUN_TRANSACTION_SIZE);
    return wr;
}

static void put_header(struct wrd_writer *wr, uint16_t type, size_t len)
{
    wrd_wr16(wr, type);
    wrd_wr16(wr, (uint16_t)len);
}

/* A value of any length and the zeros that pad it. */
static void put_text(struct wrd_writer *wr, const void *text, size_t len)
{
    static const uint8_t zeros[3];
    wrd_wr_bytes(wr, text, len);
    wrd_wr_bytes(wr, zeros, (0 - len) & 3);
}

/* MESSAGE-INTEGRITY, then FINGERPRINT. Returns the message's length, 0 when it did not fit. */
static size_t close_message(struct wrd_writer *wr, const struct wrd_hmac_sha1_key *key)
{
    size_t covered = wr->len;
    set_length(wr, 4 + WRD_STUN_INTEGRITY_SIZE);
    put_header(wr, WRD_STUN_INTEGRITY, WRD_STUN_INTEGRITY_SIZE);
    uint8_t *integrity = wrd_wr_space(wr, WRD_STUN_INTEGRITY_SIZE);
    if (!integrity)
        return 0;
    wrd_hmac_sha1_with(integrity, key, wr->start, covered);
    covered = wr->len;
    set_length(wr, 8);
    put_header(wr, WRD_STUN_FINGERPRINT, 4);
    uint8_t *fingerprint = wrd_wr_space(wr, 4);
    if (!fingerprint)
        return 0;
    wrd_store32be(fingerprint, wrd_stun_crc32(wr->start, covered) ^ WRD_STUN_FINGERPRINT_XOR);
    return wr->len;
}

size_t wrd_stun_write_request(uint8_t *out, size_t cap, const struct wrd_stun_request *request, const uint8_t *key,
                              size_t key_len)
{
    WRD_ASSERT(request->username_len <= WRD_STUN_MESSAGE_MAX);
    struct wrd_writer wr = open_message(out, cap, WRD_STUN_BINDING_REQUEST, request->transaction);
    put_header(&wr, WRD_STUN_USERNAME, request->username_len);
    put_text(&wr, request->username, request->username_len);
    put_header(&wr, WRD_STUN_ICE_CONTROLLING, 8);
    wrd_wr32(&wr, (uint32_t)(request->tie_breaker >> 32));
    wrd_wr32(&wr, (uint32_t)request->tie_breaker);
    if (request->use_candidate)
        put_header(&wr, WRD_STUN_USE_CANDIDATE, 0);
    put_header(&wr, WRD_STUN_PRIORITY, 4);
    wrd_wr32(&wr, request->priority);
    struct wrd_hmac_sha1_key prepared;
    wrd_hmac_sha1_prepare(&prepared, key, key_len);
    return close_message(&wr, &prepared);
}

size_t wrd_stun_write_success_with(uint8_t *out, size_t cap, const uint8_t *transaction, const wrd_addr *mapped,
                                   const struct wrd_hmac_sha1_key *key)
{
    WRD_ASSERT(mapped->family == 4 || mapped->family == 6);
    struct wrd_writer wr = open_message(out, cap, WRD_STUN_BINDING_SUCCESS, transaction);
    size_t ip_len = mapped->family == 4 ? 4 : 16;
    put_header(&wr, WRD_STUN_XOR_MAPPED_ADDRESS, 4 + ip_len);
    wrd_wr16(&wr, mapped->family == 4 ? 1 : 2);
    wrd_wr16(&wr, mapped->port ^ (uint16_t)(WRD_STUN_MAGIC_COOKIE >> 16));
    /* RFC 8489 14.2: the mask is the magic cookie and the transaction ID, as they stand in the header. */
    for (size_t i = 0; i < ip_len; i++)
        wrd_wr8(&wr, wr.bad ? 0 : mapped->ip[i] ^ wr.start[4 + i]);
    return close_message(&wr, key);
}

/* RFC 8489 14.8 and RFC 8445 16.2; a phrase is only for people, so it is kept short. */
static const char *reason_phrase(uint16_t code)
{
    return code == 400 ? "Bad Request" : code == 420 ? "Unknown Attribute" : code == 487 ? "Role Conflict" : "";
}

size_t wrd_stun_write_error_with(uint8_t *out, size_t cap, const uint8_t *transaction, uint16_t code, uint16_t unknown,
                                 const struct wrd_hmac_sha1_key *key)
{
    WRD_ASSERT(code >= 300 && code <= 699);
    struct wrd_writer wr = open_message(out, cap, WRD_STUN_BINDING_ERROR, transaction);
    const char *phrase = reason_phrase(code);
    size_t phrase_len = strlen(phrase);
    put_header(&wr, WRD_STUN_ERROR_CODE, 4 + phrase_len);
    wrd_wr32(&wr, (uint32_t)(code / 100) << 8 | code % 100);
    put_text(&wr, phrase, phrase_len);
    if (code == 420) {
        uint8_t type[2];
        wrd_store16be(type, unknown);
        put_header(&wr, WRD_STUN_UNKNOWN_ATTRIBUTES, sizeof type);
        put_text(&wr, type, sizeof type);
    }
    return close_message(&wr, key);
}

size_t wrd_stun_write_success(uint8_t *out, size_t cap, const uint8_t *transaction, const wrd_addr *mapped,
                              const uint8_t *key, size_t key_len)
{
    struct wrd_hmac_sha1_key prepared;
    wrd_hmac_sha1_prepare(&prepared, key, key_len);
    return wrd_stun_write_success_with(out, cap, transaction, mapped, &prepared);
}

size_t wrd_stun_write_error(uint8_t *out, size_t cap, const uint8_t *transaction, uint16_t code, uint16_t unknown,
                            const uint8_t *key, size_t key_len)
{
    struct wrd_hmac_sha1_key prepared;
    wrd_hmac_sha1_prepare(&prepared, key, key_len);
    return wrd_stun_write_error_with(out, cap, transaction, code, unknown, &prepared);
}
