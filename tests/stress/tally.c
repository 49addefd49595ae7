/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "stress/tally.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, HEAD = 64, IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, BUFFER = 8 << 20 };

bool tally_open(struct tally *tally, const char *device, uint8_t net, unsigned sources, bool by_port)
{
    int buffer = BUFFER;
    *tally = (struct tally){.net = net, .count = sources, .by_port = by_port};
    tally->sources = calloc(sources, sizeof *tally->sources);
    tally->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)); /* outgoing ones, too */
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(device)};
    if (tally->fd >= 0)
        (void)setsockopt(tally->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    return tally->sources && tally->fd >= 0 && bind(tally->fd, (struct sockaddr *)&at, sizeof at) == 0;
}

static void take_one(struct tally *tally, const uint8_t *head, size_t len)
{
    bool six = len > 0 && head[0] >> 4 == 6;
    size_t header = six ? IP6_HEADER : IP4_HEADER;
    const uint8_t *to = head + (six ? 24 : 16), *udp = head + header;
    if (len < header + UDP_HEADER || (!six && head[0] != 0x45) || head[six ? 6 : 9] != IPPROTO_UDP ||
        to[0] != (six ? 0xfd : 10))
        return;
    unsigned source =
        tally->by_port ? (unsigned)wrd_load16be(udp + 2) - TALLY_FIRST_PORT : wrd_load16be(to + (six ? 6 : 2));
    size_t payload = (size_t)wrd_load16be(udp + 4) - UDP_HEADER;
    if (to[1] != tally->net || source >= tally->count) {
        tally->strange++;
        return;
    }
    tally->datagrams++;
    tally->bytes += payload;
    tally->sources[source].from_server += payload;
}

void tally_take(struct tally *tally)
{
    uint8_t heads[BATCH][HEAD];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    struct sockaddr_ll from[BATCH];
    int got;
    do {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){heads[i], HEAD};
            messages[i] = (struct mmsghdr){
                .msg_hdr = {
                    .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1}};
        }
        got = recvmmsg(tally->fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++)
            if (from[i].sll_pkttype == PACKET_OUTGOING)
                take_one(tally, heads[i], messages[i].msg_len);
    } while (got == BATCH);
}

double tally_worst(const struct tally *tally)
{
    double worst = 0;
    for (unsigned i = 0; i < tally->count; i++) {
        const struct tally_source *s = &tally->sources[i];
        double ratio = s->to_server > 0 ? (double)s->from_server / (double)s->to_server : s->from_server > 0 ? 1e9 : 0;
        if (ratio > worst)
            worst = ratio;
    }
    return worst;
}

double tally_ratio(const struct tally *tally)
{
    uint64_t sent = 0;
    for (unsigned i = 0; i < tally->count; i++)
        sent += tally->sources[i].to_server;
    return sent > 0 ? (double)tally->bytes / (double)sent : 0;
}

void tally_close(struct tally *tally)
{
    struct tpacket_stats stats;
    socklen_t len = sizeof stats;
    if (tally->fd >= 0 && getsockopt(tally->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        tally->missed = stats.tp_drops;
    if (tally->fd >= 0)
        close(tally->fd);
    free(tally->sources);
    tally->sources = NULL;
    tally->count = 0;
}
