/* SPDX-License-Identifier: MIT */
/*
 * A well-behaved client whose datagrams are known to an attacker: it records what it sends, and its address is there to
 * be forged. One connection over one UDP socket, pumped by hand.
 */
#ifndef WRD_TESTS_VICTIM_H
#define WRD_TESTS_VICTIM_H

#include "wrd/wrd.h"

#define VICTIM_RECORDS 64

struct record {
    size_t len;
    uint8_t bytes[WRD_DATAGRAM_MAX];
};

struct victim {
    wrd_endpoint *endpoint;
    wrd_conn conn;
    int fd;
    wrd_addr own, server;
    bool open, closed;
    const char *why; /* it closed */
    unsigned sent, echoed;
    struct record records[VICTIM_RECORDS]; /* its first datagrams: checks, the handshake, data */
    unsigned count;
    const struct record *check, *hello; /* the first of each */
};

/* Connects and has a few messages echoed; false: `why` tells. */
bool victim_connect(struct victim *victim, const wrd_address *server);
/* Reads, sends, runs timers; never waits. */
void victim_pump(struct victim *victim);
/* Sends one message and waits up to `patience` for its echo. */
bool victim_echo(struct victim *victim, wrd_time patience);
void victim_end(struct victim *victim);

wrd_time stress_now(void);

#endif
