/* SPDX-License-Identifier: MIT */
/*
 * Two ends of the dtls door and a wire between them, in virtual time. The wire takes 10 ms, keeps order, and does to
 * the nth datagram (counted over both directions) what `fate` says. Nothing here knows which backend is linked.
 */
#ifndef WRD_TESTS_DTLS_PAIR_H
#define WRD_TESTS_DTLS_PAIR_H

#include "dtls/dtls.h"

enum { CLIENT = 0, SERVER = 1 };
enum { PAIR_DATAGRAM_MAX = 1500, PAIR_WIRE_MAX = 64, PAIR_FATES = 64, PAIR_RECORDS = 16, PAIR_RECORD_MAX = 2048 };

#define PAIR_LATENCY (10 * WRD_MILLISECOND)

enum fate { ARRIVES, IS_LOST, ARRIVES_TWICE, IS_LATE /* by five latencies */ };

struct flying {
    int to;
    wrd_time due;
    size_t len;
    uint8_t bytes[PAIR_DATAGRAM_MAX];
};

struct pair {
    wrd_env env;
    long allocations; /* through env, so far */
    long fail_at;     /* this one fails; -1: none */
    long live, live_bytes;
    uint64_t random;
    wrd_time now;
    wrd_key server_key;
    wrd_fingerprint expected;
    struct wrd_dtls_context *contexts[2];
    unsigned identity; /* that the server shows */
    struct wrd_dtls *ends[2];
    enum fate fates[PAIR_FATES];
    int sent[2]; /* datagrams by each end */
    size_t sent_bytes[2];
    int flying_count;
    struct flying wire[PAIR_WIRE_MAX];
    int record_count[2]; /* application records taken out of each end */
    size_t record_len[2][PAIR_RECORDS];
    uint8_t records[2][PAIR_RECORDS][PAIR_RECORD_MAX];
};

/* Contexts and the environment, no connections. */
struct pair *pair_new(void);
/* Another context for one end, before it is started. */
void pair_settings(struct pair *pair, int end, const struct wrd_dtls_settings *settings);
/* Also tells that nothing leaked. */
void pair_free(struct pair *pair);
/* Both ends, the client's hello not yet taken. */
void pair_start(struct pair *pair);
struct pair *pair_open(void);

/* Takes what an end has to send and gives it to the wire. */
void pair_flush(struct pair *pair, int end);
void pair_send(struct pair *pair, int from, const uint8_t *bytes, size_t len);
/* One datagram straight into an end, then everything it decrypts. */
void pair_receive(struct pair *pair, int end, const uint8_t *bytes, size_t len);
/* Seals and gives to the wire. */
void pair_say(struct pair *pair, int from, const char *text);
/* Runs until nothing flies and no deadline is before `until`; ends there. */
void pair_run(struct pair *pair, wrd_time until);
bool pair_is_open(const struct pair *pair);
bool pair_heard(const struct pair *pair, int end, int record, const char *text);

void pair_random(void *pair, uint8_t *out, size_t len);

#endif
