/* SPDX-License-Identifier: MIT */
/* wrd serve: keys, the server with its HTTP, and the line that says it is ready. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/addresses.h"
#include "cli/bench_server.h"
#include "cli/commands.h"
#include "cli/echo.h"
#include "cli/exit_code.h"
#include "cli/keyfile.h"
#include "cli/lines.h"
#include "cli/log.h"
#include "cli/loop.h"
#include "cli/say.h"
#include "cli/serve_options.h"
#include "cli/stop.h"

#define LAST_LINES_MS 1000 /* for who reads the log to take what waits, at the end */

/* What is secret, wiped at the end. */
struct keys {
    wrd_key key, second;
    wrd_token_key tokens[WRD_TOKEN_KEYS_MAX];
};

/* ---- HTTP */

static bool is_loopback(const char *listen)
{
    wrd_addr addr;

    return wrd_addr_parse(&addr, listen, strlen(listen), true, NULL) == WRD_OK && addresses_is_loopback(&addr);
}

/* An exit code. */
static int open_http(struct loop_watch *watch, const struct serve_options *options, wrd_server *server)
{
    const wrd_mode mode = options->server.endpoint.mode;
    const unsigned connections =
        http_connections((options->http == NULL ? 0 : 1u) + (options->metrics == NULL ? 0 : 1u));
    const struct http_options pages = {.listen = options->http,
                                       .server = server,
                                       .server_listen = options->listen,
                                       .mode = mode,
                                       .connections = connections,
                                       .page = true,
                                       .numbers = options->metrics == NULL && options->http != NULL &&
                                                  is_loopback(options->http)};
    const struct http_options numbers = {.listen = options->metrics,
                                         .server = server,
                                         .server_listen = options->listen,
                                         .mode = mode,
                                         .connections = connections,
                                         .numbers = true};
    wrd_result result = options->http == NULL ? WRD_OK : http_open(&watch->pages, &pages);

    if (result == WRD_OK && options->metrics != NULL) {
        result = http_open(&watch->numbers, &numbers);
    }
    return result == WRD_OK ? EXIT_DONE : result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
}

static bool print_ready(const wrd_server *server, const struct loop_watch *watch)
{
    wrd_address address;
    char words[WRD_ADDRESS_TEXT_SIZE];
    char multiaddr[WRD_ADDRESS_TEXT_SIZE];

    wrd_server_address(server, &address);
    wrd_address_text(&address, words);
    wrd_address_multiaddr(&address, multiaddr);
    printf("listening %s %s\n", words, multiaddr);
    http_print_pages(watch->pages, stdout);
    http_print_pages(watch->numbers, stdout);
    if (fflush(stdout) != 0) {
        say("cannot print the address: %s", strerror(errno));
        return false;
    }
    return true;
}

/* ---- the server */

static int run(const struct serve_options *options, wrd_server *server, wrd_handlers *handlers,
               struct loop_watch *watch)
{
    struct bench_server *bench = NULL;

    if (options->bench && (bench = bench_server_open(server, handlers)) == NULL) {
        say("memory is short for --bench");
        return EXIT_TROUBLE;
    }
    bool done = print_ready(server, watch) && loop_run_threads(server, handlers, watch);
    bench_server_close(bench);
    return done ? EXIT_DONE : EXIT_TROUBLE;
}

static int serve(const struct serve_options *options, wrd_server *server)
{
    struct loop_watch watch = {.drain_s = options->drain_s, .verbose = options->verbose};
    struct echo *echo;

    if ((watch.stop = stop_open()) < 0 || (watch.ended = loop_ended_open()) < 0) {
        say("cannot catch signals: %s", say_cause(errno));
        return EXIT_TROUBLE;
    }
    int code = open_http(&watch, options, server);
    if (code == EXIT_DONE) {
        code = EXIT_TROUBLE;
        echo = echo_new(server, options->verbose);
        if (echo != NULL) {
            wrd_handlers handlers = echo_handlers(echo);
            code = run(options, server, &handlers, &watch);
        }
        echo_free(echo);
    }
    http_close(watch.pages);
    http_close(watch.numbers);
    (void)close(watch.ended);
    return code;
}

static int bind_and_serve(const struct serve_options *options, const struct keys *keys)
{
    wrd_server_options server_options = options->server;
    wrd_server *server;
    const char *why = "";

    if (options->bench) {
        bench_server_lift_limits(&server_options.endpoint);
    }
    serve_options_share_memory(&server_options);
    server_options.endpoint.key = options->key == NULL ? NULL : &keys->key;
    server_options.endpoint.second_key = options->second_key == NULL ? NULL : &keys->second;
    server_options.endpoint.token_keys = options->token_key_count == 0 ? NULL : keys->tokens;
    server_options.endpoint.token_key_count = options->token_key_count;
    wrd_result result = wrd_server_bind(&server, options->listen, &server_options, &why);
    if (result == WRD_SYSTEM) {
        int error = errno;
        say("cannot listen on %s: %s (%s)", options->listen, why, strerror(error));
        return EXIT_TROUBLE;
    }
    if (result != WRD_OK) {
        addresses_say_unusable("listen on", options->listen, why);
        return result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
    }
    int code = serve(options, server);
    wrd_server_free(server);
    return code;
}

/* ---- keys */

/* Whoever may mint tokens must not be able to pretend to be the server. */
static bool is_shared(const wrd_token_key *token, const struct keys *keys, const struct serve_options *options)
{
    return (options->key != NULL && memcmp(token->bytes, keys->key.bytes, WRD_KEY_SIZE) == 0) ||
           (options->second_key != NULL && memcmp(token->bytes, keys->second.bytes, WRD_KEY_SIZE) == 0);
}

static bool load_keys(struct keys *keys, const struct serve_options *options)
{
    if ((options->key != NULL && !keyfile_load_or_create(&keys->key, options->key)) ||
        (options->second_key != NULL && !keyfile_load(&keys->second, options->second_key))) {
        return false;
    }
    if (options->second_key != NULL && memcmp(keys->key.bytes, keys->second.bytes, WRD_KEY_SIZE) == 0) {
        say("%s holds the same key as %s; --second-key is for another one", options->second_key, options->key);
        return false;
    }
    for (size_t i = 0; i < options->token_key_count; i++) {
        if (!keyfile_load_token(&keys->tokens[i], options->token_keys[i])) {
            return false;
        }
        if (is_shared(&keys->tokens[i], keys, options)) {
            say("%s is the server's own key, and whoever mints tokens with it could pretend to be this server. "
                "`wrd token new-key FILE` makes a key for tokens.",
                options->token_keys[i]);
            return false;
        }
    }
    return true;
}

int serve_main(int argc, char **argv)
{
    struct serve_options options;
    struct keys keys;
    int code;

    if (!serve_options_read(&options, argc, argv, &code)) {
        return code;
    }
    if (options.json) {
        log_in_json();
    }
    signal(SIGPIPE, SIG_IGN); /* who reads the log may go or pause; the server goes on */
    signal(SIGXFSZ, SIG_IGN); /* write() says that a file is too large */
    if (!say_without_waiting()) {
        return EXIT_TROUBLE;
    }
    memset(&keys, 0, sizeof keys);
    code = load_keys(&keys, &options) ? bind_and_serve(&options, &keys) : EXIT_TROUBLE;
    explicit_bzero(&keys, sizeof keys);
    lines_end(LAST_LINES_MS);
    return code;
}
