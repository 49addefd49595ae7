/* SPDX-License-Identifier: MIT */
#include "dtls/record.h"

#include "dtls/dtls.h"

enum {
    WINDOW_SIZE = 64,
    /* Version, random, empty session id and cookie, one cipher suite, one compression method. */
    CLIENT_HELLO_MIN = 2 + 32 + 1 + 1 + 4 + 2
};

bool wrd_dtls_record_take(struct wrd_reader *datagram, struct wrd_dtls_record *out)
{
    const uint8_t *header = wrd_rd_bytes(datagram, WRD_DTLS_RECORD_HEADER);
    if (!header)
        return false;
    out->type = header[0];
    out->epoch = wrd_load16be(header + 3);
    out->sequence = ((uint64_t)wrd_load16be(header + 5) << 32) | wrd_load32be(header + 7);
    out->header = header;
    out->len = wrd_load16be(header + 11);
    out->body = wrd_rd_bytes(datagram, out->len);
    if (header[1] != 0xfe)
        datagram->bad = true;
    return !datagram->bad;
}

void wrd_dtls_record_header(uint8_t out[WRD_DTLS_RECORD_HEADER], uint8_t type, uint16_t epoch, uint64_t sequence,
                            size_t len)
{
    out[0] = type;
    wrd_store16be(out + 1, 0xfefd);
    wrd_store16be(out + 3, epoch);
    wrd_store16be(out + 5, (uint16_t)(sequence >> 32));
    wrd_store32be(out + 7, (uint32_t)sequence);
    wrd_store16be(out + 11, (uint16_t)len);
}

static uint32_t take24(struct wrd_reader *rd)
{
    uint32_t high = wrd_rd8(rd);
    return (high << 16) | wrd_rd16(rd);
}

bool wrd_dtls_fragment_take(struct wrd_reader *record, struct wrd_dtls_fragment *out)
{
    if (record->bad || record->left == 0)
        return false;
    out->type = wrd_rd8(record);
    out->message_len = take24(record);
    out->message_seq = wrd_rd16(record);
    out->offset = take24(record);
    out->len = take24(record);
    out->part = wrd_rd_bytes(record, out->len);
    bool sane = out->message_len <= WRD_DTLS_MESSAGE_MAX && out->offset + out->len <= out->message_len &&
                (out->len > 0 || out->message_len == 0);
    if (!sane)
        record->bad = true;
    return !record->bad;
}

bool wrd_dtls_window_fresh(const struct wrd_dtls_window *window, uint64_t sequence)
{
    if (sequence >= window->top)
        return true;
    uint64_t age = window->top - 1 - sequence;
    return age < WINDOW_SIZE && !(window->seen >> age & 1);
}

void wrd_dtls_window_mark(struct wrd_dtls_window *window, uint64_t sequence)
{
    if (sequence >= window->top) {
        uint64_t ahead = sequence + 1 - window->top;
        window->seen = ahead < WINDOW_SIZE ? window->seen << ahead : 0;
        window->top = sequence + 1;
    }
    uint64_t age = window->top - 1 - sequence;
    if (age < WINDOW_SIZE)
        window->seen |= (uint64_t)1 << age;
}

bool wrd_dtls_is_client_hello(const uint8_t *datagram, size_t len)
{
    struct wrd_reader rd = wrd_rd(datagram, len);
    struct wrd_dtls_record record;
    if (!wrd_dtls_record_take(&rd, &record) || record.type != WRD_DTLS_HANDSHAKE || record.epoch != 0)
        return false;
    struct wrd_reader body = wrd_rd(record.body, record.len);
    struct wrd_dtls_fragment part;
    if (!wrd_dtls_fragment_take(&body, &part) || part.type != WRD_DTLS_CLIENT_HELLO || part.message_seq != 0)
        return false;
    if (part.message_len < CLIENT_HELLO_MIN)
        return false;
    /* The hello's own first byte is the major version, when this part has it. */
    return part.offset > 0 || part.part[0] == 0xfe;
}
