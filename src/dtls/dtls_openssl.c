/* SPDX-License-Identifier: MIT */
/*
 * libssl shakes hands; its keys are then exported, it is freed, and the record layer of keys_openssl.c takes over: half
 * a KB per open connection instead of 36 KB, and no libssl behaviour (renegotiation, alert counters, buffered records)
 * to guard.
 *
 *   datagram -> records -> [ libssl over a BIO of one record ] -> flight -> datagrams      HANDSHAKING
 *   datagram -> records -> keys -> data                                                     OPEN
 *
 * Repetition is ours, by the caller's clock: libssl measures with its own, so its timer is set beyond any handshake. A
 * flight's plaintext records are kept and get new record numbers each time they leave. A byte-for-byte repetition would
 * be dropped by the peer's replay window (RFC 6347 section 4.1.2.6), and a server that only answers repeats would stay
 * silent. For the same reason libssl's ChangeCipherSpec and Finished never leave: transmit makes them, with a new
 * number each time.
 *
 * Memory: the two structs here come from `env`. libssl and libcrypto allocate through the process-wide
 * CRYPTO_set_mem_functions(), which cannot tell connections apart: some 70 KB while shaking hands, and what
 * ciphers_openssl.h says after. Random: handshake secrets come from libcrypto's generator, not from `env`; only a
 * client's own key does.
 */
#include "dtls/dtls.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "dtls/handshake_openssl.h"
#include "dtls/keys_openssl.h"
#include "dtls/record.h"

/* What one connection may hold or be made to do. */
enum {
    EARLY_MAX = 2048,    /* records of epoch 1 that came before what opens them */
    MESSAGE_SEQ_MAX = 8, /* no handshake of ours has more messages in one direction */
    CONTROL_MAX = 64,    /* plaintext of an alert or Finished; longer ones are ignored */
    CHANGE_CIPHER_SPEC_SIZE = WRD_DTLS_RECORD_HEADER + 1
};

#define SEQUENCE_MAX (((uint64_t)1 << 48) - 1)

#define REPEAT_FIRST_TIME (1 * WRD_SECOND)
#define REPEAT_MAX_TIME   (8 * WRD_SECOND)

enum { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0 };

struct handshake {
    struct wrd_dtls_handshake libssl; /* stopped when only `early` is left to read */
    size_t flight_sent;
    size_t early_len, early_fed, early_taken;
    uint8_t early[EARLY_MAX];
};

struct wrd_dtls {
    struct wrd_dtls_context *context;
    enum wrd_dtls_state state;
    bool server;
    bool final_due; /* ChangeCipherSpec and Finished are to be sent */
    bool has_peer;
    wrd_result failure;
    const char *text;
    struct handshake *handshake; /* NULL after it */
    wrd_time deadline, interval;
    uint64_t plain_sequence, sealed_sequence; /* of the next record in epoch 0 and 1 */
    struct wrd_dtls_keys keys;
    struct wrd_dtls_window window; /* of epoch 1 */
    struct wrd_reader datagram;    /* what next() has not looked at; borrowed */
    uint8_t finished[WRD_DTLS_FINISHED_SIZE];
    size_t alert_len;
    uint8_t alert[WRD_DTLS_ALERT_MAX];
    wrd_fingerprint peer[]; /* one, where certificates are asked for */
};

/* What is not asked for takes no room. */
static size_t size_of(const struct wrd_dtls_context *context, bool server)
{
    return sizeof(struct wrd_dtls) + (server && context->ask_certificate ? sizeof(wrd_fingerprint) : 0);
}

static void free_handshake(struct wrd_dtls *dtls)
{
    if (!dtls->handshake)
        return;
    wrd_dtls_handshake_stop(&dtls->handshake->libssl);
    wrd_mem_free(&dtls->context->env, dtls->handshake, sizeof *dtls->handshake);
    dtls->handshake = NULL;
}

static void end(struct wrd_dtls *dtls, enum wrd_dtls_state state)
{
    dtls->state = state;
    dtls->deadline = WRD_NEVER;
    dtls->datagram = wrd_rd(NULL, 0);
    free_handshake(dtls);
}

static void fail(struct wrd_dtls *dtls, wrd_result failure, const char *text)
{
    dtls->failure = failure;
    dtls->text = text;
    dtls->final_due = false;
    end(dtls, WRD_DTLS_FAILED);
}

/* `expected` makes it a client. */
static struct wrd_dtls *new_connection(struct wrd_dtls_context *context, const wrd_fingerprint *expected, bool asked,
                                       unsigned identity)
{
    struct wrd_dtls *dtls = wrd_mem_zalloc(&context->env, size_of(context, expected == NULL));
    if (!dtls)
        return NULL;
    dtls->context = context;
    dtls->server = expected == NULL;
    dtls->state = WRD_DTLS_HANDSHAKING;
    dtls->deadline = WRD_NEVER;
    dtls->sealed_sequence = WRD_DTLS_FIRST_SEQUENCE;
    dtls->handshake = wrd_mem_zalloc(&context->env, sizeof *dtls->handshake);
    if (dtls->handshake && wrd_dtls_handshake_start(&dtls->handshake->libssl, context, expected, asked, identity))
        return dtls;
    wrd_dtls_free(dtls);
    return NULL;
}

static void open_connection(struct wrd_dtls *dtls)
{
    struct handshake *handshake = dtls->handshake;
    dtls->state = WRD_DTLS_OPEN;
    dtls->deadline = WRD_NEVER;
    dtls->final_due = dtls->server;
    dtls->has_peer = dtls->server && handshake->libssl.has_certificate;
    if (dtls->has_peer)
        dtls->peer[0] = handshake->libssl.certificate;
    wrd_dtls_handshake_stop(&handshake->libssl);
    handshake->flight_sent = handshake->libssl.flight_len;
    if (handshake->early_len == 0)
        free_handshake(dtls);
}

static void set_timer(struct wrd_dtls *dtls, wrd_time now, wrd_time interval)
{
    dtls->interval = interval;
    dtls->deadline = dtls->server ? WRD_NEVER : now + interval;
}

static void advance(struct wrd_dtls *dtls, wrd_time now)
{
    struct handshake *handshake = dtls->handshake;
    struct wrd_dtls_handshake *libssl = &handshake->libssl;
    if (!dtls->keys.ciphers && (libssl->finished || wrd_dtls_handshake_awaits_finished(libssl)) &&
        !wrd_dtls_keys_derive(&dtls->keys, &dtls->context->ciphers, libssl->ssl, dtls->server)) {
        fail(dtls, WRD_NO_MEMORY, "Memory ran out during the DTLS handshake.");
    } else if (libssl->new_flight) {
        libssl->new_flight = false;
        handshake->flight_sent = 0;
        dtls->final_due = libssl->finished;
        if (libssl->finished)
            wrd_dtls_handshake_finished(libssl, dtls->finished);
        set_timer(dtls, now, REPEAT_FIRST_TIME);
    }
}

/* libssl's alert leaves after its connection has failed; in epoch 0 the next number is ours to give. */
static void take_alert(struct wrd_dtls *dtls)
{
    const struct wrd_dtls_handshake *libssl = &dtls->handshake->libssl;
    if (libssl->alert_len == 0)
        return;
    struct wrd_reader rd = wrd_rd(libssl->alert, libssl->alert_len);
    struct wrd_dtls_record record;
    WRD_ASSERT(wrd_dtls_record_take(&rd, &record));
    memcpy(dtls->alert, libssl->alert, libssl->alert_len);
    dtls->alert_len = libssl->alert_len;
    if (record.epoch == 0)
        wrd_dtls_record_header(dtls->alert, WRD_DTLS_ALERT, 0, dtls->plain_sequence++, record.len);
}

static void drive(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    struct wrd_dtls_handshake *libssl = &dtls->handshake->libssl;
    /* The HelloVerifyRequest had the number of what it answered, so ours go on from the second hello's (RFC
     * 6347 4.2.1).
     */
    if (libssl->asked && record)
        dtls->plain_sequence = record->sequence;
    enum wrd_dtls_step step = wrd_dtls_handshake_step(libssl, record);
    if (step == WRD_DTLS_WAITS || step == WRD_DTLS_COMPLETE)
        advance(dtls, now);
    if (step == WRD_DTLS_COMPLETE && dtls->state == WRD_DTLS_HANDSHAKING)
        open_connection(dtls);
    if (step == WRD_DTLS_REFUSED)
        end(dtls, WRD_DTLS_CLOSED);
    if (step == WRD_DTLS_BROKEN) {
        take_alert(dtls);
        fail(dtls, libssl->failure, libssl->text);
    }
}

static void repeat_flight(struct wrd_dtls *dtls)
{
    dtls->handshake->flight_sent = 0;
    dtls->final_due = dtls->handshake->libssl.finished;
}

/* Does this say that the peer lacks our last flight, RFC 6347 section 4.2.4? Only one part of a fragmented message
 * counts, so that one lost answer is not repeated for each of them. */
static bool asks_to_repeat(const struct wrd_dtls *dtls, const struct wrd_dtls_fragment *part)
{
    if (dtls->server)
        return dtls->handshake->libssl.flight_len > 0 && part->type == WRD_DTLS_CLIENT_HELLO && part->offset == 0;
    return dtls->handshake->libssl.finished && part->type == WRD_DTLS_SERVER_HELLO_DONE;
}

/* May libssl see this plaintext handshake record? */
static bool plain_handshake(struct wrd_dtls *dtls, const struct wrd_dtls_record *record)
{
    struct wrd_reader body = wrd_rd(record->body, record->len);
    struct wrd_dtls_fragment part;
    bool repeat = false;
    while (wrd_dtls_fragment_take(&body, &part)) {
        if (part.message_seq > MESSAGE_SEQ_MAX)
            return false;
        repeat = repeat || asks_to_repeat(dtls, &part);
    }
    if (body.bad || record->len == 0)
        return false;
    if (repeat)
        repeat_flight(dtls);
    return !repeat;
}

static bool plain_alert_counts(const struct wrd_dtls_record *record)
{
    return record->len == 2 && (record->body[0] == ALERT_FATAL || record->body[1] == ALERT_CLOSE_NOTIFY);
}

static void keep_early(struct handshake *handshake, const struct wrd_dtls_record *record)
{
    size_t len = WRD_DTLS_RECORD_HEADER + record->len;
    if (len > EARLY_MAX - handshake->early_len)
        return;
    memcpy(handshake->early + handshake->early_len, record->header, len);
    handshake->early_len += len;
}

/* libssl sees of epoch 1 only what is authentic: it keeps forged records at 17 KB each, and some of them end its
 * handshake. */
static void feed_sealed(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    uint8_t text[CONTROL_MAX];
    size_t len = 0;
    if (!wrd_dtls_window_fresh(&dtls->window, record->sequence) ||
        !wrd_dtls_keys_open(&dtls->keys, record, text, sizeof text, &len))
        return;
    wrd_dtls_window_mark(&dtls->window, record->sequence);
    drive(dtls, now, record);
}

/* Each once: what the keys do not open now, they never will. */
static void feed_early(struct wrd_dtls *dtls, wrd_time now)
{
    struct handshake *handshake = dtls->handshake;
    struct wrd_reader rd = wrd_rd(handshake->early + handshake->early_fed, handshake->early_len - handshake->early_fed);
    struct wrd_dtls_record record;
    handshake->early_fed = handshake->early_len;
    while (dtls->state == WRD_DTLS_HANDSHAKING && wrd_dtls_record_take(&rd, &record)) {
        if (record.type != WRD_DTLS_DATA)
            feed_sealed(dtls, now, &record);
    }
}

static void sealed_record(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    bool control = record->type == WRD_DTLS_HANDSHAKE || record->type == WRD_DTLS_ALERT;
    if (control && wrd_dtls_handshake_awaits_finished(&dtls->handshake->libssl))
        feed_sealed(dtls, now, record);
    else if (control || record->type == WRD_DTLS_DATA)
        keep_early(dtls->handshake, record);
}

static void plain_record(struct wrd_dtls *dtls, wrd_time now, const struct wrd_dtls_record *record)
{
    bool change = record->type == WRD_DTLS_CHANGE_CIPHER_SPEC && record->len == 1;
    if (change || (record->type == WRD_DTLS_ALERT && plain_alert_counts(record)) ||
        (record->type == WRD_DTLS_HANDSHAKE && plain_handshake(dtls, record)))
        drive(dtls, now, record);
    if (dtls->state == WRD_DTLS_HANDSHAKING && change && wrd_dtls_handshake_awaits_finished(&dtls->handshake->libssl))
        feed_early(dtls, now);
}

/* ---- the door ---- */

struct wrd_dtls *wrd_dtls_server_new(struct wrd_dtls_context *context, bool asked, unsigned identity)
{
    return new_connection(context, NULL, asked, identity);
}

struct wrd_dtls *wrd_dtls_client_new(struct wrd_dtls_context *context, wrd_time now, const wrd_fingerprint *expected)
{
    struct wrd_dtls *dtls = new_connection(context, expected, false, 0);
    if (!dtls)
        return NULL;
    drive(dtls, now, NULL);
    if (dtls->state == WRD_DTLS_HANDSHAKING)
        return dtls;
    wrd_dtls_free(dtls);
    return NULL;
}

void wrd_dtls_free(struct wrd_dtls *dtls)
{
    if (!dtls)
        return;
    const wrd_env *env = &dtls->context->env;
    size_t size = size_of(dtls->context, dtls->server);
    free_handshake(dtls);
    wrd_dtls_keys_free(&dtls->keys);
    wrd_crypto_wipe(dtls, size);
    wrd_mem_free(env, dtls, size);
}

void wrd_dtls_receive(struct wrd_dtls *dtls, wrd_time now, const uint8_t *datagram, size_t len)
{
    struct wrd_reader rd = wrd_rd(datagram, len);
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_HANDSHAKING && wrd_dtls_record_take(&rd, &record)) {
        if (record.epoch == 0)
            plain_record(dtls, now, &record);
        else if (record.epoch == 1)
            sealed_record(dtls, now, &record);
    }
    if (dtls->state == WRD_DTLS_OPEN)
        dtls->datagram = rd;
}

static bool take_record(struct wrd_dtls *dtls, struct wrd_dtls_record *record)
{
    struct handshake *over = dtls->handshake;
    if (over) {
        struct wrd_reader rd = wrd_rd(over->early + over->early_taken, over->early_len - over->early_taken);
        if (wrd_dtls_record_take(&rd, record)) {
            over->early_taken = over->early_len - rd.left;
            return true;
        }
        free_handshake(dtls);
    }
    return wrd_dtls_record_take(&dtls->datagram, record);
}

static void send_alert(struct wrd_dtls *dtls, uint8_t level, uint8_t description)
{
    uint8_t alert[2] = {level, description};
    if (dtls->keys.ciphers) {
        dtls->alert_len = wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_ALERT, dtls->sealed_sequence++, alert, sizeof alert,
                                             dtls->alert, sizeof dtls->alert);
        return;
    }
    wrd_dtls_record_header(dtls->alert, WRD_DTLS_ALERT, 0, dtls->plain_sequence++, sizeof alert);
    memcpy(dtls->alert + WRD_DTLS_RECORD_HEADER, alert, sizeof alert);
    dtls->alert_len = WRD_DTLS_RECORD_HEADER + sizeof alert;
}

/* An authentic alert or handshake message of an open connection. */
static void control(struct wrd_dtls *dtls, uint8_t type, const uint8_t *text, size_t len)
{
    if (type == WRD_DTLS_HANDSHAKE && len > 0 && text[0] == WRD_DTLS_FINISHED && dtls->server)
        dtls->final_due = true;
    if (type != WRD_DTLS_ALERT || len != 2)
        return;
    if (text[1] == ALERT_CLOSE_NOTIFY) {
        send_alert(dtls, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
        end(dtls, WRD_DTLS_CLOSED);
    } else if (text[0] == ALERT_FATAL) {
        fail(dtls, WRD_PROTOCOL, "The peer ended the connection with a DTLS alert.");
    }
}

size_t wrd_dtls_next(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    struct wrd_dtls_record record;
    while (dtls->state == WRD_DTLS_OPEN && take_record(dtls, &record)) {
        uint8_t text[CONTROL_MAX];
        bool data = record.type == WRD_DTLS_DATA;
        size_t len = 0;
        if (record.epoch != 1 || !wrd_dtls_window_fresh(&dtls->window, record.sequence) ||
            !wrd_dtls_keys_open(&dtls->keys, &record, data ? out : text, data ? cap : sizeof text, &len))
            continue;
        wrd_dtls_window_mark(&dtls->window, record.sequence);
        if (data && len > 0)
            return len;
        if (!data)
            control(dtls, record.type, text, len);
    }
    return 0;
}

size_t wrd_dtls_seal(struct wrd_dtls *dtls, const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
    bool fits = cap >= WRD_DTLS_OVERHEAD && len <= cap - WRD_DTLS_OVERHEAD;
    if (dtls->state != WRD_DTLS_OPEN || !fits || dtls->sealed_sequence > SEQUENCE_MAX)
        return 0;
    return wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_DATA, dtls->sealed_sequence++, data, len, out, cap);
}

/* Each put_ writes what is due if it fits whole, and answers whether it wrote. */

static bool put_flight_record(struct wrd_dtls *dtls, struct wrd_writer *wr)
{
    struct handshake *handshake = dtls->handshake;
    if (!handshake || handshake->flight_sent == handshake->libssl.flight_len)
        return false;
    struct wrd_reader rd = wrd_rd(handshake->libssl.flight + handshake->flight_sent,
                                  handshake->libssl.flight_len - handshake->flight_sent);
    struct wrd_dtls_record record;
    WRD_ASSERT(wrd_dtls_record_take(&rd, &record));
    uint8_t *at = wrd_wr_space(wr, WRD_DTLS_RECORD_HEADER + record.len);
    if (!at)
        return false;
    wrd_dtls_record_header(at, record.type, 0, dtls->plain_sequence++, record.len);
    memcpy(at + 1, record.header + 1, 2); /* a ClientHello's record may carry the version of DTLS 1.0 */
    memcpy(at + WRD_DTLS_RECORD_HEADER, record.body, record.len);
    handshake->flight_sent += WRD_DTLS_RECORD_HEADER + record.len;
    return true;
}

static bool put_final(struct wrd_dtls *dtls, struct wrd_writer *wr)
{
    size_t len = CHANGE_CIPHER_SPEC_SIZE + WRD_DTLS_FINISHED_SIZE + WRD_DTLS_OVERHEAD;
    if (!dtls->final_due || wr->bad || wr->cap - wr->len < len)
        return false;
    uint8_t *at = wr->start + wr->len;
    wrd_dtls_record_header(at, WRD_DTLS_CHANGE_CIPHER_SPEC, 0, dtls->plain_sequence++, 1);
    at[WRD_DTLS_RECORD_HEADER] = 1;
    size_t sealed = wrd_dtls_keys_seal(&dtls->keys, WRD_DTLS_HANDSHAKE, dtls->sealed_sequence++, dtls->finished,
                                       WRD_DTLS_FINISHED_SIZE, at + CHANGE_CIPHER_SPEC_SIZE,
                                       wr->cap - wr->len - CHANGE_CIPHER_SPEC_SIZE);
    wr->len += CHANGE_CIPHER_SPEC_SIZE + sealed;
    dtls->final_due = false;
    return true;
}

size_t wrd_dtls_transmit(struct wrd_dtls *dtls, wrd_time now, uint8_t *out, size_t cap)
{
    (void)now;
    struct wrd_writer wr = wrd_wr(out, cap < WRD_DTLS_MTU ? cap : WRD_DTLS_MTU);
    while (put_flight_record(dtls, &wr))
        continue;
    (void)put_final(dtls, &wr);
    if (dtls->alert_len > 0 && !dtls->final_due && !wr.bad && dtls->alert_len <= wr.cap - wr.len) {
        wrd_wr_bytes(&wr, dtls->alert, dtls->alert_len);
        dtls->alert_len = 0;
    }
    return wr.len;
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
    repeat_flight(dtls);
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
        *out = dtls->peer[0];
    return dtls->has_peer;
}

wrd_result wrd_dtls_failure(const struct wrd_dtls *dtls, const char **text)
{
    if (text)
        *text = dtls->text ? dtls->text : "";
    return dtls->failure;
}
