/* SPDX-License-Identifier: MIT */
/* A server and a client of the installed libraries in one program, over loopback. */
#include <stdio.h>
#include <string.h>

#include "wrd/client.h"
#include "wrd/server.h"

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    return wrd_server_send(server, conn, message->data, message->len);
}

/* Takes turns until the client has an answer. */
static int exchange(wrd_server *server, wrd_client *client)
{
    const wrd_handlers handlers = {.message = on_message};
    for (int turn = 0; turn < 5000; turn++) {
        if (wrd_server_turn(server, &handlers, 1) != WRD_OK)
            return 1;
        wrd_client_process(client);
        wrd_event event;
        while (wrd_client_next(client, &event)) {
            if (event.kind == WRD_EVENT_OPEN && wrd_client_send(client, "hello", 5) != WRD_OK)
                return 1;
            if (event.kind == WRD_EVENT_CLOSED) {
                fprintf(stderr, "closed: %s\n", event.text);
                return 1;
            }
        }
        wrd_client_flush(client);
        wrd_message message;
        if (wrd_client_receive(client, &message) == WRD_OK) {
            int different = message.len != 5 || memcmp(message.data, "hello", 5) != 0;
            wrd_client_release(client);
            return different;
        }
    }
    fprintf(stderr, "no echo\n");
    return 1;
}

int main(void)
{
    const char *why = "";
    wrd_server *server = NULL;
    if (wrd_server_bind(&server, "127.0.0.1:0", NULL, &why) != WRD_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    wrd_address address;
    wrd_server_address(server, &address);
    wrd_client *client = NULL;
    int failed = 1;
    if (wrd_client_dial(&client, &address, NULL, &why) == WRD_OK)
        failed = exchange(server, client);
    else
        fprintf(stderr, "%s\n", why);
    wrd_client_free(client);
    wrd_server_free(server);
    puts(failed ? "the libraries do not work" : "the server and client libraries work");
    return failed;
}
