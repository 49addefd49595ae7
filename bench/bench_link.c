/* SPDX-License-Identifier: MIT */
/* How stacks use a link: goodput, repair and delay in virtual time, so that nothing of the machine is in the figures.
 * Every stack meets the same link model with the same seeds. */
#include "bench.h"
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MBIT        ((uint64_t)1000000)
#define SEEDS       5
#define BULK_TIME   (30 * WRD_SECOND)
#define BULK_SIZE   ((size_t)16 * 1024)
#define SMALL_SIZE  100
#define SMALL_COUNT 1500
#define SMALL_EVERY (100 * WRD_MILLISECOND)

struct contender {
    const struct peer_kind *kind;
    const char *name;
    bool tuned;
};

static const struct contender all[] = {
    {&peer_ours, "ours", false},
    {&peer_usrsctp, "usrsctp", false},
    {&peer_usrsctp, "usrsctp as libdatachannel sets it", true},
    {&peer_dcsctp, "dcsctp", false},
};
#define ALL (sizeof all / sizeof *all)

static struct peer_options options_of(const struct contender *who)
{
    return (struct peer_options){
        .tuned = who->tuned, .send_limit = (size_t)5 * 1024 * 1024, .receive_window = (size_t)5 * 1024 * 1024};
}

static struct link_options link_of(unsigned rtt_ms, double loss)
{
    return (struct link_options){
        .rate_bps = 100 * MBIT,
        .delay_us = rtt_ms * WRD_MILLISECOND / 2,
        .queue_bytes = (size_t)(100 * MBIT / 8 * rtt_ms / 1000), /* one BDP */
        .loss = loss,
    };
}

static void open_or_stop(struct line *line, const struct contender *who, const struct link_options *link, uint64_t seed)
{
    struct peer_options options = options_of(who);
    if (!line_open(line, who->kind, &options, link, seed)) {
        fprintf(stderr, "%s: no association\n", who->name);
        exit(1);
    }
}

/* Mbit/s that one end hears in 30 s of the other's never-ending stream. */
static double bulk(const struct contender *who, const struct link_options *link, uint64_t seed)
{
    static uint8_t bytes[BULK_SIZE];
    struct line line;
    uint8_t head[PEER_HEAD];
    size_t heard = 0, len;
    open_or_stop(&line, who, link, seed);
    wrd_time end = line.now + BULK_TIME;
    do {
        while (who->kind->send(line.ends[0], line.now, bytes, sizeof bytes))
            continue;
        while ((len = who->kind->receive(line.ends[1], line.now, head)) > 0)
            heard += len;
    } while (line_step(&line, end));
    line_close(&line);
    return (double)heard * 8 / ((double)BULK_TIME / WRD_SECOND) / 1e6;
}

/* RTTs from sending a burst on an idle association to the delivery of its last message, whose packet is lost once. */
static double tail_loss(const struct contender *who, wrd_time rtt, unsigned burst, uint64_t seed)
{
    struct link_options link = {.delay_us = rtt / 2}; /* of any rate: nothing but round trips is counted */
    struct line line;
    static uint8_t bytes[1000];
    uint8_t head[PEER_HEAD];
    open_or_stop(&line, who, &link, seed);
    double took = 0;
    unsigned heard = 0, said = 0;
    /* Ten exchanges that lose nothing, so that the round-trip time is known; the last one loses its tail. */
    for (unsigned round = 0; round <= 10; round++) {
        wrd_time start = line.now;
        for (unsigned i = 0; i < burst; i++) {
            memset(bytes, 0, sizeof bytes);
            memcpy(bytes, &(uint64_t){0x5ca1ab1e00000000u + ++said}, PEER_HEAD);
            if (round == 10 && i == burst - 1) {
                memcpy(line.drop_mark, bytes, PEER_HEAD);
                line.drop_marked = true;
            }
            if (!who->kind->send(line.ends[0], line.now, bytes, sizeof bytes))
                abort();
        }
        bool more = true;
        while (heard < said && more) {
            more = line_step(&line, start + 30 * WRD_SECOND);
            while (who->kind->receive(line.ends[1], line.now, head) > 0)
                heard++;
        }
        took = (double)(line.now - start) / (double)rtt;
        wrd_time idle = line.now + WRD_SECOND;
        while (line_step(&line, idle))
            continue;
    }
    if (line.drop_marked || heard < said)
        took = 999;
    line_close(&line);
    return took;
}

/* The 99th percentile, in ms, of the delays of small messages sent at a steady pace. */
static double small_delay(const struct contender *who, const struct link_options *link, uint64_t seed)
{
    static double delays[SMALL_COUNT];
    struct line line;
    uint8_t head[PEER_HEAD], bytes[SMALL_SIZE] = {0};
    size_t count = 0, sent = 0;
    open_or_stop(&line, who, link, seed);
    wrd_time start = line.now, end = start + (SMALL_COUNT + 100) * SMALL_EVERY;
    while (count < SMALL_COUNT && line.now < end) {
        wrd_time next = start + sent * SMALL_EVERY;
        if (line.now >= next && sent < SMALL_COUNT) {
            memcpy(bytes, &line.now, sizeof line.now);
            if (!who->kind->send(line.ends[0], line.now, bytes, sizeof bytes))
                abort();
            sent++;
            next += SMALL_EVERY;
        }
        (void)line_step(&line, sent < SMALL_COUNT ? next : end);
        while (who->kind->receive(line.ends[1], line.now, head) > 0) {
            wrd_time then;
            memcpy(&then, head, sizeof then);
            delays[count++] = (double)(line.now - then) / WRD_MILLISECOND;
        }
    }
    line_close(&line);
    if (count < SMALL_COUNT)
        return 1e6;
    (void)bench_median(delays, count, NULL); /* sorts */
    return delays[count * 99 / 100];
}

static bool present(size_t i)
{
    return !all[i].kind->missing();
}

static void clean_links(struct bench *bench)
{
    static const unsigned rtts[] = {20, 50, 100};
    for (size_t r = 0; r < sizeof rtts / sizeof *rtts; r++) {
        struct link_options link = link_of(rtts[r], 0);
        double ours = bulk(&all[0], &link, 1);
        char name[80];
        (void)snprintf(name, sizeof name, "100 Mbit/s, %u ms, no loss: goodput", rtts[r]);
        bench_row(bench, name, ours, "Mbit/s", NULL, 0, 85);
        for (size_t i = 1; i < ALL; i++)
            if (present(i))
                bench_row(bench, name, ours, "Mbit/s", all[i].name, ours / bulk(&all[i], &link, 1), 0);
    }
}

static double median_of_seeds(const struct contender *who, const struct link_options *link,
                              double (*measure)(const struct contender *, const struct link_options *, uint64_t))
{
    double values[SEEDS];
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        values[seed] = measure(who, link, seed + 1);
    return bench_median(values, SEEDS, NULL);
}

static void lossy_links(struct bench *bench)
{
    static const unsigned rtts[] = {20, 50, 100};
    for (size_t r = 0; r < sizeof rtts / sizeof *rtts; r++) {
        struct link_options link = link_of(rtts[r], 0.01);
        double ours = median_of_seeds(&all[0], &link, bulk);
        char name[80];
        (void)snprintf(name, sizeof name, "100 Mbit/s, %u ms, 1 %% loss: goodput", rtts[r]);
        if (!present(1) && !present(3))
            bench_row(bench, name, ours, "Mbit/s", NULL, 0, 0);
        for (size_t i = 1; i < ALL; i++) {
            if (!present(i))
                continue;
            double theirs = median_of_seeds(&all[i], &link, bulk);
            bench_row(bench, name, ours, "Mbit/s", all[i].name, ours / theirs, theirs); /* the target is to be above */
        }
    }
}

static void tails(struct bench *bench)
{
    static const struct {
        unsigned rtt_ms, burst;
    } cases[] = {{50, 10}, {50, 1}, {100, 10}, {100, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        wrd_time rtt = cases[c].rtt_ms * WRD_MILLISECOND;
        double ours = tail_loss(&all[0], rtt, cases[c].burst, 1);
        char name[80];
        (void)snprintf(name, sizeof name, "%u ms: lost tail of %u delivered after", cases[c].rtt_ms, cases[c].burst);
        bench_row_below(bench, name, ours, "RTT", NULL, 0, 2.5);
        for (size_t i = 1; i < ALL; i++)
            if (present(i))
                bench_row_below(bench, name, ours, "RTT", all[i].name,
                                ours / tail_loss(&all[i], rtt, cases[c].burst, 1), 0);
    }
}

static void small_messages(struct bench *bench)
{
    struct link_options link = link_of(50, 0.05);
    double ours = median_of_seeds(&all[0], &link, small_delay);
    const char *name = "100 B each 100 ms, 50 ms, 5 % loss: p99 delay";
    if (!present(1) && !present(3))
        bench_row_below(bench, name, ours, "ms", NULL, 0, 0);
    for (size_t i = 1; i < ALL; i++) {
        if (!present(i))
            continue;
        double theirs = median_of_seeds(&all[i], &link, small_delay);
        bench_row_below(bench, name, ours, "ms", all[i].name, ours / theirs, theirs);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    peer_set_folder(argv[0]);
    struct bench bench;
    bench_open(&bench, argv[0], "link");
    for (size_t i = 1; i < ALL; i++)
        if (!present(i))
            printf("%s is left out: %s\n", all[i].name, all[i].kind->missing());
    clean_links(&bench);
    lossy_links(&bench);
    tails(&bench);
    small_messages(&bench);
    puts("In virtual time: the same on every machine. Rates are of message payload; the line counts SCTP packets.");
    bench_close(&bench);
    return 0;
}
