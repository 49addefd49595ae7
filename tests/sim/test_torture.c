/* SPDX-License-Identifier: MIT */
/* Every allocation fails in turn: the connection that asked may end, cleanly; every other goes on; nothing leaks. */
#include "sim/apps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CALLERS 3

struct scene {
    struct world world;
    wrd_key key;
    struct echo echo;
    struct caller callers[CALLERS];
    unsigned left;
    bool all_done;
};

static void play(struct scene *scene, wrd_mode mode, uint64_t fail_at, bool fail_after)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, 11);
    wrd_endpoint_options server, client;
    world_server_options(&server, &scene->key);
    wrd_endpoint_options_init(&client);
    server.mode = client.mode = mode;
    server.handshake_timeout = client.handshake_timeout = 60 * WRD_SECOND; /* lost flights are no failure here */
    struct link_options link = {.delay_us = 5 * WRD_MILLISECOND, .loss = 0.05};
    struct node *node = world_add(&scene->world, &server, &link, echo_turn, &scene->echo);
    assert_non_null(node);
    scene->left = CALLERS;
    for (unsigned i = 0; i < CALLERS; i++) {
        scene->callers[i] = (struct caller){.to = world_address(node),
                                            .seed = i + 1,
                                            .messages = 6,
                                            .size_max = 30000,
                                            .close_after = true,
                                            .left = &scene->left,
                                            .all_done = &scene->all_done};
        assert_non_null(world_add(&scene->world, &client, &link, caller_turn, &scene->callers[i]));
    }
    scene->world.allocations.count = 0;
    scene->world.allocations.fail_at = fail_at;
    scene->world.allocations.fail_after = fail_after;
    world_run(&scene->world, scene->world.now + 300 * WRD_SECOND, &scene->all_done);
}

static void one_failed_allocation_harms_one_connection_at_most(void **state)
{
    (void)state;
    for (int mode = WRD_FRAMED; mode <= WRD_RAW; mode++) {
        uint64_t last = UINT64_MAX;
        for (uint64_t n = 1; n <= last; n++) {
            struct scene scene;
            play(&scene, (wrd_mode)mode, n, false);
            unsigned good = 0;
            for (unsigned i = 0; i < CALLERS; i++) {
                assert_false(scene.callers[i].corrupt);
                good += caller_succeeded(&scene.callers[i]);
            }
            if (!scene.all_done || good + 1 < CALLERS)
                print_error("mode %d, allocation %llu: done %d, good %u\n", mode, (unsigned long long)n, scene.all_done,
                            good);
            assert_true(scene.all_done);
            assert_true(good + 1 >= CALLERS);
            if (scene.world.allocations.count < n)
                last = n; /* this run was over before the nth */
            world_free(&scene.world);
            assert_int_equal(scene.world.allocations.bytes, 0);
        }
    }
}

static void memory_that_stays_short_ends_connections_and_leaks_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 400; n += 7) {
        struct scene scene;
        play(&scene, WRD_FRAMED, n, true);
        for (unsigned i = 0; i < CALLERS; i++)
            assert_false(scene.callers[i].corrupt);
        world_free(&scene.world);
        assert_int_equal(scene.world.allocations.bytes, 0);
    }
}

static void an_endpoint_that_cannot_be_made_says_so(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct world world;
        wrd_key key;
        wrd_endpoint_options options;
        world_init(&world, 1);
        world_server_options(&options, &key);
        world.allocations.fail_at = n;
        struct node *node = world_add(&world, &options, NULL, NULL, NULL);
        bool over = world.allocations.count < n;
        assert_true(over == (node != NULL));
        world_free(&world);
        assert_int_equal(world.allocations.bytes, 0);
        if (over)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failed_allocation_harms_one_connection_at_most),
        cmocka_unit_test(memory_that_stays_short_ends_connections_and_leaks_nothing),
        cmocka_unit_test(an_endpoint_that_cannot_be_made_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
