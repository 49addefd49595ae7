/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/buffers.h"

#include <pthread.h>
#include <stdlib.h>

/* Sets that wait for the next user; what is given back above that is freed. */
#define SPARE_MAX 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct wrd_buffers *spare;
static unsigned spare_count, users;

static struct wrd_buffers *make(void)
{
    struct wrd_buffers *buffers = malloc(sizeof *buffers + WRD_UDP_IN * WRD_UDP_SLOT_MAX);
    if (buffers) {
        buffers->in = (struct wrd_inbox){.slot = WRD_UDP_SLOT_MAX};
        buffers->in.bytes = buffers->bytes;
    }
    return buffers;
}

static void put(struct wrd_buffers *buffers)
{
    buffers->next = spare;
    spare = buffers;
    spare_count++;
}

bool wrd_buffers_join(void)
{
    pthread_mutex_lock(&mutex);
    struct wrd_buffers *first = users > 0 ? NULL : make();
    bool joined = users > 0 || first;
    if (first)
        put(first);
    users += joined;
    pthread_mutex_unlock(&mutex);
    return joined;
}

void wrd_buffers_leave(void)
{
    struct wrd_buffers *unused = NULL;
    pthread_mutex_lock(&mutex);
    if (--users == 0) {
        unused = spare;
        spare = NULL;
        spare_count = 0;
    }
    pthread_mutex_unlock(&mutex);
    while (unused) {
        struct wrd_buffers *next = unused->next;
        free(unused);
        unused = next;
    }
}

struct wrd_buffers *wrd_buffers_take(void)
{
    pthread_mutex_lock(&mutex);
    struct wrd_buffers *buffers = spare;
    if (buffers) {
        spare = buffers->next;
        spare_count--;
    }
    pthread_mutex_unlock(&mutex);
    return buffers ? buffers : make();
}

void wrd_buffers_give(struct wrd_buffers *buffers)
{
    pthread_mutex_lock(&mutex);
    bool kept = spare_count < SPARE_MAX;
    if (kept)
        put(buffers);
    pthread_mutex_unlock(&mutex);
    if (!kept)
        free(buffers);
}
