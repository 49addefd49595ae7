/* SPDX-License-Identifier: MIT */
/* A server that dies without a word and is started again, with the same key and address. */
#include "sim/apps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOTICE_MAX (75 * WRD_SECOND)

static const struct link_options link_of_all = {.delay_us = 20 * WRD_MILLISECOND};

static struct world world;
static wrd_endpoint_options options;
static wrd_key key;
static struct echo echo;
static struct caller caller;
static struct node *server, *client;

static void begin(bool talks)
{
    wrd_endpoint_options own;
    world_init(&world, 51);
    echo = (struct echo){0};
    world_server_options(&options, &key);
    server = world_add(&world, &options, &link_of_all, echo_turn, &echo);
    wrd_endpoint_options_init(&own);
    caller = (struct caller){.to = world_address(server),
                             .seed = 3,
                             .messages = talks ? 1000000 : 3,
                             .size_max = 500,
                             .stay_quiet_before_reply = true};
    client = world_add(&world, &own, &link_of_all, caller_turn, &caller);
    world_run(&world, world.now + 20 * WRD_SECOND, NULL);
    assert_true(caller.opened && caller.echoed >= 3);
}

static void start_again(wrd_time pause)
{
    wrd_endpoint_free(server->endpoint);
    server->silent = true; /* nobody is there */
    assert_int_equal(wrd_endpoint_new(&server->endpoint, &options, &server->env, NULL), WRD_OK);
    world_run(&world, world.now + pause, NULL);
    server->silent = false;
}

static void end(void)
{
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

/* The new server answers the old connection's checks as it answers any: they must not count as the peer's life. */
static void notices(bool talks, wrd_time pause, wrd_time at_most)
{
    begin(talks);
    wrd_time dead = world.now;
    start_again(pause);
    while (!caller.closed && world.now < dead + 3600 * WRD_SECOND)
        world_run(&world, world.now + WRD_SECOND, NULL);
    wrd_time took = world.now - dead;
    printf("  a client that %s, server away for %.0f s: %s after %.0f s\n", talks ? "talks" : "is silent",
           (double)pause / 1e6, caller.closed ? "it knows" : "it does not know", (double)took / 1e6);
    bool in_time = caller.closed && took <= at_most;
    wrd_result reason = caller.reason;
    end();
    assert_true(in_time);
    assert_int_equal(reason, WRD_LOST);
}

static void a_client_that_talks_learns_of_a_restart_within_its_lost_timeout(void **state)
{
    (void)state;
    notices(true, WRD_SECOND, 31 * WRD_SECOND);
}

static void a_silent_client_learns_of_a_restart_in_about_a_minute(void **state)
{
    (void)state;
    notices(false, WRD_SECOND, NOTICE_MAX);
}

static void a_silent_client_learns_of_a_death_in_about_a_minute(void **state)
{
    (void)state;
    notices(false, 50 * WRD_SECOND, NOTICE_MAX);
}

static void who_dials_again_is_let_in_from_the_same_address(void **state)
{
    (void)state;
    begin(true);
    start_again(WRD_SECOND);
    wrd_endpoint_abort(client->endpoint, world.now);
    caller = (struct caller){.to = caller.to, .seed = 4, .messages = 20, .size_max = 500, .close_after = true};
    wrd_event event;
    while (wrd_endpoint_next(client->endpoint, &event))
        ;
    world_run(&world, world.now + 20 * WRD_SECOND, &caller.done);
    assert_true(caller_succeeded(&caller));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_client_learns_of_a_death_in_about_a_minute),
        cmocka_unit_test(a_client_that_talks_learns_of_a_restart_within_its_lost_timeout),
        cmocka_unit_test(who_dials_again_is_let_in_from_the_same_address),
        cmocka_unit_test(a_silent_client_learns_of_a_restart_in_about_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
