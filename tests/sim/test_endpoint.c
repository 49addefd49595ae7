/* SPDX-License-Identifier: MIT */
/* What the endpoint promises to its application, and what it refuses to strangers. */
#include "sim/apps.h"

#include "dtls/dtls.h"
#include "ice/ice.h"
#include "stun/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const wrd_addr stranger = {.family = 4, .ip = {192, 0, 2, 66}, .port = 6666};

struct scene {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller callers[4];
    struct node *server, *clients[4];
};

static void set_scene(struct scene *scene, wrd_mode mode, node_turn server_turn, unsigned clients)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, 21);
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    wrd_endpoint_options server, client;
    world_server_options(&server, &scene->key);
    wrd_endpoint_options_init(&client);
    server.mode = client.mode = mode;
    server.max_handshakes = 8;
    server.cookies_above = UINT32_MAX; /* test_admission.c has those */
    scene->server = world_add(&scene->world, &server, &link, server_turn, &scene->echo);
    assert_non_null(scene->server);
    for (unsigned i = 0; i < clients; i++) {
        scene->callers[i] =
            (struct caller){.to = world_address(scene->server), .seed = i + 1, .messages = 10, .size_max = 1000};
        scene->clients[i] = world_add(&scene->world, &client, &link, caller_turn, &scene->callers[i]);
        assert_non_null(scene->clients[i]);
    }
}

static void run_for(struct scene *scene, wrd_time time)
{
    world_run(&scene->world, scene->world.now + time, NULL);
}

static void end_scene(struct scene *scene)
{
    world_free(&scene->world);
    assert_int_equal(scene->world.allocations.bytes, 0);
}

static wrd_endpoint_counters counters(const struct node *node)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(node->endpoint, &c);
    return c;
}

static void inject(struct scene *scene, const uint8_t *bytes, size_t len)
{
    world_inject(&scene->world, scene->server, &stranger, bytes, len);
}

/* A whole, valid check of the stranger. */
static size_t valid_check(uint8_t out[256], char first)
{
    char ufrag[64], username[129];
    memset(ufrag, first, sizeof ufrag);
    memcpy(username, ufrag, 64);
    username[64] = ':';
    memcpy(username + 65, ufrag, 64);
    struct wrd_stun_request request = {.transaction = (const uint8_t *)"transaction!",
                                       .username = username,
                                       .username_len = sizeof username,
                                       .priority = 1,
                                       .tie_breaker = 1,
                                       .use_candidate = true};
    return wrd_stun_write_request(out, 256, &request, (const uint8_t *)ufrag, sizeof ufrag);
}

/* ---- strangers */

static void garbage_and_bad_checks_allocate_nothing_and_harm_nobody(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 1);
    scene.callers[0].messages = 2000;
    scene.callers[0].stay_quiet_before_reply = true;
    run_for(&scene, WRD_SECOND);
    assert_true(scene.callers[0].opened);
    uint64_t before = scene.world.allocations.count;
    scene.callers[0].messages = scene.callers[0].sent; /* quiet, so that any allocation is the stranger's */
    run_for(&scene, WRD_SECOND);
    before = scene.world.allocations.count;

    uint8_t bytes[1600], check[256];
    size_t check_len = valid_check(check, 'a');
    assert_true(check_len > 0);
    for (size_t len = 0; len < check_len; len++) /* truncated at every byte */
        inject(&scene, check, len);
    for (size_t at = 20; at < check_len; at++) { /* one byte wrong: MESSAGE-INTEGRITY or FINGERPRINT fails */
        memcpy(bytes, check, check_len);
        bytes[at] ^= 0x40;
        inject(&scene, bytes, check_len);
    }
    for (int i = 0; i < 3000; i++) {
        size_t len = (size_t)world_below(&scene.world, sizeof bytes);
        for (size_t at = 0; at < len; at++)
            bytes[at] = (uint8_t)world_random(&scene.world);
        if (len > 0 && i % 3 == 0)
            bytes[0] = (uint8_t)(20 + i % 44); /* looks like DTLS */
        inject(&scene, bytes, len);
    }
    run_for(&scene, WRD_SECOND);
    assert_int_equal(scene.world.allocations.count, before);
    assert_int_equal(counters(scene.server).connections, 1);
    assert_true(counters(scene.server).checks_invalid > 0);
    assert_true(counters(scene.server).dropped_unknown_path > 0);
    assert_true(counters(scene.server).dropped_garbage > 0);
    scene.callers[0].messages += 20;
    run_for(&scene, 5 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    end_scene(&scene);
}

static void a_valid_check_is_answered_from_the_packet_alone(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 0);
    uint64_t before = scene.world.allocations.count;
    uint8_t check[256], answer[WRD_DATAGRAM_MAX];
    size_t check_len = valid_check(check, 'a');
    wrd_path path = {.local = scene.server->addr, .remote = stranger}, out;
    wrd_endpoint_receive(scene.server->endpoint, scene.world.now, &path, check, check_len);
    size_t answer_len = wrd_endpoint_transmit(scene.server->endpoint, scene.world.now, &out, answer, sizeof answer);
    assert_in_range(answer_len, 1, check_len);
    assert_true(wrd_addr_equal(&out.remote, &stranger) && wrd_addr_equal(&out.local, &scene.server->addr));
    struct wrd_stun message;
    assert_true(wrd_stun_read(&message, answer, answer_len));
    assert_int_equal(message.type, WRD_STUN_BINDING_SUCCESS);
    assert_true(wrd_addr_equal(&message.mapped, &stranger));
    char ufrag[64];
    memset(ufrag, 'a', sizeof ufrag);
    assert_true(wrd_stun_verify(&message, answer, (const uint8_t *)ufrag, sizeof ufrag));
    assert_int_equal(scene.world.allocations.count, before);
    assert_int_equal(counters(scene.server).connections, 0);
    end_scene(&scene);
}

/* Takes the client's first hello off the wire by keeping the client from hearing anything but its check's answer. */
static void an_address_that_proves_nothing_gets_three_times_its_bytes_at_most(void **state)
{
    (void)state;
    for (unsigned heard = 2; heard < 12; heard++) {
        struct scene scene;
        set_scene(&scene, WRD_FRAMED, echo_turn, 1);
        scene.clients[0]->out.loss_mask = ~(uint64_t)0 << heard; /* then it falls mute */
        run_for(&scene, 5 * WRD_SECOND);
        scene.clients[0]->out.loss = 1;
        run_for(&scene, 60 * WRD_SECOND);
        if (!scene.callers[0].opened)
            assert_true(scene.server->bytes_sent <= 3 * scene.server->bytes_received);
        assert_int_equal(counters(scene.server).connections, 0);
        end_scene(&scene);
    }
}

static void handshakes_are_bounded_and_the_oldest_gives_way(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 0);
    wrd_endpoint_options client;
    wrd_endpoint_options_init(&client);
    static struct caller mute[20];
    struct link_options link = {.delay_us = WRD_MILLISECOND, .loss_mask = ~(uint64_t)3};
    for (unsigned i = 0; i < 20; i++) {
        mute[i] = (struct caller){.to = world_address(scene.server), .messages = 1, .size_max = 10};
        assert_non_null(world_add(&scene.world, &client, &link, caller_turn, &mute[i]));
    }
    run_for(&scene, WRD_SECOND);
    assert_int_equal(counters(scene.server).connections, 8);
    assert_int_equal(counters(scene.server).handshakes_evicted, 12);
    link.loss_mask = 0;
    static struct caller good;
    good = (struct caller){.to = world_address(scene.server), .seed = 5, .messages = 5, .size_max = 10};
    assert_non_null(world_add(&scene.world, &client, &link, caller_turn, &good));
    run_for(&scene, 5 * WRD_SECOND);
    assert_true(caller_succeeded(&good));
    run_for(&scene, 20 * WRD_SECOND);
    assert_int_equal(counters(scene.server).connections, 1);
    end_scene(&scene);
}

static void a_client_that_comes_back_on_the_same_port_takes_over(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 2);
    run_for(&scene, 2 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]) && caller_succeeded(&scene.callers[1]));
    wrd_endpoint_free(scene.clients[0]->endpoint); /* killed without a word */
    wrd_endpoint_options client;
    wrd_endpoint_options_init(&client);
    assert_int_equal(wrd_endpoint_new(&scene.clients[0]->endpoint, &client, &scene.clients[0]->env, NULL), WRD_OK);
    scene.callers[0] = (struct caller){.to = world_address(scene.server), .seed = 9, .messages = 10, .size_max = 1000};
    run_for(&scene, 2 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    assert_int_equal(scene.echo.opened, 3);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(scene.echo.last_reason, WRD_LOST);
    scene.callers[1].messages += 10;
    run_for(&scene, 2 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[1]));
    end_scene(&scene);
}

static void a_second_handshake_of_an_address_needs_its_cookie(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 0);
    wrd_address address = world_address(scene.server);
    struct wrd_dtls_context *context = wrd_dtls_context_new(&scene.server->env, &(struct wrd_dtls_settings){0});
    struct wrd_dtls *clients[2];
    uint8_t hellos[2][WRD_DTLS_MTU], check[256];
    size_t lens[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = wrd_dtls_client_new(context, scene.world.now, &address.fingerprint);
        lens[i] = wrd_dtls_transmit(clients[i], scene.world.now, hellos[i], sizeof hellos[i]);
    }
    for (char first = 'a'; first <= 'b'; first++) {
        inject(&scene, check, valid_check(check, first));
        inject(&scene, hellos[first - 'a'], lens[first - 'a']);
        run_for(&scene, WRD_MILLISECOND);
    }
    assert_int_equal(counters(scene.server).connections, 1);
    assert_int_equal(counters(scene.server).cookies_sent, 1);
    for (int i = 0; i < 1000; i++) {
        inject(&scene, hellos[i % 2], lens[i % 2]);
        run_for(&scene, WRD_MILLISECOND);
    }
    assert_int_equal(counters(scene.server).connections, 1);
    assert_int_equal(counters(scene.server).handshakes_begun, 1);
    assert_true(scene.server->bytes_sent <= 3 * scene.server->bytes_received);
    for (int i = 0; i < 2; i++)
        wrd_dtls_free(clients[i]);
    wrd_dtls_context_free(context);
    end_scene(&scene);
}

static void a_forged_datagram_does_not_move_the_address_we_answer_from(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 1);
    run_for(&scene, WRD_SECOND);
    wrd_conn conn = (wrd_conn)1 << 32; /* the first slot, first generation */
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(scene.server->endpoint, conn, &info), WRD_OK);
    wrd_path forged = {.local = stranger, .remote = scene.clients[0]->addr};
    static const uint8_t record[40] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 0, 0, 27};
    wrd_endpoint_receive(scene.server->endpoint, scene.world.now, &forged, record, sizeof record);
    assert_int_equal(wrd_conn_get_info(scene.server->endpoint, conn, &info), WRD_OK);
    assert_true(wrd_addr_equal(&info.path.local, &scene.server->addr));
    end_scene(&scene);
}

static void bytes_that_are_no_frame_end_that_one_connection(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 1);
    run_for(&scene, WRD_SECOND);
    wrd_endpoint_options raw;
    wrd_endpoint_options_init(&raw);
    raw.mode = WRD_RAW;
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    static struct caller hostile;
    hostile = (struct caller){
        .to = world_address(scene.server), .seed = 3, .messages = 3, .size_max = 500, .fixed_size = true};
    assert_non_null(world_add(&scene.world, &raw, &link, caller_turn, &hostile));
    run_for(&scene, WRD_SECOND);
    assert_true(hostile.closed);
    assert_int_equal(scene.echo.last_reason, WRD_PROTOCOL);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(counters(scene.server).connections_failed, 1);
    scene.callers[0].messages += 10;
    run_for(&scene, 2 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    end_scene(&scene);
}

/* ---- promises to the application */

static void late_turn(struct world *world, struct node *node)
{
    (void)world;
    (void)node; /* the application looks at nothing for now */
}

static void what_arrives_before_the_accept_is_kept(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, late_turn, 1);
    run_for(&scene, 5 * WRD_SECOND);
    assert_true(scene.callers[0].opened);
    assert_int_equal(scene.callers[0].sent, 10);
    assert_int_equal(scene.callers[0].echoed, 0);
    wrd_conn conn;
    wrd_addr peer;
    assert_int_equal(wrd_endpoint_accept(scene.server->endpoint, &conn, &peer), WRD_OK);
    assert_true(wrd_addr_equal(&peer, &scene.clients[0]->addr));
    assert_int_equal(wrd_endpoint_accept(scene.server->endpoint, &conn, &peer), WRD_AGAIN);
    scene.server->turn = echo_turn;
    run_for(&scene, 5 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    assert_int_equal(scene.echo.opened, 0); /* accepted by hand */
    end_scene(&scene);
}

static void a_slow_reader_slows_its_peer_alone_and_loses_nothing(void **state)
{
    (void)state;
    for (int mode = WRD_FRAMED; mode <= WRD_RAW; mode++) {
        struct scene scene;
        set_scene(&scene, (wrd_mode)mode, late_turn, 1);
        scene.callers[0].messages = 3000;
        scene.callers[0].size_max = 10000;
        scene.callers[0].fixed_size = true;
        run_for(&scene, 20 * WRD_SECOND);
        /* 30 MB wait to go; a window at the server and a send limit at the client are all that is held. */
        assert_true(scene.callers[0].sent < 1000);
        assert_true(scene.world.allocations.peak_bytes < 12u * 1024 * 1024);
        scene.server->turn = echo_turn;
        run_for(&scene, 120 * WRD_SECOND);
        assert_true(caller_succeeded(&scene.callers[0]));
        end_scene(&scene);
    }
}

static void the_tail_of_a_closed_connection_still_arrives(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, late_turn, 1);
    scene.clients[0]->out.loss = 0.05;
    scene.callers[0].messages = 50;
    scene.callers[0].size_max = 9000;
    run_for(&scene, 3 * WRD_SECOND);
    assert_int_equal(scene.callers[0].sent, 50);
    scene.clients[0]->turn = late_turn;
    wrd_conn_close(scene.clients[0]->endpoint, scene.world.now, scene.callers[0].conn);
    run_for(&scene, 5 * WRD_SECOND);
    wrd_conn conn = 0;
    wrd_event event;
    unsigned got = 0;
    wrd_message message;
    assert_true(wrd_endpoint_next(scene.server->endpoint, &event));
    assert_int_equal(event.kind, WRD_EVENT_OPEN);
    conn = event.conn;
    assert_true(wrd_endpoint_next(scene.server->endpoint, &event));
    assert_int_equal(event.kind, WRD_EVENT_READABLE);
    assert_false(wrd_endpoint_next(scene.server->endpoint, &event)); /* CLOSED waits for the reader */
    while (wrd_conn_receive(scene.server->endpoint, scene.world.now, conn, &message) == WRD_OK) {
        wrd_conn_release(scene.server->endpoint, scene.world.now, conn);
        got++;
    }
    assert_int_equal(got, 50);
    assert_true(wrd_endpoint_next(scene.server->endpoint, &event));
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    assert_int_equal(event.reason, WRD_CLOSED);
    assert_int_equal(wrd_conn_receive(scene.server->endpoint, scene.world.now, conn, &message), WRD_GONE);
    end_scene(&scene);
}

static void exact_reads_take_all_or_nothing(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, late_turn, 1);
    scene.callers[0].messages = 0;
    run_for(&scene, WRD_SECOND);
    wrd_conn conn;
    assert_int_equal(wrd_endpoint_accept(scene.server->endpoint, &conn, NULL), WRD_OK);
    struct node *client = scene.clients[0];
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            wrd_conn_send(client->endpoint, scene.world.now, scene.callers[0].conn, WRD_BINARY, &"0123456789"[i], 1),
            WRD_OK);
    run_for(&scene, WRD_SECOND);
    char bytes[16] = {0};
    wrd_endpoint *server = scene.server->endpoint;
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 11), WRD_AGAIN);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 4), WRD_OK);
    assert_memory_equal(bytes, "0123", 4);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 7), WRD_AGAIN);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 6), WRD_OK);
    assert_memory_equal(bytes, "456789", 6);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, (size_t)64 * 1024 * 1024), WRD_TOO_LARGE);
    end_scene(&scene);
}

static void a_read_that_left_bytes_sees_them_before_the_end(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, late_turn, 1);
    scene.callers[0].messages = 0;
    run_for(&scene, WRD_SECOND);
    wrd_conn conn;
    wrd_endpoint *server = scene.server->endpoint;
    struct node *client = scene.clients[0];
    assert_int_equal(wrd_endpoint_accept(server, &conn, NULL), WRD_OK);
    assert_int_equal(
        wrd_conn_send(client->endpoint, scene.world.now, scene.callers[0].conn, WRD_BINARY, "0123456789", 10), WRD_OK);
    run_for(&scene, WRD_SECOND);
    char bytes[8];
    wrd_event event;
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 4), WRD_OK);
    wrd_conn_close(client->endpoint, scene.world.now, scene.callers[0].conn);
    run_for(&scene, WRD_SECOND);
    while (wrd_endpoint_next(server, &event))
        assert_true(event.kind != WRD_EVENT_CLOSED);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 4), WRD_OK);
    assert_memory_equal(bytes, "4567", 4);
    assert_int_equal(wrd_conn_read(server, scene.world.now, conn, bytes, 4), WRD_CLOSED); /* two bytes are left */
    assert_true(wrd_endpoint_next(server, &event));
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    end_scene(&scene);
}

/* The peer is gone while echoes wait for room: the application is asked once more, closes, and the slot is free. */
static void a_peer_that_vanishes_under_a_blocked_echo_leaves_no_connection(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct scene scene;
        set_scene(&scene, way & 1 ? WRD_RAW : WRD_FRAMED, echo_turn, 1);
        scene.callers[0].messages = 100000;
        scene.callers[0].size_max = 5000;
        scene.clients[0]->turn = caller_turn;
        run_for(&scene, 200 * WRD_MILLISECOND);
        assert_true(scene.callers[0].opened && scene.echo.messages > 0);
        scene.clients[0]->turn = late_turn; /* reads no more: the echo blocks */
        run_for(&scene, 5 * WRD_SECOND);
        if (way & 2)
            wrd_endpoint_abort(scene.clients[0]->endpoint, scene.world.now);
        else
            scene.clients[0]->silent = true;
        run_for(&scene, 60 * WRD_SECOND);
        assert_int_equal(scene.echo.opened, 1);
        assert_int_equal(scene.echo.closed, 1);
        assert_int_equal(counters(scene.server).connections, 0);
        end_scene(&scene);
    }
}

static void a_message_that_is_never_released_does_not_hold_back_the_end(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct scene scene;
        set_scene(&scene, WRD_RAW, late_turn, 1);
        run_for(&scene, WRD_SECOND);
        wrd_conn conn;
        wrd_message message;
        wrd_endpoint *server = scene.server->endpoint;
        assert_int_equal(wrd_endpoint_accept(server, &conn, NULL), WRD_OK);
        assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &message), WRD_OK);
        scene.clients[0]->turn = late_turn;
        if (closes == 1)
            wrd_conn_close(server, scene.world.now, conn);
        else
            wrd_endpoint_abort(scene.clients[0]->endpoint, scene.world.now);
        run_for(&scene, 5 * WRD_SECOND);
        if (closes == 0) { /* the peer's end: what waits is still there until the application closes */
            assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &message), WRD_OK);
            wrd_conn_close(server, scene.world.now, conn);
        }
        wrd_event event = {0};
        while (wrd_endpoint_next(server, &event))
            continue;
        assert_int_equal(event.kind, WRD_EVENT_CLOSED);
        assert_int_equal(counters(scene.server).connections, 0);
        end_scene(&scene);
    }
}

static void our_close_ends_for_us_whatever_becomes_of_the_peer(void **state)
{
    (void)state;
    for (int aborts = 0; aborts < 2; aborts++) {
        struct scene scene;
        set_scene(&scene, WRD_RAW, late_turn, 1);
        run_for(&scene, WRD_SECOND);
        static uint8_t large[800000];
        wrd_conn conn;
        wrd_message message;
        wrd_endpoint *server = scene.server->endpoint;
        assert_int_equal(wrd_endpoint_accept(server, &conn, NULL), WRD_OK);
        assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &message), WRD_OK); /* and stays borrowed */
        assert_int_equal(wrd_conn_send(server, scene.world.now, conn, WRD_BINARY, large, sizeof large), WRD_OK);
        wrd_conn_close(server, scene.world.now, conn);
        scene.clients[0]->turn = late_turn;
        if (aborts)
            wrd_endpoint_abort(scene.clients[0]->endpoint, scene.world.now);
        else
            scene.clients[0]->silent = true;
        run_for(&scene, 30 * WRD_SECOND);
        wrd_event event = {0};
        unsigned events = 0;
        assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &message), WRD_CLOSED);
        while (wrd_endpoint_next(server, &event))
            events++;
        assert_int_equal(events, 1);
        assert_int_equal(event.kind, WRD_EVENT_CLOSED);
        assert_int_equal(event.reason, aborts ? WRD_CLOSED : WRD_LOST); /* not all that was sent arrived */
        assert_int_equal(counters(scene.server).connections, 0);
        end_scene(&scene);
    }
}

static void peek_turn(struct world *world, struct node *node)
{
    wrd_event event;
    wrd_message message;
    while (wrd_endpoint_next(node->endpoint, &event))
        continue;
    (void)!wrd_conn_receive(node->endpoint, world->now, (wrd_conn)1 << 32, &message); /* but releases nothing */
}

static void a_message_that_is_only_looked_at_makes_no_work(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, peek_turn, 1);
    run_for(&scene, WRD_SECOND);
    scene.clients[0]->turn = late_turn;
    wrd_endpoint_abort(scene.clients[0]->endpoint, scene.world.now);
    run_for(&scene, 60 * WRD_SECOND); /* the world stops the test when a deadline does not move */
    assert_int_equal(counters(scene.server).connections, 1);
    end_scene(&scene);
}

static void data_and_abort_at_once_leave_no_connection(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct scene scene;
        set_scene(&scene, WRD_FRAMED, echo_turn, 1);
        scene.callers[0].messages = 0;
        run_for(&scene, WRD_SECOND);
        struct node *client = scene.clients[0];
        client->turn = late_turn;
        for (unsigned i = 0; i <= round; i++)
            assert_int_equal(
                wrd_conn_send(client->endpoint, scene.world.now, scene.callers[0].conn, WRD_BINARY, "x", 1), WRD_OK);
        wrd_endpoint_abort(client->endpoint, scene.world.now);
        run_for(&scene, 5 * WRD_SECOND);
        assert_int_equal(scene.echo.closed, 1);
        assert_int_equal(counters(scene.server).connections, 0);
        end_scene(&scene);
    }
}

static void a_long_goodbye_lasts_as_long_as_the_peer_takes_what_was_sent(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, echo_turn, 1);
    scene.clients[0]->out.delay_us = scene.server->out.delay_us = 150 * WRD_MILLISECOND;
    scene.callers[0].messages = 1;
    scene.callers[0].size_max = WRD_MESSAGE_MAX;
    scene.callers[0].fixed_size = true;
    while (scene.callers[0].sent == 0)
        run_for(&scene, 10 * WRD_MILLISECOND);
    scene.clients[0]->turn = late_turn;
    wrd_conn_close(scene.clients[0]->endpoint, scene.world.now, scene.callers[0].conn);
    run_for(&scene, 120 * WRD_SECOND);
    wrd_event event;
    while (wrd_endpoint_next(scene.clients[0]->endpoint, &event))
        continue;
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    assert_int_equal(event.reason, WRD_OK);
    wrd_conn_info unused = {.size = sizeof unused};
    assert_int_equal(wrd_conn_get_info(scene.server->endpoint, (wrd_conn)1 << 32, &unused), WRD_GONE);
    assert_int_equal(counters(scene.server).connections_opened, 1);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(scene.echo.taken, 1); /* the message came whole, though nobody was left to echo to */
    end_scene(&scene);
}

static void a_borrowed_message_outlives_the_close(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_RAW, late_turn, 1);
    scene.callers[0].messages = 2;
    scene.callers[0].size_max = 300000;
    scene.callers[0].fixed_size = true;
    run_for(&scene, WRD_SECOND);
    wrd_conn conn;
    wrd_message message, again;
    wrd_endpoint *server = scene.server->endpoint;
    assert_int_equal(wrd_endpoint_accept(server, &conn, NULL), WRD_OK);
    assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &message), WRD_OK);
    uint8_t first = message.data[0], last = message.data[message.len - 1];
    wrd_conn_close(server, scene.world.now, conn);
    run_for(&scene, 100 * WRD_MILLISECOND);
    assert_true(message.data[0] == first && message.data[message.len - 1] == last);
    wrd_conn_release(server, scene.world.now, conn);
    assert_int_equal(wrd_conn_receive(server, scene.world.now, conn, &again), WRD_CLOSED);
    run_for(&scene, 10 * WRD_SECOND);
    wrd_event event = {0};
    while (wrd_endpoint_next(server, &event))
        continue;
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    end_scene(&scene);
}

static void calls_with_wrong_arguments_change_nothing(void **state)
{
    (void)state;
    struct scene scene;
    set_scene(&scene, WRD_FRAMED, echo_turn, 1);
    run_for(&scene, WRD_SECOND);
    wrd_endpoint *ep = scene.clients[0]->endpoint;
    wrd_time now = scene.world.now;
    wrd_conn conn = scene.callers[0].conn, other;
    assert_int_equal(wrd_conn_send(ep, now, 12345, WRD_BINARY, "x", 1), WRD_GONE);
    assert_int_equal(wrd_conn_send(ep, now, conn, WRD_BINARY, NULL, 1), WRD_INVALID);
    assert_int_equal(wrd_conn_send(ep, now, conn, WRD_TEXT, "x", 1), WRD_INVALID);
    assert_int_equal(wrd_conn_send(ep, now, conn, WRD_BINARY, "x", WRD_MESSAGE_MAX + 1), WRD_TOO_LARGE);
    assert_int_equal(wrd_endpoint_dial(ep, now, &other, &scene.callers[0].to), WRD_INVALID); /* already there */
    assert_int_equal(wrd_conn_buffered(ep, 12345), 0);
    wrd_conn_close(ep, now, 12345);
    wrd_conn_release(ep, now, 12345);
    wrd_conn_info info = {.size = sizeof info};
    assert_int_equal(wrd_conn_get_info(ep, conn, &info), WRD_OK);
    assert_true(info.open && info.messages_sent == 10 && info.messages_received == 10);
    assert_in_range(info.rtt, 9 * WRD_MILLISECOND, 60 * WRD_MILLISECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    end_scene(&scene);
}

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    wrd_endpoint *ep;
    const char *why;
    wrd_endpoint_options options = {0};
    assert_int_equal(wrd_endpoint_new(&ep, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "size"));
    wrd_endpoint_options_init(&options);
    options.receive_window = 1000;
    assert_int_equal(wrd_endpoint_new(&ep, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "receive_window"));
    wrd_endpoint_options_init(&options);
    options.message_limit = WRD_MESSAGE_MAX + 1;
    assert_int_equal(wrd_endpoint_new(&ep, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "message_limit"));
    wrd_endpoint_options_init(&options);
    wrd_key zero = {{0}};
    options.key = &zero;
    assert_int_equal(wrd_endpoint_new(&ep, &options, NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "key"));
    assert_null(ep);
}

static void expect_end(struct scene *scene, struct node *node, wrd_conn conn)
{
    wrd_event event;
    wrd_endpoint_expire(node->endpoint, scene->world.now + 3600 * WRD_SECOND);
    while (wrd_endpoint_next(node->endpoint, &event) && event.kind != WRD_EVENT_CLOSED)
        continue;
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    assert_true(event.conn == conn);
}

/* As behind a socket that takes nothing. */
static void a_dial_and_a_close_end_in_time_though_nothing_is_transmitted(void **state)
{
    (void)state;
    static struct scene scene;
    set_scene(&scene, WRD_RAW, echo_turn, 2);
    run_for(&scene, WRD_SECOND);
    struct node *client = scene.clients[0];
    assert_true(caller_succeeded(&scene.callers[0]));
    wrd_conn_close(client->endpoint, scene.world.now, scene.callers[0].conn);
    wrd_time due = wrd_endpoint_deadline(client->endpoint);
    assert_true(due <= scene.world.now); /* there is something to transmit, which nobody does */
    expect_end(&scene, client, scene.callers[0].conn);
    wrd_endpoint_abort(scene.clients[1]->endpoint, scene.world.now);

    wrd_endpoint *dialer;
    wrd_endpoint_options options;
    wrd_address to = world_address(scene.server);
    wrd_conn conn;
    wrd_event event;
    wrd_endpoint_options_init(&options);
    assert_int_equal(wrd_endpoint_new(&dialer, &options, NULL, NULL), WRD_OK);
    assert_int_equal(wrd_endpoint_dial(dialer, WRD_SECOND, &conn, &to), WRD_OK);
    wrd_endpoint_expire(dialer, 3600 * WRD_SECOND);
    assert_true(wrd_endpoint_next(dialer, &event));
    assert_int_equal(event.kind, WRD_EVENT_CLOSED);
    assert_int_equal(event.reason, WRD_TIMEOUT);
    wrd_endpoint_free(dialer);
    end_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_and_bad_checks_allocate_nothing_and_harm_nobody),
        cmocka_unit_test(a_valid_check_is_answered_from_the_packet_alone),
        cmocka_unit_test(an_address_that_proves_nothing_gets_three_times_its_bytes_at_most),
        cmocka_unit_test(handshakes_are_bounded_and_the_oldest_gives_way),
        cmocka_unit_test(a_client_that_comes_back_on_the_same_port_takes_over),
        cmocka_unit_test(bytes_that_are_no_frame_end_that_one_connection),
        cmocka_unit_test(what_arrives_before_the_accept_is_kept),
        cmocka_unit_test(a_slow_reader_slows_its_peer_alone_and_loses_nothing),
        cmocka_unit_test(the_tail_of_a_closed_connection_still_arrives),
        cmocka_unit_test(exact_reads_take_all_or_nothing),
        cmocka_unit_test(a_second_handshake_of_an_address_needs_its_cookie),
        cmocka_unit_test(a_forged_datagram_does_not_move_the_address_we_answer_from),
        cmocka_unit_test(a_read_that_left_bytes_sees_them_before_the_end),
        cmocka_unit_test(a_peer_that_vanishes_under_a_blocked_echo_leaves_no_connection),
        cmocka_unit_test(a_message_that_is_never_released_does_not_hold_back_the_end),
        cmocka_unit_test(a_dial_and_a_close_end_in_time_though_nothing_is_transmitted),
        cmocka_unit_test(our_close_ends_for_us_whatever_becomes_of_the_peer),
        cmocka_unit_test(a_message_that_is_only_looked_at_makes_no_work),
        cmocka_unit_test(data_and_abort_at_once_leave_no_connection),
        cmocka_unit_test(a_long_goodbye_lasts_as_long_as_the_peer_takes_what_was_sent),
        cmocka_unit_test(a_borrowed_message_outlives_the_close),
        cmocka_unit_test(calls_with_wrong_arguments_change_nothing),
        cmocka_unit_test(options_out_of_range_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
