/* SPDX-License-Identifier: MIT */
/* The modes connects and idle: many clients that do nothing but be there. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/clock.h"
#include "cli/exit_code.h"

#define CLOSE_S 5
#define ALONE   20 /* clients that open one after the other, in so many seconds: */
#define ALONE_S 10

struct clients {
    struct bench *bench;
    struct bench_failures lost; /* ended by themselves after they were open */
    uint32_t unconfirmed;       /* closed by us, and the server did not answer that */
    struct bench_snapshot before, open, idle, end, closed;
};

static void on_ended(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                     void *user)
{
    struct clients *clients = user;

    (void)fleet;
    (void)index;
    if (was == FLEET_OPEN) {
        bench_count_failure(&clients->lost, reason, text);
    } else if (was == FLEET_CLOSING) {
        clients->unconfirmed += reason != WRD_OK;
    }
}

/* Messages that nobody asked for would fill the window. */
static void on_ready(struct fleet *fleet, uint32_t index, void *user)
{
    wrd_message message;

    (void)user;
    while (wrd_client_receive(fleet->clients[index].client, &message) == WRD_OK) {
        wrd_client_release(fleet->clients[index].client);
    }
}

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void report_connects(struct bench *bench, const struct bench_opening *opening, const struct clients *clients)
{
    struct bench_report *report = &bench->report;
    const struct histogram *times = &opening->times;
    double count = opening->opened > 0 ? opening->opened : 1;
    double took_s = (double)(opening->last_ns - opening->first_ns) / 1e9;

    report_row(report, "connects", "opened", "clients that opened", opening->opened, "");
    report_row(report, "connects", "failed", "clients that failed or were given up",
               bench->options.clients - opening->opened, "");
    if (opening->opened == 0) {
        return;
    }
    report_row(report, "connects", "rate", "connects", took_s > 0 ? opening->opened / took_s : 0, "1/s");
    report_row(report, "connects", "open_p50", "time to open, median", us(histogram_quantile(times, 0.5)), "us");
    report_row(report, "connects", "open_p99", "time to open, 99 % are below", us(histogram_quantile(times, 0.99)),
               "us");
    report_row(report, "connects", "open_max", "time to open, longest", us(times->max), "us");
    if (bench_sees_server(bench)) {
        report_row(report, "connects", "server_cpu", "server's CPU for a connect",
                   us(clients->open.server.cpu_ns - clients->before.server.cpu_ns) / count, "us");
    }
    bench_report_own(bench, "connects", "our own CPU for a connect",
                     us(clients->open.own.cpu_ns - clients->before.own.cpu_ns) / count, "us");
    bench_report_busy(bench, "connects", &clients->before, &clients->open);
}

/* One after the other: what a connection takes when neither side is busy with others. False: not all opened, which has
 * been said. */
static bool open_alone(struct bench *bench)
{
    static struct bench_opening opening; /* large */
    const struct fleet_work none = {0};
    struct histogram *times = calloc(1, sizeof *times);
    uint64_t until = clock_ns() + ALONE_S * (uint64_t)BENCH_NS;
    bool all = times != NULL;

    for (unsigned i = 0; all && i < ALONE && i < bench->options.clients && clock_ns() < until; i++) {
        struct fleet fleet;
        if (!bench_fleet_open(bench, &fleet, 1)) {
            all = false;
            break;
        }
        all = bench_open_all(bench, &fleet, &opening, &none);
        bench_say_failures(bench, "clients that could not open", &opening.failures);
        if (all) {
            histogram_add(times, opening.times.max);
        }
        fleet_hang_up_all(&fleet, 1, BENCH_NS);
        fleet_close(&fleet);
    }
    if (all) {
        report_row(&bench->report, "connects", "alone_p50", "time to open one at a time, median",
                   us(histogram_quantile(times, 0.5)), "us");
        report_row(&bench->report, "connects", "alone_max", "time to open one at a time, longest", us(times->max),
                   "us");
    }
    free(times);
    return all;
}

/* Of one core, for 1000 clients. */
static double percent(uint64_t cpu_ns, uint64_t wall_ns, double clients)
{
    return wall_ns > 0 && clients > 0 ? 100.0 * (double)cpu_ns / (double)wall_ns * 1000.0 / clients : 0;
}

static double memory_each(uint64_t before, uint64_t after, double clients)
{
    return clients > 0 ? ((double)after - (double)before) / clients : 0;
}

static void report_idle(struct bench *bench, double open, const struct clients *clients)
{
    struct bench_report *report = &bench->report;
    uint64_t took = clients->idle.ns - clients->open.ns;

    report_row(report, "idle", "clients", "clients that were held open", open, "");
    report_row(report, "idle", "lost", "of those, lost meanwhile", bench_failures_total(&clients->lost), "");
    if (open == 0) {
        return;
    }
    if (bench_sees_server(bench)) {
        report_row(report, "idle", "server_memory", "server's memory (RSS) for each",
                   memory_each(clients->before.server.memory, clients->idle.server.memory, open), "B");
        report_row(report, "idle", "server_cpu", "server's CPU for 1000 clients, of a core",
                   percent(clients->idle.server.cpu_ns - clients->open.server.cpu_ns, took, open), "%");
    }
    report_row(report, "idle", "client_memory", "our own memory (RSS) for each",
               memory_each(clients->before.own.memory, clients->idle.own.memory, open), "B");
    bench_report_own(bench, "idle", "our own CPU for 1000 clients, of a core",
                     percent(clients->idle.own.cpu_ns - clients->open.own.cpu_ns, took, open), "%");
}

/* Holds what is open until the time is over or nobody is left. */
static void hold(struct bench *bench, struct fleet *fleet, const struct clients *clients)
{
    uint64_t until = clients->open.ns + (uint64_t)bench->options.idle_seconds * BENCH_NS;

    while (clock_ns() < until && fleet->counts[FLEET_OPEN] > 0) {
        if (!fleet_turn(fleet, until)) {
            bench->interrupted = true;
            return;
        }
        report_progress(&bench->report, "%u idle clients, %u s left", fleet->counts[FLEET_OPEN],
                        (unsigned)(until > fleet->now_ns ? (until - fleet->now_ns) / BENCH_NS : 0));
    }
}

static void close_all(struct bench *bench, struct fleet *fleet, struct clients *clients, bool measured)
{
    uint32_t open = fleet->counts[FLEET_OPEN];

    report_progress(&bench->report, "closing %u clients", open);
    fleet_hang_up_all(fleet, bench->options.at_once, CLOSE_S * (uint64_t)BENCH_NS + open * 1000000u);
    bench_take_snapshot(bench, &clients->closed);
    if (measured && open > 0) {
        report_heading(&bench->report, "close: %u clients", open);
        report_row(&bench->report, "close", "unconfirmed", "closes that the server did not confirm",
                   clients->unconfirmed, "");
        if (bench_sees_server(bench)) {
            report_row(&bench->report, "close", "server_cpu", "server's CPU to close one",
                       us(clients->closed.server.cpu_ns - clients->end.server.cpu_ns) / open, "us");
        }
    }
    if (open > 0 && clients->unconfirmed == open && !bench_is_over(bench)) {
        bench_say_stalled(bench, "the server confirmed the end of no connection");
    }
}

static void run(struct bench *bench, struct fleet *fleet, struct clients *clients, unsigned modes)
{
    const struct fleet_work work = {.user = clients, .ready = on_ready, .ended = on_ended};
    static struct bench_opening opening; /* large */

    bench_take_snapshot(bench, &clients->before);
    (void)bench_open_all(bench, fleet, &opening, &work);
    bench_take_snapshot(bench, &clients->open);
    if ((modes & BENCH_CONNECTS) != 0) {
        report_connects(bench, &opening, clients);
    }
    bench_say_failures(bench, "clients that could not open", &opening.failures);
    uint32_t open = fleet->counts[FLEET_OPEN];
    if ((modes & BENCH_IDLE) != 0 && open > 0 && !bench_is_over(bench)) {
        report_heading(&bench->report, "idle: %u clients for %u s", open, bench->options.idle_seconds);
        hold(bench, fleet, clients);
        bench_take_snapshot(bench, &clients->idle);
        report_idle(bench, open, clients);
    }
    bench_take_snapshot(bench, &clients->end);
    close_all(bench, fleet, clients, (modes & BENCH_CONNECTS) != 0);
}

bool bench_clients(struct bench *bench, unsigned modes)
{
    struct clients clients = {.bench = bench};
    struct fleet fleet;

    if (!bench_fleet_open(bench, &fleet, bench->options.clients)) {
        return false;
    }
    if ((modes & BENCH_CONNECTS) != 0) {
        report_heading(&bench->report, "connects: %u clients, %u at once", bench->options.clients,
                       bench->options.at_once);
        if (!open_alone(bench)) {
            fleet_close(&fleet);
            return false;
        }
    }
    run(bench, &fleet, &clients, modes);
    fleet_close(&fleet);
    bench_say_failures(bench, "clients that were lost", &clients.lost);
    return !bench_is_over(bench) && bench_failures_total(&clients.lost) == 0;
}
