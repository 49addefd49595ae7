/* SPDX-License-Identifier: MIT */
/*
 * Thousands of clients in one process share the buffers that they read into. The linker hands us malloc() and free(),
 * so that sets of buffers can be counted. Run under ThreadSanitizer, too.
 */
#define _GNU_SOURCE /* sendmmsg */
#include "native/buffers.h"
#include "wrd/wrd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define SETS_MAX 64
#define CLIENTS  20

static _Atomic(void *) sets[SETS_MAX];
static atomic_int set_count, most_sets;
static atomic_bool no_memory, full;

void *__real_malloc(size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
    if (size < sizeof(struct wrd_buffers))
        return __real_malloc(size);
    void *p = atomic_load(&no_memory) ? NULL : __real_malloc(size);
    for (int i = 0; p && i < SETS_MAX; i++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong(&sets[i], &none, p)) {
            int count = atomic_fetch_add(&set_count, 1) + 1, most = atomic_load(&most_sets);
            while (count > most && !atomic_compare_exchange_strong(&most_sets, &most, count))
                continue;
            return p;
        }
    }
    return p;
}

void __wrap_free(void *p)
{
    for (int i = 0; p && i < SETS_MAX; i++) {
        void *same = p;
        if (atomic_compare_exchange_strong(&sets[i], &same, NULL)) {
            atomic_fetch_sub(&set_count, 1);
            break;
        }
    }
    __real_free(p);
}

int __real_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);

int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
    if (!atomic_load(&full))
        return __real_sendmmsg(fd, headers, count, flags);
    errno = EAGAIN;
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&set_count), 0);
    atomic_store(&most_sets, 0);
    atomic_store(&no_memory, false);
    return 0;
}

/* ---- the sets */

static void a_set_that_is_given_back_is_the_next_ones(void **state)
{
    (void)state;
    assert_true(wrd_buffers_join());
    struct wrd_buffers *first = wrd_buffers_take();
    assert_non_null(first);
    wrd_buffers_give(first);
    assert_ptr_equal(wrd_buffers_take(), first);
    struct wrd_buffers *second = wrd_buffers_take();
    assert_non_null(second);
    assert_ptr_not_equal(second, first);
    memset(first->bytes, 1, WRD_UDP_IN * WRD_UDP_SLOT_MAX);
    wrd_buffers_give(first);
    wrd_buffers_give(second);
    assert_int_equal(atomic_load(&most_sets), 2);
    wrd_buffers_leave();
    assert_int_equal(atomic_load(&set_count), 0);
}

static void only_a_few_wait_for_the_next_user_and_none_outlives_the_last(void **state)
{
    (void)state;
    struct wrd_buffers *taken[30];
    assert_true(wrd_buffers_join());
    assert_true(wrd_buffers_join());
    for (int i = 0; i < 30; i++)
        assert_non_null(taken[i] = wrd_buffers_take());
    assert_int_equal(atomic_load(&set_count), 30);
    for (int i = 0; i < 30; i++)
        wrd_buffers_give(taken[i]);
    assert_true(atomic_load(&set_count) <= 8);
    wrd_buffers_leave();
    assert_true(atomic_load(&set_count) > 0);
    wrd_buffers_leave();
    assert_int_equal(atomic_load(&set_count), 0);
}

static void whoever_joined_has_a_set_though_memory_is_gone(void **state)
{
    (void)state;
    assert_true(wrd_buffers_join());
    atomic_store(&no_memory, true);
    assert_true(wrd_buffers_join()); /* one thread, one set */
    struct wrd_buffers *buffers = wrd_buffers_take();
    assert_non_null(buffers);
    assert_null(wrd_buffers_take());
    wrd_buffers_give(buffers);
    wrd_buffers_leave();
    wrd_buffers_leave();
    assert_false(wrd_buffers_join());
}

/* ---- clients */

static wrd_result echo(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    return wrd_server_send(server, conn, message->data, message->len);
}

static void *run(void *server)
{
    return wrd_server_run(server, &(wrd_handlers){.message = echo}) == WRD_OK ? server : NULL;
}

static void *talk(void *argument)
{
    const char *address = argument;
    wrd_client *clients[CLIENTS];
    wrd_message message;
    for (int i = 0; i < CLIENTS; i++) {
        if (wrd_client_connect(&clients[i], address, NULL, NULL) != WRD_OK)
            return "not connected";
    }
    for (int i = 0; i < 5 * CLIENTS; i++) {
        wrd_client *client = clients[i % CLIENTS];
        if (wrd_client_send(client, &i, sizeof i) != WRD_OK || wrd_client_wait(client, &message, 20000) != WRD_OK ||
            message.len != sizeof i || memcmp(message.data, &i, sizeof i) != 0)
            return "not echoed";
        wrd_client_release(client);
    }
    for (int i = 0; i < CLIENTS; i++)
        wrd_client_free(clients[i]);
    return NULL;
}

static void clients_of_a_thread_share_one_set_and_those_of_three_at_most_three(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    pthread_t serving, talking[3];
    void *fault;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, NULL), WRD_OK);
    wrd_server_address(server, &address);
    wrd_address_text(&address, text);
    assert_int_equal(pthread_create(&serving, NULL, run, server), 0);
    fault = talk(text);
    if (fault)
        fail_msg("%s", (char *)fault);
    assert_true(atomic_load(&most_sets) <= 2); /* one is the server's */
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&talking[i], NULL, talk, text), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(talking[i], &fault), 0);
        if (fault)
            fail_msg("%s", (char *)fault);
    }
    assert_true(atomic_load(&most_sets) <= 4);
    wrd_server_stop(server);
    assert_int_equal(pthread_join(serving, &fault), 0);
    assert_ptr_equal(fault, server);
    wrd_server_free(server);
    assert_int_equal(atomic_load(&set_count), 0);
}

static void run_both(wrd_server *server, wrd_client *clients[CLIENTS], unsigned *open, unsigned *echoed)
{
    wrd_event event;
    wrd_message message;
    assert_int_equal(wrd_server_turn(server, &(wrd_handlers){.message = echo}, 1), WRD_OK);
    for (int i = 0; i < CLIENTS; i++) {
        wrd_client_process(clients[i]);
        while (wrd_client_next(clients[i], &event)) {
            *open += event.kind == WRD_EVENT_OPEN;
            assert_int_not_equal(event.kind, WRD_EVENT_CLOSED);
        }
        while (wrd_client_receive(clients[i], &message) == WRD_OK) {
            *echoed += (unsigned)message.len;
            wrd_client_release(clients[i]);
        }
        wrd_client_flush(clients[i]);
    }
}

static void clients_whose_sockets_are_full_keep_their_datagrams_and_no_set(void **state)
{
    (void)state;
    static uint8_t bytes[30000];
    wrd_server *server;
    wrd_address address;
    wrd_client *clients[CLIENTS];
    unsigned open = 0, echoed = 0;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, NULL), WRD_OK);
    wrd_server_address(server, &address);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(wrd_client_dial(&clients[i], &address, NULL, NULL), WRD_OK);
    while (open < CLIENTS)
        run_both(server, clients, &open, &echoed);
    atomic_store(&full, true);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(wrd_client_send(clients[i], bytes, sizeof bytes), WRD_OK);
    for (int turns = 0; turns < 20; turns++)
        run_both(server, clients, &open, &echoed);
    assert_int_equal(echoed, 0);
    assert_true(atomic_load(&most_sets) <= 2);
    atomic_store(&full, false);
    while (echoed < CLIENTS * sizeof bytes)
        run_both(server, clients, &open, &echoed);
    assert_true(atomic_load(&most_sets) <= 2);
    wrd_server_free(server);
    for (int i = 0; i < CLIENTS; i++)
        wrd_client_free(clients[i]);
}

static void a_token_that_is_none_is_refused_with_a_sentence(void **state)
{
    (void)state;
    wrd_address address;
    wrd_client *client;
    const char *why = "";
    static const char text[] = "127.0.0.1:9 00000000000000000000000000000000000000000000000000000000000000ff";
    assert_int_equal(wrd_address_parse(&address, text, strlen(text), NULL), WRD_OK);
    wrd_client_options options;
    wrd_client_options_init(&options);
    options.token = "two words";
    assert_int_equal(wrd_client_dial(&client, &address, &options, &why), WRD_INVALID);
    assert_non_null(strstr(why, "token"));
    assert_null(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(a_set_that_is_given_back_is_the_next_ones),
        TEST(only_a_few_wait_for_the_next_user_and_none_outlives_the_last),
        TEST(whoever_joined_has_a_set_though_memory_is_gone),
        TEST(clients_of_a_thread_share_one_set_and_those_of_three_at_most_three),
        TEST(clients_whose_sockets_are_full_keep_their_datagrams_and_no_set),
        TEST(a_token_that_is_none_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
