/* SPDX-License-Identifier: MIT */
/*
 * Chains of elements by hash. An element's first member is the pointer to the next one. Nothing is allocated until
 * something is put in, and growing is asked for beforehand, so that putting in cannot fail.
 */
#ifndef WRD_SCTP_RX_TABLE_H
#define WRD_SCTP_RX_TABLE_H

#include "base/mem.h"

struct wrd_sctp_table {
    void **heads;
    uint32_t size; /* chains; a power of two, or 0 */
    uint32_t count;
};

typedef uint32_t wrd_sctp_table_hash(const void *element, uint64_t salt);

/* Room for one more element; false: no memory, nothing changed. */
bool wrd_sctp_table_reserve(struct wrd_sctp_table *table, const wrd_env *env, wrd_sctp_table_hash *hash, uint64_t salt);
/* Gives the memory back if nothing is in it. */
void wrd_sctp_table_drain(struct wrd_sctp_table *table, const wrd_env *env);
/* After wrd_sctp_table_reserve(). */
void wrd_sctp_table_add(struct wrd_sctp_table *table, void *element, uint32_t hash);
/* `element` is in it. */
void wrd_sctp_table_remove(struct wrd_sctp_table *table, void *element, uint32_t hash);

/* The top bits of a product with a secret odd number: nobody outside can choose collisions. */
static inline uint32_t wrd_sctp_hash(uint64_t key, uint64_t salt)
{
    return (uint32_t)((key * salt) >> 32);
}

/* The first element of the chain for `hash`, or NULL. */
static inline void *wrd_sctp_table_first(const struct wrd_sctp_table *table, uint32_t hash)
{
    return table->count > 0 ? table->heads[((uint64_t)hash * table->size) >> 32] : NULL;
}

#endif
