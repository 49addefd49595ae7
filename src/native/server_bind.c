/* SPDX-License-Identifier: MIT */
/* Making and freeing a server: its options, its sockets, its loops. */
#include "native/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_DEFAULT (4 * 1024 * 1024)

void wrd_server_options_init(wrd_server_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    wrd_endpoint_options_init(&options->endpoint);
}

static bool is_unspecified(const wrd_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

static bool is_multicast(const wrd_addr *addr)
{
    return addr->family == 4 ? (addr->ip[0] & 0xf0) == 0xe0 : addr->ip[0] == 0xff;
}

static wrd_result parse_listen(wrd_addr *out, const char *listen, const char **why)
{
    wrd_result result = wrd_addr_parse(out, listen, strlen(listen), true, why);
    if (result == WRD_OK && is_multicast(out)) {
        *why = "a multicast address cannot be listened on: use one of this machine's own, or 0.0.0.0 or [::]";
        result = WRD_INVALID;
    }
    return result;
}

/* NULL: they are fine. */
static const char *find_fault(const wrd_server_options *options)
{
    if (options->socket_buffer < 0)
        return "options.socket_buffer is negative";
    if (options->threads > WRD_LOOPS_MAX)
        return "options.threads is above 64: more than the machine has cores is of no use";
    if (options->threads > 1 && options->endpoint.siblings)
        return "options.endpoint.siblings is the server's own with more than one thread: leave it NULL";
    return NULL;
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
    const char *fault = find_fault(out);
    if (fault) {
        *why = fault;
        return WRD_INVALID;
    }
    if (out->socket_buffer == 0)
        out->socket_buffer = BUFFER_DEFAULT;
    if (out->threads == 0)
        out->threads = 1;
    if (out->endpoint.key)
        return WRD_OK;
    wrd_result result = wrd_key_random(random_key, NULL);
    out->endpoint.key = random_key;
    if (result != WRD_OK)
        *why = "no random key could be made";
    return result;
}

/* ---- loops */

static wrd_result open_loop(struct wrd_group *group, const wrd_server_options *options, const wrd_addr *local,
                            const char **why)
{
    wrd_server *loop = calloc(1, sizeof *loop);
    if (!loop) {
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    loop->group = group;
    loop->index = group->count;
    loop->wake.read_fd = loop->wake.write_fd = -1;
    group->loops[group->count++] = loop;
    struct wrd_node_options node = {.endpoint = options->endpoint,
                                    .udp.ipv6_only = options->ipv6_only,
                                    .udp.join = loop->index > 0,
                                    .udp.buffer_size = options->socket_buffer,
                                    .keep_buffers = true};
    if (group->office)
        node.endpoint.siblings = wrd_office_siblings(group->office, loop->index);
    wrd_result result = wrd_node_open(&loop->node, &node, local, why);
    if (result == WRD_OK)
        result = wrd_wake_open(&loop->wake, why);
    if (result == WRD_OK)
        result = wrd_waiter_open(&loop->waiter, loop->node.udp.fd, loop->wake.read_fd, why);
    if (result == WRD_OK) {
        result = wrd_report_open(&loop->report, why);
        loop->has_report = result == WRD_OK;
    }
    if (result == WRD_OK)
        wrd_loop_leave(loop);
    return result;
}

static void close_loop(wrd_server *loop)
{
    if (loop->has_report)
        wrd_report_close(&loop->report);
    wrd_waiter_close(&loop->waiter);
    wrd_wake_close(&loop->wake);
    wrd_node_close(&loop->node);
    free(loop);
}

/* The first binds the port as if it were alone, so that one in use is found, and only then lets the others join. */
static wrd_result open_loops(struct wrd_group *group, const wrd_server_options *options, const wrd_addr *local,
                             const char **why)
{
    wrd_result result = open_loop(group, options, local, why);
    if (result != WRD_OK || options->threads == 1)
        return result;
    const struct wrd_udp *first = &group->loops[0]->node.udp;
    wrd_addr bound = *local;
    bound.port = first->local.port;
    if (!wrd_udp_share(&group->loops[0]->node.udp))
        return WRD_OK; /* this system has no such thing: one loop has to do */
    while (result == WRD_OK && group->count < options->threads)
        result = open_loop(group, options, &bound, why);
    return result;
}

static void wake_loop(void *user, unsigned loop)
{
    struct wrd_group *group = user;
    wrd_wake_call(&group->loops[loop]->wake);
}

static wrd_result open_office(struct wrd_group *group, const wrd_server_options *options, const char **why)
{
    const struct wrd_office_options office = {
        .loops = options->threads, .endpoint = &options->endpoint, .user = group, .wake = wake_loop};
    return options->threads == 1 ? WRD_OK : wrd_office_open(&group->office, &office, why);
}

static wrd_result open_group(struct wrd_group *group, wrd_server_options *options, const wrd_addr *local,
                             const char **why)
{
    wrd_result result = wrd_trace_open(&group->trace, options->capture_file, options->key_log_file, why);
    if (!options->endpoint.trace && (options->capture_file || options->key_log_file))
        options->endpoint.trace = &group->trace.trace;
    group->trace.local = *local;
    if (result == WRD_OK)
        result = open_office(group, options, why);
    if (result == WRD_OK)
        result = open_loops(group, options, local, why);
    if (result != WRD_OK)
        return result;
    group->address.addr = group->trace.local = group->loops[0]->node.udp.local;
    group->ipv6_only = options->ipv6_only && local->family == 6;
    result = wrd_key_fingerprint(&group->address.fingerprint, options->endpoint.key);
    if (result != WRD_OK)
        *why = "out of memory for the certificate";
    return result;
}

static void close_group(struct wrd_group *group)
{
    for (unsigned i = 0; i < group->count; i++)
        close_loop(group->loops[i]);
    wrd_office_close(group->office);
    wrd_trace_close(&group->trace);
    free(group);
}

/* ---- the server */

wrd_result wrd_server_bind(wrd_server **out, const char *listen, const wrd_server_options *options, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = "";
    *out = NULL;
    wrd_addr local;
    wrd_server_options o;
    wrd_key random_key;
    wrd_result result = parse_listen(&local, listen, why);
    if (result == WRD_OK)
        result = complete(&o, &random_key, options, why);
    if (result != WRD_OK)
        return result;
    struct wrd_group *group = calloc(1, sizeof *group);
    if (!group)
        *why = "out of memory";
    result = group ? open_group(group, &o, &local, why) : WRD_NO_MEMORY;
    wrd_key_wipe(&random_key);
    if (result == WRD_OK) {
        *why = "";
        *out = group->loops[0];
    } else if (group) {
        int error = errno;
        close_group(group);
        errno = error;
    }
    return result;
}

void wrd_server_free(wrd_server *server)
{
    if (!server)
        return;
    struct wrd_group *group = server->group;
    for (unsigned i = 0; i < group->count; i++) {
        struct wrd_node *node = &group->loops[i]->node;
        wrd_endpoint_abort(node->endpoint, wrd_node_now());
        wrd_node_flush(node);
    }
    close_group(group);
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

void wrd_server_address(const wrd_server *server, wrd_address *out)
{
    *out = server->group->address;
    if (is_unspecified(&out->addr))
        find_reachable(&out->addr, server->group->ipv6_only);
}
