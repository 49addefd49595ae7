/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "stun/attribute.h"
#include "stun/crc.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

/* ---- RFC 5769 */

static const uint8_t request_2_1[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
    0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

static const uint8_t response_2_2[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};

static const uint8_t response_2_3[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf,
    0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20,
    0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe,
    0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c,
    0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c};

static const uint8_t request_2_4[] = {
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
    0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
    0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
    0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
    0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66};

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

/* Reads from a heap copy of exactly `len` bytes, so that the sanitizer sees a read past the end. */
static bool reads(struct wrd_stun *out, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    bool ok = wrd_stun_read(out, copy, len);
    free(copy);
    return ok;
}

static bool verifies(const uint8_t *bytes, size_t len, const void *key, size_t key_len)
{
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, bytes, len));
    return wrd_stun_verify(&message, bytes, key, key_len);
}

static void sample_request_of_rfc_5769_2_1_reads_and_verifies(void **state)
{
    (void)state;
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, request_2_1, sizeof request_2_1));
    assert_int_equal(message.type, WRD_STUN_BINDING_REQUEST);
    assert_memory_equal(message.transaction, request_2_1 + 8, WRD_STUN_TRANSACTION_SIZE);
    assert_int_equal(message.username_len, 9);
    assert_memory_equal(message.username, "evtj:h6vY", 9);
    assert_true(message.has_fingerprint);
    assert_true(message.has_priority);
    assert_int_equal(message.priority, 0x6e0001ff);
    assert_true(message.has_ice_controlled);
    assert_false(message.has_ice_controlling);
    assert_false(message.use_candidate);
    assert_false(message.has_mapped);
    assert_int_equal(message.unknown_required, 0);
    assert_int_equal(message.error_code, 0);
    assert_true(wrd_stun_verify(&message, request_2_1, (const uint8_t *)password, strlen(password)));
    assert_false(wrd_stun_verify(&message, request_2_1, (const uint8_t *)password, strlen(password) - 1));
    assert_false(wrd_stun_verify(&message, request_2_1, NULL, 0));
}

static void ipv4_response_of_rfc_5769_2_2_reads_and_verifies(void **state)
{
    (void)state;
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, response_2_2, sizeof response_2_2));
    assert_int_equal(message.type, WRD_STUN_BINDING_SUCCESS);
    assert_null(message.username);
    assert_true(message.has_fingerprint && message.has_mapped);
    static const uint8_t ip[16] = {192, 0, 2, 1};
    assert_int_equal(message.mapped.family, 4);
    assert_int_equal(message.mapped.port, 32853);
    assert_memory_equal(message.mapped.ip, ip, 16);
    assert_true(verifies(response_2_2, sizeof response_2_2, password, strlen(password)));
}

static void ipv6_response_of_rfc_5769_2_3_reads_and_verifies(void **state)
{
    (void)state;
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, response_2_3, sizeof response_2_3));
    static const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78,
                                   0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
    assert_int_equal(message.mapped.family, 6);
    assert_int_equal(message.mapped.port, 32853);
    assert_memory_equal(message.mapped.ip, ip, 16);
    assert_true(verifies(response_2_3, sizeof response_2_3, password, strlen(password)));
}

static void long_term_request_of_rfc_5769_2_4_reads_and_verifies(void **state)
{
    (void)state;
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, request_2_4, sizeof request_2_4));
    assert_int_equal(message.username_len, 18);
    assert_false(message.has_fingerprint);
    assert_int_equal(message.unknown_required, 0);
    /* MD5 of user name, realm and password "TheMatrIX" (RFC 8489 9.2.2). */
    static const uint8_t key[16] = {0xe8, 0xca, 0x7a, 0xd5, 0x9d, 0x5e, 0xb0, 0x51,
                                    0x8e, 0x31, 0x29, 0x11, 0xd2, 0xda, 0xb2, 0xa9};
    assert_true(verifies(request_2_4, sizeof request_2_4, key, sizeof key));
}

/* ---- hostile input */

/* A message under construction; `seal` sets the length. */
struct message {
    uint8_t bytes[2048];
    size_t len;
};

static void start(struct message *m, uint16_t type)
{
    struct wrd_writer wr = wrd_wr(m->bytes, sizeof m->bytes);
    wrd_wr16(&wr, type);
    wrd_wr16(&wr, 0);
    wrd_wr32(&wr, WRD_STUN_MAGIC_COOKIE);
    wrd_wr_bytes(&wr, "transaction!", 12);
    m->len = wr.len;
}

static void seal(struct message *m)
{
    wrd_store16be(m->bytes + 2, (uint16_t)(m->len - WRD_STUN_HEADER_SIZE));
}

static void add(struct message *m, uint16_t type, const void *value, size_t len)
{
    size_t padded = (len + 3) & ~(size_t)3;
    assert_true(m->len + 4 + padded <= sizeof m->bytes);
    wrd_store16be(m->bytes + m->len, type);
    wrd_store16be(m->bytes + m->len + 2, (uint16_t)len);
    memset(m->bytes + m->len + 4, 0, padded);
    if (len > 0)
        memcpy(m->bytes + m->len + 4, value, len);
    m->len += 4 + padded;
    seal(m);
}

static void add_fingerprint(struct message *m)
{
    uint8_t value[4] = {0};
    add(m, WRD_STUN_FINGERPRINT, value, 4);
    wrd_store32be(m->bytes + m->len - 4, wrd_stun_crc32(m->bytes, m->len - 8) ^ WRD_STUN_FINGERPRINT_XOR);
}

static const uint8_t zeros[1400];

static void a_message_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    struct wrd_stun message;
    for (size_t len = 0; len < sizeof request_2_1; len++)
        assert_false(reads(&message, request_2_1, len));
    uint8_t longer[sizeof request_2_1 + 4] = {0};
    memcpy(longer, request_2_1, sizeof request_2_1);
    for (size_t len = sizeof request_2_1 + 1; len <= sizeof longer; len++)
        assert_false(reads(&message, longer, len));
}

static void a_cut_message_whose_length_lies_along_is_refused_or_unverified(void **state)
{
    (void)state;
    for (size_t len = WRD_STUN_HEADER_SIZE; len < sizeof request_2_1; len += 4) {
        uint8_t copy[sizeof request_2_1];
        memcpy(copy, request_2_1, len);
        wrd_store16be(copy + 2, (uint16_t)(len - WRD_STUN_HEADER_SIZE));
        struct wrd_stun message;
        if (!wrd_stun_read(&message, copy, len))
            continue;
        assert_false(message.has_fingerprint);
        /* Cut behind MESSAGE-INTEGRITY the message is whole but for FINGERPRINT. */
        assert_int_equal(wrd_stun_verify(&message, copy, (const uint8_t *)password, strlen(password)),
                         len == sizeof request_2_1 - 8);
    }
}

static void any_flipped_bit_is_refused_or_unverified(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof request_2_1; bit++) {
        uint8_t copy[sizeof request_2_1];
        memcpy(copy, request_2_1, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct wrd_stun message;
        bool good = wrd_stun_read(&message, copy, sizeof copy) && message.has_fingerprint &&
                    wrd_stun_verify(&message, copy, (const uint8_t *)password, strlen(password));
        assert_false(good);
    }
}

static void any_attribute_length_is_survived(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    static const uint16_t types[] = {0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x0020, 0x0024,
                                     0x0025, 0x8028, 0x8029, 0x802a, 0xc070, 0x7fff, 0xffff, 0x0000};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        for (unsigned claimed = 0; claimed <= 64; claimed++) {
            start(&m, WRD_STUN_BINDING_REQUEST);
            add(&m, types[t], zeros, 32);
            wrd_store16be(m.bytes + WRD_STUN_HEADER_SIZE + 2, (uint16_t)(claimed == 64 ? 0xffff : claimed));
            bool ok = reads(&message, m.bytes, m.len);
            assert_false(ok && claimed > 32);
        }
    }
}

static void an_attribute_of_the_wrong_size_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        size_t right;
    } cases[] = {{WRD_STUN_PRIORITY, 4},
                 {WRD_STUN_USE_CANDIDATE, 0},
                 {WRD_STUN_ICE_CONTROLLED, 8},
                 {WRD_STUN_ICE_CONTROLLING, 8},
                 {WRD_STUN_INTEGRITY, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t len = 0; len <= 40; len++) {
            struct message m;
            struct wrd_stun message;
            start(&m, WRD_STUN_BINDING_REQUEST);
            add(&m, cases[i].type, zeros, len);
            assert_int_equal(reads(&message, m.bytes, m.len), len == cases[i].right);
        }
    }
}

static void mapped_address_needs_a_known_family_and_its_size(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 4; family++) {
        for (size_t len = 0; len <= 24; len++) {
            uint8_t value[24] = {0, (uint8_t)family};
            struct message m;
            struct wrd_stun message;
            start(&m, WRD_STUN_BINDING_SUCCESS);
            add(&m, WRD_STUN_XOR_MAPPED_ADDRESS, value, len);
            bool right = (family == 1 && len == 8) || (family == 2 && len == 20);
            assert_int_equal(reads(&message, m.bytes, m.len), right);
        }
    }
}

static void error_code_needs_class_3_to_6_and_number_below_100(void **state)
{
    (void)state;
    for (unsigned hundreds = 0; hundreds < 8; hundreds++) {
        for (unsigned rest = 0; rest < 256; rest++) {
            uint8_t value[5] = {0xff, 0xff, (uint8_t)(0xf8 | hundreds), (uint8_t)rest, 'x'};
            struct message m;
            struct wrd_stun message;
            start(&m, WRD_STUN_BINDING_ERROR);
            add(&m, WRD_STUN_ERROR_CODE, value, sizeof value);
            bool right = hundreds >= 3 && hundreds <= 6 && rest < 100;
            assert_int_equal(reads(&message, m.bytes, m.len), right);
            if (right)
                assert_int_equal(message.error_code, hundreds * 100 + rest);
        }
    }
}

static void of_a_repeated_attribute_the_first_counts(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, WRD_STUN_USERNAME, "first", 5);
    add(&m, WRD_STUN_USERNAME, "second", 6);
    add(&m, WRD_STUN_PRIORITY, "\0\0\0\1", 4);
    add(&m, WRD_STUN_PRIORITY, "\0\0\0\2", 4);
    add(&m, WRD_STUN_XOR_MAPPED_ADDRESS, "\0\1\x21\x13\x21\x12\xa4\x43", 8);
    add(&m, WRD_STUN_XOR_MAPPED_ADDRESS, "\0\1\x21\x14\x21\x12\xa4\x44", 8);
    assert_true(wrd_stun_read(&message, m.bytes, m.len));
    assert_int_equal(message.username_len, 5);
    assert_memory_equal(message.username, "first", 5);
    assert_int_equal(message.priority, 1);
    assert_int_equal(message.mapped.port, 1);
    assert_int_equal(message.mapped.ip[3], 1);
}

static void an_empty_username_is_present(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, WRD_STUN_USERNAME, NULL, 0);
    assert_true(wrd_stun_read(&message, m.bytes, m.len));
    assert_non_null(message.username);
    assert_int_equal(message.username_len, 0);
}

static void a_second_integrity_is_refused(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, WRD_STUN_INTEGRITY, zeros, 20);
    assert_true(reads(&message, m.bytes, m.len));
    add(&m, WRD_STUN_INTEGRITY, zeros, 20);
    assert_false(reads(&message, m.bytes, m.len));
}

/* RFC 8489 14.5 */
static void what_follows_integrity_does_not_count(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, WRD_STUN_INTEGRITY, zeros, 20);
    add(&m, WRD_STUN_USERNAME, "late", 4);
    add(&m, WRD_STUN_USE_CANDIDATE, NULL, 0);
    add(&m, WRD_STUN_PRIORITY, zeros, 4);
    add(&m, WRD_STUN_ICE_CONTROLLED, zeros, 8);
    add(&m, 0x001c, zeros, 32); /* MESSAGE-INTEGRITY-SHA256 may stand here. */
    add_fingerprint(&m);
    assert_true(reads(&message, m.bytes, m.len));
    assert_null(message.username);
    assert_false(message.use_candidate || message.has_priority || message.has_ice_controlled);
    assert_int_equal(message.unknown_required, 0);
    assert_true(message.has_fingerprint);
}

static void fingerprint_is_the_last_attribute_or_the_message_is_refused(void **state)
{
    (void)state;
    static const uint16_t after[] = {WRD_STUN_USERNAME, WRD_STUN_INTEGRITY, WRD_STUN_FINGERPRINT, 0xc070};
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        struct message m;
        struct wrd_stun message;
        start(&m, WRD_STUN_BINDING_REQUEST);
        add_fingerprint(&m);
        assert_true(reads(&message, m.bytes, m.len));
        assert_true(message.has_fingerprint);
        add(&m, after[i], zeros, after[i] == WRD_STUN_INTEGRITY ? 20 : 4);
        /* With the CRC right for the longer message only the place is wrong. */
        wrd_store32be(m.bytes + WRD_STUN_HEADER_SIZE + 4,
                      wrd_stun_crc32(m.bytes, WRD_STUN_HEADER_SIZE) ^ WRD_STUN_FINGERPRINT_XOR);
        assert_false(reads(&message, m.bytes, m.len));
    }
}

static void the_first_unknown_required_attribute_is_told(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, 0xc070, zeros, 900);
    add(&m, 0xc071, zeros, 0);
    add(&m, 0xc057, zeros, 4);
    assert_true(reads(&message, m.bytes, m.len));
    assert_int_equal(message.unknown_required, 0);
    add(&m, 0x7ffe, "x", 1);
    add(&m, 0x0002, "xy", 2);
    assert_true(reads(&message, m.bytes, m.len));
    assert_int_equal(message.unknown_required, 0x7ffe);
}

static void a_message_is_at_most_1280_bytes(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, 0xc070, zeros, WRD_STUN_MESSAGE_MAX - 24 - 24);
    add(&m, WRD_STUN_INTEGRITY, zeros, 20);
    assert_int_equal(m.len, WRD_STUN_MESSAGE_MAX);
    assert_true(reads(&message, m.bytes, m.len));
    assert_false(wrd_stun_verify(&message, m.bytes, zeros, 1));
    add(&m, 0xc071, zeros, 0);
    assert_false(reads(&message, m.bytes, m.len));
}

static void thousands_of_empty_attributes_are_survived(void **state)
{
    (void)state;
    struct message m;
    struct wrd_stun message;
    start(&m, WRD_STUN_BINDING_REQUEST);
    while (m.len + 4 <= WRD_STUN_MESSAGE_MAX)
        add(&m, WRD_STUN_USERNAME, NULL, 0);
    assert_true(reads(&message, m.bytes, m.len));
}

static void only_the_first_byte_and_the_cookie_make_it_stun(void **state)
{
    (void)state;
    uint8_t copy[sizeof response_2_2];
    memcpy(copy, response_2_2, sizeof copy);
    for (unsigned first = 0; first < 256; first++) {
        copy[0] = (uint8_t)first;
        assert_int_equal(wrd_stun_is(copy, sizeof copy), first < 4);
    }
    copy[0] = 1;
    for (size_t i = 4; i < 8; i++) {
        copy[i] ^= 1;
        assert_false(wrd_stun_is(copy, sizeof copy));
        copy[i] ^= 1;
    }
    for (size_t len = 0; len < WRD_STUN_HEADER_SIZE; len++)
        assert_false(wrd_stun_is(copy, len));
    assert_true(wrd_stun_is(copy, WRD_STUN_HEADER_SIZE));
}

static void without_integrity_nothing_verifies(void **state)
{
    (void)state;
    struct message m;
    start(&m, WRD_STUN_BINDING_REQUEST);
    add(&m, WRD_STUN_USERNAME, "a:b", 3);
    assert_false(verifies(m.bytes, m.len, "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sample_request_of_rfc_5769_2_1_reads_and_verifies),
                                       cmocka_unit_test(ipv4_response_of_rfc_5769_2_2_reads_and_verifies),
                                       cmocka_unit_test(ipv6_response_of_rfc_5769_2_3_reads_and_verifies),
                                       cmocka_unit_test(long_term_request_of_rfc_5769_2_4_reads_and_verifies),
                                       cmocka_unit_test(a_message_cut_at_any_byte_is_refused),
                                       cmocka_unit_test(a_cut_message_whose_length_lies_along_is_refused_or_unverified),
                                       cmocka_unit_test(any_flipped_bit_is_refused_or_unverified),
                                       cmocka_unit_test(any_attribute_length_is_survived),
                                       cmocka_unit_test(an_attribute_of_the_wrong_size_is_refused),
                                       cmocka_unit_test(mapped_address_needs_a_known_family_and_its_size),
                                       cmocka_unit_test(error_code_needs_class_3_to_6_and_number_below_100),
                                       cmocka_unit_test(of_a_repeated_attribute_the_first_counts),
                                       cmocka_unit_test(an_empty_username_is_present),
                                       cmocka_unit_test(a_second_integrity_is_refused),
                                       cmocka_unit_test(what_follows_integrity_does_not_count),
                                       cmocka_unit_test(fingerprint_is_the_last_attribute_or_the_message_is_refused),
                                       cmocka_unit_test(the_first_unknown_required_attribute_is_told),
                                       cmocka_unit_test(a_message_is_at_most_1280_bytes),
                                       cmocka_unit_test(thousands_of_empty_attributes_are_survived),
                                       cmocka_unit_test(only_the_first_byte_and_the_cookie_make_it_stun),
                                       cmocka_unit_test(without_integrity_nothing_verifies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
