/* SPDX-License-Identifier: MIT */
#include "endpoint/cookie.h"

#include "base/bytes.h"
#include "crypto/crypto.h"

static void make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, uint64_t period,
                 const wrd_addr *remote, const uint8_t random[WRD_DTLS_RANDOM_SIZE])
{
    uint8_t bytes[8 + 16 + 1 + 2 + 4 + WRD_DTLS_RANDOM_SIZE];
    wrd_store64be(bytes, period);
    memcpy(bytes + 8, remote->ip, 16);
    bytes[24] = remote->family;
    wrd_store16be(bytes + 25, remote->port);
    wrd_store32be(bytes + 27, remote->scope);
    memcpy(bytes + 31, random, WRD_DTLS_RANDOM_SIZE);
    for (size_t half = 0; half < 2; half++)
        wrd_store64be(out + 8 * half, wrd_siphash(keys->halves[half], bytes, sizeof bytes));
}

void wrd_cookie_make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                     const wrd_addr *remote, const uint8_t random[WRD_DTLS_RANDOM_SIZE])
{
    make(out, keys, now / WRD_COOKIE_PERIOD, remote, random);
}

bool wrd_cookie_is_good(const struct wrd_cookie_keys *keys, wrd_time now, const wrd_addr *remote,
                        const struct wrd_dtls_hello *hello)
{
    uint8_t cookie[WRD_DTLS_COOKIE_SIZE];
    uint64_t period = now / WRD_COOKIE_PERIOD;
    if (hello->cookie_len != sizeof cookie)
        return false;
    make(cookie, keys, period, remote, hello->random);
    if (wrd_crypto_equal(cookie, hello->cookie, sizeof cookie))
        return true;
    if (period == 0)
        return false;
    make(cookie, keys, period - 1, remote, hello->random);
    return wrd_crypto_equal(cookie, hello->cookie, sizeof cookie);
}
