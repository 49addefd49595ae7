/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <string.h>

/* A SHUTDOWN-ACK as RFC 9260 lays it out, with the checksum computed apart (CRC32c, little-endian on the wire). */
static void packet_has_the_layout_of_the_rfc(void **state)
{
    uint8_t bytes[64];
    struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
    wrd_sctp_packet_begin(&wr, 5000, 0x01020304);
    wrd_sctp_chunk_end(&wr, wrd_sctp_chunk_begin(&wr, WRD_SCTP_SHUTDOWN_ACK, 0));
    wrd_sctp_packet_end(&wr, wrd_crc32c_by_table);
    static const uint8_t head[] = {0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4};
    static const uint8_t tail[] = {8, 0, 0, 4};
    assert_int_equal(wr.len, 16);
    assert_memory_equal(bytes, head, 8);
    assert_memory_equal(bytes + 12, tail, 4);
    uint8_t zeroed[16];
    memcpy(zeroed, bytes, 16);
    memset(zeroed + 8, 0, 4);
    assert_int_equal(wrd_load32le(bytes + 8), wrd_crc32c(wrd_crc32c_by_table, zeroed, 16));
    struct wrd_sctp_packet packet;
    assert_true(wrd_sctp_packet_read(&packet, wrd_crc32c_pick(), bytes, wr.len));
    assert_int_equal(packet.tag, 0x01020304);
    assert_int_equal(packet.from, 5000);
}

static void zero_checksum_is_refused(void **state)
{
    uint8_t bytes[64];
    struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
    wrd_sctp_packet_begin(&wr, 5000, 1);
    struct wrd_sctp_packet packet;
    assert_false(wrd_sctp_packet_read(&packet, wrd_crc32c_by_table, bytes, wr.len));
}

static void chunks_are_walked_with_their_padding(void **state)
{
    uint8_t bytes[64];
    for (size_t len = 0; len < 9; len++) {
        struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
        for (uint8_t type = 1; type <= 3; type++) {
            size_t start = wrd_sctp_chunk_begin(&wr, type, 0);
            wrd_wr_bytes(&wr, "abcdefgh", len);
            wrd_sctp_chunk_end(&wr, start);
        }
        for (size_t missing = 0; missing <= (-len & 3); missing++) { /* the last padding may be left out */
            struct wrd_reader rd = wrd_rd(bytes, wr.len - missing);
            struct wrd_sctp_chunk chunk;
            for (uint8_t type = 1; type <= 3; type++) {
                assert_true(wrd_sctp_chunk_next(&rd, &chunk));
                assert_int_equal(chunk.type, type);
                assert_int_equal(chunk.value.left, len);
                assert_int_equal(chunk.whole_len, len + 4);
            }
            assert_false(wrd_sctp_chunk_next(&rd, &chunk));
            assert_false(rd.bad);
        }
    }
}

static void zero_length_chunk_stops_the_walk(void **state)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 1, 0, 0, 4};
    struct wrd_reader rd = wrd_rd(bytes, sizeof bytes);
    struct wrd_sctp_chunk chunk;
    assert_false(wrd_sctp_chunk_next(&rd, &chunk));
    assert_true(rd.bad);
    assert_false(wrd_sctp_chunk_next(&rd, &chunk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_has_the_layout_of_the_rfc),
        cmocka_unit_test(zero_checksum_is_refused),
        cmocka_unit_test(chunks_are_walked_with_their_padding),
        cmocka_unit_test(zero_length_chunk_stops_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
