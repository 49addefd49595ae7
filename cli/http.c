/* SPDX-License-Identifier: MIT */
#include "cli/http.h"

#include <cJSON.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/addresses.h"
#include "cli/assets.h"
#include "cli/say.h"

#define LISTEN_BACKLOG       64
#define CONNECTIONS_MAX      256u
#define CONNECTION_TIMEOUT_S 15u

/* The page is one small document with its own script and style; only WebAssembly needs a word of its own. */
#define CONTENT_SECURITY_POLICY                                                                                        \
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "                 \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct http {
    struct MHD_Daemon *daemon;
    int fd;
    wrd_addr bound; /* with the port that the system chose */
    const wrd_server *server;
    wrd_addr server_bound;
    wrd_mode mode;
};

/* ---- answers */

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

/* True when all of it fitted into memory. */
static bool add_addresses(cJSON *info, const wrd_addr *bound)
{
    wrd_addr list[ADDRESSES_MAX];
    char text[WRD_ADDR_TEXT_SIZE];
    cJSON *array = cJSON_AddArrayToObject(info, "addresses");
    size_t count = addresses_list(list, bound);

    for (size_t i = 0; i < count; i++) {
        wrd_addr_ip_text(&list[i], text);
        if (!cJSON_AddItemToArray(array, cJSON_CreateString(text))) {
            return false;
        }
    }
    return array != NULL;
}

/* The text belongs to the caller and is freed with free(); NULL when memory is short. */
static char *info_text(const struct http *http)
{
    wrd_address address;
    char fingerprint[WRD_FINGERPRINT_HEX_SIZE];
    char dialled[WRD_ADDR_TEXT_SIZE];
    char multiaddr[WRD_ADDRESS_TEXT_SIZE];
    cJSON *info = cJSON_CreateObject();

    wrd_server_address(http->server, &address);
    wrd_fingerprint_hex(&address.fingerprint, fingerprint);
    wrd_addr_text(&address.addr, dialled);
    wrd_address_multiaddr(&address, multiaddr);
    bool complete = cJSON_AddNumberToObject(info, "port", address.addr.port) != NULL &&
                    cJSON_AddStringToObject(info, "fingerprint", fingerprint) != NULL &&
                    cJSON_AddStringToObject(info, "address", dialled) != NULL &&
                    cJSON_AddStringToObject(info, "multiaddr", multiaddr) != NULL &&
                    add_addresses(info, &http->server_bound) &&
                    cJSON_AddBoolToObject(info, "raw", http->mode == WRD_RAW) != NULL;
    char *text = complete ? cJSON_Print(info) : NULL;
    cJSON_Delete(info);
    return text;
}

static enum MHD_Result answer_info(const struct http *http, struct MHD_Connection *connection)
{
    char *text = info_text(http);

    if (text == NULL) {
        return MHD_NO;
    }
    struct MHD_Response *response =
        new_response("application/json; charset=utf-8", text, strlen(text), MHD_RESPMEM_MUST_COPY);
    cJSON_free(text);
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
    if (strcmp(url, "/webrtc-info") == 0) {
        return answer_info(http, connection);
    }
    for (size_t i = 0; i < asset_count; i++) {
        if (strcmp(url, assets[i].path) == 0) {
            return answer_asset(connection, &assets[i]);
        }
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND,
                       "Nothing is here. The page is at /, what clients need at /webrtc-info.\n");
}

/* ---- the socket */

static socklen_t to_sockaddr(struct sockaddr_storage *out, const wrd_addr *addr)
{
    memset(out, 0, sizeof *out);
    if (addr->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&in.sin_addr, addr->ip, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = addr->scope};
    memcpy(&in.sin6_addr, addr->ip, 16);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof storage;

    memset(&storage, 0, sizeof storage);
    if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0) {
        return 0;
    }
    if (storage.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &storage, sizeof in);
        return ntohs(in.sin_port);
    }
    struct sockaddr_in6 in;
    memcpy(&in, &storage, sizeof in);
    return ntohs(in.sin6_port);
}

/* A socket that listens on `addr`, or -1 with errno. */
static int listen_on(const wrd_addr *addr)
{
    struct sockaddr_storage storage;
    socklen_t len = to_sockaddr(&storage, addr);
    int yes = 1;
    int no = 0;
    int fd = socket(addr->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    /* A restart must not wait for the last connections of the run before. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (addr->family == 6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    }
    if (bind(fd, (struct sockaddr *)&storage, len) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void say_listen_failed(const char *listen, int error)
{
    switch (error) {
    case EADDRINUSE:
        say("cannot serve pages at %s: another program has this TCP port. Stop it, or choose another with --http.",
            listen);
        break;
    case EACCES:
        say("cannot serve pages at %s: ports under 1024 need special rights. Choose a higher one, as 8080.", listen);
        break;
    case EADDRNOTAVAIL:
        say("cannot serve pages at %s: this machine does not have that address. 0.0.0.0 takes all it has.", listen);
        break;
    default: say("cannot serve pages at %s: %s", listen, strerror(error)); break;
    }
}

/* Fills in what epoll needs; false when the daemon does not start. The daemon owns the socket from then on. */
static bool start_daemon(struct http *http, int fd)
{
    http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
                                    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                                    CONNECTION_TIMEOUT_S, MHD_OPTION_END);
    if (http->daemon == NULL) {
        close(fd);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0) {
        return false;
    }
    http->fd = info->epoll_fd;
    return true;
}

/* ---- the door */

wrd_result http_open(struct http **out, const struct http_options *options)
{
    const char *why = "";
    wrd_address address;

    *out = NULL;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        say("cannot serve pages: memory is short");
        return WRD_NO_MEMORY;
    }
    http->server = options->server;
    http->mode = options->mode;
    wrd_server_address(options->server, &address);
    if (wrd_addr_parse(&http->bound, options->listen, strlen(options->listen), true, &why) != WRD_OK ||
        wrd_addr_parse(&http->server_bound, options->server_listen, strlen(options->server_listen), true, &why) !=
            WRD_OK) {
        addresses_say_unusable("serve pages at", options->listen, why);
        http_close(http);
        return WRD_INVALID;
    }
    http->server_bound.port = address.addr.port;
    int fd = listen_on(&http->bound);
    if (fd < 0) {
        say_listen_failed(options->listen, errno);
        http_close(http);
        return WRD_SYSTEM;
    }
    http->bound.port = bound_port(fd);
    if (!start_daemon(http, fd)) {
        say("cannot serve pages at %s: libmicrohttpd does not start", options->listen);
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
    return http == NULL ? -1 : http->fd;
}

int http_timeout(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;

    if (http == NULL || MHD_get_timeout(http->daemon, &milliseconds) != MHD_YES) {
        return -1;
    }
    return milliseconds > 60000 ? 60000 : (int)milliseconds;
}

void http_run(struct http *http)
{
    if (http != NULL) {
        (void)MHD_run(http->daemon);
    }
}

static void print_page(const wrd_addr *addr, FILE *out)
{
    char text[WRD_ADDR_TEXT_SIZE];

    wrd_addr_text(addr, text);
    fprintf(out, "page http://%s/\n", text);
}

void http_print_pages(const struct http *http, FILE *out)
{
    if (http == NULL) {
        return;
    }
    if (!addresses_is_wildcard(&http->bound)) {
        print_page(&http->bound, out);
        return;
    }
    wrd_addr loopback = {.ip = {127, 0, 0, 1}, .port = http->bound.port, .family = 4};
    print_page(&loopback, out);
    wrd_addr outward;
    if (wrd_local_network_ip(&outward, 4) == WRD_OK ||
        (http->bound.family == 6 && wrd_local_network_ip(&outward, 6) == WRD_OK)) {
        outward.port = http->bound.port;
        print_page(&outward, out);
    }
}
