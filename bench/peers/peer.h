/* SPDX-License-Identifier: MIT */
/*
 * One end of an association of some SCTP stack: ours or a foreign one, without sockets, threads or clocks. Whoever
 * drives it owns the time and the link, so that every stack meets the same ones.
 */
#ifndef WRD_BENCH_PEER_H
#define WRD_BENCH_PEER_H

#include "wrd/base.h"

#define PEER_PACKET      1191 /* the largest SCTP packet of every stack here */
#define PEER_PACKET_ROOM 1500
#define PEER_HEAD        8 /* bytes of a message that are looked at */

struct peer_options {
    bool without_checksum; /* offers to go without CRC32c */
    bool tuned;            /* usrsctp: with the constants and buffers of libdatachannel instead of its own */
    size_t send_limit, receive_window;
};

struct peer_kind {
    const char *name;
    /* NULL: it can be had here; else a sentence why not. */
    const char *(*missing)(void);
    /* End 0 or 1 of an association; one association of a kind at a time. Both connect. */
    void *(*open)(const struct peer_options *options, int index, wrd_time now);
    void (*close)(void *end);
    bool (*established)(void *end);
    void (*input)(void *end, wrd_time now, const uint8_t *packet, size_t len);
    size_t (*output)(void *end, wrd_time now, uint8_t out[PEER_PACKET_ROOM]); /* 0: none */
    wrd_time (*deadline)(void *end, wrd_time now);
    void (*expire)(void *end, wrd_time now);
    bool (*send)(void *end, wrd_time now, const uint8_t *message, size_t len); /* false: not now */
    /* The length of the next message, which is taken and whose beginning is copied; 0: none. */
    size_t (*receive)(void *end, wrd_time now, uint8_t head[PEER_HEAD]);
};

extern const struct peer_kind peer_ours, peer_usrsctp, peer_dcsctp;

/* Where foreign stacks that are loaded lie: the folder of the running program, which main() sets first. */
void peer_set_folder(const char *program);

#endif
