/* SPDX-License-Identifier: MIT */
#include "sctp/rx_join.h"

#include "base/check.h"

#define WHOLE (WRD_SCTP_BEGIN | WRD_SCTP_END)

void wrd_sctp_join_init(struct wrd_sctp_join *join, struct wrd_sctp_pool *pool, size_t message_limit,
                        struct wrd_tsn peer_initial, uint32_t salt)
{
    memset(join, 0, sizeof *join);
    join->pool = pool;
    join->message_limit = message_limit;
    join->next = peer_initial;
    join->waiting_salt = salt | 1;
}

static size_t charge_of(const struct wrd_sctp_block *block)
{
    return block->len + WRD_SCTP_OVERHEAD;
}

static void drop_block(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    wrd_sctp_pool_give(join->pool, block, block->capacity);
}

static void drop_charged(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    WRD_ASSERT(join->charged >= charge_of(block));
    join->charged -= charge_of(block);
    drop_block(join, block);
}

static void drop_list(struct wrd_sctp_join *join, struct wrd_sctp_block *list)
{
    while (list) {
        struct wrd_sctp_block *block = list;
        list = block->next;
        drop_charged(join, block);
    }
}

void wrd_sctp_join_free(struct wrd_sctp_join *join)
{
    const wrd_env *env = join->pool->env;
    if (join->assembly)
        drop_block(join, join->assembly);
    if (join->ring) {
        for (size_t i = 0; i <= join->ring_mask; i++) {
            if (join->ring[i])
                drop_charged(join, join->ring[i]);
        }
        wrd_mem_free(env, join->ring, ((size_t)join->ring_mask + 1) * sizeof *join->ring);
    }
    if (join->waiting) {
        for (size_t i = 0; i < WRD_SCTP_WAITING_BUCKETS; i++)
            drop_list(join, join->waiting[i]);
        wrd_mem_free(env, join->waiting, WRD_SCTP_WAITING_BUCKETS * sizeof *join->waiting);
    }
    drop_list(join, join->ready);
    for (size_t i = 0; i < WRD_SCTP_STREAM_PAGES; i++)
        wrd_mem_free(env, join->pages[i], WRD_SCTP_STREAM_PAGE * sizeof *join->pages[i]);
    WRD_ASSERT(join->charged == 0);
    memset(join, 0, sizeof *join);
}

/* ---- Streams ---- */

static struct wrd_sctp_stream_in *stream_at(struct wrd_sctp_join *join, uint16_t stream)
{
    struct wrd_sctp_stream_in *page = join->pages[stream / WRD_SCTP_STREAM_PAGE];
    return page ? &page[stream % WRD_SCTP_STREAM_PAGE] : NULL;
}

/* Everything that delivering on `stream` may need later, so that acknowledged chunks cannot fail on it. */
static bool prepare_stream(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    struct wrd_sctp_stream_in **page = &join->pages[data->stream / WRD_SCTP_STREAM_PAGE];
    if (!*page && !(data->flags & WRD_SCTP_UNORDERED)) {
        *page = wrd_mem_zalloc(join->pool->env, WRD_SCTP_STREAM_PAGE * sizeof **page);
        if (!*page)
            return false;
    }
    return true;
}

static struct wrd_sctp_block **bucket_of(struct wrd_sctp_join *join, uint16_t stream, struct wrd_ssn ssn)
{
    uint32_t key = (((uint32_t)stream << 16) | ssn.v) * join->waiting_salt;
    key ^= key >> 15;
    key *= 0x9e3779b1u;
    return &join->waiting[(key >> 16) & (WRD_SCTP_WAITING_BUCKETS - 1)];
}

static bool prepare_waiting(struct wrd_sctp_join *join)
{
    if (!join->waiting)
        join->waiting = wrd_mem_zalloc(join->pool->env, WRD_SCTP_WAITING_BUCKETS * sizeof *join->waiting);
    return join->waiting != NULL;
}

static void put_ready(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    block->next = NULL;
    if (join->ready)
        join->ready_last->next = block;
    else
        join->ready = block;
    join->ready_last = block;
}

static struct wrd_sctp_block *take_waiting(struct wrd_sctp_join *join, uint16_t stream, struct wrd_ssn ssn)
{
    struct wrd_sctp_block **at = bucket_of(join, stream, ssn);
    while (*at && !((*at)->stream == stream && wrd_ssn_eq((*at)->ssn, ssn)))
        at = &(*at)->next;
    struct wrd_sctp_block *block = *at;
    if (block)
        *at = block->next;
    return block;
}

/* Delivers the messages that waited for the one just delivered. */
static void follow_up(struct wrd_sctp_join *join, struct wrd_sctp_stream_in *in, uint16_t stream)
{
    while (in->waiting > 0) {
        struct wrd_sctp_block *block = take_waiting(join, stream, in->next);
        if (!block)
            return;
        in->waiting--;
        in->next = wrd_ssn_next(in->next);
        put_ready(join, block);
    }
}

/* Takes a whole, charged message, also when it answers that the peer broke the order of SSNs. */
static enum wrd_sctp_joined deliver(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    if (block->flags & WRD_SCTP_UNORDERED) {
        put_ready(join, block);
        return WRD_SCTP_JOINED;
    }
    struct wrd_sctp_stream_in *in = stream_at(join, block->stream);
    WRD_ASSERT(in);
    if (wrd_ssn_eq(block->ssn, in->next)) {
        in->next = wrd_ssn_next(in->next);
        put_ready(join, block);
        follow_up(join, in, block->stream);
        return WRD_SCTP_JOINED;
    }
    if (wrd_ssn_lt(block->ssn, in->next) || in->waiting == UINT16_MAX) {
        drop_charged(join, block);
        return WRD_SCTP_JOIN_BROKEN;
    }
    if (!prepare_waiting(join)) {
        drop_charged(join, block);
        return WRD_SCTP_JOIN_STUCK;
    }
    struct wrd_sctp_block **bucket = bucket_of(join, block->stream, block->ssn);
    block->next = *bucket;
    *bucket = block;
    in->waiting++;
    return WRD_SCTP_JOINED;
}

/* ---- In sequence ---- */

static struct wrd_sctp_block *new_block(struct wrd_sctp_join *join, const struct wrd_sctp_data *data, size_t room)
{
    size_t capacity;
    struct wrd_sctp_block *block = wrd_sctp_pool_take(join->pool, sizeof *block + room, &capacity);
    if (!block)
        return NULL;
    *block = (struct wrd_sctp_block){.capacity = capacity,
                                     .len = data->len,
                                     .tsn = data->tsn,
                                     .run_end = data->tsn,
                                     .run_bytes = (uint32_t)data->len,
                                     .ppid = data->ppid,
                                     .stream = data->stream,
                                     .ssn = data->ssn,
                                     .flags = data->flags};
    memcpy(wrd_sctp_block_bytes(block), data->bytes, data->len);
    return block;
}

static bool same_message(const struct wrd_sctp_block *block, uint16_t stream, struct wrd_ssn ssn, uint8_t flags)
{
    bool unordered = flags & WRD_SCTP_UNORDERED;
    return block->stream == stream && unordered == !!(block->flags & WRD_SCTP_UNORDERED) &&
           (unordered || wrd_ssn_eq(block->ssn, ssn));
}

static enum wrd_sctp_joined begin_assembly(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    size_t room =
        join->last_assembled < WRD_SCTP_ASSEMBLY_GUESS_MAX ? join->last_assembled : WRD_SCTP_ASSEMBLY_GUESS_MAX;
    if (room < WRD_SCTP_ASSEMBLY_MIN)
        room = WRD_SCTP_ASSEMBLY_MIN;
    room -= sizeof(struct wrd_sctp_block);
    if (room < data->len)
        room = data->len;
    join->assembly = new_block(join, data, room);
    return join->assembly ? WRD_SCTP_JOINED : WRD_SCTP_JOIN_NO_MEMORY;
}

/* Doubles the buffer, up to the limit: it grows with what arrived, and nobody announces sizes. */
static bool make_room(struct wrd_sctp_join *join, size_t more)
{
    struct wrd_sctp_block *block = join->assembly;
    size_t needed = sizeof *block + block->len + more;
    if (needed <= block->capacity)
        return true;
    size_t most = sizeof *block + join->message_limit;
    size_t wanted = block->capacity < most / 2 ? block->capacity * 2 : most;
    if (wanted < needed)
        wanted = needed;
    size_t capacity = block->capacity;
    block = wrd_sctp_pool_grow(join->pool, block, sizeof *block + block->len, wanted, &capacity);
    if (!block)
        return false;
    block->capacity = capacity;
    join->assembly = block;
    return true;
}

static enum wrd_sctp_joined extend_assembly(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    struct wrd_sctp_block *block = join->assembly;
    if ((data->flags & WRD_SCTP_BEGIN) || !same_message(block, data->stream, data->ssn, data->flags))
        return WRD_SCTP_JOIN_BROKEN;
    if (data->len > join->message_limit - block->len)
        return WRD_SCTP_JOIN_TOO_LARGE;
    if (!make_room(join, data->len))
        return WRD_SCTP_JOIN_NO_MEMORY;
    block = join->assembly;
    memcpy(wrd_sctp_block_bytes(block) + block->len, data->bytes, data->len);
    block->len += data->len;
    return WRD_SCTP_JOINED;
}

enum wrd_sctp_joined wrd_sctp_join_in_sequence(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    WRD_ASSERT(wrd_tsn_eq(data->tsn, join->next) && data->len > 0);
    bool begins = data->flags & WRD_SCTP_BEGIN;
    bool ends = data->flags & WRD_SCTP_END;
    if (!prepare_stream(join, data))
        return WRD_SCTP_JOIN_NO_MEMORY;
    if (!join->assembly && !begins) {
        if (!join->torn)
            return WRD_SCTP_JOIN_BROKEN;
        join->next = wrd_tsn_add(join->next, 1);
        return WRD_SCTP_JOINED;
    }
    enum wrd_sctp_joined result;
    if (join->assembly)
        result = extend_assembly(join, data);
    else if (data->len > join->message_limit)
        result = WRD_SCTP_JOIN_TOO_LARGE;
    else if (ends)
        result = (join->assembly = new_block(join, data, data->len)) ? WRD_SCTP_JOINED : WRD_SCTP_JOIN_NO_MEMORY;
    else
        result = begin_assembly(join, data);
    if (result != WRD_SCTP_JOINED)
        return result;
    join->torn = false;
    join->next = wrd_tsn_add(join->next, 1);
    if (!ends)
        return WRD_SCTP_JOINED;
    struct wrd_sctp_block *block = join->assembly;
    join->assembly = NULL;
    if (!begins)
        join->last_assembled = block->len + sizeof *block;
    join->charged += charge_of(block);
    return deliver(join, block);
}

/* The next TSN was delivered ahead of its turn, or is not wanted. It was not part of a message that is open here. */
static enum wrd_sctp_joined pass(struct wrd_sctp_join *join)
{
    if (join->assembly)
        return WRD_SCTP_JOIN_BROKEN;
    join->next = wrd_tsn_add(join->next, 1);
    return WRD_SCTP_JOINED;
}

/* ---- Ahead ---- */

static struct wrd_sctp_block **slot(const struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    return &join->ring[tsn.v & join->ring_mask];
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
    uint32_t old_count = join->ring ? join->ring_mask + 1 : 0;
    uint32_t count = old_count ? old_count : WRD_SCTP_TSN_WINDOW_MIN;
    while (count <= ahead)
        count *= 2;
    if (count == old_count)
        return true;
    WRD_ASSERT(count <= WRD_SCTP_TSN_WINDOW);
    struct wrd_sctp_block **ring = wrd_mem_zalloc(join->pool->env, count * sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < old_count; i++) {
        if (join->ring[i])
            ring[join->ring[i]->tsn.v & (count - 1)] = join->ring[i];
    }
    wrd_mem_free(join->pool->env, join->ring, old_count * sizeof *ring);
    join->ring = ring;
    join->ring_mask = count - 1;
    return true;
}

static void set_run(struct wrd_sctp_block *first, struct wrd_sctp_block *last, uint32_t bytes)
{
    first->run_end = last->tsn;
    last->run_end = first->tsn;
    first->run_bytes = bytes;
    last->run_bytes = bytes;
}

/* Joins the runs on either side of a new chunk to one; returns its first chunk. */
static struct wrd_sctp_block *link_run(struct wrd_sctp_join *join, struct wrd_sctp_block *block)
{
    struct wrd_sctp_block *first = block;
    struct wrd_sctp_block *last = block;
    uint32_t bytes = block->run_bytes;
    struct wrd_sctp_block *left = kept_at(join, wrd_tsn(block->tsn.v - 1));
    if (left && !(left->flags & WRD_SCTP_END) && !(block->flags & WRD_SCTP_BEGIN) &&
        same_message(left, block->stream, block->ssn, block->flags)) {
        bytes += left->run_bytes;
        first = kept_at(join, left->run_end);
    }
    struct wrd_sctp_block *right = kept_at(join, wrd_tsn_add(block->tsn, 1));
    if (right && !(right->flags & WRD_SCTP_BEGIN) && !(block->flags & WRD_SCTP_END) &&
        same_message(right, block->stream, block->ssn, block->flags)) {
        bytes += right->run_bytes;
        last = kept_at(join, right->run_end);
    }
    WRD_ASSERT(first && last);
    set_run(first, last, bytes);
    return first;
}

/* Copies a complete run to one block. Without memory it stays as it is, and is joined once it is in sequence. */
static struct wrd_sctp_block *gather_run(struct wrd_sctp_join *join, struct wrd_sctp_block *first)
{
    size_t total = first->run_bytes;
    struct wrd_tsn end = first->run_end;
    size_t capacity;
    struct wrd_sctp_block *whole = wrd_sctp_pool_take(join->pool, sizeof *whole + total, &capacity);
    if (!whole)
        return NULL;
    *whole = *first;
    whole->capacity = capacity;
    whole->len = 0;
    struct wrd_tsn tsn = first->tsn;
    for (;;) {
        struct wrd_sctp_block *part = kept_at(join, tsn);
        WRD_ASSERT(part && part->len <= total - whole->len);
        memcpy(wrd_sctp_block_bytes(whole) + whole->len, wrd_sctp_block_bytes(part), part->len);
        whole->len += part->len;
        *slot(join, tsn) = NULL;
        drop_charged(join, part);
        if (wrd_tsn_eq(tsn, end))
            break;
        tsn = wrd_tsn_add(tsn, 1);
    }
    WRD_ASSERT(whole->len == total);
    join->charged += charge_of(whole);
    return whole;
}

enum wrd_sctp_joined wrd_sctp_join_ahead(struct wrd_sctp_join *join, const struct wrd_sctp_data *data)
{
    uint32_t ahead = (uint32_t)wrd_tsn_diff(data->tsn, join->next);
    WRD_ASSERT(ahead > 0 && ahead < WRD_SCTP_TSN_WINDOW && data->len > 0);
    if (data->len > join->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    if (!prepare_stream(join, data) || !prepare_waiting(join) || !widen_ring(join, ahead))
        return WRD_SCTP_JOIN_NO_MEMORY;
    struct wrd_sctp_block *block = new_block(join, data, data->len);
    if (!block)
        return WRD_SCTP_JOIN_NO_MEMORY;
    join->charged += charge_of(block);
    if ((block->flags & WHOLE) == WHOLE)
        return deliver(join, block);
    WRD_ASSERT(!*slot(join, data->tsn));
    *slot(join, data->tsn) = block;
    struct wrd_sctp_block *first = link_run(join, block);
    struct wrd_sctp_block *last = kept_at(join, first->run_end);
    if (!(first->flags & WRD_SCTP_BEGIN) || !(last->flags & WRD_SCTP_END))
        return WRD_SCTP_JOINED;
    if (first->run_bytes > join->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    struct wrd_sctp_block *whole = gather_run(join, first);
    return whole ? deliver(join, whole) : WRD_SCTP_JOINED;
}

enum wrd_sctp_joined wrd_sctp_join_advance(struct wrd_sctp_join *join, struct wrd_tsn cumulative)
{
    while (wrd_tsn_le(join->next, cumulative)) {
        struct wrd_sctp_block *block = kept_at(join, join->next);
        enum wrd_sctp_joined result;
        if (block) {
            struct wrd_sctp_data data = {.tsn = block->tsn,
                                         .stream = block->stream,
                                         .ssn = block->ssn,
                                         .ppid = block->ppid,
                                         .flags = block->flags,
                                         .bytes = wrd_sctp_block_bytes(block),
                                         .len = block->len};
            *slot(join, block->tsn) = NULL;
            result = wrd_sctp_join_in_sequence(join, &data);
            drop_charged(join, block);
        } else {
            result = pass(join);
        }
        if (result == WRD_SCTP_JOIN_NO_MEMORY)
            return WRD_SCTP_JOIN_STUCK;
        if (result != WRD_SCTP_JOINED)
            return result;
    }
    return WRD_SCTP_JOINED;
}

/* ---- FORWARD-TSN and stream reset ---- */

void wrd_sctp_join_forward(struct wrd_sctp_join *join, struct wrd_tsn tsn)
{
    if (!wrd_tsn_le(join->next, tsn))
        return;
    if (join->assembly) {
        drop_block(join, join->assembly);
        join->assembly = NULL;
    }
    join->torn = true;
    while (wrd_tsn_le(join->next, tsn)) {
        struct wrd_sctp_block *block = kept_at(join, join->next);
        if (block) {
            *slot(join, join->next) = NULL;
            drop_charged(join, block);
        }
        join->next = wrd_tsn_add(join->next, 1);
    }
}

void wrd_sctp_join_skip(struct wrd_sctp_join *join, uint16_t stream, struct wrd_ssn ssn, uint32_t *budget)
{
    struct wrd_sctp_stream_in *in = stream_at(join, stream);
    if (!in) {
        struct wrd_sctp_data none = {.stream = stream};
        if (!prepare_stream(join, &none))
            return;
        in = stream_at(join, stream);
    }
    if (wrd_ssn_lt(ssn, in->next))
        return;
    struct wrd_ssn stop = wrd_ssn_next(ssn);
    /* Whole messages among the skipped ones were acknowledged, and are delivered (RFC 3758 3.6). */
    while (in->waiting > 0 && !wrd_ssn_eq(in->next, stop)) {
        if (*budget == 0)
            return;
        --*budget;
        struct wrd_sctp_block *block = take_waiting(join, stream, in->next);
        in->next = wrd_ssn_next(in->next);
        if (block) {
            in->waiting--;
            put_ready(join, block);
        }
    }
    in->next = stop;
    follow_up(join, in, stream);
}

bool wrd_sctp_join_reset(struct wrd_sctp_join *join, uint16_t stream)
{
    struct wrd_sctp_stream_in *in = stream_at(join, stream);
    if (!in)
        return true;
    in->next = (struct wrd_ssn){0};
    return in->waiting == 0;
}

bool wrd_sctp_join_reset_all(struct wrd_sctp_join *join)
{
    bool clean = true;
    for (size_t i = 0; i < WRD_SCTP_STREAM_PAGES; i++) {
        for (size_t j = 0; join->pages[i] && j < WRD_SCTP_STREAM_PAGE; j++) {
            join->pages[i][j].next = (struct wrd_ssn){0};
            clean = clean && join->pages[i][j].waiting == 0;
        }
    }
    return clean;
}

void wrd_sctp_join_release(struct wrd_sctp_join *join)
{
    struct wrd_sctp_block *block = join->ready;
    WRD_ASSERT(block);
    join->ready = block->next;
    if (!join->ready)
        join->ready_last = NULL;
    drop_charged(join, block);
}
