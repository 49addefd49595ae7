/* SPDX-License-Identifier: MIT */
/*
 * What a DTLS handshake costs its server: ours, libssl alone with the same settings, and the public-key operations that
 * neither can do without. In memory, no loss, only the server's calls are timed. They take turns, so that the machine's
 * moods reach all of them.
 */
#include "bench.h"

#include "dtls/dtls.h"
#include "endpoint/env.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_EACH 0.1

/* A batch of connections is at the same step at a time, so that reading the clock does not count. */
enum { BATCH = 16, ROUNDS = 9, DATAGRAM_MAX = 2048, QUEUE_MAX = 16 };

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_handshake: %s\n", what);
    exit(1);
}

/* ---- ours */

struct ours {
    struct wrd_dtls_context *client, *server;
    wrd_fingerprint expected;
};

static struct ours ours_new(const wrd_key *key, bool ask)
{
    wrd_env env = wrd_env_complete(NULL);
    wrd_key client_key;
    struct ours ours;
    expect(wrd_key_random(&client_key, NULL) == WRD_OK, "no random key");
    ours.client = wrd_dtls_context_new(&env, &(struct wrd_dtls_settings){.identities = {&client_key}});
    ours.server = wrd_dtls_context_new(&env, &(struct wrd_dtls_settings){.identities = {key}, .ask_certificate = ask});
    expect(ours.client && ours.server && wrd_key_fingerprint(&ours.expected, key) == WRD_OK, "no context of ours");
    return ours;
}

static void ours_free(struct ours *ours)
{
    wrd_dtls_context_free(ours->client);
    wrd_dtls_context_free(ours->server);
}

static void ours_take(struct wrd_dtls *end, const uint8_t *datagram, size_t len)
{
    uint8_t out[16];
    wrd_dtls_receive(end, 0, datagram, len);
    (void)wrd_dtls_next(end, 0, out, sizeof out);
}

/* One flight of each client to its server, whose answers come back; answers the seconds that the servers took. */
static double ours_flight(struct wrd_dtls *const clients[BATCH], struct wrd_dtls *const servers[BATCH])
{
    static uint8_t datagrams[BATCH][WRD_DTLS_MTU];
    size_t len[BATCH];
    for (int i = 0; i < BATCH; i++)
        len[i] = wrd_dtls_transmit(clients[i], 0, datagrams[i], WRD_DTLS_MTU);
    double start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++) {
        ours_take(servers[i], datagrams[i], len[i]);
        len[i] = wrd_dtls_transmit(servers[i], 0, datagrams[i], WRD_DTLS_MTU);
    }
    double used = bench_cpu_seconds() - start;
    for (int i = 0; i < BATCH; i++)
        ours_take(clients[i], datagrams[i], len[i]);
    return used;
}

static double ours_batch(const void *setup, bool ask)
{
    const struct ours *ours = setup;
    struct wrd_dtls *clients[BATCH], *servers[BATCH];
    wrd_fingerprint peer;
    for (int i = 0; i < BATCH; i++)
        clients[i] = wrd_dtls_client_new(ours->client, 0, &ours->expected);
    double start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++)
        servers[i] = wrd_dtls_server_new(ours->server, false, 0);
    double used = bench_cpu_seconds() - start;
    for (int i = 0; i < BATCH; i++)
        expect(clients[i] && servers[i], "no connection of ours");
    used += ours_flight(clients, servers);
    used += ours_flight(clients, servers);
    for (int i = 0; i < BATCH; i++)
        expect(wrd_dtls_state(clients[i]) == WRD_DTLS_OPEN && wrd_dtls_state(servers[i]) == WRD_DTLS_OPEN &&
                   wrd_dtls_peer_fingerprint(servers[i], &peer) == ask,
               "our handshake did not end");
    start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++)
        wrd_dtls_free(servers[i]);
    used += bench_cpu_seconds() - start;
    for (int i = 0; i < BATCH; i++)
        wrd_dtls_free(clients[i]);
    return used;
}

/* ---- libssl alone */

struct queue {
    int first, count;
    size_t len[QUEUE_MAX];
    uint8_t bytes[QUEUE_MAX][DATAGRAM_MAX];
};

struct wire { /* of one end */
    struct queue *in, *out;
};

static int wire_write(BIO *bio, const char *data, int len)
{
    struct queue *out = ((struct wire *)BIO_get_data(bio))->out;
    expect(len > 0 && len <= DATAGRAM_MAX && out->count < QUEUE_MAX, "libssl says too much");
    int at = (out->first + out->count++) % QUEUE_MAX;
    memcpy(out->bytes[at], data, (size_t)len);
    out->len[at] = (size_t)len;
    return len;
}

static int wire_read(BIO *bio, char *out, int cap)
{
    struct queue *in = ((struct wire *)BIO_get_data(bio))->in;
    BIO_clear_retry_flags(bio);
    if (in->count == 0 || in->len[in->first] > (size_t)cap) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t len = in->len[in->first];
    memcpy(out, in->bytes[in->first], len);
    in->first = (in->first + 1) % QUEUE_MAX;
    in->count--;
    return (int)len;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

struct bare {
    SSL_CTX *client, *server;
    BIO_METHOD *method;
};

static int accept_any(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* As in handshake_openssl.c. */
static SSL_CTX *bare_context(EVP_PKEY *key, X509 *certificate, int verify)
{
    SSL_CTX *ssl = SSL_CTX_new(DTLS_method());
    expect(ssl != NULL, "no context of libssl");
    SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cert_verify_callback(ssl, accept_any, NULL);
    SSL_CTX_set_verify(ssl, verify, NULL);
    expect(SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
               SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
               SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 && SSL_CTX_use_certificate(ssl, certificate) == 1 &&
               SSL_CTX_use_PrivateKey(ssl, key) == 1,
           "libssl refuses its settings");
    return ssl;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    expect(certificate && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
               X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
               X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) && X509_set_pubkey(certificate, key) == 1 &&
               X509_sign(certificate, key, EVP_sha256()) > 0,
           "no certificate");
    return certificate;
}

static struct bare bare_new(EVP_PKEY *key, bool ask)
{
    X509 *certificate = make_certificate(key);
    struct bare bare;
    bare.client = bare_context(key, certificate, SSL_VERIFY_PEER);
    bare.server = bare_context(key, certificate, ask ? SSL_VERIFY_PEER : SSL_VERIFY_NONE);
    bare.method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bench datagram");
    expect(bare.method && BIO_meth_set_write(bare.method, wire_write) == 1 &&
               BIO_meth_set_read(bare.method, wire_read) == 1 && BIO_meth_set_ctrl(bare.method, wire_ctrl) == 1,
           "no BIO");
    X509_free(certificate);
    return bare;
}

static void bare_free(struct bare *bare)
{
    SSL_CTX_free(bare->client);
    SSL_CTX_free(bare->server);
    BIO_meth_free(bare->method);
}

static SSL *bare_end(const struct bare *bare, SSL_CTX *context, struct wire *wire)
{
    SSL *ssl = SSL_new(context);
    BIO *bio = BIO_new(bare->method);
    expect(ssl && bio, "no connection of libssl");
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    expect(SSL_set_mtu(ssl, WRD_DTLS_MTU) != 0, "libssl refuses the MTU");
    return ssl;
}

static void shake(SSL *const ends[BATCH])
{
    for (int i = 0; i < BATCH; i++)
        (void)SSL_do_handshake(ends[i]);
}

static double bare_batch(const void *setup, bool ask)
{
    const struct bare *bare = setup;
    static struct queue up[BATCH], down[BATCH];
    struct wire wires[2][BATCH];
    SSL *clients[BATCH], *servers[BATCH];
    for (int i = 0; i < BATCH; i++) {
        up[i].first = up[i].count = down[i].first = down[i].count = 0;
        wires[0][i] = (struct wire){.in = &down[i], .out = &up[i]};
        wires[1][i] = (struct wire){.in = &up[i], .out = &down[i]};
        clients[i] = bare_end(bare, bare->client, &wires[0][i]);
        SSL_set_connect_state(clients[i]);
    }
    double start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++) {
        servers[i] = bare_end(bare, bare->server, &wires[1][i]);
        SSL_set_accept_state(servers[i]);
    }
    double used = bench_cpu_seconds() - start;
    for (int flight = 0; flight < 2; flight++) {
        shake(clients);
        start = bench_cpu_seconds();
        shake(servers);
        used += bench_cpu_seconds() - start;
    }
    shake(clients);
    for (int i = 0; i < BATCH; i++)
        expect(SSL_is_init_finished(clients[i]) && SSL_is_init_finished(servers[i]) &&
                   (SSL_get0_peer_certificate(servers[i]) != NULL) == ask,
               "the handshake of libssl did not end");
    start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++)
        SSL_free(servers[i]);
    used += bench_cpu_seconds() - start;
    for (int i = 0; i < BATCH; i++)
        SSL_free(clients[i]);
    return used;
}

/* ---- the public-key operations: X25519, one signature and, with a certificate, one verification */

struct primitives {
    EVP_PKEY *key, *peer; /* P-256; X25519 */
};

static void primitives_once(const struct primitives *p, bool ask)
{
    uint8_t digest[32] = {1}, secret[32], signature[80];
    size_t secret_len = sizeof secret, signature_len = sizeof signature;
    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new(own, NULL), *sign = EVP_PKEY_CTX_new(p->key, NULL);
    bool ok = EVP_PKEY_derive_init(derive) == 1 && EVP_PKEY_derive_set_peer(derive, p->peer) == 1 &&
              EVP_PKEY_derive(derive, secret, &secret_len) == 1 && EVP_PKEY_sign_init(sign) == 1 &&
              EVP_PKEY_sign(sign, signature, &signature_len, digest, sizeof digest) == 1;
    if (ask) {
        EVP_PKEY_CTX *verify = EVP_PKEY_CTX_new(p->key, NULL);
        ok = ok && EVP_PKEY_verify_init(verify) == 1 &&
             EVP_PKEY_verify(verify, signature, signature_len, digest, sizeof digest) == 1;
        EVP_PKEY_CTX_free(verify);
    }
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_free(own);
    expect(ok, "libcrypto refuses");
}

static double primitives_batch(const void *setup, bool ask)
{
    double start = bench_cpu_seconds();
    for (int i = 0; i < BATCH; i++)
        primitives_once(setup, ask);
    return bench_cpu_seconds() - start;
}

/* ---- */

static double per_second(double (*batch)(const void *setup, bool ask), const void *setup, bool ask)
{
    double used = 0, start = bench_cpu_seconds();
    int count = 0;
    for (; bench_cpu_seconds() - start < SECONDS_EACH; count += BATCH)
        used += batch(setup, ask);
    return count / used;
}

static void compare(struct bench *bench, const wrd_key *key, EVP_PKEY *evp_key, EVP_PKEY *peer, bool ask)
{
    struct ours ours = ours_new(key, ask);
    struct bare bare = bare_new(evp_key, ask);
    struct primitives primitives = {evp_key, peer};
    double rates[3][ROUNDS], median[3];
    for (int round = 0; round < ROUNDS; round++) {
        rates[0][round] = per_second(ours_batch, &ours, ask);
        rates[1][round] = per_second(bare_batch, &bare, ask);
        rates[2][round] = per_second(primitives_batch, &primitives, ask);
    }
    for (int i = 0; i < 3; i++)
        median[i] = bench_median(rates[i], ROUNDS, NULL);
    const char *name = ask ? "DTLS 1.2 handshakes, client's certificate" : "DTLS 1.2 handshakes";
    bench_row(bench, name, median[0] / 1e3, "k/s", "libssl alone", median[0] / median[1], 0);
    bench_row(bench, name, median[0] / 1e3, "k/s", "public-key operations", median[0] / median[2], 0);
    ours_free(&ours);
    bare_free(&bare);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct bench bench;
    wrd_key key;
    EVP_PKEY *evp_key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), *peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    expect(evp_key && peer && wrd_key_random(&key, NULL) == WRD_OK, "no keys");
    bench_open(&bench, argv[0], "handshake");
    for (int ask = 0; ask < 2; ask++)
        compare(&bench, &key, evp_key, peer, ask != 0);
    bench_close(&bench);
    EVP_PKEY_free(evp_key);
    EVP_PKEY_free(peer);
    return 0;
}
