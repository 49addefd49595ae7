/* SPDX-License-Identifier: MIT */
/* Who is let in, and how many: what keeps an open port open (docs/THREATS.md). */
#include "sim/apps.h"

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "ice/ice.h"
#include "stun/attribute.h"
#include "stun/crc.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS_MAX 40

static struct scene {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller callers[CLIENTS_MAX];
    unsigned clients;
    struct node *server;
} scene;

static const struct link_options line = {.delay_us = 5 * WRD_MILLISECOND};

static void set_scene(wrd_endpoint_options *server)
{
    memset(&scene, 0, sizeof scene);
    world_init(&scene.world, 31);
    world_server_options(server, &scene.key);
}

static void open_server(const wrd_endpoint_options *server)
{
    scene.server = world_add(&scene.world, server, &line, echo_turn, &scene.echo);
    assert_non_null(scene.server);
}

/* A client at `addr`, or at an address of its own when NULL. */
static struct node *add_client(const struct link_options *out, const wrd_addr *addr)
{
    wrd_endpoint_options options;
    wrd_endpoint_options_init(&options);
    struct caller *caller = &scene.callers[scene.clients];
    *caller = (struct caller){
        .to = world_address(scene.server), .seed = scene.clients + 1u, .messages = 5, .size_max = 500};
    struct node *node = world_add(&scene.world, &options, out, caller_turn, caller);
    assert_non_null(node);
    if (addr)
        node->addr = *addr;
    scene.clients++;
    return node;
}

static void run_for(wrd_time time)
{
    world_run(&scene.world, scene.world.now + time, NULL);
}

static unsigned count_opened(void)
{
    unsigned opened = 0;
    for (unsigned i = 0; i < scene.clients; i++)
        opened += scene.callers[i].opened;
    return opened;
}

static wrd_endpoint_counters counters(void)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(scene.server->endpoint, &c);
    return c;
}

static wrd_conn_info first_connection(void)
{
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(scene.server->endpoint, (wrd_conn)1 << 32, &info), WRD_OK);
    return info;
}

/* Every handshake that was begun has come to one end. */
static void end_scene(void)
{
    wrd_endpoint_counters c = counters();
    assert_int_equal(c.handshakes_begun, c.connections_opened + c.handshakes_failed + c.handshakes_timed_out +
                                             c.handshakes_evicted + c.handshakes);
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
}

/* ---- cookies */

/* Clients whose first hello arrives, and nothing after it. */
static void add_mutes(unsigned count)
{
    struct link_options mute = line;
    mute.loss_mask = ~(uint64_t)3; /* the check and the hello pass */
    for (unsigned i = 0; i < count; i++)
        (void)add_client(&mute, NULL);
}

static void above_the_mark_only_who_returns_a_cookie_gets_in(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.cookies_above = 4;
    open_server(&server);
    add_mutes(12);
    run_for(WRD_SECOND);
    wrd_endpoint_counters c = counters();
    assert_int_equal(c.handshakes_begun, 4);
    assert_int_equal(c.connections, 4);
    assert_int_equal(c.cookies_sent, 8);
    struct caller *good = &scene.callers[scene.clients];
    (void)add_client(&line, NULL);
    run_for(WRD_SECOND);
    assert_true(caller_succeeded(good));
    assert_int_equal(counters().connections, 5);
    assert_int_equal(counters().cookies_wrong, 0);
    run_for(20 * WRD_SECOND); /* the mute ones are given up */
    assert_int_equal(counters().handshakes_timed_out, 4);
    c = counters();
    (void)add_client(&line, NULL);
    run_for(WRD_SECOND);
    assert_int_equal(counters().cookies_sent, c.cookies_sent); /* no pressure, no cookie */
    end_scene();
}

static void a_cookie_costs_one_round_trip(void **state)
{
    (void)state;
    wrd_time took[2];
    for (unsigned pressed = 0; pressed < 2; pressed++) {
        wrd_endpoint_options server;
        set_scene(&server);
        server.cookies_above = 1;
        open_server(&server);
        if (pressed)
            add_mutes(1);
        run_for(WRD_SECOND);
        struct caller *caller = &scene.callers[scene.clients];
        wrd_time begun = scene.world.now;
        (void)add_client(&line, NULL);
        run_for(WRD_SECOND);
        assert_true(caller_succeeded(caller));
        took[pressed] = caller->opened_at - begun;
        end_scene();
    }
    assert_int_equal(took[1] - took[0], 2 * line.delay_us);
}

/* Spoofed sources that make valid checks: each needs nothing but an invented ufrag. */
static size_t valid_check(uint8_t out[256], uint32_t number)
{
    char ufrag[64], username[129];
    for (size_t i = 0; i < sizeof ufrag; i++)
        ufrag[i] = (char)('a' + (number >> i % 16 * 2 & 3));
    memcpy(username, ufrag, 64);
    username[64] = ':';
    memcpy(username + 65, ufrag, 64);
    struct wrd_stun_request request = {.transaction = (const uint8_t *)"transaction!",
                                       .username = username,
                                       .username_len = sizeof username,
                                       .priority = 1,
                                       .use_candidate = true};
    return wrd_stun_write_request(out, 256, &request, (const uint8_t *)ufrag, sizeof ufrag);
}

static wrd_addr forged_addr(uint32_t number)
{
    return (wrd_addr){.family = 4, .ip = {172, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
                      .port = (uint16_t)(1024 + number % 60000)};
}

/* Each from elsewhere, 20,000 a second. */
static void inject_checks(uint32_t first, uint32_t count)
{
    for (uint32_t number = first; number < first + count; number++) {
        uint8_t check[256];
        size_t len = valid_check(check, number);
        wrd_addr from = forged_addr(number);
        world_inject(&scene.world, scene.server, &from, check, len);
        if (number % 20 == 19)
            run_for(WRD_MILLISECOND);
    }
}

static void a_flood_of_valid_checks_keeps_nobody_out_and_takes_no_memory(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    run_for(WRD_SECOND);
    size_t before = scene.world.allocations.bytes;
    scene.world.allocations.peak_bytes = before;
    inject_checks(0, 40000);
    assert_true(counters().checks_answered + counters().checks_put_off >= 40000);
    assert_int_equal(scene.world.allocations.bytes, before);
    assert_int_equal(scene.world.allocations.peak_bytes, before); /* nor for a moment */
    for (unsigned i = 0; i < 8; i++)
        (void)add_client(&line, NULL);
    inject_checks(40000, 60000);
    run_for(5 * WRD_SECOND);
    assert_int_equal(count_opened(), 8);
    for (unsigned i = 0; i < 8; i++)
        assert_true(caller_succeeded(&scene.callers[i]));
    assert_int_equal(counters().connections, 8);
    end_scene();
}

/* ---- before the keys are there */

/* A fatal alert in plaintext, which anybody can write, as if from `from`. */
static void inject_alert(struct node *to, const wrd_addr *from, uint8_t number)
{
    uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, number, 0, 2, 2, 40 /* handshake_failure */};
    world_inject(&scene.world, to, from, alert, sizeof alert);
}

/* An alert in each millisecond of a handshake, to the client or to the server. Somebody else is connected meanwhile. */
static void spoil_handshake(bool at_client)
{
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    (void)add_client(&line, NULL);
    run_for(WRD_SECOND);
    struct node *client = add_client(&line, NULL);
    for (uint8_t ms = 0; ms < 100; ms++) {
        inject_alert(at_client ? client : scene.server, at_client ? &scene.server->addr : &client->addr, ms);
        run_for(WRD_MILLISECOND);
    }
    assert_false(scene.callers[1].opened);
}

/* The server keeps nothing of it, who was connected stays so, and the same client gets in when it dials again. */
static void assert_harmless(void)
{
    assert_int_equal(counters().handshakes_begun, 2);
    assert_int_equal(counters().handshakes_failed + counters().handshakes_timed_out, 1);
    assert_int_equal(counters().connections, 1);
    scene.callers[1] = (struct caller){.to = world_address(scene.server), .seed = 9, .messages = 5, .size_max = 500};
    run_for(WRD_SECOND);
    for (unsigned i = 0; i < 2; i++)
        assert_true(caller_succeeded(&scene.callers[i]) && !scene.callers[i].closed);
    assert_int_equal(counters().connections, 2);
    end_scene();
}

static void a_client_whose_handshake_a_plaintext_alert_ended_is_told_and_dials_again(void **state)
{
    (void)state;
    spoil_handshake(true);
    assert_true(scene.callers[1].closed); /* at once */
    assert_int_equal(scene.callers[1].reason, WRD_PROTOCOL);
    run_for(15 * WRD_SECOND);
    assert_harmless();
}

static void a_client_whose_handshake_ended_at_the_server_by_a_plaintext_alert_is_told_and_dials_again(void **state)
{
    (void)state;
    spoil_handshake(false);
    assert_int_equal(counters().handshakes_failed, 1);
    run_for(15 * WRD_SECOND);
    assert_true(scene.callers[1].closed);
    assert_int_equal(scene.callers[1].reason, WRD_TIMEOUT);
    assert_harmless();
}

static void hellos_without_checks_get_nothing_while_there_is_no_pressure(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    static const uint8_t hello[80] = {22,   0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 67, 1, 0,
                                      0,    55,   0,    0, 0, 0, 0, 0, 0, 55, 0xfe, 0xfd};
    for (uint32_t number = 0; number < 1000; number++) {
        wrd_addr from = forged_addr(number);
        world_inject(&scene.world, scene.server, &from, hello, sizeof hello);
    }
    run_for(WRD_SECOND);
    assert_int_equal(scene.server->bytes_sent, 0);
    assert_int_equal(counters().dropped_unknown_path, 1000);
    end_scene();
}

/* Hellos that fail at once leave no handshake open, but use up the rate. */
static void hellos_that_fail_at_once_do_not_use_up_the_rate_of_others(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.handshake_rate = 20;
    open_server(&server);
    static const uint8_t hello[80] = {22,   0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 67, 1, 0,
                                      0,    55,   0,    0, 0, 0, 0, 0, 0, 55, 0xfe, 0xfd};
    for (uint32_t number = 0; number < 6000; number++) { /* a thousand a second */
        uint8_t check[256];
        size_t len = valid_check(check, number);
        wrd_addr from = forged_addr(number);
        world_inject(&scene.world, scene.server, &from, check, len);
        world_inject(&scene.world, scene.server, &from, hello, sizeof hello);
        if (number % 300 == 299)
            (void)add_client(&line, NULL);
        run_for(WRD_MILLISECOND);
    }
    run_for(5 * WRD_SECOND);
    assert_int_equal(count_opened(), 20);
    assert_true(counters().cookies_sent > 1000);
#ifdef WRD_TEST_REAL_DTLS /* the stand-in waits for the rest of such a hello */
    assert_true(counters().handshakes_failed > 5);
#endif
    end_scene();
}

/* ---- limits */

static void each_limit_refuses_and_counts_under_its_own_name(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.max_connections = 3;
    open_server(&server);
    for (unsigned i = 0; i < 5; i++)
        (void)add_client(&line, NULL);
    run_for(5 * WRD_SECOND);
    assert_int_equal(count_opened(), 3);
    assert_true(counters().dropped_full > 0);
    assert_int_equal(counters().connections, 3);
    end_scene();
}

static void one_address_cannot_take_every_place(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.max_per_address = 3;
    open_server(&server);
    wrd_addr nat = {.family = 4, .ip = {10, 9, 9, 9}};
    for (uint16_t i = 0; i < 6; i++) {
        nat.port = (uint16_t)(1000 + i);
        (void)add_client(&line, &nat);
    }
    (void)add_client(&line, NULL); /* somebody else */
    run_for(5 * WRD_SECOND);
    assert_int_equal(count_opened(), 4);
    assert_true(scene.callers[6].opened);
    assert_true(counters().dropped_address > 0);
    run_for(20 * WRD_SECOND); /* the others have given up */
    for (unsigned i = 0; i < 6; i++) /* one leaves, and its place is free */
        if (scene.callers[i].opened) {
            wrd_conn_close(scene.world.nodes[1 + i].endpoint, scene.world.now, scene.callers[i].conn);
            break;
        }
    run_for(WRD_SECOND);
    nat.port = 2000;
    struct caller *late = &scene.callers[scene.clients];
    (void)add_client(&line, &nat);
    run_for(5 * WRD_SECOND);
    assert_true(caller_succeeded(late));
    end_scene();
}

static void a_few_addresses_cannot_take_every_place(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.max_connections = 12;
    server.max_per_address = 4;
    open_server(&server);
    for (uint8_t i = 0; i < 12; i++) {
        wrd_addr nat = {.family = 4, .ip = {10, 9, 9, i / 4}, .port = (uint16_t)(1000 + i)};
        (void)add_client(&line, &nat);
    }
    run_for(5 * WRD_SECOND);
    assert_true(counters().dropped_address > 0);
    struct caller *other = &scene.callers[scene.clients];
    (void)add_client(&line, NULL);
    run_for(5 * WRD_SECOND);
    assert_true(caller_succeeded(other));
    assert_int_equal(counters().dropped_full, 0);
    end_scene();
}

static void an_ipv6_64_counts_as_one_address(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.max_per_address = 2;
    open_server(&server);
    for (uint8_t i = 0; i < 6; i++) {
        wrd_addr addr = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, (uint8_t)(i / 3)}, .port = 5};
        addr.ip[15] = (uint8_t)(i + 1);
        addr.ip[9] = i;
        (void)add_client(&line, &addr);
    }
    run_for(5 * WRD_SECOND);
    assert_int_equal(count_opened(), 4);
    end_scene();
}

static void handshakes_above_the_rate_begin_later_and_all_of_them_do(void **state)
{
    (void)state;
    for (unsigned by_address = 0; by_address < 2; by_address++) {
        wrd_endpoint_options server;
        set_scene(&server);
        if (by_address)
            server.handshake_rate_per_address = 3;
        else
            server.handshake_rate = 4;
        open_server(&server);
        wrd_addr nat = {.family = 4, .ip = {10, 9, 9, 9}};
        for (uint16_t i = 0; i < 12; i++) {
            nat.port = (uint16_t)(1000 + i);
            (void)add_client(&line, by_address ? &nat : NULL);
        }
        run_for(500 * WRD_MILLISECOND);
        assert_int_equal(count_opened(), by_address ? 3 : 4);
        run_for(9 * WRD_SECOND); /* clients repeat their hello, so patience is all it takes */
        assert_int_equal(count_opened(), 12);
        wrd_endpoint_counters c = counters();
        assert_true(by_address ? c.dropped_address_rate > 0 && c.dropped_rate == 0
                               : c.dropped_rate > 0 && c.dropped_address_rate == 0);
        end_scene();
    }
}

static void short_memory_refuses_new_ones_and_spares_those_there_are(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.memory_limit = 4 * 1024 * 1024;
    server.receive_window = 1024 * 1024;
    open_server(&server);
    (void)add_client(&line, NULL);
    run_for(WRD_SECOND);
    assert_true(scene.callers[0].opened);
    /* Nobody takes what these send, so that it stays in the server's memory. */
    scene.server->turn = NULL;
    for (unsigned i = 1; i < 12; i++) {
        (void)add_client(&line, NULL);
        scene.callers[i].messages = 2000;
        scene.callers[i].size_max = 60000;
    }
    run_for(20 * WRD_SECOND);
    wrd_endpoint_counters c = counters();
    assert_true(c.memory <= server.memory_limit);
    assert_true(c.memory > server.memory_limit / 2);
    (void)add_client(&line, NULL);
    run_for(20 * WRD_SECOND);
    assert_false(scene.callers[12].opened);
    assert_true(counters().dropped_memory > 0);
    assert_true(first_connection().open);
    scene.server->turn = echo_turn; /* the application takes them at last, and nothing was lost */
    run_for(300 * WRD_SECOND);
    for (unsigned i = 0; i < 12; i++)
        assert_false(scene.callers[i].corrupt);
    assert_true(caller_succeeded(&scene.callers[0]));
    assert_true(counters().memory < server.memory_limit / 2);
    end_scene();
}

/* ---- tokens */

static const wrd_token_key token_keys[2] = {{{1, 2, 3}}, {{4, 5, 6}}};

static void mint(char out[WRD_TOKEN_LEN + 1], const wrd_token_key *key, wrd_time expires_at)
{
    wrd_token token = {.expires = WORLD_UNIX_TIME + expires_at / WRD_SECOND, .subject = "player 17"};
    assert_int_equal(wrd_token_mint(out, &token, key), WRD_OK);
}

/* A scene whose server takes tokens of the first `keys`. */
static void set_token_scene(wrd_endpoint_options *server, size_t keys)
{
    set_scene(server);
    server->token_keys = token_keys;
    server->token_key_count = keys;
}

static void a_server_that_asks_for_tokens_answers_nobody_without(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    static char good[WRD_TOKEN_LEN + 1], old[WRD_TOKEN_LEN + 1], foreign[WRD_TOKEN_LEN + 1];
    set_token_scene(&server, 2);
    open_server(&server);
    mint(good, &token_keys[1], scene.world.now + 5 * WRD_SECOND);
    mint(old, &token_keys[0], scene.world.now);
    mint(foreign, &(wrd_token_key){{9}}, scene.world.now + 60 * WRD_SECOND);
    static const char *const tokens[] = {NULL, old, foreign, good};
    for (unsigned i = 0; i < 4; i++) {
        (void)add_client(&line, NULL);
        scene.callers[i].token = tokens[i];
    }
    run_for(20 * WRD_SECOND);
    assert_int_equal(count_opened(), 1);
    assert_true(caller_succeeded(&scene.callers[3]));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(scene.callers[i].reason, WRD_TIMEOUT);
        const char *advice = tokens[i] ? "is the token one that the server takes?" : "does the server ask for a token?";
        assert_non_null(strstr(scene.callers[i].text, advice));
    }
    wrd_endpoint_counters c = counters();
    assert_true(c.checks_unknown_token > 0 && c.checks_expired_token > 0);
    wrd_conn_info info = first_connection();
    assert_true(info.has_token);
    assert_string_equal((const char *)info.subject, "player 17");
    run_for(120 * WRD_SECOND); /* a token is for connecting; who is in stays in when it expires */
    assert_true(first_connection().open);
    end_scene();
}

/* Checks that are refused with an error, or would be. */
enum form { IN_ORDER, CONTROLLED, UNKNOWN_ATTRIBUTE, BOTH, FORMS };

static const uint16_t error_codes[FORMS] = {[CONTROLLED] = 487, [UNKNOWN_ATTRIBUTE] = 420, [BOTH] = 420};

struct refusable {
    uint8_t bytes[600];
    size_t len;
};

static void retype(struct refusable *check, uint16_t from, uint16_t to)
{
    for (size_t at = WRD_STUN_HEADER_SIZE; at < check->len;
         at += 4 + ((wrd_load16be(check->bytes + at + 2) + 3u) & ~3u)) {
        if (wrd_load16be(check->bytes + at) == from) {
            wrd_store16be(check->bytes + at, to);
            return;
        }
    }
    fail();
}

/* The same check over again, with MESSAGE-INTEGRITY and FINGERPRINT, which are the last, of what it says now. */
static void sign_again(struct refusable *check, const char *ufrag)
{
    size_t fingerprint_at = check->len - 8, integrity_at = fingerprint_at - 4 - WRD_STUN_INTEGRITY_SIZE;
    uint16_t body = wrd_load16be(check->bytes + 2);
    wrd_store16be(check->bytes + 2, (uint16_t)(body - 8));
    assert_true(wrd_hmac_sha1(check->bytes + integrity_at + 4, (const uint8_t *)ufrag, strlen(ufrag), check->bytes,
                              integrity_at));
    wrd_store16be(check->bytes + 2, body);
    wrd_store32be(check->bytes + fingerprint_at + 4,
                  wrd_stun_crc32(check->bytes, fingerprint_at) ^ WRD_STUN_FINGERPRINT_XOR);
}

static struct refusable check_of(enum form form, const char *ufrag)
{
    struct refusable check;
    char username[2 * WRD_UFRAG_MAX + 2];
    snprintf(username, sizeof username, "%s:%s", ufrag, ufrag);
    struct wrd_stun_request request = {.transaction = (const uint8_t *)"transaction!",
                                       .username = username,
                                       .username_len = strlen(username),
                                       .priority = 1,
                                       .tie_breaker = 1};
    check.len = wrd_stun_write_request(check.bytes, sizeof check.bytes, &request, (const uint8_t *)ufrag,
                                       strlen(ufrag));
    assert_true(check.len > 0);
    if (form == CONTROLLED || form == BOTH)
        retype(&check, WRD_STUN_ICE_CONTROLLING, WRD_STUN_ICE_CONTROLLED);
    if (form == UNKNOWN_ATTRIBUTE || form == BOTH)
        retype(&check, WRD_STUN_PRIORITY, 0x7ff0);
    sign_again(&check, ufrag);
    return check;
}

/* What anybody would be told where no tokens are asked for. */
static uint16_t error_code_of(const struct refusable *check)
{
    struct wrd_ice_answered answered;
    struct wrd_stun response;
    uint8_t answer[WRD_ICE_ANSWER_MAX];
    wrd_addr from = forged_addr(1);
    size_t len = wrd_ice_lite_answer(&answered, &from, check->bytes, check->len, answer, sizeof answer);
    assert_true(wrd_stun_read(&response, answer, len));
    return response.type == WRD_STUN_BINDING_ERROR ? response.error_code : 0;
}

static size_t answered_bytes(const struct refusable *check, uint32_t number)
{
    wrd_addr from = forged_addr(number);
    size_t before = scene.server->bytes_sent;
    world_inject(&scene.world, scene.server, &from, check->bytes, check->len);
    run_for(WRD_MILLISECOND);
    return scene.server->bytes_sent - before;
}

static void no_error_is_answered_without_a_token(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    char good[WRD_TOKEN_LEN + 1], old[WRD_TOKEN_LEN + 1], foreign[WRD_TOKEN_LEN + 1];
    set_token_scene(&server, 1);
    open_server(&server);
    mint(good, &token_keys[0], scene.world.now + 60 * WRD_SECOND);
    mint(old, &token_keys[0], scene.world.now);
    mint(foreign, &token_keys[1], scene.world.now + 60 * WRD_SECOND);
    const char *const ufrags[] = {"0123456789abcdefghijklmnopqrstuv", old, foreign, good};
    for (unsigned form = 0; form < FORMS; form++) {
        for (uint32_t who = 0; who < 4; who++) {
            struct refusable check = check_of((enum form)form, ufrags[who]);
            assert_int_equal(error_code_of(&check), error_codes[form]);
            wrd_endpoint_counters before = counters();
            assert_int_equal(answered_bytes(&check, 100 * form + who) > 0, ufrags[who] == good);
            wrd_endpoint_counters c = counters();
            assert_int_equal(c.checks_expired_token - before.checks_expired_token, ufrags[who] == old);
            assert_int_equal(c.checks_unknown_token - before.checks_unknown_token, who == 0 || ufrags[who] == foreign);
            assert_int_equal(c.checks_invalid - before.checks_invalid, ufrags[who] == good && form != IN_ORDER);
            assert_int_equal(c.checks_answered - before.checks_answered, ufrags[who] == good && form == IN_ORDER);
        }
    }
    end_scene();
}

static void no_cut_or_flipped_check_is_answered_where_tokens_are_asked_for(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    char good[WRD_TOKEN_LEN + 1];
    set_token_scene(&server, 1);
    open_server(&server);
    mint(good, &token_keys[0], scene.world.now + 60 * WRD_SECOND);
    const char *const ufrags[] = {"0123456789abcdefghijklmnopqrstuv", good};
    for (unsigned who = 0; who < 2; who++) {
        struct refusable check = check_of(BOTH, ufrags[who]);
        for (size_t bit = 0; bit < 8 * check.len; bit++) {
            struct refusable flipped = check;
            flipped.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(answered_bytes(&flipped, 1), 0);
            flipped.len = bit / 8;
            assert_int_equal(answered_bytes(&flipped, 1), 0);
        }
        assert_int_equal(answered_bytes(&check, 1) > 0, ufrags[who] == good);
    }
    end_scene();
}

static void tokens_hold_under_pressure_too(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    static char good[WRD_TOKEN_LEN + 1];
    set_token_scene(&server, 1);
    server.cookies_above = 1;
    open_server(&server);
    mint(good, &token_keys[0], scene.world.now + 60 * WRD_SECOND);
    add_mutes(1);
    scene.callers[0].token = good;
    (void)add_client(&line, NULL);
    (void)add_client(&line, NULL);
    scene.callers[2].token = good;
    run_for(9 * WRD_SECOND);
    assert_false(scene.callers[1].opened);
    assert_true(caller_succeeded(&scene.callers[2]));
    assert_true(counters().cookies_sent > 0);
    end_scene();
}

/* A stranger with a token of his own puts it before the hello of somebody else. */
static void nobody_is_taken_for_another_whose_token_came_from_the_same_address(void **state)
{
    (void)state;
    for (unsigned forged = 0; forged < 2; forged++) {
        wrd_endpoint_options server;
        static char good[WRD_TOKEN_LEN + 1], other[WRD_TOKEN_LEN + 1];
        set_token_scene(&server, 1);
        open_server(&server);
        mint(good, &token_keys[0], scene.world.now + 60 * WRD_SECOND);
        wrd_token token = {.expires = WORLD_UNIX_TIME + 5000, .subject = "somebody else"};
        assert_int_equal(wrd_token_mint(other, &token, &token_keys[0]), WRD_OK);
        struct node *client = add_client(&line, NULL);
        scene.callers[0].token = good;
        struct refusable check = check_of(IN_ORDER, other);
        for (unsigned ms = 0; ms < 100; ms++) {
            if (forged)
                world_inject(&scene.world, scene.server, &client->addr, check.bytes, check.len);
            run_for(WRD_MILLISECOND);
        }
        run_for(5 * WRD_SECOND);
        assert_true(caller_succeeded(&scene.callers[0]));
        assert_int_equal(first_connection().has_token, !forged);
        assert_string_equal((const char *)first_connection().subject, forged ? "" : "player 17");
        end_scene();
    }
}

static void a_token_that_is_none_is_refused_when_dialed(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    wrd_conn conn;
    wrd_address address = world_address(scene.server);
    char long_one[WRD_UFRAG_PREFIX_MAX + 2];
    memset(long_one, 'a', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = 0;
    struct node *client = add_client(&line, NULL);
    assert_int_equal(wrd_endpoint_dial_with(client->endpoint, scene.world.now, &conn, &address, "not a token!"),
                     WRD_INVALID);
    assert_int_equal(wrd_endpoint_dial_with(client->endpoint, scene.world.now, &conn, &address, long_one),
                     WRD_INVALID);
    wrd_endpoint_options bare;
    wrd_endpoint_options_init(&bare);
    bare.key = &scene.key;
    bare.token_keys = token_keys;
    bare.token_key_count = 1;
    wrd_endpoint *endpoint;
    const char *why = NULL;
    assert_int_equal(wrd_endpoint_new(&endpoint, &bare, NULL, &why), WRD_INVALID); /* no clock to expire them by */
    assert_non_null(strstr(why, "unix_time"));
    end_scene();
}

/* ---- identities */

static void who_dials_the_second_key_meets_it_and_others_the_first(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    wrd_key second;
    wrd_fingerprint fingerprint;
    set_scene(&server);
    assert_int_equal(wrd_key_from_seed(&second, 1234), WRD_OK);
    assert_int_equal(wrd_key_fingerprint(&fingerprint, &second), WRD_OK);
    server.second_key = &second;
    open_server(&server);
    for (unsigned i = 0; i < 6; i++) {
        (void)add_client(&line, NULL);
        if (i % 2)
            scene.callers[i].to.fingerprint = fingerprint;
    }
    run_for(3 * WRD_SECOND);
    for (unsigned i = 0; i < 6; i++)
        assert_true(caller_succeeded(&scene.callers[i]));
    struct caller *wrong = &scene.callers[scene.clients];
    (void)add_client(&line, NULL);
    wrong->to.fingerprint.bytes[0] ^= 1;
    run_for(3 * WRD_SECOND);
    assert_int_equal(wrong->reason, WRD_MISMATCH);
    end_scene();
}

/* Its check was in the table when it was asked for a cookie, and no longer when the cookie came back. */
static void a_cookie_tells_which_key_its_client_dialed(void **state)
{
    (void)state;
    static const struct link_options far = {.delay_us = 150 * WRD_MILLISECOND};
    for (unsigned dials_second = 0; dials_second < 2; dials_second++) {
        wrd_endpoint_options server;
        wrd_key second;
        set_scene(&server);
        assert_int_equal(wrd_key_from_seed(&second, 1234), WRD_OK);
        server.second_key = &second;
        server.cookies_above = 1;
        open_server(&server);
        add_mutes(1);
        run_for(WRD_SECOND);
        struct caller *caller = &scene.callers[scene.clients];
        (void)add_client(&far, NULL);
        if (dials_second)
            assert_int_equal(wrd_key_fingerprint(&caller->to.fingerprint, &second), WRD_OK);
        wrd_time begun = scene.world.now;
        while (counters().cookies_sent == 0 && scene.world.now < begun + WRD_SECOND)
            run_for(WRD_MILLISECOND);
        for (uint32_t number = 0; number < 40000; number++) { /* of each address two, since the first may be put off */
            uint8_t check[256];
            size_t len = valid_check(check, number);
            wrd_addr from = forged_addr(number);
            world_inject(&scene.world, scene.server, &from, check, len);
            world_inject(&scene.world, scene.server, &from, check, len);
        }
        run_for(WRD_SECOND);
        assert_true(caller_succeeded(caller));
        assert_int_equal(counters().cookies_sent, 1);
        end_scene();
    }
}

static void a_second_key_needs_a_first_and_must_be_one(void **state)
{
    (void)state;
    wrd_endpoint_options options;
    wrd_endpoint *endpoint;
    const char *why = NULL;
    wrd_key key, zero = {{0}};
    assert_int_equal(wrd_key_from_seed(&key, 5), WRD_OK);
    wrd_endpoint_options_init(&options);
    options.second_key = &key;
    assert_int_equal(wrd_endpoint_new(&endpoint, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "second_key"));
    options.key = &key;
    options.second_key = &zero;
    assert_int_equal(wrd_endpoint_new(&endpoint, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "second_key"));
    assert_null(endpoint);
}

static void the_clients_certificate_is_told_when_it_was_asked_for(void **state)
{
    (void)state;
    for (unsigned asked = 0; asked < 2; asked++) {
        wrd_endpoint_options server;
        set_scene(&server);
        server.ask_certificate = asked;
        open_server(&server);
        (void)add_client(&line, NULL);
        run_for(WRD_SECOND);
        assert_true(caller_succeeded(&scene.callers[0]));
        assert_int_equal(first_connection().has_fingerprint, asked);
        end_scene();
    }
}

/* ---- time and the end */

static void who_says_nothing_is_sent_away_after_the_idle_timeout(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    server.idle_timeout = 20 * WRD_SECOND;
    open_server(&server);
    (void)add_client(&line, NULL);
    run_for(15 * WRD_SECOND);
    scene.callers[0].messages += 5; /* talk in time */
    run_for(15 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    assert_false(scene.callers[0].closed);
    run_for(20 * WRD_SECOND);
    assert_true(scene.callers[0].closed);
    assert_int_equal(scene.callers[0].reason, WRD_CLOSED);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(scene.echo.last_reason, WRD_TIMEOUT);
    end_scene();
}

static void draining_tells_everybody_and_takes_nobody(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    for (unsigned i = 0; i < 10; i++)
        (void)add_client(&line, NULL);
    run_for(2 * WRD_SECOND);
    assert_int_equal(count_opened(), 10);
    wrd_endpoint_drain(scene.server->endpoint, scene.world.now, 4001, "going down");
    (void)add_client(&line, NULL);
    run_for(2 * WRD_SECOND);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(scene.callers[i].closed);
        assert_int_equal(scene.callers[i].reason, WRD_CLOSED);
    }
    assert_false(scene.callers[10].opened);
    assert_true(counters().dropped_draining > 0);
    assert_int_equal(counters().dropped_full, 0);
    assert_int_equal(counters().connections, 0);
    assert_int_equal(scene.echo.closed, 10);
    end_scene();
}

static void round_trips_are_counted_by_their_length(void **state)
{
    (void)state;
    wrd_endpoint_options server;
    set_scene(&server);
    open_server(&server);
    struct link_options far = {.delay_us = 30 * WRD_MILLISECOND};
    (void)add_client(&far, NULL);
    scene.callers[0].messages = 200;
    run_for(20 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    wrd_endpoint_counters c = counters();
    uint64_t samples = 0, likely = 0;
    for (unsigned i = 0; i <= WRD_RTT_CLASSES; i++) {
        samples += c.rtt[i];
        if (i > 0 && wrd_rtt_bounds[i - 1] >= 20 * WRD_MILLISECOND && i < 11)
            likely += c.rtt[i]; /* there and back are 35 ms, and a delayed SACK makes it more */
    }
    assert_true(samples > 0);
    assert_true(10 * likely >= 9 * samples);
    assert_true(c.rtt_sum >= samples * 35 * WRD_MILLISECOND);
    assert_int_equal(c.messages_received, 200);
    assert_int_equal(c.messages_sent, 200);
    assert_int_equal(c.bytes_sent, scene.server->bytes_sent);
    assert_int_equal(c.bytes_received, scene.server->bytes_received);
    end_scene();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(above_the_mark_only_who_returns_a_cookie_gets_in),
        cmocka_unit_test(a_cookie_costs_one_round_trip),
        cmocka_unit_test(a_flood_of_valid_checks_keeps_nobody_out_and_takes_no_memory),
        cmocka_unit_test(a_client_whose_handshake_a_plaintext_alert_ended_is_told_and_dials_again),
        cmocka_unit_test(a_client_whose_handshake_ended_at_the_server_by_a_plaintext_alert_is_told_and_dials_again),
        cmocka_unit_test(hellos_without_checks_get_nothing_while_there_is_no_pressure),
        cmocka_unit_test(hellos_that_fail_at_once_do_not_use_up_the_rate_of_others),
        cmocka_unit_test(each_limit_refuses_and_counts_under_its_own_name),
        cmocka_unit_test(one_address_cannot_take_every_place),
        cmocka_unit_test(a_few_addresses_cannot_take_every_place),
        cmocka_unit_test(an_ipv6_64_counts_as_one_address),
        cmocka_unit_test(handshakes_above_the_rate_begin_later_and_all_of_them_do),
        cmocka_unit_test(short_memory_refuses_new_ones_and_spares_those_there_are),
        cmocka_unit_test(a_server_that_asks_for_tokens_answers_nobody_without),
        cmocka_unit_test(no_error_is_answered_without_a_token),
        cmocka_unit_test(no_cut_or_flipped_check_is_answered_where_tokens_are_asked_for),
        cmocka_unit_test(tokens_hold_under_pressure_too),
        cmocka_unit_test(nobody_is_taken_for_another_whose_token_came_from_the_same_address),
        cmocka_unit_test(a_token_that_is_none_is_refused_when_dialed),
        cmocka_unit_test(who_dials_the_second_key_meets_it_and_others_the_first),
        cmocka_unit_test(a_cookie_tells_which_key_its_client_dialed),
        cmocka_unit_test(a_second_key_needs_a_first_and_must_be_one),
        cmocka_unit_test(the_clients_certificate_is_told_when_it_was_asked_for),
        cmocka_unit_test(who_says_nothing_is_sent_away_after_the_idle_timeout),
        cmocka_unit_test(draining_tells_everybody_and_takes_nobody),
        cmocka_unit_test(round_trips_are_counted_by_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
