/* SPDX-License-Identifier: MIT */
#include "endpoint/paths.h"

#include "base/bytes.h"
#include "base/siphash.h"

void wrd_paths_write_addr(uint8_t out[WRD_PATHS_ADDR_SIZE], const wrd_addr *addr)
{
    memcpy(out, addr->ip, 16);
    out[16] = addr->family;
    wrd_store16be(out + 17, addr->port);
    wrd_store32be(out + 19, addr->scope);
}

uint64_t wrd_paths_hash(const uint8_t key[16], const wrd_addr *addr)
{
    uint8_t bytes[WRD_PATHS_ADDR_SIZE];
    wrd_paths_write_addr(bytes, addr);
    return wrd_siphash(key, bytes, sizeof bytes);
}

bool wrd_paths_reserve(struct wrd_paths *paths, const wrd_env *env, uint32_t count)
{
    return wrd_map_reserve(&paths->map, env, count);
}

void wrd_paths_free(struct wrd_paths *paths, const wrd_env *env)
{
    wrd_map_free(&paths->map, env);
}

static struct wrd_connection *at(const struct wrd_paths *paths, uint64_t hash, const wrd_addr *remote)
{
    const uint64_t *value = wrd_map_find(&paths->map, hash);
    struct wrd_connection *c = value ? (struct wrd_connection *)(uintptr_t)*value : NULL;
    return c && wrd_addr_equal(&c->path.remote, remote) ? c : NULL;
}

struct wrd_connection *wrd_paths_find(struct wrd_paths *paths, const wrd_addr *remote)
{
    if (paths->last && wrd_addr_equal(&paths->last->path.remote, remote))
        return paths->last;
    if (paths->map.len == 0)
        return NULL;
    struct wrd_connection *c = at(paths, wrd_paths_hash(paths->key, remote), remote);
    if (c)
        paths->last = c;
    return c;
}

void wrd_paths_put(struct wrd_paths *paths, struct wrd_connection *c)
{
    wrd_map_put(&paths->map, wrd_paths_hash(paths->key, &c->path.remote), (uintptr_t)c);
}

void wrd_paths_remove(struct wrd_paths *paths, const struct wrd_connection *c)
{
    uint64_t hash = wrd_paths_hash(paths->key, &c->path.remote);
    if (paths->last == c)
        paths->last = NULL;
    if (at(paths, hash, &c->path.remote) == c)
        wrd_map_remove(&paths->map, hash);
}
