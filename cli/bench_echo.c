/* SPDX-License-Identifier: MIT */
/*
 * The mode echo, and bulk both ways: each client keeps a number of messages under way, sends the next for each that
 * comes back, and looks at every byte of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/clock.h"
#include "cli/exit_code.h"

#define WARM_UP_NS 500000000u
#define NUMBERS    509 /* between two clients' first messages, so that one's is not taken for another's */

struct echo_client {
    uint64_t sent, received;
    uint64_t *sent_ns; /* of message i at i mod in_flight */
};

struct echo {
    struct bench *bench;
    uint32_t size, in_flight, clients;
    struct echo_client *state;
    uint64_t *times;
    bool sending, measuring;
    uint64_t messages; /* while measuring */
    uint64_t last_ns;  /* when the last one came */
    uint64_t wrong;    /* came, but are not what was sent or not in its turn */
    char wrong_text[160];
    wrd_result send_result;
    struct bench_failures ended;
    struct bench_snapshot begin, end;
    struct histogram latency;
};

static uint64_t number_of(uint32_t index, uint64_t count)
{
    return (uint64_t)index * NUMBERS + count;
}

static void check(struct echo *echo, uint32_t index, const wrd_message *message)
{
    uint64_t count = echo->state[index].received;

    if (message->len == echo->size && message->channel == WRD_CHANNEL_MAIN &&
        memcmp(message->data, bench_pattern_at(&echo->bench->pattern, number_of(index, count)), echo->size) == 0) {
        return;
    }
    if (echo->wrong++ == 0) {
        snprintf(echo->wrong_text, sizeof echo->wrong_text, "message %llu of client %u came back %s: %zu bytes for %u",
                 (unsigned long long)count + 1, index + 1,
                 message->len == echo->size ? "with other bytes or out of its turn" : "with another length",
                 message->len, echo->size);
    }
}

static void send_more(struct echo *echo, struct fleet *fleet, uint32_t index, uint64_t now)
{
    struct echo_client *state = &echo->state[index];

    while (echo->sending && state->sent - state->received < echo->in_flight) {
        wrd_result result =
            wrd_client_send(fleet->clients[index].client,
                            bench_pattern_at(&echo->bench->pattern, number_of(index, state->sent)), echo->size);
        if (result != WRD_OK) {
            /* WRD_AGAIN: `ready` comes again; WRD_CLOSED: `ended` comes. Others are about this message. */
            if (result != WRD_AGAIN && result != WRD_CLOSED && result != WRD_GONE) {
                echo->send_result = result;
            }
            return;
        }
        state->sent_ns[state->sent++ % echo->in_flight] = now;
    }
}

static void on_ready(struct fleet *fleet, uint32_t index, void *user)
{
    struct echo *echo = user;
    struct echo_client *state = &echo->state[index];
    wrd_client *client = fleet->clients[index].client;
    uint64_t now = clock_ns();
    wrd_message message;

    while (wrd_client_receive(client, &message) == WRD_OK) {
        check(echo, index, &message);
        wrd_client_release(client);
        if (state->received == state->sent) {
            continue; /* more than was sent, which has been counted as wrong or will be */
        }
        if (echo->measuring) {
            histogram_add(&echo->latency, now - state->sent_ns[state->received % echo->in_flight]);
            echo->messages++;
        }
        state->received++;
        echo->last_ns = now;
    }
    send_more(echo, fleet, index, now);
}

static void on_ended(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                     void *user)
{
    struct echo *echo = user;

    (void)fleet;
    (void)index;
    if (was == FLEET_OPEN) {
        bench_count_failure(&echo->ended, reason, text);
    }
}

/* The messages that did not come back. */
static uint64_t missing(const struct echo *echo)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < echo->clients; i++) {
        count += echo->state[i].sent - echo->state[i].received;
    }
    return count;
}

static bool is_broken(const struct echo *echo)
{
    return bench_failures_total(&echo->ended) > 0 || echo->wrong > 0 || echo->send_result != WRD_OK;
}

/* Lets the clients go on until `until_ns`. False: something broke, or the server fell silent. */
static bool go_on(struct echo *echo, struct fleet *fleet, uint64_t until_ns, bool draining)
{
    struct bench *bench = echo->bench;

    while (clock_ns() < until_ns && !(draining && missing(echo) == 0)) {
        if (!fleet_turn(fleet, until_ns)) {
            bench->interrupted = true;
            return false;
        }
        report_progress(&bench->report, "echo of %u bytes, %u x %u in flight: %llu came back", echo->size,
                        echo->clients, echo->in_flight, (unsigned long long)echo->messages);
        if (is_broken(echo) || fleet->now_ns > echo->last_ns + BENCH_STALL_S * (uint64_t)BENCH_NS) {
            return false;
        }
    }
    return true;
}

static void measure(struct echo *echo, struct fleet *fleet)
{
    struct bench *bench = echo->bench;
    uint64_t seconds_ns = bench->options.seconds * (uint64_t)BENCH_NS;
    uint64_t warm_up = seconds_ns / 4 < WARM_UP_NS ? seconds_ns / 4 : WARM_UP_NS;

    echo->sending = true;
    echo->last_ns = clock_ns();
    for (uint32_t i = 0; i < echo->clients; i++) {
        fleet_touch(fleet, i);
    }
    bool well = go_on(echo, fleet, clock_ns() + warm_up, false);
    bench_take_snapshot(bench, &echo->begin);
    echo->measuring = true;
    well = well && go_on(echo, fleet, echo->begin.ns + seconds_ns, false);
    bench_take_snapshot(bench, &echo->end);
    if (!well && !bench->interrupted && echo->last_ns > echo->begin.ns) {
        echo->end.ns = echo->last_ns; /* what was measured until it stopped */
    }
    echo->measuring = echo->sending = false;
    if (well) {
        (void)go_on(echo, fleet, clock_ns() + BENCH_DRAIN_S * (uint64_t)BENCH_NS, true);
    }
}

static void say_trouble(struct echo *echo)
{
    struct bench *bench = echo->bench;
    uint64_t lost = missing(echo);

    if (echo->send_result != WRD_OK && bench_failures_total(&echo->ended) == 0) {
        bench_trouble(bench, bench_code_of(echo->send_result), "a message of %u bytes cannot be sent: %s", echo->size,
                      wrd_result_text(echo->send_result));
    } else if (echo->wrong > 0) {
        bench_trouble(bench, EXIT_PROTOCOL, "%s. Is this an echo server?", echo->wrong_text);
    }
    bench_say_failures(bench, "connections that ended during the echo", &echo->ended);
    if (lost > 0 && !is_broken(echo) && !bench_is_over(bench)) {
        char text[120];
        snprintf(text, sizeof text, "%llu messages did not come back within %d s", (unsigned long long)lost,
                 BENCH_STALL_S);
        bench_say_stalled(bench, text);
    }
}

static void report_latency(struct bench_report *report, const char *mode, const struct histogram *latency)
{
    static const struct {
        const char *name, *label;
        double share;
    } rows[] = {{"p50", "latency, median", 0.5},
                {"p99", "latency, 99 % are below", 0.99},
                {"p999", "latency, 99.9 % are below", 0.999},
                {"max", "latency, longest", 1}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        report_row(report, mode, rows[i].name, rows[i].label, (double)histogram_quantile(latency, rows[i].share) / 1e3,
                   "us");
    }
}

/* `bulk`: bytes count instead of messages. */
static void report_echo(const struct echo *echo, bool bulk)
{
    struct bench *bench = echo->bench;
    struct bench_report *report = &bench->report;
    double took_s = (double)(echo->end.ns - echo->begin.ns) / 1e9;
    double units = (double)echo->messages * (bulk ? echo->size : 1);
    double divisor = (bulk ? 1 : 1e3) * (units > 0 ? units : 1);
    char mode[REPORT_NAME_MAX];

    if (bulk) {
        snprintf(mode, sizeof mode, "both.%u", echo->size);
    } else {
        snprintf(mode, sizeof mode, "echo.%u.%ux%u", echo->size, echo->clients, echo->in_flight);
    }
    if (!bench->interrupted) {
        report_row(report, mode, "failed", "messages lost or wrong", (double)(missing(echo) + echo->wrong), "");
    }
    if (echo->messages == 0 || took_s <= 0) {
        return;
    }
    report_row(report, mode, "rate", bulk ? "echoed" : "messages echoed", units / took_s, bulk ? "B/s" : "1/s");
    report_latency(report, mode, &echo->latency);
    if (bench_sees_server(bench)) {
        report_row(report, mode, "server_cpu",
                   bulk ? "server's CPU for a byte, there and back" : "server's CPU for a message",
                   (double)(echo->end.server.cpu_ns - echo->begin.server.cpu_ns) / divisor, bulk ? "ns/B" : "us");
    }
    bench_report_own(bench, mode, bulk ? "our own CPU for a byte, there and back" : "our own CPU for a message",
                     (double)(echo->end.own.cpu_ns - echo->begin.own.cpu_ns) / divisor, bulk ? "ns/B" : "us");
    bench_report_busy(bench, mode, &echo->begin, &echo->end);
}

static bool is_clean(const struct echo *echo)
{
    return !is_broken(echo) && missing(echo) == 0 && !bench_is_over(echo->bench);
}

/* False: the run shall end. */
static bool run(struct echo *echo, bool bulk)
{
    const struct fleet_work work = {.user = echo, .ready = on_ready, .ended = on_ended};
    struct bench *bench = echo->bench;
    struct fleet fleet;

    if (!bench_fleet_open(bench, &fleet, echo->clients)) {
        return false;
    }
    bool open = bench_open_few(bench, &fleet, &work);
    if (open) {
        measure(echo, &fleet);
        report_echo(echo, bulk);
        say_trouble(echo);
    }
    bool clean = open && is_clean(echo);
    if (clean) {
        fleet_hang_up_all(&fleet, bench->options.at_once, BENCH_NS);
    }
    fleet_close(&fleet);
    return clean;
}

static bool run_with(struct bench *bench, uint32_t size, uint32_t clients, uint32_t in_flight, bool bulk)
{
    struct echo *echo = calloc(1, sizeof *echo); /* large */
    bool clean = false;

    if (echo != NULL) {
        echo->bench = bench;
        echo->size = size;
        echo->clients = clients;
        echo->in_flight = in_flight;
        echo->state = calloc(clients, sizeof *echo->state);
        echo->times = calloc((size_t)clients * in_flight, sizeof *echo->times);
    }
    if (echo == NULL || echo->state == NULL || echo->times == NULL) {
        bench_trouble(bench, EXIT_TROUBLE, "memory is short for %u x %u messages", clients, in_flight);
    } else {
        for (uint32_t i = 0; i < clients; i++) {
            echo->state[i].sent_ns = &echo->times[(size_t)i * in_flight];
        }
        clean = run(echo, bulk);
    }
    if (echo != NULL) {
        free(echo->state);
        free(echo->times);
    }
    free(echo);
    return clean;
}

bool bench_echo(struct bench *bench)
{
    const struct bench_options *o = &bench->options;

    unsigned pairs = o->in_flight.count > o->echo_clients.count ? o->in_flight.count : o->echo_clients.count;

    for (unsigned s = 0; s < o->sizes.count; s++) {
        for (unsigned i = 0; i < pairs; i++) {
            uint32_t clients = o->echo_clients.values[i < o->echo_clients.count ? i : 0];
            uint32_t in_flight = o->in_flight.values[i < o->in_flight.count ? i : 0];
            report_heading(&bench->report, "echo: %u bytes, %u client%s, %u in flight for each", o->sizes.values[s],
                           clients, clients == 1 ? "" : "s", in_flight);
            if (!run_with(bench, o->sizes.values[s], clients, in_flight, false)) {
                return false;
            }
        }
    }
    return true;
}

bool bench_echo_bulk(struct bench *bench, uint32_t size)
{
    uint32_t in_flight = 512 * 1024 / size;

    report_heading(&bench->report, "bulk both ways: messages of %u bytes, %u clients", size,
                   bench->options.bulk_clients);
    return run_with(bench, size, bench->options.bulk_clients, in_flight > 4 ? in_flight : 4, true);
}
