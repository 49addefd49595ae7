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
