/* SPDX-License-Identifier: MIT */
/* The calls for a server's own loop and its connections; each is about one loop. */
#include "native/loop.h"

/* Takings of mail before the socket has its turn. */
#define MAIL_ROUNDS 4
/* How long what comes from other threads may wait where no descriptor tells of it, in ms. */
#define BLIND_MS 20

static wrd_endpoint *core(wrd_server *server)
{
    wrd_loop_enter(server);
    return server->node.endpoint;
}

/* ---- your own loop */

int wrd_server_fd(const wrd_server *server)
{
    return wrd_waiter_fd(&server->waiter);
}

static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int wrd_server_timeout(const wrd_server *server)
{
    int timeout_ms = sooner(wrd_node_timeout(&server->node), wrd_loop_drain_timeout(server));
    return server->waiter.kind->tells_all ? timeout_ms : sooner(timeout_ms, BLIND_MS);
}

/* What the other loops have for this one. It answers from its own socket, which has the same port. */
static void read_mail(wrd_server *server)
{
    struct wrd_office *office = server->group->office;
    const struct wrd_mail *mail;
    unsigned count = 1;
    for (int round = 0; office && count > 0 && round < MAIL_ROUNDS; round++) {
        count = wrd_office_take(office, server->index, &mail);
        wrd_time now = wrd_node_now();
        for (unsigned i = 0; i < count; i++)
            wrd_node_receive_passed(&server->node, now, &mail[i].path, mail[i].bytes, mail[i].len);
        wrd_office_done(office, server->index, count);
    }
    if (office && count > 0)
        wrd_wake_call(&server->wake); /* perhaps there is more */
}

void wrd_server_process(wrd_server *server)
{
    wrd_loop_enter(server);
    wrd_wake_take(&server->wake);
    wrd_loop_drain(server);
    read_mail(server);
    wrd_node_process(&server->node);
    wrd_loop_report(server);
}

void wrd_server_flush(wrd_server *server)
{
    wrd_loop_enter(server);
    wrd_node_flush(&server->node);
    wrd_loop_drain(server);
    wrd_loop_report(server);
}

bool wrd_server_next(wrd_server *server, wrd_event *out)
{
    return wrd_endpoint_next(core(server), out);
}

wrd_result wrd_server_accept(wrd_server *server, wrd_conn *out, wrd_addr *peer)
{
    return wrd_endpoint_accept(core(server), out, peer);
}

wrd_endpoint *wrd_server_endpoint(wrd_server *server)
{
    return core(server);
}

unsigned wrd_server_loops(const wrd_server *server)
{
    return server->group->count;
}

wrd_server *wrd_server_loop(wrd_server *server, unsigned index)
{
    return index < server->group->count ? server->group->loops[index] : NULL;
}

/* ---- connections */

wrd_result wrd_server_send(wrd_server *server, wrd_conn conn, const void *data, size_t len)
{
    return wrd_conn_send(core(server), wrd_node_now(), conn, WRD_BINARY, data, len);
}

wrd_result wrd_server_send_text(wrd_server *server, wrd_conn conn, const char *text, size_t len)
{
    return wrd_conn_send(core(server), wrd_node_now(), conn, WRD_TEXT, text, len);
}

wrd_result wrd_server_receive(wrd_server *server, wrd_conn conn, wrd_message *out)
{
    return wrd_conn_receive(core(server), WRD_NODE_LAST_TURN, conn, out);
}

void wrd_server_release(wrd_server *server, wrd_conn conn)
{
    wrd_conn_release(core(server), WRD_NODE_LAST_TURN, conn);
}

wrd_result wrd_server_read(wrd_server *server, wrd_conn conn, void *out, size_t len)
{
    return wrd_conn_read(core(server), WRD_NODE_LAST_TURN, conn, out, len);
}

void wrd_server_close(wrd_server *server, wrd_conn conn)
{
    wrd_conn_close(core(server), wrd_node_now(), conn);
}

void wrd_server_close_with(wrd_server *server, wrd_conn conn, uint32_t code, const char *reason)
{
    wrd_conn_close_with(core(server), wrd_node_now(), conn, code, reason);
}

/* ---- channels */

wrd_result wrd_server_channel_open(wrd_server *server, wrd_conn conn, wrd_channel *out,
                                   const wrd_channel_options *options, const char **why)
{
    return wrd_channel_open(core(server), wrd_node_now(), conn, out, options, why);
}

wrd_result wrd_server_channel_send(wrd_server *server, wrd_conn conn, wrd_channel channel, const void *data, size_t len)
{
    return wrd_channel_send(core(server), wrd_node_now(), conn, channel, WRD_BINARY, data, len);
}

wrd_result wrd_server_channel_send_text(wrd_server *server, wrd_conn conn, wrd_channel channel, const char *text,
                                        size_t len)
{
    return wrd_channel_send(core(server), wrd_node_now(), conn, channel, WRD_TEXT, text, len);
}

size_t wrd_server_channel_buffered(wrd_server *server, wrd_conn conn, wrd_channel channel)
{
    return wrd_channel_buffered(core(server), conn, channel);
}

wrd_result wrd_server_channel_set_low(wrd_server *server, wrd_conn conn, wrd_channel channel, size_t bytes)
{
    return wrd_channel_set_low(core(server), conn, channel, bytes);
}

void wrd_server_channel_close(wrd_server *server, wrd_conn conn, wrd_channel channel, uint32_t code, const char *reason)
{
    wrd_channel_close(core(server), wrd_node_now(), conn, channel, code, reason);
}

wrd_result wrd_server_channel_get_info(const wrd_server *server, wrd_conn conn, wrd_channel channel,
                                       wrd_channel_info *out)
{
    return wrd_channel_get_info(server->node.endpoint, conn, channel, out);
}
