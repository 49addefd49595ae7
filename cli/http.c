/* SPDX-License-Identifier: MIT */
#include "cli/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/addresses.h"
#include "cli/assets.h"
#include "cli/http_gate.h"
#include "cli/http_listen.h"
#include "cli/info.h"
#include "cli/metrics.h"
#include "cli/say.h"

#define CONNECTIONS_FEW 32u /* a browser opens six */
#define STARVING_MS     100 /* between two looks whether there are descriptors again */

/* The page is one small document with its own script and style; only WebAssembly needs a word of its own. */
#define CONTENT_SECURITY_POLICY                                                                                        \
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "                 \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct http {
    struct MHD_Daemon *daemon;
    int fd, listener;
    bool starves;   /* http_gate_starves() */
    wrd_addr bound; /* with the port that the system chose */
    wrd_server *server;
    wrd_addr server_bound;
    wrd_mode mode;
    bool serves_page, serves_numbers, draining;
    struct http_gate gate;
};

/* ---- answers */

#define JSON_TYPE "application/json; charset=utf-8"

static bool is_status(const char *url)
{
    return strcmp(url, "/status") == 0 || strcmp(url, "/status.json") == 0 || strcmp(url, "/metrics") == 0;
}

static struct MHD_Response *new_response(const char *type, const void *bytes, size_t len,
                                         enum MHD_ResponseMemoryMode mode)
{
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"}, /* a restarted server has a new fingerprint and maybe a new page */
        {"Content-Security-Policy", CONTENT_SECURITY_POLICY},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
    };
    struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, mode);

    if (response == NULL) {
        return NULL;
    }
    bool complete = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        complete = MHD_add_response_header(response, headers[i][0], headers[i][1]) == MHD_YES && complete;
    }
    if (!complete) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO; /* closes this connection */
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response =
        new_response("text/plain; charset=utf-8", text, strlen(text), MHD_RESPMEM_PERSISTENT);

    if (response != NULL && status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    return answer(connection, status, response);
}

/* Frees `text`; NULL: memory is short. */
static enum MHD_Result answer_made(struct MHD_Connection *connection, const char *type, char *text)
{
    struct MHD_Response *response = text == NULL ? NULL : new_response(type, text, strlen(text), MHD_RESPMEM_MUST_COPY);

    free(text);
    return answer(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result answer_asset(struct MHD_Connection *connection, const struct asset *asset)
{
    if (asset->bytes == NULL) {
        return answer_text(
            connection, MHD_HTTP_SERVICE_UNAVAILABLE,
            "This program was built before the browser client was. Run `make` in the project's folder.\n");
    }
    return answer(connection, MHD_HTTP_OK, new_response(asset->type, asset->bytes, asset->len, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result answer_file(const struct http *http, struct MHD_Connection *connection, const char *url)
{
    for (size_t i = 0; i < asset_count; i++) {
        bool is_served = (http->serves_page && assets[i].of_page) || (http->serves_numbers && assets[i].of_status);
        if (is_served && strcmp(url, assets[i].path) == 0) {
            return answer_asset(connection, &assets[i]);
        }
    }
    if (is_status(url) && !http->serves_numbers) {
        return answer_text(connection, MHD_HTTP_NOT_FOUND,
                           "The numbers of this server are not on the port of its page. `wrd serve --metrics IP:PORT` "
                           "serves them on one of their own.\n");
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND,
                       http->serves_page ? "Nothing is here. The page is at /, what clients need at /webrtc-info.\n"
                                         : "Nothing is here. The status is at /status, the metrics at /metrics.\n");
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **request)
{
    static int seen;
    const struct http *http = user;

    (void)version;
    (void)upload;
    (void)upload_len;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here.\n");
    }
    /* The first call has only the header. An answer to it would close the connection behind it. */
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (http->serves_numbers && strcmp(url, "/metrics") == 0) {
        return answer_made(connection, METRICS_TYPE, metrics_text(http->server));
    }
    if (http->serves_numbers && strcmp(url, "/status.json") == 0) {
        return answer_made(connection, JSON_TYPE, metrics_json(http->server, http->draining));
    }
    if (http->serves_page && strcmp(url, "/webrtc-info") == 0) {
        return answer_made(connection, JSON_TYPE, info_text(http->server, &http->server_bound, http->mode));
    }
    return answer_file(http, connection, url);
}

/* ---- the daemon */

/* Fills in what epoll needs; false when the daemon does not start. The daemon owns the socket from then on. */
static bool start_daemon(struct http *http, int fd)
{
    /* At its own limit it would leave the next one waiting; the gate closes that one, or one that makes room. */
    http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, http_gate_ask, &http->gate, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, http->gate.most + 2, MHD_OPTION_NOTIFY_CONNECTION, http_gate_note,
                         &http->gate, MHD_OPTION_CONNECTION_TIMEOUT, HTTP_SURE_S, MHD_OPTION_END);
    if (http->daemon == NULL) {
        close(fd);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0) {
        return false;
    }
    http->fd = info->epoll_fd;
    http->listener = fd;
    return true;
}

/* ---- the door */

/* False with a sentence said: there are no descriptors for a single connection. */
static bool open_gate(struct http_gate *gate, const struct http_options *options)
{
    gate->most = options->connections;
    gate->leaving = -1;
    if (gate->most == 0) {
        say("cannot serve %s at %s: %s", gate->what, options->listen, say_cause(EMFILE));
        return false;
    }
    if (gate->most < CONNECTIONS_FEW) {
        say("the %s can have %u connections at once; for more, raise the limit of open files (ulimit -n)", gate->what,
            gate->most);
    }
    return true;
}

unsigned http_connections(unsigned count)
{
    return http_gate_room(count);
}

wrd_result http_open(struct http **out, const struct http_options *options)
{
    const char *what = options->page ? "pages" : "metrics";
    const char *doing = options->page ? "serve pages at" : "serve metrics at";
    const char *why = "";
    wrd_address address;

    *out = NULL;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        say("cannot serve %s: memory is short", what);
        return WRD_NO_MEMORY;
    }
    http->server = options->server;
    http->mode = options->mode;
    http->serves_page = options->page;
    http->serves_numbers = options->numbers;
    http->gate.what = what;
    wrd_server_address(options->server, &address);
    if (wrd_addr_parse(&http->bound, options->listen, strlen(options->listen), true, &why) != WRD_OK ||
        wrd_addr_parse(&http->server_bound, options->server_listen, strlen(options->server_listen), true, &why) !=
            WRD_OK) {
        addresses_say_unusable(doing, options->listen, why);
        http_close(http);
        return WRD_INVALID;
    }
    http->server_bound.port = address.addr.port;
    if (!open_gate(&http->gate, options)) {
        http_close(http);
        return WRD_SYSTEM;
    }
    int fd = http_listen(&http->bound);
    if (fd < 0) {
        http_say_listen_failed(what, options->page ? "--http" : "--metrics", options->listen, errno);
        http_close(http);
        return WRD_SYSTEM;
    }
    http->bound.port = http_bound_port(fd);
    if (!start_daemon(http, fd)) {
        say("cannot %s %s: libmicrohttpd does not start", doing, options->listen);
        http_close(http);
        return WRD_SYSTEM;
    }
    *out = http;
    return WRD_OK;
}

void http_close(struct http *http)
{
    if (http != NULL && http->daemon != NULL) {
        MHD_stop_daemon(http->daemon);
    }
    free(http);
}

int http_fd(const struct http *http)
{
    return http == NULL || http->starves ? -1 : http->fd;
}

int http_timeout(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;

    if (http == NULL) {
        return -1;
    }
    if (http->starves) {
        return STARVING_MS;
    }
    if (MHD_get_timeout(http->daemon, &milliseconds) != MHD_YES) {
        return -1;
    }
    return milliseconds > 60000 ? 60000 : (int)milliseconds;
}

void http_run(struct http *http)
{
    if (http != NULL) {
        (void)MHD_run(http->daemon);
        http->starves = http_gate_starves(&http->gate, http->listener);
    }
}

uint64_t http_refused(void)
{
    return http_gate_refused();
}

void http_set_draining(struct http *http)
{
    if (http != NULL) {
        http->draining = true;
    }
}

static void print_page(const struct http *http, const wrd_addr *addr, FILE *out)
{
    char text[WRD_ADDR_TEXT_SIZE];

    wrd_addr_text(addr, text);
    if (http->serves_page) {
        fprintf(out, "page http://%s/\n", text);
    }
    if (http->serves_numbers) {
        fprintf(out, "status http://%s/status\n", text);
    }
}

void http_print_pages(const struct http *http, FILE *out)
{
    if (http == NULL) {
        return;
    }
    if (!addresses_is_wildcard(&http->bound)) {
        print_page(http, &http->bound, out);
        return;
    }
    wrd_addr loopback = {.ip = {127, 0, 0, 1}, .port = http->bound.port, .family = 4};
    print_page(http, &loopback, out);
    wrd_addr outward;
    if (wrd_local_network_ip(&outward, 4) == WRD_OK ||
        (http->bound.family == 6 && wrd_local_network_ip(&outward, 6) == WRD_OK)) {
        outward.port = http->bound.port;
        print_page(http, &outward, out);
    }
}
