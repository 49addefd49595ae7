/* SPDX-License-Identifier: MIT */
#include "sctp/tx_queue.h"

#include "base/check.h"
#include "sctp/bounds.h"

void wrd_sctp_queue_init(struct wrd_sctp_queue *queue, struct wrd_sctp_pool *pool)
{
    memset(queue, 0, sizeof *queue);
    queue->pool = pool;
}

static void drop_message(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message)
{
    WRD_ASSERT(queue->messages > 0 && queue->bytes >= message->unacked);
    queue->messages--;
    queue->bytes -= message->unacked;
    wrd_sctp_pool_give(queue->pool, message, message->capacity);
}

void wrd_sctp_queue_free(struct wrd_sctp_queue *queue)
{
    const wrd_env *env = queue->pool->env;
    for (size_t i = 0; i < WRD_SCTP_OUT_PAGES; i++) {
        for (size_t j = 0; queue->pages[i] && j < WRD_SCTP_OUT_PAGE; j++) {
            struct wrd_sctp_stream_out *out = queue->pages[i][j];
            while (out && out->head) {
                struct wrd_sctp_outgoing *message = out->head;
                out->head = message->next;
                drop_message(queue, message);
            }
            wrd_mem_free(env, out, sizeof *out);
        }
        wrd_mem_free(env, queue->pages[i], WRD_SCTP_OUT_PAGE * sizeof *queue->pages[i]);
    }
    WRD_ASSERT(queue->messages == 0 && queue->bytes == 0);
    memset(queue, 0, sizeof *queue);
}

static struct wrd_sctp_stream_out *find_stream(const struct wrd_sctp_queue *queue, uint16_t stream)
{
    struct wrd_sctp_stream_out **page = queue->pages[stream / WRD_SCTP_OUT_PAGE];
    return page ? page[stream % WRD_SCTP_OUT_PAGE] : NULL;
}

static struct wrd_sctp_stream_out *make_stream(struct wrd_sctp_queue *queue, uint16_t stream)
{
    const wrd_env *env = queue->pool->env;
    struct wrd_sctp_stream_out ***page = &queue->pages[stream / WRD_SCTP_OUT_PAGE];
    if (!*page)
        *page = wrd_mem_zalloc(env, WRD_SCTP_OUT_PAGE * sizeof **page);
    if (!*page)
        return NULL;
    struct wrd_sctp_stream_out **out = &(*page)[stream % WRD_SCTP_OUT_PAGE];
    if (*out)
        return *out;
    *out = wrd_mem_zalloc(env, sizeof **out);
    if (!*out)
        return NULL;
    (*out)->id = stream;
    if (stream > queue->highest_stream)
        queue->highest_stream = stream;
    return *out;
}

static void join_turn(struct wrd_sctp_queue *queue, struct wrd_sctp_stream_out *out)
{
    if (out->in_turn || out->paused || !out->head)
        return;
    out->in_turn = true;
    out->next_turn = NULL;
    if (queue->turn)
        queue->turn_last->next_turn = out;
    else
        queue->turn = out;
    queue->turn_last = out;
}

bool wrd_sctp_queue_push(struct wrd_sctp_queue *queue, uint16_t stream, uint32_t ppid, bool unordered,
                         const uint8_t *bytes, size_t len)
{
    WRD_ASSERT(len > 0 && len <= UINT32_MAX);
    struct wrd_sctp_stream_out *out = make_stream(queue, stream);
    if (!out)
        return false;
    size_t capacity;
    struct wrd_sctp_outgoing *message = wrd_sctp_pool_take(queue->pool, sizeof *message + len, &capacity);
    if (!message)
        return false;
    *message = (struct wrd_sctp_outgoing){.capacity = capacity,
                                          .len = (uint32_t)len,
                                          .unacked = (uint32_t)len,
                                          .ppid = ppid,
                                          .stream = stream,
                                          .unordered = unordered};
    memcpy(message + 1, bytes, len);
    if (out->head)
        out->tail->next = message;
    else
        out->head = message;
    out->tail = message;
    queue->bytes += len;
    queue->messages++;
    join_turn(queue, out);
    return true;
}

size_t wrd_sctp_queue_charge(const struct wrd_sctp_queue *queue)
{
    return queue->bytes + queue->messages * WRD_SCTP_OVERHEAD;
}

struct wrd_sctp_outgoing *wrd_sctp_queue_first(const struct wrd_sctp_queue *queue)
{
    return queue->turn ? queue->turn->head : NULL;
}

void wrd_sctp_queue_cut(struct wrd_sctp_queue *queue, size_t len)
{
    struct wrd_sctp_stream_out *out = queue->turn;
    WRD_ASSERT(out && out->head && len > 0 && len <= out->head->len - out->head->cut);
    struct wrd_sctp_outgoing *message = out->head;
    if (message->cut == 0 && !message->unordered) {
        message->ssn = out->ssn;
        out->ssn = wrd_ssn_next(out->ssn);
    }
    message->cut += (uint32_t)len;
    if (message->cut < message->len)
        return;
    /* Its chunks own it now; its stream goes to the end of the line. */
    out->head = message->next;
    message->next = NULL;
    queue->turn = out->next_turn;
    out->in_turn = false;
    join_turn(queue, out);
}

void wrd_sctp_queue_acked(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message, size_t len)
{
    WRD_ASSERT(len <= message->unacked && queue->bytes >= len);
    message->unacked -= (uint32_t)len;
    queue->bytes -= len;
    if (message->unacked == 0) {
        WRD_ASSERT(message->cut == message->len);
        drop_message(queue, message);
    }
}

bool wrd_sctp_queue_quiet(const struct wrd_sctp_queue *queue, uint16_t stream)
{
    const struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    return !out || !out->head;
}

bool wrd_sctp_queue_pause(struct wrd_sctp_queue *queue, uint16_t stream)
{
    struct wrd_sctp_stream_out *out = make_stream(queue, stream);
    if (!out)
        return false;
    WRD_ASSERT(!out->head && !out->in_turn);
    out->paused = true;
    return true;
}

void wrd_sctp_queue_resume(struct wrd_sctp_queue *queue, uint16_t stream, bool again)
{
    struct wrd_sctp_stream_out *out = find_stream(queue, stream);
    WRD_ASSERT(out && out->paused);
    out->paused = false;
    if (again)
        out->ssn = (struct wrd_ssn){0};
    join_turn(queue, out);
}
