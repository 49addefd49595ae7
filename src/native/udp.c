/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* in6_pktinfo */
#include "native/udp.h"

#include "native/sockaddr.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

static bool is_wildcard(const wrd_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, addr->family == 4 ? 4 : 16) == 0;
}

static const char *bind_reason(int error)
{
    switch (error) {
    case EADDRINUSE: return "the UDP port is in use by another program: stop that one or choose another port";
    case EADDRNOTAVAIL:
        return "this machine does not have the address to listen on: use one of its own, or 0.0.0.0 or [::]";
    case EINVAL: return "the address cannot be listened on: a link-local one needs its zone, as [fe80::1%2]:3478";
    case EACCES: return "no permission for this port: ports below 1024 need privileges; choose one from 1024 to 65535";
    default: return "the operating system refused to bind the UDP socket";
    }
}

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value); /* each is a wish; the socket works without */
}

/* What this kernel has; sending and receiving give up what fails later. */
static unsigned find_features(int fd)
{
    unsigned features = WRD_UDP_MMSG;
#ifdef UDP_SEGMENT
    int segment = 0;
    socklen_t len = sizeof segment;
    if (getsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, &len) == 0)
        features |= WRD_UDP_GSO;
#endif
#ifdef UDP_GRO
    int on = 1;
    if (setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0)
        features |= WRD_UDP_GRO;
#endif
    return features;
}

static wrd_result give_up(struct wrd_udp *udp, const char **why, const char *reason)
{
    int error = errno;
    *why = reason;
    wrd_udp_close(udp);
    errno = error;
    return WRD_SYSTEM;
}

wrd_result wrd_udp_open(struct wrd_udp *udp, const wrd_addr *local, const wrd_addr *remote, bool ipv6_only,
                        int buffer_size, const char **why)
{
    *udp = (struct wrd_udp){.family = local->family, .wildcard = is_wildcard(local) && !remote};
    udp->fd = socket(local->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->fd < 0)
        return give_up(udp, why,
                       errno == EAFNOSUPPORT ? "this machine has no IPv6: use an IPv4 address"
                                             : "the operating system gave no UDP socket");
    if (local->family == 6)
        set_option(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
    set_option(udp->fd, SOL_SOCKET, SO_RCVBUF, buffer_size);
    set_option(udp->fd, SOL_SOCKET, SO_SNDBUF, buffer_size);
    if (udp->wildcard && local->family == 4)
        set_option(udp->fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (udp->wildcard && local->family == 6)
        set_option(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    udp->features = find_features(udp->fd);
    union wrd_sockaddr any;
    socklen_t len = wrd_to_sockaddr(&any, local, local->family);
    if (bind(udp->fd, &any.sa, len) < 0)
        return give_up(udp, why, bind_reason(errno));
    if (remote) {
        len = wrd_to_sockaddr(&any, remote, local->family);
        if (connect(udp->fd, &any.sa, len) < 0)
            return give_up(udp, why,
                           errno == EINVAL
                               ? "that address cannot be reached: a link-local one needs its zone, as [fe80::1%2]:3478"
                               : "there is no route to that address from this machine");
        udp->connected = true;
    }
    len = sizeof any;
    if (getsockname(udp->fd, &any.sa, &len) < 0)
        return give_up(udp, why, "the operating system does not tell the socket's address");
    wrd_from_sockaddr(&udp->local, &any);
    if (udp->local.family == 0)
        udp->local = *local;
    return WRD_OK;
}

void wrd_udp_close(struct wrd_udp *udp)
{
    if (udp->fd >= 0)
        (void)close(udp->fd);
    udp->fd = -1;
}
