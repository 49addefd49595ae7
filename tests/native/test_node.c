/* SPDX-License-Identifier: MIT */
/* How often a node answers a peer that sends much: a datagram with a SACK for so many that came. */
#include "native/node.h"
#include "wrd/identity.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BURST = 8, SIZE = 1000, WAIT_MS = 10 };
static const unsigned sack_every = 4; /* of one peer in a row, as senders in bulk expect it */

struct pair {
    struct wrd_node server, client;
    wrd_conn conn;
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
        continue;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_gets_a_sack_for_four_datagrams_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
