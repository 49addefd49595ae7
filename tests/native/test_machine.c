/* SPDX-License-Identifier: MIT */
/*
 * A server and its clients on machines that lack something, that refuse, whose table of open files is full, and whose
 * clocks jump. The linker hands us the calls that are refused.
 */
#define _GNU_SOURCE
#include "native/loop.h"
#include "wrd/wrd.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS_MAX 20000

/* ---- the machine */

static struct {
    bool no_epoll, no_eventfd, no_reuseport, no_mmsg;
    int send_error; /* what one message in eight gets, whoever sends it; 0: none */
    uint64_t random;
    int server_fd; /* of whom it is counted */
    unsigned refused;
    int64_t monotonic_s, unix_s; /* how far the clocks have jumped */
    unsigned unix_asked;
    unsigned threads; /* pthread_create() answers EAGAIN after so many; 0: never */
} machine;

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout);
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
time_t __real_time(time_t *out);
time_t __wrap_time(time_t *out);

static int refuse(int error)
{
    errno = error;
    return -1;
}

int __wrap_epoll_create1(int flags)
{
    return machine.no_epoll ? refuse(ENOSYS) : __real_epoll_create1(flags);
}

int __wrap_eventfd(unsigned count, int flags)
{
    return machine.no_eventfd ? refuse(ENOSYS) : __real_eventfd(count, flags);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return machine.no_reuseport && level == SOL_SOCKET && name == SO_REUSEPORT
               ? refuse(ENOPROTOOPT)
               : __real_setsockopt(fd, level, name, value, len);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
    if (machine.no_mmsg)
        return refuse(ENOSYS);
    machine.random = machine.random * UINT64_C(6364136223846793005) + 1442695040888963407;
    if (machine.send_error && machine.random >> 61 == 0) {
        machine.refused += fd == machine.server_fd;
        return refuse(machine.send_error);
    }
    return __real_sendmmsg(fd, headers, machine.send_error ? 1 : count, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout)
{
    return machine.no_mmsg ? refuse(ENOSYS) : __real_recvmmsg(fd, headers, count, flags, timeout);
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    return machine.threads > 0 && --machine.threads == 0 ? EAGAIN
                                                         : __real_pthread_create(out, attributes, run, argument);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    out->tv_sec += clock == CLOCK_REALTIME ? machine.unix_s : machine.monotonic_s;
    return result;
}

time_t __wrap_time(time_t *out)
{
    time_t now = __real_time(NULL) + machine.unix_s;
    machine.unix_asked++;
    if (out)
        *out = now;
    return now;
}

static int set_up(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof machine);
    return 0;
}

static int lowest_free_fd(void)
{
    int fd = dup(0);
    (void)close(fd);
    return fd;
}

/* ---- a server and some clients on one thread */

#define CLIENTS 5

struct scene {
    wrd_server *server;
    wrd_address address;
    wrd_client *clients[CLIENTS];
    unsigned count;
    bool open[CLIENTS], closed[CLIENTS];
    unsigned echoed[CLIENTS];
    wrd_result reason; /* of the last that was closed */
    unsigned turns;
};

static wrd_result echo(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    return wrd_server_send(server, conn, message->data, message->len);
}

static void bind_scene(struct scene *s, const wrd_server_options *options)
{
    const char *why = "";
    memset(s, 0, sizeof *s);
    if (wrd_server_bind(&s->server, "127.0.0.1:0", options, &why) != WRD_OK)
        fail_msg("%s", why);
    wrd_server_address(s->server, &s->address);
}

static void dial(struct scene *s, unsigned count)
{
    while (count-- > 0)
        assert_int_equal(wrd_client_dial(&s->clients[s->count++], &s->address, NULL, NULL), WRD_OK);
}

static void look(struct scene *s, unsigned i)
{
    wrd_event event;
    wrd_message message;
    wrd_client_process(s->clients[i]);
    while (wrd_client_next(s->clients[i], &event)) {
        s->open[i] = s->open[i] || event.kind == WRD_EVENT_OPEN;
        if (event.kind == WRD_EVENT_CLOSED) {
            s->closed[i] = true;
            s->reason = event.reason;
        }
    }
    while (wrd_client_receive(s->clients[i], &message) == WRD_OK) {
        s->echoed[i] += (unsigned)message.len;
        wrd_client_release(s->clients[i]);
    }
    wrd_client_flush(s->clients[i]);
}

static void turn(struct scene *s)
{
    assert_true(++s->turns < TURNS_MAX); /* it would spin, or never come to an end */
    for (unsigned i = 0; i < wrd_server_loops(s->server); i++)
        assert_int_equal(wrd_server_turn(wrd_server_loop(s->server, i), &(wrd_handlers){.message = echo}, 1), WRD_OK);
    for (unsigned i = 0; i < s->count; i++)
        look(s, i);
}

static void open_all(struct scene *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        while (!s->open[i] && !s->closed[i])
            turn(s);
        assert_true(s->open[i]);
    }
}

/* Each client that is left gets `len` bytes back. */
static void echo_all(struct scene *s, unsigned len)
{
    uint8_t *bytes = calloc(1, len);
    for (unsigned i = 0; i < s->count; i++) {
        s->echoed[i] = 0;
        if (!s->closed[i])
            assert_int_equal(wrd_client_send(s->clients[i], bytes, len), WRD_OK);
        wrd_client_flush(s->clients[i]);
    }
    for (unsigned i = 0; i < s->count; i++) {
        while (!s->closed[i] && s->echoed[i] < len)
            turn(s);
    }
    free(bytes);
}

static wrd_server_counters counters_of(struct scene *s)
{
    wrd_server_counters counters = {.size = sizeof counters};
    wrd_server_get_counters(s->server, &counters);
    return counters;
}

static void end(struct scene *s)
{
    wrd_server_free(s->server);
    for (unsigned i = 0; i < s->count; i++)
        wrd_client_free(s->clients[i]);
}

static void lives(const wrd_server_options *options)
{
    struct scene s;
    bind_scene(&s, options);
    dial(&s, 3);
    open_all(&s);
    echo_all(&s, 200000);
    for (unsigned i = 0; i < s.count; i++)
        assert_false(s.closed[i]);
    end(&s);
}

/* ---- machines that lack something */

static void without_epoll_the_loop_polls_and_is_woken(void **state)
{
    (void)state;
    machine.no_epoll = true;
    struct scene s;
    bind_scene(&s, NULL);
    assert_ptr_equal(s.server->waiter.kind, &wrd_waiter_poll);
    assert_int_equal(wrd_server_fd(s.server), s.server->node.udp.fd);
    assert_true(wrd_server_timeout(s.server) >= 0); /* no descriptor tells of what other threads say */
    wrd_server_stop(s.server);
    assert_int_equal(wrd_server_turn(s.server, &(wrd_handlers){0}, -1), WRD_CLOSED);
    end(&s);
    lives(NULL);
}

static void with_epoll_one_descriptor_tells_of_datagrams_and_of_other_threads(void **state)
{
    (void)state;
    struct scene s;
    bind_scene(&s, NULL);
    assert_ptr_equal(s.server->waiter.kind, &wrd_waiter_epoll);
    struct pollfd fd = {wrd_server_fd(s.server), POLLIN, 0};
    assert_int_equal(poll(&fd, 1, 0), 0);
    wrd_server_stop(s.server);
    assert_int_equal(poll(&fd, 1, 5000), 1);
    wrd_server_process(s.server);
    assert_int_equal(poll(&fd, 1, 0), 0);
    dial(&s, 1);
    assert_int_equal(poll(&fd, 1, 5000), 1);
    end(&s);
}

static void without_eventfd_a_pipe_wakes_the_loop(void **state)
{
    (void)state;
    for (int polls = 0; polls < 2; polls++) {
        machine.no_eventfd = true;
        machine.no_epoll = polls == 1;
        int before = lowest_free_fd();
        struct scene s;
        bind_scene(&s, NULL);
        assert_int_not_equal(s.server->wake.read_fd, s.server->wake.write_fd);
        for (int i = 0; i < 100000; i++)
            wrd_server_stop(s.server); /* more than a pipe holds */
        assert_int_equal(wrd_server_turn(s.server, &(wrd_handlers){0}, -1), WRD_CLOSED);
        assert_int_equal(wrd_server_turn(s.server, &(wrd_handlers){0}, 0), WRD_OK);
        end(&s);
        lives(NULL);
        assert_int_equal(lowest_free_fd(), before);
    }
}

static void without_a_shared_port_there_is_one_loop_and_the_server_says_so(void **state)
{
    (void)state;
    machine.no_reuseport = true;
    struct scene s;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.threads = 4;
    bind_scene(&s, &options);
    assert_int_equal(wrd_server_loops(s.server), 1);
    assert_int_equal(counters_of(&s).threads, 1);
    end(&s);
    lives(&options);
}

static void without_batches_all_goes_one_by_one(void **state)
{
    (void)state;
    machine.no_mmsg = true;
    lives(NULL);
}

static void small_buffers_are_told_and_carry_everything(void **state)
{
    (void)state;
    struct scene s;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.socket_buffer = 1;
    bind_scene(&s, &options);
    wrd_server_counters counters = counters_of(&s);
    assert_true(counters.receive_buffer > 0 && counters.receive_buffer < 10000);
    assert_true(counters.send_buffer > 0 && counters.send_buffer < 10000);
    end(&s);
    lives(&options);
    options.socket_buffer = -1;
    assert_int_equal(wrd_server_bind(&s.server, "127.0.0.1:0", &options, NULL), WRD_INVALID);
}

static void without_another_thread_the_run_ends_and_says_so_and_may_be_tried_again(void **state)
{
    (void)state;
    struct scene s;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.threads = 4;
    bind_scene(&s, &options);
    for (unsigned nth = 1; nth < 4; nth++) {
        machine.threads = nth;
        errno = 0;
        assert_int_equal(wrd_server_run(s.server, &(wrd_handlers){0}), WRD_SYSTEM);
        assert_int_equal(errno, EAGAIN);
    }
    machine.threads = 0;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(wrd_server_turn(wrd_server_loop(s.server, i), &(wrd_handlers){0}, 0), WRD_OK);
    wrd_server_stop(s.server);
    assert_int_equal(wrd_server_run(s.server, &(wrd_handlers){0}), WRD_OK);
    end(&s);
}

/* ---- machines that refuse */

static void what_the_kernel_refuses_is_counted_and_every_message_arrives(void **state)
{
    (void)state;
    static const int errors[] = {ENOBUFS, EAGAIN, EPERM, ENETUNREACH, EMSGSIZE};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        struct scene s;
        bind_scene(&s, NULL);
        dial(&s, CLIENTS);
        open_all(&s);
        machine.send_error = errors[e];
        machine.server_fd = s.server->node.udp.fd;
        machine.refused = 0;
        while (machine.refused < 5)
            echo_all(&s, 100000);
        machine.send_error = 0;
        for (unsigned i = 0; i < s.count; i++)
            assert_false(s.closed[i]);
        wrd_server_counters counters = counters_of(&s);
        assert_int_equal(counters.send_full, e < 2 ? machine.refused : 0);
        if (errors[e] == EAGAIN)
            assert_int_equal(counters.send_refused, 0);
        else /* without room for one, others do not wait behind it */
            assert_true(errors[e] == ENOBUFS || counters.send_refused > 0);
        end(&s);
    }
}

/* ---- a full table of open files */

static void bind_until_there_is_room(unsigned threads)
{
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int first = lowest_free_fd();
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.threads = threads;
    wrd_server *server = NULL;
    unsigned failed = 0;
    for (int room = 0; !server; room++) {
        low = (struct rlimit){(rlim_t)(first + room), limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        const char *why = "";
        errno = 0;
        wrd_result result = wrd_server_bind(&server, "127.0.0.1:0", &options, &why);
        int error = errno;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(result == WRD_OK, server != NULL);
        if (server)
            break;
        failed++;
        assert_int_equal(result, WRD_SYSTEM);
        assert_int_equal(error, EMFILE);
        assert_non_null(strstr(why, "too many files"));
        assert_int_equal(lowest_free_fd(), first);
    }
    assert_true(failed >= 3 * threads); /* more where others are open above these */
    wrd_server_free(server);
    assert_int_equal(lowest_free_fd(), first);
}

static void a_full_table_of_open_files_is_said_plainly_and_leaks_nothing(void **state)
{
    (void)state;
    bind_until_there_is_room(1);
    bind_until_there_is_room(3);
}

static void a_client_says_it_too(void **state)
{
    (void)state;
    struct scene s;
    struct rlimit limit;
    bind_scene(&s, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = {(rlim_t)lowest_free_fd(), limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    const char *why = "";
    wrd_result result = wrd_client_dial(&s.clients[0], &s.address, NULL, &why);
    int error = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(result, WRD_SYSTEM);
    assert_int_equal(error, EMFILE);
    assert_non_null(strstr(why, "too many files"));
    assert_null(s.clients[0]);
    end(&s);
}

/* ---- clocks that jump */

static void after_hours_of_sleep_the_server_serves_and_nothing_spins(void **state)
{
    (void)state;
    struct scene s;
    bind_scene(&s, NULL);
    dial(&s, 2);
    open_all(&s);
    echo_all(&s, 50000);
    for (unsigned jump = 0; jump < 3; jump++) {
        uint8_t bytes[3000] = {0};
        for (unsigned i = 0; i < s.count; i++) /* in flight when the lid closes */
            (void)!wrd_client_send(s.clients[i], bytes, sizeof bytes);
        machine.monotonic_s += 8 * 3600;
        unsigned before = s.turns;
        wrd_time began = wrd_node_now();
        dial(&s, 1);
        open_all(&s);
        echo_all(&s, 50000);
        wrd_time waited = wrd_node_now() - began; /* a turn in which nothing happens takes a millisecond */
        assert_true(s.turns - before < 2000 + waited / WRD_MILLISECOND);
    }
    for (unsigned i = 0; i < s.count; i++) /* the earlier ones may count as lost, and then they know */
        assert_true(!s.closed[i] || s.reason == WRD_LOST || s.reason == WRD_CLOSED);
    assert_false(s.closed[s.count - 1]);
    end(&s);
}

static void a_handshake_over_a_jump_ends_one_way_or_the_other(void **state)
{
    (void)state;
    struct scene s;
    bind_scene(&s, NULL);
    dial(&s, 1);
    turn(&s);
    machine.monotonic_s += 3 * 3600;
    while (!s.open[0] && !s.closed[0])
        turn(&s);
    dial(&s, 1);
    while (!s.open[1] && !s.closed[1])
        turn(&s);
    assert_true(s.open[1]);
    end(&s);
}

static void the_wall_clock_may_go_backwards(void **state)
{
    (void)state;
    struct scene s;
    bind_scene(&s, NULL);
    dial(&s, 1);
    open_all(&s);
    machine.unix_s = -10 * 365 * 24 * 3600;
    echo_all(&s, 50000);
    dial(&s, 1);
    machine.unix_s = INT32_MIN; /* before 1970 */
    open_all(&s);
    echo_all(&s, 50000);
    assert_false(s.closed[0] || s.closed[1]);
    end(&s);
}

/* Whether a client with this token gets in within `patience`. */
static bool is_let_in(struct scene *s, const char *token, wrd_time patience)
{
    unsigned i = s->count++;
    wrd_client_options options;
    wrd_client_options_init(&options);
    options.token = token;
    options.endpoint.handshake_timeout = patience;
    assert_int_equal(wrd_client_dial(&s->clients[i], &s->address, &options, NULL), WRD_OK);
    while (!s->open[i] && !s->closed[i])
        turn(s);
    return s->open[i];
}

static void a_token_lives_by_the_wall_clock_which_may_jump_either_way(void **state)
{
    (void)state;
    const wrd_time soon = 300 * WRD_MILLISECOND, late = 15 * WRD_SECOND;
    struct scene s;
    wrd_server_options options;
    wrd_server_options_init(&options);
    wrd_token_key key = {{1, 2, 3}};
    options.endpoint.token_keys = &key;
    options.endpoint.token_key_count = 1;
    bind_scene(&s, &options);
    char token[WRD_TOKEN_LEN + 1];
    const wrd_token says = {.expires = (uint64_t)__real_time(NULL) + 600};
    assert_int_equal(wrd_token_mint(token, &says, &key), WRD_OK);
    assert_true(is_let_in(&s, token, late));
    assert_true(machine.unix_asked > 0);
    machine.unix_s = 1200;
    assert_false(is_let_in(&s, token, soon));
    while (counters_of(&s).endpoint.checks_expired_token == 0)
        turn(&s); /* it may still be under way */
    machine.unix_s = -1200;
    assert_true(is_let_in(&s, token, late));
    machine.unix_s = 0;
    assert_false(is_let_in(&s, NULL, soon));
    assert_false(s.closed[0]);
    end(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(with_epoll_one_descriptor_tells_of_datagrams_and_of_other_threads),
        TEST(without_epoll_the_loop_polls_and_is_woken),
        TEST(without_eventfd_a_pipe_wakes_the_loop),
        TEST(without_a_shared_port_there_is_one_loop_and_the_server_says_so),
        TEST(without_batches_all_goes_one_by_one),
        TEST(small_buffers_are_told_and_carry_everything),
        TEST(without_another_thread_the_run_ends_and_says_so_and_may_be_tried_again),
        TEST(what_the_kernel_refuses_is_counted_and_every_message_arrives),
        TEST(a_full_table_of_open_files_is_said_plainly_and_leaks_nothing),
        TEST(a_client_says_it_too),
        TEST(after_hours_of_sleep_the_server_serves_and_nothing_spins),
        TEST(a_handshake_over_a_jump_ends_one_way_or_the_other),
        TEST(the_wall_clock_may_go_backwards),
        TEST(a_token_lives_by_the_wall_clock_which_may_jump_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
