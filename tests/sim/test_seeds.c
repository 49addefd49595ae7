/* SPDX-License-Identifier: MIT */
/* Whole endpoints over links with every fault, one random scene for each seed. `make sim SEED=n` plays one again. */
#include "net/seeds.h"
#include "sim/apps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#if defined(WRD_TEST_SANITIZED)
#define SEEDS_DEFAULT 300
#elif defined(WRD_TEST_REAL_DTLS)
#define SEEDS_DEFAULT 500
#else
#define SEEDS_DEFAULT 1000
#endif
#define CALLERS_MAX 3

struct scene {
    struct world world;
    wrd_key key;
    wrd_endpoint_options server_options, client_options;
    struct echo echo;
    struct caller callers[CALLERS_MAX];
    struct node *server, *clients[CALLERS_MAX];
    unsigned count, left;
    bool all_opened, all_done;
};

static void dice_options(wrd_endpoint_options *options, uint64_t *dice)
{
    options->handshake_timeout = 120 * WRD_SECOND;
    if (seeds_once_in(dice, 3))
        options->receive_window = 65536 + (size_t)seeds_below(dice, 1 << 20);
    if (seeds_once_in(dice, 3))
        options->send_limit = 20000 + (size_t)seeds_below(dice, 1 << 20);
    if (seeds_once_in(dice, 3))
        options->datagram_limit = 600 + (size_t)seeds_below(dice, 873);
    if (seeds_once_in(dice, 3))
        options->congestion = WRD_RENO;
}

static void set_scene(struct scene *scene, uint64_t seed, uint64_t *dice)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, seed);
    world_server_options(&scene->server_options, &scene->key);
    wrd_endpoint_options_init(&scene->client_options);
    dice_options(&scene->server_options, dice);
    dice_options(&scene->client_options, dice);
    scene->server_options.mode = scene->client_options.mode = seeds_once_in(dice, 2) ? WRD_RAW : WRD_FRAMED;
    struct link_options link = seeds_link(dice);
    scene->server = world_add(&scene->world, &scene->server_options, &link, echo_turn, &scene->echo);
    assert_non_null(scene->server);
    scene->count = scene->left = 1 + (unsigned)(seeds_once_in(dice, 4) ? seeds_below(dice, CALLERS_MAX) : 0);
    for (unsigned i = 0; i < scene->count; i++) {
        link = seeds_link(dice);
        scene->callers[i] = (struct caller){.to = world_address(scene->server),
                                            .seed = seed + i,
                                            .messages = 1 + (unsigned)seeds_below(dice, 60),
                                            .size_max = seeds_once_in(dice, 4) ? 100000 : 2000,
                                            .stay_quiet_before_reply = seeds_once_in(dice, 8),
                                            .close_after = true,
                                            .left = &scene->left,
                                            .all_done = &scene->all_done};
        scene->clients[i] = world_add(&scene->world, &scene->client_options, &link, caller_turn, &scene->callers[i]);
        assert_non_null(scene->clients[i]);
    }
}

static void tell_options(const char *name, const wrd_endpoint_options *options)
{
    printf("  %s: window %zu, send limit %zu, datagrams of %zu, %s\n", name, options->receive_window,
           options->send_limit, options->datagram_limit, options->congestion == WRD_RENO ? "Reno" : "CUBIC");
}

static void tell_scene(const struct scene *scene, uint64_t seed)
{
    printf("seed %llu, %s\n", (unsigned long long)seed,
           scene->server_options.mode == WRD_RAW ? "raw messages" : "framed messages");
    tell_options("server", &scene->server_options);
    tell_options("clients", &scene->client_options);
    seeds_print_link("from the server", &scene->server->out);
    for (unsigned i = 0; i < scene->count; i++) {
        const struct caller *caller = &scene->callers[i];
        printf("  client %u: %u messages of up to %zu bytes%s\n", i, caller->messages, caller->size_max,
               caller->stay_quiet_before_reply ? ", one at a time" : "");
        seeds_print_link("  from it", &scene->clients[i]->out);
    }
}

static void tell_progress(const struct scene *scene)
{
    printf("%9.3f s", (double)(scene->world.now - 1000 * WRD_SECOND) / 1e6);
    for (unsigned i = 0; i < scene->count; i++) {
        const struct caller *caller = &scene->callers[i];
        wrd_conn_info info = {.size = sizeof info};
        if (wrd_conn_get_info(scene->clients[i]->endpoint, caller->conn, &info) != WRD_OK)
            memset(&info, 0, sizeof info);
        printf("   client %u: said %u, heard %u of %u%s, %zu bytes in queue, %llu datagrams", i, caller->sent,
               caller->echoed, caller->messages,
               caller->closed   ? ", closed"
               : caller->opened ? ""
                                : ", opening",
               info.buffered, (unsigned long long)scene->clients[i]->line.sent);
    }
    puts("");
}

static bool run(struct scene *scene, wrd_time limit, const bool *done, bool telling)
{
    wrd_time until = scene->world.now + limit;
    while (scene->world.now < until && !*done) {
        if (world_run(&scene->world, telling ? scene->world.now + WRD_SECOND : until, done))
            break;
        if (telling)
            tell_progress(scene);
    }
    return *done;
}

/* Damage is for later: before there are keys UDP's own checksum has to do. */
static void hold_back_damage(struct scene *scene, double kept[CALLERS_MAX + 1])
{
    for (unsigned i = 0; i <= scene->count; i++) {
        kept[i] = scene->world.nodes[i].out.corrupt;
        scene->world.nodes[i].out.corrupt = 0;
    }
}

static void run_until_opened(struct scene *scene, bool telling)
{
    for (unsigned i = 0; i < scene->count; i++)
        (void)run(scene, 120 * WRD_SECOND, &scene->callers[i].opened, telling);
}

/* The digest of all datagrams. */
static uint64_t play(uint64_t seed, bool telling)
{
    struct scene scene;
    uint64_t dice = seed * 77;
    double damage[CALLERS_MAX + 1];
    set_scene(&scene, seed, &dice);
    if (telling)
        tell_scene(&scene, seed);
    hold_back_damage(&scene, damage);
    run_until_opened(&scene, telling);
    for (unsigned i = 0; i <= scene.count; i++)
        scene.world.nodes[i].out.corrupt = damage[i];
    bool finished = run(&scene, 3600 * WRD_SECOND, &scene.all_done, telling);
    for (unsigned i = 0; i < scene.count; i++) {
        const struct caller *caller = &scene.callers[i];
        if (!finished || !caller_succeeded(caller))
            fail_msg("client %u: %u of %u echoed, opened %d, closed %d, %s%s", i, caller->echoed, caller->messages,
                     caller->opened, caller->closed, wrd_result_text(caller->reason),
                     caller->corrupt ? ", something else came back" : "");
    }
    uint64_t digest = scene.world.digest;
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
    return digest;
}

static void nothing_is_lost_or_reordered_over_wild_links(void **state)
{
    struct seeds *seeds = *state;
    for (; seeds->first <= seeds->last; seeds->first++)
        (void)play(seeds->first, seeds->telling);
}

#ifndef WRD_TEST_REAL_DTLS /* libssl draws its secrets elsewhere */
static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 100000; seed < 100010; seed++)
        assert_true(play(seed, false) == play(seed, false));
}
#endif

int main(void)
{
    struct seeds seeds = seeds_chosen(SEEDS_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(nothing_is_lost_or_reordered_over_wild_links, NULL, seeds_name_failed,
                                                 &seeds),
#ifndef WRD_TEST_REAL_DTLS
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
