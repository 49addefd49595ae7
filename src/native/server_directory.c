/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/server_directory.h"

#include <pthread.h>
#include <stdlib.h>

/* Parts with a lock each, by the upper bits of the name. Within one: open addressing by the lower bits. */
#define SHARDS     64
#define ROOM_FIRST 16

struct entry {
    uint64_t name;
    uint32_t count; /* connections; 0: a free place */
    uint32_t loop;
};

struct shard {
    pthread_mutex_t mutex;
    struct entry *entries;
    size_t room, used; /* a power of two; at most three quarters are used */
};

struct wrd_directory {
    struct shard shards[SHARDS];
    uint32_t max_connections;
    uint32_t listed[]; /* connections of each loop, which alone touches it */
};

static struct shard *shard_of(struct wrd_directory *directory, uint64_t name)
{
    return &directory->shards[name >> 58];
}

/* The entry, or the free place where it would be. `room` is not 0. */
static struct entry *look(const struct shard *shard, uint64_t name, unsigned loop)
{
    size_t at = name & (shard->room - 1);
    while (shard->entries[at].count > 0 && (shard->entries[at].name != name || shard->entries[at].loop != loop))
        at = (at + 1) & (shard->room - 1);
    return &shard->entries[at];
}

static bool make_room(struct shard *shard)
{
    if ((shard->used + 1) * 4 <= shard->room * 3)
        return true;
    struct shard larger = {.room = shard->room ? shard->room * 2 : ROOM_FIRST};
    larger.entries = calloc(larger.room, sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < shard->room; i++) {
        if (shard->entries[i].count > 0)
            *look(&larger, shard->entries[i].name, shard->entries[i].loop) = shard->entries[i];
    }
    free(shard->entries);
    shard->entries = larger.entries;
    shard->room = larger.room;
    return true;
}

/* Frees the place and moves up what was put behind it for want of it. */
static void vacate(struct shard *shard, size_t gap)
{
    size_t mask = shard->room - 1;
    for (size_t at = (gap + 1) & mask; shard->entries[at].count > 0; at = (at + 1) & mask) {
        size_t home = shard->entries[at].name & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            shard->entries[gap] = shard->entries[at];
            gap = at;
        }
    }
    shard->entries[gap] = (struct entry){0};
    shard->used--;
}

static bool add(struct shard *shard, uint64_t name, unsigned loop)
{
    if (!make_room(shard))
        return false;
    struct entry *entry = look(shard, name, loop);
    shard->used += entry->count == 0;
    *entry = (struct entry){name, entry->count + 1, loop};
    return true;
}

static bool subtract(struct shard *shard, uint64_t name, unsigned loop)
{
    struct entry *entry = shard->room ? look(shard, name, loop) : NULL;
    if (!entry || entry->count == 0)
        return false;
    if (--entry->count == 0)
        vacate(shard, (size_t)(entry - shard->entries));
    return true;
}

void wrd_directory_set(struct wrd_directory *directory, uint64_t name, unsigned loop, bool owned)
{
    struct shard *shard = shard_of(directory, name);
    uint32_t *listed = &directory->listed[loop];
    pthread_mutex_lock(&shard->mutex);
    if (owned)
        *listed += *listed < directory->max_connections && add(shard, name, loop);
    else
        *listed -= subtract(shard, name, loop);
    pthread_mutex_unlock(&shard->mutex);
}

unsigned wrd_directory_find(struct wrd_directory *directory, uint64_t name, unsigned asker, unsigned *loops,
                            unsigned cap)
{
    struct shard *shard = shard_of(directory, name);
    unsigned found = 0;
    pthread_mutex_lock(&shard->mutex);
    size_t at = name & (shard->room - 1);
    while (shard->room > 0 && shard->entries[at].count > 0 && found < cap) {
        if (shard->entries[at].name == name && shard->entries[at].loop != asker)
            loops[found++] = shard->entries[at].loop;
        at = (at + 1) & (shard->room - 1);
    }
    pthread_mutex_unlock(&shard->mutex);
    return found;
}

size_t wrd_directory_memory(struct wrd_directory *directory)
{
    size_t sum = sizeof *directory;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&directory->shards[i].mutex);
        sum += directory->shards[i].room * sizeof(struct entry);
        pthread_mutex_unlock(&directory->shards[i].mutex);
    }
    return sum;
}

struct wrd_directory *wrd_directory_new(unsigned loops, uint32_t max_connections)
{
    struct wrd_directory *directory = calloc(1, sizeof *directory + loops * sizeof *directory->listed);
    if (!directory)
        return NULL;
    directory->max_connections = max_connections;
    for (size_t i = 0; i < SHARDS; i++)
        (void)pthread_mutex_init(&directory->shards[i].mutex, NULL); /* cannot fail without attributes */
    return directory;
}

void wrd_directory_free(struct wrd_directory *directory)
{
    if (!directory)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_destroy(&directory->shards[i].mutex);
        free(directory->shards[i].entries);
    }
    free(directory);
}
