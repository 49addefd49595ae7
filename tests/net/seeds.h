/* SPDX-License-Identifier: MIT */
/* Which random scenes a program plays: SEED=n in the environment that one, and it tells what it sees; SEEDS=n that
 * many; else a number of its own. */
#ifndef WRD_TESTS_SEEDS_H
#define WRD_TESTS_SEEDS_H

#include "net/link.h"

struct seeds {
    uint64_t first, last;
    bool telling;
};

struct seeds seeds_chosen(uint64_t otherwise);
/* A teardown, with a struct seeds as its state: tells how to play `first` again when that is not past the last. */
int seeds_name_failed(void **state);
/* A link with some of all faults, or none. */
struct link_options seeds_link(uint64_t *dice);
void seeds_print_link(const char *name, const struct link_options *link);
/* 0 .. below - 1 */
uint64_t seeds_below(uint64_t *dice, uint64_t below);
/* True one time of `of`. */
bool seeds_once_in(uint64_t *dice, uint64_t of);

#endif
