/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static const uint8_t transaction[] = "transaction!";
static const uint8_t key[] = "the password of 22 and more";
#define KEY_LEN (sizeof key - 1)

static struct wrd_stun_request a_request(const char *username)
{
    return (struct wrd_stun_request){.transaction = transaction,
                                     .username = username,
                                     .username_len = strlen(username),
                                     .priority = 0x6e7f1eff,
                                     .tie_breaker = 0x0123456789abcdef,
                                     .use_candidate = true};
}

static void a_request_reads_back_and_verifies(void **state)
{
    (void)state;
    /* Names of 1 to 4 bytes need each padding. */
    static const char *const names[] = {"a", "ab", "abc", "abcd", "left:right"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint8_t out[WRD_STUN_MESSAGE_MAX];
        struct wrd_stun message;
        struct wrd_stun_request request = a_request(names[i]);
        size_t len = wrd_stun_write_request(out, sizeof out, &request, key, KEY_LEN);
        assert_true(len > 0 && len % 4 == 0);
        assert_true(wrd_stun_read(&message, out, len));
        assert_int_equal(message.type, WRD_STUN_BINDING_REQUEST);
        assert_memory_equal(message.transaction, transaction, WRD_STUN_TRANSACTION_SIZE);
        assert_int_equal(message.username_len, strlen(names[i]));
        assert_memory_equal(message.username, names[i], strlen(names[i]));
        assert_true(message.has_priority && message.has_ice_controlling && message.use_candidate);
        assert_false(message.has_ice_controlled || message.has_mapped);
        assert_int_equal(message.priority, 0x6e7f1eff);
        assert_true(message.has_fingerprint);
        assert_int_equal(message.unknown_required, 0);
        assert_true(wrd_stun_verify(&message, out, key, KEY_LEN));
        assert_false(wrd_stun_verify(&message, out, key, KEY_LEN - 1));
    }
}

static void a_request_has_its_attributes_in_the_usual_order(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x00, 0x01, 0x00, 0x50, 0x21, 0x12, 0xa4, 0x42, 't',  'r',  'a',  'n',
                                       's',  'a',  'c',  't',  'i',  'o',  'n',  '!',  0x00, 0x06, 0x00, 0x03,
                                       'a',  ':',  'b',  0x00, 0x80, 0x2a, 0x00, 0x08, 0x01, 0x23, 0x45, 0x67,
                                       0x89, 0xab, 0xcd, 0xef, 0x00, 0x25, 0x00, 0x00, 0x00, 0x24, 0x00, 0x04,
                                       0x6e, 0x7f, 0x1e, 0xff, 0x00, 0x08, 0x00, 0x14};
    uint8_t out[200];
    struct wrd_stun_request request = a_request("a:b");
    size_t len = wrd_stun_write_request(out, sizeof out, &request, key, KEY_LEN);
    assert_int_equal(len, 84);
    /* The length is the final one, FINGERPRINT included. */
    uint8_t start[sizeof expected];
    memcpy(start, expected, sizeof start);
    start[3] = 84 - 20;
    assert_memory_equal(out, start, sizeof start);
    assert_memory_equal(out + 76, "\x80\x28\x00\x04", 4);
}

static void without_use_candidate_the_attribute_is_left_out(void **state)
{
    (void)state;
    uint8_t out[200];
    struct wrd_stun message;
    struct wrd_stun_request request = a_request("a:b");
    request.use_candidate = false;
    size_t len = wrd_stun_write_request(out, sizeof out, &request, key, KEY_LEN);
    assert_int_equal(len, 80);
    assert_true(wrd_stun_read(&message, out, len));
    assert_false(message.use_candidate);
}

static void a_success_of_either_family_reads_back_and_verifies(void **state)
{
    (void)state;
    static const wrd_addr addresses[] = {
        {.family = 4, .ip = {192, 0, 2, 1}, .port = 32853},
        {.family = 4, .ip = {0, 0, 0, 0}, .port = 0},
        {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .port = 65535}};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        uint8_t out[128];
        struct wrd_stun message;
        size_t len = wrd_stun_write_success(out, sizeof out, transaction, &addresses[i], key, KEY_LEN);
        assert_int_equal(len, addresses[i].family == 4 ? 64 : 76);
        assert_true(wrd_stun_read(&message, out, len));
        assert_int_equal(message.type, WRD_STUN_BINDING_SUCCESS);
        assert_memory_equal(message.transaction, transaction, WRD_STUN_TRANSACTION_SIZE);
        assert_true(message.has_mapped && message.has_fingerprint);
        assert_memory_equal(&message.mapped, &addresses[i], sizeof message.mapped);
        assert_true(wrd_stun_verify(&message, out, key, KEY_LEN));
    }
}

/* The mapped address of RFC 5769 2.2, which masks 192.0.2.1:32853. */
static void mapped_addresses_are_masked_as_in_rfc_5769(void **state)
{
    (void)state;
    uint8_t out[128];
    static const wrd_addr address = {.family = 4, .ip = {192, 0, 2, 1}, .port = 32853};
    assert_int_equal(wrd_stun_write_success(out, sizeof out, transaction, &address, key, KEY_LEN), 64);
    assert_memory_equal(out + 20, "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43", 12);
}

static void an_error_reads_back_with_its_code(void **state)
{
    (void)state;
    static const uint16_t codes[] = {300, 400, 401, 420, 487, 500, 699};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint8_t out[128];
        struct wrd_stun message;
        size_t len = wrd_stun_write_error(out, sizeof out, transaction, codes[i], 0x7ffe, key, KEY_LEN);
        assert_true(len > 0);
        assert_true(wrd_stun_read(&message, out, len));
        assert_int_equal(message.type, WRD_STUN_BINDING_ERROR);
        assert_int_equal(message.error_code, codes[i]);
        assert_true(message.has_fingerprint);
        assert_true(wrd_stun_verify(&message, out, key, KEY_LEN));
    }
}

static void error_420_lists_the_unknown_attribute(void **state)
{
    (void)state;
    uint8_t out[128];
    size_t len = wrd_stun_write_error(out, sizeof out, transaction, 420, 0x7ffe, key, KEY_LEN);
    assert_int_equal(len, 88);
    assert_memory_equal(out + 20, "\x00\x09\x00\x15\x00\x00\x04\x14Unknown Attribute\0\0\0", 28);
    assert_memory_equal(out + 48, "\x00\x0a\x00\x02\x7f\xfe\0\0", 8);
}

static void a_short_buffer_gives_nothing_and_is_not_overrun(void **state)
{
    (void)state;
    static const wrd_addr address = {.family = 6, .port = 1};
    struct wrd_stun_request request = a_request("left:right");
    for (size_t cap = 0; cap <= 100; cap++) {
        uint8_t out[128];
        memset(out, 0x77, sizeof out);
        assert_int_equal(wrd_stun_write_request(out, cap, &request, key, KEY_LEN), cap < 92 ? 0 : 92);
        assert_int_equal(out[cap], 0x77);
        memset(out, 0x77, sizeof out);
        assert_int_equal(wrd_stun_write_success(out, cap, transaction, &address, key, KEY_LEN), cap < 76 ? 0 : 76);
        assert_int_equal(out[cap], 0x77);
        memset(out, 0x77, sizeof out);
        assert_int_equal(wrd_stun_write_error(out, cap, transaction, 420, 1, key, KEY_LEN), cap < 88 ? 0 : 88);
        assert_int_equal(out[cap], 0x77);
    }
}

static void no_message_is_longer_than_1280_bytes(void **state)
{
    (void)state;
    static uint8_t out[3000];
    static char name[WRD_STUN_MESSAGE_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    struct wrd_stun_request request = a_request(name);
    assert_int_equal(wrd_stun_write_request(out, sizeof out, &request, key, KEY_LEN), 0);
    request.username_len = 1280 - 80;
    size_t len = wrd_stun_write_request(out, sizeof out, &request, key, KEY_LEN);
    assert_int_equal(len, 1280);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_request_reads_back_and_verifies),
                                       cmocka_unit_test(a_request_has_its_attributes_in_the_usual_order),
                                       cmocka_unit_test(without_use_candidate_the_attribute_is_left_out),
                                       cmocka_unit_test(a_success_of_either_family_reads_back_and_verifies),
                                       cmocka_unit_test(mapped_addresses_are_masked_as_in_rfc_5769),
                                       cmocka_unit_test(an_error_reads_back_with_its_code),
                                       cmocka_unit_test(error_420_lists_the_unknown_attribute),
                                       cmocka_unit_test(a_short_buffer_gives_nothing_and_is_not_overrun),
                                       cmocka_unit_test(no_message_is_longer_than_1280_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
