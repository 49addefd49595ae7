/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* ifaddrs, IFF_ */
#include "wrd/server.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool take(wrd_addr *out, const struct sockaddr *sa)
{
    memset(out, 0, sizeof *out);
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, sa, sizeof v4);
        out->family = 4;
        memcpy(out->ip, &v4.sin_addr, 4);
        return v4.sin_addr.s_addr != htonl(INADDR_ANY) && v4.sin_addr.s_addr != htonl(INADDR_LOOPBACK);
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, sa, sizeof v6);
    out->family = 6;
    memcpy(out->ip, &v6.sin6_addr, 16);
    return !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) &&
           !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
}

/* The source address that the route to a documentation address (RFC 5737, RFC 3849) takes. Connecting UDP sends
 * nothing. */
static bool by_route(wrd_addr *out, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    static const uint8_t documentation4[4] = {192, 0, 2, 1};
    static const uint8_t documentation6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    memcpy(&v4.sin_addr, documentation4, sizeof documentation4);
    memcpy(&v6.sin6_addr, documentation6, sizeof documentation6);
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    bool found = (family == 4 ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                              : connect(fd, (struct sockaddr *)&v6, sizeof v6)) == 0 &&
                 getsockname(fd, (struct sockaddr *)&own, &len) == 0 && take(out, (struct sockaddr *)&own);
    (void)close(fd);
    return found;
}

static bool by_interface(wrd_addr *out, int family)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0)
        return false;
    bool found = false;
    for (struct ifaddrs *i = list; i && !found; i = i->ifa_next)
        found = i->ifa_addr && i->ifa_addr->sa_family == (family == 4 ? AF_INET : AF_INET6) &&
                (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK) && take(out, i->ifa_addr);
    freeifaddrs(list);
    return found;
}

wrd_result wrd_local_network_ip(wrd_addr *out, int family)
{
    if (family != 4 && family != 6)
        return WRD_INVALID;
    return by_route(out, family) || by_interface(out, family) ? WRD_OK : WRD_GONE;
}
