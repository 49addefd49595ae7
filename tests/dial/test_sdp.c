/* SPDX-License-Identifier: MIT */
#include "wrd/sdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define HEX "8f90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab01"
#define SDP "8F:90:F6:B5:C1:D2:E3:F4:05:16:27:38:49:5A:6B:7C:8D:9E:AF:B0:C1:D2:E3:F4:05:16:27:38:49:FF:AB:01"
#define X   "00000000000000000000000000000000ffffffffffffffffffffffffffffffff"

static const char chromium_offer[] = "v=0\r\n"
                                     "o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
                                     "s=-\r\n"
                                     "t=0 0\r\n"
                                     "a=group:BUNDLE 0\r\n"
                                     "a=extmap-allow-mixed\r\n"
                                     "a=msid-semantic: WMS\r\n"
                                     "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                     "c=IN IP4 0.0.0.0\r\n"
                                     "a=ice-ufrag:q7fW\r\n"
                                     "a=ice-pwd:l3PcvmZ+8uOQ1ZxpXGcoJqb/\r\n"
                                     "a=ice-options:trickle\r\n"
                                     "a=fingerprint:sha-256 " SDP "\r\n"
                                     "a=setup:actpass\r\n"
                                     "a=mid:0\r\n"
                                     "a=sctp-port:5000\r\n"
                                     "a=max-message-size:262144\r\n";

/* Firefox says the fingerprint once, for the whole session. */
static const char firefox_offer[] = "v=0\n"
                                    "o=mozilla...THIS_IS_SDPARTA-99.0 5498186869896684180 0 IN IP4 0.0.0.0\n"
                                    "s=-\n"
                                    "t=0 0\n"
                                    "a=fingerprint:sha-256 " SDP "\n"
                                    "a=group:BUNDLE 0\n"
                                    "a=ice-options:trickle\n"
                                    "a=msid-semantic:WMS *\n"
                                    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
                                    "c=IN IP4 0.0.0.0\n"
                                    "a=sendrecv\n"
                                    "a=ice-pwd:3a1b3c4d5e6f708192a3b4c5d6e7f809\n"
                                    "a=ice-ufrag:9ab8c7d6\n"
                                    "a=mid:0\n"
                                    "a=setup:actpass\n"
                                    "a=sctp-port:5000\n"
                                    "a=max-message-size:1073741823\n";

static wrd_result parse(wrd_sdp *out, const char *text, const char **why)
{
    return wrd_sdp_parse(out, text, strlen(text), why);
}

static void assert_slice(const char *slice, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(slice, expected, len);
}

static void make(wrd_address *address, wrd_ufrag *ufrag, const char *addr)
{
    assert_int_equal(wrd_addr_parse(&address->addr, addr, strlen(addr), false, NULL), WRD_OK);
    assert_int_equal(wrd_fingerprint_parse(&address->fingerprint, HEX, 64, NULL), WRD_OK);
    assert_int_equal(wrd_ufrag_parse(ufrag, X, 64, NULL), WRD_OK);
}

static void offer_of_chromium_is_read(void **state)
{
    wrd_sdp sdp;
    wrd_fingerprint fingerprint;
    assert_int_equal(wrd_fingerprint_parse(&fingerprint, HEX, 64, NULL), WRD_OK);
    assert_int_equal(parse(&sdp, chromium_offer, NULL), WRD_OK);
    assert_slice(sdp.mid, sdp.mid_len, "0");
    assert_slice(sdp.ufrag, sdp.ufrag_len, "q7fW");
    assert_slice(sdp.pwd, sdp.pwd_len, "l3PcvmZ+8uOQ1ZxpXGcoJqb/");
    assert_true(sdp.has_fingerprint);
    assert_memory_equal(&sdp.fingerprint, &fingerprint, sizeof fingerprint);
    assert_int_equal(sdp.setup, WRD_SETUP_ACTPASS);
    assert_int_equal(sdp.sctp_port, 5000);
    assert_int_equal(sdp.max_message_size, 262144);
    assert_false(sdp.ice_lite);
}

static void offer_of_firefox_with_session_fingerprint_and_lf_is_read(void **state)
{
    wrd_sdp sdp;
    assert_int_equal(parse(&sdp, firefox_offer, NULL), WRD_OK);
    assert_slice(sdp.ufrag, sdp.ufrag_len, "9ab8c7d6");
    assert_slice(sdp.pwd, sdp.pwd_len, "3a1b3c4d5e6f708192a3b4c5d6e7f809");
    assert_true(sdp.has_fingerprint);
    assert_int_equal(sdp.fingerprint.bytes[0], 0x8f);
    assert_int_equal(sdp.max_message_size, 1073741823);
}

static void what_is_absent_takes_its_default(void **state)
{
    wrd_sdp sdp;
    memset(&sdp, 0xff, sizeof sdp);
    assert_int_equal(parse(&sdp, "v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel", NULL), WRD_OK);
    assert_null(sdp.mid);
    assert_null(sdp.ufrag);
    assert_null(sdp.pwd);
    assert_false(sdp.has_fingerprint);
    assert_false(sdp.ice_lite);
    assert_int_equal(sdp.setup, WRD_SETUP_PASSIVE);
    assert_int_equal(sdp.sctp_port, 0);
    assert_int_equal(sdp.max_message_size, 65536);
}

static void only_the_first_application_section_counts(void **state)
{
    wrd_sdp sdp;
    assert_int_equal(parse(&sdp,
                           "v=0\na=setup:active\na=ice-lite\na=ice-litest\n"
                           "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:audio\na=setup:nonsense\n"
                           "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:data\na=fingerprint:sha-512 AB:CD\n"
                           "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:\na=sctp-port:x\n",
                           NULL),
                     WRD_OK);
    assert_slice(sdp.mid, sdp.mid_len, "data");
    assert_int_equal(sdp.setup, WRD_SETUP_ACTIVE);
    assert_true(sdp.ice_lite);
    assert_int_equal(sdp.sctp_port, 0);
    assert_false(sdp.has_fingerprint);
}

static void section_overrides_session(void **state)
{
    wrd_sdp sdp;
    assert_int_equal(
        parse(&sdp,
              "v=0\na=setup:active\na=fingerprint:sha-256 " SDP "\n"
              "m=application 9 x\na=setup:passive\na=fingerprint:SHA-256 00" /* first byte differs */
              ":90:F6:B5:C1:D2:E3:F4:05:16:27:38:49:5A:6B:7C:8D:9E:AF:B0:C1:D2:E3:F4:05:16:27:38:49:FF:AB:01\n",
              NULL),
        WRD_OK);
    assert_int_equal(sdp.setup, WRD_SETUP_PASSIVE);
    assert_int_equal(sdp.fingerprint.bytes[0], 0);
}

static void message_size_reads_up_to_64_bits(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } sizes[] = {{"0", 0},
                 {"16777216", 16777216},
                 {"4294967296", 4294967296u},
                 {"18446744073709551609", 18446744073709551609u},
                 {"18446744073709551616", UINT64_MAX},
                 {"99999999999999999999999999999999", UINT64_MAX}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[128];
        wrd_sdp sdp;
        snprintf(text, sizeof text, "v=0\nm=application 9 x\na=max-message-size:%s\n", sizes[i].text);
        assert_int_equal(parse(&sdp, text, NULL), WRD_OK);
        assert_true(sdp.max_message_size >= sizes[i].value && (i < 3 ? sdp.max_message_size == sizes[i].value : true));
    }
}

static void bad_description_is_refused_with_a_sentence_and_changes_nothing(void **state)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", "v=0"},
        {"\r\n", "v=0"},
        {"v=1\nm=application 9 x\n", "v=0"},
        {"v=00\nm=application 9 x\n", "v=0"},
        {" v=0\nm=application 9 x\n", "v=0"},
        {"{\"type\":\"offer\",\"sdp\":\"v=0\"}", "v=0"},
        {"v=0", "m=application"},
        {"v=0\r\nm=audio 9 x\r\n", "m=application"},
        {"v=0\r\nm=applications 9 x\r\n", "m=application"},
        {"v=0\r\na=m=application 9 x\r\n", "m=application"},
        {"v=0\nm=application 9 x\na=mid:\n", "a=mid"},
        {"v=0\nm=application 9 x\na=mid:a b\n", "a=mid"},
        {"v=0\nm=application 9 x\na=mid:a\rb\n", "a=mid"},
        {"v=0\nm=application 9 x\na=mid:\xc3\xa4\n", "a=mid"},
        {"v=0\nm=application 9 x\na=mid:012345678901234567890123456789012\n", "a=mid"},
        {"v=0\nm=application 9 x\na=ice-ufrag:abc\n", "a=ice-ufrag"},
        {"v=0\nm=application 9 x\na=ice-ufrag:ab-d\n", "a=ice-ufrag"},
        {"v=0\nm=application 9 x\na=ice-pwd:short\n", "a=ice-pwd"},
        {"v=0\nm=application 9 x\na=setup:\n", "a=setup"},
        {"v=0\nm=application 9 x\na=setup:holdconn\n", "a=setup"},
        {"v=0\nm=application 9 x\na=setup:passively\n", "a=setup"},
        {"v=0\nm=application 9 x\na=sctp-port:65536\n", "a=sctp-port"},
        {"v=0\nm=application 9 x\na=sctp-port:5000 \n", "a=sctp-port"},
        {"v=0\nm=application 9 x\na=sctp-port:\n", "a=sctp-port"},
        {"v=0\nm=application 9 x\na=max-message-size:\n", "a=max-message-size"},
        {"v=0\nm=application 9 x\na=max-message-size:-1\n", "a=max-message-size"},
        {"v=0\nm=application 9 x\na=max-message-size:12k\n", "a=max-message-size"},
        {"v=0\nm=application 9 x\na=fingerprint:sha-256 8F:90\n", "wrong length"},
        {"v=0\na=fingerprint:sha-256 \nm=application 9 x\n", "wrong length"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_sdp sdp, before;
        const char *why = NULL;
        memset(&sdp, 0x5a, sizeof sdp);
        before = sdp;
        assert_int_equal(parse(&sdp, bad[i].text, &why), WRD_INVALID);
        assert_non_null(why);
        if (!strstr(why, bad[i].sentence))
            fail_msg("%s: %s", bad[i].text, why);
        assert_memory_equal(&sdp, &before, sizeof sdp);
        assert_int_equal(parse(&sdp, bad[i].text, NULL), WRD_INVALID);
    }
    wrd_sdp sdp;
    assert_int_equal(wrd_sdp_parse(&sdp, NULL, 0, NULL), WRD_INVALID);
}

static void every_prefix_of_an_offer_is_handled(void **state)
{
    for (size_t len = 0; len < sizeof chromium_offer; len++) {
        char *text = malloc(len + 1);
        memcpy(text, chromium_offer, len);
        wrd_sdp sdp;
        (void)!wrd_sdp_parse(&sdp, text, len, NULL);
        free(text);
    }
}

static void credentials_are_replaced_and_line_ends_made_crlf(void **state)
{
    char out[2048];
    size_t len = 0;
    wrd_ufrag ufrag;
    wrd_sdp before, after;
    assert_int_equal(wrd_ufrag_parse(&ufrag, X, 64, NULL), WRD_OK);
    assert_int_equal(wrd_sdp_set_ice_credentials(out, sizeof out, &len, firefox_offer, strlen(firefox_offer), &ufrag),
                     WRD_OK);
    assert_int_equal(parse(&before, firefox_offer, NULL), WRD_OK);
    assert_int_equal(wrd_sdp_parse(&after, out, len, NULL), WRD_OK);
    assert_slice(after.ufrag, after.ufrag_len, X);
    assert_slice(after.pwd, after.pwd_len, X);
    assert_memory_equal(&after.fingerprint, &before.fingerprint, sizeof after.fingerprint);
    size_t lf = 0;
    for (size_t i = 0; i < len; i++) {
        if (out[i] == '\n') {
            lf++;
            assert_int_equal(out[i - 1], '\r');
        }
    }
    assert_int_equal(lf, 17);
    /* Again over its own result: nothing changes. */
    char again[2048];
    size_t again_len = 0;
    assert_int_equal(wrd_sdp_set_ice_credentials(again, sizeof again, &again_len, out, len, &ufrag), WRD_OK);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, out, len);
}

static void credentials_of_every_section_are_replaced_and_a_last_line_without_end_gets_one(void **state)
{
    static const char in[] = "a=ice-ufrag:a\r\na=ice-pwd:b\nm=x\n\na=ice-pwd:c\na=xice-pwd:d\na=ice-ufrag:";
    char out[512];
    size_t len = 0;
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_parse(&ufrag, X, 64, NULL), WRD_OK);
    assert_int_equal(wrd_sdp_set_ice_credentials(out, sizeof out, &len, in, sizeof in - 1, &ufrag), WRD_OK);
    assert_slice(out, len,
                 "a=ice-ufrag:" X "\r\na=ice-pwd:" X "\r\nm=x\r\n\r\na=ice-pwd:" X "\r\na=xice-pwd:d\r\na=ice-ufrag:" X
                 "\r\n");
}

static void credentials_that_are_not_both_there_cannot_be_replaced(void **state)
{
    static const char *const bad[] = {"", "v=0\r\n", "a=ice-ufrag:abcd\r\n", "a=ice-pwd:abcd\r\n",
                                      " a=ice-ufrag:abcd\n a=ice-pwd:abcd\n"};
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_parse(&ufrag, X, 64, NULL), WRD_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[256];
        size_t len = 77;
        assert_int_equal(wrd_sdp_set_ice_credentials(out, sizeof out, &len, bad[i], strlen(bad[i]), &ufrag),
                         WRD_INVALID);
        assert_int_equal(len, 77);
    }
}

static void credentials_fit_the_promised_room_and_no_less_than_they_take(void **state)
{
    char longest[WRD_UFRAG_MAX];
    memset(longest, 'z', sizeof longest);
    wrd_ufrag ufrag;
    assert_int_equal(wrd_ufrag_parse(&ufrag, longest, sizeof longest, NULL), WRD_OK);
    size_t in_len = strlen(firefox_offer), len = 0, promised = in_len + 2 * 17 + 600;
    char *out = malloc(promised);
    assert_int_equal(wrd_sdp_set_ice_credentials(out, promised, &len, firefox_offer, in_len, &ufrag), WRD_OK);
    free(out);
    for (size_t cap = 0; cap < len; cap++) {
        size_t none = 77;
        out = malloc(cap + 1);
        out[cap] = 'E';
        assert_int_equal(wrd_sdp_set_ice_credentials(out, cap, &none, firefox_offer, in_len, &ufrag), WRD_TOO_LARGE);
        assert_int_equal(none, 77);
        assert_int_equal(out[cap], 'E');
        free(out);
    }
}

static void answer_has_exactly_the_lines_of_the_protocol(void **state)
{
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "203.0.113.5:3478");
    char out[WRD_SDP_ANSWER_SIZE];
    size_t len = wrd_sdp_answer(out, sizeof out, &address, &ufrag, NULL);
    assert_slice(out, len,
                 "v=0\r\n"
                 "o=- 0 0 IN IP4 203.0.113.5\r\n"
                 "s=-\r\n"
                 "t=0 0\r\n"
                 "a=group:BUNDLE 0\r\n"
                 "a=ice-lite\r\n"
                 "m=application 3478 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                 "c=IN IP4 203.0.113.5\r\n"
                 "a=mid:0\r\n"
                 "a=ice-options:ice2\r\n"
                 "a=ice-ufrag:" X "\r\n"
                 "a=ice-pwd:" X "\r\n"
                 "a=fingerprint:sha-256 " SDP "\r\n"
                 "a=setup:passive\r\n"
                 "a=sctp-port:5000\r\n"
                 "a=max-message-size:16777216\r\n"
                 "a=candidate:1467250027 1 UDP 1467250027 203.0.113.5 3478 typ host\r\n"
                 "a=end-of-candidates\r\n");
}

static void answer_over_ipv6_says_ip6_without_brackets_or_zone(void **state)
{
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "[fe80::1%3]:3478");
    char out[WRD_SDP_ANSWER_SIZE + 1];
    size_t len = wrd_sdp_answer(out, sizeof out - 1, &address, &ufrag, NULL);
    assert_true(len > 0);
    out[len] = '\0';
    assert_non_null(strstr(out, "\r\no=- 0 0 IN IP6 fe80::1\r\n"));
    assert_non_null(strstr(out, "\r\nc=IN IP6 fe80::1\r\n"));
    assert_non_null(strstr(out, " UDP 1467250027 fe80::1 3478 typ host\r\n"));
}

static void answer_takes_its_options(void **state)
{
    static const char *const setups[] = {"passive", "active", "actpass"};
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "203.0.113.5:3478");
    for (int setup = 0; setup < 3; setup++) {
        wrd_sdp_answer_options options = {.size = sizeof options,
                                          .mid = "data-1!",
                                          .mid_len = 6,
                                          .setup = (wrd_dtls_setup)setup,
                                          .no_ice_lite = true,
                                          .max_message_size = UINT32_MAX};
        char out[WRD_SDP_ANSWER_SIZE + 1], line[64];
        size_t len = wrd_sdp_answer(out, sizeof out - 1, &address, &ufrag, &options);
        assert_true(len > 0);
        out[len] = '\0';
        snprintf(line, sizeof line, "\r\na=setup:%s\r\n", setups[setup]);
        assert_non_null(strstr(out, line));
        assert_non_null(strstr(out, "\r\na=mid:data-1\r\n"));
        assert_non_null(strstr(out, "\r\na=group:BUNDLE data-1\r\n"));
        assert_non_null(strstr(out, "\r\na=max-message-size:4294967295\r\n"));
        assert_null(strstr(out, "ice-lite"));
        assert_null(strstr(out, "\r\n\r\n"));
    }
    wrd_sdp_answer_options zeroed = {.size = sizeof zeroed};
    char by_zeroed[WRD_SDP_ANSWER_SIZE], by_default[WRD_SDP_ANSWER_SIZE];
    size_t len = wrd_sdp_answer(by_zeroed, sizeof by_zeroed, &address, &ufrag, &zeroed);
    assert_int_equal(len, wrd_sdp_answer(by_default, sizeof by_default, &address, &ufrag, NULL));
    assert_memory_equal(by_zeroed, by_default, len);
}

static void answer_refuses_options_that_would_forge_lines(void **state)
{
    static const struct {
        const char *mid;
        size_t len;
    } bad[] = {{"", 0}, {"0\r\na=x", 6}, {"a b", 3}, {"\0", 1}, {"0123456789012345678901234567890123", 33}};
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "203.0.113.5:3478");
    char out[WRD_SDP_ANSWER_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_sdp_answer_options options = {.size = sizeof options, .mid = bad[i].mid, .mid_len = bad[i].len};
        assert_int_equal(wrd_sdp_answer(out, sizeof out, &address, &ufrag, &options), 0);
    }
    wrd_sdp_answer_options options = {.size = sizeof options, .setup = (wrd_dtls_setup)3};
    assert_int_equal(wrd_sdp_answer(out, sizeof out, &address, &ufrag, &options), 0);
}

static void longest_answer_fits_its_size_and_a_smaller_room_is_refused(void **state)
{
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    ufrag.len = WRD_UFRAG_MAX;
    memset(ufrag.text, 'a', WRD_UFRAG_MAX);
    wrd_sdp_answer_options options = {.size = sizeof options,
                                      .mid = "01234567890123456789012345678901",
                                      .mid_len = WRD_SDP_MID_MAX,
                                      .max_message_size = UINT32_MAX};
    char whole[WRD_SDP_ANSWER_SIZE];
    size_t len = wrd_sdp_answer(whole, sizeof whole, &address, &ufrag, &options);
    assert_true(len > 0);
    for (size_t cap = 0; cap < len; cap += 7) {
        char *out = malloc(cap + 1);
        out[cap] = 'E';
        assert_int_equal(wrd_sdp_answer(out, cap, &address, &ufrag, &options), 0);
        assert_int_equal(out[cap], 'E');
        free(out);
    }
}

static void answer_reads_back_as_it_was_written(void **state)
{
    wrd_address address;
    wrd_ufrag ufrag;
    make(&address, &ufrag, "[2001:db8::1]:3478");
    char out[WRD_SDP_ANSWER_SIZE];
    wrd_sdp sdp;
    size_t len = wrd_sdp_answer(out, sizeof out, &address, &ufrag, NULL);
    assert_int_equal(wrd_sdp_parse(&sdp, out, len, NULL), WRD_OK);
    assert_slice(sdp.mid, sdp.mid_len, "0");
    assert_slice(sdp.ufrag, sdp.ufrag_len, X);
    assert_slice(sdp.pwd, sdp.pwd_len, X);
    assert_memory_equal(&sdp.fingerprint, &address.fingerprint, sizeof sdp.fingerprint);
    assert_true(sdp.ice_lite);
    assert_int_equal(sdp.setup, WRD_SETUP_PASSIVE);
    assert_int_equal(sdp.sctp_port, 5000);
    assert_int_equal(sdp.max_message_size, WRD_MESSAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offer_of_chromium_is_read),
        cmocka_unit_test(offer_of_firefox_with_session_fingerprint_and_lf_is_read),
        cmocka_unit_test(what_is_absent_takes_its_default),
        cmocka_unit_test(only_the_first_application_section_counts),
        cmocka_unit_test(section_overrides_session),
        cmocka_unit_test(message_size_reads_up_to_64_bits),
        cmocka_unit_test(bad_description_is_refused_with_a_sentence_and_changes_nothing),
        cmocka_unit_test(every_prefix_of_an_offer_is_handled),
        cmocka_unit_test(credentials_are_replaced_and_line_ends_made_crlf),
        cmocka_unit_test(credentials_of_every_section_are_replaced_and_a_last_line_without_end_gets_one),
        cmocka_unit_test(credentials_that_are_not_both_there_cannot_be_replaced),
        cmocka_unit_test(credentials_fit_the_promised_room_and_no_less_than_they_take),
        cmocka_unit_test(answer_has_exactly_the_lines_of_the_protocol),
        cmocka_unit_test(answer_over_ipv6_says_ip6_without_brackets_or_zone),
        cmocka_unit_test(answer_takes_its_options),
        cmocka_unit_test(answer_refuses_options_that_would_forge_lines),
        cmocka_unit_test(longest_answer_fits_its_size_and_a_smaller_room_is_refused),
        cmocka_unit_test(answer_reads_back_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
