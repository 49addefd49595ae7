/* SPDX-License-Identifier: MIT */
/*
 * DTLS 1.2 records and handshake fragments as they lie in a datagram, and the anti-replay window. No cryptography.
 * Both backends stand on it.
 *
 *    0      1        3       5             11       13
 *    +------+--------+-------+--------------+--------+------
 *    | type | version| epoch | sequence (48)| length | body        RFC 6347 section 4.1
 *    +------+--------+-------+--------------+--------+------
 *
 *    0      1         4      6        9         12
 *    +------+---------+------+--------+---------+------
 *    | type | length  | seq  | offset | part len| part             RFC 6347 section 4.2.2
 *    +------+---------+------+--------+---------+------
 */
#ifndef WRD_DTLS_RECORD_H
#define WRD_DTLS_RECORD_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WRD_DTLS_RECORD_HEADER = 13,
    WRD_DTLS_FRAGMENT_HEADER = 12,
    /* TLSPlaintext.length, RFC 5246 section 6.2.1. */
    WRD_DTLS_RECORD_MAX = 16384,
    /* A handshake message is at most this long; hellos with ML-KEM shares take 1.5 KiB, certificates less. */
    WRD_DTLS_MESSAGE_MAX = 8192
};

enum wrd_dtls_content {
    WRD_DTLS_CHANGE_CIPHER_SPEC = 20,
    WRD_DTLS_ALERT = 21,
    WRD_DTLS_HANDSHAKE = 22,
    WRD_DTLS_DATA = 23
};

enum wrd_dtls_message {
    WRD_DTLS_CLIENT_HELLO = 1,
    WRD_DTLS_SERVER_HELLO = 2,
    WRD_DTLS_HELLO_VERIFY_REQUEST = 3,
    WRD_DTLS_SERVER_HELLO_DONE = 14,
    WRD_DTLS_FINISHED = 20
};

struct wrd_dtls_record {
    uint8_t type;
    uint16_t epoch;
    uint64_t sequence;
    const uint8_t *header; /* WRD_DTLS_RECORD_HEADER bytes, then the body */
    const uint8_t *body;
    size_t len; /* of the body */
};

/* The next record of a datagram. False: none, or what follows is no record (nothing behind it can be found then). */
bool wrd_dtls_record_take(struct wrd_reader *datagram, struct wrd_dtls_record *out);
void wrd_dtls_record_header(uint8_t out[WRD_DTLS_RECORD_HEADER], uint8_t type, uint16_t epoch, uint64_t sequence,
                            size_t len);

struct wrd_dtls_fragment {
    uint8_t type;
    uint16_t message_seq;
    uint32_t message_len;
    uint32_t offset;
    uint32_t len;
    const uint8_t *part;
};

/* The next fragment of a plaintext handshake record. False: none, or malformed: then `record` is bad. */
bool wrd_dtls_fragment_take(struct wrd_reader *record, struct wrd_dtls_fragment *out);

/* Records of one epoch that were seen, RFC 6347 section 4.1.2.6. All zero: none. */
struct wrd_dtls_window {
    uint64_t top;  /* one past the highest sequence number seen */
    uint64_t seen; /* bit n: top - 1 - n was seen */
};

bool wrd_dtls_window_fresh(const struct wrd_dtls_window *window, uint64_t sequence);
/* Only for a record that proved authentic. */
void wrd_dtls_window_mark(struct wrd_dtls_window *window, uint64_t sequence);

#endif
