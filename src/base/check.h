/* SPDX-License-Identifier: MIT */
/* Invariants of our own code. Never for bytes from the network: those meet an `if`. */
#ifndef WRD_BASE_CHECK_H
#define WRD_BASE_CHECK_H

#include <limits.h>
#include <stdint.h>

/* Stays in release builds: a broken invariant stops the process rather than corrupts a connection. */
#define WRD_ASSERT(claim) ((claim) ? (void)0 : __builtin_trap())

_Static_assert(CHAR_BIT == 8, "bytes are octets");
_Static_assert(sizeof(int) >= 4, "int has at least 32 bits");
_Static_assert((-1 >> 1) == -1, "signed shift is arithmetic");

#endif
