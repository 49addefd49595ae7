/* SPDX-License-Identifier: MIT */
#include "dtls/handshake_openssl.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum {
    CHAIN_MAX = 16 * 1024,       /* a server's certificates */
    CLIENT_CHAIN_MAX = 2 * 1024, /* a client's: libssl reads each one of them, at the price of a handshake */
    VERIFY_DATA_SIZE = 12
};

/* The queue is this thread's, and libssl takes what stands in it for its own. It is nearly always empty, and a look at
 * it costs far less than to clear it. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* ---- the BIO: libssl's side of a flight ---- */

static void append_to_flight(struct wrd_dtls_handshake *handshake, const struct wrd_dtls_record *record)
{
    size_t len = WRD_DTLS_RECORD_HEADER + record->len;
    WRD_ASSERT(len <= WRD_DTLS_FLIGHT_MAX - handshake->flight_len);
    memcpy(handshake->flight + handshake->flight_len, record->header, len);
    handshake->flight_len += len;
    struct wrd_reader body = wrd_rd(record->body, record->len);
    struct wrd_dtls_fragment part;
    while (wrd_dtls_fragment_take(&body, &part))
        handshake->next_message = (uint16_t)(part.message_seq + 1);
}

static void collect(struct wrd_dtls_handshake *handshake, const struct wrd_dtls_record *record)
{
    WRD_ASSERT(record->epoch == 0 || record->sequence < WRD_DTLS_FIRST_SEQUENCE);
    if (record->type == WRD_DTLS_ALERT && record->len <= WRD_DTLS_ALERT_MAX - WRD_DTLS_RECORD_HEADER) {
        handshake->alert_len = WRD_DTLS_RECORD_HEADER + record->len;
        memcpy(handshake->alert, record->header, handshake->alert_len);
    }
    if (record->type != WRD_DTLS_HANDSHAKE)
        return;
    if (handshake->has_read) {
        handshake->has_read = false;
        handshake->new_flight = true;
        handshake->finished = false;
        handshake->flight_len = 0;
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
    struct wrd_dtls_handshake *handshake = BIO_get_data(bio);
    const struct wrd_dtls_record *in = handshake->in;
    BIO_clear_retry_flags(bio);
    handshake->in = NULL;
    if (!in || cap < 0 || WRD_DTLS_RECORD_HEADER + in->len > (size_t)cap) {
        BIO_set_retry_read(bio);
        return -1;
    }
    handshake->has_read = true;
    memcpy(out, in->header, WRD_DTLS_RECORD_HEADER + in->len);
    return (int)(WRD_DTLS_RECORD_HEADER + in->len);
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
    struct wrd_dtls_handshake *handshake = SSL_get_app_data(ssl);
    uint8_t *der = NULL;
    int len = i2d_X509(X509_STORE_CTX_get0_cert(store), &der);
    handshake->has_certificate = len > 0 && wrd_sha256(handshake->certificate.bytes, der, (size_t)len);
    OPENSSL_free(der);
    if (!handshake->has_certificate) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    if (!handshake->server && memcmp(&handshake->certificate, &handshake->expected, sizeof(wrd_fingerprint)) != 0) {
        handshake->mismatch = true;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* becomes the alert bad_certificate */
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* Whoever made this end with `asked` has looked at the cookie. */
static int cookie_is_good(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
    (void)ssl;
    (void)cookie;
    (void)len;
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
    SSL_CTX_set_cookie_verify_cb(ssl, cookie_is_good);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_send_fragment(ssl, WRD_DTLS_MTU) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
           /* Nobody here sends media, but pion and aiortc end a handshake whose use_srtp (RFC 5764) is not answered. */
           SSL_CTX_set_tlsext_use_srtp(ssl, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 &&
           SSL_CTX_set1_sigalgs_list(ssl, "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512") == 1;
}

static bool make_method(struct wrd_dtls_context *context)
{
    context->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wrd datagram");
    return context->method && BIO_meth_set_write(context->method, bio_write) == 1 &&
           BIO_meth_set_read(context->method, bio_read) == 1 && BIO_meth_set_ctrl(context->method, bio_ctrl) == 1;
}

/* A client without a key is asked for a certificate: it makes one, for most are never asked, and libssl takes longer to
 * read a certificate than for the rest of a client's beginning. */
static int give_certificate(SSL *ssl, X509 **x509, EVP_PKEY **private_key)
{
    struct wrd_dtls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    wrd_certificate certificate;
    if (!context->has_own && wrd_key_random(&context->own, &context->env) != WRD_OK)
        return 0;
    context->has_own = true;
    if (wrd_certificate_from_key(&certificate, &context->own) != WRD_OK)
        return 0;
    const unsigned char *at = certificate.der;
    *x509 = d2i_X509(NULL, &at, (long)certificate.len);
    *private_key = *x509 ? make_private_key(&context->own) : NULL;
    if (*private_key)
        return 1;
    X509_free(*x509);
    *x509 = NULL;
    return 0; /* goes on without: who insists on one ends the handshake */
}

/* `key` NULL: of clients only. */
static bool add_identity(struct wrd_dtls_context *context, unsigned identity, const wrd_key *key)
{
    SSL_CTX *ssl = context->ssl[identity] = SSL_CTX_new(DTLS_method());
    if (!ssl || !set_profile(ssl) || SSL_CTX_set_app_data(ssl, context) != 1 || (key && !set_identity(ssl, key)))
        return false;
    if (!key)
        SSL_CTX_set_client_cert_cb(ssl, give_certificate);
    /* A client without a certificate may go on. The request names no authorities, which RFC 5246 7.4.4 allows and both
     * BoringSSL and NSS take; it is TLS 1.3 whose extension may not be empty. It asks for ECDSA alone: a browser whose
     * page made it an RSA certificate ends the handshake, those that made none have ECDSA on P-256. */
    SSL_CTX_set_verify(ssl, context->ask_certificate ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return true;
}

static bool fill_context(struct wrd_dtls_context *context, const struct wrd_dtls_settings *settings)
{
    bool ok = make_method(context), any = false;
    context->ask_certificate = settings->ask_certificate;
    for (unsigned i = 0; ok && i < WRD_DTLS_IDENTITIES_MAX; i++) {
        if (!settings->identities[i])
            continue;
        ok = add_identity(context, i, settings->identities[i]);
        any = true;
    }
    if (!ok || any)
        return ok;
    return add_identity(context, 0, NULL);
}

struct wrd_dtls_context *wrd_dtls_context_new(const wrd_env *env, const struct wrd_dtls_settings *settings)
{
    struct wrd_dtls_context *context = wrd_mem_zalloc(env, sizeof *context);
    if (!context)
        return NULL;
    context->env = *env;
    bool ok = fill_context(context, settings);
    clear_errors();
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
    wrd_key_wipe(&context->own);
    wrd_dtls_ciphers_free(&context->ciphers);
    for (unsigned i = 0; i < WRD_DTLS_IDENTITIES_MAX; i++)
        SSL_CTX_free(context->ssl[i]);
    BIO_meth_free(context->method);
    wrd_mem_free(&env, context, sizeof *context);
}

static void log_key(const SSL *ssl, const char *line)
{
    const struct wrd_dtls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    context->log(context->log_user, line);
}

void wrd_dtls_context_log_keys(struct wrd_dtls_context *context, void (*log)(void *user, const char *line), void *user)
{
    context->log = log;
    context->log_user = user;
    for (unsigned i = 0; i < WRD_DTLS_IDENTITIES_MAX; i++) {
        if (context->ssl[i])
            SSL_CTX_set_keylog_callback(context->ssl[i], log_key);
    }
}

/* ---- handshake ---- */

static bool start_libssl(struct wrd_dtls_handshake *handshake, struct wrd_dtls_context *context, unsigned identity)
{
    WRD_ASSERT(identity < WRD_DTLS_IDENTITIES_MAX && context->ssl[identity]);
    SSL *ssl = handshake->ssl = SSL_new(context->ssl[identity]);
    BIO *bio = ssl ? BIO_new(context->method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, handshake);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    DTLS_set_timer_cb(ssl, libssl_timer_us);
    if (SSL_set_mtu(ssl, WRD_DTLS_MTU) == 0 || SSL_set_app_data(ssl, handshake) != 1)
        return false;
    if (handshake->server) {
        SSL_set_accept_state(ssl);
        SSL_set_max_cert_list(ssl, CLIENT_CHAIN_MAX);
    } else {
        SSL_set_connect_state(ssl);
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    }
    return true;
}

bool wrd_dtls_handshake_start(struct wrd_dtls_handshake *handshake, struct wrd_dtls_context *context,
                              const wrd_fingerprint *expected, bool asked, unsigned identity)
{
    handshake->server = expected == NULL;
    handshake->asked = asked;
    handshake->has_read = true;
    if (expected)
        handshake->expected = *expected;
    bool ok = start_libssl(handshake, context, identity);
    clear_errors();
    return ok;
}

void wrd_dtls_handshake_stop(struct wrd_dtls_handshake *handshake)
{
    SSL_free(handshake->ssl);
    handshake->ssl = NULL;
    clear_errors();
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
static void explain(struct wrd_dtls_handshake *handshake)
{
    bool short_memory = ERR_peek_error() == 0;
    handshake->failure = WRD_PROTOCOL;
    handshake->text = "The peer broke a rule of the DTLS handshake.";
    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
        int reason = ERR_GET_REASON(error);
        if (reason == ERR_R_MALLOC_FAILURE)
            short_memory = true;
        else if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET)
            handshake->text = alert_text(reason - SSL_AD_REASON_OFFSET, &handshake->failure);
        else if (reason == SSL_R_NO_SHARED_CIPHER || reason == SSL_R_UNSUPPORTED_PROTOCOL)
            handshake->text = "The peer shares no DTLS version, cipher suite or curve with us.";
    }
    if (handshake->mismatch) {
        handshake->failure = WRD_MISMATCH;
        handshake->text = "The server's certificate is not the one that the fingerprint names.";
    } else if (short_memory) {
        handshake->failure = WRD_NO_MEMORY;
        handshake->text = "Memory ran out during the DTLS handshake.";
    }
}

/* Lets libssl begin at the second ClientHello, as if it had made the request itself. It looks at the record, and reads
 * it once more afterwards. */
static bool skip_first_hello(struct wrd_dtls_handshake *handshake, const struct wrd_dtls_record *record)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    handshake->in = record;
    bool ok = nobody && DTLSv1_listen(handshake->ssl, nobody) == 1;
    BIO_ADDR_free(nobody);
    handshake->in = NULL;
    clear_errors();
    return ok;
}

enum wrd_dtls_step wrd_dtls_handshake_step(struct wrd_dtls_handshake *handshake, const struct wrd_dtls_record *record)
{
    enum wrd_dtls_step step = WRD_DTLS_BROKEN;
    clear_errors();
    if (handshake->asked) {
        if (!record || !skip_first_hello(handshake, record))
            return WRD_DTLS_WAITS;
        handshake->asked = false;
        record = NULL; /* libssl kept it */
    }
    handshake->in = record;
    int error = SSL_get_error(handshake->ssl, SSL_do_handshake(handshake->ssl));
    handshake->in = NULL;
    if (error == SSL_ERROR_NONE)
        step = WRD_DTLS_COMPLETE;
    else if (error == SSL_ERROR_WANT_READ)
        step = WRD_DTLS_WAITS;
    else if (error == SSL_ERROR_ZERO_RETURN)
        step = WRD_DTLS_REFUSED;
    else
        explain(handshake);
    clear_errors();
    return step;
}

bool wrd_dtls_handshake_awaits_finished(const struct wrd_dtls_handshake *handshake)
{
    OSSL_HANDSHAKE_STATE state = SSL_get_state(handshake->ssl);
    return state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_CHANGE;
}

/* RFC 5246 section 7.4.9 under the header of RFC 6347. */
void wrd_dtls_handshake_finished(const struct wrd_dtls_handshake *handshake, uint8_t out[WRD_DTLS_FINISHED_SIZE])
{
    uint8_t verify_data[VERIFY_DATA_SIZE];
    WRD_ASSERT(SSL_get_finished(handshake->ssl, verify_data, sizeof verify_data) == sizeof verify_data);
    struct wrd_writer wr = wrd_wr(out, WRD_DTLS_FINISHED_SIZE);
    wrd_wr32(&wr, (uint32_t)WRD_DTLS_FINISHED << 24 | VERIFY_DATA_SIZE);
    wrd_wr16(&wr, handshake->next_message);
    wrd_wr16(&wr, 0);
    wrd_wr32(&wr, VERIFY_DATA_SIZE); /* offset 0 ends in this word's first byte */
    wrd_wr_bytes(&wr, verify_data, sizeof verify_data);
    WRD_ASSERT(!wr.bad);
}
