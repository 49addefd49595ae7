/* SPDX-License-Identifier: MIT */
#include "chan/chan.h"

/* RFC 8831 section 8; 52 and 54 are the deprecated partial forms, taken as whole. */
enum ppid {
    PPID_STRING = 51,
    PPID_BINARY_PARTIAL = 52,
    PPID_BINARY = 53,
    PPID_STRING_PARTIAL = 54,
    PPID_STRING_EMPTY = 56,
    PPID_BINARY_EMPTY = 57
};

static const uint8_t empty[1] = {0};

wrd_result wrd_chan_send(struct wrd_sctp *sctp, wrd_time now, const struct wrd_chan_message *message)
{
    struct wrd_sctp_message down = {.stream = WRD_CHAN_NEGOTIATED,
                                    .ppid = message->text ? PPID_STRING : PPID_BINARY,
                                    .data = message->data,
                                    .len = message->len};
    if (message->len == 0) {
        down.ppid = message->text ? PPID_STRING_EMPTY : PPID_BINARY_EMPTY;
        down.data = empty;
        down.len = sizeof empty;
    }
    return wrd_sctp_send(sctp, now, &down);
}

static bool understand(const struct wrd_sctp_message *up, struct wrd_chan_message *out)
{
    if (up->stream != WRD_CHAN_NEGOTIATED)
        return false;
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

bool wrd_chan_peek(struct wrd_chan *chan, struct wrd_sctp *sctp, wrd_time now, struct wrd_chan_message *out)
{
    struct wrd_sctp_message up;
    while (wrd_sctp_peek(sctp, &up)) {
        if (understand(&up, out))
            return true;
        chan->dropped++;
        wrd_sctp_release(sctp, now);
    }
    return false;
}

void wrd_chan_release(struct wrd_sctp *sctp, wrd_time now)
{
    wrd_sctp_release(sctp, now);
}
