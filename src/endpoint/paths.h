/* SPDX-License-Identifier: MIT */
/* Which connection a datagram is for: remote address -> connection, keyed against chosen collisions. */
#ifndef WRD_ENDPOINT_PATHS_H
#define WRD_ENDPOINT_PATHS_H

#include "endpoint/connection.h"
#include "endpoint/map.h"

struct wrd_paths {
    struct wrd_map map;          /* the address's hash -> pointer */
    struct wrd_connection *last; /* found last: datagrams of one sender often come in a row */
    uint8_t key[16];
};

/* All that tells addresses apart, for hashing. */
#define WRD_PATHS_ADDR_SIZE 23
void wrd_paths_write_addr(uint8_t out[WRD_PATHS_ADDR_SIZE], const wrd_addr *addr);
uint64_t wrd_paths_hash(const uint8_t key[16], const wrd_addr *addr);
/* Room for `count` connections, so that put() cannot fail. */
bool wrd_paths_reserve(struct wrd_paths *paths, const wrd_env *env, uint32_t count);
void wrd_paths_free(struct wrd_paths *paths, const wrd_env *env);
struct wrd_connection *wrd_paths_find(struct wrd_paths *paths, const wrd_addr *remote);
/* By c->path.remote, which must not be there yet. */
void wrd_paths_put(struct wrd_paths *paths, struct wrd_connection *c);
/* No matter when `c` is not there. */
void wrd_paths_remove(struct wrd_paths *paths, const struct wrd_connection *c);

#endif
