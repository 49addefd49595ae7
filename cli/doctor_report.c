/* SPDX-License-Identifier: MIT */
#include "cli/doctor_report.h"

#include <cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX   2048
#define TEXT_START 16 /* the column in which texts begin */
#define LINE_END   100

static const char *const names[] = {[FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_BAD] = "bad"};

void report_begin(struct report *report, bool as_json)
{
    *report = (struct report){.as_json = as_json, .steps = as_json ? cJSON_CreateArray() : NULL};
}

/* Words in lines of at most LINE_END characters, all from the same column on. */
static void print_wrapped(const char *text)
{
    size_t column = TEXT_START;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (column > TEXT_START && column + 1 + len > LINE_END) {
            printf("\n%*s", TEXT_START, "");
            column = TEXT_START;
        } else if (column > TEXT_START) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void keep(struct report *report, const char *name, enum finding finding, const char *advice, const char *text)
{
    cJSON *step = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(step, "step", name);
    (void)cJSON_AddStringToObject(step, "finding", names[finding]);
    (void)cJSON_AddStringToObject(step, "text", text);
    if (advice != NULL) {
        (void)cJSON_AddStringToObject(step, "advice", advice);
    }
    if (!cJSON_AddItemToArray(report->steps, step)) {
        cJSON_Delete(step);
    }
}

void report_step(struct report *report, const char *name, enum finding finding, const char *advice, const char *format,
                 ...)
{
    char text[TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (report->as_json) {
        keep(report, name, finding, advice, text);
        return;
    }
    printf("%-5s %-9s ", names[finding], name);
    print_wrapped(text);
    if (advice != NULL) {
        printf("%*s", TEXT_START, "");
        print_wrapped(advice);
    }
    (void)fflush(stdout); /* the next step may take its time */
}

bool report_end(struct report *report, int code)
{
    if (!report->as_json) {
        puts(code == 0 ? "It works." : "It does not work; the line that begins with \"bad\" says why.");
        return fflush(stdout) == 0;
    }
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(json, "works", code == 0);
    (void)cJSON_AddNumberToObject(json, "code", code);
    (void)cJSON_AddItemToObject(json, "steps", report->steps);
    char *text = cJSON_Print(json);
    if (text != NULL) {
        puts(text);
    }
    cJSON_free(text);
    cJSON_Delete(json);
    return text != NULL && fflush(stdout) == 0;
}
