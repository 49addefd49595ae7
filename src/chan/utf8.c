/* SPDX-License-Identifier: MIT */
#include "chan/utf8.h"

#include <stdbool.h>

/* Length of the character at the front; 0: none that is valid and whole. RFC 3629 section 4. */
static size_t character(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xc2 && at[0] <= 0xdf   ? 2
                 : (at[0] & 0xf0) == 0xe0         ? 3
                 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                  : 0;
    if (len == 0 || len > left)
        return 0;
    /* Over-long forms, surrogates and what is above U+10FFFF show in the second byte. */
    uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

size_t wrd_chan_utf8_prefix(const uint8_t *bytes, size_t len, size_t max)
{
    size_t limit = len < max ? len : max;
    size_t at = 0;
    size_t step;
    while (at < limit && (step = character(bytes + at, limit - at)) > 0)
        at += step;
    return at;
}
