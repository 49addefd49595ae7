/* SPDX-License-Identifier: MIT */
#include "endpoint/gate.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "endpoint/env.h"
#include "endpoint/options.h"

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

struct wrd_gate *wrd_gate_open(const wrd_endpoint_options *limits, const wrd_env *env)
{
    struct wrd_gate *gate = wrd_mem_zalloc(env, sizeof *gate);
    if (!gate)
        return NULL;
    gate->env = *env;
    gate->max_connections = limits->max_connections;
    gate->max_per_address = limits->max_per_address;
    gate->all = rate_of(limits->handshake_rate);
    gate->one = rate_of(limits->handshake_rate_per_address);
    return gate;
}

wrd_result wrd_gate_new(wrd_gate **out, const wrd_endpoint_options *options, const wrd_env *env,
                        void (*lock)(void *user, bool held), void *user, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *out = NULL;
    wrd_env complete_env = wrd_env_complete(env);
    wrd_endpoint_options complete;
    wrd_result result = wrd_endpoint_options_complete(&complete, options, why);
    if (result != WRD_OK)
        return result;
    struct wrd_gate *gate = wrd_gate_open(&complete, &complete_env);
    if (!gate) {
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    gate->lock = lock;
    gate->user = user;
    *out = gate;
    return WRD_OK;
}

void wrd_gate_free(wrd_gate *gate)
{
    if (!gate)
        return;
    wrd_env env = gate->env;
    wrd_map_free(&gate->counts, &env);
    wrd_mem_free(&env, gate, sizeof *gate);
}

static void hold(const struct wrd_gate *gate, bool held)
{
    if (gate->lock)
        gate->lock(gate->user, held);
}

/* ---- rates */

/* Both rows' places of an address, from different bits of its hash. */
static uint64_t *place(struct wrd_gate *gate, unsigned row, uint64_t address)
{
    return &gate->used_up_by[row][(address >> (32 * row)) % WRD_GATE_COLUMNS];
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When `address` has used up its own. */
static uint64_t used_up_by(struct wrd_gate *gate, uint64_t address)
{
    uint64_t least = UINT64_MAX;
    for (unsigned row = 0; row < WRD_GATE_ROWS; row++)
        if (*place(gate, row, address) < least)
            least = *place(gate, row, address);
    return least;
}

static void use_up(struct wrd_gate *gate, uint64_t now_ns, uint64_t address)
{
    uint64_t until = later(used_up_by(gate, address), now_ns) + gate->one.interval_ns;
    gate->used_up = later(gate->used_up, now_ns) + gate->all.interval_ns;
    for (unsigned row = 0; row < WRD_GATE_ROWS; row++) /* a place that others used more stays theirs */
        *place(gate, row, address) = later(*place(gate, row, address), until);
}

static bool is_half_used_up(struct wrd_gate *gate, uint64_t now_ns, uint64_t address)
{
    return gate->used_up > now_ns + gate->all.tolerance_ns / 2 ||
           used_up_by(gate, address) > now_ns + gate->one.tolerance_ns / 2;
}

/* ---- counts */

/* May no address have all of it? */
static bool leaves_some(const struct wrd_gate *gate)
{
    return gate->max_per_address < gate->max_connections;
}

/* The most that one address may have, where all together have `count`. */
static uint32_t most_of_one(const struct wrd_gate *gate, uint32_t count)
{
    uint32_t left = gate->max_connections - count;
    return leaves_some(gate) && left < gate->max_per_address ? left : gate->max_per_address;
}

/* Is there no room at `address` for one more besides `count` of all? */
static bool is_full_for(const struct wrd_gate *gate, uint64_t address, uint32_t count)
{
    const uint64_t *own = wrd_map_find(&gate->counts, address);
    return own && *own >= most_of_one(gate, count);
}

/* Would one more have of the second half, of what the proved ones leave or of what the address may have? */
static bool is_half_full(const struct wrd_gate *gate, uint64_t address)
{
    const uint64_t *own = wrd_map_find(&gate->counts, address);
    uint64_t more = (own ? *own : 0) + 1;
    return gate->opening + 1 >= gate->max_connections - gate->count ||
           (leaves_some(gate) && 2 * more > most_of_one(gate, gate->count));
}

/* There is room in the map, for as many addresses as connections. */
static void enter(struct wrd_gate *gate, uint64_t address)
{
    uint64_t *count = wrd_map_find(&gate->counts, address);
    if (count)
        ++*count;
    else
        wrd_map_put(&gate->counts, address, 1);
    gate->count++;
}

static void leave(struct wrd_gate *gate, uint64_t address)
{
    uint64_t *count = wrd_map_find(&gate->counts, address);
    WRD_ASSERT(count && *count > 0);
    if (--*count == 0)
        wrd_map_remove(&gate->counts, address);
    gate->count--;
}

static void prove(struct wrd_gate *gate)
{
    WRD_ASSERT(gate->opening > 0);
    gate->opening--;
}

void wrd_gate_prove(struct wrd_gate *gate)
{
    hold(gate, true);
    prove(gate);
    hold(gate, false);
}

void wrd_gate_leave(struct wrd_gate *gate, uint64_t address, bool proved)
{
    hold(gate, true);
    if (!proved)
        prove(gate);
    leave(gate, address);
    WRD_ASSERT(gate->opening <= gate->count);
    hold(gate, false);
}

static bool has_room(const struct wrd_gate *gate, uint64_t from, uint64_t to)
{
    return from == to || !is_full_for(gate, to, gate->count - 1);
}

bool wrd_gate_has_room(struct wrd_gate *gate, uint64_t from, uint64_t to)
{
    hold(gate, true);
    bool room = has_room(gate, from, to);
    hold(gate, false);
    return room;
}

bool wrd_gate_move(struct wrd_gate *gate, uint64_t from, uint64_t to)
{
    hold(gate, true);
    bool room = has_room(gate, from, to);
    if (room) {
        leave(gate, from);
        enter(gate, to);
    }
    hold(gate, false);
    return room;
}

/* ---- both */

bool wrd_gate_is_tight(struct wrd_gate *gate, wrd_time now, uint64_t address)
{
    hold(gate, true);
    bool tight = is_half_used_up(gate, now * 1000, address) || is_half_full(gate, address);
    hold(gate, false);
    return tight;
}

static enum wrd_gate_answer ask(struct wrd_gate *gate, uint64_t now_ns, uint64_t address)
{
    if (gate->count >= gate->max_connections)
        return WRD_GATE_FULL;
    if (is_full_for(gate, address, gate->count))
        return WRD_GATE_ADDRESS_FULL;
    if (used_up_by(gate, address) > now_ns + gate->one.tolerance_ns)
        return WRD_GATE_ADDRESS_RATE;
    if (gate->used_up > now_ns + gate->all.tolerance_ns)
        return WRD_GATE_RATE;
    if (!wrd_map_reserve(&gate->counts, &gate->env, gate->count + 1))
        return WRD_GATE_NO_MEMORY;
    use_up(gate, now_ns, address);
    enter(gate, address);
    gate->opening++;
    return WRD_GATE_OPEN;
}

enum wrd_gate_answer wrd_gate_ask(struct wrd_gate *gate, wrd_time now, uint64_t address)
{
    hold(gate, true);
    enum wrd_gate_answer answer = ask(gate, now * 1000, address);
    hold(gate, false);
    return answer;
}
