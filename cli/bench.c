/* SPDX-License-Identifier: MIT */
/*
 * wrd bench: a server under the load of many native clients. bench_fleet.c drives them, bench_clients.c, bench_echo.c
 * and bench_bulk.c are the modes, bench_report.c prints what they find. bench_server.h is what a server may have for
 * this.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/bench_server.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/token_text.h"

#define FILES_BESIDES 32 /* open files that are no client's */

/* ---- before */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t largest(const struct bench_list *list)
{
    uint32_t found = 0;

    for (unsigned i = 0; i < list->count; i++) {
        found = larger(found, list->values[i]);
    }
    return found;
}

static uint32_t most_clients(const struct bench_options *o)
{
    uint32_t clients = (o->modes & (BENCH_CONNECTS | BENCH_IDLE)) != 0 ? o->clients : 1;

    clients = larger(clients, (o->modes & BENCH_ECHO) != 0 ? largest(&o->echo_clients) : 0);
    return larger(clients, (o->modes & (BENCH_RECEIVE | BENCH_SEND)) != 0 ? o->bulk_clients : 0);
}

/* Whether this machine can do it at all; else says why not. */
static bool has_room(const struct bench_options *o)
{
    uint32_t clients = most_clients(o);
    size_t files = machine_open_files(clients + FILES_BESIDES);
    size_t ports = machine_ports();

    if (files < clients + FILES_BESIDES) {
        say("%u clients need as many open files, but this process may open %zu, which is enough for %zu clients. Ask "
            "for "
            "fewer, or raise the hard limit (ulimit -Hn; LimitNOFILE in systemd).",
            clients, files, files > FILES_BESIDES ? files - FILES_BESIDES : 0);
        return false;
    }
    if (ports < clients) {
        say("%u clients need as many UDP ports, but this machine gives %zu. Ask for fewer, or widen "
            "net.ipv4.ip_local_port_range (sysctl).",
            clients, ports);
        return false;
    }
    return true;
}

/* A long run should not end with a file that cannot be written. */
static bool can_write(const char *path)
{
    if (strcmp(path, "-") == 0) {
        return true;
    }
    FILE *file = fopen(path, "a");
    if (file == NULL) {
        say("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    fclose(file);
    return true;
}

static int prepare(struct bench *bench)
{
    const struct bench_options *o = &bench->options;
    struct usage usage;

    if (o->server_pid != 0 && !machine_usage(&usage, o->server_pid)) {
        say("--server-pid %d: there is no such process on this machine", o->server_pid);
        return EXIT_USAGE;
    }
    if (o->cpu >= 0 && !machine_pin(o->cpu)) {
        say("--cpu %d: %s", o->cpu, errno == EINVAL ? "this machine has no such core to give" : strerror(errno));
        return EXIT_USAGE;
    }
    if (!has_room(o) || (o->json != NULL && !can_write(o->json))) {
        return EXIT_TROUBLE;
    }
    bench->stop = stop_open();
    if (bench->stop < 0) {
        say("cannot catch signals: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    uint32_t size = larger(largest(&o->sizes), largest(&o->bulk_sizes));
    if (bench_pattern_open(&bench->pattern, size) != 0) {
        say("memory is short for messages of %u bytes", size);
        return EXIT_TROUBLE;
    }
    wrd_client_options_init(&bench->client_options);
    bench->client_options.endpoint.mode = o->raw ? WRD_RAW : WRD_FRAMED;
    bench->client_options.endpoint.handshake_timeout = BENCH_OPEN_S * WRD_SECOND;
    bench->client_options.token = o->token;
    token_warn(o->token);
    bench->report.quiet = o->json != NULL && strcmp(o->json, "-") == 0;
    bench->report.terminal = isatty(STDERR_FILENO) == 1;
    bench->report.progress = bench->report.terminal || o->progress;
    return EXIT_DONE;
}

/* ---- the run */

/* Whether messages come back at all. */
static bool does_echo(struct bench *bench)
{
    switch (bench_probe(bench, BENCH_COMMAND "echo", NULL, NULL)) {
    case BENCH_ECHOES: return true;
    case BENCH_SILENT:
        bench_trouble(bench, EXIT_UNANSWERED,
                      "%s takes messages and sends none back: is it an echo server, and do both sides agree on --raw?",
                      bench->options.where);
        return false;
    case BENCH_ANSWERED:
        bench_trouble(bench, EXIT_PROTOCOL,
                      "%s answers with something else than was sent: is it an echo server, and do both sides agree on "
                      "--raw?",
                      bench->options.where);
        return false;
    case BENCH_FAILED: break;
    }
    return false;
}

static bool echo_bulk(struct bench *bench)
{
    for (unsigned i = 0; i < bench->options.bulk_sizes.count; i++) {
        if (!bench_echo_bulk(bench, bench->options.bulk_sizes.values[i])) {
            return false;
        }
    }
    return true;
}

/* Connects and idle come first, while the server's memory is as it started. */
static void run_modes(struct bench *bench)
{
    unsigned modes = bench->options.modes;

    if (bench_probe(bench, NULL, NULL, NULL) == BENCH_FAILED) {
        return;
    }
    if ((modes & (BENCH_CONNECTS | BENCH_IDLE)) != 0 && !bench_clients(bench, modes)) {
        return;
    }
    if ((modes & (BENCH_ECHO | BENCH_RECEIVE | BENCH_SEND)) != 0 && !does_echo(bench)) {
        return;
    }
    if (((modes & BENCH_ECHO) != 0 && !bench_echo(bench)) || ((modes & BENCH_RECEIVE) != 0 && !bench_receive(bench)) ||
        ((modes & BENCH_SEND) != 0 && !bench_send(bench))) {
        return;
    }
    if (bench->only_echoes) {
        (void)echo_bulk(bench);
    }
}

static int run(struct bench *bench)
{
    const struct bench_options *o = &bench->options;

    if (bench->report.progress) {
        say("this takes about %u s, at most %u", bench_seconds_bound(o, false), bench_seconds_bound(o, true));
    }
    run_modes(bench);
    report_clear_progress(&bench->report);
    int code = bench->interrupted ? EXIT_INTERRUPTED : bench->code;
    if (o->json != NULL && !report_write_json(&bench->report, o, code, o->json) && code == EXIT_DONE) {
        code = EXIT_TROUBLE;
    }
    if (ferror(stdout) && code == EXIT_DONE) {
        say("cannot write to stdout");
        code = EXIT_TROUBLE;
    }
    return code;
}

int bench_main(int argc, char **argv)
{
    static struct bench bench;
    int code;

    if (!bench_read_options(&bench.options, argc, argv, &code)) {
        return code;
    }
    code = prepare(&bench);
    if (code == EXIT_DONE) {
        code = run(&bench);
    }
    report_free(&bench.report);
    bench_pattern_close(&bench.pattern);
    return code;
}
