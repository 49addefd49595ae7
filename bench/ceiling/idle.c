/* SPDX-License-Identifier: MIT */
/* Idle clients: nothing but their consent checks, as those of `wrd bench` that have just opened. */
#define _GNU_SOURCE
#include "ceiling.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SOCKETS       64
#define CHECK_SECONDS 5.0 /* RFC 7675 5.1: from 0.8 to 1.2 of it, drawn anew each time */
#define LEAST_SECONDS (1.2 * CHECK_SECONDS) /* each client has checked once */

struct idlers {
    struct flow flows[SOCKETS];
    int waiting;
    double *due; /* of each client */
    unsigned clients, answers;
};

static void count(void *user, const struct sockaddr_in *from, uint8_t *datagram, size_t len)
{
    struct idlers *idlers = user;
    idlers->answers++;
}

static double next_check(double now)
{
    return now + CHECK_SECONDS * (0.8 + 0.4 * (double)rand() / RAND_MAX);
}

static void prepare(struct idlers *idlers, const struct sockaddr_in *server, double now)
{
    idlers->waiting = epoll_create1(0);
    idlers->due = malloc(idlers->clients * sizeof *idlers->due);
    if (idlers->waiting < 0 || !idlers->due)
        give_up("epoll");
    for (int i = 0; i < SOCKETS; i++) {
        flow_connect(&idlers->flows[i], server);
        flow_watch(&idlers->flows[i], idlers->waiting, &idlers->flows[i]);
    }
    for (unsigned i = 0; i < idlers->clients; i++)
        idlers->due[i] = next_check(now);
}

static void send_due(struct idlers *idlers, double now)
{
    for (unsigned i = 0; i < idlers->clients; i++) {
        if (now < idlers->due[i])
            continue;
        struct flow *flow = &idlers->flows[i % SOCKETS];
        memset(flow_room(flow), 0, CHECK);
        flow_queue(flow, NULL, CHECK);
        flow_write(flow);
        idlers->due[i] = next_check(now);
    }
}

static void finish(struct idlers *idlers)
{
    for (int i = 0; i < SOCKETS; i++)
        flow_close(&idlers->flows[i]);
    free(idlers->due);
    (void)close(idlers->waiting);
}

void idle(const struct load *load, const struct sockaddr_in *server, pid_t pid, double seconds, struct figures *out)
{
    static struct idlers idlers;
    double start = now_seconds(), from;
    idlers = (struct idlers){.clients = load->clients};
    seconds = seconds < LEAST_SECONDS ? LEAST_SECONDS : seconds;
    prepare(&idlers, server, start);
    from = cpu_seconds_of(pid);
    for (double now = start; now < start + seconds; now = now_seconds()) {
        struct epoll_event event;
        send_due(&idlers, now);
        if (epoll_wait(idlers.waiting, &event, 1, 0) == 1)
            (void)flow_read(event.data.ptr, 1, count, &idlers);
    }
    *out = (struct figures){.cpu = cpu_seconds_of(pid) - from, .count = idlers.answers > 0 ? seconds : 0};
    finish(&idlers);
}
