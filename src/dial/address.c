/* SPDX-License-Identifier: MIT */
#include "wrd/address.h"

#include "base/text.h"
#include "dial/words.h"

#define LITERAL WRD_DIAL_LITERAL

typedef struct wrd_dial_slice slice;

static const char no_name[] =
    "A host name is not possible, because a browser's ICE candidate holds only an IP address: "
    "look the name up and write the IP, as 203.0.113.5.";
static const char bad_ipv4[] = "That is not an IPv4 address: expected are four numbers from 0 to 255 without leading "
                               "zeros, as 203.0.113.5.";
static const char bad_ipv6[] = "That is not an IPv6 address: expected is a form as 2001:db8::1.";
static const char bad_zone[] = "The zone after % must be an interface's number, and only a link-local address (fe80::) "
                               "takes one.";
static const char bad_port[] = "The port must be a number from 1 to 65535 with nothing behind it.";
static const char no_port[] = "The port is missing: write IP:PORT, as 203.0.113.5:3478 or [2001:db8::1]:3478.";
static const char no_bracket[] = "An IPv6 address needs brackets before its port: write [2001:db8::1]:3478.";
static const char is_url[] = "That is a URL: write only IP:PORT, as 203.0.113.5:3478.";
static const char no_fingerprint[] = "The fingerprint is missing: write IP:PORT FINGERPRINT as the server prints it.";
static const char bad_multiaddr[] = "That is not the libp2p address of a server: expected is "
                                    "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/uEi...";

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Where `c` first stands in `text`, else `len`. */
static size_t find(const char *text, size_t len, char c)
{
    size_t at = 0;
    while (at < len && text[at] != c)
        at++;
    return at;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool read_ipv4(uint8_t ip[4], const char *text, size_t len)
{
    for (int i = 0; i < 4; i++) {
        size_t digits = i < 3 ? find(text, len, '.') : len;
        uint32_t value;
        if (!wrd_decimal_read(&value, text, digits, 255))
            return false;
        ip[i] = (uint8_t)value;
        if (i < 3 && digits == len)
            return false;
        text += digits + 1;
        len -= digits + 1;
    }
    return true;
}

/* RFC 4291 2.2: groups of 1 to 4 hex digits, one "::" for one or more groups of zeros, IPv4 as the last two groups. */
static bool read_ipv6(uint8_t ip[16], const char *text, size_t len)
{
    size_t used = 0, gap = 16, at = 0;
    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < len) {
        size_t end = at;
        uint32_t group = 0;
        for (; end < len && end < at + 4 && wrd_hex_digit(text[end]) >= 0; end++)
            group = group << 4 | (uint32_t)wrd_hex_digit(text[end]);
        if (end < len && text[end] == '.') {
            if (used > 12 || !read_ipv4(ip + used, text + at, len - at))
                return false;
            used += 4;
            break;
        }
        if (end == at || used > 14)
            return false;
        wrd_store16be(ip + used, (uint16_t)group);
        used += 2;
        if (end == len)
            break;
        if (text[end] != ':' || end + 1 == len)
            return false;
        at = end + 1;
        if (text[at] == ':') {
            if (gap < 16)
                return false;
            gap = used;
            at++;
        }
    }
    if (gap == 16)
        return used == 16;
    if (used > 14)
        return false;
    memmove(ip + 16 - (used - gap), ip + gap, used - gap);
    memset(ip + gap, 0, 16 - used);
    return true;
}

static bool has_letter(slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char lower = (char)(text.text[i] | 0x20);
        if (lower >= 'a' && lower <= 'z')
            return true;
    }
    return false;
}

static const char *read_zone(wrd_addr *out, slice zone)
{
    bool link_local = out->family == 6 && out->ip[0] == 0xfe && (out->ip[1] & 0xc0) == 0x80;
    if (!link_local || !wrd_decimal_read(&out->scope, zone.text, zone.len, UINT32_MAX) || out->scope == 0)
        return bad_zone;
    return NULL;
}

static const char *read_ip(wrd_addr *out, uint8_t family, slice ip)
{
    out->family = family;
    if (family == 4) {
        if (read_ipv4(out->ip, ip.text, ip.len))
            return NULL;
        return has_letter(ip) ? no_name : bad_ipv4;
    }
    size_t percent = find(ip.text, ip.len, '%');
    if (!read_ipv6(out->ip, ip.text, percent))
        return bad_ipv6;
    if (memcmp(out->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        memmove(out->ip, out->ip + 12, 4);
        memset(out->ip + 4, 0, 12);
        out->family = 4;
    }
    return percent < ip.len ? read_zone(out, (slice){ip.text + percent + 1, ip.len - percent - 1}) : NULL;
}

static const char *read_port(wrd_addr *out, slice port, bool port_zero_ok)
{
    uint32_t value;
    if (!wrd_decimal_read(&value, port.text, port.len, UINT16_MAX) || (value == 0 && !port_zero_ok))
        return bad_port;
    out->port = (uint16_t)value;
    return NULL;
}

static const char *read_addr(wrd_addr *out, slice text, bool port_zero_ok)
{
    size_t colon = find(text.text, text.len, ':');
    slice behind = {text.text + colon, text.len - colon};
    if (wrd_dial_take(&behind, LITERAL("://")))
        return is_url;
    slice ip = {text.text, colon};
    uint8_t family = 4;
    if (wrd_dial_take(&text, LITERAL("["))) {
        family = 6;
        ip = (slice){text.text, find(text.text, text.len, ']')};
        if (ip.len == text.len)
            return no_bracket;
        behind = (slice){ip.text + ip.len + 1, text.len - ip.len - 1};
    }
    if (!wrd_dial_take(&behind, LITERAL(":")))
        return no_port;
    if (family == 4 && find(behind.text, behind.len, ':') < behind.len)
        return no_bracket;
    const char *complaint = read_ip(out, family, ip);
    return complaint ? complaint : read_port(out, behind, port_zero_ok);
}

wrd_result wrd_addr_parse(wrd_addr *out, const char *text, size_t len, bool port_zero_ok, const char **why)
{
    wrd_addr addr = {.family = 0};
    const char *complaint = read_addr(&addr, (slice){text, len}, port_zero_ok);
    if (!complaint)
        *out = addr;
    return wrd_dial_verdict(complaint, why);
}

/* Takes "/name/value" off the front of a multiaddr, if that is what stands there. */
static bool take_pair(slice *rest, slice *value, const char *name, size_t name_len)
{
    slice at = *rest;
    if (!wrd_dial_take(&at, name, name_len) || at.len == 0)
        return false;
    *value = (slice){at.text, find(at.text, at.len, '/')};
    *rest = (slice){at.text + value->len, at.len - value->len};
    return true;
}

static const char *read_multiaddr(wrd_address *out, slice rest, const char **why)
{
    slice zone = {NULL, 0}, ip, port, certhash, ignored;
    uint8_t family = 4;
    (void)take_pair(&rest, &zone, LITERAL("/ip6zone/"));
    if (zone.text || !take_pair(&rest, &ip, LITERAL("/ip4/"))) {
        family = 6;
        if (!take_pair(&rest, &ip, LITERAL("/ip6/")))
            return wrd_dial_take(&rest, LITERAL("/dns")) ? no_name : bad_multiaddr;
    }
    if (!take_pair(&rest, &port, LITERAL("/udp/")) || !wrd_dial_take(&rest, LITERAL("/webrtc-direct")))
        return bad_multiaddr;
    const char *complaint = read_ip(&out->addr, family, ip);
    if (!complaint && zone.text)
        complaint = read_zone(&out->addr, zone);
    if (!complaint)
        complaint = read_port(&out->addr, port, false);
    if (complaint)
        return complaint;
    if (!take_pair(&rest, &certhash, LITERAL("/certhash/")))
        return rest.len == 0 ? no_fingerprint : bad_multiaddr;
    while (take_pair(&rest, &ignored, LITERAL("/certhash/")))
        ;
    (void)take_pair(&rest, &ignored, LITERAL("/p2p/"));
    if (rest.len > 0 || certhash.len == 0 || certhash.text[0] != 'u')
        return bad_multiaddr;
    return wrd_fingerprint_parse(&out->fingerprint, certhash.text, certhash.len, why) ? *why : NULL;
}

static const char *read_words(wrd_address *out, slice text, const char **why)
{
    slice word = {text.text, 0};
    while (word.len < text.len && !is_blank(text.text[word.len]))
        word.len++;
    const char *complaint = read_addr(&out->addr, word, false);
    if (complaint)
        return complaint;
    slice rest = {text.text + word.len, text.len - word.len};
    while (rest.len > 0 && is_blank(rest.text[0]))
        rest = (slice){rest.text + 1, rest.len - 1};
    if (rest.len == 0)
        return no_fingerprint;
    return wrd_fingerprint_parse(&out->fingerprint, rest.text, rest.len, why) ? *why : NULL;
}

wrd_result wrd_address_parse(wrd_address *out, const char *text, size_t len, const char **why)
{
    slice rest = {text, len};
    while (rest.len > 0 && is_blank(rest.text[0]))
        rest = (slice){rest.text + 1, rest.len - 1};
    while (rest.len > 0 && is_blank(rest.text[rest.len - 1]))
        rest.len--;
    wrd_address address = {.addr = {.family = 0}};
    const char *inner = NULL;
    bool multiaddr = rest.len > 0 && rest.text[0] == '/';
    const char *complaint = multiaddr ? read_multiaddr(&address, rest, &inner) : read_words(&address, rest, &inner);
    if (!complaint)
        *out = address;
    return wrd_dial_verdict(complaint, why);
}

static void put_ipv4(struct wrd_writer *wr, const uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            wrd_wr8(wr, '.');
        wrd_dial_put_decimal(wr, ip[i]);
    }
}

static void put_group(struct wrd_writer *wr, uint32_t group)
{
    for (int shift = 12; shift >= 0; shift -= 4) {
        if (shift == 0 || group >> shift != 0)
            wrd_wr8(wr, (uint8_t) "0123456789abcdef"[group >> shift & 15]);
    }
}

/* RFC 5952: lower case, no leading zeros, "::" for the first longest run of two or more zero groups. */
static void put_ipv6(struct wrd_writer *wr, const uint8_t ip[16])
{
    size_t gap = 8, gap_len = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t run = 0;
        while (i + run < 8 && wrd_load16be(ip + 2 * (i + run)) == 0)
            run++;
        if (run > gap_len) {
            gap = i;
            gap_len = run;
        }
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == gap) {
            wrd_wr_bytes(wr, LITERAL("::"));
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && i != gap + gap_len)
            wrd_wr8(wr, ':');
        put_group(wr, wrd_load16be(ip + 2 * i));
    }
}

static void put_ip(struct wrd_writer *wr, const wrd_addr *addr)
{
    if (addr->family == 4) {
        put_ipv4(wr, addr->ip);
    } else if (memcmp(addr->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        wrd_wr_bytes(wr, LITERAL("::ffff:"));
        put_ipv4(wr, addr->ip + 12);
    } else {
        put_ipv6(wr, addr->ip);
    }
}

static void put_zoned_ip(struct wrd_writer *wr, const wrd_addr *addr)
{
    put_ip(wr, addr);
    if (addr->family == 6 && addr->scope != 0) {
        wrd_wr8(wr, '%');
        wrd_dial_put_decimal(wr, addr->scope);
    }
}

static void put_addr(struct wrd_writer *wr, const wrd_addr *addr)
{
    if (addr->family == 6)
        wrd_wr8(wr, '[');
    put_zoned_ip(wr, addr);
    if (addr->family == 6)
        wrd_wr8(wr, ']');
    wrd_wr8(wr, ':');
    wrd_dial_put_decimal(wr, addr->port);
}

/* Ends the text with a NUL that the length does not count. */
static size_t end_text(struct wrd_writer *wr)
{
    wrd_wr8(wr, 0);
    return wr->len - 1;
}

size_t wrd_addr_text(const wrd_addr *addr, char out[WRD_ADDR_TEXT_SIZE])
{
    struct wrd_writer wr = wrd_wr((uint8_t *)out, WRD_ADDR_TEXT_SIZE);
    put_addr(&wr, addr);
    return end_text(&wr);
}

size_t wrd_addr_ip_text(const wrd_addr *addr, char out[WRD_ADDR_TEXT_SIZE])
{
    struct wrd_writer wr = wrd_wr((uint8_t *)out, WRD_ADDR_TEXT_SIZE);
    put_zoned_ip(&wr, addr);
    return end_text(&wr);
}

size_t wrd_address_text(const wrd_address *address, char out[WRD_ADDRESS_TEXT_SIZE])
{
    struct wrd_writer wr = wrd_wr((uint8_t *)out, WRD_ADDRESS_TEXT_SIZE);
    char hex[WRD_FINGERPRINT_HEX_SIZE];
    wrd_fingerprint_hex(&address->fingerprint, hex);
    put_addr(&wr, &address->addr);
    wrd_wr8(&wr, ' ');
    wrd_wr_bytes(&wr, hex, sizeof hex - 1);
    return end_text(&wr);
}

size_t wrd_address_multiaddr(const wrd_address *address, char out[WRD_ADDRESS_TEXT_SIZE])
{
    const wrd_addr *addr = &address->addr;
    struct wrd_writer wr = wrd_wr((uint8_t *)out, WRD_ADDRESS_TEXT_SIZE);
    char certhash[WRD_FINGERPRINT_CERTHASH_SIZE];
    wrd_fingerprint_certhash(&address->fingerprint, certhash);
    if (addr->family == 6 && addr->scope != 0) {
        wrd_wr_bytes(&wr, LITERAL("/ip6zone/"));
        wrd_dial_put_decimal(&wr, addr->scope);
    }
    wrd_wr_bytes(&wr, LITERAL("/ip"));
    wrd_wr8(&wr, addr->family == 6 ? '6' : '4');
    wrd_wr8(&wr, '/');
    put_ip(&wr, addr);
    wrd_wr_bytes(&wr, LITERAL("/udp/"));
    wrd_dial_put_decimal(&wr, addr->port);
    wrd_wr_bytes(&wr, LITERAL("/webrtc-direct/certhash/"));
    wrd_wr_bytes(&wr, certhash, sizeof certhash - 1);
    return end_text(&wr);
}

bool wrd_addr_equal(const wrd_addr *a, const wrd_addr *b)
{
    size_t ip_len = a->family == 4 ? 4 : sizeof a->ip;
    return a->family == b->family && a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, ip_len) == 0;
}
