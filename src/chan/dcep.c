/* SPDX-License-Identifier: MIT */
#include "chan/dcep.h"

#include "base/bytes.h"

/* RFC 8832 section 8.2.1. */
enum { TYPE_ACK = 0x02, TYPE_OPEN = 0x03 };
/* RFC 8832 section 8.2.2: the kind of reliability, and a bit for unordered. */
enum { CHANNEL_RELIABLE = 0x00, CHANNEL_RETRANSMITS = 0x01, CHANNEL_LIFETIME = 0x02, CHANNEL_UNORDERED = 0x80 };

static bool read_channel_type(struct wrd_chan_dcep_open *open, uint8_t type)
{
    open->unordered = type & CHANNEL_UNORDERED;
    switch (type & ~CHANNEL_UNORDERED) {
    case CHANNEL_RELIABLE: open->reliability = WRD_CHAN_RELIABLE; return true;
    case CHANNEL_RETRANSMITS: open->reliability = WRD_CHAN_RETRANSMITS; return true;
    case CHANNEL_LIFETIME: open->reliability = WRD_CHAN_LIFETIME; return true;
    default: return false;
    }
}

static enum wrd_chan_dcep read_open(struct wrd_chan_dcep_open *open, struct wrd_reader *rd)
{
    *open = (struct wrd_chan_dcep_open){0};
    bool known = read_channel_type(open, wrd_rd8(rd));
    open->priority = wrd_rd16(rd);
    open->limit = wrd_rd32(rd);
    open->label_len = wrd_rd16(rd);
    open->protocol_len = wrd_rd16(rd);
    open->label = wrd_rd_bytes(rd, open->label_len);
    open->protocol = wrd_rd_bytes(rd, open->protocol_len);
    if (open->reliability == WRD_CHAN_RELIABLE)
        open->limit = 0; /* ignored, RFC 8832 5.1 */
    return known && !rd->bad && rd->left == 0 ? WRD_CHAN_DCEP_OPEN : WRD_CHAN_DCEP_BAD;
}

enum wrd_chan_dcep wrd_chan_dcep_read(struct wrd_chan_dcep_open *open, const uint8_t *bytes, size_t len)
{
    struct wrd_reader rd = wrd_rd(bytes, len);
    uint8_t type = wrd_rd8(&rd);
    if (type == TYPE_OPEN)
        return read_open(open, &rd);
    return type == TYPE_ACK && len == WRD_CHAN_DCEP_ACK_SIZE ? WRD_CHAN_DCEP_ACK : WRD_CHAN_DCEP_BAD;
}

size_t wrd_chan_dcep_write_open(uint8_t *out, size_t cap, const struct wrd_chan_dcep_open *open)
{
    static const uint8_t types[] = {[WRD_CHAN_RELIABLE] = CHANNEL_RELIABLE,
                                    [WRD_CHAN_RETRANSMITS] = CHANNEL_RETRANSMITS,
                                    [WRD_CHAN_LIFETIME] = CHANNEL_LIFETIME};
    struct wrd_writer wr = wrd_wr(out, cap);
    wrd_wr8(&wr, TYPE_OPEN);
    wrd_wr8(&wr, (uint8_t)(types[open->reliability] | (open->unordered ? CHANNEL_UNORDERED : 0)));
    wrd_wr16(&wr, open->priority);
    wrd_wr32(&wr, open->limit);
    wrd_wr16(&wr, open->label_len);
    wrd_wr16(&wr, open->protocol_len);
    wrd_wr_bytes(&wr, open->label, open->label_len);
    wrd_wr_bytes(&wr, open->protocol, open->protocol_len);
    return wr.bad ? 0 : wr.len;
}

void wrd_chan_dcep_write_ack(uint8_t out[WRD_CHAN_DCEP_ACK_SIZE])
{
    out[0] = TYPE_ACK;
}
