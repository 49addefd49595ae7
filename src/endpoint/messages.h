/* SPDX-License-Identifier: MIT */
/* What the application sends and receives on a connection, framed or raw; the framing codec's two ends. */
#ifndef WRD_ENDPOINT_MESSAGES_H
#define WRD_ENDPOINT_MESSAGES_H

#include "endpoint/connection.h"

wrd_result wrd_connection_send(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now,
                               wrd_channel channel, wrd_kind kind, const uint8_t *data, size_t len);
/* Hands the waiting frame to SCTP, chunk by chunk, as far as it has room. */
void wrd_connection_push_frame(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now);
/* Notes a send that waits for room and may have it, and a main channel that fell to its low mark. `events` are SCTP's.
 */
void wrd_connection_note_room(const struct wrd_shared *shared, struct wrd_connection *c, unsigned events);
size_t wrd_connection_buffered(const struct wrd_connection *c);                              /* queued or in flight */
size_t wrd_connection_channel_buffered(const struct wrd_connection *c, wrd_channel channel); /* not yet on its way */

/* Gives back what is kept only because more messages may follow. What is borrowed stays valid. */
void wrd_connection_shrink(struct wrd_connection *c);

/* The next whole message of any channel, whatever the mode; false: none. */
bool wrd_connection_look(struct wrd_connection *c, wrd_time now, wrd_message *out);
/* Drops what wrd_connection_look() found. */
void wrd_connection_drop(struct wrd_connection *c, wrd_time now);
wrd_result wrd_connection_peek(struct wrd_connection *c, wrd_time now, wrd_message *out);
void wrd_connection_release(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now);
wrd_result wrd_connection_read(const struct wrd_shared *shared, struct wrd_connection *c, wrd_time now, uint8_t *out,
                               size_t len);
/* Has the application seen all that arrived, but for fewer bytes than its last read wanted? */
bool wrd_connection_drained(struct wrd_connection *c, wrd_time now);

#endif
