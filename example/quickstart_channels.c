/* SPDX-License-Identifier: MIT */
/*
 * A small game server. Chat goes to everyone on the main channel, reliable and in order. A player who opens the channel
 * "state" gets the state of the world there, twenty times a second: opened unordered and without retransmissions, it
 * never waits for an old state.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wrd/wrd.h"

#define PLAYERS_MAX 64
#define TICK_MS     50

struct player {
    wrd_conn conn;     /* 0: a free place */
    wrd_channel state; /* 0: not opened */
};

struct game {
    struct player players[PLAYERS_MAX];
    unsigned tick;
};

static struct player *find(struct game *game, wrd_conn conn)
{
    for (int i = 0; i < PLAYERS_MAX; i++) {
        if (game->players[i].conn == conn) {
            return &game->players[i];
        }
    }
    return NULL;
}

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    struct player *player = find(user, 0);

    (void)peer;
    if (player == NULL) {
        wrd_server_close_with(server, conn, 4000, "the game is full");
        return;
    }
    *player = (struct player){.conn = conn};
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct player *player = find(user, event->conn);

    (void)server;
    if (player != NULL) {
        *player = (struct player){0};
    }
}

static void on_channel_open(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    struct player *player = find(user, conn);
    wrd_channel_info info = {.size = sizeof info};

    if (player != NULL && wrd_server_channel_get_info(server, conn, channel, &info) == WRD_OK &&
        strcmp(info.label, "state") == 0) {
        player->state = channel;
    } else {
        wrd_server_channel_close(server, conn, channel, 4001, "only \"state\" is known here");
    }
}

static void on_channel_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct player *player = find(user, event->conn);

    (void)server;
    if (player != NULL && player->state == event->channel) {
        player->state = 0;
    }
}

/* What a player says. Who does not keep up with the chat has to go, so that the others need not wait. */
static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    struct game *game = user;

    (void)conn;
    for (int i = 0; message->channel == WRD_CHANNEL_MAIN && i < PLAYERS_MAX; i++) {
        wrd_conn to = game->players[i].conn;
        if (to != 0 && wrd_server_send(server, to, message->data, message->len) == WRD_AGAIN) {
            wrd_server_close_with(server, to, 4002, "too slow");
        }
    }
    return WRD_OK;
}

static void send_state(wrd_server *server, struct game *game)
{
    char state[32];
    int len = snprintf(state, sizeof state, "tick %u", ++game->tick);

    for (int i = 0; i < PLAYERS_MAX; i++) {
        const struct player *player = &game->players[i];
        /* One state on its way is enough: the next is newer. */
        if (player->state != 0 && wrd_server_channel_buffered(server, player->conn, player->state) == 0 &&
            wrd_server_channel_send(server, player->conn, player->state, state, (size_t)len) != WRD_OK) {
            continue; /* no room for this one, or it closes: its event follows */
        }
    }
    wrd_server_flush(server);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    static struct game game;
    const wrd_handlers handlers = {.user = &game,
                                   .open = on_open,
                                   .message = on_message,
                                   .closed = on_closed,
                                   .channel_open = on_channel_open,
                                   .channel_closed = on_channel_closed};
    wrd_server_options options;
    wrd_server *server;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why;

    wrd_server_options_init(&options);
    options.endpoint.accept_channels = 1;
    if (wrd_server_bind(&server, argc > 1 ? argv[1] : "0.0.0.0:3478", &options, &why) != WRD_OK) {
        return fprintf(stderr, "%s\n", why), 1;
    }
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    puts(text);
    fflush(stdout);
    int64_t next_ms = now_ms() + TICK_MS;
    wrd_result result = WRD_OK;
    while (result == WRD_OK) {
        int64_t left_ms = next_ms - now_ms();
        result = wrd_server_turn(server, &handlers, left_ms > 0 ? (int)left_ms : 0);
        if (now_ms() >= next_ms) {
            next_ms += TICK_MS;
            send_state(server, &game);
        }
    }
    wrd_server_free(server);
    return result == WRD_CLOSED ? 0 : 1;
}
