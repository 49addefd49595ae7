/* SPDX-License-Identifier: MIT */
/*
 * What benchmarks share: thread CPU time, and rows printed and written to build/bench/NAME.json as
 * {name, value, unit, peer, ratio, target, met}.
 */
#ifndef WRD_BENCH_H
#define WRD_BENCH_H

#include <stdbool.h>
#include <stddef.h>

struct bench {
    const char *name;
    void *file;
    bool any;
};

/* Seconds of CPU that this thread used. */
double bench_cpu_seconds(void);
/* Sorts `values`. `spread` (may be NULL): between the quartiles, as a part of the median. */
double bench_median(double *values, size_t count, double *spread);
void bench_open(struct bench *bench, const char *program, const char *name);
/* `peer` NULL and `ratio` 0: nobody to compare with. `target` 0: none; it bounds `value` from below. */
void bench_row(struct bench *bench, const char *name, double value, const char *unit, const char *peer, double ratio,
               double target);
/* The same, but `target` bounds from above. */
void bench_row_below(struct bench *bench, const char *name, double value, const char *unit, const char *peer,
                     double ratio, double target);
void bench_close(struct bench *bench);

#endif
