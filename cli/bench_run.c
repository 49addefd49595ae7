/* SPDX-License-Identifier: MIT */
/* What the modes of a bench share: trouble, snapshots, opening clients. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/clock.h"
#include "cli/exit_code.h"
#include "cli/say.h"

#define OPEN_SECONDS    10 /* plus one for each OPEN_PER_SECOND clients: then those not open count as failed */
#define OPEN_PER_SECOND 50
#define DIALS_A_TURN    4  /* so that answers do not wait for all of them */
#define IN_A_ROW        20 /* plus at_once: so many failures one after the other, and the rest is not tried */

/* ---- trouble */

void bench_trouble(struct bench *bench, int code, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report_clear_progress(&bench->report);
    say("%s", text);
    if (bench->code == EXIT_DONE) {
        bench->code = code;
    }
}

int bench_code_of(wrd_result reason)
{
    switch (reason) {
    case WRD_TIMEOUT: return EXIT_TIMEOUT;
    case WRD_REFUSED: return EXIT_REFUSED;
    case WRD_MISMATCH: return EXIT_MISMATCH;
    case WRD_PROTOCOL:
    case WRD_TOO_LARGE: return EXIT_PROTOCOL;
    case WRD_OK:
    case WRD_CLOSED:
    case WRD_GONE:
    case WRD_LOST: return EXIT_LOST;
    case WRD_AGAIN:
    case WRD_INVALID:
    case WRD_NO_MEMORY:
    case WRD_SYSTEM: break;
    }
    return EXIT_TROUBLE;
}

void bench_count_failure(struct bench_failures *failures, wrd_result reason, const char *text)
{
    unsigned at = reason <= 0 && reason > -FLEET_REASONS ? (unsigned)-reason : 0;

    if (failures->counts[at]++ == 0) {
        failures->texts[at] = text;
    }
}

uint32_t bench_failures_total(const struct bench_failures *failures)
{
    uint32_t total = 0;

    for (unsigned i = 0; i < FLEET_REASONS; i++) {
        total += failures->counts[i];
    }
    return total;
}

void bench_say_failures(struct bench *bench, const char *what, const struct bench_failures *failures)
{
    for (unsigned i = 0; i < FLEET_REASONS; i++) {
        if (failures->counts[i] > 0) {
            bench_trouble(bench, bench_code_of((wrd_result) - (int)i), "%s: %u, %s", what, failures->counts[i],
                          failures->texts[i]);
        }
    }
    if (failures->counts[-WRD_TIMEOUT] > 0 && failures->counts[-WRD_REFUSED] == 0) {
        fputs("A server may limit how many one address opens, as wrd serve does without --bench.\n", stderr);
    }
}

void bench_take_snapshot(struct bench *bench, struct bench_snapshot *out)
{
    memset(out, 0, sizeof *out);
    out->ns = clock_ns();
    (void)machine_usage(&out->own, 0);
    if (bench_sees_server(bench) && !machine_usage(&out->server, bench->options.server_pid)) {
        bench->server_ended = true;
        bench_trouble(bench, EXIT_LOST, "the process %d of --server-pid has ended", bench->options.server_pid);
    }
}

void bench_report_own(struct bench *bench, const char *mode, const char *text, double value, const char *unit)
{
    if (!bench->options.spin) {
        report_row(&bench->report, mode, "client_cpu", text, value, unit);
    }
}

void bench_report_busy(struct bench *bench, const char *mode, const struct bench_snapshot *begin,
                       const struct bench_snapshot *end)
{
    uint64_t took = end->ns > begin->ns ? end->ns - begin->ns : 1;

    if (bench->options.spin) {
        return;
    }
    report_row(&bench->report, mode, "client_busy", "our own process was busy (100: the server can do more)",
               100.0 * (double)(end->own.cpu_ns - begin->own.cpu_ns) / (double)took, "%");
}

bool bench_sees_server(const struct bench *bench)
{
    return bench->options.server_pid != 0 && !bench->server_ended;
}

bool bench_is_over(const struct bench *bench)
{
    return bench->interrupted || bench->server_ended;
}

/* ---- opening */

bool bench_fleet_open(struct bench *bench, struct fleet *fleet, uint32_t clients)
{
    if (!fleet_open(fleet, &bench->options.address, &bench->client_options, clients, bench->stop)) {
        bench->code = bench->code == EXIT_DONE ? EXIT_TROUBLE : bench->code;
        return false;
    }
    fleet->spins = bench->options.spin;
    return true;
}

static void on_opened(struct fleet *fleet, uint32_t index, void *user)
{
    struct bench_opening *opening = user;

    opening->last_ns = clock_ns();
    histogram_add(&opening->times, opening->last_ns - fleet->clients[index].dialed_ns);
    opening->opened++;
    opening->failed_in_row = 0;
    if (opening->work.opened != NULL) {
        opening->work.opened(fleet, index, opening->work.user);
    }
}

static void on_ready(struct fleet *fleet, uint32_t index, void *user)
{
    struct bench_opening *opening = user;

    if (opening->work.ready != NULL) {
        opening->work.ready(fleet, index, opening->work.user);
    }
}

static void on_ended(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                     void *user)
{
    struct bench_opening *opening = user;

    if (was == FLEET_OPENING) {
        bench_count_failure(&opening->failures, reason, text);
        opening->failed_in_row++;
    } else if (opening->work.ended != NULL) {
        opening->work.ended(fleet, index, was, reason, text, opening->work.user);
    }
}

static bool may_dial(const struct bench *bench, const struct fleet *fleet, const struct bench_opening *opening)
{
    return opening->dialed < fleet->capacity && fleet->counts[FLEET_OPENING] < bench->options.at_once;
}

/* Dials some of those that may be under way. False: the system gives no more sockets, which has been said. */
static bool dial_some(struct bench *bench, struct fleet *fleet, struct bench_opening *opening)
{
    const char *why;

    for (unsigned i = 0; i < DIALS_A_TURN && may_dial(bench, fleet, opening); i++) {
        wrd_result result = fleet_dial(fleet, opening->dialed, &why);
        if (result != WRD_OK) {
            bench_trouble(bench, EXIT_TROUBLE, "client %u cannot dial: %s (%s)", opening->dialed + 1, why,
                          result == WRD_SYSTEM ? strerror(errno) : wrd_result_text(result));
            return false;
        }
        opening->dialed++;
    }
    return true;
}

static bool open_all(struct bench *bench, struct fleet *fleet, struct bench_opening *opening)
{
    uint64_t seconds = OPEN_SECONDS + fleet->capacity / OPEN_PER_SECOND;
    uint64_t until = opening->first_ns + seconds * BENCH_NS;
    uint32_t most_in_row = bench->options.at_once + IN_A_ROW;

    while (opening->dialed < fleet->capacity || fleet->counts[FLEET_OPENING] > 0) {
        if (!dial_some(bench, fleet, opening)) {
            return false;
        }
        if (!fleet_turn(fleet, may_dial(bench, fleet, opening) ? 0 : until)) {
            bench->interrupted = true;
            return false;
        }
        report_progress(&bench->report, "%u of %u clients open, %u failed", opening->opened, fleet->capacity,
                        bench_failures_total(&opening->failures));
        if (opening->failed_in_row >= most_in_row || fleet->now_ns >= until) {
            break;
        }
    }
    if (opening->failed_in_row >= most_in_row) {
        bench_trouble(bench, EXIT_LOST, "%u clients failed one after the other: gave up with %u of %u open",
                      opening->failed_in_row, opening->opened, fleet->capacity);
    }
    for (uint32_t i = 0; opening->failed_in_row < most_in_row && i < fleet->counts[FLEET_OPENING]; i++) {
        bench_count_failure(&opening->failures, WRD_TIMEOUT, "they did not open in the time that the bench gives");
    }
    return opening->opened == fleet->capacity;
}

bool bench_open_all(struct bench *bench, struct fleet *fleet, struct bench_opening *opening,
                    const struct fleet_work *work)
{
    memset(opening, 0, sizeof *opening);
    opening->bench = bench;
    opening->work = *work;
    fleet->work = (struct fleet_work){.user = opening, .opened = on_opened, .ready = on_ready, .ended = on_ended};
    opening->first_ns = clock_ns();
    opening->last_ns = opening->first_ns;
    bool all = open_all(bench, fleet, opening);
    fleet->work = *work;
    return all;
}

bool bench_open_few(struct bench *bench, struct fleet *fleet, const struct fleet_work *work)
{
    struct bench_opening opening;

    if (bench_open_all(bench, fleet, &opening, work)) {
        return true;
    }
    if (!bench->interrupted) {
        bench_say_failures(bench, "clients that could not open", &opening.failures);
        if (bench_failures_total(&opening.failures) == 0) {
            bench_trouble(bench, EXIT_LOST, "not all clients are open");
        }
    }
    return false;
}

/* ---- a server that falls silent */

void bench_say_stalled(struct bench *bench, const char *what)
{
    struct fleet fleet;
    struct bench_opening opening;
    struct fleet_work none = {0};
    const char *state = "and a new connection does not open";

    if (!bench_fleet_open(bench, &fleet, 1)) {
        return;
    }
    if (bench_open_all(bench, &fleet, &opening, &none)) {
        state = "though it takes new connections";
    } else if (opening.failures.counts[-WRD_REFUSED] > 0) {
        state = "and nobody listens on its port any more: it has ended";
    }
    fleet_close(&fleet);
    bench_trouble(bench, EXIT_UNANSWERED, "%s, %s", what, state);
}
