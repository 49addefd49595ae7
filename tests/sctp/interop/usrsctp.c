/* SPDX-License-Identifier: MIT */
/*
 * Our association against libusrsctp, a foreign SCTP that judges ours: every scene over several links, with DATA and,
 * where both can, I-DATA. `usrsctp SEEDS` plays more rounds than the one that `make test` does.
 */
#include "foreign.h"

#include <string.h>

struct scene {
    const char *name;
    void (*play)(void);
    bool we_connect, they_connect;
};

static unsigned given_up[2]; /* messages with a limit that did not arrive, by the side that waited */

static void deliver_both(const struct plan *ours, const struct plan *theirs)
{
    foreign.epoch++;
    foreign_plan(OURS, ours);
    foreign_plan(THEIRS, theirs);
    foreign_deliver(900 * WRD_SECOND);
}

static void deliver_same(const struct plan *plan)
{
    deliver_both(plan, plan);
}

static void bulk(void)
{
    deliver_same(&(struct plan){.count = 60, .streams = 1, .size_max = 200000});
}

static void many_streams(void)
{
    deliver_same(&(struct plan){.count = 1000, .streams = 200, .size_max = 6000});
}

static void unordered(void)
{
    deliver_same(&(struct plan){.count = 600, .streams = 4, .size_max = 8000, .unordered = 500});
}

/* What may be given up is, where the link loses, and most arrives all the same. */
static void some_but_not_all(void)
{
    for (int at = 0; at < 2; at++) {
        unsigned said = foreign.sides[1 - at].plan.count, heard = foreign.sides[at].heard;
        CHECK(heard > said / 2);
        CHECK(foreign.options.link.loss > 0 || heard == said);
        given_up[at] += said - heard;
    }
}

static void few_retransmits(void)
{
    for (uint32_t retransmits = 0; retransmits < 2; retransmits++) {
        deliver_same(&(struct plan){.count = 400,
                                    .streams = 3,
                                    .size_max = 3000,
                                    .unordered = 300,
                                    .limit = LIMIT_RETRANSMITS,
                                    .limit_value = retransmits});
        some_but_not_all();
    }
}

static void short_lifetime(void)
{
    deliver_same(&(struct plan){
        .count = 400, .streams = 3, .size_max = 3000, .unordered = 300, .limit = LIMIT_LIFETIME, .limit_value = 60});
}

/* `first` resets its direction of a stream while words are still on their way; the other follows when it hears. */
static void reset_both_ways(enum side first, uint16_t stream)
{
    static const struct plan words = {.count = 90, .streams = 3, .size_max = 4000};
    foreign.epoch++;
    foreign_plan(OURS, &words);
    foreign_plan(THEIRS, &words);
    wrd_time limit = foreign.now + 300 * WRD_SECOND;
    unsigned ours_before = foreign.sides[OURS].resets[stream], theirs_before = foreign.sides[THEIRS].resets[stream];
    unsigned performed = foreign.ours_reset;
    const struct foreign_side *teller = &foreign.sides[first];
    while (teller->last_words < words.streams) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    if (first == OURS) {
        CHECK(wrd_sctp_reset_stream(foreign.ours, stream) == WRD_OK);
    } else {
        foreign_reset_theirs(stream);
    }
    foreign_deliver(300 * WRD_SECOND);
    unsigned *heard = &foreign.sides[1 - first].resets[stream];
    while (*heard == (first == OURS ? theirs_before : ours_before)) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    if (first == OURS) {
        foreign_reset_theirs(stream);
    } else {
        CHECK(wrd_sctp_reset_stream(foreign.ours, stream) == WRD_OK);
    }
    while (foreign.sides[OURS].resets[stream] == ours_before || foreign.sides[THEIRS].resets[stream] == theirs_before ||
           foreign.ours_reset == performed) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    CHECK(foreign.sides[OURS].resets[stream] == ours_before + 1);
    CHECK(foreign.sides[THEIRS].resets[stream] == theirs_before + 1);
}

static void resets(void)
{
    for (unsigned round = 0; round < 4; round++)
        reset_both_ways(round % 2 ? THEIRS : OURS, (uint16_t)(round / 2));
    deliver_same(&(struct plan){.count = 90, .streams = 3, .size_max = 4000});
}

static void shutdown_by_us(void)
{
    deliver_same(&(struct plan){.count = 10, .streams = 2, .size_max = 50000});
    foreign_plan(OURS, &(struct plan){.count = 20, .streams = 2, .size_max = 20000});
    foreign_plan(THEIRS, &(struct plan){.count = 0});
    wrd_sctp_shutdown(foreign.ours, foreign.now); /* what was said before still arrives */
    wrd_time limit = foreign.now + 300 * WRD_SECOND;
    while (wrd_sctp_state(foreign.ours) != WRD_SCTP_CLOSED) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    const char *why;
    CHECK(wrd_sctp_failure(foreign.ours, &why) == WRD_OK);
}

static void shutdown_by_them(void)
{
    foreign_plan(OURS, &(struct plan){.count = 0});
    foreign_plan(THEIRS, &(struct plan){.count = 20, .streams = 2, .size_max = 20000});
    wrd_time limit = foreign.now + 300 * WRD_SECOND;
    while (foreign.sides[THEIRS].last_words < 2) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    usrsctp_shutdown(foreign.theirs, SHUT_WR);
    while (wrd_sctp_state(foreign.ours) != WRD_SCTP_CLOSED) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    foreign_step(limit);
    const char *why;
    CHECK(wrd_sctp_failure(foreign.ours, &why) == WRD_CLOSED);
    CHECK(foreign.sides[OURS].heard == 20 && foreign.sides[OURS].lasts == 2);
}

static void abort_by_us(void)
{
    wrd_sctp_abort(foreign.ours, foreign.now);
    for (int i = 0; i < 100 && !foreign.they_lost; i++)
        foreign_run(10 * WRD_MILLISECOND);
    /* One ABORT is sent; a link that lost it leaves them to find out by themselves. */
    CHECK(foreign.they_lost || foreign.options.link.loss > 0);
    CHECK(wrd_sctp_state(foreign.ours) == WRD_SCTP_CLOSED);
}

static void abort_by_them(void)
{
    usrsctp_close(foreign.theirs); /* lingers for no time at all */
    foreign.theirs = NULL;
    for (int i = 0; i < 100 && wrd_sctp_state(foreign.ours) != WRD_SCTP_CLOSED; i++)
        foreign_run(10 * WRD_MILLISECOND);
    if (foreign.options.link.loss > 0)
        return;
    const char *why;
    CHECK(wrd_sctp_state(foreign.ours) == WRD_SCTP_CLOSED);
    CHECK(wrd_sctp_failure(foreign.ours, &why) == WRD_CLOSED);
}

/* Their program falls over in mid-sentence and calls again (RFC 9260 5.2.2): both start anew. */
static void restart(void)
{
    static const struct plan words = {.count = 60, .streams = 3, .size_max = 8000};
    foreign_plan(OURS, &words);
    foreign_plan(THEIRS, &words);
    foreign_run(30 * WRD_MILLISECOND);
    foreign_plan(OURS, &(struct plan){.count = 0});
    foreign_plan(THEIRS, &(struct plan){.count = 0});
    foreign.old = true;
    foreign_crash_theirs();
    foreign_establish();
    wrd_time limit = foreign.now + 60 * WRD_SECOND;
    while (!(foreign.events & WRD_SCTP_EVENT_RESTART)) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
    foreign_run(10 * WRD_SECOND); /* what was said before may still come */
    foreign.old = false;
    deliver_same(&words);
    CHECK(wrd_sctp_state(foreign.ours) == WRD_SCTP_ESTABLISHED);
}

static void idle(void)
{
    deliver_same(&(struct plan){.count = 3, .streams = 1, .size_max = 100});
    foreign_run(100 * WRD_SECOND); /* heartbeats both ways */
    CHECK(wrd_sctp_state(foreign.ours) == WRD_SCTP_ESTABLISHED && !foreign.they_lost);
    deliver_same(&(struct plan){.count = 3, .streams = 1, .size_max = 100});
}

static const struct scene scenes[] = {
    {"bulk, we connect", bulk, true, false},        {"bulk, they connect", bulk, false, true},
    {"bulk, both connect", bulk, true, true},       {"200 streams", many_streams, true, true},
    {"unordered", unordered, true, false},          {"few retransmits", few_retransmits, true, true},
    {"short lifetime", short_lifetime, true, true}, {"streams reset and used again", resets, true, true},
    {"they restart", restart, true, true},
    {"idle", idle, true, false},
    {"we shut down", shutdown_by_us, true, false},  {"they shut down", shutdown_by_them, false, true},
    {"we abort", abort_by_us, true, true},          {"they abort", abort_by_them, true, true},
};

static const struct {
    const char *name;
    struct link_options options;
} links[] = {
    {"clean", {.delay_us = 10 * WRD_MILLISECOND}},
    {"losing", {.delay_us = 10 * WRD_MILLISECOND, .loss = 0.05}},
    {"unruly",
     {.delay_us = 10 * WRD_MILLISECOND,
      .jitter_us = 8 * WRD_MILLISECOND,
      .loss = 0.01,
      .reorder = 0.05,
      .reorder_us = 30 * WRD_MILLISECOND,
      .duplicate = 0.05,
      .corrupt = 0.01}},
};

static void play(const struct scene *scene, size_t link, bool interleaving, uint64_t seed)
{
    foreign_open(&(struct foreign_options){.we_connect = scene->we_connect,
                                           .they_connect = scene->they_connect,
                                           .interleaving = interleaving,
                                           .link = links[link].options,
                                           .seed = seed});
    wrd_time start = foreign.now;
    printf("%s, %s link, %s, seed %u: ", scene->name, links[link].name, interleaving ? "I-DATA" : "DATA",
           (unsigned)seed);
    (void)fflush(stdout);
    foreign_establish();
    scene->play();
    printf("%.2f s\n", (double)(foreign.now - start) / WRD_SECOND);
    CHECK(interleaving ? foreign.data == 0 : foreign.idata == 0);
    foreign_close();
}

int main(int argc, char **argv)
{
    unsigned seeds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    foreign_start();
    for (uint64_t seed = 1; seed <= seeds; seed++)
        for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++)
            for (size_t link = 0; link < sizeof links / sizeof *links; link++)
                for (int interleaving = 0; interleaving < 2; interleaving++)
                    play(&scenes[s], link, interleaving, seed);
    foreign_finish();
    printf("given up: %u by them, %u by us\n", given_up[OURS], given_up[THEIRS]);
    return given_up[OURS] > 0 && given_up[THEIRS] > 0 ? 0 : 1;
}
