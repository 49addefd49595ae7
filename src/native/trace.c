/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "native/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINKTYPE_RAW = 101, /* a packet begins with its IP header */
    PROTOCOL_SCTP = 132,
    IP4_SIZE = 20,
    IP6_SIZE = 40,
    TTL = 64,
    KEY_LINE_SIZE = 256 /* CLIENT_RANDOM and 80 bytes in hex */
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

/* ---- whole packets and lines */

_Static_assert(sizeof(struct packet_header) + IP6_SIZE + WRD_DATAGRAM_MAX <= PIPE_BUF,
               "a pipe takes a whole one or none");

/* A pipe whose reader has gone answers EPIPE, and must not end the program that uses this library. */
static ssize_t write_to_pipe(int fd, const void *bytes, size_t len)
{
    sigset_t pipe, before, pending;
    int ignored;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    ssize_t written = write(fd, bytes, len);
    int error = errno;
    if (written < 0 && error == EPIPE && !was_pending && sigpending(&pending) == 0 &&
        sigismember(&pending, SIGPIPE) == 1)
        (void)sigwait(&pipe, &ignored);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}

/* Cuts off the last `len` bytes, unless somebody else has written behind them. */
static void take_back(int fd, size_t len)
{
    struct stat file;
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end >= (off_t)len && fstat(fd, &file) == 0 && file.st_size == end)
        (void)!ftruncate(fd, end - (off_t)len);
}

/* All of it or nothing: 0 or an error number. */
static int write_whole(const struct wrd_trace_file *file, const void *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        const char *rest = (const char *)bytes + done;
        ssize_t written = file->is_pipe ? write_to_pipe(file->fd, rest, len - done) : write(file->fd, rest, len - done);
        if (written < 0 && errno != EINTR) {
            int error = errno;
            take_back(file->fd, done);
            return done > 0 && error == EAGAIN ? EIO : error; /* a terminal that took a part */
        }
        done += written < 0 ? 0 : (size_t)written;
    }
    return 0;
}

static void put(struct wrd_trace_files *files, struct wrd_trace_file *file, const void *bytes, size_t len)
{
    pthread_mutex_lock(&files->mutex);
    int error = file->error ? file->error : write_whole(file, bytes, len);
    file->lost += error != 0;
    file->error = error == EAGAIN ? 0 : error; /* the next one may find room again */
    pthread_mutex_unlock(&files->mutex);
}

static void write_packet(void *user, const wrd_path *path, bool sent, const uint8_t *packet, size_t len)
{
    struct wrd_trace_files *files = user;
    const wrd_addr *local = path->local.family == path->remote.family ? &path->local : &files->local;
    uint8_t record[sizeof(struct packet_header) + IP6_SIZE + WRD_DATAGRAM_MAX];
    struct timespec now;
    if (len > WRD_DATAGRAM_MAX) /* the endpoint takes and makes none */
        return;
    size_t ip_len = write_ip(record + sizeof(struct packet_header), sent ? local : &path->remote,
                             sent ? &path->remote : local, len);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct packet_header header = {.seconds = (uint32_t)now.tv_sec,
                                   .microseconds = (uint32_t)(now.tv_nsec / 1000),
                                   .captured = (uint32_t)(ip_len + len),
                                   .length = (uint32_t)(ip_len + len)};
    memcpy(record, &header, sizeof header);
    memcpy(record + sizeof header + ip_len, packet, len);
    put(files, &files->capture, record, sizeof header + ip_len + len);
}

static void write_key(void *user, const char *line)
{
    struct wrd_trace_files *files = user;
    char text[KEY_LINE_SIZE];
    int len = snprintf(text, sizeof text, "%s\n", line);
    if (len > 0 && len < (int)sizeof text)
        put(files, &files->keys, text, (size_t)len);
}

/* ---- the files */

/* Without waiting for a reader, now or later, where it is a pipe or a terminal. */
static bool open_file(struct wrd_trace_file *file, const char *path, int flags)
{
    struct stat status;
    file->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0600);
    int error = errno;
    file->open = file->fd >= 0;
    file->is_pipe = (file->open ? fstat(file->fd, &status) : stat(path, &status)) == 0 && S_ISFIFO(status.st_mode);
    errno = error;
    return file->open;
}

static void close_file(struct wrd_trace_file *file)
{
    if (file->open)
        (void)close(file->fd);
    file->open = false;
}

static bool begin_capture(const struct wrd_trace_file *file)
{
    struct file_header header = {
        .magic = 0xa1b2c3d4, .major = 2, .minor = 4, .longest = 65535, .link_type = LINKTYPE_RAW};
    errno = write_whole(file, &header, sizeof header);
    return errno == 0;
}

enum { UNREAD, TOO_MANY, OTHER };

static int open_failure(const struct wrd_trace_file *file, int error)
{
    return error == ENXIO && file->is_pipe ? UNREAD : error == EMFILE ? TOO_MANY : OTHER;
}

wrd_result wrd_trace_open(struct wrd_trace_files *files, const char *capture_file, const char *key_log_file,
                          const char **why)
{
    static const char *const capture_failed[] = {
        [UNREAD] = "the capture is a pipe that nobody reads: start its reader first",
        [TOO_MANY] = "too many files are open for the capture: raise the limit (ulimit -n)",
        [OTHER] = "the capture file cannot be written"};
    static const char *const keys_failed[] = {
        [UNREAD] = "the key log is a pipe that nobody reads: start its reader first",
        [TOO_MANY] = "too many files are open for the key log: raise the limit (ulimit -n)",
        [OTHER] = "the key log file cannot be written"};
    *files = (struct wrd_trace_files){.mutex = PTHREAD_MUTEX_INITIALIZER, .trace.user = files};
    *why = "";
    if (capture_file) {
        files->trace.packet = write_packet;
        if (!open_file(&files->capture, capture_file, O_TRUNC) || !begin_capture(&files->capture))
            *why = capture_failed[open_failure(&files->capture, errno)];
    }
    if (key_log_file && !**why) {
        files->trace.key = write_key;
        if (!open_file(&files->keys, key_log_file, O_APPEND))
            *why = keys_failed[open_failure(&files->keys, errno)];
    }
    if (!**why)
        return WRD_OK;
    int error = errno;
    wrd_trace_close(files);
    errno = error;
    return WRD_SYSTEM;
}

int wrd_trace_error(const struct wrd_trace_file *file)
{
    return file->error == 0 && file->lost > 0 ? EAGAIN : file->error;
}

void wrd_trace_look(struct wrd_trace_files *files, struct wrd_trace_file *capture, struct wrd_trace_file *keys)
{
    pthread_mutex_lock(&files->mutex);
    *capture = files->capture;
    *keys = files->keys;
    pthread_mutex_unlock(&files->mutex);
}

void wrd_trace_close(struct wrd_trace_files *files)
{
    close_file(&files->capture);
    close_file(&files->keys);
}
