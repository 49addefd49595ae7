/* SPDX-License-Identifier: MIT */
/* A server's connection against a client whose association a test has in its hands. */
#include "endpoint/connection.h"
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct wrd_shared shared;
    wrd_endpoint_counters counters;
    struct wrd_dtls_context *client_context;
    struct wrd_connection *server;
    struct wrd_dtls *dtls; /* the client's */
    struct wrd_sctp *sctp;
    wrd_time now;
    uint64_t random;
};

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user, (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

static void fill_random(void *user, uint8_t *out, size_t len)
{
    struct bench *b = user;
    for (size_t i = 0; i < len; i++) {
        b->random = b->random * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(b->random >> 56);
    }
}

static void begin(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->now = WRD_SECOND;
    b->shared.env = (wrd_env){.user = b, .memory = memory, .random = fill_random};
    wrd_key key;
    world_server_options(&b->shared.options, &key);
    b->shared.dtls = wrd_dtls_context_new(&b->shared.env, &(struct wrd_dtls_settings){.identities = {&key}});
    b->client_context = wrd_dtls_context_new(&b->shared.env, &(struct wrd_dtls_settings){0});
    wrd_fingerprint fingerprint;
    assert_int_equal(wrd_key_fingerprint(&fingerprint, &key), WRD_OK);
    b->shared.counters = &b->counters;
    struct wrd_accept accept = {.admitted.bytes_in = 1 << 20}; /* its address counts as proved */
    b->server = wrd_connection_accept(&b->shared, b->now, &accept);
    b->dtls = wrd_dtls_client_new(b->client_context, b->now, &fingerprint);
    assert_true(b->server && b->dtls);
}

static void end(struct bench *b)
{
    wrd_sctp_free(b->sctp);
    wrd_dtls_free(b->dtls);
    wrd_connection_free(&b->shared, b->server);
    wrd_dtls_context_free(b->client_context);
    wrd_dtls_context_free(b->shared.dtls);
}

/* A round trip of whatever both have to say. */
static void exchange(struct bench *b)
{
    uint8_t datagram[WRD_DATAGRAM_MAX], packet[WRD_DATAGRAM_MAX];
    size_t len;
    b->now += 10 * WRD_MILLISECOND;
    for (;;) {
        len = wrd_dtls_transmit(b->dtls, b->now, datagram, sizeof datagram);
        if (len == 0 && b->sctp && (len = wrd_sctp_transmit(b->sctp, b->now, packet, sizeof packet)) > 0)
            len = wrd_dtls_seal(b->dtls, packet, len, datagram, sizeof datagram);
        if (len == 0)
            break;
        (void)wrd_connection_receive_dtls(&b->shared, b->server, b->now, datagram, len);
    }
    while ((len = wrd_connection_transmit(&b->shared, b->server, b->now, datagram, sizeof datagram)) > 0) {
        wrd_dtls_receive(b->dtls, b->now, datagram, len);
        while ((len = wrd_dtls_next(b->dtls, b->now, packet, sizeof packet)) > 0) {
            if (b->sctp)
                wrd_sctp_receive(b->sctp, b->now, packet, len);
        }
    }
}

static void connect_anew(struct bench *b)
{
    wrd_sctp_free(b->sctp);
    b->sctp = wrd_sctp_new(NULL, &b->shared.env);
    assert_non_null(b->sctp);
    wrd_sctp_connect(b->sctp, b->now);
}

static void open_bench(struct bench *b)
{
    begin(b);
    for (int i = 0; i < 20 && wrd_dtls_state(b->dtls) != WRD_DTLS_OPEN; i++)
        exchange(b);
    connect_anew(b);
    for (int i = 0; i < 10; i++)
        exchange(b);
    assert_int_equal(b->server->phase, WRD_PHASE_OPEN);
    assert_int_equal(wrd_sctp_state(b->sctp), WRD_SCTP_ESTABLISHED);
}

static void peer_that_begins_its_association_anew_ends_the_connection(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    connect_anew(&b);
    for (int i = 0; i < 10; i++)
        exchange(&b);
    assert_int_equal(b.server->phase, WRD_PHASE_ENDED);
    assert_int_equal(b.server->reason, WRD_LOST);
    assert_string_equal(b.server->reason_text, "the peer restarted its association");
    assert_int_equal(wrd_sctp_state(b.sctp), WRD_SCTP_CLOSED); /* and it hears of it */
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_that_begins_its_association_anew_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
