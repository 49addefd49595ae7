/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Batches read before timers and output have their turn. */
#define BATCHES_MAX 8
/* One SACK for each peer and batch, bundled with what the application answers. But peers send some four packets for
 * each SACK: so after this many datagrams of one peer in a row answers are drawn up, to be sent with the batch. Those
 * that came as one run were sent as one, by a peer that sends more at once. */
#define SACK_EVERY     4
#define SACK_EVERY_RUN 32
/* Of whomever, before all that waits is sent: answers to strangers have few places to wait in (WRD_OUTBOX_SLOTS). Until
 * then SACKs of many peers wait for what the application answers them. */
#define SEND_EVERY 256
#define WAIT_MAX   3600000 /* ms */

wrd_time wrd_node_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (wrd_time)ts.tv_sec * WRD_SECOND + (wrd_time)ts.tv_nsec / 1000;
}

static uint64_t unix_time(void *user)
{
    (void)user;
    time_t now = time(NULL);
    return now > 0 ? (uint64_t)now : 0;
}

wrd_result wrd_node_open(struct wrd_node *node, const struct wrd_node_options *options, const wrd_addr *local,
                         const char **why)
{
    static const wrd_env env = {.unix_time = unix_time};
    *node = (struct wrd_node){.udp.fd = -1, .keeps_buffers = options->keep_buffers};
    wrd_endpoint_options endpoint = options->endpoint;
    wrd_result result = wrd_trace_open(&node->trace, options->capture_file, options->key_log_file, why);
    if (!endpoint.trace && (options->capture_file || options->key_log_file))
        endpoint.trace = &node->trace.trace;
    if (result == WRD_OK)
        result = wrd_endpoint_new(&node->endpoint, &endpoint, &env, why);
    if (result == WRD_OK)
        result = wrd_udp_open(&node->udp, local, &options->udp, why);
    node->trace.local = node->udp.local;
    if (result == WRD_OK) {
        node->joined = wrd_buffers_join();
        if (node->joined && node->keeps_buffers)
            node->buffers = wrd_buffers_take();
        if (!node->joined || (node->keeps_buffers && !node->buffers)) {
            *why = "out of memory";
            result = WRD_NO_MEMORY;
        }
    }
    if (result != WRD_OK) {
        int error = errno;
        wrd_node_close(node);
        errno = error;
    }
    return result;
}

void wrd_node_close(struct wrd_node *node)
{
    wrd_endpoint_free(node->endpoint);
    node->endpoint = NULL;
    wrd_udp_close(&node->udp);
    wrd_trace_close(&node->trace);
    if (node->buffers)
        wrd_buffers_give(node->buffers);
    node->buffers = NULL;
    free(node->aside);
    node->aside = NULL;
    if (node->joined)
        wrd_buffers_leave();
    node->joined = false;
}

static bool take_buffers(struct wrd_node *node)
{
    if (node->buffers)
        return true;
    node->buffers = wrd_buffers_take();
    if (!node->buffers)
        return false;
    if (node->out_count > 0)
        memcpy(node->buffers->out, node->aside, node->out_count * sizeof *node->aside);
    free(node->aside);
    node->aside = NULL;
    return true;
}

/* The buffers are kept when there is no memory for what waits in them. */
static void give_back_buffers(struct wrd_node *node)
{
    if (node->keeps_buffers || !node->buffers)
        return;
    if (node->out_count > 0) {
        node->aside = malloc(node->out_count * sizeof *node->aside);
        if (!node->aside)
            return;
        memcpy(node->aside, node->buffers->out + node->out_first, node->out_count * sizeof *node->aside);
        node->out_first = 0;
    }
    wrd_buffers_give(node->buffers);
    node->buffers = NULL;
}

static bool send_batch(struct wrd_node *node)
{
    unsigned sent = wrd_udp_send(&node->udp, node->buffers->out + node->out_first, node->out_count);
    node->out_first += sent;
    node->out_count -= sent;
    if (node->out_count == 0)
        node->out_first = 0;
    node->full = node->out_count > 0;
    return !node->full;
}

/* Takes what the endpoint has to send; false: the batch is full. */
static bool fill_batch(struct wrd_node *node, wrd_time now)
{
    while (node->out_first + node->out_count < WRD_UDP_OUT) {
        struct wrd_datagram *d = &node->buffers->out[node->out_first + node->out_count];
        d->len = wrd_endpoint_transmit(node->endpoint, now, &d->path, d->bytes, sizeof d->bytes);
        if (d->len == 0)
            return true;
        node->out_count++;
    }
    return false;
}

static void send_all(struct wrd_node *node)
{
    wrd_time now = wrd_node_now();
    bool drained = false;
    node->unsent = 0;
    while (!drained) {
        drained = fill_batch(node, now);
        if (node->out_count > 0 && !send_batch(node))
            return;
    }
}

void wrd_node_flush(struct wrd_node *node)
{
    if (!take_buffers(node))
        return;
    send_all(node);
    give_back_buffers(node);
}

/* After each datagram, which may have answers. `every`: of those in a row that are answered together. */
static void follow_up(struct wrd_node *node, wrd_time now, const wrd_addr *remote, unsigned every)
{
    if (!wrd_addr_equal(&node->last, remote))
        node->in_a_row = 0;
    node->last = *remote;
    node->in_a_row++;
    node->unsent++;
    if (!node->buffers || node->full)
        return;
    if (node->unsent >= SEND_EVERY)
        send_all(node);
    else if (node->in_a_row >= every)
        (void)fill_batch(node, now);
    else
        return;
    node->in_a_row = 0;
}

void wrd_node_receive_passed(struct wrd_node *node, wrd_time now, const wrd_path *path, const uint8_t *datagram,
                             size_t len)
{
    wrd_endpoint_receive_passed(node->endpoint, now, path, datagram, len);
    follow_up(node, now, &path->remote, SACK_EVERY);
}

static void take_run(struct wrd_node *node, wrd_time now, const struct wrd_run *run)
{
    unsigned every = run->len > run->segment ? SACK_EVERY_RUN : SACK_EVERY;
    size_t at = 0;
    do {
        size_t len = run->len - at < run->segment ? run->len - at : run->segment;
        wrd_endpoint_receive(node->endpoint, now, &run->path, run->bytes + at, len);
        follow_up(node, now, &run->path.remote, every);
        at += len;
    } while (at < run->len);
}

static void read_all(struct wrd_node *node)
{
    bool drained = false;
    for (int batches = 0; batches < BATCHES_MAX && !drained; batches++) {
        unsigned runs = wrd_udp_receive(&node->udp, &node->buffers->in);
        drained = runs < (node->udp.features & WRD_UDP_MMSG ? WRD_UDP_IN : 1);
        wrd_time now = wrd_node_now();
        node->in_a_row = 0;
        for (unsigned i = 0; i < runs; i++)
            take_run(node, now, &node->buffers->in.runs[i]);
        if (node->out_count > 0 && !node->full)
            (void)send_batch(node);
    }
}

void wrd_node_process(struct wrd_node *node)
{
    if (take_buffers(node)) {
        send_all(node); /* of a turn before that did not end with a flush */
        read_all(node);
    }
    wrd_endpoint_expire(node->endpoint, wrd_node_now());
    give_back_buffers(node);
}

int wrd_node_timeout(const struct wrd_node *node)
{
    if (node->out_count > 0)
        return 1; /* the socket was full */
    wrd_time deadline = wrd_endpoint_deadline(node->endpoint);
    if (deadline == WRD_NEVER)
        return -1;
    wrd_time now = wrd_node_now();
    if (deadline <= now)
        return 0;
    wrd_time wait = (deadline - now + WRD_MILLISECOND - 1) / WRD_MILLISECOND;
    return wait > WAIT_MAX ? WAIT_MAX : (int)wait;
}
