/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

uint64_t lab_random(uint64_t *seed)
{
    return link_random(seed);
}

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct lab_env *lab = user;
    if (new_size == 0) {
        assert_true(lab->live >= old_size);
        lab->live -= old_size;
        free(old);
        return NULL;
    }
    lab->asked++;
    if (new_size > old_size && lab->fail_at && lab->asked >= lab->fail_at && lab->asked < lab->fail_at + lab->fail_for)
        return NULL;
    void *p = realloc(old, new_size);
    assert_non_null(p);
    if (!old)
        memset(p, 0xa5, new_size);
    lab->live = lab->live - old_size + new_size;
    return p;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    struct lab_env *lab = user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)lab_random(&lab->seed);
}

void lab_env_init(struct lab_env *lab, uint64_t seed)
{
    *lab = (struct lab_env){.seed = seed, .fail_for = 1};
    lab->env = (wrd_env){.user = lab, .memory = memory, .random = fill_random};
}

void lab_init(struct lab *lab, uint64_t seed, const struct wrd_sctp_options *options)
{
    struct wrd_sctp_options each[2] = {{0}};
    if (options)
        each[0] = each[1] = *options;
    lab_init_each(lab, seed, each);
}

void lab_init_each(struct lab *lab, uint64_t seed, const struct wrd_sctp_options options[2])
{
    memset(lab, 0, sizeof *lab);
    lab->seed = seed;
    lab->now = WRD_SECOND;
    for (int i = 0; i < 2; i++) {
        struct lab_end *end = &lab->ends[i];
        lab_env_init(&end->env, seed * 2 + (uint64_t)i);
        end->sctp = wrd_sctp_new(&options[i], &end->env.env);
        assert_non_null(end->sctp);
        end->out.delay_us = 10 * WRD_MILLISECOND;
        end->traffic.streams = 1;
        end->reading = true;
        end->fates = calloc((size_t)2 * LAB_STREAMS, LAB_MESSAGES_MAX);
        assert_non_null(end->fates);
    }
}

void lab_free(struct lab *lab)
{
    for (int i = 0; i < 2; i++) {
        wrd_sctp_free(lab->ends[i].sctp);
        assert_int_equal(lab->ends[i].env.live, 0);
        free(lab->ends[i].fates);
    }
    transit_free(&lab->transit);
}

/* An end's address is its number. */
static wrd_addr address_of(int end)
{
    return (wrd_addr){.port = (uint16_t)end};
}

static void post(struct lab *lab, int from, const uint8_t *bytes, size_t len)
{
    struct lab_end *end = &lab->ends[from];
    if (lab->tap && !lab->tap(lab, from, bytes, len)) {
        end->line.sent++;
        return;
    }
    wrd_addr here = address_of(from), there = address_of(!from);
    link_send(&end->out, &end->line, &lab->transit, &lab->seed, lab->now, &here, &there, bytes, len);
}

/* The bytes that message `index` of `stream` has, whoever sends it. */
static void fill_message(uint8_t *bytes, size_t len, uint32_t stream, uint32_t index)
{
    uint64_t seed = ((uint64_t)stream << 32) | index;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0)
            (void)lab_random(&seed);
        bytes[i] = (uint8_t)(seed >> (8 * (i % 8)));
    }
    for (size_t i = 0; i < 4 && i < len; i++)
        bytes[i] = (uint8_t)(index >> (8 * i));
}

/* Sizes at least 4, so that a message can carry its index. */
static size_t pick_size(struct lab *lab, size_t most)
{
    uint64_t r = lab_random(&lab->seed);
    size_t limit = r % 4 == 0 ? most : most < 1200 ? most : 1200;
    return 4 + (size_t)(lab_random(&lab->seed) % limit);
}

static uint8_t *fate_of(struct lab_end *sender, unsigned stream, bool unordered, uint32_t index)
{
    assert_true(stream < LAB_STREAMS && index < LAB_MESSAGES_MAX);
    return &sender->fates[(stream + (unordered ? LAB_STREAMS : 0)) * LAB_MESSAGES_MAX + index];
}

static void limit(struct lab *lab, struct wrd_sctp_message *message)
{
    uint64_t r = lab_random(&lab->seed);
    message->limit_retransmits = r % 3 != 0;
    message->retransmits = (uint32_t)(r / 3 % 4);
    if (r % 3 != 1)
        message->lifetime = 1 + r / 16 % (300 * WRD_MILLISECOND);
}

static void reset_behind(struct lab *lab, struct lab_end *end, uint16_t stream)
{
    struct lab_resets *resets = &end->resets[stream];
    const struct lab_traffic *traffic = &end->traffic;
    if (traffic->resets == 0 || lab_random(&lab->seed) % 1000 >= traffic->resets || resets->asked == LAB_RESETS_MAX ||
        wrd_sctp_state(end->sctp) != WRD_SCTP_ESTABLISHED)
        return;
    assert_int_equal(wrd_sctp_reset_stream(end->sctp, stream), WRD_OK);
    resets->next_ordered[resets->asked] = traffic->sent_on[stream];
    resets->next_unordered[resets->asked] = traffic->sent_on[stream + LAB_STREAMS];
    resets->asked++;
}

static void talk(struct lab *lab, int which)
{
    static uint8_t bytes[WRD_MESSAGE_MAX];
    struct lab_end *end = &lab->ends[which];
    struct lab_traffic *traffic = &end->traffic;
    while (traffic->sent < traffic->messages) {
        uint64_t seed = lab->seed;
        struct wrd_sctp_message message = {
            .stream = (uint16_t)(lab_random(&lab->seed) % traffic->streams), .ppid = 53, .data = bytes};
        message.unordered = lab_random(&lab->seed) % 1000 < traffic->unordered;
        bool limited = traffic->limited > 0 && lab_random(&lab->seed) % 1000 < traffic->limited;
        if (limited)
            limit(lab, &message);
        uint32_t *next = &traffic->sent_on[message.stream + (message.unordered ? LAB_STREAMS : 0)];
        message.len = pick_size(lab, traffic->size_max);
        fill_message(bytes, message.len, message.stream, *next);
        if (wrd_sctp_send(end->sctp, lab->now, &message) != WRD_OK) {
            lab->seed = seed;
            return;
        }
        *fate_of(end, message.stream, message.unordered, *next) = limited ? LAB_SENT | LAB_LIMITED : LAB_SENT;
        ++*next;
        traffic->sent++;
        traffic->sent_reliable += !limited;
        reset_behind(lab, end, message.stream);
    }
}

static void check_message(struct lab *lab, int which, const struct wrd_sctp_message *message)
{
    static uint8_t expected[WRD_MESSAGE_MAX];
    struct lab_end *end = &lab->ends[which], *sender = &lab->ends[!which];
    assert_true(message->len >= 4);
    uint32_t index = wrd_load32le(message->data);
    uint8_t *fate = fate_of(sender, message->stream, message->unordered, index);
    assert_true(*fate == LAB_SENT || *fate == (LAB_SENT | LAB_LIMITED));
    *fate |= LAB_HEARD;
    end->heard_reliable += !(*fate & LAB_LIMITED);
    if (!message->unordered) {
        uint32_t *next = &end->heard_on[message->stream];
        assert_true(index >= *next);
        for (; *next < index; ++*next)
            assert_true(*fate_of(sender, message->stream, false, *next) & LAB_LIMITED);
        ++*next;
    }
    assert_int_equal(message->ppid, 53);
    fill_message(expected, message->len, message->stream, index);
    assert_memory_equal(message->data, expected, message->len);
}

/* The stream's end: everything before it was heard, or had a limit. */
static void check_reset(struct lab *lab, int which, unsigned stream)
{
    struct lab_end *end = &lab->ends[which], *sender = &lab->ends[!which];
    struct lab_resets *resets = &sender->resets[stream];
    assert_true(stream < LAB_STREAMS && resets->heard < resets->asked);
    uint32_t ordered = resets->next_ordered[resets->heard], unordered = resets->next_unordered[resets->heard];
    resets->heard++;
    assert_true(end->heard_on[stream] <= ordered);
    for (uint32_t i = 0; i < ordered; i++)
        assert_true(*fate_of(sender, stream, false, i) & (LAB_LIMITED | LAB_HEARD));
    for (uint32_t i = 0; i < unordered; i++)
        assert_true(*fate_of(sender, stream, true, i) & (LAB_LIMITED | LAB_HEARD));
}

static void hear_resets(struct lab *lab, int which)
{
    struct lab_end *end = &lab->ends[which];
    enum wrd_sctp_reset_side side;
    uint16_t stream;
    while (wrd_sctp_next_reset(end->sctp, &stream, &side)) {
        assert_int_not_equal(side, WRD_SCTP_RESET_REFUSED);
        if (side == WRD_SCTP_RESET_OURS && end->traffic.resets > 0)
            end->resets[stream].performed++;
    }
}

static void hear(struct lab *lab, int which)
{
    struct lab_end *end = &lab->ends[which];
    struct wrd_sctp_message message;
    while (end->reading && wrd_sctp_peek(end->sctp, &message)) {
        const struct lab_traffic *said = &lab->ends[!which].traffic;
        if (message.ends_stream && said->resets > 0)
            check_reset(lab, which, message.stream);
        if (!message.ends_stream) {
            end->heard++;
            end->heard_bytes += message.len;
            if (said->messages > 0)
                check_message(lab, which, &message);
        }
        wrd_sctp_release(end->sctp, lab->now);
    }
}

void lab_pump(struct lab *lab, int which)
{
    struct lab_end *end = &lab->ends[which];
    uint8_t packet[WRD_SCTP_PACKET_MAX];
    hear(lab, which);
    talk(lab, which);
    size_t len;
    while ((len = wrd_sctp_transmit(end->sctp, lab->now, packet, sizeof packet)) > 0)
        post(lab, which, packet, len);
    end->events |= wrd_sctp_next(end->sctp);
    hear_resets(lab, which);
    wrd_sctp_audit(end->sctp);
}

wrd_result lab_send(struct lab *lab, int end, uint16_t stream, bool unordered, const void *bytes, size_t len)
{
    struct wrd_sctp_message message = {.stream = stream, .ppid = 53, .unordered = unordered, .data = bytes, .len = len};
    return wrd_sctp_send(lab->ends[end].sctp, lab->now, &message);
}

bool lab_step(struct lab *lab, wrd_time until)
{
    lab_pump(lab, 0);
    lab_pump(lab, 1);
    wrd_time next = transit_next(&lab->transit);
    for (int i = 0; i < 2; i++) {
        wrd_time deadline = wrd_sctp_deadline(lab->ends[i].sctp);
        next = deadline < next ? deadline : next;
    }
    if (next == WRD_NEVER || next > until) {
        if (until != WRD_NEVER && until > lab->now)
            lab->now = until;
        return false;
    }
    if (next > lab->now)
        lab->now = next;
    for (int i = 0; i < 2; i++) {
        if (wrd_sctp_deadline(lab->ends[i].sctp) <= lab->now)
            wrd_sctp_expire(lab->ends[i].sctp, lab->now);
    }
    while (transit_next(&lab->transit) <= lab->now) {
        struct parcel *parcel = transit_take(&lab->transit);
        wrd_sctp_receive(lab->ends[parcel->to.port].sctp, lab->now, parcel->bytes, parcel->len);
        free(parcel);
    }
    return true;
}

void lab_open(struct lab *lab)
{
    wrd_time until = lab->now + 120 * WRD_SECOND;
    while (wrd_sctp_state(lab->ends[0].sctp) != WRD_SCTP_ESTABLISHED ||
           wrd_sctp_state(lab->ends[1].sctp) != WRD_SCTP_ESTABLISHED)
        assert_true(lab_step(lab, until));
}

static bool all_resets_are_over(const struct lab_end *end)
{
    for (int i = 0; i < LAB_STREAMS; i++) {
        const struct lab_resets *resets = &end->resets[i];
        if (resets->heard < resets->asked || resets->performed < resets->asked)
            return false;
    }
    return true;
}

bool lab_deliver(struct lab *lab, wrd_time limit)
{
    wrd_time until = lab->now + limit;
    for (;;) {
        bool done = true;
        for (int i = 0; i < 2; i++) {
            const struct lab_traffic *traffic = &lab->ends[i].traffic;
            done = done && traffic->sent == traffic->messages &&
                   lab->ends[!i].heard_reliable == traffic->sent_reliable &&
                   wrd_sctp_buffered(lab->ends[i].sctp) == 0 && all_resets_are_over(&lab->ends[i]);
        }
        if (done)
            return true;
        if (!lab_step(lab, until))
            return false;
    }
}

void lab_run(struct lab *lab, wrd_time time)
{
    wrd_time until = lab->now + time;
    while (lab_step(lab, until))
        ;
}
