/* SPDX-License-Identifier: MIT */
#include "endpoint/cookie.h"

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "endpoint/paths.h"

/* `handle` 0 is of a hello: a cookie of one purpose does not pass for the other. */
static void make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, uint64_t period,
                 const wrd_addr *remote, uint64_t handle)
{
    uint8_t bytes[8 + WRD_PATHS_ADDR_SIZE + 8];
    wrd_store64be(bytes, period);
    wrd_paths_write_addr(bytes + 8, remote);
    wrd_store64be(bytes + 8 + WRD_PATHS_ADDR_SIZE, handle);
    for (size_t half = 0; half < 2; half++)
        wrd_store64be(out + 8 * half, wrd_siphash(keys->halves[half], bytes, sizeof bytes));
}

/* Of this period or the one before. */
static bool is_good(const uint8_t cookie[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                    const wrd_addr *remote, uint64_t handle)
{
    uint8_t expected[WRD_DTLS_COOKIE_SIZE];
    uint64_t period = now / WRD_COOKIE_PERIOD;
    make(expected, keys, period, remote, handle);
    if (wrd_crypto_equal(expected, cookie, sizeof expected))
        return true;
    if (period == 0)
        return false;
    make(expected, keys, period - 1, remote, handle);
    return wrd_crypto_equal(expected, cookie, sizeof expected);
}

void wrd_cookie_make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                     const wrd_addr *remote)
{
    make(out, keys, now / WRD_COOKIE_PERIOD, remote, 0);
}

bool wrd_cookie_is_good(const struct wrd_cookie_keys *keys, wrd_time now, const wrd_addr *remote,
                        const struct wrd_dtls_hello *hello)
{
    return hello->cookie_len == WRD_DTLS_COOKIE_SIZE && is_good(hello->cookie, keys, now, remote, 0);
}

void wrd_cookie_of_path(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                        const wrd_addr *remote, uint64_t handle)
{
    make(out, keys, now / WRD_COOKIE_PERIOD, remote, handle);
}

bool wrd_cookie_is_of_path(const uint8_t cookie[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys,
                           wrd_time now, const wrd_addr *remote, uint64_t handle)
{
    return is_good(cookie, keys, now, remote, handle);
}
