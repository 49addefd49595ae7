/* SPDX-License-Identifier: MIT */
#include "net/link.h"

#include <stdlib.h>
#include <string.h>

uint64_t link_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

bool link_chance(uint64_t *seed, double probability)
{
    return probability > 0 && (double)(link_random(seed) >> 11) < probability * 9007199254740992.0;
}

/* ---- under way */

static bool before(const struct parcel *a, const struct parcel *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

struct parcel *transit_put(struct transit *transit, wrd_time at, const wrd_addr *from, const wrd_addr *to,
                           const uint8_t *bytes, size_t len)
{
    struct parcel *parcel = malloc(sizeof *parcel + len);
    if (transit->count == transit->cap) {
        transit->cap = transit->cap ? transit->cap * 2 : 256;
        transit->heap = realloc(transit->heap, transit->cap * sizeof *transit->heap);
    }
    if (!parcel || !transit->heap)
        abort();
    *parcel = (struct parcel){.at = at, .order = transit->order++, .from = *from, .to = *to, .len = len};
    if (len > 0)
        memcpy(parcel->bytes, bytes, len);
    size_t i = transit->count++;
    while (i > 0 && before(parcel, transit->heap[(i - 1) / 2])) {
        transit->heap[i] = transit->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    transit->heap[i] = parcel;
    return parcel;
}

wrd_time transit_next(const struct transit *transit)
{
    return transit->count > 0 ? transit->heap[0]->at : WRD_NEVER;
}

struct parcel *transit_take(struct transit *transit)
{
    struct parcel *first = transit->heap[0], *last = transit->heap[--transit->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= transit->count)
            break;
        if (child + 1 < transit->count && before(transit->heap[child + 1], transit->heap[child]))
            child++;
        if (before(last, transit->heap[child]))
            break;
        transit->heap[i] = transit->heap[child];
        i = child;
    }
    if (transit->count > 0)
        transit->heap[i] = last;
    return first;
}

void transit_free(struct transit *transit)
{
    for (size_t i = 0; i < transit->count; i++)
        free(transit->heap[i]);
    free(transit->heap);
    *transit = (struct transit){0};
}

/* ---- the link */

/* When the datagram has left the line; WRD_NEVER: the queue is full. */
static wrd_time pass_queue(const struct link_options *options, struct link_state *state, wrd_time now, size_t len)
{
    uint64_t now_ns = now * 1000;
    size_t on_line = len + options->overhead;
    if (options->rate_bps > 0) {
        if (state->free_at_ns < now_ns)
            state->free_at_ns = now_ns;
        double queued = (double)(state->free_at_ns - now_ns) * (double)options->rate_bps / 8e9;
        if (options->queue_bytes > 0 && queued + (double)on_line > (double)options->queue_bytes)
            return WRD_NEVER;
        state->free_at_ns += on_line * 8 * 1000000000u / options->rate_bps;
        now_ns = state->free_at_ns;
    }
    state->bytes += on_line;
    return (now_ns + 999) / 1000;
}

static bool is_lost(const struct link_options *options, struct link_state *state, uint64_t *seed, wrd_time now,
                    uint64_t index)
{
    if (index < 64 && (options->loss_mask >> index & 1))
        return true;
    if (state->in_burst && options->burst_us > 0 && now - state->burst_began >= options->burst_us)
        state->in_burst = false;
    if (link_chance(seed, state->in_burst ? options->burst_leave : options->burst_enter)) {
        state->in_burst = !state->in_burst;
        state->burst_began = now;
    }
    if (state->in_burst && link_chance(seed, options->burst_loss))
        return true;
    return link_chance(seed, options->loss);
}

void link_send(const struct link_options *options, struct link_state *state, struct transit *transit, uint64_t *seed,
               wrd_time now, const wrd_addr *from, const wrd_addr *to, const uint8_t *bytes, size_t len)
{
    uint64_t index = state->sent++;
    wrd_time at = pass_queue(options, state, now, len);
    if (at == WRD_NEVER) {
        state->overflowed++;
        return;
    }
    if (is_lost(options, state, seed, now, index)) {
        state->lost++;
        return;
    }
    for (int copies = link_chance(seed, options->duplicate) ? 2 : 1; copies > 0; copies--) {
        wrd_time late = options->jitter_us ? link_random(seed) % options->jitter_us : 0;
        if (link_chance(seed, options->reorder))
            late += options->reorder_us;
        struct parcel *parcel = transit_put(transit, at + options->delay_us + late, from, to, bytes, len);
        if (len > 0 && link_chance(seed, options->corrupt)) {
            size_t bit = (size_t)(link_random(seed) % (len * 8));
            parcel->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}
