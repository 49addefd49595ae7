/* SPDX-License-Identifier: MIT */
/* What the application hears: events of all connections, in turn. */
#include "base/mem.h"
#include "endpoint/inside.h"
#include "endpoint/messages.h"

static void forget_said(struct wrd_endpoint *ep)
{
    wrd_mem_free(&ep->shared.env, ep->said.bytes, ep->said.len + 1);
    ep->said = (struct wrd_chan_said){0};
}

/* Takes what the peer said, to lend it until the next event. */
static void lend_said(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out, struct wrd_chan_said *said)
{
    if (said->bytes)
        c->account.used -= said->len + 1; /* the endpoint's from here on */
    ep->said = *said;
    *said = (struct wrd_chan_said){0};
    if (ep->said.bytes)
        out->said = (const char *)ep->said.bytes;
}

static bool next_of_channels(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    static const wrd_event_kind kinds[] = {[WRD_CHAN_EVENT_OPEN] = WRD_EVENT_CHANNEL_OPEN,
                                           [WRD_CHAN_EVENT_LOW] = WRD_EVENT_CHANNEL_LOW,
                                           [WRD_CHAN_EVENT_CLOSED] = WRD_EVENT_CHANNEL_CLOSED};
    struct wrd_chan_event event;
    wrd_message message;
    if (!wrd_chan_next(&c->chan, &event))
        return false;
    out->kind = kinds[event.kind];
    out->channel = event.channel;
    out->reason = event.reason;
    out->text = event.text;
    out->code = event.code;
    lend_said(ep, c, out, &event.said);
    c->announced &= ~WRD_PENDING(WRD_EVENT_CHANNEL_OPEN);
    if (c->chan.held && wrd_connection_look(c, ep->now, &message) && !c->closed_by_us)
        c->pending |= WRD_PENDING(WRD_EVENT_READABLE); /* they waited for this event */
    wrd_endpoint_settle(ep, c);
    return true;
}

/* The next event that is no channel's and not the last. */
static bool next_plain(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    static const wrd_event_kind kinds[] = {WRD_EVENT_MOVED, WRD_EVENT_READABLE, WRD_EVENT_WRITABLE,
                                           WRD_EVENT_CHANNEL_LOW};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned bit = WRD_PENDING(kinds[i]);
        if (!(c->pending & bit))
            continue;
        c->pending &= ~bit;
        c->announced &= ~bit;
        if (kinds[i] == WRD_EVENT_READABLE && c->phase == WRD_PHASE_ENDED && wrd_connection_drained(c, ep->now))
            continue; /* the last look has nothing to see */
        out->kind = kinds[i];
        return true;
    }
    return false;
}

static bool next_of(struct wrd_endpoint *ep, struct wrd_connection *c, wrd_event *out)
{
    if (c->pending & WRD_PENDING(WRD_EVENT_OPEN)) {
        c->pending &= ~WRD_PENDING(WRD_EVENT_OPEN);
        c->announced &= ~WRD_PENDING(WRD_EVENT_OPEN);
        out->kind = WRD_EVENT_OPEN;
        return true;
    }
    if (next_of_channels(ep, c, out) || next_plain(ep, c, out))
        return true;
    if (!(c->pending & WRD_PENDING(WRD_EVENT_CLOSED)) || !wrd_connection_drained(c, ep->now))
        return false;
    wrd_chan_end(&c->chan, c->reason, c->reason_text);
    if (next_of_channels(ep, c, out))
        return true;
    out->kind = WRD_EVENT_CLOSED;
    out->reason = c->reason;
    out->text = c->reason_text;
    out->code = c->chan.code;
    lend_said(ep, c, out, &c->chan.said);
    wrd_endpoint_retire(ep, c);
    return true;
}

bool wrd_endpoint_next(wrd_endpoint *ep, wrd_event *out)
{
    forget_said(ep);
    while (ep->events.first) {
        struct wrd_connection *c = ep->events.first;
        *out = (wrd_event){.conn = c->handle, .peer = c->path.remote, .text = "", .said = ""};
        if (next_of(ep, c, out))
            return true;
        wrd_queue_remove(&ep->events, c);
    }
    ep->news = false;
    return false;
}

wrd_result wrd_endpoint_accept(wrd_endpoint *ep, wrd_conn *out, wrd_addr *peer)
{
    for (struct wrd_connection *c = ep->events.first; c; c = wrd_queue_after(&ep->events, c)) {
        if (c->pending & WRD_PENDING(WRD_EVENT_OPEN)) {
            c->pending &= ~WRD_PENDING(WRD_EVENT_OPEN);
            *out = c->handle;
            if (peer)
                *peer = c->path.remote;
            return WRD_OK;
        }
    }
    return WRD_AGAIN;
}
