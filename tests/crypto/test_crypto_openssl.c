/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the four headers above before it. */
#include <cmocka.h>

/* libcrypto's allocations pass through here, so that a test can make one of them fail. */
static long fail_at = -1;
static long allocations;
static long live;

static bool fails_now(void)
{
    return fail_at >= 0 && allocations == fail_at;
}

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    bool fail = fails_now();
    allocations++;
    void *p = fail ? NULL : malloc(size);
    live += p != NULL;
    return p;
}

static void *counted_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    bool fail = fails_now();
    allocations++;
    void *p = fail ? NULL : realloc(old, size);
    live += p != NULL && old == NULL;
    return p;
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    live -= p != NULL;
    free(p);
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[300] = {0};
    wrd_hex_write(text, bytes, len);
    assert_string_equal(text, expected);
}

static void digests_match_fips_180_examples(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_true(wrd_sha1(out, (const uint8_t *)"abc", 3));
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_true(wrd_sha256(out, (const uint8_t *)"abc", 3));
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(wrd_sha256(out, NULL, 0));
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_sha1_matches_rfc_2202(void **state)
{
    (void)state;
    uint8_t out[20], key[80], data[50];
    memset(key, 0x0b, 20);
    assert_true(wrd_hmac_sha1(out, key, 20, (const uint8_t *)"Hi There", 8));
    assert_hex(out, 20, "b617318655057264e28bc0b6fb378c8ef146be00");
    assert_true(wrd_hmac_sha1(out, (const uint8_t *)"Jefe", 4, (const uint8_t *)"what do ya want for nothing?", 28));
    assert_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    assert_true(wrd_hmac_sha1(out, key, 20, data, 50));
    assert_hex(out, 20, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    assert_true(
        wrd_hmac_sha1(out, key, 80, (const uint8_t *)"Test Using Larger Than Block-Size Key - Hash Key First", 54));
    assert_hex(out, 20, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

/* As libcrypto's own, for keys around the block's size and data around several blocks; and the key is not used up. */
static void a_key_made_ready_serves_any_number_of_macs(void **state)
{
    (void)state;
    uint8_t key[130], data[200], out[20], expected[20];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + 5);
    for (size_t key_len = 1; key_len <= sizeof key; key_len++) {
        struct wrd_hmac_sha1_key ready;
        wrd_hmac_sha1_prepare(&ready, key, key_len);
        for (size_t len = 0; len <= sizeof data; len++) {
            assert_non_null(HMAC(EVP_sha1(), key, (int)key_len, data, len, expected, NULL));
            wrd_hmac_sha1_with(out, &ready, data, len);
            assert_memory_equal(out, expected, sizeof out);
        }
    }
}

static void hmac_sha256_matches_rfc_4231(void **state)
{
    (void)state;
    uint8_t out[32], key[131];
    memset(key, 0x0b, 20);
    assert_true(wrd_hmac_sha256(out, key, 20, (const uint8_t *)"Hi There", 8));
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_true(wrd_hmac_sha256(out, (const uint8_t *)"Jefe", 4, (const uint8_t *)"what do ya want for nothing?", 28));
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    assert_true(
        wrd_hmac_sha256(out, key, 131, (const uint8_t *)"Test Using Larger Than Block-Size Key - Hash Key First", 54));
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_takes_an_empty_key_and_no_data(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_true(wrd_hmac_sha1(out, NULL, 0, NULL, 0));
    assert_hex(out, 20, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
    assert_true(wrd_hmac_sha256(out, NULL, 0, NULL, 0));
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static const char key_hex[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";

static void scalar_range_is_one_to_order_minus_one(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool ok;
    } cases[] = {{"0000000000000000000000000000000000000000000000000000000000000000", false},
                 {"0000000000000000000000000000000000000000000000000000000000000001", true},
                 {"8000000000000000000000000000000000000000000000000000000000000000", true},
                 {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", true},
                 {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", false},
                 {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", false},
                 {"ffffffff00000001000000000000000000000000000000000000000000000000", false},
                 {"fffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true},
                 {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false}};
    uint8_t point[WRD_P256_POINT_SIZE], der[WRD_ECDSA_DER_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t scalar[32];
        assert_true(wrd_hex_read(scalar, 32, cases[i].hex));
        assert_int_equal(wrd_p256_scalar_ok(scalar), cases[i].ok);
        assert_int_equal(wrd_p256_public(point, scalar), cases[i].ok);
        assert_int_equal(wrd_p256_sign_deterministic(der, scalar, point, 1) > 0, cases[i].ok);
    }
}

static void public_point_matches_rfc_6979_a_2_5(void **state)
{
    (void)state;
    uint8_t scalar[32], point[WRD_P256_POINT_SIZE];
    assert_true(wrd_hex_read(scalar, 32, key_hex));
    assert_true(wrd_p256_public(point, scalar));
    assert_hex(point, sizeof point,
               "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
               "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
}

static void signatures_match_rfc_6979_a_2_5(void **state)
{
    (void)state;
    uint8_t scalar[32], der[WRD_ECDSA_DER_MAX];
    assert_true(wrd_hex_read(scalar, 32, key_hex));
    size_t len = wrd_p256_sign_deterministic(der, scalar, (const uint8_t *)"sample", 6);
    assert_int_equal(len, 72);
    assert_hex(der, len,
               "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
               "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    len = wrd_p256_sign_deterministic(der, scalar, (const uint8_t *)"test", 4);
    assert_int_equal(len, 71);
    assert_hex(der, len,
               "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
               "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
}

/* Both P-256 calls with the `n`th allocation of each failing; true when neither came that far. */
static bool fail_allocation(long n)
{
    uint8_t scalar[32], point[WRD_P256_POINT_SIZE], der[WRD_ECDSA_DER_MAX];
    assert_true(wrd_hex_read(scalar, 32, key_hex));
    allocations = 0;
    fail_at = n;
    bool point_ok = wrd_p256_public(point, scalar);
    bool done = allocations <= n;
    assert_true(point_ok || !done);
    allocations = 0;
    size_t len = wrd_p256_sign_deterministic(der, scalar, (const uint8_t *)"test", 4);
    fail_at = -1;
    assert_true(len > 0 || allocations > n);
    assert_int_equal(ERR_peek_error(), 0);
    return done && allocations <= n;
}

static void no_memory_fails_cleanly_at_each_allocation(void **state)
{
    (void)state;
    /* The first round lets libcrypto make what a thread's error queue keeps for good. */
    for (int round = 0; round < 2; round++) {
        long before = live;
        long n = 0;
        while (n < 2000 && !fail_allocation(n))
            n++;
        assert_in_range(n, 20, 1999);
        if (round == 1)
            assert_int_equal(live, before);
    }
}

static void random_differs_and_compare_tells(void **state)
{
    (void)state;
    uint8_t a[64], b[64];
    wrd_crypto_random(NULL, a, sizeof a);
    wrd_crypto_random(NULL, b, sizeof b);
    assert_false(wrd_crypto_equal(a, b, sizeof a));
    memcpy(b, a, sizeof a);
    assert_true(wrd_crypto_equal(a, b, sizeof a));
    b[63] ^= 1;
    assert_false(wrd_crypto_equal(a, b, sizeof a));
    assert_true(wrd_crypto_equal(a, b, 63));
    assert_true(wrd_crypto_equal(a, b, 0));
    wrd_crypto_random(NULL, a, 0);
}

static void wipe_leaves_zeros(void **state)
{
    (void)state;
    uint8_t a[33], zero[33] = {0};
    memset(a, 0xa5, sizeof a);
    wrd_crypto_wipe(a, sizeof a);
    assert_memory_equal(a, zero, sizeof a);
}

int main(void)
{
    if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free))
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(digests_match_fips_180_examples),
                                       cmocka_unit_test(hmac_sha1_matches_rfc_2202),
                                       cmocka_unit_test(a_key_made_ready_serves_any_number_of_macs),
                                       cmocka_unit_test(hmac_sha256_matches_rfc_4231),
                                       cmocka_unit_test(hmac_takes_an_empty_key_and_no_data),
                                       cmocka_unit_test(scalar_range_is_one_to_order_minus_one),
                                       cmocka_unit_test(public_point_matches_rfc_6979_a_2_5),
                                       cmocka_unit_test(signatures_match_rfc_6979_a_2_5),
                                       cmocka_unit_test(no_memory_fails_cleanly_at_each_allocation),
                                       cmocka_unit_test(random_differs_and_compare_tells),
                                       cmocka_unit_test(wipe_leaves_zeros)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
