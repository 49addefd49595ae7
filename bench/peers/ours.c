/* SPDX-License-Identifier: MIT */
#include "peers/peer.h"

#include "crypto/crypto.h"
#include "sctp/sctp.h"

#include <stdlib.h>
#include <string.h>

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

static const wrd_env env = {.memory = memory, .random = wrd_crypto_random};

static const char *missing(void)
{
    return NULL;
}

static void *open_end(const struct peer_options *options, int index, wrd_time now)
{
    (void)index;
    struct wrd_sctp_options sctp_options = {
        .receive_window = options->receive_window,
        .send_limit = options->send_limit,
        .packet_max = PEER_PACKET,
        .always_checksum = !options->without_checksum,
    };
    struct wrd_sctp *sctp = wrd_sctp_new(&sctp_options, &env);
    if (!sctp)
        abort();
    wrd_sctp_connect(sctp, now);
    return sctp;
}

static void close_end(void *end)
{
    wrd_sctp_free(end);
}

static bool established(void *end)
{
    return wrd_sctp_state(end) == WRD_SCTP_ESTABLISHED;
}

static void input(void *end, wrd_time now, const uint8_t *packet, size_t len)
{
    wrd_sctp_receive(end, now, packet, len);
}

static size_t output(void *end, wrd_time now, uint8_t *out)
{
    return wrd_sctp_transmit(end, now, out, PEER_PACKET_ROOM);
}

static wrd_time deadline(void *end, wrd_time now)
{
    (void)now;
    return wrd_sctp_deadline(end);
}

static void expire(void *end, wrd_time now)
{
    wrd_sctp_expire(end, now);
}

static bool send_message(void *end, wrd_time now, const uint8_t *bytes, size_t len)
{
    struct wrd_sctp_message message = {.stream = 1, .ppid = 53, .data = bytes, .len = len};
    return wrd_sctp_send(end, now, &message) == WRD_OK;
}

static size_t receive_message(void *end, wrd_time now, uint8_t head[PEER_HEAD])
{
    struct wrd_sctp_message message;
    if (!wrd_sctp_peek(end, &message))
        return 0;
    memcpy(head, message.data, message.len < PEER_HEAD ? message.len : PEER_HEAD);
    wrd_sctp_release(end, now);
    return message.len;
}

const struct peer_kind peer_ours = {
    .name = "ours",
    .missing = missing,
    .open = open_end,
    .close = close_end,
    .established = established,
    .input = input,
    .output = output,
    .deadline = deadline,
    .expire = expire,
    .send = send_message,
    .receive = receive_message,
};
