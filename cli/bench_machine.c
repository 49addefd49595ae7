/* SPDX-License-Identifier: MIT */
#include "cli/bench_machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

static uint64_t as_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

bool machine_usage(struct usage *out, pid_t pid)
{
    struct timespec cpu;
    clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
    char path[64];
    unsigned long long all, resident;

    /* The clock of the whole process, to the nanosecond; /proc/PID/stat counts in steps of 10 ms. */
    if ((pid != 0 && clock_getcpuclockid(pid, &clock) != 0) || clock_gettime(clock, &cpu) != 0) {
        return false;
    }
    snprintf(path, sizeof path, "/proc/%d/statm", (int)(pid != 0 ? pid : getpid()));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    int got = fscanf(file, "%llu %llu", &all, &resident);
    fclose(file);
    *out = (struct usage){as_ns(&cpu), (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE)};
    return got == 2;
}

void machine_describe(struct machine *out)
{
    struct utsname name;
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    memset(out, 0, sizeof *out);
    out->cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (uname(&name) == 0) {
        snprintf(out->kernel, sizeof out->kernel, "%.40s %.60s %.40s", name.sysname, name.release, name.machine);
    }
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(out->cpu, sizeof out->cpu, "%.*s", (int)strcspn(colon + 1 + strspn(colon + 1, " "), "\n"),
                     colon + 1 + strspn(colon + 1, " "));
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

bool machine_pin(int core)
{
    cpu_set_t set;

    if (core < 0 || core >= CPU_SETSIZE) {
        errno = EINVAL;
        return false;
    }
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

size_t machine_open_files(size_t needed)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return needed;
    }
    if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {needed < limit.rlim_max ? needed : limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return (size_t)limit.rlim_cur;
}

size_t machine_ports(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r"); /* IPv6's, too */
    unsigned low = 32768;
    unsigned high = 60999;

    if (file != NULL) {
        if (fscanf(file, "%u %u", &low, &high) != 2 || high < low) {
            high = low + 28231;
        }
        fclose(file);
    }
    return high - low + 1;
}
