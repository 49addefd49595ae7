/* SPDX-License-Identifier: MIT */
#include "endpoint/paths.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"
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

static uint32_t home(const struct wrd_paths *paths, const wrd_addr *addr)
{
    return (uint32_t)wrd_paths_hash(paths->key, addr) & (paths->cap - 1);
}

bool wrd_paths_reserve(struct wrd_paths *paths, const wrd_env *env, uint32_t count)
{
    uint32_t cap = paths->cap > 0 ? paths->cap : 16;
    while (cap < 2 * count)
        cap *= 2;
    if (cap == paths->cap)
        return true;
    struct wrd_connection **fresh = wrd_mem_zalloc(env, cap * sizeof *fresh);
    if (!fresh)
        return false;
    struct wrd_paths old = *paths;
    paths->table = fresh;
    paths->cap = cap;
    paths->len = 0;
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.table[i])
            wrd_paths_put(paths, old.table[i]);
    wrd_mem_free(env, old.table, old.cap * sizeof *old.table);
    return true;
}

void wrd_paths_free(struct wrd_paths *paths, const wrd_env *env)
{
    wrd_mem_free(env, paths->table, paths->cap * sizeof *paths->table);
    paths->table = NULL;
    paths->cap = paths->len = 0;
}

struct wrd_connection *wrd_paths_find(struct wrd_paths *paths, const wrd_addr *remote)
{
    if (paths->len == 0)
        return NULL;
    if (paths->last && wrd_addr_equal(&paths->last->path.remote, remote))
        return paths->last;
    for (uint32_t i = home(paths, remote); paths->table[i]; i = (i + 1) & (paths->cap - 1)) {
        if (wrd_addr_equal(&paths->table[i]->path.remote, remote)) {
            paths->last = paths->table[i];
            return paths->last;
        }
    }
    return NULL;
}

void wrd_paths_put(struct wrd_paths *paths, struct wrd_connection *c)
{
    WRD_ASSERT(2 * (paths->len + 1) <= paths->cap);
    uint32_t i = home(paths, &c->path.remote);
    while (paths->table[i])
        i = (i + 1) & (paths->cap - 1);
    paths->table[i] = c;
    paths->len++;
}

void wrd_paths_remove(struct wrd_paths *paths, const struct wrd_connection *c)
{
    if (paths->last == c)
        paths->last = NULL;
    if (paths->len == 0)
        return;
    uint32_t mask = paths->cap - 1, hole = home(paths, &c->path.remote);
    while (paths->table[hole] && paths->table[hole] != c)
        hole = (hole + 1) & mask;
    if (!paths->table[hole])
        return;
    paths->len--;
    /* Move back what probed past the hole. */
    for (uint32_t i = (hole + 1) & mask; paths->table[i]; i = (i + 1) & mask) {
        uint32_t wanted = home(paths, &paths->table[i]->path.remote);
        if (((i - wanted) & mask) >= ((i - hole) & mask)) {
            paths->table[hole] = paths->table[i];
            hole = i;
        }
    }
    paths->table[hole] = NULL;
}
