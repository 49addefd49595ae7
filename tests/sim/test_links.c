/* SPDX-License-Identifier: MIT */
/* Endpoints whose addresses change, and peers that are played. */
#include "sim/apps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const wrd_addr elsewhere = {.family = 4, .ip = {198, 51, 100, 9}, .port = 40000};

struct scene {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller callers[2];
    struct node *server, *clients[2];
};

static void set_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, 5);
    struct link_options link = {.delay_us = 20 * WRD_MILLISECOND};
    wrd_endpoint_options server, client;
    world_server_options(&server, &scene->key);
    wrd_endpoint_options_init(&client);
    scene->server = world_add(&scene->world, &server, &link, echo_turn, &scene->echo);
    assert_non_null(scene->server);
    for (unsigned i = 0; i < 2; i++) {
        scene->callers[i] = (struct caller){.to = world_address(scene->server),
                                            .seed = i + 1,
                                            .messages = 400,
                                            .size_max = 2000,
                                            .stay_quiet_before_reply = true};
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

/* Whoever moves may end as lost, in time and cleanly; whoever stays notices nothing. */
static void client_that_gets_another_address_harms_nobody_else(void **state)
{
    struct scene scene;
    set_scene(&scene);
    run_for(&scene, WRD_SECOND);
    assert_true(scene.callers[0].opened && scene.callers[1].opened);
    unsigned before = scene.callers[1].echoed;
    world_rebind(&scene.world, scene.clients[0], 100 * WRD_MILLISECOND, &elsewhere);
    run_for(&scene, 2 * WRD_SECOND);
    assert_true(wrd_addr_equal(&scene.clients[0]->addr, &elsewhere));
    assert_in_range(scene.callers[1].echoed - before, 40, 60);
    run_for(&scene, 60 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[1]));
    assert_true(caller_succeeded(&scene.callers[0]) ||
                (scene.callers[0].closed && scene.callers[0].reason == WRD_LOST));
    assert_false(scene.callers[0].corrupt);
    assert_int_equal(scene.echo.closed, scene.callers[0].closed);
    end_scene(&scene);
}

static void address_that_goes_and_comes_back_loses_nothing(void **state)
{
    struct scene scene;
    set_scene(&scene);
    run_for(&scene, WRD_SECOND);
    wrd_addr home = scene.clients[0]->addr;
    world_rebind(&scene.world, scene.clients[0], 0, &elsewhere);
    run_for(&scene, 3 * WRD_SECOND);
    world_rebind(&scene.world, scene.clients[0], 0, &home);
    run_for(&scene, 60 * WRD_SECOND);
    assert_true(caller_succeeded(&scene.callers[0]));
    assert_true(caller_succeeded(&scene.callers[1]));
    end_scene(&scene);
}

/* ---- a played peer */

struct listener {
    unsigned heard, checks;
    wrd_addr from;
};

static void count(struct world *world, struct node *node, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    struct listener *listener = node->app;
    static const uint8_t garbage[] = {0x16, 0xfe, 0xfd, 0, 0};
    listener->heard++;
    listener->checks += len >= 20 && bytes[0] == 0 && bytes[1] == 1; /* a STUN binding request */
    listener->from = *from;
    world_speak(world, node, from, garbage, sizeof garbage);
}

static void server_that_only_babbles_is_a_timeout(void **state)
{
    struct world world;
    struct listener listener = {0};
    struct link_options link = {.delay_us = 10 * WRD_MILLISECOND};
    wrd_endpoint_options options;
    world_init(&world, 3);
    wrd_endpoint_options_init(&options);
    struct node *server = world_add_script(&world, &link, count, &listener);
    struct caller caller = {.to = world_address(server), .messages = 1, .size_max = 10};
    struct node *client = world_add(&world, &options, &link, caller_turn, &caller);
    assert_non_null(client);
    world_run(&world, world.now + 11 * WRD_SECOND, &caller.done);
    assert_true(caller.closed && !caller.opened);
    assert_int_equal(caller.reason, WRD_TIMEOUT);
    assert_true(listener.checks > 1 && listener.checks == listener.heard);
    assert_true(wrd_addr_equal(&listener.from, &client->addr));
    assert_true(client->received == listener.heard);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_that_gets_another_address_harms_nobody_else),
        cmocka_unit_test(address_that_goes_and_comes_back_loses_nothing),
        cmocka_unit_test(server_that_only_babbles_is_a_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
