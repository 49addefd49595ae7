/* SPDX-License-Identifier: MIT */
/* The addresses that a person gives to listen on, and those of this machine by which such a socket is reached. */
#ifndef WRD_CLI_ADDRESSES_H
#define WRD_CLI_ADDRESSES_H

#include <sys/socket.h>

#include "wrd/address.h"

#define ADDRESSES_MAX 32

bool addresses_is_wildcard(const wrd_addr *addr); /* 0.0.0.0 or :: */
bool addresses_is_loopback(const wrd_addr *addr);

/*
 * Fills `out` with what reaches a socket bound to `bound`, each with its port: the address itself, or for a wildcard
 * those of all interfaces that are up, the one that leads outward first and loopback last. Link-local IPv6 is left out,
 * since no browser dials it. Returns how many.
 */
size_t addresses_list(wrd_addr out[ADDRESSES_MAX], const wrd_addr *bound);

/* The port when `text` is nothing else, "8080" or ":8080", as other programs take it; else NULL. */
const char *addresses_lone_port(const char *text);
/* "cannot DOING TEXT: WHY"; for a lone port, which the library cannot tell from a lone IP, what to write instead. */
void addresses_say_unusable(const char *doing, const char *text, const char *why);

/* As the kernel takes it; the length that counts. */
socklen_t addresses_to_sockaddr(struct sockaddr_storage *out, const wrd_addr *addr);
/* What the socket is bound to. False: the kernel does not say. */
bool addresses_of_socket(wrd_addr *out, int fd);

#endif
