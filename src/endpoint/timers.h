/* SPDX-License-Identifier: MIT */
/* The connections by deadline: a binary heap, each connection knowing its place. Room is made beforehand, so set()
 * cannot fail. */
#ifndef WRD_ENDPOINT_TIMERS_H
#define WRD_ENDPOINT_TIMERS_H

#include "endpoint/connection.h"

#define WRD_TIMERS_NOWHERE UINT32_MAX

struct wrd_timers {
    struct wrd_connection **heap;
    uint32_t len, cap;
};

bool wrd_timers_reserve(struct wrd_timers *timers, const wrd_env *env, uint32_t count);
void wrd_timers_free(struct wrd_timers *timers, const wrd_env *env);
/* Inserts or moves; WRD_NEVER removes. */
void wrd_timers_set(struct wrd_timers *timers, struct wrd_connection *c, wrd_time deadline);
/* The earliest, NULL when empty. */
struct wrd_connection *wrd_timers_first(const struct wrd_timers *timers);

#endif
