/* SPDX-License-Identifier: MIT */
/*
 * The door without cryptography, for tests: same states, timers, sizes and reactions to loss as dtls_openssl.c, and the
 * same bytes in every run. A checksum stands for authenticity; anyone can forge it. Linked instead of the room, never
 * beside it.
 *
 *   client                                         server
 *   hello: random                        ------>                   plaintext, a ClientHello in form
 *                                        <------   hello: random, fingerprint, whether it asks for the client's
 *   Finished: fingerprint if asked       ------>                   "sealed" under both randoms, as everything after
 *                                        <------   Finished
 */
#include "dtls/dtls.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"

/* So that this file alone is the backend. */
#include "dtls/record.c"

enum {
    RANDOM_SIZE = 32,
    /* The real flights are about as long. */
    CLIENT_HELLO_SIZE = 86,
    SERVER_HELLO_SIZE = 588,
    CLIENT_FINISHED_SIZE = 96,
    SERVER_FINISHED_SIZE = 38,
    FINISHED_SIZE = 96,
    NONCE_SIZE = 8,
    TAG_SIZE = 16,
    EARLY_MAX = 2048,
    ALERT_MAX = 64
};

_Static_assert(WRD_DTLS_RECORD_HEADER + NONCE_SIZE + TAG_SIZE == WRD_DTLS_OVERHEAD, "as large as AES-GCM");

#define REPEAT_FIRST_TIME (1 * WRD_SECOND)
#define REPEAT_MAX_TIME   (8 * WRD_SECOND)

enum { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0, ALERT_BAD_CERTIFICATE = 42 };
enum flight { NO_FLIGHT, HELLO, FINISHED };

struct wrd_dtls_context {
    wrd_env env;
    wrd_fingerprint fingerprints[WRD_DTLS_IDENTITIES_MAX];
    bool has_own; /* the first of them, which is made when it is first asked for */
    bool ask_certificate;
};

struct wrd_dtls {
    struct wrd_dtls_context *context;
    wrd_env env;
    enum wrd_dtls_state state;
    bool server;
    enum flight flight; /* the last that was sent */
    bool flight_due;
    wrd_result failure;
    const char *text;
    wrd_fingerprint fingerprint; /* the server's own, or the one the client expects */
    wrd_time deadline, interval;
    uint64_t plain_sequence, sealed_sequence;
    uint64_t key; /* 0: none yet */
    uint8_t random[RANDOM_SIZE];
    bool asked; /* client: a HelloVerifyRequest came, with this */
    uint8_t cookie[WRD_DTLS_COOKIE_SIZE];
    bool shows_certificate; /* client: it was asked for it */
    bool has_peer;          /* server */
    wrd_fingerprint peer;
    struct wrd_dtls_window window;
    struct wrd_reader datagram;
    size_t early_len, early_taken, alert_len;
    uint8_t alert[ALERT_MAX];
    uint8_t early[EARLY_MAX];
};

/* FNV-1a: any single changed bit changes it. */
static uint64_t mix(uint64_t hash, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
    return hash;
}

static size_t seal(struct wrd_dtls *dtls, uint8_t type, const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
    struct wrd_writer wr = wrd_wr(out, cap);
    uint8_t *header = wrd_wr_space(&wr, WRD_DTLS_RECORD_HEADER);
    if (!header || len > WRD_DTLS_RECORD_MAX)
        return 0;
    wrd_dtls_record_header(header, type, 1, dtls->sealed_sequence, NONCE_SIZE + len + TAG_SIZE);
    wrd_wr_bytes(&wr, header + 3, NONCE_SIZE);
    wrd_wr_bytes(&wr, data, len);
    uint8_t *tag = wrd_wr_space(&wr, TAG_SIZE);
    if (!tag)
        return 0;
    uint64_t hash = mix(dtls->key, out, wr.len - TAG_SIZE);
    wrd_store64be(tag, hash);
    wrd_store64be(tag + 8, ~hash);
    dtls->sealed_sequence++;
    return wr.len;
}

/* The text of an authentic record, in place; NULL: it is none. */
static const uint8_t *unseal(struct wrd_dtls *dtls, const struct wrd_dtls_record *record, size_t *len)
{
    if (record->epoch != 1 || dtls->key == 0 || record->len < NONCE_SIZE + TAG_SIZE ||
        !wrd_dtls_window_fresh(&dtls->window, record->sequence))
        return NULL;
    *len = record->len - NONCE_SIZE - TAG_SIZE;
    const uint8_t *tag = record->body + NONCE_SIZE + *len;
    uint64_t hash = mix(dtls->key, record->header, (size_t)(tag - record->header));
    if (wrd_load64be(tag) != hash || wrd_load64be(tag + 8) != ~hash)
        return NULL;
    wrd_dtls_window_mark(&dtls->window, record->sequence);
    return record->body + NONCE_SIZE;
}

static void set_key(struct wrd_dtls *dtls, const uint8_t *client_random, const uint8_t *server_random)
{
    uint64_t hash = mix(0xcbf29ce484222325U, client_random, RANDOM_SIZE);
    hash = mix(hash, server_random, RANDOM_SIZE);
    dtls->key = hash ? hash : 1;
}

static void end(struct wrd_dtls *dtls, enum wrd_dtls_state state)
{
    dtls->state = state;
    dtls->deadline = WRD_NEVER;
    dtls->datagram = wrd_rd(NULL, 0);
    dtls->early_len = dtls->early_taken = 0;
}

static void fail(struct wrd_dtls *dtls, wrd_result failure, const char *text)
{
    dtls->failure = failure;
    dtls->text = text;
    dtls->flight_due = false;
    end(dtls, WRD_DTLS_FAILED);
}

static void send_alert(struct wrd_dtls *dtls, uint8_t level, uint8_t description)
{
    uint8_t alert[2] = {level, description};
    if (dtls->key != 0) {
        dtls->alert_len = seal(dtls, WRD_DTLS_ALERT, alert, sizeof alert, dtls->alert, sizeof dtls->alert);
        return;
    }
    wrd_dtls_record_header(dtls->alert, WRD_DTLS_ALERT, 0, dtls->plain_sequence++, sizeof alert);
    memcpy(dtls->alert + WRD_DTLS_RECORD_HEADER, alert, sizeof alert);
    dtls->alert_len = WRD_DTLS_RECORD_HEADER + sizeof alert;
}

static void take_alert(struct wrd_dtls *dtls, const uint8_t *alert, size_t len)
{
    if (len != 2)
        return;
    if (alert[1] == ALERT_CLOSE_NOTIFY) {
        if (dtls->state == WRD_DTLS_OPEN)
            send_alert(dtls, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
        end(dtls, WRD_DTLS_CLOSED);
    } else if (alert[0] == ALERT_FATAL && alert[1] == ALERT_BAD_CERTIFICATE) {
        fail(dtls, WRD_MISMATCH, "The peer refused our certificate: it expects another fingerprint.");
    } else if (alert[0] == ALERT_FATAL) {
        fail(dtls, WRD_PROTOCOL, "The peer ended the connection with a DTLS alert.");
    }
}

static void set_timer(struct wrd_dtls *dtls, wrd_time now, wrd_time interval)
{
    dtls->interval = interval;
    dtls->deadline = dtls->server ? WRD_NEVER : now + interval;
}

static void begin_flight(struct wrd_dtls *dtls, wrd_time now, enum flight flight)
{
    dtls->flight = flight;
    dtls->flight_due = true;
    set_timer(dtls, now, REPEAT_FIRST_TIME);
}

static void client_hello(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_fragment *message)
{
    if (dtls->flight == NO_FLIGHT) {
        set_key(dtls, message->part + 2, dtls->random);
        begin_flight(dtls, now, HELLO);
    }
    dtls->flight_due = true;
}

static void server_hello(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_fragment *message)
{
    if (dtls->flight == FINISHED) {
        dtls->flight_due = true;
    } else if (memcmp(message->part + RANDOM_SIZE, dtls->fingerprint.bytes, WRD_FINGERPRINT_SIZE) != 0) {
        send_alert(dtls, ALERT_FATAL, ALERT_BAD_CERTIFICATE);
        fail(dtls, WRD_MISMATCH, "The server's certificate is not the one that the fingerprint names.");
    } else {
        dtls->shows_certificate = message->part[RANDOM_SIZE + WRD_FINGERPRINT_SIZE] != 0;
        set_key(dtls, dtls->random, message->part);
        begin_flight(dtls, now, FINISHED);
    }
}

static void hello_verify(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_fragment *message)
{
    memcpy(dtls->cookie, message->part + 3, sizeof dtls->cookie);
    dtls->asked = true;
    begin_flight(dtls, now, HELLO);
}

static void plain_record(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    if (record->type == WRD_DTLS_ALERT && record->len == 2 &&
        (record->body[0] == ALERT_FATAL || record->body[1] == ALERT_CLOSE_NOTIFY))
        take_alert(dtls, record->body, record->len);
    struct wrd_reader body = wrd_rd(record->body, record->len);
    struct wrd_dtls_fragment message;
    if (record->type != WRD_DTLS_HANDSHAKE || !wrd_dtls_fragment_take(&body, &message))
        return;
    if (dtls->server && message.type == WRD_DTLS_CLIENT_HELLO && message.len == CLIENT_HELLO_SIZE)
        client_hello(dtls, now, &message);
    if (!dtls->server && message.type == WRD_DTLS_SERVER_HELLO && message.len == SERVER_HELLO_SIZE)
        server_hello(dtls, now, &message);
    if (!dtls->server && dtls->flight == HELLO && message.type == WRD_DTLS_HELLO_VERIFY_REQUEST &&
        message.len == 3 + WRD_DTLS_COOKIE_SIZE)
        hello_verify(dtls, now, &message);
}

static void finished(struct wrd_dtls *dtls, const uint8_t *text, size_t len)
{
    if (dtls->state == WRD_DTLS_HANDSHAKING) {
        dtls->has_peer = dtls->server && dtls->context->ask_certificate && len == CLIENT_FINISHED_SIZE && text[0] == 1;
        if (dtls->has_peer)
            memcpy(dtls->peer.bytes, text + 1, sizeof dtls->peer.bytes);
        dtls->state = WRD_DTLS_OPEN;
        dtls->deadline = WRD_NEVER;
    }
    if (dtls->server) {
        dtls->flight = FINISHED;
        dtls->flight_due = true;
    }
}

static void sealed_record(struct wrd_dtls *dtls, const struct wrd_dtls_record *record)
{
    size_t len = 0, whole = WRD_DTLS_RECORD_HEADER + record->len;
    if (record->type == WRD_DTLS_DATA) {
        if (dtls->key != 0 && whole <= EARLY_MAX - dtls->early_len) {
            memcpy(dtls->early + dtls->early_len, record->header, whole);
            dtls->early_len += whole;
        }
        return;
    }
    const uint8_t *text = unseal(dtls, record, &len);
    if (text && record->type == WRD_DTLS_ALERT)
        take_alert(dtls, text, len);
    else if (text && record->type == WRD_DTLS_HANDSHAKE)
        finished(dtls, text, len);
}

struct wrd_dtls_context *wrd_dtls_context_new(const wrd_env *env, const struct wrd_dtls_settings *settings)
{
    struct wrd_dtls_context *context = wrd_mem_zalloc(env, sizeof *context);
    if (!context)
        return NULL;
    context->env = *env;
    context->ask_certificate = settings->ask_certificate;
    for (unsigned i = 0; i < WRD_DTLS_IDENTITIES_MAX; i++) {
        const wrd_key *key = settings->identities[i];
        if (key && wrd_key_fingerprint(&context->fingerprints[i], key) != WRD_OK) {
            wrd_dtls_context_free(context);
            return NULL;
        }
    }
    context->has_own = settings->identities[0] != NULL;
    return context;
}

void wrd_dtls_context_free(struct wrd_dtls_context *context)
{
    if (!context)
        return;
    wrd_env env = context->env;
    wrd_mem_free(&env, context, sizeof *context);
}

void wrd_dtls_context_log_keys(struct wrd_dtls_context *context, void (*log)(void *user, const char *line), void *user)
{
    (void)context; /* there are none */
    (void)log;
    (void)user;
}

static struct wrd_dtls *new_connection(struct wrd_dtls_context *context, bool server, unsigned identity)
{
    WRD_ASSERT(identity < WRD_DTLS_IDENTITIES_MAX);
    struct wrd_dtls *dtls = wrd_mem_zalloc(&context->env, sizeof *dtls);
    if (!dtls)
        return NULL;
    dtls->context = context;
    dtls->env = context->env;
    dtls->server = server;
    dtls->state = WRD_DTLS_HANDSHAKING;
    dtls->deadline = WRD_NEVER;
    dtls->fingerprint = context->fingerprints[identity];
    dtls->env.random(dtls->env.user, dtls->random, sizeof dtls->random);
    return dtls;
}

struct wrd_dtls *wrd_dtls_server_new(struct wrd_dtls_context *context, bool asked, unsigned identity)
{
    (void)asked; /* the same hello serves, with a cookie or without */
    return new_connection(context, true, identity);
}

struct wrd_dtls *wrd_dtls_client_new(struct wrd_dtls_context *context, wrd_time now, const wrd_fingerprint *expected)
{
    struct wrd_dtls *dtls = new_connection(context, false, 0);
    if (!dtls)
        return NULL;
    dtls->fingerprint = *expected;
    begin_flight(dtls, now, HELLO);
    return dtls;
}

void wrd_dtls_free(struct wrd_dtls *dtls)
{
    if (!dtls)
        return;
    wrd_env env = dtls->env;
    wrd_mem_free(&env, dtls, sizeof *dtls);
}

void wrd_dtls_receive(struct wrd_dtls *dtls, wrd_time now, const uint8_t *datagram, size_t len)
{
    struct wrd_reader rd = wrd_rd(datagram, len);
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_HANDSHAKING && wrd_dtls_record_take(&rd, &record)) {
        if (record.epoch == 0)
            plain_record(dtls, now, &record);
        else if (record.epoch == 1)
            sealed_record(dtls, &record);
    }
    if (dtls->state == WRD_DTLS_OPEN)
        dtls->datagram = rd;
}

static bool take_record(struct wrd_dtls *dtls, struct wrd_dtls_record *record)
{
    struct wrd_reader rd = wrd_rd(dtls->early + dtls->early_taken, dtls->early_len - dtls->early_taken);
    if (wrd_dtls_record_take(&rd, record)) {
        dtls->early_taken = dtls->early_len - rd.left;
        return true;
    }
    return wrd_dtls_record_take(&dtls->datagram, record);
}

size_t wrd_dtls_next(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_OPEN && take_record(dtls, &record)) {
        size_t len = 0;
        if (record.type != WRD_DTLS_DATA) {
            sealed_record(dtls, &record);
            continue;
        }
        const uint8_t *text = unseal(dtls, &record, &len);
        if (text && len > 0 && len <= cap) {
            memcpy(out, text, len);
            return len;
        }
    }
    return 0;
}

size_t wrd_dtls_seal(struct wrd_dtls *dtls, const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
    if (dtls->state != WRD_DTLS_OPEN || cap < WRD_DTLS_OVERHEAD || len > cap - WRD_DTLS_OVERHEAD)
        return 0;
    return seal(dtls, WRD_DTLS_DATA, data, len, out, cap);
}

/* A hello of either side: header, what its reader looks at, zeros up to `size`. */
static size_t write_hello(struct wrd_dtls *dtls, uint8_t *out, size_t cap)
{
    size_t size = dtls->server ? SERVER_HELLO_SIZE : CLIENT_HELLO_SIZE;
    uint8_t type = dtls->server ? WRD_DTLS_SERVER_HELLO : WRD_DTLS_CLIENT_HELLO;
    struct wrd_writer wr = wrd_wr(out, cap);
    uint8_t *header = wrd_wr_space(&wr, WRD_DTLS_RECORD_HEADER);
    uint8_t *fragment = wrd_wr_space(&wr, WRD_DTLS_FRAGMENT_HEADER);
    uint8_t *body = wrd_wr_space(&wr, size);
    if (!header || !fragment || !body)
        return 0;
    wrd_dtls_record_header(header, WRD_DTLS_HANDSHAKE, 0, dtls->plain_sequence++, WRD_DTLS_FRAGMENT_HEADER + size);
    memset(fragment, 0, WRD_DTLS_FRAGMENT_HEADER);
    wrd_store32be(fragment, (uint32_t)type << 24 | (uint32_t)size);
    wrd_store16be(fragment + 10, (uint16_t)size);
    memset(body, 0, size);
    if (dtls->server) {
        memcpy(body, dtls->random, RANDOM_SIZE);
        memcpy(body + RANDOM_SIZE, dtls->fingerprint.bytes, WRD_FINGERPRINT_SIZE);
        body[RANDOM_SIZE + WRD_FINGERPRINT_SIZE] = dtls->context->ask_certificate;
    } else {
        wrd_store16be(body, 0xfefd);
        memcpy(body + 2, dtls->random, RANDOM_SIZE);
    }
    if (dtls->asked) {
        fragment[5] = 1; /* message_seq */
        body[2 + RANDOM_SIZE + 1] = WRD_DTLS_COOKIE_SIZE;
        memcpy(body + 2 + RANDOM_SIZE + 2, dtls->cookie, WRD_DTLS_COOKIE_SIZE);
    }
    return wr.len;
}

/* Into a client's Finished. The first to be asked makes a random one for the whole context, if it has none. */
static void show_certificate(struct wrd_dtls *dtls, uint8_t *text)
{
    wrd_fingerprint *own = &dtls->context->fingerprints[0];
    if (!dtls->context->has_own)
        dtls->env.random(dtls->env.user, own->bytes, sizeof own->bytes);
    dtls->context->has_own = true;
    text[0] = 1;
    memcpy(text + 1, own->bytes, sizeof own->bytes);
}

static size_t write_flight(struct wrd_dtls *dtls, uint8_t *out, size_t cap)
{
    uint8_t text[FINISHED_SIZE] = {0};
    if (dtls->flight == HELLO)
        return write_hello(dtls, out, cap);
    if (dtls->shows_certificate)
        show_certificate(dtls, text);
    size_t size = dtls->server ? SERVER_FINISHED_SIZE : CLIENT_FINISHED_SIZE;
    return seal(dtls, WRD_DTLS_HANDSHAKE, text, size, out, cap);
}

size_t wrd_dtls_transmit(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    size_t limit = cap < WRD_DTLS_MTU ? cap : WRD_DTLS_MTU, len = 0;
    if (dtls->flight_due) {
        len = write_flight(dtls, out, limit);
        dtls->flight_due = len == 0;
    }
    if (dtls->alert_len > 0 && dtls->alert_len <= limit - len) {
        memcpy(out + len, dtls->alert, dtls->alert_len);
        len += dtls->alert_len;
        dtls->alert_len = 0;
    }
    return len;
}

wrd_time wrd_dtls_deadline(const struct wrd_dtls *dtls)
{
    return dtls->deadline;
}

void wrd_dtls_expire(struct wrd_dtls *dtls, wrd_time now)
{
    if (dtls->state != WRD_DTLS_HANDSHAKING || now < dtls->deadline)
        return;
    wrd_time twice = 2 * dtls->interval;
    set_timer(dtls, now, twice < REPEAT_MAX_TIME ? twice : REPEAT_MAX_TIME);
    dtls->flight_due = true;
}

void wrd_dtls_close(struct wrd_dtls *dtls)
{
    if (dtls->state == WRD_DTLS_CLOSED || dtls->state == WRD_DTLS_FAILED)
        return;
    send_alert(dtls, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
    end(dtls, WRD_DTLS_CLOSED);
}

uint64_t wrd_dtls_newest(const struct wrd_dtls *dtls)
{
    return dtls->window.top;
}

enum wrd_dtls_state wrd_dtls_state(const struct wrd_dtls *dtls)
{
    return dtls->state;
}

bool wrd_dtls_peer_fingerprint(const struct wrd_dtls *dtls, wrd_fingerprint *out)
{
    if (dtls->has_peer)
        *out = dtls->peer;
    return dtls->has_peer;
}

wrd_result wrd_dtls_failure(const struct wrd_dtls *dtls, const char **text)
{
    if (text)
        *text = dtls->text ? dtls->text : "";
    return dtls->failure;
}
