/* SPDX-License-Identifier: MIT */
#include "sctp/rx_table.h"

#include "base/check.h"

#define SIZE_MIN ((uint32_t)8)

static void *next_of(const void *element)
{
    void *next;
    memcpy(&next, element, sizeof next);
    return next;
}

static void push(void **head, void *element)
{
    memcpy(element, head, sizeof *head);
    *head = element;
}

bool wrd_sctp_table_reserve(struct wrd_sctp_table *table, const wrd_env *env, wrd_sctp_table_hash *hash, uint64_t salt)
{
    if (table->count < table->size)
        return true;
    uint32_t size = table->size ? table->size * 2 : SIZE_MIN;
    WRD_ASSERT(size > table->size);
    void **heads = wrd_mem_zalloc(env, size * sizeof *heads);
    if (!heads)
        return false;
    for (uint32_t i = 0; i < table->size; i++) {
        void *element = table->heads[i];
        while (element) {
            void *next = next_of(element);
            push(&heads[((uint64_t)hash(element, salt) * size) >> 32], element);
            element = next;
        }
    }
    wrd_mem_free(env, table->heads, table->size * sizeof *heads);
    table->heads = heads;
    table->size = size;
    return true;
}

void wrd_sctp_table_drain(struct wrd_sctp_table *table, const wrd_env *env)
{
    if (table->count > 0)
        return;
    wrd_mem_free(env, table->heads, table->size * sizeof *table->heads);
    table->heads = NULL;
    table->size = 0;
}

void wrd_sctp_table_add(struct wrd_sctp_table *table, void *element, uint32_t hash)
{
    WRD_ASSERT(table->count < table->size);
    push(&table->heads[((uint64_t)hash * table->size) >> 32], element);
    table->count++;
}

void wrd_sctp_table_remove(struct wrd_sctp_table *table, void *element, uint32_t hash)
{
    void **head = &table->heads[((uint64_t)hash * table->size) >> 32];
    void *next = next_of(element);
    table->count--;
    if (*head == element) {
        *head = next;
        return;
    }
    void *at = *head;
    while (at && next_of(at) != element)
        at = next_of(at);
    WRD_ASSERT(at);
    memcpy(at, &next, sizeof next);
}
