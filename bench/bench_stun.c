/* SPDX-License-Identifier: MIT */
/*
 * What a connectivity check costs a server that keeps nothing: right ones, and those of a flood, which should cost less
 * the sooner they can be told. Beside it what libcrypto's HMAC takes for the two MACs of a right one.
 */
#include "bench.h"

#include "crypto/crypto.h"
#include "ice/ice.h"
#include "stun/stun.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_EACH 0.01

enum { ROUNDS = 25, BATCH = 1000, CHECKS = 5 };

static const char ufrag[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

struct check {
    const char *name;
    size_t len, answer_len;
    uint8_t bytes[WRD_STUN_MESSAGE_MAX];
};

static size_t write_check(uint8_t *out, const char *key, const uint8_t transaction[WRD_STUN_TRANSACTION_SIZE])
{
    char username[sizeof ufrag + 5];
    (void)snprintf(username, sizeof username, "%s:abcd", ufrag);
    struct wrd_stun_request request = {.transaction = transaction,
                                       .username = username,
                                       .username_len = strlen(username),
                                       .priority = 1,
                                       .tie_breaker = 2,
                                       .use_candidate = true};
    return wrd_stun_write_request(out, WRD_STUN_MESSAGE_MAX, &request, (const uint8_t *)key, strlen(key));
}

static void make_checks(struct check checks[CHECKS])
{
    static const char *const names[CHECKS] = {"a right check, answered", "a wrong MESSAGE-INTEGRITY",
                                              "a wrong FINGERPRINT", "random bytes behind STUN's header",
                                              "random bytes"};
    uint8_t transaction[WRD_STUN_TRANSACTION_SIZE];
    for (int i = 0; i < CHECKS; i++) {
        struct check *check = &checks[i];
        wrd_crypto_random(NULL, transaction, sizeof transaction);
        check->name = names[i];
        check->len = write_check(check->bytes, i == 1 ? "another key" : ufrag, transaction);
    }
    checks[2].bytes[checks[2].len - 1] ^= 1;
    wrd_crypto_random(NULL, checks[3].bytes + WRD_STUN_HEADER_SIZE, checks[3].len - WRD_STUN_HEADER_SIZE);
    wrd_crypto_random(NULL, checks[4].bytes, checks[4].len);
}

static double answer_ns(struct check *check)
{
    static const wrd_addr remote = {.family = 4, .ip = {198, 51, 100, 7}, .port = 50000};
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    double used = 0, start = bench_cpu_seconds();
    int count = 0;
    for (; used < SECONDS_EACH; count += BATCH) {
        for (int i = 0; i < BATCH; i++)
            check->answer_len = wrd_ice_lite_answer(&answered, &remote, check->bytes, check->len, out, sizeof out);
        used = bench_cpu_seconds() - start;
    }
    return used * 1e9 / count;
}

/* The MACs over a right check and over its answer. */
static double hmac_ns(const struct check *right)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len;
    double used = 0, start = bench_cpu_seconds();
    int count = 0;
    for (; used < SECONDS_EACH; count += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            (void)HMAC(EVP_sha1(), ufrag, (int)strlen(ufrag), right->bytes, right->len - 32, mac, &len);
            (void)HMAC(EVP_sha1(), ufrag, (int)strlen(ufrag), right->bytes, right->answer_len - 32, mac, &len);
        }
        used = bench_cpu_seconds() - start;
    }
    return used * 1e9 / count;
}

int main(int argc, char **argv)
{
    (void)argc;
    static struct check checks[CHECKS];
    static double ns[CHECKS + 1][ROUNDS];
    double median[CHECKS + 1];
    struct bench bench;
    make_checks(checks);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CHECKS; i++)
            ns[i][round] = answer_ns(&checks[i]);
        ns[CHECKS][round] = hmac_ns(&checks[0]);
    }
    for (int i = 0; i <= CHECKS; i++)
        median[i] = bench_median(ns[i], ROUNDS, NULL);
    bench_open(&bench, argv[0], "stun");
    for (int i = 0; i < CHECKS; i++) {
        if ((checks[i].answer_len > 0) != (i == 0)) {
            fprintf(stderr, "bench_stun: %s: answered %zu bytes\n", checks[i].name, checks[i].answer_len);
            return 1;
        }
        bench_row(&bench, checks[i].name, median[i], "ns", "libcrypto's two HMACs", median[i] / median[CHECKS], 0);
    }
    bench_close(&bench);
    return 0;
}
