/* SPDX-License-Identifier: MIT */
/* libusrsctp without its threads: packets leave by its callback, its timers tick in whole virtual milliseconds. */
#include "peers/peer.h"

#ifdef WRD_BENCH_USRSCTP

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <usrsctp.h>

#define QUEUE_MAX    32768                 /* packets that left and were not fetched; power of two */
#define TUNED_BUFFER ((size_t)1024 * 1024) /* libdatachannel's, both ways */

struct packet {
    size_t len;
    uint8_t bytes[PEER_PACKET_ROOM];
};

struct end {
    struct socket *socket;
    struct packet *queue; /* a ring, whose pages cost nothing until used */
    size_t head, tail;
    size_t part; /* bytes so far of a message that comes in parts */
    bool established;
    uint8_t buffer[65536];
};

static struct {
    bool started;
    int open;
    wrd_time now;
    struct end *ends[2];
} all;

#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            fprintf(stderr, "%s:%d: usrsctp refuses: %s\n", __FILE__, __LINE__, #claim);                               \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Taken by libusrsctp instead of the C library's. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    out->tv_sec = (time_t)(all.now / WRD_SECOND) + 1000000;
    out->tv_usec = (suseconds_t)(all.now % WRD_SECOND);
    return 0;
}

static int leave(void *address, void *bytes, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    struct end *end = address;
    if (len > PEER_PACKET_ROOM || end->tail - end->head == QUEUE_MAX)
        return 0;
    struct packet *packet = &end->queue[end->tail++ % QUEUE_MAX];
    packet->len = len;
    memcpy(packet->bytes, bytes, len);
    return 0;
}

static const char *missing(void)
{
    return NULL;
}

static void set_constants(const struct peer_options *options)
{
    if (!all.started) {
        usrsctp_init_nothreads(0, leave, NULL);
        usrsctp_sysctl_set_sctp_ecn_enable(0);
        usrsctp_sysctl_set_sctp_blackhole(2);
        all.started = true;
    }
    bool tuned = options->tuned;
    size_t most = tuned ? TUNED_BUFFER : SIZE_MAX;
    usrsctp_sysctl_set_sctp_sendspace((uint32_t)(options->send_limit < most ? options->send_limit : most));
    usrsctp_sysctl_set_sctp_recvspace((uint32_t)(options->receive_window < most ? options->receive_window : most));
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(tuned ? 10 * 1024 : 512);
    usrsctp_sysctl_set_sctp_initial_cwnd(tuned ? 10 : 3);
    usrsctp_sysctl_set_sctp_max_burst_default(tuned ? 10 : 4);
    usrsctp_sysctl_set_sctp_default_cc_module(0);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(tuned ? 20 : 200);
    usrsctp_sysctl_set_sctp_rto_min_default(tuned ? 200 : 1000);
    usrsctp_sysctl_set_sctp_rto_max_default(tuned ? 10000 : 60000);
    usrsctp_sysctl_set_sctp_rto_initial_default(1000);
    /* The nearest that 0.9.5 has to RFC 9653: it neither makes nor looks at checksums, whatever the peer agreed to. */
    if (options->without_checksum)
        usrsctp_enable_crc32c_offload();
    else
        usrsctp_disable_crc32c_offload();
}

static void *open_end(const struct peer_options *options, int index, wrd_time now)
{
    if (all.now < now)
        all.now = now;
    set_constants(options);
    struct end *end = calloc(1, sizeof *end);
    MUST(end);
    end->queue = malloc(sizeof *end->queue * QUEUE_MAX);
    MUST(end->queue);
    usrsctp_register_address(end);
    struct socket *so = end->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    MUST(so && usrsctp_set_non_blocking(so, 1) == 0);
    struct linger linger = {.l_onoff = 1};
    MUST(usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    int on = 1;
    MUST(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) == 0);
    struct sctp_initmsg init = {.sinit_num_ostreams = 16, .sinit_max_instreams = 16};
    MUST(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) == 0);
    struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_addr = end};
    address.sconn_port = htons((uint16_t)(5000 + index));
    MUST(usrsctp_bind(so, (struct sockaddr *)&address, sizeof address) == 0);
    address.sconn_port = htons((uint16_t)(5001 - index));
    MUST(usrsctp_connect(so, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
    struct sctp_paddrparams params = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = PEER_PACKET};
    memcpy(&params.spp_address, &address, sizeof address);
    MUST(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params) == 0);
    all.open++;
    return end;
}

static void tick(wrd_time now)
{
    if (now / WRD_MILLISECOND > all.now / WRD_MILLISECOND) {
        uint32_t elapsed = (uint32_t)(now / WRD_MILLISECOND - all.now / WRD_MILLISECOND);
        all.now = now;
        usrsctp_handle_timers(elapsed);
    }
    if (all.now < now)
        all.now = now;
}

/* What a closed association leaves behind goes with time; nobody hears its last packets. */
static void close_end(void *of)
{
    struct end *end = of;
    usrsctp_close(end->socket);
    for (int i = 0; i < 100; i++)
        tick(all.now + 10 * WRD_MILLISECOND);
    usrsctp_deregister_address(end);
    all.open--;
    free(end->queue);
    free(end);
}

static bool established(void *of)
{
    struct end *end = of;
    if (!end->established) {
        struct sctp_status status = {0};
        socklen_t len = sizeof status;
        end->established = usrsctp_getsockopt(end->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &len) == 0 &&
                           status.sstat_state == SCTP_ESTABLISHED;
    }
    return end->established;
}

static void input(void *end, wrd_time now, const uint8_t *packet, size_t len)
{
    tick(now);
    usrsctp_conninput(end, packet, len, 0);
}

static size_t output(void *of, wrd_time now, uint8_t *out)
{
    tick(now);
    struct end *end = of;
    if (end->head == end->tail) {
        end->head = end->tail = 0; /* so that the same few stay in the cache */
        return 0;
    }
    struct packet *packet = &end->queue[end->head++ % QUEUE_MAX];
    memcpy(out, packet->bytes, packet->len);
    return packet->len;
}

static wrd_time deadline(void *end, wrd_time now)
{
    (void)end;
    return (now / WRD_MILLISECOND + 1) * WRD_MILLISECOND;
}

static void expire(void *end, wrd_time now)
{
    (void)end;
    tick(now);
}

static bool send_message(void *of, wrd_time now, const uint8_t *message, size_t len)
{
    tick(now);
    struct end *end = of;
    struct sctp_sndinfo info = {.snd_sid = 1, .snd_ppid = htonl(53)};
    return usrsctp_sendv(end->socket, message, len, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) > 0;
}

static size_t receive_message(void *of, wrd_time now, uint8_t head[PEER_HEAD])
{
    tick(now);
    struct end *end = of;
    for (;;) {
        struct sctp_rcvinfo info;
        socklen_t info_len = sizeof info, from_len = 0;
        unsigned info_type = 0;
        int flags = 0;
        ssize_t len = usrsctp_recvv(end->socket, end->buffer, sizeof end->buffer, NULL, &from_len, &info, &info_len,
                                    &info_type, &flags);
        if (len <= 0)
            return 0;
        if (flags & MSG_NOTIFICATION)
            continue;
        if (end->part == 0)
            memcpy(head, end->buffer, (size_t)len < PEER_HEAD ? (size_t)len : PEER_HEAD);
        end->part += (size_t)len;
        if (flags & MSG_EOR) {
            size_t whole = end->part;
            end->part = 0;
            return whole;
        }
    }
}

const struct peer_kind peer_usrsctp = {
    .name = "usrsctp",
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

#else

static const char *missing(void)
{
    return "built without libusrsctp (apt-get install libusrsctp-dev)";
}

const struct peer_kind peer_usrsctp = {.name = "usrsctp", .missing = missing};

#endif
