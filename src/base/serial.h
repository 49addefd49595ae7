/* SPDX-License-Identifier: MIT */
/*
 * Serial number arithmetic, RFC 1982, for SCTP's TSNs and SSNs. One-member structs: a raw `<` on them does not compile.
 */
#ifndef WRD_BASE_SERIAL_H
#define WRD_BASE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

struct wrd_tsn {
    uint32_t v;
};

static inline struct wrd_tsn wrd_tsn(uint32_t v)
{
    return (struct wrd_tsn){v};
}

static inline struct wrd_tsn wrd_tsn_add(struct wrd_tsn a, uint32_t n)
{
    return (struct wrd_tsn){a.v + n};
}

/* How far `a` is ahead of `b`; negative when behind. */
static inline int32_t wrd_tsn_diff(struct wrd_tsn a, struct wrd_tsn b)
{
    return (int32_t)(a.v - b.v);
}

static inline bool wrd_tsn_eq(struct wrd_tsn a, struct wrd_tsn b)
{
    return a.v == b.v;
}

static inline bool wrd_tsn_lt(struct wrd_tsn a, struct wrd_tsn b)
{
    return wrd_tsn_diff(a, b) < 0;
}

static inline bool wrd_tsn_le(struct wrd_tsn a, struct wrd_tsn b)
{
    return wrd_tsn_diff(a, b) <= 0;
}

struct wrd_ssn {
    uint16_t v;
};

static inline struct wrd_ssn wrd_ssn_next(struct wrd_ssn a)
{
    return (struct wrd_ssn){(uint16_t)(a.v + 1)};
}

static inline bool wrd_ssn_eq(struct wrd_ssn a, struct wrd_ssn b)
{
    return a.v == b.v;
}

static inline bool wrd_ssn_lt(struct wrd_ssn a, struct wrd_ssn b)
{
    return (int16_t)(uint16_t)(a.v - b.v) < 0;
}

#endif
