/* SPDX-License-Identifier: MIT */
/*
 * What a node reads into and sends from: some 2 MiB, of which pages are used as far as datagrams come. A server keeps a
 * set. Clients, of which a process may have thousands, share a few: each takes one to look at its socket and gives it
 * back. Any thread.
 */
#ifndef WRD_NATIVE_BUFFERS_H
#define WRD_NATIVE_BUFFERS_H

#include "native/udp.h"

struct wrd_buffers {
    struct wrd_buffers *next; /* among those that nobody has */
    struct wrd_inbox in;
    struct wrd_datagram out[WRD_UDP_OUT];
    uint8_t bytes[]; /* of the inbox */
};

/* One user more; there is a set now. False: no memory. */
bool wrd_buffers_join(void);
/* The user has given back what it took. With the last one all memory is freed. */
void wrd_buffers_leave(void);
/* NULL: no memory, which cannot be while no other thread has a set. */
struct wrd_buffers *wrd_buffers_take(void);
void wrd_buffers_give(struct wrd_buffers *buffers);

#endif
