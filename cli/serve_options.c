/* SPDX-License-Identifier: MIT */
#include "cli/serve_options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/say.h"

#define LISTEN_DEFAULT "0.0.0.0:3478"
#define DRAIN_DEFAULT  10
#define THREADS_MAX    64
#define CLIENTS_MAX    16777216
#define RATE_MAX       1000000
#define MIB            ((size_t)1024 * 1024)

#define MEMORY_LEAST (4 * MIB) /* of each thread */

static const char help[] =
    "wrd serve [options]: a server that sends every message back to where it came from\n"
    "\n"
    "  --listen IP:PORT   where to take connections (UDP); default " LISTEN_DEFAULT "\n"
    "                     0.0.0.0 is every IPv4 address of this machine, [::] IPv6 too, port 0 any free port\n"
    "  --http IP:PORT     also serve a page to try it with, as 127.0.0.1:8080; otherwise there is no HTTP\n"
    "  --key FILE         the server's key; made when FILE does not exist. Without it the key, and so the\n"
    "                     fingerprint, is a new one at every start\n"
    "  --second-key FILE  another key, while clients go over from one to the other\n"
    "  --raw              messages are data-channel messages as they are, without frames and compression;\n"
    "                     both sides must agree on this\n"
    "  --channels N       accept up to N further data channels of each connection and echo on them, too; default 0\n"
    "  --bench            also do what `wrd bench` asks for to measure one direction alone, and take as many\n"
    "                     connections from one address as in all\n"
    "\n"
    "Who may connect, and how many:\n"
    "  --threads N               loops, each on a thread, 1 to 64; default 1. They share --memory evenly\n"
    "  --max-clients N           connections at once; default 16384\n"
    "  --max-per-address N       of those, from one IPv4 address or IPv6 /64; default 1024\n"
    "  --handshake-rate N        handshakes begun per second; default 2000\n"
    "  --address-handshake-rate N    of those, by one address; default 200\n"
    "  --memory MIB              what connections may take together; default 1024\n"
    "  --idle-timeout SECONDS    close a connection over which no part of a message came or was\n"
    "                            taken for so long; default: never\n"
    "  --handshake-timeout SECONDS   how long one may take to connect; default 10\n"
    "  --lost-timeout SECONDS    silence after which a client counts as lost; default 30\n"
    "  --socket-buffer BYTES     of the UDP socket, each way; default 4194304\n"
    "  --token-key FILE          ask each client for a token made with this key (`wrd token`); up to 4 times\n"
    "  --ask-certificate         ask each client for its certificate, to tell its fingerprint in the log\n"
    "\n"
    "To watch it:\n"
    "  --metrics IP:PORT  serve the status page and Prometheus metrics over HTTP, at /status and /metrics. Without\n"
    "                     it they are on the port of --http if that is on a loopback address\n"
    "  --verbose          say on stderr who comes and goes\n"
    "  --log text|json    how stderr says it: sentences, or one JSON object a line; default text\n"
    "  --key-log FILE     add the secrets of each connection to FILE, for Wireshark; default: the environment's\n"
    "                     SSLKEYLOGFILE\n"
    "  --capture FILE     write the decrypted SCTP packets to FILE, for Wireshark\n"
    "  --drain SECONDS    how long the end may take, at most; default 10\n"
    "\n"
    "When everything is ready, stdout gets one line, four words; lines with the pages' addresses follow:\n"
    "\n"
    "  listening IP:PORT FINGERPRINT MULTIADDR\n"
    "  page URL\n"
    "  status URL\n"
    "\n"
    "`wrd dial IP:PORT FINGERPRINT` or `wrd dial MULTIADDR` connects. Ctrl-C or SIGTERM drains the server, as does\n"
    "a terminal that closes: it takes nobody any more, closes every connection with a reason, and ends; a second\n"
    "Ctrl-C or SIGTERM ends it at once.\n"
    "\n"
    "Exit codes: 0 ended by a signal, 1 cannot start or the socket broke (stderr says why), 2 wrong command line.\n";

/* Options with a number come first: their value is their index in `numbers`. */
enum value {
    THREADS = 1, /* 0 is for getopt_long() an option without value */
    MAX_CLIENTS,
    MAX_PER_ADDRESS,
    HANDSHAKE_RATE,
    ADDRESS_HANDSHAKE_RATE,
    MEMORY,
    IDLE_TIMEOUT,
    HANDSHAKE_TIMEOUT,
    LOST_TIMEOUT,
    SOCKET_BUFFER,
    CHANNELS,
    DRAIN,
    NUMBERS,
    LISTEN,
    HTTP,
    METRICS,
    KEY,
    SECOND_KEY,
    TOKEN_KEY,
    KEY_LOG,
    CAPTURE,
    LOG,
    RAW,
    BENCH,
    ASK_CERTIFICATE,
    VERBOSE,
    HELP = 'h'
};

static const struct option options[] = {
    {"threads", required_argument, NULL, THREADS},
    {"max-clients", required_argument, NULL, MAX_CLIENTS},
    {"max-per-address", required_argument, NULL, MAX_PER_ADDRESS},
    {"handshake-rate", required_argument, NULL, HANDSHAKE_RATE},
    {"address-handshake-rate", required_argument, NULL, ADDRESS_HANDSHAKE_RATE},
    {"memory", required_argument, NULL, MEMORY},
    {"idle-timeout", required_argument, NULL, IDLE_TIMEOUT},
    {"handshake-timeout", required_argument, NULL, HANDSHAKE_TIMEOUT},
    {"lost-timeout", required_argument, NULL, LOST_TIMEOUT},
    {"socket-buffer", required_argument, NULL, SOCKET_BUFFER},
    {"channels", required_argument, NULL, CHANNELS},
    {"drain", required_argument, NULL, DRAIN},
    {"listen", required_argument, NULL, LISTEN},
    {"http", required_argument, NULL, HTTP},
    {"metrics", required_argument, NULL, METRICS},
    {"key", required_argument, NULL, KEY},
    {"second-key", required_argument, NULL, SECOND_KEY},
    {"token-key", required_argument, NULL, TOKEN_KEY},
    {"key-log", required_argument, NULL, KEY_LOG},
    {"capture", required_argument, NULL, CAPTURE},
    {"log", required_argument, NULL, LOG},
    {"raw", no_argument, NULL, RAW},
    {"bench", no_argument, NULL, BENCH},
    {"ask-certificate", no_argument, NULL, ASK_CERTIFICATE},
    {"verbose", no_argument, NULL, VERBOSE},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static const struct {
    long least, most;
    const char *unit;
} numbers[NUMBERS] = {
    [THREADS] = {1, THREADS_MAX, ""},
    [MAX_CLIENTS] = {1, CLIENTS_MAX, ""},
    [MAX_PER_ADDRESS] = {1, CLIENTS_MAX, ""},
    [HANDSHAKE_RATE] = {1, RATE_MAX, ""},
    [ADDRESS_HANDSHAKE_RATE] = {1, RATE_MAX, ""},
    [MEMORY] = {4, 1024 * 1024, "MiB from "},
    [IDLE_TIMEOUT] = {1, 7 * 86400, "whole seconds from "},
    [HANDSHAKE_TIMEOUT] = {1, 3600, "whole seconds from "},
    [LOST_TIMEOUT] = {1, 86400, "whole seconds from "},
    [SOCKET_BUFFER] = {4096, 1024 * 1024 * 1024, "bytes from "},
    [CHANNELS] = {0, WRD_CHANNEL_ID_MAX, "a number from "},
    [DRAIN] = {1, 3600, "whole seconds from "},
};

static void take_number(struct serve_options *out, int which, long number)
{
    wrd_endpoint_options *endpoint = &out->server.endpoint;

    switch (which) {
    case THREADS: out->server.threads = (unsigned)number; break;
    case MAX_CLIENTS: endpoint->max_connections = (uint32_t)number; break;
    case MAX_PER_ADDRESS: endpoint->max_per_address = (uint32_t)number; break;
    case HANDSHAKE_RATE: endpoint->handshake_rate = (uint32_t)number; break;
    case ADDRESS_HANDSHAKE_RATE: endpoint->handshake_rate_per_address = (uint32_t)number; break;
    case MEMORY: endpoint->memory_limit = (size_t)number * MIB; break;
    case IDLE_TIMEOUT: endpoint->idle_timeout = (wrd_time)number * WRD_SECOND; break;
    case HANDSHAKE_TIMEOUT: endpoint->handshake_timeout = (wrd_time)number * WRD_SECOND; break;
    case LOST_TIMEOUT: endpoint->lost_timeout = (wrd_time)number * WRD_SECOND; break;
    case SOCKET_BUFFER: out->server.socket_buffer = (int)number; break;
    case CHANNELS: endpoint->accept_channels = (uint16_t)number; break;
    case DRAIN: out->drain_s = (int)number; break;
    default: break;
    }
}

/* False with a sentence said. */
static bool take_text(struct serve_options *out, int which, const char *text)
{
    switch (which) {
    case LISTEN: out->listen = text; break;
    case HTTP: out->http = text; break;
    case METRICS: out->metrics = text; break;
    case KEY: out->key = text; break;
    case SECOND_KEY: out->second_key = text; break;
    case KEY_LOG: out->server.key_log_file = text; break;
    case CAPTURE: out->server.capture_file = text; break;
    case RAW: out->server.endpoint.mode = WRD_RAW; break;
    case BENCH: out->bench = true; break;
    case ASK_CERTIFICATE: out->server.endpoint.ask_certificate = true; break;
    case VERBOSE: out->verbose = true; break;
    case TOKEN_KEY:
        if (out->token_key_count == WRD_TOKEN_KEYS_MAX) {
            usage_error("serve", "--token-key can be given %d times at most", WRD_TOKEN_KEYS_MAX);
            return false;
        }
        out->token_keys[out->token_key_count++] = text;
        break;
    case LOG:
        out->json = strcmp(text, "json") == 0;
        if (!out->json && strcmp(text, "text") != 0) {
            usage_error("serve", "--log %s: expected text or json", text);
            return false;
        }
        break;
    default: return false; /* next_option() has said it */
    }
    return true;
}

/* What each option alone cannot know. */
static bool check_together(const struct serve_options *out)
{
    if (out->second_key != NULL && out->key == NULL) {
        usage_error("serve", "--second-key needs --key: clients go over from one lasting key to another");
        return false;
    }
    bool is_any_port =
        out->http != NULL && strcmp(strrchr(out->http, ':') == NULL ? "" : strrchr(out->http, ':'), ":0") == 0;
    if (out->http != NULL && out->metrics != NULL && !is_any_port && strcmp(out->http, out->metrics) == 0) {
        usage_error("serve", "--http and --metrics name the same port, %s; choose another for --metrics", out->metrics);
        return false;
    }
    size_t memory = out->server.endpoint.memory_limit;
    if (memory > 0 && memory / out->server.threads < MEMORY_LEAST) {
        usage_error("serve", "--memory %zu is too little for %u threads: each needs 4 MiB, %u in all", memory / MIB,
                    out->server.threads, 4 * out->server.threads);
        return false;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > 0 && out->server.threads > (unsigned long)cores) {
        say("%u threads on %ld cores: more threads than cores make nothing faster", out->server.threads, cores);
    }
    return true;
}

bool serve_options_read(struct serve_options *out, int argc, char **argv, int *code)
{
    int option;
    long number;

    *out = (struct serve_options){.listen = LISTEN_DEFAULT, .drain_s = DRAIN_DEFAULT};
    wrd_server_options_init(&out->server);
    out->server.threads = 1;
    out->server.key_log_file = option_key_log();
    *code = EXIT_USAGE;
    while ((option = next_option(argc, argv, options, "serve")) != -1) {
        if (option == HELP) {
            fputs(help, stdout);
            *code = EXIT_DONE;
            return false;
        }
        if (option < NUMBERS) {
            const char *name = option_name(options, option);
            if (!option_number(&number, "serve", name, optarg, numbers[option].unit, numbers[option].least,
                               numbers[option].most)) {
                return false;
            }
            take_number(out, option, number);
        } else if (!take_text(out, option, optarg)) {
            return false;
        }
    }
    if (optind < argc) {
        usage_error("serve", "`wrd serve` takes only options; what is \"%s\"? An address goes behind --listen.",
                    argv[optind]);
        return false;
    }
    return check_together(out);
}

void serve_options_share_memory(wrd_server_options *all)
{
    size_t *limit = &all->endpoint.memory_limit;

    if (all->threads > 1) {
        *limit = (*limit == 0 ? WRD_MEMORY_DEFAULT : *limit) / all->threads;
    }
}
