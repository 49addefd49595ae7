/* SPDX-License-Identifier: MIT */
#include "cli/bench_histogram.h"

#include <stddef.h>
#include <string.h>

#define CLASSES (sizeof((struct histogram *)0)->counts / sizeof(uint64_t))

/* Up to 127 each value is a class; above, the seven highest bits say which. */
static size_t class_of(uint64_t ns)
{
    unsigned shift = 0;

    if (ns > HISTOGRAM_MAX) {
        ns = HISTOGRAM_MAX;
    }
    if (ns >= 2 * HISTOGRAM_STEPS) {
        shift = 63 - (unsigned)__builtin_clzll(ns) - 6;
    }
    return (size_t)shift * HISTOGRAM_STEPS + (size_t)(ns >> shift);
}

/* The highest value of a class. */
static uint64_t top_of(size_t class)
{
    size_t shift = class < 2 * HISTOGRAM_STEPS ? 0 : class / HISTOGRAM_STEPS - 1;
    uint64_t digits = class - shift * HISTOGRAM_STEPS;

    return ((digits + 1) << shift) - 1;
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->counts[class_of(ns)]++;
    histogram->total++;
    if (ns > histogram->max) {
        histogram->max = ns;
    }
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0;

    for (size_t class = 0; class < CLASSES; class ++) {
        seen += histogram->counts[class];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t top = top_of(class);
            return top < histogram->max ? top : histogram->max;
        }
    }
    return histogram->max;
}
