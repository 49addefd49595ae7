/* SPDX-License-Identifier: MIT */
/* One association against a peer played by hand: packets are written chunk by chunk, and what comes back is taken
 * apart. */
#ifndef TESTS_SCTP_SCRIPT_H
#define TESTS_SCTP_SCRIPT_H

#include "lab.h"

#define SCRIPT_TAG     0x50505050u /* the played peer's */
#define SCRIPT_TSN     0xfffffff0u /* its first; wraps soon */
#define SCRIPT_PACKETS 256

struct script_chunk {
    uint8_t type, flags;
    size_t len; /* of the value */
    const uint8_t *value;
};

struct script {
    struct lab_env env;
    struct wrd_sctp *sctp;
    wrd_time now;
    uint32_t tag;  /* ours, as the peer learnt it */
    uint32_t tsn;  /* our first */
    uint32_t rwnd; /* what the peer says in INIT and SACK */
    uint8_t cookie[256];
    size_t cookie_len;
    uint8_t bytes[65536];
    struct wrd_writer wr; /* the packet being written */
    struct {
        uint32_t tag;
        size_t len;
        uint8_t bytes[WRD_SCTP_PACKET_MAX];
    } out[SCRIPT_PACKETS];
    size_t out_count;
};

void script_init(struct script *s, const struct wrd_sctp_options *options);
void script_free(struct script *s);

void script_begin(struct script *s, uint32_t tag);
/* Fills in the checksum and hands the packet over. */
void script_send(struct script *s);
size_t script_chunk(struct script *s, uint8_t type, uint8_t flags);
void script_chunk_end(struct script *s, size_t start);
void script_plain(struct script *s, uint8_t type, uint8_t flags);
void script_data(struct script *s, uint32_t tsn, uint16_t stream, uint16_t ssn, uint8_t flags, const void *bytes,
                 size_t len);
void script_i_data(struct script *s, uint32_t tsn, uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags,
                   const void *bytes, size_t len);
/* One chunk of it in a packet of its own. */
void script_send_data(struct script *s, uint32_t tsn, uint16_t stream, uint16_t ssn, uint8_t flags, const char *text);
void script_send_i_data(struct script *s, uint32_t tsn, uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags,
                        const char *text);
/* `gaps`: pairs of offsets, ended by 0. */
void script_sack(struct script *s, uint32_t cumulative, uint32_t rwnd, const uint16_t *gaps);
void script_send_sack(struct script *s, uint32_t cumulative, const uint16_t *gaps);
void script_init_chunk(struct script *s, uint8_t type, uint32_t tag, uint32_t tsn);
/* Collects, and keeps what an INIT-ACK gave. */
void script_take_init_ack(struct script *s);
void script_send_init(struct script *s, uint32_t tag, uint32_t tsn);
/* COOKIE-ECHO with what the last INIT-ACK gave, in a packet left open. */
void script_echo(struct script *s);

/* Takes all that is to be transmitted now. */
void script_collect(struct script *s);
/* The n-th chunk of `type` among it; false: none. */
bool script_find(const struct script *s, uint8_t type, unsigned n, struct script_chunk *chunk);
bool script_has(const struct script *s, uint8_t type);
unsigned script_count(const struct script *s, uint8_t type);
/* Time passes, deadlines are met one after another, and all that was sent meanwhile is collected. */
void script_wait(struct script *s, wrd_time time);

/* The peer connects; ESTABLISHED. */
void script_open(struct script *s);
/* We connect and the peer answers INIT-ACK with a cookie of three bytes; COOKIE-ECHOED, nothing collected yet. */
void script_answer_init(struct script *s);

void script_say(struct script *s, uint16_t stream, size_t len);
/* Reads one message as text and releases it. */
void script_hear(struct script *s, const char *text);
/* Reads the end of a stream, and releases it. */
void script_hear_end(struct script *s, uint16_t stream);
bool script_hears_nothing(struct script *s);
enum wrd_sctp_state script_state(const struct script *s);
uint32_t script_word(const struct script_chunk *chunk, size_t at);

#endif
