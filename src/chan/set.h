/* SPDX-License-Identifier: MIT */
/* The channels of a connection besides the main one: by stream id, and in lists. Nothing exists until the first. */
#ifndef WRD_CHAN_SET_H
#define WRD_CHAN_SET_H

#include "chan/chan.h"

enum wrd_chan_list_name {
    WRD_CHAN_LIST_ALL,
    WRD_CHAN_LIST_WORK,   /* have something to say, in turn */
    WRD_CHAN_LIST_RESETS, /* to be reset once the control stream has gone out */
    WRD_CHAN_LIST_EVENTS, /* have events for above */
    WRD_CHAN_LISTS
};

struct wrd_chan_link {
    struct wrd_chan_channel *before, *after;
    bool in;
};

struct wrd_chan_list {
    struct wrd_chan_channel *first, *last;
};

/* What a channel still has to say, in this order. */
enum wrd_chan_due { WRD_CHAN_DUE_OPEN = 1, WRD_CHAN_DUE_ACK = 2, WRD_CHAN_DUE_FAREWELL = 4, WRD_CHAN_DUE_RESET = 8 };

struct wrd_chan_channel {
    struct wrd_chan_link links[WRD_CHAN_LISTS];
    uint16_t id, generation;
    enum wrd_chan_state state;
    unsigned due;    /* bits of wrd_chan_due */
    unsigned events; /* bits of 1 << wrd_chan_event_kind */
    bool by_peer, negotiated, unordered;
    bool confirmed;             /* the peer is known to have it */
    bool closed_by_us;          /* nobody wants what still comes */
    bool asked;                 /* the reset of our direction was asked for */
    bool ours_done, peers_done; /* that direction was reset */
    bool over;                  /* both; only its events remain */
    bool wants_low;
    bool has_said; /* `code` and `said` are the peer's */
    enum wrd_chan_reliability reliability;
    uint32_t limit; /* retransmissions or milliseconds */
    uint16_t priority;
    struct wrd_chan_stats stats;
    struct wrd_chan_said own;  /* an encoded farewell, until it went out */
    struct wrd_chan_said said; /* the peer's reason */
    uint32_t code;             /* the peer's */
    wrd_result reason;         /* why it closes */
    const char *text;
    uint16_t label_len, protocol_len;
    uint8_t names[]; /* label, 0, protocol, 0 */
};

#define WRD_CHAN_PAGE 64

struct wrd_chan_page {
    unsigned count;
    struct wrd_chan_channel *channels[WRD_CHAN_PAGE];
};

struct wrd_chan_set {
    struct wrd_chan_page **pages; /* by id / WRD_CHAN_PAGE; each NULL when it would be empty */
    size_t page_count;
    struct wrd_chan_list lists[WRD_CHAN_LISTS];
    uint32_t count;              /* channels that are not over */
    uint32_t by_peer;            /* of all, those that the peer opened */
    uint32_t by_peer_open;       /* of those, the ones whose peer's direction was not reset */
    uint16_t generation;         /* of the last channel */
    uint32_t next_id;            /* no free id of ours is below */
    struct wrd_chan_stats stats; /* of all channels there ever were */
};

static inline uint32_t wrd_chan_handle(const struct wrd_chan_channel *channel)
{
    return (uint32_t)channel->generation << 16 | channel->id;
}

/* NULL: there is none. */
struct wrd_chan_channel *wrd_chan_find(const struct wrd_chan *chan, uint16_t id);
struct wrd_chan_channel *wrd_chan_find_handle(const struct wrd_chan *chan, uint32_t handle);
/* A zeroed channel with its names; NULL: memory is short. The id must be free. */
struct wrd_chan_channel *wrd_chan_add(struct wrd_chan *chan, uint16_t id, const struct wrd_chan_dcep_open *open,
                                      bool by_peer);
void wrd_chan_remove(struct wrd_chan *chan, struct wrd_chan_channel *channel);

/* Each does nothing when the channel is in already, or is not. */
void wrd_chan_list_push(struct wrd_chan *chan, enum wrd_chan_list_name name, struct wrd_chan_channel *channel);
void wrd_chan_list_remove(struct wrd_chan *chan, enum wrd_chan_list_name name, struct wrd_chan_channel *channel);
struct wrd_chan_channel *wrd_chan_list_first(const struct wrd_chan *chan, enum wrd_chan_list_name name);

#endif
