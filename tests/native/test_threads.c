/* SPDX-License-Identifier: MIT */
/*
 * One server on many threads, real clients on loopback. Run under ThreadSanitizer, too. No test sleeps; each waits for
 * what it names.
 */
#define _GNU_SOURCE
#include "native/loop.h"
#include "wrd/wrd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000
#define THREADS 4
#define CLIENTS 32

/* ---- a server that runs */

struct running {
    wrd_server *server;
    pthread_t thread;
    wrd_result result;
    int error;
    wrd_handlers handlers;
    wrd_address address;
    atomic_uint opened, closed, moved, strangers; /* strangers: a handler got another loop or thread than before */
    atomic_uint opened_at[WRD_LOOPS_MAX];
    pthread_t thread_of[WRD_LOOPS_MAX]; /* each touched by its loop alone */
    bool has_thread[WRD_LOOPS_MAX];
};

static void check_place(struct running *r, const wrd_server *loop)
{
    unsigned at = 0;
    while (at < wrd_server_loops(loop) && wrd_server_loop(r->server, at) != loop)
        at++;
    bool known = at < wrd_server_loops(loop);
    if (!known || (r->has_thread[at] && !pthread_equal(r->thread_of[at], pthread_self())))
        atomic_fetch_add(&r->strangers, 1);
    if (known) {
        r->has_thread[at] = true;
        r->thread_of[at] = pthread_self();
    }
}

static void on_open(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    (void)conn, (void)peer;
    struct running *r = user;
    check_place(r, server);
    atomic_fetch_add(&r->opened_at[server->index], 1);
    atomic_fetch_add(&r->opened, 1);
}

static wrd_result on_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    check_place(user, server);
    return wrd_server_send(server, conn, message->data, message->len);
}

static void on_closed(wrd_server *server, const wrd_event *event, void *user)
{
    (void)event;
    struct running *r = user;
    check_place(r, server);
    atomic_fetch_add(&r->closed, 1);
}

static void on_moved(wrd_server *server, const wrd_event *event, void *user)
{
    (void)event;
    struct running *r = user;
    check_place(r, server);
    atomic_fetch_add(&r->moved, 1);
}

static void *run(void *argument)
{
    struct running *r = argument;
    r->result = wrd_server_run(r->server, &r->handlers);
    r->error = errno;
    return NULL;
}

static void bind_threads(struct running *r, unsigned threads)
{
    const char *why = "";
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.threads = threads;
    memset(r, 0, sizeof *r);
    r->handlers =
        (wrd_handlers){.user = r, .open = on_open, .message = on_message, .closed = on_closed, .moved = on_moved};
    if (wrd_server_bind(&r->server, "127.0.0.1:0", &options, &why) != WRD_OK)
        fail_msg("%s", why);
    wrd_server_address(r->server, &r->address);
}

static void start(struct running *r)
{
    memset(r->has_thread, 0, sizeof r->has_thread); /* another run may be on other threads */
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

static void bind_and_start(struct running *r, unsigned threads)
{
    bind_threads(r, threads);
    start(r);
}

static void join(struct running *r)
{
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    assert_int_equal(atomic_load(&r->strangers), 0);
}

static void stop(struct running *r)
{
    wrd_server_stop(r->server);
    join(r);
    assert_int_equal(r->result, WRD_OK);
    wrd_server_free(r->server);
}

static wrd_server_counters counters_of(wrd_server *server)
{
    wrd_server_counters counters = {.size = sizeof counters};
    wrd_server_get_counters(server, &counters);
    return counters;
}

static wrd_time deadline(void)
{
    return wrd_node_now() + WAIT_MS * WRD_MILLISECOND;
}

/* They may be as old as 100 ms. */
static void wait_for_connections(wrd_server *server, uint32_t count)
{
    for (wrd_time until = deadline(); counters_of(server).endpoint.connections != count;)
        assert_true(wrd_node_now() < until);
}

/* ---- many clients on this thread */

struct crowd {
    wrd_client *clients[CLIENTS];
    unsigned count;
    bool open[CLIENTS], closed[CLIENTS];
    unsigned echoed[CLIENTS];
    unsigned open_count, closed_count;
};

static void crowd_dial(struct crowd *c, const wrd_address *address, unsigned count)
{
    const char *why = "";
    memset(c, 0, sizeof *c);
    c->count = count;
    for (unsigned i = 0; i < count; i++) {
        if (wrd_client_dial(&c->clients[i], address, NULL, &why) != WRD_OK)
            fail_msg("%s", why);
    }
}

static void crowd_look(struct crowd *c, unsigned i)
{
    wrd_event event;
    wrd_message message;
    wrd_client_process(c->clients[i]);
    while (wrd_client_next(c->clients[i], &event)) {
        if (event.kind == WRD_EVENT_OPEN) {
            c->open[i] = true;
            c->open_count++;
        }
        if (event.kind == WRD_EVENT_CLOSED) {
            c->closed[i] = true;
            c->closed_count++;
        }
    }
    while (wrd_client_receive(c->clients[i], &message) == WRD_OK) {
        uint32_t number;
        assert_int_equal(message.len, sizeof number);
        memcpy(&number, message.data, sizeof number);
        assert_int_equal(number, i << 16 | c->echoed[i]);
        c->echoed[i]++;
        wrd_client_release(c->clients[i]);
    }
    wrd_client_flush(c->clients[i]);
}

static void crowd_turn(struct crowd *c)
{
    struct pollfd fds[CLIENTS];
    int timeout_ms = 100;
    for (unsigned i = 0; i < c->count; i++) {
        int own = wrd_client_timeout(c->clients[i]);
        fds[i] = (struct pollfd){wrd_client_fd(c->clients[i]), POLLIN, 0};
        timeout_ms = own >= 0 && own < timeout_ms ? own : timeout_ms;
    }
    (void)poll(fds, c->count, timeout_ms);
    for (unsigned i = 0; i < c->count; i++)
        crowd_look(c, i);
}

static void crowd_open(struct crowd *c)
{
    for (wrd_time until = deadline(); c->open_count < c->count;) {
        assert_true(wrd_node_now() < until);
        assert_int_equal(c->closed_count, 0);
        crowd_turn(c);
    }
}

/* Each says `messages` numbers, one after the other, and hears them again. */
static void crowd_echo(struct crowd *c, unsigned messages)
{
    unsigned sent[CLIENTS], end[CLIENTS], done = 0;
    for (unsigned i = 0; i < c->count; i++)
        end[i] = (sent[i] = c->echoed[i]) + messages;
    for (wrd_time until = deadline(); done < c->count;) {
        assert_true(wrd_node_now() < until);
        done = 0;
        for (unsigned i = 0; i < c->count; i++) {
            assert_false(c->closed[i]);
            uint32_t number = i << 16 | sent[i];
            if (sent[i] == c->echoed[i] && sent[i] < end[i] &&
                wrd_client_send(c->clients[i], &number, sizeof number) == WRD_OK)
                sent[i]++;
            wrd_client_flush(c->clients[i]);
            done += c->echoed[i] == end[i];
        }
        if (done < c->count)
            crowd_turn(c);
    }
}

static void crowd_wait_closed(struct crowd *c)
{
    for (wrd_time until = deadline(); c->closed_count < c->count;) {
        assert_true(wrd_node_now() < until);
        crowd_turn(c);
    }
}

static void crowd_free(struct crowd *c)
{
    for (unsigned i = 0; i < c->count; i++)
        wrd_client_free(c->clients[i]);
}

/* ---- running */

static void clients_spread_over_the_loops_and_each_handler_is_called_on_its_own_thread(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_and_start(&r, THREADS);
    assert_int_equal(wrd_server_loops(r.server), THREADS);
    crowd_dial(&c, &r.address, CLIENTS);
    crowd_open(&c);
    crowd_echo(&c, 20);
    unsigned used = 0, sum = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        used += atomic_load(&r.opened_at[i]) > 0;
        sum += atomic_load(&r.opened_at[i]);
    }
    assert_true(used > 1); /* all in one is less likely than 4 to the power of -31 */
    assert_int_equal(sum, CLIENTS);
    crowd_free(&c);
    stop(&r);
}

static void each_loop_has_the_same_address_and_is_found_by_its_index(void **state)
{
    (void)state;
    struct running r;
    bind_threads(&r, 3);
    assert_true(r.address.addr.port != 0);
    assert_ptr_equal(wrd_server_loop(r.server, 0), r.server);
    for (unsigned i = 0; i < 3; i++) {
        wrd_address address;
        wrd_server *loop = wrd_server_loop(r.server, i);
        assert_non_null(loop);
        wrd_server_address(loop, &address);
        assert_true(wrd_addr_equal(&address.addr, &r.address.addr));
        assert_memory_equal(&address.fingerprint, &r.address.fingerprint, sizeof address.fingerprint);
        assert_int_equal(wrd_server_loops(loop), 3);
        assert_ptr_equal(wrd_server_loop(loop, i), loop);
    }
    assert_null(wrd_server_loop(r.server, 3));
    wrd_server_free(r.server);
}

static void a_stop_from_another_thread_ends_all_loops_and_the_server_runs_again(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_and_start(&r, THREADS);
    crowd_dial(&c, &r.address, 8);
    crowd_open(&c);
    for (int again = 0; again < 5; again++) {
        wrd_server_stop(wrd_server_loop(r.server, (unsigned)again % THREADS));
        join(&r);
        assert_int_equal(r.result, WRD_OK);
        start(&r);
        crowd_echo(&c, 2);
    }
    crowd_free(&c);
    stop(&r);
}

static void stop_all(wrd_server *server, wrd_conn conn, const wrd_addr *peer, void *user)
{
    (void)conn, (void)peer, (void)user;
    wrd_server_stop(server);
}

static void a_stop_in_a_handler_ends_all_loops(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_threads(&r, THREADS);
    r.handlers.open = stop_all;
    start(&r);
    crowd_dial(&c, &r.address, 1);
    crowd_open(&c);
    join(&r);
    assert_int_equal(r.result, WRD_OK);
    wrd_server_free(r.server);
    crowd_free(&c);
}

static void a_stop_before_the_run_ends_it_on_every_thread(void **state)
{
    (void)state;
    struct running r;
    bind_threads(&r, THREADS);
    wrd_server_stop(r.server);
    wrd_server_stop(wrd_server_loop(r.server, 1)); /* twice is once */
    assert_int_equal(wrd_server_run(r.server, &r.handlers), WRD_OK);
    assert_int_equal(wrd_server_turn(r.server, &r.handlers, 0), WRD_OK);
    wrd_server_free(r.server);
}

static void a_loop_whose_socket_broke_ends_the_others(void **state)
{
    (void)state;
    struct running r;
    int pipe_fds[2];
    bind_threads(&r, THREADS);
    assert_int_equal(pipe(pipe_fds), 0);
    assert_true(dup2(pipe_fds[0], wrd_server_loop(r.server, 2)->node.udp.fd) >= 0);
    start(&r);
    wrd_wake_call(&wrd_server_loop(r.server, 2)->wake); /* it looks, and there is no socket */
    join(&r);
    assert_int_equal(r.result, WRD_SYSTEM);
    assert_int_equal(r.error, ENOTSOCK);
    wrd_server_free(r.server);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

/* ---- your own threads */

struct own_loop {
    wrd_server *loop;
    pthread_t thread;
    atomic_bool *over;
    unsigned opened;
};

static void serve_own(struct own_loop *own)
{
    wrd_event event;
    wrd_message message;
    wrd_server_process(own->loop);
    while (wrd_server_next(own->loop, &event)) {
        own->opened += event.kind == WRD_EVENT_OPEN;
        while (wrd_server_receive(own->loop, event.conn, &message) == WRD_OK) {
            assert_int_equal(wrd_server_send(own->loop, event.conn, message.data, message.len), WRD_OK);
            wrd_server_release(own->loop, event.conn);
        }
    }
    wrd_server_flush(own->loop);
}

static void *run_own(void *argument)
{
    struct own_loop *own = argument;
    while (!atomic_load(own->over)) {
        int timeout_ms = wrd_server_timeout(own->loop);
        (void)poll(&(struct pollfd){wrd_server_fd(own->loop), POLLIN, 0}, 1, timeout_ms);
        serve_own(own);
    }
    return NULL;
}

static void own_threads_serve_their_loops_with_poll_alone(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    struct own_loop own[THREADS];
    atomic_bool over = false;
    bind_threads(&r, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        own[i] = (struct own_loop){.loop = wrd_server_loop(r.server, i), .over = &over};
        assert_int_equal(pthread_create(&own[i].thread, NULL, run_own, &own[i]), 0);
    }
    crowd_dial(&c, &r.address, CLIENTS);
    crowd_open(&c);
    crowd_echo(&c, 5);
    wait_for_connections(r.server, CLIENTS);
    crowd_free(&c);
    atomic_store(&over, true);
    wrd_server_stop(r.server); /* wakes each */
    unsigned opened = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(own[i].thread, NULL), 0);
        opened += own[i].opened;
    }
    assert_int_equal(opened, CLIENTS);
    wrd_server_free(r.server);
}

/* ---- draining */

static void drains(struct running *r, void (*say)(struct running *))
{
    struct crowd c;
    bind_and_start(r, THREADS);
    crowd_dial(&c, &r->address, CLIENTS);
    crowd_open(&c);
    for (wrd_time until = deadline(); atomic_load(&r->opened) < CLIENTS;) /* whom the application knows of */
        assert_true(wrd_node_now() < until);
    say(r);
    crowd_wait_closed(&c);
    join(r);
    assert_int_equal(r->result, WRD_OK);
    assert_int_equal(atomic_load(&r->opened), CLIENTS);
    assert_int_equal(atomic_load(&r->closed), CLIENTS);
    assert_int_equal(counters_of(r->server).endpoint.connections, 0);
    for (unsigned i = 0; i < c.count; i++) {
        const char *said;
        assert_int_equal(wrd_client_closed_with(c.clients[i], &said), 42);
        assert_string_equal(said, "down for the night");
    }
    assert_int_equal(wrd_server_turn(r->server, &r->handlers, -1), WRD_CLOSED); /* and stays so */
    wrd_server_free(r->server);
    crowd_free(&c);
}

static void say_drain(struct running *r)
{
    wrd_server_drain(wrd_server_loop(r->server, 1), WAIT_MS, 42, "down for the night");
    wrd_server_drain(r->server, 0, 43, "the first one counts");
}

static wrd_server *to_drain;

static void drain_on_signal(int number)
{
    (void)number;
    wrd_server_drain(to_drain, WAIT_MS, 42, "down for the night");
}

static void raise_signal(struct running *r)
{
    to_drain = r->server;
    (void)signal(SIGUSR1, drain_on_signal);
    (void)raise(SIGUSR1);
}

static void a_drain_closes_every_connection_with_words_and_ends_the_run(void **state)
{
    (void)state;
    struct running r;
    drains(&r, say_drain);
}

static void a_signal_handler_may_drain(void **state)
{
    (void)state;
    struct running r;
    drains(&r, raise_signal);
}

static void a_drain_ends_in_time_though_a_peer_is_mute(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_and_start(&r, 2);
    crowd_dial(&c, &r.address, 6);
    crowd_open(&c);
    for (unsigned i = 0; i < c.count; i++) /* what it waits for is acknowledged by nobody */
        assert_int_equal(wrd_client_send(c.clients[i], &(uint32_t){i << 16}, 4), WRD_OK);
    wrd_server_drain(r.server, 50, 1, "now");
    join(&r);
    assert_int_equal(r.result, WRD_OK);
    wrd_server_free(r.server);
    crowd_wait_closed(&c);
    crowd_free(&c);
}

static void a_single_loop_drains_on_the_thread_that_turns_it(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_threads(&r, 1);
    crowd_dial(&c, &r.address, 3);
    while (c.open_count < c.count) {
        assert_int_equal(wrd_server_turn(r.server, &r.handlers, 1), WRD_OK);
        crowd_turn(&c);
    }
    wrd_server_drain(r.server, -1, 5, "bye");
    wrd_result result = WRD_OK;
    while (result == WRD_OK) {
        result = wrd_server_turn(r.server, &r.handlers, 1);
        for (unsigned i = 0; i < c.count; i++)
            crowd_look(&c, i);
    }
    assert_int_equal(result, WRD_CLOSED);
    assert_int_equal(counters_of(r.server).endpoint.connections, 0);
    wrd_server_free(r.server);
    crowd_wait_closed(&c);
    crowd_free(&c);
}

/* ---- counters */

static void counters_are_summed_over_the_loops_from_any_thread(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_and_start(&r, THREADS);
    wrd_server_counters counters = counters_of(r.server);
    assert_int_equal(counters.threads, THREADS);
    assert_int_equal(counters.endpoint.connections, 0);
    crowd_dial(&c, &r.address, CLIENTS);
    crowd_open(&c);
    crowd_echo(&c, 3);
    wait_for_connections(r.server, CLIENTS);
    wrd_server *another = wrd_server_loop(r.server, THREADS - 1);
    for (wrd_time until = deadline(); counters_of(another).endpoint.datagrams_received <= 3 * CLIENTS;)
        assert_true(wrd_node_now() < until); /* of connections that had hardly begun, it may be */
    counters = counters_of(another);
    assert_int_equal(counters.endpoint.connections, CLIENTS);
    assert_true(counters.endpoint.checks_answered >= CLIENTS);
    assert_true(counters.receive_buffer > 0 && counters.send_buffer > 0);
    crowd_free(&c);
    wrd_server_stop(r.server);
    join(&r);
    counters = counters_of(r.server); /* nobody runs: exact */
    assert_int_equal(counters.endpoint.connections_opened, CLIENTS);
    wrd_server_free(r.server);
}

static wrd_result count_and_echo(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    wrd_server_counters counters = counters_of(server);
    return counters.threads == THREADS && counters.endpoint.connections > 0
               ? wrd_server_send(server, conn, message->data, message->len)
               : WRD_INVALID;
}

static void handlers_of_all_loops_may_read_the_counters_at_once(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_threads(&r, THREADS);
    r.handlers.message = count_and_echo;
    start(&r);
    crowd_dial(&c, &r.address, CLIENTS);
    crowd_open(&c);
    crowd_echo(&c, 3);
    crowd_free(&c);
    stop(&r);
}

static void the_thread_that_turns_a_server_reads_what_is_so_now(void **state)
{
    (void)state;
    struct running r;
    struct crowd c;
    bind_threads(&r, 1);
    crowd_dial(&c, &r.address, 1);
    while (c.open_count < c.count) {
        assert_int_equal(wrd_server_turn(r.server, &r.handlers, 1), WRD_OK);
        crowd_turn(&c);
    }
    assert_int_equal(counters_of(r.server).endpoint.connections, 1);
    uint64_t before = counters_of(r.server).endpoint.datagrams_received;
    crowd_look(&c, 0);
    assert_int_equal(wrd_client_send(c.clients[0], &(uint32_t){0}, 4), WRD_OK);
    wrd_client_flush(c.clients[0]);
    assert_int_equal(poll(&(struct pollfd){r.server->node.udp.fd, POLLIN, 0}, 1, WAIT_MS), 1);
    assert_int_equal(wrd_server_turn(r.server, &r.handlers, WAIT_MS), WRD_OK);
    assert_true(counters_of(r.server).endpoint.datagrams_received > before);
    wrd_server_free(r.server);
    crowd_free(&c);
}

static void datagrams_that_find_no_room_in_the_socket_are_counted(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.socket_buffer = 4096;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, NULL), WRD_OK);
    wrd_address address;
    wrd_server_address(server, &address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(address.addr.port)};
    memcpy(&to.sin_addr, address.addr.ip, 4);
    char bytes[1200] = {0};
    for (int i = 0; i < 100; i++)
        assert_int_equal(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to), sizeof bytes);
    (void)close(fd);
    wrd_server_counters counters = counters_of(server);
    for (wrd_time until = deadline(); counters.receive_lost + counters.endpoint.dropped_garbage != 100;) {
        assert_true(wrd_node_now() < until);
        assert_int_equal(wrd_server_turn(server, &(wrd_handlers){0}, 1), WRD_OK);
        counters = counters_of(server);
    }
    assert_true(counters.receive_lost > 0);
    assert_true(counters.receive_buffer >= 1024 && counters.receive_buffer <= 4096);
    wrd_server_free(server);
}

/* ---- what another loop passes on */

static int open_udp(const struct sockaddr_in *peer)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    if (peer)
        assert_int_equal(connect(fd, (const struct sockaddr *)peer, sizeof *peer), 0);
    return fd;
}

static wrd_addr addr_of(int fd)
{
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    wrd_addr addr = {.family = 4, .port = ntohs(own.sin_port)};
    memcpy(addr.ip, &own.sin_addr, 4);
    return addr;
}

/* The check with which a client begins; it is answered from the packet alone. */
static size_t record_check(uint8_t *out, size_t cap)
{
    wrd_client *client;
    int fd = open_udp(NULL);
    wrd_address address = {.addr = addr_of(fd)};
    assert_int_equal(wrd_client_dial(&client, &address, NULL, NULL), WRD_OK);
    assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, WAIT_MS), 1);
    ssize_t len = recv(fd, out, cap, 0);
    assert_true(len > 20);
    (void)close(fd);
    wrd_client_close(client);
    wrd_client_free(client);
    return (size_t)len;
}

static void what_a_loop_is_passed_it_answers_from_its_own_socket_on_the_same_port(void **state)
{
    (void)state;
    struct running r;
    uint8_t check[1500], answer[1500];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    size_t len = record_check(check, sizeof check);
    int peer = open_udp(NULL);
    bind_and_start(&r, THREADS);
    for (unsigned to = 1; to < THREADS; to++) { /* this thread stands in for the core of loop 0 */
        const wrd_siblings *first = wrd_office_siblings(r.server->group->office, 0);
        const wrd_siblings *other = wrd_office_siblings(r.server->group->office, to);
        const wrd_path path = {.local = r.address.addr, .remote = addr_of(peer)};
        assert_memory_equal(first->key, other->key, sizeof first->key);
        other->own(other->user, 1000 + to, true);
        assert_int_equal(first->pass(first->user, 1000 + to, &path, check, len), WRD_OK);
        assert_int_equal(poll(&(struct pollfd){peer, POLLIN, 0}, 1, WAIT_MS), 1);
        assert_true(recvfrom(peer, answer, sizeof answer, 0, (struct sockaddr *)&from, &from_len) > 20);
        assert_int_equal(ntohs(from.sin_port), r.address.addr.port);
        assert_int_equal(answer[0] << 8 | answer[1], 0x0101);
        assert_memory_equal(answer + 8, check + 8, 12); /* the transaction */
    }
    wrd_server_stop(r.server);
    join(&r);
    for (unsigned i = 0; i < THREADS; i++) { /* each of the others had one */
        wrd_endpoint_counters counters = {.size = sizeof counters};
        wrd_endpoint_get_counters(wrd_server_endpoint(wrd_server_loop(r.server, i)), &counters);
        assert_int_equal(counters.checks_answered, i > 0);
    }
    wrd_server_free(r.server);
    (void)close(peer);
}

static void what_found_no_room_in_a_box_is_counted(void **state)
{
    (void)state;
    struct running r;
    uint8_t check[1500];
    size_t len = record_check(check, sizeof check);
    bind_threads(&r, 2);
    const wrd_siblings *first = wrd_office_siblings(r.server->group->office, 0);
    const wrd_siblings *other = wrd_office_siblings(r.server->group->office, 1);
    const wrd_path path = {.local = r.address.addr, .remote = {.family = 4, .ip = {127, 0, 0, 1}, .port = 9}};
    other->own(other->user, 5, true);
    for (unsigned i = 0; i < WRD_MAIL_MAX + 7; i++)
        assert_int_equal(first->pass(first->user, 5, &path, check, len), i < WRD_MAIL_MAX ? WRD_OK : WRD_AGAIN);
    wrd_server *loop = wrd_server_loop(r.server, 1);
    assert_int_equal(wrd_server_turn(loop, &r.handlers, WAIT_MS), WRD_OK);
    wrd_server_counters counters = counters_of(r.server);
    assert_int_equal(counters.passed_lost, 7);
    assert_int_equal(counters.endpoint.checks_answered, WRD_MAIL_MAX);
    assert_int_equal(counters.endpoint.datagrams_received, 0); /* by none of the sockets */
    wrd_server_free(r.server);
}

/* ---- a client whose address changes */

/* Passes datagrams between one client and the server, towards the server from a socket that it changes. */
struct middlebox {
    int inner, outer; /* the client's side, connected once it spoke; the server's */
    struct sockaddr_in server;
    wrd_address address; /* that the client dials */
    pthread_t thread;
    atomic_bool over;
    atomic_uint wanted, changes;
};

static void pass_inward(struct middlebox *m)
{
    char bytes[2048];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t got;
    while ((got = recvfrom(m->inner, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len)) > 0) {
        (void)!connect(m->inner, (struct sockaddr *)&from, len);
        (void)!send(m->outer, bytes, (size_t)got, 0);
    }
}

static void *run_middlebox(void *argument)
{
    struct middlebox *m = argument;
    char bytes[2048];
    ssize_t got;
    while (!atomic_load(&m->over)) {
        struct pollfd fds[2] = {{m->inner, POLLIN, 0}, {m->outer, POLLIN, 0}};
        (void)poll(fds, 2, 5);
        pass_inward(m);
        while ((got = recv(m->outer, bytes, sizeof bytes, 0)) > 0)
            (void)!send(m->inner, bytes, (size_t)got, 0);
        if (atomic_load(&m->changes) == atomic_load(&m->wanted))
            continue;
        int next = open_udp(&m->server);
        (void)close(m->outer);
        m->outer = next;
        atomic_fetch_add(&m->changes, 1);
    }
    return NULL;
}

static void place_middlebox(struct middlebox *m, const wrd_address *server)
{
    memset(m, 0, sizeof *m);
    m->address = *server;
    m->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(server->addr.port)};
    memcpy(&m->server.sin_addr, server->addr.ip, 4);
    m->inner = open_udp(NULL);
    m->outer = open_udp(&m->server);
    m->address.addr = addr_of(m->inner);
    assert_int_equal(pthread_create(&m->thread, NULL, run_middlebox, m), 0);
}

static void remove_middlebox(struct middlebox *m)
{
    atomic_store(&m->over, true);
    assert_int_equal(pthread_join(m->thread, NULL), 0);
    (void)close(m->inner);
    (void)close(m->outer);
}

static void a_client_whose_port_changes_is_known_on_whichever_loop_it_lands(void **state)
{
    (void)state;
    enum { LOOPS = 32, CHANGES = 5 }; /* all to the loop that it is on is less likely than 32 to the power of -5 */
    struct running r;
    struct middlebox m;
    struct crowd c;
    bind_and_start(&r, LOOPS);
    place_middlebox(&m, &r.address);
    crowd_dial(&c, &m.address, 1);
    crowd_open(&c);
    crowd_echo(&c, 3);
    for (unsigned i = 1; i <= CHANGES; i++) {
        atomic_store(&m.wanted, i);
        while (atomic_load(&m.changes) < i)
            crowd_turn(&c);
        crowd_echo(&c, 3);
    }
    assert_int_equal(atomic_load(&r.opened), 1); /* one connection all the while */
    assert_int_equal(atomic_load(&r.closed), 0);
    assert_int_equal(atomic_load(&r.moved), CHANGES);
    for (wrd_time until = deadline(); counters_of(r.server).endpoint.passed_on == 0;)
        assert_true(wrd_node_now() < until);
    assert_int_equal(counters_of(r.server).passed_lost, 0);
    crowd_free(&c);
    remove_middlebox(&m);
    stop(&r);
}

/* ---- what is refused */

static void a_port_in_use_is_found_whoever_asks_with_however_many_threads(void **state)
{
    (void)state;
    for (unsigned first = 1; first <= 2; first++) {
        struct running r;
        char text[WRD_ADDR_TEXT_SIZE];
        bind_threads(&r, first);
        wrd_addr_text(&r.address.addr, text);
        for (unsigned second = 1; second <= 2; second++) {
            wrd_server *server;
            const char *why;
            wrd_server_options options;
            wrd_server_options_init(&options);
            options.threads = second;
            errno = 0;
            assert_int_equal(wrd_server_bind(&server, text, &options, &why), WRD_SYSTEM);
            assert_int_equal(errno, EADDRINUSE);
            assert_non_null(strstr(why, "in use"));
            assert_null(server);
        }
        wrd_server_free(r.server);
    }
}

static void a_number_of_threads_out_of_range_is_said_plainly(void **state)
{
    (void)state;
    static const unsigned wrong[] = {65, 1000000, UINT32_MAX};
    wrd_server *server;
    const char *why;
    wrd_server_options options;
    wrd_server_options_init(&options);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.threads = wrong[i];
        assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, &why), WRD_INVALID);
        assert_non_null(strstr(why, "threads"));
        assert_null(server);
    }
    options.threads = 64; /* more than this machine has cores is slow, not wrong */
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, &why), WRD_OK);
    assert_int_equal(wrd_server_loops(server), 64);
    wrd_server_stop(server);
    assert_int_equal(wrd_server_run(server, &(wrd_handlers){0}), WRD_OK);
    wrd_server_free(server);
    options.threads = 0;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, &why), WRD_OK);
    assert_int_equal(wrd_server_loops(server), 1);
    wrd_server_free(server);
    wrd_siblings siblings = {0};
    options.threads = 2;
    options.endpoint.siblings = &siblings;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, &why), WRD_INVALID);
    assert_non_null(strstr(why, "siblings"));
}

/* ---- files that the loops share */

static void loops_write_one_capture_with_whole_packets(void **state)
{
    (void)state;
    char path[] = "/tmp/wrd-capture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct running r = {0};
    struct crowd c;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.threads = THREADS;
    options.capture_file = path;
    r.handlers = (wrd_handlers){.user = &r, .message = on_message};
    assert_int_equal(wrd_server_bind(&r.server, "127.0.0.1:0", &options, NULL), WRD_OK);
    wrd_server_address(r.server, &r.address);
    start(&r);
    crowd_dial(&c, &r.address, CLIENTS);
    crowd_open(&c);
    crowd_echo(&c, 5);
    crowd_free(&c);
    stop(&r);
    FILE *file = fdopen(fd, "rb");
    struct {
        uint32_t seconds, microseconds, captured, length;
    } header;
    uint8_t bytes[2000];
    unsigned packets = 0;
    assert_int_equal(fread(bytes, 1, 24, file), 24);
    while (fread(&header, sizeof header, 1, file) == 1) {
        assert_true(header.captured <= 1600 && header.captured == header.length);
        assert_int_equal(fread(bytes, 1, header.captured, file), header.captured);
        assert_int_equal(bytes[0], 0x45);
        assert_int_equal(bytes[9], 132); /* SCTP */
        packets++;
    }
    assert_true(feof(file));
    assert_true(packets > 10 * CLIENTS);
    (void)fclose(file);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_spread_over_the_loops_and_each_handler_is_called_on_its_own_thread),
        cmocka_unit_test(each_loop_has_the_same_address_and_is_found_by_its_index),
        cmocka_unit_test(a_stop_from_another_thread_ends_all_loops_and_the_server_runs_again),
        cmocka_unit_test(a_stop_in_a_handler_ends_all_loops),
        cmocka_unit_test(a_stop_before_the_run_ends_it_on_every_thread),
        cmocka_unit_test(a_loop_whose_socket_broke_ends_the_others),
        cmocka_unit_test(own_threads_serve_their_loops_with_poll_alone),
        cmocka_unit_test(a_drain_closes_every_connection_with_words_and_ends_the_run),
        cmocka_unit_test(a_signal_handler_may_drain),
        cmocka_unit_test(a_drain_ends_in_time_though_a_peer_is_mute),
        cmocka_unit_test(a_single_loop_drains_on_the_thread_that_turns_it),
        cmocka_unit_test(counters_are_summed_over_the_loops_from_any_thread),
        cmocka_unit_test(handlers_of_all_loops_may_read_the_counters_at_once),
        cmocka_unit_test(the_thread_that_turns_a_server_reads_what_is_so_now),
        cmocka_unit_test(datagrams_that_find_no_room_in_the_socket_are_counted),
        cmocka_unit_test(what_a_loop_is_passed_it_answers_from_its_own_socket_on_the_same_port),
        cmocka_unit_test(what_found_no_room_in_a_box_is_counted),
        cmocka_unit_test(a_client_whose_port_changes_is_known_on_whichever_loop_it_lands),
        cmocka_unit_test(a_port_in_use_is_found_whoever_asks_with_however_many_threads),
        cmocka_unit_test(a_number_of_threads_out_of_range_is_said_plainly),
        cmocka_unit_test(loops_write_one_capture_with_whole_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
