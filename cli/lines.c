/* SPDX-License-Identifier: MIT */
#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/stop.h"

#define WAITING_MAX ((size_t)512 * 1024) /* bytes, of which half must be free before lines are taken again */

struct line {
    struct line *next;
    uint64_t stands_for; /* lines that were dropped here; 0: it is one that was said */
    size_t len;
    char text[];
};

static struct {
    pthread_mutex_t mutex; /* of all the rest */
    pthread_cond_t work, ended;
    pthread_t thread;
    struct line *first, *last;
    size_t bytes; /* of these and of the one that is being written */
    uint64_t dropped, untold;
    char *(*gap)(uint64_t count);
    bool runs, failed, ending, has_ended; /* failed: the last write, and nobody said anything since */
} lines = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- the writing thread */

/* How much of it could be written. */
static size_t write_all(const char *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t written = write(STDERR_FILENO, text + done, len - done);
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            (void)poll(&(struct pollfd){STDERR_FILENO, POLLOUT, 0}, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            break;
        } else if (written > 0) {
            done += (size_t)written;
        }
    }
    return done;
}

/* False: not all of it. Where a part was written, as on a disk that is full, the next line does not go on behind it. */
static bool write_line(const struct line *line)
{
    static bool is_torn; /* the last one */

    if (is_torn && write_all("\n", 1) == 0) {
        return false;
    }
    size_t written = write_all(line->text, line->len);
    is_torn = written > 0 && written < line->len;
    return written == line->len;
}

/* False: memory is short. */
static bool append(const char *text, size_t len, uint64_t stands_for)
{
    struct line *line = malloc(sizeof *line + len + 1);

    if (line == NULL) {
        return false;
    }
    line->next = NULL;
    line->stands_for = stands_for;
    line->len = len + 1;
    memcpy(line->text, text, len);
    line->text[len] = '\n';
    lines.bytes += sizeof *line + line->len;
    *(lines.first == NULL ? &lines.first : &lines.last->next) = line;
    lines.last = line;
    return true;
}

/* Where lines were dropped one says so, as soon as there is room for it and a good many to follow. */
static bool gap_is_due(void)
{
    return lines.untold > 0 && lines.bytes <= WAITING_MAX / 2 && !lines.failed;
}

static void append_gap(void)
{
    char *text = lines.gap(lines.untold);

    if (text != NULL && append(text, strlen(text), lines.untold)) {
        lines.untold = 0;
    } else {
        lines.failed = true;
    }
    free(text);
}

/* Without the mutex while it is written. */
static void write_first(void)
{
    struct line *line = lines.first;

    lines.first = line->next;
    pthread_mutex_unlock(&lines.mutex);
    bool done = write_line(line);
    pthread_mutex_lock(&lines.mutex);
    lines.bytes -= sizeof *line + line->len;
    if (!done) {
        lines.failed = true;
        lines.dropped += line->stands_for == 0;
        lines.untold += line->stands_for == 0 ? 1 : line->stands_for;
    }
    free(line);
}

static void *write_lines(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lines.mutex);
    for (;;) {
        if (gap_is_due()) {
            append_gap();
        } else if (lines.first != NULL) {
            write_first();
        } else if (lines.ending) {
            break;
        } else {
            pthread_cond_wait(&lines.work, &lines.mutex);
        }
    }
    lines.has_ended = true;
    pthread_cond_signal(&lines.ended);
    pthread_mutex_unlock(&lines.mutex);
    return NULL;
}

/* ---- the door */

int lines_start(char *(*gap)(uint64_t count))
{
    pthread_condattr_t attributes;

    lines.gap = gap;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&lines.work, NULL);
    (void)pthread_cond_init(&lines.ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int error = stop_spared_thread(&lines.thread, write_lines, NULL);
    lines.runs = error == 0;
    return error;
}

void lines_end(int ms)
{
    struct timespec until;

    if (!lines.runs) {
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    pthread_mutex_lock(&lines.mutex);
    lines.ending = true;
    pthread_cond_signal(&lines.work);
    while (!lines.has_ended && pthread_cond_timedwait(&lines.ended, &lines.mutex, &until) == 0) {
    }
    bool has_ended = lines.has_ended;
    pthread_mutex_unlock(&lines.mutex);
    if (has_ended) {
        (void)pthread_join(lines.thread, NULL);
        lines.runs = false;
    } else {
        (void)pthread_detach(lines.thread); /* it hangs in write(), and ends with the process */
    }
}

void lines_put(const char *text, size_t len)
{
    if (!lines.runs) {
        fprintf(stderr, "%.*s\n", (int)len, text); /* one call */
        return;
    }
    pthread_mutex_lock(&lines.mutex);
    if (lines.untold > 0 || lines.ending || lines.bytes + sizeof(struct line) + len >= WAITING_MAX ||
        !append(text, len, 0)) {
        lines.dropped++;
        lines.untold++;
    }
    lines.failed = false;
    pthread_cond_signal(&lines.work);
    pthread_mutex_unlock(&lines.mutex);
}

uint64_t lines_dropped(void)
{
    pthread_mutex_lock(&lines.mutex);
    uint64_t dropped = lines.dropped;
    pthread_mutex_unlock(&lines.mutex);
    return dropped;
}
