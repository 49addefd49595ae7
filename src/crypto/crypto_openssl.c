/* SPDX-License-Identifier: MIT */
/*
 * libcrypto 3.0. Its EVP calls fetch and allocate on every use, which costs a STUN check five times the hash itself, so
 * the digests here use the low-level contexts: they live on the stack and cannot fail. RFC 6979 needs a nonce of our
 * choice, which only the low-level ECDSA call takes. Both are marked deprecated, not removed; this file alone uses
 * them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/crypto.h"
#include "base/check.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK_SIZE 64 /* of SHA-1 and of SHA-256 */
/* A candidate nonce is out of range once in 2^32 (RFC 6979 3.2 h); this many in a row do not happen. */
#define NONCE_TRIES 16

/* n of P-256, SEC 2. */
static const uint8_t group_order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                        0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* ---- digests */

bool wrd_sha1(uint8_t out[WRD_SHA1_SIZE], const uint8_t *data, size_t len)
{
    SHA_CTX ctx;
    bool ok = SHA1_Init(&ctx) && SHA1_Update(&ctx, data, len) && SHA1_Final(out, &ctx);
    OPENSSL_cleanse(&ctx, sizeof ctx);
    return ok;
}

bool wrd_sha256(uint8_t out[WRD_SHA256_SIZE], const uint8_t *data, size_t len)
{
    SHA256_CTX ctx;
    bool ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, data, len) && SHA256_Final(out, &ctx);
    OPENSSL_cleanse(&ctx, sizeof ctx);
    return ok;
}

static void xor_block(uint8_t block[BLOCK_SIZE], uint8_t with)
{
    for (size_t i = 0; i < BLOCK_SIZE; i++)
        block[i] ^= with;
}

/* The hash's state after one block; `words` are what wrd_hmac_sha1_with() goes on from. */
static void sha1_block(uint32_t words[5], const uint8_t block[BLOCK_SIZE])
{
    SHA_CTX ctx;
    (void)SHA1_Init(&ctx);
    SHA1_Transform(&ctx, block);
    words[0] = ctx.h0, words[1] = ctx.h1, words[2] = ctx.h2, words[3] = ctx.h3, words[4] = ctx.h4;
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

/* RFC 2104, H(K ^ opad, H(K ^ ipad, data)): here the blocks of K. */
void wrd_hmac_sha1_prepare(struct wrd_hmac_sha1_key *out, const uint8_t *key, size_t key_len)
{
    uint8_t block[BLOCK_SIZE] = {0};
    if (key_len > BLOCK_SIZE)
        (void)wrd_sha1(block, key, key_len);
    else if (key_len > 0)
        memcpy(block, key, key_len);
    xor_block(block, 0x36);
    sha1_block(out->inner, block);
    xor_block(block, 0x36 ^ 0x5c);
    sha1_block(out->outer, block);
    OPENSSL_cleanse(block, sizeof block);
}

/* The hash of one block that left `words` behind, and of `data`. */
static void sha1_go_on(uint8_t out[WRD_SHA1_SIZE], const uint32_t words[5], const uint8_t *data, size_t len)
{
    SHA_CTX ctx;
    (void)SHA1_Init(&ctx);
    ctx.h0 = words[0], ctx.h1 = words[1], ctx.h2 = words[2], ctx.h3 = words[3], ctx.h4 = words[4];
    ctx.Nl = BLOCK_SIZE * 8;
    (void)SHA1_Update(&ctx, data, len);
    (void)SHA1_Final(out, &ctx);
    OPENSSL_cleanse(&ctx, sizeof ctx);
}

void wrd_hmac_sha1_with(uint8_t out[WRD_SHA1_SIZE], const struct wrd_hmac_sha1_key *key, const uint8_t *data,
                        size_t len)
{
    uint8_t inner[WRD_SHA1_SIZE];
    sha1_go_on(inner, key->inner, data, len);
    sha1_go_on(out, key->outer, inner, sizeof inner);
}

bool wrd_hmac_sha1(uint8_t out[WRD_SHA1_SIZE], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len)
{
    struct wrd_hmac_sha1_key prepared;
    wrd_hmac_sha1_prepare(&prepared, key, key_len);
    wrd_hmac_sha1_with(out, &prepared, data, len);
    OPENSSL_cleanse(&prepared, sizeof prepared);
    return true;
}

bool wrd_hmac_sha256(uint8_t out[WRD_SHA256_SIZE], const uint8_t *key, size_t key_len, const uint8_t *data, size_t len)
{
    uint8_t block[BLOCK_SIZE] = {0};
    if (key_len > BLOCK_SIZE)
        (void)wrd_sha256(block, key, key_len);
    else if (key_len > 0)
        memcpy(block, key, key_len);
    xor_block(block, 0x36);
    SHA256_CTX ctx;
    uint8_t inner[WRD_SHA256_SIZE];
    bool ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, block, sizeof block) && SHA256_Update(&ctx, data, len) &&
              SHA256_Final(inner, &ctx);
    xor_block(block, 0x36 ^ 0x5c);
    ok = ok && SHA256_Init(&ctx) && SHA256_Update(&ctx, block, sizeof block) &&
         SHA256_Update(&ctx, inner, sizeof inner) && SHA256_Final(out, &ctx);
    OPENSSL_cleanse(&ctx, sizeof ctx);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, sizeof inner);
    return ok;
}

/* ---- P-256 */

/* `out` = `number` - n, big-endian, modulo 2^256. Returns the borrow: 1 when `number` < n. Takes the same time for all.
 */
static unsigned subtract_order(uint8_t out[32], const uint8_t number[32])
{
    unsigned borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        unsigned difference = 0x100u + number[i] - group_order[i] - borrow;
        out[i] = (uint8_t)difference;
        borrow = 1 - (difference >> 8);
    }
    return borrow;
}

bool wrd_p256_scalar_ok(const uint8_t scalar[32])
{
    uint8_t scratch[32];
    unsigned below_order = subtract_order(scratch, scalar);
    unsigned any = 0;
    for (size_t i = 0; i < 32; i++)
        any |= scalar[i];
    OPENSSL_cleanse(scratch, sizeof scratch);
    return below_order == 1 && any != 0;
}

/* What a scalar multiplication and a signature need; NULLs are fine to free. */
struct p256 {
    EC_KEY *key;
    EC_POINT *point;
    BN_CTX *ctx;
    BIGNUM *scalar;
    BIGNUM *inverse;
    BIGNUM *x;
    BIGNUM *exponent;
};

static bool p256_open(struct p256 *p)
{
    memset(p, 0, sizeof *p);
    p->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    p->point = p->key ? EC_POINT_new(EC_KEY_get0_group(p->key)) : NULL;
    p->ctx = BN_CTX_secure_new();
    p->scalar = BN_secure_new();
    p->inverse = BN_secure_new();
    p->x = BN_new();
    p->exponent = BN_new();
    if (!p->point || !p->ctx || !p->scalar || !p->inverse || !p->x || !p->exponent)
        return false;
    BN_set_flags(p->scalar, BN_FLG_CONSTTIME);
    BN_set_flags(p->inverse, BN_FLG_CONSTTIME);
    return true;
}

static void p256_close(struct p256 *p)
{
    BN_free(p->exponent);
    BN_free(p->x);
    BN_clear_free(p->inverse);
    BN_clear_free(p->scalar);
    BN_CTX_free(p->ctx);
    EC_POINT_clear_free(p->point);
    EC_KEY_free(p->key);
}

/* point = scalar * G */
static bool multiply(struct p256 *p, const uint8_t scalar[32])
{
    return BN_bin2bn(scalar, 32, p->scalar) &&
           EC_POINT_mul(EC_KEY_get0_group(p->key), p->point, p->scalar, NULL, NULL, p->ctx);
}

bool wrd_p256_public(uint8_t out[WRD_P256_POINT_SIZE], const uint8_t scalar[32])
{
    if (!wrd_p256_scalar_ok(scalar))
        return false;
    ERR_set_mark();
    struct p256 p;
    bool ok = p256_open(&p) && multiply(&p, scalar) &&
              EC_POINT_point2oct(EC_KEY_get0_group(p.key), p.point, POINT_CONVERSION_UNCOMPRESSED, out,
                                 WRD_P256_POINT_SIZE, p.ctx) == WRD_P256_POINT_SIZE;
    p256_close(&p);
    ERR_pop_to_mark(); /* Libssl reads the error queue; ours must not stand in it. */
    return ok;
}

/* RFC 6979 3.2 d and f: K = HMAC(K, V || tag [|| x || h]), V = HMAC(K, V). */
static bool nonce_step(uint8_t k[32], uint8_t v[32], uint8_t tag, const uint8_t *x, const uint8_t *h)
{
    uint8_t text[32 + 1 + 64];
    size_t len = 33;
    memcpy(text, v, 32);
    text[32] = tag;
    if (x) {
        memcpy(text + 33, x, 32);
        memcpy(text + 65, h, 32);
        len = sizeof text;
    }
    uint8_t next[32];
    bool ok = wrd_hmac_sha256(next, k, 32, text, len);
    memcpy(k, next, 32);
    ok = ok && wrd_hmac_sha256(next, k, 32, v, 32);
    memcpy(v, next, 32);
    OPENSSL_cleanse(next, sizeof next);
    OPENSSL_cleanse(text, sizeof text);
    return ok;
}

/* RFC 6979 3.2 with SHA-256 and P-256, where hash and order are both 256 bits. `digest` is not yet reduced. */
static bool make_nonce(uint8_t nonce[32], const uint8_t scalar[32], const uint8_t digest[32])
{
    uint8_t reduced[32];
    if (subtract_order(reduced, digest) == 1)
        memcpy(reduced, digest, 32);
    uint8_t k[32], v[32];
    memset(k, 0, sizeof k);
    memset(v, 1, sizeof v);
    bool ok = nonce_step(k, v, 0, scalar, reduced) && nonce_step(k, v, 1, scalar, reduced);
    bool found = false;
    for (int i = 0; ok && !found && i < NONCE_TRIES; i++) {
        ok = wrd_hmac_sha256(nonce, k, 32, v, 32);
        memcpy(v, nonce, 32);
        found = ok && wrd_p256_scalar_ok(nonce);
        if (ok && !found)
            ok = nonce_step(k, v, 0, NULL, NULL);
    }
    OPENSSL_cleanse(k, sizeof k);
    OPENSSL_cleanse(v, sizeof v);
    return found;
}

/* x = (nonce * G).x mod n, inverse = nonce^(n-2) mod n: the two values that ECDSA takes from its nonce. */
static bool setup_nonce(struct p256 *p, const uint8_t nonce[32])
{
    const EC_GROUP *group = EC_KEY_get0_group(p->key);
    const BIGNUM *order = EC_GROUP_get0_order(group);
    return multiply(p, nonce) && EC_POINT_get_affine_coordinates(group, p->point, p->x, NULL, p->ctx) &&
           BN_nnmod(p->x, p->x, order, p->ctx) && !BN_is_zero(p->x) && BN_copy(p->exponent, order) &&
           BN_sub_word(p->exponent, 2) &&
           BN_mod_exp_mont_consttime(p->inverse, p->scalar, p->exponent, order, p->ctx, NULL);
}

static size_t sign_digest(struct p256 *p, uint8_t out[WRD_ECDSA_DER_MAX], const uint8_t scalar[32],
                          const uint8_t digest[32], const uint8_t nonce[32])
{
    if (!p256_open(p) || !setup_nonce(p, nonce) || !BN_bin2bn(scalar, 32, p->scalar) ||
        !EC_KEY_set_private_key(p->key, p->scalar))
        return 0;
    ECDSA_SIG *signature = ECDSA_do_sign_ex(digest, 32, p->inverse, p->x, p->key);
    if (!signature)
        return 0;
    int len = i2d_ECDSA_SIG(signature, NULL);
    bool fits = len > 0 && len <= WRD_ECDSA_DER_MAX;
    if (fits)
        len = i2d_ECDSA_SIG(signature, &out);
    ECDSA_SIG_free(signature);
    return fits && len > 0 ? (size_t)len : 0;
}

size_t wrd_p256_sign_deterministic(uint8_t out[WRD_ECDSA_DER_MAX], const uint8_t scalar[32], const uint8_t *data,
                                   size_t len)
{
    uint8_t digest[32], nonce[32];
    if (!wrd_p256_scalar_ok(scalar) || !wrd_sha256(digest, data, len) || !make_nonce(nonce, scalar, digest))
        return 0;
    ERR_set_mark();
    struct p256 p;
    size_t written = sign_digest(&p, out, scalar, digest, nonce);
    p256_close(&p);
    ERR_pop_to_mark();
    OPENSSL_cleanse(nonce, sizeof nonce);
    return written;
}

/* ---- random, compare, wipe */

void wrd_crypto_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    while (len > 0) {
        int part = len > INT_MAX ? INT_MAX : (int)len;
        /* Without random there is no secret: stopping is the only safe answer. */
        WRD_ASSERT(RAND_bytes(out, part) == 1);
        out += part;
        len -= (size_t)part;
    }
}

bool wrd_crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void wrd_crypto_wipe(void *p, size_t len)
{
    OPENSSL_cleanse(p, len);
}
