/* SPDX-License-Identifier: MIT */
/* How channels open and close, both sides of it. */
#ifndef WRD_CHAN_LIFE_H
#define WRD_CHAN_LIFE_H

#include "chan/set.h"

/* A DCEP message that may not be answered yet: what it refers to has an event that must be taken first. */
enum wrd_chan_taken { WRD_CHAN_TAKEN, WRD_CHAN_HELD };

enum wrd_chan_taken wrd_chan_take_dcep(struct wrd_chan *chan, const struct wrd_sctp_message *up);
void wrd_chan_take_farewell(struct wrd_chan *chan, const struct wrd_sctp_message *up);
/* The peer reset its direction, and everything before was taken. */
void wrd_chan_take_end(struct wrd_chan *chan, uint16_t stream);
/* The peer is known to have it. */
void wrd_chan_confirm(struct wrd_chan *chan, struct wrd_chan_channel *channel);
/* Our direction is to be reset; the first reason stays. */
void wrd_chan_begin_close(struct wrd_chan *chan, struct wrd_chan_channel *channel, wrd_result reason, const char *text);
/* The association is over, and with it whatever was still to say. */
void wrd_chan_abandon(struct wrd_chan *chan, struct wrd_chan_channel *channel, wrd_result reason, const char *text);
void wrd_chan_raise(struct wrd_chan *chan, struct wrd_chan_channel *channel, enum wrd_chan_event_kind kind);

#endif
