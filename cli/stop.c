/* SPDX-License-Identifier: MIT */
#include "cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int wake[2] = {-1, -1};

/* Either signal takes the handler from both, so that the second ends the program whichever it is. */
static void set_action(void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    (void)sigaction(SIGINT, &action, NULL); /* fails for no such signal */
    (void)sigaction(SIGTERM, &action, NULL);
}

static void on_signal(int number)
{
    int kept = errno;
    ssize_t written = write(wake[1], "", 1);

    (void)number;
    (void)written;
    set_action(SIG_DFL);
    errno = kept;
}

int stop_open(void)
{
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    set_action(on_signal);
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
