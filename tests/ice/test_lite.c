/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "ice/ice.h"
#include "stun/attribute.h"
#include "stun/crc.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define X "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const uint8_t transaction[] = "transaction!";
static const wrd_addr remote4 = {.family = 4, .ip = {198, 51, 100, 7}, .port = 50000};
static const wrd_addr remote6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 9}, .port = 50001};

/* ---- requests made attribute by attribute */

struct request {
    uint8_t bytes[WRD_STUN_MESSAGE_MAX + 64];
    size_t len;
};

static void add(struct request *r, uint16_t type, const void *value, size_t len)
{
    size_t padded = (len + 3) & ~(size_t)3;
    assert_true(r->len + 4 + padded <= sizeof r->bytes);
    wrd_store16be(r->bytes + r->len, type);
    wrd_store16be(r->bytes + r->len + 2, (uint16_t)len);
    memset(r->bytes + r->len + 4, 0, padded);
    if (len > 0)
        memcpy(r->bytes + r->len + 4, value, len);
    r->len += 4 + padded;
    wrd_store16be(r->bytes + 2, (uint16_t)(r->len - WRD_STUN_HEADER_SIZE));
}

static void start(struct request *r, uint16_t type, const char *username)
{
    struct wrd_writer wr = wrd_wr(r->bytes, sizeof r->bytes);
    wrd_wr16(&wr, type);
    wrd_wr16(&wr, 0);
    wrd_wr32(&wr, WRD_STUN_MAGIC_COOKIE);
    wrd_wr_bytes(&wr, transaction, 12);
    r->len = wr.len;
    add(r, WRD_STUN_USERNAME, username, strlen(username));
}

static void add_integrity(struct request *r, const char *key)
{
    uint8_t mac[WRD_SHA1_SIZE] = {0};
    add(r, WRD_STUN_INTEGRITY, mac, sizeof mac);
    assert_true(wrd_hmac_sha1(mac, (const uint8_t *)key, strlen(key), r->bytes, r->len - 24));
    memcpy(r->bytes + r->len - sizeof mac, mac, sizeof mac);
}

static void add_fingerprint(struct request *r)
{
    uint8_t value[4] = {0};
    add(r, WRD_STUN_FINGERPRINT, value, sizeof value);
    wrd_store32be(r->bytes + r->len - 4, wrd_stun_crc32(r->bytes, r->len - 8) ^ WRD_STUN_FINGERPRINT_XOR);
}

static void finish(struct request *r, const char *key)
{
    add_integrity(r, key);
    add_fingerprint(r);
}

static size_t answer(const struct request *r, struct wrd_ice_answered *answered, uint8_t *out)
{
    return wrd_ice_lite_answer(answered, &remote4, r->bytes, r->len, out, WRD_ICE_ANSWER_MAX);
}

/* No answer, and not a byte of `answered` or `out` touched. */
static void assert_silent(const struct request *r)
{
    struct wrd_ice_answered answered, untouched;
    uint8_t out[WRD_ICE_ANSWER_MAX], clean[WRD_ICE_ANSWER_MAX];
    memset(&answered, 0x5a, sizeof answered);
    memset(&untouched, 0x5a, sizeof untouched);
    memset(out, 0x5a, sizeof out);
    memset(clean, 0x5a, sizeof clean);
    assert_int_equal(answer(r, &answered, out), 0);
    assert_memory_equal(&answered, &untouched, sizeof answered);
    assert_memory_equal(out, clean, sizeof out);
}

static void assert_error(const struct request *r, const char *key, uint16_t code)
{
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    struct wrd_stun response;
    size_t len = answer(r, &answered, out);
    assert_in_range(len, 1, r->len);
    assert_false(answered.is_success);
    assert_true(wrd_stun_read(&response, out, len));
    assert_int_equal(response.type, WRD_STUN_BINDING_ERROR);
    assert_int_equal(response.error_code, code);
    assert_memory_equal(response.transaction, transaction, WRD_STUN_TRANSACTION_SIZE);
    assert_true(wrd_stun_verify(&response, out, (const uint8_t *)key, strlen(key)));
}

/* ---- what is answered */

static void each_form_of_username_is_answered_under_the_part_before_the_colon(void **state)
{
    (void)state;
    static const struct {
        const char *username;
        const char *ufrag;
    } cases[] = {{X ":" X, X}, /* the original, with a munged offer */
                 {X ":Ab+/", X},
                 {"libp2p+webrtc+v1/0123456789abcdefghij:libp2p+webrtc+v1/0123456789abcdefghij",
                  "libp2p+webrtc+v1/0123456789abcdefghij"},
                 {"libp2p+webrtc+v2/aPasswordOfTheBrowser00:ufrg", "libp2p+webrtc+v2/aPasswordOfTheBrowser00"},
                 {"0123456789012345678901:abcd", "0123456789012345678901"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request r;
        start(&r, WRD_STUN_BINDING_REQUEST, cases[i].username);
        add(&r, WRD_STUN_ICE_CONTROLLING, "12345678", 8);
        add(&r, WRD_STUN_PRIORITY, "\x6e\0\0\xff", 4);
        finish(&r, cases[i].ufrag);
        struct wrd_ice_answered answered;
        uint8_t out[WRD_ICE_ANSWER_MAX];
        struct wrd_stun response;
        size_t len = answer(&r, &answered, out);
        assert_int_equal(len, 64);
        assert_true(answered.is_success);
        assert_false(answered.use_candidate);
        assert_int_equal(answered.ufrag.len, strlen(cases[i].ufrag));
        assert_memory_equal(answered.ufrag.text, cases[i].ufrag, answered.ufrag.len);
        assert_true(wrd_stun_read(&response, out, len));
        assert_int_equal(response.type, WRD_STUN_BINDING_SUCCESS);
        assert_memory_equal(response.transaction, transaction, WRD_STUN_TRANSACTION_SIZE);
        assert_memory_equal(&response.mapped, &remote4, sizeof remote4);
        assert_true(response.has_fingerprint);
        assert_true(wrd_stun_verify(&response, out, (const uint8_t *)cases[i].ufrag, strlen(cases[i].ufrag)));
    }
}

static void the_answer_names_an_ipv6_source(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    finish(&r, X);
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    struct wrd_stun response;
    size_t len = wrd_ice_lite_answer(&answered, &remote6, r.bytes, r.len, out, sizeof out);
    assert_int_equal(len, 76);
    assert_true(wrd_stun_read(&response, out, len));
    assert_memory_equal(&response.mapped, &remote6, sizeof remote6);
}

static void use_candidate_is_reported(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&r, WRD_STUN_USE_CANDIDATE, NULL, 0);
    finish(&r, X);
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    assert_true(answer(&r, &answered, out) > 0);
    assert_true(answered.use_candidate);
}

/* draft-hancke-webrtc-sped: 0xc070 data, 0xc071 acknowledgements; 0xc057 is GOOG-NETWORK-INFO. */
static void sped_and_browser_attributes_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t data[900];
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&r, 0xc057, "\0\1\0\2", 4);
    add(&r, 0xc071, NULL, 0);
    add(&r, 0xc070, data, sizeof data);
    finish(&r, X);
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    assert_int_equal(answer(&r, &answered, out), 64);
    assert_true(answered.is_success);
}

/* ---- errors, RFC 8489 6.3.1 and RFC 8445 7.3.1.1 */

static void an_unknown_required_attribute_gets_420(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&r, 0x7ffe, "x", 1);
    finish(&r, X);
    assert_error(&r, X, 420);
}

static void a_controlled_peer_gets_487(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&r, WRD_STUN_ICE_CONTROLLED, "12345678", 8);
    finish(&r, X);
    assert_error(&r, X, 487);
}

static void errors_need_right_integrity_too(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&r, 0x7ffe, "x", 1);
    add(&r, WRD_STUN_ICE_CONTROLLED, "12345678", 8);
    finish(&r, "some other password, quite long");
    assert_silent(&r);
}

/* ---- what gets no answer */

static void a_wrong_password_gets_no_answer(void **state)
{
    (void)state;
    static const char *const keys[] = {"", "abcd", X ":abcd", X "0"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct request r;
        start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
        finish(&r, keys[i]);
        assert_silent(&r);
    }
}

static void a_username_that_is_not_ours_gets_no_answer(void **state)
{
    (void)state;
    static char long_half[258 + 5];
    memset(long_half, 'a', 257);
    memcpy(long_half + 257, ":abcd", 5);
    const char *const names[] = {"",           ":",        "abcd:" X, X,          X ":",    X ":abc",
                                 "short:abcd", X "-:abcd", X ":ab d", X ":a:bcd", long_half};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct request r;
        char key[300] = {0};
        memcpy(key, names[i], strcspn(names[i], ":"));
        start(&r, WRD_STUN_BINDING_REQUEST, names[i]);
        finish(&r, key);
        assert_silent(&r);
    }
}

static void only_a_binding_request_gets_an_answer(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 0x4000; type++) {
        struct request r;
        start(&r, (uint16_t)type, X ":abcd");
        add(&r, WRD_STUN_ERROR_CODE, "\0\0\4\0", 4);
        finish(&r, X);
        if (type != WRD_STUN_BINDING_REQUEST)
            assert_silent(&r);
    }
}

static void a_missing_part_gets_no_answer(void **state)
{
    (void)state;
    struct request r;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    assert_silent(&r);
    add_integrity(&r, X);
    assert_silent(&r); /* A check carries FINGERPRINT (RFC 8445 7). */
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add_fingerprint(&r);
    assert_silent(&r);
    r.len = WRD_STUN_HEADER_SIZE; /* no USERNAME */
    finish(&r, "");
    assert_silent(&r);
    r.len = WRD_STUN_HEADER_SIZE; /* USERNAME behind MESSAGE-INTEGRITY, which does not cover it */
    add_integrity(&r, X);
    add(&r, WRD_STUN_USERNAME, X ":abcd", sizeof X ":abcd" - 1);
    add_fingerprint(&r);
    assert_silent(&r);
}

static void a_source_without_address_gets_no_answer(void **state)
{
    (void)state;
    static const wrd_addr nowhere;
    struct request r;
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    finish(&r, X);
    assert_int_equal(wrd_ice_lite_answer(&answered, &nowhere, r.bytes, r.len, out, sizeof out), 0);
}

static void any_cut_or_flipped_request_gets_no_answer(void **state)
{
    (void)state;
    struct request good, bad;
    start(&good, WRD_STUN_BINDING_REQUEST, X ":abcd");
    add(&good, WRD_STUN_ICE_CONTROLLING, "12345678", 8);
    finish(&good, X);
    for (size_t len = 0; len < good.len; len++) {
        bad = good;
        bad.len = len;
        assert_silent(&bad);
    }
    for (size_t bit = 0; bit < 8 * good.len; bit++) {
        bad = good;
        bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_silent(&bad);
    }
}

/* ---- size */

static void an_answer_is_never_longer_than_its_request(void **state)
{
    (void)state;
    /* The shortest right request there is: 84 bytes. A 420 takes 88. */
    struct request r;
    struct wrd_ice_answered answered;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    start(&r, WRD_STUN_BINDING_REQUEST, "0123456789012345678901:abcd");
    finish(&r, "0123456789012345678901");
    assert_int_equal(r.len, 84);
    assert_int_equal(wrd_ice_lite_answer(&answered, &remote6, r.bytes, r.len, out, sizeof out), 76);
    start(&r, WRD_STUN_BINDING_REQUEST, "0123456789012345678901:abcd");
    add(&r, 0x7ffe, NULL, 0);
    finish(&r, "0123456789012345678901");
    assert_int_equal(r.len, 88);
    assert_error(&r, "0123456789012345678901", 420);
}

static void a_short_buffer_gives_no_answer(void **state)
{
    (void)state;
    struct request r;
    struct wrd_ice_answered answered;
    start(&r, WRD_STUN_BINDING_REQUEST, X ":abcd");
    finish(&r, X);
    for (size_t cap = 0; cap < 64; cap++) {
        uint8_t *out = malloc(cap + 1);
        assert_non_null(out);
        assert_int_equal(wrd_ice_lite_answer(&answered, &remote4, r.bytes, r.len, out, cap), 0);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_username_is_answered_under_the_part_before_the_colon),
        cmocka_unit_test(the_answer_names_an_ipv6_source),
        cmocka_unit_test(use_candidate_is_reported),
        cmocka_unit_test(sped_and_browser_attributes_are_passed_over),
        cmocka_unit_test(an_unknown_required_attribute_gets_420),
        cmocka_unit_test(a_controlled_peer_gets_487),
        cmocka_unit_test(errors_need_right_integrity_too),
        cmocka_unit_test(a_wrong_password_gets_no_answer),
        cmocka_unit_test(a_username_that_is_not_ours_gets_no_answer),
        cmocka_unit_test(only_a_binding_request_gets_an_answer),
        cmocka_unit_test(a_missing_part_gets_no_answer),
        cmocka_unit_test(a_source_without_address_gets_no_answer),
        cmocka_unit_test(any_cut_or_flipped_request_gets_no_answer),
        cmocka_unit_test(an_answer_is_never_longer_than_its_request),
        cmocka_unit_test(a_short_buffer_gives_no_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
