/* SPDX-License-Identifier: MIT */
/*
 * Whole messages to delivery order: by number on each stream (the SSN of DATA, the MID of I-DATA), then one queue for
 * the reader. A message that comes before its turn waits in order; a stream's reset by the peer takes its place in
 * the queue like a message.
 *
 * Memory for what may follow is asked for before a chunk is taken: what was acknowledged is never lost for want of it.
 */
#ifndef WRD_SCTP_RX_ORDER_H
#define WRD_SCTP_RX_ORDER_H

#include "sctp/bounds.h"
#include "sctp/chunk.h"
#include "sctp/pool.h"
#include "sctp/rx_sorted.h"

/* Not of the wire: the block is no message but says that the peer reset the stream. */
#define WRD_SCTP_STREAM_ENDS 0x80

/* A chunk, or a whole message; its bytes follow. */
struct wrd_sctp_block {
    union {
        struct wrd_sctp_block *next; /* in a list */
        struct wrd_sctp_place waiting;
    };
    uint32_t capacity; /* of the whole block */
    uint32_t len;
    struct wrd_tsn tsn;
    struct wrd_tsn run_end; /* at either end of a run of fragments: the other end */
    uint32_t run_bytes;
    uint32_t ppid;
    uint32_t number; /* SSN or MID */
    uint16_t stream;
    uint8_t flags;
};

static inline uint8_t *wrd_sctp_block_bytes(struct wrd_sctp_block *block)
{
    return (uint8_t *)(block + 1);
}

static inline size_t wrd_sctp_block_charge(const struct wrd_sctp_block *block)
{
    return block->len + WRD_SCTP_OVERHEAD;
}

/* A stream that was used. */
struct wrd_sctp_stream_in {
    uint16_t id; /* UINT16_MAX: a free place; no stream has that number */
    uint16_t waiting;
    uint32_t next;            /* the number to deliver next */
    uint32_t unordered_floor; /* unordered messages below it were given up by the peer (I-FORWARD-TSN) */
    uint32_t open;            /* messages of I-DATA under assembly */
};

struct wrd_sctp_order {
    struct wrd_sctp_pool *pool;
    uint64_t salt;
    uint32_t last_number;               /* after it comes 0 */
    uint32_t stream_size, stream_count; /* places, a power of two or 0; used ones */
    uint32_t recent;                    /* the place looked at last */
    struct wrd_sctp_stream_in *streams;
    struct wrd_sctp_sorted waiting; /* whole messages, by stream */
    struct wrd_sctp_block *ready, *ready_last;
    struct wrd_sctp_block *spare; /* for resets */
    uint32_t spare_count;
    size_t charged; /* everything that is kept, with its overhead */
};

enum wrd_sctp_joined {
    WRD_SCTP_JOINED,
    WRD_SCTP_JOIN_NO_MEMORY, /* the chunk was not taken; nothing changed */
    WRD_SCTP_JOIN_TOO_LARGE, /* these and the following: the association must end */
    WRD_SCTP_JOIN_TOO_MANY,
    WRD_SCTP_JOIN_BROKEN,
    WRD_SCTP_JOIN_STUCK /* memory ended in the middle of what was acknowledged */
};

void wrd_sctp_order_init(struct wrd_sctp_order *order, struct wrd_sctp_pool *pool, bool long_numbers, uint64_t salt);
void wrd_sctp_order_free(struct wrd_sctp_order *order);
/* Gives back what nothing needs at the moment. */
void wrd_sctp_order_drain(struct wrd_sctp_order *order);

/* A block with the bytes of `data` and room for `room` in all; not charged yet. NULL: no memory. */
struct wrd_sctp_block *wrd_sctp_order_block(struct wrd_sctp_order *order, const struct wrd_sctp_data *data,
                                            uint32_t number, size_t room);
/* The room that a message of several chunks begins with, at least `needed`, when the last one had `last` bytes. */
size_t wrd_sctp_order_guess(size_t last, size_t needed);
/* Room for `more` bytes, doubling up to that of a message of `limit`; false: no memory, nothing changed. */
bool wrd_sctp_order_grow(struct wrd_sctp_order *order, struct wrd_sctp_block **block, size_t more, size_t limit);
void wrd_sctp_order_drop(struct wrd_sctp_order *order, struct wrd_sctp_block *block);
void wrd_sctp_order_drop_charged(struct wrd_sctp_order *order, struct wrd_sctp_block *block);

/* NULL: not used yet. Valid until the next stream is used. */
struct wrd_sctp_stream_in *wrd_sctp_order_find(struct wrd_sctp_order *order, uint16_t stream);
/* The same, for use; NULL: no memory. */
struct wrd_sctp_stream_in *wrd_sctp_order_use(struct wrd_sctp_order *order, uint16_t stream);
/* Takes a whole message, charges it, and delivers what can be. The stream of an ordered one is in use. */
enum wrd_sctp_joined wrd_sctp_order_put(struct wrd_sctp_order *order, struct wrd_sctp_block *block);
/* Was `number` delivered, or skipped, on a stream whose next one is `next`? */
static inline bool wrd_sctp_order_is_past(const struct wrd_sctp_order *order, uint32_t next, uint32_t number)
{
    return ((number - next) & order->last_number) > order->last_number / 2;
}

/* Nothing up to `number` will come on `stream`, which is in use. */
void wrd_sctp_order_skip(struct wrd_sctp_order *order, uint16_t stream, uint32_t number);

/* Memory to tell of `count` resets; false: none. */
bool wrd_sctp_order_reserve_resets(struct wrd_sctp_order *order, size_t count);
/* Numbers start at 0 again, and the reader is told in turn; reserved before. False: messages still waited. */
bool wrd_sctp_order_reset(struct wrd_sctp_order *order, uint16_t stream);

/* Every stream was reset, and none of them has anything left: as if none had been used. */
void wrd_sctp_order_forget_streams(struct wrd_sctp_order *order);

/* Drops the first of `ready`. */
void wrd_sctp_order_release(struct wrd_sctp_order *order);
/* Stops the process when the counters are wrong. For tests; `elsewhere` is charged by others. */
void wrd_sctp_order_audit(const struct wrd_sctp_order *order, size_t elsewhere);

#endif
