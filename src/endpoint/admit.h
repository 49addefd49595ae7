/* SPDX-License-Identifier: MIT */
/*
 * Who may begin a handshake: a fixed-size memory of addresses that sent a valid connectivity check lately. It is made
 * once, never grows, forgets the oldest of a bucket first, and is all that a check leaves behind.
 */
#ifndef WRD_ENDPOINT_ADMIT_H
#define WRD_ENDPOINT_ADMIT_H

#include "wrd/base.h"

#define WRD_ADMIT_WAYS     4
#define WRD_ADMIT_BUCKETS  1024
#define WRD_ADMIT_LIFETIME (30 * WRD_SECOND)

struct wrd_admitted {
    wrd_addr remote;
    uint64_t ufrag_hash;
    wrd_time at;
    uint32_t bytes_in, bytes_out; /* of the checks and their answers */
};

struct wrd_admit {
    struct wrd_admitted entries[WRD_ADMIT_BUCKETS][WRD_ADMIT_WAYS];
};

/* A valid check of `bytes_in` bytes was answered with `bytes_out`. `hash` is a keyed hash of the address. */
void wrd_admit_note(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote, uint64_t ufrag_hash,
                    size_t bytes_in, size_t bytes_out);
/* The address's entry while it is fresh, else NULL. */
const struct wrd_admitted *wrd_admit_find(const struct wrd_admit *admit, wrd_time now, uint64_t hash,
                                          const wrd_addr *remote);

#endif
