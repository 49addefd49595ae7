/* SPDX-License-Identifier: MIT */
#include "native/server_wait.h"

#include <errno.h>

wrd_result wrd_waiter_open(struct wrd_waiter *waiter, int socket, int wake, const char **why)
{
    *waiter = (struct wrd_waiter){.kind = &wrd_waiter_epoll, .socket = socket, .wake = wake, .fd = -1};
    if (waiter->kind->open(waiter))
        return WRD_OK;
    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM) { /* none here, or forbidden */
        waiter->kind = &wrd_waiter_poll;
        if (waiter->kind->open(waiter))
            return WRD_OK;
    }
    waiter->kind = NULL;
    *why = errno == ENOMEM ? "out of memory" : "too many files are open for another loop: raise the limit (ulimit -n)";
    return WRD_SYSTEM;
}

void wrd_waiter_close(struct wrd_waiter *waiter)
{
    if (waiter->kind)
        waiter->kind->close(waiter);
    waiter->kind = NULL;
}

int wrd_waiter_fd(const struct wrd_waiter *waiter)
{
    return waiter->kind->tells_all ? waiter->fd : waiter->socket;
}
