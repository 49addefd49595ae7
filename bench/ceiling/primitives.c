/* SPDX-License-Identifier: MIT */
/* What a connect costs a server at least: each part by itself, in a loop, on one thread. */
#include "ceiling.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define ROUNDS       7
#define DTLS_PAYLOAD 1200

struct ends {
    SSL_CTX *server, *client;
};

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *out = X509_new();
    if (!out || !X509_set_version(out, 2) || !ASN1_INTEGER_set(X509_get_serialNumber(out), 1) ||
        !X509_gmtime_adj(X509_getm_notBefore(out), 0) || !X509_gmtime_adj(X509_getm_notAfter(out), 86400) ||
        !X509_set_pubkey(out, key) || !X509_sign(out, key, EVP_sha256()))
        give_up("certificate");
    return out;
}

static void contexts(struct ends *ends)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? certificate_of(key) : NULL;
    ends->server = SSL_CTX_new(DTLS_server_method());
    ends->client = SSL_CTX_new(DTLS_client_method());
    if (!certificate || !ends->server || !ends->client || SSL_CTX_use_certificate(ends->server, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(ends->server, key) != 1)
        give_up("libssl");
    SSL_CTX *both[] = {ends->server, ends->client};
    for (int i = 0; i < 2; i++) {
        (void)SSL_CTX_set_min_proto_version(both[i], DTLS1_2_VERSION);
        (void)SSL_CTX_set_max_proto_version(both[i], DTLS1_2_VERSION);
        (void)SSL_CTX_set1_groups_list(both[i], "X25519:P-256");
        (void)SSL_CTX_set_cipher_list(both[i], "ECDHE-ECDSA-AES128-GCM-SHA256");
        (void)SSL_CTX_set_session_cache_mode(both[i], SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_options(both[i], SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static SSL *end_of(SSL_CTX *context, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || !in || !out)
        give_up("libssl");
    (void)SSL_set_mtu(ssl, DTLS_PAYLOAD);
    (void)BIO_up_ref(in);
    (void)BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    return ssl;
}

/* Seconds of the server's end of one handshake, its state made and freed. */
static double handshake(const struct ends *ends)
{
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    (void)BIO_set_mem_eof_return(up, -1);
    (void)BIO_set_mem_eof_return(down, -1);
    SSL *client = end_of(ends->client, down, up);
    SSL_set_connect_state(client);
    double start = cpu_seconds_of(0), used;
    SSL *server = end_of(ends->server, up, down);
    SSL_set_accept_state(server);
    used = cpu_seconds_of(0) - start;
    for (int turn = 0; turn < 10 && (!SSL_is_init_finished(server) || !SSL_is_init_finished(client)); turn++) {
        (void)SSL_do_handshake(client);
        start = cpu_seconds_of(0);
        (void)SSL_do_handshake(server);
        used += cpu_seconds_of(0) - start;
    }
    if (!SSL_is_init_finished(server) || !SSL_is_init_finished(client))
        give_up("handshake");
    start = cpu_seconds_of(0);
    SSL_free(server);
    used += cpu_seconds_of(0) - start;
    SSL_free(client);
    BIO_free(up);
    BIO_free(down);
    return used;
}

static double handshakes(void)
{
    struct ends ends;
    contexts(&ends);
    double best = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double used = 0;
        for (int i = 0; i < 50; i++)
            used += handshake(&ends) / 50;
        best = used < best ? used : best;
    }
    SSL_CTX_free(ends.server);
    SSL_CTX_free(ends.client);
    return best;
}

static void drop(void *user, const struct sockaddr_in *from, uint8_t *datagram, size_t len)
{
    *(unsigned *)user += 1;
}

/* Seconds per datagram of 150 bytes, in batches, each to and from another address. */
static void udp(double *send, double *receive)
{
    enum { SOCKETS = 64, BYTES = 150 };
    static struct flow clients[SOCKETS];
    struct sockaddr_in server_address, from[SOCKETS];
    struct flow server;
    flow_listen(&server, &server_address);
    for (int i = 0; i < SOCKETS; i++) {
        socklen_t len = sizeof from[i];
        flow_connect(&clients[i], &server_address);
        if (getsockname(clients[i].fd, (struct sockaddr *)&from[i], &len))
            give_up("getsockname");
    }
    *send = *receive = 1;
    for (int round = 0; round < 20 * ROUNDS; round++) {
        unsigned came = 0;
        double start = cpu_seconds_of(0);
        for (int i = 0; i < SOCKETS; i++) {
            memset(flow_room(&server), 0, BYTES);
            flow_queue(&server, &from[i], BYTES);
        }
        flow_write(&server);
        double sent = (cpu_seconds_of(0) - start) / SOCKETS;
        for (int i = 0; i < SOCKETS; i++) {
            (void)flow_read(&clients[i], 1, drop, &came);
            memset(flow_room(&clients[i]), 0, BYTES);
            flow_queue(&clients[i], NULL, BYTES);
            flow_write(&clients[i]);
        }
        came = 0;
        start = cpu_seconds_of(0);
        (void)flow_read(&server, 2, drop, &came);
        double taken = (cpu_seconds_of(0) - start) / SOCKETS;
        if (came == SOCKETS) {
            *send = sent < *send ? sent : *send;
            *receive = taken < *receive ? taken : *receive;
        }
    }
    for (int i = 0; i < SOCKETS; i++)
        flow_close(&clients[i]);
    flow_close(&server);
}

static double records(void)
{
    enum { TIMES = 2000, BYTES = 128 };
    static uint8_t datagram[DATAGRAM_MAX];
    struct records ends;
    double best = 1;
    records_open(&ends);
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_seconds_of(0);
        for (int i = 0; i < TIMES; i++)
            if (!records_open_one(&ends, datagram, records_seal(&ends, datagram, BYTES)))
                give_up("records");
        double used = (cpu_seconds_of(0) - start) / TIMES;
        best = used < best ? used : best;
    }
    records_close(&ends);
    return best;
}

/* One STUN check: its MESSAGE-INTEGRITY is verified and the answer's is made. */
static double check(void)
{
    enum { TIMES = 2000 };
    uint8_t message[100] = {0}, sum[EVP_MAX_MD_SIZE];
    double best = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_seconds_of(0);
        for (int i = 0; i < 2 * TIMES; i++)
            if (!HMAC(EVP_sha1(), message, 64, message, sizeof message, sum, NULL))
                give_up("HMAC");
        double used = (cpu_seconds_of(0) - start) / TIMES;
        best = used < best ? used : best;
    }
    return best;
}

void measure_primitives(struct primitives *out)
{
    out->handshake = handshakes();
    udp(&out->udp_send, &out->udp_receive);
    out->seal_and_open = records();
    out->check = check();
}
