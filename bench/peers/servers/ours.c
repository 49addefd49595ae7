/* SPDX-License-Identifier: MIT */
/* Our library as a server to measure, as each peer here: `ours IP:PORT [framed]`, see README.md. */
#include "wrd/wrd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 16384

enum task { TASK_UNKNOWN, TASK_ECHO, TASK_SINK, TASK_SOURCE };

/* By the low bits of a wrd_conn, which count slots from 0 or 1; a bigger number is another generation. */
static struct client {
    wrd_conn conn;
    enum task task;
    size_t size;
} clients[2 * CONNECTIONS];

static uint8_t bytes[1024 * 1024];

static struct client *client_of(wrd_conn conn)
{
    struct client *client = &clients[(uint32_t)conn % (2 * CONNECTIONS)];
    if (client->conn != conn)
        *client = (struct client){.conn = conn};
    return client;
}

static void pump(wrd_server *server, const struct client *client)
{
    if (client->task == TASK_SOURCE)
        while (wrd_server_send(server, client->conn, bytes, client->size) == WRD_OK)
            continue;
}

static void learn(struct client *client, const wrd_message *message)
{
    char text[64] = "";
    memcpy(text, message->data, message->len < sizeof text - 1 ? message->len : sizeof text - 1);
    client->task = TASK_ECHO;
    if (strcmp(text, "wrd-bench sink") == 0)
        client->task = TASK_SINK;
    else if (strncmp(text, "wrd-bench source ", 17) == 0 &&
             (client->size = strtoul(text + 17, NULL, 10)) <= sizeof bytes)
        client->task = TASK_SOURCE;
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    struct client *client = client_of(conn);
    if (client->task == TASK_UNKNOWN) {
        learn(client, message);
        pump(server, client);
    }
    return client->task == TASK_ECHO ? wrd_server_send(server, conn, message->data, message->len) : WRD_OK;
}

static void on_writable(wrd_server *server, wrd_conn conn, void *user)
{
    pump(server, client_of(conn));
}

int main(int argc, char **argv)
{
    wrd_server *server;
    wrd_server_options options;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why;
    if (argc < 2)
        return fprintf(stderr, "usage: ours IP:PORT [framed]\n"), 2;
    wrd_server_options_init(&options);
    options.endpoint.mode = argc > 2 ? WRD_FRAMED : WRD_RAW;
    /* All clients come from one machine, so what guards an open port against such is out of the way. */
    options.endpoint.max_connections = options.endpoint.max_per_address = CONNECTIONS;
    options.endpoint.max_handshakes = options.endpoint.cookies_above = CONNECTIONS;
    options.endpoint.handshake_rate = options.endpoint.handshake_rate_per_address = 100000;
    if (wrd_server_bind(&server, argv[1], &options, &why) != WRD_OK)
        return fprintf(stderr, "ours: %s\n", why), 1;
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    printf("listening %s\n", text);
    (void)fflush(stdout);
    wrd_result result = wrd_server_run(server, &(wrd_handlers){.message = on_message, .writable = on_writable});
    wrd_server_free(server);
    return result == WRD_OK ? 0 : 1;
}
