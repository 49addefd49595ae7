/* SPDX-License-Identifier: MIT */
#include "endpoint/table.h"

#include "base/check.h"
#include "base/mem.h"

#define NO_SLOT   UINT32_MAX
#define FIRST_CAP 16u

void wrd_table_init(struct wrd_table *table, uint32_t limit)
{
    *table = (struct wrd_table){.limit = limit, .first_free = NO_SLOT};
}

void wrd_table_free(struct wrd_table *table, const wrd_env *env)
{
    wrd_mem_free(env, table->slots, table->cap * sizeof *table->slots);
    table->slots = NULL;
    table->cap = 0;
}

static bool grow(struct wrd_table *table, const wrd_env *env)
{
    uint32_t cap = table->cap == 0 ? FIRST_CAP : table->cap * 2;
    if (cap > table->limit)
        cap = table->limit;
    if (cap == table->cap)
        return false;
    size_t item = sizeof *table->slots;
    struct wrd_slot *grown = wrd_mem_resize(env, table->slots, table->cap * item, cap * item);
    if (!grown)
        return false;
    for (uint32_t i = table->cap; i < cap; i++)
        grown[i] = (struct wrd_slot){.generation = 1, .next_free = i + 1 < cap ? i + 1 : NO_SLOT};
    table->first_free = table->cap;
    table->slots = grown;
    table->cap = cap;
    return true;
}

bool wrd_table_add(struct wrd_table *table, const wrd_env *env, struct wrd_connection *c)
{
    if (table->first_free == NO_SLOT && !grow(table, env))
        return false;
    uint32_t index = table->first_free;
    struct wrd_slot *slot = &table->slots[index];
    table->first_free = slot->next_free;
    slot->connection = c;
    c->handle = (uint64_t)slot->generation << 32 | index;
    return true;
}

void wrd_table_remove(struct wrd_table *table, const struct wrd_connection *c)
{
    uint32_t index = (uint32_t)c->handle;
    WRD_ASSERT(index < table->cap && table->slots[index].connection == c);
    struct wrd_slot *slot = &table->slots[index];
    slot->connection = NULL;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
    slot->next_free = table->first_free;
    table->first_free = index;
}

struct wrd_connection *wrd_table_find(const struct wrd_table *table, wrd_conn handle)
{
    uint32_t index = (uint32_t)handle;
    if (index >= table->cap || table->slots[index].generation != handle >> 32)
        return NULL;
    return table->slots[index].connection;
}
