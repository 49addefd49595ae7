/* SPDX-License-Identifier: MIT */
#include "sim/strangers.h"

#include <string.h>

#include "dtls/dtls.h"
#include "ice/ice.h"
#include "stun/stun.h"

enum { UFRAG = 64, FEW = 400 };

static void make_check(struct strangers *strangers, size_t i, uint64_t *seed)
{
    char ufrag[UFRAG], username[2 * UFRAG + 1];
    uint8_t transaction[WRD_STUN_TRANSACTION_SIZE];
    for (size_t at = 0; at < UFRAG; at++)
        ufrag[at] = "0123456789abcdef"[link_random(seed) % 16];
    for (size_t at = 0; at < sizeof transaction; at++)
        transaction[at] = (uint8_t)link_random(seed);
    memcpy(username, ufrag, UFRAG);
    username[UFRAG] = ':';
    memcpy(username + UFRAG + 1, ufrag, UFRAG);
    struct wrd_stun_request request = {.transaction = transaction,
                                       .username = username,
                                       .username_len = sizeof username,
                                       .priority = 1,
                                       .tie_breaker = 1,
                                       .use_candidate = true};
    strangers->checks[i].len = wrd_stun_write_request(strangers->checks[i].bytes, sizeof strangers->checks[i].bytes,
                                                      &request, (uint8_t *)ufrag, UFRAG);
}

/* A client says what it says to a server that answers its check. */
static bool take_hello(struct strangers *strangers, wrd_endpoint *client)
{
    wrd_address address = {.addr = {.family = 4, .ip = {10, 0, 0, 1}, .port = 1}};
    wrd_path path;
    uint8_t check[WRD_DATAGRAM_MAX], answer[WRD_ICE_ANSWER_MAX];
    wrd_conn conn;
    struct wrd_ice_answered answered;
    struct wrd_dtls_hello hello;
    if (wrd_endpoint_dial(client, 1, &conn, &address) != WRD_OK)
        return false;
    size_t len = wrd_endpoint_transmit(client, 1, &path, check, sizeof check);
    len = wrd_ice_lite_answer(&answered, &address.addr, check, len, answer, sizeof answer);
    wrd_endpoint_receive(client, 2, &(wrd_path){.remote = address.addr}, answer, len);
    strangers->hello_len = wrd_endpoint_transmit(client, 2, &path, strangers->hello, sizeof strangers->hello);
    if (!wrd_dtls_hello_read(&hello, strangers->hello, strangers->hello_len))
        return false;
    strangers->random_at = (size_t)(hello.random - strangers->hello);
    return true;
}

bool strangers_init(struct strangers *strangers, enum strangers_kind kind, uint64_t seed)
{
    wrd_endpoint_options options;
    wrd_endpoint *client;
    memset(strangers, 0, sizeof *strangers);
    strangers->kind = kind;
    for (size_t i = 0; i < STRANGERS_CHECKS; i++)
        make_check(strangers, i, &seed);
    wrd_endpoint_options_init(&options);
    if (wrd_endpoint_new(&client, &options, NULL, NULL) != WRD_OK)
        return false;
    bool ok = take_hello(strangers, client);
    wrd_endpoint_free(client);
    return ok;
}

static wrd_addr address_of(const struct strangers *strangers, uint64_t turn)
{
    uint8_t a = (uint8_t)(turn >> 16), b = (uint8_t)(turn >> 8), c = (uint8_t)turn;
    if (strangers->kind == STRANGERS_ONE_ADDRESS)
        return (wrd_addr){.family = 4, .ip = {11, 1, 1, 1}, .port = (uint16_t)(1024 + turn % 60000)};
    if (strangers->kind == STRANGERS_ONE_NET)
        return (wrd_addr){.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, a, b, c}, .port = 4000};
    if (strangers->kind == STRANGERS_NAT || strangers->kind == STRANGERS_PORT) {
        wrd_addr from = strangers->nat;
        if (strangers->kind == STRANGERS_NAT)
            from.port = (uint16_t)(1024 + turn % 60000);
        return from;
    }
    return (wrd_addr){.family = 4, .ip = {11, a, b, c}, .port = (uint16_t)(1024 + turn % 50000)};
}

void strangers_send(struct strangers *strangers, struct world *world, struct node *to)
{
    bool once = strangers->kind == STRANGERS_CHECK || strangers->kind == STRANGERS_FEW;
    bool pairs = !once && strangers->kind != STRANGERS_TWICE;
    uint64_t turn = once ? strangers->count : strangers->count / 2;
    if (strangers->kind == STRANGERS_FEW)
        turn %= FEW;
    wrd_addr from = address_of(strangers, turn);
    if (pairs && strangers->count % 2 == 1) {
        for (size_t i = 0; i < WRD_DTLS_RANDOM_SIZE; i++)
            strangers->hello[strangers->random_at + i] = (uint8_t)world_random(world);
        world_inject(world, to, &from, strangers->hello, strangers->hello_len);
    } else {
        world_inject(world, to, &from, strangers->checks[turn % STRANGERS_CHECKS].bytes,
                     strangers->checks[turn % STRANGERS_CHECKS].len);
    }
    strangers->count++;
}
