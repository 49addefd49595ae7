/* SPDX-License-Identifier: MIT */
/*
 * An application for simulated nodes with many channels: both sides open theirs, of every kind, in band and
 * negotiated, send what the plan says, check each message that comes, and close with a code and a reason.
 */
#ifndef WRD_TESTS_TALK_H
#define WRD_TESTS_TALK_H

#include "sim/world.h"
#include "wrd/channel.h"

#define TALK_CHANNELS_MAX 12
#define TALK_MESSAGES_MAX 64
#define TALK_CODE         7000 /* of the connection; channel i closes with that + 1 + i */

/* A channel, as both sides know it beforehand. Only its owner speaks. */
struct talk_plan {
    unsigned owner; /* side 0 or 1 */
    wrd_channel_options options;
    char label[24];
    unsigned messages;
    size_t size_max;
    uint64_t seed;
};

struct talk_channel {
    wrd_channel handle;
    bool known, closing, closed;
    unsigned sent, heard;
    uint32_t next; /* index */
    bool seen[TALK_MESSAGES_MAX];
};

struct talker {
    unsigned side; /* 0 dials */
    wrd_address to;
    const struct talk_plan *plans;
    unsigned count;
    wrd_conn conn;
    bool opened, heard_ready, said_ready, done;
    bool sleeps; /* does not receive for now */
    struct talk_channel channels[TALK_CHANNELS_MAX];
    const char *wrong; /* the first thing that was; NULL: nothing */
    unsigned wrong_at; /* channel */
    wrd_result reason;
};

void talk_turn(struct world *world, struct node *node);
/* May messages be missing? */
bool talk_is_limited(const struct talk_plan *plan);

#endif
