/* SPDX-License-Identifier: MIT */
#include "wrd/address.h"

#include "dial/words.h"

typedef struct wrd_dial_text text;

static const char no_name[] =
    "A host name is not possible here, because a browser's ICE candidate holds an IP address: "
    "look the name up and write the IP.";
static const char bad_ipv4[] = "That is not an IPv4 address: expected are four numbers from 0 to 255, without leading "
                               "zeros.";
static const char bad_ipv6[] = "That is not an IPv6 address in brackets: write it as [2001:db8::1]:3478.";
static const char bad_zone[] =
    "A zone must be the number of a network interface, and only behind a link-local address.";
static const char bad_port[] = "The port must be a number from 1 to 65535 with nothing behind it.";
static const char no_port[] = "The port is missing: write IP:PORT, as 203.0.113.5:3478 or [2001:db8::1]:3478.";
static const char is_url[] = "That is a URL: write only IP:PORT, as 203.0.113.5:3478.";
static const char no_fingerprint[] = "The fingerprint is missing: write IP:PORT FINGERPRINT as the server prints them.";
static const char bad_multiaddr[] = "That is not a server's libp2p address: expected is "
                                    "/ip4/203.0.113.5/udp/3478/webrtc-direct/certhash/uEi...";

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool letter_stands(const text *from)
{
    char lower = from->at < from->end ? (char)(*from->at | 0x20) : '\0';
    return lower >= 'a' && lower <= 'z';
}

static const char *ipv4_fault(const text *from)
{
    return letter_stands(from) ? no_name : bad_ipv4;
}

static void take_ipv4(text *from, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !wrd_dial_take(from, "."))
            wrd_dial_complain(from, ipv4_fault(from));
        ip[i] = (uint8_t)wrd_dial_take_number(from, 255, ipv4_fault(from));
    }
    if (letter_stands(from))
        wrd_dial_complain(from, no_name);
}

/* RFC 4291 2.2: groups of 1 to 4 hex digits, one "::" for one or more groups of zeros, IPv4 as the last two groups. */
static void take_ipv6(text *from, uint8_t ip[16])
{
    enum { NO_GAP = 17 };
    size_t used = 0, gap = wrd_dial_take(from, "::") ? 0 : NO_GAP;
    bool wants_group = gap == NO_GAP;
    while (used < 16) {
        const char *start = from->at;
        uint32_t group = 0;
        int digit;
        while (from->at - start < 4 && (digit = wrd_dial_take_hex(from)) >= 0)
            group = group << 4 | (uint32_t)digit;
        if (from->at == start)
            break;
        wants_group = false;
        if (used <= 12 && wrd_dial_take(from, ".")) {
            from->at = start;
            take_ipv4(from, ip + used);
            used += 4;
            break;
        }
        wrd_store16be(ip + used, (uint16_t)group);
        used += 2;
        if (gap == NO_GAP && wrd_dial_take(from, "::"))
            gap = used;
        else if (wrd_dial_take(from, ":"))
            wants_group = true;
        else
            break;
    }
    if (wants_group || (gap == NO_GAP ? used < 16 : used > 14)) {
        wrd_dial_complain(from, bad_ipv6);
    } else if (gap != NO_GAP) {
        memmove(ip + 16 - (used - gap), ip + gap, used - gap);
        memset(ip + gap, 0, 16 - used);
    }
}

/* What holds in both forms: a zone is for link-local addresses, and a mapped IPv4 address is an IPv4 address. */
static void finish_ip(text *from, wrd_addr *addr)
{
    bool link_local = addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
    if (addr->scope != 0 && !link_local)
        wrd_dial_complain(from, bad_zone);
    if (addr->family == 6 && memcmp(addr->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        memmove(addr->ip, addr->ip + 12, 4);
        memset(addr->ip + 4, 0, 12);
        addr->family = 4;
    }
}

static void take_port(text *from, wrd_addr *addr, bool zero_ok)
{
    addr->port = (uint16_t)wrd_dial_take_number(from, UINT16_MAX, bad_port);
    if (addr->port == 0 && !zero_ok)
        wrd_dial_complain(from, bad_port);
}

static void take_addr(text *from, wrd_addr *addr, bool port_zero_ok)
{
    int colons = 0;
    for (const char *at = from->at; at < from->end && !wrd_dial_is_blank(*at); at++) {
        if (*at == '/')
            wrd_dial_complain(from, is_url);
        colons += *at == ':';
    }
    if (colons == 0)
        wrd_dial_complain(from, no_port);
    bool bracket = wrd_dial_take(from, "[");
    addr->family = bracket ? 6 : 4;
    if (bracket) {
        take_ipv6(from, addr->ip);
        if (wrd_dial_take(from, "%"))
            addr->scope = wrd_dial_take_number(from, UINT32_MAX, bad_zone);
        if (!wrd_dial_take(from, "]"))
            wrd_dial_complain(from, bad_ipv6);
    } else {
        if (colons > 1)
            wrd_dial_complain(from, bad_ipv6);
        take_ipv4(from, addr->ip);
    }
    if (!wrd_dial_take(from, ":"))
        wrd_dial_complain(from, bracket ? no_port : bad_ipv4);
    take_port(from, addr, port_zero_ok);
    if (from->at < from->end && !wrd_dial_is_blank(*from->at))
        wrd_dial_complain(from, bad_port);
    finish_ip(from, addr);
}

wrd_result wrd_addr_parse(wrd_addr *out, const char *start, size_t len, bool port_zero_ok, const char **why)
{
    wrd_addr addr = {.family = 0};
    text from = wrd_dial_text(start, len);
    take_addr(&from, &addr, port_zero_ok);
    if (from.at < from.end)
        wrd_dial_complain(&from, bad_port);
    if (!from.complaint)
        *out = addr;
    return wrd_dial_verdict(&from, why);
}

static void take_multiaddr(text *from, wrd_address *out)
{
    wrd_addr *addr = &out->addr;
    addr->family = wrd_dial_take(from, "/ip4/") ? 4 : 6;
    if (addr->family == 4) {
        take_ipv4(from, addr->ip);
    } else {
        if (wrd_dial_take(from, "/ip6zone/"))
            addr->scope = wrd_dial_take_number(from, UINT32_MAX, bad_zone);
        if (!wrd_dial_take(from, "/ip6/"))
            wrd_dial_complain(from, wrd_dial_take(from, "/dns") ? no_name : bad_multiaddr);
        take_ipv6(from, addr->ip);
    }
    finish_ip(from, addr);
    if (!wrd_dial_take(from, "/udp/"))
        wrd_dial_complain(from, bad_multiaddr);
    take_port(from, addr, false);
    if (!wrd_dial_take(from, "/webrtc-direct"))
        wrd_dial_complain(from, bad_multiaddr);
    if (!wrd_dial_take(from, "/certhash/u"))
        wrd_dial_complain(from, from->at == from->end ? no_fingerprint : bad_multiaddr);
    wrd_dial_take_certhash(from, &out->fingerprint);
    while (wrd_dial_take(from, "/certhash/") || wrd_dial_take(from, "/p2p/")) {
        while (from->at < from->end && *from->at != '/')
            from->at++;
    }
    if (from->at < from->end)
        wrd_dial_complain(from, bad_multiaddr);
}

wrd_result wrd_address_parse(wrd_address *out, const char *start, size_t len, const char **why)
{
    wrd_address address = {.addr = {.family = 0}};
    text from = wrd_dial_text(start, len);
    wrd_dial_take_blanks(&from);
    while (from.at < from.end && wrd_dial_is_blank(from.end[-1]))
        from.end--;
    if (from.at < from.end && *from.at == '/') {
        take_multiaddr(&from, &address);
    } else {
        take_addr(&from, &address.addr, false);
        wrd_dial_take_blanks(&from);
        if (from.at == from.end)
            wrd_dial_complain(&from, no_fingerprint);
        wrd_dial_take_fingerprint(&from, &address.fingerprint);
    }
    if (!from.complaint)
        *out = address;
    return wrd_dial_verdict(&from, why);
}

static void put_ipv4(struct wrd_writer *wr, const uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            wrd_dial_put8(wr, '.');
        wrd_dial_put_number(wr, ip[i], 10);
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
            wrd_dial_put(wr, "::");
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && i != gap + gap_len)
            wrd_dial_put8(wr, ':');
        wrd_dial_put_number(wr, wrd_load16be(ip + 2 * i), 16);
    }
}

void wrd_dial_put_ip(struct wrd_writer *wr, const wrd_addr *addr)
{
    if (addr->family == 4)
        put_ipv4(wr, addr->ip);
    else
        put_ipv6(wr, addr->ip);
}

static void put_zoned_ip(struct wrd_writer *wr, const wrd_addr *addr)
{
    wrd_dial_put_ip(wr, addr);
    if (addr->scope != 0) {
        wrd_dial_put8(wr, '%');
        wrd_dial_put_number(wr, addr->scope, 10);
    }
}

static void put_addr(struct wrd_writer *wr, const wrd_addr *addr)
{
    if (addr->family == 6)
        wrd_dial_put8(wr, '[');
    put_zoned_ip(wr, addr);
    wrd_dial_put(wr, addr->family == 6 ? "]:" : ":");
    wrd_dial_put_number(wr, addr->port, 10);
}

/* Ends the text with a NUL that the length does not count. */
static size_t end_text(struct wrd_writer *wr)
{
    wrd_dial_put8(wr, '\0');
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
    wrd_dial_put8(&wr, ' ');
    wrd_dial_put(&wr, hex);
    return end_text(&wr);
}

size_t wrd_address_multiaddr(const wrd_address *address, char out[WRD_ADDRESS_TEXT_SIZE])
{
    const wrd_addr *addr = &address->addr;
    struct wrd_writer wr = wrd_wr((uint8_t *)out, WRD_ADDRESS_TEXT_SIZE);
    char certhash[WRD_FINGERPRINT_CERTHASH_SIZE];
    wrd_fingerprint_certhash(&address->fingerprint, certhash);
    if (addr->scope != 0) {
        wrd_dial_put(&wr, "/ip6zone/");
        wrd_dial_put_number(&wr, addr->scope, 10);
    }
    wrd_dial_put(&wr, addr->family == 6 ? "/ip6/" : "/ip4/");
    wrd_dial_put_ip(&wr, addr);
    wrd_dial_put(&wr, "/udp/");
    wrd_dial_put_number(&wr, addr->port, 10);
    wrd_dial_put(&wr, "/webrtc-direct/certhash/");
    wrd_dial_put(&wr, certhash);
    return end_text(&wr);
}

bool wrd_addr_equal(const wrd_addr *a, const wrd_addr *b)
{
    size_t ip_len = a->family == 4 ? 4 : sizeof a->ip;
    return a->family == b->family && a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, ip_len) == 0;
}
