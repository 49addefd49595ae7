/* SPDX-License-Identifier: MIT */
/* Counters for any thread, while only a loop's own may look into it. */
#define _POSIX_C_SOURCE 200809L
#include "native/loop.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* How old a copy may be, and how long a reader waits for a newer one: of a loop that is busy it takes what there is. */
#define FRESH (100 * WRD_MILLISECOND)

static uintptr_t this_thread(void)
{
    static _Thread_local char here;
    return (uintptr_t)&here;
}

wrd_result wrd_report_open(struct wrd_report *report, const char **why)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(&report->fresh, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    if (error == 0 && (error = pthread_mutex_init(&report->mutex, NULL)) != 0)
        (void)pthread_cond_destroy(&report->fresh);
    if (error != 0) {
        errno = error;
        *why = "the operating system gave no lock for a loop";
        return WRD_SYSTEM;
    }
    atomic_init(&report->owner, 0);
    atomic_init(&report->wanted, false);
    return WRD_OK;
}

void wrd_report_close(struct wrd_report *report)
{
    (void)pthread_cond_destroy(&report->fresh);
    (void)pthread_mutex_destroy(&report->mutex);
}

/* Under the mutex, by the thread that uses the loop. */
static void copy_counters(wrd_server *loop)
{
    struct wrd_report *report = &loop->report;
    struct wrd_udp *udp = &loop->node.udp;
    wrd_udp_count_lost(udp);
    report->counters = (wrd_server_counters){.size = sizeof report->counters,
                                             .endpoint.size = sizeof report->counters.endpoint,
                                             .send_refused = udp->failed,
                                             .send_full = udp->full,
                                             .receive_lost = udp->lost,
                                             .receive_buffer = udp->receive_buffer,
                                             .send_buffer = udp->send_buffer};
    wrd_endpoint_get_counters(loop->node.endpoint, &report->counters.endpoint);
    report->at = wrd_node_now();
    atomic_store(&report->wanted, false);
    pthread_cond_broadcast(&report->fresh);
}

void wrd_loop_enter(wrd_server *loop)
{
    struct wrd_report *report = &loop->report;
    uintptr_t me = this_thread();
    if (atomic_load_explicit(&report->owner, memory_order_relaxed) == me)
        return;
    pthread_mutex_lock(&report->mutex);
    atomic_store(&report->owner, me);
    pthread_mutex_unlock(&report->mutex);
}

void wrd_loop_leave(wrd_server *loop)
{
    pthread_mutex_lock(&loop->report.mutex);
    copy_counters(loop);
    atomic_store(&loop->report.owner, 0);
    pthread_mutex_unlock(&loop->report.mutex);
}

void wrd_loop_report(wrd_server *loop)
{
    if (!atomic_load_explicit(&loop->report.wanted, memory_order_relaxed))
        return;
    pthread_mutex_lock(&loop->report.mutex);
    copy_counters(loop);
    pthread_mutex_unlock(&loop->report.mutex);
}

/* ---- the reader's side */

/* Makes the copy where that may be done here, or asks for one. */
static void ask(wrd_server *loop, wrd_time now)
{
    struct wrd_report *report = &loop->report;
    bool asked = false;
    pthread_mutex_lock(&report->mutex);
    uintptr_t owner = atomic_load(&report->owner);
    if (owner == this_thread())
        copy_counters(loop);
    else if (owner != 0 && now - report->at > FRESH && now > report->at)
        atomic_store(&report->wanted, asked = true);
    pthread_mutex_unlock(&report->mutex);
    if (asked)
        wrd_wake_call(&loop->wake);
}

/* All but the gauges at the end are counts of 64 bits. */
static void add_endpoint(wrd_endpoint_counters *sum, const wrd_endpoint_counters *add)
{
    size_t end = offsetof(wrd_endpoint_counters, connections);
    for (size_t at = offsetof(wrd_endpoint_counters, datagrams_received); at < end; at += sizeof(uint64_t)) {
        uint64_t a, b;
        memcpy(&a, (const char *)sum + at, sizeof a);
        memcpy(&b, (const char *)add + at, sizeof b);
        a += b;
        memcpy((char *)sum + at, &a, sizeof a);
    }
    sum->connections += add->connections;
    sum->handshakes += add->handshakes;
    sum->memory += add->memory;
}

static void take(wrd_server_counters *sum, wrd_server *loop, wrd_time until)
{
    struct wrd_report *report = &loop->report;
    struct timespec end = {.tv_sec = (time_t)(until / WRD_SECOND), .tv_nsec = (long)(until % WRD_SECOND) * 1000};
    int error = 0;
    pthread_mutex_lock(&report->mutex);
    while (atomic_load(&report->wanted) && error == 0)
        error = pthread_cond_timedwait(&report->fresh, &report->mutex, &end);
    const wrd_server_counters *add = &report->counters;
    add_endpoint(&sum->endpoint, &add->endpoint);
    sum->send_refused += add->send_refused;
    sum->send_full += add->send_full;
    sum->receive_lost += add->receive_lost;
    sum->receive_buffer = add->receive_buffer;
    sum->send_buffer = add->send_buffer;
    pthread_mutex_unlock(&report->mutex);
    if (loop->group->office)
        sum->passed_lost += wrd_office_lost(loop->group->office, loop->index);
}

static void take_trace(wrd_server_counters *out, struct wrd_group *group)
{
    struct wrd_trace_file capture, keys;
    wrd_trace_look(&group->trace, &capture, &keys);
    out->capture_lost = capture.lost;
    out->capture_error = capture.error;
    out->key_log_lost = keys.lost;
    out->key_log_error = keys.error;
}

void wrd_server_get_counters(wrd_server *server, wrd_server_counters *out)
{
    if (out->size != sizeof *out)
        return;
    struct wrd_group *group = server->group;
    wrd_time now = wrd_node_now();
    *out = (wrd_server_counters){.size = sizeof *out, .endpoint.size = sizeof out->endpoint, .threads = group->count};
    for (unsigned i = 0; i < group->count; i++)
        ask(group->loops[i], now);
    for (unsigned i = 0; i < group->count; i++)
        take(out, group->loops[i], now + FRESH);
    take_trace(out, group);
}
