/* SPDX-License-Identifier: MIT */
/*
 * The ceiling: what one core can do at most for a server of this kind. A server with the system calls and the crypto
 * of ours and nothing else, no handshake, no association, and a client that costs less than it.
 * Both know the same keys; a datagram is a DTLS 1.2 record that holds something of the size of an SCTP packet.
 */
#ifndef WRD_BENCH_CEILING_H
#define WRD_BENCH_CEILING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/evp.h>

#include "base/crc32c.h"

enum {
    DATAGRAM_MAX = 1200,
    RECORD_EXTRA = 37, /* header 13, explicit nonce 8, tag 16 */
    RECORD_HEAD = 21,  /* of those, before the packet */
    PACKET_HEAD = 12,  /* SCTP common header */
    CHUNK_HEAD = 16,   /* DATA */
    PACKET_MAX = DATAGRAM_MAX - RECORD_EXTRA,
    BULK_BYTES = PACKET_MAX - PACKET_HEAD - CHUNK_HEAD, /* of the application, in a full packet */
    SACK_PACKET = PACKET_HEAD + 16,
    MESSAGE = 100,
    CHECK = 100,       /* a STUN check and its answer */
    BUNDLE = 8,        /* messages in a packet */
    ACK_EVERY = 8,     /* packets of bulk to a SACK */
    BATCH = 64,        /* datagrams to a system call */
    RUN = 16,          /* packets of bulk to a UDP_SEGMENT send */
    JOINED_MAX = 65536 /* what UDP_GRO may join */
};

enum task { TASK_SEND, TASK_RECEIVE, TASK_ECHO, TASK_IDLE };

/* record.c: both directions of one connection. */
struct records {
    EVP_CIPHER_CTX *sealing, *opening;
    uint64_t sent;
    wrd_crc32c_update *crc;
};
void records_open(struct records *records);
void records_close(struct records *records);
/* Makes a datagram of `out + RECORD_HEAD`, which holds `len` bytes of an SCTP packet whose checksum is set here. */
size_t records_seal(struct records *records, uint8_t *out, size_t len);
/* Opens in place; the packet is at `datagram + RECORD_HEAD`. 0: not one of ours, or damaged. */
size_t records_open_one(struct records *records, uint8_t *datagram, size_t len);

/* udp.c: the system calls, as src/native makes them. */
struct flow { /* a batch of datagrams that came, and one to go */
    int fd;
    bool joins, splits; /* UDP_GRO, UDP_SEGMENT */
    uint8_t *in, *out;  /* BATCH rooms of JOINED_MAX, BATCH of DATAGRAM_MAX */
    size_t out_len[BATCH];
    struct sockaddr_in out_to[BATCH];
    unsigned queued;
    void *headers;
};
typedef void flow_taker(void *user, const struct sockaddr_in *from, uint8_t *datagram, size_t len);
void flow_listen(struct flow *flow, struct sockaddr_in *bound);
void flow_connect(struct flow *flow, const struct sockaddr_in *server);
void flow_watch(struct flow *flow, int waiting, void *user); /* with an epoll of the caller */
void flow_close(struct flow *flow);
/* Reads until there is no more, or `turns` batches; false: there was nothing. */
bool flow_read(struct flow *flow, unsigned turns, flow_taker *take, void *user);
/* Room for one more datagram to `to`; writes what is queued first when there is none. Then flow_queue(). */
uint8_t *flow_room(struct flow *flow);
void flow_queue(struct flow *flow, const struct sockaddr_in *to, size_t len);
void flow_write(struct flow *flow);
/* Datagrams of the size DATAGRAM_MAX that may be on their way without that any is lost. */
unsigned flow_window(const struct flow *flow);

/* server.c: never returns. */
_Noreturn void serve(enum task task, int ready);

/* client.c */
struct load {
    enum task task;
    unsigned clients, in_flight, bundle; /* packets in flight of each client, messages in each */
    bool same_core;                      /* server and client share one */
};
struct figures {
    double cpu;   /* seconds of the server */
    double count; /* messages, or bytes in bulk, or seconds of idle clients */
};
void drive(const struct load *load, const struct sockaddr_in *server, pid_t pid, double seconds, struct figures *out);

/* idle.c: the same for TASK_IDLE. */
void idle(const struct load *load, const struct sockaddr_in *server, pid_t pid, double seconds, struct figures *out);

/* primitives.c: CPU seconds of what a connect is made of, on the server's side. */
struct primitives {
    double handshake, udp_send, udp_receive, seal_and_open, check;
};
void measure_primitives(struct primitives *out);

double cpu_seconds_of(pid_t pid); /* 0: this process */
double now_seconds(void);
_Noreturn void give_up(const char *what);

#endif
