/* SPDX-License-Identifier: MIT */
/*
 * What the loops of one server share: the gate that counts their connections together; and for clients whose address
 * changed, directories of open connections by name and by the address that they moved to, and for each loop a box into
 * which the others put datagrams that are its own. wrd_siblings (wrd/endpoint.h) is the face that the core sees. Memory
 * is bounded: directories and gate by the connections, the rest is of fixed size.
 *
 * No lock is held while the core runs, but the gate's while it is asked: mail is read where it lies, and its place
 * becomes free afterwards.
 */
#ifndef WRD_NATIVE_SERVER_SIBLINGS_H
#define WRD_NATIVE_SERVER_SIBLINGS_H

#include "wrd/endpoint.h"

#define WRD_MAIL_MAX    1024 /* datagrams in a box: what one reading of a socket may bring */
#define WRD_HEARSAY_MAX 256  /* datagrams without a name that follow one with a name from an address not proved */

struct wrd_office; /* of all loops */

struct wrd_mail {
    wrd_path path;
    size_t len;
    uint8_t bytes[WRD_DATAGRAM_MAX];
};

struct wrd_office_options {
    unsigned loops;
    const wrd_endpoint_options *endpoint; /* of each; borrowed for the call */
    void *user;
    void (*wake)(void *user, unsigned loop); /* its box is no longer empty; called from any loop's thread */
};

/* WRD_INVALID, WRD_NO_MEMORY, WRD_SYSTEM: `*why`. */
wrd_result wrd_office_open(struct wrd_office **out, const struct wrd_office_options *options, const char **why);
void wrd_office_close(struct wrd_office *office); /* NULL is fine */
/* For the options of the endpoint of this loop; lives as long as the office. */
const wrd_siblings *wrd_office_siblings(struct wrd_office *office, unsigned loop);
/* The thread of `loop`: the oldest that lie in a row, until wrd_office_done(). 0: none. While they are read, the loop's
 * `pass` answers WRD_GONE: what comes to the wrong loop twice has no place any more. */
unsigned wrd_office_take(struct wrd_office *office, unsigned loop, const struct wrd_mail **first);
void wrd_office_done(struct wrd_office *office, unsigned loop, unsigned count);
/* Any thread: datagrams for which the box of `loop` had no room. */
uint64_t wrd_office_lost(struct wrd_office *office, unsigned loop);

#endif
