/* SPDX-License-Identifier: MIT */
#include "dial/words.h"

#include "base/text.h"
#include "wrd/ufrag.h"

bool wrd_dial_take(struct wrd_dial_slice *from, const char *prefix, size_t prefix_len)
{
    if (from->len < prefix_len || memcmp(from->text, prefix, prefix_len) != 0)
        return false;
    from->text += prefix_len;
    from->len -= prefix_len;
    return true;
}

bool wrd_dial_is_ice_text(const char *text, size_t len, size_t min)
{
    if (len < min || len > WRD_UFRAG_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!alpha && !digit && c != '+' && c != '/')
            return false;
    }
    return true;
}

void wrd_dial_put_decimal(struct wrd_writer *wr, uint32_t value)
{
    char digits[10];
    wrd_wr_bytes(wr, digits, wrd_decimal_write(digits, value));
}

wrd_result wrd_dial_verdict(const char *complaint, const char **why)
{
    if (!complaint)
        return WRD_OK;
    if (why)
        *why = complaint;
    return WRD_INVALID;
}
