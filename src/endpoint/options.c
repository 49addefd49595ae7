/* SPDX-License-Identifier: MIT */
#include "endpoint/options.h"

#include <string.h>

#define WINDOW_MIN      ((size_t)64 * 1024)
#define WINDOW_MAX      ((size_t)64 * 1024 * 1024)
#define SEND_LIMIT_MAX  ((size_t)1024 * 1024 * 1024)
#define DATAGRAM_MIN    ((size_t)600)
#define DATAGRAM_MAX    ((size_t)1472) /* Ethernet less the IPv4 and UDP headers */
#define CONNECTIONS_MAX ((uint32_t)1 << 24)
#define RATE_MAX        ((uint32_t)1000000)
#define MEMORY_MIN      ((size_t)4 * 1024 * 1024)

void wrd_endpoint_options_init(wrd_endpoint_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

#define DAY (24 * 3600 * WRD_SECOND)

#define DEFAULT(member, value)                                                                                         \
    do {                                                                                                               \
        if ((member) == 0)                                                                                             \
            (member) = (value);                                                                                        \
    } while (0)

/* "": in order. */
static const char *check_admission(const wrd_endpoint_options *o)
{
    if (o->handshake_rate > RATE_MAX || o->handshake_rate_per_address > RATE_MAX)
        return "options.handshake_rate or handshake_rate_per_address is above 1000000";
    if (o->memory_limit < MEMORY_MIN)
        return "options.memory_limit is below 4 MiB: it counts bytes";
    if (o->token_key_count > WRD_TOKEN_KEYS_MAX)
        return "options.token_key_count is above WRD_TOKEN_KEYS_MAX (4)";
    if (o->token_key_count > 0 && !o->token_keys)
        return "options.token_keys is NULL, though token_key_count counts some";
    if (o->siblings && (!o->siblings->own || !o->siblings->own_address || !o->siblings->is_owned || !o->siblings->pass))
        return "options.siblings lacks own, own_address, is_owned or pass";
    return "";
}

wrd_result wrd_endpoint_options_complete(wrd_endpoint_options *out, const wrd_endpoint_options *options,
                                         const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = "";
    wrd_endpoint_options_init(out);
    if (options && options->size != sizeof *options) {
        *why = "options.size is not sizeof(wrd_endpoint_options): fill options with wrd_endpoint_options_init() first";
        return WRD_INVALID;
    }
    if (options)
        *out = *options;
    DEFAULT(out->max_connections, WRD_CONNECTIONS_DEFAULT);
    DEFAULT(out->max_handshakes, 1024);
    DEFAULT(out->handshake_timeout, 10 * WRD_SECOND);
    DEFAULT(out->lost_timeout, 30 * WRD_SECOND);
    DEFAULT(out->send_limit, (size_t)1024 * 1024);
    DEFAULT(out->receive_window, (size_t)1024 * 1024);
    DEFAULT(out->message_limit, WRD_MESSAGE_MAX);
    DEFAULT(out->datagram_limit, 1200);
    DEFAULT(out->max_per_address, 1024);
    DEFAULT(out->handshake_rate, 2000);
    DEFAULT(out->handshake_rate_per_address, 200);
    DEFAULT(out->cookies_above, out->max_handshakes / 4 + 1);
    DEFAULT(out->memory_limit, WRD_MEMORY_DEFAULT);
    if (out->mode != WRD_FRAMED && out->mode != WRD_RAW)
        *why = "options.mode is neither WRD_FRAMED nor WRD_RAW";
    else if (out->max_connections > CONNECTIONS_MAX)
        *why = "options.max_connections is above 16777216";
    else if (out->receive_window < WINDOW_MIN || out->receive_window > WINDOW_MAX)
        *why = "options.receive_window is outside 64 KiB .. 64 MiB";
    else if (out->send_limit > SEND_LIMIT_MAX)
        *why = "options.send_limit is above 1 GiB";
    else if (out->message_limit > WRD_MESSAGE_MAX)
        *why = "options.message_limit is above WRD_MESSAGE_MAX (16 MiB)";
    else if (out->datagram_limit < DATAGRAM_MIN || out->datagram_limit > DATAGRAM_MAX)
        *why = "options.datagram_limit is outside 600 .. 1472";
    else if (out->congestion != WRD_CUBIC && out->congestion != WRD_RENO)
        *why = "options.congestion is neither WRD_CUBIC nor WRD_RENO";
    else if (out->handshake_timeout > 3600 * WRD_SECOND || out->lost_timeout > DAY || out->idle_timeout > 365 * DAY)
        *why = "options.handshake_timeout is above an hour, lost_timeout above a day, or idle_timeout above a year";
    else if (out->handshake_timeout < WRD_MILLISECOND || out->lost_timeout < WRD_MILLISECOND ||
             (out->idle_timeout > 0 && out->idle_timeout < WRD_MILLISECOND))
        *why = "options.handshake_timeout, lost_timeout or idle_timeout is below a millisecond: they count microseconds";
    else
        *why = check_admission(out);
    return **why ? WRD_INVALID : WRD_OK;
}
