/* SPDX-License-Identifier: MIT */
#include "sctp/reset.h"

#include "base/check.h"
#include "base/mem.h"
#include "sctp/chunk.h"

#define RESPONSE_SIZE       12
#define REQUEST_HEADER_SIZE 16

void wrd_sctp_reset_init(struct wrd_sctp_reset *reset, struct wrd_tsn local_initial, struct wrd_tsn peer_initial)
{
    memset(reset, 0, sizeof *reset);
    reset->local_number = local_initial.v;
    reset->peer_number = peer_initial.v;
    reset->deadline = WRD_NEVER;
}

void wrd_sctp_reset_free(struct wrd_sctp_reset *reset, const wrd_env *env)
{
    wrd_mem_free(env, reset->lists, sizeof *reset->lists);
    reset->lists = NULL;
}

static void add_stream(struct wrd_sctp_streams *set, uint16_t stream)
{
    uint64_t bit = (uint64_t)1 << (stream % 64);
    if (set->words[stream / 64] & bit)
        return;
    set->words[stream / 64] |= bit;
    set->count++;
}

static void remove_stream(struct wrd_sctp_streams *set, uint16_t stream)
{
    uint64_t bit = (uint64_t)1 << (stream % 64);
    WRD_ASSERT((set->words[stream / 64] & bit) && set->count > 0);
    set->words[stream / 64] &= ~bit;
    set->count--;
}

/* The first stream of the set at or after `from`; 65536: none. */
static uint32_t find_stream(const struct wrd_sctp_streams *set, uint32_t from)
{
    while (from < 65536) {
        uint64_t word = set->words[from / 64] >> (from % 64);
        if (word)
            return from + (uint32_t)__builtin_ctzll(word);
        from = (from / 64 + 1) * 64;
    }
    return 65536;
}

/* The peer began `stream` again: it is told above, and ours follows, or the peer's channel stays "closing". */
static bool take_reset(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view, uint16_t stream)
{
    add_stream(&reset->lists->told, stream);
    if (stream < view->streams_out)
        add_stream(&reset->lists->wanted, stream);
    return wrd_sctp_join_reset(view->join, stream);
}

static uint32_t judge_outgoing(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                               struct wrd_reader request, bool *broken)
{
    (void)wrd_rd32(&request); /* the number of a request of ours that this answers; we make none that ask for it */
    struct wrd_tsn last = wrd_tsn(wrd_rd32(&request));
    if (request.bad || request.left % 2 != 0)
        return WRD_SCTP_RESET_DENIED;
    if (wrd_tsn_lt(view->cumulative, last))
        return WRD_SCTP_RESET_IN_PROGRESS;
    if (!reset->lists)
        reset->lists = wrd_mem_zalloc(view->env, sizeof *reset->lists);
    if (!reset->lists)
        return WRD_SCTP_RESET_IN_PROGRESS; /* the peer asks again */
    bool clean = true;
    if (request.left == 0) {
        clean = wrd_sctp_join_reset_all(view->join);
        for (uint32_t stream = 0; stream <= view->queue->highest_stream; stream++)
            clean = take_reset(reset, view, (uint16_t)stream) && clean;
    }
    while (request.left > 0) {
        uint16_t stream = wrd_rd16(&request);
        if (stream < view->streams_in)
            clean = take_reset(reset, view, stream) && clean;
    }
    *broken = !clean;
    return WRD_SCTP_RESET_PERFORMED;
}

static void respond(struct wrd_sctp_reset *reset, uint32_t number, uint32_t result)
{
    if (reset->response_count == WRD_SCTP_RESPONSES_MAX)
        return;
    reset->responses[reset->response_count].number = number;
    reset->responses[reset->response_count].result = result;
    reset->response_count++;
}

/* False: the peer broke the order of its messages. */
static bool take_request(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                         const struct wrd_sctp_param *param)
{
    struct wrd_reader rd = param->value;
    uint32_t number = wrd_rd32(&rd);
    if (rd.bad)
        return true;
    bool was_in_progress = reset->answered_any && reset->last_result == WRD_SCTP_RESET_IN_PROGRESS;
    /* A request that was in progress comes again with its number (RFC 6525 5.2.7), or, from some, with the next. */
    if (was_in_progress && number == reset->peer_number + 1)
        reset->peer_number = number;
    if (number == reset->peer_number - 1 && reset->answered_any && !was_in_progress) {
        respond(reset, number, reset->last_result);
        return true;
    }
    if (number != reset->peer_number) {
        respond(reset, number, WRD_SCTP_RESET_BAD_NUMBER);
        return true;
    }
    bool broken = false;
    uint32_t result = WRD_SCTP_RESET_DENIED;
    if (param->type == WRD_SCTP_PARAM_OUTGOING_RESET)
        result = judge_outgoing(reset, view, rd, &broken);
    reset->answered_any = true;
    reset->last_result = result;
    if (result != WRD_SCTP_RESET_IN_PROGRESS)
        reset->peer_number++;
    respond(reset, number, result);
    return !broken;
}

static void take_response(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, struct wrd_reader rd)
{
    uint32_t number = wrd_rd32(&rd);
    uint32_t result = wrd_rd32(&rd);
    if (rd.bad || reset->asked_count == 0 || number != reset->local_number)
        return;
    reset->attempts = 0;
    if (result == WRD_SCTP_RESET_IN_PROGRESS)
        return; /* the timer asks again */
    bool done = result == WRD_SCTP_RESET_PERFORMED || result == WRD_SCTP_RESET_NOTHING;
    for (size_t i = 0; i < reset->asked_count; i++)
        wrd_sctp_queue_resume(queue, reset->lists->asked[i], done);
    reset->asked_count = 0;
    reset->send = false;
    reset->local_number++;
    reset->deadline = WRD_NEVER;
}

bool wrd_sctp_reset_receive(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                            struct wrd_reader params)
{
    struct wrd_sctp_param param;
    for (int i = 0; i < WRD_SCTP_RESPONSES_MAX && wrd_sctp_param_next(&params, &param); i++) {
        switch (param.type) {
        case WRD_SCTP_PARAM_OUTGOING_RESET:
        case WRD_SCTP_PARAM_INCOMING_RESET:
        case WRD_SCTP_PARAM_ASSOCIATION_RESET:
        case WRD_SCTP_PARAM_ADD_OUTGOING:
        case WRD_SCTP_PARAM_ADD_INCOMING:
            if (!take_request(reset, view, &param))
                return false;
            break;
        case WRD_SCTP_PARAM_RECONFIG_RESPONSE: take_response(reset, view->queue, param.value); break;
        default: break;
        }
    }
    return true;
}

void wrd_sctp_reset_ask(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, wrd_time now, wrd_time rto,
                        struct wrd_tsn last)
{
    if (reset->asked_count > 0 || !reset->lists || reset->lists->wanted.count == 0)
        return;
    struct wrd_sctp_streams *wanted = &reset->lists->wanted;
    for (uint32_t at = find_stream(wanted, 0); at < 65536; at = find_stream(wanted, at + 1)) {
        uint16_t stream = (uint16_t)at;
        if (!wrd_sctp_queue_quiet(queue, stream))
            continue;
        if (reset->asked_count == WRD_SCTP_RESET_STREAMS_MAX || !wrd_sctp_queue_pause(queue, stream))
            break;
        remove_stream(wanted, stream);
        reset->lists->asked[reset->asked_count++] = stream;
    }
    if (reset->asked_count == 0)
        return;
    reset->asked_last = last;
    reset->asked_after = reset->peer_number - 1;
    reset->send = true;
    reset->attempts = 0;
    reset->deadline = now + rto;
}

void wrd_sctp_reset_expire(struct wrd_sctp_reset *reset, wrd_time now, wrd_time rto)
{
    WRD_ASSERT(reset->asked_count > 0);
    reset->attempts++;
    reset->send = true;
    reset->deadline = now + rto;
}

static void write_request(const struct wrd_sctp_reset *reset, struct wrd_writer *wr)
{
    size_t start = wrd_sctp_param_begin(wr, WRD_SCTP_PARAM_OUTGOING_RESET);
    wrd_wr32(wr, reset->local_number);
    wrd_wr32(wr, reset->asked_after);
    wrd_wr32(wr, reset->asked_last.v);
    for (size_t i = 0; i < reset->asked_count; i++)
        wrd_wr16(wr, reset->lists->asked[i]);
    wrd_sctp_param_end(wr, start);
}

void wrd_sctp_reset_write(struct wrd_sctp_reset *reset, struct wrd_writer *wr)
{
    size_t room = wr->cap - wr->len;
    size_t responses = WRD_SCTP_CHUNK_HEADER_SIZE + reset->response_count * RESPONSE_SIZE;
    if (reset->response_count > 0 && room >= responses) {
        size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_RE_CONFIG, 0);
        for (unsigned i = 0; i < reset->response_count; i++) {
            size_t param = wrd_sctp_param_begin(wr, WRD_SCTP_PARAM_RECONFIG_RESPONSE);
            wrd_wr32(wr, reset->responses[i].number);
            wrd_wr32(wr, reset->responses[i].result);
            wrd_sctp_param_end(wr, param);
        }
        wrd_sctp_chunk_end(wr, start);
        reset->response_count = 0;
    }
    room = wr->cap - wr->len;
    if (reset->send && room >= WRD_SCTP_CHUNK_HEADER_SIZE + REQUEST_HEADER_SIZE + reset->asked_count * 2 + 3) {
        size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_RE_CONFIG, 0);
        write_request(reset, wr);
        wrd_sctp_chunk_end(wr, start);
        reset->send = false;
    }
}

bool wrd_sctp_reset_tell(struct wrd_sctp_reset *reset, uint16_t *stream)
{
    if (!reset->lists || reset->lists->told.count == 0)
        return false;
    *stream = (uint16_t)find_stream(&reset->lists->told, 0);
    remove_stream(&reset->lists->told, *stream);
    return true;
}
