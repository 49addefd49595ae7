/* SPDX-License-Identifier: MIT */
/*
 * echo_server IP:PORT [--lost MS]: an echo server with a short patience, which tells how it stands. Prints "listening
 * IP:PORT FINGERPRINT", and a line of JSON for each line on stdin; ends with stdin.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wrd/server.h"

static unsigned opened, closed, lost;
static const char *last_end = "";

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    opened++;
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    return wrd_server_send(server, conn, message->data, message->len);
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    closed++;
    lost += event->reason == WRD_LOST;
    last_end = event->text;
}

static void report(wrd_server *server)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    struct mallinfo2 heap = mallinfo2(); /* libcrypto's share, too */
    wrd_endpoint_get_counters(wrd_server_endpoint(server), &c);
    printf("{\"opened\": %u, \"closed\": %u, \"lost\": %u, \"connections\": %u, \"memory\": %zu, \"heap\": %zu, "
           "\"last_end\": \"%s\"}\n",
           opened, closed, lost, c.connections, c.memory, heap.uordblks + heap.hblkhd, last_end);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const wrd_handlers handlers = {.open = on_open, .message = on_message, .closed = on_closed};
    wrd_server_options options;
    wrd_server *server;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE], line[256];
    const char *why = "";
    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "--lost") == 0))
        return fprintf(stderr, "usage: echo_server IP:PORT [--lost MS]\n"), 2;
    wrd_server_options_init(&options);
    if (argc == 4)
        options.endpoint.lost_timeout = (wrd_time)atoi(argv[3]) * WRD_MILLISECOND;
    if (wrd_server_bind(&server, argv[1], &options, &why) != WRD_OK)
        return fprintf(stderr, "echo_server: %s\n", why), 1;
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    printf("listening %s\n", text);
    fflush(stdout);
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {wrd_server_fd(server), POLLIN, 0}};
    bool going = true;
    while (going) {
        (void)poll(fds, 2, wrd_server_timeout(server));
        going = wrd_server_turn(server, &handlers, 0) == WRD_OK;
        if (fds[0].revents && read(STDIN_FILENO, line, sizeof line) <= 0)
            going = false;
        else if (fds[0].revents)
            report(server);
    }
    wrd_server_free(server);
    return 0;
}
