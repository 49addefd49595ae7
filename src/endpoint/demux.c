/* SPDX-License-Identifier: MIT */
/*
 * Datagrams in: by their first byte (RFC 7983), then by the address they came from, then by name. What a stranger sends
 * is answered from the packet alone until a ClientHello comes from an address that sent a valid check.
 */
#include "base/check.h"
#include "base/siphash.h"
#include "endpoint/inside.h"
#include "endpoint/moves.h"
#include "stun/stun.h"

#include <string.h>

/* True: it is a sibling's, though there may have been no room for it, which is counted where it was lost. */
static bool pass_on(struct wrd_endpoint *ep, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    const wrd_siblings *siblings = ep->shared.options.siblings;
    wrd_result result = siblings ? siblings->pass(siblings->user, name, path, datagram, len) : WRD_GONE;
    ep->counters.passed_on += result == WRD_OK;
    return result != WRD_GONE;
}

/* ---- STUN */

/* Does the ufrag begin with a token, where one is asked for? */
static bool has_token(struct wrd_endpoint *ep, const wrd_ufrag *ufrag, wrd_token *token)
{
    const wrd_env *env = &ep->shared.env;
    size_t count = ep->shared.options.token_key_count;
    if (count == 0)
        return true;
    wrd_result result =
        wrd_token_check(token, ufrag->text, ufrag->len, ep->token_keys, count, env->unix_time(env->user), NULL);
    if (result == WRD_TIMEOUT)
        ep->counters.checks_expired_token++;
    else if (result != WRD_OK)
        ep->counters.checks_unknown_token++;
    return result == WRD_OK;
}

/* A valid check. */
struct check {
    const wrd_path *path;
    const wrd_ufrag *ufrag;
    uint64_t hash, name;               /* keyed hashes of address and ufrag */
    struct wrd_connection *here, *own; /* at its address; whose check it is, NULL: nobody's yet */
    size_t len, answer_len;
};

static bool is_at_home(const struct check *check)
{
    return check->own && check->own == check->here;
}

/* Not the name of who is at that address. */
static bool is_new(const struct check *check)
{
    return !check->here || check->here->name != check->name;
}

/* Remembers who may go on to a handshake, or whose connection may follow it to this address. `token`: who it is, NULL:
 * it may not connect. */
static void note_check(struct wrd_endpoint *ep, const struct check *check, const wrd_token *token)
{
    const wrd_addr *remote = &check->path->remote;
    const struct wrd_admitted *before = wrd_admit_find(ep->admit, ep->now, check->hash, remote);
    bool other = before && before->may_connect &&
                 (!token || memcmp(before->subject, token->subject, sizeof before->subject) != 0);
    bool mixed = before && (before->mixed || other);
    struct wrd_admitted *entry = wrd_admit_note(ep->admit, ep->now, check->hash, remote, check->name);
    entry->may_connect = token != NULL;
    entry->mixed = mixed;
    entry->contested = entry->contested || check->here;
    entry->identity = ep->asked && wrd_ufrag_is_for(check->ufrag, &ep->second);
    if (ep->asked)
        wrd_asked_note(ep->asked, check->hash, entry->identity);
    entry->bytes_in += (uint32_t)check->len;
    entry->bytes_out += (uint32_t)check->answer_len;
    if (token)
        memcpy(entry->subject, token->subject, sizeof entry->subject);
}

/* What it means to the connection that it is of. */
static void take_check(struct wrd_endpoint *ep, const struct check *check)
{
    if (is_at_home(check)) {
        wrd_endpoint_rename(ep, check->own, check->name);
        check->own->heard_at = ep->now; /* the deadline moves when it comes due */
    } else if (check->own) {
        wrd_moves_probe(ep, check->own, check->path);
    }
}

/* `hash`: of its address. Where tokens are asked for, errors are no more for strangers than success is. */
static void answer_check(struct wrd_endpoint *ep, const wrd_path *path, uint64_t hash, const uint8_t *datagram,
                         size_t len)
{
    struct wrd_outbox_slot *slot = wrd_outbox_slot(ep);
    if (!slot)
        return;
    struct wrd_ice_answered answered;
    size_t answer_len = wrd_ice_lite_answer(&answered, &path->remote, datagram, len, slot->bytes, sizeof slot->bytes);
    if (answer_len == 0) {
        ep->counters.checks_invalid++;
        return;
    }
    struct check check = {.path = path, .ufrag = &answered.ufrag, .hash = hash, .len = len, .answer_len = answer_len};
    check.name = wrd_siphash(ep->paths.key, (const uint8_t *)answered.ufrag.text, answered.ufrag.len);
    check.here = wrd_paths_find(&ep->paths, &path->remote);
    check.own = check.here && (check.here->name == check.name || check.here->hearsay)
                    ? check.here
                    : wrd_endpoint_named(ep, check.name);
    wrd_token token = {0};
    if (!check.own && pass_on(ep, check.name, path, datagram, len))
        return;
    bool may_connect = is_new(&check) && has_token(ep, check.ufrag, &token);
    if (!check.own && !may_connect)
        return;
    wrd_outbox_put(ep, slot, path, answer_len);
    if (!answered.is_success) { /* a well-formed check that we refuse, and say so */
        ep->counters.checks_invalid++;
        return;
    }
    ep->counters.checks_answered++;
    if (is_new(&check) && (may_connect || !is_at_home(&check)))
        note_check(ep, &check, may_connect ? &token : NULL);
    take_check(ep, &check);
}

/* A check by the server that `c` dialed, which then is a full agent; false: it is none. */
static bool answer_server(struct wrd_endpoint *ep, const struct wrd_connection *c, const wrd_path *path,
                          const uint8_t *datagram, size_t len)
{
    struct wrd_outbox_slot *slot = c->check ? wrd_outbox_slot(ep) : NULL;
    size_t answer_len =
        slot ? wrd_ice_check_answer(c->check, &path->remote, datagram, len, slot->bytes, sizeof slot->bytes) : 0;
    if (answer_len > 0)
        wrd_outbox_put(ep, slot, path, answer_len);
    return answer_len > 0;
}

/* Whoever began a handshake may have forged the address. */
static bool is_open(const struct wrd_connection *c)
{
    return c && c->phase >= WRD_PHASE_OPEN && c->phase < WRD_PHASE_ENDED;
}

static void receive_stun(struct wrd_endpoint *ep, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    struct wrd_connection *c = wrd_paths_find(&ep->paths, &path->remote);
    if (c && c->dialed) {
        if (answer_server(ep, c, path, datagram, len))
            return;
        wrd_connection_receive_stun(&ep->shared, c, ep->now, datagram, len);
        wrd_endpoint_settle(ep, c);
    } else if (!ep->admit) {
        ep->counters.checks_invalid++;
    } else {
        uint64_t hash = wrd_paths_hash(ep->paths.key, &path->remote);
        if (is_open(c) || wrd_newcomers_ask(ep->newcomers, ep->now, hash))
            answer_check(ep, path, hash, datagram, len);
        else if (!pass_on(ep, 0, path, datagram, len)) /* of a client that moved here, whose loop is another */
            ep->counters.checks_put_off++;
    }
}

/* ---- ClientHellos */

/* Handshakes stand open, use up their rate or the places, or checks crowd each other out: somebody may be forging
 * addresses. */
static bool is_pressed(const struct wrd_endpoint *ep, const wrd_addr *remote)
{
    return ep->handshakes.count >= ep->shared.options.cookies_above || wrd_admit_is_crowded(ep->admit, ep->now) ||
           wrd_gate_is_tight(ep->gate, ep->now, wrd_gate_address(ep->paths.key, remote));
}

static void ask_for_cookie(struct wrd_endpoint *ep, const wrd_path *path, uint8_t identity, const uint8_t *datagram)
{
    struct wrd_outbox_slot *slot = wrd_outbox_slot(ep);
    if (!slot)
        return;
    uint8_t cookie[WRD_DTLS_COOKIE_SIZE];
    wrd_cookie_make(cookie, &ep->cookies, ep->now, &path->remote, identity);
    size_t len = wrd_dtls_hello_verify(slot->bytes, sizeof slot->bytes, datagram, cookie);
    if (len == 0)
        return;
    wrd_outbox_put(ep, slot, path, len);
    ep->counters.cookies_sent++;
}

/* Is there room for one more, of this address? Then it is taken. Everything here is cheaper than any cryptography. */
static bool may_begin(struct wrd_endpoint *ep, uint64_t address)
{
    if (ep->draining) {
        ep->counters.dropped_draining++;
        return false;
    }
    if (ep->counters.connections >= ep->shared.options.max_connections) {
        ep->counters.dropped_full++;
        return false;
    }
    if (!wrd_ledger_has_room(&ep->ledger)) {
        ep->counters.dropped_memory++;
        return false;
    }
    switch (wrd_gate_ask(ep->gate, ep->now, address)) {
    case WRD_GATE_OPEN: return true;
    case WRD_GATE_FULL: ep->counters.dropped_full++; break;
    case WRD_GATE_ADDRESS_FULL: ep->counters.dropped_address++; break;
    case WRD_GATE_ADDRESS_RATE: ep->counters.dropped_address_rate++; break;
    case WRD_GATE_RATE: ep->counters.dropped_rate++; break;
    case WRD_GATE_NO_MEMORY: ep->counters.dropped_memory++; break;
    }
    return false;
}

/* Makes room among the handshakes by giving up the oldest. */
static void evict_handshake(struct wrd_endpoint *ep)
{
    struct wrd_connection *oldest = ep->handshakes.first;
    oldest->evicted = true;
    wrd_connection_end(oldest, ep->now, WRD_TIMEOUT, "too many handshakes at once; this was the oldest");
    wrd_endpoint_retire(ep, oldest);
}

/* Takes the place behind the connection that the address has, until it proves itself. */
static void make_rival(struct wrd_endpoint *ep, struct wrd_connection *present, struct wrd_connection *c)
{
    wrd_endpoint_drop_rival(ep, present);
    present->rival = c;
    c->replaces = present;
}

static uint64_t hello_hash(const struct wrd_endpoint *ep, const struct wrd_dtls_hello *hello)
{
    return wrd_siphash(ep->paths.key, hello->random, WRD_DTLS_RANDOM_SIZE);
}

/* Is there a handshake at its address that the hello belongs to, as its beginning or a repetition? Later parts belong
 * to whatever there is. */
static bool is_expected(const struct wrd_endpoint *ep, struct wrd_connection *c, const struct wrd_dtls_hello *hello)
{
    if (!c || !hello)
        return c != NULL;
    uint64_t hash = hello_hash(ep, hello);
    for (struct wrd_connection *each = c; each; each = each == c ? c->rival : NULL) {
        if (each->hello == 0 && each->phase == WRD_PHASE_HANDSHAKING)
            each->hello = hash; /* its later parts came first */
        if (each->hello == hash)
            return true;
    }
    return false;
}

/* The only place where a datagram makes a connection; NULL, and counted: it may not, or memory is short. */
static struct wrd_connection *begin(struct wrd_endpoint *ep, const wrd_path *path, struct wrd_admitted *admitted,
                                    uint8_t identity, bool proved)
{
    uint64_t address = wrd_gate_address(ep->paths.key, &path->remote);
    if (!may_begin(ep, address))
        return NULL;
    if (ep->handshakes.count >= ep->shared.options.max_handshakes)
        evict_handshake(ep);
    struct wrd_accept accept = {.path = *path, .identity = identity, .proved = proved};
    if (admitted)
        accept.admitted = *admitted;
    struct wrd_connection *c = wrd_connection_accept(&ep->shared, ep->now, &accept);
    if (!c || !wrd_endpoint_enroll(ep, c)) {
        wrd_gate_leave(ep->gate, address, false);
        ep->counters.dropped_memory++;
        return NULL;
    }
    c->address = address;
    if (admitted)
        wrd_admit_forget(admitted);
    ep->counters.handshakes_begun++;
    wrd_queue_push(&ep->handshakes, c);
    struct wrd_connection *present = wrd_paths_find(&ep->paths, &path->remote);
    if (present)
        make_rival(ep, present, c);
    else
        wrd_paths_put(&ep->paths, c);
    return c;
}

/* Is there a connection at the address, here or at a sibling? */
static bool is_inhabited(struct wrd_endpoint *ep, const wrd_addr *remote)
{
    const wrd_siblings *siblings = ep->shared.options.siblings;
    return wrd_paths_find(&ep->paths, remote) || (siblings && siblings->is_owned(siblings->user, remote));
}

/* Which identity does who sends a hello mean? False: it is not known. */
static bool find_identity(const struct wrd_endpoint *ep, const wrd_path *path, const struct wrd_admitted *admitted,
                          uint8_t *identity)
{
    *identity = admitted ? admitted->identity : 0;
    return admitted || !ep->asked || wrd_asked_find(ep->asked, wrd_paths_hash(ep->paths.key, &path->remote), identity);
}

/* (Part of) a ClientHello that no handshake waits for. True: there is a connection for it now. */
static bool receive_hello(struct wrd_endpoint *ep, const wrd_path *path, struct wrd_admitted *admitted,
                          const struct wrd_dtls_hello *hello, const uint8_t *datagram)
{
    uint8_t identity;
    bool is_clear = find_identity(ep, path, admitted, &identity);
    bool answers = hello && hello->cookie_len > 0;
    bool proved = answers && wrd_cookie_is_good(&ep->cookies, ep->now, &path->remote, hello, &identity);
    if (answers && !proved)
        ep->counters.cookies_wrong++;
    bool is_taken = is_inhabited(ep, &path->remote);
    /* A cookie proves more than a check, and says which identity is meant, but not who is to be let in. */
    bool may_connect =
        admitted ? admitted->may_connect : ep->shared.options.token_key_count == 0 && (is_clear || proved);
    bool pressed = may_connect && !proved && is_pressed(ep, &path->remote); /* else nobody asks */
    if (!may_connect || !(admitted || proved || is_taken || pressed)) {
        ep->counters.dropped_unknown_path++;
        return false;
    }
    /* Where there is somebody already, or names change, anybody may be forging the address. */
    bool doubtful = answers || is_taken || pressed || (admitted && admitted->contested);
    if (!proved && doubtful) {
        if (hello)
            ask_for_cookie(ep, path, identity, datagram);
        else
            ep->counters.dropped_unknown_path++; /* a later part; the first will come again with a cookie */
        return false;
    }
    struct wrd_connection *c = begin(ep, path, admitted, identity, proved);
    if (c && hello)
        c->hello = hello_hash(ep, hello);
    return c != NULL;
}

/* ---- DTLS */

/* Gives a datagram to the connection of its address, and to the one that may replace it: each takes what its keys fit
 * and ignores the rest. */
static bool receive_known(struct wrd_endpoint *ep, struct wrd_connection *c, const wrd_path *path,
                          const uint8_t *datagram, size_t len)
{
    struct wrd_connection *rival = c->rival;
    (rival ? rival : c)->bytes_in += len; /* once: both answer within one address's budget */
    bool authentic = wrd_connection_receive_dtls(&ep->shared, c, ep->now, datagram, len);
    if (authentic)
        c->path.local = path->local; /* a forged datagram cannot move it */
    if (rival)
        (void)wrd_connection_receive_dtls(&ep->shared, rival, ep->now, datagram, len);
    if (c->stirred)
        wrd_endpoint_settle(ep, c);
    else
        wrd_queue_push(&ep->output, c); /* a SACK may be due, no more */
    if (rival)
        wrd_endpoint_settle(ep, rival);
    return authentic;
}

static struct wrd_admitted *find_admitted(struct wrd_endpoint *ep, const wrd_path *path)
{
    return wrd_admit_find(ep->admit, ep->now, wrd_paths_hash(ep->paths.key, &path->remote), &path->remote);
}

/* A ClientHello, or a part of one. True: there is a connection that takes it. */
static bool let_in(struct wrd_endpoint *ep, const wrd_path *path, struct wrd_connection *c, const uint8_t *datagram,
                   size_t len)
{
    struct wrd_dtls_hello hello;
    bool first = wrd_dtls_hello_read(&hello, datagram, len);
    return is_expected(ep, c, first ? &hello : NULL) ||
           receive_hello(ep, path, find_admitted(ep, path), first ? &hello : NULL, datagram);
}

static void receive_dtls(struct wrd_endpoint *ep, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    struct wrd_connection *c = wrd_paths_find(&ep->paths, &path->remote);
    bool accepts = ep->admit && !(c && c->dialed);
    if (accepts && wrd_dtls_is_client_hello(datagram, len)) {
        if (let_in(ep, path, c, datagram, len))
            (void)receive_known(ep, wrd_paths_find(&ep->paths, &path->remote), path, datagram, len);
        return;
    }
    if (c && receive_known(ep, c, path, datagram, len))
        return;
    const struct wrd_admitted *admitted = accepts ? find_admitted(ep, path) : NULL;
    if (admitted && wrd_moves_receive(ep, admitted->name, path, datagram, len))
        return;
    /* Where there is somebody, too: the address may have gone to a client of another loop. */
    if (!pass_on(ep, 0, path, datagram, len) && !c)
        ep->counters.dropped_unknown_path++;
}

void wrd_endpoint_receive(wrd_endpoint *ep, wrd_time now, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    ep->counters.datagrams_received++;
    ep->counters.bytes_received += len;
    wrd_endpoint_receive_passed(ep, now, path, datagram, len);
}

void wrd_endpoint_receive_passed(wrd_endpoint *ep, wrd_time now, const wrd_path *path, const uint8_t *datagram,
                                 size_t len)
{
    wrd_endpoint_tick(ep, now);
    if (!wrd_ledger_has_room(&ep->ledger))
        wrd_endpoint_reclaim(ep);
    if (len <= WRD_DATAGRAM_MAX && wrd_stun_is(datagram, len))
        receive_stun(ep, path, datagram, len);
    else if (len <= WRD_DATAGRAM_MAX && wrd_dtls_is(datagram, len))
        receive_dtls(ep, path, datagram, len);
    else
        ep->counters.dropped_garbage++;
}
