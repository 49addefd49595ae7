/* SPDX-License-Identifier: MIT */
/*
 * Datagrams at the STUN reader, the lite server and the checking client. Random bytes never carry a right MAC, so each
 * message that reads is also sealed again under its own ufrag, which brings the input behind the integrity check.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "ice/ice.h"
#include "stun/stun.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const wrd_addr remote4 = {.family = 4, .ip = {192, 0, 2, 1}, .port = 50000};
static const wrd_addr remote6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8}, .port = 50000};
static const char client_ufrag[] = "00112233445566778899aabbccddeeff";

static void counting_random(void *user, uint8_t *out, size_t len)
{
    uint8_t *next = user;
    for (size_t i = 0; i < len; i++)
        out[i] = (*next)++;
}

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* The input up to its integrity, or whole, with right MESSAGE-INTEGRITY and FINGERPRINT behind; 0 when it grows too
 * long. */
static size_t seal(uint8_t out[WRD_STUN_MESSAGE_MAX], const uint8_t *data, size_t size, const uint8_t *key,
                   size_t key_len)
{
    struct wrd_stun message;
    if (!wrd_stun_read(&message, data, size))
        return 0;
    size_t len = message.integrity ? message.integrity_at : size - (message.has_fingerprint ? 8 : 0);
    if (len + 32 > WRD_STUN_MESSAGE_MAX)
        return 0;
    memcpy(out, data, len);
    wrd_store16be(out + 2, (uint16_t)(len + 24 - WRD_STUN_HEADER_SIZE));
    wrd_store32be(out + len, 0x00080014);
    WRD_ASSERT(wrd_hmac_sha1(out + len + 4, key, key_len, out, len));
    wrd_store16be(out + 2, (uint16_t)(len + 32 - WRD_STUN_HEADER_SIZE));
    wrd_store32be(out + len + 24, 0x80280004);
    wrd_store32be(out + len + 28, crc32_of(out, len + 24) ^ 0x5354554e);
    return len + 32;
}

static void check_message(const uint8_t *data, size_t size)
{
    struct wrd_stun message;
    if (!wrd_stun_read(&message, data, size))
        return;
    WRD_ASSERT(wrd_stun_is(data, size) && size <= WRD_STUN_MESSAGE_MAX);
    if (message.username)
        WRD_ASSERT(message.username >= data && message.username + message.username_len <= data + size);
    if (message.integrity)
        WRD_ASSERT(message.integrity >= data && message.integrity + 20 <= data + size);
    (void)wrd_stun_verify(&message, data, (const uint8_t *)client_ufrag, sizeof client_ufrag - 1);
    (void)wrd_stun_verify(&message, data, message.username, message.username_len);
}

static void check_lite(const wrd_addr *remote, const uint8_t *data, size_t size)
{
    uint8_t out[WRD_ICE_ANSWER_MAX];
    struct wrd_ice_answered answered;
    size_t len = wrd_ice_lite_answer(&answered, remote, data, size, out, sizeof out);
    WRD_ASSERT(len <= size && len <= sizeof out);
    if (len == 0)
        return;
    struct wrd_stun response;
    WRD_ASSERT(wrd_stun_read(&response, out, len) && response.has_fingerprint);
    WRD_ASSERT(response.type == (answered.is_success ? WRD_STUN_BINDING_SUCCESS : WRD_STUN_BINDING_ERROR));
    WRD_ASSERT(wrd_stun_verify(&response, out, (const uint8_t *)answered.ufrag.text, answered.ufrag.len));
}

static void check_client(const uint8_t *data, size_t size)
{
    uint8_t next = 0, out[WRD_STUN_MESSAGE_MAX];
    wrd_env env = {.user = &next, .random = counting_random};
    wrd_ufrag ufrag;
    struct wrd_ice_check check;
    WRD_ASSERT(wrd_ufrag_parse(&ufrag, client_ufrag, sizeof client_ufrag - 1, NULL) == WRD_OK);
    wrd_ice_check_start(&check, 0, &ufrag, &env);
    WRD_ASSERT(wrd_ice_check_transmit(&check, 0, &env, out, sizeof out) > 0);
    bool taken = wrd_ice_check_receive(&check, WRD_MILLISECOND, data, size);
    WRD_ASSERT(taken == (check.state == WRD_ICE_VALID));
    WRD_ASSERT(!wrd_ice_check_receive(&check, WRD_MILLISECOND, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t sealed[WRD_STUN_MESSAGE_MAX];
    struct wrd_stun message;
    check_message(data, size);
    check_lite(&remote4, data, size);
    check_client(data, size);
    size_t len = seal(sealed, data, size, (const uint8_t *)client_ufrag, sizeof client_ufrag - 1);
    if (len > 0) {
        check_message(sealed, len);
        check_client(sealed, len);
    }
    wrd_ufrag ufrag;
    if (wrd_stun_read(&message, data, size) && message.username &&
        wrd_ufrag_from_stun_username(&ufrag, message.username, message.username_len) == WRD_OK) {
        len = seal(sealed, data, size, (const uint8_t *)ufrag.text, ufrag.len);
        check_lite(&remote4, sealed, len);
        check_lite(&remote6, sealed, len);
    }
    return 0;
}
