/* SPDX-License-Identifier: MIT */
#include "cli/doctor_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/addresses.h"
#include "cli/say.h"
#include "wrd/server.h"

#define BUFFER_WANTED (4L * 1024 * 1024) /* what a server asks for by default */

/* ---- what kind of address */

static bool has_prefix(const wrd_addr *addr, uint8_t family, uint8_t first, uint8_t second, unsigned bits)
{
    const uint8_t mask = (uint8_t)(0xff00u >> (bits - 8)); /* of the second byte; 8 to 16 bits */

    return addr->family == family && addr->ip[0] == first && (addr->ip[1] & mask) == (second & mask);
}

static bool is_private(const wrd_addr *addr)
{
    return has_prefix(addr, 4, 10, 0, 8) || has_prefix(addr, 4, 172, 16, 12) || has_prefix(addr, 4, 192, 168, 16) ||
           has_prefix(addr, 6, 0xfc, 0, 8) || has_prefix(addr, 6, 0xfd, 0, 8);
}

static void say_loopback(struct report *report, const char *text)
{
    wrd_addr own;
    char own_text[WRD_ADDR_TEXT_SIZE];
    char advice[256];

    if (wrd_local_network_ip(&own, 4) == WRD_OK) {
        wrd_addr_ip_text(&own, own_text);
        snprintf(
            advice, sizeof advice,
            "Chromium dials it, Firefox refuses loopback addresses: give pages %s, and let the server listen there.",
            own_text);
    } else {
        snprintf(advice, sizeof advice, "Chromium dials it, Firefox refuses loopback addresses.");
    }
    report_step(report, "place", FINDING_NOTE, advice, "%s is loopback: only this machine itself reaches it.", text);
}

bool place_look(struct report *report, const wrd_addr *addr)
{
    char text[WRD_ADDR_TEXT_SIZE];

    wrd_addr_ip_text(addr, text);
    if (addresses_is_wildcard(addr)) {
        report_step(report, "place", FINDING_BAD,
                    "Dial one of the machine's addresses; `wrd serve` prints one in its ready line.",
                    "%s is where a server listens, \"on all addresses\"; nobody can be reached there.", text);
        return false;
    }
    if ((addr->family == 4 && addr->ip[0] >= 224) || (addr->family == 6 && addr->ip[0] == 0xff)) {
        report_step(report, "place", FINDING_BAD, "Dial the address of one machine.",
                    "%s is a multicast, broadcast or reserved address; no server is there.", text);
        return false;
    }
    if (addresses_is_loopback(addr)) {
        say_loopback(report, text);
    } else if (has_prefix(addr, 6, 0xfe, 0x80, 10) || has_prefix(addr, 4, 169, 254, 16)) {
        report_step(report, "place", FINDING_NOTE, "Browsers do not dial such IPv6 addresses; use one that is routed.",
                    "%s is link-local: it means something on one network segment only.", text);
    } else if (has_prefix(addr, 4, 100, 64, 10)) {
        report_step(report, "place", FINDING_NOTE, "Clients elsewhere need a public address of the server.",
                    "%s is shared address space, of a carrier's NAT: the Internet does not reach it.", text);
    } else if (is_private(addr)) {
        report_step(report, "place", FINDING_NOTE,
                    "Clients elsewhere need the public address, and the router must hand the UDP port on.",
                    "%s is private: only its own network reaches it.", text);
    } else {
        report_step(report, "place", FINDING_OK, NULL, "%s is a public address.", text);
    }
    return true;
}

/* ---- buffers */

/* 0: this system does not say. */
static long read_limit(const char *path)
{
    long limit = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%ld", &limit) != 1) {
        limit = 0;
    }
    (void)fclose(file);
    return limit;
}

void place_buffers(struct report *report)
{
    long receive = read_limit("/proc/sys/net/core/rmem_max");
    long send = read_limit("/proc/sys/net/core/wmem_max");

    if (receive == 0 || send == 0) {
        report_step(report, "buffers", FINDING_NOTE, NULL, "This system does not say how large socket buffers may be.");
    } else if (receive < BUFFER_WANTED || send < BUFFER_WANTED) {
        report_step(
            report, "buffers", FINDING_NOTE,
            "For a busy server here: sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304",
            "This machine grants sockets %ld bytes to receive and %ld to send; a server asks for %ld. With less, "
            "bursts are dropped.",
            receive, send, BUFFER_WANTED);
    } else {
        report_step(report, "buffers", FINDING_OK, NULL, "This machine grants the %ld bytes that a server asks for.",
                    BUFFER_WANTED);
    }
}

/* ---- the way there */

/* What connect() of a UDP socket to `addr` found, and what to do. */
static const char *no_way(int error, const wrd_addr *addr, const char **advice)
{
    *advice = "`ip route get` with that IP shows the route, `ip route` all of them.";
    if (error == EACCES) {
        return "a route of this machine forbids that address (prohibit), or it is a broadcast address";
    }
    if (error == EINVAL && addr->scope == 0 && has_prefix(addr, 6, 0xfe, 0x80, 10)) {
        *advice = "The zone is the number of the interface that leads there: `ip address` shows it.";
        return "a link-local address needs its zone, as [fe80::1%2]:3478";
    }
    if (error == EINVAL) {
        return "a route of this machine throws away what goes there (blackhole)";
    }
    *advice = addr->family == 6 ? "Does this machine have IPv6? Try the server's IPv4 address."
                                : "Is this machine connected to that network?";
    return strerror(error);
}

bool place_route(struct report *report, const wrd_addr *addr)
{
    struct sockaddr_storage storage;
    socklen_t len = addresses_to_sockaddr(&storage, addr);
    wrd_addr local = {.family = addr->family};
    char text[WRD_ADDR_TEXT_SIZE];
    int fd = socket(addr->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno != EAFNOSUPPORT) {
        report_step(report, "route", FINDING_BAD, NULL, "This machine gives no socket: %s.", say_cause(errno));
        return false;
    }
    /* connect() of a UDP socket sends nothing, but looks for a route. */
    if (fd < 0 || connect(fd, (struct sockaddr *)&storage, len) != 0) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        const char *advice;
        const char *reason = no_way(error, addr, &advice);
        report_step(report, "route", FINDING_BAD, advice, "There is no way from here to there: %s.", reason);
        return false;
    }
    (void)addresses_of_socket(&local, fd);
    (void)close(fd);
    wrd_addr_ip_text(&local, text);
    report_step(report, "route", FINDING_OK, NULL, "Packets leave from %s.", text);
    return true;
}
