/* SPDX-License-Identifier: MIT */
/* An echo server that makes one fault, named by its argument, at every 20th message; test_bench.mjs looks for it. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "wrd/wrd.h"

#define EVERY   20
#define LATE_MS 2000

static unsigned count;

static wrd_result echo(wrd_server *server, wrd_conn conn, const wrd_message *message, const char *fault)
{
    static uint8_t copy[WRD_CHUNK_MAX];
    static uint8_t kept[WRD_CHUNK_MAX];
    static size_t kept_len;

    if (++count % EVERY != 0 || message->len > sizeof copy) {
        wrd_result result = wrd_server_send(server, conn, message->data, message->len);
        if (result == WRD_OK && kept_len > 0) {
            result = wrd_server_send(server, conn, kept, kept_len);
            kept_len = 0;
        }
        return result;
    }
    memcpy(copy, message->data, message->len);
    if (strcmp(fault, "changed") == 0) {
        copy[message->len - 1] ^= 1;
        return wrd_server_send(server, conn, copy, message->len);
    }
    if (strcmp(fault, "shorter") == 0) {
        return wrd_server_send(server, conn, copy, message->len - 1);
    }
    if (strcmp(fault, "twice") == 0) {
        wrd_result result = wrd_server_send(server, conn, copy, message->len);
        return result == WRD_OK ? wrd_server_send(server, conn, copy, message->len) : result;
    }
    if (strcmp(fault, "swapped") == 0) { /* with the next one */
        memcpy(kept, copy, message->len);
        kept_len = message->len;
    }
    return WRD_OK; /* lost */
}

/* The commands of a bench (cli/bench_server.h), answered wrongly. */
static wrd_result command(wrd_server *server, wrd_conn conn, const char *text, const char *fault)
{
    static uint8_t zeros[100];

    if (strcmp(fault, "miscounted") == 0) {
        return strcmp(text, "wrd-bench count") == 0 ? wrd_server_send(server, conn, "wrd-bench count 1 1", 19) : WRD_OK;
    }
    for (int i = 0; strcmp(fault, "longer") == 0 && i < 100; i++) {
        wrd_result result = wrd_server_send(server, conn, zeros, i < 50 ? 99 : sizeof zeros);
        if (result != WRD_OK) {
            return result;
        }
    }
    return WRD_OK; /* silent */
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    static const char prefix[] = "wrd-bench ";
    const char *fault = user;
    char text[64] = "";
    bool commands = strcmp(fault, "miscounted") == 0 || strcmp(fault, "longer") == 0 || strcmp(fault, "mute") == 0;

    if (message->len < sizeof text) {
        memcpy(text, message->data, message->len);
    }
    if (strcmp(fault, "late") == 0) { /* the first one, as on a machine that stalls; no other fault */
        if (count++ == 0) {
            (void)poll(NULL, 0, LATE_MS);
        }
        return wrd_server_send(server, conn, message->data, message->len);
    }
    if (strcmp(text, "wrd-bench echo") == 0) {
        return wrd_server_send(server, conn, message->data, message->len);
    }
    if (commands) {
        return strncmp(text, prefix, sizeof prefix - 1) == 0 ? command(server, conn, text, fault) : WRD_OK;
    }
    return echo(server, conn, message, fault);
}

int main(int argc, char **argv)
{
    wrd_server *server;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why = "usage: faulty_echo FAULT";

    if (argc != 2 || wrd_server_bind(&server, "127.0.0.1:0", NULL, &why) != WRD_OK) {
        return fprintf(stderr, "%s\n", why), 1;
    }
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    printf("listening %s \n", text);
    fflush(stdout);
    wrd_result result = wrd_server_run(server, &(wrd_handlers){.user = argv[1], .message = on_message});
    wrd_server_free(server);
    return result == WRD_OK ? 0 : 1;
}
