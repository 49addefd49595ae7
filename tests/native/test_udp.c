/* SPDX-License-Identifier: MIT */
/* The socket on a kernel that has everything, on ones that lack something, and on ones that refuse. */
#define _GNU_SOURCE /* sendmmsg */
#include "native/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define WAIT_MS 60000

/* The linker sends the socket's calls here: --wrap. */
int __real_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

static struct {
    unsigned messages; /* handed to sendmmsg() and taken */
    bool no_mmsg;      /* ENOSYS */
    bool no_segments, no_joining;
    int segment_error;    /* what a message of several datagrams gets */
    unsigned refusals;    /* how often */
    int error;            /* what the message after `error_after` gets, once */
    unsigned error_after; /* messages that are still taken */
    bool error_stays;     /* not once but until further notice */
    uint16_t error_port;  /* 0: whoever it is for */
} kernel;

static bool has_segments(const struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR((struct msghdr *)header, c)) {
        if (c->cmsg_level == SOL_UDP)
            return true;
    }
    return false;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

static bool is_meant(const struct msghdr *header)
{
    const struct sockaddr_in *to = header->msg_name;
    return kernel.error && kernel.error_after == 0 && (!kernel.error_port || ntohs(to->sin_port) == kernel.error_port);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
    if (kernel.no_mmsg)
        return refuse(ENOSYS);
    int sent = 0;
    for (unsigned i = 0; i < count; i++) {
        if (kernel.segment_error && has_segments(&headers[i].msg_hdr)) {
            kernel.refusals += sent == 0;
            return sent ? sent : refuse(kernel.segment_error);
        }
        if (is_meant(&headers[i].msg_hdr)) {
            if (sent)
                return sent;
            int error = kernel.error;
            kernel.error = kernel.error_stays ? error : 0;
            return refuse(error);
        }
        if (__real_sendmmsg(fd, headers + i, 1, flags) != 1)
            return sent ? sent : -1;
        kernel.error_after -= kernel.error_after > 0;
        kernel.messages++;
        sent++;
    }
    return sent;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout)
{
    return kernel.no_mmsg ? refuse(ENOSYS) : __real_recvmmsg(fd, headers, count, flags, timeout);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (kernel.no_segments && level == SOL_UDP && name == UDP_SEGMENT)
        return refuse(ENOPROTOOPT);
    return __real_getsockopt(fd, level, name, value, len);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    if (kernel.no_joining && level == SOL_UDP && name == UDP_GRO)
        return refuse(ENOPROTOOPT);
    return __real_setsockopt(fd, level, name, value, len);
}

struct scene {
    struct wrd_udp from, to, other;
    struct wrd_inbox inbox;
    struct wrd_datagram batch[WRD_UDP_OUT];
    unsigned count;
};

static void open_socket(struct wrd_udp *udp)
{
    const char *why = "";
    wrd_addr any = {.family = 4, .ip = {127, 0, 0, 1}};
    const struct wrd_udp_options options = {.buffer_size = 1 << 20};
    assert_int_equal(wrd_udp_open(udp, &any, &options, &why), WRD_OK);
}

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    memset(&kernel, 0, sizeof kernel);
    open_socket(&s->from);
    open_socket(&s->to);
    open_socket(&s->other);
    s->inbox.slot = 65536;
    s->inbox.bytes = malloc(WRD_UDP_IN * s->inbox.slot);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    wrd_udp_close(&s->from);
    wrd_udp_close(&s->to);
    wrd_udp_close(&s->other);
    free(s->inbox.bytes);
    free(s);
    return 0;
}

static void add(struct scene *s, const struct wrd_udp *to, size_t len)
{
    struct wrd_datagram *d = &s->batch[s->count];
    d->path = (wrd_path){.local = s->from.local, .remote = to->local};
    d->len = len;
    memset(d->bytes, (int)s->count, len);
    s->count++;
}

/* Nothing says that a datagram, or what the network answers, is there when the call that sent it returns. */
static void wait_for(const struct wrd_udp *at, short events)
{
    struct pollfd fd = {.fd = at->fd, .events = events};
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int waited = 0; poll(&fd, 1, 1) >= 0 && !(fd.revents & events); waited++) {
        assert_true(waited < WAIT_MS);
        (void)nanosleep(&nap, NULL); /* an error that nobody asked for ends each poll() at once */
    }
}

/* Checks that exactly these datagrams of the batch arrive at `at`, in order. */
static void expect(struct scene *s, struct wrd_udp *at, const unsigned *numbers, unsigned count)
{
    unsigned seen = 0;
    while (seen < count) {
        wait_for(at, POLLIN);
        unsigned runs = wrd_udp_receive(at, &s->inbox);
        for (unsigned i = 0; i < runs; i++) {
            const struct wrd_run *run = &s->inbox.runs[i];
            assert_true(wrd_addr_equal(&run->path.remote, &s->from.local));
            assert_true(wrd_addr_equal(&run->path.local, &at->local));
            for (size_t from = 0; from < run->len; from += run->segment) {
                size_t len = run->len - from < run->segment ? run->len - from : run->segment;
                assert_true(seen < count);
                const struct wrd_datagram *d = &s->batch[numbers[seen++]];
                assert_int_equal(len, d->len);
                assert_memory_equal(run->bytes + from, d->bytes, len);
            }
        }
    }
    assert_int_equal(wrd_udp_receive(at, &s->inbox), 0);
}

static void expect_all(struct scene *s)
{
    unsigned numbers[WRD_UDP_OUT];
    for (unsigned i = 0; i < s->count; i++)
        numbers[i] = i;
    expect(s, &s->to, numbers, s->count);
}

static void datagrams_of_one_size_cross_as_one_and_arrive_apart(void **state)
{
    struct scene *s = *state;
    if (!(s->from.features & WRD_UDP_GSO))
        skip();
    for (unsigned i = 0; i < 40; i++)
        add(s, &s->to, i == 39 ? 10 : 1200);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_int_equal(kernel.messages, 1);
    expect_all(s);
}

static void a_run_ends_with_its_first_shorter_datagram_and_before_a_longer_one(void **state)
{
    struct scene *s = *state;
    if (!(s->from.features & WRD_UDP_GSO))
        skip();
    const size_t sizes[] = {100, 100, 50, 50, 200, 200, 200, 1};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        add(s, &s->to, sizes[i]);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_int_equal(kernel.messages, 3); /* 100 100 50 | 50 | 200 200 200 1 */
    expect_all(s);
}

static void a_full_batch_of_the_longest_datagrams_is_cut_where_the_kernel_ends(void **state)
{
    struct scene *s = *state;
    for (unsigned i = 0; i < WRD_UDP_OUT; i++)
        add(s, &s->to, 1472);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_int_equal(s->from.failed, 0);
    expect_all(s);
}

static void datagrams_of_two_peers_are_never_mixed(void **state)
{
    struct scene *s = *state;
    for (unsigned i = 0; i < 20; i++)
        add(s, i % 5 < 3 ? &s->to : &s->other, 300);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    const unsigned first[] = {0, 1, 2, 5, 6, 7, 10, 11, 12, 15, 16, 17};
    const unsigned second[] = {3, 4, 8, 9, 13, 14, 18, 19};
    expect(s, &s->to, first, 12);
    expect(s, &s->other, second, 8);
}

static void without_segmentation_each_datagram_goes_alone(void **state)
{
    struct scene *s = *state;
    kernel.no_segments = true;
    wrd_udp_close(&s->from);
    open_socket(&s->from);
    assert_false(s->from.features & WRD_UDP_GSO);
    for (unsigned i = 0; i < 30; i++)
        add(s, &s->to, 700);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_int_equal(kernel.messages, 30);
    expect_all(s);
}

static void without_joining_each_datagram_arrives_alone(void **state)
{
    struct scene *s = *state;
    kernel.no_joining = true;
    wrd_udp_close(&s->to);
    open_socket(&s->to);
    assert_int_equal(wrd_udp_slot(&s->to), WRD_UDP_SLOT);
    for (unsigned i = 0; i < 30; i++)
        add(s, &s->to, 700);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    expect_all(s);
}

static void send_uncut(struct scene *s, int error)
{
    s->count = 0;
    kernel.segment_error = error;
    for (unsigned i = 0; i < 20; i++)
        add(s, &s->to, i < 2 ? 20 + i : 900); /* the first two go, then the cut fails */
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_int_equal(s->from.failed, 0);
    expect_all(s);
}

static void a_device_that_cannot_cut_gets_every_datagram_once(void **state)
{
    struct scene *s = *state;
    if (!(s->from.features & WRD_UDP_GSO))
        skip();
    static const int errors[] = {EIO, EOPNOTSUPP, ENOPROTOOPT};
    for (unsigned e = 0; e < 3; e++) {
        s->from.features |= WRD_UDP_GSO;
        send_uncut(s, errors[e]);
        assert_false(s->from.features & WRD_UDP_GSO);
    }
}

static void a_path_that_takes_less_leaves_the_other_peers_their_runs(void **state)
{
    struct scene *s = *state;
    if (!(s->from.features & WRD_UDP_GSO))
        skip();
    for (unsigned i = 0; i < 200; i++) {
        send_uncut(s, i % 2 ? EINVAL : EMSGSIZE);
        s->count = 0;
        kernel.segment_error = 0;
        kernel.messages = 0;
        for (unsigned k = 0; k < 10; k++)
            add(s, &s->to, 500);
        assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
        assert_int_equal(kernel.messages, 1);
        expect_all(s);
    }
}

static void a_kernel_that_cuts_nothing_is_left_alone_for_a_while(void **state)
{
    struct scene *s = *state;
    if (!(s->from.features & WRD_UDP_GSO))
        skip();
    unsigned refusals = 0;
    for (unsigned i = 0; i < 1500; i++) {
        kernel.refusals = 0;
        send_uncut(s, EINVAL);
        refusals += kernel.refusals;
    }
    assert_true(refusals >= 64 && refusals <= 1500 - 900);
    assert_true(s->from.features & WRD_UDP_GSO);
}

static void a_kernel_without_batches_is_asked_for_one_at_a_time(void **state)
{
    struct scene *s = *state;
    kernel.no_mmsg = true;
    for (unsigned i = 0; i < 25; i++)
        add(s, &s->to, 100 + i);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), s->count);
    assert_false(s->from.features & WRD_UDP_MMSG);
    expect_all(s);
    assert_false(s->to.features & WRD_UDP_MMSG);
}

static void a_full_socket_takes_the_rest_later_and_nothing_twice(void **state)
{
    struct scene *s = *state;
    static const int errors[] = {EAGAIN, ENOBUFS, ENOMEM};
    for (unsigned e = 0; e < 3; e++) {
        s->count = 0;
        kernel.error = errors[e];
        kernel.error_after = 2;
        for (unsigned i = 0; i < 10; i++)
            add(s, &s->to, 100 + i); /* rising: each alone */
        unsigned sent = wrd_udp_send(&s->from, s->batch, s->count);
        assert_int_equal(sent, 2);
        assert_int_equal(wrd_udp_send(&s->from, s->batch + sent, s->count - sent), s->count - sent);
        expect_all(s);
    }
    assert_int_equal(s->from.full, 3);
    assert_int_equal(s->from.failed, 0);
}

static void what_the_kernel_forbids_is_counted_and_stops_nobody_else(void **state)
{
    struct scene *s = *state;
    static const int errors[] = {EPERM, EACCES, ENETUNREACH, EHOSTUNREACH, EMSGSIZE, EINVAL, ENETDOWN};
    unsigned had = s->from.features;
    for (unsigned e = 0; e < sizeof errors / sizeof *errors; e++) {
        s->count = 0;
        kernel.error = errors[e];
        kernel.error_after = 1;
        add(s, &s->to, 10);
        add(s, &s->other, 20);
        add(s, &s->to, 30);
        assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 3);
        assert_int_equal(s->from.failed, e + 1);
        assert_int_equal(s->from.send_error, errors[e]);
        const unsigned arrived[] = {0, 2};
        expect(s, &s->to, arrived, 2);
    }
    assert_int_equal(s->from.features, had);
    assert_int_equal(s->from.full, 0);
    assert_int_equal(s->from.broken, 0);
}

/* Sends it all as a loop does, which comes back after a millisecond. Returns how often it had to. */
static unsigned send_patiently(struct scene *s)
{
    unsigned turns = 0;
    for (unsigned done = 0; done < s->count && turns < 10000; turns++)
        done += wrd_udp_send(&s->from, s->batch + done, s->count - done);
    return turns;
}

static void what_is_short_for_all_is_waited_for_and_costs_nothing(void **state)
{
    struct scene *s = *state;
    kernel.error = ENOMEM;
    kernel.error_stays = true;
    for (unsigned i = 0; i < 10; i++)
        add(s, i % 2 ? &s->to : &s->other, 20 + i);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 0);
    assert_int_equal(s->from.full, 40);
    kernel.error = 0;
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 10);
    assert_int_equal(s->from.failed, 0);
    s->count = 0;
    kernel.error = ENOMEM; /* for good: what is kept has an end */
    for (unsigned i = 0; i < 10; i++)
        add(s, i % 2 ? &s->to : &s->other, 20 + i);
    assert_in_range(send_patiently(s), 40, 60);
    assert_int_equal(s->from.failed, 10);
}

#ifdef __linux__ /* where ENOBUFS may be of one peer's route */

static void have_no_room_for(const struct wrd_udp *udp)
{
    kernel.error = ENOBUFS;
    kernel.error_stays = true;
    kernel.error_port = udp->local.port;
}

static void a_peer_for_whom_there_is_never_room_keeps_nobody_waiting(void **state)
{
    struct scene *s = *state;
    have_no_room_for(&s->other);
    for (unsigned i = 0; i < 10; i++)
        add(s, &s->other, 20 + i); /* rising: each alone */
    add(s, &s->to, 30);
    assert_int_equal(send_patiently(s), 1);
    assert_int_equal(s->from.failed, 10);
    assert_int_equal(s->from.full, 10);
    const unsigned arrived[] = {10};
    expect(s, &s->to, arrived, 1);
}

static void nor_do_more_datagrams_of_it_than_there_are_places(void **state)
{
    struct scene *s = *state;
    have_no_room_for(&s->other);
    for (unsigned i = 0; i < WRD_UDP_OUT; i++)
        add(s, &s->other, 20 + i);
    assert_in_range(send_patiently(s), 2, 10); /* it is tried again, but not each for itself */
    assert_int_equal(s->from.failed, WRD_UDP_OUT);
    s->count = 0;
    add(s, &s->other, 20);
    add(s, &s->to, 30);
    assert_int_equal(send_patiently(s), 1);
    const unsigned arrived[] = {1};
    expect(s, &s->to, arrived, 1);
}

#endif

static void the_only_peer_of_a_socket_is_waited_for_longer(void **state)
{
    struct scene *s = *state;
    s->from.connected = true; /* as far as this is concerned */
    kernel.error = ENOBUFS;
    kernel.error_stays = true;
    add(s, &s->to, 20);
    assert_in_range(send_patiently(s), 40, 60);
    assert_int_equal(s->from.failed, 1);
}

static void a_full_socket_is_waited_for_however_long(void **state)
{
    struct scene *s = *state;
    kernel.error = EAGAIN;
    kernel.error_stays = true;
    add(s, &s->to, 20);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 0);
    kernel.error = 0;
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 1);
    assert_int_equal(s->from.failed, 0);
    expect_all(s);
}

static void an_interrupted_send_goes_on(void **state)
{
    struct scene *s = *state;
    kernel.error = EINTR;
    kernel.error_after = 1;
    for (unsigned i = 0; i < 4; i++)
        add(s, &s->to, 10 + i);
    assert_int_equal(wrd_udp_send(&s->from, s->batch, s->count), 4);
    expect_all(s);
}

#ifdef __linux__
static const wrd_addr who_answers = {.family = 4, .ip = {127, 0, 0, 1}};
#else
static const wrd_addr who_answers; /* is not told */
#endif

/* It takes datagrams of this port alone from now on. */
static void listen_only_to(struct wrd_udp *at, const uint8_t ip[4], uint16_t port)
{
    struct sockaddr_in only = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&only.sin_addr, ip, 4);
    assert_int_equal(connect(at->fd, (struct sockaddr *)&only, sizeof only), 0);
    at->connected = true;
}

/* Connected to where nobody listens to it, at a port that no other program can get meanwhile. */
static void connect_to_nobody(struct scene *s, struct wrd_udp *udp)
{
    static const uint8_t elsewhere[] = {127, 0, 0, 9};
    const char *why = "";
    wrd_addr any = {.family = 4};
    wrd_addr nobody = s->to.local;
    const struct wrd_udp_options options = {.remote = &nobody, .buffer_size = 1 << 20};
    listen_only_to(&s->to, elsewhere, 9);
    assert_int_equal(wrd_udp_open(udp, &any, &options, &why), WRD_OK);
}

static bool has_error(const struct wrd_udp *udp)
{
    struct pollfd fd = {udp->fd, 0, 0};
    return poll(&fd, 1, 0) > 0;
}

static void what_the_network_answers_is_kept_and_does_not_wake_twice(void **state)
{
    struct scene *s = *state;
    struct wrd_udp udp;
    connect_to_nobody(s, &udp);
    add(s, &s->to, 10);
    assert_int_equal(wrd_udp_send(&udp, s->batch, 1), 1);
    wait_for(&udp, POLLERR);
    assert_int_equal(wrd_udp_receive(&udp, &s->inbox), 0);
    assert_true(udp.refused);
    assert_int_equal(udp.answered, ECONNREFUSED);
    assert_false(udp.prohibited);
    assert_true(wrd_addr_equal(&udp.answered_by, &who_answers));
    assert_false(has_error(&udp));
    assert_int_equal(udp.failed, 0);
    wrd_udp_close(&udp);
}

#ifdef __linux__ /* which alone keeps reports */

static void a_report_is_taken_though_somebody_else_took_its_error(void **state)
{
    struct scene *s = *state;
    struct wrd_udp udp;
    int error = 0;
    socklen_t len = sizeof error;
    connect_to_nobody(s, &udp);
    add(s, &s->to, 10);
    assert_int_equal(wrd_udp_send(&udp, s->batch, 1), 1);
    wait_for(&udp, POLLERR);
    assert_int_equal(getsockopt(udp.fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    assert_int_equal(error, ECONNREFUSED);
    assert_int_equal(wrd_udp_receive(&udp, &s->inbox), 0);
    assert_true(udp.refused);
    assert_false(has_error(&udp));
    wrd_udp_close(&udp);
}

static void a_report_does_not_keep_back_what_came(void **state)
{
    struct scene *s = *state;
    struct wrd_udp udp;
    connect_to_nobody(s, &udp);
    add(s, &s->to, 10);
    assert_int_equal(wrd_udp_send(&udp, s->batch, 1), 1);
    wait_for(&udp, POLLERR);
    listen_only_to(&s->to, udp.local.ip, udp.local.port);
    assert_int_equal(wrd_udp_send(&s->to, s->batch, 1), 1);
    wait_for(&udp, POLLIN);
    assert_int_equal(wrd_udp_receive(&udp, &s->inbox), 1);
    assert_int_equal(udp.answered, ECONNREFUSED);
    wrd_udp_close(&udp);
}

static void a_report_of_one_datagram_does_not_cost_the_next(void **state)
{
    struct scene *s = *state;
    struct wrd_udp udp;
    connect_to_nobody(s, &udp);
    add(s, &s->to, 10);
    add(s, &s->to, 20);
    assert_int_equal(wrd_udp_send(&udp, s->batch, 1), 1);
    wait_for(&udp, POLLERR);
    listen_only_to(&s->to, udp.local.ip, udp.local.port);
    assert_int_equal(wrd_udp_send(&udp, s->batch + 1, 1), 1);
    assert_true(udp.refused);
    assert_int_equal(udp.failed, 0);
    assert_int_equal(udp.send_error, 0);
    wait_for(&s->to, POLLIN);
    assert_int_equal(wrd_udp_receive(&s->to, &s->inbox), 1);
    assert_int_equal(s->inbox.runs[0].len, 20);
    assert_false(has_error(&udp));
    wrd_udp_close(&udp);
}

#endif

/* Which core it is on decides the queue that a datagram waits in: two of them would be no row. */
static void stay_on_one_core(void)
{
    int core = sched_getcpu();
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)(core < 0 ? 0 : core), &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

int main(void)
{
    stay_on_one_core();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(datagrams_of_one_size_cross_as_one_and_arrive_apart),
        TEST(a_run_ends_with_its_first_shorter_datagram_and_before_a_longer_one),
        TEST(a_full_batch_of_the_longest_datagrams_is_cut_where_the_kernel_ends),
        TEST(datagrams_of_two_peers_are_never_mixed),
        TEST(without_segmentation_each_datagram_goes_alone),
        TEST(without_joining_each_datagram_arrives_alone),
        TEST(a_device_that_cannot_cut_gets_every_datagram_once),
        TEST(a_path_that_takes_less_leaves_the_other_peers_their_runs),
        TEST(a_kernel_that_cuts_nothing_is_left_alone_for_a_while),
        TEST(a_kernel_without_batches_is_asked_for_one_at_a_time),
        TEST(a_full_socket_takes_the_rest_later_and_nothing_twice),
        TEST(what_the_kernel_forbids_is_counted_and_stops_nobody_else),
        TEST(what_is_short_for_all_is_waited_for_and_costs_nothing),
#ifdef __linux__
        TEST(a_peer_for_whom_there_is_never_room_keeps_nobody_waiting),
        TEST(nor_do_more_datagrams_of_it_than_there_are_places),
#endif
        TEST(the_only_peer_of_a_socket_is_waited_for_longer),
        TEST(a_full_socket_is_waited_for_however_long),
        TEST(an_interrupted_send_goes_on),
        TEST(what_the_network_answers_is_kept_and_does_not_wake_twice),
#ifdef __linux__
        TEST(a_report_is_taken_though_somebody_else_took_its_error),
        TEST(a_report_does_not_keep_back_what_came),
        TEST(a_report_of_one_datagram_does_not_cost_the_next),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
