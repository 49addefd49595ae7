/* SPDX-License-Identifier: MIT */
/*
 * STUN codec, RFC 8489: binding requests and responses with the attributes that ICE uses (RFC 8445).
 * Reads in place, writes into caller memory, keeps no state, knows no address but the one it is given.
 * Refuses: anything not a whole STUN message with the magic cookie and, where a key is given, a right MESSAGE-INTEGRITY.
 */
#ifndef WRD_STUN_H
#define WRD_STUN_H

#include "wrd/base.h"

struct wrd_hmac_sha1_key; /* crypto/crypto.h */

#define WRD_STUN_HEADER_SIZE 20
#define WRD_STUN_TRANSACTION_SIZE 12
#define WRD_STUN_MESSAGE_MAX 1280 /* longer datagrams are no ICE check */

enum wrd_stun_type {
    WRD_STUN_BINDING_REQUEST = 0x0001,
    WRD_STUN_BINDING_INDICATION = 0x0011,
    WRD_STUN_BINDING_SUCCESS = 0x0101,
    WRD_STUN_BINDING_ERROR = 0x0111
};

/* A parsed message; pointers borrow from the datagram. */
struct wrd_stun {
    uint16_t type;
    const uint8_t *transaction; /* WRD_STUN_TRANSACTION_SIZE bytes */
    const uint8_t *username;    /* NULL: absent */
    size_t username_len;
    const uint8_t *integrity;   /* the 20 bytes of MESSAGE-INTEGRITY; NULL: absent */
    size_t integrity_at;        /* offset of that attribute's header in the message */
    bool has_fingerprint;       /* present and right; a wrong one makes the message invalid */
    bool use_candidate;
    bool has_priority;
    uint32_t priority;
    bool has_ice_controlling, has_ice_controlled;
    bool has_mapped;
    wrd_addr mapped;            /* XOR-MAPPED-ADDRESS */
    uint16_t error_code;        /* 0: absent */
    uint16_t unknown_required;  /* first comprehension-required attribute that we do not know; 0: none */
};

/* First-byte test of RFC 7983 and the magic cookie: is this STUN's? */
bool wrd_stun_is(const uint8_t *datagram, size_t len);
/* False for anything malformed: lengths, padding, attributes past the end, duplicate or misplaced integrity, wrong FINGERPRINT. */
bool wrd_stun_read(struct wrd_stun *out, const uint8_t *datagram, size_t len);
/* Is MESSAGE-INTEGRITY present and right under `key`? `datagram` is what `message` was read from. */
bool wrd_stun_verify(const struct wrd_stun *message, const uint8_t *datagram, const uint8_t *key, size_t key_len);
/* The same for whoever also answers under that key, and so makes it ready once. */
bool wrd_stun_verify_with(const struct wrd_stun *message, const uint8_t *datagram,
                          const struct wrd_hmac_sha1_key *key);

/* Every writer ends with MESSAGE-INTEGRITY under `key` and FINGERPRINT; returns the length, 0 when `cap` is short. */
struct wrd_stun_request {
    const uint8_t *transaction;
    const char *username;
    size_t username_len;
    uint32_t priority;
    uint64_t tie_breaker; /* ICE-CONTROLLING */
    bool use_candidate;
};
size_t wrd_stun_write_request(uint8_t *out, size_t cap, const struct wrd_stun_request *request, const uint8_t *key,
                              size_t key_len);
size_t wrd_stun_write_success(uint8_t *out, size_t cap, const uint8_t *transaction, const wrd_addr *mapped,
                              const uint8_t *key, size_t key_len);
/* Error response with a code such as 400, 420 (then `unknown` is listed) or 487. */
size_t wrd_stun_write_error(uint8_t *out, size_t cap, const uint8_t *transaction, uint16_t code, uint16_t unknown,
                            const uint8_t *key, size_t key_len);
size_t wrd_stun_write_success_with(uint8_t *out, size_t cap, const uint8_t *transaction, const wrd_addr *mapped,
                                   const struct wrd_hmac_sha1_key *key);
size_t wrd_stun_write_error_with(uint8_t *out, size_t cap, const uint8_t *transaction, uint16_t code, uint16_t unknown,
                                 const struct wrd_hmac_sha1_key *key);

#endif
