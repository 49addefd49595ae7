/* SPDX-License-Identifier: MIT */
/* It seals what it sends once, sends that again and again, and looks into nothing that comes: the server alone works.
 */
#define _GNU_SOURCE
#include "ceiling.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WARM_UP 0.3 /* seconds */
#define SILENCE 0.2

struct client {
    struct flow flow;
    uint8_t datagram[DATAGRAM_MAX]; /* sealed */
    size_t len;
    unsigned came, owed, in_flight;
};

static void count(void *user, const struct sockaddr_in *from, uint8_t *datagram, size_t len)
{
    struct client *client = user;
    client->came++;
}

static void send_some(struct client *client, unsigned n)
{
    while (n-- > 0) {
        memcpy(flow_room(&client->flow), client->datagram, client->len);
        flow_queue(&client->flow, NULL, client->len);
    }
    flow_write(&client->flow);
}

/* What came is counted in the load's unit, and answered as the load has it. */
static double answer(struct client *client, const struct load *load)
{
    unsigned came = client->came;
    client->came = 0;
    if (load->task == TASK_ECHO) {
        send_some(client, came);
        return (double)came * load->bundle;
    }
    if (load->task == TASK_SEND) {
        client->owed += came;
        send_some(client, client->owed / ACK_EVERY);
        client->owed %= ACK_EVERY;
        return (double)came * BULK_BYTES;
    }
    unsigned arrived = came * ACK_EVERY;
    client->in_flight -= arrived < client->in_flight ? arrived : client->in_flight;
    for (; client->in_flight + RUN <= load->in_flight; client->in_flight += RUN)
        send_some(client, RUN);
    return (double)arrived * BULK_BYTES;
}

/* Also after a silence, which no loss explains but that of a datagram. */
static void begin(struct client *clients, const struct load *load)
{
    for (unsigned i = 0; i < load->clients; i++) {
        clients[i].in_flight = 0;
        if (load->task == TASK_RECEIVE)
            (void)answer(&clients[i], load);
        else
            send_some(&clients[i], load->task == TASK_SEND ? 1 : load->in_flight);
    }
}

static void prepare(struct client *client, const struct load *load, const struct sockaddr_in *server, int waiting)
{
    struct records records;
    flow_connect(&client->flow, server);
    flow_watch(&client->flow, waiting, client);
    size_t len = load->task == TASK_SEND ? SACK_PACKET : PACKET_MAX;
    if (load->task == TASK_ECHO)
        len = PACKET_HEAD + 16 + load->bundle * (size_t)(CHUNK_HEAD + MESSAGE);
    records_open(&records);
    memset(client->datagram, 0, sizeof client->datagram);
    client->len = records_seal(&records, client->datagram, len);
    records_close(&records);
}

/* On a core of its own it never sleeps, so that the server does not pay for waking it. */
static int wait_for(int waiting, struct epoll_event events[BATCH], const struct load *load)
{
    double until = now_seconds() + SILENCE;
    int n;
    do {
        n = epoll_wait(waiting, events, BATCH, load->same_core ? (int)(SILENCE * 1e3) : 0);
    } while (!load->same_core && n == 0 && now_seconds() < until);
    return n;
}

void drive(const struct load *asked, const struct sockaddr_in *server, pid_t pid, double seconds, struct figures *out)
{
    struct load load = *asked;
    struct client *clients = calloc(load.clients, sizeof *clients);
    struct epoll_event events[BATCH];
    int waiting = epoll_create1(0);
    if (!clients || waiting < 0)
        give_up("epoll");
    for (unsigned i = 0; i < load.clients; i++)
        prepare(&clients[i], &load, server, waiting);
    if (load.task == TASK_RECEIVE)
        load.in_flight = flow_window(&clients[0].flow);
    begin(clients, &load);
    double counted = 0, start = now_seconds(), from = 0;
    for (bool warm = false; now_seconds() < start + seconds;) {
        if (!warm && now_seconds() >= start + WARM_UP) {
            warm = true;
            start = now_seconds();
            counted = 0;
            from = cpu_seconds_of(pid);
        }
        int n = wait_for(waiting, events, &load);
        if (n == 0)
            begin(clients, &load);
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            (void)flow_read(&client->flow, 4, count, client);
            counted += answer(client, &load);
        }
    }
    *out = (struct figures){.cpu = cpu_seconds_of(pid) - from, .count = counted};
    for (unsigned i = 0; i < load.clients; i++)
        flow_close(&clients[i].flow);
    (void)close(waiting);
    free(clients);
}
