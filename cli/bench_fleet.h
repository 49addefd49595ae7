/* SPDX-License-Identifier: MIT */
/*
 * Many native clients in one thread: one epoll set for their sockets, one heap for their deadlines. A client costs
 * nothing while nothing happens to it, and nothing is allocated for a message.
 */
#ifndef WRD_CLI_BENCH_FLEET_H
#define WRD_CLI_BENCH_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "wrd/client.h"

#define FLEET_REASONS 13 /* wrd_result from 0 to -12 */

enum fleet_state {
    FLEET_FREE = 0, /* never dialed, or ended and told */
    FLEET_OPENING,
    FLEET_OPEN,
    FLEET_CLOSING /* by us */
};

struct fleet_client {
    wrd_client *client; /* NULL while FREE */
    enum fleet_state state;
    uint32_t heap_at;
    uint64_t deadline_ns;
    uint64_t dialed_ns, hung_up_ns;
    uint64_t heard; /* datagrams from the server, until we hung up */
};

struct fleet;

/* What is done with clients. Each may be NULL. */
struct fleet_work {
    void *user;
    void (*opened)(struct fleet *fleet, uint32_t index, void *user);
    /* Messages wait, or there is room to send again. What is sent here leaves right after. */
    void (*ready)(struct fleet *fleet, uint32_t index, void *user);
    /* Ended, from the state `was`. WRD_OK: as we asked. `text` is a sentence. */
    void (*ended)(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                  void *user);
};

struct fleet {
    wrd_address address;
    wrd_client_options options;
    struct fleet_work work;
    struct fleet_client *clients;
    uint32_t *heap;
    uint32_t capacity, heap_count;
    uint32_t counts[FLEET_CLOSING + 1]; /* clients by state */
    int epoll, stop;                    /* `stop`: becomes readable when the user has enough, or -1 */
    bool stopped;
    bool spins;      /* asks again and again instead of sleeping */
    uint64_t now_ns; /* when the present turn began */
};

/* `stop` may be -1. False with a sentence said. */
bool fleet_open(struct fleet *fleet, const wrd_address *address, const wrd_client_options *options, uint32_t capacity,
                int stop);
/* Ends what is still there at once. */
void fleet_close(struct fleet *fleet);

/* Dials with a client that is FREE. WRD_SYSTEM: errno; `*why` in a sentence. */
wrd_result fleet_dial(struct fleet *fleet, uint32_t index, const char **why);
/* Waits until something happens or `until_ns`, and lets everything that did happen. False: the user has enough. */
bool fleet_turn(struct fleet *fleet, uint64_t until_ns);
/* Calls `ready`, to send something while nothing comes in. */
void fleet_touch(struct fleet *fleet, uint32_t index);
/* Says goodbye; `ended` follows. */
void fleet_hang_up(struct fleet *fleet, uint32_t index);
/* Hangs up all, `at_once` at a time, and waits up to `limit_ns`; those that the server has not confirmed then, or
 * within two seconds, are aborted and end as WRD_LOST. */
void fleet_hang_up_all(struct fleet *fleet, uint32_t at_once, uint64_t limit_ns);

#endif
