/* SPDX-License-Identifier: MIT */
/*
 * One allocation after another fails, over a whole life: bind, dial, handshake, echo, close. The linker hands us every
 * malloc(), calloc(), realloc() and free() of our objects (not libcrypto's), and with poll() and clock_gettime() the
 * time: where the program would wait, the clock jumps. Nothing sleeps, and a wait without end is seen.
 */
#define _POSIX_C_SOURCE 200809L
#include "wrd/wrd.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what the linker puts in place of the C library's */

static struct {
    unsigned asked;    /* allocations so far */
    unsigned fail_at;  /* the first to fail, from 1; 0: none */
    unsigned fail_for; /* and how many in a row */
    unsigned failed;
    long live;
} heap;

static int64_t skipped_ns; /* how far the clock has jumped */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *p);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

static bool refuse(void)
{
    heap.asked++;
    if (heap.fail_at == 0 || heap.asked < heap.fail_at || heap.asked - heap.fail_at >= heap.fail_for)
        return false;
    heap.failed++;
    return true;
}

static void *count_live(void *p)
{
    heap.live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : count_live(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : count_live(__real_calloc(count, size));
}

/* Shrinking must not fail, says wrd_env; glibc's never does, but the size of `old` is not known here. The core frees
 * rather than shrinks. */
void *__wrap_realloc(void *old, size_t size)
{
    if (refuse())
        return NULL;
    void *p = __real_realloc(old, size);
    return old ? p : count_live(p);
}

void __wrap_free(void *p)
{
    heap.live -= p != NULL;
    __real_free(p);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int ready = __real_poll(fds, count, 0);
    if (ready == 0 && timeout_ms != 0)
        ready = __real_poll(fds, count, 1);    /* loopback delivers at once, or nearly */
    assert_true(ready > 0 || timeout_ms >= 0); /* else it would wait for ever */
    if (ready == 0)
        skipped_ns += (int64_t)timeout_ms * 1000000;
    return ready;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    int64_t ns = out->tv_nsec + skipped_ns;
    out->tv_sec += (time_t)(ns / 1000000000);
    out->tv_nsec = (long)(ns % 1000000000);
    return result;
}

/* ---- one life */

#define MESSAGES   3
#define TURNS_MAX  5000 /* a life without trouble takes a few dozen */
#define TURNS_BARE 300  /* before memory is back: a connection may live on without, and then has to go on */

struct life {
    unsigned fail_at;
    wrd_server *server;
    wrd_client *client;
    wrd_conn accepted; /* 0: none */
    unsigned sent, echoed;
    bool client_closed;
    wrd_result reason; /* of that */
};

static const size_t sizes[MESSAGES] = {5, 0, 150000};
static uint8_t bytes[150000];

/* What may become of a connection while memory is short; anything else would blame the peer or the protocol. */
static void expect_clear(const struct life *life, wrd_result reason, const char *text)
{
    if (reason != WRD_OK && reason != WRD_CLOSED && reason != WRD_NO_MEMORY && reason != WRD_TIMEOUT &&
        reason != WRD_LOST)
        fail_msg("allocation %u: ended with %d, %s", life->fail_at, reason, text);
    assert_true(strlen(text) > 5);
}

static void serve(struct life *life)
{
    wrd_event event;
    wrd_message message;
    wrd_server_process(life->server);
    while (wrd_server_next(life->server, &event)) {
        if (event.kind == WRD_EVENT_OPEN)
            life->accepted = event.conn;
        if (event.kind == WRD_EVENT_CLOSED) {
            assert_true(event.conn == life->accepted);
            life->accepted = 0;
            expect_clear(life, event.reason, event.text);
        }
    }
    while (life->accepted && wrd_server_receive(life->server, life->accepted, &message) == WRD_OK) {
        wrd_result result = wrd_server_send(life->server, life->accepted, message.data, message.len);
        if (result == WRD_AGAIN)
            break;
        if (result == WRD_NO_MEMORY) /* it has changed nothing: once more, then give up */
            result = wrd_server_send(life->server, life->accepted, message.data, message.len);
        if (result == WRD_OK) {
            wrd_server_release(life->server, life->accepted);
            continue;
        }
        assert_true(result == WRD_CLOSED || (result == WRD_NO_MEMORY && heap.fail_for > 1));
        wrd_server_release(life->server, life->accepted);
        wrd_server_close(life->server, life->accepted);
        break;
    }
    wrd_server_flush(life->server);
}

static void say_next(struct life *life)
{
    wrd_result result = wrd_client_send(life->client, bytes, sizes[life->sent]);
    if (result == WRD_NO_MEMORY)
        result = wrd_client_send(life->client, bytes, sizes[life->sent]);
    assert_true(result == WRD_OK || result == WRD_AGAIN || result == WRD_CLOSED ||
                (result == WRD_NO_MEMORY && heap.fail_for > 1));
    if (result == WRD_OK)
        life->sent++;
    else if (result == WRD_NO_MEMORY)
        wrd_client_close(life->client);
}

static void talk(struct life *life)
{
    wrd_event event;
    wrd_message message;
    wrd_client_process(life->client);
    while (wrd_client_next(life->client, &event)) {
        if (event.kind == WRD_EVENT_CLOSED) {
            life->client_closed = true;
            life->reason = event.reason;
            expect_clear(life, event.reason, event.text);
        }
    }
    while (wrd_client_receive(life->client, &message) == WRD_OK) {
        assert_true(life->echoed < life->sent);
        assert_int_equal(message.len, sizes[life->echoed]);
        assert_memory_equal(message.data, bytes, message.len);
        wrd_client_release(life->client);
        if (++life->echoed == MESSAGES)
            wrd_client_close(life->client);
    }
    wrd_conn_info info = {.size = sizeof info};
    bool open = wrd_conn_get_info(wrd_client_endpoint(life->client), wrd_client_conn(life->client), &info) == WRD_OK &&
                info.open;
    if (open && life->sent == life->echoed && life->sent < MESSAGES)
        say_next(life);
    wrd_client_flush(life->client);
}

static uint32_t connections(wrd_endpoint *endpoint)
{
    wrd_endpoint_counters counters = {.size = sizeof counters};
    wrd_endpoint_get_counters(endpoint, &counters);
    return counters.connections;
}

static void live_until_both_ended(struct life *life)
{
    for (unsigned turn = 0; !life->client_closed || connections(wrd_server_endpoint(life->server)) > 0; turn++) {
        if (turn == TURNS_MAX)
            fail_msg("allocation %u (%u in a row): no end", life->fail_at, heap.fail_for);
        if (turn == TURNS_BARE)
            heap.fail_at = 0;
        struct pollfd fds[2] = {{wrd_server_fd(life->server), POLLIN, 0}, {wrd_client_fd(life->client), POLLIN, 0}};
        int a = wrd_server_timeout(life->server), b = wrd_client_timeout(life->client);
        (void)poll(fds, 2, a < 0 ? b : b < 0 ? a : a < b ? a : b);
        serve(life);
        talk(life);
    }
}

static wrd_result bind_and_dial(struct life *life, wrd_mode mode)
{
    const char *why = "";
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.endpoint.mode = mode;
    wrd_result result = wrd_server_bind(&life->server, "127.0.0.1:0", &options, &why);
    assert_int_equal(life->server == NULL, result != WRD_OK);
    if (result == WRD_OK) {
        wrd_address address;
        wrd_server_address(life->server, &address);
        wrd_client_options client_options;
        wrd_client_options_init(&client_options);
        client_options.endpoint.mode = mode;
        result = wrd_client_dial(&life->client, &address, &client_options, &why);
        assert_int_equal(life->client == NULL, result != WRD_OK);
    }
    assert_true(result == WRD_OK || result == WRD_NO_MEMORY);
    if (result == WRD_NO_MEMORY)
        assert_non_null(strstr(why, "memory"));
    return result;
}

/* True: all was echoed. */
static bool live(wrd_mode mode, unsigned fail_at, unsigned fail_for)
{
    struct life life = {.fail_at = fail_at};
    int lowest_fd = dup(0);
    (void)close(lowest_fd);
    memset(&heap, 0, sizeof heap);
    heap.fail_at = fail_at;
    heap.fail_for = fail_for;
    wrd_result result = bind_and_dial(&life, mode);
    if (result == WRD_OK)
        live_until_both_ended(&life);
    wrd_client_free(life.client);
    wrd_server_free(life.server);
    if (heap.live != 0)
        fail_msg("allocation %u (%u in a row): %ld leaked", fail_at, fail_for, heap.live);
    int fd = dup(0);
    (void)close(fd);
    assert_int_equal(fd, lowest_fd); /* no socket is left open */
    return life.echoed == MESSAGES && life.reason == WRD_OK;
}

static void every_allocation_fails_once(wrd_mode mode)
{
    assert_true(live(mode, 0, 0));
    unsigned count = heap.asked, failed = 0, echoed = 0, lives = 0;
    assert_true(count > 10);
    do { /* how many there are varies a little; the last life is one that never came so far */
        echoed += live(mode, ++lives, 1);
        failed += heap.failed;
    } while (heap.failed > 0 && lives < 2 * count);
    print_message("mode %d: %u allocations, %u failed one each, %u lives echoed all\n", mode, count, failed, echoed);
    assert_true(failed >= count / 2);
}

static void from_each_allocation_on_many_fail(wrd_mode mode)
{
    assert_true(live(mode, 0, 0));
    unsigned count = heap.asked;
    for (unsigned at = 1; at <= count; at++)
        (void)live(mode, at, UINT32_MAX);
}

static void each_allocation_may_fail_in_framed_mode(void **state)
{
    (void)state;
    every_allocation_fails_once(WRD_FRAMED);
}

static void each_allocation_may_fail_in_raw_mode(void **state)
{
    (void)state;
    every_allocation_fails_once(WRD_RAW);
}

static void memory_may_be_gone_for_a_while_from_any_time_in_framed_mode(void **state)
{
    (void)state;
    from_each_allocation_on_many_fail(WRD_FRAMED);
}

static void memory_may_be_gone_for_a_while_from_any_time_in_raw_mode(void **state)
{
    (void)state;
    from_each_allocation_on_many_fail(WRD_RAW);
}

int main(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail_in_framed_mode),
        cmocka_unit_test(each_allocation_may_fail_in_raw_mode),
        cmocka_unit_test(memory_may_be_gone_for_a_while_from_any_time_in_framed_mode),
        cmocka_unit_test(memory_may_be_gone_for_a_while_from_any_time_in_raw_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
