/* SPDX-License-Identifier: MIT */
/*
 * libssl, held to one DTLS 1.2 handshake: a record goes in, a flight of plaintext records comes out. It sees no clock,
 * no datagram and no application data, and is freed as soon as the keys are known.
 */
#ifndef WRD_DTLS_HANDSHAKE_OPENSSL_H
#define WRD_DTLS_HANDSHAKE_OPENSSL_H

#include "dtls/ciphers_openssl.h"
#include "dtls/dtls.h"
#include "dtls/record.h"

struct ssl_st;
struct ssl_ctx_st;
struct bio_method_st;

enum {
    WRD_DTLS_FLIGHT_MAX = 2048, /* our longest, with a certificate of WRD_CERTIFICATE_MAX, is below 900 bytes */
    WRD_DTLS_FINISHED_SIZE = WRD_DTLS_FRAGMENT_HEADER + 12,
    WRD_DTLS_ALERT_MAX = 64 /* one alert record */
};

/* libssl numbers its own records of epoch 1 from 0: one Finished that never leaves, then at most an alert. Ours begin
 * well past those, because a number used twice under one GCM key gives the key away. */
#define WRD_DTLS_FIRST_SEQUENCE ((uint64_t)16)

struct wrd_dtls_context {
    wrd_env env;
    struct ssl_ctx_st *ssl[WRD_DTLS_IDENTITIES_MAX]; /* NULL: no such identity */
    bool ask_certificate;
    struct bio_method_st *method;
    struct wrd_dtls_ciphers ciphers;
    bool has_own;
    wrd_key own; /* of clients that were given none, made when first asked for */
    void (*log)(void *user, const char *line);
    void *log_user;
};

struct wrd_dtls_handshake {
    struct ssl_st *ssl;               /* NULL once stopped */
    const struct wrd_dtls_record *in; /* what libssl reads next */
    wrd_fingerprint expected;
    bool server;
    bool asked;           /* the next record answers a HelloVerifyRequest that libssl does not know of */
    bool has_read;        /* libssl has read since it wrote: its next record begins a flight */
    bool new_flight;      /* for the caller to clear */
    bool finished;        /* ChangeCipherSpec and Finished end this flight; they are not in `flight` */
    bool mismatch;        /* the peer's certificate is not the expected one */
    bool has_certificate; /* the peer; that it has the key to it is proved by the handshake's end, not before */
    wrd_fingerprint certificate;
    uint16_t next_message; /* message_seq of our Finished */
    wrd_result failure;
    const char *text;
    size_t alert_len;
    size_t flight_len;
    uint8_t alert[WRD_DTLS_ALERT_MAX];   /* libssl's last words, a record */
    uint8_t flight[WRD_DTLS_FLIGHT_MAX]; /* handshake records of epoch 0 */
};

enum wrd_dtls_step { WRD_DTLS_WAITS, WRD_DTLS_COMPLETE, WRD_DTLS_REFUSED /* close_notify */, WRD_DTLS_BROKEN };

/* On a zeroed struct, which must not move until wrd_dtls_handshake_stop(). `expected` only for a client, `asked` and
 * `identity` (as in wrd_dtls_server_new()) only for a server. False: memory is short; stop it nevertheless. */
bool wrd_dtls_handshake_start(struct wrd_dtls_handshake *handshake, struct wrd_dtls_context *context,
                              const wrd_fingerprint *expected, bool asked, unsigned identity);
void wrd_dtls_handshake_stop(struct wrd_dtls_handshake *handshake);
/* Goes as far as it can with `record`; NULL: with nothing, to begin. BROKEN: `failure` and `text` say why. */
enum wrd_dtls_step wrd_dtls_handshake_step(struct wrd_dtls_handshake *handshake, const struct wrd_dtls_record *record);
/* Has libssl taken the peer's ChangeCipherSpec, and waits for Finished? */
bool wrd_dtls_handshake_awaits_finished(const struct wrd_dtls_handshake *handshake);
/* Our Finished message, once `finished` is set. */
void wrd_dtls_handshake_finished(const struct wrd_dtls_handshake *handshake, uint8_t out[WRD_DTLS_FINISHED_SIZE]);

#endif
