/* SPDX-License-Identifier: MIT */
#include "wrd/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW ((uint64_t)1800000000)

static const wrd_token_key key = {.bytes = {1, 2, 3}};
static const wrd_token_key other = {.bytes = {9}};

static void mint(char out[WRD_TOKEN_LEN + 1], uint64_t expires)
{
    wrd_token token = {.expires = expires, .subject = "player 17"};
    assert_int_equal(wrd_token_mint(out, &token, &key), WRD_OK);
    assert_int_equal(strlen(out), WRD_TOKEN_LEN);
}

static wrd_result check(const char *text, size_t len, uint64_t now)
{
    wrd_token token;
    const char *why = NULL;
    wrd_result result = wrd_token_check(&token, text, len, &key, 1, now, &why);
    assert_non_null(why);
    assert_int_equal(result == WRD_OK, why[0] == 0);
    return result;
}

static void what_was_minted_is_read_back(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    mint(text, NOW + 60);
    wrd_token token;
    assert_int_equal(wrd_token_check(&token, text, WRD_TOKEN_LEN, &key, 1, NOW, NULL), WRD_OK);
    assert_true(token.expires == NOW + 60);
    assert_string_equal((const char *)token.subject, "player 17");
}

/* The example of docs/WIRE.md, minted by another program than this library. */
static void a_token_of_another_maker_is_taken(void **state)
{
    (void)state;
    static const char text[] =
        "wt1006b49d200706c6179657220313700000000000000a1a2a3a4a5a6a7a8215269da7f8489488447e9f76302b75f";
    wrd_token_key shared;
    wrd_token token;
    for (size_t i = 0; i < sizeof shared.bytes; i++)
        shared.bytes[i] = (uint8_t)i;
    assert_int_equal(wrd_token_check(&token, text, WRD_TOKEN_LEN, &shared, 1, NOW - 1, NULL), WRD_OK);
    assert_true(token.expires == NOW);
    assert_string_equal((const char *)token.subject, "player 17");
}

static void a_client_may_add_characters_of_its_own(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 16] = {0};
    mint(text, NOW + 60);
    memcpy(text + WRD_TOKEN_LEN, "AbC+/9", 7);
    assert_int_equal(check(text, WRD_TOKEN_LEN + 6, NOW), WRD_OK);
}

static void a_token_ends_with_its_last_second(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    mint(text, NOW);
    assert_int_equal(check(text, WRD_TOKEN_LEN, NOW - 1), WRD_OK);
    assert_int_equal(check(text, WRD_TOKEN_LEN, NOW), WRD_TIMEOUT);
    assert_int_equal(check(text, WRD_TOKEN_LEN, UINT64_MAX), WRD_TIMEOUT);
}

static void any_changed_character_spoils_it(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    mint(text, NOW + 60);
    for (size_t i = 0; i < WRD_TOKEN_LEN; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        wrd_result result = check(text, WRD_TOKEN_LEN, NOW);
        assert_int_equal(result, i < 3 ? WRD_INVALID : WRD_MISMATCH);
        text[i] = was;
    }
    assert_int_equal(check(text, WRD_TOKEN_LEN, NOW), WRD_OK);
}

static void one_of_two_keys_is_enough_and_a_third_is_not(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    wrd_token token;
    mint(text, NOW + 60);
    const wrd_token_key keys[] = {other, key};
    assert_int_equal(wrd_token_check(&token, text, WRD_TOKEN_LEN, keys, 2, NOW, NULL), WRD_OK);
    assert_int_equal(wrd_token_check(&token, text, WRD_TOKEN_LEN, keys, 1, NOW, NULL), WRD_MISMATCH);
    assert_int_equal(wrd_token_check(&token, text, WRD_TOKEN_LEN, keys, 0, NOW, NULL), WRD_MISMATCH);
}

static void what_is_no_token_is_said_to_be_none(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    mint(text, NOW + 60);
    for (size_t len = 0; len < WRD_TOKEN_LEN; len++)
        assert_int_equal(check(text, len, NOW), WRD_INVALID);
    text[50] = 'g';
    assert_int_equal(check(text, WRD_TOKEN_LEN, NOW), WRD_INVALID);
}

static void two_tokens_for_the_same_differ(void **state)
{
    (void)state;
    char one[WRD_TOKEN_LEN + 1], two[WRD_TOKEN_LEN + 1];
    mint(one, NOW);
    mint(two, NOW);
    assert_string_not_equal(one, two);
}

static void an_expiry_beyond_the_format_is_refused(void **state)
{
    (void)state;
    char text[WRD_TOKEN_LEN + 1];
    wrd_token token = {.expires = (uint64_t)1 << 40};
    assert_int_equal(wrd_token_mint(text, &token, &key), WRD_INVALID);
    token.expires--;
    assert_int_equal(wrd_token_mint(text, &token, &key), WRD_OK);
    assert_int_equal(check(text, WRD_TOKEN_LEN, token.expires - 1), WRD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_minted_is_read_back),
        cmocka_unit_test(a_token_of_another_maker_is_taken),
        cmocka_unit_test(a_client_may_add_characters_of_its_own),
        cmocka_unit_test(a_token_ends_with_its_last_second),
        cmocka_unit_test(any_changed_character_spoils_it),
        cmocka_unit_test(one_of_two_keys_is_enough_and_a_third_is_not),
        cmocka_unit_test(what_is_no_token_is_said_to_be_none),
        cmocka_unit_test(two_tokens_for_the_same_differ),
        cmocka_unit_test(an_expiry_beyond_the_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
