/* SPDX-License-Identifier: MIT */
/* ceiling [--seconds S] [--json FILE] [ROW...]: what a server of this kind costs at least on this machine, CPU time of
 * a server process on core 0 with its client on core 1. */
#define _GNU_SOURCE
#include "ceiling.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void give_up(const char *what)
{
    perror(what);
    exit(1);
}

double now_seconds(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double cpu_seconds_of(pid_t pid)
{
    struct timespec ts;
    clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
    if ((pid && clock_getcpuclockid(pid, &clock)) || clock_gettime(clock, &ts))
        give_up("CPU clock");
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Where there is one core, both share it. */
static void pin(unsigned core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* On the client's core the server runs when the client waits, and so finds everything at once that the client sent: the
 * load of a server that has no time to sleep between two messages, from a client that is slower than it. */
static void share_or_pin(bool same_core)
{
    pin(same_core ? 1 : 0);
    if (same_core)
        (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

static struct figures run(const struct load *load, double seconds)
{
    struct sockaddr_in address;
    struct figures out;
    int ready[2];
    if (pipe(ready))
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        share_or_pin(load->same_core);
        serve(load->task, ready[1]);
    }
    if (read(ready[0], &address, sizeof address) != sizeof address)
        give_up("server");
    (load->task == TASK_IDLE ? idle : drive)(load, &address, pid, seconds, &out);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return out;
}

static void row(FILE *file, const char *name, double value, const char *unit)
{
    static bool any;
    printf("%-24s %10.3f %s\n", name, value, unit);
    (void)fflush(stdout);
    if (file)
        (void)fprintf(file, "%s\n  {\"name\": \"%s\", \"value\": %.6f, \"unit\": \"%s\"}", any ? "," : "", name, value,
                      unit);
    any = true;
}

static void connects(FILE *file)
{
    struct primitives p;
    measure_primitives(&p);
    double sum = p.handshake + 9 * p.udp_receive + 8 * p.udp_send + 10 * p.seal_and_open / 2 + p.check;
    row(file, "handshake", p.handshake * 1e6, "us");
    row(file, "udp-send", p.udp_send * 1e6, "us");
    row(file, "udp-receive", p.udp_receive * 1e6, "us");
    row(file, "seal-and-open-128", p.seal_and_open * 1e6, "us");
    row(file, "check", p.check * 1e6, "us");
    row(file, "connect", sum * 1e6, "us"); /* dtls-and-limits.md: 9 datagrams in, 8 out, 10 records, a check */
}

static const struct {
    const char *name, *unit;
    double scale;
    struct load load;
} rows[] = {
    {"send", "ns/B", 1e9, {TASK_SEND, 1, 0, 1, false}},
    {"receive", "ns/B", 1e9, {TASK_RECEIVE, 1, 0, 1, false}},
    {"echo-one", "us", 1e6, {TASK_ECHO, 1, 1, 1, false}},
    {"echo", "us", 1e6, {TASK_ECHO, 64, 1, 1, true}},
    {"echo-bundled", "us", 1e6, {TASK_ECHO, 4, 8, BUNDLE, false}},
    {"idle", "%", 100, {TASK_IDLE, 1000, 0, 0, false}},
};

/* Nothing asked: everything. */
static bool is_asked(const char *name, char **asked)
{
    bool found = !*asked;
    for (; *asked; asked++)
        found |= strcmp(name, *asked) == 0;
    return found;
}

static void measure(double seconds, char **asked, FILE *file)
{
    if (is_asked("connect", asked)) {
        pin(0);
        connects(file);
    }
    pin(1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!is_asked(rows[i].name, asked))
            continue;
        struct figures figures = run(&rows[i].load, seconds);
        if (!(figures.count > 0))
            give_up(rows[i].name);
        row(file, rows[i].name, figures.cpu / figures.count * rows[i].scale, rows[i].unit);
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"seconds", required_argument, NULL, 's'}, {"json", required_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    double seconds = 2;
    FILE *file = NULL;
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        bool fine =
            (option == 's' && (seconds = atof(optarg)) > 0) || (option == 'j' && (file = fopen(optarg, "w")) != NULL);
        if (!fine)
            return fprintf(stderr, "usage: ceiling [--seconds S] [--json FILE] [ROW...]\n"), 2;
    }
    if (file)
        (void)fputs("{\"rows\": [", file);
    measure(seconds, argv + optind, file);
    if (file)
        (void)(fputs("\n]}\n", file), fclose(file));
    return 0;
}
