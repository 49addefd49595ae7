/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ceiling.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO     104
#endif

struct headers {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_bytes[BATCH], out_bytes[BATCH];
    struct sockaddr_in from[BATCH];
    uint8_t in_control[BATCH][CMSG_SPACE(sizeof(int))], out_control[BATCH][CMSG_SPACE(sizeof(uint16_t))];
};

static void open_flow(struct flow *flow)
{
    int buffer = 4 * 1024 * 1024, on = 1, segment = 0;
    *flow = (struct flow){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
    if (flow->fd < 0)
        give_up("socket");
    (void)setsockopt(flow->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)setsockopt(flow->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    flow->joins = setsockopt(flow->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
    flow->splits = setsockopt(flow->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0;
    flow->in = malloc((size_t)BATCH * JOINED_MAX);
    flow->out = malloc((size_t)BATCH * DATAGRAM_MAX);
    flow->headers = calloc(1, sizeof(struct headers));
    if (!flow->in || !flow->out || !flow->headers)
        give_up("memory");
}

void flow_listen(struct flow *flow, struct sockaddr_in *bound)
{
    socklen_t len = sizeof *bound;
    open_flow(flow);
    *bound = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(flow->fd, (struct sockaddr *)bound, len) || getsockname(flow->fd, (struct sockaddr *)bound, &len))
        give_up("bind");
}

void flow_connect(struct flow *flow, const struct sockaddr_in *server)
{
    open_flow(flow);
    if (connect(flow->fd, (const struct sockaddr *)server, sizeof *server))
        give_up("connect");
}

void flow_watch(struct flow *flow, int waiting, void *user)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = user};
    if (epoll_ctl(waiting, EPOLL_CTL_ADD, flow->fd, &event))
        give_up("epoll");
}

void flow_close(struct flow *flow)
{
    (void)close(flow->fd);
    free(flow->in);
    free(flow->out);
    free(flow->headers);
}

unsigned flow_window(const struct flow *flow)
{
    int granted = 0;
    socklen_t len = sizeof granted;
    (void)getsockopt(flow->fd, SOL_SOCKET, SO_RCVBUF, &granted, &len);
    unsigned window = (unsigned)granted / 4608; /* twice what the kernel counts for a datagram of 1200 bytes */
    return window > 512 ? 512 : window < 2 * RUN ? 2 * RUN : window;
}

static size_t joined_of(struct msghdr *header, size_t all)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size > 0 ? (size_t)size : all;
        }
    return all;
}

bool flow_read(struct flow *flow, unsigned turns, flow_taker *take, void *user)
{
    struct headers *h = flow->headers;
    bool any = false;
    for (int n = BATCH; turns > 0 && n == BATCH; turns--) {
        for (unsigned i = 0; i < BATCH; i++) {
            h->in_bytes[i] = (struct iovec){flow->in + (size_t)i * JOINED_MAX, JOINED_MAX};
            h->in[i].msg_hdr = (struct msghdr){.msg_name = &h->from[i],
                                               .msg_namelen = sizeof h->from[i],
                                               .msg_iov = &h->in_bytes[i],
                                               .msg_iovlen = 1,
                                               .msg_control = h->in_control[i],
                                               .msg_controllen = sizeof h->in_control[i]};
        }
        n = recvmmsg(flow->fd, h->in, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            uint8_t *at = flow->in + (size_t)i * JOINED_MAX;
            size_t left = h->in[i].msg_len, each = joined_of(&h->in[i].msg_hdr, left);
            for (; left > 0; at += each, left -= each) {
                each = each < left ? each : left;
                take(user, &h->from[i], at, each);
            }
            any = true;
        }
    }
    return any;
}

uint8_t *flow_room(struct flow *flow)
{
    if (flow->queued == BATCH)
        flow_write(flow);
    return flow->out + (size_t)flow->queued * DATAGRAM_MAX;
}

void flow_queue(struct flow *flow, const struct sockaddr_in *to, size_t len)
{
    if (to)
        flow->out_to[flow->queued] = *to;
    else
        flow->out_to[flow->queued].sin_family = 0; /* the socket is connected */
    flow->out_len[flow->queued++] = len;
}

/* Datagrams from `first` on that may leave as one: of one size, to one address. */
static unsigned run_of(const struct flow *flow, unsigned first)
{
    unsigned n = 1;
    while (flow->splits && first + n < flow->queued && n < 48 && flow->out_len[first + n] == flow->out_len[first] &&
           memcmp(&flow->out_to[first + n], &flow->out_to[first], sizeof *flow->out_to) == 0)
        n++;
    return n;
}

static void send_all(const struct flow *flow, struct mmsghdr *messages, unsigned count)
{
    for (unsigned done = 0; done < count;) {
        int n = sendmmsg(flow->fd, messages + done, count - done, MSG_DONTWAIT);
        if (n > 0)
            done += (unsigned)n;
        else if (errno == EAGAIN || errno == ENOBUFS)
            (void)poll(&(struct pollfd){flow->fd, POLLOUT, 0}, 1, 10);
        else if (errno != EINTR && errno != ECONNREFUSED)
            give_up("sendmmsg");
    }
}

void flow_write(struct flow *flow)
{
    struct headers *h = flow->headers;
    unsigned messages = 0;
    for (unsigned i = 0; i < flow->queued; messages++) {
        unsigned run = run_of(flow, i);
        struct msghdr *header = &h->out[messages].msg_hdr;
        for (unsigned k = i; k < i + run; k++)
            h->out_bytes[k] = (struct iovec){flow->out + (size_t)k * DATAGRAM_MAX, flow->out_len[k]};
        *header = (struct msghdr){.msg_iov = &h->out_bytes[i], .msg_iovlen = run};
        if (flow->out_to[i].sin_family) {
            header->msg_name = &flow->out_to[i];
            header->msg_namelen = sizeof flow->out_to[i];
        }
        if (run > 1) {
            uint16_t size = (uint16_t)flow->out_len[i];
            header->msg_control = h->out_control[messages];
            header->msg_controllen = sizeof h->out_control[messages];
            struct cmsghdr *c = CMSG_FIRSTHDR(header);
            c->cmsg_level = IPPROTO_UDP;
            c->cmsg_type = UDP_SEGMENT;
            c->cmsg_len = CMSG_LEN(sizeof size);
            memcpy(CMSG_DATA(c), &size, sizeof size);
        }
        i += run;
    }
    send_all(flow, h->out, messages);
    flow->queued = 0;
}
