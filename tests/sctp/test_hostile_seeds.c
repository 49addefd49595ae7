/* SPDX-License-Identifier: MIT */
/* A peer whose chunks are right in form and wrong in what they say, from seeds: nothing spins, nothing stalls, and
 * once it behaves, all that is queued leaves. */
#include "script.h"

#include <stdlib.h>
#include <string.h>

static uint64_t seed;
static uint32_t peer_tsn; /* of its next DATA */
static uint32_t request;  /* its next */
static bool interleaving;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(lab_random(&seed) % below);
}

static void check_timers(const struct script *s)
{
    struct wrd_sctp *sctp = s->sctp;
    if (sctp->over)
        return;
    if (sctp->state < WRD_SCTP_ESTABLISHED)
        return;
    assert_true(sctp->cwnd.cwnd >= sctp->payload && sctp->cwnd.cwnd <= WRD_SCTP_CWND_MAX);
    if (sctp->flight.lost_count > 0 || wrd_sctp_queue_first(&sctp->queue, s->now))
        assert_true(sctp->t3 != WRD_NEVER || sctp->pacing != WRD_NEVER);
    assert_true(sctp->t3 == WRD_NEVER || sctp->t3 <= s->now + WRD_SCTP_RTO_MAX);
    assert_true(sctp->pacing == WRD_NEVER || sctp->pacing <= s->now + 4 * WRD_SCTP_RTO_MAX);
}

/* Keeps what an INIT-ACK gives. */
static void look_at(struct script *s, const uint8_t *bytes, size_t len)
{
    struct wrd_reader chunks = wrd_rd(bytes + WRD_SCTP_HEADER_SIZE, len - WRD_SCTP_HEADER_SIZE);
    struct wrd_sctp_chunk chunk;
    while (wrd_sctp_chunk_next(&chunks, &chunk)) {
        if (chunk.type != WRD_SCTP_INIT_ACK)
            continue;
        s->tag = wrd_load32be(chunk.value.at);
        s->tsn = wrd_load32be(chunk.value.at + 12);
        struct wrd_reader params = wrd_rd(chunk.value.at + 16, chunk.value.left - 16);
        struct wrd_sctp_param param;
        while (wrd_sctp_param_next(&params, &param)) {
            if (param.type == WRD_SCTP_PARAM_STATE_COOKIE) {
                memcpy(s->cookie, param.value.at, param.value.left);
                s->cookie_len = param.value.left;
            }
        }
    }
}

static void drain(struct script *s)
{
    static uint8_t bytes[WRD_SCTP_PACKET_MAX];
    size_t count = 0, len;
    while ((len = wrd_sctp_transmit(s->sctp, s->now, bytes, sizeof bytes)) > 0) {
        look_at(s, bytes, len);
        assert_true(++count < 20000);
    }
    wrd_sctp_audit(s->sctp);
    check_timers(s);
}

static void write_init(struct script *s, uint32_t tag, uint32_t tsn, uint32_t rwnd)
{
    struct wrd_sctp_init init = {.tag = tag,
                                 .a_rwnd = rwnd,
                                 .streams_out = 100,
                                 .streams_in = 100,
                                 .tsn = wrd_tsn(tsn),
                                 .interleaving = interleaving};
    script_begin(s, 0);
    script_chunk_end(s, wrd_sctp_init_begin(&s->wr, WRD_SCTP_INIT, &init));
    script_send(s);
    s->cookie_len = 0;
    drain(s);
}

static void connect_anew(struct script *s)
{
    peer_tsn = (uint32_t)lab_random(&seed);
    request = peer_tsn;
    write_init(s, (uint32_t)lab_random(&seed) | 1, peer_tsn, pick(3) ? 1u << pick(24) : 0);
    if (s->cookie_len == 0)
        return;
    if (pick(10) == 0) {
        s->tag = s->sctp->local_tag;
        return;
    }
    script_echo(s);
    script_send(s);
    s->tag = s->sctp->local_tag;
}

static void say_sack(struct script *s)
{
    struct wrd_sctp_flight *flight = &s->sctp->flight;
    uint32_t count = wrd_sctp_flight_count(flight);
    uint32_t step = count && pick(3) ? pick(count + 1) : 0;
    if (pick(3) == 0)
        step = step ? 1 : 0;
    uint32_t cumulative = flight->cumulative.v + step;
    uint32_t left = count - step;
    uint16_t gaps = (uint16_t)(left > 1 && pick(2) ? 1 + pick(pick(4) ? 4 : 200) : 0);
    uint16_t duplicates = (uint16_t)(pick(3) ? 0 : pick(pick(3) ? 3 : 60));
    if (pick(40) == 0)
        cumulative = (uint32_t)lab_random(&seed);
    size_t start = script_chunk(s, WRD_SCTP_SACK, 0);
    wrd_wr32(&s->wr, cumulative);
    static const uint32_t windows[] = {0, 1, 500, 1132, 3000, 60000, 1 << 20, UINT32_MAX};
    wrd_wr32(&s->wr, windows[pick(8)]);
    wrd_wr16(&s->wr, gaps);
    wrd_wr16(&s->wr, duplicates);
    for (uint16_t i = 0; i < gaps; i++) {
        uint32_t from = 1 + pick(left), to = from + pick(pick(3) ? 3 : left);
        wrd_wr16(&s->wr, (uint16_t)from);
        wrd_wr16(&s->wr, (uint16_t)(to > left ? left : to));
    }
    for (uint16_t i = 0; i < duplicates; i++)
        wrd_wr32(&s->wr, cumulative - 20 + pick(40));
    script_chunk_end(s, start);
}

static void say_data(struct script *s)
{
    static const uint8_t bytes[1000];
    uint8_t flags = (uint8_t)(7 | (pick(2) ? 8 : 0)); /* what comes in is not the matter here */
    static uint32_t mid;
    uint32_t tsn = pick(4) ? peer_tsn++ : peer_tsn - pick(5);
    size_t len = 1 + pick(pick(2) ? 10 : 1000);
    if (interleaving)
        script_i_data(s, tsn, (uint16_t)pick(6), mid++, 0, flags, bytes, len);
    else
        script_data(s, tsn, (uint16_t)pick(6), 0, flags, bytes, len);
}

static void say_reconfig(struct script *s)
{
    size_t start = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    if (pick(2)) {
        size_t param = wrd_sctp_param_begin(&s->wr, WRD_SCTP_PARAM_RECONFIG_RESPONSE);
        wrd_wr32(&s->wr, s->sctp->reset.local_number - (pick(4) == 0));
        wrd_wr32(&s->wr, pick(8));
        wrd_sctp_param_end(&s->wr, param);
    } else {
        static const uint16_t types[] = {WRD_SCTP_PARAM_OUTGOING_RESET,    WRD_SCTP_PARAM_OUTGOING_RESET,
                                         WRD_SCTP_PARAM_OUTGOING_RESET,    WRD_SCTP_PARAM_INCOMING_RESET,
                                         WRD_SCTP_PARAM_ASSOCIATION_RESET, WRD_SCTP_PARAM_ADD_OUTGOING};
        size_t param = wrd_sctp_param_begin(&s->wr, types[pick(6)]);
        wrd_wr32(&s->wr, s->sctp->reset.peer_number + pick(3) - 1);
        wrd_wr32(&s->wr, 0);
        wrd_wr32(&s->wr, s->sctp->track.cumulative.v + (pick(3) ? 0 : pick(5)));
        for (uint32_t i = pick(5); i > 0; i--)
            wrd_wr16(&s->wr, (uint16_t)pick(6));
        wrd_sctp_param_end(&s->wr, param);
    }
    script_chunk_end(s, start);
}

static void say_shutdown(struct script *s)
{
    size_t start = script_chunk(s, WRD_SCTP_SHUTDOWN, 0);
    wrd_wr32(&s->wr, s->sctp->flight.cumulative.v + pick(wrd_sctp_flight_count(&s->sctp->flight) + 1));
    script_chunk_end(s, start);
}

static void say_forward(struct script *s)
{
    size_t start = script_chunk(s, interleaving ? WRD_SCTP_I_FORWARD_TSN : WRD_SCTP_FORWARD_TSN, 0);
    peer_tsn += pick(5);
    wrd_wr32(&s->wr, peer_tsn - 1);
    script_chunk_end(s, start);
}

static void peer_says(struct script *s)
{
    uint32_t what = pick(100);
    if (what < 1) {
        connect_anew(s);
        return;
    }
    script_begin(s, s->sctp->local_tag);
    for (uint32_t i = 1 + pick(3); i > 0; i--) {
        what = pick(1000);
        if (what < 600)
            say_sack(s);
        else if (what < 750)
            say_data(s);
        else if (what < 850)
            say_reconfig(s);
        else if (what < 880)
            say_forward(s);
        else if (what < 881 && pick(20) == 0)
            say_shutdown(s);
        else if (what < 900)
            script_plain(s, WRD_SCTP_COOKIE_ACK, 0);
        else if (what < 930)
            script_plain(s, WRD_SCTP_HEARTBEAT_ACK, 0);
    }
    script_send(s);
}

static void application(struct script *s)
{
    static const uint8_t bytes[50000];
    for (uint32_t i = pick(8); i > 0; i--) {
        struct wrd_sctp_message message = {.stream = (uint16_t)pick(6),
                                           .ppid = 53,
                                           .data = bytes,
                                           .len = 1 + pick(pick(3)   ? 30
                                                           : pick(4) ? 3000
                                                                     : sizeof bytes),
                                           .unordered = pick(3) == 0,
                                           .limit_retransmits = pick(3) == 0,
                                           .retransmits = pick(3),
                                           .lifetime = pick(4) ? 0 : pick(2000000)};
        (void)wrd_sctp_send(s->sctp, s->now, &message);
    }
    if (pick(30) == 0)
        (void)wrd_sctp_reset_stream(s->sctp, (uint16_t)pick(6));
    if (pick(50) == 0)
        (void)wrd_sctp_set_priority(s->sctp, (uint16_t)pick(6), (uint16_t)(1 + pick(65535)));
    if (pick(1500) == 0)
        wrd_sctp_shutdown(s->sctp, s->now);
    struct wrd_sctp_message message;
    while (pick(8) && wrd_sctp_peek(s->sctp, &message))
        wrd_sctp_release(s->sctp, s->now);
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    while (pick(8) && wrd_sctp_next_reset(s->sctp, &stream, &side))
        ;
    (void)wrd_sctp_next(s->sctp);
}

static void time_passes(struct script *s)
{
    wrd_time deadline = wrd_sctp_deadline(s->sctp);
    wrd_time step = pick(2) ? pick(1000) : pick(60000);
    if (pick(6) == 0 && deadline != WRD_NEVER && deadline > s->now)
        s->now = deadline;
    else
        s->now = s->now + step;
    unsigned turns = 0;
    do {
        assert_true(++turns < 3);
        wrd_sctp_expire(s->sctp, s->now);
        wrd_sctp_audit(s->sctp);
        drain(s);
    } while (wrd_sctp_deadline(s->sctp) <= s->now);
}

/* The peer takes all at once. */
static void behave(struct script *s)
{
    s->rwnd = 1 << 20;
    wrd_time end = s->now + 400 * WRD_SECOND;
    while (!s->sctp->over && s->sctp->queue.messages + wrd_sctp_flight_count(&s->sctp->flight) > 0) {
        assert_true(s->now < end);
        if (s->sctp->state >= WRD_SCTP_ESTABLISHED)
            script_send_sack(s, s->sctp->flight.next.v - 1, NULL);
        drain(s);
        s->now += 10 * WRD_MILLISECOND;
        if (wrd_sctp_deadline(s->sctp) <= s->now)
            wrd_sctp_expire(s->sctp, s->now);
        drain(s);
    }
}

static void run(uint64_t number)
{
    struct script s;
    seed = number * 0x9e3779b97f4a7c15u + 1;
    interleaving = pick(2);
    struct wrd_sctp_options options = {.congestion = pick(2) ? WRD_SCTP_RENO : WRD_SCTP_CUBIC,
                                       .packet_max = pick(2) ? 512 : 0,
                                       .send_limit = pick(2) ? 0 : 20000,
                                       .always_checksum = true};
    script_init(&s, &options);
    connect_anew(&s);
    unsigned steps = 2000;
    while (steps-- > 0 && !s.sctp->over) {
        application(&s);
        drain(&s);
        if (pick(4))
            peer_says(&s);
        drain(&s);
        time_passes(&s);
    }
    if (s.sctp->state >= WRD_SCTP_ESTABLISHED)
        behave(&s);
    script_free(&s);
}

static void hostile_peer_neither_spins_nor_stalls_us(void **state)
{
    const char *count = getenv("WRD_SEEDS");
    uint64_t seeds = count ? strtoull(count, NULL, 10) : 20;
    for (uint64_t i = 1; i <= seeds; i++)
        run(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile_peer_neither_spins_nor_stalls_us)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
