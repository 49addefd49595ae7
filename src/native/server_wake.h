/* SPDX-License-Identifier: MIT */
/* A descriptor that becomes readable when another thread, or a signal handler, wakes a loop. */
#ifndef WRD_NATIVE_SERVER_WAKE_H
#define WRD_NATIVE_SERVER_WAKE_H

#include "wrd/base.h"

#include <stdatomic.h>

struct wrd_wake {
    int read_fd, write_fd; /* the same one with eventfd(), else a pipe's */
    atomic_bool called;
};

/* WRD_SYSTEM: errno and `*why`. */
wrd_result wrd_wake_open(struct wrd_wake *wake, const char **why);
void wrd_wake_close(struct wrd_wake *wake);
/* Any thread, any signal handler. Whoever calls has done before what the loop is to look at. */
void wrd_wake_call(struct wrd_wake *wake);
/* The loop's thread, before it looks. */
void wrd_wake_take(struct wrd_wake *wake);

#endif
