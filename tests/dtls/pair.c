/* SPDX-License-Identifier: MIT */
#include "tests/dtls/pair.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static void *counted_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct pair *pair = user;
    WRD_ASSERT(old || old_size == 0);
    if (new_size == 0) {
        pair->live--;
        pair->live_bytes -= (long)old_size;
        free(old);
        return NULL;
    }
    if (pair->allocations++ == pair->fail_at)
        return NULL;
    pair->live += old == NULL;
    pair->live_bytes += (long)new_size - (long)old_size;
    return realloc(old, new_size);
}

/* xorshift64: the same bytes in every run. */
void pair_random(void *user, uint8_t *out, size_t len)
{
    struct pair *pair = user;
    for (size_t i = 0; i < len; i++) {
        pair->random ^= pair->random << 13;
        pair->random ^= pair->random >> 7;
        pair->random ^= pair->random << 17;
        out[i] = (uint8_t)(pair->random >> 24);
    }
}

struct pair *pair_new(void)
{
    struct pair *pair = calloc(1, sizeof *pair);
    WRD_ASSERT(pair);
    pair->env = (wrd_env){.user = pair, .memory = counted_memory, .random = pair_random};
    pair->fail_at = -1;
    pair->random = 88172645463325252U;
    WRD_ASSERT(wrd_key_from_seed(&pair->server_key, 7) == WRD_OK);
    WRD_ASSERT(wrd_key_fingerprint(&pair->expected, &pair->server_key) == WRD_OK);
    pair->contexts[CLIENT] = wrd_dtls_context_new(&pair->env, &(struct wrd_dtls_settings){0});
    pair->contexts[SERVER] =
        wrd_dtls_context_new(&pair->env, &(struct wrd_dtls_settings){.identities = {&pair->server_key}});
    WRD_ASSERT(pair->contexts[CLIENT] && pair->contexts[SERVER]);
    return pair;
}

void pair_settings(struct pair *pair, int end, const struct wrd_dtls_settings *settings)
{
    WRD_ASSERT(!pair->ends[end]);
    wrd_dtls_context_free(pair->contexts[end]);
    pair->contexts[end] = wrd_dtls_context_new(&pair->env, settings);
    WRD_ASSERT(pair->contexts[end]);
}

void pair_free(struct pair *pair)
{
    for (int end = 0; end < 2; end++) {
        wrd_dtls_free(pair->ends[end]);
        wrd_dtls_context_free(pair->contexts[end]);
    }
    WRD_ASSERT(pair->live == 0 && pair->live_bytes == 0);
    free(pair);
}

void pair_start(struct pair *pair)
{
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], false, pair->identity);
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], pair->now, &pair->expected);
    WRD_ASSERT(pair->ends[SERVER] && pair->ends[CLIENT]);
}

struct pair *pair_open(void)
{
    struct pair *pair = pair_new();
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    WRD_ASSERT(pair_is_open(pair));
    return pair;
}

static void put_on_wire(struct pair *pair, int to, wrd_time due, const uint8_t *bytes, size_t len)
{
    WRD_ASSERT(pair->flying_count < PAIR_WIRE_MAX && len <= PAIR_DATAGRAM_MAX);
    int at = pair->flying_count++;
    while (at > 0 && pair->wire[at - 1].due > due) {
        pair->wire[at] = pair->wire[at - 1];
        at--;
    }
    pair->wire[at] = (struct flying){.to = to, .due = due, .len = len};
    memcpy(pair->wire[at].bytes, bytes, len);
}

void pair_send(struct pair *pair, int from, const uint8_t *bytes, size_t len)
{
    int number = pair->sent[0] + pair->sent[1];
    enum fate fate = number < PAIR_FATES ? pair->fates[number] : ARRIVES;
    wrd_time due = pair->now + PAIR_LATENCY;
    pair->sent[from]++;
    pair->sent_bytes[from] += len;
    if (fate == IS_LATE)
        due += 5 * PAIR_LATENCY;
    if (fate != IS_LOST)
        put_on_wire(pair, !from, due, bytes, len);
    if (fate == ARRIVES_TWICE)
        put_on_wire(pair, !from, due, bytes, len);
}

void pair_flush(struct pair *pair, int end)
{
    uint8_t bytes[PAIR_DATAGRAM_MAX];
    size_t len = 0;
    while ((len = wrd_dtls_transmit(pair->ends[end], pair->now, bytes, sizeof bytes)) > 0) {
        WRD_ASSERT(len <= WRD_DTLS_MTU);
        pair_send(pair, end, bytes, len);
    }
}

void pair_receive(struct pair *pair, int end, const uint8_t *bytes, size_t len)
{
    /* A block of its own, so that a read past the end is seen. */
    uint8_t *copy = malloc(len ? len : 1);
    WRD_ASSERT(copy);
    memcpy(copy, bytes, len);
    wrd_dtls_receive(pair->ends[end], pair->now, copy, len);
    uint8_t out[PAIR_RECORD_MAX];
    size_t got = 0;
    while ((got = wrd_dtls_next(pair->ends[end], pair->now, out, sizeof out)) > 0) {
        int at = pair->record_count[end]++ % PAIR_RECORDS;
        pair->record_len[end][at] = got;
        memcpy(pair->records[end][at], out, got);
    }
    free(copy);
}

void pair_say(struct pair *pair, int from, const char *text)
{
    uint8_t bytes[PAIR_DATAGRAM_MAX];
    size_t len = wrd_dtls_seal(pair->ends[from], (const uint8_t *)text, strlen(text), bytes, sizeof bytes);
    WRD_ASSERT(len > 0);
    pair_send(pair, from, bytes, len);
}

static void deliver_one(struct pair *pair)
{
    struct flying first = pair->wire[0];
    pair->flying_count--;
    memmove(pair->wire, pair->wire + 1, (size_t)pair->flying_count * sizeof pair->wire[0]);
    pair_receive(pair, first.to, first.bytes, first.len);
}

void pair_run(struct pair *pair, wrd_time until)
{
    for (;;) {
        wrd_time next = WRD_NEVER;
        for (int end = 0; end < 2; end++) {
            pair_flush(pair, end);
            wrd_time deadline = wrd_dtls_deadline(pair->ends[end]);
            next = deadline < next ? deadline : next;
        }
        bool flying = pair->flying_count > 0 && pair->wire[0].due <= next;
        if (flying)
            next = pair->wire[0].due;
        if (next > until)
            break;
        pair->now = next > pair->now ? next : pair->now;
        if (flying)
            deliver_one(pair);
        for (int end = 0; end < 2; end++)
            wrd_dtls_expire(pair->ends[end], pair->now);
    }
    pair->now = until;
}

bool pair_is_open(const struct pair *pair)
{
    return wrd_dtls_state(pair->ends[CLIENT]) == WRD_DTLS_OPEN && wrd_dtls_state(pair->ends[SERVER]) == WRD_DTLS_OPEN;
}

bool pair_heard(const struct pair *pair, int end, int record, const char *text)
{
    return record < pair->record_count[end] && pair->record_len[end][record] == strlen(text) &&
           memcmp(pair->records[end][record], text, strlen(text)) == 0;
}
