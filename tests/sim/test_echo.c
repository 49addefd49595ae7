/* SPDX-License-Identifier: MIT */
/* The whole core, client and server, in virtual time. */
#include "sim/apps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller caller;
};

static void set_scene(struct scene *scene, uint64_t seed, const struct link_options *link, wrd_mode mode)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, seed);
    wrd_endpoint_options server, client;
    world_server_options(&server, &scene->key);
    wrd_endpoint_options_init(&client);
    server.mode = client.mode = mode;
    server.handshake_timeout = client.handshake_timeout = 60 * WRD_SECOND;
    struct node *node = world_add(&scene->world, &server, link, echo_turn, &scene->echo);
    assert_non_null(node);
    scene->caller = (struct caller){.to = world_address(node), .seed = seed, .messages = 20, .size_max = 5000};
    assert_non_null(world_add(&scene->world, &client, link, caller_turn, &scene->caller));
}

static bool play(struct scene *scene, wrd_time limit)
{
    return world_run(&scene->world, scene->world.now + limit, &scene->caller.done);
}

static void echo_over_a_clean_link_opens_in_four_round_trips(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 50 * WRD_MILLISECOND};
    set_scene(&scene, 1, &link, WRD_FRAMED);
    scene.caller.close_after = true;
    wrd_time start = scene.world.now;
    assert_true(play(&scene, 60 * WRD_SECOND));
    assert_true(caller_succeeded(&scene.caller));
    /* 1 STUN, 2 DTLS 1.2, and with both INITs under way at once 1 of SCTP (fast-open 3.1). */
    assert_in_range((scene.caller.opened_at - start) / WRD_MILLISECOND, 395, 410);
    assert_int_equal(scene.echo.opened, 1);
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
}

static void both_ends_learn_of_a_close(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 10 * WRD_MILLISECOND};
    set_scene(&scene, 2, &link, WRD_RAW);
    scene.caller.close_after = true;
    assert_true(play(&scene, 60 * WRD_SECOND));
    assert_true(caller_succeeded(&scene.caller));
    world_run(&scene.world, scene.world.now + WRD_SECOND, NULL);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(scene.echo.last_reason, WRD_CLOSED);
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
}

static void sixteen_mebibytes_come_back_whole(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    for (int mode = WRD_FRAMED; mode <= WRD_RAW; mode++) {
        set_scene(&scene, 3, &link, (wrd_mode)mode);
        scene.caller.messages = 2;
        scene.caller.size_max = WRD_MESSAGE_MAX;
        scene.caller.fixed_size = true;
        assert_true(play(&scene, 600 * WRD_SECOND));
        assert_true(caller_succeeded(&scene.caller));
        world_free(&scene.world);
    }
}

static void a_silent_server_is_a_timeout_within_the_limit(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    set_scene(&scene, 4, &link, WRD_FRAMED);
    scene.world.nodes[0].silent = true;
    assert_true(play(&scene, 61 * WRD_SECOND));
    assert_true(scene.caller.closed);
    assert_int_equal(scene.caller.reason, WRD_TIMEOUT);
    world_free(&scene.world);
}

static void a_wrong_fingerprint_is_a_mismatch_at_once(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    set_scene(&scene, 5, &link, WRD_FRAMED);
    scene.caller.to.fingerprint.bytes[0] ^= 1;
    assert_true(play(&scene, WRD_SECOND));
    assert_true(scene.caller.closed && !scene.caller.opened);
    assert_int_equal(scene.caller.reason, WRD_MISMATCH);
    world_free(&scene.world);
}

static void a_server_that_vanishes_is_lost_at_both_ends(void **state)
{
    (void)state;
    struct scene scene;
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND};
    set_scene(&scene, 6, &link, WRD_FRAMED);
    assert_true(play(&scene, 10 * WRD_SECOND));
    scene.world.nodes[0].silent = true;
    world_run(&scene.world, scene.world.now + 40 * WRD_SECOND, NULL);
    assert_true(scene.caller.closed);
    assert_int_equal(scene.caller.reason, WRD_LOST);
    assert_int_equal(scene.echo.closed, 1);
    assert_int_equal(scene.echo.last_reason, WRD_LOST);
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_over_a_clean_link_opens_in_four_round_trips),
        cmocka_unit_test(both_ends_learn_of_a_close),
        cmocka_unit_test(sixteen_mebibytes_come_back_whole),
        cmocka_unit_test(a_silent_server_is_a_timeout_within_the_limit),
        cmocka_unit_test(a_wrong_fingerprint_is_a_mismatch_at_once),
        cmocka_unit_test(a_server_that_vanishes_is_lost_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
