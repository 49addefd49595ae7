/* SPDX-License-Identifier: MIT */
/*
 * The dialable address: IP, UDP port and certificate fingerprint.
 *
 *   203.0.113.5:3478 8f90f6b5...            two words: IP:PORT FINGERPRINT
 *   /ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/uEiCP...   the libp2p multiaddr
 *
 * Freestanding; part of the protocol library. Pure functions, any thread.
 */
#ifndef WRD_ADDRESS_H
#define WRD_ADDRESS_H

#include "wrd/base.h"
#include "wrd/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_ADDR_TEXT_SIZE    64  /* "[2001:db8::1%4294967295]:65535" and NUL, with room */
#define WRD_ADDRESS_TEXT_SIZE 192 /* either whole form and NUL */

typedef struct wrd_address {
    wrd_addr addr;
    wrd_fingerprint fingerprint;
} wrd_address;

/*
 * Reads "IP:PORT" or "[IPv6]:PORT"; only literals, no host names; port 1..65535 (0 too when `port_zero_ok`, which a
 * server's listen address may say). An IPv4-mapped IPv6 address becomes IPv4. A link-local IPv6 address may have a
 * zone, the number of an interface: "[fe80::1%2]:3478". On WRD_INVALID `*why` (may be NULL) gets a static sentence that
 * says what was wrong and what is expected. The same holds for every parse below. `text` may be NULL when `len` is 0.
 */
WRD_API WRD_MUST_USE wrd_result wrd_addr_parse(wrd_addr *out, const char *text, size_t len, bool port_zero_ok,
                                               const char **why);

/*
 * Reads either whole form above; blanks and line ends around it are passed over. The fingerprint of the first form may
 * be written in every way of wrd_fingerprint_parse(). In the second a trailing "/p2p/..." is accepted and ignored, and
 * of several certhashes the first counts; a zone stands in front, as in /ip6zone/2/ip6/fe80::1/...
 */
WRD_API WRD_MUST_USE wrd_result wrd_address_parse(wrd_address *out, const char *text, size_t len, const char **why);

/* "203.0.113.5:3478" or "[2001:db8::1]:3478" (RFC 5952). Returns the length without the NUL. */
WRD_API size_t wrd_addr_text(const wrd_addr *addr, char out[WRD_ADDR_TEXT_SIZE]);
/* The address alone: "203.0.113.5", "2001:db8::1" or "fe80::1%2". */
WRD_API size_t wrd_addr_ip_text(const wrd_addr *addr, char out[WRD_ADDR_TEXT_SIZE]);
/* "IP:PORT FINGERPRINT". */
WRD_API size_t wrd_address_text(const wrd_address *address, char out[WRD_ADDRESS_TEXT_SIZE]);
/* "/ip4/.../udp/.../webrtc-direct/certhash/u...". */
WRD_API size_t wrd_address_multiaddr(const wrd_address *address, char out[WRD_ADDRESS_TEXT_SIZE]);

/* Same family, address, port (and scope). */
WRD_API bool wrd_addr_equal(const wrd_addr *a, const wrd_addr *b);

#ifdef __cplusplus
}
#endif
#endif
