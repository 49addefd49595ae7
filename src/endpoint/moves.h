/* SPDX-License-Identifier: MIT */
/*
 * A peer whose address changed. Its check from the new one names its connection, which anybody who saw that name can do,
 * too. So the connection asks there, by a HEARTBEAT with a cookie of that address, and follows when the answer comes from
 * there in a record that is newer than all before. Until then everything else goes where it went, nobody loses an
 * address, and nobody has traffic sent to others. An address that has all the connections it may have gets no more by
 * moves either; meanwhile what comes from there is taken, and answered where the peer was.
 */
#ifndef WRD_ENDPOINT_MOVES_H
#define WRD_ENDPOINT_MOVES_H

#include "endpoint/inside.h"

/* The peer of `c` may be at `path` now: asks there, five times a second at most, if it may move there. */
void wrd_moves_probe(struct wrd_endpoint *ep, struct wrd_connection *c, const wrd_path *path);
/* A datagram from a path whose last check was of the name. True: it is of the connection that has it. */
bool wrd_moves_receive(struct wrd_endpoint *ep, uint64_t name, const wrd_path *path, const uint8_t *datagram,
                       size_t len);

#endif
