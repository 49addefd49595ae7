/* SPDX-License-Identifier: MIT */
#include "cli/http_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/say.h"

#define FILES_OF_ONE 2u /* daemon: the socket it listens on, and its epoll */
#define FILES_SPARE  4u /* for who is refused, and for what is opened to be read and closed again, as /proc */

static uint64_t refused;

/* Descriptors that can still be opened; counts no further than `enough`. */
static unsigned count_free_files(unsigned enough)
{
    struct rlimit limit;
    unsigned found = 0;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return enough;
    }
    for (int fd = 0; (rlim_t)fd < limit.rlim_cur && found < enough; fd++) {
        found += fcntl(fd, F_GETFD) < 0;
    }
    return found;
}

unsigned http_gate_room(unsigned daemons)
{
    unsigned others = FILES_OF_ONE * daemons + FILES_SPARE;
    unsigned files = count_free_files(others + HTTP_CONNECTIONS_MAX * daemons);

    return daemons == 0 || files < others ? 0 : (files - others) / daemons;
}

/* IPv4 addresses as IPv6 sees them (RFC 4291, section 2.5.5.2). */
static struct in6_addr key_of(const struct sockaddr *peer)
{
    struct in6_addr key = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    if (peer->sa_family == AF_INET) {
        memcpy(key.s6_addr + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
        return key;
    }
    key = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(&key)) {
        memset(key.s6_addr + 8, 0, 8);
    }
    return key;
}

static unsigned count_of(const struct http_gate *gate, const struct in6_addr *key)
{
    unsigned count = 0;

    for (unsigned i = 0; i < gate->count; i++) {
        count += memcmp(&gate->peers[i].key, key, sizeof *key) == 0;
    }
    return count;
}

/* Has the oldest end, one at a time. */
static bool make_room(struct http_gate *gate)
{
    const struct http_peer *oldest = &gate->peers[0];

    if (gate->count == 0 || gate->leaving >= 0 || clock_ns() - oldest->since < HTTP_SURE_S * CLOCK_NS_PER_S) {
        return false;
    }
    gate->leaving = oldest->fd;
    return shutdown(oldest->fd, SHUT_RDWR) == 0;
}

enum MHD_Result http_gate_ask(void *user, const struct sockaddr *peer, socklen_t len)
{
    struct http_gate *gate = user;
    const struct in6_addr key = key_of(peer);
    bool is_full = gate->count >= gate->most;

    (void)len;
    if (count_of(gate, &key) < (gate->most + 3) / 4 && (!is_full || make_room(gate))) {
        return MHD_YES;
    }
    refused++;
    if (is_full && !gate->told) {
        say("connections to the %s are refused: there are %u, and more cannot be", gate->what, gate->count);
        gate->told = true;
    }
    return MHD_NO;
}

void http_gate_note(void *user, struct MHD_Connection *connection, void **unused,
                    enum MHD_ConnectionNotificationCode what)
{
    struct http_gate *gate = user;
    const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    (void)unused;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        gate->peers[gate->count++] = (struct http_peer){key_of(info->client_addr), fd, clock_ns()};
        return;
    }
    if (gate->leaving == fd) {
        gate->leaving = -1;
    }
    for (unsigned i = 0; i < gate->count; i++) {
        if (gate->peers[i].fd == fd) {
            gate->count--;
            memmove(&gate->peers[i], &gate->peers[i + 1], (gate->count - i) * sizeof gate->peers[0]);
            return;
        }
    }
}

bool http_gate_starves(struct http_gate *gate, int listener)
{
    struct pollfd waits = {listener, POLLIN, 0};

    if (poll(&waits, 1, 0) <= 0) {
        return false;
    }
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd >= 0) {
        (void)close(fd);
        return false;
    }
    if (!gate->told_of_files) {
        say("connections to the %s wait: %s", gate->what, say_cause(errno));
        gate->told_of_files = true;
    }
    return true;
}

uint64_t http_gate_refused(void)
{
    return refused;
}
