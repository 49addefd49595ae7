/* SPDX-License-Identifier: MIT */
#include "wrd/ufrag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define TEXT_22 "abcdefghijklmnopqrstuv"

static wrd_result from_username(wrd_ufrag *out, const char *username)
{
    return wrd_ufrag_from_stun_username(out, (const uint8_t *)username, strlen(username));
}

static void assert_ufrag_is(const wrd_ufrag *ufrag, const char *text)
{
    assert_int_equal(ufrag->len, strlen(text));
    assert_memory_equal(ufrag->text, text, ufrag->len);
}

static void random_bytes_become_64_hex_digits(void **state)
{
    uint8_t random[WRD_UFRAG_RANDOM_SIZE];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(255 - i);
    wrd_ufrag ufrag, same;
    wrd_ufrag_from_random(&ufrag, random);
    assert_ufrag_is(&ufrag, "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0");
    assert_int_equal(wrd_ufrag_parse(&same, ufrag.text, ufrag.len, NULL), WRD_OK);
    assert_true(wrd_ufrag_equal(&same, &ufrag));
}

/* The example of docs/WIRE.md. */
static void mark_is_the_first_four_bytes_combined_with_the_fingerprint(void **state)
{
    uint8_t random[WRD_UFRAG_RANDOM_SIZE];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)i;
    const wrd_fingerprint fingerprint = {{0x8f, 0x90, 0xf6, 0xb5, 0x8c}};
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_for(&ufrag, NULL, 0, random, &fingerprint), WRD_OK);
    assert_ufrag_is(&ufrag, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b8f91f4b6");
    assert_int_equal(wrd_ufrag_for(&ufrag, "wt1+/", 5, random, &fingerprint), WRD_OK);
    assert_ufrag_is(&ufrag, "wt1+/000102030405060708090a0b0c0d0e0f101112131415161718191a1b8f91f4b6");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void fill(uint8_t *bytes, size_t len, uint32_t *seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)next_random(seed);
}

static void mark_is_known_for_its_fingerprint_and_no_other_behind_any_prefix(void **state)
{
    uint32_t seed = 1;
    char prefix[WRD_UFRAG_PREFIX_MAX];
    memset(prefix, 'a', sizeof prefix); /* a hex digit, which must not be taken for the client's own */
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t random[WRD_UFRAG_RANDOM_SIZE];
        wrd_fingerprint right, other;
        wrd_ufrag ufrag;
        size_t prefix_len = next_random(&seed) % (sizeof prefix + 1);
        fill(random, sizeof random, &seed);
        fill(right.bytes, sizeof right.bytes, &seed);
        assert_int_equal(wrd_ufrag_for(&ufrag, prefix, prefix_len, random, &right), WRD_OK);
        assert_int_equal(ufrag.len, prefix_len + 64);
        assert_memory_equal(ufrag.text, prefix, prefix_len);
        assert_true(wrd_ufrag_is_for(&ufrag, &right));
        for (unsigned bit = 0; bit < 32; bit++) {
            other = right;
            other.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(wrd_ufrag_is_for(&ufrag, &other));
        }
        other = right;
        other.bytes[4] ^= 1; /* what stands behind the first four bytes has no part in it */
        assert_true(wrd_ufrag_is_for(&ufrag, &other));
        /* It survives the way through the server's view. */
        wrd_ufrag seen;
        assert_int_equal(wrd_ufrag_parse(&seen, ufrag.text, ufrag.len, NULL), WRD_OK);
        assert_true(wrd_ufrag_is_for(&seen, &right));
    }
}

static void prefix_of_ice_chars_up_to_189_is_taken_and_no_other(void **state)
{
    const uint8_t random[WRD_UFRAG_RANDOM_SIZE] = {1, 2, 3};
    const wrd_fingerprint fingerprint = {{4, 5, 6}};
    char prefix[300];
    wrd_ufrag ufrag;
    memset(prefix, '/', sizeof prefix);
    for (size_t len = 0; len <= sizeof prefix; len++)
        assert_int_equal(wrd_ufrag_for(&ufrag, prefix, len, random, &fingerprint),
                         len <= WRD_UFRAG_PREFIX_MAX ? WRD_OK : WRD_INVALID);
    assert_int_equal(wrd_ufrag_for(&ufrag, prefix, WRD_UFRAG_PREFIX_MAX, random, &fingerprint), WRD_OK);
    assert_int_equal(ufrag.len, 253);
    assert_true(2 * ufrag.len + 1 < 509); /* RFC 8489 14.3, of a client that makes X both sides' */
    const wrd_ufrag before = ufrag;
    for (int c = 0; c < 256; c++) {
        bool good = c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c) != NULL;
        wrd_ufrag out = before;
        prefix[7] = (char)c;
        assert_int_equal(wrd_ufrag_for(&out, prefix, 9, random, &fingerprint), good ? WRD_OK : WRD_INVALID);
        assert_true(good || memcmp(&out, &before, sizeof out) == 0);
    }
}

static void what_has_no_64_hex_digits_at_its_end_has_no_mark(void **state)
{
    const uint8_t random[WRD_UFRAG_RANDOM_SIZE] = {0xab, 0xcd, 0xef};
    const wrd_fingerprint fingerprint = {{0x12, 0x34, 0x56, 0x78}};
    wrd_ufrag good, bad;
    assert_int_equal(wrd_ufrag_for(&good, "ab", 2, random, &fingerprint), WRD_OK);
    bad = good;
    bad.text[2] = 'A'; /* upper case: the client writes lower */
    assert_false(wrd_ufrag_is_for(&bad, &fingerprint));
    for (size_t at = 2; at < good.len; at++) {
        bad = good;
        bad.text[at] = '+';
        assert_false(wrd_ufrag_is_for(&bad, &fingerprint));
    }
    for (uint16_t len = 0; len < 64; len++) {
        bad.len = len;
        memcpy(bad.text, good.text + good.len - len, len);
        assert_false(wrd_ufrag_is_for(&bad, &fingerprint));
    }
    bad.len = 64;
    memcpy(bad.text, good.text + 2, 64);
    assert_true(wrd_ufrag_is_for(&bad, &fingerprint));
}

/* As others make theirs: libp2p, the original, ours before there were marks. */
static void random_strings_have_no_mark(void **state)
{
    uint32_t seed = 7;
    wrd_fingerprint fingerprint;
    fill(fingerprint.bytes, sizeof fingerprint.bytes, &seed);
    for (unsigned round = 0; round < 10000; round++) {
        uint8_t random[WRD_UFRAG_RANDOM_SIZE];
        wrd_ufrag ufrag;
        fill(random, sizeof random, &seed);
        wrd_ufrag_from_random(&ufrag, random);
        assert_false(wrd_ufrag_is_for(&ufrag, &fingerprint));
    }
}

static void parse_takes_22_to_256_ice_chars(void **state)
{
    char text[300];
    memset(text, '+', sizeof text);
    wrd_ufrag ufrag;
    for (size_t len = 0; len <= sizeof text; len++) {
        const char *why = NULL;
        bool good = len >= WRD_UFRAG_MIN && len <= WRD_UFRAG_MAX;
        assert_int_equal(wrd_ufrag_parse(&ufrag, text, len, &why), good ? WRD_OK : WRD_INVALID);
        assert_true(good == (why == NULL));
    }
    assert_int_equal(wrd_ufrag_parse(&ufrag, text, 21, NULL), WRD_INVALID);
}

static void parse_takes_ice_chars_only(void **state)
{
    char text[] = TEXT_22;
    for (int c = 0; c < 256; c++) {
        bool good = c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c) != NULL;
        wrd_ufrag ufrag;
        text[7] = (char)c;
        assert_int_equal(wrd_ufrag_parse(&ufrag, text, sizeof text - 1, NULL), good ? WRD_OK : WRD_INVALID);
    }
}

static void username_yields_what_stands_before_the_colon(void **state)
{
    wrd_ufrag ufrag;
    assert_int_equal(from_username(&ufrag, TEXT_22 ":" TEXT_22), WRD_OK);
    assert_ufrag_is(&ufrag, TEXT_22);
    assert_int_equal(from_username(&ufrag, TEXT_22 ":Ab+/"), WRD_OK);
    assert_ufrag_is(&ufrag, TEXT_22);
}

static void username_of_both_libp2p_versions_is_accepted(void **state)
{
    wrd_ufrag ufrag;
    assert_int_equal(from_username(&ufrag, "libp2p+webrtc+v1/0123456789abcdef:libp2p+webrtc+v1/0123456789abcdef"),
                     WRD_OK);
    assert_ufrag_is(&ufrag, "libp2p+webrtc+v1/0123456789abcdef");
    assert_int_equal(from_username(&ufrag, "libp2p+webrtc+v2/Zr0Z0sV8W8a7tXxq1J2Ld9Qp:qW3e"), WRD_OK);
    assert_ufrag_is(&ufrag, "libp2p+webrtc+v2/Zr0Z0sV8W8a7tXxq1J2Ld9Qp");
}

static void username_at_its_longest_is_accepted(void **state)
{
    char username[WRD_UFRAG_MAX + 1 + WRD_UFRAG_MAX + 1];
    memset(username, 'x', sizeof username);
    username[WRD_UFRAG_MAX] = ':';
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_from_stun_username(&ufrag, (uint8_t *)username, sizeof username - 1), WRD_OK);
    assert_int_equal(ufrag.len, WRD_UFRAG_MAX);
    assert_int_equal(wrd_ufrag_from_stun_username(&ufrag, (uint8_t *)username, sizeof username), WRD_INVALID);
}

static void username_of_another_form_is_refused_and_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        TEXT_22,
        TEXT_22 ":",
        TEXT_22 ":abc",
        TEXT_22 ":abcd:",
        TEXT_22 ":abcd:abcd",
        TEXT_22 ":ab-d",
        TEXT_22 "::abcd",
        (":" TEXT_22),
        "abcdefghijklmnopqrstu:abcd",
        "abcdefghijk mnopqrstuv:abcd",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_ufrag ufrag, before;
        memset(&ufrag, 0x5a, sizeof ufrag);
        before = ufrag;
        assert_int_equal(from_username(&ufrag, bad[i]), WRD_INVALID);
        assert_memory_equal(&ufrag, &before, sizeof ufrag);
    }
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_from_stun_username(&ufrag, (const uint8_t *)TEXT_22 "\0:abcd", 28), WRD_INVALID);
    assert_int_equal(wrd_ufrag_from_stun_username(&ufrag, NULL, 0), WRD_INVALID);
}

static void equality_asks_length_and_text(void **state)
{
    wrd_ufrag a, b;
    assert_int_equal(wrd_ufrag_parse(&a, TEXT_22, 22, NULL), WRD_OK);
    assert_int_equal(wrd_ufrag_parse(&b, TEXT_22 "w", 23, NULL), WRD_OK);
    assert_false(wrd_ufrag_equal(&a, &b));
    assert_int_equal(wrd_ufrag_parse(&b, "Abcdefghijklmnopqrstuv", 22, NULL), WRD_OK);
    assert_false(wrd_ufrag_equal(&a, &b));
    assert_int_equal(wrd_ufrag_parse(&b, TEXT_22, 22, NULL), WRD_OK);
    assert_true(wrd_ufrag_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_become_64_hex_digits),
        cmocka_unit_test(mark_is_the_first_four_bytes_combined_with_the_fingerprint),
        cmocka_unit_test(mark_is_known_for_its_fingerprint_and_no_other_behind_any_prefix),
        cmocka_unit_test(prefix_of_ice_chars_up_to_189_is_taken_and_no_other),
        cmocka_unit_test(what_has_no_64_hex_digits_at_its_end_has_no_mark),
        cmocka_unit_test(random_strings_have_no_mark),
        cmocka_unit_test(parse_takes_22_to_256_ice_chars),
        cmocka_unit_test(parse_takes_ice_chars_only),
        cmocka_unit_test(username_yields_what_stands_before_the_colon),
        cmocka_unit_test(username_of_both_libp2p_versions_is_accepted),
        cmocka_unit_test(username_at_its_longest_is_accepted),
        cmocka_unit_test(username_of_another_form_is_refused_and_changes_nothing),
        cmocka_unit_test(equality_asks_length_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
