/* SPDX-License-Identifier: MIT */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps without progress of the clock that only a bug can take. */
#define STANDSTILL_MAX 1000000u

/* ---- what nodes take from outside */

uint64_t world_random(struct world *world)
{
    return link_random(&world->random);
}

uint64_t world_below(struct world *world, uint64_t below)
{
    return world_random(world) % below;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)world_random(user);
}

static uint64_t unix_time(void *user)
{
    return WORLD_UNIX_TIME + ((struct world *)user)->now / WRD_SECOND;
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
    transit_free(&world->transit);
    free(world->scratch);
    world->scratch = NULL;
    world->scratch_cap = 0;
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

static struct node *place(struct world *world, const struct link_options *out, void *app)
{
    if (world->node_count == WORLD_NODES_MAX)
        abort();
    struct node *node = &world->nodes[world->node_count];
    memset(node, 0, sizeof *node);
    node->addr = (wrd_addr){.family = 4, .ip = {10, 0, 0, (uint8_t)(world->node_count + 1)}, .port = 3478};
    node->env = (wrd_env){.user = world, .memory = count_memory, .random = fill_random, .unix_time = unix_time};
    node->app = app;
    if (out)
        node->out = *out;
    return node;
}

struct node *world_add(struct world *world, const wrd_endpoint_options *options, const struct link_options *out,
                       node_turn turn, void *app)
{
    struct node *node = place(world, out, app);
    node->turn = turn;
    if (wrd_endpoint_new(&node->endpoint, options, &node->env, NULL) != WRD_OK)
        return NULL;
    world->node_count++;
    return node;
}

struct node *world_add_script(struct world *world, const struct link_options *out, node_hear hear, void *app)
{
    struct node *node = place(world, out, app);
    node->hear = hear;
    world->node_count++;
    return node;
}

/* ---- datagrams */

void world_inject(struct world *world, struct node *to, const wrd_addr *from, const uint8_t *bytes, size_t len)
{
    transit_put(&world->transit, world->now, from, &to->addr, bytes, len);
}

static void witness(struct world *world, const uint8_t *bytes, size_t len)
{
    uint64_t hash = world->digest ^ world->now;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    world->digest = hash;
}

void world_speak(struct world *world, struct node *node, const wrd_addr *to, const uint8_t *bytes, size_t len)
{
    witness(world, bytes, len);
    node->bytes_sent += len;
    if (node->silent) {
        node->line.sent++;
        return;
    }
    link_send(&node->out, &node->line, &world->transit, &world->random, world->now, &node->addr, to, bytes, len);
}

void world_rebind(struct world *world, struct node *node, wrd_time delay, const wrd_addr *addr)
{
    node->moves_at = world->now + delay;
    node->moves_to = *addr;
}

static void move(struct world *world)
{
    for (unsigned i = 0; i < world->node_count; i++) {
        struct node *node = &world->nodes[i];
        if (node->moves_at == 0 || node->moves_at > world->now)
            continue;
        node->addr = node->moves_to;
        node->moves_at = 0;
    }
}

static void transmit_all(struct world *world, struct node *node)
{
    uint8_t bytes[WRD_DATAGRAM_MAX];
    wrd_path path;
    size_t len;
    while ((len = wrd_endpoint_transmit(node->endpoint, world->now, &path, bytes, sizeof bytes)) > 0) {
        if (len > node->longest)
            node->longest = len;
        world_speak(world, node, &path.remote, bytes, len);
    }
}

static void give_turn(struct world *world, struct node *node)
{
    if (!node->endpoint)
        return;
    if (node->turn)
        node->turn(world, node);
    transmit_all(world, node);
    if (world->watch)
        world->watch(world, node);
}

static void deliver(struct world *world, const struct parcel *parcel)
{
    for (unsigned i = 0; i < world->node_count; i++) {
        struct node *node = &world->nodes[i];
        if (!wrd_addr_equal(&node->addr, &parcel->to) || node->silent ||
            (node->shares > 0 && parcel->from.port % node->shares != node->share))
            continue;
        node->received++;
        node->bytes_received += parcel->len;
        if (!node->endpoint) {
            node->hear(world, node, &parcel->from, parcel->bytes, parcel->len);
            continue;
        }
        wrd_path path = {.local = parcel->to, .remote = parcel->from};
        wrd_endpoint_receive(node->endpoint, world->now, &path, parcel->bytes, parcel->len);
        give_turn(world, node);
    }
}

static wrd_time next_moment(const struct world *world)
{
    wrd_time next = transit_next(&world->transit);
    for (unsigned i = 0; i < world->node_count; i++) {
        const struct node *node = &world->nodes[i];
        wrd_time deadline = node->endpoint ? wrd_endpoint_deadline(node->endpoint) : WRD_NEVER;
        if (deadline < next)
            next = deadline;
        if (node->moves_at != 0 && node->moves_at < next)
            next = node->moves_at;
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
        move(world);
        while (transit_next(&world->transit) <= world->now) {
            struct parcel *parcel = transit_take(&world->transit);
            deliver(world, parcel);
            free(parcel);
        }
        for (unsigned i = 0; i < world->node_count; i++) {
            struct node *node = &world->nodes[i];
            if (!node->endpoint || wrd_endpoint_deadline(node->endpoint) > world->now)
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
