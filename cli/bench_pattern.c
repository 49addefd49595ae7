/* SPDX-License-Identifier: MIT */
#include "cli/bench_pattern.h"

#include <stdlib.h>

int bench_pattern_open(struct bench_pattern *pattern, size_t size_max)
{
    uint32_t x = 1;

    pattern->size_max = size_max;
    pattern->bytes = malloc(BENCH_PATTERN_STARTS + size_max);
    if (pattern->bytes == NULL) {
        return -1;
    }
    for (size_t i = 0; i < BENCH_PATTERN_STARTS + size_max; i++) {
        x = x * 1664525 + 1013904223;
        pattern->bytes[i] = (uint8_t)(x >> 24);
    }
    return 0;
}

void bench_pattern_close(struct bench_pattern *pattern)
{
    free(pattern->bytes);
    pattern->bytes = NULL;
}
