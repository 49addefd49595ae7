/* SPDX-License-Identifier: MIT */
/* How often a node answers a peer that sends much: a datagram with a SACK for so many that came. */
#include "endpoint/inside.h"
#include "native/node.h"
#include "sctp/assoc.h"
#include "wrd/identity.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { BURST = 8, SIZE = 1000, WAIT_MS = 10, LONG_MS = 60000, RUN_MAX = 48 };
static const unsigned sack_every = 4;      /* of one peer in a row, as senders in bulk expect it */
static const unsigned sack_every_run = 32; /* of those that the kernel joined */

struct pair {
    struct wrd_node server, client;
    wrd_conn conn, served;
    bool open;
    wrd_time now; /* the client's, once nothing of it is due: it stands still */
};

static void open_node(struct wrd_node *node, const wrd_key *key, const wrd_addr *remote)
{
    static const wrd_addr any = {.family = 4, .ip = {127, 0, 0, 1}};
    struct wrd_node_options options = {.keep_buffers = true, .udp = {.remote = remote}};
    const char *why = "";
    wrd_endpoint_options_init(&options.endpoint);
    options.endpoint.key = key;
    options.endpoint.mode = WRD_RAW;
    assert_int_equal(wrd_node_open(node, &options, &any, &why), WRD_OK);
}

/* True: nothing was there for a while. */
static bool turn(struct pair *pair)
{
    struct pollfd fds[2] = {{.fd = pair->server.udp.fd, .events = POLLIN},
                            {.fd = pair->client.udp.fd, .events = POLLIN}};
    wrd_event event;
    bool quiet = poll(fds, 2, WAIT_MS) == 0;
    wrd_node_process(&pair->server);
    wrd_node_flush(&pair->server);
    wrd_node_process(&pair->client);
    wrd_node_flush(&pair->client);
    while (wrd_endpoint_next(pair->server.endpoint, &event))
        pair->served = event.conn;
    while (wrd_endpoint_next(pair->client.endpoint, &event))
        pair->open = pair->open || event.kind == WRD_EVENT_OPEN;
    return quiet;
}

static bool is_due(const struct wrd_node *node, wrd_time now)
{
    return wrd_endpoint_deadline(node->endpoint) < now;
}

/* Until nothing is under way, and no timer ends soon: delayed SACKs and probes wait for a fraction of that. */
static void settle(struct pair *pair)
{
    for (int quiet = 0; quiet < 10;) {
        quiet = turn(pair) ? quiet + 1 : 0;
        pair->now = wrd_node_now();
        if (is_due(&pair->server, pair->now + WRD_SECOND) || is_due(&pair->client, pair->now + WRD_SECOND))
            quiet = 0;
    }
}

static void open_pair(struct pair *pair)
{
    wrd_key key;
    wrd_address address;
    memset(pair, 0, sizeof *pair);
    assert_int_equal(wrd_key_from_seed(&key, 1), WRD_OK);
    open_node(&pair->server, &key, NULL);
    address.addr = pair->server.udp.local;
    assert_int_equal(wrd_key_fingerprint(&address.fingerprint, &key), WRD_OK);
    open_node(&pair->client, NULL, &address.addr);
    assert_int_equal(wrd_endpoint_dial(pair->client.endpoint, wrd_node_now(), &pair->conn, &address), WRD_OK);
    wrd_node_flush(&pair->client);
    for (int i = 0; i < LONG_MS / WAIT_MS && !pair->open; i++)
        (void)turn(pair);
    assert_true(pair->open);
    settle(pair);
}

static void a_peer_gets_a_sack_for_four_datagrams_in_a_row(void **state)
{
    (void)state;
    static struct pair pair;
    static const uint8_t message[SIZE];
    uint8_t datagram[WRD_DATAGRAM_MAX];
    wrd_path path;
    size_t len;
    unsigned fed = 0;
    open_pair(&pair);
    wrd_time now = pair.now;
    for (int i = 0; i < BURST; i++)
        assert_int_equal(wrd_conn_send(pair.client.endpoint, now, pair.conn, WRD_BINARY, message, SIZE), WRD_OK);
    while ((len = wrd_endpoint_transmit(pair.client.endpoint, now, &path, datagram, sizeof datagram)) > 0) {
        path = (wrd_path){.local = pair.server.udp.local, .remote = pair.client.udp.local};
        wrd_node_receive_passed(&pair.server, now, &path, datagram, len);
        assert_int_equal(pair.server.out_count, ++fed / sack_every);
    }
    assert_int_equal(fed, BURST);
    wrd_node_close(&pair.client);
    wrd_node_close(&pair.server);
}

static const uint8_t zeros[SIZE];

static void hear_all(struct pair *pair)
{
    wrd_message message;
    while (wrd_conn_receive(pair->server.endpoint, wrd_node_now(), pair->served, &message) == WRD_OK)
        wrd_conn_release(pair->server.endpoint, wrd_node_now(), pair->served);
}

/* As after a long transfer: its window takes a run, and no pacer spreads it. */
static void widen_window(struct pair *pair)
{
    struct wrd_sctp *sctp = wrd_endpoint_find(pair->client.endpoint, pair->now, pair->conn)->sctp;
    sctp->cwnd.cwnd = sctp->cwnd.ssthresh = (size_t)1 << 20;
    sctp->pacer = (struct wrd_sctp_pacer){0};
}

static struct wrd_datagram run[RUN_MAX];

/* The client's next `count` datagrams, of equal length. */
static void draw_up_run(struct pair *pair, unsigned count)
{
    wrd_time now = pair->now;
    widen_window(pair);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(wrd_conn_send(pair->client.endpoint, now, pair->conn, WRD_BINARY, zeros, SIZE), WRD_OK);
        run[i].len = wrd_endpoint_transmit(pair->client.endpoint, now, &run[i].path, run[i].bytes, sizeof run[i].bytes);
        assert_true(run[i].len > SIZE);
        assert_int_equal(run[i].len, run[0].len);
    }
}

static void wait_for(const struct wrd_node *node)
{
    struct pollfd fd = {.fd = node->udp.fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, LONG_MS), 1);
}

/* Reads as many datagrams as the server sent by now, and gives them to the client. */
static void take_answers(struct pair *pair, uint64_t count)
{
    uint8_t bytes[WRD_DATAGRAM_MAX];
    wrd_path path = {.local = pair->client.udp.local, .remote = pair->server.udp.local};
    for (; count > 0; count--) {
        wait_for(&pair->client);
        ssize_t len = recv(pair->client.udp.fd, bytes, sizeof bytes, MSG_DONTWAIT);
        assert_true(len > 0);
        wrd_endpoint_receive(pair->client.endpoint, pair->now, &path, bytes, (size_t)len);
    }
}

static uint64_t sent_by(const struct wrd_node *node)
{
    wrd_endpoint_counters counters = {.size = sizeof counters};
    wrd_endpoint_get_counters(node->endpoint, &counters);
    return counters.datagrams_sent;
}

/* Nothing of this waits for a timer: an answer that is there at once was not delayed. */
static void a_run_gets_a_sack_for_every_thirty_two_and_one_at_its_end(void **state)
{
    (void)state;
    static const unsigned lengths[] = {4, 31, 32, 33, RUN_MAX, 2};
    static struct pair pair;
    open_pair(&pair);
    const unsigned joins = WRD_UDP_GSO | WRD_UDP_GRO;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0] && (pair.server.udp.features & joins) == joins; i++) {
        const unsigned at_once = lengths[i] / sack_every_run, at_its_end = lengths[i] % sack_every_run > 0;
        draw_up_run(&pair, lengths[i]);
        uint64_t before = sent_by(&pair.server);
        assert_int_equal(wrd_udp_send(&pair.client.udp, run, lengths[i]), lengths[i]);
        wait_for(&pair.server);
        wrd_node_process(&pair.server);
        assert_int_equal(sent_by(&pair.server) - before, at_once);
        assert_int_equal(pair.server.out_count, 0);
        wrd_node_flush(&pair.server);
        assert_int_equal(sent_by(&pair.server) - before, at_once + at_its_end);
        take_answers(&pair, at_once + at_its_end);
        assert_int_equal(wrd_conn_buffered(pair.client.endpoint, pair.conn), 0);
        hear_all(&pair);
    }
    bool ran = (pair.server.udp.features & joins) == joins;
    wrd_node_close(&pair.client);
    wrd_node_close(&pair.server);
    if (!ran)
        skip(); /* a kernel that joins none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_gets_a_sack_for_four_datagrams_in_a_row),
        cmocka_unit_test(a_run_gets_a_sack_for_every_thirty_two_and_one_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
