/* SPDX-License-Identifier: MIT */
#include "sctp/rx_weave.h"

#include "base/check.h"

#define WHOLE         (WRD_SCTP_BEGIN | WRD_SCTP_END)
#define OPEN_OVERHEAD (2 * WRD_SCTP_OVERHEAD)
#define NO_END        UINT32_MAX

/* Unordered messages that are out at once have MIDs closer to each other than this. */
#define UNORDERED_SPAN ((uint32_t)1 << 30)

/* A fragment ahead of its turn; its bytes follow. */
struct wrd_sctp_fragment {
    struct wrd_sctp_fragment *next; /* of its chain */
    struct wrd_sctp_open *open;
    struct wrd_sctp_fragment *before, *after; /* others of its message, in no order */
    uint32_t fsn, len, capacity;
};

/* A message under assembly. */
struct wrd_sctp_open {
    struct wrd_sctp_place place;
    struct wrd_sctp_block *block; /* fragments 0 .. turn - 1; NULL: the first is missing */
    struct wrd_sctp_fragment *ahead;
    uint32_t number;
    uint32_t turn;        /* the FSN that is due */
    uint32_t last;        /* FSN; NO_END: not known yet */
    uint32_t highest;     /* FSN that was seen */
    uint32_t ahead_count; /* fragments */
    uint32_t ahead_bytes;
    uint32_t capacity;
    uint16_t stream;
    bool unordered;
};

void wrd_sctp_weave_init(struct wrd_sctp_weave *weave, struct wrd_sctp_order *order, size_t message_limit)
{
    *weave = (struct wrd_sctp_weave){.order = order, .message_limit = message_limit, .opens.salt = order->salt};
}

/* ---- Tables ---- */

static struct wrd_sctp_open *open_at(struct wrd_sctp_place *place)
{
    return place ? (struct wrd_sctp_open *)((char *)place - offsetof(struct wrd_sctp_open, place)) : NULL;
}

static uint32_t group_of(uint16_t stream, bool unordered)
{
    return (uint32_t)unordered << 16 | stream;
}

/* Two secrets, or what MID and FSN add up to would decide. */
static uint32_t hash_place(const struct wrd_sctp_open *open, uint32_t fsn, uint64_t salt)
{
    return wrd_sctp_hash(open->place.key, salt) + wrd_sctp_hash(fsn, (salt >> 27 ^ salt) * 0x9e3779b97f4a7c15u | 1);
}

static uint32_t hash_fragment(const void *element, uint64_t salt)
{
    const struct wrd_sctp_fragment *fragment = element;
    return hash_place(fragment->open, fragment->fsn, salt);
}

static struct wrd_sctp_open *find_open(const struct wrd_sctp_weave *weave, uint16_t stream, bool unordered,
                                       uint32_t number)
{
    uint64_t key = wrd_sctp_sorted_key(group_of(stream, unordered), number);
    if (weave->recent && weave->recent->place.key == key)
        return weave->recent;
    struct wrd_sctp_place *place = wrd_sctp_sorted_from(&weave->opens, key);
    return place && place->key == key ? open_at(place) : NULL;
}

static struct wrd_sctp_fragment *find_fragment(const struct wrd_sctp_weave *weave, const struct wrd_sctp_open *open,
                                               uint32_t fsn)
{
    if (open->ahead_count == 0)
        return NULL;
    struct wrd_sctp_fragment *fragment =
        wrd_sctp_table_first(&weave->fragments, hash_place(open, fsn, weave->order->salt));
    while (fragment && !(fragment->open == open && fragment->fsn == fsn))
        fragment = fragment->next;
    return fragment;
}

static void drop_fragment(struct wrd_sctp_weave *weave, struct wrd_sctp_fragment *fragment)
{
    struct wrd_sctp_open *open = fragment->open;
    wrd_sctp_table_remove(&weave->fragments, fragment, hash_fragment(fragment, weave->order->salt));
    if (fragment->before)
        fragment->before->after = fragment->after;
    else
        open->ahead = fragment->after;
    if (fragment->after)
        fragment->after->before = fragment->before;
    open->ahead_count--;
    open->ahead_bytes -= fragment->len;
    WRD_ASSERT(weave->order->charged >= fragment->len + WRD_SCTP_OVERHEAD);
    weave->order->charged -= fragment->len + WRD_SCTP_OVERHEAD;
    wrd_sctp_pool_give(weave->order->pool, fragment, fragment->capacity);
}

/* The buffer, if it is not to be kept, was taken out before. */
static void close_open(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open)
{
    while (open->ahead)
        drop_fragment(weave, open->ahead);
    size_t cost = (open->block ? open->block->len : 0) + OPEN_OVERHEAD;
    WRD_ASSERT(weave->assembling >= cost);
    weave->assembling -= cost;
    if (open->block)
        wrd_sctp_order_drop(weave->order, open->block);
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(weave->order, open->stream);
    WRD_ASSERT(in && in->open > 0);
    in->open--;
    wrd_sctp_sorted_remove(&weave->opens, &open->place);
    if (weave->recent == open)
        weave->recent = NULL;
    wrd_sctp_pool_give(weave->order->pool, open, open->capacity);
}

static struct wrd_sctp_open *add_open(struct wrd_sctp_weave *weave, const struct wrd_sctp_data *data)
{
    struct wrd_sctp_order *order = weave->order;
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(order, data->stream);
    WRD_ASSERT(in);
    size_t capacity;
    struct wrd_sctp_open *open = wrd_sctp_pool_take(order->pool, sizeof *open, &capacity);
    if (!open)
        return NULL;
    bool unordered = data->flags & WRD_SCTP_UNORDERED;
    *open = (struct wrd_sctp_open){.place.key = wrd_sctp_sorted_key(group_of(data->stream, unordered), data->mid),
                                   .number = data->mid,
                                   .last = NO_END,
                                   .capacity = (uint32_t)capacity,
                                   .stream = data->stream,
                                   .unordered = unordered};
    wrd_sctp_sorted_add(&weave->opens, &open->place);
    in->open++;
    weave->assembling += OPEN_OVERHEAD;
    return open;
}

void wrd_sctp_weave_free(struct wrd_sctp_weave *weave)
{
    while (weave->opens.root)
        close_open(weave, open_at(weave->opens.root));
    WRD_ASSERT(weave->assembling == 0 && weave->fragments.count == 0);
    wrd_sctp_weave_drain(weave);
}

void wrd_sctp_weave_drain(struct wrd_sctp_weave *weave)
{
    wrd_sctp_table_drain(&weave->fragments, weave->order->pool->env);
}

/* ---- Fragments ---- */

/* Do the fragment's number and its place at the end agree with those that came before? */
static bool fits(const struct wrd_sctp_weave *weave, const struct wrd_sctp_open *open, const struct wrd_sctp_data *data)
{
    bool begins = data->flags & WRD_SCTP_BEGIN;
    if (begins != (data->fsn == 0) || data->fsn < open->turn)
        return false;
    if (data->flags & WRD_SCTP_END ? open->last != NO_END || data->fsn < open->highest : data->fsn >= open->last)
        return false;
    return !find_fragment(weave, open, data->fsn);
}

static enum wrd_sctp_joined keep_ahead(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open,
                                       const struct wrd_sctp_data *data)
{
    struct wrd_sctp_order *order = weave->order;
    size_t capacity;
    if (!wrd_sctp_table_reserve(&weave->fragments, order->pool->env, hash_fragment, order->salt))
        return WRD_SCTP_JOIN_NO_MEMORY;
    struct wrd_sctp_fragment *fragment = wrd_sctp_pool_take(order->pool, sizeof *fragment + data->len, &capacity);
    if (!fragment)
        return WRD_SCTP_JOIN_NO_MEMORY;
    *fragment = (struct wrd_sctp_fragment){.open = open,
                                           .after = open->ahead,
                                           .fsn = data->fsn,
                                           .len = (uint32_t)data->len,
                                           .capacity = (uint32_t)capacity};
    memcpy(fragment + 1, data->bytes, data->len);
    if (open->ahead)
        open->ahead->before = fragment;
    open->ahead = fragment;
    open->ahead_count++;
    open->ahead_bytes += fragment->len;
    wrd_sctp_table_add(&weave->fragments, fragment, hash_fragment(fragment, order->salt));
    order->charged += data->len + WRD_SCTP_OVERHEAD;
    return WRD_SCTP_JOINED;
}

/* As long as few messages are open, a buffer begins with the size that the last one had in the end. */
static size_t first_room(const struct wrd_sctp_weave *weave, size_t needed)
{
    return weave->opens.count > WRD_SCTP_ASSEMBLY_GUESSES ? needed
                                                          : wrd_sctp_order_guess(weave->last_assembled, needed);
}

/* Room for `more` bytes: all that is known to follow, so that taking it cannot fail. */
static bool make_room(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open, const struct wrd_sctp_data *data,
                      size_t more)
{
    if (open->block)
        return wrd_sctp_order_grow(weave->order, &open->block, more, weave->message_limit);
    struct wrd_sctp_data empty = *data;
    empty.len = 0;
    open->block = wrd_sctp_order_block(weave->order, &empty, data->mid, first_room(weave, more));
    return open->block;
}

static void append(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open, const void *bytes, size_t len)
{
    memcpy(wrd_sctp_block_bytes(open->block) + open->block->len, bytes, len);
    open->block->len += (uint32_t)len;
    open->turn++;
    weave->assembling += len;
}

static enum wrd_sctp_joined deliver(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open)
{
    struct wrd_sctp_block *block = open->block;
    weave->last_assembled = block->len;
    weave->assembling -= block->len;
    open->block = NULL;
    close_open(weave, open);
    return wrd_sctp_order_put(weave->order, block);
}

/* The fragment that is due, and what follows it. */
static enum wrd_sctp_joined take_turn(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open,
                                      const struct wrd_sctp_data *data)
{
    if (!make_room(weave, open, data, data->len + open->ahead_bytes))
        return WRD_SCTP_JOIN_NO_MEMORY;
    append(weave, open, data->bytes, data->len);
    struct wrd_sctp_fragment *fragment;
    while ((fragment = find_fragment(weave, open, open->turn))) {
        append(weave, open, fragment + 1, fragment->len);
        drop_fragment(weave, fragment);
    }
    return WRD_SCTP_JOINED;
}

static enum wrd_sctp_joined take_fragment(struct wrd_sctp_weave *weave, struct wrd_sctp_open *open,
                                          const struct wrd_sctp_data *data)
{
    if (!fits(weave, open, data))
        return WRD_SCTP_JOIN_BROKEN;
    size_t had = (open->block ? open->block->len : 0) + (size_t)open->ahead_bytes;
    if (data->len > weave->message_limit - had || data->fsn >= weave->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    bool in_turn = data->fsn == open->turn;
    uint32_t last = data->flags & WRD_SCTP_END ? data->fsn : open->last;
    /* No two have the same number, and none is past the last: as many as are missing means all of them. */
    bool complete = in_turn && last != NO_END && last - data->fsn == open->ahead_count;
    if (complete && !open->unordered && !wrd_sctp_order_use(weave->order, open->stream))
        return WRD_SCTP_JOIN_NO_MEMORY;
    enum wrd_sctp_joined joined = in_turn ? take_turn(weave, open, data) : keep_ahead(weave, open, data);
    if (joined != WRD_SCTP_JOINED)
        return joined;
    open->last = last;
    if (data->fsn > open->highest)
        open->highest = data->fsn;
    if (!complete)
        return WRD_SCTP_JOINED;
    WRD_ASSERT(open->turn == last + 1);
    return deliver(weave, open);
}

/* A single chunk with a whole message. */
static enum wrd_sctp_joined take_whole(struct wrd_sctp_weave *weave, const struct wrd_sctp_data *data)
{
    if (data->len > weave->message_limit)
        return WRD_SCTP_JOIN_TOO_LARGE;
    if (!(data->flags & WRD_SCTP_UNORDERED) && !wrd_sctp_order_use(weave->order, data->stream))
        return WRD_SCTP_JOIN_NO_MEMORY;
    struct wrd_sctp_block *block = wrd_sctp_order_block(weave->order, data, data->mid, data->len);
    return block ? wrd_sctp_order_put(weave->order, block) : WRD_SCTP_JOIN_NO_MEMORY;
}

/* Is the message one that was delivered, or given up by the peer? */
static bool is_past(const struct wrd_sctp_weave *weave, const struct wrd_sctp_stream_in *in, bool unordered,
                    uint32_t number)
{
    return wrd_sctp_order_is_past(weave->order, unordered ? in->unordered_floor : in->next, number);
}

enum wrd_sctp_joined wrd_sctp_weave_take(struct wrd_sctp_weave *weave, const struct wrd_sctp_data *data)
{
    WRD_ASSERT(data->len > 0);
    bool unordered = data->flags & WRD_SCTP_UNORDERED;
    struct wrd_sctp_stream_in *in = wrd_sctp_order_use(weave->order, data->stream);
    if (!in)
        return WRD_SCTP_JOIN_NO_MEMORY;
    /* Unordered messages are not remembered once delivered: only what was given up is known to be past. */
    if ((weave->torn || !unordered) && is_past(weave, in, unordered, data->mid))
        return weave->torn ? WRD_SCTP_JOINED : WRD_SCTP_JOIN_BROKEN;
    if (unordered && data->mid - in->unordered_floor > UNORDERED_SPAN)
        in->unordered_floor = data->mid - UNORDERED_SPAN;
    struct wrd_sctp_open *open = weave->opens.count > 0 ? find_open(weave, data->stream, unordered, data->mid) : NULL;
    if ((data->flags & WHOLE) == WHOLE)
        return open ? WRD_SCTP_JOIN_BROKEN : take_whole(weave, data);
    if (open) {
        weave->recent = open;
        return take_fragment(weave, open, data);
    }
    if (weave->opens.count >= WRD_SCTP_ASSEMBLIES_MAX)
        return WRD_SCTP_JOIN_TOO_MANY;
    open = add_open(weave, data);
    if (!open)
        return WRD_SCTP_JOIN_NO_MEMORY;
    weave->recent = open;
    enum wrd_sctp_joined joined = take_fragment(weave, open, data); /* one alone does not complete it */
    if (joined != WRD_SCTP_JOINED)
        close_open(weave, open);
    return joined;
}

/* ---- What the peer gave up ---- */

void wrd_sctp_weave_skip(struct wrd_sctp_weave *weave, uint16_t stream, bool unordered, uint32_t mid)
{
    struct wrd_sctp_stream_in *in = wrd_sctp_order_find(weave->order, stream);
    WRD_ASSERT(in);
    weave->torn = true;
    if (is_past(weave, in, unordered, mid))
        return;
    uint32_t floor = unordered ? in->unordered_floor : in->next;
    struct wrd_sctp_open *open;
    while (in->open > 0 && (open = open_at(wrd_sctp_sorted_round(&weave->opens, group_of(stream, unordered), floor))) &&
           open->number - floor <= mid - floor)
        close_open(weave, open);
    if (unordered)
        in->unordered_floor = mid + 1;
    else
        wrd_sctp_order_skip(weave->order, stream, mid);
}

static void audit_open(const struct wrd_sctp_open *open)
{
    size_t count = 0, bytes = 0;
    for (const struct wrd_sctp_fragment *fragment = open->ahead; fragment; fragment = fragment->after) {
        WRD_ASSERT(fragment->open == open && fragment->fsn > open->turn);
        count++;
        bytes += fragment->len;
    }
    WRD_ASSERT(count == open->ahead_count && bytes == open->ahead_bytes);
    WRD_ASSERT((open->turn > 0) == (open->block != NULL));
    WRD_ASSERT(open->place.key == wrd_sctp_sorted_key(group_of(open->stream, open->unordered), open->number));
}

size_t wrd_sctp_weave_audit(const struct wrd_sctp_weave *weave)
{
    size_t assembling = 0, charged = 0, opens = 0, fragments = 0;
    const struct wrd_sctp_open *open = open_at(wrd_sctp_sorted_from(&weave->opens, 0));
    for (; open; open = open_at(wrd_sctp_sorted_from(&weave->opens, open->place.key + 1))) {
        audit_open(open);
        assembling += (open->block ? open->block->len : 0) + OPEN_OVERHEAD;
        charged += open->ahead_bytes + open->ahead_count * WRD_SCTP_OVERHEAD;
        fragments += open->ahead_count;
        opens++;
    }
    WRD_ASSERT(assembling == weave->assembling && fragments == weave->fragments.count);
    WRD_ASSERT(opens == weave->opens.count && opens == wrd_sctp_sorted_audit(&weave->opens));
    return charged;
}
