/* SPDX-License-Identifier: MIT */
/* What these tests share: numbers from a seed, an environment that counts and can refuse, addresses by number. */
#ifndef TESTS_ENDPOINT_LAB_H
#define TESTS_ENDPOINT_LAB_H

#include "wrd/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

uint64_t lab_random(uint64_t *seed);
/* 0 .. below - 1 */
uint32_t lab_below(uint64_t *seed, uint32_t below);

struct lab_memory {
    wrd_env env;
    size_t live;  /* bytes allocated and not freed */
    bool refuses; /* anything that grows */
};

void lab_memory_init(struct lab_memory *memory);

/* The same for the same number; neighbours differ in only one of port, IP, scope or family. */
wrd_addr lab_addr(uint32_t number);

#endif
