/* SPDX-License-Identifier: MIT */
/* Two associations in memory on one core, no DTLS, CRC32c always: what the SCTP room costs by itself, both ends
 * counted. */
#include "bench.h"

#include "crypto/crypto.h"
#include "sctp/sctp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_EACH 0.7

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

static size_t carry(struct wrd_sctp *from, struct wrd_sctp *to, wrd_time now)
{
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    size_t count = 0, len;
    while ((len = wrd_sctp_transmit(from, now, packet, sizeof packet)) > 0) {
        wrd_sctp_receive(to, now, packet, len);
        count++;
    }
    return count;
}

struct result {
    double messages_per_second, gbit_per_second;
};

static struct result flow(size_t size)
{
    static uint8_t bytes[256 * 1024];
    wrd_env env = {.memory = memory, .random = wrd_crypto_random};
    struct wrd_sctp_options options = {.receive_window = (size_t)4 * 1024 * 1024};
    struct wrd_sctp *a = wrd_sctp_new(&options, &env), *b = wrd_sctp_new(&options, &env);
    if (!a || !b)
        abort();
    wrd_time now = 1;
    wrd_sctp_connect(a, now);
    wrd_sctp_connect(b, now);
    while (carry(a, b, now) + carry(b, a, now) > 0)
        continue;
    if (wrd_sctp_state(a) != WRD_SCTP_ESTABLISHED)
        abort();
    struct wrd_sctp_message message = {.ppid = 53, .data = bytes, .len = size}, out;
    double start = bench_cpu_seconds(), used = 0;
    size_t received = 0;
    while (used < SECONDS_EACH) {
        for (int turn = 0; turn < 64; turn++) {
            now += 100;
            while (wrd_sctp_send(a, now, &message) == WRD_OK)
                continue;
            (void)carry(a, b, now);
            while (wrd_sctp_peek(b, &out)) {
                if (out.len != size)
                    abort();
                received++;
                wrd_sctp_release(b, now);
            }
            wrd_sctp_expire(b, now);
            (void)carry(b, a, now);
            wrd_sctp_expire(a, now);
        }
        used = bench_cpu_seconds() - start;
    }
    wrd_sctp_free(a);
    wrd_sctp_free(b);
    double rate = (double)received / used;
    return (struct result){rate, rate * (double)size * 8 / 1e9};
}

int main(int argc, char **argv)
{
    (void)argc;
    static const size_t sizes[] = {20, 100, 1150, 16 * 1024, 64 * 1024, 256 * 1024};
    struct bench bench;
    bench_open(&bench, argv[0], "sctp");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct result r = flow(sizes[i]);
        char name[64];
        (void)snprintf(name, sizeof name, "%zu B messages", sizes[i]);
        bench_row(&bench, name, r.messages_per_second / 1e6, "M/s", NULL, 0, sizes[i] <= 100 ? 1.0 : 0);
        (void)snprintf(name, sizeof name, "%zu B messages, payload", sizes[i]);
        bench_row(&bench, name, r.gbit_per_second, "Gbit/s", NULL, 0, sizes[i] == 64 * 1024 ? 6.0 : 0);
    }
    bench_close(&bench);
    return 0;
}
