/* SPDX-License-Identifier: MIT */
/*
 * The example server: an echo over WebRTC on UDP port 3478, and over HTTP the page that talks to it. One thread, one
 * poll() loop (cli/loop.c), in which the WebRTC server is one descriptor and one timeout like any other.
 */
#include <getopt.h>
#include <stdio.h>

#include "cli/addresses.h"
#include "cli/http.h"
#include "cli/keyfile.h"
#include "cli/loop.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "wrd/wrd.h"

#define DRAIN_S 5 /* how long the end may take */

static const char help[] =
    "server [options]: an echo over WebRTC, and the page that talks to it\n"
    "\n"
    "  --listen IP:PORT   WebRTC, over UDP; default 0.0.0.0:3478\n"
    "  --http IP:PORT     the page; default 0.0.0.0:8080\n"
    "  --key FILE         keep the key, and so the fingerprint, in FILE; made when it does not exist\n";

struct example {
    const char *listen;
    const char *http_listen;
    const char *key_path;
    unsigned clients;
};

/* ---- what the server does */

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    struct example *example = user;
    char text[WRD_ADDR_TEXT_SIZE];

    (void)server;
    (void)conn;
    wrd_addr_text(peer, text);
    printf("a client connected from %s (%u now)\n", text, ++example->clients);
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    /* WRD_AGAIN when the send queue is full: we are asked again when there is room, and the client is slowed meanwhile.
     */
    return wrd_server_send(server, conn, message->data, message->len);
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct example *example = user;

    (void)server;
    printf("a client left: %s (%u now)\n", event->text, --example->clients);
}

/* ---- start and end */

static int serve(struct example *example, const wrd_key *key)
{
    const wrd_handlers handlers = {.user = example, .open = on_open, .message = on_message, .closed = on_closed};
    wrd_server_options options;
    wrd_server *server;
    struct http *http;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why = "";
    int code = 1;

    wrd_server_options_init(&options);
    options.endpoint.key = key; /* NULL: a random one */
    if (wrd_server_bind(&server, example->listen, &options, &why) != WRD_OK) {
        addresses_say_unusable("listen on", example->listen, why);
        return 1;
    }
    int stop = stop_open();
    const struct http_options http_options = {
        .listen = example->http_listen, .server = server, .server_listen = example->listen, .mode = WRD_FRAMED,
        .connections = http_connections(1), .page = true};
    if (stop >= 0 && http_open(&http, &http_options) == WRD_OK) {
        wrd_server_address(server, &address);
        wrd_address_text(&address, text);
        printf("listening %s\n", text);
        http_print_pages(http, stdout);
        puts("Open a page above in a browser; Ctrl-C ends.");
        code = loop_run(server, &handlers, http, stop, DRAIN_S) ? 0 : 1;
        http_close(http);
    }
    wrd_server_free(server);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"http", required_argument, NULL, 'p'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct example example = {.listen = "0.0.0.0:3478", .http_listen = "0.0.0.0:8080"};
    wrd_key key;
    int option;

    say_as("server");
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'l': example.listen = optarg; break;
        case 'p': example.http_listen = optarg; break;
        case 'k': example.key_path = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        default: fputs(help, stderr); return 2;
        }
    }
    if (optind < argc) {
        fputs(help, stderr);
        return 2;
    }
    if (example.key_path != NULL && !keyfile_load_or_create(&key, example.key_path)) {
        return 1;
    }
    int code = serve(&example, example.key_path != NULL ? &key : NULL);
    wrd_key_wipe(&key);
    return code;
}
