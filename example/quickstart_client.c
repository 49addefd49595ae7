/* SPDX-License-Identifier: MIT */
/* The shortest client: says hello and prints what comes back. */
#include <stdio.h>

#include "wrd/wrd.h"

int main(int argc, char **argv)
{
    wrd_client *client;
    wrd_message message;
    const char *why = "usage: quickstart_client 'IP:PORT FINGERPRINT'";

    if (argc != 2 || wrd_client_connect(&client, argv[1], NULL, &why) != WRD_OK) {
        return fprintf(stderr, "%s\n", why), 1;
    }
    wrd_result result = wrd_client_send(client, "hello", 5);
    if (result == WRD_OK) {
        result = wrd_client_wait(client, &message, 5000);
    }
    if (result == WRD_OK) {
        printf("%.*s\n", (int)message.len, (const char *)message.data);
        wrd_client_release(client);
    } else {
        fprintf(stderr, "%s\n", wrd_result_text(result));
    }
    wrd_client_free(client);
    return result == WRD_OK ? 0 : 1;
}
