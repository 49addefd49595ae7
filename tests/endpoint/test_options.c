/* SPDX-License-Identifier: MIT */
#include "endpoint/options.h"

#include "lab.h"

#include <string.h>

static void expect_ok(const wrd_endpoint_options *options, wrd_endpoint_options *out)
{
    const char *why = NULL;
    assert_int_equal(wrd_endpoint_options_complete(out, options, &why), WRD_OK);
    assert_string_equal(why, "");
}

/* Refused, and the sentence names the option. */
static void expect_refused(const wrd_endpoint_options *options, const char *name)
{
    wrd_endpoint_options out;
    const char *why = NULL;
    assert_int_equal(wrd_endpoint_options_complete(&out, options, &why), WRD_INVALID);
    assert_non_null(strstr(why, name));
    assert_int_equal(wrd_endpoint_options_complete(&out, options, NULL), WRD_INVALID);
}

static wrd_endpoint_options initial(void)
{
    wrd_endpoint_options options;
    memset(&options, 0xff, sizeof options);
    wrd_endpoint_options_init(&options);
    return options;
}

static void expect_defaults(const wrd_endpoint_options *out)
{
    assert_int_equal(out->size, sizeof *out);
    assert_null(out->key);
    assert_int_equal(out->mode, WRD_FRAMED);
    assert_int_equal(out->max_connections, 16384);
    assert_int_equal(out->max_per_address, 1024);
    assert_int_equal(out->handshake_rate, 2000);
    assert_int_equal(out->handshake_rate_per_address, 200);
    assert_int_equal(out->cookies_above, 257);
    assert_int_equal(out->idle_timeout, 0);
    assert_int_equal(out->memory_limit, 1024 * 1024 * 1024);
    assert_int_equal(out->max_handshakes, 1024);
    assert_int_equal(out->handshake_timeout, 10 * WRD_SECOND);
    assert_int_equal(out->lost_timeout, 30 * WRD_SECOND);
    assert_int_equal(out->send_limit, 1024 * 1024);
    assert_int_equal(out->receive_window, 1024 * 1024);
    assert_int_equal(out->message_limit, WRD_MESSAGE_MAX);
}

static void no_options_and_zeroed_ones_are_the_defaults_of_the_header(void **state)
{
    (void)state;
    wrd_endpoint_options options = initial(), out;
    expect_ok(NULL, &out);
    expect_defaults(&out);
    expect_ok(&options, &out);
    expect_defaults(&out);
    assert_int_equal(wrd_endpoint_options_complete(&out, &options, NULL), WRD_OK);
}

static void what_is_set_is_kept(void **state)
{
    (void)state;
    static const wrd_key key;
    wrd_endpoint_options out, options = {.size = sizeof options,
                                         .key = &key,
                                         .mode = WRD_RAW,
                                         .max_connections = 1,
                                         .max_handshakes = 2,
                                         .handshake_timeout = 3 * WRD_SECOND,
                                         .lost_timeout = 4 * WRD_SECOND,
                                         .send_limit = 5,
                                         .receive_window = 64 * 1024 + 6,
                                         .message_limit = 7};
    expect_ok(&options, &out);
    assert_ptr_equal(out.key, &key);
    assert_int_equal(out.mode, WRD_RAW);
    assert_int_equal(out.max_connections, 1);
    assert_int_equal(out.max_handshakes, 2);
    assert_int_equal(out.handshake_timeout, 3 * WRD_SECOND);
    assert_int_equal(out.lost_timeout, 4 * WRD_SECOND);
    assert_int_equal(out.send_limit, 5);
    assert_int_equal(out.receive_window, 64 * 1024 + 6);
    assert_int_equal(out.message_limit, 7);
}

static void options_of_another_size_are_refused(void **state)
{
    (void)state;
    wrd_endpoint_options options = initial();
    options.size = 0;
    expect_refused(&options, "wrd_endpoint_options_init");
    options.size = sizeof options + 8;
    expect_refused(&options, "wrd_endpoint_options_init");
    options.size = sizeof options - 1;
    expect_refused(&options, "wrd_endpoint_options_init");
}

static void an_unknown_mode_is_refused(void **state)
{
    (void)state;
    wrd_endpoint_options options = initial();
    int unknown = 2;
    memcpy(&options.mode, &unknown, sizeof options.mode);
    expect_refused(&options, "mode");
    unknown = -1;
    memcpy(&options.mode, &unknown, sizeof options.mode);
    expect_refused(&options, "mode");
}

static void each_range_ends_where_its_sentence_says(void **state)
{
    (void)state;
    wrd_endpoint_options out, options = initial();
    options.max_connections = 16777216;
    expect_ok(&options, &out);
    options.max_connections++;
    expect_refused(&options, "max_connections");
    options.max_connections = UINT32_MAX;
    expect_refused(&options, "max_connections");

    options = initial();
    options.receive_window = 64 * 1024;
    expect_ok(&options, &out);
    options.receive_window--;
    expect_refused(&options, "receive_window");
    options.receive_window = 1;
    expect_refused(&options, "receive_window");
    options.receive_window = 64 * 1024 * 1024;
    expect_ok(&options, &out);
    options.receive_window++;
    expect_refused(&options, "receive_window");

    options = initial();
    options.message_limit = WRD_MESSAGE_MAX;
    expect_ok(&options, &out);
    options.message_limit++;
    expect_refused(&options, "message_limit");

    for (size_t limit = 599; limit <= 1473; limit += 1473 - 599) {
        options = initial();
        options.datagram_limit = limit;
        expect_refused(&options, "600 .. 1472");
        options.datagram_limit = limit == 599 ? 600 : 1472;
        expect_ok(&options, &out);
    }
    options = initial();
    options.congestion = (wrd_congestion)2;
    expect_refused(&options, "congestion");

    options = initial();
    options.handshake_timeout = 3600 * WRD_SECOND;
    options.lost_timeout = 24 * 3600 * WRD_SECOND;
    expect_ok(&options, &out);
    options.handshake_timeout++;
    expect_refused(&options, "handshake_timeout");
    options.handshake_timeout = WRD_NEVER; /* added to a time it would run over */
    expect_refused(&options, "handshake_timeout");
    options = initial();
    options.lost_timeout = 24 * 3600 * WRD_SECOND + 1;
    expect_refused(&options, "lost_timeout");
    options.lost_timeout = WRD_NEVER;
    expect_refused(&options, "lost_timeout");
    options.lost_timeout = 999; /* meant as milliseconds */
    expect_refused(&options, "microseconds");
    options = initial();
    options.idle_timeout = 999;
    expect_refused(&options, "idle_timeout");
    options.idle_timeout = WRD_NEVER;
    expect_refused(&options, "idle_timeout");
}

static void what_admits_has_ranges_too(void **state)
{
    (void)state;
    static const wrd_token_key token_keys[WRD_TOKEN_KEYS_MAX];
    wrd_endpoint_options out, options = initial();
    options.handshake_rate = options.handshake_rate_per_address = 1000000;
    expect_ok(&options, &out);
    options.handshake_rate++;
    expect_refused(&options, "handshake_rate");
    options = initial();
    options.handshake_rate_per_address = 1000001;
    expect_refused(&options, "handshake_rate_per_address");
    options = initial();
    options.memory_limit = 4 * 1024 * 1024;
    expect_ok(&options, &out);
    options.memory_limit--;
    expect_refused(&options, "memory_limit");
    options = initial();
    options.token_key_count = WRD_TOKEN_KEYS_MAX;
    expect_refused(&options, "token_keys");
    options.token_keys = token_keys;
    expect_ok(&options, &out);
    options.token_key_count++;
    expect_refused(&options, "WRD_TOKEN_KEYS_MAX");
    options = initial();
    options.siblings = &(wrd_siblings){0};
    expect_refused(&options, "siblings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_and_zeroed_ones_are_the_defaults_of_the_header),
        cmocka_unit_test(what_is_set_is_kept),
        cmocka_unit_test(options_of_another_size_are_refused),
        cmocka_unit_test(an_unknown_mode_is_refused),
        cmocka_unit_test(each_range_ends_where_its_sentence_says),
        cmocka_unit_test(what_admits_has_ranges_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
