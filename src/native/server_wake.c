/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2 */
#include "native/server_wake.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

static int open_eventfd(void)
{
#ifdef __linux__
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#else
    errno = ENOSYS;
    return -1;
#endif
}

wrd_result wrd_wake_open(struct wrd_wake *wake, const char **why)
{
    int fds[2];
    fds[0] = fds[1] = open_eventfd();
    if (fds[0] < 0 && ((errno != ENOSYS && errno != EINVAL) || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)) {
        *why = errno == EMFILE || errno == ENFILE
                   ? "too many files are open for another loop: raise the limit (ulimit -n)"
                   : "the operating system gave nothing to wake a loop with";
        return WRD_SYSTEM;
    }
    wake->read_fd = fds[0];
    wake->write_fd = fds[1];
    atomic_init(&wake->called, false);
    return WRD_OK;
}

void wrd_wake_close(struct wrd_wake *wake)
{
    if (wake->read_fd >= 0)
        (void)close(wake->read_fd);
    if (wake->write_fd >= 0 && wake->write_fd != wake->read_fd)
        (void)close(wake->write_fd);
    wake->read_fd = wake->write_fd = -1;
}

void wrd_wake_call(struct wrd_wake *wake)
{
    int error = errno;
    uint64_t one = 1;
    if (!atomic_exchange(&wake->called, true))
        (void)!write(wake->write_fd, &one, sizeof one);
    errno = error;
}

/* When there is nothing to read yet, the write is on its way, and the call stays noted so that it is read next time. */
void wrd_wake_take(struct wrd_wake *wake)
{
    uint64_t ones;
    if (atomic_load_explicit(&wake->called, memory_order_relaxed) && read(wake->read_fd, &ones, sizeof ones) > 0)
        (void)atomic_exchange(&wake->called, false);
}
