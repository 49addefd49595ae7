/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "stress/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 64, SPARE_FILES = 32 };

wrd_time crowd_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (wrd_time)ts.tv_sec * WRD_SECOND + (wrd_time)ts.tv_nsec / 1000;
}

/* ---- sockets */

static bool raise_file_limit(unsigned count, const char **why)
{
    static char text[200];
    struct rlimit limit;
    rlim_t wanted = count + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    if (limit.rlim_cur >= wanted)
        return true;
    if (limit.rlim_max < wanted && limit.rlim_max != RLIM_INFINITY) {
        snprintf(text, sizeof text,
                 "%u clients need %llu open files, and this system allows a process %llu: raise the hard limit (ulimit "
                 "-Hn, as root, or nofile in limits.conf) or ask for fewer clients",
                 count, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
        *why = text;
        return false;
    }
    limit.rlim_cur = wanted;
    *why = "the limit of open files (ulimit -n) cannot be raised";
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static int open_socket(const struct crowd *crowd, unsigned index, unsigned addresses)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(crowd->server.addr.port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    memcpy(&to.sin_addr, crowd->server.addr.ip, 4);
    from.sin_addr.s_addr = htonl(0x7f4d0001u + (index % addresses << 8));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (addresses > 1 && bind(fd, (struct sockaddr *)&from, sizeof from) < 0) ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return -1;
    return fd;
}

static wrd_addr invented(uint32_t member)
{
    return (wrd_addr){.family = 4, .ip = {10, 64, (uint8_t)(member >> 8), (uint8_t)member}, .port = 3478};
}

static uint32_t member_at(const wrd_addr *addr)
{
    return (uint32_t)addr->ip[2] << 8 | addr->ip[3];
}

/* ---- life */

static bool open_members(struct crowd *crowd, unsigned addresses)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        crowd->members[i].fd = -1;
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct epoll_event in = {.events = EPOLLIN, .data.u32 = i};
        crowd->members[i].fd = open_socket(crowd, i, addresses);
        if (crowd->members[i].fd < 0 || epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->members[i].fd, &in) < 0)
            return false;
    }
    return true;
}

bool crowd_open(struct crowd *crowd, const wrd_address *server, unsigned count, unsigned addresses, wrd_time lost,
                const char **why)
{
    wrd_endpoint_options options;
    *crowd = (struct crowd){.server = *server, .count = count, .last_end = ""};
    if (!raise_file_limit(count, why))
        return false;
    wrd_endpoint_options_init(&options);
    options.max_connections = count;
    options.lost_timeout = lost;
    if (wrd_endpoint_new(&crowd->endpoint, &options, NULL, why) != WRD_OK)
        return false;
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->members = calloc(count, sizeof *crowd->members);
    *why = "no sockets";
    if (crowd->members && crowd->epoll >= 0 && open_members(crowd, addresses))
        return true;
    if (errno)
        *why = strerror(errno);
    return false;
}

void crowd_free(struct crowd *crowd)
{
    for (uint32_t i = 0; crowd->members && i < crowd->count; i++)
        close(crowd->members[i].fd);
    free(crowd->members);
    wrd_endpoint_free(crowd->endpoint);
    close(crowd->epoll);
}

void crowd_dial(struct crowd *crowd, unsigned in_flight, bool again)
{
    unsigned looked = 0;
    for (; looked < crowd->count && crowd->dialing < in_flight && crowd->dialing + crowd->open < crowd->count;
         looked++) {
        uint32_t i = crowd->next;
        struct member *m = &crowd->members[i];
        crowd->next = (i + 1) % crowd->count;
        if (m->conn != 0 || (m->dialed && !again))
            continue;
        wrd_address to = {.addr = invented(i), .fingerprint = crowd->server.fingerprint};
        if (wrd_endpoint_dial(crowd->endpoint, crowd_now(), &m->conn, &to) != WRD_OK)
            return; /* its old connection is still on its way out */
        m->dialed = true;
        crowd->dialing++;
    }
}

/* ---- traffic */

static void make_message(uint8_t bytes[MESSAGE_SIZE], uint32_t member, uint32_t word)
{
    for (uint32_t i = 0; i < MESSAGE_SIZE; i++)
        bytes[i] = (uint8_t)((member * 31 + word * 7 + i) * 2654435761u >> 24);
}

void crowd_say(struct crowd *crowd)
{
    uint8_t bytes[MESSAGE_SIZE];
    crowd->echoed = 0;
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct member *m = &crowd->members[i];
        m->echoed = false;
        if (!m->open || m->sent)
            continue; /* the last one has not come back */
        make_message(bytes, i, m->words + 1);
        m->sent = wrd_conn_send(crowd->endpoint, crowd_now(), m->conn, WRD_BINARY, bytes, sizeof bytes) == WRD_OK;
        m->words += m->sent;
    }
}

static void hear(struct crowd *crowd, uint32_t i)
{
    wrd_message message;
    uint8_t expected[MESSAGE_SIZE];
    struct member *m = &crowd->members[i];
    while (wrd_conn_receive(crowd->endpoint, crowd_now(), m->conn, &message) == WRD_OK) {
        make_message(expected, i, m->words);
        if (!m->sent || message.len != sizeof expected || memcmp(message.data, expected, sizeof expected) != 0)
            crowd->corrupt++;
        crowd->echoed += !m->echoed;
        m->echoed = true;
        m->sent = false;
        wrd_conn_release(crowd->endpoint, crowd_now(), m->conn);
    }
}

void crowd_receive(struct crowd *crowd, uint32_t member)
{
    uint8_t bytes[2048];
    wrd_path path = {.remote = invented(member)};
    ssize_t got;
    for (int i = 0; i < 8 && (got = recv(crowd->members[member].fd, bytes, sizeof bytes, 0)) > 0; i++)
        wrd_endpoint_receive(crowd->endpoint, crowd_now(), &path, bytes, (size_t)got);
    /* An ICMP error is no more than a lost datagram here: who keeps dialing finds out by itself. */
}

static void take_event(struct crowd *crowd, const wrd_event *event)
{
    uint32_t i = member_at(&event->peer);
    struct member *m = &crowd->members[i];
    if (event->kind == WRD_EVENT_OPEN) {
        m->open = true;
        crowd->open++;
        crowd->opened++;
        crowd->dialing--;
    } else if (event->kind == WRD_EVENT_READABLE) {
        hear(crowd, i);
    } else if (event->kind == WRD_EVENT_CLOSED) {
        crowd->last_end = event->text;
        crowd->ended++;
        crowd->open -= m->open;
        crowd->dialing -= !m->open;
        *m = (struct member){.fd = m->fd, .dialed = true, .words = m->words};
    }
}

void crowd_turn(struct crowd *crowd)
{
    uint8_t bytes[WRD_DATAGRAM_MAX];
    wrd_event event;
    wrd_path path;
    size_t len;
    if (wrd_endpoint_deadline(crowd->endpoint) <= crowd_now())
        wrd_endpoint_expire(crowd->endpoint, crowd_now());
    while (wrd_endpoint_next(crowd->endpoint, &event))
        take_event(crowd, &event);
    while ((len = wrd_endpoint_transmit(crowd->endpoint, crowd_now(), &path, bytes, sizeof bytes)) > 0)
        (void)!send(crowd->members[member_at(&path.remote)].fd, bytes, len, 0); /* what is lost is repeated */
}

int crowd_timeout(const struct crowd *crowd, wrd_time until)
{
    wrd_time now = crowd_now(), deadline = wrd_endpoint_deadline(crowd->endpoint);
    if (until < deadline)
        deadline = until;
    if (deadline == WRD_NEVER)
        return 1000;
    wrd_time wait = deadline > now ? (deadline - now + WRD_MILLISECOND - 1) / WRD_MILLISECOND : 0;
    return wait > 1000 ? 1000 : (int)wait;
}
