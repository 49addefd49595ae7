/* SPDX-License-Identifier: MIT */
/*
 * flood 'IP:PORT FINGERPRINT' KIND RATE SECONDS: hostile datagrams of one kind (forge.h) from forged addresses, at a
 * rate, for a time, and on until the end of stdin. All are bounded, and so is where it can reach: what it forges is
 * bound to the loopback device, and it only runs where the answers go nowhere (tests/stress/network).
 *
 * Meanwhile a real client of its own, whose datagrams and address the flood uses, is connected. Prints a line of JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "native/sockaddr.h"
#include "stress/forge.h"
#include "stress/tally.h"

enum { RATE_MAX = 200000, SECONDS_MAX = 60, MORE_MAX = 30, SOURCES = 60000, BATCH = 64 };
enum { IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, HEADERS_MAX = IP6_HEADER + UDP_HEADER };

/* What the flood may be late by and still make up for. */
#define LATE_MAX (10 * WRD_MILLISECOND)

#define DEVICE "wrd0" /* of the network namespace: where answers to forged addresses leave */

struct flood {
    wrd_address server;
    struct victim victim;
    struct forge forge;
    struct tally tally;
    int fd;
    uint64_t sent, bytes, refused;
    wrd_time took;
};

static int open_raw(uint8_t family)
{
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0)
        return fd;
    return -1;
}

/* The kernel adds the IP checksum, and UDP's may be absent. */
static void write_ip4(uint8_t out[IP4_HEADER], const struct shot *shot, const wrd_addr *to)
{
    out[0] = 0x45;
    wrd_store16be(out + 2, (uint16_t)(IP4_HEADER + UDP_HEADER + shot->len));
    out[8] = 64;
    out[9] = IPPROTO_UDP;
    memcpy(out + 12, shot->from.ip, 4);
    memcpy(out + 16, to->ip, 4);
}

static void write_ip6(uint8_t out[IP6_HEADER], const struct shot *shot, const wrd_addr *to)
{
    out[0] = 0x60;
    wrd_store16be(out + 4, (uint16_t)(UDP_HEADER + shot->len));
    out[6] = IPPROTO_UDP;
    out[7] = 64;
    memcpy(out + 8, shot->from.ip, 16);
    memcpy(out + 24, to->ip, 16);
}

/* RFC 1071: words of any width and byte order add up to the same sum, stored in that order. */
static uint64_t add_words(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += sizeof sum) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, len - at < sizeof word ? len - at : sizeof word);
        sum += word;
        sum += sum < word;
    }
    return sum;
}

/* Of UDP over IPv6, where it must be; RFC 8200, section 8.1, is the pseudo-header. */
static void write_checksum(uint8_t headers[HEADERS_MAX], const struct shot *shot)
{
    uint8_t pseudo[8] = {[7] = IPPROTO_UDP};
    memcpy(pseudo + 2, headers + 4, 2);
    uint64_t sum = add_words(0, pseudo, sizeof pseudo);
    sum = add_words(sum, headers + 8, HEADERS_MAX - 8); /* addresses, ports, length */
    sum = add_words(sum, shot->bytes, shot->len);
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    uint16_t checksum = sum == UINT16_MAX ? UINT16_MAX : (uint16_t)~sum; /* 0 would be none */
    memcpy(headers + IP6_HEADER + 6, &checksum, sizeof checksum);
}

/* IP and UDP headers in front of a shot. Returns their length. */
static size_t write_headers(uint8_t out[HEADERS_MAX], const struct shot *shot, const wrd_addr *to)
{
    size_t ip_header = to->family == 4 ? IP4_HEADER : IP6_HEADER;
    uint8_t *udp = out + ip_header;
    memset(out, 0, HEADERS_MAX);
    wrd_store16be(udp, shot->from.port);
    wrd_store16be(udp + 2, to->port);
    wrd_store16be(udp + 4, (uint16_t)(UDP_HEADER + shot->len));
    if (to->family == 4) {
        write_ip4(out, shot, to);
    } else {
        write_ip6(out, shot, to);
        write_checksum(out, shot);
    }
    return ip_header + UDP_HEADER;
}

struct batch {
    struct shot shots[BATCH];
    uint8_t headers[BATCH][HEADERS_MAX];
    struct iovec parts[BATCH][2];
    struct mmsghdr messages[BATCH];
};

static void count_sent(struct flood *flood, const struct shot *shot)
{
    flood->sent++;
    flood->bytes += shot->len;
    if (shot->source != FORGE_VICTIM)
        flood->tally.sources[shot->source].to_server += shot->len;
}

static void send_batch(struct flood *flood, struct batch *batch, unsigned count)
{
    wrd_addr server = flood->server.addr;
    server.port = 0; /* raw sockets of IPv6 take it for the protocol */
    union wrd_sockaddr to;
    socklen_t to_len = wrd_to_sockaddr(&to, &server, server.family);
    for (unsigned i = 0; i < count; i++) {
        struct shot *shot = &batch->shots[i];
        forge_next(&flood->forge, shot);
        size_t headers = write_headers(batch->headers[i], shot, &flood->server.addr);
        batch->parts[i][0] = (struct iovec){batch->headers[i], headers};
        batch->parts[i][1] = (struct iovec){shot->bytes, shot->len};
        batch->messages[i] = (struct mmsghdr){
            .msg_hdr = {.msg_name = &to, .msg_namelen = to_len, .msg_iov = batch->parts[i], .msg_iovlen = 2}};
    }
    for (unsigned at = 0; at < count;) {
        int sent = sendmmsg(flood->fd, batch->messages + at, count - at, 0);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            flood->refused++;
            at++;
            continue;
        }
        for (int i = 0; i < sent; i++)
            count_sent(flood, &batch->shots[at++]);
    }
}

static bool stdin_ended(void)
{
    char bytes[64];
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, 0) > 0 && read(STDIN_FILENO, bytes, sizeof bytes) <= 0;
}

static void run(struct flood *flood, unsigned rate, wrd_time duration)
{
    struct batch *batch = malloc(sizeof *batch);
    wrd_time start = stress_now(), next = start, now, pumped = 0;
    while (batch && ((now = stress_now()) < start + duration ||
                     (now < start + duration + MORE_MAX * WRD_SECOND && !stdin_ended()))) {
        if (next + LATE_MAX < now)
            next = now - LATE_MAX;
        uint64_t due = (now > next ? now - next : 0) * rate / WRD_SECOND;
        if (due > 0) {
            unsigned count = due < BATCH ? (unsigned)due : BATCH;
            send_batch(flood, batch, count);
            next += (wrd_time)count * WRD_SECOND / rate;
        } else {
            struct timespec nap = {.tv_nsec = 100000};
            (void)nanosleep(&nap, NULL);
        }
        tally_take(&flood->tally);
        if (now > pumped + 2 * WRD_MILLISECOND) {
            victim_pump(&flood->victim);
            pumped = now;
        }
    }
    flood->took = stress_now() - start;
    free(batch);
}

/* What still comes of what was sent. */
static void linger(struct flood *flood, wrd_time duration)
{
    for (wrd_time until = stress_now() + duration; stress_now() < until;) {
        struct timespec nap = {.tv_nsec = 1000000};
        (void)nanosleep(&nap, NULL);
        tally_take(&flood->tally);
        victim_pump(&flood->victim);
    }
}

static void report(struct flood *flood, unsigned rate)
{
    bool echoes = victim_echo(&flood->victim, 10 * WRD_SECOND);
    double worst = tally_worst(&flood->tally), ratio = tally_ratio(&flood->tally);
    struct tally tally = flood->tally;
    tally_close(&flood->tally);
    printf(
        "{\"kind\": \"%s\", \"asked_rate\": %u, \"reached_rate\": %.0f, \"sent\": %llu, \"sent_bytes\": %llu, "
        "\"refused\": %llu, \"answers\": %llu, \"answer_bytes\": %llu, \"strange_answers\": %llu, "
        "\"uncounted_answers\": %llu, \"amplification\": %.3f, \"worst_amplification\": %.3f, \"victim_echoes\": %s, "
        "\"victim_ended\": \"%s\"}\n",
        forge_names[flood->forge.kind], rate, (double)flood->sent * 1e6 / (double)flood->took,
        (unsigned long long)flood->sent, (unsigned long long)flood->bytes, (unsigned long long)flood->refused,
        (unsigned long long)tally.datagrams, (unsigned long long)tally.bytes, (unsigned long long)tally.strange,
        (unsigned long long)flood->tally.missed, ratio, worst, echoes ? "true" : "false",
        flood->victim.closed ? flood->victim.why : "");
}

static int fail(const char *why)
{
    fprintf(stderr, "flood: %s\n", why);
    return 1;
}

static enum forge_kind kind_of(const char *name)
{
    enum forge_kind kind = 0;
    while (kind < FORGE_KINDS && strcmp(forge_names[kind], name) != 0)
        kind++;
    return kind;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: flood 'IP:PORT FINGERPRINT' KIND RATE SECONDS [SOURCES]\n  RATE up to %d, SECONDS up to %d, "
            "SOURCES up to %d; KIND is one of",
            RATE_MAX, SECONDS_MAX, SOURCES);
    for (int i = 0; i < FORGE_KINDS; i++)
        fprintf(stderr, " %s", forge_names[i]);
    fputs("\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static struct flood flood;
    const char *why = "";
    if (argc < 5 || argc > 6)
        return usage();
    enum forge_kind kind = kind_of(argv[2]);
    int rate = atoi(argv[3]), seconds = atoi(argv[4]), sources = argc > 5 ? atoi(argv[5]) : SOURCES;
    if (kind == FORGE_KINDS || rate < 1 || rate > RATE_MAX || seconds < 1 || seconds > SECONDS_MAX || sources < 1 ||
        sources > SOURCES)
        return usage();
    if (wrd_address_parse(&flood.server, argv[1], strlen(argv[1]), &why) != WRD_OK)
        return fail(why);
    if (if_nametoindex(DEVICE) == 0)
        return fail("runs only inside tests/stress/network, against an address there");
    flood.fd = open_raw(flood.server.addr.family);
    if (flood.fd < 0)
        return fail("no raw socket on the loopback device: it needs CAP_NET_RAW, which tests/stress/network gives");
    if (!victim_connect(&flood.victim, &flood.server))
        return fprintf(stderr, "flood: its own client: %s\n", flood.victim.why), 1;
    if (!forge_init(&flood.forge, kind, &flood.victim, (uint32_t)sources) ||
        !tally_open(&flood.tally, DEVICE, (uint8_t)(FORGE_NET + kind), (unsigned)sources, kind == FORGE_ONE_ADDRESS))
        return fail(strerror(errno));
    run(&flood, (unsigned)rate, (wrd_time)seconds * WRD_SECOND);
    linger(&flood, 500 * WRD_MILLISECOND);
    report(&flood, (unsigned)rate);
    forge_free(&flood.forge);
    victim_end(&flood.victim);
    return 0;
}
