/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "native/server_wait.h"

#include <errno.h>

#ifdef __linux__

#include <sys/epoll.h>
#include <unistd.h>

static bool add(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void close_epoll(struct wrd_waiter *waiter)
{
    if (waiter->fd >= 0)
        (void)close(waiter->fd);
    waiter->fd = -1;
}

static bool open_epoll(struct wrd_waiter *waiter)
{
    waiter->fd = epoll_create1(EPOLL_CLOEXEC);
    if (waiter->fd >= 0 && add(waiter->fd, waiter->socket) && add(waiter->fd, waiter->wake))
        return true;
    int error = errno;
    close_epoll(waiter);
    errno = error;
    return false;
}

static bool wait_epoll(const struct wrd_waiter *waiter, int timeout_ms)
{
    struct epoll_event events[2]; /* whoever waits looks at both */
    return epoll_wait(waiter->fd, events, 2, timeout_ms) >= 0;
}

#else

static bool open_epoll(struct wrd_waiter *waiter)
{
    (void)waiter;
    errno = ENOSYS;
    return false;
}

static void close_epoll(struct wrd_waiter *waiter)
{
    (void)waiter;
}

static bool wait_epoll(const struct wrd_waiter *waiter, int timeout_ms)
{
    (void)waiter, (void)timeout_ms;
    return false;
}

#endif

const struct wrd_waiter_kind wrd_waiter_epoll = {
    .open = open_epoll, .close = close_epoll, .wait = wait_epoll, .tells_all = true};
