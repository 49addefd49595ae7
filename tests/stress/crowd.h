/* SPDX-License-Identifier: MIT */
/*
 * Thousands of clients of one server over one wrd_endpoint. An endpoint tells connections by the remote address, so
 * each client dials one of its own invention (10.64.x.y), and the socket behind it leads to the server.
 */
#ifndef WRD_TESTS_CROWD_H
#define WRD_TESTS_CROWD_H

#include "wrd/wrd.h"

#define CROWD_MAX 20000

struct member {
    int fd;
    wrd_conn conn;
    bool dialed, open, sent, echoed;
    uint32_t words; /* messages so far */
};

struct crowd {
    wrd_endpoint *endpoint;
    wrd_address server;
    struct member *members;
    unsigned count, open, dialing, next, echoed, corrupt;
    uint64_t opened, ended;
    const char *last_end;
    int epoll;
};

wrd_time crowd_now(void);
bool crowd_open(struct crowd *crowd, const wrd_address *server, unsigned count, unsigned addresses, wrd_time lost,
                const char **why);
void crowd_free(struct crowd *crowd);
/* Dials for those who have no connection, while fewer than `in_flight` are at it; once each, or `again` and again. */
void crowd_dial(struct crowd *crowd, unsigned in_flight, bool again);
void crowd_receive(struct crowd *crowd, uint32_t member);
/* Timers, events, and what is to be sent. */
void crowd_turn(struct crowd *crowd);
/* Each open one says something that is to come back. */
void crowd_say(struct crowd *crowd);
int crowd_timeout(const struct crowd *crowd, wrd_time until);

#endif
