/* SPDX-License-Identifier: MIT */
/*
 * Memory for the module: first fit over the free blocks in address order, grown by memory.grow. Callers know the size
 * of what they free, so a used block has no header. A page decodes a few messages at a time: the list stays short.
 */
#include "wasm/wasm.h"

#include <string.h>

#define UNIT      16u    /* sizes and addresses are multiples of this; a free block's header fits */
#define PAGE_SIZE 65536u /* of WebAssembly */

/* The page allocates through the same function: 0 when memory is short. */
WRD_EXPORT("resize") void *wrd_wasm_resize(void *user, void *old, size_t old_size, size_t new_size);

struct block {
    struct block *next;
    size_t size;
};

static struct block *blocks;

static struct block *end_of(struct block *block)
{
    return (struct block *)((uint8_t *)block + block->size);
}

static void give(void *memory, size_t size)
{
    struct block *block = memory;
    struct block *before = NULL;
    struct block *after = blocks;
    while (after && after < block) {
        before = after;
        after = after->next;
    }
    block->size = size;
    if (end_of(block) == after) {
        block->size += after->size;
        after = after->next;
    }
    block->next = after;
    if (!before) {
        blocks = block;
    } else if (end_of(before) == block) {
        before->size += block->size;
        before->next = after;
    } else {
        before->next = block;
    }
}

static void *take(size_t size)
{
    for (struct block **at = &blocks; *at; at = &(*at)->next) {
        struct block *block = *at;
        if (block->size < size)
            continue;
        block->size -= size;
        if (block->size == 0)
            *at = block->next;
        return end_of(block);
    }
    return NULL;
}

static void *take_or_grow(size_t size)
{
    void *memory = take(size);
    if (memory)
        return memory;
    size_t pages = size / PAGE_SIZE + 1;
    size_t first = __builtin_wasm_memory_grow(0, pages);
    if (first == SIZE_MAX)
        return NULL;
    give((void *)(first * PAGE_SIZE), pages * PAGE_SIZE);
    return take(size);
}

void *wrd_wasm_resize(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    old_size = (old_size + UNIT - 1) & ~(size_t)(UNIT - 1);
    new_size = (new_size + UNIT - 1) & ~(size_t)(UNIT - 1);
    if (new_size <= old_size) {
        if (new_size < old_size)
            give((uint8_t *)old + new_size, old_size - new_size);
        return new_size > 0 ? old : NULL;
    }
    void *memory = take_or_grow(new_size);
    if (memory && old_size > 0) {
        memcpy(memory, old, old_size);
        give(old, old_size);
    }
    return memory;
}

uint32_t wrd_wasm_words[3];

const wrd_env wrd_wasm_env = {.memory = wrd_wasm_resize};

/* The compiler may call it too. */
int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}
