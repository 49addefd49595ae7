/* SPDX-License-Identifier: MIT */
/* All connections of one socket: their life in the tables, output in turn, time. */
#include "base/check.h"
#include "base/mem.h"
#include "endpoint/counters.h"
#include "endpoint/env.h"
#include "endpoint/inside.h"
#include "endpoint/messages.h"
#include "endpoint/options.h"

/* Datagrams in a row for one connection before the next has its turn. */
#define TURN_MAX 32

bool wrd_endpoint_enroll(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    const wrd_env *env = &ep->shared.env;
    uint32_t count = ep->counters.connections + 1;
    c->heap_index = WRD_TIMERS_NOWHERE;
    if (!wrd_timers_reserve(&ep->timers, env, count) || !wrd_paths_reserve(&ep->paths, env, count) ||
        !wrd_map_reserve(&ep->names, env, count) || !wrd_table_add(&ep->table, env, c)) {
        wrd_connection_free(&ep->shared, c);
        return false;
    }
    ep->counters.connections = count;
    return true;
}

/* ---- the life of a connection as the endpoint sees it */

struct wrd_connection *wrd_endpoint_named(const struct wrd_endpoint *ep, uint64_t name)
{
    const uint64_t *handle = wrd_map_find(&ep->names, name);
    return handle ? wrd_table_find(&ep->table, *handle) : NULL;
}

/* From now on `c` is found by its name wherever its peer goes. The first of two that share one keeps it. */
static void claim_name(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    if (c->named || c->dialed || c->name == 0 || wrd_map_find(&ep->names, c->name))
        return;
    const wrd_siblings *siblings = ep->shared.options.siblings;
    wrd_map_put(&ep->names, c->name, c->handle);
    c->named = true;
    if (siblings)
        siblings->own(siblings->user, c->name, true);
}

static void give_up_name(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    const wrd_siblings *siblings = ep->shared.options.siblings;
    if (!c->named)
        return;
    wrd_map_remove(&ep->names, c->name);
    c->named = false;
    if (siblings)
        siblings->own(siblings->user, c->name, false);
}

void wrd_endpoint_rename(struct wrd_endpoint *ep, struct wrd_connection *c, uint64_t name)
{
    if (c->name == name)
        return;
    give_up_name(ep, c);
    c->name = name;
    if (c->phase >= WRD_PHASE_ASSOCIATING && c->phase < WRD_PHASE_ENDED)
        claim_name(ep, c);
}

void wrd_endpoint_claim_address(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    const wrd_siblings *siblings = ep->shared.options.siblings;
    if (!siblings || c->owns_address)
        return;
    siblings->own_address(siblings->user, &c->path.remote, true);
    c->owns_address = true;
}

void wrd_endpoint_give_up_address(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    const wrd_siblings *siblings = ep->shared.options.siblings;
    if (!c->owns_address)
        return;
    siblings->own_address(siblings->user, &c->path.remote, false);
    c->owns_address = false;
}

/* Its address proved itself; max_connections bounds it from here on. */
static void end_handshake(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    if (!c->links[WRD_QUEUE_HANDSHAKES].in)
        return;
    wrd_queue_remove(&ep->handshakes, c);
    wrd_gate_prove(ep->gate);
}

static void leave_gate(struct wrd_endpoint *ep, const struct wrd_connection *c)
{
    if (!c->dialed)
        wrd_gate_leave(ep->gate, c->address, !c->links[WRD_QUEUE_HANDSHAKES].in);
}

void wrd_endpoint_retire(struct wrd_endpoint *ep, struct wrd_connection *c)
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
    give_up_name(ep, c);
    wrd_endpoint_give_up_address(ep, c);
    leave_gate(ep, c);
    wrd_timers_set(&ep->timers, c, WRD_NEVER);
    wrd_queue_remove(&ep->events, c);
    wrd_queue_remove(&ep->handshakes, c);
    wrd_table_remove(&ep->table, c);
    wrd_counters_retire(&ep->counters, c);
    if (ep->buried_count >= ep->shared.options.max_handshakes) {
        wrd_queue_remove(&ep->output, c);
        wrd_connection_free(&ep->shared, c);
        return;
    }
    c->buried = true;
    ep->buried_count++;
    wrd_queue_push(&ep->output, c);
}

void wrd_endpoint_drop_rival(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    struct wrd_connection *rival = c->rival;
    if (!rival)
        return;
    wrd_connection_end(rival, ep->now, WRD_LOST, "another handshake took its place");
    wrd_endpoint_retire(ep, rival);
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
    if (c->phase >= WRD_PHASE_ASSOCIATING) {
        end_handshake(ep, c);
        if (c->phase < WRD_PHASE_ENDED)
            claim_name(ep, c);
    }
    if (c->was_open && !c->counted) {
        c->counted = true;
        ep->counters.connections_opened++;
    }
    if (c->phase == WRD_PHASE_ENDED && !c->was_open && !c->dialed) {
        wrd_endpoint_retire(ep, c); /* the application never heard of it */
        return false;
    }
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

static void set_timer(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    wrd_timers_set(&ep->timers, c, wrd_connection_deadline(&ep->shared, c));
    c->timed_phase = c->phase;
}

/* Its timer is set once more when its turn to send is over; what is settled for each message leaves it as it is. */
void wrd_endpoint_settle(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    if (!note(ep, c))
        return;
    if (c->heap_index == WRD_TIMERS_NOWHERE || c->phase != c->timed_phase)
        set_timer(ep, c);
    wrd_queue_push(&ep->output, c);
}

void wrd_endpoint_tick(struct wrd_endpoint *ep, wrd_time now)
{
    if (now > ep->now)
        ep->now = now;
}

struct wrd_connection *wrd_endpoint_find(struct wrd_endpoint *ep, wrd_time now, wrd_conn conn)
{
    wrd_endpoint_tick(ep, now);
    return wrd_table_find(&ep->table, conn);
}

/* ---- making and freeing */

/* What an endpoint that accepts needs besides options in their ranges. */
static wrd_result check_identities(const wrd_endpoint_options *options, const wrd_env *env, wrd_fingerprint *second,
                                   const char **why)
{
    wrd_fingerprint first;
    *why = "";
    *second = (wrd_fingerprint){{0}};
    if (options->key && wrd_key_fingerprint(&first, options->key) == WRD_INVALID)
        *why = "options.key is no P-256 key: it is 0 or not below the group order; make one with wrd_key_random()";
    else if (options->second_key && !options->key)
        *why = "options.second_key is set without options.key: the first key is the one that all others meet";
    else if (options->second_key && wrd_key_fingerprint(second, options->second_key) == WRD_INVALID)
        *why = "options.second_key is no P-256 key: it is 0 or not below the group order";
    else if (options->token_key_count > 0 && !env->unix_time)
        *why = "options.token_keys are set, but env.unix_time is not: tokens expire by that clock";
    return **why ? WRD_INVALID : WRD_OK;
}

/* The DTLS context has copies of the keys, which were borrowed for this call only. */
static bool make_context(struct wrd_endpoint *ep)
{
    wrd_endpoint_options *options = &ep->shared.options;
    struct wrd_dtls_settings settings = {.identities = {options->key, options->second_key},
                                         .ask_certificate = options->ask_certificate};
    ep->shared.dtls = wrd_dtls_context_new(&ep->shared.env, &settings);
    options->key = options->second_key = NULL;
    if (ep->shared.dtls && options->trace && options->trace->key)
        wrd_dtls_context_log_keys(ep->shared.dtls, options->trace->key, options->trace->user);
    return ep->shared.dtls != NULL;
}

static bool shares_gate(const struct wrd_endpoint *ep)
{
    return ep->shared.options.siblings && ep->shared.options.siblings->gate;
}

/* What an endpoint that accepts has besides. */
static bool open_door(struct wrd_endpoint *ep, bool has_second)
{
    const wrd_endpoint_options *options = &ep->shared.options;
    ep->ledger.env.random(ep->ledger.env.user, (uint8_t *)&ep->cookies, sizeof ep->cookies);
    ep->admit = wrd_mem_zalloc(&ep->shared.env, sizeof *ep->admit);
    ep->gate = shares_gate(ep) ? options->siblings->gate : wrd_gate_open(options, &ep->shared.env);
    ep->newcomers = wrd_mem_zalloc(&ep->shared.env, sizeof *ep->newcomers);
    if (has_second)
        ep->asked = wrd_mem_zalloc(&ep->shared.env, sizeof *ep->asked);
    return ep->admit && ep->gate && ep->newcomers && (ep->asked || !has_second);
}

static bool fill(struct wrd_endpoint *ep)
{
    wrd_endpoint_options *options = &ep->shared.options;
    bool accepts = options->key != NULL, has_second = options->second_key != NULL;
    wrd_table_init(&ep->table, options->max_connections);
    ep->output.name = WRD_QUEUE_OUTPUT;
    ep->events.name = WRD_QUEUE_EVENTS;
    ep->handshakes.name = WRD_QUEUE_HANDSHAKES;
    ep->ledger.env.random(ep->ledger.env.user, ep->paths.key, sizeof ep->paths.key);
    if (options->siblings) /* so that all of them know a connection by the same name */
        memcpy(ep->paths.key, options->siblings->key, sizeof ep->paths.key);
    if (options->token_key_count > 0)
        memcpy(ep->token_keys, options->token_keys, options->token_key_count * sizeof *ep->token_keys);
    options->token_keys = NULL;
    ep->outbox.cap = accepts ? WRD_OUTBOX_SLOTS : WRD_OUTBOX_DIALS;
    ep->outbox.slots = wrd_mem_zalloc(&ep->shared.env, ep->outbox.cap * sizeof *ep->outbox.slots);
    return make_context(ep) && ep->outbox.slots && (!accepts || open_door(ep, has_second));
}

wrd_result wrd_endpoint_new(wrd_endpoint **out, const wrd_endpoint_options *options, const wrd_env *env,
                            const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *out = NULL;
    wrd_env outer = wrd_env_complete(env);
    wrd_endpoint_options complete;
    wrd_fingerprint second;
    wrd_result result = wrd_endpoint_options_complete(&complete, options, why);
    if (result == WRD_OK)
        result = check_identities(&complete, &outer, &second, why);
    if (result != WRD_OK)
        return result;
    *why = "out of memory";
    struct wrd_endpoint *ep = wrd_mem_zalloc(&outer, sizeof *ep);
    if (!ep)
        return WRD_NO_MEMORY;
    ep->ledger = (struct wrd_ledger){.env = outer, .limit = complete.memory_limit};
    ep->shared = (struct wrd_shared){
        .env = wrd_ledger_env(&ep->ledger), .options = complete, .counters = &ep->counters, .crc = wrd_crc32c_pick()};
    ep->second = second;
    if (!fill(ep)) {
        wrd_endpoint_free(ep);
        return WRD_NO_MEMORY;
    }
    *why = "";
    *out = ep;
    return WRD_OK;
}

void wrd_endpoint_free(wrd_endpoint *ep)
{
    if (!ep)
        return;
    wrd_env env = ep->shared.env, outer = ep->ledger.env;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (c)
            leave_gate(ep, c);
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
    wrd_map_free(&ep->names, &env);
    if (!shares_gate(ep))
        wrd_gate_free(ep->gate);
    wrd_mem_free(&env, ep->asked, sizeof *ep->asked);
    wrd_mem_free(&env, ep->newcomers, sizeof *ep->newcomers);
    wrd_mem_free(&env, ep->admit, sizeof *ep->admit);
    wrd_mem_free(&env, ep->outbox.slots, ep->outbox.cap * sizeof *ep->outbox.slots);
    wrd_dtls_context_free(ep->shared.dtls);
    wrd_mem_free(&outer, ep, sizeof *ep);
}

/* ---- datagrams out */

struct wrd_outbox_slot *wrd_outbox_slot(struct wrd_endpoint *ep)
{
    if (ep->outbox.count < ep->outbox.cap)
        return &ep->outbox.slots[(ep->outbox.first + ep->outbox.count) % ep->outbox.cap];
    ep->counters.dropped_busy++;
    return NULL;
}

void wrd_outbox_put(struct wrd_endpoint *ep, struct wrd_outbox_slot *slot, const wrd_path *path, size_t len)
{
    slot->path = *path;
    slot->len = len;
    ep->outbox.count++;
}

static size_t transmit_answer(struct wrd_endpoint *ep, wrd_path *path, uint8_t *out, size_t cap)
{
    uint32_t at = ep->outbox.first;
    size_t len = ep->outbox.slots[at].len;
    WRD_ASSERT(len <= cap);
    memcpy(out, ep->outbox.slots[at].bytes, len);
    *path = ep->outbox.slots[at].path;
    ep->outbox.first = (at + 1) % ep->outbox.cap;
    ep->outbox.count--;
    return len;
}

static void count_sent(struct wrd_endpoint *ep, size_t len)
{
    ep->counters.datagrams_sent++;
    ep->counters.bytes_sent += len;
}

static void finish_turn(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    wrd_queue_remove(&ep->output, c);
    ep->turn = 0;
}

size_t wrd_endpoint_transmit(wrd_endpoint *ep, wrd_time now, wrd_path *path, uint8_t *out, size_t cap)
{
    wrd_endpoint_tick(ep, now);
    if (cap < WRD_DATAGRAM_MAX)
        return 0;
    if (ep->outbox.count > 0) {
        size_t len = transmit_answer(ep, path, out, cap);
        count_sent(ep, len);
        return len;
    }
    while (ep->output.first) {
        struct wrd_connection *c = ep->output.first;
        size_t len = wrd_connection_transmit(&ep->shared, c, ep->now, out, cap);
        if (len > 0) {
            *path = c->path;
            count_sent(ep, len);
            if (++ep->turn >= TURN_MAX) {
                finish_turn(ep, c);
                set_timer(ep, c);
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
        if (note(ep, c)) /* sending starts timers, and may have ended it */
            set_timer(ep, c);
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
    wrd_endpoint_tick(ep, now);
    ep->news = false;
    struct wrd_connection *c;
    /* Each turn handles one connection, and none twice: a room whose timer stays due would otherwise spin. */
    for (uint32_t turns = ep->timers.len; turns > 0 && (c = wrd_timers_first(&ep->timers)) && c->deadline <= ep->now;
         turns--) {
        wrd_connection_expire(&ep->shared, c, ep->now);
        if (note(ep, c)) {
            set_timer(ep, c);
            wrd_queue_push(&ep->output, c);
        }
    }
}

/* ---- the rest of the application's side; events.c, conn.c and channel.c have most */

void wrd_endpoint_refused(wrd_endpoint *ep, wrd_time now, const wrd_addr *remote)
{
    wrd_endpoint_tick(ep, now);
    struct wrd_connection *c = wrd_paths_find(&ep->paths, remote);
    if (!c || !c->dialed || c->phase >= WRD_PHASE_OPEN)
        return;
    wrd_connection_end(c, ep->now, WRD_REFUSED,
                       "nobody listens on that port, or a firewall rejects: is the server running there?");
    wrd_endpoint_settle(ep, c);
}

wrd_result wrd_endpoint_dial(wrd_endpoint *ep, wrd_time now, wrd_conn *out, const wrd_address *address)
{
    return wrd_endpoint_dial_with(ep, now, out, address, NULL);
}

wrd_result wrd_endpoint_dial_with(wrd_endpoint *ep, wrd_time now, wrd_conn *out, const wrd_address *address,
                                  const char *token)
{
    wrd_endpoint_tick(ep, now);
    *out = 0;
    uint8_t random[WRD_UFRAG_RANDOM_SIZE];
    wrd_ufrag ufrag;
    ep->shared.env.random(ep->shared.env.user, random, sizeof random);
    size_t token_len = 0;
    while (token && token_len <= WRD_UFRAG_PREFIX_MAX && token[token_len] != 0)
        token_len++;
    if ((address->addr.family != 4 && address->addr.family != 6) || address->addr.port == 0 ||
        wrd_paths_find(&ep->paths, &address->addr) ||
        wrd_ufrag_for(&ufrag, token, token_len, random, &address->fingerprint) != WRD_OK)
        return WRD_INVALID;
    if (ep->counters.connections >= ep->shared.options.max_connections)
        return WRD_TOO_LARGE;
    struct wrd_connection *c = wrd_connection_dial(&ep->shared, ep->now, address, &ufrag);
    if (!c || !wrd_endpoint_enroll(ep, c))
        return WRD_NO_MEMORY;
    wrd_paths_put(&ep->paths, c);
    wrd_endpoint_settle(ep, c);
    *out = c->handle;
    return WRD_OK;
}

void wrd_endpoint_drain(wrd_endpoint *ep, wrd_time now, uint32_t code, const char *reason)
{
    wrd_endpoint_tick(ep, now);
    ep->draining = true;
    for (uint32_t i = 0; i < ep->table.cap; i++)
        if (ep->table.slots[i].connection)
            wrd_conn_close_with(ep, now, ep->table.slots[i].connection->handle, code, reason);
}

void wrd_endpoint_abort(wrd_endpoint *ep, wrd_time now)
{
    wrd_endpoint_tick(ep, now);
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        struct wrd_connection *c = ep->table.slots[i].connection;
        if (c) {
            wrd_connection_end(c, ep->now, WRD_OK, "closed by us");
            wrd_endpoint_settle(ep, c);
        }
    }
}
