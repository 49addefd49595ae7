/* SPDX-License-Identifier: MIT */
#include "endpoint/env.h"

#include "crypto/crypto.h"

#include <stdlib.h>

static void *heap_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

wrd_env wrd_env_complete(const wrd_env *env)
{
    wrd_env complete = env ? *env : (wrd_env){0};
    if (!complete.memory)
        complete.memory = heap_memory;
    if (!complete.random)
        complete.random = wrd_crypto_random;
    return complete;
}
