/* SPDX-License-Identifier: MIT */
/* What `wrd bench` reads from the operating system and asks of it. Linux. */
#ifndef WRD_CLI_BENCH_MACHINE_H
#define WRD_CLI_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a process used up to now. */
struct usage {
    uint64_t cpu_ns; /* of all its threads, those that ended, too */
    uint64_t memory; /* resident bytes */
};

struct machine {
    long cores;
    char cpu[128], kernel[160];
};

/* `pid` 0: this process. False: there is no such process, or the system does not tell. */
bool machine_usage(struct usage *out, pid_t pid);
void machine_describe(struct machine *out);
bool machine_pin(int core); /* this process to one core; false with errno */
/* Raises the limit of open files towards `needed`; answers how many may be open now. */
size_t machine_open_files(size_t needed);
size_t machine_ports(void); /* that the system gives to sockets which ask for any */

#endif
