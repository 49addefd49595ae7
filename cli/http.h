/* SPDX-License-Identifier: MIT */
/*
 * The HTTP beside a WebRTC server, without threads: for `wrd serve --http` and `--metrics`, and for example/server.c.
 * The page is the files of example/ and the browser client that CMake put into the program, and /webrtc-info:
 *
 *     {"port": 3478, "fingerprint": "8f90...", "address": "192.0.2.7:3478", "multiaddr": "/ip4/...",
 *      "addresses": ["192.0.2.7", "127.0.0.1"], "raw": false}
 *
 * `address` is what a client dials; `addresses` are all of the machine's that reach the WebRTC server, best first and
 * loopback last. The numbers are /metrics for Prometheus, and the status page /status with its /status.json. They are
 * no secret, but tell strangers how busy a server is, so a page for everyone does not have them. Add http_fd() to each
 * poll() of yours and call http_run() after it.
 */
#ifndef WRD_CLI_HTTP_H
#define WRD_CLI_HTTP_H

#include <stdio.h>

#include "wrd/server.h"

struct http;

struct http_options {
    const char *listen;        /* where to serve pages: "127.0.0.1:8080", "[::]:8080"; port 0: any free one */
    wrd_server *server;        /* the WebRTC server that all this is about; must outlive the http */
    const char *server_listen; /* what that server was bound to */
    wrd_mode mode;
    bool page, numbers;   /* what is served: either or both */
    unsigned connections; /* at once: http_connections() */
};

/* How many connections each of `count` https can have, by the limit of open files; before the first is opened. 0, too,
 * is for http_open(), which then says why it fails. */
unsigned http_connections(unsigned count);
/* On failure says why on stderr, in words a person can act on. WRD_INVALID: `listen` is no address. */
wrd_result http_open(struct http **out, const struct http_options *options);
/* NULL is fine, here and below: a server without pages. */
void http_close(struct http *http);

int http_fd(const struct http *http); /* wait for readability; -1: not now, as poll() ignores it */
int http_timeout(struct http *http);  /* milliseconds for poll(), -1: no limit */
void http_run(struct http *http);     /* never blocks */

uint64_t http_refused(void); /* connections that were closed at once, so far and by all */

/* For the status page: the server takes nobody any more. */
void http_set_draining(struct http *http);

/* One line per address at which a person can open the page, "page http://127.0.0.1:8080/", and the status page. */
void http_print_pages(const struct http *http, FILE *out);

#endif
