/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/server_wait.h"

#include <errno.h>
#include <poll.h>

static bool open_poll(struct wrd_waiter *waiter)
{
    (void)waiter;
    return true;
}

static void close_poll(struct wrd_waiter *waiter)
{
    (void)waiter;
}

static bool wait_poll(const struct wrd_waiter *waiter, int timeout_ms)
{
    struct pollfd fds[2] = {{waiter->socket, POLLIN, 0}, {waiter->wake, POLLIN, 0}};
    if (poll(fds, 2, timeout_ms) < 0)
        return false;
    if (!((fds[0].revents | fds[1].revents) & POLLNVAL))
        return true;
    errno = EBADF;
    return false;
}

const struct wrd_waiter_kind wrd_waiter_poll = {.open = open_poll, .close = close_poll, .wait = wait_poll};
