/* SPDX-License-Identifier: MIT */
#include "sctp/tlv.h"

static const uint8_t zeros[4];

bool wrd_sctp_tlv_next(struct wrd_reader *list, struct wrd_sctp_tlv *tlv)
{
    if (list->bad || list->left == 0)
        return false;
    const uint8_t *whole = list->at;
    (void)wrd_rd16(list);
    size_t len = wrd_rd16(list);
    if (list->bad || len < WRD_SCTP_TLV_HEADER_SIZE) {
        list->bad = true;
        return false;
    }
    const uint8_t *value = wrd_rd_bytes(list, len - WRD_SCTP_TLV_HEADER_SIZE);
    if (!value)
        return false;
    tlv->whole = whole;
    tlv->whole_len = len;
    tlv->value = wrd_rd(value, len - WRD_SCTP_TLV_HEADER_SIZE);
    /* The last one's padding may be missing: it is not part of a chunk's length, and some senders leave it out. */
    size_t padding = -len & 3;
    (void)wrd_rd_bytes(list, padding < list->left ? padding : list->left);
    return true;
}

void wrd_sctp_tlv_end(struct wrd_writer *wr, size_t start)
{
    if (wr->bad)
        return;
    size_t len = wr->len - start;
    wrd_wr_bytes(wr, zeros, -len & 3);
    if (!wr->bad)
        wrd_store16be(wr->start + start + 2, (uint16_t)len);
}
