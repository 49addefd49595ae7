/* SPDX-License-Identifier: MIT */
/* The ready loop, on one thread or many, and what ends it. */
#define _GNU_SOURCE /* SIGPROF */
#include "native/loop.h"

#include <errno.h>
#include <signal.h>

/* While draining, how often connections are counted, which looks at each. */
#define LOOK_EVERY (10 * WRD_MILLISECOND)

/* ---- one turn */

static bool is_open(wrd_server *server, wrd_conn conn)
{
    wrd_conn_info info = {.size = sizeof info};
    return wrd_conn_get_info(server->node.endpoint, conn, &info) == WRD_OK && info.open;
}

static void hand_out_messages(wrd_server *server, const wrd_handlers *handlers, wrd_conn conn)
{
    wrd_message message;
    while (wrd_server_receive(server, conn, &message) == WRD_OK) {
        wrd_result result = handlers->message ? handlers->message(server, conn, &message, handlers->user) : WRD_OK;
        if (message.channel != WRD_CHANNEL_MAIN && (result == WRD_CLOSED || result == WRD_GONE))
            result = WRD_OK; /* what was to be done with it has no place any more: the channel's end, no more */
        if (result == WRD_OK)
            wrd_server_release(server, conn);
        else if (result != WRD_AGAIN || !is_open(server, conn))
            wrd_server_close(server, conn); /* there will be no room again */
        if (result != WRD_OK)
            return;
    }
}

static void hand_out(wrd_server *server, const wrd_handlers *handlers, const wrd_event *event)
{
    switch (event->kind) {
    case WRD_EVENT_OPEN:
        if (handlers->open)
            handlers->open(server, event->conn, &event->peer, handlers->user);
        break;
    case WRD_EVENT_READABLE: hand_out_messages(server, handlers, event->conn); break;
    case WRD_EVENT_WRITABLE:
        if (handlers->writable)
            handlers->writable(server, event->conn, handlers->user);
        hand_out_messages(server, handlers, event->conn);
        break;
    case WRD_EVENT_CLOSED:
        if (handlers->closed)
            handlers->closed(server, event, handlers->user);
        break;
    case WRD_EVENT_MOVED:
        if (handlers->moved)
            handlers->moved(server, event, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_OPEN:
        if (handlers->channel_open)
            handlers->channel_open(server, event->conn, event->channel, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_LOW:
        if (handlers->channel_low)
            handlers->channel_low(server, event->conn, event->channel, handlers->user);
        break;
    case WRD_EVENT_CHANNEL_CLOSED:
        if (handlers->channel_closed)
            handlers->channel_closed(server, event, handlers->user);
        break;
    }
}

static wrd_result turn(wrd_server *server, const wrd_handlers *handlers, int timeout_ms)
{
    int own = wrd_server_timeout(server);
    if (own >= 0 && (timeout_ms < 0 || own < timeout_ms))
        timeout_ms = own;
    if (wrd_loop_has_drained(server))
        timeout_ms = 0;
    if (!server->waiter.kind->wait(&server->waiter, timeout_ms) && errno != EINTR)
        return WRD_SYSTEM;
    wrd_server_process(server);
    wrd_event event;
    while (wrd_server_next(server, &event))
        hand_out(server, handlers, &event);
    wrd_server_flush(server);
    if (server->node.udp.broken) {
        errno = server->node.udp.broken;
        return WRD_SYSTEM;
    }
    bool stopped = atomic_exchange(&server->stopping, false);
    return stopped || wrd_loop_has_drained(server) ? WRD_CLOSED : WRD_OK;
}

wrd_result wrd_server_turn(wrd_server *server, const wrd_handlers *handlers, int timeout_ms)
{
    wrd_loop_enter(server);
    wrd_result result = turn(server, handlers, timeout_ms);
    int error = errno;
    if (result != WRD_OK)
        wrd_loop_leave(server); /* the last turn of this thread, for all that is known */
    errno = error;
    return result;
}

/* ---- all loops */

struct worker {
    wrd_server *loop;
    const wrd_handlers *handlers;
    pthread_t thread;
    wrd_result result;
    int error; /* errno */
};

/* The end of one loop is the end of all. Those that drained end together. */
static void run_loop(struct worker *worker)
{
    do {
        worker->result = wrd_server_turn(worker->loop, worker->handlers, -1);
    } while (worker->result == WRD_OK);
    worker->error = errno;
    wrd_server_stop(worker->loop);
}

static void *run_thread(void *argument)
{
    run_loop(argument);
    return NULL;
}

/* Signals stay the caller's, but for those that a thread brings upon itself, and a profiler's. */
static int start_thread(struct worker *worker)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
    sigset_t others, before;
    (void)sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        (void)sigdelset(&others, own[i]);
    (void)pthread_sigmask(SIG_BLOCK, &others, &before);
    int error = pthread_create(&worker->thread, NULL, run_thread, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

wrd_result wrd_server_run(wrd_server *server, const wrd_handlers *handlers)
{
    struct wrd_group *group = server->group;
    struct worker workers[WRD_LOOPS_MAX] = {{.loop = server, .handlers = handlers}};
    unsigned count = server->index == 0 ? group->count : 1, started = 1;
    int error = 0;
    while (started < count && error == 0) {
        workers[started] = (struct worker){.loop = group->loops[started], .handlers = handlers};
        error = start_thread(&workers[started]);
        started += error == 0;
    }
    if (error == 0)
        run_loop(&workers[0]);
    else
        wrd_server_stop(server);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
    wrd_result result = error == 0 ? WRD_CLOSED : WRD_SYSTEM;
    for (unsigned i = 0; i < started && error == 0; i++) {
        if (workers[i].result != WRD_CLOSED) {
            result = workers[i].result;
            error = workers[i].error;
        }
    }
    for (unsigned i = 0; i < count; i++) /* one stop may have reached some loops twice, and some that did not start */
        atomic_store(&(i == 0 ? server : group->loops[i])->stopping, false);
    errno = error ? error : errno;
    return result == WRD_CLOSED ? WRD_OK : result;
}

static void wake_all(struct wrd_group *group)
{
    for (unsigned i = 0; i < group->count; i++)
        wrd_wake_call(&group->loops[i]->wake);
}

void wrd_server_stop(wrd_server *server)
{
    struct wrd_group *group = server->group;
    for (unsigned i = 0; i < group->count; i++)
        atomic_store(&group->loops[i]->stopping, true);
    wake_all(group);
}

/* ---- draining */

void wrd_server_drain(wrd_server *server, int timeout_ms, uint32_t code, const char *reason)
{
    struct wrd_drain *drain = &server->group->drain;
    int state = WRD_DRAIN_NOT;
    if (!atomic_compare_exchange_strong(&drain->state, &state, WRD_DRAIN_SAYING))
        return;
    drain->until = timeout_ms < 0 ? WRD_NEVER : wrd_node_now() + (wrd_time)timeout_ms * WRD_MILLISECOND;
    drain->code = code;
    drain->reason = reason;
    atomic_store(&drain->state, WRD_DRAIN_SAID);
    wake_all(server->group);
}

static bool is_empty(const wrd_server *loop)
{
    wrd_endpoint_counters counters = {.size = sizeof counters};
    wrd_endpoint_get_counters(loop->node.endpoint, &counters);
    return counters.connections == 0 && loop->node.out_count == 0;
}

void wrd_loop_drain(wrd_server *loop)
{
    struct wrd_drain *drain = &loop->group->drain;
    if (loop->emptied || atomic_load(&drain->state) != WRD_DRAIN_SAID)
        return;
    wrd_time now = wrd_node_now();
    if (!loop->draining) {
        loop->draining = true;
        wrd_endpoint_drain(loop->node.endpoint, now, drain->code, drain->reason);
    }
    if (now < loop->look_at)
        return;
    loop->look_at = now + LOOK_EVERY;
    loop->emptied = is_empty(loop);
    if (loop->emptied && atomic_fetch_add(&drain->emptied, 1) + 1 == loop->group->count)
        wake_all(loop->group);
}

bool wrd_loop_has_drained(wrd_server *loop)
{
    const struct wrd_drain *drain = &loop->group->drain;
    return loop->draining && (atomic_load(&drain->emptied) == loop->group->count || wrd_node_now() >= drain->until);
}

int wrd_loop_drain_timeout(const wrd_server *loop)
{
    if (!loop->draining)
        return -1;
    wrd_time now = wrd_node_now(), until = loop->group->drain.until;
    wrd_time next = loop->emptied || until < loop->look_at ? until : loop->look_at;
    if (now >= until || next == WRD_NEVER)
        return -1;
    return next <= now ? 0 : (int)((next - now + WRD_MILLISECOND - 1) / WRD_MILLISECOND);
}
