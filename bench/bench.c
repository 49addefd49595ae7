/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_cpu_seconds(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count, double *spread)
{
    qsort(values, count, sizeof *values, compare);
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    if (spread)
        *spread = median > 0 ? (values[count - 1 - count / 4] - values[count / 4]) / median : 0;
    return median;
}

void bench_open(struct bench *bench, const char *program, const char *name)
{
    char path[PATH_MAX], folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", program);
    (void)snprintf(path, sizeof path, "%s/%s.json", dirname(folder), name);
    *bench = (struct bench){.name = name, .file = fopen(path, "w")};
    if (!bench->file) {
        perror(path);
        exit(1);
    }
    (void)fputs("[", bench->file);
}

static void write_row(struct bench *bench, const char *name, double value, const char *unit, const char *peer,
                      double ratio, double target, bool met)
{
    printf("%-48s %9.2f %-7s", name, value, unit);
    if (target > 0)
        printf(" target %7.2f: %-6s", target, met ? "met" : "MISSED");
    if (peer)
        printf("%s %.2f x %s (%.2f)", target > 0 ? "" : "                       ", ratio, peer,
               ratio > 0 ? value / ratio : 0.0);
    puts("");
    (void)fflush(stdout);
    (void)fprintf(bench->file, "%s\n  {\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", ", bench->any ? "," : "",
                  name, value, unit);
    if (peer)
        (void)fprintf(bench->file, "\"peer\": \"%s\", \"ratio\": %.4f, ", peer, ratio);
    else
        (void)fputs("\"peer\": null, \"ratio\": null, ", bench->file);
    if (target > 0)
        (void)fprintf(bench->file, "\"target\": %.4f, \"met\": %s}", target, met ? "true" : "false");
    else
        (void)fputs("\"target\": null, \"met\": null}", bench->file);
    bench->any = true;
}

void bench_row(struct bench *bench, const char *name, double value, const char *unit, const char *peer, double ratio,
               double target)
{
    write_row(bench, name, value, unit, peer, ratio, target, value >= target);
}

void bench_row_below(struct bench *bench, const char *name, double value, const char *unit, const char *peer,
                     double ratio, double target)
{
    write_row(bench, name, value, unit, peer, ratio, target, value <= target);
}

void bench_close(struct bench *bench)
{
    (void)fputs("\n]\n", bench->file);
    (void)fclose(bench->file);
}
