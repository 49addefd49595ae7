/* SPDX-License-Identifier: MIT */
/* The client's answers to checks of a server that is a full agent. */
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "ice/ice.h"
#include "stun/attribute.h"
#include "stun/crc.h"
#include "stun/stun.h"
#include "wrd/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define X "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const wrd_addr server = {.family = 4, .ip = {198, 51, 100, 7}, .port = 3478};
static const wrd_time start = 1000 * WRD_SECOND;

struct check {
    uint8_t bytes[WRD_STUN_MESSAGE_MAX];
    size_t len;
};

static void add(struct check *c, uint16_t type, const void *value, size_t len)
{
    size_t padded = (len + 3) & ~(size_t)3;
    assert_true(c->len + 4 + padded <= sizeof c->bytes);
    wrd_store16be(c->bytes + c->len, type);
    wrd_store16be(c->bytes + c->len + 2, (uint16_t)len);
    memset(c->bytes + c->len + 4, 0, padded);
    memcpy(c->bytes + c->len + 4, value, len);
    c->len += 4 + padded;
    wrd_store16be(c->bytes + 2, (uint16_t)(c->len - WRD_STUN_HEADER_SIZE));
}

static void seal(struct check *c, const char *key)
{
    uint8_t mac[WRD_SHA1_SIZE] = {0}, sum[4] = {0};
    add(c, WRD_STUN_INTEGRITY, mac, sizeof mac);
    assert_true(wrd_hmac_sha1(mac, (const uint8_t *)key, strlen(key), c->bytes, c->len - 24));
    memcpy(c->bytes + c->len - sizeof mac, mac, sizeof mac);
    add(c, WRD_STUN_FINGERPRINT, sum, sizeof sum);
    wrd_store32be(c->bytes + c->len - 4, wrd_stun_crc32(c->bytes, c->len - 8) ^ WRD_STUN_FINGERPRINT_XOR);
}

static struct check check_of(uint16_t type, const char *username, uint16_t role, const char *key)
{
    struct check c = {.len = WRD_STUN_HEADER_SIZE};
    wrd_store16be(c.bytes, type);
    wrd_store32be(c.bytes + 4, WRD_STUN_MAGIC_COOKIE);
    memcpy(c.bytes + 8, "transaction!", 12);
    add(&c, WRD_STUN_USERNAME, username, strlen(username));
    add(&c, role, "12345678", 8);
    seal(&c, key);
    return c;
}

static struct wrd_ice_check client(void)
{
    struct wrd_ice_check check;
    memset(&check, 0, sizeof check);
    assert_int_equal(wrd_ufrag_parse(&check.ufrag, X, strlen(X), NULL), WRD_OK);
    check.state = WRD_ICE_CHECKING;
    check.consent_until = start;
    return check;
}

static size_t answer(const struct check *c, uint8_t out[WRD_ICE_ANSWER_MAX])
{
    struct wrd_ice_check check = client();
    return wrd_ice_check_answer(&check, &server, c->bytes, c->len, out, WRD_ICE_ANSWER_MAX);
}

static void assert_silent(const struct check *c)
{
    uint8_t out[WRD_ICE_ANSWER_MAX];
    assert_int_equal(answer(c, out), 0);
}

static void a_controlled_server_is_answered_with_its_own_address(void **state)
{
    (void)state;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    struct wrd_stun response;
    struct check c = check_of(WRD_STUN_BINDING_REQUEST, X ":" X, WRD_STUN_ICE_CONTROLLED, X);
    size_t len = answer(&c, out);
    assert_in_range(len, 1, c.len);
    assert_true(wrd_stun_read(&response, out, len));
    assert_int_equal(response.type, WRD_STUN_BINDING_SUCCESS);
    assert_memory_equal(response.transaction, "transaction!", WRD_STUN_TRANSACTION_SIZE);
    assert_true(response.has_mapped && wrd_addr_equal(&response.mapped, &server));
    assert_true(wrd_stun_verify(&response, out, (const uint8_t *)X, strlen(X)));
}

static void another_password_or_name_gets_no_answer(void **state)
{
    (void)state;
    static const char *const names[] = {X, X "0:" X, "0:" X, "abcd:" X, ":" X};
    struct check c = check_of(WRD_STUN_BINDING_REQUEST, X ":" X, WRD_STUN_ICE_CONTROLLED, "abcd");
    assert_silent(&c);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        c = check_of(WRD_STUN_BINDING_REQUEST, names[i], WRD_STUN_ICE_CONTROLLED, X);
        assert_silent(&c);
    }
}

static void who_claims_the_clients_role_gets_no_answer(void **state)
{
    (void)state;
    struct check c = check_of(WRD_STUN_BINDING_REQUEST, X ":" X, WRD_STUN_ICE_CONTROLLING, X);
    assert_silent(&c);
}

static void what_is_no_request_gets_no_answer(void **state)
{
    (void)state;
    static const uint16_t types[] = {WRD_STUN_BINDING_SUCCESS, WRD_STUN_BINDING_ERROR, WRD_STUN_BINDING_INDICATION};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct check c = check_of(types[i], X ":" X, WRD_STUN_ICE_CONTROLLED, X);
        assert_silent(&c);
    }
}

static void any_cut_or_flipped_check_gets_no_answer(void **state)
{
    (void)state;
    const struct check whole = check_of(WRD_STUN_BINDING_REQUEST, X ":" X, WRD_STUN_ICE_CONTROLLED, X);
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        struct check c = whole;
        c.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_silent(&c);
    }
    for (size_t len = 0; len < whole.len; len++) {
        struct check c = whole;
        c.len = len;
        assert_silent(&c);
    }
}

static void without_consent_nothing_is_answered(void **state)
{
    (void)state;
    uint8_t out[WRD_ICE_ANSWER_MAX];
    struct wrd_ice_check check = client();
    struct check c = check_of(WRD_STUN_BINDING_REQUEST, X ":" X, WRD_STUN_ICE_CONTROLLED, X);
    check.state = WRD_ICE_LOST;
    assert_int_equal(wrd_ice_check_answer(&check, &server, c.bytes, c.len, out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_controlled_server_is_answered_with_its_own_address),
        cmocka_unit_test(another_password_or_name_gets_no_answer),
        cmocka_unit_test(who_claims_the_clients_role_gets_no_answer),
        cmocka_unit_test(what_is_no_request_gets_no_answer),
        cmocka_unit_test(any_cut_or_flipped_check_gets_no_answer),
        cmocka_unit_test(without_consent_nothing_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
