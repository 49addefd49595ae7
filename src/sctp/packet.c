/* SPDX-License-Identifier: MIT */
#include "sctp/packet.h"

#include "sctp/tlv.h"

#define CHECKSUM_AT 8

static const uint8_t zeros[4];

static bool has_right_checksum(wrd_crc32c_update *crc, const uint8_t *bytes, size_t len)
{
    uint32_t sum = crc(UINT32_MAX, bytes, CHECKSUM_AT);
    sum = crc(sum, zeros, sizeof zeros);
    sum = ~crc(sum, bytes + WRD_SCTP_HEADER_SIZE, len - WRD_SCTP_HEADER_SIZE);
    return sum == wrd_load32le(bytes + CHECKSUM_AT);
}

bool wrd_sctp_packet_without_checksum(const uint8_t *bytes, size_t len)
{
    return len >= WRD_SCTP_HEADER_SIZE && wrd_load32be(bytes + CHECKSUM_AT) == 0;
}

bool wrd_sctp_packet_read(struct wrd_sctp_packet *packet, wrd_crc32c_update *crc, const uint8_t *bytes, size_t len)
{
    if (len < WRD_SCTP_HEADER_SIZE)
        return false;
    if (crc && !has_right_checksum(crc, bytes, len))
        return false;
    packet->from = wrd_load16be(bytes);
    packet->to = wrd_load16be(bytes + 2);
    packet->tag = wrd_load32be(bytes + 4);
    packet->chunks = wrd_rd(bytes + WRD_SCTP_HEADER_SIZE, len - WRD_SCTP_HEADER_SIZE);
    return true;
}

bool wrd_sctp_chunk_next(struct wrd_reader *chunks, struct wrd_sctp_chunk *chunk)
{
    struct wrd_sctp_tlv tlv;
    if (!wrd_sctp_tlv_next(chunks, &tlv))
        return false;
    *chunk = (struct wrd_sctp_chunk){.type = tlv.whole[0],
                                     .flags = tlv.whole[1],
                                     .whole = tlv.whole,
                                     .whole_len = tlv.whole_len,
                                     .value = tlv.value};
    return true;
}

void wrd_sctp_packet_begin(struct wrd_writer *wr, uint16_t port, uint32_t tag)
{
    wrd_wr16(wr, port);
    wrd_wr16(wr, port);
    wrd_wr32(wr, tag);
    wrd_wr32(wr, 0);
}

void wrd_sctp_packet_end(struct wrd_writer *wr, wrd_crc32c_update *crc)
{
    if (crc && !wr->bad)
        wrd_store32le(wr->start + CHECKSUM_AT, wrd_crc32c(crc, wr->start, wr->len));
}

size_t wrd_sctp_chunk_begin(struct wrd_writer *wr, uint8_t type, uint8_t flags)
{
    size_t start = wr->len;
    wrd_wr8(wr, type);
    wrd_wr8(wr, flags);
    wrd_wr16(wr, 0);
    return start;
}

void wrd_sctp_chunk_end(struct wrd_writer *wr, size_t start)
{
    wrd_sctp_tlv_end(wr, start);
}
