/* SPDX-License-Identifier: MIT */
/* Two associations in memory on one core, no DTLS: what an SCTP stack costs by itself, both ends counted. Ours and
 * foreign ones take turns, so that the machine's moods reach all of them. */
#include "bench.h"
#include "peers/peer.h"

#include "base/crc32c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS       5
#define SECONDS_EACH 0.12

/* What is queued before the other end has its turn. More does not make any stack here faster, and some far slower. */
#define BATCH_BYTES    ((size_t)128 * 1024)
#define BATCH_MESSAGES ((size_t)512)

static const struct peer_kind *const kinds[] = {&peer_ours, &peer_usrsctp, &peer_dcsctp};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool without_checksum_seen; /* in the last packet (RFC 9653: zero stands for none) */

static void carry(const struct peer_kind *kind, void *from, void *to, wrd_time now)
{
    static const uint8_t none[4];
    uint8_t packet[PEER_PACKET_ROOM];
    size_t len;
    while ((len = kind->output(from, now, packet)) > 0) {
        without_checksum_seen = memcmp(packet + 8, none, sizeof none) == 0;
        kind->input(to, now, packet, len);
    }
}

static void open_both(const struct peer_kind *kind, const struct peer_options *options, void *ends[2], wrd_time *now)
{
    for (int i = 0; i < 2; i++)
        ends[i] = kind->open(options, i, *now);
    for (int i = 0; i < 10000 && (!kind->established(ends[0]) || !kind->established(ends[1])); i++) {
        *now += 100;
        carry(kind, ends[0], ends[1], *now);
        carry(kind, ends[1], ends[0], *now);
        kind->expire(ends[0], *now);
        kind->expire(ends[1], *now);
    }
    if (!kind->established(ends[0]) || !kind->established(ends[1])) {
        fprintf(stderr, "%s: no association\n", kind->name);
        abort();
    }
}

/* Messages per second of CPU; 0 when the stack cannot do it as asked. */
static double flow(const struct peer_kind *kind, size_t size, bool without_checksum)
{
    static uint64_t words[256 * 1024 / sizeof(uint64_t)]; /* the first one counts the messages */
    static wrd_time now = WRD_SECOND;                     /* usrsctp's clock outlives its associations */
    struct peer_options options = {.without_checksum = without_checksum,
                                   .tuned = true,
                                   .send_limit = (size_t)1024 * 1024,
                                   .receive_window = (size_t)4 * 1024 * 1024};
    void *ends[2];
    uint8_t head[PEER_HEAD];
    open_both(kind, &options, ends, &now);
    uint64_t received = words[0] = 0;
    size_t len, batch = size > BATCH_BYTES / 2 ? 2 : BATCH_BYTES / size;
    if (batch > BATCH_MESSAGES)
        batch = BATCH_MESSAGES;
    double used = 0, start = bench_cpu_seconds();
    while (used < SECONDS_EACH) {
        for (int turn = 0; turn < 16; turn++) {
            now += 100;
            for (size_t i = 0; i < batch && kind->send(ends[0], now, (uint8_t *)words, size); i++)
                words[0]++;
            carry(kind, ends[0], ends[1], now);
            while ((len = kind->receive(ends[1], now, head)) > 0) {
                if (len != size || memcmp(head, &received, PEER_HEAD) != 0)
                    abort();
                received++;
            }
            kind->expire(ends[1], now);
            carry(kind, ends[1], ends[0], now);
            kind->expire(ends[0], now);
        }
        used = bench_cpu_seconds() - start;
    }
    for (int i = 0; i < 2; i++)
        kind->close(ends[i]);
    return without_checksum_seen == without_checksum ? (double)received / used : 0;
}

static double worst_spread;

static void compare(struct bench *bench, size_t size, bool without_checksum)
{
    double rates[KINDS][ROUNDS], median[KINDS] = {0}, spread;
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t k = 0; k < KINDS; k++)
            rates[k][round] = kinds[k]->missing() ? 0 : flow(kinds[k], size, without_checksum);
    for (size_t k = 0; k < KINDS; k++) {
        median[k] = bench_median(rates[k], ROUNDS, &spread);
        if (spread > worst_spread)
            worst_spread = spread;
    }
    char name[80];
    const char *how = without_checksum ? "no checksum" : "CRC32c";
    if (median[0] <= 0) {
        printf("%zu B, %s: ours does not agree to it\n", size, how);
        return;
    }
    double gbit = (double)size * 8 / 1e9;
    bool small = size < 1000;
    (void)snprintf(name, sizeof name, "%zu B messages, %s", size, how);
    double scale = small ? 1e-6 : gbit, target = 0;
    if (!without_checksum && size <= 100)
        target = 1.0;
    if (!without_checksum && size == (size_t)64 * 1024)
        target = 6.0;
    bool any = false;
    for (size_t k = 1; k < KINDS; k++) {
        if (median[k] <= 0)
            continue;
        bench_row(bench, name, median[0] * scale, small ? "M/s" : "Gbit/s", kinds[k]->name, median[0] / median[k],
                  any ? 0 : target);
        any = true;
    }
    if (!any)
        bench_row(bench, name, median[0] * scale, small ? "M/s" : "Gbit/s", NULL, 0, target);
}

/* Nanoseconds per packet of 1191 bytes, the best of several rounds, each short enough to go undisturbed. */
static double checksum_ns(wrd_crc32c_update *update)
{
    static uint8_t bytes[1191];
    double best = 1e9;
    uint32_t sum = 0;
    for (int round = 0; round < 200; round++) {
        double start = bench_cpu_seconds();
        for (int i = 0; i < 1000; i++) {
            bytes[0] = (uint8_t)sum;
            sum += wrd_crc32c(update, bytes, sizeof bytes);
        }
        double used = (bench_cpu_seconds() - start) * 1e9 / 1000;
        if (used < best)
            best = used;
    }
    return sum == 1 ? best + 1e-9 : best;
}

int main(int argc, char **argv)
{
    (void)argc;
    static const size_t sizes[] = {20, 100, 400, 1150, 16 * 1024, 64 * 1024, 256 * 1024};
    peer_set_folder(argv[0]);
    struct bench bench;
    bench_open(&bench, argv[0], "sctp");
    for (size_t k = 1; k < KINDS; k++)
        if (kinds[k]->missing())
            printf("%s is left out: %s\n", kinds[k]->name, kinds[k]->missing());
    double table = checksum_ns(wrd_crc32c_by_table), picked = checksum_ns(wrd_crc32c_pick());
    bench_row_below(&bench, "CRC32c of 1191 B", picked, "ns", "our own table", picked / table, 60);
    for (int without_checksum = 0; without_checksum < 2; without_checksum++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            compare(&bench, sizes[i], without_checksum);
    printf(
        "Each figure is the median of %d rounds of %.2f s; the middle half of a figure's rounds lay within %.0f %%.\n",
        ROUNDS, SECONDS_EACH, worst_spread * 100);
    bench_close(&bench);
    return 0;
}
