/* SPDX-License-Identifier: MIT */
/* What each chunk says, read from and written to the wire (RFC 9260 3.3, RFC 3758 3.2, RFC 6525 3.1). */
#ifndef WRD_SCTP_CHUNK_H
#define WRD_SCTP_CHUNK_H

#include "base/serial.h"
#include "sctp/packet.h"

enum wrd_sctp_chunk_type {
    WRD_SCTP_DATA = 0,
    WRD_SCTP_INIT = 1,
    WRD_SCTP_INIT_ACK = 2,
    WRD_SCTP_SACK = 3,
    WRD_SCTP_HEARTBEAT = 4,
    WRD_SCTP_HEARTBEAT_ACK = 5,
    WRD_SCTP_ABORT = 6,
    WRD_SCTP_SHUTDOWN = 7,
    WRD_SCTP_SHUTDOWN_ACK = 8,
    WRD_SCTP_ERROR = 9,
    WRD_SCTP_COOKIE_ECHO = 10,
    WRD_SCTP_COOKIE_ACK = 11,
    WRD_SCTP_SHUTDOWN_COMPLETE = 14,
    WRD_SCTP_I_DATA = 64,
    WRD_SCTP_RE_CONFIG = 130,
    WRD_SCTP_FORWARD_TSN = 192,
    WRD_SCTP_I_FORWARD_TSN = 194
};

/* Flags of DATA. */
#define WRD_SCTP_END       0x01
#define WRD_SCTP_BEGIN     0x02
#define WRD_SCTP_UNORDERED 0x04
#define WRD_SCTP_IMMEDIATE 0x08

/* Flag of ABORT and SHUTDOWN-COMPLETE: the tag is the receiver's own, reflected (RFC 9260 8.5.1). */
#define WRD_SCTP_REFLECTED 0x01

#define WRD_SCTP_DATA_HEADER_SIZE   ((size_t)16)
#define WRD_SCTP_I_DATA_HEADER_SIZE ((size_t)20)
#define WRD_SCTP_SACK_HEADER_SIZE   ((size_t)16)

/* DATA or I-DATA (RFC 8260 2.1). */
struct wrd_sctp_data {
    struct wrd_tsn tsn;
    uint16_t stream;
    struct wrd_ssn ssn; /* of DATA */
    uint32_t mid, fsn;  /* of I-DATA */
    uint32_t ppid;      /* 0 in I-DATA that does not begin a message */
    uint8_t flags;
    const uint8_t *bytes;
    size_t len;
};

/* INIT and INIT-ACK. */
struct wrd_sctp_init {
    uint32_t tag;
    uint32_t a_rwnd;
    uint16_t streams_out, streams_in;
    struct wrd_tsn tsn;
    /* What the sender supports. */
    bool forward_tsn, reconfig;
    bool interleaving, i_forward_tsn; /* RFC 8260; when written, both or none */
    bool zero_checksum;               /* takes packets without CRC32c, for DTLS has seen to it (RFC 9653) */
    const uint8_t *cookie;            /* in INIT-ACK, else NULL */
    size_t cookie_len;
};

struct wrd_sctp_sack {
    struct wrd_tsn cumulative;
    uint32_t a_rwnd;
    const uint8_t *gaps; /* pairs of 16-bit offsets from `cumulative` */
    size_t gap_count, duplicate_count;
};

/* The most bytes of user data that a DATA chunk may have in `room`; a multiple of 4. */
static inline size_t wrd_sctp_data_fits(size_t room)
{
    room &= ~(size_t)3;
    return room > WRD_SCTP_DATA_HEADER_SIZE ? room - WRD_SCTP_DATA_HEADER_SIZE : 0;
}

/* As much for I-DATA. */
static inline size_t wrd_sctp_i_data_fits(size_t room)
{
    room &= ~(size_t)3;
    return room > WRD_SCTP_I_DATA_HEADER_SIZE ? room - WRD_SCTP_I_DATA_HEADER_SIZE : 0;
}

/* Each answers false for a chunk that is too short, or breaks what its section demands. */
bool wrd_sctp_data_read(struct wrd_sctp_data *data, const struct wrd_sctp_chunk *chunk);
bool wrd_sctp_sack_read(struct wrd_sctp_sack *sack, const struct wrd_sctp_chunk *chunk);
/* Unknown parameters that ask for it (RFC 9260 3.2.1) are copied whole to `unrecognized`, as far as there is room. */
bool wrd_sctp_init_read(struct wrd_sctp_init *init, const struct wrd_sctp_chunk *chunk,
                        struct wrd_writer *unrecognized);

/* Header of a DATA chunk whose `len` bytes follow; the caller places them and pads. */
void wrd_sctp_data_write_header(uint8_t out[WRD_SCTP_DATA_HEADER_SIZE], const struct wrd_sctp_data *data);
/* The same for I-DATA. */
void wrd_sctp_i_data_write_header(uint8_t out[WRD_SCTP_I_DATA_HEADER_SIZE], const struct wrd_sctp_data *data);
/* INIT or INIT-ACK up to and with the parameters that say what we support; leaves it open for wrd_sctp_chunk_end(). */
size_t wrd_sctp_init_begin(struct wrd_writer *wr, uint8_t type, const struct wrd_sctp_init *init);
/* A chunk without value. */
void wrd_sctp_plain_write(struct wrd_writer *wr, uint8_t type, uint8_t flags);
void wrd_sctp_shutdown_write(struct wrd_writer *wr, struct wrd_tsn cumulative);
/* ABORT with one cause; `cause` 0: none. */
void wrd_sctp_abort_write(struct wrd_writer *wr, uint8_t flags, uint16_t cause, const void *value, size_t len);

#endif
