/* SPDX-License-Identifier: MIT */
#include "sctp/tx_queue.h"

#include "base/check.h"
#include "sctp/bounds.h"
#include "sctp/chunk.h"

#define BUCKETS_MIN    8u
#define BUCKETS_SECRET 64u /* fewer are no long chain even if a peer chose all ids for one bucket */

void wrd_sctp_queue_init(struct wrd_sctp_queue *queue, struct wrd_sctp_pool *pool)
{
    memset(queue, 0, sizeof *queue);
    queue->pool = pool;
    queue->rules.piece = WRD_SCTP_PAYLOAD;
    queue->salt = 0x9e3779b1u;
}

void wrd_sctp_queue_agree(struct wrd_sctp_queue *queue, const struct wrd_sctp_queue_rules *rules)
{
    queue->rules = *rules;
}

/* ---- Streams ---- */

static uint32_t bucket_of(uint16_t stream, uint32_t salt, uint32_t bucket_count)
{
    return (stream * salt) >> (32 - (unsigned)__builtin_ctz(bucket_count));
}

static struct wrd_sctp_stream_out **bucket(const struct wrd_sctp_queue *queue, uint16_t stream)
{
    return &queue->buckets[bucket_of(stream, queue->salt, queue->bucket_count)];
}

static struct wrd_sctp_stream_out *find_stream(const struct wrd_sctp_queue *queue, uint16_t stream)
{
    if (queue->bucket_count == 0)
        return NULL;
    struct wrd_sctp_stream_out *out = *bucket(queue, stream);
    while (out && out->id != stream)
        out = out->bucket_next;
    return out;
}

/* Goes on with the old buckets when there is no memory for more. */
static void widen(struct wrd_sctp_queue *queue)
{
    uint32_t count = queue->bucket_count ? 2 * queue->bucket_count : BUCKETS_MIN;
    struct wrd_sctp_stream_out **buckets = wrd_mem_zalloc(queue->pool->env, count * sizeof *buckets);
    if (!buckets)
        return;
    uint32_t salt = queue->salt;
    if (count == BUCKETS_SECRET)
        queue->pool->env->random(queue->pool->env->user, (uint8_t *)&salt, sizeof salt);
    salt |= 1;
    for (uint32_t i = 0; i < queue->bucket_count; i++) {
        while (queue->buckets[i]) {
            struct wrd_sctp_stream_out *out = queue->buckets[i];
            queue->buckets[i] = out->bucket_next;
            struct wrd_sctp_stream_out **to = &buckets[bucket_of(out->id, salt, count)];
            out->bucket_next = *to;
            *to = out;
        }
    }
    wrd_mem_free(queue->pool->env, queue->buckets, queue->bucket_count * sizeof *buckets);
    queue->buckets = buckets;
    queue->bucket_count = count;
    queue->salt = salt;
}

static struct wrd_sctp_stream_out *make_stream(struct wrd_sctp_queue *queue, uint16_t stream)
{
    struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    if (out)
        return out;
    if (queue->stream_count >= queue->bucket_count)
        widen(queue);
    if (queue->bucket_count == 0)
        return NULL;
    out = wrd_mem_zalloc(queue->pool->env, sizeof *out);
    if (!out)
        return NULL;
    out->id = stream;
    out->weight = WRD_SCTP_WEIGHT;
    struct wrd_sctp_stream_out **to = bucket(queue, stream);
    out->bucket_next = *to;
    *to = out;
    queue->stream_count++;
    queue->streams_made++;
    if (stream > queue->highest_stream)
        queue->highest_stream = stream;
    return out;
}

static void free_stream(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    struct wrd_sctp_stream_out **at = bucket(queue, out->id);
    while (*at != out)
        at = &(*at)->bucket_next;
    *at = out->bucket_next;
    wrd_mem_free(queue->pool->env, out, sizeof *out);
    if (--queue->stream_count > 0)
        return;
    wrd_mem_free(queue->pool->env, queue->buckets, queue->bucket_count * sizeof(struct wrd_sctp_stream_out *));
    queue->buckets = NULL;
    queue->bucket_count = 0;
}

static void free_message(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message)
{
    WRD_ASSERT(queue->messages > 0 && queue->bytes >= message->unacked);
    queue->messages--;
    queue->bytes -= message->unacked;
    if (queue->giant == message)
        queue->giant = NULL;
    wrd_sctp_pool_give(queue->pool, message, message->capacity);
}

void wrd_sctp_queue_free(struct wrd_sctp_queue *queue)
{
    const wrd_env *env = queue->pool->env;
    for (uint32_t i = 0; i < queue->bucket_count; i++) {
        while (queue->buckets[i]) {
            struct wrd_sctp_stream_out *out = queue->buckets[i];
            queue->buckets[i] = out->bucket_next;
            while (out->head) {
                struct wrd_sctp_outgoing *message = out->head;
                out->head = message->next;
                free_message(queue, message);
            }
            wrd_mem_free(env, out, sizeof *out);
        }
    }
    wrd_mem_free(env, queue->buckets, queue->bucket_count * sizeof *queue->buckets);
    WRD_ASSERT(queue->messages == 0 && queue->bytes == 0);
    memset(queue, 0, sizeof *queue);
}

/* ---- Turns ---- */

static struct wrd_sctp_stream_out *stream_of_turn(struct wrd_sctp_heap_node *node)
{
    return (struct wrd_sctp_stream_out *)((char *)node - offsetof(struct wrd_sctp_stream_out, turn));
}

/* The virtual time that a chunk takes; its header counts, or tiny messages would get more of the line than others. */
static uint64_t share_of(const struct wrd_sctp_stream_out *out, size_t len)
{
    return ((uint64_t)(len + WRD_SCTP_DATA_HEADER_SIZE) << 16) / out->weight;
}

static void join_turns(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    if (!out->head || out->turn.is_in || out->paused || out->parked || queue->current == out)
        return;
    size_t left = out->head->len - out->head->cut;
    wrd_sctp_heap_add(&queue->turns, &out->turn,
                      out->passed + share_of(out, left < queue->rules.piece ? left : queue->rules.piece));
}

/* A stream that had nothing to send did not save up for later. */
static void forget_share(const struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    if ((int64_t)(out->passed - queue->clock) < 0)
        out->passed = queue->clock;
}

static bool fits_limit(const struct wrd_sctp_queue *queue, const struct wrd_sctp_outgoing *message)
{
    size_t limit = queue->rules.begun_limit;
    return queue->begun < limit && message->len <= limit - queue->begun;
}

/* Its first message counts in `begun`, or as the large one, from here until it leaves the stream. */
static void begin_message(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    out->begun = true;
    if (!queue->large && !fits_limit(queue, out->head))
        queue->large = out;
    else
        queue->begun += out->head->len;
}

static bool may_begin(const struct wrd_sctp_queue *queue, const struct wrd_sctp_outgoing *message)
{
    return !queue->large || fits_limit(queue, message);
}

static struct wrd_sctp_parked *parked_with(struct wrd_sctp_queue *queue, const struct wrd_sctp_outgoing *message)
{
    return &queue->parked[message->len > queue->rules.begun_limit];
}

/* Those that wait here go on, in their order, as far as the bound allows. */
static void unpark(struct wrd_sctp_queue *queue, struct wrd_sctp_parked *parked)
{
    while (parked->first) {
        struct wrd_sctp_stream_out *out = parked->first;
        if (out->head && !out->paused) {
            if (!may_begin(queue, out->head))
                return;
            begin_message(queue, out);
        }
        parked->first = out->list_next;
        out->parked = false;
        join_turns(queue, out);
    }
}

static void park(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    struct wrd_sctp_parked *parked = parked_with(queue, out->head);
    wrd_sctp_heap_remove(&queue->turns, &out->turn);
    out->parked = true;
    out->list_next = NULL;
    if (parked->first)
        parked->last->list_next = out;
    else
        parked->first = out;
    parked->last = out;
}

/* May the next chunk come from `out`? What one chunk takes whole is never half at the receiver. */
static bool may_cut(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    const struct wrd_sctp_outgoing *message = out->head;
    if (!queue->rules.interleaving || out->begun || message->len <= queue->rules.piece)
        return true;
    /* Those that wait already come first, or they might wait for ever; the smaller do not wait for the large. */
    if (message->cut == 0 && (parked_with(queue, message)->first || !may_begin(queue, message)))
        return false;
    begin_message(queue, out);
    return true;
}

/* ---- Low marks and expiry ---- */

static void take_uncut(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out, size_t len)
{
    WRD_ASSERT(out->uncut >= len);
    bool was_above = out->uncut > out->low;
    out->uncut -= len;
    if (!was_above || out->uncut > out->low)
        return;
    queue->fell_low = true;
    if (out->in_low)
        return;
    out->in_low = true;
    out->low_next = NULL;
    if (queue->low)
        queue->low_last->low_next = out;
    else
        queue->low = out;
    queue->low_last = out;
}

/* The stream has another first message. The key may stay too early: then it is looked at once for nothing. */
static void watch_expiry(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    if (!out->head || out->head->expires == WRD_NEVER)
        return;
    if (out->expiry.is_in && out->expiry.key <= out->head->expires)
        return;
    wrd_sctp_heap_remove(&queue->expiries, &out->expiry);
    wrd_sctp_heap_add(&queue->expiries, &out->expiry, out->head->expires);
}

/* Its first message leaves the stream. */
static struct wrd_sctp_outgoing *remove_head(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    struct wrd_sctp_outgoing *message = out->head;
    out->head = message->next;
    message->next = NULL;
    if (queue->current == out)
        queue->current = NULL;
    if (!out->head) {
        wrd_sctp_heap_remove(&queue->turns, &out->turn);
        queue->fell_quiet += out->awaited;
        out->awaited = false;
    }
    if (out->begun) {
        out->begun = false;
        WRD_ASSERT(queue->large == out || queue->begun >= message->len);
        if (queue->large == out)
            queue->large = NULL;
        else
            queue->begun -= message->len;
        unpark(queue, &queue->parked[1]);
        unpark(queue, &queue->parked[0]);
    }
    watch_expiry(queue, out);
    return message;
}

/* Drops what nobody has seen a byte of. */
static void drop_late(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out, wrd_time now)
{
    while (out->head && out->head->cut == 0 && wrd_sctp_queue_is_late(queue, out->head, now)) {
        take_uncut(queue, out, out->head->len);
        free_message(queue, remove_head(queue, out));
        queue->given_up++;
    }
}

wrd_time wrd_sctp_queue_deadline(const struct wrd_sctp_queue *queue)
{
    return queue->rules.expiring && queue->expiries.first ? queue->expiries.first->key : WRD_NEVER;
}

struct wrd_sctp_outgoing *wrd_sctp_queue_expire(struct wrd_sctp_queue *queue, wrd_time now)
{
    while (wrd_sctp_queue_deadline(queue) <= now) {
        struct wrd_sctp_heap_node *node = queue->expiries.first;
        struct wrd_sctp_stream_out *out =
            (struct wrd_sctp_stream_out *)((char *)node - offsetof(struct wrd_sctp_stream_out, expiry));
        wrd_sctp_heap_remove(&queue->expiries, node);
        drop_late(queue, out, now);
        if (out->head && wrd_sctp_queue_is_late(queue, out->head, now))
            return out->head;
        watch_expiry(queue, out);
    }
    return NULL;
}

/* ---- Messages ---- */

bool wrd_sctp_queue_push(struct wrd_sctp_queue *queue, wrd_time now, const struct wrd_sctp_message *message)
{
    size_t len = message->len;
    WRD_ASSERT(len > 0 && len <= UINT32_MAX);
    struct wrd_sctp_stream_out *out = make_stream(queue, message->stream);
    if (!out)
        return false;
    size_t capacity;
    struct wrd_sctp_outgoing *queued = wrd_sctp_pool_take(queue->pool, sizeof *queued + len, &capacity);
    if (!queued)
        return false;
    bool lasts = message->lifetime == 0 || message->lifetime >= WRD_NEVER - now;
    *queued = (struct wrd_sctp_outgoing){.capacity = capacity,
                                         .expires = lasts ? WRD_NEVER : now + message->lifetime,
                                         .len = (uint32_t)len,
                                         .unacked = (uint32_t)len,
                                         .ppid = message->ppid,
                                         .retransmits = message->limit_retransmits && message->retransmits < UINT16_MAX
                                                            ? message->retransmits
                                                            : WRD_SCTP_RETRANSMITS_ANY,
                                         .stream = message->stream,
                                         .unordered = message->unordered};
    memcpy(queued + 1, message->data, len);
    bool was_empty = !out->head;
    if (was_empty)
        out->head = queued;
    else
        out->tail->next = queued;
    out->tail = queued;
    out->uncut += len;
    queue->bytes += len;
    queue->messages++;
    if (queue->limit > 0 && len > queue->limit)
        queue->giant = queued;
    if (was_empty) {
        forget_share(queue, out);
        watch_expiry(queue, out);
        join_turns(queue, out);
    }
    return true;
}

size_t wrd_sctp_queue_charge(const struct wrd_sctp_queue *queue)
{
    size_t giant = queue->giant ? queue->giant->unacked + WRD_SCTP_OVERHEAD : 0;
    return queue->bytes + queue->messages * WRD_SCTP_OVERHEAD - giant;
}

struct wrd_sctp_outgoing *wrd_sctp_queue_first(struct wrd_sctp_queue *queue, wrd_time now)
{
    queue->picked = queue->current;
    while (!queue->picked && queue->turns.first) {
        struct wrd_sctp_stream_out *out = stream_of_turn(queue->turns.first);
        drop_late(queue, out, now);
        if (!out->head)
            continue;
        if (may_cut(queue, out))
            queue->picked = out;
        else
            park(queue, out);
    }
    return queue->picked ? queue->picked->head : NULL;
}

void wrd_sctp_queue_cut(struct wrd_sctp_queue *queue, size_t len)
{
    struct wrd_sctp_stream_out *out = queue->picked;
    WRD_ASSERT(out && out->head && len > 0 && len <= out->head->len - out->head->cut);
    struct wrd_sctp_outgoing *message = out->head;
    queue->picked = NULL;
    wrd_sctp_heap_remove(&queue->turns, &out->turn);
    if (message->cut == 0)
        message->mid = message->unordered ? out->mid_unordered++ : out->mid++;
    message->cut += (uint32_t)len;
    message->pieces++;
    out->passed += share_of(out, len);
    if ((int64_t)(out->passed - queue->clock) > 0)
        queue->clock = out->passed;
    take_uncut(queue, out, len);
    if (message->cut == message->len)
        (void)remove_head(queue, out); /* its chunks own it */
    else if (!queue->rules.interleaving)
        queue->current = out;
    join_turns(queue, out);
}

void wrd_sctp_queue_acked(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message, size_t len)
{
    WRD_ASSERT(len <= message->unacked && queue->bytes >= len);
    message->unacked -= (uint32_t)len;
    queue->bytes -= len;
    if (message->unacked == 0) {
        WRD_ASSERT(message->cut == message->len);
        free_message(queue, message);
    }
}

void wrd_sctp_queue_give_up(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message)
{
    WRD_ASSERT(message->cut > 0);
    if (message->cut < message->len) {
        struct wrd_sctp_stream_out *out = find_stream(queue, message->stream);
        WRD_ASSERT(out && out->head == message);
        take_uncut(queue, out, message->len - message->cut);
        (void)remove_head(queue, out);
        queue->picked = NULL;
        join_turns(queue, out);
    }
    free_message(queue, message);
    queue->given_up++;
}

/* ---- Reset, restart ---- */

bool wrd_sctp_queue_await_quiet(struct wrd_sctp_queue *queue, uint16_t stream)
{
    struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    if (!out || !out->head)
        return true;
    out->awaited = true;
    return false;
}

bool wrd_sctp_queue_pause(struct wrd_sctp_queue *queue, uint16_t stream)
{
    struct wrd_sctp_stream_out *out = make_stream(queue, stream);
    if (!out)
        return false;
    WRD_ASSERT(!out->head && !out->turn.is_in);
    out->paused = true;
    return true;
}

void wrd_sctp_queue_resume(struct wrd_sctp_queue *queue, uint16_t stream, bool again)
{
    struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    WRD_ASSERT(out && out->paused);
    out->paused = false;
    if (again) {
        out->mid = out->mid_unordered = 0;
        out->weight = WRD_SCTP_WEIGHT;
        out->low = 0;
    }
    bool used = out->mid > 0 || out->mid_unordered > 0 || out->weight != WRD_SCTP_WEIGHT || out->low > 0;
    if (!used && !out->head && !out->in_low && !out->parked) {
        wrd_sctp_heap_remove(&queue->expiries, &out->expiry);
        free_stream(queue, out);
        return;
    }
    forget_share(queue, out);
    join_turns(queue, out);
}

void wrd_sctp_queue_requeue(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message)
{
    WRD_ASSERT(message->cut > 0);
    struct wrd_sctp_stream_out *out = find_stream(queue, message->stream);
    WRD_ASSERT(out);
    if (message->cut == message->len) {
        message->next = out->head;
        if (!out->head)
            out->tail = message;
        out->head = message;
    }
    WRD_ASSERT(out->head == message);
    queue->bytes += message->len - message->unacked;
    out->uncut += message->cut;
    message->unacked = message->len;
    message->cut = message->pieces = 0;
}

struct wrd_sctp_stream_out *wrd_sctp_queue_next_stream(const struct wrd_sctp_queue *queue,
                                                       const struct wrd_sctp_stream_out *last)
{
    uint32_t i = last ? bucket_of(last->id, queue->salt, queue->bucket_count) + 1 : 0;
    if (last && last->bucket_next)
        return last->bucket_next;
    while (i < queue->bucket_count && !queue->buckets[i])
        i++;
    return i < queue->bucket_count ? queue->buckets[i] : NULL;
}

void wrd_sctp_queue_restart(struct wrd_sctp_queue *queue)
{
    queue->picked = queue->current = queue->large = NULL;
    memset(queue->parked, 0, sizeof queue->parked);
    queue->begun = 0;
    for (struct wrd_sctp_stream_out *out = wrd_sctp_queue_next_stream(queue, NULL); out;
         out = wrd_sctp_queue_next_stream(queue, out)) {
        if (out->head && out->head->cut > 0) /* begun, and acknowledged as far as it went */
            wrd_sctp_queue_requeue(queue, out->head);
        out->mid = out->mid_unordered = 0;
        out->paused = out->begun = out->parked = false;
        watch_expiry(queue, out);
        join_turns(queue, out);
    }
}

/* ---- Marks ---- */

bool wrd_sctp_queue_set_weight(struct wrd_sctp_queue *queue, uint16_t stream, uint16_t weight)
{
    WRD_ASSERT(weight > 0);
    struct wrd_sctp_stream_out *out = make_stream(queue, stream);
    if (!out)
        return false;
    out->weight = weight;
    if (out->turn.is_in) {
        wrd_sctp_heap_remove(&queue->turns, &out->turn);
        join_turns(queue, out);
    }
    return true;
}

bool wrd_sctp_queue_set_low(struct wrd_sctp_queue *queue, uint16_t stream, size_t bytes)
{
    struct wrd_sctp_stream_out *out = make_stream(queue, stream);
    if (out)
        out->low = bytes;
    return out;
}

size_t wrd_sctp_queue_uncut(const struct wrd_sctp_queue *queue, uint16_t stream)
{
    const struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    return out ? out->uncut : 0;
}

bool wrd_sctp_queue_take_low(struct wrd_sctp_queue *queue, uint16_t *stream)
{
    struct wrd_sctp_stream_out *out = queue->low;
    if (!out)
        return false;
    queue->low = out->low_next;
    out->in_low = false;
    *stream = out->id;
    return true;
}

void wrd_sctp_queue_audit(const struct wrd_sctp_queue *queue)
{
    size_t begun = 0;
    uint32_t streams = 0;
    for (const struct wrd_sctp_stream_out *out = wrd_sctp_queue_next_stream(queue, NULL); out;
         out = wrd_sctp_queue_next_stream(queue, out)) {
        size_t uncut = 0;
        for (const struct wrd_sctp_outgoing *message = out->head; message; message = message->next) {
            WRD_ASSERT(message->cut < message->len && (message == out->head || message->cut == 0));
            WRD_ASSERT(message->next || message == out->tail);
            uncut += message->len - message->cut;
        }
        WRD_ASSERT(uncut == out->uncut);
        WRD_ASSERT(!out->begun || out->head);
        begun += out->begun && out != queue->large ? out->head->len : 0;
        WRD_ASSERT(out->turn.is_in + out->parked + (queue->current == out) == (out->head && !out->paused) ||
                   (out->parked && !out->head));
        WRD_ASSERT(!out->turn.is_in || out->head);
        streams++;
    }
    WRD_ASSERT(!queue->large || queue->large->begun);
    WRD_ASSERT((!queue->parked[0].first && !queue->parked[1].first) || queue->large); /* its end lets them go on */
    WRD_ASSERT(begun == queue->begun && streams == queue->stream_count);
    WRD_ASSERT(queue->bytes >= queue->messages);
}
