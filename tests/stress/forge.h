/* SPDX-License-Identifier: MIT */
/* The datagrams of a flood, one after the other: what an attacker makes who knows the address, the source code and what
 * one real client sent, but no secret. */
#ifndef WRD_TESTS_FORGE_H
#define WRD_TESTS_FORGE_H

#include "stress/victim.h"

enum forge_kind {
    FORGE_CHECKS,      /* valid checks under invented ufrags: anybody can make them */
    FORGE_FORGED,      /* checks whose MESSAGE-INTEGRITY is wrong, and FINGERPRINT right */
    FORGE_NEIGHBOURS,  /* valid checks from neighbours that do not exist: answers wait for ARP or ND, on the server's
                          account */
    FORGE_HELLOS,      /* ClientHellos from addresses without a check */
    FORGE_HALF_OPEN,   /* a check, then a ClientHello; nothing follows */
    FORGE_PIECES,      /* a check, then the first byte of a ClientHello of 16 KiB */
    FORGE_ONE_ADDRESS, /* half open, too, all of it from ports of one address; over IPv6 from hosts of one /64 */
    FORGE_GARBAGE,     /* random bytes of any length */
    FORGE_DAMAGED,     /* what a real client sent, cut or with a bit wrong, from its own address and others */
    FORGE_REPLAY,      /* the same as it was */
    FORGE_RIVALS,      /* a check and a ClientHello again and again, from a real client's own address */
    FORGE_KINDS
};

extern const char *const forge_names[FORGE_KINDS];

/* The addresses of a kind are in 10.(this and the kind).0.0/16, or a /64 each in fd(that)::/16 when the victim's is of
 * IPv6, so that none knows another's. */
#define FORGE_NET    16
#define FORGE_POOL   4096
#define FORGE_VICTIM UINT32_MAX

struct shot {
    uint32_t source; /* which of the pretended addresses; FORGE_VICTIM: the victim's */
    wrd_addr from;
    size_t len;
    uint8_t bytes[WRD_DATAGRAM_MAX + 100];
};

struct forge {
    enum forge_kind kind;
    const struct victim *victim;
    uint32_t sources;
    uint64_t count, random;
    struct record *checks; /* FORGE_POOL */
};

/* False: memory is short. `sources` up to 60000. */
bool forge_init(struct forge *forge, enum forge_kind kind, const struct victim *victim, uint32_t sources);
void forge_next(struct forge *forge, struct shot *out);
void forge_free(struct forge *forge);

#endif
