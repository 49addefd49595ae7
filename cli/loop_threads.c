/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/drops.h"
#include "cli/log.h"
#include "cli/loop.h"
#include "cli/say.h"
#include "cli/stop.h"

#define LOOK_EVERY_MS   1000
#define MISSING_EVERY_S 10.0
#define GRACE_S         1.0 /* behind the drain's limit, which the server keeps itself */

/* What the thread is given and leaves behind. */
struct work {
    wrd_server *server;
    const wrd_handlers *handlers;
    int ended;
    wrd_result result;
    int error;
};

static double now_s(void)
{
    return (double)clock_ns() / 1e9;
}

static void *work(void *argument)
{
    struct work *work = argument;
    uint64_t one = 1;

    work->result = wrd_server_run(work->server, work->handlers);
    work->error = errno;
    (void)!write(work->ended, &one, sizeof one);
    return NULL;
}

static void begin_drain(wrd_server *server, const struct loop_watch *watch)
{
    wrd_server_counters counters = {.size = sizeof counters, .endpoint.size = sizeof counters.endpoint};

    if (watch->verbose) {
        wrd_server_get_counters(server, &counters);
        log_draining(counters.endpoint.connections, watch->drain_s);
    }
    http_set_draining(watch->pages);
    http_set_draining(watch->numbers);
    wrd_server_drain(server, watch->drain_s * 1000, LOOP_END_CODE, LOOP_END_REASON);
}

/* A file of --capture or --key-log, and what the log has told of it. */
struct file_watch {
    const char *name, *part;
    bool has_ended;
    uint64_t missing;
    double told_at; /* 0: never */
};

/* Says once that it ends; and now and then, and at the last look, what is missing in the midst. */
static void look_at_file(struct file_watch *file, int error, uint64_t lost, bool is_last)
{
    if (error != 0 && !file->has_ended) {
        say("the %s ends here, at a whole %s, and the server goes on: it cannot be written: %s", file->name, file->part,
            strerror(error));
    }
    file->has_ended = error != 0;
    if (error != 0 || lost <= file->missing ||
        (!is_last && file->told_at > 0 && now_s() < file->told_at + MISSING_EVERY_S)) {
        return;
    }
    say("%ss missing in the %s, for nobody read them: %llu", file->part, file->name,
        (unsigned long long)(lost - file->missing));
    file->missing = lost;
    file->told_at = now_s();
}

static void look_at_files(struct file_watch files[2], const wrd_server_counters *counters, bool is_last)
{
    look_at_file(&files[0], counters->capture_error, counters->capture_lost, is_last);
    look_at_file(&files[1], counters->key_log_error, counters->key_log_lost, is_last);
}

static int timeout_of(const struct loop_watch *watch)
{
    int pages = http_timeout(watch->pages);
    int numbers = http_timeout(watch->numbers);
    int timeout = LOOK_EVERY_MS;

    if (pages >= 0 && pages < timeout) {
        timeout = pages;
    }
    return numbers >= 0 && numbers < timeout ? numbers : timeout;
}

/* Until the server has ended. */
static void watch_over(wrd_server *server, const struct loop_watch *watch)
{
    struct pollfd fds[] = {{watch->ended, POLLIN, 0},
                           {watch->stop, POLLIN, 0},
                           {-1, POLLIN, 0}, /* HTTP's */
                           {-1, POLLIN, 0}};
    wrd_server_counters counters = {.size = sizeof counters, .endpoint.size = sizeof counters.endpoint};
    struct drops_watch drops = {.looked_at = now_s()};
    double stop_at = 0; /* 0: not draining */
    struct file_watch files[] = {{.name = "capture", .part = "packet"}, {.name = "key log", .part = "line"}};

    while (fds[0].revents == 0) {
        fds[2].fd = http_fd(watch->pages);
        fds[3].fd = http_fd(watch->numbers);
        (void)poll(fds, 4,
                   timeout_of(watch)); /* what fails here fails in the next turn, too, and shows in the server */
        if (fds[1].revents != 0) {
            fds[1] = (struct pollfd){.fd = -1}; /* a second signal ends the process */
            stop_at = now_s() + watch->drain_s + GRACE_S;
            begin_drain(server, watch);
        }
        if (stop_at > 0 && now_s() >= stop_at) {
            wrd_server_stop(server);
        }
        http_run(watch->pages);
        http_run(watch->numbers);
        if (now_s() >= drops.looked_at + LOOK_EVERY_MS / 1000.0) {
            wrd_server_get_counters(server, &counters);
            drops_look(&drops, &counters, watch->verbose, now_s());
            look_at_files(files, &counters, false);
        }
    }
    wrd_server_get_counters(server, &counters);
    look_at_files(files, &counters, true);
}

int loop_ended_open(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

bool loop_run_threads(wrd_server *server, const wrd_handlers *handlers, const struct loop_watch *watch)
{
    struct work what = {.server = server, .handlers = handlers, .ended = watch->ended};
    pthread_t thread;

    int error = stop_spared_thread(&thread, work, &what);
    if (error != 0) {
        say("cannot start a thread: %s", strerror(error));
        return false;
    }
    watch_over(server, watch);
    (void)pthread_join(thread, NULL);
    if (what.result != WRD_OK) {
        say("the UDP socket broke: %s", strerror(what.error));
    }
    return what.result == WRD_OK;
}
