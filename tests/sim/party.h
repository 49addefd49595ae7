/* SPDX-License-Identifier: MIT */
/* Two ends of one connection under a test's hand: each notes the events and messages that it gets. */
#ifndef WRD_TESTS_PARTY_H
#define WRD_TESTS_PARTY_H

#include "sim/world.h"

#define PARTY_LOG  512
#define PARTY_HEAD 32

struct party_event {
    wrd_event_kind kind;
    wrd_channel channel;
    wrd_result reason;
    uint32_t code;
    char said[WRD_REASON_MAX + 1];
    wrd_time at;
    uint64_t messages; /* received before it */
};

struct party_message {
    wrd_channel channel;
    wrd_kind kind;
    size_t len;
    uint8_t head[PARTY_HEAD]; /* of its bytes */
    wrd_time at;
};

struct party {
    struct world *world;
    struct node *node;
    wrd_conn conn; /* of a server: the last one opened */
    bool open, closed;
    bool deaf;   /* receives nothing */
    bool echoes; /* on channels besides the main one */
    struct party_event events[PARTY_LOG];
    uint64_t event_count; /* the log keeps the last PARTY_LOG */
    struct party_message messages[PARTY_LOG];
    uint64_t message_count;
    void (*heard)(struct party *party, const struct party_message *message); /* optional */
    void (*told)(struct party *party, const struct party_event *event);      /* optional */
    void *user;
};

struct pair {
    struct world world;
    wrd_key key;
    struct party server, client;
};

/* Both endpoints' options may be changed between these two. */
void pair_init(struct pair *pair, uint64_t seed, wrd_endpoint_options *server, wrd_endpoint_options *client);
/* Makes the nodes and dials; true when both ends are open. `link` is of both directions, from then on. */
bool pair_connect(struct pair *pair, const wrd_endpoint_options *server, const wrd_endpoint_options *client,
                  const struct link_options *link);
void pair_run(struct pair *pair, wrd_time time);
/* Frees everything; true when nothing is left. */
bool pair_end(struct pair *pair);

void party_turn(struct world *world, struct node *node);
wrd_result party_open(struct party *party, wrd_channel *out, const wrd_channel_options *options);
wrd_result party_say(struct party *party, wrd_channel channel, const void *bytes, size_t len);
void party_close(struct party *party, wrd_channel channel, uint32_t code, const char *reason);
wrd_channel_info party_info(const struct party *party, wrd_channel channel);
/* The last event of a kind, of `channel` or of any (WRD_CHANNEL_MAIN); NULL: none in the log. */
const struct party_event *party_find(const struct party *party, wrd_event_kind kind, wrd_channel channel);
/* How many of them are in the log. */
unsigned party_count(const struct party *party, wrd_event_kind kind, wrd_channel channel);

#endif
