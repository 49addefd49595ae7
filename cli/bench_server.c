/* SPDX-License-Identifier: MIT */
#include "cli/bench_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_pattern.h"

#define PLACES_FIRST 64

/* A connection that does not echo. */
struct task {
    wrd_conn conn; /* 0: a free place */
    size_t size;   /* of a source's messages; 0: it is a sink */
    uint64_t messages, bytes;
};

/* The tasks of one loop, which its thread alone touches: a table with open addressing, at most half full. */
struct loop_tasks {
    wrd_server *loop; /* which others read, to find theirs: set before the threads start */
    struct task *places;
    size_t size, used;
};

struct bench_server {
    wrd_handlers inner;
    struct bench_pattern pattern;
    unsigned loops;
    struct loop_tasks tasks[];
};

/* ---- the table */

static size_t place_of(const struct loop_tasks *tasks, wrd_conn conn)
{
    return (size_t)((conn * 0x9e3779b97f4a7c15u) >> 32) & (tasks->size - 1);
}

static struct task *find(const struct loop_tasks *tasks, wrd_conn conn)
{
    if (tasks->used == 0) {
        return NULL;
    }
    for (size_t at = place_of(tasks, conn); tasks->places[at].conn != 0; at = (at + 1) & (tasks->size - 1)) {
        if (tasks->places[at].conn == conn) {
            return &tasks->places[at];
        }
    }
    return NULL;
}

static struct task *put(struct loop_tasks *tasks, const struct task *task)
{
    size_t at = place_of(tasks, task->conn);

    while (tasks->places[at].conn != 0) {
        at = (at + 1) & (tasks->size - 1);
    }
    tasks->places[at] = *task;
    tasks->used++;
    return &tasks->places[at];
}

static bool grow(struct loop_tasks *tasks)
{
    struct loop_tasks grown = {.size = tasks->size > 0 ? tasks->size * 2 : PLACES_FIRST};

    grown.places = calloc(grown.size, sizeof *grown.places);
    if (grown.places == NULL) {
        return false;
    }
    for (size_t i = 0; i < tasks->size; i++) {
        if (tasks->places[i].conn != 0) {
            put(&grown, &tasks->places[i]);
        }
    }
    free(tasks->places);
    tasks->places = grown.places;
    tasks->size = grown.size;
    return true;
}

static void drop(struct loop_tasks *tasks, struct task *task)
{
    size_t at = (size_t)(task - tasks->places);

    task->conn = 0;
    tasks->used--;
    for (at = (at + 1) & (tasks->size - 1); tasks->places[at].conn != 0; at = (at + 1) & (tasks->size - 1)) {
        struct task moved = tasks->places[at]; /* what was pushed on by the one that went */
        tasks->places[at].conn = 0;
        tasks->used--;
        put(tasks, &moved);
    }
}

static struct loop_tasks *tasks_of(struct bench_server *bench, const wrd_server *loop)
{
    unsigned i = 0;

    while (i + 1 < bench->loops && bench->tasks[i].loop != loop) {
        i++;
    }
    return &bench->tasks[i];
}

/* ---- commands */

static bool says(const wrd_message *message, const char *text)
{
    return message->len == strlen(text) && memcmp(message->data, text, message->len) == 0;
}

/* The size of a source that this message asks for; 0: it is no such command. */
static size_t source_size(const wrd_message *message)
{
    size_t at = sizeof BENCH_SOURCE - 1;
    size_t size = 0;

    if (message->len <= at || message->len > BENCH_REPLY_MAX || memcmp(message->data, BENCH_SOURCE, at) != 0) {
        return 0;
    }
    for (; at < message->len; at++) {
        if (message->data[at] < '0' || message->data[at] > '9' || size > BENCH_SOURCE_MAX) {
            return 0;
        }
        size = size * 10 + (size_t)(message->data[at] - '0');
    }
    return size <= BENCH_SOURCE_MAX ? size : 0;
}

/* Sends until the connection takes no more; WRITABLE goes on. */
static void pump(struct bench_server *bench, wrd_server *loop, struct task *task)
{
    while (task->size > 0 &&
           wrd_server_send(loop, task->conn, bench_pattern_at(&bench->pattern, task->messages), task->size) == WRD_OK) {
        task->messages++;
    }
}

static wrd_result take(wrd_server *loop, struct task *task, const wrd_message *message)
{
    char answer[BENCH_REPLY_MAX];

    if (task->size == 0 && says(message, BENCH_COUNT)) {
        int len = snprintf(answer, sizeof answer, BENCH_COUNT " %llu %llu", (unsigned long long)task->messages,
                           (unsigned long long)task->bytes);
        return wrd_server_send(loop, task->conn, answer, (size_t)len);
    }
    if (task->size == 0) {
        task->messages++;
        task->bytes += message->len;
    }
    return WRD_OK;
}

static wrd_result begin(struct bench_server *bench, struct loop_tasks *tasks, wrd_conn conn, size_t size)
{
    struct task task = {.conn = conn, .size = size};

    if (tasks->used * 2 >= tasks->size && !grow(tasks)) {
        return WRD_NO_MEMORY;
    }
    pump(bench, tasks->loop, put(tasks, &task));
    return WRD_OK;
}

/* ---- handlers */

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    struct bench_server *bench = user;
    struct loop_tasks *tasks = tasks_of(bench, server);

    if (message->channel == WRD_CHANNEL_MAIN) {
        struct task *task = find(tasks, conn);
        size_t size = source_size(message);
        if (task != NULL) {
            return take(server, task, message);
        }
        if (size > 0 || says(message, BENCH_SINK)) {
            return begin(bench, tasks, conn, size);
        }
    }
    return bench->inner.message != NULL ? bench->inner.message(server, conn, message, bench->inner.user) : WRD_OK;
}

static void on_writable(wrd_server *server, wrd_conn conn, void *user)
{
    struct bench_server *bench = user;
    struct task *task = find(tasks_of(bench, server), conn);

    if (task != NULL) {
        pump(bench, server, task);
    } else if (bench->inner.writable != NULL) {
        bench->inner.writable(server, conn, bench->inner.user);
    }
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct bench_server *bench = user;
    struct loop_tasks *tasks = tasks_of(bench, server);
    struct task *task = find(tasks, event->conn);

    if (task != NULL) {
        drop(tasks, task);
    }
    if (bench->inner.closed != NULL) {
        bench->inner.closed(server, event, bench->inner.user);
    }
}

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    struct bench_server *bench = user;

    if (bench->inner.open != NULL) {
        bench->inner.open(server, conn, peer, bench->inner.user);
    }
}

static void on_channel_open(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    struct bench_server *bench = user;

    if (bench->inner.channel_open != NULL) {
        bench->inner.channel_open(server, conn, channel, bench->inner.user);
    }
}

static void on_channel_low(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    struct bench_server *bench = user;

    if (bench->inner.channel_low != NULL) {
        bench->inner.channel_low(server, conn, channel, bench->inner.user);
    }
}

static void on_channel_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct bench_server *bench = user;

    if (bench->inner.channel_closed != NULL) {
        bench->inner.channel_closed(server, event, bench->inner.user);
    }
}

static void on_moved(wrd_server *server, const wrd_event *event, void *user)
{
    struct bench_server *bench = user;

    if (bench->inner.moved != NULL) {
        bench->inner.moved(server, event, bench->inner.user);
    }
}

/* ---- outside */

struct bench_server *bench_server_open(wrd_server *server, wrd_handlers *handlers)
{
    unsigned loops = wrd_server_loops(server);
    struct bench_server *bench = calloc(1, sizeof *bench + loops * sizeof bench->tasks[0]);

    if (bench == NULL || bench_pattern_open(&bench->pattern, BENCH_SOURCE_MAX) != 0) {
        free(bench);
        return NULL;
    }
    bench->loops = loops;
    for (unsigned i = 0; i < loops; i++) {
        bench->tasks[i].loop = wrd_server_loop(server, i);
    }
    bench->inner = *handlers;
    *handlers = (wrd_handlers){.user = bench,
                               .open = on_open,
                               .message = on_message,
                               .writable = on_writable,
                               .closed = on_closed,
                               .channel_open = on_channel_open,
                               .channel_low = on_channel_low,
                               .channel_closed = on_channel_closed,
                               .moved = on_moved};
    return bench;
}

void bench_server_close(struct bench_server *bench)
{
    if (bench == NULL) {
        return;
    }
    for (unsigned i = 0; i < bench->loops; i++) {
        free(bench->tasks[i].places);
    }
    bench_pattern_close(&bench->pattern);
    free(bench);
}

void bench_server_lift_limits(wrd_endpoint_options *options)
{
    const uint32_t plenty = 1000000;
    uint32_t connections = options->max_connections > 0 ? options->max_connections : 16384;

    options->max_connections = connections;
    options->max_per_address = options->max_per_address > 0 ? options->max_per_address : connections;
    options->max_handshakes = options->max_handshakes > 0 ? options->max_handshakes : connections;
    options->cookies_above = options->cookies_above > 0 ? options->cookies_above : options->max_handshakes;
    options->handshake_rate = options->handshake_rate > 0 ? options->handshake_rate : plenty;
    options->handshake_rate_per_address =
        options->handshake_rate_per_address > 0 ? options->handshake_rate_per_address : plenty;
}
