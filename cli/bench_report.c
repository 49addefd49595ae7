/* SPDX-License-Identifier: MIT */
#include "cli/bench_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"

#define PROGRESS_NS 500000000u

void report_clear_progress(struct bench_report *report)
{
    if (report->terminal && report->told_ns != 0) {
        fputs("\r\033[K", stderr);
        report->told_ns = 0;
    }
}

void report_heading(struct bench_report *report, const char *format, ...)
{
    va_list arguments;

    report_clear_progress(report);
    if (report->quiet) {
        return;
    }
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* `value` in a unit that keeps it readable, with about four digits. */
static void write_value(char *out, size_t size, double value, const char *unit)
{
    static const struct {
        const char *from, *to;
        double above, by;
    } scales[] = {{"us", "s", 1e7, 1e6},     {"us", "ms", 1e4, 1e3}, {"B/s", "MB/s", 1e6, 1e6},
                  {"B/s", "kB/s", 1e4, 1e3}, {"B", "MB", 1e7, 1e6},  {"B", "kB", 1e4, 1e3}};

    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        if (strcmp(unit, scales[i].from) == 0 && value >= scales[i].above) {
            value /= scales[i].by;
            unit = scales[i].to;
            break;
        }
    }
    bool whole = *unit == '\0' || strcmp(unit, "B") == 0;
    int digits = whole || value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
    snprintf(out, size, "%.*f%s%s", digits, value, *unit != '\0' ? " " : "", unit);
}

static void keep(struct bench_report *report, const struct report_row *row)
{
    if (report->count == report->room) {
        unsigned room = report->room * 2 + 32;
        struct report_row *rows = realloc(report->rows, room * sizeof *rows);
        if (rows == NULL) {
            report->failed = true;
            return;
        }
        report->rows = rows;
        report->room = room;
    }
    report->rows[report->count++] = *row;
}

void report_row(struct bench_report *report, const char *mode, const char *what, const char *label, double value,
                const char *unit)
{
    struct report_row row = {.value = value};
    char text[64];

    snprintf(row.name, sizeof row.name, "%s.%s", mode, what);
    snprintf(row.unit, sizeof row.unit, "%s", unit);
    keep(report, &row);
    report_clear_progress(report);
    if (!report->quiet) {
        write_value(text, sizeof text, value, unit);
        printf("  %-50s %14s\n", label, text);
        fflush(stdout);
    }
}

void report_progress(struct bench_report *report, const char *format, ...)
{
    uint64_t now = clock_ns();
    va_list arguments;

    if (!report->progress || now - report->told_ns < PROGRESS_NS) {
        return;
    }
    report->told_ns = now;
    if (report->terminal) {
        fputs("\r\033[K", stderr);
    }
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(report->terminal ? "" : "\n", stderr);
    fflush(stderr);
}

void report_free(struct bench_report *report)
{
    report_clear_progress(report);
    free(report->rows);
    memset(report, 0, sizeof *report);
}
