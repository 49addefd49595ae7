/* SPDX-License-Identifier: MIT */
#include "endpoint/cookie.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "endpoint/paths.h"

/* `what` is a connection's handle, which is never so small, or of a hello the identity: a cookie of one purpose does
 * not pass for the other. */
static void make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, uint64_t period,
                 const wrd_addr *remote, uint64_t what)
{
    uint8_t bytes[8 + WRD_PATHS_ADDR_SIZE + 8];
    wrd_store64be(bytes, period);
    wrd_paths_write_addr(bytes + 8, remote);
    wrd_store64be(bytes + 8 + WRD_PATHS_ADDR_SIZE, what);
    for (size_t half = 0; half < 2; half++)
        wrd_store64be(out + 8 * half, wrd_siphash(keys->halves[half], bytes, sizeof bytes));
}

/* Of this period or the one before. */
static bool is_good(const uint8_t cookie[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                    const wrd_addr *remote, uint64_t what)
{
    uint8_t expected[WRD_DTLS_COOKIE_SIZE];
    uint64_t period = now / WRD_COOKIE_PERIOD;
    make(expected, keys, period, remote, what);
    if (wrd_crypto_equal(expected, cookie, sizeof expected))
        return true;
    if (period == 0)
        return false;
    make(expected, keys, period - 1, remote, what);
    return wrd_crypto_equal(expected, cookie, sizeof expected);
}

void wrd_cookie_make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                     const wrd_addr *remote, uint8_t identity)
{
    WRD_ASSERT(identity < WRD_DTLS_IDENTITIES_MAX);
    make(out, keys, now / WRD_COOKIE_PERIOD, remote, identity);
}

bool wrd_cookie_is_good(const struct wrd_cookie_keys *keys, wrd_time now, const wrd_addr *remote,
                        const struct wrd_dtls_hello *hello, uint8_t *identity)
{
    if (hello->cookie_len != WRD_DTLS_COOKIE_SIZE)
        return false;
    for (uint8_t i = 0; i < WRD_DTLS_IDENTITIES_MAX; i++) {
        if (is_good(hello->cookie, keys, now, remote, i)) {
            *identity = i;
            return true;
        }
    }
    return false;
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
