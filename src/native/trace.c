/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINKTYPE_RAW = 101, /* a packet begins with its IP header */
    PROTOCOL_SCTP = 132,
    IP4_SIZE = 20,
    IP6_SIZE = 40,
    TTL = 64
};

/* The pcap format's headers are in the byte order of whoever wrote them, which the magic number tells. */
struct file_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, longest, link_type;
};

struct packet_header {
    uint32_t seconds, microseconds, captured, length;
};

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* RFC 1071, over the header with its checksum still 0. */
static uint16_t ip4_checksum(const uint8_t header[IP4_SIZE])
{
    uint32_t sum = 0;
    for (size_t i = 0; i < IP4_SIZE; i += 2)
        sum += (uint32_t)header[i] << 8 | header[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Returns the length of the header. */
static size_t write_ip(uint8_t out[IP6_SIZE], const wrd_addr *from, const wrd_addr *to, size_t len)
{
    memset(out, 0, IP6_SIZE);
    if (from->family == 4) {
        out[0] = 0x45;
        put16(out + 2, IP4_SIZE + len);
        out[8] = TTL;
        out[9] = PROTOCOL_SCTP;
        memcpy(out + 12, from->ip, 4);
        memcpy(out + 16, to->ip, 4);
        put16(out + 10, ip4_checksum(out));
        return IP4_SIZE;
    }
    out[0] = 0x60;
    put16(out + 4, len);
    out[6] = PROTOCOL_SCTP;
    out[7] = TTL;
    memcpy(out + 8, from->ip, 16);
    memcpy(out + 24, to->ip, 16);
    return IP6_SIZE;
}

static void write_packet(void *user, const wrd_path *path, bool sent, const uint8_t *packet, size_t len)
{
    struct wrd_trace_files *files = user;
    const wrd_addr *local = path->local.family == path->remote.family ? &path->local : &files->local;
    uint8_t ip[IP6_SIZE];
    struct timespec now;
    size_t ip_len = write_ip(ip, sent ? local : &path->remote, sent ? &path->remote : local, len);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct packet_header header = {.seconds = (uint32_t)now.tv_sec,
                                   .microseconds = (uint32_t)(now.tv_nsec / 1000),
                                   .captured = (uint32_t)(ip_len + len),
                                   .length = (uint32_t)(ip_len + len)};
    flockfile(files->capture); /* the loops of a server share it */
    if (fwrite(&header, sizeof header, 1, files->capture) == 1 && fwrite(ip, ip_len, 1, files->capture) == 1 &&
        fwrite(packet, len, 1, files->capture) == 1)
        (void)fflush(files->capture);
    funlockfile(files->capture);
}

static void write_key(void *user, const char *line)
{
    const struct wrd_trace_files *files = user;
    if (fprintf(files->keys, "%s\n", line) > 0)
        (void)fflush(files->keys);
}

static FILE *open_file(const char *path, int flags)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, flags & O_APPEND ? "ab" : "wb") : NULL;
    if (!file && fd >= 0)
        (void)close(fd);
    return file;
}

static bool begin_capture(FILE *file)
{
    struct file_header header = {
        .magic = 0xa1b2c3d4, .major = 2, .minor = 4, .longest = 65535, .link_type = LINKTYPE_RAW};
    return fwrite(&header, sizeof header, 1, file) == 1 && fflush(file) == 0;
}

wrd_result wrd_trace_open(struct wrd_trace_files *files, const char *capture_file, const char *key_log_file,
                          const char **why)
{
    *files = (struct wrd_trace_files){.trace.user = files};
    *why = "";
    if (capture_file) {
        files->capture = open_file(capture_file, O_TRUNC);
        files->trace.packet = write_packet;
        if (!files->capture || !begin_capture(files->capture))
            *why = "the capture file cannot be written";
    }
    if (key_log_file && !**why) {
        files->keys = open_file(key_log_file, O_APPEND);
        files->trace.key = write_key;
        if (!files->keys)
            *why = "the key log file cannot be written";
    }
    if (!**why)
        return WRD_OK;
    int error = errno;
    wrd_trace_close(files);
    errno = error;
    return WRD_SYSTEM;
}

void wrd_trace_close(struct wrd_trace_files *files)
{
    if (files->capture)
        (void)fclose(files->capture);
    if (files->keys)
        (void)fclose(files->keys);
    files->capture = files->keys = NULL;
}
