/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* recvmmsg, sendmmsg, in6_pktinfo */
#include "native/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union sockaddr_any {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct control {
    _Alignas(size_t) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* ---- addresses */

static void ip6_bytes(uint8_t out[16], const wrd_addr *addr)
{
    if (addr->family == 6) {
        memcpy(out, addr->ip, 16);
        return;
    }
    memcpy(out, mapped_prefix, 12);
    memcpy(out + 12, addr->ip, 4);
}

static void set_ip6(wrd_addr *out, const uint8_t bytes[16], uint32_t scope)
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

static socklen_t to_sockaddr(union sockaddr_any *out, const wrd_addr *addr, uint8_t family)
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
    ip6_bytes(out->v6.sin6_addr.s6_addr, addr);
    return sizeof out->v6;
}

static void from_sockaddr(wrd_addr *out, const union sockaddr_any *in)
{
    memset(out, 0, sizeof *out);
    if (in->sa.sa_family == AF_INET) {
        out->family = 4;
        out->port = ntohs(in->v4.sin_port);
        memcpy(out->ip, &in->v4.sin_addr, 4);
    } else if (in->sa.sa_family == AF_INET6) {
        out->port = ntohs(in->v6.sin6_port);
        set_ip6(out, in->v6.sin6_addr.s6_addr, in->v6.sin6_scope_id);
    }
}

static bool is_wildcard(const wrd_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, addr->family == 4 ? 4 : 16) == 0;
}

/* ---- opening */

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
    union sockaddr_any any;
    socklen_t len = to_sockaddr(&any, local, local->family);
    if (bind(udp->fd, &any.sa, len) < 0)
        return give_up(udp, why, bind_reason(errno));
    if (remote) {
        len = to_sockaddr(&any, remote, local->family);
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
    from_sockaddr(&udp->local, &any);
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

/* ---- moving datagrams */

static void read_pktinfo(wrd_addr *local, struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local->family = 4;
            memset(local->ip, 0, sizeof local->ip);
            memcpy(local->ip, &info.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memset(local->ip, 0, sizeof local->ip);
            set_ip6(local, info.ipi6_addr.s6_addr, (uint32_t)info.ipi6_ifindex);
        }
    }
}

static void write_pktinfo(struct msghdr *header, struct control *control, const wrd_addr *local, uint8_t family)
{
    header->msg_control = control->bytes;
    header->msg_controllen = sizeof control->bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    memset(control, 0, sizeof *control);
    if (family == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        header->msg_controllen = CMSG_SPACE(sizeof info);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        ip6_bytes(info.ipi6_addr.s6_addr, local);
        header->msg_controllen = CMSG_SPACE(sizeof info);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
}

unsigned wrd_udp_receive(struct wrd_udp *udp, struct wrd_datagram batch[WRD_UDP_BATCH], bool *refused)
{
    struct mmsghdr headers[WRD_UDP_BATCH];
    struct iovec buffers[WRD_UDP_BATCH];
    union sockaddr_any names[WRD_UDP_BATCH];
    struct control controls[WRD_UDP_BATCH];
    memset(headers, 0, sizeof headers);
    for (unsigned i = 0; i < WRD_UDP_BATCH; i++) {
        buffers[i] = (struct iovec){batch[i].bytes, sizeof batch[i].bytes};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                             .msg_namelen = sizeof names[i],
                                             .msg_iov = &buffers[i],
                                             .msg_iovlen = 1,
                                             .msg_control = udp->wildcard ? controls[i].bytes : NULL,
                                             .msg_controllen = udp->wildcard ? sizeof controls[i].bytes : 0};
    }
    int got = recvmmsg(udp->fd, headers, WRD_UDP_BATCH, 0, NULL);
    if (got < 0) {
        if (errno == ECONNREFUSED)
            *refused = true;
        return 0;
    }
    for (int i = 0; i < got; i++) {
        batch[i].len = headers[i].msg_len;
        batch[i].path.local = udp->local;
        from_sockaddr(&batch[i].path.remote, &names[i]);
        if (udp->wildcard)
            read_pktinfo(&batch[i].path.local, &headers[i].msg_hdr);
    }
    return (unsigned)got;
}

unsigned wrd_udp_send(struct wrd_udp *udp, struct wrd_datagram *batch, unsigned count, bool *refused)
{
    struct mmsghdr headers[WRD_UDP_BATCH];
    struct iovec buffers[WRD_UDP_BATCH];
    union sockaddr_any names[WRD_UDP_BATCH];
    struct control controls[WRD_UDP_BATCH];
    memset(headers, 0, sizeof headers);
    for (unsigned i = 0; i < count; i++) {
        struct msghdr *header = &headers[i].msg_hdr;
        buffers[i] = (struct iovec){batch[i].bytes, batch[i].len};
        header->msg_iov = &buffers[i];
        header->msg_iovlen = 1;
        if (!udp->connected) {
            header->msg_name = &names[i];
            header->msg_namelen = to_sockaddr(&names[i], &batch[i].path.remote, udp->family);
        }
        if (udp->wildcard && batch[i].path.local.family != 0)
            write_pktinfo(header, &controls[i], &batch[i].path.local, udp->family);
    }
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(udp->fd, headers + done, count - done, 0);
        if (sent > 0) {
            done += (unsigned)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            break;
        } else if (errno != EINTR) {
            if (errno == ECONNREFUSED)
                *refused = true; /* the report of an earlier datagram; this one is tried once more by the protocol */
            done++;
        }
    }
    return done;
}
