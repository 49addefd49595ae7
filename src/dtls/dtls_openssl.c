/* SPDX-License-Identifier: MIT */
/*
 * libssl shakes hands; its keys are then exported, it is freed, and the record layer of keys_openssl.c takes over: 3 KB
 * per open connection instead of 36 KB, and no libssl behaviour (renegotiation, alert counters, buffered records) to
 * guard.
 *
 *   datagram -> records -> [ libssl over a BIO of one record ] -> flight -> datagrams      HANDSHAKING
 *   datagram -> records -> keys -> data                                                     OPEN
 *
 * Repetition is ours, by the caller's clock: libssl measures with its own, so its timer is set beyond any handshake. A
 * flight's plaintext records are kept and get new record numbers each time they leave. A byte-for-byte repetition would
 * be dropped by the peer's replay window (RFC 6347 section 4.1.2.6), and a server that only answers repeats would stay
 * silent. For the same reason libssl's ChangeCipherSpec and Finished never leave: transmit makes them, with a new
 * number each time.
 *
 * Memory: the two structs here come from `env`. libssl and libcrypto allocate through the process-wide
 * CRYPTO_set_mem_functions(), which cannot tell connections apart: some 70 KB while shaking hands, 2.5 KB after.
 * Random: handshake secrets come from libcrypto's generator, not from `env`; only a client's own key does.
 */
#include "dtls/dtls.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "dtls/keys_openssl.h"
#include "dtls/record.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* What one connection may hold or be made to do. */
enum {
    FLIGHT_MAX = 2048,       /* our longest flight, with a certificate of WRD_CERTIFICATE_MAX, is below 900 bytes */
    EARLY_MAX = 2048,        /* records of epoch 1 that came before what opens them */
    MESSAGE_SEQ_MAX = 8,     /* no handshake of ours has more messages in one direction */
    CHAIN_MAX = 16 * 1024,   /* a peer's certificates */
    ALERT_MAX = 64,          /* one alert record */
    CONTROL_MAX = 64,        /* plaintext of an alert or Finished; longer ones are ignored */
    FINISHED_SIZE = 12 + 12, /* handshake header and verify_data, RFC 5246 section 7.4.9 */
    CHANGE_CIPHER_SPEC_SIZE = WRD_DTLS_RECORD_HEADER + 1
};

/* libssl numbers its own records of epoch 1 from 0: one Finished that never leaves, then at most an alert. Ours begin
 * well past those, because a number used twice under one GCM key gives the key away. */
#define FIRST_SEQUENCE ((uint64_t)16)
#define SEQUENCE_MAX   (((uint64_t)1 << 48) - 1)

#define REPEAT_FIRST_TIME (1 * WRD_SECOND)
#define REPEAT_MAX_TIME   (8 * WRD_SECOND)

enum { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0 };

struct wrd_dtls_context {
    wrd_env env;
    SSL_CTX *ssl;
    BIO_METHOD *method;
};

struct handshake {
    SSL *ssl; /* NULL once it is over and only `early` is left */
    const uint8_t *in;
    size_t in_len;         /* the record that libssl reads next */
    bool has_read;         /* libssl has read since it wrote: its next record begins a flight */
    bool new_flight;       /* since the timer was last set */
    bool finished;         /* ChangeCipherSpec and Finished end this flight */
    bool mismatch;         /* the peer's certificate is not the expected one */
    uint16_t next_message; /* message_seq of our Finished */
    size_t flight_len, flight_sent;
    size_t early_len, early_taken;
    uint8_t flight[FLIGHT_MAX]; /* plaintext handshake records */
    uint8_t early[EARLY_MAX];
};

struct wrd_dtls {
    wrd_env env;
    enum wrd_dtls_state state;
    bool server;
    bool final_due; /* ChangeCipherSpec and Finished are to be sent */
    wrd_result failure;
    const char *text;
    struct handshake *handshake; /* NULL after it */
    wrd_fingerprint expected;
    wrd_time deadline, interval;
    uint64_t plain_sequence, sealed_sequence; /* of the next record in epoch 0 and 1 */
    struct wrd_dtls_keys keys;
    struct wrd_dtls_window window; /* of epoch 1 */
    struct wrd_reader datagram;    /* what next() has not looked at; borrowed */
    uint8_t finished[FINISHED_SIZE];
    size_t alert_len;
    uint8_t alert[ALERT_MAX];
};

static void free_handshake(struct wrd_dtls *dtls)
{
    if (!dtls->handshake)
        return;
    SSL_free(dtls->handshake->ssl);
    wrd_mem_free(&dtls->env, dtls->handshake, sizeof *dtls->handshake);
    dtls->handshake = NULL;
}

static void end(struct wrd_dtls *dtls, enum wrd_dtls_state state)
{
    dtls->state = state;
    dtls->deadline = WRD_NEVER;
    dtls->datagram = wrd_rd(NULL, 0);
    free_handshake(dtls);
}

static void fail(struct wrd_dtls *dtls, wrd_result failure, const char *text)
{
    dtls->failure = failure;
    dtls->text = text;
    dtls->final_due = false;
    end(dtls, WRD_DTLS_FAILED);
}

/* ---- the BIO: libssl's side of a flight ---- */

static void append_to_flight(struct handshake *handshake, const struct wrd_dtls_record *record)
{
    size_t len = WRD_DTLS_RECORD_HEADER + record->len;
    WRD_ASSERT(len <= FLIGHT_MAX - handshake->flight_len);
    memcpy(handshake->flight + handshake->flight_len, record->header, len);
    handshake->flight_len += len;
    struct wrd_reader body = wrd_rd(record->body, record->len);
    struct wrd_dtls_fragment part;
    while (wrd_dtls_fragment_take(&body, &part))
        handshake->next_message = (uint16_t)(part.message_seq + 1);
}

static void collect(struct wrd_dtls *dtls, const struct wrd_dtls_record *record)
{
    struct handshake *handshake = dtls->handshake;
    WRD_ASSERT(record->epoch == 0 || record->sequence < FIRST_SEQUENCE);
    if (record->type == WRD_DTLS_ALERT && record->len <= ALERT_MAX - WRD_DTLS_RECORD_HEADER) {
        dtls->alert_len = WRD_DTLS_RECORD_HEADER + record->len;
        memcpy(dtls->alert, record->header, dtls->alert_len);
        if (record->epoch == 0)
            wrd_dtls_record_header(dtls->alert, WRD_DTLS_ALERT, 0, dtls->plain_sequence++, record->len);
    }
    if (record->type != WRD_DTLS_HANDSHAKE)
        return;
    if (handshake->has_read) {
        handshake->has_read = false;
        handshake->new_flight = true;
        handshake->finished = false;
        handshake->flight_len = handshake->flight_sent = 0;
    }
    if (record->epoch == 0)
        append_to_flight(handshake, record);
    else
        handshake->finished = true;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct wrd_reader rd = wrd_rd((const uint8_t *)data, len > 0 ? (size_t)len : 0);
    struct wrd_dtls_record record;
    BIO_clear_retry_flags(bio);
    while (wrd_dtls_record_take(&rd, &record))
        collect(BIO_get_data(bio), &record);
    return len;
}

static int bio_read(BIO *bio, char *out, int cap)
{
    struct wrd_dtls *dtls = BIO_get_data(bio);
    struct handshake *handshake = dtls->handshake;
    size_t len = handshake->in_len;
    BIO_clear_retry_flags(bio);
    handshake->in_len = 0;
    if (len == 0 || cap < 0 || len > (size_t)cap) {
        BIO_set_retry_read(bio);
        return -1;
    }
    handshake->has_read = true;
    memcpy(out, handshake->in, len);
    return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static unsigned int libssl_timer_us(SSL *ssl, unsigned int us)
{
    (void)ssl;
    (void)us;
    return UINT_MAX; /* 71 minutes */
}

/* ---- context ---- */

/* Stands for all of libssl's chain checks: identity is the fingerprint, nothing else. */
static int verify(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct wrd_dtls *dtls = SSL_get_app_data(ssl);
    uint8_t *der = NULL;
    uint8_t digest[WRD_SHA256_SIZE];
    int len = i2d_X509(X509_STORE_CTX_get0_cert(store), &der);
    bool hashed = len > 0 && wrd_sha256(digest, der, (size_t)len);
    OPENSSL_free(der);
    if (!hashed) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    if (memcmp(digest, dtls->expected.bytes, sizeof digest) != 0) {
        dtls->handshake->mismatch = true;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* becomes the alert bad_certificate */
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* ECPrivateKey of RFC 5915 around scalar and point. */
static EVP_PKEY *make_private_key(const wrd_key *key)
{
    static const uint8_t head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                    0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00};
    uint8_t der[sizeof head + WRD_KEY_SIZE + sizeof curve + WRD_P256_POINT_SIZE], point[WRD_P256_POINT_SIZE];
    if (!wrd_p256_public(point, key->bytes))
        return NULL;
    struct wrd_writer wr = wrd_wr(der, sizeof der);
    wrd_wr_bytes(&wr, head, sizeof head);
    wrd_wr_bytes(&wr, key->bytes, WRD_KEY_SIZE);
    wrd_wr_bytes(&wr, curve, sizeof curve);
    wrd_wr_bytes(&wr, point, sizeof point);
    const unsigned char *at = der;
    EVP_PKEY *private_key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)wr.len);
    wrd_crypto_wipe(der, sizeof der);
    return private_key;
}

static bool set_identity(SSL_CTX *ssl, const wrd_key *key)
{
    wrd_certificate certificate;
    EVP_PKEY *private_key = make_private_key(key);
    bool ok = private_key && wrd_certificate_from_key(&certificate, key) == WRD_OK &&
              SSL_CTX_use_certificate_ASN1(ssl, (int)certificate.len, certificate.der) == 1 &&
              SSL_CTX_use_PrivateKey(ssl, private_key) == 1;
    EVP_PKEY_free(private_key);
    return ok;
}

/* Every setting is spelled out, so that a system-wide openssl.cnf changes nothing. */
static bool set_profile(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, CHAIN_MAX);
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_send_fragment(ssl, WRD_DTLS_MTU) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 &&
           SSL_CTX_set1_sigalgs_list(ssl, "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512") == 1;
}

static bool fill_context(struct wrd_dtls_context *context, const wrd_key *key)
{
    context->ssl = SSL_CTX_new(DTLS_method());
    context->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wrd datagram");
    if (!context->ssl || !context->method || !set_profile(context->ssl))
        return false;
    if (BIO_meth_set_write(context->method, bio_write) != 1 || BIO_meth_set_read(context->method, bio_read) != 1 ||
        BIO_meth_set_ctrl(context->method, bio_ctrl) != 1)
        return false;
    wrd_key own;
    if (key)
        own = *key;
    else if (wrd_key_random(&own, &context->env) != WRD_OK)
        return false;
    bool ok = set_identity(context->ssl, &own);
    wrd_key_wipe(&own);
    return ok;
}

struct wrd_dtls_context *wrd_dtls_context_new(const wrd_env *env, const wrd_key *key)
{
    struct wrd_dtls_context *context = wrd_mem_zalloc(env, sizeof *context);
    if (!context)
        return NULL;
    context->env = *env;
    bool ok = fill_context(context, key);
    ERR_clear_error();
    if (ok)
        return context;
    wrd_dtls_context_free(context);
    return NULL;
}

void wrd_dtls_context_free(struct wrd_dtls_context *context)
{
    if (!context)
        return;
    wrd_env env = context->env;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    wrd_mem_free(&env, context, sizeof *context);
}

/* ---- handshake ---- */

static bool start_libssl(struct wrd_dtls *dtls, struct wrd_dtls_context *context)
{
    SSL *ssl = dtls->handshake->ssl = SSL_new(context->ssl);
    BIO *bio = ssl ? BIO_new(context->method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, dtls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    DTLS_set_timer_cb(ssl, libssl_timer_us);
    if (SSL_set_mtu(ssl, WRD_DTLS_MTU) == 0 || SSL_set_app_data(ssl, dtls) != 1)
        return false;
    if (dtls->server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    }
    return true;
}

static struct wrd_dtls *new_connection(struct wrd_dtls_context *context, bool server)
{
    struct wrd_dtls *dtls = wrd_mem_zalloc(&context->env, sizeof *dtls);
    if (!dtls)
        return NULL;
    dtls->env = context->env;
    dtls->server = server;
    dtls->state = WRD_DTLS_HANDSHAKING;
    dtls->deadline = WRD_NEVER;
    dtls->sealed_sequence = FIRST_SEQUENCE;
    dtls->handshake = wrd_mem_zalloc(&context->env, sizeof *dtls->handshake);
    bool ok = dtls->handshake != NULL;
    if (ok) {
        dtls->handshake->has_read = true;
        ok = start_libssl(dtls, context);
    }
    ERR_clear_error();
    if (ok)
        return dtls;
    wrd_dtls_free(dtls);
    return NULL;
}

static const char *alert_text(int alert, wrd_result *failure)
{
    bool certificate =
        alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNKNOWN_CA;
    *failure = certificate ? WRD_MISMATCH : WRD_PROTOCOL;
    if (certificate)
        return "The peer refused our certificate: it expects another fingerprint.";
    if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_PROTOCOL_VERSION || alert == SSL_AD_INSUFFICIENT_SECURITY)
        return "The peer shares no DTLS version, cipher suite or curve with us.";
    return "The peer ended the DTLS handshake with an alert.";
}

/* Empties libssl's error queue and tells what it means. An empty queue: not even an error could be allocated. */
static void fail_handshake(struct wrd_dtls *dtls)
{
    wrd_result failure = WRD_PROTOCOL;
    const char *text = "The peer broke a rule of the DTLS handshake.";
    bool short_memory = ERR_peek_error() == 0;
    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
        int reason = ERR_GET_REASON(error);
        if (reason == ERR_R_MALLOC_FAILURE)
            short_memory = true;
        else if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET)
            text = alert_text(reason - SSL_AD_REASON_OFFSET, &failure);
        else if (reason == SSL_R_NO_SHARED_CIPHER || reason == SSL_R_UNSUPPORTED_PROTOCOL)
            text = "The peer shares no DTLS version, cipher suite or curve with us.";
    }
    if (dtls->handshake->mismatch)
        fail(dtls, WRD_MISMATCH, "The server's certificate is not the one that the fingerprint names.");
    else if (short_memory)
        fail(dtls, WRD_NO_MEMORY, "Memory ran out during the DTLS handshake.");
    else
        fail(dtls, failure, text);
}

/* Our Finished message, RFC 5246 section 7.4.9 under the header of RFC 6347. */
static void write_finished(struct wrd_dtls *dtls)
{
    struct handshake *handshake = dtls->handshake;
    struct wrd_writer wr = wrd_wr(dtls->finished, sizeof dtls->finished);
    uint8_t verify_data[12];
    WRD_ASSERT(SSL_get_finished(handshake->ssl, verify_data, sizeof verify_data) == sizeof verify_data);
    wrd_wr32(&wr, (uint32_t)WRD_DTLS_FINISHED << 24 | sizeof verify_data);
    wrd_wr16(&wr, handshake->next_message);
    wrd_wr16(&wr, 0);
    wrd_wr32(&wr, sizeof verify_data); /* offset 0 ends in this word's first byte */
    wrd_wr_bytes(&wr, verify_data, sizeof verify_data);
}

static void open_connection(struct wrd_dtls *dtls)
{
    struct handshake *handshake = dtls->handshake;
    dtls->state = WRD_DTLS_OPEN;
    dtls->deadline = WRD_NEVER;
    dtls->final_due = dtls->server;
    SSL_free(handshake->ssl);
    handshake->ssl = NULL;
    handshake->flight_len = handshake->flight_sent = 0;
    if (handshake->early_len == 0)
        free_handshake(dtls);
}

static void set_timer(struct wrd_dtls *dtls, wrd_time now, wrd_time interval)
{
    dtls->interval = interval;
    dtls->deadline = dtls->server ? WRD_NEVER : now + interval;
}

/* Has libssl taken the peer's ChangeCipherSpec, and waits for Finished? */
static bool awaits_finished(const struct handshake *handshake)
{
    OSSL_HANDSHAKE_STATE state = SSL_get_state(handshake->ssl);
    return state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_CHANGE;
}

static void advance(struct wrd_dtls *dtls, wrd_time now, bool complete)
{
    struct handshake *handshake = dtls->handshake;
    if (!dtls->keys.seal && (handshake->finished || awaits_finished(handshake)) &&
        !wrd_dtls_keys_derive(&dtls->keys, handshake->ssl, dtls->server)) {
        fail(dtls, WRD_NO_MEMORY, "Memory ran out during the DTLS handshake.");
        return;
    }
    if (handshake->new_flight) {
        handshake->new_flight = false;
        dtls->final_due = handshake->finished;
        if (handshake->finished)
            write_finished(dtls);
        set_timer(dtls, now, REPEAT_FIRST_TIME);
    }
    if (complete)
        open_connection(dtls);
}

/* Lets libssl go as far as it can with the record in `in`. */
static void drive(struct wrd_dtls *dtls, wrd_time now)
{
    ERR_clear_error();
    int result = SSL_do_handshake(dtls->handshake->ssl);
    int error = SSL_get_error(dtls->handshake->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        end(dtls, WRD_DTLS_CLOSED);
    else if (error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ)
        advance(dtls, now, error == SSL_ERROR_NONE);
    else
        fail_handshake(dtls);
    ERR_clear_error();
}

static void repeat_flight(struct wrd_dtls *dtls)
{
    dtls->handshake->flight_sent = 0;
    dtls->final_due = dtls->handshake->finished;
}

/* Does this say that the peer lacks our last flight, RFC 6347 section 4.2.4? Only one part of a fragmented message
 * counts, so that one lost answer is not repeated for each of them. */
static bool asks_to_repeat(const struct wrd_dtls *dtls, const struct wrd_dtls_fragment *part)
{
    if (dtls->server)
        return dtls->handshake->flight_len > 0 && part->type == WRD_DTLS_CLIENT_HELLO && part->offset == 0;
    return dtls->handshake->finished && part->type == WRD_DTLS_SERVER_HELLO_DONE;
}

/* May libssl see this plaintext handshake record? */
static bool plain_handshake(struct wrd_dtls *dtls, const struct wrd_dtls_record *record)
{
    struct wrd_reader body = wrd_rd(record->body, record->len);
    struct wrd_dtls_fragment part;
    bool repeat = false;
    while (wrd_dtls_fragment_take(&body, &part)) {
        if (part.message_seq > MESSAGE_SEQ_MAX)
            return false;
        repeat = repeat || asks_to_repeat(dtls, &part);
    }
    if (body.bad || record->len == 0)
        return false;
    if (repeat)
        repeat_flight(dtls);
    return !repeat;
}

static bool plain_alert_counts(const struct wrd_dtls_record *record)
{
    return record->len == 2 && (record->body[0] == ALERT_FATAL || record->body[1] == ALERT_CLOSE_NOTIFY);
}

static void feed(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    dtls->handshake->in = record->header;
    dtls->handshake->in_len = WRD_DTLS_RECORD_HEADER + record->len;
    drive(dtls, now);
}

static void keep_early(struct handshake *handshake, const struct wrd_dtls_record *record)
{
    size_t len = WRD_DTLS_RECORD_HEADER + record->len;
    if (len > EARLY_MAX - handshake->early_len)
        return;
    memcpy(handshake->early + handshake->early_len, record->header, len);
    handshake->early_len += len;
}

/* libssl sees of epoch 1 only what is authentic: it keeps forged records at 17 KB each, and some of them end its
 * handshake. */
static void feed_sealed(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    uint8_t text[CONTROL_MAX];
    size_t len = 0;
    if (!wrd_dtls_window_fresh(&dtls->window, record->sequence) ||
        !wrd_dtls_keys_open(&dtls->keys, record, text, sizeof text, &len))
        return;
    wrd_dtls_window_mark(&dtls->window, record->sequence);
    feed(dtls, now, record);
}

static void feed_early(struct wrd_dtls *dtls, wrd_time now)
{
    struct wrd_reader rd = wrd_rd(dtls->handshake->early, dtls->handshake->early_len);
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_HANDSHAKING && wrd_dtls_record_take(&rd, &record)) {
        if (record.type != WRD_DTLS_DATA)
            feed_sealed(dtls, now, &record);
    }
}

static void sealed_record(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    bool control = record->type == WRD_DTLS_HANDSHAKE || record->type == WRD_DTLS_ALERT;
    if (control && awaits_finished(dtls->handshake))
        feed_sealed(dtls, now, record);
    else if (control || record->type == WRD_DTLS_DATA)
        keep_early(dtls->handshake, record);
}

static void plain_record(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    bool change = record->type == WRD_DTLS_CHANGE_CIPHER_SPEC && record->len == 1;
    if (change || (record->type == WRD_DTLS_ALERT && plain_alert_counts(record)) ||
        (record->type == WRD_DTLS_HANDSHAKE && plain_handshake(dtls, record)))
        feed(dtls, now, record);
    if (dtls->state == WRD_DTLS_HANDSHAKING && change && awaits_finished(dtls->handshake))
        feed_early(dtls, now);
}

/* ---- the door ---- */

struct wrd_dtls *wrd_dtls_server_new(struct wrd_dtls_context *context)
{
    return new_connection(context, true);
}

struct wrd_dtls *wrd_dtls_client_new(struct wrd_dtls_context *context, wrd_time now, const wrd_fingerprint *expected)
{
    struct wrd_dtls *dtls = new_connection(context, false);
    if (!dtls)
        return NULL;
    dtls->expected = *expected;
    drive(dtls, now);
    if (dtls->state == WRD_DTLS_HANDSHAKING)
        return dtls;
    wrd_dtls_free(dtls);
    return NULL;
}

void wrd_dtls_free(struct wrd_dtls *dtls)
{
    if (!dtls)
        return;
    wrd_env env = dtls->env;
    free_handshake(dtls);
    wrd_dtls_keys_free(&dtls->keys);
    wrd_crypto_wipe(dtls, sizeof *dtls);
    wrd_mem_free(&env, dtls, sizeof *dtls);
}

void wrd_dtls_receive(struct wrd_dtls *dtls, wrd_time now, const uint8_t *datagram, size_t len)
{
    struct wrd_reader rd = wrd_rd(datagram, len);
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_HANDSHAKING && wrd_dtls_record_take(&rd, &record)) {
        if (record.epoch == 0)
            plain_record(dtls, now, &record);
        else if (record.epoch == 1)
            sealed_record(dtls, now, &record);
    }
    if (dtls->state == WRD_DTLS_OPEN)
        dtls->datagram = rd;
}

static bool take_record(struct wrd_dtls *dtls, struct wrd_dtls_record *record)
{
    struct handshake *over = dtls->handshake;
    if (over) {
        struct wrd_reader rd = wrd_rd(over->early + over->early_taken, over->early_len - over->early_taken);
        if (wrd_dtls_record_take(&rd, record)) {
            over->early_taken = over->early_len - rd.left;
            return true;
        }
        free_handshake(dtls);
    }
    return wrd_dtls_record_take(&dtls->datagram, record);
}

static void send_alert(struct wrd_dtls *dtls, uint8_t level, uint8_t description)
{
    uint8_t alert[2] = {level, description};
    if (dtls->keys.seal) {
        dtls->alert_len = wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_ALERT, dtls->sealed_sequence++, alert, sizeof alert,
                                             dtls->alert, sizeof dtls->alert);
        return;
    }
    wrd_dtls_record_header(dtls->alert, WRD_DTLS_ALERT, 0, dtls->plain_sequence++, sizeof alert);
    memcpy(dtls->alert + WRD_DTLS_RECORD_HEADER, alert, sizeof alert);
    dtls->alert_len = WRD_DTLS_RECORD_HEADER + sizeof alert;
}

/* An authentic alert or handshake message of an open connection. */
static void control(struct wrd_dtls *dtls, uint8_t type, const uint8_t *text, size_t len)
{
    if (type == WRD_DTLS_HANDSHAKE && len > 0 && text[0] == WRD_DTLS_FINISHED && dtls->server)
        dtls->final_due = true;
    if (type != WRD_DTLS_ALERT || len != 2)
        return;
    if (text[1] == ALERT_CLOSE_NOTIFY) {
        send_alert(dtls, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
        end(dtls, WRD_DTLS_CLOSED);
    } else if (text[0] == ALERT_FATAL) {
        fail(dtls, WRD_PROTOCOL, "The peer ended the connection with a DTLS alert.");
    }
}

size_t wrd_dtls_next(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_OPEN && take_record(dtls, &record)) {
        uint8_t text[CONTROL_MAX];
        bool data = record.type == WRD_DTLS_DATA;
        size_t len = 0;
        if (record.epoch != 1 || !wrd_dtls_window_fresh(&dtls->window, record.sequence) ||
            !wrd_dtls_keys_open(&dtls->keys, &record, data ? out : text, data ? cap : sizeof text, &len))
            continue;
        wrd_dtls_window_mark(&dtls->window, record.sequence);
        if (data && len > 0)
            return len;
        if (!data)
            control(dtls, record.type, text, len);
    }
    return 0;
}

size_t wrd_dtls_seal(struct wrd_dtls *dtls, const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
    bool fits = cap >= WRD_DTLS_OVERHEAD && len <= cap - WRD_DTLS_OVERHEAD;
    if (dtls->state != WRD_DTLS_OPEN || !fits || dtls->sealed_sequence > SEQUENCE_MAX)
        return 0;
    return wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_DATA, dtls->sealed_sequence++, data, len, out, cap);
}

/* Each put_ writes what is due if it fits whole, and answers whether it wrote. */

static bool put_flight_record(struct wrd_dtls *dtls, struct wrd_writer *wr)
{
    struct handshake *handshake = dtls->handshake;
    if (!handshake || handshake->flight_sent == handshake->flight_len)
        return false;
    struct wrd_reader rd =
        wrd_rd(handshake->flight + handshake->flight_sent, handshake->flight_len - handshake->flight_sent);
    struct wrd_dtls_record record;
    WRD_ASSERT(wrd_dtls_record_take(&rd, &record));
    uint8_t *at = wrd_wr_space(wr, WRD_DTLS_RECORD_HEADER + record.len);
    if (!at)
        return false;
    wrd_dtls_record_header(at, record.type, 0, dtls->plain_sequence++, record.len);
    memcpy(at + 1, record.header + 1, 2); /* a ClientHello's record may carry the version of DTLS 1.0 */
    memcpy(at + WRD_DTLS_RECORD_HEADER, record.body, record.len);
    handshake->flight_sent += WRD_DTLS_RECORD_HEADER + record.len;
    return true;
}

static bool put_final(struct wrd_dtls *dtls, struct wrd_writer *wr)
{
    size_t len = CHANGE_CIPHER_SPEC_SIZE + FINISHED_SIZE + WRD_DTLS_OVERHEAD;
    if (!dtls->final_due || wr->bad || wr->cap - wr->len < len)
        return false;
    uint8_t *at = wr->start + wr->len;
    wrd_dtls_record_header(at, WRD_DTLS_CHANGE_CIPHER_SPEC, 0, dtls->plain_sequence++, 1);
    at[WRD_DTLS_RECORD_HEADER] = 1;
    size_t sealed =
        wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_HANDSHAKE, dtls->sealed_sequence++, dtls->finished, FINISHED_SIZE,
                           at + CHANGE_CIPHER_SPEC_SIZE, wr->cap - wr->len - CHANGE_CIPHER_SPEC_SIZE);
    wr->len += CHANGE_CIPHER_SPEC_SIZE + sealed;
    dtls->final_due = false;
    return true;
}

size_t wrd_dtls_transmit(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    struct wrd_writer wr = wrd_wr(out, cap < WRD_DTLS_MTU ? cap : WRD_DTLS_MTU);
    while (put_flight_record(dtls, &wr))
        continue;
    (void)put_final(dtls, &wr);
    if (dtls->alert_len > 0 && !dtls->final_due && !wr.bad && dtls->alert_len <= wr.cap - wr.len) {
        wrd_wr_bytes(&wr, dtls->alert, dtls->alert_len);
        dtls->alert_len = 0;
    }
    return wr.len;
}

wrd_time wrd_dtls_deadline(const struct wrd_dtls *dtls)
{
    return dtls->deadline;
}

void wrd_dtls_expire(struct wrd_dtls *dtls, wrd_time now)
{
    if (dtls->state != WRD_DTLS_HANDSHAKING || now < dtls->deadline)
        return;
    wrd_time twice = 2 * dtls->interval;
    set_timer(dtls, now, twice < REPEAT_MAX_TIME ? twice : REPEAT_MAX_TIME);
    repeat_flight(dtls);
}

void wrd_dtls_close(struct wrd_dtls *dtls)
{
    if (dtls->state == WRD_DTLS_CLOSED || dtls->state == WRD_DTLS_FAILED)
        return;
    send_alert(dtls, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
    end(dtls, WRD_DTLS_CLOSED);
}

enum wrd_dtls_state wrd_dtls_state(const struct wrd_dtls *dtls)
{
    return dtls->state;
}

wrd_result wrd_dtls_failure(const struct wrd_dtls *dtls, const char **text)
{
    if (text)
        *text = dtls->text ? dtls->text : "";
    return dtls->failure;
}
