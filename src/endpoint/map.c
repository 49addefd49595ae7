/* SPDX-License-Identifier: MIT */
#include "endpoint/map.h"

#include "base/check.h"
#include "base/mem.h"

#define FIRST_CAP 16u

/* 0 marks a free entry, so that hash shares its key with 1. */
static uint64_t key_of(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

/* Where `key` is, or the free entry where it would be. */
static uint32_t seek(const struct wrd_map *map, uint64_t key)
{
    uint32_t i = (uint32_t)key & (map->cap - 1);
    while (map->entries[i].key != 0 && map->entries[i].key != key)
        i = (i + 1) & (map->cap - 1);
    return i;
}

bool wrd_map_reserve(struct wrd_map *map, const wrd_env *env, uint32_t count)
{
    uint32_t cap = map->cap > 0 ? map->cap : FIRST_CAP;
    while (cap < 2 * count)
        cap *= 2;
    if (cap == map->cap)
        return true;
    struct wrd_map grown = {.entries = wrd_mem_zalloc(env, cap * sizeof *grown.entries), .cap = cap};
    if (!grown.entries)
        return false;
    for (uint32_t i = 0; i < map->cap; i++)
        if (map->entries[i].key != 0)
            wrd_map_put(&grown, map->entries[i].key, map->entries[i].value);
    wrd_map_free(map, env);
    *map = grown;
    return true;
}

void wrd_map_free(struct wrd_map *map, const wrd_env *env)
{
    wrd_mem_free(env, map->entries, map->cap * sizeof *map->entries);
    *map = (struct wrd_map){0};
}

uint64_t *wrd_map_find(const struct wrd_map *map, uint64_t hash)
{
    if (map->len == 0)
        return NULL;
    struct wrd_map_entry *entry = &map->entries[seek(map, key_of(hash))];
    return entry->key != 0 ? &entry->value : NULL;
}

void wrd_map_put(struct wrd_map *map, uint64_t hash, uint64_t value)
{
    WRD_ASSERT(2 * (map->len + 1) <= map->cap);
    struct wrd_map_entry *entry = &map->entries[seek(map, key_of(hash))];
    WRD_ASSERT(entry->key == 0);
    *entry = (struct wrd_map_entry){.key = key_of(hash), .value = value};
    map->len++;
}

void wrd_map_remove(struct wrd_map *map, uint64_t hash)
{
    if (map->len == 0)
        return;
    uint32_t mask = map->cap - 1, hole = seek(map, key_of(hash));
    if (map->entries[hole].key == 0)
        return;
    map->len--;
    /* Move back what probed past the hole. */
    for (uint32_t i = (hole + 1) & mask; map->entries[i].key != 0; i = (i + 1) & mask) {
        uint32_t wanted = (uint32_t)map->entries[i].key & mask;
        if (((i - wanted) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].key = 0;
}
