/* SPDX-License-Identifier: MIT */
/*
 * The native client: one connection, one UDP socket.
 *
 *     wrd_client_connect(&client, "203.0.113.5:3478 8f90...", NULL, &why);      // waits until open
 *     wrd_client_send(client, "hello", 5);
 *     wrd_client_wait(client, &message, 5000);                                  // waits for the next message
 *     wrd_client_release(client);
 *     wrd_client_free(client);
 *
 * Or with your own loop: wrd_client_dial(), then fd / timeout / process / next / flush exactly as in server.h. A
 * process may have thousands: buffers are shared, and one that is idle keeps none.
 * Threads: a client belongs to one thread at a time.
 */
#ifndef WRD_CLIENT_H
#define WRD_CLIENT_H

#include "wrd/channel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wrd_client wrd_client;

/* Zeroed members take the default. */
typedef struct wrd_client_options {
    size_t size;                   /* sizeof(wrd_client_options) */
    wrd_endpoint_options endpoint; /* .key is not used */
    int socket_buffer;             /* SO_RCVBUF and SO_SNDBUF asked for; default 1 MiB */
    const char *capture_file;      /* gets all SCTP packets, decrypted, for Wireshark; default NULL: none */
    const char *key_log_file;      /* gets the secrets of each connection, like SSLKEYLOGFILE; default NULL: none */
    const char *token;             /* for a server that asks for one (wrd/token.h); default NULL: none */
} wrd_client_options;

/*
 * What stood in the way of datagrams so far: errno values, 0 for nothing. Words, not proof: who knows the addresses and
 * ports can forge what the network answers. So nothing ends by it but a dial that is refused.
 */
typedef struct wrd_client_trouble {
    size_t size;     /* sizeof(wrd_client_trouble), set by the caller */
    int answered;    /* what the network answered last (ICMP): ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES... */
    bool prohibited; /* that was a rule of a firewall or router (Linux only) */
    wrd_addr answered_by; /* who answered, port 0; of family 0 where the system does not tell (not Linux) */
    int send_error;       /* why this machine last sent a datagram not at all; EPERM: its own firewall forbids it */
    uint64_t sends_refused;
} wrd_client_trouble;

WRD_API void wrd_client_options_init(wrd_client_options *options);

/* Starts to connect; never blocks. WRD_INVALID or WRD_SYSTEM (errno): `*why` (may be NULL) gets a static sentence. */
WRD_API WRD_MUST_USE wrd_result wrd_client_dial(wrd_client **out, const wrd_address *address,
                                                const wrd_client_options *options, const char **why);
/*
 * Parses `address` (either form of address.h) and waits until the channel is open. Else `*out` is NULL and the result
 * says why: WRD_INVALID, WRD_TIMEOUT, WRD_REFUSED, WRD_MISMATCH, WRD_SYSTEM, WRD_PROTOCOL; `*why` (may be NULL) in a
 * sentence.
 */
WRD_API WRD_MUST_USE wrd_result wrd_client_connect(wrd_client **out, const char *address,
                                                   const wrd_client_options *options, const char **why);
/* Waits up to `timeout_ms` (-1: without limit) for the next message. WRD_TIMEOUT: none yet; else why the connection
 * ended. */
WRD_API WRD_MUST_USE wrd_result wrd_client_wait(wrd_client *client, wrd_message *out, int timeout_ms);
/* Waits until a send is possible again or everything sent has arrived (`all`). WRD_TIMEOUT as above. */
WRD_API WRD_MUST_USE wrd_result wrd_client_drain(wrd_client *client, bool all, int timeout_ms);
/* Says goodbye; while the peer keeps taking what was sent, waits for it to arrive (10 s without progress at most, and
 * in all as wrd_conn_close()). NULL is fine. */
WRD_API void wrd_client_free(wrd_client *client);

WRD_API int wrd_client_fd(const wrd_client *client); /* the UDP socket; owned by the client */
WRD_API int wrd_client_timeout(const wrd_client *client);
WRD_API void wrd_client_process(wrd_client *client);
WRD_API void wrd_client_flush(wrd_client *client);
WRD_API bool wrd_client_next(wrd_client *client, wrd_event *out);

WRD_API WRD_MUST_USE wrd_result wrd_client_send(wrd_client *client, const void *data, size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_client_send_text(wrd_client *client, const char *text, size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_client_receive(wrd_client *client, wrd_message *out);
WRD_API void wrd_client_release(wrd_client *client);
WRD_API WRD_MUST_USE wrd_result wrd_client_read(wrd_client *client, void *out, size_t len);
WRD_API size_t wrd_client_buffered(const wrd_client *client);
WRD_API void wrd_client_close(wrd_client *client);
WRD_API void wrd_client_close_with(wrd_client *client, uint32_t code, const char *reason);

/* Each as the wrd_channel_ call of the same name in channel.h. The waiting calls above take the events of channels,
 * too; their messages wait for wrd_client_wait() and _receive() like others. */
WRD_API WRD_MUST_USE wrd_result wrd_client_channel_open(wrd_client *client, wrd_channel *out,
                                                        const wrd_channel_options *options, const char **why);
WRD_API WRD_MUST_USE wrd_result wrd_client_channel_send(wrd_client *client, wrd_channel channel, const void *data,
                                                        size_t len);
WRD_API WRD_MUST_USE wrd_result wrd_client_channel_send_text(wrd_client *client, wrd_channel channel, const char *text,
                                                             size_t len);
WRD_API size_t wrd_client_channel_buffered(wrd_client *client, wrd_channel channel);
WRD_API WRD_MUST_USE wrd_result wrd_client_channel_set_low(wrd_client *client, wrd_channel channel, size_t bytes);
WRD_API void wrd_client_channel_close(wrd_client *client, wrd_channel channel, uint32_t code, const char *reason);
WRD_API WRD_MUST_USE wrd_result wrd_client_channel_get_info(const wrd_client *client, wrd_channel channel,
                                                            wrd_channel_info *out);

/* What the peer gave when it closed the connection: its code, and its reason in `*said` ("" for none, valid until
 * wrd_client_free(); may be NULL). 0 before. */
WRD_API uint32_t wrd_client_closed_with(const wrd_client *client, const char **said);
/* Also when it has ended. For one that was never open and heard nothing, the words of wrd_client_connect() and of its
 * CLOSED event come from this. */
WRD_API void wrd_client_get_trouble(const wrd_client *client, wrd_client_trouble *out);
/* errno of what could not be written to those files, which end there with whole packets and lines; EAGAIN: something is
 * missing in the midst, for the reader of a pipe paused; 0: all is there. */
WRD_API int wrd_client_capture_error(wrd_client *client);
WRD_API int wrd_client_key_log_error(wrd_client *client);
WRD_API wrd_endpoint *wrd_client_endpoint(wrd_client *client);
WRD_API wrd_conn wrd_client_conn(const wrd_client *client);

#ifdef __cplusplus
}
#endif
#endif
