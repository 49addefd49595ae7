/* SPDX-License-Identifier: MIT */
/* What the real backend owes beside the door's common tests: foreign peers, awkward hellos, failing allocations. */
#include "tests/dtls/door.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "dtls/ciphers_openssl.h"
#include "dtls/record.h"
#include "tests/dtls/foreign.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

/* ---- libcrypto's allocations pass through here, so that a test can make one of them fail ---- */

static long fail_at = -1;
static long allocations;
static long live_bytes;

/* Records of epoch 1 that were opened, or tried; the linker brings them here. */
static unsigned openings;
int __real_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *len);
int __wrap_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *len);
int __wrap_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *len)
{
    openings++;
    return __real_EVP_DecryptFinal_ex(context, out, len);
}

/* Each block carries its size in front. */
enum { BLOCK_HEADER = 16 };

static void *resize_block(void *old, size_t size)
{
    if (fail_at >= 0 && allocations++ == fail_at)
        return NULL;
    uint8_t *block = old ? (uint8_t *)old - BLOCK_HEADER : NULL;
    size_t old_size = 0;
    if (block)
        memcpy(&old_size, block, sizeof old_size);
    block = realloc(block, size + BLOCK_HEADER);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    live_bytes += (long)size - (long)old_size;
    return block + BLOCK_HEADER;
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t size = 0;
    if (!p)
        return;
    memcpy(&size, (uint8_t *)p - BLOCK_HEADER, sizeof size);
    live_bytes -= (long)size;
    free((uint8_t *)p - BLOCK_HEADER);
}

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return resize_block(NULL, size);
}

static void *counted_realloc(void *old, size_t size, const char *file, int line)
{
    if (size > 0)
        return resize_block(old, size);
    counted_free(old, file, line);
    return NULL;
}

static void assert_data_flows(struct foreign *foreign, struct pair *pair, int end)
{
    uint8_t bytes[1500], got[1500];
    for (int i = 0; i < 100; i++) {
        size_t len = wrd_dtls_seal(pair->ends[end], (const uint8_t *)"ping", 4, bytes, sizeof bytes);
        BIO_write(foreign->in, bytes, (int)len);
        assert_int_equal(SSL_read(foreign->ssl, got, sizeof got), 4);
        assert_memory_equal(got, "ping", 4);
        assert_int_equal(SSL_write(foreign->ssl, "pong", 4), 4);
        int sealed = BIO_read(foreign->out, bytes, sizeof bytes);
        int before = pair->record_count[end];
        pair_receive(pair, end, bytes, (size_t)sealed);
        assert_int_equal(pair->record_count[end], before + 1);
    }
}

static struct pair *pair_with_server(void)
{
    struct pair *pair = pair_new();
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], false, 0);
    assert_non_null(pair->ends[SERVER]);
    return pair;
}

static struct pair *pair_with_client(void)
{
    struct pair *pair = pair_new();
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], 0, &pair->expected);
    assert_non_null(pair->ends[CLIENT]);
    return pair;
}

static void foreign_clients_of_either_cipher_suite_are_served(void **state)
{
    (void)state;
    static const char *suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"};
    for (size_t i = 0; i < 2; i++) {
        struct pair *pair = pair_with_server();
        struct foreign foreign;
        foreign_client(&foreign, suites[i]);
        foreign_receive(&foreign, NULL, 0);
        assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
        assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
        assert_string_equal(SSL_get_cipher(foreign.ssl), suites[i]);
        assert_data_flows(&foreign, pair, SERVER);
        foreign_free(&foreign);
        pair_free(pair);
    }
}

/* pion and aiortc offer it always and end a handshake without an answer; our own hello offers it for their servers. */
static void use_srtp_is_offered_and_answered(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        struct pair *pair = end == SERVER ? pair_with_server() : pair_with_client();
        struct foreign foreign;
        if (end == SERVER)
            foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
        else
            foreign_server(&foreign, pair);
        assert_int_equal(SSL_set_tlsext_use_srtp(foreign.ssl, "SRTP_AES128_CM_SHA1_80"), 0);
        if (end == SERVER)
            foreign_receive(&foreign, NULL, 0);
        assert_int_equal(foreign_talk(&foreign, pair, end), SSL_ERROR_NONE);
        assert_non_null(SSL_get_selected_srtp_profile(foreign.ssl));
        foreign_free(&foreign);
        pair_free(pair);
    }
}

static void aes_is_chosen_where_both_suites_are_offered(void **state)
{
    (void)state;
    struct pair *pair = pair_with_server();
    struct foreign foreign;
    foreign_client(&foreign, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256");
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
    assert_string_equal(SSL_get_cipher(foreign.ssl), "ECDHE-ECDSA-AES128-GCM-SHA256");
    foreign_free(&foreign);
    pair_free(pair);
}

static void client_without_a_common_suite_is_refused_in_words(void **state)
{
    (void)state;
    struct pair *pair = pair_with_server();
    struct foreign foreign;
    const char *text = NULL;
    foreign_client(&foreign, "ECDHE-ECDSA-AES256-GCM-SHA384");
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_SSL);
    assert_int_equal(wrd_dtls_failure(pair->ends[SERVER], &text), WRD_PROTOCOL);
    assert_non_null(strstr(text, "shares no"));
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE);
    foreign_free(&foreign);
    pair_free(pair);
}

static void foreign_server_with_cookie_and_certificate_request_is_reached(void **state)
{
    (void)state;
    struct pair *pair = pair_with_client();
    struct foreign foreign;
    foreign_server(&foreign, pair);
    assert_int_equal(foreign_talk(&foreign, pair, CLIENT), SSL_ERROR_NONE);
    assert_int_equal(wrd_dtls_state(pair->ends[CLIENT]), WRD_DTLS_OPEN);
    assert_data_flows(&foreign, pair, CLIENT);
    static const wrd_fingerprint none;
    assert_memory_not_equal(&foreign.certificate, &none, sizeof none);
    assert_memory_not_equal(&foreign.certificate, &pair->expected, sizeof none);
    foreign_free(&foreign);
    pair_free(pair);
}

static void foreign_server_of_another_identity_gets_bad_certificate(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    struct foreign foreign;
    foreign_server(&foreign, pair);
    pair->expected.bytes[7] ^= 1;
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], 0, &pair->expected);
    assert_int_equal(foreign_talk(&foreign, pair, CLIENT), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + SSL_AD_BAD_CERTIFICATE);
    assert_int_equal(wrd_dtls_failure(pair->ends[CLIENT], NULL), WRD_MISMATCH);
    foreign_free(&foreign);
    pair_free(pair);
}

/* The `number`th order of `count` things. */
static void permute(int *order, int count, int number)
{
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = 0; i < count - 1; i++) {
        int other = i + number % (count - i);
        number /= count - i;
        int first = order[i];
        order[i] = order[other];
        order[other] = first;
    }
}

static void fragmented_hello_is_accepted_in_any_order_and_doubled(void **state)
{
    (void)state;
    uint8_t protocols[4 * 100]; /* ALPN names that make the hello longer than two datagrams */
    memset(protocols, 'p', sizeof protocols);
    protocols[0] = protocols[100] = protocols[200] = protocols[300] = 99;
    for (int number = 0; number < 6; number++) {
        struct pair *pair = pair_with_server();
        struct foreign foreign;
        foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
        SSL_set_alpn_protos(foreign.ssl, protocols, sizeof protocols);
        foreign_receive(&foreign, NULL, 0);
        assert_int_equal(foreign.record_count, 3);
        int order[3];
        permute(order, 3, number);
        for (int i = 0; i < 3; i++) {
            uint8_t answer[WRD_DTLS_MTU];
            int at = order[i];
            assert_true(wrd_dtls_is_client_hello(foreign.records[at], foreign.record_len[at]));
            assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, answer, sizeof answer), 0);
            pair_receive(pair, SERVER, foreign.records[at], foreign.record_len[at]);
            if (i < 2)
                pair_receive(pair, SERVER, foreign.records[at], foreign.record_len[at]);
        }
        foreign.record_count = 0;
        assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
        assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
        foreign_free(&foreign);
        pair_free(pair);
    }
}

static unsigned int at_once_us(SSL *ssl, unsigned int us)
{
    (void)ssl;
    return us == 0 ? 1 : 1000U * 1000U * 1000U;
}

static void foreign_client_that_repeats_its_finished_is_answered_each_time(void **state)
{
    (void)state;
    struct pair *pair = pair_with_server();
    struct foreign foreign;
    foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
    foreign_receive(&foreign, NULL, 0);
    foreign_give(&foreign, pair, SERVER);
    uint8_t flight[WRD_DTLS_MTU], final[WRD_DTLS_MTU];
    size_t len = wrd_dtls_transmit(pair->ends[SERVER], 0, flight, sizeof flight);
    DTLS_set_timer_cb(foreign.ssl, at_once_us);
    assert_int_equal(foreign_receive(&foreign, flight, len), SSL_ERROR_WANT_READ);
    /* Its timer ran out at once, so the same flight follows under new numbers. */
    assert_int_equal(foreign.record_count, 6);
    for (int i = 0; i < 6; i++) {
        pair_receive(pair, SERVER, foreign.records[i], foreign.record_len[i]);
        len = wrd_dtls_transmit(pair->ends[SERVER], 0, final, sizeof final);
        if (i % 3 == 2)
            assert_in_range(len, 1, 100);
        else
            assert_int_equal(len, 0);
        assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), i < 2 ? WRD_DTLS_HANDSHAKING : WRD_DTLS_OPEN);
    }
    /* Only the second answer gets through. */
    assert_int_equal(foreign_receive(&foreign, final, len), SSL_ERROR_NONE);
    assert_data_flows(&foreign, pair, SERVER);
    foreign_free(&foreign);
    pair_free(pair);
}

static void clients_last_flight_is_taken_in_any_order_and_made_good_by_its_repeat(void **state)
{
    (void)state;
    for (int number = 0; number < 6; number++) {
        struct pair *pair = pair_with_server();
        struct foreign foreign;
        foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
        foreign_receive(&foreign, NULL, 0);
        foreign_give(&foreign, pair, SERVER);
        uint8_t bytes[WRD_DTLS_MTU];
        size_t len = wrd_dtls_transmit(pair->ends[SERVER], 0, bytes, sizeof bytes);
        DTLS_set_timer_cb(foreign.ssl, at_once_us);
        foreign_receive(&foreign, bytes, len);
        assert_int_equal(foreign.record_count, 6); /* the flight, and the flight again */
        int order[3];
        permute(order, 3, number);
        for (int i = 0; i < 6; i++) {
            int at = i < 3 ? order[i] : i;
            pair_receive(pair, SERVER, foreign.records[at], foreign.record_len[at]);
        }
        foreign.record_count = 0;
        assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
        assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
        assert_data_flows(&foreign, pair, SERVER);
        foreign_free(&foreign);
        pair_free(pair);
    }
}

static void put_record(struct wrd_writer *wr, uint8_t type, uint16_t epoch, uint64_t sequence, size_t len)
{
    uint8_t *at = wrd_wr_space(wr, WRD_DTLS_RECORD_HEADER + len);
    assert_non_null(at);
    memset(at, 1, WRD_DTLS_RECORD_HEADER + len); /* a ChangeCipherSpec's byte, too */
    wrd_dtls_record_header(at, type, epoch, sequence, len);
}

/* They come before a client's Finished, and each ChangeCipherSpec may be what opens them. */
static void forged_records_are_tried_once(void **state)
{
    (void)state;
    enum { FORGED = 30 };
    struct pair *pair = pair_with_server();
    struct foreign foreign;
    foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
    foreign_receive(&foreign, NULL, 0);
    foreign_give(&foreign, pair, SERVER);
    uint8_t bytes[WRD_DTLS_MTU];
    size_t len = wrd_dtls_transmit(pair->ends[SERVER], 0, bytes, sizeof bytes);
    foreign_receive(&foreign, bytes, len);
    for (unsigned i = 0; i < FORGED; i++) {
        struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
        put_record(&wr, WRD_DTLS_HANDSHAKE, 1, 1000 + i, 40);
        pair_receive(pair, SERVER, wr.start, wr.len);
    }
    pair_receive(pair, SERVER, foreign.records[0], foreign.record_len[0]);
    openings = 0;
    for (unsigned round = 0; round < 10; round++) {
        struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
        for (unsigned i = 0; i < 80; i++)
            put_record(&wr, WRD_DTLS_CHANGE_CIPHER_SPEC, 0, 100 * (round + 1) + i, 1);
        pair_receive(pair, SERVER, wr.start, wr.len);
        assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_HANDSHAKING);
    }
    assert_int_equal(openings, FORGED);
    foreign_free(&foreign);
    pair_free(pair);
}

static void servers_flight_in_many_small_records_may_arrive_backwards(void **state)
{
    (void)state;
    struct pair *pair = pair_with_client();
    struct foreign foreign;
    foreign_server(&foreign, pair);
    uint8_t bytes[WRD_DTLS_MTU];
    for (int hello = 0; hello < 2; hello++) { /* the second one has the cookie */
        size_t len = wrd_dtls_transmit(pair->ends[CLIENT], 0, bytes, sizeof bytes);
        foreign_receive(&foreign, bytes, len);
        for (int i = foreign.record_count; i-- > 0;)
            pair_receive(pair, CLIENT, foreign.records[i], foreign.record_len[i]);
    }
    assert_true(foreign.record_count >= 6);
    foreign.record_count = 0;
    assert_int_equal(foreign_talk(&foreign, pair, CLIENT), SSL_ERROR_NONE);
    assert_int_equal(wrd_dtls_state(pair->ends[CLIENT]), WRD_DTLS_OPEN);
    foreign_free(&foreign);
    pair_free(pair);
}

static void renegotiation_is_ignored(void **state)
{
    (void)state;
    struct pair *pair = pair_with_server();
    struct foreign foreign;
    foreign_client(&foreign, "ECDHE-ECDSA-AES128-GCM-SHA256");
    foreign_receive(&foreign, NULL, 0);
    assert_int_equal(foreign_talk(&foreign, pair, SERVER), SSL_ERROR_NONE);
    assert_int_equal(SSL_renegotiate(foreign.ssl), 1);
    foreign_receive(&foreign, NULL, 0);
    assert_true(foreign.record_count > 0);
    foreign_give(&foreign, pair, SERVER);
    uint8_t out[WRD_DTLS_MTU];
    assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 0);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
    foreign_free(&foreign);
    pair_free(pair);
}

/* A hello like those of today's browsers: DTLS 1.3 first, an X25519MLKEM768 share, use_srtp. */
static size_t browser_hello(uint8_t *out, size_t cap)
{
    static const uint8_t head[] = {0xfe, 0xfd};
    static const uint8_t suites[] = {0, 0, 0, 8, 0x13, 0x01, 0xc0, 0x2b, 0xcc, 0xa9, 0x00, 0xff, 1, 0};
    static const uint8_t extensions[] = {
        0x00, 0x17, 0, 0,                                                 /* extended_master_secret */
        0x00, 0x0b, 0, 2,    1,    0,                                     /* ec_point_formats */
        0x00, 0x0e, 0, 7,    0,    4,    0,    1,    0,    2,    0,       /* use_srtp */
        0x00, 0x0a, 0, 8,    0,    6,    0x11, 0xec, 0x00, 0x1d, 0, 0x17, /* supported_groups */
        0x00, 0x0d, 0, 8,    0,    6,    0x04, 0x03, 0x08, 0x04, 4, 1,    /* signature_algorithms */
        0x00, 0x2b, 0, 5,    4,    0xfe, 0xfc, 0xfe, 0xfd,                /* supported_versions */
        0x00, 0x33, 4, 0xea, 0x04, 0xe8, 0x11, 0xec, 0x04, 0xc0           /* key_share: 1216 bytes, then 32 */
    };
    static const uint8_t second_share[] = {0x00, 0x1d, 0x00, 0x20};
    uint8_t filler[1216];
    memset(filler, 0x5a, sizeof filler);
    struct wrd_writer wr = wrd_wr(out, cap);
    wrd_wr_bytes(&wr, head, sizeof head);
    wrd_wr_bytes(&wr, filler, 32);
    wrd_wr_bytes(&wr, suites, sizeof suites);
    wrd_wr16(&wr, (uint16_t)(sizeof extensions + sizeof filler + sizeof second_share + 32));
    wrd_wr_bytes(&wr, extensions, sizeof extensions);
    wrd_wr_bytes(&wr, filler, sizeof filler);
    wrd_wr_bytes(&wr, second_share, sizeof second_share);
    wrd_wr_bytes(&wr, filler, 32);
    assert_false(wr.bad);
    return wr.len;
}

static size_t hello_fragment(uint8_t *out, size_t cap, const uint8_t *hello, size_t len, size_t offset, size_t part,
                             uint64_t sequence)
{
    struct wrd_writer wr = wrd_wr(out, cap);
    uint8_t *header = wrd_wr_space(&wr, WRD_DTLS_RECORD_HEADER);
    wrd_dtls_record_header(header, WRD_DTLS_HANDSHAKE, 0, sequence, WRD_DTLS_FRAGMENT_HEADER + part);
    wrd_wr32(&wr, (uint32_t)(WRD_DTLS_CLIENT_HELLO << 24 | len));
    wrd_wr16(&wr, 0);
    wrd_wr8(&wr, 0);
    wrd_wr16(&wr, (uint16_t)offset);
    wrd_wr8(&wr, 0);
    wrd_wr16(&wr, (uint16_t)part);
    wrd_wr_bytes(&wr, hello + offset, part);
    assert_false(wr.bad);
    return wr.len;
}

static void browsers_dtls_1_3_hello_in_two_datagrams_is_answered_with_1_2(void **state)
{
    (void)state;
    uint8_t hello[1600], parts[2][1500], out[WRD_DTLS_MTU];
    size_t len = browser_hello(hello, sizeof hello), part_len[2];
    part_len[0] = hello_fragment(parts[0], sizeof parts[0], hello, len, 0, 1175, 0);
    part_len[1] = hello_fragment(parts[1], sizeof parts[1], hello, len, 1175, len - 1175, 1);
    for (int first = 0; first < 2; first++) {
        struct pair *pair = pair_with_server();
        pair_receive(pair, SERVER, parts[first], part_len[first]);
        assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 0);
        pair_receive(pair, SERVER, parts[!first], part_len[!first]);
        size_t flight = wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out);
        assert_in_range(flight, 500, 900);
        assert_int_equal(wrd_load16be(out + 1), 0xfefd);
        assert_int_equal(out[13], WRD_DTLS_SERVER_HELLO);
        assert_int_equal(wrd_load16be(out + 25), 0xfefd);
        assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 0);
        /* Repeated under new numbers, it is answered once for the whole hello, not for each part. */
        parts[0][10] = 2;
        parts[1][10] = 3;
        pair_receive(pair, SERVER, parts[0], part_len[0]);
        pair_receive(pair, SERVER, parts[1], part_len[1]);
        assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), flight);
        assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 0);
        pair_free(pair);
    }
}

static void a_question_answered_in_two_datagrams_is_taken_as_the_first_hello(void **state)
{
    (void)state;
    static const uint8_t cookie[WRD_DTLS_COOKIE_SIZE] = "in two pieces";
    uint8_t hello[1600], parts[2][1500], out[WRD_DTLS_MTU];
    size_t len = browser_hello(hello, sizeof hello), part_len[2];
    /* The cookie stands behind version, random and an empty session id. */
    memmove(hello + 36 + sizeof cookie, hello + 36, len - 36);
    hello[35] = sizeof cookie;
    memcpy(hello + 36, cookie, sizeof cookie);
    len += sizeof cookie;
    part_len[0] = hello_fragment(parts[0], sizeof parts[0], hello, len, 0, 1175, 2);
    part_len[1] = hello_fragment(parts[1], sizeof parts[1], hello, len, 1175, len - 1175, 3);
    parts[0][18] = parts[1][18] = 1; /* message_seq */
    struct wrd_dtls_hello read;
    assert_true(wrd_dtls_hello_read(&read, parts[0], part_len[0]));
    assert_memory_equal(read.cookie, cookie, sizeof cookie);
    assert_false(wrd_dtls_hello_read(&read, parts[1], part_len[1]));
    struct pair *pair = pair_new();
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], true, 0);
    pair_receive(pair, SERVER, parts[0], part_len[0]);
    assert_int_equal(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 0);
    pair_receive(pair, SERVER, parts[1], part_len[1]);
    assert_in_range(wrd_dtls_transmit(pair->ends[SERVER], 0, out, sizeof out), 500, 900);
    assert_int_equal(out[13], WRD_DTLS_SERVER_HELLO);
    assert_int_equal(wrd_load16be(out + 17), 1); /* message_seq: 0 was the question's */
    assert_int_equal(out[10], 2);                /* above what the question may have used */
    pair_free(pair);
}

static void small_buffers_take_a_flight_in_several_datagrams(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair_start(pair);
    for (int round = 0; round < 6; round++) {
        for (int end = 0; end < 2; end++) {
            uint8_t bytes[500];
            size_t len = 0;
            while ((len = wrd_dtls_transmit(pair->ends[end], 0, bytes, sizeof bytes)) > 0)
                pair_receive(pair, !end, bytes, len);
        }
    }
    assert_true(pair_is_open(pair));
    pair_free(pair);
}

/* A record each way, to be read by the other. */
static void exchange(struct wrd_dtls *const ends[2], int number)
{
    for (int from = 0; from < 2; from++) {
        uint8_t text[40] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)from};
        uint8_t record[sizeof text + WRD_DTLS_OVERHEAD], out[100];
        size_t len = wrd_dtls_seal(ends[from], text, sizeof text, record, sizeof record);
        assert_true(len > sizeof text);
        wrd_dtls_receive(ends[!from], 0, record, len);
        assert_int_equal(wrd_dtls_next(ends[!from], 0, out, sizeof out), sizeof text);
        assert_memory_equal(out, text, sizeof text);
    }
}

static void hundreds_of_open_connections_share_a_few_cipher_contexts(void **state)
{
    (void)state;
    struct pair *warm = pair_open();
    struct wrd_dtls_context **contexts = warm->contexts;
    enum { COUNT = 3 * WRD_DTLS_CIPHERS };
    static struct wrd_dtls *ends[COUNT][2];
    long before = live_bytes;
    for (int i = 0; i < COUNT; i++) {
        ends[i][SERVER] = wrd_dtls_server_new(contexts[SERVER], false, 0);
        ends[i][CLIENT] = wrd_dtls_client_new(contexts[CLIENT], 0, &warm->expected);
        uint8_t bytes[WRD_DTLS_MTU], out[100];
        for (int step = 0; step < 4; step++) {
            size_t len = wrd_dtls_transmit(ends[i][step % 2], 0, bytes, sizeof bytes);
            wrd_dtls_receive(ends[i][!(step % 2)], 0, bytes, len);
            assert_int_equal(wrd_dtls_next(ends[i][!(step % 2)], 0, out, sizeof out), 0);
        }
        assert_int_equal(wrd_dtls_state(ends[i][CLIENT]), WRD_DTLS_OPEN);
    }
    long each = (live_bytes - before) / (2 * COUNT);
    print_message("libcrypto's share of an open connection among %d: %ld bytes\n", COUNT, each);
    assert_true(each < 2288 / 2 / 3 + 100); /* two contexts would take 2,288 bytes */
    /* In order, which always misses; in bursts, which mostly hits; and around connections that end. */
    for (int i = 0; i < 2 * COUNT; i++)
        exchange(ends[i % COUNT], i);
    for (int i = 0; i < 4 * COUNT; i++)
        exchange(ends[i * 7 % 90], i);
    for (int i = 0; i < COUNT; i += 2) {
        wrd_dtls_free(ends[i][CLIENT]);
        wrd_dtls_free(ends[i][SERVER]);
        exchange(ends[(i * 5 + 1) % COUNT | 1], i);
    }
    for (int i = 1; i < COUNT; i += 2) {
        exchange(ends[i], i);
        wrd_dtls_free(ends[i][CLIENT]);
        wrd_dtls_free(ends[i][SERVER]);
    }
    pair_free(warm);
}

/* One whole handshake and a record each way, in which libcrypto's allocation number `number` fails. False: none did. */
static bool handshake_without_allocation(struct pair *pair, long number)
{
    fail_at = number;
    allocations = 0;
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], false, 0);
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], 0, &pair->expected);
    if (pair->ends[SERVER] && pair->ends[CLIENT]) {
        for (int step = 0; step < 8; step++) {
            uint8_t bytes[WRD_DTLS_MTU];
            size_t len = wrd_dtls_transmit(pair->ends[step % 2], 0, bytes, sizeof bytes);
            if (len > 0)
                pair_receive(pair, !(step % 2), bytes, len);
        }
    }
    bool failed = allocations > fail_at;
    fail_at = -1;
    assert_int_equal(ERR_peek_error(), 0);
    for (int end = 0; end < 2; end++) {
        if (pair->ends[end] && wrd_dtls_state(pair->ends[end]) == WRD_DTLS_FAILED)
            assert_int_not_equal(wrd_dtls_failure(pair->ends[end], NULL), WRD_OK);
        wrd_dtls_free(pair->ends[end]);
        pair->ends[end] = NULL;
    }
    return failed;
}

static void any_failed_allocation_in_libcrypto_fails_at_most_its_connection(void **state)
{
    (void)state;
    if (OpenSSL_version_num() < 0x30000080)
        skip(); /* libcrypto 3.0.2 itself crashes when memory is short */
    for (int asks = 0; asks < 2; asks++) {
        struct pair *pair = pair_new();
        pair_settings(pair, SERVER,
                      &(struct wrd_dtls_settings){.identities = {&pair->server_key}, .ask_certificate = asks});
        (void)handshake_without_allocation(pair, LONG_MAX - 1); /* fills libcrypto's caches */
        long number = 0;
        while (handshake_without_allocation(pair, number))
            number++;
        print_message("%ld allocations failed in turn\n", number);
        assert_true(number > 500);
        pair_start(pair);
        pair_run(pair, WRD_SECOND);
        assert_true(pair_is_open(pair));
        wrd_fingerprint told;
        assert_int_equal(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told), asks);
        pair_free(pair);
    }
}

static void any_failed_allocation_of_a_context_is_a_clean_refusal(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    for (long number = 0;; number++) {
        fail_at = number;
        allocations = 0;
        struct wrd_dtls_context *context =
            wrd_dtls_context_new(&pair->env, &(struct wrd_dtls_settings){.identities = {&pair->server_key}});
        bool failed = allocations > fail_at;
        fail_at = -1;
        assert_int_equal(ERR_peek_error(), 0);
        wrd_dtls_context_free(context);
        if (!failed)
            break;
    }
    pair_free(pair);
}

int main(void)
{
    WRD_ASSERT(CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_clients_of_either_cipher_suite_are_served),
        cmocka_unit_test(use_srtp_is_offered_and_answered),
        cmocka_unit_test(aes_is_chosen_where_both_suites_are_offered),
        cmocka_unit_test(client_without_a_common_suite_is_refused_in_words),
        cmocka_unit_test(foreign_server_with_cookie_and_certificate_request_is_reached),
        cmocka_unit_test(foreign_server_of_another_identity_gets_bad_certificate),
        cmocka_unit_test(fragmented_hello_is_accepted_in_any_order_and_doubled),
        cmocka_unit_test(foreign_client_that_repeats_its_finished_is_answered_each_time),
        cmocka_unit_test(clients_last_flight_is_taken_in_any_order_and_made_good_by_its_repeat),
        cmocka_unit_test(forged_records_are_tried_once),
        cmocka_unit_test(servers_flight_in_many_small_records_may_arrive_backwards),
        cmocka_unit_test(renegotiation_is_ignored),
        cmocka_unit_test(browsers_dtls_1_3_hello_in_two_datagrams_is_answered_with_1_2),
        cmocka_unit_test(a_question_answered_in_two_datagrams_is_taken_as_the_first_hello),
        cmocka_unit_test(small_buffers_take_a_flight_in_several_datagrams),
        cmocka_unit_test(hundreds_of_open_connections_share_a_few_cipher_contexts),
        cmocka_unit_test(any_failed_allocation_in_libcrypto_fails_at_most_its_connection),
        cmocka_unit_test(any_failed_allocation_of_a_context_is_a_clean_refusal),
    };
    int failed = door_run_tests("dtls_openssl: the door") + identity_run_tests("dtls_openssl: identities");
    return failed + cmocka_run_group_tests_name("dtls_openssl: beyond the door", tests, NULL, NULL);
}
