/* SPDX-License-Identifier: MIT */
#include "wan/road.h"

#include <stdlib.h>
#include <string.h>

#define BULK_STREAM  0
#define SMALL_STREAM 1

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
    struct road *road = user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)link_random(&road->seed);
}

static size_t product(const struct road *road)
{
    return (size_t)(road->out.rate_bps / 8 * 2 * road->out.delay_us / WRD_SECOND);
}

void road_init(struct road *road, uint64_t seed, uint64_t rate_bps, wrd_time rtt)
{
    memset(road, 0, sizeof *road);
    road->seed = seed;
    road->start = road->now = 100 * WRD_SECOND;
    road->out = (struct link_options){.rate_bps = rate_bps, .delay_us = rtt / 2, .overhead = ROAD_OVERHEAD};
    road->back = road->out;
    size_t least = 20 * (WRD_SCTP_PACKET_DEFAULT + ROAD_OVERHEAD);
    road->out.queue_bytes = product(road) > least ? product(road) : least;
}

struct flow *road_add(struct road *road)
{
    if (road->flow_count == ROAD_FLOWS_MAX)
        abort();
    struct flow *flow = &road->flows[road->flow_count++];
    size_t window = 4 * product(road) + 1000000;
    *flow = (struct flow){.options = {.receive_window = 2 * window, .send_limit = window}};
    return flow;
}

static void say_bulk(struct road *road, struct flow *flow)
{
    static const uint8_t bytes[1 << 20];
    if (flow->bulk > sizeof bytes)
        abort();
    struct wrd_sctp_message message = {.stream = BULK_STREAM, .ppid = 53, .data = bytes, .len = flow->bulk};
    while (flow->bulk > 0 && !flow->full && (flow->bulk_limit == 0 || flow->said_bulk_bytes < flow->bulk_limit)) {
        flow->full = wrd_sctp_send(flow->ends[0], road->now, &message) != WRD_OK;
        if (!flow->full)
            flow->said_bulk_bytes += flow->bulk;
    }
}

static void say_small(struct road *road, struct flow *flow)
{
    uint8_t bytes[8192] = {0};
    if (flow->small < sizeof road->now || flow->small > sizeof bytes)
        abort();
    memcpy(bytes, &road->now, sizeof road->now);
    struct wrd_sctp_message message = {.stream = SMALL_STREAM, .ppid = 53, .data = bytes, .len = flow->small};
    if (wrd_sctp_send(flow->ends[0], road->now, &message) == WRD_OK)
        flow->said_small++;
    flow->small_next += flow->small_every;
    if (flow->small_until != 0 && flow->small_next - road->start >= flow->small_until)
        flow->small_next = WRD_NEVER;
}

static void hear(struct road *road, struct flow *flow)
{
    struct wrd_sctp_message message;
    while (wrd_sctp_peek(flow->ends[1], &message)) {
        flow->heard_bytes += message.len;
        if (message.stream == BULK_STREAM)
            flow->heard_bulk++;
        if (message.stream == SMALL_STREAM) {
            wrd_time said;
            memcpy(&said, message.data, sizeof said);
            if (flow->heard_small < ROAD_LATE_MAX)
                flow->late[flow->heard_small] = road->now - said;
            flow->heard_small++;
        }
        wrd_sctp_release(flow->ends[1], road->now);
    }
}

static wrd_addr address_of(const struct road *road, const struct flow *flow, int end)
{
    return (wrd_addr){.port = (uint16_t)(2 * (flow - road->flows) + end)};
}

static void serve(struct road *road, struct flow *flow, int end)
{
    struct wrd_sctp *sctp = flow->ends[end];
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    if (wrd_sctp_next(sctp) & WRD_SCTP_EVENT_WRITABLE)
        flow->full = false;
    if (end == 0)
        say_bulk(road, flow);
    else
        hear(road, flow);
    size_t len;
    struct link_options link = end == 0 ? road->out : road->back;
    link.delay_us += flow->extra_us;
    wrd_addr from = address_of(road, flow, end), to = address_of(road, flow, !end);
    while ((len = wrd_sctp_transmit(sctp, road->now, packet, sizeof packet)) > 0) {
        if (!road->tap || road->tap(road, flow, end, packet, len))
            link_send(&link, end == 0 ? &road->line : &road->back_line, &road->transit, &road->seed, road->now, &from,
                      &to, packet, len);
    }
}

static void start(struct road *road, struct flow *flow)
{
    for (int end = 0; end < 2; end++) {
        flow->ends[end] = wrd_sctp_new(&flow->options, &road->env);
        if (!flow->ends[end])
            abort();
        wrd_sctp_connect(flow->ends[end], road->now);
    }
    flow->late = calloc(ROAD_LATE_MAX, sizeof *flow->late);
    flow->small_next = flow->small > 0 ? road->now : WRD_NEVER;
    serve(road, flow, 0);
    serve(road, flow, 1);
}

static wrd_time next_of(const struct road *road, const struct flow *flow)
{
    if (!flow->ends[0])
        return road->start + flow->starts_us;
    wrd_time next = flow->small_next;
    for (int end = 0; end < 2; end++) {
        wrd_time deadline = wrd_sctp_deadline(flow->ends[end]);
        next = deadline < next ? deadline : next;
    }
    return next;
}

static void wake(struct road *road, struct flow *flow)
{
    if (!flow->ends[0]) {
        start(road, flow);
        return;
    }
    if (flow->small_next <= road->now) {
        say_small(road, flow);
        serve(road, flow, 0);
    }
    for (int end = 0; end < 2; end++) {
        if (wrd_sctp_deadline(flow->ends[end]) > road->now)
            continue;
        wrd_sctp_expire(flow->ends[end], road->now);
        serve(road, flow, end);
    }
}

void road_run(struct road *road, wrd_time time)
{
    wrd_time until = road->now + time;
    road->env = (wrd_env){.user = road, .memory = memory, .random = fill_random};
    for (;;) {
        wrd_time next = transit_next(&road->transit);
        for (unsigned i = 0; i < road->flow_count; i++) {
            wrd_time own = next_of(road, &road->flows[i]);
            next = own < next ? own : next;
        }
        if (next > until)
            break;
        if (next > road->now)
            road->now = next;
        while (transit_next(&road->transit) <= road->now) {
            struct parcel *parcel = transit_take(&road->transit);
            struct flow *flow = &road->flows[parcel->to.port / 2];
            wrd_sctp_receive(flow->ends[parcel->to.port % 2], road->now, parcel->bytes, parcel->len);
            serve(road, flow, parcel->to.port % 2);
            free(parcel);
        }
        for (unsigned i = 0; i < road->flow_count; i++) {
            if (next_of(road, &road->flows[i]) <= road->now)
                wake(road, &road->flows[i]);
        }
    }
    road->now = until;
}

static int by_value(const void *a, const void *b)
{
    wrd_time x = *(const wrd_time *)a, y = *(const wrd_time *)b;
    return (x > y) - (x < y);
}

wrd_time road_late(struct flow *flow, double share)
{
    size_t count = flow->heard_small < ROAD_LATE_MAX ? (size_t)flow->heard_small : ROAD_LATE_MAX;
    if (count == 0)
        return 0;
    qsort(flow->late, count, sizeof *flow->late, by_value);
    size_t at = (size_t)(share * (double)count);
    return flow->late[at < count ? at : count - 1];
}

double road_share(const struct road *road, uint64_t bytes, wrd_time time)
{
    return (double)bytes * 8 / ((double)road->out.rate_bps * (double)time / (double)WRD_SECOND);
}

void road_free(struct road *road)
{
    for (unsigned i = 0; i < road->flow_count; i++) {
        wrd_sctp_free(road->flows[i].ends[0]);
        wrd_sctp_free(road->flows[i].ends[1]);
        free(road->flows[i].late);
    }
    transit_free(&road->transit);
}
