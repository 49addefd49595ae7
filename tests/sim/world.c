/* SPDX-License-Identifier: MIT */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps without progress of the clock that only a bug can take. */
#define STANDSTILL_MAX 1000000u

struct flight {
    wrd_time at;
    uint64_t order;
    wrd_addr from, to;
    size_t len;
    uint8_t *bytes;
};

/* ---- what nodes take from outside */

uint64_t world_random(struct world *world)
{
    uint64_t x = world->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t world_below(struct world *world, uint64_t below)
{
    return world_random(world) % below;
}

static bool chance(struct world *world, double probability)
{
    return probability > 0 && (double)(world_random(world) >> 11) < probability * 9007199254740992.0;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)world_random(user);
}

static void *count_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct allocations *a = &((struct world *)user)->allocations;
    if (new_size == 0) {
        free(old);
        a->bytes -= old_size;
        return NULL;
    }
    if (new_size > old_size) {
        a->count++;
        if (a->fail_at && (a->count == a->fail_at || (a->fail_after && a->count > a->fail_at)))
            return NULL;
    }
    void *fresh = realloc(old, new_size);
    if (!fresh)
        abort();
    a->bytes += new_size - old_size;
    if (a->bytes > a->peak_bytes)
        a->peak_bytes = a->bytes;
    return fresh;
}

/* ---- the world */

void world_init(struct world *world, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->random = seed * 0x2545f4914f6cdd1du + 1;
    world->now = 1000 * WRD_SECOND;
}

void world_free(struct world *world)
{
    for (unsigned i = 0; i < world->node_count; i++)
        wrd_endpoint_free(world->nodes[i].endpoint);
    for (size_t i = 0; i < world->flight_count; i++)
        free(world->flights[i].bytes);
    free(world->scratch);
    world->scratch = NULL;
    world->scratch_cap = 0;
    free(world->flights);
    world->flights = NULL;
    world->flight_count = world->flight_cap = 0;
    world->node_count = 0;
}

uint8_t *world_scratch(struct world *world, size_t len)
{
    if (len > world->scratch_cap) {
        free(world->scratch);
        world->scratch = malloc(len);
        world->scratch_cap = len;
        if (!world->scratch)
            abort();
    }
    return world->scratch;
}

struct node *world_add(struct world *world, const wrd_endpoint_options *options, const struct link_options *out,
                       node_turn turn, void *app)
{
    if (world->node_count == WORLD_NODES_MAX)
        abort();
    struct node *node = &world->nodes[world->node_count];
    memset(node, 0, sizeof *node);
    node->addr = (wrd_addr){.family = 4, .ip = {10, 0, 0, (uint8_t)(world->node_count + 1)}, .port = 3478};
    node->env = (wrd_env){.user = world, .memory = count_memory, .random = fill_random};
    node->turn = turn;
    node->app = app;
    if (out)
        node->out = *out;
    if (wrd_endpoint_new(&node->endpoint, options, &node->env, NULL) != WRD_OK)
        return NULL;
    world->node_count++;
    return node;
}

/* ---- datagrams under way */

static bool before(const struct flight *a, const struct flight *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void depart(struct world *world, const struct flight *flight)
{
    if (world->flight_count == world->flight_cap) {
        world->flight_cap = world->flight_cap ? world->flight_cap * 2 : 256;
        world->flights = realloc(world->flights, world->flight_cap * sizeof *world->flights);
        if (!world->flights)
            abort();
    }
    size_t i = world->flight_count++;
    while (i > 0 && before(flight, &world->flights[(i - 1) / 2])) {
        world->flights[i] = world->flights[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    world->flights[i] = *flight;
}

static struct flight arrive(struct world *world)
{
    struct flight first = world->flights[0], last = world->flights[--world->flight_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= world->flight_count)
            break;
        if (child + 1 < world->flight_count && before(&world->flights[child + 1], &world->flights[child]))
            child++;
        if (before(&last, &world->flights[child]))
            break;
        world->flights[i] = world->flights[child];
        i = child;
    }
    if (world->flight_count > 0)
        world->flights[i] = last;
    return first;
}

static void launch(struct world *world, wrd_time at, const wrd_addr *from, const wrd_addr *to, const uint8_t *bytes,
                   size_t len)
{
    struct flight flight = {.at = at, .order = world->order++, .from = *from, .to = *to, .len = len};
    flight.bytes = malloc(len ? len : 1);
    if (!flight.bytes)
        abort();
    memcpy(flight.bytes, bytes, len);
    depart(world, &flight);
}

void world_inject(struct world *world, struct node *to, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    launch(world, world->now, from, &to->addr, bytes, len);
}

static void witness(struct world *world, const uint8_t *bytes, size_t len)
{
    uint64_t hash = world->digest ^ world->now;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    world->digest = hash;
}

/* One datagram onto the node's line. */
static void put_on_line(struct world *world, struct node *node, const wrd_addr *to, uint8_t *bytes, size_t len)
{
    const struct link_options *line = &node->out;
    witness(world, bytes, len);
    uint64_t index = node->sent++;
    node->bytes_sent += len;
    wrd_time at = world->now;
    if (line->rate_bps > 0) {
        if (node->line_free_at < world->now)
            node->line_free_at = world->now;
        uint64_t queued_bits = (node->line_free_at - world->now) * line->rate_bps / WRD_SECOND;
        if (line->queue_bytes > 0 && queued_bits / 8 + len > line->queue_bytes)
            return;
        node->line_free_at += len * 8 * WRD_SECOND / line->rate_bps;
        at = node->line_free_at;
    }
    if (node->silent || (index < 64 && (line->loss_mask >> index & 1)) || chance(world, line->loss))
        return;
    int copies = chance(world, line->duplicate) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        wrd_time jitter = line->jitter_us ? world_below(world, line->jitter_us) : 0;
        bool corrupt = chance(world, line->corrupt);
        size_t bit = corrupt ? (size_t)world_below(world, len * 8) : 0;
        if (corrupt)
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        launch(world, at + line->delay_us + jitter, &node->addr, to, bytes, len);
        if (corrupt)
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void transmit_all(struct world *world, struct node *node)
{
    uint8_t bytes[WRD_DATAGRAM_MAX];
    wrd_path path;
    size_t len;
    while ((len = wrd_endpoint_transmit(node->endpoint, world->now, &path, bytes, sizeof bytes)) > 0)
        put_on_line(world, node, &path.remote, bytes, len);
}

static void give_turn(struct world *world, struct node *node)
{
    if (node->turn)
        node->turn(world, node);
    transmit_all(world, node);
}

static void deliver(struct world *world, struct flight *flight)
{
    for (unsigned i = 0; i < world->node_count; i++) {
        struct node *node = &world->nodes[i];
        if (!wrd_addr_equal(&node->addr, &flight->to) || node->silent)
            continue;
        node->received++;
        node->bytes_received += flight->len;
        wrd_path path = {.local = flight->to, .remote = flight->from};
        wrd_endpoint_receive(node->endpoint, world->now, &path, flight->bytes, flight->len);
        give_turn(world, node);
    }
    free(flight->bytes);
}

static wrd_time next_moment(const struct world *world)
{
    wrd_time next = world->flight_count > 0 ? world->flights[0].at : WRD_NEVER;
    for (unsigned i = 0; i < world->node_count; i++) {
        wrd_time deadline = wrd_endpoint_deadline(world->nodes[i].endpoint);
        if (deadline < next)
            next = deadline;
    }
    return next;
}

bool world_run(struct world *world, wrd_time until, const bool *done)
{
    for (unsigned i = 0; i < world->node_count; i++)
        give_turn(world, &world->nodes[i]);
    unsigned standstill = 0;
    while (!done || !*done) {
        wrd_time next = next_moment(world);
        standstill = next > world->now ? 0 : standstill + 1;
        if (standstill > STANDSTILL_MAX) {
            fprintf(stderr, "the world stands still at %llu us: a deadline does not move\n",
                    (unsigned long long)world->now);
            abort();
        }
        if (next > until) {
            world->now = until;
            return false;
        }
        if (next > world->now)
            world->now = next;
        while (world->flight_count > 0 && world->flights[0].at <= world->now) {
            struct flight flight = arrive(world);
            deliver(world, &flight);
        }
        for (unsigned i = 0; i < world->node_count; i++) {
            struct node *node = &world->nodes[i];
            if (wrd_endpoint_deadline(node->endpoint) > world->now)
                continue;
            wrd_endpoint_expire(node->endpoint, world->now);
            give_turn(world, node);
        }
    }
    return true;
}

/* ---- ready-made parts */

void world_server_options(wrd_endpoint_options *options, wrd_key *key)
{
    wrd_endpoint_options_init(options);
    if (wrd_key_from_seed(key, 7) != WRD_OK)
        abort();
    options->key = key;
}

wrd_address world_address(const struct node *node)
{
    wrd_key key;
    wrd_address address = {.addr = node->addr};
    if (wrd_key_from_seed(&key, 7) != WRD_OK || wrd_key_fingerprint(&address.fingerprint, &key) != WRD_OK)
        abort();
    return address;
}
