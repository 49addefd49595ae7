/* SPDX-License-Identifier: MIT */
/*
 * What a DTLS record costs: sealed by one end and opened by the other, beside libcrypto's AEAD alone, whose context
 * stays and gets only a nonce each time. With one connection, and with a thousand in turn, whose keys never stay
 * loaded. They take turns, so that the machine's moods reach all of them.
 */
#include "bench.h"

#include "dtls/handshake_openssl.h"
#include "endpoint/env.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_EACH 0.02

enum { ROUNDS = 15, BATCH = 1000, MANY = 1000, DATA_MAX = 1200, TAG_SIZE = 16, NONCE_SIZE = 12, AAD_SIZE = 13 };

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_record: %s\n", what);
    exit(1);
}

/* ---- ours */

struct ours {
    struct wrd_dtls_context *client_context, *server_context;
    int count, turn;
    struct wrd_dtls *clients[MANY], *servers[MANY];
};

static void shake_hands(struct wrd_dtls *client, struct wrd_dtls *server)
{
    struct wrd_dtls *ends[] = {client, server};
    uint8_t bytes[WRD_DTLS_MTU], out[16];
    expect(client && server, "no connection");
    for (int step = 0; step < 4; step++) {
        size_t len = wrd_dtls_transmit(ends[step & 1], 0, bytes, sizeof bytes);
        wrd_dtls_receive(ends[!(step & 1)], 0, bytes, len);
        (void)wrd_dtls_next(ends[!(step & 1)], 0, out, sizeof out);
    }
    expect(wrd_dtls_state(client) == WRD_DTLS_OPEN && wrd_dtls_state(server) == WRD_DTLS_OPEN, "no handshake");
}

static struct ours *ours_new(int count, const char *suite)
{
    wrd_env env = wrd_env_complete(NULL);
    wrd_key key;
    wrd_fingerprint fingerprint;
    struct ours *ours = calloc(1, sizeof *ours);
    expect(ours && wrd_key_random(&key, &env) == WRD_OK && wrd_key_fingerprint(&fingerprint, &key) == WRD_OK, "no key");
    ours->client_context = wrd_dtls_context_new(&env, &(struct wrd_dtls_settings){0});
    ours->server_context = wrd_dtls_context_new(&env, &(struct wrd_dtls_settings){.identities = {&key}});
    expect(ours->client_context && ours->server_context, "no context");
    expect(SSL_CTX_set_cipher_list(ours->client_context->ssl[0], suite) == 1, "no such cipher suite");
    ours->count = count;
    for (int i = 0; i < count; i++) {
        ours->servers[i] = wrd_dtls_server_new(ours->server_context, false, 0);
        ours->clients[i] = wrd_dtls_client_new(ours->client_context, 0, &fingerprint);
        shake_hands(ours->clients[i], ours->servers[i]);
    }
    return ours;
}

static void ours_free(struct ours *ours)
{
    for (int i = 0; i < ours->count; i++) {
        wrd_dtls_free(ours->clients[i]);
        wrd_dtls_free(ours->servers[i]);
    }
    wrd_dtls_context_free(ours->client_context);
    wrd_dtls_context_free(ours->server_context);
    free(ours);
}

static void ours_batch(void *setup, size_t size)
{
    static uint8_t data[DATA_MAX], record[DATA_MAX + WRD_DTLS_OVERHEAD], out[DATA_MAX];
    struct ours *ours = setup;
    for (int i = 0; i < BATCH; i++) {
        int at = ours->turn++ % ours->count;
        size_t len = wrd_dtls_seal(ours->servers[at], data, size, record, sizeof record);
        wrd_dtls_receive(ours->clients[at], 0, record, len);
        expect(wrd_dtls_next(ours->clients[at], 0, out, sizeof out) == size, "a record was lost");
    }
}

/* ---- libcrypto's AEAD alone */

struct aead {
    EVP_CIPHER_CTX *seal, *open;
    uint64_t number;
};

static struct aead aead_new(const EVP_CIPHER *cipher)
{
    static const uint8_t key[32] = {1};
    struct aead aead = {.seal = EVP_CIPHER_CTX_new(), .open = EVP_CIPHER_CTX_new()};
    expect(aead.seal && aead.open && EVP_EncryptInit_ex(aead.seal, cipher, NULL, key, NULL) == 1 &&
               EVP_DecryptInit_ex(aead.open, cipher, NULL, key, NULL) == 1,
           "no AEAD");
    return aead;
}

static void aead_free(struct aead *aead)
{
    EVP_CIPHER_CTX_free(aead->seal);
    EVP_CIPHER_CTX_free(aead->open);
}

static void aead_batch(void *setup, size_t size)
{
    static uint8_t data[DATA_MAX], sealed[DATA_MAX], out[DATA_MAX], aad[AAD_SIZE];
    struct aead *aead = setup;
    for (int i = 0; i < BATCH; i++) {
        uint8_t nonce[NONCE_SIZE] = {0}, tag[TAG_SIZE];
        int n = 0;
        aead->number++;
        memcpy(nonce, &aead->number, sizeof aead->number);
        bool ok = EVP_EncryptInit_ex(aead->seal, NULL, NULL, NULL, nonce) == 1 &&
                  EVP_EncryptUpdate(aead->seal, NULL, &n, aad, sizeof aad) == 1 &&
                  EVP_EncryptUpdate(aead->seal, sealed, &n, data, (int)size) == 1 &&
                  EVP_EncryptFinal_ex(aead->seal, sealed + size, &n) == 1 &&
                  EVP_CIPHER_CTX_ctrl(aead->seal, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
        ok = ok && EVP_DecryptInit_ex(aead->open, NULL, NULL, NULL, nonce) == 1 &&
             EVP_CIPHER_CTX_ctrl(aead->open, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
             EVP_DecryptUpdate(aead->open, NULL, &n, aad, sizeof aad) == 1 &&
             EVP_DecryptUpdate(aead->open, out, &n, sealed, (int)size) == 1 &&
             EVP_DecryptFinal_ex(aead->open, out + size, &n) == 1;
        expect(ok, "the AEAD failed");
    }
}

/* ---- */

/* Nanoseconds for one sealed and one opened. */
static double cost(void (*batch)(void *setup, size_t size), void *setup, size_t size)
{
    double used = 0, start = bench_cpu_seconds();
    int count = 0;
    for (; used < SECONDS_EACH; count += BATCH) {
        batch(setup, size);
        used = bench_cpu_seconds() - start;
    }
    return used * 1e9 / count;
}

static void compare(struct bench *bench, const char *suite, const EVP_CIPHER *cipher, struct ours *one,
                    struct ours *many, size_t size)
{
    struct aead aead = aead_new(cipher);
    double ns[3][ROUNDS], median[3];
    char name[80];
    for (int round = 0; round < ROUNDS; round++) {
        ns[0][round] = cost(ours_batch, one, size);
        ns[1][round] = cost(aead_batch, &aead, size);
        ns[2][round] = cost(ours_batch, many, size);
    }
    for (int i = 0; i < 3; i++)
        median[i] = bench_median(ns[i], ROUNDS, NULL);
    (void)snprintf(name, sizeof name, "seal and open %zu B, %s", size, suite);
    bench_row(bench, name, median[0], "ns", "EVP alone", median[0] / median[1], 0);
    (void)snprintf(name, sizeof name, "the same / EVP alone");
    bench_row_below(bench, name, median[0] / median[1], "x", NULL, 0, size == DATA_MAX ? 1.15 : 0);
    (void)snprintf(name, sizeof name, "the same, %d connections in turn", MANY);
    bench_row(bench, name, median[2], "ns", "EVP alone", median[2] / median[1], 0);
    aead_free(&aead);
}

static void compare_sizes(struct bench *bench, const char *suite, const char *name, const EVP_CIPHER *cipher)
{
    static const size_t sizes[] = {16, 128, DATA_MAX};
    struct ours *one = ours_new(1, suite), *many = ours_new(MANY, suite);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        compare(bench, name, cipher, one, many, sizes[i]);
    ours_free(one);
    ours_free(many);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct bench bench;
    bench_open(&bench, argv[0], "record");
    compare_sizes(&bench, "ECDHE-ECDSA-AES128-GCM-SHA256", "AES-128-GCM", EVP_aes_128_gcm());
    compare_sizes(&bench, "ECDHE-ECDSA-CHACHA20-POLY1305", "ChaCha20-Poly1305", EVP_chacha20_poly1305());
    bench_close(&bench);
    return 0;
}
