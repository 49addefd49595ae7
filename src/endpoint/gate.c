/* SPDX-License-Identifier: MIT */
#include "endpoint/gate.h"

#include "base/check.h"
#include "base/siphash.h"

#include <string.h>

#define SECOND_NS ((uint64_t)1000000000)

uint64_t wrd_gate_address(const uint8_t key[16], const wrd_addr *addr)
{
    uint8_t bytes[9];
    size_t len = addr->family == 4 ? 4 : 8;
    memcpy(bytes, addr->ip, len);
    bytes[len] = addr->family;
    return wrd_siphash(key, bytes, len + 1);
}

/* A second's worth may come at once: clients that lost their server all come back in the same moment. */
static struct wrd_gate_rate rate_of(uint32_t per_second)
{
    uint64_t interval = SECOND_NS / per_second;
    return (struct wrd_gate_rate){.interval_ns = interval, .tolerance_ns = interval * (per_second - 1)};
}

void wrd_gate_init(struct wrd_gate *gate, const struct wrd_gate_limits *limits)
{
    gate->max_per_address = limits->per_address;
    gate->leaves_some = limits->per_address < limits->all;
    gate->all = rate_of(limits->rate);
    gate->one = rate_of(limits->rate_of_one);
}

void wrd_gate_free(struct wrd_gate *gate, const wrd_env *env)
{
    wrd_map_free(&gate->counts, env);
}

/* Both rows' places of an address, from different bits of its hash. */
static uint64_t *place(struct wrd_gate *gate, unsigned row, uint64_t address)
{
    return &gate->used_up_by[row][(address >> (32 * row)) % WRD_GATE_COLUMNS];
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_full(const struct wrd_gate *gate, uint64_t address, uint32_t left)
{
    const uint64_t *count = wrd_map_find(&gate->counts, address);
    return count && (*count >= gate->max_per_address || (gate->leaves_some && *count >= left));
}

enum wrd_gate_answer wrd_gate_ask(struct wrd_gate *gate, wrd_time now, uint64_t address, uint32_t left)
{
    uint64_t now_ns = now * 1000, used_up_by = UINT64_MAX;
    if (is_full(gate, address, left))
        return WRD_GATE_ADDRESS_FULL;
    for (unsigned row = 0; row < WRD_GATE_ROWS; row++)
        if (*place(gate, row, address) < used_up_by)
            used_up_by = *place(gate, row, address);
    if (used_up_by > now_ns + gate->one.tolerance_ns)
        return WRD_GATE_ADDRESS_RATE;
    if (gate->used_up > now_ns + gate->all.tolerance_ns)
        return WRD_GATE_RATE;
    gate->used_up = later(gate->used_up, now_ns) + gate->all.interval_ns;
    used_up_by = later(used_up_by, now_ns) + gate->one.interval_ns;
    for (unsigned row = 0; row < WRD_GATE_ROWS; row++) /* a place that others used more stays theirs */
        *place(gate, row, address) = later(*place(gate, row, address), used_up_by);
    return WRD_GATE_OPEN;
}

bool wrd_gate_is_busy(const struct wrd_gate *gate, wrd_time now)
{
    return gate->used_up > now * 1000 + gate->all.tolerance_ns / 2;
}

bool wrd_gate_reserve(struct wrd_gate *gate, const wrd_env *env, uint32_t count)
{
    return wrd_map_reserve(&gate->counts, env, count);
}

void wrd_gate_enter(struct wrd_gate *gate, uint64_t address)
{
    uint64_t *count = wrd_map_find(&gate->counts, address);
    if (count)
        ++*count;
    else
        wrd_map_put(&gate->counts, address, 1);
}

void wrd_gate_leave(struct wrd_gate *gate, uint64_t address)
{
    uint64_t *count = wrd_map_find(&gate->counts, address);
    WRD_ASSERT(count && *count > 0);
    if (--*count == 0)
        wrd_map_remove(&gate->counts, address);
}
