/* SPDX-License-Identifier: MIT */
/*
 * Who may have a connection to the HTTP side: so many at once that descriptors never run out, and a quarter of them of
 * one address. Others are closed at once, and counted. Where all places are taken, the connection that has had its for
 * longest gives way, if that is longer than any page takes. Where descriptors are short all the same, because others
 * took them or the limit fell, who comes waits in the kernel.
 */
#ifndef WRD_CLI_HTTP_GATE_H
#define WRD_CLI_HTTP_GATE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_CONNECTIONS_MAX 512
#define HTTP_SURE_S          15u /* seconds for which a connection does not give way, nor ends though nothing comes */

struct http_peer {
    struct in6_addr key; /* of IPv6 the /64 */
    int fd;
    uint64_t since; /* clock_ns() */
};

struct http_gate {
    const char *what; /* that is served, for the log */
    unsigned most, count;
    bool told, told_of_files;
    int leaving;                                      /* the socket that gives way; -1: none */
    struct http_peer peers[HTTP_CONNECTIONS_MAX + 1]; /* those there are, the oldest first */
};

/* Connections that each of so many daemons can have, by the limit of open files; before any of them is opened. */
unsigned http_gate_room(unsigned daemons);

/* For MHD_start_daemon() and MHD_OPTION_NOTIFY_CONNECTION; `gate` is a struct http_gate. */
enum MHD_Result http_gate_ask(void *gate, const struct sockaddr *peer, socklen_t len);
void http_gate_note(void *gate, struct MHD_Connection *connection, void **unused,
                    enum MHD_ConnectionNotificationCode what);

/* True: somebody waits at this socket, and there is no descriptor for whom. The daemon would try without end, so it is
 * to have a pause. Says so once. */
bool http_gate_starves(struct http_gate *gate, int listener);

/* Connections that were closed at once, so far and at all gates. On the thread that runs them. */
uint64_t http_gate_refused(void);

#endif
