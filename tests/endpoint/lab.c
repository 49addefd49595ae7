/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

/* splitmix64 */
uint64_t lab_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t lab_below(uint64_t *seed, uint32_t below)
{
    return (uint32_t)(lab_random(seed) % below);
}

static void *resize(void *user, void *old, size_t old_size, size_t new_size)
{
    struct lab_memory *memory = user;
    assert_true(memory->live >= old_size);
    if (new_size == 0) {
        memory->live -= old_size;
        free(old);
        return NULL;
    }
    if (memory->refuses && new_size > old_size)
        return NULL;
    void *p = realloc(old, new_size);
    assert_non_null(p);
    if (!old)
        memset(p, 0xa5, new_size);
    memory->live = memory->live - old_size + new_size;
    return p;
}

void lab_memory_init(struct lab_memory *memory)
{
    *memory = (struct lab_memory){.env = {.user = memory, .memory = resize}};
}

wrd_addr lab_addr(uint32_t number)
{
    wrd_addr addr = {.family = number & 1 ? 6 : 4, .port = (uint16_t)(1 + (number >> 1) % 5)};
    if (addr.family == 6)
        addr.scope = (number >> 4) % 3;
    addr.ip[0] = 10;
    addr.ip[2] = (uint8_t)(number >> 8);
    addr.ip[3] = (uint8_t)number;
    return addr;
}
