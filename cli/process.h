/* SPDX-License-Identifier: MIT */
/* What the operating system says of this process. */
#ifndef WRD_CLI_PROCESS_H
#define WRD_CLI_PROCESS_H

struct process_info {
    double started;        /* seconds since 1970 */
    double cpu_seconds;    /* user and system */
    double resident_bytes; /* 0: the system does not say, as below */
    double open_files, most_files;
};

void process_look(struct process_info *out);

#endif
