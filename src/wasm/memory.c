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

static struct block head; /* of the list, and empty */

static void *end_of(struct block *block)
{
    return (uint8_t *)block + block->size;
}

/* Joins a block with the next one when nothing is between them. */
static void join(struct block *block)
{
    struct block *next = block->next;
    if (end_of(block) == next) {
        block->size += next->size;
        block->next = next->next;
    }
}

static void give(void *memory, size_t size)
{
    struct block *block = memory;
    struct block *before = &head;
    while (before->next && before->next < block)
        before = before->next;
    block->size = size;
    block->next = before->next;
    before->next = block;
    join(block);
    join(before);
}

static void *take(size_t size)
{
    struct block *before = &head;
    for (;;) {
        struct block *block = before->next;
        if (!block) {
            size_t pages = size / PAGE_SIZE + 1;
            size_t first = __builtin_wasm_memory_grow(0, pages);
            if (first == SIZE_MAX)
                return NULL;
            give((void *)(first * PAGE_SIZE), pages * PAGE_SIZE);
            before = &head;
        } else if (block->size < size) {
            before = block;
        } else {
            block->size -= size;
            if (block->size == 0)
                before->next = block->next;
            return end_of(block);
        }
    }
}

static size_t round_up(size_t size)
{
    return (size + UNIT - 1) & ~(size_t)(UNIT - 1);
}

void *wrd_wasm_resize(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    void *memory = NULL;
    if (new_size > 0) {
        memory = take(round_up(new_size));
        if (!memory)
            return NULL;
        memcpy(memory, old, old_size < new_size ? old_size : new_size);
    }
    if (old_size > 0)
        give(old, round_up(old_size));
    return memory;
}

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
