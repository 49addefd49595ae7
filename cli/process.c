/* SPDX-License-Identifier: MIT */
#include "cli/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Field 22 of /proc/self/stat, in clock ticks after the boot (proc(5)); the fields before it hold no ')'. */
static double started_after_boot(void)
{
    char line[1024];
    unsigned long long ticks = 0;
    FILE *file = fopen("/proc/self/stat", "re");

    if (file == NULL) {
        return 0;
    }
    const char *fields = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
    (void)fclose(file);
    if (fields == NULL ||
        sscanf(fields, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks) !=
            1) {
        return 0;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double now(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double resident(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*s %llu", &pages) != 1) {
        pages = 0;
    }
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double count_files(void)
{
    double count = 0;
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    if (folder == NULL) {
        return 0;
    }
    while ((entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count - 1; /* the folder itself */
}

void process_look(struct process_info *out)
{
    struct rusage usage;
    struct rlimit files;

    memset(out, 0, sizeof *out);
    out->started = now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + started_after_boot();
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    out->resident_bytes = resident();
    out->open_files = count_files();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        out->most_files = (double)files.rlim_cur;
    }
}
