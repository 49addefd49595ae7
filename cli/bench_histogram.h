/* SPDX-License-Identifier: MIT */
/* Durations in nanoseconds, counted in classes whose width is at most 1/64 of their value. */
#ifndef WRD_CLI_BENCH_HISTOGRAM_H
#define WRD_CLI_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64                  /* classes to a doubling */
#define HISTOGRAM_MAX   ((uint64_t)1 << 42) /* longer ones, over an hour, are counted as this */

struct histogram {
    uint64_t counts[38 * HISTOGRAM_STEPS];
    uint64_t total, max;
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);
/* The least duration that at least `share` (0..1) of all are not above; 0 of none. The largest is exact. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
