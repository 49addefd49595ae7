/* SPDX-License-Identifier: MIT */
/* Packets and error causes that wait to be sent apart from everything else. */
#include "sctp/assoc.h"

#include "base/check.h"

struct wrd_writer wrd_sctp_reply_begin(struct wrd_sctp *sctp, uint32_t tag)
{
    struct wrd_writer wr = wrd_wr(sctp->reply, sizeof sctp->reply);
    wrd_sctp_packet_begin(&wr, sctp->options.port, tag);
    return wr;
}

void wrd_sctp_reply_end(struct wrd_sctp *sctp, struct wrd_writer *wr)
{
    WRD_ASSERT(!wr->bad);
    wrd_sctp_packet_end(wr, sctp->crc);
    sctp->reply_len = (uint16_t)wr->len;
}

void wrd_sctp_report(struct wrd_sctp *sctp, uint16_t cause, const uint8_t *bytes, size_t len)
{
    struct wrd_writer wr = wrd_wr(sctp->error, sizeof sctp->error);
    wr.len = sctp->error_len;
    size_t room = wr.cap - wr.len;
    if (room < 8)
        return;
    room = (room - 4) & ~(size_t)3;
    wrd_sctp_param_write(&wr, cause, bytes, len < room ? len : room);
    sctp->error_len = (uint16_t)wr.len;
}
