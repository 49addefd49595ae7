/* SPDX-License-Identifier: MIT */
#ifndef WRD_CLI_CLOCK_H
#define WRD_CLI_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_S ((uint64_t)1000000000)

/* Of a clock that is never set. Any thread. */
uint64_t clock_ns(void);

#endif
