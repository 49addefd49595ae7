/* SPDX-License-Identifier: MIT */
/* The modes receive and send: large messages one way, as cli/bench_server.h arranges it with the server. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/bench_server.h"
#include "cli/clock.h"
#include "cli/exit_code.h"
#include "cli/say.h"

#define WARM_UP_NS 500000000u
#define CHECK_NS   50000000u /* how often it is looked whether anything still moves */

struct bulk_client {
    uint64_t messages; /* sent, or received */
    bool answered;     /* "wrd-bench count" */
};

struct bulk {
    struct bench *bench;
    bool to_server;
    uint32_t size, clients;
    struct bulk_client *state;
    char command[BENCH_REPLY_MAX];
    bool sending, asking;
    bool unchecked; /* a source whose bytes are its own */
    uint64_t wrong;
    char wrong_text[160];
    struct bench_failures ended;
    struct bench_snapshot begin, end;
    uint64_t begin_bytes, end_bytes;
    uint64_t moved_ns; /* when it was last seen to move */
    bool stalled;
};

/* ---- a client */

static void __attribute__((format(printf, 2, 3))) count_wrong(struct bulk *bulk, const char *format, ...)
{
    va_list arguments;

    if (bulk->wrong++ == 0) {
        va_start(arguments, format);
        vsnprintf(bulk->wrong_text, sizeof bulk->wrong_text, format, arguments);
        va_end(arguments);
    }
}

static void check_source(struct bulk *bulk, uint64_t number, const wrd_message *message)
{
    if (message->len != bulk->size) {
        count_wrong(bulk, "the server's messages are %zu bytes long instead of %u", message->len, bulk->size);
    } else if (!bulk->unchecked &&
               memcmp(message->data, bench_pattern_at(&bulk->bench->pattern, number), bulk->size) != 0) {
        if (number == 0) {
            bulk->unchecked = true;
        } else {
            count_wrong(bulk, "message %llu from the server has other bytes than it should, or came out of its turn",
                        (unsigned long long)number + 1);
        }
    }
}

static void check_count(struct bulk *bulk, struct bulk_client *state, const wrd_message *message)
{
    char expected[BENCH_REPLY_MAX];
    int len = snprintf(expected, sizeof expected, BENCH_COUNT " %llu %llu", (unsigned long long)state->messages,
                       (unsigned long long)state->messages * bulk->size);

    if (message->len != (size_t)len || memcmp(message->data, expected, message->len) != 0) {
        count_wrong(bulk, "the server counts other messages than the %llu (%llu bytes) that one client sent",
                    (unsigned long long)state->messages, (unsigned long long)state->messages * bulk->size);
    }
    state->answered = true;
}

static void on_opened(struct fleet *fleet, uint32_t index, void *user)
{
    struct bulk *bulk = user;

    if (wrd_client_send(fleet->clients[index].client, bulk->command, strlen(bulk->command)) != WRD_OK) {
        count_wrong(bulk, "the command to the server cannot be sent");
    }
}

static void on_ready(struct fleet *fleet, uint32_t index, void *user)
{
    struct bulk *bulk = user;
    struct bulk_client *state = &bulk->state[index];
    wrd_client *client = fleet->clients[index].client;
    wrd_message message;

    while (wrd_client_receive(client, &message) == WRD_OK) {
        if (bulk->to_server) {
            check_count(bulk, state, &message);
        } else {
            check_source(bulk, state->messages++, &message);
        }
        wrd_client_release(client);
    }
    while (bulk->sending &&
           wrd_client_send(client, bench_pattern_at(&bulk->bench->pattern, state->messages), bulk->size) == WRD_OK) {
        state->messages++;
    }
    if (bulk->asking && wrd_client_send(client, BENCH_COUNT, strlen(BENCH_COUNT)) != WRD_OK) {
        count_wrong(bulk, "the server cannot be asked what it counted");
    }
}

static void on_ended(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                     void *user)
{
    struct bulk *bulk = user;

    (void)fleet;
    (void)index;
    if (was == FLEET_OPEN) {
        bench_count_failure(&bulk->ended, reason, text);
    }
}

/* ---- all of them */

/* Bytes that wait or are under way. */
static uint64_t waiting(const struct bulk *bulk, const struct fleet *fleet)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; bulk->to_server && i < bulk->clients; i++) {
        if (fleet->clients[i].client != NULL) {
            bytes += wrd_client_buffered(fleet->clients[i].client);
        }
    }
    return bytes;
}

/* Bytes of messages that arrived: here, or there, as far as is known. */
static uint64_t arrived(const struct bulk *bulk, const struct fleet *fleet)
{
    uint64_t bytes = 0;
    uint64_t left = waiting(bulk, fleet);

    for (uint32_t i = 0; i < bulk->clients; i++) {
        bytes += bulk->state[i].messages * bulk->size;
    }
    return bytes > left ? bytes - left : 0; /* frames add a little to what waits */
}

static bool all_answered(const struct bulk *bulk)
{
    uint32_t i = 0;

    while (i < bulk->clients && bulk->state[i].answered) {
        i++;
    }
    return i == bulk->clients;
}

static bool is_broken(const struct bulk *bulk)
{
    return bulk->wrong > 0 || bench_failures_total(&bulk->ended) > 0;
}

enum until { UNTIL_TIME, UNTIL_ARRIVED, UNTIL_ANSWERED, UNTIL_MOVED };

/* False: it broke, the user has enough, or for UNTIL_TIME nothing moves any more; for the others, the time is up. */
static bool go_on(struct bulk *bulk, struct fleet *fleet, uint64_t until_ns, enum until until)
{
    struct bench *bench = bulk->bench;
    uint64_t checked_ns = clock_ns();
    uint64_t bytes = arrived(bulk, fleet);

    bulk->moved_ns = checked_ns;
    while (clock_ns() < until_ns) {
        if ((until == UNTIL_ARRIVED && waiting(bulk, fleet) == 0) || (until == UNTIL_ANSWERED && all_answered(bulk))) {
            return true;
        }
        if (!fleet_turn(fleet, until_ns < checked_ns + CHECK_NS ? until_ns : checked_ns + CHECK_NS)) {
            bench->interrupted = true;
            return false;
        }
        if (is_broken(bulk)) {
            return false;
        }
        if (fleet->now_ns - checked_ns >= CHECK_NS) {
            uint64_t now_bytes = arrived(bulk, fleet);
            checked_ns = fleet->now_ns;
            if (now_bytes != bytes && until == UNTIL_MOVED) {
                return true;
            }
            bulk->moved_ns = now_bytes != bytes ? checked_ns : bulk->moved_ns;
            bytes = now_bytes;
            report_progress(&bench->report, "bulk %s the server: %.0f MB", bulk->to_server ? "to" : "from",
                            (double)bytes / 1e6);
            if (checked_ns - bulk->moved_ns > BENCH_STALL_S * (uint64_t)BENCH_NS) {
                return false;
            }
        }
    }
    return until == UNTIL_TIME;
}

static void measure(struct bulk *bulk, struct fleet *fleet)
{
    struct bench *bench = bulk->bench;
    uint64_t seconds_ns = bench->options.seconds * (uint64_t)BENCH_NS;
    uint64_t warm_up = seconds_ns / 4 < WARM_UP_NS ? seconds_ns / 4 : WARM_UP_NS;

    bulk->sending = bulk->to_server;
    for (uint32_t i = 0; bulk->to_server && i < bulk->clients; i++) {
        fleet_touch(fleet, i);
    }
    bool well = go_on(bulk, fleet, clock_ns() + warm_up, UNTIL_TIME);
    bench_take_snapshot(bench, &bulk->begin);
    bulk->begin_bytes = arrived(bulk, fleet);
    well = well && go_on(bulk, fleet, bulk->begin.ns + seconds_ns, UNTIL_TIME);
    bench_take_snapshot(bench, &bulk->end);
    bulk->end_bytes = arrived(bulk, fleet);
    if (bulk->end.ns - bulk->moved_ns > 4 * CHECK_NS && bulk->moved_ns > bulk->begin.ns) {
        bulk->end.ns = bulk->moved_ns; /* what was measured until it stopped */
    }
    bulk->sending = false;
    bulk->stalled = !well || (!bulk->to_server &&
                              !go_on(bulk, fleet, clock_ns() + BENCH_STALL_S * (uint64_t)BENCH_NS, UNTIL_MOVED));
}

/* Lets what is under way arrive, and asks what the server got. */
static void settle(struct bulk *bulk, struct fleet *fleet, bool counts)
{
    uint64_t drain_ns = BENCH_DRAIN_S * (uint64_t)BENCH_NS;

    if (!go_on(bulk, fleet, clock_ns() + drain_ns, UNTIL_ARRIVED)) {
        bulk->stalled = true;
        return;
    }
    if (!counts) {
        say("this server does not count what it throws away: that all arrived is not checked");
        return;
    }
    bulk->asking = true;
    for (uint32_t i = 0; i < bulk->clients; i++) {
        fleet_touch(fleet, i);
    }
    bulk->asking = false;
    if (!go_on(bulk, fleet, clock_ns() + drain_ns, UNTIL_ANSWERED) && !is_broken(bulk)) {
        count_wrong(bulk, "the server does not say what it counted");
    }
}

static void report(const struct bulk *bulk)
{
    struct bench *bench = bulk->bench;
    double took_s = (double)(bulk->end.ns - bulk->begin.ns) / 1e9;
    double bytes = bulk->end_bytes > bulk->begin_bytes ? (double)(bulk->end_bytes - bulk->begin_bytes) : 0;
    char mode[REPORT_NAME_MAX];

    snprintf(mode, sizeof mode, "%s.%u", bulk->to_server ? "receive" : "send", bulk->size);
    report_row(&bench->report, mode, "failed", "messages lost or wrong", (double)bulk->wrong, "");
    if (bytes <= 0 || took_s <= 0) {
        return;
    }
    report_row(&bench->report, mode, "rate", bulk->to_server ? "received by the server" : "sent by the server",
               bytes / took_s, "B/s");
    if (bench_sees_server(bench)) {
        report_row(&bench->report, mode, "server_cpu", "server's CPU for a byte",
                   (double)(bulk->end.server.cpu_ns - bulk->begin.server.cpu_ns) / bytes, "ns/B");
    }
    bench_report_own(bench, mode, "our own CPU for a byte",
                     (double)(bulk->end.own.cpu_ns - bulk->begin.own.cpu_ns) / bytes, "ns/B");
    bench_report_busy(bench, mode, &bulk->begin, &bulk->end);
}

static void say_trouble(struct bulk *bulk)
{
    struct bench *bench = bulk->bench;

    if (bulk->wrong > 0) {
        bench_trouble(bench, EXIT_PROTOCOL, "%s", bulk->wrong_text);
    }
    bench_say_failures(bench, "connections that ended during the bulk", &bulk->ended);
    if (bulk->stalled && !is_broken(bulk) && !bench_is_over(bench)) {
        bench_say_stalled(bench, "the bulk stopped");
    }
    if (bulk->unchecked) {
        say("this server sends bytes of its own: only their lengths were checked");
    }
}

/* False: the run shall end. */
static bool run(struct bulk *bulk, bool counts)
{
    const struct fleet_work work = {.user = bulk, .opened = on_opened, .ready = on_ready, .ended = on_ended};
    struct bench *bench = bulk->bench;
    struct fleet fleet;
    bool clean = false;

    if (!bench_fleet_open(bench, &fleet, bulk->clients)) {
        return false;
    }
    if (bench_open_few(bench, &fleet, &work)) {
        measure(bulk, &fleet);
        if (bulk->to_server && !bulk->stalled && !bench_is_over(bench)) {
            settle(bulk, &fleet, counts);
        }
        report(bulk);
        say_trouble(bulk);
        clean = !bulk->stalled && !is_broken(bulk) && !bench_is_over(bench);
    }
    if (clean) {
        fleet_hang_up_all(&fleet, bench->options.at_once, BENCH_NS);
    }
    fleet_close(&fleet);
    return clean;
}

static bool run_with(struct bench *bench, bool to_server, uint32_t size, bool counts)
{
    struct bulk bulk = {.bench = bench, .to_server = to_server, .size = size, .clients = bench->options.bulk_clients};

    report_heading(&bench->report, "bulk %s the server: messages of %u bytes, %u client%s", to_server ? "to" : "from",
                   size, bulk.clients, bulk.clients == 1 ? "" : "s");
    if (to_server) {
        snprintf(bulk.command, sizeof bulk.command, BENCH_SINK);
    } else {
        snprintf(bulk.command, sizeof bulk.command, BENCH_SOURCE "%u", size);
    }
    bulk.state = calloc(bulk.clients, sizeof *bulk.state);
    if (bulk.state == NULL) {
        bench_trouble(bench, EXIT_TROUBLE, "memory is short for %u clients", bulk.clients);
        return false;
    }
    bool clean = run(&bulk, counts);
    free(bulk.state);
    return clean;
}

static void say_only_echoes(struct bench *bench)
{
    report_clear_progress(&bench->report);
    if (!bench->only_echoes) {
        say("this server only echoes: one-way bulk left out (wrd serve --bench has it)");
    }
    bench->only_echoes = true;
}

bool bench_receive(struct bench *bench)
{
    enum bench_probe probe = bench_probe(bench, BENCH_SINK, BENCH_COUNT, NULL);

    if (probe == BENCH_FAILED) {
        return false;
    }
    if (probe == BENCH_ECHOES) {
        say_only_echoes(bench);
        return true;
    }
    for (unsigned i = 0; i < bench->options.bulk_sizes.count; i++) {
        if (!run_with(bench, true, bench->options.bulk_sizes.values[i], probe == BENCH_ANSWERED)) {
            return false;
        }
    }
    return true;
}

bool bench_send(struct bench *bench)
{
    const struct bench_list *sizes = &bench->options.bulk_sizes;
    char command[BENCH_REPLY_MAX];

    for (unsigned i = 0; i < sizes->count; i++) {
        snprintf(command, sizeof command, BENCH_SOURCE "%u", sizes->values[i]);
        enum bench_probe probe = bench_probe(bench, command, NULL, NULL);
        if (probe == BENCH_ECHOES) {
            say_only_echoes(bench);
            return true;
        }
        if (probe == BENCH_SILENT) {
            bench_trouble(bench, EXIT_UNANSWERED, "the server sends nothing, though it was asked to (\"%s\")", command);
        }
        if (probe != BENCH_ANSWERED || !run_with(bench, false, sizes->values[i], false)) {
            return false;
        }
    }
    return true;
}
