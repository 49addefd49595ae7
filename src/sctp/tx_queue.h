/* SPDX-License-Identifier: MIT */
/* Messages on their way out: one queue for each stream, taking turns message by message (fragments may not interleave).
 */
#ifndef WRD_SCTP_TX_QUEUE_H
#define WRD_SCTP_TX_QUEUE_H

#include "base/serial.h"
#include "sctp/pool.h"

/* A queued message; its bytes follow and stay there until all are acknowledged. */
struct wrd_sctp_outgoing {
    struct wrd_sctp_outgoing *next;
    size_t capacity;
    uint32_t len;
    uint32_t cut;     /* bytes that already became chunks */
    uint32_t unacked; /* bytes not yet acknowledged cumulatively */
    uint32_t ppid;
    uint16_t stream;
    struct wrd_ssn ssn; /* set with the first cut */
    bool unordered;
};

static inline const uint8_t *wrd_sctp_outgoing_bytes(const struct wrd_sctp_outgoing *message)
{
    return (const uint8_t *)(message + 1);
}

struct wrd_sctp_stream_out {
    struct wrd_sctp_stream_out *next_turn;
    struct wrd_sctp_outgoing *head, *tail;
    uint16_t id;
    struct wrd_ssn ssn;
    bool paused; /* a reset of it is under way */
    bool in_turn;
};

#define WRD_SCTP_OUT_PAGES 256
#define WRD_SCTP_OUT_PAGE  256

struct wrd_sctp_queue {
    struct wrd_sctp_pool *pool;
    struct wrd_sctp_stream_out **pages[WRD_SCTP_OUT_PAGES];
    struct wrd_sctp_stream_out *turn, *turn_last; /* streams with something to cut */
    size_t bytes;                                 /* not yet acknowledged */
    size_t messages;                              /* not yet acknowledged in full */
    uint16_t highest_stream;
};

void wrd_sctp_queue_init(struct wrd_sctp_queue *queue, struct wrd_sctp_pool *pool);
void wrd_sctp_queue_free(struct wrd_sctp_queue *queue);
/* Copies `len` > 0 bytes. False: no memory, nothing changed. */
bool wrd_sctp_queue_push(struct wrd_sctp_queue *queue, uint16_t stream, uint32_t ppid, bool unordered,
                         const uint8_t *bytes, size_t len);
/* What `queue` holds, with the overhead of each message. */
size_t wrd_sctp_queue_charge(const struct wrd_sctp_queue *queue);
/* The message to cut the next chunk from; NULL: none. The same until it is cut to its end. */
struct wrd_sctp_outgoing *wrd_sctp_queue_first(const struct wrd_sctp_queue *queue);
/* `len` bytes of wrd_sctp_queue_first() became a chunk. */
void wrd_sctp_queue_cut(struct wrd_sctp_queue *queue, size_t len);
/* `len` bytes of `message` are acknowledged for good; the last ones free it. */
void wrd_sctp_queue_acked(struct wrd_sctp_queue *queue, struct wrd_sctp_outgoing *message, size_t len);

/* Is there nothing of `stream` left to cut? */
bool wrd_sctp_queue_quiet(const struct wrd_sctp_queue *queue, uint16_t stream);
/* Cuts no more from a quiet stream until it is resumed. False: no memory. */
bool wrd_sctp_queue_pause(struct wrd_sctp_queue *queue, uint16_t stream);
/* `again`: its SSNs begin at 0 again. */
void wrd_sctp_queue_resume(struct wrd_sctp_queue *queue, uint16_t stream, bool again);

#endif
