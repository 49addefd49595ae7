/* SPDX-License-Identifier: MIT */
/*
 * What a bench found: rows for a person on stdout as they come, all in one JSON document at the end, and the progress
 * on stderr. Names and units of rows (docs/OPERATE.md) are read by scripts and do not change their meaning.
 */
#ifndef WRD_CLI_BENCH_REPORT_H
#define WRD_CLI_BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct bench_options;

#define REPORT_NAME_MAX 48

struct report_row {
    char name[REPORT_NAME_MAX];
    char unit[8];
    double value;
};

struct bench_report {
    struct report_row *rows;
    unsigned count, room;
    bool quiet;    /* no table: stdout has the JSON */
    bool progress; /* on stderr */
    bool terminal; /* stderr is one: progress is one line that changes */
    uint64_t told_ns;
    bool failed; /* a row was lost for want of memory */
};

/* A line above the rows that follow. */
void report_heading(struct bench_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `name` is "MODE.WHAT"; `label` says it to a person. Units: "1/s", "us", "B", "B/s", "ns/B", "%" and "" for counts. */
void report_row(struct bench_report *report, const char *mode, const char *what, const char *label, double value,
                const char *unit);
/* Called as often as is convenient; shows a line twice a second at most. */
void report_progress(struct bench_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_clear_progress(struct bench_report *report);
/* Writes everything to `path`, "-" for stdout. False with a sentence said. */
bool report_write_json(const struct bench_report *report, const struct bench_options *options, int code,
                       const char *path);
void report_free(struct bench_report *report);

#endif
