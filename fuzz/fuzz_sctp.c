/* SPDX-License-Identifier: MIT */
/*
 * Two live associations whose wire and whose applications the input controls. It delivers, drops, repeats, reorders and
 * damages packets, and writes chunks of its own into packets with the right tag and checksum, some with the right TSN
 * or request number, so that they get deep; it moves the clock, sends, reads, resets, shuts down, aborts, lets one side
 * forget everything and connect again, and memory run out. Whatever happens, the audit holds and memory stays bounded.
 */
#include "sctp/assoc.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_MAX  32
#define STEPS_MAX 3000
#define WINDOW    ((size_t)60000)
#define MESSAGE   ((size_t)150000)
/* All windows and limits of one end, one message under assembly, twice that for overhead and growth, idle blocks. */
#define LIVE_MAX (8 * (WINDOW + MESSAGE) + WRD_SCTP_POOL_IDLE_MAX + ((size_t)4 << 20))

struct input {
    const uint8_t *at;
    size_t left;
};

struct heap {
    wrd_env env;
    uint64_t random;
    size_t live;
    uint32_t fail_in; /* allocations until one is refused; 0: none */
};

struct wire {
    uint8_t bytes[WIRE_MAX][WRD_SCTP_PACKET_MAX];
    size_t len[WIRE_MAX];
    unsigned count;
};

struct side {
    struct heap heap;
    struct wrd_sctp_options options;
    struct wrd_sctp *sctp;
    struct wire out;
};

static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint16_t take16(struct input *in)
{
    uint8_t high = take(in);
    return (uint16_t)(high << 8 | take(in));
}

/* ---- what an association asks of its surroundings */

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct heap *heap = user;
    if (new_size == 0) {
        WRD_ASSERT(heap->live >= old_size);
        heap->live -= old_size;
        free(old);
        return NULL;
    }
    if (heap->fail_in > 0 && --heap->fail_in == 0 && new_size > old_size)
        return NULL;
    void *p = realloc(old, new_size);
    if (!p)
        abort();
    heap->live += new_size - old_size;
    WRD_ASSERT(heap->live <= LIVE_MAX);
    return p;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    struct heap *heap = user;
    for (size_t i = 0; i < len; i++) {
        heap->random = heap->random * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(heap->random >> 56);
    }
}

static void make_side(struct side *side, uint8_t bits, uint64_t seed)
{
    side->out.count = 0;
    side->heap = (struct heap){.random = seed};
    side->heap.env = (wrd_env){.user = &side->heap, .memory = memory, .random = fill_random};
    side->options = (struct wrd_sctp_options){.receive_window = bits & 1 ? WINDOW : 4000,
                                              .send_limit = WINDOW,
                                              .message_limit = MESSAGE,
                                              .streams = bits & 2 ? 65535 : 9,
                                              .no_interleaving = bits & 4,
                                              .always_checksum = bits & 8,
                                              .fast_open = bits & 16,
                                              .congestion = bits & 32 ? WRD_SCTP_RENO : WRD_SCTP_CUBIC,
                                              .packet_max = bits & 64 ? 512 : 0};
    side->sctp = wrd_sctp_new(&side->options, &side->heap.env);
    WRD_ASSERT(side->sctp);
}

/* ---- the wire */

static void collect(struct side *side, wrd_time now)
{
    uint8_t bytes[WRD_SCTP_PACKET_MAX];
    size_t len;
    unsigned packets = 0;
    while ((len = wrd_sctp_transmit(side->sctp, now, bytes, sizeof bytes)) > 0) {
        WRD_ASSERT(len % 4 == 0 && len <= WRD_SCTP_PACKET_MAX && ++packets < 10000);
        if (side->out.count == WIRE_MAX)
            continue; /* the wire is full: lost */
        memcpy(side->out.bytes[side->out.count], bytes, len);
        side->out.len[side->out.count++] = len;
    }
}

static void remove_packet(struct wire *wire, unsigned at)
{
    wire->count--;
    memmove(wire->bytes[at], wire->bytes[at + 1], (wire->count - at) * sizeof wire->bytes[0]);
    memmove(wire->len + at, wire->len + at + 1, (wire->count - at) * sizeof wire->len[0]);
}

/* A heap block of exactly its size, so that a sanitizer sees a read past the packet. */
static void receive(struct side *to, wrd_time now, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, len);
    wrd_sctp_receive(to->sctp, now, copy, len);
    free(copy);
}

static void fix_checksum(uint8_t *bytes, size_t len)
{
    if (len < WRD_SCTP_HEADER_SIZE)
        return;
    memset(bytes + 8, 0, 4);
    wrd_store32le(bytes + 8, wrd_crc32c(wrd_crc32c_by_table, bytes, len));
}

static void damage(struct wire *wire, struct input *in)
{
    unsigned at = take(in) % wire->count;
    size_t len = wire->len[at];
    for (unsigned n = take(in) % 4; n > 0; n--) {
        size_t where = take16(in) % len;
        wire->bytes[at][where] ^= take(in);
    }
    if (take(in) & 1) {
        wire->len[at] -= take(in) % (len - 12 ? len - 12 : 1);
    }
    fix_checksum(wire->bytes[at], wire->len[at]);
}

/* ---- chunks out of the input */

/* A number that `to` waits for, or is near one; the rest comes as it is. */
static uint32_t number_near(const struct side *to, struct input *in)
{
    uint8_t near = take(in);
    uint32_t offset = (uint32_t)(int32_t)(int8_t)take(in);
    switch (near % 6) {
    case 0: return to->sctp->track.cumulative.v + 1 + offset;
    case 1: return to->sctp->flight.cumulative.v + offset;
    case 2: return to->sctp->flight.next.v - 1 + offset;
    case 3: return to->sctp->reset.peer_number + offset;
    case 4: return to->sctp->reset.local_number + offset;
    default: return offset;
    }
}

static void write_chunk(struct wrd_writer *wr, const struct side *to, struct input *in)
{
    static const uint8_t known[] = {WRD_SCTP_DATA,         WRD_SCTP_INIT,
                                    WRD_SCTP_INIT_ACK,     WRD_SCTP_SACK,
                                    WRD_SCTP_HEARTBEAT,    WRD_SCTP_HEARTBEAT_ACK,
                                    WRD_SCTP_ABORT,        WRD_SCTP_SHUTDOWN,
                                    WRD_SCTP_SHUTDOWN_ACK, WRD_SCTP_ERROR,
                                    WRD_SCTP_COOKIE_ECHO,  WRD_SCTP_COOKIE_ACK,
                                    WRD_SCTP_RE_CONFIG,    WRD_SCTP_SHUTDOWN_COMPLETE,
                                    WRD_SCTP_I_DATA,       WRD_SCTP_FORWARD_TSN,
                                    WRD_SCTP_I_FORWARD_TSN};
    uint8_t pick = take(in);
    uint8_t type = pick < 200 ? known[pick % sizeof known] : take(in);
    uint8_t flags = take(in);
    uint8_t shape = take(in);
    size_t start = wrd_sctp_chunk_begin(wr, type, flags);
    if (type == WRD_SCTP_RE_CONFIG && shape & 1) {
        size_t param = wrd_sctp_param_begin(wr, (uint16_t)(WRD_SCTP_PARAM_OUTGOING_RESET + (shape >> 1) % 6));
        wrd_wr32(wr, number_near(to, in));
        wrd_wr32(wr, number_near(to, in));
        wrd_wr32(wr, number_near(to, in));
        for (unsigned n = take(in) % 20; n > 0; n--)
            wrd_wr16(wr, take16(in));
        wrd_sctp_param_end(wr, param);
    } else if (shape & 1) {
        wrd_wr32(wr, number_near(to, in));
    }
    size_t len = take(in);
    if (shape & 128)
        len = len * 4;
    for (size_t i = 0; i < len; i++)
        wrd_wr8(wr, in->left > 0 && i < 64 ? take(in) : (uint8_t)i);
    wrd_sctp_chunk_end(wr, start);
    if (shape == 0x7e && !wr->bad)
        wrd_store16be(wr->start + start + 2, take16(in));
}

static void invent(struct side *to, struct input *in, wrd_time now)
{
    uint8_t bytes[4096];
    struct wrd_writer wr = wrd_wr(bytes, sizeof bytes);
    uint8_t how = take(in);
    uint32_t tag = to->sctp->local_tag;
    if (how & 1)
        tag = how & 2 ? 0 : how & 4 ? to->sctp->peer_tag : to->sctp->fast_open.local_tag;
    wrd_sctp_packet_begin(&wr, 5000, tag);
    for (unsigned n = 1 + (how >> 5); n > 0; n--)
        write_chunk(&wr, to, in);
    if (wr.bad)
        return;
    if (!(how & 8))
        fix_checksum(bytes, wr.len);
    receive(to, now, bytes, wr.len);
}

/* ---- the applications */

static void say(struct side *side, struct input *in, wrd_time now)
{
    static uint8_t bytes[MESSAGE];
    uint8_t kind = take(in);
    size_t len = take16(in);
    struct wrd_sctp_message message = {.stream = kind & 1 ? take16(in) : take(in) % 4,
                                       .ppid = 53,
                                       .unordered = kind & 2,
                                       .data = bytes,
                                       .len = kind & 4 ? len * 2 : len % 3000,
                                       .limit_retransmits = kind & 8,
                                       .retransmits = kind >> 6,
                                       .lifetime = kind & 16 ? (wrd_time)take(in) * 3000 : 0};
    (void)wrd_sctp_send(side->sctp, now, &message);
}

static void hear(struct side *side, unsigned most, wrd_time now)
{
    struct wrd_sctp_message message;
    while (most-- > 0 && wrd_sctp_peek(side->sctp, &message)) {
        WRD_ASSERT(message.ends_stream == (message.len == 0) && message.len <= MESSAGE);
        volatile uint8_t sum = 0;
        for (size_t i = 0; i < message.len; i++)
            sum = (uint8_t)(sum + message.data[i]);
        wrd_sctp_release(side->sctp, now);
    }
}

static void look(struct side *side)
{
    uint16_t stream;
    enum wrd_sctp_reset_side what;
    (void)wrd_sctp_next(side->sctp);
    while (wrd_sctp_next_reset(side->sctp, &stream, &what)) {
        if (what == WRD_SCTP_RESET_BY_PEER)
            (void)wrd_sctp_reset_stream(side->sctp, stream);
    }
    while (wrd_sctp_next_low(side->sctp, &stream))
        ;
    struct wrd_sctp_stats stats;
    wrd_sctp_get_stats(side->sctp, &stats);
}

static void forget(struct side *side, wrd_time now)
{
    wrd_sctp_free(side->sctp);
    WRD_ASSERT(side->heap.live == 0);
    side->heap.fail_in = 0;
    side->sctp = wrd_sctp_new(&side->options, &side->heap.env);
    WRD_ASSERT(side->sctp);
    wrd_sctp_connect(side->sctp, now);
}

/* ---- one step */

static void pass_time(struct side sides[2], wrd_time *now, wrd_time by, bool to_deadline)
{
    wrd_time until = *now + by;
    for (int i = 0; to_deadline && i < 2; i++) {
        wrd_time deadline = wrd_sctp_deadline(sides[i].sctp);
        if (deadline != WRD_NEVER && deadline > *now && deadline < *now + 600 * WRD_SECOND)
            until = deadline;
    }
    *now = until;
    for (int i = 0; i < 2; i++) {
        if (wrd_sctp_deadline(sides[i].sctp) <= *now)
            wrd_sctp_expire(sides[i].sctp, *now);
    }
}

static void deliver(struct side *from, struct side *to, struct input *in, uint8_t how, wrd_time now)
{
    if (from->out.count == 0)
        return;
    unsigned at = how & 16 ? take(in) % from->out.count : 0;
    if (!(how & 32)) /* else it is lost */
        receive(to, now, from->out.bytes[at], from->out.len[at]);
    if (!(how & 64)) /* else it comes again */
        remove_packet(&from->out, at);
}

static void step(struct side sides[2], struct input *in, wrd_time *now)
{
    uint8_t op = take(in);
    struct side *here = &sides[op & 1], *there = &sides[!(op & 1)];
    switch ((op >> 1) % 8) {
    case 0: deliver(here, there, in, op, *now); break;
    case 1:
        while (here->out.count > 0)
            deliver(here, there, in, 0, *now);
        break;
    case 2: invent(here, in, *now); break;
    case 3: say(here, in, *now); break;
    case 4: hear(here, op & 16 ? 1 : 1000, *now); break;
    case 5: pass_time(sides, now, (wrd_time)take(in) * (op & 16 ? 100 : 20000), op & 32); break;
    case 6: look(here); break;
    default:
        switch (op >> 4) {
        case 0: (void)wrd_sctp_reset_stream(here->sctp, take(in) % 6); break;
        case 1: (void)wrd_sctp_set_priority(here->sctp, take(in) % 6, take16(in)); break;
        case 2: (void)wrd_sctp_set_low(here->sctp, take(in) % 6, take16(in)); break;
        case 3: wrd_sctp_shutdown(here->sctp, *now); break;
        case 4: wrd_sctp_abort(here->sctp, *now); break;
        case 5: forget(here, *now); break;
        case 6: here->heap.fail_in = take(in); break;
        case 7: wrd_sctp_connect(here->sctp, *now); break;
        case 8: (void)wrd_sctp_reset_stream(here->sctp, take16(in)); break;
        default:
            if (here->out.count > 0)
                damage(&here->out, in);
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side sides[2];
    struct input in = {.at = data, .left = size};
    wrd_time now = WRD_SECOND;
    uint8_t how = take(&in);
    for (int i = 0; i < 2; i++)
        make_side(&sides[i], take(&in), 1 + (uint64_t)i);
    for (int i = 0; i < 2; i++) {
        if ((how >> i) & 1)
            wrd_sctp_connect(sides[i].sctp, now);
    }
    /* Most inputs begin where it gets interesting. */
    for (int round = 0; how & 4 && round < 4; round++) {
        for (int i = 0; i < 2; i++) {
            collect(&sides[i], now);
            while (sides[i].out.count > 0)
                deliver(&sides[i], &sides[!i], &in, 0, now);
        }
        now += 10 * WRD_MILLISECOND;
    }
    for (unsigned n = 0; n < STEPS_MAX && in.left > 0; n++) {
        step(sides, &in, &now);
        for (int i = 0; i < 2; i++) {
            collect(&sides[i], now);
            wrd_sctp_audit(sides[i].sctp);
        }
    }
    for (int i = 0; i < 2; i++) {
        wrd_sctp_free(sides[i].sctp);
        WRD_ASSERT(sides[i].heap.live == 0);
    }
    return 0;
}
