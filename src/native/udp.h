/* SPDX-License-Identifier: MIT */
/*
 * A non-blocking UDP socket that moves datagrams in batches. On a wildcard address it asks for, and answers from, the
 * local address that each datagram was sent to (IP_PKTINFO).
 *
 * Where the kernel can, datagrams of one size to one peer cross it as one (UDP_SEGMENT, UDP_GRO), and many in one call
 * (sendmmsg, recvmmsg). What the kernel lacks is given up for the life of the socket, and every datagram goes alone; so
 * do those that it does not cut for one peer, whose path takes less.
 *
 * Several sockets may have one port: the first is opened as any other, so that a port in use is found, and then
 * shared; the others join it. The kernel chooses among them by a hash of both addresses.
 */
#ifndef WRD_NATIVE_UDP_H
#define WRD_NATIVE_UDP_H

#include "wrd/endpoint.h"

#define WRD_UDP_IN       32 /* buffers in one call of recvmmsg() */
#define WRD_UDP_OUT      64 /* datagrams in one call of wrd_udp_send(); also the most that UDP_SEGMENT takes at once */
#define WRD_UDP_SLOT     2048 /* longer datagrams are none of ours; their rest is cut off and they fail as garbage */
#define WRD_UDP_SLOT_MAX ((size_t)65536) /* room for what UDP_GRO joins */

enum wrd_udp_feature { WRD_UDP_MMSG = 1, WRD_UDP_GSO = 2, WRD_UDP_GRO = 4 };

struct wrd_udp {
    int fd;
    uint8_t family; /* of the socket */
    bool wildcard;
    bool connected;
    bool refused; /* ICMP said that the peer's port is closed; whoever looks clears it */
    int broken;   /* errno: the descriptor is no socket any more */
    /* Of a connected socket: the last answer of ICMP, as errno, 0 for none; whether it was a rule that said so; and who
     * said it, port 0, of family 0 where the system does not tell. */
    int answered;
    bool prohibited;
    wrd_addr answered_by;
    int send_error;    /* errno: why a datagram was last counted in `failed` */
    unsigned features; /* bits of wrd_udp_feature */
    wrd_addr local;
    int receive_buffer, send_buffer; /* bytes that the kernel granted: Linux keeps as much again for its own books */
    uint64_t failed;                 /* datagrams that were given up: no route, forbidden, no room for long */
    uint64_t full;                   /* times that the kernel had no room */
    uint64_t lost;                   /* as of the last wrd_udp_count_lost() */
    unsigned without_room;           /* times in a row that there was no room (ENOBUFS) */
    unsigned uncut;                  /* runs in a row that were not cut, and since then */
    unsigned sends_uncut;            /* calls that do not try it */
};

struct wrd_udp_options {
    const wrd_addr *remote; /* not NULL: connected to it, so that ICMP errors come back */
    bool ipv6_only;
    bool join;       /* a port that is shared */
    int buffer_size; /* SO_RCVBUF and SO_SNDBUF asked for */
};

struct wrd_datagram {
    wrd_path path;
    size_t len;
    uint8_t bytes[WRD_UDP_SLOT];
};

/* Datagrams of one path, each `segment` long but the last, which may be shorter. */
struct wrd_run {
    wrd_path path;
    const uint8_t *bytes;
    size_t len, segment;
};

/* Where datagrams arrive: WRD_UDP_IN buffers, `slot` bytes apart, and what the last call found in them. */
struct wrd_inbox {
    uint8_t *bytes;
    size_t slot;
    struct wrd_run runs[WRD_UDP_IN];
};

/* WRD_SYSTEM with errno and `*why`. */
wrd_result wrd_udp_open(struct wrd_udp *udp, const wrd_addr *local, const struct wrd_udp_options *options,
                        const char **why);
void wrd_udp_close(struct wrd_udp *udp);
/* Others may join the port from now on. False: this system has no such thing. */
bool wrd_udp_share(struct wrd_udp *udp);
/* Brings `lost` up to date: datagrams for which the socket's buffer had no room. */
void wrd_udp_count_lost(struct wrd_udp *udp);
/* Of a connected socket: ICMP's answers are kept from now on, and must be taken. */
void wrd_udp_ask_reports(struct wrd_udp *udp);
/* Takes them into `answered` and what is beside it. True: there were some, so the error that a call has just returned
 * can be of an earlier datagram. errno is lost. */
bool wrd_udp_take_reports(struct wrd_udp *udp);
/* How many bytes of a slot are used. */
size_t wrd_udp_slot(const struct wrd_udp *udp);
/* Fills `inbox`; returns its runs. 0: nothing waits. */
unsigned wrd_udp_receive(struct wrd_udp *udp, struct wrd_inbox *inbox);
/* Sends datagrams, at most WRD_UDP_OUT; returns how many left or were given up. Fewer than `count`: the socket is full.
 */
unsigned wrd_udp_send(struct wrd_udp *udp, struct wrd_datagram *batch, unsigned count);

#endif
