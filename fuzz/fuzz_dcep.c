/* SPDX-License-Identifier: MIT */
/* What a peer says to open a channel and when it closes one. What is read is written the same and read back; reasons
 * are UTF-8 by the word of a decoder of our own. */
#include "base/check.h"
#include "chan/dcep.h"
#include "chan/farewell.h"
#include "chan/utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

static void check_open(const uint8_t *data, size_t size)
{
    static uint8_t out[WRD_CHAN_DCEP_OPEN_SIZE + 2 * UINT16_MAX];
    struct wrd_chan_dcep_open open, back;
    enum wrd_chan_dcep kind = wrd_chan_dcep_read(&open, data, size);
    if (kind == WRD_CHAN_DCEP_ACK) {
        wrd_chan_dcep_write_ack(out);
        WRD_ASSERT(size == WRD_CHAN_DCEP_ACK_SIZE && same(out, data, size));
    }
    if (kind != WRD_CHAN_DCEP_OPEN)
        return;
    WRD_ASSERT(size == WRD_CHAN_DCEP_OPEN_SIZE + (size_t)open.label_len + open.protocol_len);
    WRD_ASSERT(wrd_chan_dcep_write_open(out, size - 1, &open) == 0);
    WRD_ASSERT(wrd_chan_dcep_write_open(out, sizeof out, &open) == size);
    if (open.reliability != WRD_CHAN_RELIABLE) /* whose limit is not looked at */
        WRD_ASSERT(same(out, data, size));
    WRD_ASSERT(wrd_chan_dcep_read(&back, out, size) == WRD_CHAN_DCEP_OPEN);
    WRD_ASSERT(back.unordered == open.unordered && back.reliability == open.reliability && back.limit == open.limit &&
               back.priority == open.priority);
    WRD_ASSERT(back.label_len == open.label_len && same(back.label, open.label, open.label_len));
    WRD_ASSERT(back.protocol_len == open.protocol_len && same(back.protocol, open.protocol, open.protocol_len));
}

/* The length of the UTF-8 character that `bytes` begin with, 0: none (RFC 3629). */
static size_t character(const uint8_t *bytes, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (size == 0 || size > len || bytes[0] >= 0xf8)
        return 0;
    uint32_t code = size == 1 ? bytes[0] : bytes[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

static size_t prefix(const uint8_t *bytes, size_t len, size_t max)
{
    size_t at = 0, size;
    while (at < len && (size = character(bytes + at, len - at)) > 0 && at + size <= max)
        at += size;
    return at;
}

static void check_farewell(const uint8_t *data, size_t size)
{
    struct wrd_chan_farewell farewell;
    if (!wrd_chan_farewell_read(&farewell, data, size))
        return;
    uint8_t out[WRD_CHAN_FAREWELL_MAX];
    WRD_ASSERT(farewell.reason && farewell.reason_len <= WRD_CHAN_REASON_MAX);
    WRD_ASSERT(prefix(farewell.reason, farewell.reason_len, SIZE_MAX) == farewell.reason_len);
    WRD_ASSERT(wrd_chan_farewell_write(out, &farewell) == size && same(out, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_open(data, size);
    check_farewell(data, size);
    static const size_t most[] = {0, 1, 5, 1000, SIZE_MAX};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++)
        WRD_ASSERT(wrd_chan_utf8_prefix(data, size, most[i]) == prefix(data, size, most[i]));
    return 0;
}
