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

void bench_row(struct bench *bench, const char *name, double value, const char *unit, const char *peer, double ratio,
               double target)
{
    printf("%-44s %10.2f %-8s", name, value, unit);
    if (peer)
        printf("  %.2fx %s", ratio, peer);
    if (target > 0)
        printf("  target %.2f: %s", target, value >= target ? "met" : "MISSED");
    puts("");
    (void)fprintf(bench->file, "%s\n  {\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", ", bench->any ? "," : "",
                  name, value, unit);
    if (peer)
        (void)fprintf(bench->file, "\"peer\": \"%s\", \"ratio\": %.4f, ", peer, ratio);
    else
        (void)fputs("\"peer\": null, \"ratio\": null, ", bench->file);
    if (target > 0)
        (void)fprintf(bench->file, "\"target\": %.4f, \"met\": %s}", target, value >= target ? "true" : "false");
    else
        (void)fputs("\"target\": null, \"met\": null}", bench->file);
    bench->any = true;
}

void bench_close(struct bench *bench)
{
    (void)fputs("\n]\n", bench->file);
    (void)fclose(bench->file);
}
