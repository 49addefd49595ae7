/* SPDX-License-Identifier: MIT */
#include "endpoint/cookie.h"

#include "base/bytes.h"
#include "crypto/crypto.h"

#define ADDR_SIZE 23

static void put_addr(uint8_t out[ADDR_SIZE], const wrd_addr *addr)
{
    memcpy(out, addr->ip, 16);
    out[16] = addr->family;
    wrd_store16be(out + 17, addr->port);
    wrd_store32be(out + 19, addr->scope);
}

/* What is hashed differs in its last byte, so that neither cookie passes for the other. */
enum purpose { OF_HELLO, OF_PATH };

static void make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, enum purpose purpose,
                 uint64_t number, const wrd_addr *remote)
{
    uint8_t bytes[8 + ADDR_SIZE + 1];
    wrd_store64be(bytes, number);
    put_addr(bytes + 8, remote);
    bytes[8 + ADDR_SIZE] = (uint8_t)purpose;
    for (size_t half = 0; half < 2; half++)
        wrd_store64be(out + 8 * half, wrd_siphash(keys->halves[half], bytes, sizeof bytes));
}

void wrd_cookie_of_path(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, const wrd_addr *remote,
                        uint64_t handle)
{
    make(out, keys, OF_PATH, handle, remote);
}

void wrd_cookie_make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                     const wrd_addr *remote)
{
    make(out, keys, OF_HELLO, now / WRD_COOKIE_PERIOD, remote);
}

bool wrd_cookie_is_good(const struct wrd_cookie_keys *keys, wrd_time now, const wrd_addr *remote,
                        const struct wrd_dtls_hello *hello)
{
    uint8_t cookie[WRD_DTLS_COOKIE_SIZE];
    uint64_t period = now / WRD_COOKIE_PERIOD;
    if (hello->cookie_len != sizeof cookie)
        return false;
    make(cookie, keys, OF_HELLO, period, remote);
    if (wrd_crypto_equal(cookie, hello->cookie, sizeof cookie))
        return true;
    if (period == 0)
        return false;
    make(cookie, keys, OF_HELLO, period - 1, remote);
    return wrd_crypto_equal(cookie, hello->cookie, sizeof cookie);
}
