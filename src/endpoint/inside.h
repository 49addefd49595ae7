/* SPDX-License-Identifier: MIT */
/* The endpoint as its own files share it: endpoint.c (life, output, time), demux.c and moves.c (datagrams in), events.c
 * (events out), counters.c, reclaim.c, conn.c and channel.c (the application's calls). */
#ifndef WRD_ENDPOINT_INSIDE_H
#define WRD_ENDPOINT_INSIDE_H

#include "endpoint/admit.h"
#include "endpoint/asked.h"
#include "endpoint/connection.h"
#include "endpoint/cookie.h"
#include "endpoint/gate.h"
#include "endpoint/ledger.h"
#include "endpoint/newcomers.h"
#include "endpoint/paths.h"
#include "endpoint/table.h"
#include "endpoint/timers.h"

/* What is answered to an address, for no connection, waits here: an answer, and for a check that names a connection
 * elsewhere a probe, for twice as many datagrams as native/node.c takes before it sends. */
#define WRD_OUTBOX_SLOTS 512
#define WRD_OUTBOX_DIALS 2 /* of an endpoint that only dials */

struct wrd_outbox_slot {
    wrd_path path;
    size_t len;
    uint8_t bytes[WRD_ICE_ANSWER_MAX];
};

struct wrd_outbox {
    struct wrd_outbox_slot *slots;
    uint32_t cap, first, count;
};

struct wrd_endpoint {
    struct wrd_shared shared;
    struct wrd_ledger ledger;
    wrd_time now;
    struct wrd_table table;
    struct wrd_paths paths;
    struct wrd_map names; /* of connections that proved themselves: hash of the ufrag -> handle */
    struct wrd_timers timers;
    struct wrd_queue output, events, handshakes;
    uint32_t buried_count; /* retired, with last words still to transmit */
    uint32_t turn;         /* datagrams the first of `output` has had */
    bool news; /* events since the application last looked; deadline() then answers at once, until expire() */
    struct wrd_chan_said said; /* by the peer, with the last event */
    struct wrd_outbox outbox;
    wrd_endpoint_counters counters;

    /* Of an endpoint that accepts. */
    struct wrd_admit *admit; /* NULL: this endpoint only dials */
    struct wrd_gate *gate;
    struct wrd_newcomers *newcomers;
    wrd_time reclaim_after;
    struct wrd_cookie_keys cookies;
    wrd_token_key token_keys[WRD_TOKEN_KEYS_MAX];
    wrd_fingerprint second;  /* of options.second_key */
    struct wrd_asked *asked; /* NULL: there is one identity */
    bool draining;
};

/* A free place; NULL, and counted: there is more to answer than goes out. It is filled, then put. */
struct wrd_outbox_slot *wrd_outbox_slot(struct wrd_endpoint *ep);
void wrd_outbox_put(struct wrd_endpoint *ep, struct wrd_outbox_slot *slot, const wrd_path *path, size_t len);

/* Moves the clock. */
void wrd_endpoint_tick(struct wrd_endpoint *ep, wrd_time now);
/* Moves the clock, and finds a connection; NULL: gone. */
struct wrd_connection *wrd_endpoint_find(struct wrd_endpoint *ep, wrd_time now, wrd_conn conn);
/* Gives `c` a handle and room in every table; false, and `c` is freed: at the limit, or memory is short. */
bool wrd_endpoint_enroll(struct wrd_endpoint *ep, struct wrd_connection *c);
/* After anything that may have changed `c` and given it something to send. */
void wrd_endpoint_settle(struct wrd_endpoint *ep, struct wrd_connection *c);
/* Takes `c` out of every table. It lives on, unreachable, until its last datagrams are out, or not even that when many
 * do. */
void wrd_endpoint_retire(struct wrd_endpoint *ep, struct wrd_connection *c);
/* Ends the handshake that competes with `c`, if there is one. */
void wrd_endpoint_drop_rival(struct wrd_endpoint *ep, struct wrd_connection *c);
/* Memory is short: ends the connection that holds most of it without using it, if there is one. */
void wrd_endpoint_reclaim(struct wrd_endpoint *ep);
/* `c` is found by another name from now on. */
void wrd_endpoint_rename(struct wrd_endpoint *ep, struct wrd_connection *c, uint64_t name);
/* What comes from the address that `c` moved to is passed on by its siblings from now on, or no longer. Any time. */
void wrd_endpoint_claim_address(struct wrd_endpoint *ep, struct wrd_connection *c);
void wrd_endpoint_give_up_address(struct wrd_endpoint *ep, struct wrd_connection *c);
/* The connection that has `name`; NULL: none. */
struct wrd_connection *wrd_endpoint_named(const struct wrd_endpoint *ep, uint64_t name);

#endif
