/* SPDX-License-Identifier: MIT */
/*
 * The other side of the browser tests of channels: every message of a channel comes back on it, but for one with the
 * label "sink". What a page cannot do itself it asks for in text:
 *
 *   on the main channel   !open UNORDERED RETRANSMITS LIFETIME \n LABEL \n PROTOCOL    opens one and says "at once" on
 * it !bye CODE \n REASON                                          closes the connection on another            !close
 * CODE \n REASON                                        closes it behind 512 KiB
 *
 * and what became of a sink it hears on the main channel: "closed CODE BYTES \n REASON".
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wrd/wrd.h"

enum { CONNECTIONS = 16, CHANNELS = 65536, TAIL_PARTS = 8, TAIL_PART = 65536, TEXT_MAX = 4096 };

struct side {
    wrd_conn conn;               /* 0: free */
    uint32_t received[CHANNELS]; /* by id */
};

static wrd_server *server;
static wrd_endpoint *endpoint;
static struct side sides[CONNECTIONS];

static wrd_time now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (wrd_time)ts.tv_sec * WRD_SECOND + (wrd_time)ts.tv_nsec / 1000;
}

static struct side *side_of(wrd_conn conn)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (sides[i].conn == conn)
            return &sides[i];
    }
    return NULL;
}

static void must(wrd_result result, const char *what)
{
    if (result != WRD_OK) {
        printf("failed: %s: %s\n", what, wrd_result_text(result));
    }
}

static void say(wrd_conn conn, wrd_channel channel, const char *text)
{
    must(wrd_channel_send(endpoint, now(), conn, channel, WRD_TEXT, text, strlen(text)), "send");
}

static void open_channel(wrd_conn conn, char *words)
{
    wrd_channel channel;
    wrd_channel_options options;
    const char *why = "";
    int unordered, retransmits, lifetime_ms;
    char *label = strchr(words, '\n');
    char *protocol = label ? strchr(label + 1, '\n') : NULL;

    if (!protocol || sscanf(words, "%d %d %d", &unordered, &retransmits, &lifetime_ms) != 3)
        return;
    *label++ = *protocol++ = 0;
    wrd_channel_options_init(&options);
    options.label = label;
    options.protocol = protocol;
    options.unordered = unordered != 0;
    options.limit_retransmits = retransmits >= 0;
    options.max_retransmits = (uint16_t)(retransmits >= 0 ? retransmits : 0);
    options.lifetime = lifetime_ms >= 0 ? (wrd_time)lifetime_ms * WRD_MILLISECOND : 0;
    must(wrd_channel_open(endpoint, now(), conn, &channel, &options, &why), why);
    say(conn, channel, "at once");
}

static void close_channel(wrd_conn conn, wrd_channel channel, const char *words)
{
    static const uint8_t part[TAIL_PART];
    char *reason;
    unsigned long code = strtoul(words, &reason, 10);
    for (int i = 0; i < TAIL_PARTS; i++) {
        must(wrd_channel_send(endpoint, now(), conn, channel, WRD_BINARY, part, sizeof part), "tail");
    }
    wrd_channel_close(endpoint, now(), conn, channel, (uint32_t)code, reason + 1);
}

/* Whether the message was dealt with; otherwise it waits for room. */
static bool take(struct side *side, const wrd_message *message)
{
    wrd_channel_info info = {.size = sizeof info};
    char words[TEXT_MAX] = "";
    if (message->kind == WRD_TEXT && message->len < sizeof words)
        memcpy(words, message->data, message->len);
    if (strncmp(words, "!open ", 6) == 0) {
        open_channel(side->conn, words + 6);
    } else if (strncmp(words, "!bye ", 5) == 0) {
        char *reason;
        unsigned long code = strtoul(words + 5, &reason, 10);
        say(side->conn, WRD_CHANNEL_MAIN, "last");
        wrd_conn_close_with(endpoint, now(), side->conn, (uint32_t)code, reason + 1);
    } else if (strncmp(words, "!close ", 7) == 0) {
        close_channel(side->conn, message->channel, words + 7);
    } else {
        wrd_result result = wrd_channel_get_info(endpoint, side->conn, message->channel, &info);
        if (result == WRD_OK)
            side->received[info.id] += (uint32_t)message->len;
        if (result != WRD_OK || strcmp(info.label, "sink") == 0)
            return true;
        result =
            wrd_channel_send(endpoint, now(), side->conn, message->channel, message->kind, message->data, message->len);
        if (result == WRD_AGAIN)
            side->received[info.id] -= (uint32_t)message->len;
        return result != WRD_AGAIN;
    }
    return true;
}

static void take_all(struct side *side)
{
    wrd_message message;
    while (side->conn != 0 && wrd_conn_receive(endpoint, now(), side->conn, &message) == WRD_OK) {
        if (!take(side, &message))
            return;
        wrd_conn_release(endpoint, now(), side->conn);
    }
}

static void on_event(const wrd_event *event)
{
    struct side *side = side_of(event->kind == WRD_EVENT_OPEN ? 0 : event->conn);
    wrd_channel_info info = {.size = sizeof info};
    char text[TEXT_MAX];

    if (!side)
        return;
    switch (event->kind) {
    case WRD_EVENT_OPEN: side->conn = event->conn; break;
    case WRD_EVENT_CHANNEL_OPEN:
        if (wrd_channel_get_info(endpoint, event->conn, event->channel, &info) == WRD_OK)
            side->received[info.id] = 0;
        break;
    case WRD_EVENT_CHANNEL_CLOSED:
        if (event->reason != WRD_OK) {
            snprintf(text, sizeof text, "closed %u %u\n%s", event->code, side->received[event->channel & 0xffff],
                     event->said);
            (void)!wrd_channel_send(endpoint, now(), event->conn, WRD_CHANNEL_MAIN, WRD_TEXT, text, strlen(text));
        }
        break;
    case WRD_EVENT_CLOSED:
        printf("closed %u %s\n", event->code, event->said);
        memset(side, 0, sizeof *side);
        break;
    case WRD_EVENT_READABLE:
    case WRD_EVENT_WRITABLE:
    case WRD_EVENT_CHANNEL_LOW:
    case WRD_EVENT_MOVED: break;
    }
}

int main(int argc, char **argv)
{
    wrd_server_options options;
    wrd_address address;
    wrd_event event;
    char words[WRD_ADDRESS_TEXT_SIZE];
    const char *listen = "127.0.0.1:0", *why = "";

    wrd_server_options_init(&options);
    options.endpoint.mode = WRD_RAW;
    options.endpoint.accept_channels = 1000;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc) {
            listen = argv[++i];
        } else if (strcmp(argv[i], "--accept") == 0 && i + 1 < argc) {
            options.endpoint.accept_channels = (uint16_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--fast-open") == 0) {
            options.endpoint.fast_open = true;
        }
    }
    if (wrd_server_bind(&server, listen, &options, &why) != WRD_OK)
        return fprintf(stderr, "%s\n", why), 1;
    endpoint = wrd_server_endpoint(server);
    setvbuf(stdout, NULL, _IOLBF, 0);
    wrd_server_address(server, &address);
    wrd_address_text(&address, words);
    printf("listening %s\n", words);
    for (;;) {
        poll(&(struct pollfd){wrd_server_fd(server), POLLIN, 0}, 1, wrd_server_timeout(server));
        wrd_server_process(server);
        while (wrd_server_next(server, &event)) {
            on_event(&event);
            if (event.kind != WRD_EVENT_CLOSED) {
                struct side *side = side_of(event.conn);
                if (side)
                    take_all(side);
            }
        }
        wrd_server_flush(server);
    }
}
