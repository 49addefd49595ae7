/* SPDX-License-Identifier: MIT */
/*
 * flood 'IP:PORT FINGERPRINT' KIND RATE SECONDS: hostile datagrams of one kind (forge.h) from forged addresses, at a
 * rate, for a time. Both are bounded, and so is where it can reach: what it forges is bound to the loopback device, and
 * it only runs where the answers go nowhere (tests/stress/network).
 *
 * Meanwhile a real client of its own, whose datagrams and address the flood uses, is connected. Prints a line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/bytes.h"
#include "stress/forge.h"
#include "stress/tally.h"

enum { RATE_MAX = 200000, SECONDS_MAX = 60, SOURCES = 60000, BATCH = 64, IP_HEADER = 20, UDP_HEADER = 8 };

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

static int open_raw(void)
{
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0)
        return fd;
    return -1;
}

/* IPv4 and UDP headers in front of a shot; the kernel adds the IP checksum, and UDP's may be absent. */
static void write_headers(uint8_t out[IP_HEADER + UDP_HEADER], const struct shot *shot, const wrd_addr *to)
{
    memset(out, 0, IP_HEADER + UDP_HEADER);
    out[0] = 0x45;
    wrd_store16be(out + 2, (uint16_t)(IP_HEADER + UDP_HEADER + shot->len));
    out[8] = 64;
    out[9] = IPPROTO_UDP;
    memcpy(out + 12, shot->ip, 4);
    memcpy(out + 16, to->ip, 4);
    wrd_store16be(out + 20, shot->port);
    wrd_store16be(out + 22, to->port);
    wrd_store16be(out + 24, (uint16_t)(UDP_HEADER + shot->len));
}

struct batch {
    struct shot shots[BATCH];
    uint8_t headers[BATCH][IP_HEADER + UDP_HEADER];
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
    struct sockaddr_in to = {.sin_family = AF_INET};
    memcpy(&to.sin_addr, flood->server.addr.ip, 4);
    for (unsigned i = 0; i < count; i++) {
        struct shot *shot = &batch->shots[i];
        forge_next(&flood->forge, shot);
        write_headers(batch->headers[i], shot, &flood->server.addr);
        batch->parts[i][0] = (struct iovec){batch->headers[i], sizeof batch->headers[i]};
        batch->parts[i][1] = (struct iovec){shot->bytes, shot->len};
        batch->messages[i] = (struct mmsghdr){
            .msg_hdr = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = batch->parts[i], .msg_iovlen = 2}};
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

static void run(struct flood *flood, unsigned rate, wrd_time duration)
{
    struct batch *batch = malloc(sizeof *batch);
    wrd_time start = stress_now(), next = start, now, pumped = 0;
    while (batch && (now = stress_now()) < start + duration) {
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
    if (flood.server.addr.family != 4 || if_nametoindex(DEVICE) == 0)
        return fail("runs only inside tests/stress/network, against an IPv4 address there");
    flood.fd = open_raw();
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
