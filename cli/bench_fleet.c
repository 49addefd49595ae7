/* SPDX-License-Identifier: MIT */
#include "cli/bench_fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/say.h"

#define EVENTS_MAX 256
#define STOP_INDEX UINT32_MAX
#define NOWHERE    UINT32_MAX
#define NS_PER_MS  1000000u
#define CONFIRM_NS (2000u * (uint64_t)NS_PER_MS)
#define LOOK_NS    (100u * (uint64_t)NS_PER_MS)

#define UNCONFIRMED "the server did not confirm the end of the connection in time"

/* ---- the heap of deadlines */

static void place(struct fleet *fleet, uint32_t at, uint32_t index)
{
    fleet->heap[at] = index;
    fleet->clients[index].heap_at = at;
}

static uint64_t deadline_at(const struct fleet *fleet, uint32_t at)
{
    return fleet->clients[fleet->heap[at]].deadline_ns;
}

/* Moves the client at `at` up or down to where it belongs. */
static void settle(struct fleet *fleet, uint32_t at)
{
    uint32_t index = fleet->heap[at];
    uint64_t deadline = fleet->clients[index].deadline_ns;

    while (at > 0 && deadline_at(fleet, (at - 1) / 2) > deadline) {
        place(fleet, at, fleet->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < fleet->heap_count && deadline_at(fleet, child + 1) < deadline_at(fleet, child)) {
            child++;
        }
        if (child >= fleet->heap_count || deadline_at(fleet, child) >= deadline) {
            break;
        }
        place(fleet, at, fleet->heap[child]);
        at = child;
    }
    place(fleet, at, index);
}

static void forget_deadline(struct fleet *fleet, uint32_t index)
{
    uint32_t at = fleet->clients[index].heap_at;

    fleet->clients[index].heap_at = NOWHERE;
    if (at != NOWHERE && at != --fleet->heap_count) {
        place(fleet, at, fleet->heap[fleet->heap_count]);
        settle(fleet, at);
    }
}

/* Asks the client when it wants its next turn. */
static void note_deadline(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];
    int timeout_ms = wrd_client_timeout(client->client);
    uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : clock_ns() + (uint64_t)timeout_ms * NS_PER_MS;

    if (client->heap_at == NOWHERE) {
        client->deadline_ns = deadline;
        client->heap_at = fleet->heap_count++;
        fleet->heap[client->heap_at] = index;
        settle(fleet, client->heap_at);
    } else if (deadline != client->deadline_ns) {
        client->deadline_ns = deadline;
        settle(fleet, client->heap_at);
    }
}

/* ---- clients */

static void enter(struct fleet *fleet, uint32_t index, enum fleet_state state)
{
    fleet->counts[fleet->clients[index].state]--;
    fleet->clients[index].state = state;
    fleet->counts[state]++;
}

wrd_result fleet_dial(struct fleet *fleet, uint32_t index, const char **why)
{
    struct fleet_client *client = &fleet->clients[index];

    client->dialed_ns = clock_ns();
    wrd_result result = wrd_client_dial(&client->client, &fleet->address, &fleet->options, why);
    if (result != WRD_OK) {
        client->client = NULL;
        return result;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(fleet->epoll, EPOLL_CTL_ADD, wrd_client_fd(client->client), &event) != 0) {
        int error = errno;
        wrd_endpoint_abort(wrd_client_endpoint(client->client), client->dialed_ns / 1000);
        wrd_client_free(client->client);
        client->client = NULL;
        *why = "the operating system does not watch another socket";
        errno = error;
        return WRD_SYSTEM;
    }
    enter(fleet, index, FLEET_OPENING);
    note_deadline(fleet, index);
    return WRD_OK;
}

static uint64_t heard(const struct fleet_client *client)
{
    wrd_endpoint_counters counters = {.size = sizeof counters};

    wrd_endpoint_get_counters(wrd_client_endpoint(client->client), &counters);
    return counters.datagrams_received;
}

static void end(struct fleet *fleet, uint32_t index, const wrd_event *event)
{
    struct fleet_client *client = &fleet->clients[index];
    enum fleet_state was = client->state;

    forget_deadline(fleet, index);
    if (fleet->work.ended != NULL) {
        fleet->work.ended(fleet, index, was, event->reason, event->text, fleet->work.user);
    }
    wrd_client_free(client->client); /* does not wait, since it is closed */
    client->client = NULL;
    enter(fleet, index, FLEET_FREE);
}

/* Takes the client's events; false: it is gone. */
static bool take_events(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];
    bool ready = false;
    wrd_event event;

    while (wrd_client_next(client->client, &event)) {
        switch (event.kind) {
        case WRD_EVENT_OPEN:
            if (client->state == FLEET_OPENING) {
                enter(fleet, index, FLEET_OPEN);
                if (fleet->work.opened != NULL) {
                    fleet->work.opened(fleet, index, fleet->work.user);
                }
            }
            break;
        case WRD_EVENT_READABLE:
        case WRD_EVENT_WRITABLE: ready = true; break;
        case WRD_EVENT_CLOSED:
            /* When this process was held up, the core has given up before we could, and calls that a success. */
            if (client->state == FLEET_CLOSING && event.reason == WRD_OK && heard(client) == client->heard) {
                event.reason = WRD_LOST;
                event.text = UNCONFIRMED;
            }
            end(fleet, index, &event);
            return false;
        case WRD_EVENT_CHANNEL_OPEN:
        case WRD_EVENT_CHANNEL_CLOSED:
        case WRD_EVENT_CHANNEL_LOW:
        case WRD_EVENT_MOVED: break;
        }
    }
    if (ready && client->state == FLEET_OPEN && fleet->work.ready != NULL) {
        fleet->work.ready(fleet, index, fleet->work.user);
    }
    return true;
}

static void serve(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];

    if (client->client == NULL) {
        return;
    }
    wrd_client_process(client->client);
    if (take_events(fleet, index)) {
        wrd_client_flush(client->client);
        note_deadline(fleet, index);
    }
}

void fleet_touch(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];

    if (client->state == FLEET_OPEN) {
        fleet->work.ready(fleet, index, fleet->work.user);
        wrd_client_flush(client->client);
        note_deadline(fleet, index);
    }
}

void fleet_hang_up(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];

    if (client->state == FLEET_OPENING || client->state == FLEET_OPEN) {
        client->hung_up_ns = clock_ns();
        client->heard = heard(client);
        wrd_client_close(client->client);
        enter(fleet, index, FLEET_CLOSING);
        wrd_client_flush(client->client);
        note_deadline(fleet, index); /* its end is an event, which is due now or comes with an answer */
    }
}

/* ---- all of them */

bool fleet_open(struct fleet *fleet, const wrd_address *address, const wrd_client_options *options, uint32_t capacity,
                int stop)
{
    *fleet = (struct fleet){.address = *address, .options = *options, .capacity = capacity, .epoll = -1, .stop = stop};
    fleet->clients = calloc(capacity, sizeof *fleet->clients);
    fleet->heap = calloc(capacity, sizeof *fleet->heap);
    if (fleet->clients == NULL || fleet->heap == NULL) {
        say("memory is short for %u clients", capacity);
        fleet_close(fleet);
        return false;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        fleet->clients[i].heap_at = NOWHERE;
    }
    fleet->counts[FLEET_FREE] = capacity;
    fleet->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = STOP_INDEX};
    if (fleet->epoll < 0 || (stop >= 0 && epoll_ctl(fleet->epoll, EPOLL_CTL_ADD, stop, &event) != 0)) {
        say("epoll: %s", strerror(errno));
        fleet_close(fleet);
        return false;
    }
    return true;
}

static int wait_ms(const struct fleet *fleet, uint64_t until_ns)
{
    uint64_t now = clock_ns();
    uint64_t due = fleet->heap_count > 0 && deadline_at(fleet, 0) < until_ns ? deadline_at(fleet, 0) : until_ns;
    uint64_t wait = due > now ? (due - now + NS_PER_MS - 1) / NS_PER_MS : 0;

    return wait > 1000 ? 1000 : (int)wait;
}

/* How many events there are. */
static int wait_for(const struct fleet *fleet, struct epoll_event events[EVENTS_MAX], uint64_t until_ns)
{
    int count;

    if (!fleet->spins) {
        return epoll_wait(fleet->epoll, events, EVENTS_MAX, wait_ms(fleet, until_ns));
    }
    do {
        count = epoll_wait(fleet->epoll, events, EVENTS_MAX, 0);
    } while (count == 0 && wait_ms(fleet, until_ns) > 0);
    return count;
}

bool fleet_turn(struct fleet *fleet, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int count = wait_for(fleet, events, until_ns);

    fleet->now_ns = clock_ns();
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == STOP_INDEX) {
            fleet->stopped = true;
            (void)epoll_ctl(fleet->epoll, EPOLL_CTL_DEL, fleet->stop, NULL); /* it stays readable */
        } else {
            serve(fleet, events[i].data.u32);
        }
    }
    /* Those that were due when the turn began, each once: one that is due again at once waits for the next turn. */
    for (uint32_t i = fleet->heap_count; i > 0 && fleet->heap_count > 0 && deadline_at(fleet, 0) <= fleet->now_ns;
         i--) {
        serve(fleet, fleet->heap[0]);
    }
    return !fleet->stopped;
}

static void abort_client(struct fleet *fleet, uint32_t index)
{
    struct fleet_client *client = &fleet->clients[index];
    wrd_event event = {.reason = WRD_LOST, .text = UNCONFIRMED};

    wrd_endpoint_abort(wrd_client_endpoint(client->client), clock_ns() / 1000);
    wrd_client_flush(client->client);
    for (wrd_event told; wrd_client_next(client->client, &told);) {
        /* Its CLOSED event is what lets it be freed without a wait. */
    }
    end(fleet, index, &event);
}

/* Those that wait for a confirmation too long. The core would give up a little later, and call that a success. */
static void abort_unconfirmed(struct fleet *fleet, uint64_t now_ns)
{
    for (uint32_t i = 0; i < fleet->capacity; i++) {
        if (fleet->clients[i].state == FLEET_CLOSING && now_ns - fleet->clients[i].hung_up_ns > CONFIRM_NS) {
            abort_client(fleet, i);
        }
    }
}

void fleet_hang_up_all(struct fleet *fleet, uint32_t at_once, uint64_t limit_ns)
{
    uint64_t now = clock_ns();
    uint64_t until = now + limit_ns;
    uint64_t looked = now;
    bool stopped = fleet->stopped;
    uint32_t next = 0;

    fleet->work.opened = NULL;
    fleet->work.ready = NULL;
    for (; fleet->counts[FLEET_FREE] < fleet->capacity && now < until && fleet->stopped == stopped; now = clock_ns()) {
        for (; next < fleet->capacity && fleet->counts[FLEET_CLOSING] < at_once; next++) {
            if (fleet->clients[next].state == FLEET_OPENING) {
                abort_client(fleet, next);
            }
            fleet_hang_up(fleet, next);
        }
        fleet_turn(fleet, now + LOOK_NS < until ? now + LOOK_NS : until);
        if (fleet->now_ns - looked >= LOOK_NS) {
            looked = fleet->now_ns;
            abort_unconfirmed(fleet, looked);
        }
    }
    for (uint32_t i = 0; i < fleet->capacity; i++) {
        if (fleet->clients[i].client != NULL) {
            abort_client(fleet, i);
        }
    }
}

void fleet_close(struct fleet *fleet)
{
    for (uint32_t i = 0; fleet->clients != NULL && i < fleet->capacity; i++) {
        if (fleet->clients[i].client != NULL) {
            fleet->work = (struct fleet_work){0};
            abort_client(fleet, i);
        }
    }
    if (fleet->epoll >= 0) {
        close(fleet->epoll);
    }
    free(fleet->clients);
    free(fleet->heap);
    memset(fleet, 0, sizeof *fleet);
    fleet->epoll = -1;
}
