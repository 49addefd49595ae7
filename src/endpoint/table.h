/* SPDX-License-Identifier: MIT */
/* Handles: a connection's slot and its generation in one number, so that a handle of one that is gone finds nothing. */
#ifndef WRD_ENDPOINT_TABLE_H
#define WRD_ENDPOINT_TABLE_H

#include "endpoint/connection.h"

struct wrd_slot {
    struct wrd_connection *connection; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct wrd_table {
    struct wrd_slot *slots;
    uint32_t cap, limit, first_free;
};

void wrd_table_init(struct wrd_table *table, uint32_t limit);
void wrd_table_free(struct wrd_table *table, const wrd_env *env);
/* Sets c->handle; false: at the limit, or memory is short. */
bool wrd_table_add(struct wrd_table *table, const wrd_env *env, struct wrd_connection *c);
void wrd_table_remove(struct wrd_table *table, const struct wrd_connection *c);
struct wrd_connection *wrd_table_find(const struct wrd_table *table, wrd_conn handle);

#endif
