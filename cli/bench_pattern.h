/* SPDX-License-Identifier: MIT */
/* The bytes of messages that `wrd bench` and its servers send, known to both sides (cli/bench_server.h). */
#ifndef WRD_CLI_BENCH_PATTERN_H
#define WRD_CLI_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_PATTERN_STARTS 4096

/* Message `number` of `size` bytes is `size` bytes from bench_pattern_at(pattern, number) on. */
struct bench_pattern {
    uint8_t *bytes; /* BENCH_PATTERN_STARTS + the largest message */
    size_t size_max;
};

/* -1: memory is short. */
int bench_pattern_open(struct bench_pattern *pattern, size_t size_max);
void bench_pattern_close(struct bench_pattern *pattern);

static inline const uint8_t *bench_pattern_at(const struct bench_pattern *pattern, uint64_t number)
{
    return pattern->bytes + number % BENCH_PATTERN_STARTS;
}

#endif
