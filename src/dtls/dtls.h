/* SPDX-License-Identifier: MIT */
/*
 * DTLS 1.2, RFC 6347, behind one door: datagrams in and out, application records in and out, a deadline. One backend is
 * linked: dtls_openssl.c, or dtls_null.c (tests: no crypto, same states, byte-deterministic).
 *
 *   seal(data)            next(out)             above: one SCTP packet per application record
 *        v                    ^
 *   +------------- dtls -------------+          deadline() -> time     expire(now)
 *        v                    ^
 *   transmit, seal's out   receive(datagram)    below
 *
 * States: HANDSHAKING -> OPEN -> CLOSED | FAILED. Timers: the client repeats its last flight after 1 s, doubling to 8
 * s, until it is freed. The server has none: it answers a repeated client flight, so an unvalidated address never gets
 * more datagrams than it sends. libssl's own clock is switched off. Limits: the named ones in handshake_openssl.h and
 * dtls_openssl.c. It refuses to know addresses, SCTP, and the wall clock.
 */
#ifndef WRD_DTLS_H
#define WRD_DTLS_H

#include "wrd/base.h"
#include "wrd/fingerprint.h"
#include "wrd/identity.h"

struct wrd_dtls_context; /* per endpoint: identity and settings, shared by its connections */
struct wrd_dtls;         /* per connection */

enum wrd_dtls_state { WRD_DTLS_HANDSHAKING, WRD_DTLS_OPEN, WRD_DTLS_CLOSED, WRD_DTLS_FAILED };

/* A record adds at most this to its data; handshake datagrams are at most WRD_DTLS_MTU. */
#define WRD_DTLS_OVERHEAD 37
#define WRD_DTLS_MTU      1200

/* Is this first byte one of DTLS's (RFC 7983: 20..63)? */
static inline bool wrd_dtls_is(const uint8_t *datagram, size_t len)
{
    return len >= 13 && datagram[0] >= 20 && datagram[0] <= 63;
}
/* Does the datagram begin with a plaintext handshake record that carries (part of) a ClientHello? */
bool wrd_dtls_is_client_hello(const uint8_t *datagram, size_t len);

/*
 * A server that must not trust an address asks it first, without keeping anything (RFC 6347 4.2.1): it answers the
 * first part of a ClientHello with a HelloVerifyRequest, whose cookie comes back in the next one. What a cookie is, is
 * the caller's to decide.
 */
enum { WRD_DTLS_RANDOM_SIZE = 32, WRD_DTLS_COOKIE_SIZE = 16 };

struct wrd_dtls_hello {
    const uint8_t *random; /* WRD_DTLS_RANDOM_SIZE bytes, the same in both hellos */
    const uint8_t *cookie;
    size_t cookie_len;
    bool repeated; /* it answers a HelloVerifyRequest */
};

/* False: no first part of a ClientHello. */
bool wrd_dtls_hello_read(struct wrd_dtls_hello *out, const uint8_t *datagram, size_t len);
/* The HelloVerifyRequest for a datagram that wrd_dtls_hello_read() took; shorter than that. 0: `cap` is short. */
size_t wrd_dtls_hello_verify(uint8_t *out, size_t cap, const uint8_t *datagram,
                             const uint8_t cookie[WRD_DTLS_COOKIE_SIZE]);

#define WRD_DTLS_IDENTITIES_MAX 2 /* a server's, while its clients go over from one key to another */

struct wrd_dtls_settings {
    const wrd_key *identities[WRD_DTLS_IDENTITIES_MAX]; /* copied; both NULL: a random one, good for clients */
    bool ask_certificate; /* servers ask their client for one; whoever has none is welcome nevertheless */
};

/* Answers NULL when memory is short. Outlives its connections. Clients have the first identity. */
struct wrd_dtls_context *wrd_dtls_context_new(const wrd_env *env, const struct wrd_dtls_settings *settings);
void wrd_dtls_context_free(struct wrd_dtls_context *context); /* NULL is fine */
/* From here on `log` gets the secrets of each handshake, in lines as of an SSLKEYLOGFILE. */
void wrd_dtls_context_log_keys(struct wrd_dtls_context *context, void (*log)(void *user, const char *line), void *user);

/* The server's end shows the certificate of `identity`, which the context has. `asked`: the first datagram it gets is a
 * ClientHello with the cookie of a HelloVerifyRequest. The client's end requires a certificate with exactly `expected`,
 * and shows its own when it is asked. NULL: memory is short. */
struct wrd_dtls *wrd_dtls_server_new(struct wrd_dtls_context *context, bool asked, unsigned identity);
struct wrd_dtls *wrd_dtls_client_new(struct wrd_dtls_context *context, wrd_time now, const wrd_fingerprint *expected);
void wrd_dtls_free(struct wrd_dtls *dtls); /* NULL is fine */

/* One datagram, borrowed until wrd_dtls_next() answers 0; call that next, in every state. Garbage is ignored. */
void wrd_dtls_receive(struct wrd_dtls *dtls, wrd_time now, const uint8_t *datagram, size_t len);
/* The next decrypted application record of that datagram; its length, 0: none. A record longer than `cap` is dropped.
 */
size_t wrd_dtls_next(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap);
/* One application record of `len` <= cap - WRD_DTLS_OVERHEAD bytes, written to `out` as a whole datagram. 0: not open,
 * or failed. */
size_t wrd_dtls_seal(struct wrd_dtls *dtls, const uint8_t *data, size_t len, uint8_t *out, size_t cap);
/* The next handshake or alert datagram; 0: none. Flights leave in as few datagrams as fit. `cap` >= WRD_DTLS_MTU. */
size_t wrd_dtls_transmit(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap);
wrd_time wrd_dtls_deadline(const struct wrd_dtls *dtls);
void wrd_dtls_expire(struct wrd_dtls *dtls, wrd_time now);
/* Queues close_notify (once); transmit still has it. */
void wrd_dtls_close(struct wrd_dtls *dtls);

enum wrd_dtls_state wrd_dtls_state(const struct wrd_dtls *dtls);
/* One past the highest number of an authentic record of the peer's. */
uint64_t wrd_dtls_newest(const struct wrd_dtls *dtls);
/* The certificate of a server's client, which proved that it has the key to it. That is all that was looked at: who
 * issued the certificate, to whom and until when says nothing here. False: not open yet, not asked for, or the client
 * has none. */
bool wrd_dtls_peer_fingerprint(const struct wrd_dtls *dtls, wrd_fingerprint *out);
/* FAILED: WRD_MISMATCH, WRD_PROTOCOL, or WRD_NO_MEMORY, and a static sentence. */
wrd_result wrd_dtls_failure(const struct wrd_dtls *dtls, const char **text);

#endif
