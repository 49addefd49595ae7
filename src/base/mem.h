/* SPDX-License-Identifier: MIT */
/* Allocation through the environment, so that a budget, a test or a browser page can own every byte. */
#ifndef WRD_BASE_MEM_H
#define WRD_BASE_MEM_H

#include "wrd/base.h"

#include <string.h>

static inline void *wrd_mem_resize(const wrd_env *env, void *old, size_t old_size, size_t new_size)
{
    return env->memory(env->user, old, old_size, new_size);
}

/* Uninitialised; NULL when memory is short. `size` must not be 0. */
static inline void *wrd_mem_alloc(const wrd_env *env, size_t size)
{
    return env->memory(env->user, NULL, 0, size);
}

static inline void *wrd_mem_zalloc(const wrd_env *env, size_t size)
{
    void *p = wrd_mem_alloc(env, size);
    if (p)
        memset(p, 0, size);
    return p;
}

/* NULL is fine. */
static inline void wrd_mem_free(const wrd_env *env, void *p, size_t size)
{
    if (p)
        (void)env->memory(env->user, p, size, 0);
}

#endif
