/* SPDX-License-Identifier: MIT */
#include "cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int wake[2] = {-1, -1};

/* One at a time of these. */
static void set_action(int number, void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGHUP);
    (void)sigaction(number, &action, NULL); /* fails for no such signal */
}

/* Whichever comes takes the handler from all. A terminal that closes may say so twice, and means it no more urgently.
 */
static void on_signal(int number)
{
    int kept = errno;
    ssize_t written = write(wake[1], "", 1);

    (void)number;
    (void)written;
    set_action(SIGINT, SIG_DFL);
    set_action(SIGTERM, SIG_DFL);
    set_action(SIGHUP, SIG_IGN);
    errno = kept;
}

int stop_open(void)
{
    struct sigaction before;

    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    set_action(SIGINT, on_signal);
    set_action(SIGTERM, on_signal);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) { /* nohup */
        set_action(SIGHUP, on_signal);
    }
    return wake[0];
}

int stop_spared_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
