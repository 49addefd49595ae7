/* SPDX-License-Identifier: MIT */
/*
 * The native server: one UDP port for all clients.
 *
 * The ready loop (examples: example/quickstart.c):
 *
 *     static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
 *     {
 *         return wrd_server_send(server, conn, message->data, message->len); // WRD_AGAIN: asked again
 *     }
 *     wrd_server_bind(&server, "0.0.0.0:3478", NULL, &why);
 *     wrd_server_run(server, &(wrd_handlers){.message = on_message});
 *
 * Your own loop:
 *
 *     for (;;) {
 *         poll(&(struct pollfd){wrd_server_fd(server), POLLIN, 0}, 1, wrd_server_timeout(server));
 *         wrd_server_process(server);                       // reads, runs timers, never blocks
 *         while (wrd_server_next(server, &event))           // OPEN, READABLE, WRITABLE, CLOSED, CHANNEL_...
 *             ...wrd_server_receive, _release, _send, _close...
 *         wrd_server_flush(server);                         // writes what is ready: answers of process(), and of yours
 *     }
 *
 * Threads: a server belongs to one thread at a time; wrd_server_stop(), wrd_server_drain() and
 * wrd_server_get_counters() may come from others, and the first two from a signal handler.
 *
 * With options.threads it is that many servers behind one port, one to a thread: its loops. wrd_server_run() runs each
 * on a thread; a handler is called on the thread of its loop and is given that loop, the only one that knows its
 * connections. `user` is the same for all, so what it points to is yours to lock. With your own threads,
 * wrd_server_loop() answers each loop, a wrd_server for all calls below. The first is the server itself. Stop, drain
 * and counters are of all loops, whichever is named.
 */
#ifndef WRD_SERVER_H
#define WRD_SERVER_H

#include "wrd/channel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wrd_server wrd_server;

/* Zeroed members take the default. */
typedef struct wrd_server_options {
    size_t size;                   /* sizeof(wrd_server_options) */
    wrd_endpoint_options endpoint; /* .key NULL: a random key; .mode WRD_FRAMED */
    bool ipv6_only;                /* "[::]:port" otherwise takes IPv4 too (dual stack) */
    int socket_buffer;             /* SO_RCVBUF and SO_SNDBUF asked for; default 4 MiB */
    const char *capture_file;      /* gets all SCTP packets, decrypted, for Wireshark; default NULL: none */
    const char *key_log_file;      /* gets the secrets of each connection, like SSLKEYLOGFILE; default NULL: none */
    unsigned threads;              /* loops, each with a socket and connections of its own; default 1; 1 .. 64. Of the
                                      limits of `endpoint`, max_handshakes, cookies_above and memory_limit count for
                                      each, the others for all together; its `siblings` are the server's own then, and
                                      its `trace` is called on every thread. One is all that there is where sockets
                                      cannot share a port (not Linux): wrd_server_loops() */
} wrd_server_options;

WRD_API void wrd_server_options_init(wrd_server_options *options);

/*
 * Binds a UDP socket to `listen` ("0.0.0.0:3478", "[::]:3478", "127.0.0.1:0"). `options` may be NULL.
 * WRD_INVALID or WRD_SYSTEM (errno): `*why` (may be NULL) gets a static sentence that a person can act on.
 */
WRD_API WRD_MUST_USE wrd_result wrd_server_bind(wrd_server **out, const char *listen, const wrd_server_options *options,
                                                const char **why);
/* Closes every connection without waiting, and the sockets of all loops, which must not be running. Any loop stands for
 * the server, so only once. NULL is fine. */
WRD_API void wrd_server_free(wrd_server *server);

/* What clients dial. A wildcard bind answers local_network_ip (or loopback where there is none). */
WRD_API void wrd_server_address(const wrd_server *server, wrd_address *out);

/* ---- the ready loop */

typedef struct wrd_handlers {
    void *user; /* handed to each handler */
    void (*open)(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user);
    /* WRD_OK: taken. WRD_AGAIN: not taken; the same message is given again when this connection is writable or more
     * arrives. Anything else closes the connection, so that nothing is lost in silence; but on a channel besides the
     * main one, WRD_CLOSED and WRD_GONE only mean that the channel closes, and count as taken. */
    wrd_result (*message)(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user);
    void (*writable)(wrd_server *server, wrd_conn conn, void *user);
    /* `event` has .conn, why in .reason and .text, and what the peer gave in .code and .said. */
    void (*closed)(wrd_server *server, const wrd_event *event, void *user);
    /* The peer opened a channel, or has the one that we opened. */
    void (*channel_open)(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user);
    void (*channel_low)(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user);
    void (*channel_closed)(wrd_server *server, const wrd_event *event, void *user); /* as `closed`, and .channel */
    void (*moved)(wrd_server *server, const wrd_event *event, void *user); /* the peer has another address: .peer */
} wrd_handlers;

/*
 * Runs until wrd_server_stop(); WRD_SYSTEM when a socket broke or a thread cannot be had. Any call, wrd_server_close()
 * too, is fine inside a handler. The first loop runs on the calling thread, the others on threads that end before this
 * call does and get no signals. Another loop than the first is run alone.
 */
WRD_API WRD_MUST_USE wrd_result wrd_server_run(wrd_server *server, const wrd_handlers *handlers);
/* One turn of the same loop: waits at most `timeout_ms` (-1: without limit) and hands out what there is. WRD_CLOSED:
 * stopped. */
WRD_API WRD_MUST_USE wrd_result wrd_server_turn(wrd_server *server, const wrd_handlers *handlers, int timeout_ms);
/* Ends the running or next turn of every loop, once. The server and its connections live on until wrd_server_free(). */
WRD_API void wrd_server_stop(wrd_server *server);

/* ---- your own loop */

/*
 * Readable when there is something to process: datagrams, or what other threads have for this loop. An epoll
 * descriptor, which poll(), select() and another epoll can watch; owned by the server. Where there is no epoll it is
 * the UDP socket, and wrd_server_timeout() is short enough for the rest.
 */
WRD_API int wrd_server_fd(const wrd_server *server);
WRD_API int wrd_server_timeout(const wrd_server *server); /* milliseconds to wait at most, for poll(); -1: no limit */
WRD_API void wrd_server_process(wrd_server *server);
WRD_API void wrd_server_flush(wrd_server *server);
WRD_API bool wrd_server_next(wrd_server *server, wrd_event *out);
/* The next opened connection, instead of its WRD_EVENT_OPEN. WRD_AGAIN: none. What it sent meanwhile is kept. */
WRD_API WRD_MUST_USE wrd_result wrd_server_accept(wrd_server *server, wrd_conn *out, wrd_addr *peer);

/* ---- connections; each as the wrd_conn_ call of the same name in endpoint.h */

WRD_API WRD_MUST_USE wrd_result wrd_server_send(wrd_server *server, wrd_conn conn, const void *data, size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_server_send_text(wrd_server *server, wrd_conn conn, const char *text, size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_server_receive(wrd_server *server, wrd_conn conn, wrd_message *out);
WRD_API void wrd_server_release(wrd_server *server, wrd_conn conn);
WRD_API WRD_MUST_USE wrd_result wrd_server_read(wrd_server *server, wrd_conn conn, void *out, size_t len);
WRD_API void wrd_server_close(wrd_server *server, wrd_conn conn);
WRD_API void wrd_server_close_with(wrd_server *server, wrd_conn conn, uint32_t code, const char *reason);

/* ---- channels; each as the wrd_channel_ call of the same name in channel.h */

WRD_API WRD_MUST_USE wrd_result wrd_server_channel_open(wrd_server *server, wrd_conn conn, wrd_channel *out,
                                                        const wrd_channel_options *options, const char **why);
WRD_API WRD_MUST_USE wrd_result wrd_server_channel_send(wrd_server *server, wrd_conn conn, wrd_channel channel,
                                                        const void *data, size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_server_channel_send_text(wrd_server *server, wrd_conn conn, wrd_channel channel,
                                                             const char *text, size_t len);
WRD_API size_t wrd_server_channel_buffered(wrd_server *server, wrd_conn conn, wrd_channel channel);
WRD_API WRD_MUST_USE wrd_result wrd_server_channel_set_low(wrd_server *server, wrd_conn conn, wrd_channel channel,
                                                           size_t bytes);
WRD_API void wrd_server_channel_close(wrd_server *server, wrd_conn conn, wrd_channel channel, uint32_t code,
                                      const char *reason);
WRD_API WRD_MUST_USE wrd_result wrd_server_channel_get_info(const wrd_server *server, wrd_conn conn,
                                                            wrd_channel channel, wrd_channel_info *out);

WRD_API wrd_endpoint *wrd_server_endpoint(wrd_server *server); /* the core inside, for info */

/* ---- loops */

WRD_API unsigned wrd_server_loops(const wrd_server *server); /* options.threads, or 1 where a port cannot be shared */
WRD_API wrd_server *wrd_server_loop(wrd_server *server, unsigned index); /* NULL: above the last */

/* ---- operation */

/* What the core counts, and the sockets; sums over all loops. */
typedef struct wrd_server_counters {
    size_t size; /* sizeof(wrd_server_counters), set by the caller */
    wrd_endpoint_counters endpoint;
    uint64_t send_refused; /* datagrams that the kernel did not take: no route, forbidden, no room (ENOBUFS) for long or
                              while others waited behind */
    uint64_t send_full;    /* times that it had no room (ENOBUFS, a full buffer): sent later, most of them */
    uint64_t passed_lost;  /* datagrams for another loop that had no room there, and are not in `passed_on` */
    uint64_t receive_lost; /* by the kernel, most for want of room in the socket's buffer (as SO_RXQ_OVFL counts) */
    uint64_t capture_lost, key_log_lost; /* packets and lines that are not in those files */
    int capture_error, key_log_error;    /* errno of the one that could not be written, after which none is tried any
                                            more; 0: all are there, but for those that a pipe had no room for */
    int receive_buffer, send_buffer; /* bytes that the kernel granted, of each loop: half of what Linux answers, which
                                        adds as much again for its own books. Small datagrams take more of it than
                                        their size */
    unsigned threads;                /* loops that there are */
} wrd_server_counters;

/*
 * Of all loops. On the thread that uses a loop: as it is now. Of a loop on another thread: as of the end of a turn not
 * more than 100 ms ago; one that is in a handler all that time, or that nobody turns, is waited for so long and then
 * counted as it last was. Of a loop whose last turn answered WRD_CLOSED: exactly.
 */
WRD_API void wrd_server_get_counters(wrd_server *server, wrd_server_counters *out);
/*
 * Nobody is accepted from now on, every connection is closed with `code` and `reason` (static text), and
 * wrd_server_run() or _turn() ends as by wrd_server_stop() once those of all loops are gone, after `timeout_ms` (-1:
 * without a limit but that of wrd_conn_close()) at the latest; later turns end at once. The first call counts. In your
 * own loop, wrd_server_process() begins it, and CLOSED events tell.
 */
WRD_API void wrd_server_drain(wrd_server *server, int timeout_ms, uint32_t code, const char *reason);

/*
 * This machine's address in its local network, without sending anything: of the interface that leads outward, else of
 * the first that is up and not loopback. `family` 4 or 6. WRD_GONE: there is none. Firefox refuses loopback, so pages
 * need it.
 */
WRD_API WRD_MUST_USE wrd_result wrd_local_network_ip(wrd_addr *out, int family);

#ifdef __cplusplus
}
#endif
#endif
