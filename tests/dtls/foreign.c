/* SPDX-License-Identifier: MIT */
#include "tests/dtls/foreign.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "dtls/record.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static int any_certificate(X509_STORE_CTX *store, void *user)
{
    struct foreign *foreign = user;
    uint8_t *der = NULL;
    int len = i2d_X509(X509_STORE_CTX_get0_cert(store), &der);
    wrd_certificate_fingerprint(&foreign->certificate, der, (size_t)len);
    OPENSSL_free(der);
    return 1;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
    (void)ssl;
    memset(cookie, 0xc0, 32);
    *len = 32;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
    (void)ssl;
    return len == 32 && cookie[0] == 0xc0;
}

static void foreign_init(struct foreign *foreign)
{
    memset(foreign, 0, sizeof *foreign);
    foreign->context = SSL_CTX_new(DTLS_method());
    assert_non_null(foreign->context);
    SSL_CTX_set_cert_verify_callback(foreign->context, any_certificate, foreign);
}

static void foreign_start(struct foreign *foreign)
{
    foreign->ssl = SSL_new(foreign->context);
    foreign->in = BIO_new(BIO_s_mem());
    foreign->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(foreign->in, -1);
    SSL_set_bio(foreign->ssl, foreign->in, foreign->out);
    SSL_set_options(foreign->ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(foreign->ssl, FOREIGN_MTU);
}

void foreign_client(struct foreign *foreign, const char *ciphers)
{
    foreign_init(foreign);
    assert_int_equal(SSL_CTX_set_cipher_list(foreign->context, ciphers), 1);
    foreign_start(foreign);
    SSL_set_connect_state(foreign->ssl);
}

void foreign_identity(struct foreign *foreign, const wrd_key *shown, const wrd_key *signing)
{
    wrd_certificate certificate;
    uint8_t point[WRD_P256_POINT_SIZE];
    static const uint8_t head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                    0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00};
    uint8_t der[121];
    assert_int_equal(wrd_certificate_from_key(&certificate, shown), WRD_OK);
    assert_true(wrd_p256_public(point, shown->bytes));
    struct wrd_writer wr = wrd_wr(der, sizeof der);
    wrd_wr_bytes(&wr, head, sizeof head);
    wrd_wr_bytes(&wr, signing->bytes, WRD_KEY_SIZE);
    wrd_wr_bytes(&wr, curve, sizeof curve);
    wrd_wr_bytes(&wr, point, sizeof point);
    assert_int_equal(SSL_use_certificate_ASN1(foreign->ssl, certificate.der, (int)certificate.len), 1);
    assert_int_equal(SSL_use_PrivateKey_ASN1(EVP_PKEY_EC, foreign->ssl, der, (long)wr.len), 1);
}

void foreign_server(struct foreign *foreign, const struct pair *pair)
{
    foreign_init(foreign);
    SSL_CTX_set_cookie_generate_cb(foreign->context, make_cookie);
    SSL_CTX_set_cookie_verify_cb(foreign->context, check_cookie);
    SSL_CTX_set_options(foreign->context, SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_verify(foreign->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    foreign_start(foreign);
    foreign_identity(foreign, &pair->server_key, &pair->server_key);
    SSL_set_accept_state(foreign->ssl);
}

void foreign_free(struct foreign *foreign)
{
    SSL_free(foreign->ssl);
    SSL_CTX_free(foreign->context);
    ERR_clear_error();
}

int foreign_receive(struct foreign *foreign, const uint8_t *bytes, size_t len)
{
    if (len > 0)
        BIO_write(foreign->in, bytes, (int)len);
    int error = SSL_get_error(foreign->ssl, SSL_do_handshake(foreign->ssl));
    char *data = NULL;
    long total = BIO_get_mem_data(foreign->out, &data);
    struct wrd_reader rd = wrd_rd((uint8_t *)data, (size_t)total);
    struct wrd_dtls_record record;
    foreign->record_count = 0;
    while (wrd_dtls_record_take(&rd, &record)) {
        WRD_ASSERT(foreign->record_count < FOREIGN_RECORDS);
        size_t at = (size_t)foreign->record_count++;
        foreign->record_len[at] = WRD_DTLS_RECORD_HEADER + record.len;
        memcpy(foreign->records[at], record.header, foreign->record_len[at]);
    }
    (void)BIO_reset(foreign->out);
    return error;
}

void foreign_give(struct foreign *foreign, struct pair *pair, int end)
{
    for (int i = 0; i < foreign->record_count; i++)
        pair_receive(pair, end, foreign->records[i], foreign->record_len[i]);
    foreign->record_count = 0;
}

int foreign_talk(struct foreign *foreign, struct pair *pair, int end)
{
    int error = SSL_ERROR_NONE;
    for (int round = 0; round < 10; round++) {
        uint8_t bytes[WRD_DTLS_MTU];
        size_t len = 0;
        foreign_give(foreign, pair, end);
        while ((len = wrd_dtls_transmit(pair->ends[end], pair->now, bytes, sizeof bytes)) > 0) {
            error = foreign_receive(foreign, bytes, len);
            foreign_give(foreign, pair, end);
        }
    }
    return error;
}
