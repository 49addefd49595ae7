/* SPDX-License-Identifier: MIT */
/* Moving datagrams: what udp.h promises, on what this kernel has. */
#define _GNU_SOURCE /* recvmmsg, sendmmsg, in6_pktinfo */
#include "native/udp.h"

#include "native/sockaddr.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

/* The most that one UDP_SEGMENT send may carry. */
#define SENT_MAX ((size_t)65000)

/* Runs in a row that the kernel does not cut before it is left alone for some sends. */
#define UNCUT_MAX   64
#define UNCUT_PAUSE 1024
/* Times in a row that there is no room (ENOBUFS, ENOMEM), at one attempt per millisecond, before messages are given up:
 * of everybody, and of one peer, behind whom others may have no place in the batch. */
#define WITHOUT_ROOM_MAX      50
#define WITHOUT_ROOM_MAX_EACH 5

struct control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

size_t wrd_udp_slot(const struct wrd_udp *udp)
{
    return udp->features & WRD_UDP_GRO ? WRD_UDP_SLOT_MAX : WRD_UDP_SLOT;
}

/* ---- in */

static void read_control(struct wrd_run *run, struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            run->path.local.family = 4;
            memset(run->path.local.ip, 0, sizeof run->path.local.ip);
            memcpy(run->path.local.ip, &info.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memset(run->path.local.ip, 0, sizeof run->path.local.ip);
            wrd_set_ip6(&run->path.local, info.ipi6_addr.s6_addr, (uint32_t)info.ipi6_ifindex);
        }
#ifdef UDP_GRO
        else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            if (segment > 0)
                run->segment = (size_t)segment;
        }
#endif
    }
}

/* As recvmmsg(), also where there is only recvmsg(). */
static int receive_headers(struct wrd_udp *udp, struct mmsghdr *headers)
{
    if (udp->features & WRD_UDP_MMSG) {
        int got = recvmmsg(udp->fd, headers, WRD_UDP_IN, 0, NULL);
        if (got >= 0 || errno != ENOSYS)
            return got;
        udp->features &= ~(unsigned)WRD_UDP_MMSG;
    }
    ssize_t len = recvmsg(udp->fd, &headers->msg_hdr, 0);
    if (len < 0)
        return -1;
    headers->msg_len = (unsigned)len;
    return 1;
}

/* True: it was about what had been sent, and datagrams may wait behind it. */
static bool note_receive_error(struct wrd_udp *udp, int error)
{
    if (error == EBADF || error == ENOTSOCK)
        udp->broken = error;
    if (error == ECONNREFUSED)
        udp->refused = true;
    if (!udp->connected || udp->broken)
        return false;
    if (wrd_udp_take_reports(udp))
        return true;
    if (error != EAGAIN && error != EWOULDBLOCK && error != EINTR)
        udp->answered = error; /* who said it, only Linux tells */
    return false;
}

unsigned wrd_udp_receive(struct wrd_udp *udp, struct wrd_inbox *inbox)
{
    struct mmsghdr headers[WRD_UDP_IN];
    struct iovec buffers[WRD_UDP_IN];
    union wrd_sockaddr names[WRD_UDP_IN];
    struct control controls[WRD_UDP_IN];
    bool wants_control = udp->wildcard || udp->features & WRD_UDP_GRO;
    size_t room = wrd_udp_slot(udp) < inbox->slot ? wrd_udp_slot(udp) : inbox->slot;
    for (unsigned i = 0; i < WRD_UDP_IN; i++) {
        buffers[i] = (struct iovec){inbox->bytes + i * inbox->slot, room};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                             .msg_namelen = sizeof names[i],
                                             .msg_iov = &buffers[i],
                                             .msg_iovlen = 1,
                                             .msg_control = wants_control ? controls[i].bytes : NULL,
                                             .msg_controllen = wants_control ? sizeof controls[i].bytes : 0};
    }
    int got = receive_headers(udp, headers);
    if (got < 0 && note_receive_error(udp, errno))
        got = receive_headers(udp, headers);
    if (got < 0)
        return 0;
    for (int i = 0; i < got; i++) {
        struct wrd_run *run = &inbox->runs[i];
        *run = (struct wrd_run){.path.local = udp->local, .bytes = buffers[i].iov_base, .len = headers[i].msg_len};
        run->segment = run->len;
        wrd_from_sockaddr(&run->path.remote, &names[i]);
        if (wants_control)
            read_control(run, &headers[i].msg_hdr);
    }
    return (unsigned)got;
}

/* ---- out */

/* One more control message of `len` bytes; returns where they go. */
static void *add_control(struct msghdr *header, struct control *control, int level, int type, size_t len)
{
    size_t used = header->msg_control ? header->msg_controllen : 0;
    header->msg_control = control->bytes;
    header->msg_controllen = used + CMSG_SPACE(len);
    struct cmsghdr *c = (struct cmsghdr *)(void *)(control->bytes + used);
    memset(c, 0, CMSG_SPACE(len));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    return CMSG_DATA(c);
}

static void write_pktinfo(struct msghdr *header, struct control *control, const wrd_addr *local, uint8_t family)
{
    if (family == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        memcpy(add_control(header, control, IPPROTO_IP, IP_PKTINFO, sizeof info), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        wrd_ip6_bytes(info.ipi6_addr.s6_addr, local);
        memcpy(add_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info, sizeof info);
    }
}

static bool same_path(const wrd_path *a, const wrd_path *b)
{
    return wrd_addr_equal(&a->remote, &b->remote) && wrd_addr_equal(&a->local, &b->local);
}

/* How many datagrams from the first on may leave as one. */
static unsigned run_length(const struct wrd_datagram *first, unsigned count)
{
    size_t total = first->len;
    unsigned n = 1;
    while (n < count && first[n].len <= first->len && total + first[n].len <= SENT_MAX &&
           same_path(&first[n].path, &first->path)) {
        total += first[n].len;
        n++;
        if (first[n - 1].len < first->len)
            break;
    }
    return n;
}

struct outgoing {
    struct mmsghdr headers[WRD_UDP_OUT];
    struct iovec buffers[WRD_UDP_OUT];
    union wrd_sockaddr names[WRD_UDP_OUT];
    struct control controls[WRD_UDP_OUT];
    unsigned sizes[WRD_UDP_OUT]; /* datagrams in each */
    unsigned count;
};

/* The first `alone` datagrams each go alone. */
static void draw_up(const struct wrd_udp *udp, struct outgoing *out, struct wrd_datagram *batch, unsigned count,
                    unsigned alone)
{
    bool cuts = udp->features & WRD_UDP_GSO && udp->sends_uncut == 0;
    out->count = 0;
    for (unsigned at = 0; at < count;) {
        unsigned i = out->count++;
        struct msghdr *header = &out->headers[i].msg_hdr;
        out->sizes[i] = cuts && at >= alone ? run_length(&batch[at], count - at) : 1;
        *header = (struct msghdr){.msg_iov = &out->buffers[at], .msg_iovlen = out->sizes[i]};
        if (!udp->connected) {
            header->msg_name = &out->names[i];
            header->msg_namelen = wrd_to_sockaddr(&out->names[i], &batch[at].path.remote, udp->family);
        }
        if (udp->wildcard && batch[at].path.local.family != 0)
            write_pktinfo(header, &out->controls[i], &batch[at].path.local, udp->family);
#ifdef UDP_SEGMENT
        if (out->sizes[i] > 1) {
            uint16_t segment = (uint16_t)batch[at].len;
            memcpy(add_control(header, &out->controls[i], SOL_UDP, UDP_SEGMENT, sizeof segment), &segment,
                   sizeof segment);
        }
#endif
        for (unsigned end = at + out->sizes[i]; at < end; at++)
            out->buffers[at] = (struct iovec){batch[at].bytes, batch[at].len};
    }
}

/* As sendmmsg(), also where there is only sendmsg(). */
static int send_headers(struct wrd_udp *udp, struct mmsghdr *headers, unsigned count)
{
    if (udp->features & WRD_UDP_MMSG) {
        int sent = sendmmsg(udp->fd, headers, count, 0);
        if (sent > 0 || errno != ENOSYS)
            return sent;
        udp->features &= ~(unsigned)WRD_UDP_MMSG;
    }
    return sendmsg(udp->fd, &headers->msg_hdr, 0) < 0 ? -1 : 1;
}

/* Whether `error` means that a run was not cut. The device has no checksums of its own, or the kernel knows it not:
 * given up. The path to this peer takes less, which a peer may bring about: the others keep their runs, but when
 * everything is refused, a while goes by without trying. */
static bool is_uncut(struct wrd_udp *udp, int error)
{
    if (error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT) {
        udp->features &= ~(unsigned)WRD_UDP_GSO;
        return true;
    }
    if (error != EMSGSIZE && error != EINVAL)
        return false;
    if (++udp->uncut >= UNCUT_MAX) {
        udp->uncut = 0;
        udp->sends_uncut = UNCUT_PAUSE;
    }
    return true;
}

static bool others_wait(const struct wrd_datagram *batch, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        if (!wrd_addr_equal(&batch[i].path.remote, &batch->path.remote))
            return true;
    }
    return false;
}

/* Linux says ENOBUFS where it cannot keep one more neighbour, others where an interface's queue is full. */
static bool may_be_of_one_peer(const struct wrd_udp *udp, int error)
{
#ifdef __linux__
    return error == ENOBUFS && !udp->connected;
#else
    (void)udp;
    (void)error;
    return false;
#endif
}

/* The kernel had no room for the first message of these. The socket's own buffer, which is of all peers, empties itself
 * (EAGAIN). What else is full is waited for, but others do not wait behind one peer. True: given up. */
static bool give_up_waiting(struct wrd_udp *udp, int error, const struct wrd_datagram *waiting, unsigned count)
{
    udp->full++;
    if (error == EAGAIN || error == EWOULDBLOCK)
        return false;
    bool of_one = may_be_of_one_peer(udp, error);
    if (of_one && others_wait(waiting, count))
        return true;
    unsigned most = of_one ? WITHOUT_ROOM_MAX_EACH : WITHOUT_ROOM_MAX;
    udp->without_room += udp->without_room < most; /* where it lasts, what comes behind is given up at once */
    return udp->without_room >= most;
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/* Sends what is drawn up of the batch. Returns the datagrams that are done with; `*uncut`: the next so many are to be
 * drawn up anew, each alone, and all behind them. */
static unsigned send_drawn(struct wrd_udp *udp, struct outgoing *out, const struct wrd_datagram *batch, unsigned count,
                           unsigned *uncut)
{
    unsigned done = 0;
    unsigned reported = WRD_UDP_OUT; /* the message that met a report */
    *uncut = 0;
    for (unsigned at = 0; at < out->count;) {
        int sent = send_headers(udp, out->headers + at, out->count - at);
        if (sent > 0) {
            udp->without_room = 0;
            for (int i = 0; i < sent; i++) {
                udp->uncut = out->sizes[at] > 1 ? 0 : udp->uncut;
                done += out->sizes[at++];
            }
            continue;
        }
        int error = errno;
        if (error == EINTR)
            continue;
        if (is_full(error) && !give_up_waiting(udp, error, batch + done, count - done))
            return done;
        if (udp->connected && reported != at && wrd_udp_take_reports(udp)) {
            reported = at; /* it was the report of an earlier datagram; twice in a row, this one is given up */
            continue;
        }
        if (error == ECONNREFUSED)
            udp->refused = true;
        if (error == EBADF || error == ENOTSOCK)
            udp->broken = error;
        if (out->sizes[at] > 1 && is_uncut(udp, error)) {
            *uncut = out->sizes[at];
            return done;
        }
        udp->send_error = error;
        udp->failed += out->sizes[at];
        done += out->sizes[at++];
    }
    return done;
}

unsigned wrd_udp_send(struct wrd_udp *udp, struct wrd_datagram *batch, unsigned count)
{
    struct outgoing out;
    unsigned done = 0, uncut = 0;
    udp->sends_uncut -= udp->sends_uncut > 0;
    do {
        draw_up(udp, &out, batch + done, count - done, uncut);
        done += send_drawn(udp, &out, batch + done, count - done, &uncut);
    } while (uncut > 0);
    return done;
}
