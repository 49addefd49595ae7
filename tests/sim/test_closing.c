/* SPDX-License-Identifier: MIT */
/* A connection that was closed here: what was sent arrives as long as the peer takes it at a pace worth the name. */
#include "sim/feed.h"
#include "sim/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp/assoc.h"

/* ---- a peer that takes a message now and then */

static struct feed slow;

/* How long it lasts after a drain, the peer taking `first` messages at once and one more each `step`. */
static wrd_time lasts(size_t size, uint32_t first, wrd_time step)
{
    wrd_endpoint_options server;
    feed_init(&slow, &server);
    assert_true(feed_connect(&slow, &server));
    hostile_answer(&slow.peer);
    slow.size = size;
    feed_turn(&slow.world, slow.server);
    assert_true(wrd_sctp_room(feed_connection(&slow)->sctp) < size + 64);
    slow.size = 0;
    wrd_time begun = slow.world.now;
    wrd_endpoint_drain(slow.server->endpoint, slow.world.now, 1001, "server is shutting down");
    uint32_t taken = 0, before = slow.peer.connection->sctp->track.cumulative.v;
    while (slow.closed == 0 && slow.world.now < begun + 3600 * WRD_SECOND) {
        const struct wrd_connection *c = feed_connection(&slow);
        uint32_t sent = c ? c->sctp->flight.next.v - before - 1 : 0, more = taken < first ? first : taken + 1;
        taken = sent >= more ? more : taken;
        hostile_take(&slow.peer, taken, 0);
        world_run(&slow.world, slow.world.now + step, NULL);
    }
    wrd_time lasted = slow.world.now - begun;
    assert_true(feed_end(&slow));
    return lasted;
}

static void who_takes_a_little_now_and_then_does_not_hold_a_closed_connection_for_hours(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint32_t first; /* makes up for the farewell that joins them */
        wrd_time step;
    } cases[] = {{1, 50, 2 * WRD_SECOND}, {1, 50, 9500 * WRD_MILLISECOND}, {1000, 1, 2 * WRD_SECOND}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wrd_time lasted = lasts(cases[i].size, cases[i].first, cases[i].step);
        assert_int_equal(slow.closed, 1);
        assert_int_equal(slow.reason, WRD_LOST);
        assert_string_equal(slow.text, "closed by us, but the peer took what was sent too slowly");
        assert_in_range(lasted, WRD_CLOSE_GRACE, 300 * WRD_SECOND);
    }
}

static void who_takes_nothing_ends_it_sooner(void **state)
{
    (void)state;
    assert_in_range(lasts(1000, 1, 20 * WRD_SECOND), WRD_CLOSE_STALL_TIMEOUT, 21 * WRD_SECOND);
    assert_string_equal(slow.text, "closed by us, but the peer stopped answering before everything arrived");
}

/* ---- an honest client on a slow line */

static void a_megabyte_arrives_over_a_slow_line_after_the_close(void **state)
{
    (void)state;
    static const size_t sizes[] = {16000, 1000, 100}; /* 64 of overhead for each count, too */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        static const struct link_options line = {.delay_us = 50 * WRD_MILLISECOND,
                                                 .loss = 0.005,
                                                 .rate_bps = 64000,
                                                 .queue_bytes = 32 * 1024,
                                                 .overhead = 28};
        static const uint8_t bytes[16000];
        struct pair pair;
        wrd_endpoint_options server, client;
        pair_init(&pair, 21 + i, &server, &client);
        server.mode = client.mode = WRD_RAW;
        assert_true(pair_connect(&pair, &server, &client, &line));
        unsigned said = 0;
        while (party_say(&pair.server, WRD_CHANNEL_MAIN, bytes, sizes[i]) == WRD_OK)
            said++;
        assert_true(said > 60);
        wrd_time begun = pair.world.now;
        party_close(&pair.server, WRD_CHANNEL_MAIN, 0, NULL);
        world_run(&pair.world, pair.world.now + 600 * WRD_SECOND, &pair.server.closed);
        assert_true(pair.server.closed);
        assert_int_equal(party_find(&pair.server, WRD_EVENT_CLOSED, 0)->reason, WRD_OK);
        assert_int_equal(pair.client.message_count, said);
        printf("  %u of %zu bytes: %u s\n", said, sizes[i], (unsigned)((pair.world.now - begun) / WRD_SECOND));
        assert_true(pair_end(&pair));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_a_little_now_and_then_does_not_hold_a_closed_connection_for_hours),
        cmocka_unit_test(who_takes_nothing_ends_it_sooner),
        cmocka_unit_test(a_megabyte_arrives_over_a_slow_line_after_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
