/* SPDX-License-Identifier: MIT */
/* options.idle_timeout: a connection over which nothing arrives either way is closed, and no other. */
#include "sim/feed.h"
#include "sim/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDLE (20 * WRD_SECOND)

/* ---- a peer that hears and answers, but takes what it likes of what is sent */

static struct feed full;

enum takes { NOTHING, A_CHUNK, EVERYTHING };

/* How long it lasts, up to five minutes, the peer taking so much each `step`. */
static wrd_time lasts(bool sends, enum takes takes, wrd_time step)
{
    wrd_endpoint_options server;
    feed_init(&full, &server);
    server.idle_timeout = IDLE;
    full.size = sends ? FEED_MESSAGE_MAX : 0;
    assert_true(feed_connect(&full, &server));
    hostile_answer(&full.peer);
    wrd_time begun = full.world.now;
    for (uint32_t taken = 0; full.closed == 0 && full.world.now < begun + 300 * WRD_SECOND;) {
        taken += takes == A_CHUNK;
        if (takes == EVERYTHING)
            (void)hostile_sack_all(&full.peer, &full.peer.node->addr);
        else
            hostile_take(&full.peer, taken, takes == A_CHUNK ? 1200 : 0);
        world_run(&full.world, full.world.now + step, NULL);
    }
    wrd_time lasted = (full.closed > 0 ? full.closed_at : full.world.now) - begun;
    assert_true(feed_end(&full));
    return lasted;
}

static void who_takes_nothing_of_what_is_sent_is_idle_and_what_was_sent_is_told_as_lost(void **state)
{
    (void)state;
    assert_in_range(lasts(true, NOTHING, WRD_SECOND), IDLE, IDLE + WRD_CLOSE_STALL_TIMEOUT + 2 * WRD_SECOND);
    assert_int_equal(full.reason, WRD_LOST);
}

static void who_takes_a_little_of_it_is_not(void **state)
{
    (void)state;
    (void)lasts(true, A_CHUNK, IDLE / 2);
    assert_int_equal(full.closed, 0);
}

static void who_does_not_confirm_the_end_was_idle_all_the_same(void **state)
{
    (void)state;
    assert_in_range(lasts(false, EVERYTHING, WRD_SECOND), IDLE, IDLE + WRD_CLOSE_CONFIRM_TIMEOUT + 2 * WRD_SECOND);
    assert_int_equal(full.reason, WRD_TIMEOUT);
}

/* ---- honest ends */

static void set_pair(struct pair *pair, wrd_mode mode, const struct link_options *line)
{
    wrd_endpoint_options server, client;
    pair_init(pair, 82, &server, &client);
    server.mode = client.mode = mode;
    server.idle_timeout = IDLE;
    assert_true(pair_connect(pair, &server, &client, line));
}

/* Longer than the timeout, over a line that takes 8 KB a second. */
static void a_message_on_its_way_is_talk_in_either_direction(void **state)
{
    (void)state;
    static const struct link_options line = {
        .delay_us = 50 * WRD_MILLISECOND, .rate_bps = 64000, .queue_bytes = 32 * 1024, .overhead = 28};
    static uint8_t bytes[1000000]; /* that do not compress */
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (unsigned way = 0; way < 4; way++) {
        struct pair pair;
        set_pair(&pair, way < 2 ? WRD_RAW : WRD_FRAMED, &line);
        struct party *from = way % 2 ? &pair.client : &pair.server, *to = way % 2 ? &pair.server : &pair.client;
        assert_int_equal(party_say(from, WRD_CHANNEL_MAIN, bytes, sizeof bytes), WRD_OK);
        wrd_time begun = pair.world.now;
        while (to->message_count == 0 && !to->closed && pair.world.now < begun + 600 * WRD_SECOND)
            pair_run(&pair, WRD_SECOND);
        assert_int_equal(to->message_count, 1);
        assert_true(pair.world.now > begun + 2 * IDLE);
        assert_true(pair_end(&pair));
    }
}

static void an_answer_in_the_last_moment_arrives_and_counts(void **state)
{
    (void)state;
    static const struct link_options far = {.delay_us = 300 * WRD_MILLISECOND};
    struct pair pair;
    set_pair(&pair, WRD_RAW, &far);
    wrd_time begun = pair.world.now;
    pair_run(&pair, IDLE - 700 * WRD_MILLISECOND);
    assert_int_equal(party_say(&pair.server, WRD_CHANNEL_MAIN, "late", 4), WRD_OK);
    pair_run(&pair, IDLE - WRD_SECOND);
    assert_int_equal(pair.client.message_count, 1);
    assert_false(pair.server.closed || pair.client.closed);
    world_run(&pair.world, begun + 3 * IDLE, &pair.server.closed);
    assert_true(pair.server.closed);
    assert_int_equal(party_find(&pair.server, WRD_EVENT_CLOSED, 0)->reason, WRD_TIMEOUT);
    assert_true(pair_end(&pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_nothing_of_what_is_sent_is_idle_and_what_was_sent_is_told_as_lost),
        cmocka_unit_test(who_takes_a_little_of_it_is_not),
        cmocka_unit_test(who_does_not_confirm_the_end_was_idle_all_the_same),
        cmocka_unit_test(a_message_on_its_way_is_talk_in_either_direction),
        cmocka_unit_test(an_answer_in_the_last_moment_arrives_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
