/* SPDX-License-Identifier: MIT */
#include "sctp/rx_join.h"

#include "base/check.h"

#define RING_MIN ((uint32_t)32)

void wrd_sctp_join_init(struct wrd_sctp_join *join, const struct wrd_sctp_join_setup *setup)
{
    *join = (struct wrd_sctp_join){.interleaving = setup->interleaving,
                                   .message_limit = setup->message_limit,
                                   .window = setup->window,
                                   .next = setup->peer_initial};
    wrd_sctp_order_init(&join->order, setup->pool, setup->interleaving, setup->salt);
    wrd_sctp_weave_init(&join->weave, &join->order, setup->message_limit);
}

static void free_ring(struct wrd_sctp_join *join)
{
    wrd_mem_free(join->order.pool->env, join->ring, join->ring_size * sizeof *join->ring);
    join->ring = NULL;
    join->ring_size = 0;
}

void wrd_sctp_join_free(struct wrd_sctp_join *join)
{
    if (join->assembly)
        wrd_sctp_order_drop(&join->order, join->assembly);
    for (uint32_t i = 0; i < join->ring_size; i++) {
        if (join->ring[i])
            wrd_sctp_order_drop_charged(&join->order, join->ring[i]);
    }
    free_ring(join);
    wrd_sctp_weave_free(&join->weave);
    wrd_sctp_order_free(&join->order);
    memset(join, 0, sizeof *join);
}

void wrd_sctp_join_restart(struct wrd_sctp_join *join, const struct wrd_sctp_join_setup *setup)
{
    struct wrd_sctp_block *ready = join->order.ready, *last = join->order.ready_last;
    size_t charged = 0;
    for (const struct wrd_sctp_block *block = ready; block; block = block->next)
        charged += wrd_sctp_block_charge(block);
    WRD_ASSERT(join->order.charged >= charged);
    join->order.ready = join->order.ready_last = NULL;
    join->order.charged -= charged;
    wrd_sctp_join_free(join);
    wrd_sctp_join_init(join, setup);
    join->order.ready = ready;
    join->order.ready_last = last;
    join->order.charged = charged;
}

void wrd_sctp_join_drain(struct wrd_sctp_join *join)
{
    if (join->ring_count == 0)
        free_ring(join);
    wrd_sctp_weave_drain(&join->weave);
    wrd_sctp_order_drain(&join->order);
}

/* ---- DATA in sequence ---- */

static bool same_message(const struct wrd_sctp_block *block, uint16_t stream, uint32_t number, uint8_t flags)
{
    bool unordered = flags & WRD_SCTP_UNORDERED;
    return block->stream == stream && unordered == !!(block->flags & WRD_SCTP_UNORDERED) &&
           (unordered || block->number == number);
}

static enum wrd_sctp_joined extend_assembly(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    struct wrd_sctp_block *block = join->assembly;
    if ((data->flags & WRD_SCTP_BEGIN) || !same_message(block, data->stream, data->ssn.v, data->flags))
        return WRD_SCTP_JOIN_BROKEN;
    if (data->len > join->message_limit - block->len)
        return WRD_SCTP_JOIN_TOO_LARGE;
    if (!wrd_sctp_order_grow(&join->order, &join->assembly, data->len, join->message_limit))
        return WRD_SCTP_JOIN_NO_MEMORY;
    block = join->assembly;
    memcpy(wrd_sctp_block_bytes(block) + block->len, data->bytes, data->len);
    block->len += (uint32_t)data->len;
    return WRD_SCTP_JOINED;
}

static enum wrd_sctp_joined begin_assembly(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    if (data->len > join->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    size_t room = data->flags & WRD_SCTP_END ? data->len : wrd_sctp_order_guess(join->last_assembled, data->len);
    join->assembly = wrd_sctp_order_block(&join->order, data, data->ssn.v, room);
    return join->assembly ? WRD_SCTP_JOINED : WRD_SCTP_JOIN_NO_MEMORY;
}

static enum wrd_sctp_joined take_in_sequence(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    WRD_ASSERT(wrd_tsn_eq(data->tsn, join->next) && data->len > 0);
    bool begins = data->flags & WRD_SCTP_BEGIN;
    bool ends = data->flags & WRD_SCTP_END;
    if (!join->assembly && !begins) {
        if (!join->torn)
            return WRD_SCTP_JOIN_BROKEN;
        join->next = wrd_tsn_add(join->next, 1);
        return WRD_SCTP_JOINED;
    }
    if (ends && !(data->flags & WRD_SCTP_UNORDERED) && !wrd_sctp_order_use(&join->order, data->stream))
        return WRD_SCTP_JOIN_NO_MEMORY;
    enum wrd_sctp_joined result = join->assembly ? extend_assembly(join, data) : begin_assembly(join, data);
    if (result != WRD_SCTP_JOINED)
        return result;
    join->torn = false;
    join->next = wrd_tsn_add(join->next, 1);
    if (!ends)
        return WRD_SCTP_JOINED;
    struct wrd_sctp_block *block = join->assembly;
    join->assembly = NULL;
    if (!begins)
        join->last_assembled = block->len;
    return wrd_sctp_order_put(&join->order, block);
}

/* The next TSN was delivered ahead of its turn, or is not wanted. It was not part of a message that is open here. */
static enum wrd_sctp_joined pass(struct wrd_sctp_join *join)
{
    if (join->assembly)
        return WRD_SCTP_JOIN_BROKEN;
    join->next = wrd_tsn_add(join->next, 1);
    return WRD_SCTP_JOINED;
}

/* ---- DATA ahead ---- */

static struct wrd_sctp_block **slot(const struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    return &join->ring[tsn.v & (join->ring_size - 1)];
}

static struct wrd_sctp_block *kept_at(const struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    if (!join->ring)
        return NULL;
    struct wrd_sctp_block *block = *slot(join, tsn);
    return block && wrd_tsn_eq(block->tsn, tsn) ? block : NULL;
}

static bool widen_ring(struct wrd_sctp_join *join, uint32_t ahead)
{
    uint32_t size = join->ring_size ? join->ring_size : RING_MIN;
    while (size <= ahead)
        size *= 2;
    if (size == join->ring_size)
        return true;
    WRD_ASSERT(size <= WRD_SCTP_TSN_WINDOW);
    struct wrd_sctp_block **ring = wrd_mem_zalloc(join->order.pool->env, size * sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < join->ring_size; i++) {
        if (join->ring[i])
            ring[join->ring[i]->tsn.v & (size - 1)] = join->ring[i];
    }
    free_ring(join);
    join->ring = ring;
    join->ring_size = size;
    return true;
}

static void put_kept(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    WRD_ASSERT(!*slot(join, block->tsn));
    *slot(join, block->tsn) = block;
    join->ring_count++;
    join->order.charged += wrd_sctp_block_charge(block);
}

static void drop_kept(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    *slot(join, block->tsn) = NULL;
    join->ring_count--;
    wrd_sctp_order_drop_charged(&join->order, block);
}

/* A new chunk with the kept ones that join on to it on either side. */
struct run {
    struct wrd_tsn first, last;
    size_t bytes;
    bool begins, ends;
};

/* The two ends of a run point to each other; those in its middle are not asked. */
static struct run find_run(const struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    struct run run = {.first = data->tsn,
                      .last = data->tsn,
                      .bytes = data->len,
                      .begins = data->flags & WRD_SCTP_BEGIN,
                      .ends = data->flags & WRD_SCTP_END};
    const struct wrd_sctp_block *left = kept_at(join, wrd_tsn(data->tsn.v - 1));
    if (left && !run.begins && !(left->flags & WRD_SCTP_END) &&
        same_message(left, data->stream, data->ssn.v, data->flags)) {
        run.first = left->run_end;
        run.bytes += left->run_bytes;
        run.begins = kept_at(join, run.first)->flags & WRD_SCTP_BEGIN;
    }
    const struct wrd_sctp_block *right = kept_at(join, wrd_tsn_add(data->tsn, 1));
    if (right && !run.ends && !(right->flags & WRD_SCTP_BEGIN) &&
        same_message(right, data->stream, data->ssn.v, data->flags)) {
        run.last = right->run_end;
        run.bytes += right->run_bytes;
        run.ends = kept_at(join, run.last)->flags & WRD_SCTP_END;
    }
    return run;
}

static enum wrd_sctp_joined keep_ahead(struct wrd_sctp_join *join, const struct wrd_sctp_data *data,
                                       const struct run *run)
{
    if (!widen_ring(join, (uint32_t)wrd_tsn_diff(data->tsn, join->next)))
        return WRD_SCTP_JOIN_NO_MEMORY;
    struct wrd_sctp_block *block = wrd_sctp_order_block(&join->order, data, data->ssn.v, data->len);
    if (!block)
        return WRD_SCTP_JOIN_NO_MEMORY;
    put_kept(join, block);
    struct wrd_sctp_block *first = kept_at(join, run->first);
    struct wrd_sctp_block *last = kept_at(join, run->last);
    WRD_ASSERT(first && last);
    first->run_end = run->last;
    last->run_end = run->first;
    first->run_bytes = last->run_bytes = (uint32_t)run->bytes;
    return WRD_SCTP_JOINED;
}

/* The chunk completes a message that is all kept. */
static enum wrd_sctp_joined gather_run(struct wrd_sctp_join *join, const struct wrd_sctp_data *data,
                                       const struct run *run)
{
    struct wrd_sctp_data empty = *data;
    empty.len = 0;
    struct wrd_sctp_block *whole = wrd_sctp_order_block(&join->order, &empty, data->ssn.v, run->bytes);
    if (!whole)
        return WRD_SCTP_JOIN_NO_MEMORY;
    for (struct wrd_tsn tsn = run->first; wrd_tsn_le(tsn, run->last); tsn = wrd_tsn_add(tsn, 1)) {
        struct wrd_sctp_block *part = wrd_tsn_eq(tsn, data->tsn) ? NULL : kept_at(join, tsn);
        WRD_ASSERT(part || wrd_tsn_eq(tsn, data->tsn));
        if (wrd_tsn_eq(tsn, run->first))
            whole->ppid = part ? part->ppid : data->ppid;
        size_t len = part ? part->len : data->len;
        memcpy(wrd_sctp_block_bytes(whole) + whole->len, part ? wrd_sctp_block_bytes(part) : data->bytes, len);
        whole->len += (uint32_t)len;
        if (part)
            drop_kept(join, part);
    }
    WRD_ASSERT(whole->len == run->bytes);
    return wrd_sctp_order_put(&join->order, whole);
}

static enum wrd_sctp_joined take_ahead(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    uint32_t ahead = (uint32_t)wrd_tsn_diff(data->tsn, join->next);
    WRD_ASSERT(ahead > 0 && ahead < WRD_SCTP_TSN_WINDOW && data->len > 0);
    struct run run = find_run(join, data);
    if (run.bytes > join->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    if (!(data->flags & WRD_SCTP_UNORDERED) && !wrd_sctp_order_use(&join->order, data->stream))
        return WRD_SCTP_JOIN_NO_MEMORY;
    return run.begins && run.ends ? gather_run(join, data, &run) : keep_ahead(join, data, &run);
}

/* ---- Both kinds ---- */

enum wrd_sctp_joined wrd_sctp_join_take(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    if (join->interleaving)
        return wrd_sctp_weave_take(&join->weave, data);
    return wrd_tsn_eq(data->tsn, join->next) ? take_in_sequence(join, data) : take_ahead(join, data);
}

/* Takes the kept chunk whose turn has come. */
static enum wrd_sctp_joined take_kept(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    struct wrd_sctp_data data = {.tsn = block->tsn,
                                 .stream = block->stream,
                                 .ssn = {(uint16_t)block->number},
                                 .ppid = block->ppid,
                                 .flags = block->flags,
                                 .bytes = wrd_sctp_block_bytes(block),
                                 .len = block->len};
    enum wrd_sctp_joined result = take_in_sequence(join, &data);
    drop_kept(join, block);
    return result == WRD_SCTP_JOIN_NO_MEMORY ? WRD_SCTP_JOIN_STUCK : result;
}

enum wrd_sctp_joined wrd_sctp_join_advance(struct wrd_sctp_join *join, struct wrd_tsn cumulative)
{
    if (join->interleaving) {
        join->next = wrd_tsn_add(cumulative, 1);
        return WRD_SCTP_JOINED;
    }
    while (wrd_tsn_le(join->next, cumulative)) {
        struct wrd_sctp_block *block = kept_at(join, join->next);
        enum wrd_sctp_joined result = block ? take_kept(join, block) : pass(join);
        if (result != WRD_SCTP_JOINED)
            return result;
    }
    return WRD_SCTP_JOINED;
}

/* ---- FORWARD-TSN and stream reset ---- */

void wrd_sctp_join_forward(struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    if (join->interleaving || !wrd_tsn_le(join->next, tsn))
        return;
    if (join->assembly) {
        wrd_sctp_order_drop(&join->order, join->assembly);
        join->assembly = NULL;
    }
    join->torn = true;
    join->next = wrd_tsn_add(tsn, 1);
}

void wrd_sctp_join_give_up(struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    struct wrd_sctp_block *block = join->interleaving ? NULL : kept_at(join, tsn);
    if (block)
        drop_kept(join, block);
}

void wrd_sctp_join_skip(struct wrd_sctp_join *join, uint16_t stream, bool unordered, uint32_t number)
{
    if (join->interleaving)
        wrd_sctp_weave_skip(&join->weave, stream, unordered, number);
    else
        wrd_sctp_order_skip(&join->order, stream, number);
}

/* Within the window, or from a state with nothing kept: so that one request can always be served. */
bool wrd_sctp_join_reserve_resets(struct wrd_sctp_join *join, size_t count)
{
    if (count == SIZE_MAX)
        count = join->order.stream_count;
    size_t charge = wrd_sctp_join_charge(join);
    if (charge > 0 && charge + count * WRD_SCTP_OVERHEAD > join->window)
        return false;
    return wrd_sctp_order_reserve_resets(&join->order, count);
}

bool wrd_sctp_join_reset(struct wrd_sctp_join *join, uint16_t stream)
{
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(&join->order, stream);
    bool open = (in && in->open > 0) || (join->assembly && join->assembly->stream == stream);
    return wrd_sctp_order_reset(&join->order, stream) && !open;
}

bool wrd_sctp_join_reset_all(struct wrd_sctp_join *join)
{
    bool clean = true;
    for (uint32_t i = 0; i < join->order.stream_size; i++) {
        uint16_t stream = join->order.streams[i].id;
        if (stream != UINT16_MAX)
            clean = wrd_sctp_join_reset(join, stream) && clean;
    }
    if (clean)
        wrd_sctp_order_forget_streams(&join->order);
    return clean;
}

void wrd_sctp_join_audit(const struct wrd_sctp_join *join)
{
    size_t kept = wrd_sctp_weave_audit(&join->weave);
    uint32_t count = 0;
    for (uint32_t i = 0; i < join->ring_size; i++) {
        if (join->ring[i]) {
            kept += wrd_sctp_block_charge(join->ring[i]);
            count++;
        }
    }
    WRD_ASSERT(count == join->ring_count);
    wrd_sctp_order_audit(&join->order, kept);
}
