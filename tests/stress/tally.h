/* SPDX-License-Identifier: MIT */
/* What a server sends to the addresses that a flood pretends to have, counted where it would leave the machine. */
#ifndef WRD_TESTS_TALLY_H
#define WRD_TESTS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each in UDP payload, for one transport address. */
struct tally_source {
    uint64_t to_server, from_server;
};

struct tally {
    int fd;
    struct tally_source *sources;
    unsigned count;
    uint8_t net;  /* the sources are 10.net.x.y or fd(net):0:0:xxyy::1, with one port each */
    bool by_port; /* or ports from TALLY_FIRST_PORT on of one address there, or one /64 */
    uint64_t datagrams, bytes, strange, missed;
};

#define TALLY_FIRST_PORT 1024

/* Listens at `device`, where answers leave. False: errno. */
bool tally_open(struct tally *tally, const char *device, uint8_t net, unsigned sources, bool by_port);
void tally_take(struct tally *tally);
/* The most that a byte from one source brought it, and the same for all of them together. */
double tally_worst(const struct tally *tally);
double tally_ratio(const struct tally *tally);
void tally_close(struct tally *tally);

#endif
