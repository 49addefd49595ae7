/* SPDX-License-Identifier: MIT */
/* The endpoint as its own files share it: endpoint.c (life, demux, events), conn.c (the application's calls). */
#ifndef WRD_ENDPOINT_INSIDE_H
#define WRD_ENDPOINT_INSIDE_H

#include "endpoint/admit.h"
#include "endpoint/connection.h"
#include "endpoint/paths.h"
#include "endpoint/table.h"
#include "endpoint/timers.h"

/* Answers to checks wait here; they belong to no connection. */
#define WRD_OUTBOX_SLOTS 128

struct wrd_outbox {
    struct {
        wrd_path path;
        size_t len;
        uint8_t bytes[WRD_ICE_ANSWER_MAX];
    } slots[WRD_OUTBOX_SLOTS];
    uint32_t first, count;
};

struct wrd_endpoint {
    struct wrd_shared shared;
    wrd_time now;
    struct wrd_table table;
    struct wrd_paths paths;
    struct wrd_timers timers;
    struct wrd_admit *admit; /* NULL: this endpoint only dials */
    struct wrd_queue output, events, handshakes;
    uint32_t buried_count; /* retired, with last words still to transmit */
    uint32_t turn;         /* datagrams the first of `output` has had */
    bool news; /* events since the application last looked; deadline() then answers at once, until expire() */
    struct wrd_chan_said said; /* by the peer, with the last event */
    struct wrd_outbox outbox;
    wrd_endpoint_counters counters;
};

/* Moves the clock, and finds a connection; NULL: gone. */
struct wrd_connection *wrd_endpoint_find(struct wrd_endpoint *ep, wrd_time now, wrd_conn conn);
/* After anything that may have changed `c` and given it something to send. */
void wrd_endpoint_settle(struct wrd_endpoint *ep, struct wrd_connection *c);

#endif
