/* SPDX-License-Identifier: MIT */
/* The machine's own IP addresses, as far as a socket bound to a given address is reached by them. */
#ifndef WRD_CLI_ADDRESSES_H
#define WRD_CLI_ADDRESSES_H

#include "wrd/address.h"

#define ADDRESSES_MAX 32

bool addresses_is_wildcard(const wrd_addr *addr); /* 0.0.0.0 or :: */
bool addresses_is_loopback(const wrd_addr *addr);

/*
 * Fills `out` with what reaches a socket bound to `bound`, each with its port: the address itself, or for a wildcard
 * those of all interfaces that are up, the one that leads outward first and loopback last. Link-local IPv6 is left out,
 * since no browser dials it. Returns how many.
 */
size_t addresses_list(wrd_addr out[ADDRESSES_MAX], const wrd_addr *bound);

#endif
