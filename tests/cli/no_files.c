/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: a program that was loaded, and now finds that too many files are open. */
#include <sys/resource.h>
#include <unistd.h>

__attribute__((constructor)) static void take_all(void)
{
    const struct rlimit standard = {STDERR_FILENO + 1, STDERR_FILENO + 1};
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        (void)close(fd);
    (void)setrlimit(RLIMIT_NOFILE, &standard);
}
