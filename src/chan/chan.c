/* SPDX-License-Identifier: MIT */
#include "chan/chan.h"

#include "base/mem.h"
#include "chan/life.h"
#include "chan/utf8.h"

/* RFC 8831 section 8; 52 and 54 are the deprecated partial forms, taken as whole. */
enum ppid {
    PPID_DCEP = 50,
    PPID_STRING = 51,
    PPID_BINARY_PARTIAL = 52,
    PPID_BINARY = 53,
    PPID_STRING_PARTIAL = 54,
    PPID_STRING_EMPTY = 56,
    PPID_BINARY_EMPTY = 57
};

static const uint8_t empty[1] = {0};

void wrd_chan_init(struct wrd_chan *chan, const wrd_env *env, struct wrd_sctp *sctp)
{
    *chan = (struct wrd_chan){.env = env, .sctp = sctp, .message_limit = SIZE_MAX};
}

void wrd_chan_free(struct wrd_chan *chan)
{
    if (!chan->env)
        return;
    struct wrd_chan_channel *channel;
    while ((channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_ALL)))
        wrd_chan_remove(chan, channel);
    if (chan->set) {
        wrd_mem_free(chan->env, chan->set->pages, chan->set->page_count * sizeof *chan->set->pages);
        wrd_mem_free(chan->env, chan->set, sizeof *chan->set);
    }
    wrd_mem_free(chan->env, chan->own.bytes, chan->own.len + 1);
    wrd_mem_free(chan->env, chan->said.bytes, chan->said.len + 1);
    *chan = (struct wrd_chan){0};
}

/* ---- opening */

static const char *find_fault(const struct wrd_chan *chan, const struct wrd_chan_dcep_open *open, bool negotiated,
                              uint16_t id)
{
    if (open->label_len > WRD_CHAN_NAME_MAX || open->protocol_len > WRD_CHAN_NAME_MAX)
        return "label or protocol is above 1024 bytes";
    if (wrd_chan_utf8_prefix(open->label, open->label_len, SIZE_MAX) < open->label_len ||
        wrd_chan_utf8_prefix(open->protocol, open->protocol_len, SIZE_MAX) < open->protocol_len)
        return "label or protocol is not UTF-8";
    if (negotiated && id <= WRD_CHAN_CONTROL)
        return "ids 0 and 1 are taken: the main channel and the control stream";
    if (negotiated && id >= wrd_sctp_streams(chan->sctp))
        return "the id is above what the peer takes";
    if (negotiated && wrd_chan_find(chan, id))
        return "a channel of this id is open or not yet closed";
    return NULL;
}

/* The lowest id of ours that is free; above what SCTP has: none. */
static uint32_t find_id(struct wrd_chan *chan)
{
    uint32_t id = chan->client ? 2 : 3;
    if (chan->set && chan->set->next_id > id)
        id = chan->set->next_id + (chan->set->next_id % 2 != id % 2);
    uint32_t limit = wrd_sctp_streams(chan->sctp);
    while (id < limit && wrd_chan_find(chan, (uint16_t)id))
        id += 2;
    if (chan->set)
        chan->set->next_id = id;
    return id;
}

wrd_result wrd_chan_open(struct wrd_chan *chan, wrd_time now, uint32_t *handle, const struct wrd_chan_dcep_open *open,
                         bool negotiated, uint16_t negotiated_id, const char **why)
{
    *why = find_fault(chan, open, negotiated, negotiated_id);
    if (*why)
        return WRD_INVALID;
    uint32_t id = negotiated ? negotiated_id : find_id(chan);
    if (id >= wrd_sctp_streams(chan->sctp)) {
        *why = "all ids are in use";
        return WRD_AGAIN;
    }
    struct wrd_chan_channel *channel = wrd_chan_add(chan, (uint16_t)id, open, false);
    if (!channel || wrd_sctp_set_priority(chan->sctp, (uint16_t)id, open->priority) == WRD_NO_MEMORY) {
        if (channel)
            wrd_chan_remove(chan, channel);
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    *why = "";
    *handle = wrd_chan_handle(channel);
    channel->negotiated = negotiated;
    if (negotiated) {
        wrd_chan_confirm(chan, channel);
        return WRD_OK;
    }
    channel->due = WRD_CHAN_DUE_OPEN;
    wrd_chan_list_push(chan, WRD_CHAN_LIST_WORK, channel);
    wrd_chan_flush(chan, now);
    return WRD_OK;
}

/* ---- messages out */

static void shape(struct wrd_sctp_message *down, const struct wrd_chan_channel *channel)
{
    down->stream = channel->id;
    /* Until the peer is known to have the channel, what is sent must not overtake its opening (RFC 8832 section 6).
     * That is also why a message of a channel unknown to us may be dropped: no peer by the book sends one. */
    down->unordered = channel->unordered && channel->confirmed;
    down->limit_retransmits = channel->reliability == WRD_CHAN_RETRANSMITS;
    if (down->limit_retransmits)
        down->retransmits = channel->limit;
    if (channel->reliability == WRD_CHAN_LIFETIME)
        down->lifetime = channel->limit > 0 ? channel->limit * WRD_MILLISECOND : 1;
}

static void count_sent(struct wrd_chan_stats *stats, size_t len)
{
    stats->messages_sent++;
    stats->bytes_sent += len;
}

wrd_result wrd_chan_send(struct wrd_chan *chan, wrd_time now, const struct wrd_chan_message *message)
{
    struct wrd_chan_channel *channel = NULL;
    struct wrd_sctp_message down = {.stream = WRD_CHAN_MAIN,
                                    .ppid = message->text ? PPID_STRING : PPID_BINARY,
                                    .data = message->data,
                                    .len = message->len};
    if (message->len == 0) {
        down.ppid = message->text ? PPID_STRING_EMPTY : PPID_BINARY_EMPTY;
        down.data = empty;
        down.len = sizeof empty;
    }
    if (message->channel != 0) {
        channel = wrd_chan_find_handle(chan, message->channel);
        if (!channel)
            return WRD_GONE;
        if (channel->state == WRD_CHAN_CLOSING)
            return WRD_CLOSED;
        if (channel->due) { /* its opening waits for room, or for the end of an earlier channel of its id */
            chan->stalled = true;
            return WRD_AGAIN;
        }
        shape(&down, channel);
    }
    wrd_result result = wrd_sctp_send(chan->sctp, now, &down);
    if (channel && result == WRD_CLOSED && wrd_sctp_state(chan->sctp) == WRD_SCTP_ESTABLISHED) {
        chan->stalled = true;
        return WRD_AGAIN;
    }
    if (channel && result == WRD_OK) {
        count_sent(&channel->stats, message->len);
        count_sent(&chan->set->stats, message->len);
    }
    return result;
}

/* ---- messages in */

static bool understand(const struct wrd_sctp_message *up, struct wrd_chan_message *out)
{
    *out = (struct wrd_chan_message){.data = up->data, .len = up->len};
    switch (up->ppid) {
    case PPID_STRING:
    case PPID_STRING_PARTIAL: out->text = true; return true;
    case PPID_BINARY:
    case PPID_BINARY_PARTIAL: return true;
    case PPID_STRING_EMPTY:
        out->text = true;
        out->len = 0;
        return true;
    case PPID_BINARY_EMPTY: out->len = 0; return true;
    default: return false;
    }
}

enum verdict { SHOW, HOLD, DROP };

static enum verdict judge_for(struct wrd_chan *chan, struct wrd_chan_channel *channel,
                              const struct wrd_sctp_message *up, struct wrd_chan_message *out)
{
    if (chan->lent && understand(up, out)) {
        out->channel = chan->lent_to;
        return SHOW;
    }
    if (!channel || !understand(up, out)) {
        chan->dropped++;
        return DROP;
    }
    wrd_chan_confirm(chan, channel); /* as good as an acknowledgement */
    out->channel = wrd_chan_handle(channel);
    if (channel->closed_by_us)
        return DROP;
    if (out->len > chan->message_limit) {
        wrd_chan_begin_close(chan, channel, WRD_TOO_LARGE, "the peer sent a message above the size limit");
        return DROP;
    }
    bool is_news = channel->events & (1u << WRD_CHAN_EVENT_OPEN);
    return is_news ? HOLD : SHOW;
}

static enum verdict judge(struct wrd_chan *chan, const struct wrd_sctp_message *up, struct wrd_chan_message *out)
{
    if (up->ends_stream) {
        wrd_chan_take_end(chan, up->stream);
        return DROP;
    }
    if (up->stream == WRD_CHAN_CONTROL) {
        wrd_chan_take_farewell(chan, up);
        return DROP;
    }
    if (chan->stopped && !chan->lent)
        return DROP;
    if (up->stream == WRD_CHAN_MAIN) {
        if (understand(up, out))
            return SHOW;
        chan->dropped++;
        return DROP;
    }
    if (up->ppid == PPID_DCEP)
        return wrd_chan_take_dcep(chan, up) == WRD_CHAN_HELD ? HOLD : DROP;
    return judge_for(chan, wrd_chan_find(chan, up->stream), up, out);
}

bool wrd_chan_peek(struct wrd_chan *chan, wrd_time now, struct wrd_chan_message *out)
{
    struct wrd_sctp_message up;
    bool any = false;
    enum verdict verdict = DROP;
    chan->held = false;
    while (verdict == DROP && wrd_sctp_peek(chan->sctp, &up)) {
        verdict = judge(chan, &up, out);
        if (verdict == DROP) {
            wrd_sctp_release(chan->sctp, now);
            any = true;
        }
    }
    chan->held = verdict == HOLD;
    if (any)
        wrd_chan_flush(chan, now);
    return verdict == SHOW;
}

void wrd_chan_release(struct wrd_chan *chan, wrd_time now)
{
    struct wrd_sctp_message up;
    struct wrd_chan_message message;
    struct wrd_chan_channel *channel =
        wrd_sctp_peek(chan->sctp, &up) && understand(&up, &message) ? wrd_chan_find(chan, up.stream) : NULL;
    if (channel) {
        channel->stats.messages_received++;
        channel->stats.bytes_received += message.len;
        chan->set->stats.messages_received++;
        chan->set->stats.bytes_received += message.len;
    }
    wrd_sctp_release(chan->sctp, now);
}

/* ---- events */

bool wrd_chan_has_events(const struct wrd_chan *chan)
{
    return wrd_chan_list_first(chan, WRD_CHAN_LIST_EVENTS) != NULL;
}

bool wrd_chan_next(struct wrd_chan *chan, struct wrd_chan_event *out)
{
    struct wrd_chan_channel *channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_EVENTS);
    if (!channel)
        return false;
    unsigned bit = channel->events & ~(channel->events - 1);
    *out = (struct wrd_chan_event){.channel = wrd_chan_handle(channel), .text = ""};
    out->kind = bit == 1u << WRD_CHAN_EVENT_OPEN  ? WRD_CHAN_EVENT_OPEN
                : bit == 1u << WRD_CHAN_EVENT_LOW ? WRD_CHAN_EVENT_LOW
                                                  : WRD_CHAN_EVENT_CLOSED;
    channel->events &= ~bit;
    if (channel->events == 0)
        wrd_chan_list_remove(chan, WRD_CHAN_LIST_EVENTS, channel);
    if (out->kind != WRD_CHAN_EVENT_CLOSED)
        return true;
    out->reason = channel->reason;
    out->text = channel->text;
    out->code = channel->code;
    out->said = channel->said;
    channel->said = (struct wrd_chan_said){0};
    wrd_chan_remove(chan, channel);
    return true;
}

void wrd_chan_end(struct wrd_chan *chan, wrd_result reason, const char *text)
{
    struct wrd_chan_channel *channel = wrd_chan_list_first(chan, WRD_CHAN_LIST_ALL);
    for (; channel; channel = channel->links[WRD_CHAN_LIST_ALL].after)
        wrd_chan_abandon(chan, channel, reason, text);
}

/* ---- what is asked about channels */

bool wrd_chan_get_info(const struct wrd_chan *chan, uint32_t handle, struct wrd_chan_info *out)
{
    const struct wrd_chan_channel *channel = wrd_chan_find_handle(chan, handle);
    if (!channel)
        return false;
    *out = (struct wrd_chan_info){.id = channel->id,
                                  .state = channel->state,
                                  .by_peer = channel->by_peer,
                                  .negotiated = channel->negotiated,
                                  .unordered = channel->unordered,
                                  .reliability = channel->reliability,
                                  .limit = channel->limit,
                                  .priority = channel->priority,
                                  .label = (const char *)channel->names,
                                  .label_len = channel->label_len,
                                  .protocol = (const char *)channel->names + channel->label_len + 1,
                                  .protocol_len = channel->protocol_len,
                                  .stats = channel->stats};
    return true;
}

size_t wrd_chan_buffered(const struct wrd_chan *chan, uint32_t handle)
{
    const struct wrd_chan_channel *channel = handle != 0 ? wrd_chan_find_handle(chan, handle) : NULL;
    if (handle != 0 && (!channel || channel->over))
        return 0;
    return wrd_sctp_stream_buffered(chan->sctp, (uint16_t)handle);
}

wrd_result wrd_chan_set_low(struct wrd_chan *chan, uint32_t handle, size_t bytes)
{
    struct wrd_chan_channel *channel = wrd_chan_find_handle(chan, handle);
    if (!channel)
        return WRD_GONE;
    wrd_result result = wrd_sctp_set_low(chan->sctp, channel->id, bytes);
    channel->wants_low = channel->wants_low || result == WRD_OK;
    return result;
}

struct wrd_chan_stats wrd_chan_stats_of_others(const struct wrd_chan *chan)
{
    return chan->set ? chan->set->stats : (struct wrd_chan_stats){0};
}

uint32_t wrd_chan_count(const struct wrd_chan *chan)
{
    return chan->set ? chan->set->count : 0;
}
