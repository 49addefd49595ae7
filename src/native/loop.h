/* SPDX-License-Identifier: MIT */
/* A server inside: the loops behind one port, each with a node of its own. */
#ifndef WRD_NATIVE_LOOP_H
#define WRD_NATIVE_LOOP_H

#include "wrd/server.h"

#include "native/node.h"
#include "native/server_siblings.h"
#include "native/server_wait.h"
#include "native/server_wake.h"

#include <pthread.h>
#include <stdatomic.h>

#define WRD_LOOPS_MAX 64

/* What a loop counts, for readers on other threads: a copy, made when one asks. */
struct wrd_report {
    pthread_mutex_t mutex;
    pthread_cond_t fresh;
    atomic_uintptr_t owner; /* the thread that uses the loop, 0: none; changes under the mutex */
    atomic_bool wanted;
    wrd_time at; /* of the copy */
    wrd_server_counters counters;
};

enum wrd_drain_state { WRD_DRAIN_NOT, WRD_DRAIN_SAYING, WRD_DRAIN_SAID };

/* What wrd_server_drain() asked for; written once, and read after `state` says so. */
struct wrd_drain {
    atomic_int state;
    wrd_time until;
    uint32_t code;
    const char *reason;
    atomic_uint emptied; /* loops without a connection since then */
};

/* What the loops share. It belongs to the first. */
struct wrd_group {
    wrd_server *loops[WRD_LOOPS_MAX];
    unsigned count;
    wrd_address address;
    bool ipv6_only;
    struct wrd_trace_files trace;
    struct wrd_office *office; /* NULL: a single loop */
    struct wrd_drain drain;
};

/* One loop. */
struct wrd_server {
    struct wrd_node node;
    struct wrd_group *group;
    unsigned index;
    struct wrd_waiter waiter;
    struct wrd_wake wake;
    atomic_bool stopping;
    bool draining, emptied;
    wrd_time look_at; /* while draining: when to count connections again */
    struct wrd_report report;
    bool has_report;
};

/* The calling thread uses the loop from now on; waits for a reader that still counts for the one before. */
void wrd_loop_enter(wrd_server *loop);
/* No thread does, until the next one enters: the copy is exact. */
void wrd_loop_leave(wrd_server *loop);
/* For a reader that waits. The loop's thread. */
void wrd_loop_report(wrd_server *loop);
wrd_result wrd_report_open(struct wrd_report *report, const char **why);
void wrd_report_close(struct wrd_report *report);

/* The loop's thread: begins what wrd_server_drain() asked for. */
void wrd_loop_drain(wrd_server *loop);
/* True: every loop is empty, or the time is up. */
bool wrd_loop_has_drained(wrd_server *loop);
/* Milliseconds until the next look; -1: none is due. */
int wrd_loop_drain_timeout(const wrd_server *loop);

#endif
