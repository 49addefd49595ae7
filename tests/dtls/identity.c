/* SPDX-License-Identifier: MIT */
/* What every backend behind dtls.h must do with the identities of both ends. */
#include "tests/dtls/door.h"
#include "tests/dtls/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

/* A pair whose client has a key of its own; its fingerprint in `own`. */
static struct pair *pair_that_asks(bool asks, wrd_fingerprint *own)
{
    struct pair *pair = pair_new();
    wrd_key key;
    assert_int_equal(wrd_key_from_seed(&key, 21), WRD_OK);
    assert_int_equal(wrd_key_fingerprint(own, &key), WRD_OK);
    pair_settings(pair, CLIENT, &(struct wrd_dtls_settings){.identities = {&key}});
    pair_settings(pair, SERVER,
                  &(struct wrd_dtls_settings){.identities = {&pair->server_key}, .ask_certificate = asks});
    return pair;
}

static void a_server_that_asks_learns_who_its_client_is(void **state)
{
    (void)state;
    wrd_fingerprint own, told;
    struct pair *pair = pair_that_asks(true, &own);
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    assert_memory_equal(&told, &own, sizeof own);
    assert_int_equal(pair->sent[CLIENT], 2);
    assert_int_equal(pair->sent[SERVER], 2);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[CLIENT], &told));
    for (int end = 0; end < 2; end++) {
        pair_say(pair, end, "so it is you");
        pair_run(pair, pair->now + WRD_SECOND);
        assert_true(pair_heard(pair, !end, 0, "so it is you"));
    }
    pair_free(pair);
}

static void a_server_that_does_not_ask_learns_nothing(void **state)
{
    (void)state;
    wrd_fingerprint own, told;
    struct pair *pair = pair_that_asks(false, &own);
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    pair_free(pair);
}

static void a_client_without_a_key_of_its_own_shows_the_same_random_one_each_time(void **state)
{
    (void)state;
    wrd_fingerprint unused, told[2];
    struct pair *pair = pair_that_asks(true, &unused);
    pair_settings(pair, CLIENT, &(struct wrd_dtls_settings){0});
    for (int i = 0; i < 2; i++) {
        pair_start(pair);
        pair_run(pair, pair->now + WRD_SECOND);
        assert_true(pair_is_open(pair));
        assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told[i]));
        wrd_dtls_free(pair->ends[CLIENT]);
        wrd_dtls_free(pair->ends[SERVER]);
        pair->ends[CLIENT] = pair->ends[SERVER] = NULL;
    }
    assert_memory_equal(&told[0], &told[1], sizeof told[0]);
    assert_memory_not_equal(&told[0], &unused, sizeof unused);
    pair_free(pair);
}

static void nothing_is_told_before_the_client_has_proved_it(void **state)
{
    (void)state;
    wrd_fingerprint own, told;
    struct pair *pair = pair_that_asks(true, &own);
    pair_start(pair);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    pair_run(pair, 3 * PAIR_LATENCY - 1);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_HANDSHAKING);
    assert_false(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    pair_run(pair, 3 * PAIR_LATENCY);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
    assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    pair_free(pair);
}

static void it_is_known_still_when_the_connection_has_closed(void **state)
{
    (void)state;
    wrd_fingerprint own, told;
    struct pair *pair = pair_that_asks(true, &own);
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    wrd_dtls_close(pair->ends[CLIENT]);
    pair_run(pair, 2 * WRD_SECOND);
    assert_int_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_CLOSED);
    assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    assert_memory_equal(&told, &own, sizeof own);
    pair_free(pair);
}

static void any_two_lost_datagrams_of_an_asking_handshake_are_made_good(void **state)
{
    (void)state;
    for (int a = 0; a < 8; a++) {
        for (int b = a; b < 8; b++) {
            wrd_fingerprint own, told;
            struct pair *pair = pair_that_asks(true, &own);
            pair->fates[a] = pair->fates[b] = IS_LOST;
            pair_start(pair);
            pair_run(pair, 3 * WRD_SECOND + 20 * PAIR_LATENCY);
            assert_true(pair_is_open(pair));
            assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
            assert_memory_equal(&told, &own, sizeof own);
            pair_free(pair);
        }
    }
}

static void a_client_that_answered_the_question_is_asked_who_it_is(void **state)
{
    (void)state;
    static const uint8_t cookie[WRD_DTLS_COOKIE_SIZE] = {7};
    uint8_t hello[WRD_DTLS_MTU], question[WRD_DTLS_MTU];
    wrd_fingerprint own, told;
    struct pair *pair = pair_that_asks(true, &own);
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], 0, &pair->expected);
    (void)wrd_dtls_transmit(pair->ends[CLIENT], 0, hello, sizeof hello);
    size_t len = wrd_dtls_hello_verify(question, sizeof question, hello, cookie);
    pair_receive(pair, CLIENT, question, len);
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], true, 0);
    assert_non_null(pair->ends[SERVER]);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_true(wrd_dtls_peer_fingerprint(pair->ends[SERVER], &told));
    assert_memory_equal(&told, &own, sizeof own);
    pair_free(pair);
}

static void a_server_shows_the_identity_it_is_told_to(void **state)
{
    (void)state;
    wrd_key second;
    wrd_fingerprint fingerprints[2];
    assert_int_equal(wrd_key_from_seed(&second, 8), WRD_OK);
    assert_int_equal(wrd_key_fingerprint(&fingerprints[1], &second), WRD_OK);
    for (unsigned shown = 0; shown < 2; shown++) {
        for (unsigned expected = 0; expected < 2; expected++) {
            struct pair *pair = pair_new();
            struct wrd_dtls_settings settings = {.identities = {&pair->server_key, &second}};
            pair_settings(pair, SERVER, &settings);
            fingerprints[0] = pair->expected;
            pair->identity = shown;
            pair->expected = fingerprints[expected];
            pair_start(pair);
            pair_run(pair, WRD_SECOND);
            assert_int_equal(pair_is_open(pair), shown == expected);
            assert_int_equal(wrd_dtls_failure(pair->ends[CLIENT], NULL), shown == expected ? WRD_OK : WRD_MISMATCH);
            pair_free(pair);
        }
    }
}

static long bytes_when_open(bool asks)
{
    wrd_fingerprint own;
    struct pair *pair = pair_that_asks(asks, &own);
    long before = pair->live_bytes;
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    long bytes = pair->live_bytes - before;
    pair_free(pair);
    return bytes;
}

/* Not asked for, it takes no room; asked for, no more than itself. */
static void a_clients_fingerprint_takes_room_only_where_it_is_asked_for(void **state)
{
    (void)state;
    assert_true(bytes_when_open(true) - bytes_when_open(false) <= WRD_FINGERPRINT_SIZE);
}

int identity_run_tests(const char *backend)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_asks_learns_who_its_client_is),
        cmocka_unit_test(a_server_that_does_not_ask_learns_nothing),
        cmocka_unit_test(a_client_without_a_key_of_its_own_shows_the_same_random_one_each_time),
        cmocka_unit_test(nothing_is_told_before_the_client_has_proved_it),
        cmocka_unit_test(it_is_known_still_when_the_connection_has_closed),
        cmocka_unit_test(any_two_lost_datagrams_of_an_asking_handshake_are_made_good),
        cmocka_unit_test(a_client_that_answered_the_question_is_asked_who_it_is),
        cmocka_unit_test(a_server_shows_the_identity_it_is_told_to),
        cmocka_unit_test(a_clients_fingerprint_takes_room_only_where_it_is_asked_for),
    };
    return cmocka_run_group_tests_name(backend, tests, NULL, NULL);
}
