/* SPDX-License-Identifier: MIT */
/*
 * Who may begin a handshake: a fixed-size memory of addresses that sent a valid connectivity check lately. It is made
 * once, never grows, forgets the oldest of a bucket first, and is all that a check leaves behind.
 */
#ifndef WRD_ENDPOINT_ADMIT_H
#define WRD_ENDPOINT_ADMIT_H

#include "wrd/token.h"

#define WRD_ADMIT_WAYS     4
#define WRD_ADMIT_BUCKETS  2048
#define WRD_ADMIT_LIFETIME (30 * WRD_SECOND)
/* A check is followed by a ClientHello within a few round trips; who is forgotten before that is missed. */
#define WRD_ADMIT_MISSED (3 * WRD_SECOND)

struct wrd_admitted {
    wrd_addr remote;
    uint64_t name; /* hash of the ufrag */
    wrd_time at;
    uint32_t bytes_in, bytes_out; /* of the checks and their answers */
    uint8_t identity;             /* that the check asks for */
    bool contested; /* checks of several names come from this address, or from one that has a connection */
    bool may_connect; /* false: it only names a connection that may follow to this address */
    bool mixed; /* checks of several subjects come from this address: nobody knows whose hello follows */
    uint8_t subject[WRD_TOKEN_SUBJECT_SIZE];
};

struct wrd_admit {
    wrd_time crowded_at; /* when somebody was last forgotten who is missed; 0: never */
    struct wrd_admitted entries[WRD_ADMIT_BUCKETS][WRD_ADMIT_WAYS];
};

/* A valid check came, of this name. `hash` is a keyed hash of the address. Answers its entry, whose other members are the
 * caller's to set; they are 0 when it is new or has another name. */
struct wrd_admitted *wrd_admit_note(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote,
                                    uint64_t name);
/* The address's entry while it is fresh, else NULL. */
struct wrd_admitted *wrd_admit_find(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote);
/* Its handshake has begun: others may have its place. */
void wrd_admit_forget(struct wrd_admitted *entry);
/* Are there more checks than places, so that addresses are forgotten before they can go on? */
bool wrd_admit_is_crowded(const struct wrd_admit *admit, wrd_time now);

#endif
