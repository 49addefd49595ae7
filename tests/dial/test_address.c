/* SPDX-License-Identifier: MIT */
#include "wrd/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define HEX      "8f90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab01"
#define CERTHASH "uEiCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rAQ"
#define SDP      "8F:90:F6:B5:C1:D2:E3:F4:05:16:27:38:49:5A:6B:7C:8D:9E:AF:B0:C1:D2:E3:F4:05:16:27:38:49:FF:AB:01"

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static wrd_result parse_addr(wrd_addr *out, const char *text, bool port_zero_ok, const char **why)
{
    return wrd_addr_parse(out, text, strlen(text), port_zero_ok, why);
}

static void assert_prints(const char *text, const char *expected)
{
    wrd_addr addr;
    char out[WRD_ADDR_TEXT_SIZE];
    assert_int_equal(parse_addr(&addr, text, false, NULL), WRD_OK);
    assert_int_equal(wrd_addr_text(&addr, out), strlen(expected));
    assert_string_equal(out, expected);
}

static void ipv4_reads_into_its_four_bytes(void **state)
{
    wrd_addr addr, expected = {.ip = {203, 0, 113, 5}, .port = 3478, .family = 4};
    memset(&addr, 0xff, sizeof addr);
    assert_int_equal(parse_addr(&addr, "203.0.113.5:3478", false, NULL), WRD_OK);
    assert_memory_equal(&addr, &expected, sizeof addr);
    assert_prints("0.0.0.0:1", "0.0.0.0:1");
    assert_prints("255.255.255.255:65535", "255.255.255.255:65535");
}

/* RFC 4291 2.2 and what RFC 5952 makes of it. */
static void ipv6_reads_every_form_and_prints_the_canonical_one(void **state)
{
    static const char *const forms[][2] = {
        {"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:0db8:0000::0001", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"0:0:1:0:0:0:0:1", "0:0:1::1"},
        {"1:0:0:0:0:0:0:0", "1::"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::13.1.68.3", "::d01:4403"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::ffff:0:1.2.3.4", "::ffff:0:102:304"},
        {"fe80::1%1", "fe80::1%1"},
        {"febf::1%4294967295", "febf::1%4294967295"},
        {"fe80::1%0", "fe80::1"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[80], expected[80], ip[WRD_ADDR_TEXT_SIZE];
        snprintf(text, sizeof text, "[%s]:3478", forms[i][0]);
        snprintf(expected, sizeof expected, "[%s]:3478", forms[i][1]);
        assert_prints(text, expected);
        wrd_addr addr;
        assert_int_equal(parse_addr(&addr, text, false, NULL), WRD_OK);
        assert_int_equal(wrd_addr_ip_text(&addr, ip), strlen(forms[i][1]));
        assert_string_equal(ip, forms[i][1]);
        assert_prints(expected, expected);
    }
}

static void mapped_ipv6_becomes_ipv4(void **state)
{
    wrd_addr addr, plain;
    assert_int_equal(parse_addr(&plain, "192.0.2.1:80", false, NULL), WRD_OK);
    assert_int_equal(parse_addr(&addr, "[::ffff:192.0.2.1]:80", false, NULL), WRD_OK);
    assert_memory_equal(&addr, &plain, sizeof addr);
    assert_int_equal(parse_addr(&addr, "[::FFFF:c000:201]:80", false, NULL), WRD_OK);
    assert_memory_equal(&addr, &plain, sizeof addr);
    assert_int_equal(parse_addr(&addr, "[0:0:0:0:0:ffff:c000:0201]:80", false, NULL), WRD_OK);
    assert_memory_equal(&addr, &plain, sizeof addr);
}

static void port_zero_is_for_listening_only(void **state)
{
    wrd_addr addr;
    assert_int_equal(parse_addr(&addr, "0.0.0.0:0", true, NULL), WRD_OK);
    assert_int_equal(addr.port, 0);
    assert_int_equal(parse_addr(&addr, "[::]:0", true, NULL), WRD_OK);
    assert_int_equal(parse_addr(&addr, "0.0.0.0:0", false, NULL), WRD_INVALID);
}

static const char name[] = "host name is not possible", ipv4[] = "not an IPv4 address", ipv6[] = "not an IPv6 address",
                  zone[] = "A zone must", port[] = "The port must", no_port[] = "The port is missing",
                  url[] = "That is a URL";

static void bad_addr_is_refused_with_the_sentence_that_helps(void **state)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", no_port},
        {" ", no_port},
        {"203.0.113.5", no_port},
        {"localhost", no_port},
        {"[2001:db8::1]", no_port},
        {"[::1]3478", no_port},
        {"[::1]x:3478", no_port},
        {":3478", ipv4},
        {"203.0.113.5:", port},
        {"203.0.113.5:0", port},
        {"203.0.113.5:65536", port},
        {"203.0.113.5:99999999999999999999", port},
        {"203.0.113.5:03478", port},
        {"203.0.113.5:00", port},
        {"203.0.113.5:+80", port},
        {"203.0.113.5:-1", port},
        {"203.0.113.5:0x50", port},
        {"203.0.113.5:80x", port},
        {"203.0.113.5:80 ", port},
        {"203.0.113.5: 80", port},
        {"203.0.113.5:80 " HEX, port},
        {"[::1]:65536", port},
        {"[::1]:80,", port},
        {" 203.0.113.5:80", no_port},
        {"203.0.113:80", ipv4},
        {"203.0.113.5.6:80", ipv4},
        {"203.0.113.256:80", ipv4},
        {"203.0.113.05:80", ipv4},
        {"203.0..5:80", ipv4},
        {"203.0.113.:80", ipv4},
        {"203.0.113.-1:80", ipv4},
        {"3405803781:80", ipv4},
        {"localhost:3478", name},
        {"example.com:3478", name},
        {"EXAMPLE.COM:3478", name},
        {"3com.example:80", name},
        {"203.0.113.example:80", name},
        {"203.0.113.5.example:80", ipv4},
        {"203.0.113.5x:80", name},
        {"https://203.0.113.5:3478", url},
        {"http://example.com/", url},
        {"203.0.113.5:3478/path", url},
        {"2001:db8::1:3478", ipv6},
        {"::1", ipv6},
        {"fe80::1%eth0", ipv6},
        {"203.0.113.5:80:81", ipv6},
        {"[2001:db8::1:3478", ipv6},
        {"[]:80", ipv6},
        {"[:]:80", ipv6},
        {"[:::]:80", ipv6},
        {"[:1]:80", ipv6},
        {"[1:]:80", ipv6},
        {"[1:2:3:4:5:6:7]:80", ipv6},
        {"[1:2:3:4:5:6:7:8:]:80", ipv6},
        {"[1:2:3:4:5:6:7:8:9]:80", ipv6},
        {"[1:2:3:4:5:6:7:8::]:80", ipv6},
        {"[::1:2:3:4:5:6:7:8]:80", ipv6},
        {"[1::2::3]:80", ipv6},
        {"[::12345]:80", ipv6},
        {"[::g]:80", ipv6},
        {"[1:2:3:4:5:6:7:1.2.3.4]:80", ipv6},
        {"[1.2.3.4]:80", ipv6},
        {"[::1.2.3]:80", ipv4},
        {"[::1.2.3.4.5]:80", ipv6},
        {"[::1.2.3.256]:80", ipv4},
        {"[[::1]]:80", ipv6},
        {"[203.0.113.5]:80", ipv6},
        {"[fe80::1%]:80", zone},
        {"[fe80::1%eth0]:80", zone},
        {"[fe80::1%4294967296]:80", zone},
        {"[fe80::1%01]:80", zone},
        {"[fe80::1%1x]:80", ipv6},
        {"[2001:db8::1%1]:80", zone},
        {"[fec0::1%1]:80", zone},
        {"[::ffff:192.0.2.1%1]:80", zone},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_addr addr, before;
        const char *why = NULL;
        memset(&addr, 0x5a, sizeof addr);
        before = addr;
        assert_int_equal(parse_addr(&addr, bad[i].text, false, &why), WRD_INVALID);
        assert_non_null(why);
        if (!strstr(why, bad[i].sentence))
            fail_msg("%s: %s", bad[i].text, why);
        assert_memory_equal(&addr, &before, sizeof addr);
        assert_int_equal(parse_addr(&addr, bad[i].text, false, NULL), WRD_INVALID);
    }
}

static void every_sentence_is_whole_and_short(void **state)
{
    static const char *const bad[] = {"x:1", "1:1", "[x]:1", "[1::%1]:1", "1.2.3.4:x", "", "a//"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_addr addr;
        const char *why = NULL;
        assert_int_equal(parse_addr(&addr, bad[i], false, &why), WRD_INVALID);
        assert_true(why[0] >= 'A' && why[0] <= 'Z');
        assert_true(strlen(why) < 160);
        assert_int_equal(why[strlen(why) - 1], '.');
    }
}

static void nul_inside_is_no_end_of_text(void **state)
{
    wrd_addr addr;
    assert_int_equal(wrd_addr_parse(&addr, "1.2.3.4:80\0", 11, false, NULL), WRD_INVALID);
    assert_int_equal(wrd_addr_parse(&addr, "1.2.3.4\0:80", 11, false, NULL), WRD_INVALID);
    assert_int_equal(wrd_addr_parse(&addr, "1.2\0.3.4:80", 11, false, NULL), WRD_INVALID);
    assert_int_equal(wrd_addr_parse(&addr, "[::1\0]:80", 9, false, NULL), WRD_INVALID);
    assert_int_equal(wrd_addr_parse(&addr, NULL, 0, false, NULL), WRD_INVALID);
    wrd_address address;
    assert_int_equal(wrd_address_parse(&address, "1.2.3.4:80 " HEX "\0", 11 + 64 + 1, NULL), WRD_INVALID);
    assert_int_equal(wrd_address_parse(&address, "1.2.3.4:80\0" HEX, 11 + 64, NULL), WRD_INVALID);
    assert_int_equal(wrd_address_parse(&address, NULL, 0, NULL), WRD_INVALID);
}

/* Our reading of an IPv6 literal against the platform's, over texts that are nearly right. */
static void ipv6_agrees_with_inet_pton(void **state)
{
    static const char *const pieces[] = {":",     "::",      "0",     "1",   "ffff", "abcd",
                                         "12345", "1.2.3.4", "1.2.3", "255", "g",    ":"};
    uint32_t seed = 5;
    int accepted = 0;
    for (int turn = 0; turn < 200000; turn++) {
        char ip[128] = "", text[140];
        unsigned count = next_random(&seed) % 17;
        bool alternate = next_random(&seed) % 4 != 0;
        for (unsigned i = 0; i < count; i++) {
            const char *piece = pieces[next_random(&seed) % (sizeof pieces / sizeof *pieces)];
            if (alternate)
                piece = i % 2 ? (next_random(&seed) % 7 ? ":" : "::") : next_random(&seed) % 30 ? "7f" : piece;
            strcat(ip, piece);
        }
        snprintf(text, sizeof text, "[%s]:9", ip);
        wrd_addr addr;
        uint8_t theirs[16];
        bool good = inet_pton(AF_INET6, ip, theirs) == 1;
        if ((parse_addr(&addr, text, false, NULL) == WRD_OK) != good)
            fail_msg("%s: inet_pton says %d", ip, good);
        if (good && addr.family == 6)
            assert_memory_equal(addr.ip, theirs, 16);
        accepted += good;
    }
    assert_true(accepted > 1000);
}

static void random_addr_round_trips_and_is_read_by_inet_pton(void **state)
{
    uint32_t seed = 6;
    for (int turn = 0; turn < 20000; turn++) {
        wrd_addr addr = {.family = next_random(&seed) % 2 ? 4 : 6, .port = (uint16_t)(1 + next_random(&seed) % 65535)};
        for (int i = 0; i < (addr.family == 4 ? 4 : 16); i += 2) {
            uint32_t group = next_random(&seed) % 3 ? 0 : next_random(&seed);
            addr.ip[i] = (uint8_t)(group >> 8);
            addr.ip[i + 1] = (uint8_t)group;
        }
        if (addr.family == 6)
            addr.ip[15] = 1; /* neither mapped IPv4 nor unspecified */
        if (addr.family == 6 && turn % 8 == 0) {
            addr.ip[0] = 0xfe;
            addr.ip[1] = 0x80;
            addr.scope = next_random(&seed);
        }
        if (addr.family == 6 && addr.ip[10] == 0xff && addr.ip[11] == 0xff)
            continue;
        char text[WRD_ADDR_TEXT_SIZE], ip[WRD_ADDR_TEXT_SIZE];
        uint8_t theirs[16];
        wrd_addr back;
        size_t len = wrd_addr_text(&addr, text);
        assert_int_equal(wrd_addr_parse(&back, text, len, false, NULL), WRD_OK);
        assert_true(wrd_addr_equal(&back, &addr));
        assert_memory_equal(&back, &addr, sizeof addr);
        wrd_addr_ip_text(&addr, ip);
        if (addr.scope == 0) {
            assert_int_equal(inet_pton(addr.family == 4 ? AF_INET : AF_INET6, ip, theirs), 1);
            assert_memory_equal(theirs, addr.ip, addr.family == 4 ? 4 : 16);
        }
    }
}

static void both_whole_forms_read_as_the_same_address(void **state)
{
    static const char *const forms[] = {
        "203.0.113.5:3478 " HEX,
        "203.0.113.5:3478 " SDP,
        "203.0.113.5:3478 sha-256 " SDP,
        "203.0.113.5:3478 " CERTHASH,
        "203.0.113.5:3478\t \t" HEX,
        " \t203.0.113.5:3478 " HEX "\r\n",
        "[::ffff:203.0.113.5]:3478 " HEX,
        "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH,
        "/ip6/::ffff:203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH,
        "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "\n",
        "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "/p2p/12D3KooWSxnGjZLvk1BCEa1wC7S6HqM9S",
        "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "/certhash/uEiA",
        "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "/certhash/uEiA/certhash/uEiB/p2p/12D3KooW",
    };
    wrd_address expected;
    memset(&expected, 0, sizeof expected);
    expected.addr = (wrd_addr){.ip = {203, 0, 113, 5}, .port = 3478, .family = 4};
    assert_int_equal(wrd_fingerprint_parse(&expected.fingerprint, HEX, 64, NULL), WRD_OK);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        wrd_address address;
        memset(&address, 0xff, sizeof address);
        const char *why = forms[i];
        if (wrd_address_parse(&address, forms[i], strlen(forms[i]), &why) != WRD_OK)
            fail_msg("%s: %s", forms[i], why);
        assert_memory_equal(&address, &expected, sizeof address);
    }
}

static void bad_address_is_refused_with_the_sentence_that_helps(void **state)
{
    static const char none[] = "The fingerprint is missing", multi[] = "not a server's libp2p address";
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", no_port},
        {" \n", no_port},
        {"203.0.113.5:3478", none},
        {"203.0.113.5:3478 ", none},
        {"[2001:db8::1]:3478\n", none},
        {HEX, no_port},
        {HEX " 203.0.113.5:3478", no_port},
        {"203.0.113.5 " HEX, no_port},
        {"203.0.113.5:3478" HEX, port},
        {"203.0.113.5:3478," HEX, port},
        {"203.0.113.5:0 " HEX, port},
        {"localhost:3478 " HEX, name},
        {"https://203.0.113.5:3478 " HEX, url},
        {"203.0.113.5:3478 8f90", "wrong length"},
        {"203.0.113.5:3478 " HEX " x", "wrong length"},
        {"203.0.113.5:3478 " CERTHASH " x", "certhash"},
        {"203.0.113.5:3478 uEi", "certhash"},
        {"/", multi},
        {"/ip4", multi},
        {"/ip4/", ipv4},
        {"/ip4/203.0.113.5", multi},
        {"/ip4/203.0.113.5/tcp/3478/webrtc-direct/certhash/" CERTHASH, multi},
        {"/ip4/203.0.113.5/udp/3478", multi},
        {"/ip4/203.0.113.5/udp/3478/quic-v1/certhash/" CERTHASH, multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct", none},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/p2p/12D3KooW", multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash", multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" HEX, multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/uEi", "certhash"},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "A", multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "/", multi},
        {"/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH "/http", multi},
        {"/ip4/203.0.113.5/udp/0/webrtc-direct/certhash/" CERTHASH, port},
        {"/ip4/203.0.113.5/udp/65536/webrtc-direct/certhash/" CERTHASH, port},
        {"/ip4/203.0.113.5/udp//webrtc-direct/certhash/" CERTHASH, port},
        {"/ip4/203.0.113.256/udp/3478/webrtc-direct/certhash/" CERTHASH, ipv4},
        {"/ip4/2001:db8::1/udp/3478/webrtc-direct/certhash/" CERTHASH, ipv4},
        {"/ip4/example.com/udp/3478/webrtc-direct/certhash/" CERTHASH, name},
        {"/ip6/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH, ipv6},
        {"/ip6/[::1]/udp/3478/webrtc-direct/certhash/" CERTHASH, ipv6},
        {"/dns/example.com/udp/3478/webrtc-direct/certhash/" CERTHASH, name},
        {"/dns4/example.com/udp/3478/webrtc-direct/certhash/" CERTHASH, name},
        {"/ip6zone/eth0/ip6/fe80::1/udp/3478/webrtc-direct/certhash/" CERTHASH, zone},
        {"/ip6zone/1/ip6/2001:db8::1/udp/3478/webrtc-direct/certhash/" CERTHASH, zone},
        {"/ip6zone/1/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH, multi},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_address address, before;
        const char *why = NULL;
        memset(&address, 0x5a, sizeof address);
        before = address;
        assert_int_equal(wrd_address_parse(&address, bad[i].text, strlen(bad[i].text), &why), WRD_INVALID);
        assert_non_null(why);
        if (!strstr(why, bad[i].sentence))
            fail_msg("%s: %s", bad[i].text, why);
        assert_memory_equal(&address, &before, sizeof address);
        assert_int_equal(wrd_address_parse(&address, bad[i].text, strlen(bad[i].text), NULL), WRD_INVALID);
    }
}

static void address_prints_in_both_forms_and_reads_back(void **state)
{
    static const char *const forms[][2] = {
        {"203.0.113.5:3478 " HEX, "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/" CERTHASH},
        {"[2001:db8::1]:80 " HEX, "/ip6/2001:db8::1/udp/80/webrtc-direct/certhash/" CERTHASH},
        {"[fe80::1%7]:80 " HEX, "/ip6zone/7/ip6/fe80::1/udp/80/webrtc-direct/certhash/" CERTHASH},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (int from = 0; from < 2; from++) {
            wrd_address address;
            char text[WRD_ADDRESS_TEXT_SIZE];
            assert_int_equal(wrd_address_parse(&address, forms[i][from], strlen(forms[i][from]), NULL), WRD_OK);
            assert_int_equal(wrd_address_text(&address, text), strlen(forms[i][0]));
            assert_string_equal(text, forms[i][0]);
            assert_int_equal(wrd_address_multiaddr(&address, text), strlen(forms[i][1]));
            assert_string_equal(text, forms[i][1]);
        }
    }
}

static void longest_texts_fit_their_sizes(void **state)
{
    wrd_address address = {.addr = {.port = 65535, .family = 6, .scope = UINT32_MAX}};
    memset(address.addr.ip, 0xff, 16);
    memset(&address.fingerprint, 0xff, sizeof address.fingerprint);
    char addr[WRD_ADDR_TEXT_SIZE], text[WRD_ADDRESS_TEXT_SIZE];
    size_t len = wrd_addr_text(&address.addr, addr);
    assert_string_equal(addr, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
    assert_int_equal(len, strlen(addr));
    len = wrd_address_text(&address, text);
    assert_int_equal(len, strlen(text));
    assert_int_equal(len, strlen(addr) + 1 + 64);
    len = wrd_address_multiaddr(&address, text);
    assert_int_equal(len, strlen(text));
    assert_string_equal(text + len - 3, "__w");
}

static void random_damage_never_reads_outside_and_a_good_result_prints_back(void **state)
{
    static const char *const seeds[] = {"203.0.113.5:3478 " HEX, "[2001:db8::1%7]:80 sha-256 " SDP,
                                        "/ip6zone/1/ip6/fe80::1/udp/80/webrtc-direct/certhash/" CERTHASH "/p2p/x"};
    uint32_t seed = 9;
    for (int turn = 0; turn < 30000; turn++) {
        const char *start = seeds[turn % 3];
        size_t len = strlen(start);
        char *text = test_malloc(len);
        memcpy(text, start, len);
        for (uint32_t damage = next_random(&seed) % 4; damage > 0; damage--)
            text[next_random(&seed) % len] = "0123456789af:./[]% \0ux\xff"[next_random(&seed) % 23];
        size_t shown = next_random(&seed) % 2 ? len : next_random(&seed) % (len + 1);
        wrd_address address, back;
        char printed[WRD_ADDRESS_TEXT_SIZE];
        if (wrd_address_parse(&address, text, shown, NULL) == WRD_OK) {
            size_t printed_len = wrd_address_text(&address, printed);
            assert_int_equal(wrd_address_parse(&back, printed, printed_len, NULL), WRD_OK);
            assert_memory_equal(&back, &address, sizeof back);
            printed_len = wrd_address_multiaddr(&address, printed);
            assert_int_equal(wrd_address_parse(&back, printed, printed_len, NULL), WRD_OK);
            assert_memory_equal(&back, &address, sizeof back);
        }
        test_free(text);
    }
}

static void equality_asks_family_ip_port_and_scope(void **state)
{
    wrd_addr a, b;
    assert_int_equal(parse_addr(&a, "[fe80::1%1]:80", false, NULL), WRD_OK);
    b = a;
    assert_true(wrd_addr_equal(&a, &b));
    b.scope = 2;
    assert_false(wrd_addr_equal(&a, &b));
    b = a;
    b.port = 81;
    assert_false(wrd_addr_equal(&a, &b));
    b = a;
    b.ip[15] = 2;
    assert_false(wrd_addr_equal(&a, &b));
    b = a;
    b.family = 4;
    assert_false(wrd_addr_equal(&a, &b));
    assert_int_equal(parse_addr(&a, "1.2.3.4:80", false, NULL), WRD_OK);
    b = a;
    b.ip[9] = 1; /* behind an IPv4 address */
    assert_true(wrd_addr_equal(&a, &b));
    b.ip[3] = 5;
    assert_false(wrd_addr_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_reads_into_its_four_bytes),
        cmocka_unit_test(ipv6_reads_every_form_and_prints_the_canonical_one),
        cmocka_unit_test(mapped_ipv6_becomes_ipv4),
        cmocka_unit_test(port_zero_is_for_listening_only),
        cmocka_unit_test(bad_addr_is_refused_with_the_sentence_that_helps),
        cmocka_unit_test(every_sentence_is_whole_and_short),
        cmocka_unit_test(nul_inside_is_no_end_of_text),
        cmocka_unit_test(ipv6_agrees_with_inet_pton),
        cmocka_unit_test(random_addr_round_trips_and_is_read_by_inet_pton),
        cmocka_unit_test(both_whole_forms_read_as_the_same_address),
        cmocka_unit_test(bad_address_is_refused_with_the_sentence_that_helps),
        cmocka_unit_test(address_prints_in_both_forms_and_reads_back),
        cmocka_unit_test(longest_texts_fit_their_sizes),
        cmocka_unit_test(random_damage_never_reads_outside_and_a_good_result_prints_back),
        cmocka_unit_test(equality_asks_family_ip_port_and_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
