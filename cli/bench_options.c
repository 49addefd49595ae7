/* SPDX-License-Identifier: MIT */
/* The command line of `wrd bench`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/bench_server.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "wrd/frame.h"

#define SECONDS_MAX   3600
#define CLIENTS_MAX   60000
#define IN_FLIGHT_MAX 4096 /* BENCH_PATTERN_STARTS: among those no two messages are alike */
#define AT_ONCE_MAX   10000

static const char help[] =
    "wrd bench ADDRESS [MODE...]\n"
    "wrd bench IP:PORT FINGERPRINT [MODE...]\n"
    "\n"
    "Measures a server of this kind under the load of native clients, all in this one process and thread. ADDRESS is\n"
    "what `wrd serve` prints. Without a MODE all are run:\n"
    "\n"
    "  connects  opens --clients connections, --at-once at a time, and closes them: connects/s, time to open\n"
    "  idle      holds --clients connections for --idle-seconds: CPU of each, and memory, of a server that has just\n"
    "            started (what one had already is used again)\n"
    "  echo      sends messages that the server sends back; every byte is checked: messages/s, latency\n"
    "  receive   sends the server as much as it takes\n"
    "  send      takes as much as the server sends\n"
    "\n"
    "The last two need `wrd serve --bench`; of a server that only echoes bulk both ways is measured instead.\n"
    "\n"
    "  --clients N           for connects and idle; default 1000\n"
    "  --at-once N           how many of them may be opening at a time; default 64\n"
    "  --idle-seconds N      how long idle holds; default 10\n"
    "  --seconds N           how long each measurement of the other modes goes on; default 3\n"
    "  --size N,...          bytes of echoed messages; default 100\n"
    "  --in-flight N,...     messages that each client keeps under way; default 1,64\n"
    "  --echo-clients N,...  clients for each of those; default 1,4: one with 1, then four with 64\n"
    "  --bulk-size N,...     bytes of the messages of receive and send; default 16384\n"
    "  --bulk-clients N      clients for these; default 4\n"
    "  --raw                 messages are data-channel messages as they are; as the server does\n"
    "  --token TOKEN         for a server that asks for one\n"
    "  --server-pid PID      the server's process on this machine: its CPU and memory are measured, too\n"
    "  --cpu N               run on this core only\n"
    "  --spin                never sleep: the server does not pay for waking us, and latency is without our wake-up.\n"
    "                        It takes a core, not the server's, all the time; our own CPU is not told then\n"
    "  --json FILE           write all figures there, too; - is stdout, without the table\n"
    "  --progress            say on stderr how it goes, also when that is no terminal\n"
    "\n"
    "Exit codes:\n"
    "  0    everything was measured, nothing was lost\n"
    "  1    trouble on this machine: open files, ports, memory or stdout\n"
    "  2    wrong command line or address\n"
    "  3    connections did not open in time\n"
    "  4    refused: the host says that nobody listens on that port\n"
    "  5    mismatch: the server has another certificate than the fingerprint names\n"
    "  6    connections were lost, or the server ended\n"
    "  7    an answer was wrong, or cannot be read: do both sides agree on --raw?\n"
    "  8    the server stopped answering\n"
    "  130  interrupted by Ctrl-C, SIGTERM or SIGHUP\n"
    "With another code than 0 what was measured until then is printed all the same.\n";

enum {
    OPT_CLIENTS = 1000,
    OPT_AT_ONCE,
    OPT_SECONDS,
    OPT_IDLE_SECONDS,
    OPT_SIZE,
    OPT_IN_FLIGHT,
    OPT_ECHO_CLIENTS,
    OPT_BULK_SIZE,
    OPT_BULK_CLIENTS,
    OPT_RAW,
    OPT_TOKEN,
    OPT_SERVER_PID,
    OPT_CPU,
    OPT_SPIN,
    OPT_JSON,
    OPT_PROGRESS
};

static const struct option long_options[] = {
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"at-once", required_argument, NULL, OPT_AT_ONCE},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"idle-seconds", required_argument, NULL, OPT_IDLE_SECONDS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"in-flight", required_argument, NULL, OPT_IN_FLIGHT},
    {"echo-clients", required_argument, NULL, OPT_ECHO_CLIENTS},
    {"bulk-size", required_argument, NULL, OPT_BULK_SIZE},
    {"bulk-clients", required_argument, NULL, OPT_BULK_CLIENTS},
    {"raw", no_argument, NULL, OPT_RAW},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"server-pid", required_argument, NULL, OPT_SERVER_PID},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"spin", no_argument, NULL, OPT_SPIN},
    {"json", required_argument, NULL, OPT_JSON},
    {"progress", no_argument, NULL, OPT_PROGRESS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* ---- values */

/* A number, up to the comma or the end, behind which `*rest` is. */
static bool read_part(uint32_t *out, const char *text, uint32_t min, uint32_t max, const char **rest)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || (*end != '\0' && *end != ',') || value < min || value > max) {
        return false;
    }
    *out = (uint32_t)value;
    *rest = end;
    return true;
}

static bool read_number(uint32_t *out, const char *name, const char *text, uint32_t min, uint32_t max)
{
    const char *rest;

    if (!read_part(out, text, min, max, &rest) || *rest != '\0') {
        usage_error("bench", "--%s %s: expected a whole number from %u to %u", name, text, min, max);
        return false;
    }
    return true;
}

static bool read_list(struct bench_list *out, const char *name, const char *text, uint32_t min, uint32_t max)
{
    const char *rest = text;

    for (out->count = 0; out->count < BENCH_LIST_MAX; rest++) {
        if (!read_part(&out->values[out->count++], rest, min, max, &rest)) {
            break;
        }
        if (*rest == '\0') {
            return true;
        }
    }
    usage_error("bench", "--%s %s: expected up to %d whole numbers from %u to %u, with commas between them", name, text,
                BENCH_LIST_MAX, min, max);
    return false;
}

static const char *name_of(int option)
{
    const struct option *at = long_options;

    while (at->val != option) {
        at++;
    }
    return at->name;
}

/* False with a sentence said. */
static bool take_option(struct bench_options *o, int option)
{
    const char *name = name_of(option);
    uint32_t number = 0;

    switch (option) {
    case OPT_CLIENTS: return read_number(&o->clients, name, optarg, 1, CLIENTS_MAX);
    case OPT_AT_ONCE: return read_number(&o->at_once, name, optarg, 1, AT_ONCE_MAX);
    case OPT_SECONDS: return read_number(&o->seconds, name, optarg, 1, SECONDS_MAX);
    case OPT_IDLE_SECONDS: return read_number(&o->idle_seconds, name, optarg, 1, SECONDS_MAX);
    case OPT_SIZE: return read_list(&o->sizes, name, optarg, 1, (uint32_t)WRD_FRAME_ANY_MAX);
    case OPT_IN_FLIGHT: return read_list(&o->in_flight, name, optarg, 1, IN_FLIGHT_MAX);
    case OPT_ECHO_CLIENTS: return read_list(&o->echo_clients, name, optarg, 1, CLIENTS_MAX);
    case OPT_BULK_SIZE: return read_list(&o->bulk_sizes, name, optarg, 1, (uint32_t)BENCH_SOURCE_MAX);
    case OPT_BULK_CLIENTS: return read_number(&o->bulk_clients, name, optarg, 1, CLIENTS_MAX);
    case OPT_RAW: o->raw = true; return true;
    case OPT_SPIN: o->spin = true; return true;
    case OPT_TOKEN: o->token = optarg; return option_token("bench", optarg);
    case OPT_JSON: o->json = optarg; return true;
    case OPT_PROGRESS: o->progress = true; return true;
    case OPT_SERVER_PID:
        if (!read_number(&number, name, optarg, 1, 1u << 22)) {
            return false;
        }
        o->server_pid = (int)number;
        return true;
    case OPT_CPU:
        if (!read_number(&number, name, optarg, 0, 1023)) {
            return false;
        }
        o->cpu = (int)number;
        return true;
    default: return false;
    }
}

/* ---- words */

static unsigned mode_of(const char *word)
{
    static const char *const words[] = {"connects", "idle", "echo", "receive", "send", NULL};

    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return 1u << i;
        }
    }
    const char *near = nearest_word(word, words);
    if (near != NULL) {
        usage_error("bench", "there is no mode %s; did you mean %s?", word, near);
    } else {
        usage_error("bench", "there is no mode %s; expected: connects, idle, echo, receive or send", word);
    }
    return 0;
}

static bool read_modes(struct bench_options *o, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        unsigned mode = mode_of(argv[i]);
        if (mode == 0) {
            return false;
        }
        o->modes |= mode;
    }
    if (o->modes == 0) {
        o->modes = BENCH_CONNECTS | BENCH_IDLE | BENCH_ECHO | BENCH_RECEIVE | BENCH_SEND;
    }
    return true;
}

/* The address is one word or two; the modes stand behind it. */
static bool read_target(struct bench_options *o, int argc, char **argv)
{
    char why[2 * WRD_ADDRESS_TEXT_SIZE + 256];
    int words = argc > 1 && argv[0][0] != '/' && strchr(argv[0], ' ') == NULL ? 2 : argc > 0 ? 1 : 0;

    if (!read_address(&o->address, why, sizeof why, words, argv)) {
        usage_error("bench", "%s", why);
        return false;
    }
    wrd_addr_text(&o->address.addr, o->where);
    return read_modes(o, argc - words, argv + words);
}

bool bench_read_options(struct bench_options *o, int argc, char **argv, int *code)
{
    int option;

    *o = (struct bench_options){.clients = 1000,
                                .at_once = 64,
                                .seconds = 3,
                                .idle_seconds = 10,
                                .sizes = {.values = {100}, .count = 1},
                                .in_flight = {.values = {1, 64}, .count = 2},
                                .echo_clients = {.values = {1, 4}, .count = 2},
                                .bulk_sizes = {.values = {16384}, .count = 1},
                                .bulk_clients = 4,
                                .cpu = -1};
    *code = EXIT_USAGE;
    while ((option = next_option(argc, argv, long_options, "bench")) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            *code = EXIT_DONE;
            return false;
        }
        if (option == '?' || !take_option(o, option)) {
            return false;
        }
    }
    if (o->in_flight.count != o->echo_clients.count && o->in_flight.count != 1 && o->echo_clients.count != 1) {
        usage_error("bench",
                    "--in-flight and --echo-clients go in pairs: as many of one as of the other, or one of one");
        return false;
    }
    return read_target(o, argc - optind, argv + optind);
}

/* ---- how long */

uint32_t bench_seconds_bound(const struct bench_options *o, bool at_most)
{
    uint32_t runs = 0;
    /* The first probes, and finding out why the server fell silent. */
    uint32_t seconds = at_most ? 44 + BENCH_STALL_S : 1;

    if ((o->modes & (BENCH_CONNECTS | BENCH_IDLE)) != 0) {
        /* bench_run.c and bench_clients.c give so much. */
        seconds += at_most ? 22 + 10 + o->clients / 50 + 5 + o->clients / 1000 : 1 + o->clients / 500;
        seconds += (o->modes & BENCH_IDLE) != 0 ? o->idle_seconds : 0;
    }
    if ((o->modes & BENCH_ECHO) != 0) {
        runs +=
            o->sizes.count * (o->in_flight.count > o->echo_clients.count ? o->in_flight.count : o->echo_clients.count);
    }
    runs += (o->modes & BENCH_RECEIVE) != 0 ? o->bulk_sizes.count : 0;
    runs += (o->modes & BENCH_SEND) != 0 ? o->bulk_sizes.count : 0;
    return seconds + runs * (o->seconds + (at_most ? 23 + BENCH_STALL_S + 2 * BENCH_DRAIN_S : 1));
}
