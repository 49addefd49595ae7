/* SPDX-License-Identifier: MIT */
/* Packets without CRC32c: RFC 9653. */
#include "script.h"

#include <string.h>

/* The peer connects, with or without the word that it takes packets without checksum. */
static void open_with(struct script *s, const struct wrd_sctp_options *options, bool peer_takes_plain)
{
    script_init(s, options);
    script_begin(s, 0);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG,
                                 .a_rwnd = s->rwnd,
                                 .streams_out = 100,
                                 .streams_in = 100,
                                 .tsn = wrd_tsn(SCRIPT_TSN),
                                 .zero_checksum = peer_takes_plain};
    script_chunk_end(s, wrd_sctp_init_begin(&s->wr, WRD_SCTP_INIT, &init));
    script_send(s);
    script_take_init_ack(s);
    script_echo(s);
    script_send(s);
    assert_int_equal(script_state(s), WRD_SCTP_ESTABLISHED);
}

static size_t next_packet(struct script *s, uint8_t *out)
{
    return wrd_sctp_transmit(s->sctp, s->now, out, WRD_SCTP_PACKET_MAX);
}

/* The packet under construction arrives with zero for a checksum. */
static void send_plain(struct script *s)
{
    wrd_sctp_receive(s->sctp, s->now, s->bytes, s->wr.len);
}

static void peer_that_takes_plain_packets_gets_them(void **state)
{
    struct script s;
    uint8_t out[WRD_SCTP_PACKET_MAX];
    open_with(&s, NULL, true);
    script_say(&s, 0, 100);
    size_t len = next_packet(&s, out);
    assert_true(len > 100);
    assert_true(wrd_sctp_packet_without_checksum(out, len));
    script_free(&s);
}

static void peer_that_said_nothing_gets_a_checksum_though_we_take_plain_ones(void **state)
{
    struct script s;
    open_with(&s, NULL, false);
    script_say(&s, 0, 100);
    script_collect(&s); /* checks every packet */
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_begin(&s, s.tag);
    script_data(&s, SCRIPT_TSN, 0, 0, 3, "plain", 5);
    send_plain(&s);
    script_hear(&s, "plain");
    script_free(&s);
}

static void right_checksum_is_right_in_any_case(void **state)
{
    struct script s;
    open_with(&s, NULL, true);
    script_send_data(&s, SCRIPT_TSN, 0, 0, 3, "summed");
    script_hear(&s, "summed");
    script_free(&s);
}

static void checksum_that_is_neither_right_nor_zero_is_refused(void **state)
{
    struct script s;
    open_with(&s, NULL, true);
    for (unsigned bit = 0; bit < 32; bit++) {
        script_begin(&s, s.tag);
        script_data(&s, SCRIPT_TSN, 0, 0, 3, "x", 1);
        s.bytes[8 + bit / 8] = (uint8_t)(1 << (bit % 8));
        send_plain(&s);
    }
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

static void always_checksum_means_both_ways(void **state)
{
    struct script s;
    struct wrd_sctp_options options = {.always_checksum = true};
    open_with(&s, &options, true);
    script_say(&s, 0, 100);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_begin(&s, s.tag);
    script_data(&s, SCRIPT_TSN, 0, 0, 3, "plain", 5);
    send_plain(&s);
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

static void what_begins_an_association_must_have_a_checksum(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s); /* our INIT has one */
    assert_true(script_has(&s, WRD_SCTP_INIT));
    script_begin(&s, 0);
    script_init_chunk(&s, WRD_SCTP_INIT, SCRIPT_TAG, SCRIPT_TSN);
    send_plain(&s);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(&s);
    send_plain(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_free(&s);

    /* Nothing was offered to a stranger. */
    script_init(&s, NULL);
    script_begin(&s, 1);
    script_plain(&s, WRD_SCTP_SHUTDOWN_ACK, 0);
    send_plain(&s);
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    script_free(&s);
}

static void init_ack_may_come_plain_and_cookie_echo_never_goes_so(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk init;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    s.tag = script_word(&init, 0);
    script_begin(&s, s.tag);
    struct wrd_sctp_init ack = {.tag = SCRIPT_TAG,
                                .a_rwnd = 5000,
                                .streams_out = 9,
                                .streams_in = 9,
                                .tsn = wrd_tsn(SCRIPT_TSN),
                                .zero_checksum = true};
    size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT_ACK, &ack);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_STATE_COOKIE, "abc", 3);
    script_chunk_end(&s, start);
    send_plain(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_ECHOED);
    script_say(&s, 0, 100);
    script_collect(&s); /* with DATA behind it */
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ECHO));
    assert_true(script_has(&s, WRD_SCTP_DATA));
    script_begin(&s, s.tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    send_plain(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    uint8_t out[WRD_SCTP_PACKET_MAX];
    script_say(&s, 0, 100);
    size_t len = next_packet(&s, out);
    assert_true(len > 0 && wrd_sctp_packet_without_checksum(out, len));
    script_free(&s);
}

static void abort_and_replies_have_a_checksum(void **state)
{
    struct script s;
    open_with(&s, NULL, true);
    uint8_t out[WRD_SCTP_PACKET_MAX];
    while (next_packet(&s, out) > 0)
        ;
    wrd_sctp_abort(s.sctp, s.now);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    /* The ABORT was lost, and the peer goes on without checksums. */
    script_begin(&s, s.tag);
    script_data(&s, SCRIPT_TSN, 0, 0, 3, "plain", 5);
    send_plain(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_ABORT));
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_that_takes_plain_packets_gets_them),
        cmocka_unit_test(peer_that_said_nothing_gets_a_checksum_though_we_take_plain_ones),
        cmocka_unit_test(right_checksum_is_right_in_any_case),
        cmocka_unit_test(checksum_that_is_neither_right_nor_zero_is_refused),
        cmocka_unit_test(always_checksum_means_both_ways),
        cmocka_unit_test(what_begins_an_association_must_have_a_checksum),
        cmocka_unit_test(init_ack_may_come_plain_and_cookie_echo_never_goes_so),
        cmocka_unit_test(abort_and_replies_have_a_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
