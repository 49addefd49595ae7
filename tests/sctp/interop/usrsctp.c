/* SPDX-License-Identifier: MIT */
/*
 * Our association against libusrsctp in one process: packets pass by memory, its timers run in virtual time.
 * Messages both ways in several sizes, with and without loss; then either side shuts down.
 */
#include "sctp/sctp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <usrsctp.h>

#define MESSAGES   120
#define QUEUE_MAX  65536
#define PACKET_MAX 2048

struct packet {
    wrd_time at;
    size_t len;
    uint8_t bytes[PACKET_MAX];
};

struct link {
    struct packet *packets[QUEUE_MAX];
    size_t head, tail;
};

static struct {
    wrd_time now;
    struct link to_us, to_them;
    unsigned loss; /* in a thousand */
    uint64_t seed;
    unsigned ours_heard, theirs_heard;
    size_t theirs_part; /* of the message that usrsctp hands out in parts */
    uint8_t *theirs_bytes;
} lab;

#define CHECK(claim)                                                                                                   \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);                                        \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Taken by libusrsctp instead of the C library's: it compares the age of chunks with its timers, which are virtual
 * here. */
int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    out->tv_sec = (time_t)(lab.now / WRD_SECOND) + 1000000;
    out->tv_usec = (suseconds_t)(lab.now % WRD_SECOND);
    return 0;
}

static uint64_t next_random(void)
{
    lab.seed = lab.seed * 6364136223846793005u + 1442695040888963407u;
    return lab.seed >> 33;
}

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)next_random();
}

static const wrd_env env = {.memory = memory, .random = fill_random};

static void post(struct link *link, const void *bytes, size_t len)
{
    if (next_random() % 1000 < lab.loss)
        return;
    CHECK(len <= PACKET_MAX && link->tail - link->head < QUEUE_MAX);
    struct packet *packet = malloc(sizeof *packet);
    CHECK(packet);
    packet->at = lab.now + 10 * WRD_MILLISECOND;
    packet->len = len;
    memcpy(packet->bytes, bytes, len);
    link->packets[link->tail++ % QUEUE_MAX] = packet;
}

static struct packet *take(struct link *link)
{
    if (link->head == link->tail || link->packets[link->head % QUEUE_MAX]->at > lab.now)
        return NULL;
    return link->packets[link->head++ % QUEUE_MAX];
}

static int output(void *address, void *bytes, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)address;
    (void)tos;
    (void)set_df;
    post(&lab.to_us, bytes, len);
    return 0;
}

static size_t size_of(unsigned index)
{
    static const size_t sizes[] = {1, 20, 1150, 1160, 1161, 5000, 61440, 200000};
    return sizes[index % (sizeof sizes / sizeof sizes[0])];
}

static void fill(uint8_t *bytes, size_t len, unsigned index)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + index * 7 + (i >> 8));
}

static void check_message(const uint8_t *bytes, size_t len, unsigned index)
{
    static uint8_t expected[262144];
    CHECK(len == size_of(index));
    fill(expected, len, index);
    CHECK(memcmp(bytes, expected, len) == 0);
}

static struct socket *open_theirs(bool listen)
{
    struct socket *so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    CHECK(so);
    CHECK(usrsctp_set_non_blocking(so, 1) == 0);
    struct linger linger = {.l_onoff = 0};
    (void)usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    int on = 1;
    CHECK(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) == 0);
    on = 1;
    CHECK(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) == 0);
    struct sctp_initmsg init = {.sinit_num_ostreams = 65535, .sinit_max_instreams = 65535};
    CHECK(usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) == 0);
    struct sctp_paddrparams params = {
        .spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE, .spp_pathmtu = 1191, .spp_hbinterval = 1000};
    struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_port = htons(5000), .sconn_addr = &lab};
    memcpy(&params.spp_address, &address, sizeof address);
    (void)usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
    CHECK(usrsctp_bind(so, (struct sockaddr *)&address, sizeof address) == 0);
    if (listen)
        CHECK(usrsctp_listen(so, 1) == 0);
    else
        CHECK(usrsctp_connect(so, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
    return so;
}

static void hear_theirs(struct socket *so)
{
    static uint8_t part[65536];
    for (;;) {
        struct sctp_rcvinfo info;
        socklen_t info_len = sizeof info, from_len = 0;
        unsigned info_type = 0;
        int flags = 0;
        ssize_t len = usrsctp_recvv(so, part, sizeof part, NULL, &from_len, &info, &info_len, &info_type, &flags);
        if (len <= 0)
            return;
        if (flags & MSG_NOTIFICATION)
            continue;
        CHECK(lab.theirs_part + (size_t)len <= 262144);
        memcpy(lab.theirs_bytes + lab.theirs_part, part, (size_t)len);
        lab.theirs_part += (size_t)len;
        if (!(flags & MSG_EOR))
            continue;
        check_message(lab.theirs_bytes, lab.theirs_part, lab.theirs_heard++);
        lab.theirs_part = 0;
    }
}

static bool say_theirs(struct socket *so, unsigned index)
{
    static uint8_t bytes[262144];
    fill(bytes, size_of(index), index);
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = 3;
    spa.sendv_sndinfo.snd_ppid = htonl(53);
    spa.sendv_sndinfo.snd_flags = SCTP_EOR;
    return usrsctp_sendv(so, bytes, size_of(index), NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) > 0;
}

static void transmit_ours(struct wrd_sctp *ours)
{
    uint8_t bytes[WRD_SCTP_PACKET_MAX];
    size_t len;
    while ((len = wrd_sctp_transmit(ours, lab.now, bytes, sizeof bytes)) > 0)
        post(&lab.to_them, bytes, len);
}

static void step(struct wrd_sctp *ours, struct socket *theirs)
{
    struct packet *packet;
    while ((packet = take(&lab.to_us))) {
        wrd_sctp_receive(ours, lab.now, packet->bytes, packet->len);
        transmit_ours(ours);
        free(packet);
    }
    while ((packet = take(&lab.to_them))) {
        usrsctp_conninput(&lab, packet->bytes, packet->len, 0);
        free(packet);
    }
    wrd_sctp_expire(ours, lab.now);
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(ours, &message)) {
        CHECK(message.stream == 3 && message.ppid == 53);
        check_message(message.data, message.len, lab.ours_heard++);
        wrd_sctp_release(ours, lab.now);
    }
    if (theirs)
        hear_theirs(theirs);
    transmit_ours(ours);
    lab.now += 10 * WRD_MILLISECOND;
    usrsctp_handle_timers(10);
}

static void run(bool we_connect, bool they_connect, bool we_close, unsigned loss)
{
    memset(&lab, 0, sizeof lab);
    lab.now = WRD_SECOND;
    lab.seed = 42 + loss;
    lab.loss = loss;
    lab.theirs_bytes = malloc(262144);
    usrsctp_register_address(&lab);
    struct wrd_sctp *ours = wrd_sctp_new(NULL, &env);
    CHECK(ours);
    struct socket *listener = open_theirs(!they_connect);
    struct socket *theirs = they_connect ? listener : NULL;
    if (we_connect)
        wrd_sctp_connect(ours, lab.now);
    static uint8_t bytes[262144];
    unsigned ours_said = 0, theirs_said = 0;
    wrd_time limit = lab.now + 600 * WRD_SECOND;
    while (lab.now < limit && (lab.ours_heard < MESSAGES || lab.theirs_heard < MESSAGES)) {
        if (!theirs) {
            theirs = usrsctp_accept(listener, NULL, NULL);
            if (theirs)
                CHECK(usrsctp_set_non_blocking(theirs, 1) == 0);
        }
        while (ours_said < MESSAGES) {
            fill(bytes, size_of(ours_said), ours_said);
            struct wrd_sctp_message message = {.stream = 5, .ppid = 53, .data = bytes, .len = size_of(ours_said)};
            if (wrd_sctp_send(ours, lab.now, &message) != WRD_OK)
                break;
            ours_said++;
        }
        while (theirs && theirs_said < MESSAGES && say_theirs(theirs, theirs_said))
            theirs_said++;
        step(ours, theirs);
    }
    const char *why;
    (void)wrd_sctp_failure(ours, &why);
    printf("%s%s, %s closes, loss %u/1000: heard %u and %u in %.2f s, state %d %s\n", we_connect ? "we connect" : "",
           they_connect ? " they connect" : "", we_close ? "we" : "they", loss, lab.ours_heard, lab.theirs_heard,
           (double)(lab.now - WRD_SECOND) / 1e6, (int)wrd_sctp_state(ours), why);
    CHECK(lab.ours_heard == MESSAGES && lab.theirs_heard == MESSAGES);
    /* Idle long enough for heartbeats both ways. */
    for (int i = 0; i < 4000; i++)
        step(ours, theirs);
    CHECK(wrd_sctp_state(ours) == WRD_SCTP_ESTABLISHED);
    if (we_close)
        wrd_sctp_shutdown(ours, lab.now);
    else
        usrsctp_shutdown(theirs, SHUT_WR);
    for (int i = 0; i < 6000 && wrd_sctp_state(ours) != WRD_SCTP_CLOSED; i++)
        step(ours, theirs);
    CHECK(wrd_sctp_state(ours) == WRD_SCTP_CLOSED);
    CHECK(wrd_sctp_failure(ours, &why) == (we_close ? WRD_OK : WRD_CLOSED));
    for (int i = 0; i < 200; i++)
        step(ours, NULL);
    usrsctp_close(theirs);
    if (theirs != listener)
        usrsctp_close(listener);
    for (int i = 0; i < 100; i++)
        step(ours, NULL);
    wrd_sctp_free(ours);
    usrsctp_deregister_address(&lab);
    struct packet *packet;
    lab.now = WRD_NEVER;
    while ((packet = take(&lab.to_us)) || (packet = take(&lab.to_them)))
        free(packet);
    free(lab.theirs_bytes);
}

int main(void)
{
    usrsctp_init_nothreads(0, output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    run(true, false, true, 0);
    run(false, true, false, 0);
    run(true, true, true, 0);
    run(true, true, false, 20);
    run(true, false, true, 50);
    for (int i = 0; i < 100 && usrsctp_finish() != 0; i++)
        usrsctp_handle_timers(1000);
    return 0;
}
