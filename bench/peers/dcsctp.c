/* SPDX-License-Identifier: MIT */
/* The published dcsctp crate, behind the C functions of dcsctp/src/lib.rs, loaded when bench/peers/build made it. */
#define _POSIX_C_SOURCE 200809L
#include "peers/peer.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[PATH_MAX];

static struct {
    void *(*open)(bool without_checksum, size_t packet_max, size_t send_limit, size_t receive_window, uint64_t now);
    void (*close)(void *end);
    bool (*established)(void *end);
    void (*input)(void *end, uint64_t now, const uint8_t *packet, size_t len);
    size_t (*output)(void *end, uint8_t *out, size_t cap);
    uint64_t (*deadline)(void *end);
    void (*expire)(void *end, uint64_t now);
    bool (*send)(void *end, uint64_t now, const uint8_t *message, size_t len);
    size_t (*receive)(void *end, uint64_t now, uint8_t *head, size_t cap);
} crate;

void peer_set_folder(const char *program)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", program);
    (void)snprintf(folder, sizeof folder, "%s", dirname(path));
}

static bool find(void *library, const char *name, void **out)
{
    *out = dlsym(library, name);
    return *out != NULL;
}

static const char *missing(void)
{
    if (crate.open)
        return NULL;
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/libdcsctp_peer.so", folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return "not built (bench/peers/build, which needs Rust)";
    /* POSIX has it that a function fits into void *; C11 only lets it be copied there. */
    bool all = find(library, "dcsctp_peer_close", (void **)&crate.close) &&
               find(library, "dcsctp_peer_established", (void **)&crate.established) &&
               find(library, "dcsctp_peer_input", (void **)&crate.input) &&
               find(library, "dcsctp_peer_output", (void **)&crate.output) &&
               find(library, "dcsctp_peer_deadline", (void **)&crate.deadline) &&
               find(library, "dcsctp_peer_expire", (void **)&crate.expire) &&
               find(library, "dcsctp_peer_send", (void **)&crate.send) &&
               find(library, "dcsctp_peer_receive", (void **)&crate.receive) &&
               find(library, "dcsctp_peer_open", (void **)&crate.open);
    return all ? NULL : "of another version (bench/peers/build makes it again)";
}

static void *open_end(const struct peer_options *options, int index, wrd_time now)
{
    (void)index;
    return crate.open(options->without_checksum, PEER_PACKET, options->send_limit, options->receive_window, now);
}

static void close_end(void *end)
{
    crate.close(end);
}

static bool established(void *end)
{
    return crate.established(end);
}

static void input(void *end, wrd_time now, const uint8_t *packet, size_t len)
{
    crate.input(end, now, packet, len);
}

static size_t output(void *end, wrd_time now, uint8_t *out)
{
    (void)now;
    return crate.output(end, out, PEER_PACKET_ROOM);
}

static wrd_time deadline(void *end, wrd_time now)
{
    (void)now;
    return crate.deadline(end);
}

static void expire(void *end, wrd_time now)
{
    crate.expire(end, now);
}

static bool send_message(void *end, wrd_time now, const uint8_t *message, size_t len)
{
    return crate.send(end, now, message, len);
}

static size_t receive_message(void *end, wrd_time now, uint8_t head[PEER_HEAD])
{
    return crate.receive(end, now, head, PEER_HEAD);
}

const struct peer_kind peer_dcsctp = {
    .name = "dcsctp",
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
