/* SPDX-License-Identifier: MIT */
/* The shortest server: every message goes back to where it came from. Prints what clients dial. */
#include <stdio.h>

#include "wrd/wrd.h"

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    return wrd_server_send(server, conn, message->data, message->len); /* WRD_AGAIN: we are asked again */
}

int main(int argc, char **argv)
{
    wrd_server *server;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why;

    if (wrd_server_bind(&server, argc > 1 ? argv[1] : "0.0.0.0:3478", NULL, &why) != WRD_OK) {
        return fprintf(stderr, "%s\n", why), 1;
    }
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    puts(text);
    fflush(stdout);
    wrd_result result = wrd_server_run(server, &(wrd_handlers){.message = on_message});
    wrd_server_free(server);
    return result == WRD_OK ? 0 : 1;
}
