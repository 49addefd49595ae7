/* SPDX-License-Identifier: MIT */
/*
 * Two live endpoints, one dialing the other, over a wire that the input controls: it delivers, drops, repeats, damages and
 * invents datagrams, moves the clock and the client's address, and makes either application send, receive, release or
 * close; the server under pressure, with tokens, short of memory, or not. DTLS is the stand-in without crypto, so that
 * damage and invention reach SCTP, channels and frames.
 */
#include "wrd/wrd.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_MAX 32

struct wire {
    uint8_t bytes[WIRE_MAX][WRD_DATAGRAM_MAX];
    size_t len[WIRE_MAX];
    unsigned count;
};

struct side {
    wrd_endpoint *endpoint;
    wrd_addr addr;
    wrd_conn conn;
    struct wire out;
};

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t random_state;

static void fill_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(random_state >> 56);
    }
}

static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void collect(struct side *side, wrd_time now)
{
    wrd_path path;
    uint8_t bytes[WRD_DATAGRAM_MAX];
    size_t len;
    while ((len = wrd_endpoint_transmit(side->endpoint, now, &path, bytes, sizeof bytes)) > 0) {
        if (side->out.count == WIRE_MAX)
            continue; /* the wire is full: lost */
        memcpy(side->out.bytes[side->out.count], bytes, len);
        side->out.len[side->out.count++] = len;
    }
}

static void deliver(struct side *from, struct side *to, wrd_time now, const uint8_t *bytes, size_t len)
{
    wrd_path path = {.local = to->addr, .remote = from->addr};
    wrd_endpoint_receive(to->endpoint, now, &path, bytes, len);
}

static void pop(struct wire *wire)
{
    if (wire->count == 0)
        return;
    wire->count--;
    memmove(wire->bytes[0], wire->bytes[1], wire->count * sizeof wire->bytes[0]);
    memmove(wire->len, wire->len + 1, wire->count * sizeof wire->len[0]);
}

static void events(struct side *side)
{
    wrd_event event;
    while (wrd_endpoint_next(side->endpoint, &event))
        if (event.kind == WRD_EVENT_OPEN)
            side->conn = event.conn;
}

static void step(struct side *a, struct side *b, wrd_time *now, struct input *in)
{
    uint8_t op = take(in);
    struct side *from = op & 0x80 ? b : a, *to = op & 0x80 ? a : b;
    struct wire *wire = &from->out;
    uint8_t scratch[WRD_DATAGRAM_MAX];
    wrd_message message;
    if ((op & 0x70) == 0x70)
        a->addr.port++; /* the client is elsewhere */
    switch (op & 15) {
    default: /* the usual: deliver in order */
        if (wire->count > 0)
            deliver(from, to, *now, wire->bytes[0], wire->len[0]);
        pop(wire);
        break;
    case 8: pop(wire); break;
    case 9: /* repeat */
        if (wire->count > 0)
            deliver(from, to, *now, wire->bytes[wire->count - 1], wire->len[wire->count - 1]);
        break;
    case 10: /* damage some bytes */
        for (unsigned n = take(in) & 7; n > 0 && wire->count > 0; n--) {
            size_t at = (size_t)(take(in) << 8 | take(in)) % wire->len[0];
            wire->bytes[0][at] = take(in);
        }
        break;
    case 11: { /* invent */
        size_t len = take(in);
        for (size_t i = 0; i < len; i++)
            scratch[i] = take(in);
        deliver(from, to, *now, scratch, len);
        break;
    }
    case 12: *now += (wrd_time)take(in) * take(in) * WRD_MILLISECOND; break;
    case 13: {
        size_t len = (size_t)take(in) * 8;
        memset(scratch, take(in), sizeof scratch);
        (void)!wrd_conn_send(from->endpoint, *now, from->conn, WRD_BINARY, scratch,
                             len < sizeof scratch ? len : sizeof scratch);
        break;
    }
    case 14:
        if (wrd_conn_receive(from->endpoint, *now, from->conn, &message) == WRD_OK && (op & 16))
            wrd_conn_release(from->endpoint, *now, from->conn);
        break;
    case 15:
        if (op & 16)
            wrd_conn_close(from->endpoint, *now, from->conn);
        break;
    }
    wrd_endpoint_expire(a->endpoint, *now);
    wrd_endpoint_expire(b->endpoint, *now);
    events(a);
    events(b);
    collect(a, *now);
    collect(b, *now);
}

static const wrd_token_key token_key = {{1}};
static char token_text[WRD_TOKEN_LEN + 1];

static uint64_t unix_time(void *user)
{
    (void)user;
    return 1000;
}

static void own(void *user, uint64_t name, bool owned)
{
    (void)user, (void)name, (void)owned;
}

static void own_address(void *user, const wrd_addr *remote, bool owned)
{
    (void)user, (void)remote, (void)owned;
}

static bool is_owned(void *user, const wrd_addr *remote)
{
    (void)user;
    return remote->port % 2 == 1;
}

static wrd_result pass(void *user, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    (void)user, (void)path;
    return name == 0 && len > 0 && datagram[len - 1] == 7 ? WRD_OK : WRD_GONE; /* a sibling took it */
}

/* The server's options, by the bits of the first byte. */
static void choose(wrd_endpoint_options *options, uint8_t kind)
{
    static const wrd_siblings siblings = {.own = own, .own_address = own_address, .is_owned = is_owned, .pass = pass};
    if (kind & 2)
        options->cookies_above = 1;
    if (kind & 4) {
        if (token_text[0] == 0 &&
            wrd_token_mint(token_text, &(wrd_token){.expires = 2000, .subject = "fuzz"}, &token_key) != WRD_OK)
            abort();
        options->token_keys = &token_key;
        options->token_key_count = 1;
    }
    if (kind & 8)
        options->memory_limit = (size_t)4 * 1024 * 1024;
    if (kind & 16)
        options->idle_timeout = 5 * WRD_SECOND;
    if (kind & 32)
        options->siblings = &siblings;
    if (kind & 64) {
        options->max_per_address = 1;
        options->handshake_rate_per_address = 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side a, b;
    struct input in = {data, size};
    wrd_env env = {.random = fill_random, .unix_time = unix_time};
    wrd_key key;
    wrd_endpoint_options options;
    wrd_endpoint_options_init(&options);
    random_state = 1;
    wrd_time now = WRD_SECOND;
    uint8_t kind = take(&in);
    options.mode = kind & 1 ? WRD_RAW : WRD_FRAMED;
    options.receive_window = (size_t)64 * 1024;
    options.message_limit = (size_t)1024 * 1024;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    a.addr = (wrd_addr){.family = 4, .ip = {10, 0, 0, 1}, .port = 1000};
    b.addr = (wrd_addr){.family = 4, .ip = {10, 0, 0, 2}, .port = 2000};
    wrd_address address = {.addr = b.addr};
    if (wrd_key_from_seed(&key, 7) != WRD_OK || wrd_key_fingerprint(&address.fingerprint, &key) != WRD_OK ||
        wrd_endpoint_new(&a.endpoint, &options, &env, NULL) != WRD_OK)
        abort();
    options.key = &key;
    choose(&options, kind);
    if (wrd_endpoint_new(&b.endpoint, &options, &env, NULL) != WRD_OK ||
        wrd_endpoint_dial_with(a.endpoint, now, &a.conn, &address, kind & 4 ? token_text : NULL) != WRD_OK)
        abort();
    collect(&a, now);
    while (in.left > 0)
        step(&a, &b, &now, &in);
    wrd_endpoint_free(a.endpoint);
    wrd_endpoint_free(b.endpoint);
    return 0;
}
