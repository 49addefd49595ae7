/* SPDX-License-Identifier: MIT */
/*
 * What a peer's packet costs, whatever it holds and whatever the peer had us keep before: as many times as much as one
 * full of small messages. What enemies found took 7 to 1000 times as much, before it was mended.
 */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "sctp/script.h"

#include <string.h>

#define PACKET  1160
#define PACKETS 20 /* each time: some peers say one thing in several */
#define ROUNDS  10
#define TIMES   6
#define OUT     32000

static struct script s;
static uint32_t tsn, number; /* of the peer's next chunk and request */

static void begin(void)
{
    script_begin(&s, s.tag);
}

static bool has_room(size_t len)
{
    return s.wr.len + len <= PACKET;
}

/* Hands it over, takes what it calls for, and answers the time that both took. */
static double finish(void)
{
    uint8_t out[WRD_SCTP_PACKET_MAX];
    wrd_sctp_packet_end(&s.wr, wrd_crc32c_by_table);
    double start = bench_cpu_seconds();
    (void)wrd_sctp_receive(s.sctp, s.now, s.bytes, s.wr.len);
    (void)wrd_sctp_next(s.sctp);
    while (wrd_sctp_transmit(s.sctp, s.now, out, sizeof out) > 0)
        continue;
    double took = bench_cpu_seconds() - start;
    uint16_t stream;
    enum wrd_sctp_reset_side side;
    while (wrd_sctp_next_reset(s.sctp, &stream, &side))
        continue;
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(s.sctp, &message))
        wrd_sctp_release(s.sctp, s.now);
    s.now += WRD_MILLISECOND;
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    return took;
}

static void open_with_everything(void)
{
    struct wrd_sctp_options options = {.send_limit = (size_t)3 << 20};
    script_init(&s, &options);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG,
                                 .a_rwnd = 1 << 30,
                                 .streams_out = 65535,
                                 .streams_in = 65535,
                                 .tsn = wrd_tsn(SCRIPT_TSN),
                                 .forward_tsn = true,
                                 .reconfig = true,
                                 .interleaving = true,
                                 .i_forward_tsn = true};
    script_begin(&s, 0);
    script_chunk_end(&s, wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT, &init));
    script_send(&s);
    script_take_init_ack(&s);
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    tsn = number = SCRIPT_TSN;
}

static void piece(uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags)
{
    script_i_data(&s, tsn++, stream, mid, fsn, flags, "x", 1);
}

static void give_up(uint16_t stream, uint32_t mid)
{
    size_t start = script_chunk(&s, WRD_SCTP_I_FORWARD_TSN, 0);
    wrd_wr32(&s.wr, tsn++);
    wrd_wr16(&s.wr, stream);
    wrd_wr16(&s.wr, 0);
    wrd_wr32(&s.wr, mid);
    script_chunk_end(&s, start);
}

static void ask_reset(bool all, uint16_t stream)
{
    size_t start = script_chunk(&s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s.wr, WRD_SCTP_PARAM_OUTGOING_RESET);
    wrd_wr32(&s.wr, number++);
    wrd_wr32(&s.wr, 0);
    wrd_wr32(&s.wr, tsn - 1);
    if (!all)
        wrd_wr16(&s.wr, stream);
    wrd_sctp_param_end(&s.wr, param);
    script_chunk_end(&s, start);
}

/* `count` gap blocks, each of all that is out from the `first` on. */
static void sack_with(uint32_t cumulative, unsigned count, uint32_t first, uint32_t window)
{
    uint32_t out = s.sctp->flight.next.v - cumulative - 1;
    size_t start = script_chunk(&s, WRD_SCTP_SACK, 0);
    wrd_wr32(&s.wr, cumulative);
    wrd_wr32(&s.wr, window);
    wrd_wr32(&s.wr, (out >= first ? count : 0) << 16);
    for (unsigned i = 0; i < count && out >= first; i++)
        wrd_wr32(&s.wr, first << 16 | out);
    script_chunk_end(&s, start);
}

static void sack(uint32_t cumulative, unsigned count)
{
    sack_with(cumulative, count, 2, 1 << 30);
}

/* ---- What the peer has us keep before ---- */

static void nothing(void)
{
}

/* Begun on stream 1, and so far without an end. */
static void begun(void)
{
    for (uint32_t mid = 0; mid < 7000; finish())
        for (begin(); mid < 7000 && has_room(24); mid++)
            piece(1, mid, 0, WRD_SCTP_BEGIN);
}

static void begun_and_ended(void)
{
    begun();
    for (uint32_t mid = 0; mid < 7000; finish())
        for (begin(); mid < 7000 && has_room(24); mid++)
            piece(1, mid, 1, WRD_SCTP_END);
}

static bool say(uint16_t stream, bool once)
{
    struct wrd_sctp_message message = {
        .stream = stream, .ppid = 53, .data = (const uint8_t *)"x", .len = 1, .limit_retransmits = once};
    return wrd_sctp_send(s.sctp, s.now, &message) == WRD_OK;
}

static void streams_of_ours(void)
{
    for (uint16_t i = 0; i < 5000; i++) {
        assert_true(say(i, false));
        begin();
        sack(s.sctp->flight.next.v - 1, 0);
        finish();
    }
}

/* Sent, and with the peer but for the first. */
static void much_is_out(void)
{
    for (unsigned i = 0; i < OUT; i++)
        assert_true(say(0, false));
    while (wrd_sctp_flight_count(&s.sctp->flight) < OUT) {
        begin();
        sack(s.sctp->flight.cumulative.v, 1);
        finish();
    }
}

/* ... and none of it with the peer, until all is given up. */
static void much_was_given_up(void)
{
    for (unsigned i = 0; i < OUT; i++)
        assert_true(say(0, true));
    s.sctp->cwnd.cwnd = (size_t)1 << 20;
    for (int i = 0; i < 10; i++) {
        uint8_t out[WRD_SCTP_PACKET_MAX];
        while (wrd_sctp_transmit(s.sctp, s.now, out, sizeof out) > 0)
            continue;
        s.now = wrd_sctp_deadline(s.sctp);
        wrd_sctp_expire(s.sctp, s.now);
    }
    assert_true(wrd_sctp_flight_count(&s.sctp->flight) > OUT / 2);
    assert_int_equal(s.sctp->flight.bytes, 0);
}

/* The peer lets us send nothing more, in the middle of a message, and resets are to follow on all streams. */
static void resets_wait(void)
{
    static const uint8_t bytes[10000];
    struct wrd_sctp_message message = {.stream = 0, .ppid = 53, .data = bytes, .len = sizeof bytes};
    s.sctp->peer_rwnd = 0;
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK);
    begin();
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    finish();
    for (uint16_t i = 1; i < 4000; i++)
        assert_true(say(i, false));
    for (uint16_t i = 0; i < 4000; i++)
        assert_int_equal(wrd_sctp_reset_stream(s.sctp, i), WRD_OK);
}

/* ---- What it sends then ---- */

static uint32_t mid;   /* of the next message on stream 9 */
static uint16_t fresh; /* the next stream not used yet */

static void messages(void)
{
    for (; has_room(24); mid++)
        piece(9, mid, 0, WRD_SCTP_BEGIN | WRD_SCTP_END);
}

static void begin_and_give_up(void)
{
    for (; has_room(24 + 20); fresh++) {
        piece(fresh, 0, 0, WRD_SCTP_BEGIN);
        give_up(fresh, 100);
    }
}

static void begin_give_up_and_reset(void)
{
    for (; has_room(24 + 20 + 24); fresh++) {
        piece(fresh, 0, 0, WRD_SCTP_BEGIN);
        give_up(fresh, 100);
        ask_reset(false, fresh);
    }
}

static void reset_all(void)
{
    while (has_room(20))
        ask_reset(true, 0);
}

static void gap_blocks(void)
{
    sack(s.sctp->flight.cumulative.v, 275);
}

static void sacks(void)
{
    while (has_room(20))
        sack(s.sctp->flight.cumulative.v, 1);
}

/* What is sent into the shut window is known to be lost when it opens. */
static void shut_and_open(void)
{
    static bool open;
    open = !open;
    assert_true(say(0, false));
    sack_with(s.sctp->flight.cumulative.v, !open, 1, open ? 1 << 30 : 0);
}

static void cookie_ack(void)
{
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
}

static void one_sack(void)
{
    sack(s.sctp->flight.cumulative.v, 0);
}

/* Seconds for one; the least of several times, for others may need the processor. */
static double cost(void (*before)(void), void (*what)(void))
{
    double least = 0;
    fresh = 100;
    mid = 0;
    open_with_everything();
    before();
    for (unsigned round = 0; round < ROUNDS; round++) {
        double took = 0;
        for (unsigned i = 0; i < PACKETS; i++) {
            begin();
            what();
            took += finish();
        }
        least = round == 0 || took < least ? took : least;
    }
    script_free(&s);
    return least / PACKETS;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*before)(void), (*what)(void);
    } cases[] = {
        {"messages begun and given up, where others were", begun_and_ended, begin_and_give_up},
        {"messages begun and given up, with a reset, beside others", begun, begin_give_up_and_reset},
        {"resets of all streams", streams_of_ours, reset_all},
        {"gap blocks of everything", much_is_out, gap_blocks},
        {"SACKs of everything", much_is_out, sacks},
        {"a window that shuts and opens", much_is_out, shut_and_open},
        {"nothing, while resets wait", resets_wait, cookie_ack},
        {"a SACK of nothing, with all given up", much_was_given_up, one_sack},
    };
    struct bench bench;
    (void)argc;
    bench_open(&bench, argv[0], "hostile");
    double usual = cost(nothing, messages);
    bench_row(&bench, "a packet full of small messages", usual * 1e6, "us", NULL, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        bench_row_below(&bench, cases[i].name, cost(cases[i].before, cases[i].what) / usual, "x", NULL, 0, TIMES);
    bench_close(&bench);
    return 0;
}
