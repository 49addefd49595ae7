/* SPDX-License-Identifier: MIT */
/* What `wrd doctor` found: steps, each with what is and what to do. */
#ifndef WRD_CLI_DOCTOR_REPORT_H
#define WRD_CLI_DOCTOR_REPORT_H

#include <stdbool.h>

enum finding { FINDING_OK, FINDING_NOTE, FINDING_BAD };

struct report {
    bool as_json;
    struct cJSON *steps; /* of report_begin() */
};

void report_begin(struct report *report, bool as_json);
/* Prints a step at once, or keeps it for the JSON. `advice` may be NULL. */
void report_step(struct report *report, const char *name, enum finding finding, const char *advice, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
/* Prints the verdict. False: stdout is gone. */
bool report_end(struct report *report, int code);

#endif
