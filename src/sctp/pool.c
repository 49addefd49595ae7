/* SPDX-License-Identifier: MIT */
#include "sctp/pool.h"

#include "base/check.h"
#include "sctp/bounds.h"

#define SMALLEST_LOG 6
#define SMALLEST     ((size_t)1 << SMALLEST_LOG)
#define LARGEST      ((size_t)524288)

/* Four sizes for each doubling: 64, 80, 96, 112, 128, 160, ... */
static unsigned class_of(size_t size)
{
    WRD_ASSERT(size > 0 && size <= LARGEST);
    if (size <= SMALLEST)
        return 0;
    unsigned last = (unsigned)size - 1;
    unsigned log = 31 - (unsigned)__builtin_clz(last);
    unsigned quarter = (last >> (log - 2)) & 3;
    return (log - SMALLEST_LOG) * 4 + quarter + 1;
}

static size_t size_of(unsigned class)
{
    if (class == 0)
        return SMALLEST;
    unsigned log = (class - 1) / 4 + SMALLEST_LOG;
    unsigned quarter = (class - 1) % 4;
    return ((size_t)1 << log) + ((size_t)(quarter + 1) << (log - 2));
}

void wrd_sctp_pool_init(struct wrd_sctp_pool *pool, const wrd_env *env)
{
    memset(pool, 0, sizeof *pool);
    pool->env = env;
}

void wrd_sctp_pool_drain(struct wrd_sctp_pool *pool)
{
    if (!pool->idle)
        return;
    for (unsigned class = 0; class < WRD_SCTP_POOL_CLASSES; class ++) {
        while (pool->idle[class]) {
            void *block = pool->idle[class];
            memcpy(&pool->idle[class], block, sizeof(void *));
            wrd_mem_free(pool->env, block, size_of(class));
            pool->idle_bytes -= size_of(class);
        }
    }
    WRD_ASSERT(pool->idle_bytes == 0);
    wrd_mem_free(pool->env, pool->idle, WRD_SCTP_POOL_CLASSES * sizeof *pool->idle);
    pool->idle = NULL;
}

void *wrd_sctp_pool_take(struct wrd_sctp_pool *pool, size_t size, size_t *capacity)
{
    if (size > LARGEST) {
        *capacity = size;
        return wrd_mem_alloc(pool->env, size);
    }
    unsigned class = class_of(size);
    *capacity = size_of(class);
    void *block = pool->idle ? pool->idle[class] : NULL;
    if (!block)
        return wrd_mem_alloc(pool->env, *capacity);
    memcpy(&pool->idle[class], block, sizeof(void *));
    pool->idle_bytes -= *capacity;
    return block;
}

void wrd_sctp_pool_give(struct wrd_sctp_pool *pool, void *block, size_t capacity)
{
    if (!block)
        return;
    if (!pool->idle && capacity <= LARGEST)
        pool->idle = wrd_mem_zalloc(pool->env, WRD_SCTP_POOL_CLASSES * sizeof *pool->idle);
    if (!pool->idle || capacity > LARGEST || capacity > WRD_SCTP_POOL_IDLE_MAX - pool->idle_bytes) {
        wrd_mem_free(pool->env, block, capacity);
        return;
    }
    unsigned class = class_of(capacity);
    WRD_ASSERT(size_of(class) == capacity);
    memcpy(block, &pool->idle[class], sizeof(void *));
    pool->idle[class] = block;
    pool->idle_bytes += capacity;
}

void *wrd_sctp_pool_grow(struct wrd_sctp_pool *pool, void *block, size_t used, size_t size, size_t *capacity)
{
    WRD_ASSERT(size >= *capacity && used <= *capacity);
    if (*capacity > LARGEST) {
        void *larger = wrd_mem_resize(pool->env, block, *capacity, size);
        if (larger)
            *capacity = size;
        return larger;
    }
    size_t new_capacity;
    void *larger = wrd_sctp_pool_take(pool, size, &new_capacity);
    if (!larger)
        return NULL;
    memcpy(larger, block, used);
    wrd_sctp_pool_give(pool, block, *capacity);
    *capacity = new_capacity;
    return larger;
}
