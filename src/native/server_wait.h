/* SPDX-License-Identifier: MIT */
/* What a loop waits with for its socket and its wake: epoll where the system has it, else poll(). */
#ifndef WRD_NATIVE_SERVER_WAIT_H
#define WRD_NATIVE_SERVER_WAIT_H

#include "wrd/base.h"

struct wrd_waiter {
    const struct wrd_waiter_kind *kind;
    int socket, wake; /* borrowed */
    int fd;           /* epoll's, else -1 */
};

struct wrd_waiter_kind {
    bool (*open)(struct wrd_waiter *waiter); /* false: errno */
    void (*close)(struct wrd_waiter *waiter);
    /* Until one of both is readable or the time is up; -1: without limit. False: errno, which may be EINTR. */
    bool (*wait)(const struct wrd_waiter *waiter, int timeout_ms);
    /* A descriptor that is readable when either is; else it is the socket alone. */
    bool tells_all;
};

extern const struct wrd_waiter_kind wrd_waiter_epoll, wrd_waiter_poll;

/* WRD_SYSTEM: errno and `*why`. */
wrd_result wrd_waiter_open(struct wrd_waiter *waiter, int socket, int wake, const char **why);
void wrd_waiter_close(struct wrd_waiter *waiter);
int wrd_waiter_fd(const struct wrd_waiter *waiter);

#endif
