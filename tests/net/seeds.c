/* SPDX-License-Identifier: MIT */
#include "net/seeds.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

struct seeds seeds_chosen(uint64_t otherwise)
{
    uint64_t only = number("SEED"), count = number("SEEDS");
    if (only > 0)
        return (struct seeds){.first = only, .last = only, .telling = true};
    return (struct seeds){.first = 1, .last = count > 0 ? count : otherwise};
}

int seeds_name_failed(void **state)
{
    const struct seeds *seeds = *state;
    if (seeds->first <= seeds->last)
        fprintf(stderr, "That was seed %llu: make sim SEED=%llu plays it again.\n", (unsigned long long)seeds->first,
                (unsigned long long)seeds->first);
    return 0;
}

uint64_t seeds_below(uint64_t *dice, uint64_t below)
{
    return link_random(dice) % below;
}

bool seeds_once_in(uint64_t *dice, uint64_t of)
{
    return link_random(dice) % of == 0;
}

static double share_below(uint64_t *dice, double below)
{
    return below * (double)seeds_below(dice, 1000) / 1000;
}

struct link_options seeds_link(uint64_t *dice)
{
    struct link_options link = {.delay_us = seeds_below(dice, 100 * WRD_MILLISECOND)};
    if (seeds_once_in(dice, 3))
        link.jitter_us = seeds_below(dice, 50 * WRD_MILLISECOND);
    if (!seeds_once_in(dice, 3))
        link.loss = share_below(dice, 0.12);
    if (seeds_once_in(dice, 4)) {
        link.burst_enter = share_below(dice, 0.01);
        link.burst_leave = 0.05 + share_below(dice, 0.4);
        link.burst_loss = 0.5 + share_below(dice, 0.5);
        /* No longer, or a quiet sender, whose repeats are all in it, rightly gives up, and consent (RFC 7675) ends. */
        link.burst_us = 500 * WRD_MILLISECOND;
    }
    if (seeds_once_in(dice, 3)) {
        link.reorder = share_below(dice, 0.2);
        link.reorder_us = seeds_below(dice, 100 * WRD_MILLISECOND);
    }
    if (seeds_once_in(dice, 2))
        link.duplicate = share_below(dice, 0.1);
    if (seeds_once_in(dice, 3))
        link.corrupt = share_below(dice, 0.04);
    if (seeds_once_in(dice, 3)) {
        link.rate_bps = 1000000 + seeds_below(dice, 100000000);
        link.queue_bytes = 20000 + (size_t)seeds_below(dice, 200000);
    }
    return link;
}

void seeds_print_link(const char *name, const struct link_options *link)
{
    printf("  %s: %.1f ms + %.1f, loss %.1f %%, bursts %.2f/%.2f/%.2f, later %.1f %% by %.1f ms, twice %.1f %%, "
           "damaged %.1f %%",
           name, (double)link->delay_us / 1000, (double)link->jitter_us / 1000, 100 * link->loss, link->burst_enter,
           link->burst_leave, link->burst_loss, 100 * link->reorder, (double)link->reorder_us / 1000,
           100 * link->duplicate, 100 * link->corrupt);
    if (link->rate_bps > 0)
        printf(", %.1f Mbit/s, queue of %zu", (double)link->rate_bps / 1e6, link->queue_bytes);
    puts("");
}
