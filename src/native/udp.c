/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* in6_pktinfo */
#include "native/udp.h"

#include "native/sockaddr.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sock_diag.h>
#endif

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

static const char *socket_reason(int error)
{
    switch (error) {
    case EAFNOSUPPORT: return "this machine has no IPv6: use an IPv4 address";
    case EMFILE: return "too many files are open for another UDP socket: raise the limit (ulimit -n)";
    case ENFILE: return "the machine has too many files open for another UDP socket";
    default: return "the operating system gave no UDP socket";
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

static void set_options(struct wrd_udp *udp, const struct wrd_udp_options *options)
{
    if (udp->family == 6)
        set_option(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only);
    set_option(udp->fd, SOL_SOCKET, SO_RCVBUF, options->buffer_size);
    set_option(udp->fd, SOL_SOCKET, SO_SNDBUF, options->buffer_size);
    if (udp->wildcard && udp->family == 4)
        set_option(udp->fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (udp->wildcard && udp->family == 6)
        set_option(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (options->join)
        (void)wrd_udp_share(udp);
    udp->features = find_features(udp->fd);
}

static int granted(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0)
        return 0;
#ifdef __linux__
    value /= 2; /* socket(7): it doubles what was asked for and answers that */
#endif
    return value;
}

static bool lacks_zone(const wrd_addr *addr)
{
    return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80 && addr->scope == 0;
}

static const char *connect_reason(int error, const wrd_addr *remote)
{
    if (error == EACCES)
        return "a route of this machine forbids that address (prohibit), or it is a broadcast address";
    if (error != EINVAL)
        return "there is no route to that address from this machine";
    return lacks_zone(remote) ? "a link-local address needs its zone, as [fe80::1%2]:3478"
                              : "a route of this machine throws away what goes there (blackhole)";
}

wrd_result wrd_udp_open(struct wrd_udp *udp, const wrd_addr *local, const struct wrd_udp_options *options,
                        const char **why)
{
    const wrd_addr *remote = options->remote;
    *udp = (struct wrd_udp){.family = local->family, .wildcard = is_wildcard(local) && !remote};
    udp->fd = socket(local->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->fd < 0)
        return give_up(udp, why, socket_reason(errno));
    set_options(udp, options);
    udp->receive_buffer = granted(udp->fd, SO_RCVBUF);
    udp->send_buffer = granted(udp->fd, SO_SNDBUF);
    union wrd_sockaddr any;
    socklen_t len = wrd_to_sockaddr(&any, local, local->family);
    if (bind(udp->fd, &any.sa, len) < 0)
        return give_up(udp, why, bind_reason(errno));
    if (remote) {
        len = wrd_to_sockaddr(&any, remote, local->family);
        if (connect(udp->fd, &any.sa, len) < 0)
            return give_up(udp, why, connect_reason(errno, remote));
        udp->connected = true;
        wrd_udp_ask_reports(udp);
    }
    len = sizeof any;
    if (getsockname(udp->fd, &any.sa, &len) < 0)
        return give_up(udp, why, "the operating system does not tell the socket's address");
    wrd_from_sockaddr(&udp->local, &any);
    if (udp->local.family == 0)
        udp->local = *local;
    return WRD_OK;
}

/* Only Linux spreads datagrams over such sockets; elsewhere the last one would get them all. */
bool wrd_udp_share(struct wrd_udp *udp)
{
#if defined(__linux__) && defined(SO_REUSEPORT)
    int on = 1;
    return setsockopt(udp->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
#else
    (void)udp;
    return false;
#endif
}

void wrd_udp_count_lost(struct wrd_udp *udp)
{
#if defined(__linux__) && defined(SO_MEMINFO)
    uint32_t values[SK_MEMINFO_VARS];
    socklen_t len = sizeof values;
    if (getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, values, &len) == 0 && len > SK_MEMINFO_DROPS * sizeof *values)
        udp->lost += values[SK_MEMINFO_DROPS] - (uint32_t)udp->lost; /* the kernel's has 32 bits */
#else
    (void)udp;
#endif
}

void wrd_udp_close(struct wrd_udp *udp)
{
    if (udp->fd >= 0)
        (void)close(udp->fd);
    udp->fd = -1;
}
