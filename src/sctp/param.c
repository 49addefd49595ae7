/* SPDX-License-Identifier: MIT */
#include "sctp/param.h"

#define PARAM_HEADER_SIZE 4

static const uint8_t zeros[4];

bool wrd_sctp_param_next(struct wrd_reader *list, struct wrd_sctp_param *param)
{
    if (list->bad || list->left == 0)
        return false;
    const uint8_t *whole = list->at;
    param->type = wrd_rd16(list);
    size_t len = wrd_rd16(list);
    if (list->bad || len < PARAM_HEADER_SIZE) {
        list->bad = true;
        return false;
    }
    const uint8_t *value = wrd_rd_bytes(list, len - PARAM_HEADER_SIZE);
    if (!value)
        return false;
    param->whole = whole;
    param->whole_len = len;
    param->value = wrd_rd(value, len - PARAM_HEADER_SIZE);
    /* A chunk's length leaves out the padding of its last parameter (RFC 9260 3.2). */
    size_t padding = -len & 3;
    (void)wrd_rd_bytes(list, padding < list->left ? padding : list->left);
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
    if (wr->bad)
        return;
    size_t len = wr->len - start;
    wrd_wr_bytes(wr, zeros, -len & 3);
    if (!wr->bad)
        wrd_store16be(wr->start + start + 2, (uint16_t)len);
}

void wrd_sctp_param_write(struct wrd_writer *wr, uint16_t type, const void *value, size_t len)
{
    size_t start = wrd_sctp_param_begin(wr, type);
    wrd_wr_bytes(wr, value, len);
    wrd_sctp_param_end(wr, start);
}
