/* SPDX-License-Identifier: MIT */
#include "cli/echo.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/log.h"
#include "cli/say.h"

/* A connection that the log follows. */
struct visit {
    wrd_conn conn; /* first: what compare() looks at */
    struct timespec opened;
    struct log_visit told;
};

/* Of one loop; only its thread touches it. */
struct book {
    wrd_server *loop;
    unsigned number;
    void *visits; /* a tree for tsearch() */
};

struct echo {
    bool verbose;
    unsigned count;
    struct book books[];
};

static struct book *find_book(struct echo *echo, const wrd_server *loop)
{
    for (unsigned i = 0; i < echo->count; i++) {
        if (echo->books[i].loop == loop) {
            return &echo->books[i];
        }
    }
    return &echo->books[0];
}

/* Connections of different loops may have the same number. */
static void name(char out[LOG_ID_SIZE], const struct echo *echo, const struct book *book, wrd_conn conn)
{
    if (echo->count > 1) {
        snprintf(out, LOG_ID_SIZE, "%u-%llx", book->number, (unsigned long long)conn);
    } else {
        snprintf(out, LOG_ID_SIZE, "%llx", (unsigned long long)conn);
    }
}

static int compare(const void *a, const void *b)
{
    const wrd_conn *x = a;
    const wrd_conn *y = b;

    return *x < *y ? -1 : *x > *y;
}

static struct visit *find_visit(struct book *book, wrd_conn conn)
{
    struct visit *const *found = tfind(&conn, &book->visits, compare);

    return found == NULL ? NULL : *found;
}

/* The log can do without a visit that memory is short for. */
static void add_visit(struct book *book, wrd_conn conn)
{
    struct visit *visit = calloc(1, sizeof *visit);

    if (visit == NULL) {
        return;
    }
    visit->conn = conn;
    (void)clock_gettime(CLOCK_MONOTONIC, &visit->opened);
    if (tsearch(visit, &book->visits, compare) == NULL) {
        free(visit);
    }
}

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    struct echo *echo = user;
    struct book *book = find_book(echo, server);
    wrd_conn_info info = {.size = sizeof info};
    char id[LOG_ID_SIZE];

    if (!echo->verbose) {
        return;
    }
    add_visit(book, conn);
    name(id, echo, book, conn);
    if (wrd_conn_get_info(wrd_server_endpoint(server), conn, &info) != WRD_OK) {
        info = (wrd_conn_info){.size = sizeof info};
    }
    log_open(id, peer, &info);
}

static void count_message(struct echo *echo, const wrd_server *server, wrd_conn conn, size_t len, wrd_result result)
{
    struct visit *visit;

    if (!echo->verbose || result == WRD_AGAIN || (visit = find_visit(find_book(echo, server), conn)) == NULL) {
        return;
    }
    visit->told.messages_received++;
    visit->told.bytes_received += len;
    if (result == WRD_OK) {
        visit->told.messages_sent++;
        visit->told.bytes_sent += len;
    }
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    wrd_result result =
        message->kind == WRD_TEXT
            ? wrd_server_channel_send_text(server, conn, message->channel, (const char *)message->data, message->len)
            : wrd_server_channel_send(server, conn, message->channel, message->data, message->len);

    count_message(user, server, conn, message->len, result);
    if (result == WRD_TOO_LARGE) {
        /* It compressed well enough at the sender and not here. An echo with a hole would be worse. */
        wrd_server_close(server, conn);
    }
    return result; /* WRD_AGAIN: we are asked again when there is room, and the sender is slowed meanwhile. */
}

static void on_moved(wrd_server *server, const wrd_event *event, void *user)
{
    struct echo *echo = user;
    char id[LOG_ID_SIZE];

    if (echo->verbose) {
        name(id, echo, find_book(echo, server), event->conn);
        log_moved(id, &event->peer);
    }
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct echo *echo = user;
    struct book *book = find_book(echo, server);
    struct visit *visit;
    struct timespec now;
    char id[LOG_ID_SIZE];

    if (!echo->verbose) {
        return;
    }
    visit = find_visit(book, event->conn);
    if (visit != NULL) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        visit->told.seconds =
            (double)(now.tv_sec - visit->opened.tv_sec) + (double)(now.tv_nsec - visit->opened.tv_nsec) / 1e9;
    }
    name(id, echo, book, event->conn);
    log_closed(id, event, visit == NULL ? NULL : &visit->told);
    if (visit != NULL) {
        (void)tdelete(visit, &book->visits, compare);
        free(visit);
    }
}

static void on_channel_open(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    struct echo *echo = user;
    wrd_channel_info info = {.size = sizeof info};
    char id[LOG_ID_SIZE];

    if (echo->verbose && wrd_server_channel_get_info(server, conn, channel, &info) == WRD_OK) {
        name(id, echo, find_book(echo, server), conn);
        log_channel_open(id, &info);
    }
}

static void on_channel_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct echo *echo = user;
    char id[LOG_ID_SIZE];

    if (echo->verbose) {
        name(id, echo, find_book(echo, server), event->conn);
        log_channel_closed(id, event);
    }
}

/* ---- the door */

struct echo *echo_new(wrd_server *server, bool verbose)
{
    unsigned count = wrd_server_loops(server);
    struct echo *echo = calloc(1, sizeof *echo + count * sizeof echo->books[0]);

    if (echo == NULL) {
        say("memory is short");
        return NULL;
    }
    echo->verbose = verbose;
    echo->count = count;
    for (unsigned i = 0; i < count; i++) {
        echo->books[i] = (struct book){.loop = wrd_server_loop(server, i), .number = i};
    }
    return echo;
}

void echo_free(struct echo *echo)
{
    if (echo == NULL) {
        return;
    }
    for (unsigned i = 0; i < echo->count; i++) {
        while (echo->books[i].visits != NULL) { /* those whose end nobody waited for */
            struct visit *visit = *(struct visit **)echo->books[i].visits;
            (void)tdelete(visit, &echo->books[i].visits, compare);
            free(visit);
        }
    }
    free(echo);
}

wrd_handlers echo_handlers(struct echo *echo)
{
    return (wrd_handlers){.user = echo,
                          .open = on_open,
                          .message = on_message,
                          .closed = on_closed,
                          .channel_open = on_channel_open,
                          .channel_closed = on_channel_closed,
                          .moved = on_moved};
}
