/* SPDX-License-Identifier: MIT */
/* Two live ends over links with every fault, one random scene for each seed. `make sim SEED=n` plays one again. */
#include "lab.h"
#include "net/seeds.h"

#include <stdio.h>

#ifdef WRD_TEST_SANITIZED
#define SEEDS_DEFAULT 1000
#else
#define SEEDS_DEFAULT 2000
#endif

static struct wrd_sctp_options dice_options(uint64_t *dice)
{
    struct wrd_sctp_options options = {.no_interleaving = seeds_once_in(dice, 2),
                                       .always_checksum = seeds_once_in(dice, 2),
                                       .congestion = seeds_once_in(dice, 2) ? WRD_SCTP_RENO : WRD_SCTP_CUBIC};
    if (seeds_once_in(dice, 2))
        options.receive_window = 20000 + (size_t)seeds_below(dice, 200000);
    if (seeds_once_in(dice, 2))
        options.send_limit = 5000 + (size_t)seeds_below(dice, 300000);
    if (seeds_once_in(dice, 3))
        options.packet_max = 512 + (size_t)seeds_below(dice, WRD_SCTP_PACKET_MAX - 511);
    if (seeds_once_in(dice, 4))
        options.streams = (uint16_t)(LAB_STREAMS + seeds_below(dice, 1000));
    return options;
}

static struct lab_traffic dice_traffic(uint64_t *dice)
{
    struct lab_traffic traffic = {.messages = (unsigned)seeds_below(dice, 200),
                                  .size_max = 1 + (size_t)seeds_below(dice, seeds_once_in(dice, 2) ? 60000 : 3000),
                                  .streams = 1 + (unsigned)seeds_below(dice, LAB_STREAMS)};
    if (seeds_once_in(dice, 2))
        traffic.unordered = (unsigned)seeds_below(dice, 1001);
    if (seeds_once_in(dice, 3))
        traffic.limited = (unsigned)seeds_below(dice, 1001);
    if (seeds_once_in(dice, 4))
        traffic.resets = (unsigned)seeds_below(dice, 300);
    return traffic;
}

static void set_scene(struct lab *lab, uint64_t seed, uint64_t *dice)
{
    struct wrd_sctp_options options[2];
    struct link_options links[2];
    for (int i = 0; i < 2; i++) {
        options[i] = dice_options(dice);
        links[i] = seeds_link(dice);
    }
    for (int i = 0; i < 2; i++) /* what DTLS would drop, CRC32c must */
        options[i].always_checksum = options[i].always_checksum || links[!i].corrupt > 0;
    lab_init_each(lab, seed, options);
    for (int i = 0; i < 2; i++) {
        lab->ends[i].out = links[i];
        lab->ends[i].traffic = dice_traffic(dice);
    }
    uint64_t who = seeds_below(dice, 3);
    for (int i = 0; i < 2; i++) {
        if (who == 2 || who == (uint64_t)i)
            wrd_sctp_connect(lab->ends[i].sctp, lab->now);
    }
}

static void tell_scene(const struct lab *lab, uint64_t seed)
{
    printf("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 2; i++) {
        const struct lab_end *end = &lab->ends[i];
        const struct wrd_sctp_options *options = &end->sctp->options;
        seeds_print_link(i == 0 ? "from 0 to 1" : "from 1 to 0", &end->out);
        printf("  end %d: %s, window %zu, send limit %zu, packets of %zu, %s, %s; says %u messages of up to %zu bytes "
               "on %u "
               "streams, %u in a thousand unordered, %u limited, %u with a reset behind\n",
               i, options->congestion == WRD_SCTP_RENO ? "Reno" : "CUBIC", options->receive_window, options->send_limit,
               options->packet_max, options->no_interleaving ? "DATA" : "I-DATA",
               options->always_checksum ? "CRC32c" : "no CRC32c", end->traffic.messages, end->traffic.size_max,
               end->traffic.streams, end->traffic.unordered, end->traffic.limited, end->traffic.resets);
    }
}

static void tell_progress(const struct lab *lab)
{
    printf("%9.3f s", (double)(lab->now - WRD_SECOND) / 1e6);
    for (int i = 0; i < 2; i++) {
        const struct lab_end *end = &lab->ends[i];
        printf("   end %d: state %d, said %u, heard %u, %zu bytes in queue, %llu packets%s", i,
               wrd_sctp_state(end->sctp), end->traffic.sent, end->heard, wrd_sctp_buffered(end->sctp),
               (unsigned long long)end->line.sent, end->reading ? "" : ", not reading");
    }
    puts("");
}

/* In pieces of time, between which a reader may fall asleep or wake. */
static bool deliver(struct lab *lab, uint64_t *dice, bool telling)
{
    bool sleepy = seeds_once_in(dice, 4);
    wrd_time until = lab->now + 3600 * WRD_SECOND, next_word = lab->now;
    while (lab->now < until) {
        wrd_time piece = 1 + seeds_below(dice, WRD_SECOND);
        if (lab_deliver(lab, piece))
            return true;
        if (wrd_sctp_failure(lab->ends[0].sctp, NULL) != WRD_OK || wrd_sctp_failure(lab->ends[1].sctp, NULL) != WRD_OK)
            return false;
        if (telling && lab->now >= next_word) {
            tell_progress(lab);
            next_word = lab->now + WRD_SECOND;
        }
        for (int i = 0; i < 2; i++)
            lab->ends[i].reading = !sleepy || seeds_once_in(dice, 3);
    }
    return false;
}

/* What all scenes did, so that one can see that they do something. */
struct sum {
    unsigned messages, missing, resets, losses;
};

static void add_up(struct sum *sum, const struct lab *lab)
{
    for (int i = 0; i < 2; i++) {
        const struct lab_end *end = &lab->ends[i];
        sum->messages += end->traffic.sent;
        sum->missing += end->traffic.sent - lab->ends[!i].heard;
        sum->losses += (unsigned)end->line.lost;
        for (int stream = 0; stream < LAB_STREAMS; stream++)
            sum->resets += end->resets[stream].heard;
    }
}

static void play(uint64_t seed, bool telling, struct sum *sum)
{
    struct lab lab;
    uint64_t dice = seed * 77;
    set_scene(&lab, seed, &dice);
    if (telling)
        tell_scene(&lab, seed);
    bool delivered = deliver(&lab, &dice, telling);
    if (telling)
        tell_progress(&lab);
    if (!delivered) {
        const char *why[2];
        wrd_sctp_failure(lab.ends[0].sctp, &why[0]);
        wrd_sctp_failure(lab.ends[1].sctp, &why[1]);
        fail_msg("heard %u of %u and %u of %u; %s; %s", lab.ends[1].heard_reliable, lab.ends[0].traffic.sent_reliable,
                 lab.ends[0].heard_reliable, lab.ends[1].traffic.sent_reliable, why[0], why[1]);
    }
    lab.ends[0].reading = lab.ends[1].reading = true;
    wrd_sctp_shutdown(lab.ends[seeds_below(&dice, 2)].sctp, lab.now);
    lab_run(&lab, 300 * WRD_SECOND);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_state(lab.ends[1].sctp), WRD_SCTP_CLOSED);
    add_up(sum, &lab);
    lab_free(&lab);
}

static void every_byte_arrives_once_and_in_order_over_wild_links(void **state)
{
    struct seeds *seeds = *state;
    struct sum sum = {0};
    bool many = seeds->last - seeds->first >= 500;
    for (; seeds->first <= seeds->last; seeds->first++)
        play(seeds->first, seeds->telling, &sum);
    printf("%u messages, %u given up, %u resets, %u packets lost\n", sum.messages, sum.missing, sum.resets, sum.losses);
    if (many)
        assert_true(sum.messages > 50000 && sum.missing > 100 && sum.resets > 500 && sum.losses > 10000);
}

int main(void)
{
    struct seeds seeds = seeds_chosen(SEEDS_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(every_byte_arrives_once_and_in_order_over_wild_links, NULL,
                                                 seeds_name_failed, &seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
