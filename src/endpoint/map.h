/* SPDX-License-Identifier: MIT */
/* Numbers by keyed hashes: whoever does not know the key of the hash cannot choose collisions. */
#ifndef WRD_ENDPOINT_MAP_H
#define WRD_ENDPOINT_MAP_H

#include "wrd/base.h"

struct wrd_map_entry {
    uint64_t key; /* 0: free */
    uint64_t value;
};

/* All zero: empty. Open addressing, linear probing, a power of two of entries, at most half full. */
struct wrd_map {
    struct wrd_map_entry *entries;
    uint32_t cap, len;
};

/* Room for `count` keys, so that put() cannot fail. */
bool wrd_map_reserve(struct wrd_map *map, const wrd_env *env, uint32_t count);
void wrd_map_free(struct wrd_map *map, const wrd_env *env);
/* The value of `hash`, valid until the next call that changes the map; NULL: none. */
uint64_t *wrd_map_find(const struct wrd_map *map, uint64_t hash);
/* `hash` must not be there yet. */
void wrd_map_put(struct wrd_map *map, uint64_t hash, uint64_t value);
/* No matter when it is not there. */
void wrd_map_remove(struct wrd_map *map, uint64_t hash);

#endif
