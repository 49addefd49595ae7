/* SPDX-License-Identifier: MIT */
#include "sctp/reset.h"

#include "base/check.h"
#include "base/mem.h"
#include "sctp/chunk.h"

#define RESPONSE_SIZE       12
#define REQUEST_HEADER_SIZE 16

/* ---- Life ---- */

void wrd_sctp_reset_init(struct wrd_sctp_reset *reset, const wrd_env *env)
{
    memset(reset, 0, sizeof *reset);
    reset->env = env;
    reset->deadline = WRD_NEVER;
}

static void drop_held(struct wrd_sctp_reset *reset)
{
    wrd_mem_free(reset->env, reset->held, reset->held_len);
    reset->held = NULL;
    reset->held_len = 0;
    reset->held_done = false;
}

static void drop_asked(struct wrd_sctp_reset *reset)
{
    wrd_mem_free(reset->env, reset->asked, reset->asked_capacity * sizeof *reset->asked);
    reset->asked = NULL;
    reset->asked_capacity = reset->asked_count = reset->asked_told = 0;
    reset->stage = WRD_SCTP_RESET_IDLE;
}

void wrd_sctp_reset_free(struct wrd_sctp_reset *reset)
{
    drop_held(reset);
    drop_asked(reset);
    wrd_sctp_streams_free(&reset->untold, reset->env);
    wrd_sctp_streams_free(&reset->wanted, reset->env);
}

bool wrd_sctp_reset_is_under_way(const struct wrd_sctp_reset *reset)
{
    return reset->stage != WRD_SCTP_RESET_IDLE && reset->stage != WRD_SCTP_RESET_ANSWERED;
}

static void answer(struct wrd_sctp_reset *reset, bool refused)
{
    reset->stage = WRD_SCTP_RESET_ANSWERED;
    reset->refused = refused;
    reset->news = true;
}

/* Our request is over. `again`: its streams begin at SSN 0. */
static void finish(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, bool again)
{
    for (size_t i = 0; i < reset->asked_count; i++)
        wrd_sctp_queue_resume(queue, reset->asked[i], again);
    answer(reset, !again);
}

void wrd_sctp_reset_begin(struct wrd_sctp_reset *reset, struct wrd_tsn local_initial, struct wrd_tsn peer_initial)
{
    if (wrd_sctp_reset_is_under_way(reset))
        answer(reset, false);
    drop_held(reset);
    reset->local_number = local_initial.v;
    reset->peer_number = peer_initial.v;
    reset->answered_any = false;
    reset->response_count = 0;
    reset->told_made = 0;
    reset->look = true;
    reset->send = false;
    reset->deadline = WRD_NEVER;
}

/* ---- The peer's requests ---- */

/* Of ours, those that the peer reset before and did not use since need no second word. */
static bool has_new_streams(const struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view)
{
    return reset->told_made != view->queue->streams_made;
}

/* False: no memory to remember them. All streams are those that were used, by either side. */
static bool make_room(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view, struct wrd_reader streams)
{
    size_t count = streams.left / 2;
    if (streams.left == 0)
        count = (size_t)view->join->order.stream_count + (has_new_streams(reset, view) ? view->queue->stream_count : 0);
    return wrd_sctp_streams_reserve(&reset->untold, reset->env, count) &&
           wrd_sctp_join_reserve_resets(view->join, streams.left > 0 ? count : SIZE_MAX);
}

static bool names_wrong_stream(const struct wrd_sctp_reset_view *view, struct wrd_reader streams)
{
    while (streams.left > 0) {
        if (wrd_rd16(&streams) >= view->streams_in)
            return true;
    }
    return false;
}

static void tell_all(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view)
{
    const struct wrd_sctp_order *order = &view->join->order;
    for (uint32_t i = 0; i < order->stream_size; i++) {
        if (order->streams[i].id != UINT16_MAX)
            (void)wrd_sctp_streams_add(&reset->untold, reset->env, order->streams[i].id);
    }
    const struct wrd_sctp_stream_out *out = NULL;
    while (has_new_streams(reset, view) && (out = wrd_sctp_queue_next_stream(view->queue, out)))
        (void)wrd_sctp_streams_add(&reset->untold, reset->env, out->id);
    reset->told_made = view->queue->streams_made;
}

/* `streams` begin again: told above, and marked among the messages. False: the peer broke the order of its messages. */
static bool perform(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view, struct wrd_reader streams)
{
    bool clean = true;
    reset->news = true;
    if (streams.left == 0) {
        tell_all(reset, view);
        clean = wrd_sctp_join_reset_all(view->join);
    }
    while (streams.left > 0) {
        uint16_t stream = wrd_rd16(&streams);
        (void)wrd_sctp_streams_add(&reset->untold, reset->env, stream);
        clean = wrd_sctp_join_reset(view->join, stream) && clean;
    }
    return clean;
}

/* Keeps a request that is too early, so that it is performed as soon as it can be; without memory the peer's repeat of
 * it does that. */
static void hold(struct wrd_sctp_reset *reset, struct wrd_reader request)
{
    drop_held(reset);
    reset->held = wrd_mem_alloc(reset->env, request.left);
    if (!reset->held)
        return;
    memcpy(reset->held, request.at, request.left);
    reset->held_len = (uint16_t)request.left;
}

/* `request` begins with the last TSN. */
static uint32_t judge(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view, struct wrd_reader request,
                      bool *broken)
{
    struct wrd_reader streams = request;
    struct wrd_tsn last = wrd_tsn(wrd_rd32(&streams));
    if (streams.bad || streams.left % 2 != 0)
        return WRD_SCTP_RESET_DENIED;
    if (names_wrong_stream(view, streams))
        return WRD_SCTP_RESET_WRONG_STREAM;
    if (reset->held_done && reset->held_len == request.left && memcmp(reset->held, request.at, request.left) == 0)
        return WRD_SCTP_RESET_PERFORMED;
    if (wrd_tsn_lt(view->received, last)) {
        hold(reset, request);
        return WRD_SCTP_RESET_IN_PROGRESS;
    }
    if (!make_room(reset, view, streams))
        return WRD_SCTP_RESET_IN_PROGRESS;
    *broken = !perform(reset, view, streams);
    return WRD_SCTP_RESET_PERFORMED;
}

static void respond(struct wrd_sctp_reset *reset, uint32_t number, uint32_t result)
{
    unsigned at = 0;
    while (at < reset->response_count && reset->responses[at].number != number)
        at++;
    if (at == WRD_SCTP_RESPONSES_MAX)
        return;
    reset->responses[at].number = number;
    reset->responses[at].result = result;
    if (at == reset->response_count)
        reset->response_count++;
}

static void conclude(struct wrd_sctp_reset *reset, uint32_t result)
{
    respond(reset, reset->peer_number, result);
    reset->answered_any = true;
    reset->last_result = result;
    if (result != WRD_SCTP_RESET_IN_PROGRESS)
        reset->peer_number++;
}

/* False: the peer broke the order of its messages. */
static bool take_request(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view,
                         const struct wrd_sctp_param *param)
{
    struct wrd_reader rd = param->value;
    uint32_t number = wrd_rd32(&rd);
    if (rd.bad)
        return true;
    bool in_progress = reset->answered_any && reset->last_result == WRD_SCTP_RESET_IN_PROGRESS;
    /* A request that was in progress comes again with its number (RFC 6525 5.2.7), or, from some, with the next. */
    if (in_progress && number == reset->peer_number + 1)
        reset->peer_number = number;
    if (number == reset->peer_number - 1 && reset->answered_any && !in_progress) {
        respond(reset, number, reset->last_result);
        return true;
    }
    if (number != reset->peer_number) {
        respond(reset, number, WRD_SCTP_RESET_BAD_NUMBER);
        return true;
    }
    bool broken = false;
    uint32_t result = WRD_SCTP_RESET_DENIED;
    if (param->type == WRD_SCTP_PARAM_OUTGOING_RESET) {
        (void)wrd_rd32(&rd); /* the number of a request of ours that this answers; we make none that ask for it */
        result = judge(reset, view, rd, &broken);
    }
    if (result != WRD_SCTP_RESET_IN_PROGRESS)
        drop_held(reset);
    conclude(reset, result);
    return !broken;
}

static bool perform_held(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view)
{
    if (!reset->held || reset->held_done)
        return true;
    struct wrd_reader streams = wrd_rd(reset->held, reset->held_len);
    struct wrd_tsn last = wrd_tsn(wrd_rd32(&streams));
    if (wrd_tsn_lt(view->received, last) || !make_room(reset, view, streams))
        return true;
    reset->held_done = true;
    conclude(reset, WRD_SCTP_RESET_PERFORMED);
    return perform(reset, view, streams);
}

/* ---- Answers to ours ---- */

static void take_response(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, struct wrd_reader rd)
{
    uint32_t number = wrd_rd32(&rd);
    uint32_t result = wrd_rd32(&rd);
    if (rd.bad || reset->stage != WRD_SCTP_RESET_ASKING || number != reset->local_number)
        return;
    reset->silences = 0;
    if (result == WRD_SCTP_RESET_IN_PROGRESS)
        return; /* the timer asks again */
    reset->send = false;
    reset->local_number++;
    reset->deadline = WRD_NEVER;
    if (result == WRD_SCTP_RESET_PERFORMED || result == WRD_SCTP_RESET_NOTHING)
        reset->stage = WRD_SCTP_RESET_SETTLING;
    else
        finish(reset, queue, false);
}

/* The streams go on only when all that went before is acknowledged: a FORWARD-TSN sent from then on cannot name an SSN
 * of their former life. */
static void settle(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view)
{
    if (reset->stage == WRD_SCTP_RESET_SETTLING && wrd_tsn_le(reset->asked_last, view->acked))
        finish(reset, view->queue, true);
}

bool wrd_sctp_reset_progress(struct wrd_sctp_reset *reset, const struct wrd_sctp_reset_view *view)
{
    settle(reset, view);
    return perform_held(reset, view);
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

/* ---- Our requests ---- */

bool wrd_sctp_reset_want(struct wrd_sctp_reset *reset, uint16_t stream)
{
    if (wrd_sctp_reset_holds(reset, stream))
        return true;
    reset->look = true;
    return wrd_sctp_streams_add(&reset->wanted, reset->env, stream);
}

bool wrd_sctp_reset_holds(const struct wrd_sctp_reset *reset, uint16_t stream)
{
    if (wrd_sctp_reset_is_under_way(reset)) {
        for (size_t i = 0; i < reset->asked_count; i++) {
            if (reset->asked[i] == stream)
                return true;
        }
    }
    return reset->wanted.count > 0 && wrd_sctp_streams_has(&reset->wanted, stream);
}

/* Takes the streams that are wanted and quiet, as many as a request holds. */
static void gather(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, struct wrd_tsn last)
{
    uint32_t cursor = 0;
    uint16_t stream;
    bool short_of_memory = false;
    reset->look = true; /* again, if memory is short or there are more than it holds */
    reset->fell_quiet = queue->fell_quiet;
    while (reset->asked_count < WRD_SCTP_RESET_STREAMS_MAX && wrd_sctp_streams_next(&reset->wanted, &cursor, &stream)) {
        if (!wrd_sctp_queue_await_quiet(queue, stream))
            continue;
        if (!reset->asked) {
            size_t count = reset->wanted.count;
            count = count < WRD_SCTP_RESET_STREAMS_MAX ? count : WRD_SCTP_RESET_STREAMS_MAX;
            reset->asked = wrd_mem_alloc(reset->env, count * sizeof *reset->asked);
            if (!reset->asked)
                return;
            reset->asked_capacity = (uint16_t)count;
        }
        short_of_memory = !wrd_sctp_queue_pause(queue, stream);
        if (short_of_memory)
            break;
        reset->asked[reset->asked_count++] = stream;
        wrd_sctp_streams_remove(&reset->wanted, reset->env, stream);
    }
    if (reset->asked_count == 0) {
        reset->look = short_of_memory;
        drop_asked(reset);
        return;
    }
    reset->stage = WRD_SCTP_RESET_HOLDING;
    reset->asked_last = last;
}

void wrd_sctp_reset_ask(struct wrd_sctp_reset *reset, struct wrd_sctp_queue *queue, wrd_time now, wrd_time rto,
                        struct wrd_tsn last, struct wrd_tsn acked)
{
    bool may_be_quiet = reset->look || reset->fell_quiet != queue->fell_quiet;
    if (reset->stage == WRD_SCTP_RESET_IDLE && reset->wanted.count > 0 && may_be_quiet)
        gather(reset, queue, last);
    if (reset->stage != WRD_SCTP_RESET_HOLDING || !wrd_tsn_le(reset->asked_last, acked))
        return;
    reset->stage = WRD_SCTP_RESET_ASKING;
    reset->asked_after = reset->peer_number - 1;
    reset->send = true;
    reset->attempts = reset->silences = 0;
    reset->deadline = now + rto;
}

bool wrd_sctp_reset_expire(struct wrd_sctp_reset *reset, wrd_time now, wrd_time rto)
{
    WRD_ASSERT(reset->stage == WRD_SCTP_RESET_ASKING);
    if (++reset->silences > WRD_SCTP_DATA_RETRIES || ++reset->attempts > WRD_SCTP_RESET_RETRIES)
        return false;
    reset->send = true;
    wrd_time wait = rto << (reset->attempts < 4 ? reset->attempts : 4);
    wrd_time most = rto > WRD_SCTP_RTO_BACKOFF_MAX ? rto : WRD_SCTP_RTO_BACKOFF_MAX;
    reset->deadline = now + (wait < most ? wait : most);
    return true;
}

static void write_request(const struct wrd_sctp_reset *reset, struct wrd_writer *wr)
{
    size_t start = wrd_sctp_param_begin(wr, WRD_SCTP_PARAM_OUTGOING_RESET);
    wrd_wr32(wr, reset->local_number);
    wrd_wr32(wr, reset->asked_after);
    wrd_wr32(wr, reset->asked_last.v);
    for (size_t i = 0; i < reset->asked_count; i++)
        wrd_wr16(wr, reset->asked[i]);
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
    if (reset->send && room >= WRD_SCTP_CHUNK_HEADER_SIZE + REQUEST_HEADER_SIZE + (size_t)reset->asked_count * 2 + 3) {
        size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_RE_CONFIG, 0);
        write_request(reset, wr);
        wrd_sctp_chunk_end(wr, start);
        reset->send = false;
    }
}

/* ---- To tell above ---- */

static bool take_first(struct wrd_sctp_reset *reset, struct wrd_sctp_streams *set, uint16_t *stream)
{
    uint32_t cursor = 0;
    if (!wrd_sctp_streams_next(set, &cursor, stream))
        return false;
    wrd_sctp_streams_remove(set, reset->env, *stream);
    return true;
}

bool wrd_sctp_reset_tell(struct wrd_sctp_reset *reset, uint16_t *stream, enum wrd_sctp_reset_side *side)
{
    *side = WRD_SCTP_RESET_BY_PEER;
    if (take_first(reset, &reset->untold, stream))
        return true;
    if (reset->stage != WRD_SCTP_RESET_ANSWERED)
        return false;
    *side = reset->refused ? WRD_SCTP_RESET_REFUSED : WRD_SCTP_RESET_OURS;
    *stream = reset->asked[reset->asked_told++];
    if (reset->asked_told == reset->asked_count)
        drop_asked(reset);
    return true;
}

bool wrd_sctp_reset_give_up(struct wrd_sctp_reset *reset, uint16_t *stream)
{
    return take_first(reset, &reset->wanted, stream);
}
