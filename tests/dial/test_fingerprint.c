/* SPDX-License-Identifier: MIT */
#include "wrd/fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

#define HEX      "8f90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab01"
#define SDP      "8F:90:F6:B5:C1:D2:E3:F4:05:16:27:38:49:5A:6B:7C:8D:9E:AF:B0:C1:D2:E3:F4:05:16:27:38:49:FF:AB:01"
#define CERTHASH "uEiCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rAQ"

static const wrd_fingerprint sample = {{0x8f, 0x90, 0xf6, 0xb5, 0xc1, 0xd2, 0xe3, 0xf4, 0x05, 0x16, 0x27,
                                        0x38, 0x49, 0x5a, 0x6b, 0x7c, 0x8d, 0x9e, 0xaf, 0xb0, 0xc1, 0xd2,
                                        0xe3, 0xf4, 0x05, 0x16, 0x27, 0x38, 0x49, 0xff, 0xab, 0x01}};

static wrd_result parse(wrd_fingerprint *out, const char *text, const char **why)
{
    return wrd_fingerprint_parse(out, text, strlen(text), why);
}

static void every_form_reads_as_the_same_fingerprint(void **state)
{
    static const char *const forms[] = {
        HEX,
        "8F90F6B5C1D2E3F405162738495A6B7C8D9EAFB0C1D2E3F40516273849FFAB01",
        SDP,
        "8f:90:f6:b5:c1:d2:e3:f4:05:16:27:38:49:5a:6b:7c:8d:9e:af:b0:c1:d2:e3:f4:05:16:27:38:49:ff:ab:01",
        "sha-256 " SDP,
        "SHA-256 " SDP,
        "sha-256 " HEX,
        CERTHASH,
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        wrd_fingerprint out;
        memset(&out, 0, sizeof out);
        assert_int_equal(parse(&out, forms[i], NULL), WRD_OK);
        assert_memory_equal(&out, &sample, sizeof out);
    }
}

static void every_form_prints_with_its_final_nul(void **state)
{
    char hex[WRD_FINGERPRINT_HEX_SIZE], sdp[WRD_FINGERPRINT_SDP_SIZE], certhash[WRD_FINGERPRINT_CERTHASH_SIZE];
    uint8_t multihash[WRD_FINGERPRINT_MULTIHASH_SIZE];
    wrd_fingerprint_hex(&sample, hex);
    assert_string_equal(hex, HEX);
    wrd_fingerprint_sdp(&sample, sdp);
    assert_string_equal(sdp, SDP);
    wrd_fingerprint_certhash(&sample, certhash);
    assert_string_equal(certhash, CERTHASH);
    wrd_fingerprint_multihash(&sample, multihash);
    assert_int_equal(multihash[0], 0x12);
    assert_int_equal(multihash[1], 0x20);
    assert_memory_equal(multihash + 2, sample.bytes, sizeof sample.bytes);
}

static void bad_text_is_refused_with_a_sentence_and_changes_nothing(void **state)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", "wrong length"},
        {"8f90", "wrong length"},
        {HEX "0", "wrong length"},
        {HEX "\n", "wrong length"},
        {" " HEX, "wrong length"},
        {"0x" HEX, "wrong length"},
        {"sha-1 " HEX, "wrong length"},
        {"sha-256  " HEX, "wrong length"},
        {"sha-256 ", "wrong length"},
        {"8f90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab0g", "wrong character"},
        {"g f90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab01", "wrong length"},
        {"gf90f6b5c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f40516273849ffab01", "wrong character"},
        {"8F-90-F6-B5-C1-D2-E3-F4-05-16-27-38-49-5A-6B-7C-8D-9E-AF-B0-C1-D2-E3-F4-05-16-27-38-49-FF-AB-01",
         "wrong character"},
        {"8F:90:F6:B5:C1:D2:E3:F4:05:16:27:38:49:5A:6B:7C:8D:9E:AF:B0:C1:D2:E3:F4:05:16:27:38:49:FFAB:01:",
         "wrong character"},
        {"u", "certhash"},
        {"uEi", "certhash"},
        {CERTHASH "A", "certhash"},
        {"uEiCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rA", "certhash"},
        {"uEiCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rAR", "certhash"},
        {"uEiCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4/QFFic4Sf+rAQ", "certhash"},
        {"uFCCPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rAQ", "certhash"},
        {"uEiGPkPa1wdLj9AUWJzhJWmt8jZ6vsMHS4_QFFic4Sf-rAQ", "certhash"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wrd_fingerprint out = sample;
        const char *why = NULL;
        assert_int_equal(parse(&out, bad[i].text, &why), WRD_INVALID);
        assert_non_null(why);
        assert_non_null(strstr(why, bad[i].sentence));
        assert_memory_equal(&out, &sample, sizeof out);
        assert_int_equal(parse(&out, bad[i].text, NULL), WRD_INVALID);
    }
}

static void nul_inside_the_text_is_a_wrong_character(void **state)
{
    char text[] = HEX;
    text[20] = '\0';
    wrd_fingerprint out;
    assert_int_equal(wrd_fingerprint_parse(&out, text, sizeof text - 1, NULL), WRD_INVALID);
    assert_int_equal(wrd_fingerprint_parse(&out, NULL, 0, NULL), WRD_INVALID);
}

static void every_single_damage_is_noticed(void **state)
{
    char text[] = "sha-256 " SDP;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char kept = text[i];
        wrd_fingerprint out;
        text[i] = '*';
        assert_int_equal(wrd_fingerprint_parse(&out, text, sizeof text - 1, NULL), WRD_INVALID);
        text[i] = kept;
        assert_int_equal(wrd_fingerprint_parse(&out, text, i, NULL), WRD_INVALID);
    }
}

static void random_fingerprints_round_trip_in_all_forms(void **state)
{
    uint32_t seed = 3;
    for (int turn = 0; turn < 1000; turn++) {
        wrd_fingerprint in, out;
        for (size_t i = 0; i < sizeof in.bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            in.bytes[i] = (uint8_t)(seed >> 24);
        }
        char hex[WRD_FINGERPRINT_HEX_SIZE], sdp[WRD_FINGERPRINT_SDP_SIZE], certhash[WRD_FINGERPRINT_CERTHASH_SIZE];
        wrd_fingerprint_hex(&in, hex);
        wrd_fingerprint_sdp(&in, sdp);
        wrd_fingerprint_certhash(&in, certhash);
        assert_int_equal(parse(&out, hex, NULL), WRD_OK);
        assert_memory_equal(&out, &in, sizeof in);
        assert_int_equal(parse(&out, sdp, NULL), WRD_OK);
        assert_memory_equal(&out, &in, sizeof in);
        assert_int_equal(parse(&out, certhash, NULL), WRD_OK);
        assert_memory_equal(&out, &in, sizeof in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_reads_as_the_same_fingerprint),
        cmocka_unit_test(every_form_prints_with_its_final_nul),
        cmocka_unit_test(bad_text_is_refused_with_a_sentence_and_changes_nothing),
        cmocka_unit_test(nul_inside_the_text_is_a_wrong_character),
        cmocka_unit_test(every_single_damage_is_noticed),
        cmocka_unit_test(random_fingerprints_round_trip_in_all_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
