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

static void hash(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, const uint8_t *bytes,
                 size_t len)
{
    for (size_t half = 0; half < 2; half++)
        wrd_store64be(out + 8 * half, wrd_siphash(keys->halves[half], bytes, len));
}

static void make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, uint64_t period,
                 const wrd_addr *remote, const uint8_t random[WRD_DTLS_RANDOM_SIZE])
{
    uint8_t bytes[8 + ADDR_SIZE + WRD_DTLS_RANDOM_SIZE];
    wrd_store64be(bytes, period);
    put_addr(bytes + 8, remote);
    memcpy(bytes + 8 + ADDR_SIZE, random, WRD_DTLS_RANDOM_SIZE);
    hash(out, keys, bytes, sizeof bytes);
}

/* Of another length than what is hashed for hellos, so that neither passes for the other. */
void wrd_cookie_of_path(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, const wrd_addr *remote,
                        uint64_t handle)
{
    uint8_t bytes[8 + ADDR_SIZE];
    wrd_store64be(bytes, handle);
    put_addr(bytes + 8, remote);
    hash(out, keys, bytes, sizeof bytes);
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
