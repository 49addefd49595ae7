/* SPDX-License-Identifier: MIT */
/* Native client to native server over real sockets on loopback. No test sleeps; each waits for what it names. */
#include "wrd/wrd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS   100000
#define TURNS_MAX 60000 /* of a millisecond and more where nothing is to be done */

static atomic_uint echoes_made;

static wrd_result echo(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)user;
    wrd_result result = wrd_server_send(server, conn, message->data, message->len);
    if (result == WRD_INVALID) /* a text message in raw mode */
        result = wrd_server_send_text(server, conn, (const char *)message->data, message->len);
    atomic_fetch_add(&echoes_made, result == WRD_OK);
    return result;
}

struct running {
    wrd_server *server;
    pthread_t thread;
    wrd_result result;
    char address[WRD_ADDRESS_TEXT_SIZE];
};

static void *run(void *argument)
{
    struct running *r = argument;
    r->result = wrd_server_run(r->server, &(wrd_handlers){.message = echo});
    return NULL;
}

static void start_bound(struct running *r, const char *dial_ip)
{
    wrd_address address;
    wrd_server_address(r->server, &address);
    if (dial_ip) {
        uint16_t port = address.addr.port;
        char text[WRD_ADDR_TEXT_SIZE];
        (void)snprintf(text, sizeof text, "%s:%u", dial_ip, port);
        assert_int_equal(wrd_addr_parse(&address.addr, text, strlen(text), false, NULL), WRD_OK);
    }
    wrd_address_text(&address, r->address);
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

static void start(struct running *r, const char *listen, const wrd_server_options *options, const char *dial_ip)
{
    const char *why = "";
    if (wrd_server_bind(&r->server, listen, options, &why) != WRD_OK)
        fail_msg("%s: %s", listen, why);
    start_bound(r, dial_ip);
}

static void stop(struct running *r)
{
    wrd_server_stop(r->server);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    assert_int_equal(r->result, WRD_OK);
    wrd_server_free(r->server);
}

static wrd_client *connect_to(const char *address, const wrd_client_options *options)
{
    wrd_client *client;
    const char *why;
    if (wrd_client_connect(&client, address, options, &why) != WRD_OK)
        fail_msg("%s: %s", address, why);
    return client;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void round_trip(wrd_client *client, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern(i);
    assert_int_equal(wrd_client_send(client, bytes, len), WRD_OK);
    wrd_message message;
    assert_int_equal(wrd_client_wait(client, &message, WAIT_MS), WRD_OK);
    assert_int_equal(message.len, len);
    assert_memory_equal(message.data, bytes, len);
    wrd_client_release(client);
    free(bytes);
}

/* ---- both ways of address families */

static void echoes_over(const char *listen, const char *dial_ip)
{
    struct running server;
    start(&server, listen, NULL, dial_ip);
    wrd_client *client = connect_to(server.address, NULL);
    round_trip(client, 5);
    round_trip(client, 0);
    round_trip(client, 100000);
    wrd_client_free(client);
    stop(&server);
}

static void echoes_over_ipv4(void **state)
{
    (void)state;
    echoes_over("127.0.0.1:0", NULL);
}

static void echoes_over_ipv6(void **state)
{
    (void)state;
    echoes_over("[::1]:0", NULL);
}

static void a_dual_stack_server_answers_both_families(void **state)
{
    (void)state;
    echoes_over("[::]:0", "127.0.0.1");
    echoes_over("[::]:0", "[::1]");
}

static void a_wildcard_server_answers_from_the_address_it_was_asked_on(void **state)
{
    (void)state;
    echoes_over("0.0.0.0:0", "127.0.0.2");
    echoes_over("[::]:0", "127.0.0.3");
}

static void a_wildcard_bind_names_an_address_that_can_be_dialed(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_address address;
    assert_int_equal(wrd_server_bind(&server, "0.0.0.0:0", NULL, NULL), WRD_OK);
    wrd_server_address(server, &address);
    assert_int_equal(address.addr.family, 4);
    assert_true(address.addr.ip[0] != 0 && address.addr.port != 0);
    wrd_server_free(server);
}

/* ---- messages */

static void large_messages_pass_both_ways_in_both_modes(void **state)
{
    (void)state;
    for (int mode = WRD_FRAMED; mode <= WRD_RAW; mode++) {
        struct running server;
        wrd_server_options options;
        wrd_client_options client_options;
        wrd_server_options_init(&options);
        wrd_client_options_init(&client_options);
        options.endpoint.mode = client_options.endpoint.mode = (wrd_mode)mode;
        start(&server, "127.0.0.1:0", &options, NULL);
        wrd_client *client = connect_to(server.address, &client_options);
        round_trip(client, 15 * 1024 * 1024);
        round_trip(client, 1);
        wrd_client_free(client);
        stop(&server);
    }
}

static void text_stays_text_in_raw_mode(void **state)
{
    (void)state;
    struct running server;
    wrd_server_options options;
    wrd_client_options client_options;
    wrd_server_options_init(&options);
    wrd_client_options_init(&client_options);
    options.endpoint.mode = client_options.endpoint.mode = WRD_RAW;
    start(&server, "127.0.0.1:0", &options, NULL);
    wrd_client *client = connect_to(server.address, &client_options);
    assert_int_equal(wrd_client_send_text(client, "words", 5), WRD_OK);
    wrd_message message;
    assert_int_equal(wrd_client_wait(client, &message, WAIT_MS), WRD_OK);
    assert_int_equal(message.len,
                     5); /* the echo above answers in binary; what counts is that it arrived as one message */
    wrd_client_release(client);
    wrd_client_free(client);
    stop(&server);
}

static void many_messages_in_flight_come_back_in_order(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct running server;
    start(&server, "127.0.0.1:0", NULL, NULL);
    wrd_client *client = connect_to(server.address, NULL);
    uint32_t sent = 0, received = 0;
    while (received < COUNT) {
        wrd_result result = WRD_OK;
        while (sent < COUNT && (result = wrd_client_send(client, &sent, sizeof sent)) == WRD_OK)
            sent++;
        assert_true(result == WRD_OK || result == WRD_AGAIN);
        wrd_message message;
        assert_int_equal(wrd_client_wait(client, &message, WAIT_MS), WRD_OK);
        do {
            uint32_t value;
            assert_int_equal(message.len, sizeof value);
            memcpy(&value, message.data, sizeof value);
            assert_int_equal(value, received);
            received++;
            wrd_client_release(client);
        } while (wrd_client_receive(client, &message) == WRD_OK);
    }
    wrd_client_free(client);
    stop(&server);
}

static void exact_reads_cross_message_boundaries(void **state)
{
    (void)state;
    struct running server;
    start(&server, "127.0.0.1:0", NULL, NULL);
    wrd_client *client = connect_to(server.address, NULL);
    assert_int_equal(wrd_client_send(client, "hel", 3), WRD_OK);
    assert_int_equal(wrd_client_send(client, "lo there", 8), WRD_OK);
    char word[6] = {0};
    wrd_result result;
    while ((result = wrd_client_read(client, word, 5)) == WRD_AGAIN) {
        (void)poll(&(struct pollfd){wrd_client_fd(client), POLLIN, 0}, 1, wrd_client_timeout(client));
        wrd_client_process(client);
        wrd_client_flush(client);
    }
    assert_int_equal(result, WRD_OK);
    assert_string_equal(word, "hello");
    wrd_client_free(client);
    stop(&server);
}

/* ---- your own loop, as server.h shows it */

static void an_own_loop_serves_with_poll_alone(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_address address;
    const char *why;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, &why), WRD_OK);
    wrd_server_address(server, &address);
    wrd_client *client;
    assert_int_equal(wrd_client_dial(&client, &address, NULL, &why), WRD_OK);
    bool sent = false, echoed = false, closed = false;
    while (!closed) {
        struct pollfd fds[2] = {{wrd_server_fd(server), POLLIN, 0}, {wrd_client_fd(client), POLLIN, 0}};
        int a = wrd_server_timeout(server), b = wrd_client_timeout(client);
        (void)poll(fds, 2, a < 0 ? b : b < 0 ? a : a < b ? a : b);
        wrd_server_process(server);
        wrd_event event;
        wrd_message message;
        while (wrd_server_next(server, &event)) {
            while (wrd_server_receive(server, event.conn, &message) == WRD_OK) {
                assert_int_equal(wrd_server_send(server, event.conn, message.data, message.len), WRD_OK);
                wrd_server_release(server, event.conn);
            }
        }
        wrd_server_flush(server);
        wrd_client_process(client);
        while (wrd_client_next(client, &event)) {
            if (event.kind == WRD_EVENT_OPEN) {
                assert_int_equal(wrd_client_send(client, "own loop", 8), WRD_OK);
                sent = true;
            }
            if (event.kind == WRD_EVENT_READABLE && wrd_client_receive(client, &message) == WRD_OK) {
                assert_int_equal(message.len, 8);
                assert_memory_equal(message.data, "own loop", 8);
                wrd_client_release(client);
                echoed = true;
                wrd_client_close(client);
            }
            closed = event.kind == WRD_EVENT_CLOSED;
        }
        wrd_client_flush(client);
    }
    assert_true(sent && echoed);
    wrd_client_free(client);
    wrd_server_free(server);
}

#define CROWD 80 /* more than are read at a time */

/* Without the answers to checks, which come when they like. */
static uint64_t sent_in_a_turn(wrd_server *server)
{
    wrd_endpoint_counters before = {.size = sizeof before}, after = before;
    wrd_endpoint_get_counters(wrd_server_endpoint(server), &before);
    assert_int_equal(wrd_server_turn(server, &(wrd_handlers){.message = echo}, 0), WRD_OK);
    wrd_endpoint_get_counters(wrd_server_endpoint(server), &after);
    return after.datagrams_sent - before.datagrams_sent - (after.checks_answered - before.checks_answered);
}

/* Until all are open and nothing is under way any more. */
static void open_all(wrd_server *server, wrd_client *clients[CROWD])
{
    unsigned open = 0;
    for (uint64_t sent = 1; open < CROWD || sent > 0;) {
        sent = sent_in_a_turn(server);
        for (unsigned i = 0; i < CROWD; i++) {
            wrd_event event;
            wrd_client_process(clients[i]);
            while (wrd_client_next(clients[i], &event)) {
                assert_int_not_equal(event.kind, WRD_EVENT_CLOSED);
                open += event.kind == WRD_EVENT_OPEN;
            }
            wrd_client_flush(clients[i]);
        }
    }
}

/* Each says something. Returns how many datagrams the server sends until it has answered all. */
static uint64_t answer_all(wrd_server *server, wrd_client *clients[CROWD])
{
    uint64_t sent = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(wrd_client_send(clients[i], "hello", 5), WRD_OK);
        wrd_client_flush(clients[i]);
    }
    for (unsigned before = atomic_load(&echoes_made); atomic_load(&echoes_made) - before < CROWD;)
        sent += sent_in_a_turn(server);
    for (unsigned i = 0; i < CROWD; i++) {
        wrd_message message;
        assert_int_equal(wrd_client_wait(clients[i], &message, WAIT_MS), WRD_OK);
        wrd_client_release(clients[i]);
    }
    return sent;
}

static void what_answers_a_crowd_carries_its_acknowledgements(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_server_options options;
    wrd_client *clients[CROWD];
    wrd_address address;
    const char *why;
    wrd_server_options_init(&options);
    options.endpoint.handshake_rate_per_address = 10 * CROWD;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, &why), WRD_OK);
    wrd_server_address(server, &address);
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(wrd_client_dial(&clients[i], &address, NULL, &why), WRD_OK);
    open_all(server, clients);
    const uint64_t most = CROWD + CROWD / 4; /* a timer may be due, too; after a standstill many, and then once more */
    uint64_t sent = answer_all(server, clients);
    for (int again = 0; again < 5 && sent > most; again++)
        sent = answer_all(server, clients);
    assert_in_range(sent, CROWD, most);
    for (unsigned i = 0; i < CROWD; i++) {
        wrd_endpoint_abort(wrd_client_endpoint(clients[i]), 0);
        wrd_client_free(clients[i]);
    }
    wrd_server_free(server);
}

static void accept_hands_out_connections_without_events(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_address address;
    const char *why;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, &why), WRD_OK);
    wrd_server_address(server, &address);
    wrd_client *client;
    assert_int_equal(wrd_client_dial(&client, &address, NULL, &why), WRD_OK);
    wrd_conn conn;
    wrd_addr peer;
    wrd_event event;
    wrd_result result;
    while ((result = wrd_server_accept(server, &conn, &peer)) == WRD_AGAIN) {
        struct pollfd fds[2] = {{wrd_server_fd(server), POLLIN, 0}, {wrd_client_fd(client), POLLIN, 0}};
        int a = wrd_server_timeout(server), b = wrd_client_timeout(client);
        (void)poll(fds, 2, a < 0 ? b : b < 0 ? a : a < b ? a : b);
        wrd_server_process(server);
        wrd_client_process(client);
        while (wrd_client_next(client, &event))
            continue;
    }
    assert_int_equal(result, WRD_OK);
    assert_true(peer.family == 4 && peer.ip[0] == 127 && peer.port != 0);
    assert_int_equal(wrd_server_accept(server, &conn, &peer), WRD_AGAIN);
    assert_false(wrd_server_next(server, &event) && event.kind == WRD_EVENT_OPEN);
    wrd_server_free(server);
    wrd_client_free(client);
}

static void a_stop_ends_one_turn_and_the_server_goes_on(void **state)
{
    (void)state;
    wrd_server *server;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, NULL), WRD_OK);
    wrd_handlers none = {0};
    wrd_server_stop(server);
    assert_int_equal(wrd_server_turn(server, &none, 10000), WRD_CLOSED);
    assert_int_equal(wrd_server_turn(server, &none, 10), WRD_OK);
    wrd_server_stop(server);
    assert_int_equal(wrd_server_run(server, &none), WRD_OK);
    wrd_server_free(server);
}

static void an_ipv6_only_server_names_an_ipv6_address(void **state)
{
    (void)state;
    wrd_server *server;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.ipv6_only = true;
    wrd_address address;
    assert_int_equal(wrd_server_bind(&server, "[::]:0", &options, NULL), WRD_OK);
    wrd_server_address(server, &address);
    assert_int_equal(address.addr.family, 6);
    wrd_server_free(server);
}

struct refusing {
    unsigned closed;
    wrd_result reason;
};

static wrd_result refuse_message(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)server, (void)conn, (void)message, (void)user;
    return WRD_INVALID;
}

static void count_closed(wrd_server *server, const wrd_event *event, void *user)
{
    (void)server;
    struct refusing *r = user;
    r->closed++;
    r->reason = event->reason;
}

static void a_refused_message_closes_its_connection_and_the_closed_handler_hears_it(void **state)
{
    (void)state;
    struct refusing r = {0};
    wrd_server *server;
    wrd_address address;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, NULL), WRD_OK);
    wrd_server_address(server, &address);
    wrd_client *client;
    assert_int_equal(wrd_client_dial(&client, &address, NULL, NULL), WRD_OK);
    bool client_closed = false;
    for (int turn = 0; turn < TURNS_MAX && !(client_closed && r.closed); turn++) {
        const wrd_handlers handlers = {.user = &r, .message = refuse_message, .closed = count_closed};
        assert_int_equal(wrd_server_turn(server, &handlers, client_closed ? 5 : 1), WRD_OK);
        wrd_event event;
        wrd_client_process(client);
        while (wrd_client_next(client, &event)) {
            if (event.kind == WRD_EVENT_OPEN)
                assert_int_equal(wrd_client_send(client, "x", 1), WRD_OK);
            client_closed = client_closed || event.kind == WRD_EVENT_CLOSED;
        }
        wrd_client_flush(client);
    }
    wrd_endpoint_counters counters = {.size = sizeof counters};
    wrd_endpoint_get_counters(wrd_server_endpoint(server), &counters);
    wrd_client_free(client);
    wrd_server_free(server);
    assert_true(client_closed);
    assert_int_equal(r.closed, 1);
    assert_int_equal(r.reason, WRD_OK);
    assert_int_equal(counters.connections, 0);
}

/* ---- channels */

struct channels {
    wrd_conn conn;
    wrd_channel seen;
    unsigned opened, low, closed, echoes, connections_closed;
    uint32_t code;
    char said[100];
};

static void note_channel(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    struct channels *c = user;
    wrd_channel_info info = {.size = sizeof info};
    assert_int_equal(wrd_server_channel_get_info(server, conn, channel, &info), WRD_OK);
    if (info.by_peer) {
        assert_string_equal(info.label, "state");
        assert_true(info.unordered && info.limit_retransmits && info.max_retransmits == 0);
        assert_int_equal(wrd_server_channel_set_low(server, conn, channel, 0), WRD_OK);
    }
    c->conn = conn;
    c->seen = channel;
    c->opened++;
}

static void count_low(wrd_server *server, wrd_conn conn, wrd_channel channel, void *user)
{
    (void)server, (void)conn, (void)channel;
    ((struct channels *)user)->low++;
}

static void note_channel_closed(wrd_server *server, const wrd_event *event, void *user)
{
    struct channels *c = user;
    c->closed++;
    c->code = event->code;
    (void)snprintf(c->said, sizeof c->said, "%s", event->said);
    wrd_server_close_with(server, event->conn, 4001, "no channels left");
}

static wrd_result echo_on_channel(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    struct channels *c = user;
    c->echoes++;
    return message->kind == WRD_TEXT
               ? wrd_server_channel_send_text(server, conn, message->channel, (const char *)message->data, message->len)
               : wrd_server_channel_send(server, conn, message->channel, message->data, message->len);
}

static void count_connection_closed(wrd_server *server, const wrd_event *event, void *user)
{
    (void)server, (void)event;
    ((struct channels *)user)->connections_closed++;
}

static void channels_open_echo_and_close_with_words(void **state)
{
    (void)state;
    struct channels c = {0};
    const wrd_handlers handlers = {.user = &c,
                                   .message = echo_on_channel,
                                   .closed = count_connection_closed,
                                   .channel_open = note_channel,
                                   .channel_low = count_low,
                                   .channel_closed = note_channel_closed};
    wrd_server *server;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.endpoint.accept_channels = 1;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, NULL), WRD_OK);
    wrd_address address;
    wrd_server_address(server, &address);
    wrd_client *client;
    assert_int_equal(wrd_client_dial(&client, &address, NULL, NULL), WRD_OK);
    wrd_channel_options state_options;
    wrd_channel_options_init(&state_options);
    state_options.label = "state";
    state_options.unordered = state_options.limit_retransmits = true;
    wrd_channel channel = 0;
    unsigned heard = 0;
    bool client_closed = false;
    for (int turn = 0; turn < TURNS_MAX && !(client_closed && c.connections_closed); turn++) {
        assert_int_equal(wrd_server_turn(server, &handlers, 1), WRD_OK);
        wrd_event event;
        wrd_message message;
        wrd_client_process(client);
        while (wrd_client_next(client, &event)) {
            if (event.kind == WRD_EVENT_OPEN) {
                assert_int_equal(wrd_client_channel_open(client, &channel, &state_options, NULL), WRD_OK);
                assert_int_equal(wrd_client_channel_send(client, channel, "tick", 4), WRD_OK);
                assert_int_equal(wrd_client_channel_send_text(client, channel, "tock", 4), WRD_OK);
                assert_int_equal(wrd_client_send(client, "chat", 4), WRD_OK);
            }
            client_closed = client_closed || event.kind == WRD_EVENT_CLOSED;
        }
        while (wrd_client_receive(client, &message) == WRD_OK) {
            assert_int_equal(message.channel, memcmp(message.data, "chat", 4) == 0 ? WRD_CHANNEL_MAIN : channel);
            assert_int_equal(message.kind, memcmp(message.data, "tock", 4) == 0 ? WRD_TEXT : WRD_BINARY);
            wrd_client_release(client);
            if (++heard == 3) {
                wrd_channel_info info = {.size = sizeof info};
                assert_int_equal(wrd_client_channel_get_info(client, channel, &info), WRD_OK);
                assert_int_equal(info.messages_sent, 2);
                assert_int_equal(info.messages_received, 2);
                wrd_client_channel_close(client, channel, 7, "seen enough");
            }
        }
        wrd_client_flush(client);
    }
    assert_true(client_closed);
    assert_int_equal(heard, 3);
    assert_int_equal(c.echoes, 3);
    assert_int_equal(c.opened, 1);
    assert_int_equal(c.closed, 1);
    assert_true(c.low > 0);
    assert_int_equal(c.code, 7);
    assert_string_equal(c.said, "seen enough");
    const char *said;
    assert_int_equal(wrd_client_closed_with(client, &said), 4001);
    assert_string_equal(said, "no channels left");
    assert_int_equal(c.connections_closed, 1);
    wrd_client_free(client);
    wrd_server_free(server);
}

static wrd_result drop_as_closed(wrd_server *server, wrd_conn conn, const wrd_message *message, void *user)
{
    (void)server, (void)conn;
    struct channels *c = user;
    c->echoes++;
    return message->channel == WRD_CHANNEL_MAIN ? WRD_OK : WRD_CLOSED;
}

static void a_message_for_a_closing_channel_does_not_end_the_connection(void **state)
{
    (void)state;
    struct channels c = {0};
    wrd_server *server;
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.endpoint.accept_channels = 1;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", &options, NULL), WRD_OK);
    wrd_address address;
    wrd_server_address(server, &address);
    wrd_client *client;
    assert_int_equal(wrd_client_dial(&client, &address, NULL, NULL), WRD_OK);
    for (int turn = 0; turn < TURNS_MAX && c.echoes < 3; turn++) {
        const wrd_handlers handlers = {.user = &c, .message = drop_as_closed, .closed = count_connection_closed};
        assert_int_equal(wrd_server_turn(server, &handlers, 1), WRD_OK);
        wrd_event event;
        wrd_client_process(client);
        while (wrd_client_next(client, &event)) {
            wrd_channel channel;
            if (event.kind != WRD_EVENT_OPEN)
                continue;
            assert_int_equal(wrd_client_channel_open(client, &channel, NULL, NULL), WRD_OK);
            assert_int_equal(wrd_client_channel_send(client, channel, "a", 1), WRD_OK);
            assert_int_equal(wrd_client_channel_send(client, channel, "b", 1), WRD_OK);
        }
        if (c.echoes == 2)
            assert_int_equal(wrd_client_send(client, "c", 1), WRD_OK);
        wrd_client_flush(client);
    }
    assert_true(c.echoes >= 3);
    assert_int_equal(c.connections_closed, 0);
    wrd_server_free(server);
    wrd_client_free(client);
}

/* ---- the waiting calls, when the end comes */

static void waits_end_with_the_connection_and_tell_the_truth(void **state)
{
    (void)state;
    struct running server;
    start(&server, "127.0.0.1:0", NULL, NULL);
    wrd_client *client = connect_to(server.address, NULL);
    wrd_message message;
    unsigned before = atomic_load(&echoes_made);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wrd_client_send(client, "abc", 3), WRD_OK);
    assert_int_equal(wrd_client_drain(client, true, WAIT_MS), WRD_OK);
    while (atomic_load(&echoes_made) - before < 3) /* it arrived, and is still to be handled */
        (void)poll(NULL, 0, 1);
    assert_int_equal(wrd_client_wait(client, &message, WAIT_MS), WRD_OK); /* one echo borrowed, two wait */
    stop(&server);
    static uint8_t large[100000];
    wrd_result sent = wrd_client_send(client, large, sizeof large);
    assert_true(sent == WRD_OK || sent == WRD_CLOSED);
    assert_int_equal(wrd_client_drain(client, true, -1), WRD_CLOSED);
    for (int i = 0; i < 3; i++) { /* what arrived before is still there */
        assert_int_equal(wrd_client_wait(client, &message, -1), WRD_OK);
        assert_int_equal(message.len, 3);
        wrd_client_release(client);
    }
    assert_int_equal(wrd_client_wait(client, &message, -1), WRD_CLOSED);
    wrd_client_free(client);
}

/* ---- failures, each told apart and soon */

static void a_port_in_use_is_said_plainly(void **state)
{
    (void)state;
    wrd_server *first, *second;
    wrd_address address;
    const char *why;
    assert_int_equal(wrd_server_bind(&first, "127.0.0.1:0", NULL, &why), WRD_OK);
    wrd_server_address(first, &address);
    char text[WRD_ADDR_TEXT_SIZE];
    wrd_addr_text(&address.addr, text);
    errno = 0;
    assert_int_equal(wrd_server_bind(&second, text, NULL, &why), WRD_SYSTEM);
    assert_int_equal(errno, EADDRINUSE);
    assert_non_null(strstr(why, "in use"));
    assert_null(second);
    wrd_server_free(first);
}

static void an_address_that_is_not_ours_is_said_plainly(void **state)
{
    (void)state;
    wrd_server *server;
    const char *why;
    assert_int_equal(wrd_server_bind(&server, "192.0.2.1:0", NULL, &why), WRD_SYSTEM);
    assert_non_null(strstr(why, "does not have the address"));
    assert_int_equal(wrd_server_bind(&server, "224.0.0.1:0", NULL, &why), WRD_INVALID);
    assert_non_null(strstr(why, "multicast"));
    assert_int_equal(wrd_server_bind(&server, "[fe80::1]:0", NULL, &why), WRD_SYSTEM);
    assert_non_null(strstr(why, "zone"));
    assert_int_equal(wrd_server_bind(&server, "localhost:1", NULL, &why), WRD_INVALID);
    assert_true(strlen(why) > 20);
}

/* A port that no other program can get and where nobody listens: the socket takes datagrams of one peer alone. */
static int hold_port(wrd_address *address)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000009u), .sin_port = htons(9)};
    socklen_t len = sizeof own;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof peer), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    *address = (wrd_address){.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = ntohs(own.sin_port)}};
    return fd;
}

static void a_closed_port_is_refused(void **state)
{
    (void)state;
    wrd_address address;
    char text[WRD_ADDRESS_TEXT_SIZE];
    const char *why;
    int fd = hold_port(&address);
    wrd_address_text(&address, text);
    wrd_client *client;
    assert_int_equal(wrd_client_connect(&client, text, NULL, &why), WRD_REFUSED);
    assert_non_null(strstr(why, "nobody listens"));
    assert_null(client);
    (void)close(fd);
}

static void what_the_network_answered_can_be_asked_for(void **state)
{
    (void)state;
    wrd_address address;
    wrd_client_trouble trouble = {.size = sizeof trouble};
    wrd_client *client;
    const char *why;
    wrd_server *server;
    assert_int_equal(wrd_server_bind(&server, "127.0.0.1:0", NULL, &why), WRD_OK);
    wrd_server_address(server, &address);
    assert_int_equal(wrd_client_dial(&client, &address, NULL, &why), WRD_OK);
    wrd_client_get_trouble(client, &trouble);
    assert_int_equal(trouble.answered, 0);
    assert_int_equal(trouble.answered_by.family, 0);
    wrd_endpoint_abort(wrd_client_endpoint(client), 0);
    wrd_client_free(client);
    wrd_server_free(server);
    int fd = hold_port(&address);
    assert_int_equal(wrd_client_dial(&client, &address, NULL, &why), WRD_OK);
    assert_int_equal(wrd_client_drain(client, true, WAIT_MS), WRD_REFUSED);
    wrd_client_get_trouble(client, &trouble);
    assert_int_equal(trouble.answered, ECONNREFUSED);
#ifdef __linux__ /* which alone tells */
    assert_true(wrd_addr_equal(&trouble.answered_by, &(wrd_addr){.family = 4, .ip = {127, 0, 0, 1}}));
#endif
    assert_false(trouble.prohibited);
    assert_int_equal(trouble.send_error, 0);
    wrd_client_trouble stale = {.size = 1, .answered = 77};
    wrd_client_get_trouble(client, &stale);
    assert_int_equal(stale.answered, 77);
    wrd_client_free(client);
    (void)close(fd);
}

static void a_mute_port_is_a_timeout_within_the_time_given(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    char text[WRD_ADDRESS_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "127.0.0.1:%u %064d", ntohs(any.sin_port), 1);
    wrd_client_options options;
    wrd_client_options_init(&options);
    options.endpoint.handshake_timeout = 300 * WRD_MILLISECOND;
    wrd_client *client;
    const char *why;
    assert_int_equal(wrd_client_connect(&client, text, &options, &why), WRD_TIMEOUT);
    assert_non_null(strstr(why, "no answer"));
    (void)close(fd);
}

static void another_fingerprint_is_a_mismatch(void **state)
{
    (void)state;
    struct running server;
    start(&server, "127.0.0.1:0", NULL, NULL);
    wrd_address address;
    assert_int_equal(wrd_address_parse(&address, server.address, strlen(server.address), NULL), WRD_OK);
    address.fingerprint.bytes[31] ^= 1;
    char text[WRD_ADDRESS_TEXT_SIZE];
    wrd_address_text(&address, text);
    wrd_client *client;
    const char *why;
    assert_int_equal(wrd_client_connect(&client, text, NULL, &why), WRD_MISMATCH);
    assert_true(strlen(why) > 20);
    client = connect_to(server.address, NULL); /* and the server goes on */
    round_trip(client, 10);
    wrd_client_free(client);
    stop(&server);
}

static void a_server_that_ends_says_so(void **state)
{
    (void)state;
    struct running server;
    start(&server, "127.0.0.1:0", NULL, NULL);
    wrd_client *client = connect_to(server.address, NULL);
    round_trip(client, 10);
    stop(&server);
    wrd_message message;
    assert_int_equal(wrd_client_wait(client, &message, WAIT_MS), WRD_CLOSED);
    assert_int_equal(wrd_client_send(client, "x", 1), WRD_CLOSED);
    wrd_client_free(client);
}

static void the_same_key_gives_the_same_address_after_a_restart(void **state)
{
    (void)state;
    wrd_key key;
    assert_int_equal(wrd_key_from_seed(&key, 42), WRD_OK);
    wrd_server_options options;
    wrd_server_options_init(&options);
    options.endpoint.key = &key;
    struct running server;
    char first[WRD_ADDRESS_TEXT_SIZE], listen[WRD_ADDR_TEXT_SIZE];
    wrd_result result;
    do {
        start(&server, "127.0.0.1:0", &options, NULL);
        (void)strcpy(first, server.address);
        (void)sscanf(first, "%63s", listen);
        stop(&server);
        result = wrd_server_bind(&server.server, listen, &options, NULL);
    } while (result == WRD_SYSTEM && errno == EADDRINUSE); /* another program got it meanwhile */
    assert_int_equal(result, WRD_OK);
    start_bound(&server, NULL);
    assert_string_equal(server.address, first);
    wrd_client *client = connect_to(first, NULL);
    round_trip(client, 10);
    wrd_client_free(client);
    stop(&server);
}

static void the_local_network_ip_is_no_loopback(void **state)
{
    (void)state;
    wrd_addr addr;
    assert_int_equal(wrd_local_network_ip(&addr, 5), WRD_INVALID);
    wrd_result result = wrd_local_network_ip(&addr, 4);
    assert_true(result == WRD_OK || result == WRD_GONE);
    if (result == WRD_OK)
        assert_true(addr.family == 4 && addr.ip[0] != 127 && addr.ip[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_over_ipv4),
        cmocka_unit_test(echoes_over_ipv6),
        cmocka_unit_test(a_dual_stack_server_answers_both_families),
        cmocka_unit_test(a_wildcard_server_answers_from_the_address_it_was_asked_on),
        cmocka_unit_test(a_wildcard_bind_names_an_address_that_can_be_dialed),
        cmocka_unit_test(large_messages_pass_both_ways_in_both_modes),
        cmocka_unit_test(text_stays_text_in_raw_mode),
        cmocka_unit_test(many_messages_in_flight_come_back_in_order),
        cmocka_unit_test(exact_reads_cross_message_boundaries),
        cmocka_unit_test(an_own_loop_serves_with_poll_alone),
        cmocka_unit_test(what_answers_a_crowd_carries_its_acknowledgements),
        cmocka_unit_test(accept_hands_out_connections_without_events),
        cmocka_unit_test(a_stop_ends_one_turn_and_the_server_goes_on),
        cmocka_unit_test(an_ipv6_only_server_names_an_ipv6_address),
        cmocka_unit_test(a_refused_message_closes_its_connection_and_the_closed_handler_hears_it),
        cmocka_unit_test(channels_open_echo_and_close_with_words),
        cmocka_unit_test(a_message_for_a_closing_channel_does_not_end_the_connection),
        cmocka_unit_test(waits_end_with_the_connection_and_tell_the_truth),
        cmocka_unit_test(a_port_in_use_is_said_plainly),
        cmocka_unit_test(an_address_that_is_not_ours_is_said_plainly),
        cmocka_unit_test(a_closed_port_is_refused),
        cmocka_unit_test(what_the_network_answered_can_be_asked_for),
        cmocka_unit_test(a_mute_port_is_a_timeout_within_the_time_given),
        cmocka_unit_test(another_fingerprint_is_a_mismatch),
        cmocka_unit_test(a_server_that_ends_says_so),
        cmocka_unit_test(the_same_key_gives_the_same_address_after_a_restart),
        cmocka_unit_test(the_local_network_ip_is_no_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
