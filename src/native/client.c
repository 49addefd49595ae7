/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "wrd/client.h"

#include "native/node.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct wrd_client {
    struct wrd_node node;
    wrd_addr remote;
    wrd_conn conn;
    bool open, closed;
    bool blocked; /* the last send answered WRD_AGAIN */
    wrd_result reason;
    const char *reason_text;
    uint32_t code; /* the peer's, and its words */
    char said[WRD_REASON_MAX + 1];
};

void wrd_client_options_init(wrd_client_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    wrd_endpoint_options_init(&options->endpoint);
}

/* ---- connecting */

wrd_result wrd_client_dial(wrd_client **out, const wrd_address *address, const wrd_client_options *options,
                           const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = "";
    *out = NULL;
    wrd_client_options o;
    wrd_client_options_init(&o);
    if (options && options->size != sizeof *options) {
        *why = "options.size is not sizeof(wrd_client_options): fill options with wrd_client_options_init() first";
        return WRD_INVALID;
    }
    if (options)
        o = *options;
    if (o.socket_buffer < 0) {
        *why = "options.socket_buffer is negative";
        return WRD_INVALID;
    }
    o.endpoint.key = NULL;
    o.endpoint.max_connections = 1;
    wrd_client *client = calloc(1, sizeof *client);
    if (!client) {
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    client->remote = address->addr;
    client->reason_text = "";
    wrd_addr any = {.family = address->addr.family};
    struct wrd_node_options node = {.endpoint = o.endpoint,
                                    .udp.remote = &address->addr,
                                    .udp.buffer_size = o.socket_buffer ? o.socket_buffer : 1024 * 1024,
                                    .capture_file = o.capture_file,
                                    .key_log_file = o.key_log_file};
    wrd_result result = wrd_node_open(&client->node, &node, &any, why);
    if (result == WRD_OK) {
        result = wrd_endpoint_dial_with(client->node.endpoint, wrd_node_now(), &client->conn, address, o.token);
        if (result != WRD_OK)
            *why = result == WRD_INVALID && o.token ? "options.token is no token: pass on what wrd_token_mint() wrote"
                                                    : wrd_result_text(result);
    }
    if (result != WRD_OK) {
        int error = errno;
        client->closed = true;
        wrd_client_free(client);
        errno = error;
        return result;
    }
    wrd_node_flush(&client->node);
    *out = client;
    return WRD_OK;
}

wrd_result wrd_client_connect(wrd_client **out, const char *address, const wrd_client_options *options,
                              const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *out = NULL;
    wrd_address parsed;
    wrd_client *client;
    wrd_result result = wrd_address_parse(&parsed, address, strlen(address), why);
    if (result == WRD_OK)
        result = wrd_client_dial(&client, &parsed, options, why);
    if (result != WRD_OK)
        return result;
    result = wrd_client_drain(client, false, -1); /* the handshake timeout bounds it */
    if (result != WRD_OK) {
        *why = client->closed ? client->reason_text : wrd_result_text(result);
        wrd_client_free(client);
        return result;
    }
    *why = "";
    *out = client;
    return WRD_OK;
}

/* ---- waiting */

static void take_events(wrd_client *client)
{
    wrd_event event;
    while (wrd_client_next(client, &event))
        continue; /* next() keeps the books; the waiting calls look at those */
}

/* Waits for one turn of the loop, until `until` at the latest; false: the time is up. */
static bool turn(wrd_client *client, wrd_time until)
{
    int timeout_ms = wrd_client_timeout(client);
    if (until != WRD_NEVER) {
        wrd_time now = wrd_node_now();
        if (now >= until)
            return false;
        int left = (int)((until - now + WRD_MILLISECOND - 1) / WRD_MILLISECOND);
        timeout_ms = timeout_ms < 0 || left < timeout_ms ? left : timeout_ms;
    }
    (void)poll(&(struct pollfd){wrd_client_fd(client), POLLIN, 0}, 1, timeout_ms);
    wrd_client_process(client);
    take_events(client);
    return true;
}

static wrd_time deadline_after(int timeout_ms)
{
    return timeout_ms < 0 ? WRD_NEVER : wrd_node_now() + (wrd_time)timeout_ms * WRD_MILLISECOND;
}

static wrd_result as_error(wrd_result reason)
{
    return reason == WRD_OK ? WRD_CLOSED : reason;
}

/* Over, though perhaps with messages still to read; then `*why` says why. */
static bool has_ended(const wrd_client *client, wrd_result *why)
{
    wrd_conn_info info = {.size = sizeof info};
    if (!client->closed && wrd_conn_get_info(client->node.endpoint, client->conn, &info) == WRD_OK && !info.ended)
        return false;
    *why = as_error(client->closed ? client->reason : info.reason);
    return true;
}

wrd_result wrd_client_wait(wrd_client *client, wrd_message *out, int timeout_ms)
{
    wrd_time until = deadline_after(timeout_ms);
    for (;;) {
        wrd_result result = wrd_client_receive(client, out);
        if (result == WRD_OK)
            return WRD_OK;
        wrd_client_flush(client); /* taking the chunks of a frame opens the window */
        take_events(client);
        if (has_ended(client, &result))
            return result;
        if (!turn(client, until))
            return WRD_TIMEOUT;
    }
}

wrd_result wrd_client_drain(wrd_client *client, bool all, int timeout_ms)
{
    wrd_time until = deadline_after(timeout_ms);
    wrd_result why;
    wrd_client_flush(client);
    take_events(client);
    while (!has_ended(client, &why)) {
        if (client->open && (all ? wrd_client_buffered(client) == 0 : !client->blocked))
            return WRD_OK;
        if (!turn(client, until))
            return WRD_TIMEOUT;
    }
    take_events(client);
    return why;
}

void wrd_client_free(wrd_client *client)
{
    if (!client)
        return;
    if (!client->closed) {
        wrd_client_close(client);
        wrd_client_flush(client);
        take_events(client);
        while (!client->closed && turn(client, WRD_NEVER)) {
            /* The core bounds it: it gives up when the peer takes nothing for a while. */
        }
        wrd_client_flush(client);
    }
    wrd_node_close(&client->node);
    free(client);
}

/* ---- your own loop */

int wrd_client_fd(const wrd_client *client)
{
    return client->node.udp.fd;
}

int wrd_client_timeout(const wrd_client *client)
{
    return wrd_node_timeout(&client->node);
}

static void tell_refusal(wrd_client *client)
{
    if (!client->node.udp.refused)
        return;
    client->node.udp.refused = false;
    wrd_endpoint_refused(client->node.endpoint, wrd_node_now(), &client->remote);
}

void wrd_client_process(wrd_client *client)
{
    wrd_node_process(&client->node);
    tell_refusal(client);
}

void wrd_client_flush(wrd_client *client)
{
    wrd_node_flush(&client->node);
    tell_refusal(client);
}

void wrd_client_get_trouble(const wrd_client *client, wrd_client_trouble *out)
{
    const struct wrd_udp *udp = &client->node.udp;
    if (out->size != sizeof *out)
        return;
    *out = (wrd_client_trouble){.size = sizeof *out,
                                .answered = udp->answered,
                                .prohibited = udp->prohibited,
                                .answered_by = udp->answered_by,
                                .send_error = udp->send_error,
                                .sends_refused = udp->failed};
}

/* Why nobody answered a dial, where the network or this machine says so. */
static const char *silence_text(const wrd_client *client, const char *otherwise)
{
    const struct wrd_udp *udp = &client->node.udp;
    wrd_endpoint_counters counters = {.size = sizeof counters};
    wrd_endpoint_get_counters(client->node.endpoint, &counters);
    if (counters.datagrams_received > 0)
        return otherwise;
    if (udp->prohibited)
        return "a firewall on the way answers that it is prohibited";
    if (udp->answered != 0)
        return "the network answers that the host cannot be reached: is the address right, and the host up?";
    if (udp->send_error == EPERM || udp->send_error == EACCES)
        return "this machine's own firewall forbids sending there";
    return otherwise;
}

bool wrd_client_next(wrd_client *client, wrd_event *out)
{
    if (!wrd_endpoint_next(client->node.endpoint, out))
        return false;
    if (out->kind == WRD_EVENT_OPEN)
        client->open = true;
    if (out->kind == WRD_EVENT_WRITABLE)
        client->blocked = false;
    if (out->kind == WRD_EVENT_CLOSED) {
        client->closed = true;
        if (out->reason == WRD_TIMEOUT && !client->open)
            out->text = silence_text(client, out->text);
        client->reason = out->reason;
        client->reason_text = out->text;
        client->code = out->code;
        size_t len = strlen(out->said);
        memcpy(client->said, out->said, len < sizeof client->said ? len : sizeof client->said - 1);
        wrd_node_flush(&client->node); /* its last words */
    }
    return true;
}

/* ---- the connection */

static wrd_result send_kind(wrd_client *client, wrd_channel channel, wrd_kind kind, const void *data, size_t len)
{
    if (client->closed)
        return WRD_CLOSED;
    wrd_result result = wrd_channel_send(client->node.endpoint, wrd_node_now(), client->conn, channel, kind, data, len);
    client->blocked = result == WRD_AGAIN;
    return result;
}

wrd_result wrd_client_send(wrd_client *client, const void *data, size_t len)
{
    return send_kind(client, WRD_CHANNEL_MAIN, WRD_BINARY, data, len);
}

wrd_result wrd_client_send_text(wrd_client *client, const char *text, size_t len)
{
    return send_kind(client, WRD_CHANNEL_MAIN, WRD_TEXT, text, len);
}

wrd_result wrd_client_receive(wrd_client *client, wrd_message *out)
{
    if (client->closed)
        return WRD_CLOSED;
    return wrd_conn_receive(client->node.endpoint, WRD_NODE_LAST_TURN, client->conn, out);
}

void wrd_client_release(wrd_client *client)
{
    wrd_conn_release(client->node.endpoint, WRD_NODE_LAST_TURN, client->conn);
}

wrd_result wrd_client_read(wrd_client *client, void *out, size_t len)
{
    if (client->closed)
        return WRD_CLOSED;
    return wrd_conn_read(client->node.endpoint, WRD_NODE_LAST_TURN, client->conn, out, len);
}

size_t wrd_client_buffered(const wrd_client *client)
{
    return wrd_conn_buffered(client->node.endpoint, client->conn);
}

void wrd_client_close(wrd_client *client)
{
    wrd_conn_close(client->node.endpoint, wrd_node_now(), client->conn);
}

void wrd_client_close_with(wrd_client *client, uint32_t code, const char *reason)
{
    wrd_conn_close_with(client->node.endpoint, wrd_node_now(), client->conn, code, reason);
}

uint32_t wrd_client_closed_with(const wrd_client *client, const char **said)
{
    if (said)
        *said = client->said;
    return client->code;
}

int wrd_client_capture_error(wrd_client *client)
{
    struct wrd_trace_file capture, keys;
    wrd_trace_look(&client->node.trace, &capture, &keys);
    return wrd_trace_error(&capture);
}

int wrd_client_key_log_error(wrd_client *client)
{
    struct wrd_trace_file capture, keys;
    wrd_trace_look(&client->node.trace, &capture, &keys);
    return wrd_trace_error(&keys);
}

/* ---- channels */

wrd_result wrd_client_channel_open(wrd_client *client, wrd_channel *out, const wrd_channel_options *options,
                                   const char **why)
{
    return wrd_channel_open(client->node.endpoint, wrd_node_now(), client->conn, out, options, why);
}

wrd_result wrd_client_channel_send(wrd_client *client, wrd_channel channel, const void *data, size_t len)
{
    return send_kind(client, channel, WRD_BINARY, data, len);
}

wrd_result wrd_client_channel_send_text(wrd_client *client, wrd_channel channel, const char *text, size_t len)
{
    return send_kind(client, channel, WRD_TEXT, text, len);
}

size_t wrd_client_channel_buffered(wrd_client *client, wrd_channel channel)
{
    return wrd_channel_buffered(client->node.endpoint, client->conn, channel);
}

wrd_result wrd_client_channel_set_low(wrd_client *client, wrd_channel channel, size_t bytes)
{
    return wrd_channel_set_low(client->node.endpoint, client->conn, channel, bytes);
}

void wrd_client_channel_close(wrd_client *client, wrd_channel channel, uint32_t code, const char *reason)
{
    wrd_channel_close(client->node.endpoint, wrd_node_now(), client->conn, channel, code, reason);
}

wrd_result wrd_client_channel_get_info(const wrd_client *client, wrd_channel channel, wrd_channel_info *out)
{
    return wrd_channel_get_info(client->node.endpoint, client->conn, channel, out);
}

wrd_endpoint *wrd_client_endpoint(wrd_client *client)
{
    return client->node.endpoint;
}

wrd_conn wrd_client_conn(const wrd_client *client)
{
    return client->conn;
}
