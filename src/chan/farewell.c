/* SPDX-License-Identifier: MIT */
#include "chan/farewell.h"

#include "base/bytes.h"
#include "chan/utf8.h"

enum { TYPE_CLOSE = 1 };

bool wrd_chan_farewell_read(struct wrd_chan_farewell *out, const uint8_t *bytes, size_t len)
{
    struct wrd_reader rd = wrd_rd(bytes, len);
    uint8_t type = wrd_rd8(&rd);
    out->id = wrd_rd16(&rd);
    out->code = wrd_rd32(&rd);
    out->reason = rd.at;
    out->reason_len = rd.left;
    return type == TYPE_CLOSE && !rd.bad && rd.left <= WRD_CHAN_REASON_MAX &&
           wrd_chan_utf8_prefix(rd.at, rd.left, WRD_CHAN_REASON_MAX) == rd.left;
}

size_t wrd_chan_farewell_write(uint8_t out[WRD_CHAN_FAREWELL_MAX], const struct wrd_chan_farewell *farewell)
{
    struct wrd_writer wr = wrd_wr(out, WRD_CHAN_FAREWELL_MAX);
    wrd_wr8(&wr, TYPE_CLOSE);
    wrd_wr16(&wr, farewell->id);
    wrd_wr32(&wr, farewell->code);
    wrd_wr_bytes(&wr, farewell->reason,
                 wrd_chan_utf8_prefix(farewell->reason, farewell->reason_len, WRD_CHAN_REASON_MAX));
    return wr.len;
}
