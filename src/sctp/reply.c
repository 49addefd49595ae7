/* SPDX-License-Identifier: MIT */
/* Packets and error causes that wait to be sent apart from everything else. */
#include "sctp/assoc.h"

#include "base/check.h"

struct wrd_writer wrd_sctp_reply_begin(struct wrd_sctp *sctp, uint32_t tag)
{
    if (!sctp->reply)
        sctp->reply = wrd_mem_alloc(sctp->env, WRD_SCTP_REPLY_MAX);
    sctp->reply_len = 0;
    struct wrd_writer wr = wrd_wr(sctp->reply, sctp->reply ? WRD_SCTP_REPLY_MAX : 0);
    wrd_sctp_packet_begin(&wr, sctp->options.port, tag);
    return wr;
}

void wrd_sctp_reply_end(struct wrd_sctp *sctp, struct wrd_writer *wr)
{
    if (!sctp->reply)
        return;
    WRD_ASSERT(!wr->bad);
    wrd_sctp_packet_end(wr, sctp->crc);
    sctp->reply_len = (uint16_t)wr->len;
}

void wrd_sctp_drop_reply(struct wrd_sctp *sctp)
{
    wrd_mem_free(sctp->env, sctp->reply, WRD_SCTP_REPLY_MAX);
    sctp->reply = NULL;
    sctp->reply_len = 0;
}

void wrd_sctp_report(struct wrd_sctp *sctp, uint16_t cause, const uint8_t *bytes, size_t len)
{
    if (!sctp->error)
        sctp->error = wrd_mem_alloc(sctp->env, WRD_SCTP_ERROR_MAX);
    if (!sctp->error)
        return;
    struct wrd_writer wr = wrd_wr(sctp->error, WRD_SCTP_ERROR_MAX);
    wr.len = sctp->error_len;
    size_t room = wr.cap - wr.len;
    if (room < 8)
        return;
    room = (room - 4) & ~(size_t)3;
    wrd_sctp_param_write(&wr, cause, bytes, len < room ? len : room);
    sctp->error_len = (uint16_t)wr.len;
}

void wrd_sctp_drop_report(struct wrd_sctp *sctp)
{
    wrd_mem_free(sctp->env, sctp->error, WRD_SCTP_ERROR_MAX);
    sctp->error = NULL;
    sctp->error_len = 0;
}
