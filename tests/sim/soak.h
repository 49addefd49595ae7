/* SPDX-License-Identifier: MIT */
/*
 * A server and its guests over hours of virtual time: each comes, talks on several channels, each message of which is
 * to come back, leaves in one of several ways, and comes again.
 */
#ifndef WRD_TESTS_SOAK_H
#define WRD_TESTS_SOAK_H

#include "sim/world.h"
#include "wrd/channel.h"

#define SOAK_GUESTS_MAX   (WORLD_NODES_MAX - 1)
#define SOAK_MESSAGES_MAX 4096 /* of one channel in one life */

enum soak_channel { SOAK_MAIN, SOAK_ORDERED, SOAK_UNORDERED, SOAK_LIMITED, SOAK_CHANNELS };

enum soak_state { SOAK_AWAY, SOAK_DIALING, SOAK_TALKING, SOAK_WAITING, SOAK_LEAVING, SOAK_SILENT };

struct soak_line {
    wrd_channel handle;
    uint32_t sent, heard, next; /* `next`: at least this index */
    uint8_t seen[SOAK_MESSAGES_MAX / 8];
};

struct guest {
    struct soak *soak;
    struct node *node;
    enum soak_state state;
    wrd_conn conn;
    uint8_t number;
    uint16_t life;
    wrd_time next_at, leave_at; /* until which it is away or silent, or says the next message */
    bool told;                  /* the endpoint says that it ended */
    wrd_result reason;
    struct soak_line lines[SOAK_CHANNELS];
};

struct soak {
    struct world world;
    wrd_key key;
    struct node *server;
    struct guest guests[SOAK_GUESTS_MAX];
    unsigned count;
    bool quiet;                                          /* nobody comes, and who is there leaves */
    bool moves;                                          /* guests change their address now and then */
    bool vanishes;                                       /* some leave without a word */
    uint64_t lives, finished, vanished, moved, messages; /* `messages` came back */
    const char *wrong;                                   /* the first thing that was; NULL: nothing */
    unsigned wrong_guest;
    wrd_result wrong_reason;
};

/* `soak` is zeroed but for what says how it shall be. */
void soak_start(struct soak *soak, uint64_t seed, unsigned guests);
/* Ends early when something is wrong. */
void soak_run(struct soak *soak, wrd_time time);
/* Lets everybody leave; false: somebody is still there after `patience`. */
bool soak_empty(struct soak *soak, wrd_time patience);
wrd_endpoint_counters soak_counters(const struct soak *soak);

#endif
