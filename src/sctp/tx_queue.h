/* SPDX-License-Identifier: MIT */
/*
 * Messages on their way out: one queue for each stream, and whose turn it is.
 *
 * Streams share the line by weight: each piece moves its stream's virtual time on by its size divided by the weight,
 * and the stream whose next piece would finish first goes first (self-clocked fair queueing). Without interleaving a
 * message, once begun, goes on to its end, as fragments of others may not come between (RFC 9260 6.9). With it (RFC
 * 8260) turns change with every chunk, and a bound keeps the receiver from filling up with halves of messages: one of
 * any size, and others up to a limit.
 */
#ifndef WRD_SCTP_TX_QUEUE_H
#define WRD_SCTP_TX_QUEUE_H

#include "base/serial.h"
#include "sctp/heap.h"
#include "sctp/pool.h"
#include "sctp/sctp.h"

#define WRD_SCTP_RETRANSMITS_ANY UINT32_MAX

/* A queued message; its bytes follow and stay there until all are acknowledged. */
struct wrd_sctp_outgoing {
    struct wrd_sctp_outgoing *next;
    size_t capacity;
    wrd_time expires; /* WRD_NEVER: it does not */
    uint32_t len;
    uint32_t cut;     /* bytes that already became chunks */
    uint32_t unacked; /* bytes not yet acknowledged cumulatively */
    uint32_t ppid;
    uint32_t mid;         /* set with the first cut; its SSN is the lower half (RFC 8260 2.1) */
    uint32_t pieces;      /* how many chunks it became so far: the next one's FSN */
    uint32_t retransmits; /* that each of its chunks may have */
    uint16_t stream;
    bool unordered;
};

static inline const uint8_t *wrd_sctp_outgoing_bytes(const struct wrd_sctp_outgoing *message)
{
    return (const uint8_t *)(message + 1);
}

struct wrd_sctp_stream_out {
    struct wrd_sctp_heap_node turn;   /* keyed by the virtual time at which its next piece would be sent */
    struct wrd_sctp_heap_node expiry; /* keyed by a time at or before its first message's expiry */
    struct wrd_sctp_stream_out *bucket_next;
    struct wrd_sctp_stream_out *list_next; /* of `parked` */
    struct wrd_sctp_stream_out *low_next;
    struct wrd_sctp_outgoing *head, *tail;
    uint64_t passed; /* virtual time up to which it had its share */
    size_t uncut;    /* bytes */
    size_t low;
    uint32_t mid, mid_unordered; /* of the next message of either kind */
    uint16_t id, weight;
    bool paused;  /* a reset of it is under way */
    bool awaited; /* a reset waits until it is quiet */
    bool begun;   /* its first message counts in `begun` of the queue */
    bool parked, in_low;
};

/* What the peer agreed to. Before it is known nothing interleaves and nothing expires. */
struct wrd_sctp_queue_rules {
    bool interleaving;
    bool expiring;      /* messages may be given up */
    size_t begun_limit; /* of the length of unfinished messages but one, when interleaving */
    size_t piece;       /* the most bytes that one chunk takes */
};

/* Streams that wait until they may begin, in order. */
struct wrd_sctp_parked {
    struct wrd_sctp_stream_out *first, *last;
};

struct wrd_sctp_queue {
    struct wrd_sctp_pool *pool;
    struct wrd_sctp_queue_rules rules;
    struct wrd_sctp_stream_out **buckets; /* streams by number; as many as there are streams, about */
    uint32_t bucket_count, stream_count;
    uint32_t salt;         /* of the buckets: odd, and secret where there are many */
    uint32_t streams_made; /* so far; it wraps, as the next */
    uint32_t fell_quiet;   /* how many of those that were awaited did so far */
    uint16_t highest_stream;
    bool fell_low; /* some did to their low mark, since the caller cleared this */

    struct wrd_sctp_heap turns;
    uint64_t clock;                      /* virtual time */
    struct wrd_sctp_stream_out *picked;  /* by the last wrd_sctp_queue_first() */
    struct wrd_sctp_stream_out *current; /* in the middle of a message that nothing may interrupt */
    size_t begun;                        /* length of messages begun and not finished, when interleaving */
    struct wrd_sctp_stream_out *large;   /* its first message is begun beyond the limit, and not in `begun` */
    struct wrd_sctp_parked parked[2];    /* whose first message fits the limit, and whose never would */

    struct wrd_sctp_heap expiries;
    struct wrd_sctp_stream_out *low, *low_last; /* fell to their low mark, and were not told yet */

    size_t bytes;                    /* not yet acknowledged */
    size_t messages;                 /* not yet acknowledged in full */
    size_t limit;                    /* longer messages come alone; 0: there is none */
    struct wrd_sctp_outgoing *giant; /* the one that did; or NULL */
    uint64_t given_up;
};

void wrd_sctp_queue_init(struct wrd_sctp_queue *queue, struct wrd_sctp_pool *pool);
void wrd_sctp_queue_free(struct wrd_sctp_queue *queue);
void wrd_sctp_queue_agree(struct wrd_sctp_queue *queue, const struct wrd_sctp_queue_rules *rules);
/* Copies a message. False: no memory, nothing changed. */
bool wrd_sctp_queue_push(struct wrd_sctp_queue *queue, wrd_time now, const struct wrd_sctp_message *message);
/* What `queue` holds, with the overhead of each message, but without the giant: other streams need not wait for the end
 * of it. */
size_t wrd_sctp_queue_charge(const struct wrd_sctp_queue *queue);
/* The message to cut the next chunk from; NULL: none. Drops those whose time is over, if nothing of them was cut. */
struct wrd_sctp_outgoing *wrd_sctp_queue_first(struct wrd_sctp_queue *queue, wrd_time now);
/* `len` bytes of what wrd_sctp_queue_first() answered became a chunk. */
void wrd_sctp_queue_cut(struct wrd_sctp_queue *queue, size_t len);
/* `len` bytes of `message` are acknowledged for good; the last ones free it. */
void wrd_sctp_queue_acked(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message, size_t len);

/* Is the time of `message` over? */
static inline bool wrd_sctp_queue_is_late(const struct wrd_sctp_queue *queue, const struct wrd_sctp_outgoing *message,
                                          wrd_time now)
{
    return queue->rules.expiring && message->expires <= now;
}
/* Frees a message of which something was cut. No chunk may refer to it any more. */
void wrd_sctp_queue_give_up(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message);
/* When the first message of some stream may expire. */
wrd_time wrd_sctp_queue_deadline(const struct wrd_sctp_queue *queue);
/* Drops what expired at the head of streams. Not NULL: a message of which something was cut, for the caller to give
 * up; more may follow. */
struct wrd_sctp_outgoing *wrd_sctp_queue_expire(struct wrd_sctp_queue *queue, wrd_time now);

/* Every stream in use, once, beginning with NULL as the last one; NULL at the end. */
struct wrd_sctp_stream_out *wrd_sctp_queue_next_stream(const struct wrd_sctp_queue *queue,
                                                       const struct wrd_sctp_stream_out *last);
/* Is there nothing of `stream` left to cut? If there is, its becoming quiet will count in `fell_quiet`. */
bool wrd_sctp_queue_await_quiet(struct wrd_sctp_queue *queue, uint16_t stream);
/* Cuts no more from a quiet stream until it is resumed. False: no memory. */
bool wrd_sctp_queue_pause(struct wrd_sctp_queue *queue, uint16_t stream);
/* `again`: it begins anew, with its sequence numbers at 0 (RFC 6525 5.2.7, RFC 8260 2.1), its weight and low mark too.
 */
void wrd_sctp_queue_resume(struct wrd_sctp_queue *queue, uint16_t stream, bool again);

/* These two: false for no memory. */
bool wrd_sctp_queue_set_weight(struct wrd_sctp_queue *queue, uint16_t stream, uint16_t weight);
bool wrd_sctp_queue_set_low(struct wrd_sctp_queue *queue, uint16_t stream, size_t bytes);
/* Bytes of `stream` not yet cut. */
size_t wrd_sctp_queue_uncut(const struct wrd_sctp_queue *queue, uint16_t stream);
/* Takes a stream that fell to its low mark; false: none. */
bool wrd_sctp_queue_take_low(struct wrd_sctp_queue *queue, uint16_t *stream);

/* A message of which something was cut goes back to the front of its stream, from its first byte. */
void wrd_sctp_queue_requeue(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message);
/* The peer begins anew: all sequence numbers start at 0, and no stream is paused. Nothing may be in flight. */
void wrd_sctp_queue_restart(struct wrd_sctp_queue *queue);
/* Walks everything and stops the process when it contradicts itself. For tests. */
void wrd_sctp_queue_audit(const struct wrd_sctp_queue *queue);

#endif
