/* SPDX-License-Identifier: MIT */
/*
 * Which checks of addresses without an open connection are looked at when there are more than a server has time for, be
 * they in the table of admit.h or not. Up to a rate all are. Above it, only those of addresses that were heard a
 * moment ago, for clients repeat a check until it is answered; and of these only a few, for then clients begin a
 * handshake. Who goes on all the same shares another such rate, and above that one in eight is looked at, since anybody
 * may forge the address of a client. It costs a hash and two counters, before any cryptography. Fixed size, touched
 * only above the rate: counting Bloom filters of this period and the last.
 */
#ifndef WRD_ENDPOINT_NEWCOMERS_H
#define WRD_ENDPOINT_NEWCOMERS_H

#include "wrd/base.h"

#define WRD_NEWCOMERS_COUNTERS ((uint32_t)1 << 20) /* of two bits */
#define WRD_NEWCOMERS_PERIOD   (1 * WRD_SECOND)
#define WRD_NEWCOMERS_FREE     8000u /* checks in a period, before any is put off */
#define WRD_NEWCOMERS_ANSWERS  2     /* to an address in two periods, beyond its first check */
#define WRD_NEWCOMERS_OF_PUSHY 8     /* of those that go on without a handshake one of so many is looked at */

struct wrd_newcomers {
    wrd_time until;  /* end of this period */
    uint32_t count;  /* so far in it */
    unsigned recent; /* which of the two is of this period */
    uint32_t pushy;  /* checks above WRD_NEWCOMERS_ANSWERS in it */
    bool used[2];    /* whether anything is in them */
    uint64_t heard[2][WRD_NEWCOMERS_COUNTERS / 32];
};

/* A check of an address without an open connection, by its keyed hash. False: not now. */
bool wrd_newcomers_ask(struct wrd_newcomers *newcomers, wrd_time now, uint64_t hash);

#endif
