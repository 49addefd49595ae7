/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "wrd/identity.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static long fail_at = -1;
static long allocations;

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocations++ == fail_at ? NULL : malloc(size);
}

static void *counted_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocations++ == fail_at ? NULL : realloc(old, size);
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static const char *vectors_folder(void)
{
#ifdef WRD_TEST_VECTORS
    return WRD_TEST_VECTORS;
#else
    return getenv("WRD_TEST_VECTORS");
#endif
}

/* The parsed file; the caller deletes it. */
static cJSON *load_vectors(void)
{
    char path[1024];
    assert_non_null(vectors_folder());
    (void)snprintf(path, sizeof path, "%s/certificates.json", vectors_folder());
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char text[256 * 1024];
    size_t len = fread(text, 1, sizeof text, file);
    assert_true(len < sizeof text);
    (void)fclose(file);
    cJSON *vectors = cJSON_ParseWithLength(text, len);
    assert_non_null(vectors);
    return vectors;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    assert_non_null(text);
    return text;
}

static void every_vector_comes_out_byte_for_byte(void **state)
{
    (void)state;
    cJSON *vectors = load_vectors();
    const cJSON *vector = NULL;
    int count = 0;
    cJSON_ArrayForEach(vector, vectors)
    {
        wrd_key key;
        wrd_certificate certificate;
        wrd_fingerprint fingerprint, direct;
        char hex[2 * WRD_CERTIFICATE_MAX + 1] = {0};
        const char *key_hex = text_of(vector, "key");
        assert_int_equal(wrd_key_from_hex(&key, key_hex, strlen(key_hex), NULL), WRD_OK);
        assert_int_equal(wrd_certificate_from_key(&certificate, &key), WRD_OK);
        wrd_hex_write(hex, certificate.der, certificate.len);
        assert_string_equal(hex, text_of(vector, "certificate_der"));
        wrd_certificate_fingerprint(&fingerprint, certificate.der, certificate.len);
        memset(hex, 0, sizeof hex);
        wrd_hex_write(hex, fingerprint.bytes, WRD_FINGERPRINT_SIZE);
        assert_string_equal(hex, text_of(vector, "fingerprint"));
        assert_int_equal(wrd_key_fingerprint(&direct, &key), WRD_OK);
        assert_memory_equal(&direct, &fingerprint, sizeof direct);
        count++;
    }
    assert_int_equal(count, 32);
    cJSON_Delete(vectors);
}

static void seed_vectors_come_from_their_seed(void **state)
{
    (void)state;
    cJSON *vectors = load_vectors();
    const cJSON *vector = NULL;
    int count = 0;
    cJSON_ArrayForEach(vector, vectors)
    {
        unsigned long long seed = 0;
        if (sscanf(text_of(vector, "from"), "from_seed(%llu)", &seed) != 1)
            continue;
        wrd_key key;
        char hex[WRD_KEY_HEX_SIZE];
        assert_int_equal(wrd_key_from_seed(&key, seed), WRD_OK);
        wrd_key_hex(&key, hex);
        assert_string_equal(hex, text_of(vector, "key"));
        count++;
    }
    assert_int_equal(count, 3);
    cJSON_Delete(vectors);
}

static void the_same_key_gives_the_same_certificate(void **state)
{
    (void)state;
    wrd_key key;
    wrd_certificate first, second;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        assert_int_equal(wrd_key_from_seed(&key, seed), WRD_OK);
        assert_int_equal(wrd_certificate_from_key(&first, &key), WRD_OK);
        assert_int_equal(wrd_certificate_from_key(&second, &key), WRD_OK);
        assert_in_range(first.len, 320, WRD_CERTIFICATE_MAX);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.der, second.der, first.len);
    }
}

static void a_key_out_of_range_gives_no_certificate(void **state)
{
    (void)state;
    wrd_key key = {{0}};
    wrd_certificate certificate;
    wrd_fingerprint fingerprint;
    assert_int_equal(wrd_certificate_from_key(&certificate, &key), WRD_INVALID);
    assert_int_equal(wrd_key_fingerprint(&fingerprint, &key), WRD_INVALID);
    memset(&key, 0xff, sizeof key);
    assert_int_equal(wrd_certificate_from_key(&certificate, &key), WRD_INVALID);
    assert_int_equal(wrd_key_fingerprint(&fingerprint, &key), WRD_INVALID);
}

static void without_memory_nothing_is_changed(void **state)
{
    (void)state;
    if (OpenSSL_version_num() < 0x30000080)
        skip(); /* libcrypto 3.0.2 miscalculates when memory is short, instead of saying so */
    wrd_key key;
    assert_int_equal(wrd_key_from_seed(&key, 7), WRD_OK);
    wrd_certificate expected;
    assert_int_equal(wrd_certificate_from_key(&expected, &key), WRD_OK);
    long failed = 0;
    long n = 0;
    for (; n < 2000; n++) {
        wrd_certificate certificate, untouched;
        memset(&certificate, 0x5a, sizeof certificate);
        memset(&untouched, 0x5a, sizeof untouched);
        allocations = 0;
        fail_at = n;
        wrd_result result = wrd_certificate_from_key(&certificate, &key);
        fail_at = -1;
        if (result == WRD_OK) {
            assert_int_equal(certificate.len, expected.len);
            assert_memory_equal(certificate.der, expected.der, expected.len);
        } else {
            assert_int_equal(result, WRD_NO_MEMORY);
            assert_memory_equal(&certificate, &untouched, sizeof certificate);
            failed++;
        }
        if (allocations <= n)
            break;
    }
    assert_in_range(n, 20, 1999);
    assert_true(failed > 0);
}

int main(void)
{
    if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_comes_out_byte_for_byte), cmocka_unit_test(seed_vectors_come_from_their_seed),
        cmocka_unit_test(the_same_key_gives_the_same_certificate),
        cmocka_unit_test(a_key_out_of_range_gives_no_certificate), cmocka_unit_test(without_memory_nothing_is_changed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
