/* SPDX-License-Identifier: MIT */
#include "wrd/endpoint.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "endpoint/env.h"
#include "endpoint/inside.h"
#include "endpoint/messages.h"
#include "endpoint/options.h"
#include "stun/stun.h"

/* Datagrams in a row for one connection before the next has its turn. */
#define TURN_MAX 16

const wrd_time wrd_rtt_bounds[WRD_RTT_CLASSES] = {
    1 * WRD_MILLISECOND,   2 * WRD_MILLISECOND,   5 * WRD_MILLISECOND,   10 * WRD_MILLISECOND,  20 * WRD_MILLISECOND,
    35 * WRD_MILLISECOND,  50 * WRD_MILLISECOND,  75 * WRD_MILLISECOND,  100 * WRD_MILLISECOND, 150 * WRD_MILLISECOND,
    250 * WRD_MILLISECOND, 500 * WRD_MILLISECOND, 1000 * WRD_MILLISECOND, 2500 * WRD_MILLISECOND};

/* Gives `c` a handle and room in every table; false: at the limit, or memory is short. */
static bool enroll(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    const wrd_env *env = &ep->shared.env;
    uint32_t count = ep->counters.connections + 1;
    c->heap_index = WRD_TIMERS_NOWHERE;
    if (!wrd_timers_reserve(&ep->timers, env, count + count / 2) || !wrd_paths_reserve(&ep->paths, env, count) ||
        !wrd_table_add(&ep->table, env, c))
        return false;
    ep->counters.connections = count;
    return true;
}

/* ---- the life of a connection as the endpoint sees it */

/* Takes `c` out of every table. It lives on, unreachable, until its last datagrams are out, or not even that when many
 * do. */
static void retire(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    wrd_paths_remove(&ep->paths, c);
    if (c->rival) { /* the rival inherits the address */
        c->rival->replaces = NULL;
        wrd_paths_put(&ep->paths, c->rival);
        c->rival = NULL;
    }
    if (c->replaces) {
        c->replaces->rival = NULL;
        c->replaces = NULL;
    }
    wrd_timers_set(&ep->timers, c, WRD_NEVER);
    wrd_queue_remove(&ep->events, c);
    wrd_queue_remove(&ep->handshakes, c);
    wrd_table_remove(&ep->table, c);
    ep->counters.connections--;
    if (c->was_open)
        ep->counters.connections_closed++;
    else
        ep->counters.handshakes_failed++;
    if (ep->buried_count >= ep->shared.options.max_handshakes) {
        wrd_queue_remove(&ep->output, c);
        wrd_connection_free(&ep->shared, c);
        return;
    }
    c->buried = true;
    ep->buried_count++;
    wrd_queue_push(&ep->output, c);
}

/* A handshake from the address of `c->replaces` proved itself: it takes that one's place. */
static void replace(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    struct wrd_connection *old = c->replaces;
    wrd_connection_end(old, ep->now, WRD_LOST, "a new connection from the same address took its place");
    wrd_paths_remove(&ep->paths, old);
    old->rival = NULL;
    c->replaces = NULL;
    wrd_paths_put(&ep->paths, c);
    wrd_endpoint_settle(ep, old);
}

/* Brings the tables in line with what became of `c`; false: it is retired, and may be freed. */
static bool note(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    if (c->replaces && c->phase >= WRD_PHASE_ASSOCIATING && c->phase < WRD_PHASE_ENDED)
        replace(ep, c);
    if (c->phase >= WRD_PHASE_ASSOCIATING)
        wrd_queue_remove(&ep->handshakes, c); /* its address proved itself; max_connections bounds it from here on */
    if (c->was_open && !c->counted) {
        c->counted = true;
        ep->counters.connections_opened++;
    }
    if (c->phase == WRD_PHASE_ENDED && !c->was_open && !c->dialed) {
        retire(ep, c); /* the application never heard of it */
        return false;
    }
    wrd_timers_set(&ep->timers, c, wrd_connection_deadline(&ep->shared, c));
    unsigned due = c->pending;
    if ((due & WRD_PENDING(WRD_EVENT_CLOSED)) && !wrd_connection_drained(c, ep->now))
        due &= ~WRD_PENDING(WRD_EVENT_CLOSED); /* it comes last; release and close bring us here again */
    if (wrd_chan_has_events(&c->chan))
        due |= WRD_PENDING(WRD_EVENT_CHANNEL_OPEN); /* for all its kinds */
    ep->news = ep->news || (due & ~c->announced);
    c->announced = due;
    if (due)
        wrd_queue_push(&ep->events, c);
    return true;
}

void wrd_endpoint_settle(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    if (note(ep, c))
        wrd_queue_push(&ep->output, c);
}

static void tick(struct wrd_endpoint *ep, wrd_time now)
{
    if (now > ep->now)
        ep->now = now;
}

struct wrd_connection *wrd_endpoint_find(struct wrd_endpoint *ep, wrd_time now, wrd_conn conn)
{
    tick(ep, now);
    return wrd_table_find(&ep->table, conn);
}

/* ---- making and freeing */

wrd_result wrd_endpoint_new(wrd_endpoint **out, const wrd_endpoint_options *options, const wrd_env *env,
                            const char **why)
{
    *out = NULL;
    struct wrd_shared shared = {.env = wrd_env_complete(env)};
    wrd_result result = wrd_endpoint_options_complete(&shared.options, options, why);
    if (result != WRD_OK)
        return result;
    wrd_fingerprint own;
    if (shared.options.key && wrd_key_fingerprint(&own, shared.options.key) == WRD_INVALID) {
        if (why)
            *why = "options.key is no P-256 key: it is 0 or not below the group order; make one with wrd_key_random()";
        return WRD_INVALID;
    }
    if (why)
        *why = "out of memory";
    struct wrd_endpoint *ep = wrd_mem_zalloc(&shared.env, sizeof *ep);
    if (!ep)
        return WRD_NO_MEMORY;
    ep->shared = shared;
    wrd_table_init(&ep->table, shared.options.max_connections);
    ep->output.name = WRD_QUEUE_OUTPUT;
    ep->events.name = WRD_QUEUE_EVENTS;
    ep->handshakes.name = WRD_QUEUE_HANDSHAKES;
    bool accepts = shared.options.key != NULL;
    ep->shared.dtls = wrd_dtls_context_new(&ep->shared.env, shared.options.key);
    const wrd_trace *trace = shared.options.trace;
    if (ep->shared.dtls && trace && trace->key)
        wrd_dtls_context_log_keys(ep->shared.dtls, trace->key, trace->user);
    ep->shared.options.key = NULL; /* borrowed for this call only; the DTLS context has a copy */
    if (accepts)
        ep->admit = wrd_mem_zalloc(&ep->shared.env, sizeof *ep->admit);
    shared.env.random(shared.env.user, ep->paths.key, sizeof ep->paths.key);
    if (!ep->shared.dtls || (accepts && !ep->admit)) {
        wrd_endpoint_free(ep);
        return WRD_NO_MEMORY;
    }
    if (why)
        *why = "";
    *out = ep;
    return WRD_OK;
}

void wrd_endpoint_free(wrd_endpoint *ep)
{
    if (!ep)
        return;
    wrd_env env = ep->shared.env;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (c && !c->links[WRD_QUEUE_OUTPUT].in)
            wrd_connection_free(&ep->shared, c);
    }
    while (ep->output.first) { /* the rest, and those retired with last words */
        struct wrd_connection *c = ep->output.first;
        wrd_queue_remove(&ep->output, c);
        wrd_connection_free(&ep->shared, c);
    }
    wrd_mem_free(&env, ep->said.bytes, ep->said.len + 1);
    wrd_paths_free(&ep->paths, &env);
    wrd_timers_free(&ep->timers, &env);
    wrd_table_free(&ep->table, &env);
    if (ep->admit)
        wrd_mem_free(&env, ep->admit, sizeof *ep->admit);
    wrd_dtls_context_free(ep->shared.dtls);
    wrd_mem_free(&env, ep, sizeof *ep);
}

/* ---- datagrams in: demux by first byte (RFC 7983), then by path */

static void answer_check(struct wrd_endpoint *ep, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    if (ep->outbox.count == WRD_OUTBOX_SLOTS) {
        ep->counters.dropped_busy++;
        return;
    }
    uint32_t at = (ep->outbox.first + ep->outbox.count) % WRD_OUTBOX_SLOTS;
    struct wrd_ice_answered answered;
    size_t answer_len = wrd_ice_lite_answer(&answered, &path->remote, datagram, len, ep->outbox.slots[at].bytes,
                                            sizeof ep->outbox.slots[at].bytes);
    if (answer_len == 0) {
        ep->counters.checks_invalid++;
        return;
    }
    ep->outbox.slots[at].path = *path;
    ep->outbox.slots[at].len = answer_len;
    ep->outbox.count++;
    if (!answered.is_success) { /* a well-formed check that we refuse, and say so */
        ep->counters.checks_invalid++;
        return;
    }
    ep->counters.checks_answered++;
    uint64_t ufrag_hash = wrd_siphash(ep->paths.key, (const uint8_t *)answered.ufrag.text, answered.ufrag.len);
    wrd_admit_note(ep->admit, ep->now, wrd_paths_hash(ep->paths.key, &path->remote), &path->remote, ufrag_hash, len,
                   answer_len);
    struct wrd_connection *c = wrd_paths_find(&ep->paths, &path->remote);
    if (c && c->ufrag_hash == ufrag_hash)
        c->heard_at = ep->now; /* the deadline moves when it comes due */
}

/* A check by the server that `c` dialed; false: it is none. */
static bool answer_server(struct wrd_endpoint *ep, const struct wrd_connection *c, const wrd_path *path,
                          const uint8_t *datagram, size_t len)
{
    if (!c->check || ep->outbox.count == WRD_OUTBOX_SLOTS)
        return false;
    uint32_t at = (ep->outbox.first + ep->outbox.count) % WRD_OUTBOX_SLOTS;
    ep->outbox.slots[at].len = wrd_ice_check_answer(c->check, &path->remote, datagram, len, ep->outbox.slots[at].bytes,
                                                    sizeof ep->outbox.slots[at].bytes);
    if (ep->outbox.slots[at].len == 0)
        return false;
    ep->outbox.slots[at].path = *path;
    ep->outbox.count++;
    return true;
}

static void receive_stun(struct wrd_endpoint *ep, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    struct wrd_connection *c = wrd_paths_find(&ep->paths, &path->remote);
    if (c && c->dialed) {
        if (answer_server(ep, c, path, datagram, len))
            return;
        wrd_connection_receive_stun(&ep->shared, c, ep->now, datagram, len);
        wrd_endpoint_settle(ep, c);
    } else if (ep->admit) {
        answer_check(ep, path, datagram, len);
    } else {
        ep->counters.checks_invalid++;
    }
}

/* Makes room among the handshakes by giving up the oldest. */
static void evict_handshake(struct wrd_endpoint *ep)
{
    struct wrd_connection *oldest = ep->handshakes.first;
    wrd_connection_end(oldest, ep->now, WRD_TIMEOUT, "too many handshakes at once; this was the oldest");
    ep->counters.dropped_busy++;
    retire(ep, oldest);
}

/* A ClientHello from an address with a fresh check: the only datagram that makes a connection. */
static struct wrd_connection *admit_hello(struct wrd_endpoint *ep, const wrd_path *path,
                                          const struct wrd_admitted *admitted)
{
    if (ep->handshakes.count >= ep->shared.options.max_handshakes)
        evict_handshake(ep);
    struct wrd_connection *c = wrd_connection_accept(&ep->shared, ep->now, path);
    if (!c || !enroll(ep, c)) {
        if (c)
            wrd_connection_free(&ep->shared, c);
        ep->counters.dropped_busy++;
        return NULL;
    }
    c->ufrag_hash = admitted->ufrag_hash;
    c->bytes_in = admitted->bytes_in;
    c->bytes_out = admitted->bytes_out;
    wrd_queue_push(&ep->handshakes, c);
    struct wrd_connection *present = wrd_paths_find(&ep->paths, &path->remote);
    if (!present) {
        wrd_paths_put(&ep->paths, c);
        return c;
    }
    if (present->rival) {
        wrd_connection_end(present->rival, ep->now, WRD_LOST, "a newer handshake from the same address");
        retire(ep, present->rival);
    }
    present->rival = c;
    c->replaces = present;
    return c;
}

static void receive_dtls(struct wrd_endpoint *ep, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    struct wrd_connection *c = wrd_paths_find(&ep->paths, &path->remote);
    struct wrd_connection *newest = c && c->rival ? c->rival : c;
    if (ep->admit && (!c || !c->dialed) && wrd_dtls_is_client_hello(datagram, len)) {
        const struct wrd_admitted *admitted =
            wrd_admit_find(ep->admit, ep->now, wrd_paths_hash(ep->paths.key, &path->remote), &path->remote);
        if (admitted && (!newest || newest->ufrag_hash != admitted->ufrag_hash)) {
            if (!admit_hello(ep, path, admitted))
                return;
            c = wrd_paths_find(&ep->paths, &path->remote);
        }
    }
    if (!c) {
        ep->counters.dropped_unknown_path++;
        return;
    }
    /* While two handshakes compete for one address, each takes what its keys fit and ignores the rest. */
    struct wrd_connection *rival = c->rival;
    (rival ? rival : c)->bytes_in += len; /* once: both answer within one address's budget */
    if (wrd_connection_receive_dtls(&ep->shared, c, ep->now, datagram, len))
        c->path.local = path->local; /* a forged datagram cannot move it */
    if (rival)
        (void)wrd_connection_receive_dtls(&ep->shared, rival, ep->now, datagram, len);
    wrd_endpoint_settle(ep, c);
    if (rival)
        wrd_endpoint_settle(ep, rival);
}

void wrd_endpoint_receive(wrd_endpoint *ep, wrd_time now, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    tick(ep, now);
    ep->counters.datagrams_received++;
    if (len <= WRD_DATAGRAM_MAX && wrd_stun_is(datagram, len))
        receive_stun(ep, path, datagram, len);
    else if (len <= WRD_DATAGRAM_MAX && wrd_dtls_is(datagram, len))
        receive_dtls(ep, path, datagram, len);
    else
        ep->counters.dropped_garbage++;
}

/* ---- datagrams out */

static size_t transmit_answer(struct wrd_endpoint *ep, wrd_path *path, uint8_t *out, size_t cap)
{
    uint32_t at = ep->outbox.first;
    size_t len = ep->outbox.slots[at].len;
    WRD_ASSERT(len <= cap);
    memcpy(out, ep->outbox.slots[at].bytes, len);
    *path = ep->outbox.slots[at].path;
    ep->outbox.first = (at + 1) % WRD_OUTBOX_SLOTS;
    ep->outbox.count--;
    return len;
}

static void finish_turn(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    wrd_queue_remove(&ep->output, c);
    ep->turn = 0;
}

size_t wrd_endpoint_transmit(wrd_endpoint *ep, wrd_time now, wrd_path *path, uint8_t *out, size_t cap)
{
    tick(ep, now);
    if (cap < WRD_DATAGRAM_MAX)
        return 0;
    if (ep->outbox.count > 0) {
        ep->counters.datagrams_sent++;
        return transmit_answer(ep, path, out, cap);
    }
    while (ep->output.first) {
        struct wrd_connection *c = ep->output.first;
        size_t len = wrd_connection_transmit(&ep->shared, c, ep->now, out, cap);
        if (len > 0) {
            *path = c->path;
            ep->counters.datagrams_sent++;
            if (++ep->turn >= TURN_MAX) {
                finish_turn(ep, c);
                wrd_queue_push(&ep->output, c);
            }
            return len;
        }
        finish_turn(ep, c);
        if (c->buried) {
            ep->buried_count--;
            wrd_connection_free(&ep->shared, c);
            continue;
        }
        (void)note(ep, c); /* sending starts timers, and may have ended it */
    }
    return 0;
}

/* ---- time */

wrd_time wrd_endpoint_deadline(const wrd_endpoint *ep)
{
    const struct wrd_connection *first = wrd_timers_first(&ep->timers);
    if (ep->news || ep->output.first || ep->outbox.count > 0)
        return ep->now; /* something to look at or to transmit: a wait now would only delay it */
    return first ? first->deadline : WRD_NEVER;
}

void wrd_endpoint_expire(wrd_endpoint *ep, wrd_time now)
{
    tick(ep, now);
    ep->news = false;
    struct wrd_connection *c;
    /* Each turn handles one connection, and none twice: a room whose timer stays due would otherwise spin. */
    for (uint32_t turns = ep->timers.len; turns > 0 && (c = wrd_timers_first(&ep->timers)) && c->deadline <= ep->now;
         turns--) {
        wrd_connection_expire(&ep->shared, c, ep->now);
        wrd_endpoint_settle(ep, c);
    }
}

/* ---- the application's side */

static void forget_said(struct wrd_endpoint *ep)
{
    wrd_mem_free(&ep->shared.env, ep->said.bytes, ep->said.len + 1);
    ep->said = (struct wrd_chan_said){0};
}

/* Takes what the peer said, to lend it until the next event. */
static void lend_said(struct wrd_endpoint *ep, wrd_event *out, struct wrd_chan_said *said)
{
    ep->said = *said;
    *said = (struct wrd_chan_said){0};
    if (ep->said.bytes)
        out->said = (const char *)ep->said.bytes;
}

static bool next_of_channels(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    static const wrd_event_kind kinds[] = {[WRD_CHAN_EVENT_OPEN] = WRD_EVENT_CHANNEL_OPEN,
                                           [WRD_CHAN_EVENT_LOW] = WRD_EVENT_CHANNEL_LOW,
                                           [WRD_CHAN_EVENT_CLOSED] = WRD_EVENT_CHANNEL_CLOSED};
    struct wrd_chan_event event;
    wrd_message message;
    if (!wrd_chan_next(&c->chan, &event))
        return false;
    out->kind = kinds[event.kind];
    out->channel = event.channel;
    out->reason = event.reason;
    out->text = event.text;
    out->code = event.code;
    lend_said(ep, out, &event.said);
    c->announced &= ~WRD_PENDING(WRD_EVENT_CHANNEL_OPEN);
    if (c->chan.held && wrd_connection_look(c, ep->now, &message) && !c->closed_by_us)
        c->pending |= WRD_PENDING(WRD_EVENT_READABLE); /* they waited for this event */
    wrd_endpoint_settle(ep, c);
    return true;
}

/* The next event that is no channel's and not the last. */
static bool next_plain(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    static const wrd_event_kind kinds[] = {WRD_EVENT_READABLE, WRD_EVENT_WRITABLE, WRD_EVENT_CHANNEL_LOW};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned bit = WRD_PENDING(kinds[i]);
        if (!(c->pending & bit))
            continue;
        c->pending &= ~bit;
        c->announced &= ~bit;
        if (kinds[i] == WRD_EVENT_READABLE && c->phase == WRD_PHASE_ENDED && wrd_connection_drained(c, ep->now))
            continue; /* the last look has nothing to see */
        out->kind = kinds[i];
        return true;
    }
    return false;
}

static bool next_of(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    if (c->pending & WRD_PENDING(WRD_EVENT_OPEN)) {
        c->pending &= ~WRD_PENDING(WRD_EVENT_OPEN);
        c->announced &= ~WRD_PENDING(WRD_EVENT_OPEN);
        out->kind = WRD_EVENT_OPEN;
        return true;
    }
    if (next_of_channels(ep, c, out) || next_plain(ep, c, out))
        return true;
    if (!(c->pending & WRD_PENDING(WRD_EVENT_CLOSED)) || !wrd_connection_drained(c, ep->now))
        return false;
    wrd_chan_end(&c->chan, c->reason, c->reason_text);
    if (next_of_channels(ep, c, out))
        return true;
    out->kind = WRD_EVENT_CLOSED;
    out->reason = c->reason;
    out->text = c->reason_text;
    out->code = c->chan.code;
    lend_said(ep, out, &c->chan.said);
    retire(ep, c);
    return true;
}

bool wrd_endpoint_next(wrd_endpoint *ep, wrd_event *out)
{
    forget_said(ep);
    while (ep->events.first) {
        struct wrd_connection *c = ep->events.first;
        *out = (wrd_event){.conn = c->handle, .peer = c->path.remote, .text = "", .said = ""};
        if (next_of(ep, c, out))
            return true;
        wrd_queue_remove(&ep->events, c);
    }
    ep->news = false;
    return false;
}

wrd_result wrd_endpoint_accept(wrd_endpoint *ep, wrd_conn *out, wrd_addr *peer)
{
    for (struct wrd_connection *c = ep->events.first; c; c = wrd_queue_after(&ep->events, c)) {
        if (c->pending & WRD_PENDING(WRD_EVENT_OPEN)) {
            c->pending &= ~WRD_PENDING(WRD_EVENT_OPEN);
            *out = c->handle;
            if (peer)
                *peer = c->path.remote;
            return WRD_OK;
        }
    }
    return WRD_AGAIN;
}

void wrd_endpoint_refused(wrd_endpoint *ep, wrd_time now, const wrd_addr *remote)
{
    tick(ep, now);
    struct wrd_connection *c = wrd_paths_find(&ep->paths, remote);
    if (!c || !c->dialed || c->phase >= WRD_PHASE_OPEN)
        return;
    wrd_connection_end(c, ep->now, WRD_REFUSED, "nobody listens on that port: is the server running there?");
    wrd_endpoint_settle(ep, c);
}

wrd_result wrd_endpoint_dial(wrd_endpoint *ep, wrd_time now, wrd_conn *out, const wrd_address *address)
{
    tick(ep, now);
    *out = 0;
    if ((address->addr.family != 4 && address->addr.family != 6) || address->addr.port == 0 ||
        wrd_paths_find(&ep->paths, &address->addr))
        return WRD_INVALID;
    if (ep->counters.connections >= ep->shared.options.max_connections)
        return WRD_TOO_LARGE;
    struct wrd_connection *c = wrd_connection_dial(&ep->shared, ep->now, address);
    if (!c || !enroll(ep, c)) {
        if (c)
            wrd_connection_free(&ep->shared, c);
        return WRD_NO_MEMORY;
    }
    wrd_paths_put(&ep->paths, c);
    wrd_endpoint_settle(ep, c);
    *out = c->handle;
    return WRD_OK;
}

wrd_result wrd_endpoint_dial_with(wrd_endpoint *ep, wrd_time now, wrd_conn *out, const wrd_address *address,
                                  const char *token)
{
    return token ? WRD_INVALID : wrd_endpoint_dial(ep, now, out, address);
}

void wrd_endpoint_drain(wrd_endpoint *ep, wrd_time now, uint32_t code, const char *reason)
{
    tick(ep, now);
    for (uint32_t i = 0; i < ep->table.cap; i++)
        if (ep->table.slots[i].connection)
            wrd_conn_close_with(ep, now, ep->table.slots[i].connection->handle, code, reason);
}

void wrd_endpoint_abort(wrd_endpoint *ep, wrd_time now)
{
    tick(ep, now);
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (c) {
            wrd_connection_end(c, ep->now, WRD_OK, "closed by us");
            wrd_endpoint_settle(ep, c);
        }
    }
}

void wrd_endpoint_get_counters(const wrd_endpoint *ep, wrd_endpoint_counters *out)
{
    if (out->size != sizeof *out)
        return;
    *out = ep->counters;
    out->size = sizeof *out;
}
