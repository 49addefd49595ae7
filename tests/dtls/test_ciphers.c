/* SPDX-License-Identifier: MIT */
/* A few contexts for many keys of both suites: each key seals as if it had a context of its own. */
#include "dtls/ciphers_openssl.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

enum { KEYS = 3 * WRD_DTLS_CIPHERS, TEXT_SIZE = 40, TAG_SIZE = WRD_DTLS_TAG_SIZE };

static const uint8_t text[TEXT_SIZE] = {1, 2, 3};

static void seal(EVP_CIPHER_CTX *context, uint8_t out[TEXT_SIZE + TAG_SIZE])
{
    int len = 0;
    assert_int_equal(EVP_EncryptUpdate(context, out, &len, text, sizeof text), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, out + TEXT_SIZE, &len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + TEXT_SIZE), 1);
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct wrd_dtls_ciphers));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    wrd_dtls_ciphers_free(*state);
    free(*state);
    return 0;
}

static struct wrd_dtls_key make_key(unsigned number)
{
    struct wrd_dtls_key key = {.seals = true};
    key.suite = number % 3 == 0 ? WRD_DTLS_CHACHA20_POLY1305 : WRD_DTLS_AES_128_GCM;
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(number * 7 + number / 256 + i);
    return key;
}

/* Under a nonce of its own. */
static void assert_seals_as_alone(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key, unsigned turn)
{
    uint8_t nonce[WRD_DTLS_NONCE_SIZE] = {(uint8_t)turn, (uint8_t)(turn >> 8)};
    uint8_t shared[TEXT_SIZE + TAG_SIZE], alone[TEXT_SIZE + TAG_SIZE];
    EVP_CIPHER_CTX *context = wrd_dtls_ciphers_load(ciphers, key, nonce, NULL);
    assert_non_null(context);
    seal(context, shared);
    EVP_CIPHER_CTX *own = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = key->suite == WRD_DTLS_AES_128_GCM ? EVP_aes_128_gcm() : EVP_chacha20_poly1305();
    assert_int_equal(EVP_EncryptInit_ex(own, cipher, NULL, key->bytes, nonce), 1);
    seal(own, alone);
    EVP_CIPHER_CTX_free(own);
    assert_memory_equal(shared, alone, sizeof shared);
}

static bool opens(struct wrd_dtls_ciphers *ciphers, struct wrd_dtls_key *key, const uint8_t nonce[WRD_DTLS_NONCE_SIZE],
                  const uint8_t sealed[TEXT_SIZE + TAG_SIZE])
{
    uint8_t own_nonce[WRD_DTLS_NONCE_SIZE], tag[TAG_SIZE], out[TEXT_SIZE];
    int len = 0;
    memcpy(own_nonce, nonce, sizeof own_nonce);
    memcpy(tag, sealed + TEXT_SIZE, sizeof tag);
    EVP_CIPHER_CTX *context = wrd_dtls_ciphers_load(ciphers, key, own_nonce, tag);
    assert_non_null(context);
    bool opened = EVP_DecryptUpdate(context, out, &len, sealed, TEXT_SIZE) == 1 &&
                  EVP_DecryptFinal_ex(context, out + TEXT_SIZE, &len) == 1;
    return opened && memcmp(out, text, sizeof text) == 0;
}

static void what_is_forged_does_not_open_and_spoils_nothing_for_the_next(void **state)
{
    struct wrd_dtls_ciphers *ciphers = *state;
    for (unsigned number = 0; number < 3; number++) {
        struct wrd_dtls_key sealing = make_key(number), opening = make_key(number);
        opening.seals = false;
        for (unsigned turn = 0; turn < 4; turn++) {
            uint8_t nonce[WRD_DTLS_NONCE_SIZE] = {(uint8_t)turn, 9}, sealed[TEXT_SIZE + TAG_SIZE];
            seal(wrd_dtls_ciphers_load(ciphers, &sealing, nonce, NULL), sealed);
            assert_true(opens(ciphers, &opening, nonce, sealed));
            for (size_t at = 0; at < sizeof sealed; at += TEXT_SIZE) { /* in the text, in the tag */
                sealed[at] ^= 1;
                assert_false(opens(ciphers, &opening, nonce, sealed));
                sealed[at] ^= 1;
            }
            uint8_t other[WRD_DTLS_NONCE_SIZE] = {(uint8_t)turn, 8};
            assert_false(opens(ciphers, &opening, other, sealed));
            assert_true(opens(ciphers, &opening, nonce, sealed));
        }
        wrd_dtls_ciphers_forget(ciphers, &sealing);
        wrd_dtls_ciphers_forget(ciphers, &opening);
    }
}

static void keys_of_both_suites_take_turns_in_the_same_contexts(void **state)
{
    static struct wrd_dtls_key keys[KEYS];
    struct wrd_dtls_ciphers *ciphers = *state;
    unsigned turn = 0;
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = make_key(i);
    for (unsigned i = 0; i < 2 * KEYS; i++) /* always another */
        assert_seals_as_alone(ciphers, &keys[i % KEYS], turn++);
    for (unsigned i = 0; i < 4 * KEYS; i++) /* mostly the same */
        assert_seals_as_alone(ciphers, &keys[i * i % 97], turn++);
    for (unsigned i = 0; i < KEYS; i += 2) { /* and between others that are new */
        wrd_dtls_ciphers_forget(ciphers, &keys[i]);
        keys[i] = make_key(KEYS + i);
        assert_seals_as_alone(ciphers, &keys[i], turn++);
        assert_seals_as_alone(ciphers, &keys[i + 1], turn++);
    }
}

/* As where AES is of an engine, or of a provider that knows not how. */
static void without_the_quick_way_to_set_a_nonce_the_same_comes_out(void **state)
{
    struct wrd_dtls_ciphers *ciphers = *state;
    struct wrd_dtls_key key = make_key(1);
    for (unsigned turn = 0; turn < 8; turn++) {
        assert_seals_as_alone(ciphers, &key, turn);
        ciphers->sets_nonces = ciphers->sets_nonces && turn < 4;
    }
    assert_true(ciphers->tried);
    wrd_dtls_ciphers_forget(ciphers, &key);
}

static void here_the_quick_way_works(void **state)
{
    struct wrd_dtls_ciphers *ciphers = *state;
    struct wrd_dtls_key key = make_key(1);
    for (unsigned turn = 0; turn < 2; turn++)
        assert_seals_as_alone(ciphers, &key, turn);
    assert_true(ciphers->sets_nonces);
}

static void a_key_that_is_forgotten_is_nowhere_any_more(void **state)
{
    static const struct wrd_dtls_key wiped;
    struct wrd_dtls_ciphers *ciphers = *state;
    struct wrd_dtls_key key = make_key(1);
    assert_seals_as_alone(ciphers, &key, 1);
    EVP_CIPHER_CTX *context = ciphers->slots[key.slot].context;
    wrd_dtls_ciphers_forget(ciphers, &key);
    assert_memory_equal(&key, &wiped, sizeof key);
    /* The context that had it seals under another. */
    uint8_t left[TEXT_SIZE + TAG_SIZE], before[TEXT_SIZE + TAG_SIZE], nonce[WRD_DTLS_NONCE_SIZE] = {1};
    assert_int_equal(EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce), 1);
    seal(context, left);
    key = make_key(1);
    seal(wrd_dtls_ciphers_load(ciphers, &key, nonce, NULL), before);
    assert_memory_not_equal(left, before, sizeof left);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_of_both_suites_take_turns_in_the_same_contexts),
        TEST(what_is_forged_does_not_open_and_spoils_nothing_for_the_next),
        TEST(without_the_quick_way_to_set_a_nonce_the_same_comes_out),
        TEST(here_the_quick_way_works),
        TEST(a_key_that_is_forgotten_is_nowhere_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
