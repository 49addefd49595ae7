/* SPDX-License-Identifier: MIT */
#include "sctp/rx_order.h"

#include "base/check.h"
#include "sctp/rx_table.h"

#define NO_STREAM   UINT16_MAX
#define STREAMS_MIN ((uint32_t)8)

void wrd_sctp_order_init(struct wrd_sctp_order *order, struct wrd_sctp_pool *pool, bool long_numbers, uint64_t salt)
{
    memset(order, 0, sizeof *order);
    order->pool = pool;
    order->last_number = long_numbers ? UINT32_MAX : UINT16_MAX;
    order->salt = salt | 1;
    order->waiting.salt = salt;
}

void wrd_sctp_order_drop(struct wrd_sctp_order *order, struct wrd_sctp_block *block)
{
    wrd_sctp_pool_give(order->pool, block, block->capacity);
}

void wrd_sctp_order_drop_charged(struct wrd_sctp_order *order, struct wrd_sctp_block *block)
{
    WRD_ASSERT(order->charged >= wrd_sctp_block_charge(block));
    order->charged -= wrd_sctp_block_charge(block);
    wrd_sctp_order_drop(order, block);
}

static void drop_list(struct wrd_sctp_order *order, struct wrd_sctp_block *list)
{
    while (list) {
        struct wrd_sctp_block *block = list;
        list = block->next;
        wrd_sctp_order_drop_charged(order, block);
    }
}

static struct wrd_sctp_block *block_at(struct wrd_sctp_place *place)
{
    return (struct wrd_sctp_block *)((char *)place - offsetof(struct wrd_sctp_block, waiting));
}

static void drop_waiting(struct wrd_sctp_order *order)
{
    while (order->waiting.root) {
        struct wrd_sctp_place *place = order->waiting.root;
        wrd_sctp_sorted_remove(&order->waiting, place);
        wrd_sctp_order_drop_charged(order, block_at(place));
    }
}

static void drop_spare(struct wrd_sctp_order *order)
{
    while (order->spare) {
        struct wrd_sctp_block *block = order->spare;
        order->spare = block->next;
        wrd_sctp_order_drop(order, block);
    }
    order->spare_count = 0;
}

void wrd_sctp_order_free(struct wrd_sctp_order *order)
{
    const wrd_env *env = order->pool->env;
    drop_waiting(order);
    drop_list(order, order->ready);
    drop_spare(order);
    wrd_mem_free(env, order->streams, order->stream_size * sizeof *order->streams);
    WRD_ASSERT(order->charged == 0);
    memset(order, 0, sizeof *order);
}

void wrd_sctp_order_drain(struct wrd_sctp_order *order)
{
    drop_spare(order);
}

struct wrd_sctp_block *wrd_sctp_order_block(struct wrd_sctp_order *order, const struct wrd_sctp_data *data,
                                            uint32_t number, size_t room)
{
    size_t capacity;
    struct wrd_sctp_block *block = wrd_sctp_pool_take(order->pool, sizeof *block + room, &capacity);
    if (!block)
        return NULL;
    *block = (struct wrd_sctp_block){.capacity = (uint32_t)capacity,
                                     .len = (uint32_t)data->len,
                                     .tsn = data->tsn,
                                     .run_end = data->tsn,
                                     .run_bytes = (uint32_t)data->len,
                                     .ppid = data->ppid,
                                     .number = number,
                                     .stream = data->stream,
                                     .flags = data->flags & (WRD_SCTP_BEGIN | WRD_SCTP_END | WRD_SCTP_UNORDERED)};
    memcpy(wrd_sctp_block_bytes(block), data->bytes, data->len);
    return block;
}

size_t wrd_sctp_order_guess(size_t last, size_t needed)
{
    size_t header = sizeof(struct wrd_sctp_block);
    size_t room = last + header < WRD_SCTP_ASSEMBLY_GUESS_MAX ? last + header : WRD_SCTP_ASSEMBLY_GUESS_MAX;
    if (room < WRD_SCTP_ASSEMBLY_MIN)
        room = WRD_SCTP_ASSEMBLY_MIN;
    room -= header;
    return room > needed ? room : needed;
}

/* It grows with what arrived: nobody announces sizes. */
bool wrd_sctp_order_grow(struct wrd_sctp_order *order, struct wrd_sctp_block **block, size_t more, size_t limit)
{
    struct wrd_sctp_block *old = *block;
    size_t needed = sizeof *old + old->len + more;
    if (needed <= old->capacity)
        return true;
    size_t most = sizeof *old + limit;
    size_t wanted = old->capacity < most / 2 ? (size_t)old->capacity * 2 : most;
    if (wanted < needed)
        wanted = needed;
    size_t capacity = old->capacity;
    struct wrd_sctp_block *larger = wrd_sctp_pool_grow(order->pool, old, sizeof *old + old->len, wanted, &capacity);
    if (!larger)
        return false;
    larger->capacity = (uint32_t)capacity;
    *block = larger;
    return true;
}

/* ---- Streams: a table with open places ---- */

/* Where `stream` is, or the free place where it would be. */
static uint32_t place_of(const struct wrd_sctp_stream_in *streams, uint32_t size, uint64_t salt, uint16_t stream)
{
    uint32_t at = (uint32_t)(((uint64_t)wrd_sctp_hash(stream, salt) * size) >> 32);
    while (streams[at].id != stream && streams[at].id != NO_STREAM)
        at = (at + 1) & (size - 1);
    return at;
}

struct wrd_sctp_stream_in *wrd_sctp_order_find(struct wrd_sctp_order *order, uint16_t stream)
{
    if (!order->streams)
        return NULL;
    if (order->streams[order->recent].id != stream)
        order->recent = place_of(order->streams, order->stream_size, order->salt, stream);
    struct wrd_sctp_stream_in *in = &order->streams[order->recent];
    return in->id == stream ? in : NULL;
}

static bool widen_streams(struct wrd_sctp_order *order)
{
    uint32_t size = order->stream_size ? order->stream_size * 2 : STREAMS_MIN;
    struct wrd_sctp_stream_in *streams = wrd_mem_alloc(order->pool->env, size * sizeof *streams);
    if (!streams)
        return false;
    for (uint32_t i = 0; i < size; i++)
        streams[i] = (struct wrd_sctp_stream_in){.id = NO_STREAM};
    for (uint32_t i = 0; i < order->stream_size; i++) {
        struct wrd_sctp_stream_in *in = &order->streams[i];
        if (in->id != NO_STREAM)
            streams[place_of(streams, size, order->salt, in->id)] = *in;
    }
    wrd_mem_free(order->pool->env, order->streams, order->stream_size * sizeof *streams);
    order->streams = streams;
    order->stream_size = size;
    order->recent = 0;
    return true;
}

struct wrd_sctp_stream_in *wrd_sctp_order_use(struct wrd_sctp_order *order, uint16_t stream)
{
    WRD_ASSERT(stream != NO_STREAM);
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(order, stream);
    if (in)
        return in;
    if (order->stream_count >= order->stream_size / 4 * 3 && !widen_streams(order))
        return NULL;
    in = &order->streams[place_of(order->streams, order->stream_size, order->salt, stream)];
    in->id = stream;
    order->stream_count++;
    return in;
}

/* ---- Order ---- */

static void put_ready(struct wrd_sctp_order *order, struct wrd_sctp_block *block)
{
    block->next = NULL;
    if (order->ready)
        order->ready_last->next = block;
    else
        order->ready = block;
    order->ready_last = block;
}

/* How far `number` is from the one to deliver next. */
static uint32_t distance(const struct wrd_sctp_order *order, const struct wrd_sctp_stream_in *in, uint32_t number)
{
    return (number - in->next) & order->last_number;
}

/* Delivers the message that waits nearest to its turn, if that is less than `span` away. False: there is none. */
static bool deliver_within(struct wrd_sctp_order *order, struct wrd_sctp_stream_in *in, uint32_t span)
{
    if (in->waiting == 0)
        return false;
    struct wrd_sctp_place *place = wrd_sctp_sorted_round(&order->waiting, in->id, in->next);
    WRD_ASSERT(place);
    struct wrd_sctp_block *block = block_at(place);
    if (distance(order, in, block->number) >= span)
        return false;
    wrd_sctp_sorted_remove(&order->waiting, place);
    in->waiting--;
    in->next = (block->number + 1) & order->last_number;
    put_ready(order, block);
    return true;
}

/* Delivers the messages that waited for the one just delivered or skipped. */
static void follow_up(struct wrd_sctp_order *order, struct wrd_sctp_stream_in *in)
{
    while (deliver_within(order, in, 1))
        continue;
}

static bool is_waiting(const struct wrd_sctp_order *order, uint16_t stream, uint32_t number)
{
    uint64_t key = wrd_sctp_sorted_key(stream, number);
    const struct wrd_sctp_place *place = wrd_sctp_sorted_from(&order->waiting, key);
    return place && place->key == key;
}

enum wrd_sctp_joined wrd_sctp_order_put(struct wrd_sctp_order *order, struct wrd_sctp_block *block)
{
    order->charged += wrd_sctp_block_charge(block);
    if (block->flags & WRD_SCTP_UNORDERED) {
        put_ready(order, block);
        return WRD_SCTP_JOINED;
    }
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(order, block->stream);
    WRD_ASSERT(in);
    if (block->number == in->next) {
        in->next = (in->next + 1) & order->last_number;
        put_ready(order, block);
        if (in->waiting > 0)
            follow_up(order, in);
        return WRD_SCTP_JOINED;
    }
    if (wrd_sctp_order_is_past(order, in->next, block->number) || in->waiting == UINT16_MAX ||
        is_waiting(order, block->stream, block->number)) {
        wrd_sctp_order_drop_charged(order, block);
        return WRD_SCTP_JOIN_BROKEN;
    }
    block->waiting.key = wrd_sctp_sorted_key(block->stream, block->number);
    wrd_sctp_sorted_add(&order->waiting, &block->waiting);
    in->waiting++;
    return WRD_SCTP_JOINED;
}

void wrd_sctp_order_skip(struct wrd_sctp_order *order, uint16_t stream, uint32_t number)
{
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(order, stream);
    WRD_ASSERT(in);
    if (wrd_sctp_order_is_past(order, in->next, number))
        return;
    uint32_t stop = (number + 1) & order->last_number;
    /* Whole messages among the skipped ones were acknowledged, and are delivered (RFC 3758 3.6). */
    while (deliver_within(order, in, distance(order, in, stop)))
        continue;
    in->next = stop;
    follow_up(order, in);
}

/* ---- Resets, and the reader ---- */

bool wrd_sctp_order_reserve_resets(struct wrd_sctp_order *order, size_t count)
{
    while (order->spare_count < count) {
        size_t capacity;
        struct wrd_sctp_block *block = wrd_sctp_pool_take(order->pool, sizeof *block, &capacity);
        if (!block)
            return false;
        *block = (struct wrd_sctp_block){.next = order->spare, .capacity = (uint32_t)capacity};
        order->spare = block;
        order->spare_count++;
    }
    return true;
}

bool wrd_sctp_order_reset(struct wrd_sctp_order *order, uint16_t stream)
{
    struct wrd_sctp_block *block = order->spare;
    WRD_ASSERT(block);
    order->spare = block->next;
    order->spare_count--;
    block->stream = stream;
    block->flags = WRD_SCTP_STREAM_ENDS;
    order->charged += wrd_sctp_block_charge(block);
    put_ready(order, block);
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(order, stream);
    if (!in)
        return true;
    in->next = 0;
    in->unordered_floor = 0;
    return in->waiting == 0;
}

void wrd_sctp_order_forget_streams(struct wrd_sctp_order *order)
{
    WRD_ASSERT(order->waiting.count == 0);
    wrd_mem_free(order->pool->env, order->streams, order->stream_size * sizeof *order->streams);
    order->streams = NULL;
    order->stream_size = order->stream_count = order->recent = 0;
}

void wrd_sctp_order_release(struct wrd_sctp_order *order)
{
    struct wrd_sctp_block *block = order->ready;
    WRD_ASSERT(block);
    order->ready = block->next;
    if (!order->ready)
        order->ready_last = NULL;
    wrd_sctp_order_drop_charged(order, block);
}

void wrd_sctp_order_audit(const struct wrd_sctp_order *order, size_t elsewhere)
{
    size_t charged = elsewhere, streams = 0, counted = 0, spare = 0;
    const struct wrd_sctp_block *last = NULL;
    for (const struct wrd_sctp_block *block = order->ready; block; block = block->next) {
        charged += wrd_sctp_block_charge(block);
        last = block;
    }
    WRD_ASSERT(last == order->ready_last);
    size_t waiting = wrd_sctp_sorted_audit(&order->waiting);
    struct wrd_sctp_place *place = wrd_sctp_sorted_from(&order->waiting, 0);
    for (; place; place = wrd_sctp_sorted_from(&order->waiting, place->key + 1))
        charged += wrd_sctp_block_charge(block_at(place));
    for (uint32_t i = 0; i < order->stream_size; i++) {
        if (order->streams[i].id != NO_STREAM) {
            streams++;
            counted += order->streams[i].waiting;
        }
    }
    for (const struct wrd_sctp_block *block = order->spare; block; block = block->next)
        spare++;
    WRD_ASSERT(charged == order->charged && waiting == order->waiting.count && counted == waiting &&
               streams == order->stream_count && spare == order->spare_count);
}
