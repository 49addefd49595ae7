/* SPDX-License-Identifier: MIT */
#include "tests/dtls/door.h"

#include "tests/dtls/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static void assert_state(const struct pair *pair, int end, enum wrd_dtls_state state)
{
    assert_int_equal(wrd_dtls_state(pair->ends[end]), state);
}

/* From here on the wire is kind. */
static void assert_data_flows(struct pair *pair)
{
    memset(pair->fates, 0, sizeof pair->fates);
    for (int end = 0; end < 2; end++) {
        int before = pair->record_count[!end];
        pair_say(pair, end, "is anybody there?");
        pair_run(pair, pair->now + WRD_SECOND);
        assert_int_equal(pair->record_count[!end], before + 1);
        assert_true(pair_heard(pair, !end, before, "is anybody there?"));
    }
}

static void both_ends_open_after_two_round_trips_of_one_datagram_each(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair_start(pair);
    pair_run(pair, 4 * PAIR_LATENCY - 1);
    assert_state(pair, CLIENT, WRD_DTLS_HANDSHAKING);
    assert_state(pair, SERVER, WRD_DTLS_OPEN);
    pair_run(pair, 4 * PAIR_LATENCY);
    assert_true(pair_is_open(pair));
    assert_int_equal(pair->sent[CLIENT], 2);
    assert_int_equal(pair->sent[SERVER], 2);
    assert_data_flows(pair);
    pair_free(pair);
}

static void first_datagram_of_a_client_is_a_client_hello(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair_start(pair);
    uint8_t hello[WRD_DTLS_MTU], answer[WRD_DTLS_MTU];
    size_t len = wrd_dtls_transmit(pair->ends[CLIENT], 0, hello, sizeof hello);
    assert_true(wrd_dtls_is(hello, len));
    assert_true(wrd_dtls_is_client_hello(hello, len));
    pair_receive(pair, SERVER, hello, len);
    len = wrd_dtls_transmit(pair->ends[SERVER], 0, answer, sizeof answer);
    assert_true(wrd_dtls_is(answer, len));
    assert_false(wrd_dtls_is_client_hello(answer, len));
    pair_free(pair);
}

static void any_one_lost_datagram_is_made_good_by_the_first_repeat(void **state)
{
    (void)state;
    for (int lost = 0; lost < 6; lost++) {
        struct pair *pair = pair_new();
        pair->fates[lost] = IS_LOST;
        pair_start(pair);
        pair_run(pair, WRD_SECOND + 10 * PAIR_LATENCY);
        assert_true(pair_is_open(pair));
        assert_data_flows(pair);
        pair_free(pair);
    }
}

static void any_two_lost_datagrams_are_made_good(void **state)
{
    (void)state;
    for (int a = 0; a < 10; a++) {
        for (int b = a + 1; b < 10; b++) {
            struct pair *pair = pair_new();
            pair->fates[a] = pair->fates[b] = IS_LOST;
            pair_start(pair);
            pair_run(pair, 3 * WRD_SECOND + 20 * PAIR_LATENCY);
            assert_true(pair_is_open(pair));
            assert_data_flows(pair);
            pair_free(pair);
        }
    }
}

static void any_four_fates_of_the_first_ten_datagrams_end_open(void **state)
{
    (void)state;
    struct pair *random = pair_new();
    for (int round = 0; round < 150; round++) {
        struct pair *pair = pair_new();
        for (int i = 0; i < 4; i++) {
            uint8_t choice[2];
            pair_random(random, choice, sizeof choice);
            pair->fates[choice[0] % 10] = (enum fate)(choice[1] % 4);
        }
        pair_start(pair);
        pair_run(pair, 60 * WRD_SECOND);
        assert_true(pair_is_open(pair));
        assert_data_flows(pair);
        pair_free(pair);
    }
    pair_free(random);
}

static void every_datagram_twice_does_no_harm(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    for (int i = 0; i < PAIR_FATES; i++)
        pair->fates[i] = ARRIVES_TWICE;
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_data_flows(pair);
    pair_free(pair);
}

static void any_late_datagram_does_no_harm(void **state)
{
    (void)state;
    for (int late = 0; late < 8; late++) {
        struct pair *pair = pair_new();
        pair->fates[late] = IS_LATE;
        pair_start(pair);
        pair_run(pair, 3 * WRD_SECOND);
        assert_true(pair_is_open(pair));
        assert_data_flows(pair);
        pair_free(pair);
    }
}

static void data_that_overtakes_the_servers_last_flight_is_kept(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair->fates[3] = IS_LATE;
    pair_start(pair);
    pair_run(pair, 3 * PAIR_LATENCY);
    assert_state(pair, SERVER, WRD_DTLS_OPEN);
    pair_say(pair, SERVER, "first");
    pair_say(pair, SERVER, "second");
    pair_run(pair, 5 * PAIR_LATENCY);
    assert_state(pair, CLIENT, WRD_DTLS_HANDSHAKING);
    pair_run(pair, 20 * PAIR_LATENCY);
    assert_state(pair, CLIENT, WRD_DTLS_OPEN);
    assert_true(pair_heard(pair, CLIENT, 0, "first"));
    assert_true(pair_heard(pair, CLIENT, 1, "second"));
    assert_data_flows(pair);
    pair_free(pair);
}

static void client_repeats_after_one_second_doubling_to_eight(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair->now = 5 * WRD_SECOND;
    pair_start(pair);
    for (int i = 0; i < PAIR_FATES; i++)
        pair->fates[i] = IS_LOST;
    static const wrd_time at[] = {6, 8, 12, 20, 28, 36};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        assert_int_equal(wrd_dtls_deadline(pair->ends[CLIENT]), at[i] * WRD_SECOND);
        pair_run(pair, at[i] * WRD_SECOND - 1);
        assert_int_equal(pair->sent[CLIENT], 1 + (int)i);
        wrd_dtls_expire(pair->ends[CLIENT], pair->now);
        pair_flush(pair, CLIENT);
        assert_int_equal(pair->sent[CLIENT], 1 + (int)i);
        pair_run(pair, at[i] * WRD_SECOND);
        assert_int_equal(pair->sent[CLIENT], 2 + (int)i);
    }
    pair_free(pair);
}

static void server_has_no_timer_and_never_sends_more_datagrams_than_it_got(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair_start(pair);
    for (int i = 1; i < 8; i++)
        pair->fates[i] = i & 1 ? IS_LOST : ARRIVES; /* all of the server's */
    pair_run(pair, 9 * PAIR_LATENCY);
    assert_int_equal(wrd_dtls_deadline(pair->ends[SERVER]), WRD_NEVER);
    pair_run(pair, 10 * WRD_SECOND);
    assert_int_equal(pair->sent[SERVER], pair->sent[CLIENT]);
    assert_int_equal(wrd_dtls_deadline(pair->ends[SERVER]), WRD_NEVER);
    pair_run(pair, 30 * WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_int_equal(wrd_dtls_deadline(pair->ends[CLIENT]), WRD_NEVER);
    pair_free(pair);
}

static void lost_last_flight_is_answered_as_often_as_the_client_repeats(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair_start(pair);
    for (int i = 3; i < 33; i += 2)
        pair->fates[i] = IS_LOST; /* the server's last flight, fifteen times */
    pair_run(pair, 100 * WRD_SECOND);
    assert_state(pair, SERVER, WRD_DTLS_OPEN);
    assert_state(pair, CLIENT, WRD_DTLS_HANDSHAKING);
    pair_run(pair, 130 * WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_data_flows(pair);
    pair_free(pair);
}

static void wrong_fingerprint_fails_as_mismatch_and_tells_the_server(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair->expected.bytes[31] ^= 1;
    pair_start(pair);
    pair_run(pair, WRD_SECOND);
    const char *text = NULL;
    assert_state(pair, CLIENT, WRD_DTLS_FAILED);
    assert_int_equal(wrd_dtls_failure(pair->ends[CLIENT], &text), WRD_MISMATCH);
    assert_non_null(strstr(text, "fingerprint"));
    assert_state(pair, SERVER, WRD_DTLS_FAILED);
    assert_int_equal(wrd_dtls_failure(pair->ends[SERVER], &text), WRD_MISMATCH);
    assert_non_null(strstr(text, "refused"));
    assert_int_equal(wrd_dtls_deadline(pair->ends[CLIENT]), WRD_NEVER);
    pair_free(pair);
}

static void the_alert_of_a_mismatch_arrives_after_repeats_too(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    pair->expected.bytes[0] ^= 0x80;
    pair->fates[1] = pair->fates[3] = IS_LOST;
    pair_start(pair);
    pair_run(pair, 10 * WRD_SECOND);
    assert_state(pair, CLIENT, WRD_DTLS_FAILED);
    assert_state(pair, SERVER, WRD_DTLS_FAILED);
    pair_free(pair);
}

static void close_by_either_end_closes_the_other(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        struct pair *pair = pair_open();
        wrd_dtls_close(pair->ends[end]);
        assert_state(pair, end, WRD_DTLS_CLOSED);
        wrd_dtls_close(pair->ends[end]);
        int before = pair->sent[end];
        pair_run(pair, 2 * WRD_SECOND);
        assert_int_equal(pair->sent[end], before + 1);
        assert_state(pair, !end, WRD_DTLS_CLOSED);
        uint8_t out[100];
        assert_int_equal(wrd_dtls_seal(pair->ends[end], out, 1, out, sizeof out), 0);
        assert_int_equal(wrd_dtls_seal(pair->ends[!end], out, 1, out, sizeof out), 0);
        assert_int_equal(wrd_dtls_failure(pair->ends[!end], NULL), WRD_OK);
        pair_free(pair);
    }
}

static void close_of_a_half_made_connection_is_heard(void **state)
{
    (void)state;
    for (wrd_time when = 0; when <= 4; when++) {
        struct pair *pair = pair_new();
        pair_start(pair);
        pair_run(pair, when * PAIR_LATENCY);
        wrd_dtls_close(pair->ends[CLIENT]);
        pair_run(pair, WRD_SECOND);
        assert_state(pair, CLIENT, WRD_DTLS_CLOSED);
        assert_int_not_equal(wrd_dtls_state(pair->ends[SERVER]), WRD_DTLS_OPEN);
        pair_free(pair);
    }
}

static void data_sealed_before_a_close_still_arrives(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    pair_say(pair, CLIENT, "goodbye");
    wrd_dtls_close(pair->ends[CLIENT]);
    pair_run(pair, 2 * WRD_SECOND);
    assert_true(pair_heard(pair, SERVER, 0, "goodbye"));
    assert_state(pair, SERVER, WRD_DTLS_CLOSED);
    pair_free(pair);
}

static void seal_refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    uint8_t data[1200] = {1, 2, 3}, out[1300];
    pair_start(pair);
    assert_int_equal(wrd_dtls_seal(pair->ends[CLIENT], data, 10, out, sizeof out), 0);
    pair_run(pair, WRD_SECOND);
    assert_int_equal(wrd_dtls_seal(pair->ends[CLIENT], data, 1200, out, 1200), 0);
    assert_int_equal(wrd_dtls_seal(pair->ends[CLIENT], data, 1200, out, 1200 + WRD_DTLS_OVERHEAD - 1), 0);
    assert_int_equal(wrd_dtls_seal(pair->ends[CLIENT], data, 0, out, WRD_DTLS_OVERHEAD - 1), 0);
    assert_int_equal(wrd_dtls_seal(pair->ends[CLIENT], data, SIZE_MAX, out, sizeof out), 0);
    size_t len = wrd_dtls_seal(pair->ends[CLIENT], data, 1200, out, 1200 + WRD_DTLS_OVERHEAD);
    assert_in_range(len, 1201, 1200 + WRD_DTLS_OVERHEAD);
    pair_receive(pair, SERVER, out, len);
    assert_int_equal(pair->record_count[SERVER], 1);
    assert_int_equal(pair->record_len[SERVER][0], 1200);
    assert_memory_equal(pair->records[SERVER][0], data, 1200);
    pair_free(pair);
}

static void record_larger_than_the_room_given_is_dropped(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    uint8_t data[100] = {0}, sealed[200], small[99];
    size_t len = wrd_dtls_seal(pair->ends[CLIENT], data, sizeof data, sealed, sizeof sealed);
    wrd_dtls_receive(pair->ends[SERVER], pair->now, sealed, len);
    assert_int_equal(wrd_dtls_next(pair->ends[SERVER], pair->now, small, sizeof small), 0);
    assert_data_flows(pair);
    pair_free(pair);
}

static void record_with_any_flipped_bit_is_ignored(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    uint8_t sealed[200];
    size_t len = wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"tamper", 6, sealed, sizeof sealed);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        pair_receive(pair, SERVER, sealed, len);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        pair_receive(pair, SERVER, sealed, cut);
    assert_int_equal(pair->record_count[SERVER], 0);
    assert_state(pair, SERVER, WRD_DTLS_OPEN);
    pair_receive(pair, SERVER, sealed, len);
    assert_true(pair_heard(pair, SERVER, 0, "tamper"));
    pair_free(pair);
}

static void replayed_record_is_ignored(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    uint8_t sealed[200], other[200];
    size_t len = wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"once", 4, sealed, sizeof sealed);
    pair_receive(pair, SERVER, sealed, len);
    pair_receive(pair, SERVER, sealed, len);
    for (int i = 0; i < 100; i++) {
        size_t other_len = wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"more", 4, other, sizeof other);
        pair_receive(pair, SERVER, other, other_len);
        pair_receive(pair, SERVER, sealed, len);
    }
    assert_int_equal(pair->record_count[SERVER], 101);
    pair_free(pair);
}

static void records_may_arrive_in_any_order_within_the_window(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    uint8_t sealed[60][64];
    size_t len = 0;
    for (size_t i = 0; i < 60; i++)
        len = wrd_dtls_seal(pair->ends[SERVER], (const uint8_t *)"back", 4, sealed[i], sizeof sealed[i]);
    for (size_t i = 60; i-- > 0;)
        pair_receive(pair, CLIENT, sealed[i], len);
    assert_int_equal(pair->record_count[CLIENT], 60);
    pair_free(pair);
}

static void several_records_in_one_datagram_all_come_out(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    uint8_t datagram[300];
    size_t len = wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"one", 3, datagram, sizeof datagram);
    size_t second = len;
    len += wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"two", 3, datagram + len, sizeof datagram - len);
    len += wrd_dtls_seal(pair->ends[CLIENT], (const uint8_t *)"three", 5, datagram + len, sizeof datagram - len);
    datagram[second + 20] ^= 1;
    pair_receive(pair, SERVER, datagram, len);
    assert_int_equal(pair->record_count[SERVER], 2);
    assert_true(pair_heard(pair, SERVER, 0, "one"));
    assert_true(pair_heard(pair, SERVER, 1, "three"));
    pair_free(pair);
}

static void plaintext_after_keys_is_ignored(void **state)
{
    (void)state;
    static const uint8_t fatal[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    static const uint8_t notify[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};
    static const uint8_t data[] = {23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 'h', 'i'};
    static const uint8_t spec[] = {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
    static const uint8_t later[] = {21, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    struct pair *pair = pair_open();
    for (int end = 0; end < 2; end++) {
        pair_receive(pair, end, fatal, sizeof fatal);
        pair_receive(pair, end, notify, sizeof notify);
        pair_receive(pair, end, data, sizeof data);
        pair_receive(pair, end, spec, sizeof spec);
        pair_receive(pair, end, later, sizeof later);
        assert_state(pair, end, WRD_DTLS_OPEN);
        assert_int_equal(pair->record_count[end], 0);
    }
    assert_data_flows(pair);
    pair_free(pair);
}

static void garbage_changes_nothing_at_any_stage(void **state)
{
    (void)state;
    for (wrd_time stage = 0; stage < 5; stage++) {
        struct pair *pair = pair_new();
        pair_start(pair);
        pair_run(pair, stage * PAIR_LATENCY);
        for (int i = 0; i < 500; i++) {
            uint8_t bytes[200];
            uint8_t len[1];
            pair_random(pair, bytes, sizeof bytes);
            pair_random(pair, len, 1);
            if (i % 2) {
                wrd_dtls_receive(pair->ends[i / 2 % 2], pair->now, NULL, 0);
                bytes[0] = (uint8_t)(20 + bytes[0] % 8);
                bytes[1] = 0xfe;
                bytes[2] = 0xfd;
                bytes[3] = 0;
                bytes[4] &= 1;
                bytes[11] = 0;
                bytes[12] = (uint8_t)(len[0] % 187);
                bytes[13] |= 0x40; /* no handshake type, no alert level */
            }
            pair_receive(pair, i / 2 % 2, bytes, len[0] < sizeof bytes ? len[0] : sizeof bytes);
        }
        pair_run(pair, 20 * WRD_SECOND);
        assert_true(pair_is_open(pair));
        assert_data_flows(pair);
        pair_free(pair);
    }
}

static void an_allocation_refused_by_the_environment_is_a_clean_refusal(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    for (int refused = 0;; refused++) {
        pair->fail_at = pair->allocations + refused;
        struct wrd_dtls_context *context =
            wrd_dtls_context_new(&pair->env, &(struct wrd_dtls_settings){.identities = {&pair->server_key}});
        struct wrd_dtls *server = context ? wrd_dtls_server_new(context, false, 0) : NULL;
        struct wrd_dtls *client = server ? wrd_dtls_client_new(context, 0, &pair->expected) : NULL;
        bool whole = client != NULL;
        wrd_dtls_free(client);
        wrd_dtls_free(server);
        wrd_dtls_context_free(context);
        if (whole) {
            assert_true(refused > 0);
            break;
        }
    }
    pair->fail_at = -1;
    pair_free(pair);
}

static void connections_of_one_context_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct pair *pair = pair_open();
    struct wrd_dtls *other = wrd_dtls_client_new(pair->contexts[CLIENT], 0, &pair->expected);
    struct wrd_dtls *third = wrd_dtls_server_new(pair->contexts[SERVER], false, 0);
    uint8_t hello[WRD_DTLS_MTU];
    size_t len = wrd_dtls_transmit(other, 0, hello, sizeof hello);
    hello[len - 1] ^= 0xff;
    wrd_dtls_receive(third, 0, hello, len);
    assert_data_flows(pair);
    wrd_dtls_free(other);
    wrd_dtls_free(third);
    assert_data_flows(pair);
    pair_free(pair);
}

static const uint8_t cookie[WRD_DTLS_COOKIE_SIZE] = "who are you";

/* A client whose first hello was answered with the question; its second is in `hello`. Returns its length. */
static size_t ask_client(struct pair *pair, uint8_t hello[WRD_DTLS_MTU])
{
    uint8_t question[WRD_DTLS_MTU];
    pair->ends[CLIENT] = wrd_dtls_client_new(pair->contexts[CLIENT], pair->now, &pair->expected);
    size_t len = wrd_dtls_transmit(pair->ends[CLIENT], pair->now, hello, WRD_DTLS_MTU);
    struct wrd_dtls_hello first, second;
    assert_true(wrd_dtls_hello_read(&first, hello, len));
    assert_false(first.repeated);
    assert_int_equal(first.cookie_len, 0);
    uint8_t random[WRD_DTLS_RANDOM_SIZE];
    memcpy(random, first.random, sizeof random);
    size_t asked = wrd_dtls_hello_verify(question, sizeof question, hello, cookie);
    assert_in_range(asked, 1, len - 1);
    assert_int_equal(wrd_dtls_hello_verify(question, asked - 1, hello, cookie), 0);
    pair_receive(pair, CLIENT, question, asked);
    len = wrd_dtls_transmit(pair->ends[CLIENT], pair->now, hello, WRD_DTLS_MTU);
    assert_true(wrd_dtls_hello_read(&second, hello, len));
    assert_true(second.repeated);
    assert_int_equal(second.cookie_len, sizeof cookie);
    assert_memory_equal(second.cookie, cookie, sizeof cookie);
    assert_memory_equal(second.random, random, sizeof random);
    return len;
}

static void an_address_that_answers_the_question_opens(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    uint8_t hello[WRD_DTLS_MTU];
    size_t len = ask_client(pair, hello);
    pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], true, 0);
    pair_receive(pair, SERVER, hello, len);
    pair_run(pair, WRD_SECOND);
    assert_true(pair_is_open(pair));
    assert_data_flows(pair);
    pair_free(pair);
}

static void flights_lost_after_the_question_are_repeated(void **state)
{
    (void)state;
    for (int lost = 0; lost < 4; lost++) {
        struct pair *pair = pair_new();
        uint8_t hello[WRD_DTLS_MTU];
        size_t len = ask_client(pair, hello);
        pair->ends[SERVER] = wrd_dtls_server_new(pair->contexts[SERVER], true, 0);
        pair->fates[lost] = IS_LOST;
        pair_send(pair, CLIENT, hello, len);
        pair_run(pair, 20 * WRD_SECOND);
        assert_true(pair_is_open(pair));
        pair_free(pair);
    }
}

static void only_the_first_part_of_a_hello_can_be_asked(void **state)
{
    (void)state;
    struct pair *pair = pair_new();
    uint8_t hello[WRD_DTLS_MTU];
    struct wrd_dtls_hello read;
    size_t len = ask_client(pair, hello);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, hello, cut);
        assert_false(wrd_dtls_hello_read(&read, copy, cut));
        free(copy);
    }
    hello[13 + 5] = 2; /* message_seq */
    assert_false(wrd_dtls_hello_read(&read, hello, len));
    hello[13 + 5] = 0;
    assert_true(wrd_dtls_hello_read(&read, hello, len));
    hello[4] = 1; /* epoch */
    assert_false(wrd_dtls_hello_read(&read, hello, len));
    pair_free(pair);
}

int door_run_tests(const char *backend)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_open_after_two_round_trips_of_one_datagram_each),
        cmocka_unit_test(first_datagram_of_a_client_is_a_client_hello),
        cmocka_unit_test(any_one_lost_datagram_is_made_good_by_the_first_repeat),
        cmocka_unit_test(any_two_lost_datagrams_are_made_good),
        cmocka_unit_test(any_four_fates_of_the_first_ten_datagrams_end_open),
        cmocka_unit_test(every_datagram_twice_does_no_harm),
        cmocka_unit_test(any_late_datagram_does_no_harm),
        cmocka_unit_test(data_that_overtakes_the_servers_last_flight_is_kept),
        cmocka_unit_test(client_repeats_after_one_second_doubling_to_eight),
        cmocka_unit_test(server_has_no_timer_and_never_sends_more_datagrams_than_it_got),
        cmocka_unit_test(lost_last_flight_is_answered_as_often_as_the_client_repeats),
        cmocka_unit_test(wrong_fingerprint_fails_as_mismatch_and_tells_the_server),
        cmocka_unit_test(the_alert_of_a_mismatch_arrives_after_repeats_too),
        cmocka_unit_test(close_by_either_end_closes_the_other),
        cmocka_unit_test(close_of_a_half_made_connection_is_heard),
        cmocka_unit_test(data_sealed_before_a_close_still_arrives),
        cmocka_unit_test(seal_refuses_what_does_not_fit),
        cmocka_unit_test(record_larger_than_the_room_given_is_dropped),
        cmocka_unit_test(record_with_any_flipped_bit_is_ignored),
        cmocka_unit_test(replayed_record_is_ignored),
        cmocka_unit_test(records_may_arrive_in_any_order_within_the_window),
        cmocka_unit_test(several_records_in_one_datagram_all_come_out),
        cmocka_unit_test(plaintext_after_keys_is_ignored),
        cmocka_unit_test(garbage_changes_nothing_at_any_stage),
        cmocka_unit_test(an_allocation_refused_by_the_environment_is_a_clean_refusal),
        cmocka_unit_test(an_address_that_answers_the_question_opens),
        cmocka_unit_test(flights_lost_after_the_question_are_repeated),
        cmocka_unit_test(only_the_first_part_of_a_hello_can_be_asked),
        cmocka_unit_test(connections_of_one_context_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name(backend, tests, NULL, NULL);
}
