/* SPDX-License-Identifier: MIT */
#include "sctp/param.h"

#include "sctp/tlv.h"

bool wrd_sctp_param_next(struct wrd_reader *list, struct wrd_sctp_param *param)
{
    struct wrd_sctp_tlv tlv;
    if (!wrd_sctp_tlv_next(list, &tlv))
        return false;
    *param = (struct wrd_sctp_param){
        .type = wrd_load16be(tlv.whole), .whole = tlv.whole, .whole_len = tlv.whole_len, .value = tlv.value};
    return true;
}

size_t wrd_sctp_param_begin(struct wrd_writer *wr, uint16_t type)
{
    size_t start = wr->len;
    wrd_wr16(wr, type);
    wrd_wr16(wr, 0);
    return start;
}

void wrd_sctp_param_end(struct wrd_writer *wr, size_t start)
{
    wrd_sctp_tlv_end(wr, start);
}

void wrd_sctp_param_write(struct wrd_writer *wr, uint16_t type, const void *value, size_t len)
{
    size_t start = wrd_sctp_param_begin(wr, type);
    wrd_wr_bytes(wr, value, len);
    wrd_sctp_param_end(wr, start);
}
