/* SPDX-License-Identifier: MIT */
#include "foreign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define HEAD ((size_t)8)
#define LAST UINT32_MAX

/* usrsctp 0.9.5 knows this option, its public header does not name it. */
#define INTERLEAVING_SUPPORTED 0x00001206

struct foreign foreign;
static const wrd_addr addresses[2] = {{.port = 1}, {.port = 2}};
static int conn; /* its address names the one usrsctp end there is */

/* Taken by libusrsctp instead of the C library's: it compares the age of chunks with its timers, which are virtual
 * here. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    out->tv_sec = (time_t)(foreign.now / WRD_SECOND) + 1000000;
    out->tv_usec = (suseconds_t)(foreign.now % WRD_SECOND);
    return 0;
}

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)link_random(&foreign.seed);
}

static const wrd_env env = {.memory = memory, .random = fill_random};

static void count_chunks(const uint8_t *bytes, size_t len)
{
    for (size_t at = 12; at + 4 <= len;) {
        size_t size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        foreign.data += bytes[at] == 0;
        foreign.idata += bytes[at] == 64;
        CHECK(size >= 4);
        at += (size + 3) & ~(size_t)3;
    }
}

static void post(enum side from, const uint8_t *bytes, size_t len)
{
    count_chunks(bytes, len);
    link_send(&foreign.options.link, &foreign.ways[from], &foreign.transit, &foreign.seed, foreign.now,
              &addresses[from], &addresses[1 - from], bytes, len);
}

static int output(void *address, void *bytes, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)address;
    (void)tos;
    (void)set_df;
    if (!foreign.deaf)
        post(THEIRS, bytes, len);
    return 0;
}

void foreign_tell(void)
{
    const char *why = "";
    if (foreign.ours)
        (void)wrd_sctp_failure(foreign.ours, &why);
    fprintf(stderr, "at %.3f s: state %d %s; ours said %u heard %u (%u last), theirs said %u heard %u (%u last)\n",
            (double)foreign.now / 1e6, foreign.ours ? (int)wrd_sctp_state(foreign.ours) : -1, why,
            foreign.sides[OURS].said, foreign.sides[OURS].heard, foreign.sides[OURS].lasts, foreign.sides[THEIRS].said,
            foreign.sides[THEIRS].heard, foreign.sides[THEIRS].lasts);
}

void foreign_start(void)
{
    usrsctp_init_nothreads(0, output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    foreign.now = WRD_SECOND;
}

/* ---- messages */

/* One in three is short, the others anything up to the most; the index decides. */
static size_t size_of(const struct plan *plan, uint32_t index)
{
    uint64_t seed = index;
    size_t size = (size_t)(link_random(&seed) % plan->size_max) + 1;
    if (index % 3 == 0)
        size %= 120;
    return size < HEAD ? HEAD : size;
}

static bool is_unordered(const struct plan *plan, uint32_t index)
{
    uint64_t seed = index + 1000003u;
    return index != LAST && link_random(&seed) % 1000 < plan->unordered;
}

static void compose(uint8_t *bytes, size_t len, enum side from, uint16_t stream, uint32_t index)
{
    uint8_t head[HEAD] = {(uint8_t)from,          foreign.epoch,          (uint8_t)(stream >> 8), (uint8_t)stream,
                          (uint8_t)(index >> 24), (uint8_t)(index >> 16), (uint8_t)(index >> 8),  (uint8_t)index};
    memcpy(bytes, head, HEAD);
    for (size_t i = HEAD; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + index * 7 + (i >> 8) + stream);
}

static void hear(enum side at, uint16_t stream, bool unordered, const uint8_t *bytes, size_t len)
{
    static uint8_t expected[FOREIGN_MESSAGE_MAX];
    struct foreign_side *side = &foreign.sides[at];
    const struct plan *plan = &foreign.sides[1 - at].plan;
    if (foreign.old)
        return;
    CHECK(stream < plan->streams && len >= HEAD && len <= FOREIGN_MESSAGE_MAX);
    if (bytes[1] != foreign.epoch && unordered && plan->limit != RELIABLE)
        return; /* late, of the plan before */
    uint32_t index = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | (uint32_t)bytes[7];
    compose(expected, len, (enum side)(1 - at), stream, index);
    CHECK(memcmp(bytes, expected, len) == 0);
    side->bytes += len;
    if (index == LAST) {
        CHECK(!unordered && len == HEAD);
        side->lasts++;
        return;
    }
    CHECK(index < plan->count && len == size_of(plan, index) && index % plan->streams == stream);
    CHECK(unordered == is_unordered(plan, index));
    CHECK(!side->seen[index]);
    side->seen[index] = 1;
    side->heard++;
    if (unordered)
        return;
    /* Nothing reliable may be missing between this one and the one before it on its stream. */
    CHECK(index >= side->next[stream]);
    for (uint32_t i = side->next[stream]; i < index && plan->limit == RELIABLE; i++)
        CHECK(i % plan->streams != stream || is_unordered(plan, i));
    side->next[stream] = index + 1;
}

/* ---- theirs */

static void set_option(struct socket *so, int name, const void *value, socklen_t len)
{
    if (usrsctp_setsockopt(so, IPPROTO_SCTP, name, value, len) != 0) {
        perror("usrsctp_setsockopt");
        fprintf(stderr, "option %#x\n", (unsigned)name);
        exit(1);
    }
}

static void set_flag(struct socket *so, int name, int value)
{
    set_option(so, name, &value, sizeof value);
}

static struct socket *open_theirs(bool listen)
{
    struct socket *so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    CHECK(so);
    CHECK(usrsctp_set_non_blocking(so, 1) == 0);
    struct linger linger = {.l_onoff = 1};
    CHECK(usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    int space = 1024 * 1024;
    CHECK(usrsctp_setsockopt(so, SOL_SOCKET, SO_RCVBUF, &space, sizeof space) == 0);
    CHECK(usrsctp_setsockopt(so, SOL_SOCKET, SO_SNDBUF, &space, sizeof space) == 0);
    set_flag(so, SCTP_NODELAY, 1);
    set_flag(so, SCTP_RECVRCVINFO, 1);
    set_flag(so, SCTP_PARTIAL_DELIVERY_POINT, (int)FOREIGN_MESSAGE_MAX);
    struct sctp_assoc_value value = {.assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = 1};
    if (foreign.options.interleaving) {
        set_flag(so, SCTP_FRAGMENT_INTERLEAVE, 2);
        set_option(so, INTERLEAVING_SUPPORTED, &value, sizeof value);
    }
    value.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ;
    set_option(so, SCTP_ENABLE_STREAM_RESET, &value, sizeof value);
    static const uint16_t told[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = told[i], .se_on = 1};
        set_option(so, SCTP_EVENT, &event, sizeof event);
    }
    struct sctp_initmsg init = {.sinit_num_ostreams = FOREIGN_STREAMS, .sinit_max_instreams = FOREIGN_STREAMS};
    set_option(so, SCTP_INITMSG, &init, sizeof init);
    struct sctp_paddrparams params = {
        .spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE, .spp_pathmtu = 1191, .spp_hbinterval = 1000};
    struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_port = htons(5000), .sconn_addr = &conn};
    memcpy(&params.spp_address, &address, sizeof address);
    (void)usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
    CHECK(usrsctp_bind(so, (struct sockaddr *)&address, sizeof address) == 0);
    if (listen)
        CHECK(usrsctp_listen(so, 1) == 0);
    else
        CHECK(usrsctp_connect(so, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
    return so;
}

static void be_told(const union sctp_notification *what)
{
    if (what->sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        uint16_t state = what->sn_assoc_change.sac_state;
        foreign.they_up = foreign.they_up || state == SCTP_COMM_UP;
        foreign.they_lost = foreign.they_lost || state == SCTP_COMM_LOST || state == SCTP_SHUTDOWN_COMP;
        return;
    }
    if (what->sn_header.sn_type != SCTP_STREAM_RESET_EVENT)
        return;
    const struct sctp_stream_reset_event *reset = &what->sn_strreset_event;
    CHECK(!(reset->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)));
    size_t count = (reset->strreset_length - sizeof *reset) / sizeof reset->strreset_stream_list[0];
    for (size_t i = 0; i < count && (reset->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN); i++) {
        CHECK(reset->strreset_stream_list[i] < FOREIGN_STREAMS);
        foreign.sides[THEIRS].resets[reset->strreset_stream_list[i]]++;
    }
}

static void hear_theirs(void)
{
    static uint8_t part[65536];
    while (foreign.theirs) {
        struct sctp_rcvinfo info;
        socklen_t info_len = sizeof info, from_len = 0;
        unsigned info_type = 0;
        int flags = 0;
        ssize_t got =
            usrsctp_recvv(foreign.theirs, part, sizeof part, NULL, &from_len, &info, &info_len, &info_type, &flags);
        if (got <= 0)
            return;
        if (flags & MSG_NOTIFICATION) {
            be_told((const union sctp_notification *)part);
            continue;
        }
        CHECK(info.rcv_sid < FOREIGN_STREAMS);
        bool unordered = (info.rcv_flags & SCTP_UNORDERED) != 0;
        struct partial *partial = &foreign.partial[info.rcv_sid][unordered];
        size_t len = (size_t)got;
        CHECK(partial->len + len <= FOREIGN_MESSAGE_MAX);
        partial->bytes = realloc(partial->bytes, partial->len + len);
        CHECK(partial->bytes);
        memcpy(partial->bytes + partial->len, part, len);
        partial->len += len;
        if (flags & MSG_EOR) {
            CHECK(info.rcv_ppid == htonl(53));
            hear(THEIRS, info.rcv_sid, unordered, partial->bytes, partial->len);
            partial->len = 0;
        }
    }
}

static bool send_theirs(uint16_t stream, bool unordered, bool limited, const uint8_t *bytes, size_t len)
{
    const struct plan *plan = &foreign.sides[THEIRS].plan;
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = stream;
    spa.sendv_sndinfo.snd_ppid = htonl(53);
    spa.sendv_sndinfo.snd_flags = SCTP_EOR;
    if (unordered)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (limited) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = plan->limit == LIMIT_LIFETIME ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = plan->limit_value;
    }
    return usrsctp_sendv(foreign.theirs, bytes, len, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) > 0;
}

void foreign_reset_theirs(uint16_t stream)
{
    size_t size = sizeof(struct sctp_reset_streams) + sizeof(uint16_t);
    struct sctp_reset_streams *reset = calloc(1, size);
    CHECK(reset);
    reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    reset->srs_number_streams = 1;
    reset->srs_stream_list[0] = stream;
    /* It takes one request at a time. */
    wrd_time limit = foreign.now + 60 * WRD_SECOND;
    while (usrsctp_setsockopt(foreign.theirs, IPPROTO_SCTP, SCTP_RESET_STREAMS, reset, (socklen_t)size) != 0) {
        CHECK((errno == EALREADY || errno == EAGAIN || errno == EBUSY) && foreign.now < limit);
        foreign_step(limit);
    }
    free(reset);
}

/* ---- ours */

static void transmit_ours(void)
{
    uint8_t bytes[WRD_SCTP_PACKET_MAX];
    size_t len;
    while ((len = wrd_sctp_transmit(foreign.ours, foreign.now, bytes, sizeof bytes)) > 0)
        post(OURS, bytes, len);
}

static void hear_ours(void)
{
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(foreign.ours, &message)) {
        if (message.ends_stream) {
            CHECK(message.stream < FOREIGN_STREAMS && message.len == 0);
            foreign.sides[OURS].resets[message.stream]++;
        } else {
            CHECK(message.ppid == 53);
            hear(OURS, message.stream, message.unordered, message.data, message.len);
        }
        wrd_sctp_release(foreign.ours, foreign.now);
    }
    foreign.events |= wrd_sctp_next(foreign.ours);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    while (wrd_sctp_next_reset(foreign.ours, &stream, &side)) {
        CHECK(side != WRD_SCTP_RESET_REFUSED);
        foreign.ours_reset += side == WRD_SCTP_RESET_OURS;
    }
}

static bool send_ours(uint16_t stream, bool unordered, bool limited, const uint8_t *bytes, size_t len)
{
    const struct plan *plan = &foreign.sides[OURS].plan;
    struct wrd_sctp_message message = {.stream = stream, .ppid = 53, .unordered = unordered, .data = bytes, .len = len};
    if (limited && plan->limit == LIMIT_LIFETIME)
        message.lifetime = plan->limit_value * WRD_MILLISECOND;
    if (limited && plan->limit == LIMIT_RETRANSMITS) {
        message.limit_retransmits = true;
        message.retransmits = plan->limit_value;
    }
    return wrd_sctp_send(foreign.ours, foreign.now, &message) == WRD_OK;
}

/* ---- both */

static void say(enum side from)
{
    static uint8_t both[2][FOREIGN_MESSAGE_MAX];
    uint8_t *bytes = both[from];
    struct foreign_side *side = &foreign.sides[from];
    const struct plan *plan = &side->plan;
    bool (*send_one)(uint16_t, bool, bool, const uint8_t *, size_t) = from == OURS ? send_ours : send_theirs;
    if (from == THEIRS && !foreign.theirs)
        return;
    while (side->said < plan->count) {
        uint16_t stream = (uint16_t)(side->said % plan->streams);
        size_t size = size_of(plan, side->said);
        if (side->composed != side->said + 1) /* not refused before */
            compose(bytes, size, from, stream, side->said);
        side->composed = side->said + 1;
        if (!send_one(stream, is_unordered(plan, side->said), plan->limit != RELIABLE, bytes, size))
            return;
        side->said++;
    }
    while (side->last_words < plan->streams) {
        compose(bytes, HEAD, from, (uint16_t)side->last_words, LAST);
        if (!send_one((uint16_t)side->last_words, false, false, bytes, HEAD))
            return;
        side->last_words++;
    }
}

static void tick_theirs(void)
{
    uint32_t elapsed = (uint32_t)(foreign.now / WRD_MILLISECOND - foreign.ticked / WRD_MILLISECOND);
    foreign.ticked = foreign.now;
    if (elapsed > 0)
        usrsctp_handle_timers(elapsed);
    if (!foreign.theirs && foreign.listener) {
        foreign.theirs = usrsctp_accept(foreign.listener, NULL, NULL);
        if (foreign.theirs)
            CHECK(usrsctp_set_non_blocking(foreign.theirs, 1) == 0);
    }
}

static void turn(void)
{
    hear_ours();
    hear_theirs();
    say(OURS);
    say(THEIRS);
    transmit_ours();
}

void foreign_step(wrd_time until)
{
    turn();
    wrd_time next = (foreign.now / WRD_MILLISECOND + 1) * WRD_MILLISECOND, at = transit_next(&foreign.transit);
    next = at < next ? at : next;
    at = wrd_sctp_deadline(foreign.ours);
    next = at < next ? at : next;
    next = next < until ? next : until;
    if (next > foreign.now)
        foreign.now = next;
    tick_theirs();
    while (transit_next(&foreign.transit) <= foreign.now) {
        struct parcel *parcel = transit_take(&foreign.transit);
        if (parcel->to.port == addresses[OURS].port) {
            wrd_sctp_receive(foreign.ours, foreign.now, parcel->bytes, parcel->len);
            transmit_ours(); /* what came in one batch is not answered with one SACK */
        } else {
            usrsctp_conninput(&conn, parcel->bytes, parcel->len, 0);
        }
        free(parcel);
    }
    wrd_sctp_expire(foreign.ours, foreign.now);
    turn();
}

void foreign_run(wrd_time time)
{
    for (wrd_time until = foreign.now + time; foreign.now < until;)
        foreign_step(until);
}

void foreign_open(const struct foreign_options *options)
{
    wrd_time now = foreign.now;
    foreign = (struct foreign){.options = *options, .now = now, .ticked = now, .seed = options->seed};
    usrsctp_register_address(&conn);
    foreign.ours = wrd_sctp_new(NULL, &env);
    CHECK(foreign.ours);
    struct socket *so = open_theirs(!options->they_connect);
    foreign.listener = options->they_connect ? NULL : so;
    foreign.theirs = options->they_connect ? so : NULL;
    if (options->we_connect)
        wrd_sctp_connect(foreign.ours, foreign.now);
}

void foreign_establish(void)
{
    wrd_time limit = foreign.now + 60 * WRD_SECOND;
    while (wrd_sctp_state(foreign.ours) != WRD_SCTP_ESTABLISHED || !foreign.they_up) {
        CHECK(foreign.now < limit);
        foreign_step(limit);
    }
}

void foreign_plan(enum side from, const struct plan *plan)
{
    CHECK(plan->count <= FOREIGN_COUNT_MAX && plan->streams <= FOREIGN_STREAMS &&
          plan->size_max <= FOREIGN_MESSAGE_MAX);
    struct foreign_side *teller = &foreign.sides[from], *hearer = &foreign.sides[1 - from];
    teller->plan = *plan;
    teller->said = teller->last_words = teller->composed = 0;
    hearer->heard = hearer->lasts = 0;
    hearer->bytes = 0;
    memset(hearer->next, 0, sizeof hearer->next);
    memset(hearer->seen, 0, sizeof hearer->seen);
}

static bool was_heard(enum side from)
{
    const struct foreign_side *teller = &foreign.sides[from], *hearer = &foreign.sides[1 - from];
    return teller->said == teller->plan.count && hearer->lasts == teller->plan.streams &&
           (teller->plan.limit != RELIABLE || hearer->heard == teller->plan.count);
}

void foreign_deliver(wrd_time limit)
{
    wrd_time until = foreign.now + limit;
    while (!was_heard(OURS) || !was_heard(THEIRS)) {
        CHECK(foreign.now < until);
        CHECK(wrd_sctp_state(foreign.ours) != WRD_SCTP_CLOSED);
        foreign_step(until);
    }
}

void foreign_crash_theirs(void)
{
    struct socket *old = foreign.theirs;
    foreign.deaf = true;
    foreign.theirs = NULL;
    usrsctp_close(old);
    if (foreign.listener)
        usrsctp_close(foreign.listener);
    foreign.listener = NULL;
    foreign.deaf = false;
    foreign.they_up = foreign.they_lost = false;
    foreign.theirs = open_theirs(false);
}

void foreign_close(void)
{
    foreign.deaf = true;
    if (foreign.theirs)
        usrsctp_close(foreign.theirs);
    if (foreign.listener)
        usrsctp_close(foreign.listener);
    wrd_sctp_free(foreign.ours);
    foreign.ours = NULL;
    for (int i = 0; i < 200; i++) {
        foreign.now += 10 * WRD_MILLISECOND;
        usrsctp_handle_timers(10);
    }
    usrsctp_deregister_address(&conn);
    transit_free(&foreign.transit);
    for (size_t i = 0; i < FOREIGN_STREAMS; i++)
        for (int k = 0; k < 2; k++)
            free(foreign.partial[i][k].bytes);
    memset(foreign.partial, 0, sizeof foreign.partial);
}

void foreign_finish(void)
{
    for (int i = 0; i < 100 && usrsctp_finish() != 0; i++)
        usrsctp_handle_timers(1000);
}
