/* SPDX-License-Identifier: MIT */
/* wrd serve: every message comes back. With --http a page to try it is served beside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/addresses.h"
#include "cli/bench_server.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/http.h"
#include "cli/keyfile.h"
#include "cli/loop.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "wrd/server.h"

#define LISTEN_DEFAULT "0.0.0.0:3478"

static const char help[] =
    "wrd serve [options]: a server that sends every message back to where it came from\n"
    "\n"
    "  --listen IP:PORT   where to take connections (UDP); default " LISTEN_DEFAULT "\n"
    "                     0.0.0.0 is every IPv4 address of this machine, [::] IPv6 too, port 0 any free port\n"
    "  --http IP:PORT     also serve a page to try it with, as 127.0.0.1:8080; otherwise there is no HTTP\n"
    "  --key FILE         the server's key; made when FILE does not exist. Without it the key, and so the\n"
    "                     fingerprint, is a new one at every start\n"
    "  --raw              messages are data-channel messages as they are, without frames and compression;\n"
    "                     both sides must agree on this\n"
    "  --channels N       accept up to N further data channels of each connection and echo on them, too; default 0\n"
    "  --bench            also do what `wrd bench` asks for to measure one direction alone, and take as many\n"
    "                     connections from one address as in all\n"
    "  --verbose          say on stderr who comes and goes\n"
    "\n"
    "When everything is ready, stdout gets one line, four words; with --http lines with the page's addresses follow:\n"
    "\n"
    "  listening IP:PORT FINGERPRINT MULTIADDR\n"
    "  page URL\n"
    "\n"
    "`wrd dial IP:PORT FINGERPRINT` or `wrd dial MULTIADDR` connects. Ctrl-C or SIGTERM ends the server.\n"
    "\n"
    "Exit codes: 0 ended by a signal, 1 cannot start or the socket broke (stderr says why), 2 wrong command line.\n";

static const struct option options[] = {
    {"listen", required_argument, NULL, 'l'},   {"http", required_argument, NULL, 'p'},
    {"key", required_argument, NULL, 'k'},      {"raw", no_argument, NULL, 'r'},
    {"channels", required_argument, NULL, 'c'}, {"bench", no_argument, NULL, 'b'},
    {"verbose", no_argument, NULL, 'v'},        {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct serve {
    const char *listen;
    const char *http_listen;
    const char *key_path;
    bool raw;
    uint16_t channels;
    bool bench;
    bool verbose;
};

/* ---- the echo */

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    const struct serve *serve = user;
    char text[WRD_ADDR_TEXT_SIZE];

    (void)server;
    if (serve->verbose) {
        wrd_addr_text(peer, text);
        say("connection %llx open from %s", (unsigned long long)conn, text);
    }
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    wrd_result result =
        message->kind == WRD_TEXT
            ? wrd_server_channel_send_text(server, conn, message->channel, (const char *)message->data, message->len)
            : wrd_server_channel_send(server, conn, message->channel, message->data, message->len);

    (void)user;
    if (result == WRD_TOO_LARGE) {
        /* It compressed well enough at the sender and not here. An echo with a hole would be worse. */
        wrd_server_close(server, conn);
    }
    return result; /* WRD_AGAIN: we are asked again when there is room, and the sender is slowed meanwhile. */
}

/* ", code 4000: the peer's words" behind what a close is told with. */
static void say_closed(const char *what, const wrd_event *event)
{
    char code[32] = "";
    char said[WRD_REASON_MAX + 1];

    if (event->code != 0 || *event->said != '\0') {
        snprintf(code, sizeof code, ", code %lu%s", (unsigned long)event->code, *event->said != '\0' ? ": " : "");
    }
    say("%s %llx closed: %s%s%s", what, (unsigned long long)event->conn, event->text, code,
        say_safely(said, sizeof said, event->said));
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    const struct serve *serve = user;

    (void)server;
    if (serve->verbose) {
        say_closed("connection", event);
    }
}

static void on_channel_open(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    const struct serve *serve = user;
    wrd_channel_info info = {.size = sizeof info};
    char label[WRD_CHANNEL_NAME_MAX + 1];

    if (serve->verbose && wrd_server_channel_get_info(server, conn, channel, &info) == WRD_OK) {
        say("connection %llx opened channel %u \"%s\"", (unsigned long long)conn, info.id,
            say_safely(label, sizeof label, info.label));
    }
}

static void on_channel_closed(wrd_server *server, const wrd_event *event, void *user)
{
    const struct serve *serve = user;

    (void)server;
    if (serve->verbose) {
        say_closed("a channel of connection", event);
    }
}

/* ---- the command */

static bool print_ready(const wrd_server *server, const struct http *http)
{
    wrd_address address;
    char words[WRD_ADDRESS_TEXT_SIZE];
    char multiaddr[WRD_ADDRESS_TEXT_SIZE];

    wrd_server_address(server, &address);
    wrd_address_text(&address, words);
    wrd_address_multiaddr(&address, multiaddr);
    printf("listening %s %s\n", words, multiaddr);
    http_print_pages(http, stdout);
    if (fflush(stdout) != 0) {
        say("cannot print the address: %s", strerror(errno));
        return false;
    }
    return true;
}

static int serve_pages(struct serve *serve, wrd_server *server)
{
    wrd_handlers handlers = {.user = serve,
                             .open = on_open,
                             .message = on_message,
                             .closed = on_closed,
                             .channel_open = on_channel_open,
                             .channel_closed = on_channel_closed};
    struct bench_server *bench = NULL;
    struct http *http = NULL;
    int stop = stop_open();

    if (stop < 0) {
        say("cannot catch signals: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    if (serve->http_listen != NULL) {
        const struct http_options http_options = {.listen = serve->http_listen,
                                                  .server = server,
                                                  .server_listen = serve->listen,
                                                  .mode = serve->raw ? WRD_RAW : WRD_FRAMED};
        wrd_result result = http_open(&http, &http_options);
        if (result != WRD_OK) {
            return result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
        }
    }
    if (serve->bench && (bench = bench_server_open(server, &handlers)) == NULL) {
        say("memory is short for --bench");
        http_close(http);
        return EXIT_TROUBLE;
    }
    bool done = print_ready(server, http) && loop_run(server, &handlers, http, stop);
    http_close(http);
    bench_server_close(bench);
    return done ? EXIT_DONE : EXIT_TROUBLE;
}

static int serve_with_key(struct serve *serve, const wrd_key *key)
{
    wrd_server_options server_options;
    wrd_server *server;
    const char *why = "";

    wrd_server_options_init(&server_options);
    server_options.endpoint.key = key;
    server_options.endpoint.mode = serve->raw ? WRD_RAW : WRD_FRAMED;
    server_options.endpoint.accept_channels = serve->channels;
    if (serve->bench) {
        bench_server_lift_limits(&server_options.endpoint);
    }
    wrd_result result = wrd_server_bind(&server, serve->listen, &server_options, &why);
    if (result == WRD_SYSTEM) {
        int error = errno;
        say("cannot listen on %s: %s (%s)", serve->listen, why, strerror(error));
        return EXIT_TROUBLE;
    }
    if (result != WRD_OK) {
        addresses_say_unusable("listen on", serve->listen, why);
        return result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
    }
    int code = serve_pages(serve, server);
    wrd_server_free(server);
    return code;
}

static bool read_count(uint16_t *out, const char *text)
{
    char *end;

    errno = 0;
    unsigned long count = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || count > WRD_CHANNEL_ID_MAX) {
        usage_error("serve", "--channels %s: expected a number from 0 to %d", text, WRD_CHANNEL_ID_MAX);
        return false;
    }
    *out = (uint16_t)count;
    return true;
}

/* True when the command shall run; otherwise `*code` is its exit code. */
static bool read_options(struct serve *serve, int argc, char **argv, int *code)
{
    int option;

    *code = EXIT_USAGE;
    while ((option = next_option(argc, argv, options, "serve")) != -1) {
        switch (option) {
        case 'l': serve->listen = optarg; break;
        case 'p': serve->http_listen = optarg; break;
        case 'k': serve->key_path = optarg; break;
        case 'r': serve->raw = true; break;
        case 'c':
            if (!read_count(&serve->channels, optarg)) {
                return false;
            }
            break;
        case 'b': serve->bench = true; break;
        case 'v': serve->verbose = true; break;
        case 'h':
            fputs(help, stdout);
            *code = EXIT_DONE;
            return false;
        default: return false;
        }
    }
    if (optind < argc) {
        *code = usage_error("serve", "`wrd serve` takes only options; what is \"%s\"? An address goes behind --listen.",
                            argv[optind]);
        return false;
    }
    return true;
}

int serve_main(int argc, char **argv)
{
    struct serve serve = {.listen = LISTEN_DEFAULT};
    wrd_key key;
    int code;

    if (!read_options(&serve, argc, argv, &code)) {
        return code;
    }
    if (serve.key_path == NULL) {
        return serve_with_key(&serve, NULL);
    }
    if (!keyfile_load_or_create(&key, serve.key_path)) {
        return EXIT_TROUBLE;
    }
    code = serve_with_key(&serve, &key);
    wrd_key_wipe(&key);
    return code;
}
