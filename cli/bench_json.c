/* SPDX-License-Identifier: MIT */
/* The JSON document of a bench. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/bench.h"
#include "cli/say.h"

static void add_list(cJSON *object, const char *name, const struct bench_list *list)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);

    for (unsigned i = 0; i < list->count; i++) {
        cJSON_AddItemToArray(array, cJSON_CreateNumber(list->values[i]));
    }
}

static void add_parameters(cJSON *document, const struct bench_options *options)
{
    cJSON *object = cJSON_AddObjectToObject(document, "parameters");

    cJSON_AddStringToObject(object, "server", options->where);
    cJSON_AddNumberToObject(object, "clients", options->clients);
    cJSON_AddNumberToObject(object, "at_once", options->at_once);
    cJSON_AddNumberToObject(object, "seconds", options->seconds);
    cJSON_AddNumberToObject(object, "idle_seconds", options->idle_seconds);
    add_list(object, "size", &options->sizes);
    add_list(object, "in_flight", &options->in_flight);
    add_list(object, "echo_clients", &options->echo_clients);
    add_list(object, "bulk_size", &options->bulk_sizes);
    cJSON_AddNumberToObject(object, "bulk_clients", options->bulk_clients);
    cJSON_AddBoolToObject(object, "raw", options->raw);
    cJSON_AddBoolToObject(object, "spin", options->spin);
    if (options->server_pid != 0) {
        cJSON_AddNumberToObject(object, "server_pid", options->server_pid);
    }
    if (options->cpu >= 0) {
        cJSON_AddNumberToObject(object, "cpu", options->cpu);
    }
}

static void add_machine(cJSON *document)
{
    struct machine machine;
    cJSON *object = cJSON_AddObjectToObject(document, "machine");

    machine_describe(&machine);
    cJSON_AddNumberToObject(object, "cores", (double)machine.cores);
    cJSON_AddStringToObject(object, "cpu", machine.cpu);
    cJSON_AddStringToObject(object, "kernel", machine.kernel);
}

static cJSON *draw_up(const struct bench_report *report, const struct bench_options *options, int code)
{
    cJSON *document = cJSON_CreateObject();
    char when[32] = "";
    time_t now = time(NULL);
    struct tm utc;

    if (gmtime_r(&now, &utc) != NULL) {
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    cJSON_AddStringToObject(document, "version", WRD_VERSION);
    cJSON_AddStringToObject(document, "ended", when);
    cJSON_AddNumberToObject(document, "exit_code", code);
    add_machine(document);
    add_parameters(document, options);
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (unsigned i = 0; i < report->count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", report->rows[i].name);
        cJSON_AddNumberToObject(row, "value", report->rows[i].value);
        cJSON_AddStringToObject(row, "unit", report->rows[i].unit);
        cJSON_AddItemToArray(rows, row);
    }
    return document;
}

bool report_write_json(const struct bench_report *report, const struct bench_options *options, int code,
                       const char *path)
{
    cJSON *document = draw_up(report, options, code);
    char *text = report->failed ? NULL : cJSON_Print(document);
    bool to_stdout = strcmp(path, "-") == 0;

    cJSON_Delete(document);
    if (text == NULL) {
        say("memory is short for the JSON");
        return false;
    }
    FILE *file = to_stdout ? stdout : fopen(path, "w");
    bool done = file != NULL && fprintf(file, "%s\n", text) >= 0 && fflush(file) == 0;
    int error = errno;
    if (file != NULL && !to_stdout) {
        done = fclose(file) == 0 && done;
    }
    cJSON_free(text);
    if (!done) {
        say("cannot write %s: %s", to_stdout ? "to stdout" : path, strerror(error));
    }
    return done;
}
