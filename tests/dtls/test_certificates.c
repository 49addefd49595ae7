/* SPDX-License-Identifier: MIT */
/* Certificates of foreign clients, honest and forged, at a server that asks for them. */
#include "tests/dtls/foreign.h"

#include "base/bytes.h"
#include "base/check.h"
#include "dtls/record.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define SUITE "ECDHE-ECDSA-AES128-GCM-SHA256"

enum { CERTIFICATE = 11, CERTIFICATE_VERIFY = 15 };

static struct pair *pair_with_asking_server(void)
{
    struct pair *pair = pair_new();
    pair_settings(pair, SERVER,
                  &(struct wrd_dtls_settings){.identities = {&pair->server_key}, .ask_certificate = true});
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], false, 0);
    assert_non_null(pair->ends[SERVER]);
    return pair;
}

static wrd_key key_of(uint64_t seed)
{
    wrd_key key;
    assert_int_equal(wrd_key_from_seed(&key, seed), WRD_OK);
    return key;
}

static void assert_shows(const struct pair *pair, const wrd_key *key)
{
    wrd_fingerprint own, told;
    assert_int_equal(wrd_key_fingerprint(&own, key), WRD_OK);
    assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    assert_memory_equal(&told, &own, sizeof own);
}

static void assert_refused(const struct pair *pair)
{
    wrd_fingerprint told;
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_FAILED);
    assert_int_equal(wrd_dtls_failure(pair->ends[SERVER], NULL), WRD_PROTOCOL);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
}

/* The client's alert as libssl understood it. */
static void assert_told_why(int alert)
{
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_REASON_OFFSET + alert);
}

static void a_foreign_clients_certificate_is_known_by_its_fingerprint(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_key key = key_of(31);
    foreign_client(&foreign, SUITE);
    foreign_identity(&foreign, &key, &key);
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
    assert_shows(pair, &key);
    foreign_free(&foreign);
    pair_free(pair);
}

static void a_foreign_client_without_a_certificate_is_served_as_nobody(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_fingerprint told;
    foreign_client(&foreign, SUITE);
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    foreign_free(&foreign);
    pair_free(pair);
}

/* RFC 5246 7.4.4: the list of authorities may be empty, and only ECDSA is asked for. */
static void the_request_names_ecdsa_and_no_authorities(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    foreign_client(&foreign, SUITE);
    foreign_receive(&foreign, NULL, 0);
    foreign_give(&foreign, pair, SERVER);
    uint8_t flight[WRD_DTLS_MTU];
    size_t len = wrd_dtls_transmit(pair->ends[SERVER], 0, flight, sizeof flight);
    struct wrd_reader rd = wrd_rd(flight, len);
    struct wrd_dtls_record record;
    struct wrd_dtls_fragment part;
    int requests = 0;
    while (wrd_dtls_record_take(&rd, &record)) {
        struct wrd_reader body = wrd_rd(record.body, record.len);
        assert_true(wrd_dtls_fragment_take(&body, &part));
        static const uint8_t wanted[] = {1, 64 /* ecdsa_sign */, 0, 6, 4, 3, 5, 3, 6, 3, 0, 0};
        if (part.type != 13)
            continue;
        requests++;
        assert_int_equal(part.len, sizeof wanted);
        assert_memory_equal(part.part, wanted, sizeof wanted);
    }
    assert_int_equal(requests, 1);
    foreign_free(&foreign);
    pair_free(pair);
}

static void who_shows_anothers_certificate_without_its_key_is_refused(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_key victim = key_of(31), own = key_of(32);
    foreign_client(&foreign, SUITE);
    foreign_identity(&foreign, &victim, &own);
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_SSL);
    assert_refused(pair);
    assert_told_why(SSL_AD_DECRYPT_ERROR);
    foreign_free(&foreign);
    pair_free(pair);
}

/* The client's second flight, up to its Finished, lies in foreign->records afterwards. */
static void until_second_flight(struct foreign *foreign, struct pair *pair)
{
    uint8_t bytes[WRD_DTLS_MTU];
    foreign_receive(foreign, NULL, 0);
    foreign_give(foreign, pair, SERVER);
    size_t len = wrd_dtls_transmit(pair->ends[SERVER], pair->now, bytes, sizeof bytes);
    assert_int_equal(foreign_receive(foreign, bytes, len), SSL_ERROR_WANT_READ);
    assert_true(foreign->record_count > 4);
}

/* The type of the handshake message in a plaintext record; 0: no such record. */
static int message_type(const struct foreign *foreign, int at)
{
    const uint8_t *record = foreign->records[at];
    return record[0] == WRD_DTLS_HANDSHAKE && wrd_load16be(record + 3) == 0 ? record[WRD_DTLS_RECORD_HEADER] : 0;
}

static void a_certificate_without_its_proof_opens_nothing(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_key key = key_of(31);
    wrd_fingerprint told;
    foreign_client(&foreign, SUITE);
    foreign_identity(&foreign, &key, &key);
    until_second_flight(&foreign, pair);
    int left_out = 0;
    for (int i = 0; i < foreign.record_count; i++) {
        if (message_type(&foreign, i) == CERTIFICATE_VERIFY)
            left_out++;
        else
            pair_receive(pair, SERVER, foreign.records[i], foreign.record_len[i]);
    }
    assert_true(left_out > 0);
    assert_int_not_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    foreign_free(&foreign);
    pair_free(pair);
}

/* One bit of CertificateVerify's byte `at`, if it is in this record. Answers how many it flipped. */
static int flip(struct foreign *foreign, int record, size_t at)
{
    if (message_type(foreign, record) != CERTIFICATE_VERIFY)
        return 0;
    uint8_t *body = foreign->records[record] + WRD_DTLS_RECORD_HEADER;
    struct wrd_reader rd = wrd_rd(body, foreign->record_len[record] - WRD_DTLS_RECORD_HEADER);
    struct wrd_dtls_fragment part;
    assert_true(wrd_dtls_fragment_take(&rd, &part));
    if (at < part.offset || at >= part.offset + part.len)
        return 0;
    body[WRD_DTLS_FRAGMENT_HEADER + at - part.offset] ^= (uint8_t)(1 << at % 8);
    return 1;
}

static void any_flipped_bit_of_the_proof_is_refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < 72; at += 5) {
        struct pair *pair = pair_with_asking_server();
        struct foreign foreign;
        wrd_key key = key_of(31);
        foreign_client(&foreign, SUITE);
        foreign_identity(&foreign, &key, &key);
        until_second_flight(&foreign, pair);
        int flipped = 0;
        for (int i = 0; i < foreign.record_count; i++)
            flipped += flip(&foreign, i, at);
        assert_int_equal(flipped, 1);
        foreign_give(&foreign, pair, SERVER);
        assert_refused(pair);
        foreign_free(&foreign);
        pair_free(pair);
    }
}

static void a_changed_or_garbage_certificate_is_refused_and_does_no_harm(void **state)
{
    (void)state;
    struct pair *random = pair_new();
    for (int round = 0; round < 300; round++) {
        struct pair *pair = pair_with_asking_server();
        struct foreign foreign;
        wrd_key key = key_of(31);
        wrd_fingerprint told;
        foreign_client(&foreign, SUITE);
        foreign_identity(&foreign, &key, &key);
        until_second_flight(&foreign, pair);
        for (int i = 0; i < foreign.record_count; i++) {
            size_t head = WRD_DTLS_RECORD_HEADER + WRD_DTLS_FRAGMENT_HEADER, at = 0;
            if (message_type(&foreign, i) != CERTIFICATE)
                continue;
            uint8_t *body = foreign.records[i] + head;
            size_t len = foreign.record_len[i] - head;
            if (round % 10 == 0) { /* all of it behind the lengths */
                pair_random(random, body + (len > 6 ? 6 : 0), len > 6 ? len - 6 : len);
                continue;
            }
            pair_random(random, (uint8_t *)&at, 2);
            uint8_t change = 0;
            pair_random(random, &change, 1);
            body[at % len] ^= change ? change : 1;
        }
        foreign_give(&foreign, pair, SERVER);
        assert_int_not_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
        assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
        assert_int_equal(ERR_peek_error(), 0);
        foreign_free(&foreign);
        pair_free(pair);
    }
    pair_free(random);
}

/* Behind its own certificate come `count` of another's. */
static void add_to_chain(struct foreign *foreign, int count)
{
    wrd_key issuer = key_of(40);
    wrd_certificate certificate;
    assert_int_equal(wrd_certificate_from_key(&certificate, &issuer), WRD_OK);
    for (int i = 0; i < count; i++) {
        const uint8_t *der = certificate.der;
        X509 *added = d2i_X509(NULL, &der, (long)certificate.len);
        assert_int_equal(SSL_add0_chain_cert(foreign->ssl, added), 1);
    }
}

static void of_a_chain_the_first_counts(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_key key = key_of(31);
    foreign_client(&foreign, SUITE);
    foreign_identity(&foreign, &key, &key);
    add_to_chain(&foreign, 2);
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
    assert_shows(pair, &key);
    foreign_free(&foreign);
    pair_free(pair);
}

static void a_chain_of_more_than_2_kib_is_refused(void **state)
{
    (void)state;
    struct pair *pair = pair_with_asking_server();
    struct foreign foreign;
    wrd_key key = key_of(31);
    foreign_client(&foreign, SUITE);
    foreign_identity(&foreign, &key, &key);
    add_to_chain(&foreign, 6);
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_SSL);
    assert_refused(pair);
    assert_told_why(SSL_AD_ILLEGAL_PARAMETER);
    foreign_free(&foreign);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_clients_certificate_is_known_by_its_fingerprint),
        cmocka_unit_test(a_foreign_client_without_a_certificate_is_served_as_nobody),
        cmocka_unit_test(the_request_names_ecdsa_and_no_authorities),
        cmocka_unit_test(who_shows_anothers_certificate_without_its_key_is_refused),
        cmocka_unit_test(a_certificate_without_its_proof_opens_nothing),
        cmocka_unit_test(any_flipped_bit_of_the_proof_is_refused),
        cmocka_unit_test(a_changed_or_garbage_certificate_is_refused_and_does_no_harm),
        cmocka_unit_test(of_a_chain_the_first_counts),
        cmocka_unit_test(a_chain_of_more_than_2_kib_is_refused),
    };
    return cmocka_run_group_tests_name("certificates of clients", tests, NULL, NULL);
}
