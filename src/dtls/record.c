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

/* The datagram's first record, if it carries (part of) a ClientHello: the first of its sender, or one with a cookie. */
static bool take_hello(const uint8_t *datagram, size_t len, struct wrd_dtls_record *record,
                       struct wrd_dtls_fragment *part)
{
    struct wrd_reader rd = wrd_rd(datagram, len);
    if (!wrd_dtls_record_take(&rd, record) || record->type != WRD_DTLS_HANDSHAKE || record->epoch != 0)
        return false;
    struct wrd_reader body = wrd_rd(record->body, record->len);
    if (!wrd_dtls_fragment_take(&body, part) || part->type != WRD_DTLS_CLIENT_HELLO || part->message_seq > 1)
        return false;
    if (part->message_len < CLIENT_HELLO_MIN)
        return false;
    /* The hello's own first byte is the major version, when this part has it. */
    return part->offset > 0 || part->part[0] == 0xfe;
}

bool wrd_dtls_is_client_hello(const uint8_t *datagram, size_t len)
{
    struct wrd_dtls_record record;
    struct wrd_dtls_fragment part;
    return len > 0 && datagram[0] == WRD_DTLS_HANDSHAKE && take_hello(datagram, len, &record, &part);
}

bool wrd_dtls_hello_read(struct wrd_dtls_hello *out, const uint8_t *datagram, size_t len)
{
    struct wrd_dtls_record record;
    struct wrd_dtls_fragment part;
    if (!take_hello(datagram, len, &record, &part) || part.offset > 0)
        return false;
    struct wrd_reader rd = wrd_rd(part.part, part.len);
    (void)wrd_rd16(&rd); /* version */
    out->random = wrd_rd_bytes(&rd, WRD_DTLS_RANDOM_SIZE);
    (void)wrd_rd_bytes(&rd, wrd_rd8(&rd)); /* session id */
    out->cookie_len = wrd_rd8(&rd);
    out->cookie = wrd_rd_bytes(&rd, out->cookie_len);
    out->repeated = part.message_seq == 1;
    return !rd.bad;
}

size_t wrd_dtls_hello_verify(uint8_t *out, size_t cap, const uint8_t *datagram,
                             const uint8_t cookie[WRD_DTLS_COOKIE_SIZE])
{
    enum { BODY_SIZE = 2 + 1 + WRD_DTLS_COOKIE_SIZE };
    struct wrd_writer wr = wrd_wr(out, cap);
    uint8_t *header = wrd_wr_space(&wr, WRD_DTLS_RECORD_HEADER);
    if (!header)
        return 0;
    /* RFC 6347 4.2.1: the record number of what it answers, and versions of DTLS 1.0, whatever is spoken later. */
    wrd_dtls_record_header(header, WRD_DTLS_HANDSHAKE, 0, 0, WRD_DTLS_FRAGMENT_HEADER + BODY_SIZE);
    header[2] = 0xff;
    memcpy(header + 5, datagram + 5, 6);
    wrd_wr32(&wr, (uint32_t)WRD_DTLS_HELLO_VERIFY_REQUEST << 24 | BODY_SIZE);
    wrd_wr16(&wr, 0);         /* message_seq */
    wrd_wr16(&wr, 0);         /* offset, its first two bytes */
    wrd_wr32(&wr, BODY_SIZE); /* its last, then the length of this part */
    wrd_wr16(&wr, 0xfeff);
    wrd_wr8(&wr, WRD_DTLS_COOKIE_SIZE);
    wrd_wr_bytes(&wr, cookie, WRD_DTLS_COOKIE_SIZE);
    return wr.bad ? 0 : wr.len;
}
