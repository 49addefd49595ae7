/* SPDX-License-Identifier: MIT */
/*
 * The common header (RFC 9260 3.1), the checksum, and the walk over chunks (3.2).
 *
 *    0      2      4         8        12
 *   +------+------+---------+---------+--------- - -
 *   | from | to   | tag     | CRC32c  | chunks
 *   +------+------+---------+---------+--------- - -
 */
#ifndef WRD_SCTP_PACKET_H
#define WRD_SCTP_PACKET_H

#include "base/bytes.h"
#include "base/crc32c.h"

#define WRD_SCTP_HEADER_SIZE       12
#define WRD_SCTP_CHUNK_HEADER_SIZE 4

struct wrd_sctp_packet {
    uint16_t from, to;
    uint32_t tag;
    struct wrd_reader chunks;
};

/* One chunk; `value` is what follows its four-byte header, without padding. */
struct wrd_sctp_chunk {
    uint8_t type, flags;
    const uint8_t *whole;
    size_t whole_len;
    struct wrd_reader value;
};

/* False for a short packet or a wrong checksum; `crc` NULL: it is not looked at. */
bool wrd_sctp_packet_read(struct wrd_sctp_packet *packet, wrd_crc32c_update *crc, const uint8_t *bytes, size_t len);
/* The next chunk; false at the end, or with `chunks->bad` at a length that is below 4 or past the packet. */
bool wrd_sctp_chunk_next(struct wrd_reader *chunks, struct wrd_sctp_chunk *chunk);

/* Zero where the checksum belongs? */
bool wrd_sctp_packet_without_checksum(const uint8_t *bytes, size_t len);

void wrd_sctp_packet_begin(struct wrd_writer *wr, uint16_t port, uint32_t tag);
/* Fills in the checksum; `crc` NULL: it stays zero (RFC 9653). */
void wrd_sctp_packet_end(struct wrd_writer *wr, wrd_crc32c_update *crc);

/* Begins a chunk; answers where, for wrd_sctp_chunk_end(), which fills in the length and pads. Also for parameters. */
size_t wrd_sctp_chunk_begin(struct wrd_writer *wr, uint8_t type, uint8_t flags);
void wrd_sctp_chunk_end(struct wrd_writer *wr, size_t start);

#endif
