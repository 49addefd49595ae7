/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sockaddr_in6 */
#include "native/sockaddr.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void wrd_ip6_bytes(uint8_t out[16], const wrd_addr *addr)
{
    if (addr->family == 6) {
        memcpy(out, addr->ip, 16);
        return;
    }
    memcpy(out, mapped_prefix, 12);
    memcpy(out + 12, addr->ip, 4);
}

void wrd_set_ip6(wrd_addr *out, const uint8_t bytes[16], uint32_t scope)
{
    if (memcmp(bytes, mapped_prefix, 12) == 0) {
        out->family = 4;
        memcpy(out->ip, bytes + 12, 4);
        return;
    }
    out->family = 6;
    memcpy(out->ip, bytes, 16);
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
        out->scope = scope;
}

socklen_t wrd_to_sockaddr(union wrd_sockaddr *out, const wrd_addr *addr, uint8_t family)
{
    memset(out, 0, sizeof *out);
    if (family == 4) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(addr->port);
        memcpy(&out->v4.sin_addr, addr->ip, 4);
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(addr->port);
    out->v6.sin6_scope_id = addr->scope;
    wrd_ip6_bytes(out->v6.sin6_addr.s6_addr, addr);
    return sizeof out->v6;
}

void wrd_from_sockaddr(wrd_addr *out, const union wrd_sockaddr *in)
{
    memset(out, 0, sizeof *out);
    if (in->sa.sa_family == AF_INET) {
        out->family = 4;
        out->port = ntohs(in->v4.sin_port);
        memcpy(out->ip, &in->v4.sin_addr, 4);
    } else if (in->sa.sa_family == AF_INET6) {
        out->port = ntohs(in->v6.sin6_port);
        wrd_set_ip6(out, in->v6.sin6_addr.s6_addr, in->v6.sin6_scope_id);
    }
}
