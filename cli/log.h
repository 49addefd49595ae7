/* SPDX-License-Identifier: MIT */
/*
 * What a server did, on stderr: sentences, or one JSON object a line with `time`, `event` and members of its own. Any
 * thread. What strangers said is made safe.
 */
#ifndef WRD_CLI_LOG_H
#define WRD_CLI_LOG_H

#include "wrd/server.h"

#define LOG_ID_SIZE 32

/* What the log tells of a connection besides the event. */
struct log_visit {
    double seconds; /* since it opened */
    uint64_t bytes_received, bytes_sent, messages_received, messages_sent;
};

/* Once, before there are threads. */
void log_in_json(void);

/* `id` names a connection for as long as the program runs, the same in both forms. */
void log_open(const char *id, const wrd_addr *peer, const wrd_conn_info *info);
void log_moved(const char *id, const wrd_addr *peer);
void log_closed(const char *id, const wrd_event *event, const struct log_visit *visit); /* NULL: not known */
void log_channel_open(const char *id, const wrd_channel_info *info);
void log_channel_closed(const char *id, const wrd_event *event);
/* `count` datagrams were dropped for `cause`, in `words`: "ClientHellos above the handshake rate". */
void log_dropped(const char *cause, const char *words, uint64_t count, double seconds);
void log_draining(uint32_t connections, int limit_s);

#endif
