/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* eventfd */
#include "wrd/server.h"

#include "native/node.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct wrd_server {
    struct wrd_node node;
    wrd_address address;
    bool ipv6_only;
    int wake_fd;
    atomic_bool stopping;
};

void wrd_server_options_init(wrd_server_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    wrd_endpoint_options_init(&options->endpoint);
}

/* ---- bind */

static bool is_unspecified(const wrd_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

static bool is_multicast(const wrd_addr *addr)
{
    return addr->family == 4 ? (addr->ip[0] & 0xf0) == 0xe0 : addr->ip[0] == 0xff;
}

/* What a wildcard bind is reached at. */
static void find_reachable(wrd_addr *addr, bool ipv6_only)
{
    wrd_addr found;
    bool ipv6 = addr->family == 6;
    if ((ipv6_only || wrd_local_network_ip(&found, 4) != WRD_OK) &&
        (!ipv6 || wrd_local_network_ip(&found, 6) != WRD_OK)) {
        found = ipv6_only ? (wrd_addr){.family = 6, .ip = {[15] = 1}} : (wrd_addr){.family = 4, .ip = {127, 0, 0, 1}};
    }
    found.port = addr->port;
    *addr = found;
}

static wrd_result complete(wrd_server_options *out, wrd_key *random_key, const wrd_server_options *options,
                           const char **why)
{
    wrd_server_options_init(out);
    if (options && options->size != sizeof *options) {
        *why = "options.size is not sizeof(wrd_server_options): fill options with wrd_server_options_init() first";
        return WRD_INVALID;
    }
    if (options)
        *out = *options;
    if (out->socket_buffer < 0) {
        *why = "options.socket_buffer is negative";
        return WRD_INVALID;
    }
    if (out->socket_buffer == 0)
        out->socket_buffer = 4 * 1024 * 1024;
    if (out->endpoint.key)
        return WRD_OK;
    wrd_result result = wrd_key_random(random_key, NULL);
    out->endpoint.key = random_key;
    if (result != WRD_OK)
        *why = "no random key could be made";
    return result;
}

wrd_result wrd_server_bind(wrd_server **out, const char *listen, const wrd_server_options *options, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = "";
    *out = NULL;
    wrd_addr local;
    wrd_result result = wrd_addr_parse(&local, listen, strlen(listen), true, why);
    if (result == WRD_OK && is_multicast(&local)) {
        *why = "a multicast address cannot be listened on: use one of this machine's own, or 0.0.0.0 or [::]";
        result = WRD_INVALID;
    }
    if (result != WRD_OK)
        return result;
    wrd_server_options o;
    wrd_key random_key;
    result = complete(&o, &random_key, options, why);
    if (result != WRD_OK)
        return result;
    wrd_server *server = calloc(1, sizeof *server);
    if (!server) {
        wrd_key_wipe(&random_key);
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    server->wake_fd = -1;
    struct wrd_node_options node = {.endpoint = o.endpoint,
                                    .ipv6_only = o.ipv6_only,
                                    .socket_buffer = o.socket_buffer,
                                    .capture_file = o.capture_file,
                                    .key_log_file = o.key_log_file};
    result = wrd_node_open(&server->node, &node, &local, NULL, why);
    if (result == WRD_OK && (server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
        *why = "the operating system gave no eventfd: are too many files open?";
        result = WRD_SYSTEM;
    }
    if (result == WRD_OK && (result = wrd_key_fingerprint(&server->address.fingerprint, o.endpoint.key)) != WRD_OK)
        *why = "out of memory for the certificate";
    wrd_key_wipe(&random_key);
    if (result != WRD_OK) {
        int error = errno;
        wrd_server_free(server);
        errno = error;
        return result;
    }
    server->address.addr = server->node.udp.local;
    server->ipv6_only = o.ipv6_only && local.family == 6;
    *out = server;
    return WRD_OK;
}

void wrd_server_free(wrd_server *server)
{
    if (!server)
        return;
    if (server->wake_fd >= 0)
        (void)close(server->wake_fd);
    if (server->node.endpoint && server->node.out) {
        wrd_endpoint_abort(server->node.endpoint, wrd_node_now());
        wrd_node_flush(&server->node);
    }
    wrd_node_close(&server->node);
    free(server);
}

void wrd_server_address(const wrd_server *server, wrd_address *out)
{
    *out = server->address;
    if (is_unspecified(&out->addr))
        find_reachable(&out->addr, server->ipv6_only);
}

/* ---- the ready loop */

static bool is_open(wrd_server *server, wrd_conn conn)
{
    wrd_conn_info info = {.size = sizeof info};
    return wrd_conn_get_info(server->node.endpoint, conn, &info) == WRD_OK && info.open;
}

static void hand_out_messages(wrd_server *server, const wrd_handlers *handlers, wrd_conn conn)
{
    wrd_message message;
    while (wrd_server_receive(server, conn, &message) == WRD_OK) {
        wrd_result result = handlers->message ? handlers->message(server, conn, &message, handlers->user) : WRD_OK;
        if (message.channel != WRD_CHANNEL_MAIN && (result == WRD_CLOSED || result == WRD_GONE))
            result = WRD_OK; /* what was to be done with it has no place any more: the channel's end, no more */
        if (result == WRD_OK)
            wrd_server_release(server, conn);
        else if (result != WRD_AGAIN || !is_open(server, conn))
            wrd_server_close(server, conn); /* there will be no room again */
        if (result != WRD_OK)
            return;
    }
}

static void hand_out(wrd_server *server, const wrd_handlers *handlers, const wrd_event *event)
{
    switch (event->kind) {
    case WRD_EVENT_OPEN:
        if (handlers->open)
            handlers->open(server, event->conn, &event->peer, handlers->user);
        break;
    case WRD_EVENT_READABLE: hand_out_messages(server, handlers, event->conn); break;
    case WRD_EVENT_WRITABLE:
        if (handlers->writable)
            handlers->writable(server, event->conn, handlers->user);
        hand_out_messages(server, handlers, event->conn);
        break;
    case WRD_EVENT_CLOSED:
        if (handlers->closed)
            handlers->closed(server, event, handlers->user);
        break;
    case WRD_EVENT_MOVED:
        if (handlers->moved)
            handlers->moved(server, event, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_OPEN:
        if (handlers->channel_open)
            handlers->channel_open(server, event->conn, event->channel, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_LOW:
        if (handlers->channel_low)
            handlers->channel_low(server, event->conn, event->channel, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_CLOSED:
        if (handlers->channel_closed)
            handlers->channel_closed(server, event, handlers->user);
        break;
    }
}

/* Takes what wrd_server_stop() left; false: nothing. */
static bool was_stopped(wrd_server *server)
{
    uint64_t count;
    (void)!read(server->wake_fd, &count, sizeof count);
    return atomic_exchange(&server->stopping, false);
}

wrd_result wrd_server_turn(wrd_server *server, const wrd_handlers *handlers, int timeout_ms)
{
    struct pollfd fds[2] = {{wrd_server_fd(server), POLLIN, 0}, {server->wake_fd, POLLIN, 0}};
    int own = wrd_server_timeout(server);
    if (own >= 0 && (timeout_ms < 0 || own < timeout_ms))
        timeout_ms = own;
    if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
        return WRD_SYSTEM;
    if ((fds[0].revents | fds[1].revents) & POLLNVAL) {
        errno = EBADF;
        return WRD_SYSTEM;
    }
    wrd_server_process(server);
    wrd_event event;
    while (wrd_server_next(server, &event))
        hand_out(server, handlers, &event);
    wrd_server_flush(server);
    return was_stopped(server) ? WRD_CLOSED : WRD_OK;
}

wrd_result wrd_server_run(wrd_server *server, const wrd_handlers *handlers)
{
    wrd_result result;
    do {
        result = wrd_server_turn(server, handlers, -1);
    } while (result == WRD_OK);
    return result == WRD_CLOSED ? WRD_OK : result;
}

void wrd_server_stop(wrd_server *server)
{
    int error = errno;
    atomic_store(&server->stopping, true);
    uint64_t one = 1;
    (void)!write(server->wake_fd, &one, sizeof one);
    errno = error;
}

/* ---- your own loop */

int wrd_server_fd(const wrd_server *server)
{
    return server->node.udp.fd;
}

int wrd_server_timeout(const wrd_server *server)
{
    return wrd_node_timeout(&server->node);
}

void wrd_server_process(wrd_server *server)
{
    wrd_node_process(&server->node);
}

void wrd_server_flush(wrd_server *server)
{
    wrd_node_flush(&server->node);
}

bool wrd_server_next(wrd_server *server, wrd_event *out)
{
    return wrd_endpoint_next(server->node.endpoint, out);
}

wrd_result wrd_server_accept(wrd_server *server, wrd_conn *out, wrd_addr *peer)
{
    return wrd_endpoint_accept(server->node.endpoint, out, peer);
}

/* ---- connections */

wrd_result wrd_server_send(wrd_server *server, wrd_conn conn, const void *data, size_t len)
{
    return wrd_conn_send(server->node.endpoint, wrd_node_now(), conn, WRD_BINARY, data, len);
}

wrd_result wrd_server_send_text(wrd_server *server, wrd_conn conn, const char *text, size_t len)
{
    return wrd_conn_send(server->node.endpoint, wrd_node_now(), conn, WRD_TEXT, text, len);
}

wrd_result wrd_server_receive(wrd_server *server, wrd_conn conn, wrd_message *out)
{
    return wrd_conn_receive(server->node.endpoint, wrd_node_now(), conn, out);
}

void wrd_server_release(wrd_server *server, wrd_conn conn)
{
    wrd_conn_release(server->node.endpoint, wrd_node_now(), conn);
}

wrd_result wrd_server_read(wrd_server *server, wrd_conn conn, void *out, size_t len)
{
    return wrd_conn_read(server->node.endpoint, wrd_node_now(), conn, out, len);
}

void wrd_server_close(wrd_server *server, wrd_conn conn)
{
    wrd_conn_close(server->node.endpoint, wrd_node_now(), conn);
}

void wrd_server_close_with(wrd_server *server, wrd_conn conn, uint32_t code, const char *reason)
{
    wrd_conn_close_with(server->node.endpoint, wrd_node_now(), conn, code, reason);
}

/* ---- channels */

wrd_result wrd_server_channel_open(wrd_server *server, wrd_conn conn, wrd_channel *out,
                                   const wrd_channel_options *options, const char **why)
{
    return wrd_channel_open(server->node.endpoint, wrd_node_now(), conn, out, options, why);
}

wrd_result wrd_server_channel_send(wrd_server *server, wrd_conn conn, wrd_channel channel, const void *data, size_t len)
{
    return wrd_channel_send(server->node.endpoint, wrd_node_now(), conn, channel, WRD_BINARY, data, len);
}

wrd_result wrd_server_channel_send_text(wrd_server *server, wrd_conn conn, wrd_channel channel, const char *text,
                                        size_t len)
{
    return wrd_channel_send(server->node.endpoint, wrd_node_now(), conn, channel, WRD_TEXT, text, len);
}

size_t wrd_server_channel_buffered(wrd_server *server, wrd_conn conn, wrd_channel channel)
{
    return wrd_channel_buffered(server->node.endpoint, conn, channel);
}

wrd_result wrd_server_channel_set_low(wrd_server *server, wrd_conn conn, wrd_channel channel, size_t bytes)
{
    return wrd_channel_set_low(server->node.endpoint, conn, channel, bytes);
}

void wrd_server_channel_close(wrd_server *server, wrd_conn conn, wrd_channel channel, uint32_t code, const char *reason)
{
    wrd_channel_close(server->node.endpoint, wrd_node_now(), conn, channel, code, reason);
}

wrd_result wrd_server_channel_get_info(const wrd_server *server, wrd_conn conn, wrd_channel channel,
                                       wrd_channel_info *out)
{
    return wrd_channel_get_info(server->node.endpoint, conn, channel, out);
}

wrd_endpoint *wrd_server_endpoint(wrd_server *server)
{
    return server->node.endpoint;
}

/* ---- loops and operation: stubs */

unsigned wrd_server_loops(const wrd_server *server)
{
    (void)server;
    return 1;
}

wrd_server *wrd_server_loop(wrd_server *server, unsigned index)
{
    return index == 0 ? server : NULL;
}

void wrd_server_get_counters(wrd_server *server, wrd_server_counters *out)
{
    if (out->size != sizeof *out)
        return;
    *out = (wrd_server_counters){.size = sizeof *out, .endpoint.size = sizeof out->endpoint, .threads = 1};
    wrd_endpoint_get_counters(server->node.endpoint, &out->endpoint);
}

void wrd_server_drain(wrd_server *server, int timeout_ms, uint32_t code, const char *reason)
{
    (void)timeout_ms;
    (void)code;
    (void)reason;
    wrd_server_stop(server);
}
