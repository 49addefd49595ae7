/* SPDX-License-Identifier: MIT */
#include "cli/addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/say.h"
#include "wrd/server.h"

bool addresses_is_wildcard(const wrd_addr *addr)
{
    static const uint8_t zero[16];

    return memcmp(addr->ip, zero, addr->family == 4 ? 4 : 16) == 0;
}

bool addresses_is_loopback(const wrd_addr *addr)
{
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    return addr->family == 4 ? addr->ip[0] == 127 : memcmp(addr->ip, one, 16) == 0;
}

static bool is_link_local(const wrd_addr *addr)
{
    return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

/* False for what is neither IPv4 nor IPv6. */
static bool from_interface(wrd_addr *out, const struct ifaddrs *entry)
{
    memset(out, 0, sizeof *out);
    if (entry->ifa_addr == NULL || (entry->ifa_flags & IFF_UP) == 0) {
        return false;
    }
    if (entry->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, entry->ifa_addr, sizeof in);
        memcpy(out->ip, &in.sin_addr, 4);
        out->family = 4;
        return true;
    }
    if (entry->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, entry->ifa_addr, sizeof in);
        memcpy(out->ip, &in.sin6_addr, 16);
        out->family = 6;
        return true;
    }
    return false;
}

static size_t append(wrd_addr *out, size_t count, const wrd_addr *addr, uint16_t port)
{
    wrd_addr with_port = *addr;

    with_port.port = port;
    for (size_t i = 0; i < count; i++) {
        if (wrd_addr_equal(&out[i], &with_port)) {
            return count;
        }
    }
    if (count < ADDRESSES_MAX) {
        out[count++] = with_port;
    }
    return count;
}

size_t addresses_list(wrd_addr out[ADDRESSES_MAX], const wrd_addr *bound)
{
    struct ifaddrs *interfaces = NULL;
    wrd_addr addr;
    size_t count = 0;

    if (!addresses_is_wildcard(bound)) {
        return append(out, 0, bound, bound->port);
    }
    if (wrd_local_network_ip(&addr, 4) == WRD_OK) {
        count = append(out, count, &addr, bound->port);
    }
    if (bound->family == 6 && wrd_local_network_ip(&addr, 6) == WRD_OK && !is_link_local(&addr)) {
        count = append(out, count, &addr, bound->port);
    }
    if (getifaddrs(&interfaces) != 0) {
        return count;
    }
    for (int loopback = 0; loopback <= 1; loopback++) {
        for (const struct ifaddrs *entry = interfaces; entry != NULL; entry = entry->ifa_next) {
            if (from_interface(&addr, entry) && addr.family <= bound->family && !is_link_local(&addr) &&
                addresses_is_loopback(&addr) == (loopback == 1)) {
                count = append(out, count, &addr, bound->port);
            }
        }
    }
    freeifaddrs(interfaces);
    return count;
}

const char *addresses_lone_port(const char *text)
{
    const char *port = text[0] == ':' ? text + 1 : text;
    size_t digits = strspn(port, "0123456789");

    return digits >= 1 && digits <= 5 && port[digits] == '\0' ? port : NULL;
}

void addresses_say_unusable(const char *doing, const char *text, const char *why)
{
    const char *port = addresses_lone_port(text);

    if (port == NULL) {
        say("cannot %s %s: %s", doing, text, why);
        return;
    }
    say("cannot %s %s: the IP is missing. Write 0.0.0.0:%s to be reached by other machines too, 127.0.0.1:%s by this "
        "one only.",
        doing, text, port, port);
}

socklen_t addresses_to_sockaddr(struct sockaddr_storage *out, const wrd_addr *addr)
{
    memset(out, 0, sizeof *out);
    if (addr->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&in.sin_addr, addr->ip, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = addr->scope};
    memcpy(&in.sin6_addr, addr->ip, 16);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

bool addresses_of_socket(wrd_addr *out, int fd)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof storage;
    const struct ifaddrs entry = {.ifa_flags = IFF_UP, .ifa_addr = (struct sockaddr *)&storage};

    memset(&storage, 0, sizeof storage);
    if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0 || !from_interface(out, &entry)) {
        return false;
    }
    struct sockaddr_in6 in; /* the port is at the same place in both families */
    memcpy(&in, &storage, sizeof in);
    out->port = ntohs(in.sin6_port);
    return true;
}
