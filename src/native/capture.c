/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

wrd_result wrd_capture_open(struct wrd_capture *capture, const char *path)
{
    struct file_header header = {
        .magic = 0xa1b2c3d4, .major = 2, .minor = 4, .longest = 65535, .link_type = LINKTYPE_RAW};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    capture->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!capture->file && fd >= 0)
        (void)close(fd);
    if (!capture->file)
        return WRD_SYSTEM;
    if (fwrite(&header, sizeof header, 1, capture->file) == 1 && fflush(capture->file) == 0)
        return WRD_OK;
    int error = errno;
    wrd_capture_close(capture);
    errno = error;
    return WRD_SYSTEM;
}

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

void wrd_capture_packet(struct wrd_capture *capture, uint64_t unix_us, const wrd_addr *from, const wrd_addr *to,
                        const uint8_t *packet, size_t len)
{
    uint8_t ip[IP6_SIZE];
    size_t ip_len = write_ip(ip, from, to, len);
    struct packet_header header = {.seconds = (uint32_t)(unix_us / WRD_SECOND),
                                   .microseconds = (uint32_t)(unix_us % WRD_SECOND),
                                   .captured = (uint32_t)(ip_len + len),
                                   .length = (uint32_t)(ip_len + len)};
    if (fwrite(&header, sizeof header, 1, capture->file) == 1 && fwrite(ip, ip_len, 1, capture->file) == 1 &&
        fwrite(packet, len, 1, capture->file) == 1)
        (void)fflush(capture->file);
}

void wrd_capture_close(struct wrd_capture *capture)
{
    if (capture->file)
        (void)fclose(capture->file);
    capture->file = NULL;
}
