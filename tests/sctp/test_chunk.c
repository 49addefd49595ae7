/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

static struct wrd_sctp_chunk chunk_of(const uint8_t *bytes, size_t len)
{
    return (struct wrd_sctp_chunk){
        .type = bytes[0], .whole = bytes, .whole_len = len, .flags = bytes[1], .value = wrd_rd(bytes + 4, len - 4)};
}

static void data_reads_what_it_writes(void **state)
{
    uint8_t bytes[32] = {0};
    struct wrd_sctp_data in = {.tsn = {0x01020304}, .stream = 0x0506, .ssn = {0x0708}, .ppid = 0x090a0b0c, .flags = 7};
    in.len = 3;
    wrd_sctp_data_write_header(bytes, &in);
    static const uint8_t expected[] = {0, 7, 0, 19, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    assert_memory_equal(bytes, expected, sizeof expected);
    struct wrd_sctp_chunk chunk = chunk_of(bytes, 19);
    struct wrd_sctp_data out;
    assert_true(wrd_sctp_data_read(&out, &chunk));
    assert_int_equal(out.tsn.v, in.tsn.v);
    assert_int_equal(out.stream, in.stream);
    assert_int_equal(out.ssn.v, in.ssn.v);
    assert_int_equal(out.ppid, in.ppid);
    assert_int_equal(out.len, 3);
    for (size_t len = 4; len < 16; len++) {
        chunk = chunk_of(bytes, len);
        assert_false(wrd_sctp_data_read(&out, &chunk));
    }
}

static void i_data_has_its_ppid_in_the_first_fragment_and_numbers_the_others(void **state)
{
    static const uint8_t bytes[] = {64, 0, 0, 22, 1, 2, 3, 4, 5, 6, 0xff, 0xff, 7, 8, 9, 10, 11, 12, 13, 14, 'x', 'y'};
    for (unsigned flags = 0; flags < 16; flags++) {
        bool begins = flags & WRD_SCTP_BEGIN;
        struct wrd_sctp_chunk chunk = chunk_of(bytes, sizeof bytes);
        chunk.flags = (uint8_t)flags;
        struct wrd_sctp_data out;
        assert_true(wrd_sctp_data_read(&out, &chunk));
        assert_int_equal(out.tsn.v, 0x01020304);
        assert_int_equal(out.stream, 0x0506);
        assert_int_equal(out.mid, 0x0708090a);
        assert_int_equal(out.ppid, begins ? 0x0b0c0d0e : 0);
        assert_int_equal(out.fsn, begins ? 0 : 0x0b0c0d0e);
        assert_int_equal(out.len, 2);
        for (size_t len = 4; len < 20; len++) {
            chunk = chunk_of(bytes, len);
            assert_false(wrd_sctp_data_read(&out, &chunk));
        }
    }
}

static void sack_counts_must_fit_the_chunk(void **state)
{
    uint8_t bytes[40] = {3, 0, 0, 24, 0, 0, 0, 9, 0, 0, 1, 0, 0, 1, 0, 1};
    struct wrd_sctp_sack sack;
    for (size_t len = 4; len <= sizeof bytes; len++) {
        struct wrd_sctp_chunk chunk = chunk_of(bytes, len);
        assert_int_equal(wrd_sctp_sack_read(&sack, &chunk), len >= 24);
    }
    assert_int_equal(sack.cumulative.v, 9);
    assert_int_equal(sack.a_rwnd, 256);
    memset(bytes + 12, 0xff, 4); /* 65535 of each */
    struct wrd_sctp_chunk chunk = chunk_of(bytes, sizeof bytes);
    assert_false(wrd_sctp_sack_read(&sack, &chunk));
}

static void init_of_each_browser_stack_is_understood(void **state)
{
    /* dcSCTP as Chrome sends it: FORWARD-TSN support, then the extensions FORWARD-TSN and RE-CONFIG. */
    static const uint8_t chrome[] = {1, 0,    0,    32,   0x11, 0x22, 0x33, 0x44, 0,    0x50, 0,
                                     0, 0xff, 0xff, 0xff, 0xff, 0xaa, 0,    0xbb, 0xcc, 0xc0, 0,
                                     0, 4,    0x80, 8,    0,    6,    192,  130,  0,    0};
    uint8_t unknown[64];
    struct wrd_writer wr = wrd_wr(unknown, sizeof unknown);
    struct wrd_sctp_init init;
    struct wrd_sctp_chunk chunk = chunk_of(chrome, 30); /* the length leaves out the last padding */
    assert_true(wrd_sctp_init_read(&init, &chunk, &wr));
    assert_int_equal(init.tag, 0x11223344);
    assert_int_equal(init.a_rwnd, 5 << 20);
    assert_int_equal(init.streams_in, 65535);
    assert_int_equal(init.tsn.v, 0xaa00bbcc);
    assert_true(init.forward_tsn && init.reconfig);
    /* usrsctp adds ECN, AUTH's three lists and an address type, none of which is answered. */
    static const uint8_t more[] = {1,    0,   0,  0,   0,    0,   0, 1, 0,    0,  0x20, 0, 0,    1, 0, 1,
                                   0,    0,   0,  1,   0xc0, 0,   0, 4, 0x80, 0,  0,    4, 0x80, 8, 0, 9,
                                   192,  130, 64, 128, 193,  0,   0, 0, 0x80, 4,  0,    6, 0,    1, 0, 0,
                                   0x80, 3,   0,  6,   128,  193, 0, 0, 0,    12, 0,    6, 0,    5, 0, 0};
    chunk = chunk_of(more, sizeof more);
    assert_true(wrd_sctp_init_read(&init, &chunk, &wr));
    assert_true(init.forward_tsn && init.reconfig);
    assert_int_equal(wr.len, 0);
}

static void init_says_what_its_sender_can_and_no_more(void **state)
{
    for (int bits = 0; bits < 4; bits++) {
        struct wrd_sctp_init in = {.tag = 1, .interleaving = bits & 1, .zero_checksum = bits & 2};
        uint8_t bytes[128], unknown[64];
        struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
        wrd_sctp_chunk_end(&wr, wrd_sctp_init_begin(&wr, WRD_SCTP_INIT, &in));
        struct wrd_sctp_chunk chunk = chunk_of(bytes, wrd_load16be(bytes + 2));
        struct wrd_writer reports = wrd_wr(unknown, sizeof unknown);
        struct wrd_sctp_init out;
        assert_true(wrd_sctp_init_read(&out, &chunk, &reports));
        assert_true(out.forward_tsn && out.reconfig);
        assert_int_equal(out.interleaving, in.interleaving);
        assert_int_equal(out.i_forward_tsn, in.interleaving);
        assert_int_equal(out.zero_checksum, in.zero_checksum);
    }
}

static void zero_checksum_counts_only_with_dtls_as_the_reason(void **state)
{
    uint8_t bytes[64] = {1, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0x20, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0x80, 1, 0, 8, 0, 0, 0, 1};
    uint8_t unknown[64];
    struct wrd_writer reports = wrd_wr(unknown, sizeof unknown);
    struct wrd_sctp_init init;
    struct wrd_sctp_chunk chunk = chunk_of(bytes, 28);
    assert_true(wrd_sctp_init_read(&init, &chunk, &reports) && init.zero_checksum);
    bytes[27] = 2; /* another method */
    assert_true(wrd_sctp_init_read(&init, &chunk, &reports) && !init.zero_checksum);
    bytes[23] = 4; /* none */
    chunk = chunk_of(bytes, 24);
    assert_true(wrd_sctp_init_read(&init, &chunk, &reports) && !init.zero_checksum);
    assert_int_equal(reports.len, 0);
}

static void parameter_past_its_chunk_is_refused(void **state)
{
    uint8_t bytes[32] = {1, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0x20, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0x80, 8, 0, 0};
    uint8_t unknown[64];
    struct wrd_writer wr = wrd_wr(unknown, sizeof unknown);
    struct wrd_sctp_init init;
    for (uint16_t len = 0; len < 600; len++) {
        wrd_store16be(bytes + 22, len);
        struct wrd_sctp_chunk chunk = chunk_of(bytes, 28);
        assert_int_equal(wrd_sctp_init_read(&init, &chunk, &wr),
                         len >= 5 && len <= 8); /* 4 leaves a second one of length 0 */
    }
}

static void reports_of_unknown_parameters_are_bounded(void **state)
{
    uint8_t bytes[400] = {1};
    struct wrd_writer wr = wrd_wr(bytes + 20, sizeof bytes - 20);
    for (int i = 0; i < 20; i++)
        wrd_sctp_param_write(&wr, 0xcfff, "unknown", 7);
    uint8_t unknown[50];
    struct wrd_writer reports = wrd_wr(unknown, sizeof unknown);
    struct wrd_sctp_init init;
    struct wrd_sctp_chunk chunk = chunk_of(bytes, 20 + wr.len);
    assert_true(wrd_sctp_init_read(&init, &chunk, &reports));
    assert_false(reports.bad);
    assert_int_equal(reports.len, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_reads_what_it_writes),
        cmocka_unit_test(i_data_has_its_ppid_in_the_first_fragment_and_numbers_the_others),
        cmocka_unit_test(sack_counts_must_fit_the_chunk),
        cmocka_unit_test(init_of_each_browser_stack_is_understood),
        cmocka_unit_test(init_says_what_its_sender_can_and_no_more),
        cmocka_unit_test(zero_checksum_counts_only_with_dtls_as_the_reason),
        cmocka_unit_test(parameter_past_its_chunk_is_refused),
        cmocka_unit_test(reports_of_unknown_parameters_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
