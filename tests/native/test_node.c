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

enum { BURST = 8, SIZE = 1000, WAIT_MS = 10, RUN_MAX = 48 };
static const unsigned sack_every = 4;      /* of one peer in a row, as senders in bulk expect it */
static const unsigned sack_every_run = 32; /* of those that the kernel joined */

struct pair {
    struct wrd_node server, client;
    wrd_conn conn, served;
    bool open;
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

static void turn(struct pair *pair)
{
    struct pollfd fds[2] = {{.fd = pair->server.udp.fd, .events = POLLIN},
                            {.fd = pair->client.udp.fd, .events = POLLIN}};
    wrd_event event;
    (void)poll(fds, 2, WAIT_MS);
    wrd_node_process(&pair->server);
    wrd_node_flush(&pair->server);
    wrd_node_process(&pair->client);
    wrd_node_flush(&pair->client);
    while (wrd_endpoint_next(pair->server.endpoint, &event))
        pair->served = event.conn;
    while (wrd_endpoint_next(pair->client.endpoint, &event))
        pair->open = pair->open || event.kind == WRD_EVENT_OPEN;
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
    for (int i = 0; i < 1000 && !pair->open; i++)
        turn(pair);
    assert_true(pair->open);
    for (int i = 0; i < 10; i++) /* until nothing more is owed */
        turn(pair);
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
    wrd_time now = wrd_node_now();
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
    struct wrd_sctp *sctp = wrd_endpoint_find(pair->client.endpoint, wrd_node_now(), pair->conn)->sctp;
    sctp->cwnd.cwnd = sctp->cwnd.ssthresh = (size_t)1 << 20;
    sctp->pacer = (struct wrd_sctp_pacer){0};
}

static struct wrd_datagram run[RUN_MAX];

/* The client's next `count` datagrams, of equal length. */
static void draw_up_run(struct pair *pair, unsigned count)
{
    wrd_time now = wrd_node_now();
    widen_window(pair);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(wrd_conn_send(pair->client.endpoint, now, pair->conn, WRD_BINARY, zeros, SIZE), WRD_OK);
        run[i].len = wrd_endpoint_transmit(pair->client.endpoint, now, &run[i].path, run[i].bytes, sizeof run[i].bytes);
        assert_true(run[i].len > SIZE);
        assert_int_equal(run[i].len, run[0].len);
    }
}

/* How many datagrams wait for the client; they are read, and given to it. */
static unsigned take_answers(struct pair *pair)
{
    uint8_t bytes[WRD_DATAGRAM_MAX];
    wrd_path path = {.local = pair->client.udp.local, .remote = pair->server.udp.local};
    unsigned count = 0;
    ssize_t len;
    for (; (len = recv(pair->client.udp.fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0; count++)
        wrd_endpoint_receive(pair->client.endpoint, wrd_node_now(), &path, bytes, (size_t)len);
    return count;
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
        draw_up_run(&pair, lengths[i]);
        assert_int_equal(take_answers(&pair), 0);
        assert_int_equal(wrd_udp_send(&pair.client.udp, run, lengths[i]), lengths[i]);
        wrd_node_process(&pair.server);
        assert_int_equal(take_answers(&pair), lengths[i] / sack_every_run);
        wrd_node_flush(&pair.server);
        assert_int_equal(take_answers(&pair), lengths[i] % sack_every_run > 0);
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
