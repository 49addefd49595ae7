/* SPDX-License-Identifier: MIT */
/* What authenticated peers can make a server hold, alone and together. */
#include "sim/apps.h"
#include "sim/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp/chunk.h"

#define MEGABYTE ((size_t)1 << 20)

enum { PEERS = 36, PIECE = 1100, PER_MS = 64, SOME = 7 * (1 << 20) / PIECE, CRUMBS = 50, MANY = 20000 };

static const struct link_options near = {.delay_us = WRD_MILLISECOND};

static struct world world;
static struct echo echo;
static struct hostile peers[PEERS];
static struct node *server;
static unsigned count;

static void begin(wrd_endpoint_options *options, wrd_key *key)
{
    world_init(&world, 71);
    echo = (struct echo){0};
    count = 0;
    world_server_options(options, key);
    options->mode = WRD_RAW;
}

static void add_server(const wrd_endpoint_options *options)
{
    server = world_add(&world, options, &near, echo_turn, &echo);
    assert_non_null(server);
}

static bool add_peer(void)
{
    wrd_endpoint_options options;
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    if (!hostile_connect(&peers[count], &world, server, &options, &near))
        return false;
    count++;
    return true;
}

static void end(void)
{
    for (unsigned i = 0; i < count; i++)
        hostile_end(&peers[i]);
    world_free(&world);
    assert_int_equal(world.allocations.bytes, 0);
}

static wrd_endpoint_counters counters(void)
{
    wrd_endpoint_counters c = {.size = sizeof c};
    wrd_endpoint_get_counters(server->endpoint, &c);
    return c;
}

static void pass(unsigned *sent)
{
    if (++*sent % PER_MS == 0)
        world_run(&world, world.now + WRD_MILLISECOND, NULL);
}

/* ---- what a peer may try */

/* A message without an end, of as many bytes as there may be. */
static void never_end(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < (WRD_MESSAGE_MAX - 1) / PIECE; i++) {
        hostile_fragment(peer, 0, 1, i, i == 0 ? WRD_SCTP_BEGIN : 0, NULL, PIECE);
        pass(sent);
    }
}

/* Very many messages without an end. */
static void begin_many(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < 20000; i++) {
        hostile_fragment(peer, (uint16_t)(2 + i % 60000), 0, 0, WRD_SCTP_BEGIN, NULL, 1);
        pass(sent);
    }
}

/* Every other chunk: what came waits for what never comes. */
static void leave_gaps(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < 4000; i++) {
        hostile_skip(peer, 1);
        hostile_fragment(peer, 0, i, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, NULL, PIECE);
        pass(sent);
    }
}

/* The same of single bytes, each of which costs more than it is. */
static void leave_small_gaps(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < 16000; i++) {
        hostile_skip(peer, 1);
        hostile_fragment(peer, 0, i, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, NULL, 1);
        pass(sent);
    }
}

/* Whole messages of a byte on streams of their own. */
static void use_all_streams(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < 65000; i++) {
        hostile_fragment(peer, (uint16_t)(2 + i), 0, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, NULL, 1);
        pass(sent);
    }
}

/* Has the largest message echoed, takes nothing of it, and begins another. */
static void take_nothing_back(struct hostile *peer, unsigned *sent)
{
    uint32_t last = (WRD_MESSAGE_MAX - 1) / PIECE;
    for (uint32_t message = 0; message < 2; message++) {
        for (uint32_t i = 0; i <= last; i++) {
            uint8_t flags = (i == 0 ? WRD_SCTP_BEGIN : 0) | (i == last && message == 0 ? WRD_SCTP_END : 0);
            hostile_fragment(peer, 0, message, i, flags, NULL, PIECE / 2 + PIECE / 4);
            if (i % 256 == 0)
                hostile_sack(peer, 0);
            pass(sent);
        }
    }
}

/* Frames of zeros, each of which becomes 16 MiB, to be echoed; takes nothing of it. */
static void unpack_much(struct hostile *peer, unsigned *sent)
{
    size_t cap = wrd_frame_bound(WRD_MESSAGE_MAX);
    uint8_t *zeros = calloc(1, WRD_MESSAGE_MAX), *frame = malloc(cap);
    assert_true(zeros && frame);
    size_t len = wrd_frame_encode(frame, cap, zeros, WRD_MESSAGE_MAX);
    uint32_t number = 0;
    for (int i = 0; i < 20; i++) {
        for (size_t at = 0; at < len; at += PIECE) { /* a chunk may be as short as a packet */
            size_t piece = len - at < PIECE ? len - at : PIECE;
            hostile_fragment(peer, 0, number++, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, frame + at, piece);
            pass(sent);
        }
        hostile_sack(peer, 0);
    }
    free(zeros);
    free(frame);
}

static const struct {
    const char *name;
    void (*run)(struct hostile *peer, unsigned *sent);
    wrd_mode mode; /* of the server */
} attacks[] = {
    {"never ends a message", never_end, WRD_RAW},
    {"begins 20,000 messages", begin_many, WRD_RAW},
    {"leaves gaps", leave_gaps, WRD_RAW},
    {"leaves gaps between bytes", leave_small_gaps, WRD_RAW},
    {"uses every stream", use_all_streams, WRD_RAW},
    {"takes nothing back", take_nothing_back, WRD_RAW},
    {"sends frames that unpack to 16 MiB", unpack_much, WRD_FRAMED},
};

enum { ATTACKS = sizeof attacks / sizeof *attacks };

/* A message under assembly, one on its way back, and the windows. */
static void one_peer_makes_a_server_hold_two_messages_and_the_windows_at_most(void **state)
{
    (void)state;
    for (int i = 0; i < ATTACKS; i++) {
        wrd_endpoint_options options;
        wrd_key key;
        unsigned sent = 0;
        begin(&options, &key);
        options.mode = attacks[i].mode;
        add_server(&options);
        assert_true(add_peer());
        size_t before = world.allocations.bytes;
        world.allocations.peak_bytes = before;
        attacks[i].run(&peers[0], &sent);
        world_run(&world, world.now + WRD_SECOND, NULL);
        double held = (double)world.allocations.bytes - (double)before;
        size_t peak = world.allocations.peak_bytes - before;
        printf("  a peer that %s: %.1f MB held, %.1f MB at most, %u packets%s\n", attacks[i].name, held / 1e6,
               (double)peak / 1e6, sent, echo.closed > 0 ? "; it was sent away" : "");
        assert_true(peak < 2 * WRD_MESSAGE_MAX + 6 * MEGABYTE);
        end();
    }
}

static void three_dozen_peers_stay_below_the_memory_limit_and_harm_nobody(void **state)
{
    (void)state;
    wrd_endpoint_options options;
    wrd_key key;
    struct caller caller;
    unsigned sent = 0;
    begin(&options, &key);
    options.memory_limit = 64 * MEGABYTE;
    options.lost_timeout = 600 * WRD_SECOND; /* they are all there at once */
    size_t empty = world.allocations.bytes;
    add_server(&options);
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    caller = (struct caller){
        .to = world_address(server), .seed = 1, .messages = 1000000, .size_max = 2000, .stay_quiet_before_reply = true};
    assert_non_null(world_add(&world, &options, &near, caller_turn, &caller));
    world_run(&world, world.now + WRD_SECOND, NULL);
    unsigned echoed = caller.echoed;
    assert_true(echoed > 0);
    size_t before = world.allocations.bytes;
    for (unsigned i = 0; i < PEERS && add_peer(); i++)
        ;
    assert_true(count > 8);
    size_t own = world.allocations.bytes - before; /* both ends' idle state */
    world.allocations.peak_bytes = world.allocations.bytes;
    for (unsigned i = 0; i < count; i++) {
        attacks[i % 3 == 0 ? i / 3 % 6 : i % 3 == 1 ? 5 : 0].run(&peers[i], &sent);
        unsigned then = caller.echoed;
        world_run(&world, world.now + WRD_SECOND, NULL);
        if (caller.closed || caller.echoed < then + 10)
            fail_msg("after %u peers the caller has %u of %u echoes in a second, closed %d", i + 1,
                     caller.echoed - then, caller.sent - then, caller.closed);
    }
    printf("  %u peers: %.1f MB at most, of 67; %u echoes of the well-behaved one; closed by the server: %u\n", count,
           (double)(world.allocations.peak_bytes - empty) / 1e6, caller.echoed, echo.closed);
    assert_true(world.allocations.peak_bytes - empty < 64 * MEGABYTE + own + 4 * MEGABYTE);
    assert_false(caller.corrupt);
    end();
}

/* 7 MiB of a message, for which the server keeps room for 8. */
static void begin_one(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < SOME; i++) {
        hostile_fragment(peer, 0, 1, i, i == 0 ? WRD_SCTP_BEGIN : 0, NULL, PIECE);
        pass(sent);
    }
}

/* Less than any of them could be blamed for if there were few. */
static void begin_little(struct hostile *peer, unsigned *sent)
{
    for (uint32_t i = 0; i < 110; i++) {
        hostile_fragment(peer, 0, 1, i, i == 0 ? WRD_SCTP_BEGIN : 0, NULL, PIECE);
        pass(sent);
    }
}

/* It goes on by chunks of a byte, as many as a datagram takes. */
static void add_crumbs(struct hostile *peer, unsigned seconds)
{
    hostile_crumbs(peer, 0, 1, SOME + seconds * CRUMBS, 0, CRUMBS);
}

static void say_nothing(struct hostile *peer, unsigned seconds)
{
    (void)peer;
    (void)seconds;
}

static void say_large(struct hostile *peer, uint32_t number, unsigned *sent)
{
    uint32_t last = SOME / 2;
    for (uint32_t i = 0; i <= last; i++) {
        uint8_t flags = (i == 0 ? WRD_SCTP_BEGIN : 0) | (i == last ? WRD_SCTP_END : 0);
        hostile_fragment(peer, 0, number, i, flags, NULL, PIECE);
        pass(sent);
    }
}

/* More messages of a byte than are echoed before the first of them is acknowledged. */
static void say_crumbs(struct hostile *peer, uint32_t number, unsigned *sent)
{
    for (uint32_t i = 0; i < MANY; i += CRUMBS) {
        hostile_crumbs(peer, 0, number + i, 0, WRD_SCTP_BEGIN | WRD_SCTP_END, CRUMBS);
        pass(sent);
    }
}

/* Has a message echoed, takes nothing of it, and goes on until one waits that the application cannot echo any more. */
static void let_a_small_one_wait(struct hostile *peer, unsigned *sent)
{
    say_large(peer, 0, sent);
    say_crumbs(peer, 1, sent);
}

static void let_a_large_one_wait(struct hostile *peer, unsigned *sent)
{
    say_crumbs(peer, 0, sent);
    say_large(peer, MANY, sent);
}

static const struct {
    const char *name;
    void (*fill)(struct hostile *peer, unsigned *sent);
    void (*go_on)(struct hostile *peer, unsigned seconds);
    unsigned peers;
    size_t limit;
} hoarders[] = {
    {"keep what they have", never_end, say_nothing, 8, 64 * MEGABYTE},
    {"add a few bytes", begin_one, add_crumbs, 7, 64 * MEGABYTE},
    {"have a small message wait", let_a_small_one_wait, say_nothing, 10, 64 * MEGABYTE},
    {"have a large message wait", let_a_large_one_wait, say_nothing, 10, 64 * MEGABYTE},
    {"have little each", begin_little, say_nothing, PEERS, 6 * MEGABYTE},
};

static void expect_a_newcomer(unsigned hoarder)
{
    wrd_endpoint_options options;
    wrd_key key;
    unsigned sent = 0;
    begin(&options, &key);
    options.memory_limit = hoarders[hoarder].limit;
    add_server(&options);
    for (unsigned i = 0; i < hoarders[hoarder].peers; i++)
        assert_true(add_peer());
    for (unsigned i = 0; i < count; i++)
        hoarders[hoarder].fill(&peers[i], &sent);
    assert_true(counters().memory > hoarders[hoarder].limit / 4 * 3);
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    struct caller caller = {
        .to = world_address(server), .seed = 1, .messages = 10, .size_max = 2000, .close_after = true};
    assert_non_null(world_add(&world, &options, &near, caller_turn, &caller));
    for (unsigned seconds = 0; !caller.done && seconds < 20; seconds++) {
        for (unsigned i = 0; i < count; i++) {
            hostile_sack(&peers[i], 1 << 20); /* a sign of life */
            hoarders[hoarder].go_on(&peers[i], seconds);
        }
        world_run(&world, world.now + WRD_SECOND, &caller.done);
    }
    printf("  a newcomer %s; the peers, which %s, hold %.1f MB, %u of them were sent away\n",
           caller_succeeded(&caller) ? "gets in" : "does not get in", hoarders[hoarder].name,
           (double)world.allocations.bytes / 1e6, echo.closed);
    bool succeeded = caller_succeeded(&caller);
    end();
    assert_true(succeeded);
}

static void a_newcomer_gets_in_though_hoarders_hold_the_memory(void **state)
{
    (void)state;
    expect_a_newcomer(0);
}

static void a_newcomer_gets_in_though_hoarders_add_a_few_bytes_now_and_then(void **state)
{
    (void)state;
    expect_a_newcomer(1);
}

static void a_newcomer_gets_in_though_a_message_of_each_hoarder_waits(void **state)
{
    (void)state;
    expect_a_newcomer(2);
    expect_a_newcomer(3);
}

static void a_newcomer_gets_in_though_many_hold_a_little_each(void **state)
{
    (void)state;
    expect_a_newcomer(4);
}

/* What a server keeps for the next burst of theirs is nobody's hoard. */
static void who_says_little_after_a_burst_is_spared_though_memory_is_short(void **state)
{
    (void)state;
    enum { CALLERS = 20 };
    static struct caller callers[CALLERS];
    wrd_endpoint_options options;
    wrd_key key;
    begin(&options, &key);
    options.memory_limit = 8 * MEGABYTE;
    add_server(&options);
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    size_t before = counters().memory, kept = 0;
    for (unsigned came = 0; came < CALLERS; came++) {
        callers[came] = (struct caller){
            .to = world_address(server), .seed = came + 1, .messages = 1, .size_max = 1000000, .fixed_size = true};
        assert_non_null(world_add(&world, &options, &near, caller_turn, &callers[came]));
        for (unsigned seconds = 0; seconds < 3; seconds++) {
            world_run(&world, world.now + WRD_SECOND, NULL);
            for (unsigned i = 0; i < came; i++)
                callers[i].messages++;
        }
        callers[came].size_max = 50;
        kept = came == 0 ? counters().memory - before : kept;
    }
    world_run(&world, world.now + WRD_SECOND, NULL);
    assert_true(kept * CALLERS > 8 * MEGABYTE);
    printf("  %u of %u got in, %u were sent away; %.1f MB\n", echo.opened, CALLERS, echo.closed,
           (double)counters().memory / 1e6);
    unsigned succeeded = 0;
    for (unsigned i = 0; i < CALLERS; i++)
        succeeded += caller_succeeded(&callers[i]) && !callers[i].closed;
    end();
    assert_int_equal(succeeded, CALLERS);
}

/* Lines whose way back is slower: what they hold is full all the time, and moves. */
static void slow_lines_are_spared_though_memory_is_short(void **state)
{
    (void)state;
    enum { CALLERS = 5, SECONDS = 300 };
    static const uint64_t rate = 500000;
    static struct caller callers[CALLERS];
    wrd_endpoint_options options;
    wrd_key key;
    begin(&options, &key);
    options.memory_limit = 18 * MEGABYTE;
    add_server(&options);
    server->out.rate_bps = CALLERS * rate;
    server->out.queue_bytes = 100000;
    wrd_endpoint_options_init(&options);
    options.mode = WRD_RAW;
    for (unsigned i = 0; i < CALLERS; i++) {
        struct link_options line = {.delay_us = 30 * WRD_MILLISECOND, .rate_bps = 2 * rate, .queue_bytes = 50000};
        callers[i] =
            (struct caller){.to = world_address(server), .seed = i + 1, .messages = 1000000, .size_max = 60000};
        assert_non_null(world_add(&world, &options, &line, caller_turn, &callers[i]));
    }
    world_run(&world, world.now + 60 * WRD_SECOND, NULL);
    assert_int_equal(echo.opened, CALLERS);
    unsigned is_short = 0;
    for (unsigned i = 0; i < SECONDS; i++) {
        world_run(&world, world.now + WRD_SECOND, NULL);
        is_short += counters().memory > 18 * MEGABYTE * 3 / 4;
    }
    unsigned least = UINT32_MAX;
    for (unsigned i = 0; i < CALLERS; i++)
        least = callers[i].echoed < least ? callers[i].echoed : least;
    printf("  memory was short for %u s of %u; closed %u; %u echoes at least\n", is_short, SECONDS, echo.closed, least);
    assert_true(is_short > SECONDS * 9 / 10);
    assert_int_equal(echo.closed, 0);
    assert_true(least > 100);
    end();
}

/* In the middle of the largest message, at so much on the line. */
static bool is_sent_away_at(unsigned kilobits)
{
    wrd_endpoint_options options;
    wrd_key key;
    unsigned sent = 0, pieces = (unsigned)(8 * MEGABYTE / PIECE) + 1;
    double owed = 0;
    begin(&options, &key);
    options.memory_limit = 20 * MEGABYTE;
    add_server(&options);
    assert_true(add_peer());
    hostile_answer(&peers[0]);
    for (uint32_t i = 0; i < pieces; i++) {
        hostile_fragment(&peers[0], 0, 1, i, i == 0 ? WRD_SCTP_BEGIN : 0, NULL, PIECE);
        pass(&sent);
    }
    world_run(&world, world.now + WRD_SECOND / 10, NULL);
    assert_true(counters().memory > 15 * MEGABYTE);
    for (unsigned i = 0; i < 1000 && echo.closed == 0; i++) {
        for (owed += kilobits * 12.5; owed > 0; owed -= PIECE + 100) /* in a tenth of a second */
            hostile_fragment(&peers[0], 0, 1, pieces++, 0, NULL, PIECE);
        world_run(&world, world.now + WRD_SECOND / 10, NULL);
    }
    bool is_sent_away = echo.closed > 0;
    if (!is_sent_away)
        assert_true(counters().memory > 15 * MEGABYTE);
    end();
    return is_sent_away;
}

static void half_a_megabit_is_enough_for_the_largest_message(void **state)
{
    (void)state;
    assert_false(is_sent_away_at(500));
    assert_true(is_sent_away_at(350));
}

/* Whoever once saw a check can send it again and again, from the address it came from. */
static void a_dead_client_is_lost_in_two_minutes_though_its_check_is_repeated(void **state)
{
    (void)state;
    wrd_endpoint_options options;
    wrd_key key;
    uint8_t check[WRD_DATAGRAM_MAX];
    begin(&options, &key);
    add_server(&options);
    assert_true(add_peer());
    size_t len = hostile_check(&peers[0], check);
    assert_true(len > 0);
    wrd_time start = world.now;
    while (echo.closed == 0 && world.now < start + 3600 * WRD_SECOND) {
        world_inject(&world, server, &peers[0].node->addr, check, len);
        world_run(&world, world.now + 10 * WRD_SECOND, NULL);
    }
    wrd_time took = world.now - start;
    printf("  lost after %.0f s\n", (double)took / 1e6);
    end();
    assert_true(took <= 120 * WRD_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_makes_a_server_hold_two_messages_and_the_windows_at_most),
        cmocka_unit_test(three_dozen_peers_stay_below_the_memory_limit_and_harm_nobody),
        cmocka_unit_test(a_newcomer_gets_in_though_hoarders_hold_the_memory),
        cmocka_unit_test(a_newcomer_gets_in_though_hoarders_add_a_few_bytes_now_and_then),
        cmocka_unit_test(a_newcomer_gets_in_though_a_message_of_each_hoarder_waits),
        cmocka_unit_test(a_newcomer_gets_in_though_many_hold_a_little_each),
        cmocka_unit_test(who_says_little_after_a_burst_is_spared_though_memory_is_short),
        cmocka_unit_test(slow_lines_are_spared_though_memory_is_short),
        cmocka_unit_test(half_a_megabit_is_enough_for_the_largest_message),
        cmocka_unit_test(a_dead_client_is_lost_in_two_minutes_though_its_check_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
