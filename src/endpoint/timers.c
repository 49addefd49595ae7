/* SPDX-License-Identifier: MIT */
#include "endpoint/timers.h"

#include "base/check.h"
#include "base/mem.h"

bool wrd_timers_reserve(struct wrd_timers *timers, const wrd_env *env, uint32_t count)
{
    if (count <= timers->cap)
        return true;
    size_t item = sizeof *timers->heap;
    uint32_t half_more = timers->cap + timers->cap / 2;
    count = count > half_more ? count : half_more;
    struct wrd_connection **grown = wrd_mem_resize(env, timers->heap, timers->cap * item, count * item);
    if (!grown)
        return false;
    timers->heap = grown;
    timers->cap = count;
    return true;
}

void wrd_timers_free(struct wrd_timers *timers, const wrd_env *env)
{
    wrd_mem_free(env, timers->heap, timers->cap * sizeof *timers->heap);
    *timers = (struct wrd_timers){0};
}

static void put(struct wrd_timers *timers, uint32_t index, struct wrd_connection *c)
{
    timers->heap[index] = c;
    c->heap_index = index;
}

static void rise(struct wrd_timers *timers, uint32_t index, struct wrd_connection *c)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (timers->heap[parent]->deadline <= c->deadline)
            break;
        put(timers, index, timers->heap[parent]);
        index = parent;
    }
    put(timers, index, c);
}

static void sink(struct wrd_timers *timers, uint32_t index, struct wrd_connection *c)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= timers->len)
            break;
        if (child + 1 < timers->len && timers->heap[child + 1]->deadline < timers->heap[child]->deadline)
            child++;
        if (c->deadline <= timers->heap[child]->deadline)
            break;
        put(timers, index, timers->heap[child]);
        index = child;
    }
    put(timers, index, c);
}

static void settle(struct wrd_timers *timers, uint32_t index, struct wrd_connection *c)
{
    if (index > 0 && c->deadline < timers->heap[(index - 1) / 2]->deadline)
        rise(timers, index, c);
    else
        sink(timers, index, c);
}

void wrd_timers_set(struct wrd_timers *timers, struct wrd_connection *c, wrd_time deadline)
{
    bool in = c->heap_index != WRD_TIMERS_NOWHERE;
    if (in && c->deadline == deadline)
        return;
    c->deadline = deadline;
    if (deadline != WRD_NEVER) {
        if (!in) {
            WRD_ASSERT(timers->len < timers->cap);
            c->heap_index = timers->len++;
        }
        settle(timers, c->heap_index, c);
    } else if (in) {
        uint32_t hole = c->heap_index;
        struct wrd_connection *last = timers->heap[--timers->len];
        c->heap_index = WRD_TIMERS_NOWHERE;
        if (last != c)
            settle(timers, hole, last);
    }
}

struct wrd_connection *wrd_timers_first(const struct wrd_timers *timers)
{
    return timers->len > 0 ? timers->heap[0] : NULL;
}
