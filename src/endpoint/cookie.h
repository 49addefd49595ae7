/* SPDX-License-Identifier: MIT */
/*
 * Cookies of HelloVerifyRequests (RFC 6347 4.2.1): who sends one back is where it says. Nothing is kept for them. A cookie
 * is of an address and of the identity that was asked for there, and of nothing else: whoever forges that address makes us
 * send one there, and a client that takes it for its own, as clients do, must get on with it.
 */
#ifndef WRD_ENDPOINT_COOKIE_H
#define WRD_ENDPOINT_COOKIE_H

#include "base/siphash.h"
#include "dtls/dtls.h"

/* Each is good for one to two of these. */
#define WRD_COOKIE_PERIOD (16 * WRD_SECOND)

struct wrd_cookie_keys {
    uint8_t halves[2][WRD_SIPHASH_KEY_SIZE]; /* a cookie is two keyed hashes side by side */
};

/* `identity`: which of the server's the hello's sender wants, below WRD_DTLS_IDENTITIES_MAX. */
void wrd_cookie_make(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                     const wrd_addr *remote, uint8_t identity);
/* `*identity` is the one that a good cookie was made for. */
bool wrd_cookie_is_good(const struct wrd_cookie_keys *keys, wrd_time now, const wrd_addr *remote,
                        const struct wrd_dtls_hello *hello, uint8_t *identity);
/* What only who receives at `remote` can send back to a probe of the connection `handle`. */
void wrd_cookie_of_path(uint8_t out[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys, wrd_time now,
                        const wrd_addr *remote, uint64_t handle);
bool wrd_cookie_is_of_path(const uint8_t cookie[WRD_DTLS_COOKIE_SIZE], const struct wrd_cookie_keys *keys,
                           wrd_time now, const wrd_addr *remote, uint64_t handle);

#endif
