/* SPDX-License-Identifier: MIT */
/* Many channels of every kind at once over links with every fault, one random scene for each seed. `make sim SEED=n`
 * plays one again. */
#include "net/seeds.h"
#include "sim/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#if defined(WRD_TEST_SANITIZED)
#define SEEDS_DEFAULT 150
#elif defined(WRD_TEST_REAL_DTLS)
#define SEEDS_DEFAULT 200
#else
#define SEEDS_DEFAULT 500
#endif

struct scene {
    struct world world;
    wrd_key key;
    wrd_endpoint_options options[2]; /* of the client, of the server */
    struct talk_plan plans[TALK_CHANNELS_MAX];
    struct talker talkers[2];
    struct node *nodes[2];
};

static void dice_plan(struct talk_plan *plan, unsigned index, uint64_t seed, uint64_t *dice)
{
    wrd_channel_options *options = &plan->options;
    wrd_channel_options_init(options);
    plan->owner = (unsigned)seeds_below(dice, 2);
    plan->seed = seed * TALK_CHANNELS_MAX + index;
    plan->messages = (unsigned)seeds_below(dice, TALK_MESSAGES_MAX);
    plan->size_max = 2 + (size_t)(seeds_once_in(dice, 6) ? seeds_below(dice, 60000) : seeds_below(dice, 1500));
    (void)snprintf(plan->label, sizeof plan->label, "channel %u", index);
    options->unordered = seeds_once_in(dice, 3);
    uint64_t limit = seeds_below(dice, 6);
    options->limit_retransmits = limit == 0;
    if (limit == 0)
        options->max_retransmits = (uint16_t)seeds_below(dice, 4);
    if (limit == 1)
        options->lifetime = (1 + seeds_below(dice, 500)) * WRD_MILLISECOND;
    if (seeds_once_in(dice, 3))
        options->priority = (uint16_t)(1 + seeds_below(dice, 2000));
    options->negotiated = seeds_once_in(dice, 4);
    if (options->negotiated)
        options->id = (uint16_t)(1000 + index);
}

static void dice_options(wrd_endpoint_options *options, uint64_t *dice)
{
    options->mode = WRD_RAW;
    options->handshake_timeout = 120 * WRD_SECOND;
    options->accept_channels = TALK_CHANNELS_MAX;
    if (seeds_once_in(dice, 3))
        options->receive_window = 65536 + (size_t)seeds_below(dice, 1 << 20);
    if (seeds_once_in(dice, 3))
        options->send_limit = 20000 + (size_t)seeds_below(dice, 1 << 20);
    if (seeds_once_in(dice, 3))
        options->datagram_limit = 600 + (size_t)seeds_below(dice, 873);
}

static void set_scene(struct scene *scene, uint64_t seed, uint64_t *dice)
{
    memset(scene, 0, sizeof *scene);
    world_init(&scene->world, seed);
    wrd_endpoint_options_init(&scene->options[0]);
    world_server_options(&scene->options[1], &scene->key);
    unsigned count = 1 + (unsigned)seeds_below(dice, TALK_CHANNELS_MAX);
    for (unsigned i = 0; i < count; i++)
        dice_plan(&scene->plans[i], i, seed, dice);
    for (unsigned side = 2; side-- > 0;) {
        struct link_options link = seeds_link(dice);
        link.corrupt = 0; /* test_seeds.c has that; before there are keys UDP's own checksum has to do */
        dice_options(&scene->options[side], dice);
        scene->talkers[side] = (struct talker){.side = side, .plans = scene->plans, .count = count};
        scene->nodes[side] = world_add(&scene->world, &scene->options[side], &link, talk_turn, &scene->talkers[side]);
        assert_non_null(scene->nodes[side]);
    }
    scene->talkers[0].to = world_address(scene->nodes[1]);
}

static void tell_scene(const struct scene *scene, uint64_t seed)
{
    printf("seed %llu\n", (unsigned long long)seed);
    seeds_print_link("from the client", &scene->nodes[0]->out);
    seeds_print_link("from the server", &scene->nodes[1]->out);
    for (unsigned i = 0; i < scene->talkers[0].count; i++) {
        const struct talk_plan *plan = &scene->plans[i];
        printf("  channel %u of the %s: %u messages of up to %zu bytes%s%s", i, plan->owner ? "server" : "client",
               plan->messages, plan->size_max, plan->options.unordered ? ", unordered" : "",
               plan->options.negotiated ? ", negotiated" : "");
        if (plan->options.limit_retransmits)
            printf(", %u retransmits", plan->options.max_retransmits);
        if (plan->options.lifetime > 0)
            printf(", lives %llu ms", (unsigned long long)(plan->options.lifetime / WRD_MILLISECOND));
        puts("");
    }
}

static void tell_progress(const struct scene *scene)
{
    printf("%9.3f s  heard/said:", (double)(scene->world.now - 1000 * WRD_SECOND) / 1e6);
    for (unsigned i = 0; i < scene->talkers[0].count; i++) {
        unsigned owner = scene->plans[i].owner;
        const struct talk_channel *speaker = &scene->talkers[owner].channels[i];
        const struct talk_channel *listener = &scene->talkers[!owner].channels[i];
        printf("  %u/%u%s", listener->heard, speaker->sent, listener->closed ? " closed" : "");
    }
    puts("");
}

static bool both_are_done(const struct scene *scene)
{
    return scene->talkers[0].done && scene->talkers[1].done;
}

static uint64_t play(uint64_t seed, bool telling)
{
    struct scene scene;
    uint64_t dice = seed * 77;
    set_scene(&scene, seed, &dice);
    if (telling)
        tell_scene(&scene, seed);
    bool sleepy = seeds_once_in(&dice, 4);
    wrd_time until = scene.world.now + 3600 * WRD_SECOND, next_word = 0;
    while (!both_are_done(&scene) && scene.world.now < until && !scene.talkers[0].wrong && !scene.talkers[1].wrong) {
        for (unsigned side = 0; side < 2; side++)
            scene.talkers[side].sleeps = sleepy && !seeds_once_in(&dice, 3);
        world_run(&scene.world, scene.world.now + 1 + seeds_below(&dice, WRD_SECOND), NULL);
        if (telling && scene.world.now >= next_word) {
            tell_progress(&scene);
            next_word = scene.world.now + WRD_SECOND;
        }
    }
    for (unsigned side = 0; side < 2; side++) {
        const struct talker *talker = &scene.talkers[side];
        if (talker->wrong)
            fail_msg("the %s says of channel %u: %s", side ? "server" : "client", talker->wrong_at, talker->wrong);
        /* The dialer closes; its very last packets may be lost, and nobody sends them again. */
        bool closed_well =
            side == 0 ? talker->reason == WRD_OK : talker->reason == WRD_CLOSED || talker->reason == WRD_LOST;
        if (!talker->done || !closed_well)
            fail_msg("the %s is not done: %s", side ? "server" : "client", wrd_result_text(talker->reason));
    }
    uint64_t digest = scene.world.digest;
    world_free(&scene.world);
    assert_int_equal(scene.world.allocations.bytes, 0);
    return digest;
}

static void channels_of_every_kind_keep_their_promises_over_wild_links(void **state)
{
    struct seeds *seeds = *state;
    for (; seeds->first <= seeds->last; seeds->first++)
        (void)play(seeds->first, seeds->telling);
}

int main(void)
{
    struct seeds seeds = seeds_chosen(SEEDS_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(channels_of_every_kind_keep_their_promises_over_wild_links, NULL,
                                                 seeds_name_failed, &seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
