/* SPDX-License-Identifier: MIT */
/*
 * Which of two identities each address asked for last. The table of admit.h knows that too, but a flood of checks turns
 * it over before a client from afar has sent its hello; of this one a check takes two bytes. Fixed size; four addresses
 * share a word, which forgets the oldest of them. An address that is forgotten is taken for another in one of 4,000
 * cases, and then at worst meets the wrong certificate.
 */
#ifndef WRD_ENDPOINT_ASKED_H
#define WRD_ENDPOINT_ASKED_H

#include "wrd/base.h"

#define WRD_ASKED_WORDS ((uint32_t)1 << 16)
#define WRD_ASKED_WAYS  4

struct wrd_asked {
    uint64_t words[WRD_ASKED_WORDS]; /* the newest of the four in its low bits */
};

/* `hash`: a keyed hash of the address; `identity`: 0 or 1. */
void wrd_asked_note(struct wrd_asked *asked, uint64_t hash, uint8_t identity);
/* False: not known, or not any more. */
bool wrd_asked_find(const struct wrd_asked *asked, uint64_t hash, uint8_t *identity);

#endif
