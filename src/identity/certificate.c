/* SPDX-License-Identifier: MIT */
#include "wrd/identity.h"
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"

/*
 * The certificate (RFC 5280) is the same for every key but for the public point, its SHA-1 and the signature, all at
 * known places, so it is put together from fixed pieces of DER. Every byte counts: the fingerprint is the identity.
 */

/* The signed part up to the public point: 250 bytes in all, length included. */
static const uint8_t before_point[] = {
    0x30, 0x81, 0xf7,                                                                    /* TBSCertificate, 247 bytes */
    0xa0, 0x03, 0x02, 0x01, 0x02,                                                        /* version 3 */
    0x02, 0x01, 0x01,                                                                    /* serial number 1 */
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4,    3,   2,                  /* ecdsa-with-SHA256 */
    0x30, 0x00,                                                                          /* issuer, empty */
    0x30, 0x20,                                                                          /* validity */
    0x17, 0x0d, '7',  '0',  '0',  '1',  '0',  '1',  '0',  '0',  '0', '0', '0', '0', 'Z', /* 1970-01-01 */
    0x18, 0x0f, '9',  '9',  '9',  '9',  '1',  '2',  '3',  '1',  '2', '3', '5', '9', '5', '9', 'Z', /* 9999-12-31 */
    0x30, 0x00,                                                                                    /* subject, empty */
    0x30, 0x59, 0x30, 0x13,                                     /* subjectPublicKeyInfo */
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,       /* id-ecPublicKey */
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, /* prime256v1 */
    0x03, 0x42, 0x00                                            /* the point, 65 bytes */
};

/* Each key identifier is the SHA-1 of the public point (RFC 5280 4.2.1.2, method 1). */
static const uint8_t before_subject_key_id[] = {
    0xa3, 0x60, 0x30, 0x5e,                                          /* extensions */
    0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14 /* subjectKeyIdentifier */
};
static const uint8_t before_authority_key_id[] = {
    0x30, 0x1f, 0x06, 0x03, 0x55, 0x1d, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14 /* authorityKeyIdentifier */
};
static const uint8_t after_key_ids[] = {
    0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x02, 0x30, 0x00, /* basicConstraints: no CA */
    /* keyUsage: digitalSignature, nonRepudiation, keyAgreement */
    0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x03, 0xc8};

/* Between the signed part and the signature's BIT STRING. */
static const uint8_t signature_algorithm[] = {
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 /* ecdsa-with-SHA256 */
};

#define SIGNED_SIZE 250

static void write_signed_part(uint8_t out[SIGNED_SIZE], const uint8_t point[WRD_P256_POINT_SIZE])
{
    uint8_t key_id[WRD_SHA1_SIZE];
    WRD_ASSERT(wrd_sha1(key_id, point, WRD_P256_POINT_SIZE));
    struct wrd_writer wr = wrd_wr(out, SIGNED_SIZE);
    wrd_wr_bytes(&wr, before_point, sizeof before_point);
    wrd_wr_bytes(&wr, point, WRD_P256_POINT_SIZE);
    wrd_wr_bytes(&wr, before_subject_key_id, sizeof before_subject_key_id);
    wrd_wr_bytes(&wr, key_id, sizeof key_id);
    wrd_wr_bytes(&wr, before_authority_key_id, sizeof before_authority_key_id);
    wrd_wr_bytes(&wr, key_id, sizeof key_id);
    wrd_wr_bytes(&wr, after_key_ids, sizeof after_key_ids);
    WRD_ASSERT(!wr.bad && wr.len == SIGNED_SIZE);
}

wrd_result wrd_certificate_from_key(wrd_certificate *out, const wrd_key *key)
{
    if (!wrd_p256_scalar_ok(key->bytes))
        return WRD_INVALID;
    uint8_t point[WRD_P256_POINT_SIZE], signed_part[SIGNED_SIZE], signature[WRD_ECDSA_DER_MAX];
    if (!wrd_p256_public(point, key->bytes))
        return WRD_NO_MEMORY;
    write_signed_part(signed_part, point);
    size_t signature_len = wrd_p256_sign_deterministic(signature, key->bytes, signed_part, SIGNED_SIZE);
    if (signature_len == 0)
        return WRD_NO_MEMORY;

    size_t bit_string_len = 1 + signature_len;
    struct wrd_writer wr = wrd_wr(out->der, sizeof out->der);
    wrd_wr16(&wr, 0x3082);
    wrd_wr16(&wr, (uint16_t)(SIGNED_SIZE + sizeof signature_algorithm + 2 + bit_string_len));
    wrd_wr_bytes(&wr, signed_part, SIGNED_SIZE);
    wrd_wr_bytes(&wr, signature_algorithm, sizeof signature_algorithm);
    wrd_wr8(&wr, 0x03);
    wrd_wr8(&wr, (uint8_t)bit_string_len);
    wrd_wr8(&wr, 0);
    wrd_wr_bytes(&wr, signature, signature_len);
    WRD_ASSERT(!wr.bad);
    out->len = wr.len;
    return WRD_OK;
}

void wrd_certificate_fingerprint(wrd_fingerprint *out, const uint8_t *der, size_t len)
{
    WRD_ASSERT(wrd_sha256(out->bytes, der, len));
}

wrd_result wrd_key_fingerprint(wrd_fingerprint *out, const wrd_key *key)
{
    wrd_certificate certificate;
    wrd_result result = wrd_certificate_from_key(&certificate, key);
    if (result == WRD_OK)
        wrd_certificate_fingerprint(out, certificate.der, certificate.len);
    return result;
}
