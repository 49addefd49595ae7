/* SPDX-License-Identifier: MIT */
/* What the files of `wrd bench` share: the options, the run, and its modes. */
#ifndef WRD_CLI_BENCH_H
#define WRD_CLI_BENCH_H

#include "cli/bench_fleet.h"
#include "cli/bench_histogram.h"
#include "cli/bench_machine.h"
#include "cli/bench_pattern.h"
#include "cli/bench_report.h"

#define BENCH_LIST_MAX 8
#define BENCH_NS       1000000000u /* in a second */
#define BENCH_STALL_S  5           /* nothing comes for so long: the server has stopped */
#define BENCH_DRAIN_S  5           /* for what is still under way at the end */
#define BENCH_OPEN_S   9           /* for one client: less than a fleet has, so that each says why it is not open */

enum bench_mode {
    BENCH_CONNECTS = 1,
    BENCH_IDLE = 2,
    BENCH_ECHO = 4,
    BENCH_RECEIVE = 8, /* bulk, as the server sees it */
    BENCH_SEND = 16
};

struct bench_list {
    uint32_t values[BENCH_LIST_MAX];
    unsigned count;
};

struct bench_options {
    wrd_address address;
    char where[WRD_ADDR_TEXT_SIZE];
    unsigned modes;
    uint32_t clients, at_once, seconds, idle_seconds;
    struct bench_list sizes, in_flight, echo_clients, bulk_sizes;
    uint32_t bulk_clients;
    bool raw, progress, spin;
    int server_pid; /* 0: none */
    int cpu;        /* -1: any */
    const char *json, *token;
};

/* How many clients failed, by reason. */
struct bench_failures {
    uint32_t counts[FLEET_REASONS];
    const char *texts[FLEET_REASONS]; /* of the first each */
};

struct bench {
    struct bench_options options;
    wrd_client_options client_options;
    struct bench_report report;
    struct bench_pattern pattern;
    int stop; /* readable after Ctrl-C */
    bool interrupted;
    bool only_echoes;  /* the server knows no commands (cli/bench_server.h) */
    bool server_ended; /* the process of --server-pid */
    int code;          /* the exit code: of the first trouble */
};

/* ---- options (bench_options.c) */

/* True when the command shall run; otherwise `*code` is its exit code. */
bool bench_read_options(struct bench_options *options, int argc, char **argv, int *code);
/* Seconds that the run takes at most when the server answers, and about. */
uint32_t bench_seconds_bound(const struct bench_options *options, bool at_most);

/* ---- the run (bench_run.c) */

/* Says what went wrong; the first trouble is the exit code. */
void bench_trouble(struct bench *bench, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int bench_code_of(wrd_result reason);
void bench_count_failure(struct bench_failures *failures, wrd_result reason, const char *text);
uint32_t bench_failures_total(const struct bench_failures *failures);
/* Says `what` and how many for which reason; nothing when there are none. */
void bench_say_failures(struct bench *bench, const char *what, const struct bench_failures *failures);

struct bench_snapshot {
    uint64_t ns;
    struct usage own, server;
};
/* Says so when the server's process has ended. */
void bench_take_snapshot(struct bench *bench, struct bench_snapshot *out);
/* Our own CPU in `mode`, which says nothing, and is left out, when we spin. */
void bench_report_own(struct bench *bench, const char *mode, const char *text, double value, const char *unit);
/* How much of a core we took ourselves, since a bench that is busy all the time measures itself. The same holds. */
void bench_report_busy(struct bench *bench, const char *mode, const struct bench_snapshot *begin,
                       const struct bench_snapshot *end);
bool bench_sees_server(const struct bench *bench); /* its CPU and memory are known */

/* How the clients of a fleet opened. */
struct bench_opening {
    struct bench *bench;
    struct fleet_work work; /* told of clients that are open */
    struct histogram times;
    struct bench_failures failures;
    uint32_t dialed, opened, failed_in_row;
    uint64_t first_ns, last_ns;
};

/* A fleet for the options' server. False with a sentence said. */
bool bench_fleet_open(struct bench *bench, struct fleet *fleet, uint32_t clients);
/* Dials with all clients of the fleet, at_once at a time. False: not all are open; `opening` says why, and nothing has
 * been said. */
bool bench_open_all(struct bench *bench, struct fleet *fleet, struct bench_opening *opening,
                    const struct fleet_work *work);
/* The same, and says what failed. */
bool bench_open_few(struct bench *bench, struct fleet *fleet, const struct fleet_work *work);
/* Dials once more, to tell why nothing comes any more. `what` begins the sentence. */
void bench_say_stalled(struct bench *bench, const char *what);
/* Interrupted, or the server's process has ended. */
bool bench_is_over(const struct bench *bench);

/* ---- probes (bench_probe.c) */

enum bench_probe {
    BENCH_FAILED,   /* and said why */
    BENCH_ECHOES,   /* the command came back */
    BENCH_SILENT,   /* nothing came within BENCH_STALL_S */
    BENCH_ANSWERED, /* something else came */
};

/* Connects, sends `command` (NULL: nothing, and it is SILENT), and tells what the server makes of it. `more` (may be
 * NULL) follows right behind. `*len` (may be NULL) is the length of the answer. */
enum bench_probe bench_probe(struct bench *bench, const char *command, const char *more, size_t *len);

/* ---- modes. False: the run shall end here. */

bool bench_clients(struct bench *bench, unsigned modes); /* connects and idle */
bool bench_echo(struct bench *bench);
bool bench_receive(struct bench *bench);
bool bench_send(struct bench *bench);

/* Bulk both ways, for a server that only echoes. */
bool bench_echo_bulk(struct bench *bench, uint32_t size);

#endif
