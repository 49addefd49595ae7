/* SPDX-License-Identifier: MIT */
/*
 * Which checks of unknown addresses are looked at when there are more than a server has time for. Up to a rate all are.
 * Above it, only those of addresses that were heard a moment ago: clients repeat a check until it is answered, forged
 * addresses come once. That costs a hash and two bits, before any cryptography. Fixed size; who is heard is remembered in
 * two Bloom filters, of this period and the last.
 */
#ifndef WRD_ENDPOINT_NEWCOMERS_H
#define WRD_ENDPOINT_NEWCOMERS_H

#include "wrd/base.h"

#define WRD_NEWCOMERS_BITS   ((uint32_t)1 << 20)
#define WRD_NEWCOMERS_PERIOD (1 * WRD_SECOND)
#define WRD_NEWCOMERS_FREE   8000u /* in a period, before any is put off */

struct wrd_newcomers {
    wrd_time until;  /* end of this period */
    uint32_t count;  /* so far in it */
    unsigned recent; /* which of the two is of this period */
    uint64_t heard[2][WRD_NEWCOMERS_BITS / 64];
};

/* A check of an address that is not known, by its keyed hash. False: not now. */
bool wrd_newcomers_ask(struct wrd_newcomers *newcomers, wrd_time now, uint64_t hash);

#endif
