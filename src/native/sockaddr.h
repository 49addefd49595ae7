/* SPDX-License-Identifier: MIT */
/* wrd_addr from and to the operating system's form. IPv4 on a dual-stack socket is plain IPv4 in a wrd_addr. */
#ifndef WRD_NATIVE_SOCKADDR_H
#define WRD_NATIVE_SOCKADDR_H

#include "wrd/address.h"

#include <netinet/in.h>
#include <sys/socket.h>

union wrd_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The 16 bytes of an IPv6 address; an IPv4 one as mapped. */
void wrd_ip6_bytes(uint8_t out[16], const wrd_addr *addr);
/* Family, bytes and scope of `out`. */
void wrd_set_ip6(wrd_addr *out, const uint8_t bytes[16], uint32_t scope);
/* `family`: 4 or 6, of the socket. */
socklen_t wrd_to_sockaddr(union wrd_sockaddr *out, const wrd_addr *addr, uint8_t family);
/* Family 0: neither IPv4 nor IPv6. */
void wrd_from_sockaddr(wrd_addr *out, const union wrd_sockaddr *in);

#endif
