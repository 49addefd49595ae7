/* SPDX-License-Identifier: MIT */
#include "chan/life.h"

#include "base/mem.h"
#include "chan/farewell.h"
#include "chan/utf8.h"

#define PPID_DCEP   50 /* RFC 8831 section 8 */
#define PPID_BINARY 53

void wrd_chan_raise(struct wrd_chan *chan, struct wrd_chan_channel *channel, enum wrd_chan_event_kind kind)
{
    channel->events |= 1u << kind;
    wrd_chan_list_push(chan, WRD_CHAN_LIST_EVENTS, channel);
}

void wrd_chan_confirm(struct wrd_chan *chan, struct wrd_chan_channel *channel)
{
    if (channel->confirmed)
        return;
    channel->confirmed = true;
    if (channel->state == WRD_CHAN_OPENING) {
        channel->state = WRD_CHAN_OPEN;
        wrd_chan_raise(chan, channel, WRD_CHAN_EVENT_OPEN);
    }
    if (channel->due) /* a farewell waited for it */
        wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
}

/* ---- closing */

static void finish(struct wrd_chan *chan, struct wrd_chan_channel *channel)
{
    if (channel->over || !channel->ours_done || !channel->peers_done)
        return;
    channel->over = true;
    channel->due = 0;
    chan->stalled = false;
    chan->set->count--;
    wrd_chan_list_remove(chan, WRD_CHAN_LIST_WORK, channel);
    wrd_chan_list_remove(chan, WRD_CHAN_LIST_RESETS, channel);
    wrd_chan_raise(chan, channel, WRD_CHAN_EVENT_CLOSED);
}

static void end_peers_direction(struct wrd_chan *chan, struct wrd_chan_channel *channel)
{
    if (channel->peers_done)
        return;
    channel->peers_done = true;
    chan->set->by_peer_open -= channel->by_peer;
}

/* Nothing more can come of it: there is no way to reset, or the peer never heard of it. */
static void give_up(struct wrd_chan *chan, struct wrd_chan_channel *channel)
{
    end_peers_direction(chan, channel);
    channel->ours_done = true;
    finish(chan, channel);
}

void wrd_chan_begin_close(struct wrd_chan *chan, struct wrd_chan_channel *channel, wrd_result reason, const char *text)
{
    if (channel->state == WRD_CHAN_CLOSING)
        return;
    channel->state = WRD_CHAN_CLOSING;
    channel->reason = reason;
    channel->text = text;
    if (channel->due & WRD_CHAN_DUE_OPEN) {
        give_up(chan, channel);
        return;
    }
    channel->due |= WRD_CHAN_DUE_RESET;
    wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
}

void wrd_chan_abandon(struct wrd_chan *chan, struct wrd_chan_channel *channel, wrd_result reason, const char *text)
{
    if (channel->state != WRD_CHAN_CLOSING) {
        channel->state = WRD_CHAN_CLOSING;
        channel->reason = reason;
        channel->text = text;
    }
    give_up(chan, channel);
}

static bool keep_farewell(struct wrd_chan *chan, struct wrd_chan_said *own, uint16_t id, uint32_t code,
                          const char *reason)
{
    struct wrd_chan_farewell farewell = {.id = id, .code = code, .reason = (const uint8_t *)(reason ? reason : "")};
    while (farewell.reason_len < WRD_CHAN_REASON_MAX && farewell.reason[farewell.reason_len] != 0)
        farewell.reason_len++;
    if ((code == 0 && farewell.reason_len == 0) || own->bytes)
        return false;
    uint8_t bytes[WRD_CHAN_FAREWELL_MAX];
    size_t len = wrd_chan_farewell_write(bytes, &farewell);
    own->bytes = wrd_mem_alloc(chan->env, len + 1);
    if (!own->bytes)
        return false; /* the close itself matters more */
    memcpy(own->bytes, bytes, len);
    own->len = len;
    return true;
}

void wrd_chan_close(struct wrd_chan *chan, wrd_time now, uint32_t handle, uint32_t code, const char *reason)
{
    struct wrd_chan_channel *channel = wrd_chan_find_handle(chan, handle);
    if (!channel || channel->over)
        return;
    channel->closed_by_us = true;
    if (channel->state == WRD_CHAN_CLOSING)
        return;
    if (keep_farewell(chan, &channel->own, channel->id, code, reason))
        channel->due |= WRD_CHAN_DUE_FAREWELL;
    wrd_chan_begin_close(chan, channel, WRD_OK, "closed by us");
    wrd_chan_flush(chan, now);
}

void wrd_chan_say_farewell(struct wrd_chan *chan, wrd_time now, uint32_t code, const char *reason)
{
    if (keep_farewell(chan, &chan->own, WRD_CHAN_MAIN, code, reason))
        wrd_chan_flush(chan, now);
}

bool wrd_chan_farewells_out(const struct wrd_chan *chan)
{
    if (chan->own.bytes)
        return false;
    const struct wrd_chan_channel *channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_WORK);
    for (; channel; channel = channel->links[WRD_CHAN_LIST_WORK].after)
        if ((channel->due & WRD_CHAN_DUE_FAREWELL) && channel->confirmed)
            return false;
    return true;
}

void wrd_chan_take_end(struct wrd_chan *chan, uint16_t stream)
{
    struct wrd_chan_channel *channel = wrd_chan_find(chan, stream);
    if (!channel || channel->over)
        return;
    end_peers_direction(chan, channel);
    wrd_chan_begin_close(chan, channel, WRD_CLOSED, "closed by the peer");
    if (!channel->confirmed && (channel->due & WRD_CHAN_DUE_FAREWELL)) {
        channel->due &= ~(unsigned)WRD_CHAN_DUE_FAREWELL; /* the peer never took it: there is nobody to tell */
        wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
    }
    finish(chan, channel);
}

static void take_reset(struct wrd_chan *chan, uint16_t stream, enum wrd_sctp_reset_side side)
{
    if (stream == WRD_CHAN_MAIN && side == WRD_SCTP_RESET_BY_PEER) {
        chan->main_reset = true;
        (void)wrd_sctp_reset_stream(chan->sctp, stream);
    }
    struct wrd_chan_channel *channel = wrd_chan_find(chan, stream);
    if (!channel || side == WRD_SCTP_RESET_BY_PEER) /* the peer's counts in its place among the messages */
        return;
    chan->stalled = false;
    if (side == WRD_SCTP_RESET_REFUSED && channel->asked)
        give_up(chan, channel);
    else if (channel->asked) {
        channel->ours_done = true;
        finish(chan, channel);
    }
    if (channel->due) /* it waited for the end of an earlier channel of its id */
        wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
}

void wrd_chan_take(struct wrd_chan *chan, wrd_time now, unsigned events)
{
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    if (events & WRD_SCTP_EVENT_RESET)
        while (wrd_sctp_next_reset(chan->sctp, &stream, &side))
            take_reset(chan, stream, side);
    if (events & WRD_SCTP_EVENT_LOW)
        while (wrd_sctp_next_low(chan->sctp, &stream)) {
            struct wrd_chan_channel *channel = wrd_chan_find(chan, stream);
            if (channel && channel->wants_low && !channel->over)
                wrd_chan_raise(chan, channel, WRD_CHAN_EVENT_LOW);
        }
    wrd_chan_flush(chan, now);
}

/* ---- what waits for room */

static wrd_result say(struct wrd_chan *chan, wrd_time now, uint16_t stream, uint32_t ppid, const uint8_t *bytes,
                      size_t len)
{
    struct wrd_sctp_message down = {.stream = stream, .ppid = ppid, .data = bytes, .len = len};
    return wrd_sctp_send(chan->sctp, now, &down);
}

static wrd_result say_open(struct wrd_chan *chan, wrd_time now, const struct wrd_chan_channel *channel)
{
    uint8_t bytes[WRD_CHAN_DCEP_OPEN_SIZE + 2 * WRD_CHAN_NAME_MAX];
    struct wrd_chan_dcep_open open = {.unordered = channel->unordered,
                                      .reliability = channel->reliability,
                                      .limit = channel->limit,
                                      .priority = channel->priority,
                                      .label = channel->names,
                                      .label_len = channel->label_len,
                                      .protocol = channel->names + channel->label_len + 1,
                                      .protocol_len = channel->protocol_len};
    size_t len = wrd_chan_dcep_write_open(bytes, sizeof bytes, &open);
    return say(chan, now, channel->id, PPID_DCEP, bytes, len);
}

static void forget(const wrd_env *env, struct wrd_chan_said *said)
{
    wrd_mem_free(env, said->bytes, said->len + 1);
    *said = (struct wrd_chan_said){0};
}

/* Says the first thing that `channel` has to say. */
static wrd_result say_next(struct wrd_chan *chan, wrd_time now, struct wrd_chan_channel *channel)
{
    unsigned what = channel->due & ~(channel->due - 1);
    wrd_result result = WRD_OK;
    if (what == WRD_CHAN_DUE_OPEN) {
        result = say_open(chan, now, channel);
    } else if (what == WRD_CHAN_DUE_ACK) {
        uint8_t ack[WRD_CHAN_DCEP_ACK_SIZE];
        wrd_chan_dcep_write_ack(ack);
        result = say(chan, now, channel->id, PPID_DCEP, ack, sizeof ack);
    } else if (what == WRD_CHAN_DUE_FAREWELL) {
        result = say(chan, now, WRD_CHAN_CONTROL, PPID_BINARY, channel->own.bytes, channel->own.len);
        if (result == WRD_OK)
            forget(chan->env, &channel->own);
    }
    if (result == WRD_OK)
        channel->due &= ~what;
    if (result == WRD_OK)
        chan->stalled = false; /* what waited for this may be sent, too */
    return result;
}

/* False: there is no room now, for nobody. */
static bool work(struct wrd_chan *chan, wrd_time now, struct wrd_chan_channel *channel)
{
    while (channel->due & ~(unsigned)WRD_CHAN_DUE_RESET) {
        /* The peer must know the channel when its farewell comes, and streams do not wait for each other. */
        if ((channel->due & WRD_CHAN_DUE_FAREWELL) && !channel->confirmed)
            break;
        wrd_result result = say_next(chan, now, channel);
        if (result == WRD_AGAIN || result == WRD_NO_MEMORY)
            return false;
        if (result != WRD_OK)
            break; /* a reset of its stream is under way, whose end brings it back; or all is over */
    }
    wrd_chan_list_remove(chan, WRD_CHAN_LIST_WORK, channel);
    if (channel->due == WRD_CHAN_DUE_RESET)
        wrd_chan_list_push(chan, WRD_CHAN_LIST_RESETS, channel);
    return true;
}

/* Farewells have their TSNs, so a reset asked for now comes after them. */
static void ask_resets(struct wrd_chan *chan)
{
    struct wrd_chan_channel *channel;
    while ((channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_RESETS))) {
        wrd_result result = wrd_sctp_reset_stream(chan->sctp, channel->id);
        if (result == WRD_NO_MEMORY)
            return;
        wrd_chan_list_remove(chan, WRD_CHAN_LIST_RESETS, channel);
        channel->due = 0;
        channel->asked = true;
        if (result == WRD_INVALID)
            give_up(chan, channel); /* the peer cannot; WRD_CLOSED: all ends */
    }
}

void wrd_chan_flush(struct wrd_chan *chan, wrd_time now)
{
    if (chan->own.bytes && say(chan, now, WRD_CHAN_CONTROL, PPID_BINARY, chan->own.bytes, chan->own.len) == WRD_OK)
        forget(chan->env, &chan->own);
    struct wrd_chan_channel *channel;
    while ((channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_WORK)) && work(chan, now, channel))
        continue;
    if (wrd_chan_list_first(chan, WRD_CHAN_LIST_RESETS) &&
        wrd_sctp_stream_buffered(chan->sctp, WRD_CHAN_CONTROL) == 0)
        ask_resets(chan);
}

/* ---- what the peer opens */

static bool is_acceptable(const struct wrd_chan *chan, uint16_t id, const struct wrd_chan_dcep_open *open)
{
    const struct wrd_chan_set *set = chan->set;
    uint32_t present = set ? set->by_peer_open : 0;
    /* Those that only wait for our direction's reset do not count, but cannot pile up either. */
    uint32_t all = set ? set->by_peer : 0;
    return id % 2 == (chan->client ? 1 : 0) && id < wrd_sctp_streams(chan->sctp) && present < chan->accept &&
           all < 2u * chan->accept && open->label_len <= WRD_CHAN_NAME_MAX && open->protocol_len <= WRD_CHAN_NAME_MAX &&
           wrd_chan_utf8_prefix(open->label, open->label_len, SIZE_MAX) == open->label_len &&
           wrd_chan_utf8_prefix(open->protocol, open->protocol_len, SIZE_MAX) == open->protocol_len;
}

static void refuse(struct wrd_chan *chan, uint16_t id)
{
    struct wrd_chan_channel *channel = wrd_chan_find(chan, id);
    chan->refused++;
    if (channel)
        wrd_chan_begin_close(chan, channel, WRD_PROTOCOL, "the peer broke the rules of opening channels");
    else
        (void)wrd_sctp_reset_stream(chan->sctp, id);
}

static enum wrd_chan_taken take_open(struct wrd_chan *chan, uint16_t id, const struct wrd_chan_dcep_open *open)
{
    struct wrd_chan_channel *channel = wrd_chan_find(chan, id);
    if (channel && channel->peers_done && (channel->asked || channel->over)) {
        /* The peer saw both directions reset. We may not have its word for ours yet: then sends wait for it. */
        channel->ours_done = true;
        finish(chan, channel);
        return WRD_CHAN_HELD;
    }
    if (!channel && is_acceptable(chan, id, open))
        channel = wrd_chan_add(chan, id, open, true);
    else
        channel = NULL;
    if (!channel) {
        refuse(chan, id);
        return WRD_CHAN_TAKEN;
    }
    channel->state = WRD_CHAN_OPEN;
    channel->confirmed = true;
    channel->due = WRD_CHAN_DUE_ACK;
    (void)wrd_sctp_set_priority(chan->sctp, id, open->priority > 0 ? open->priority : 1);
    wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
    wrd_chan_raise(chan, channel, WRD_CHAN_EVENT_OPEN);
    return WRD_CHAN_TAKEN;
}

enum wrd_chan_taken wrd_chan_take_dcep(struct wrd_chan *chan, const struct wrd_sctp_message *up)
{
    struct wrd_chan_dcep_open open;
    struct wrd_chan_channel *channel;
    switch (wrd_chan_dcep_read(&open, up->data, up->len)) {
    case WRD_CHAN_DCEP_OPEN: return take_open(chan, up->stream, &open);
    case WRD_CHAN_DCEP_ACK:
        channel = wrd_chan_find(chan, up->stream);
        if (channel && !channel->by_peer && !channel->negotiated)
            wrd_chan_confirm(chan, channel);
        else
            chan->dropped++;
        break;
    case WRD_CHAN_DCEP_BAD: refuse(chan, up->stream); break;
    }
    return WRD_CHAN_TAKEN;
}

void wrd_chan_take_farewell(struct wrd_chan *chan, const struct wrd_sctp_message *up)
{
    struct wrd_chan_farewell farewell;
    if (up->ppid != PPID_BINARY || !wrd_chan_farewell_read(&farewell, up->data, up->len)) {
        chan->dropped++;
        return;
    }
    struct wrd_chan_channel *channel = wrd_chan_find(chan, farewell.id);
    bool known = farewell.id == WRD_CHAN_MAIN ? !chan->has_said : channel && !channel->over && !channel->has_said;
    if (!known) {
        chan->dropped++;
        return;
    }
    struct wrd_chan_said *said = channel ? &channel->said : &chan->said;
    if (farewell.reason_len > 0 && (said->bytes = wrd_mem_alloc(chan->env, farewell.reason_len + 1))) {
        memcpy(said->bytes, farewell.reason, farewell.reason_len);
        said->bytes[farewell.reason_len] = 0;
        said->len = farewell.reason_len;
    }
    *(channel ? &channel->code : &chan->code) = farewell.code;
    *(channel ? &channel->has_said : &chan->has_said) = true;
}
