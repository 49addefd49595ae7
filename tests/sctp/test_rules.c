/* SPDX-License-Identifier: MIT */
/* The safety rules, each by its number in the design: what others left out at their users' cost. */
#include "script.h"

#include <string.h>

#define T SCRIPT_TSN

static void send_plain(struct script *s, uint32_t tag, uint8_t type, uint8_t flags)
{
    script_begin(s, tag);
    script_plain(s, type, flags);
    script_send(s);
}

static void opened(struct script *s)
{
    script_init(s, NULL);
    script_open(s);
    (void)wrd_sctp_next(s->sctp);
}

/* ---- 1. Tags */

static void rule_1_every_chunk_needs_the_right_tag(void **state)
{
    static const uint8_t types[] = {WRD_SCTP_DATA,
                                    WRD_SCTP_INIT_ACK,
                                    WRD_SCTP_SACK,
                                    WRD_SCTP_HEARTBEAT,
                                    WRD_SCTP_HEARTBEAT_ACK,
                                    WRD_SCTP_ABORT,
                                    WRD_SCTP_SHUTDOWN,
                                    WRD_SCTP_SHUTDOWN_ACK,
                                    WRD_SCTP_ERROR,
                                    WRD_SCTP_COOKIE_ACK,
                                    WRD_SCTP_SHUTDOWN_COMPLETE,
                                    WRD_SCTP_I_DATA,
                                    WRD_SCTP_RE_CONFIG,
                                    WRD_SCTP_FORWARD_TSN,
                                    WRD_SCTP_I_FORWARD_TSN,
                                    0xff};
    for (size_t i = 0; i < sizeof types; i++) {
        struct script s;
        opened(&s);
        wrd_time deadline = wrd_sctp_deadline(s.sctp);
        const uint32_t tags[] = {0, s.tag + 1, SCRIPT_TAG, ~s.tag};
        s.now += 10;
        for (size_t j = 0; j < 4; j++) {
            script_begin(&s, tags[j]);
            size_t start = script_chunk(&s, types[i], 0);
            wrd_wr32(&s.wr, types[i] == WRD_SCTP_SHUTDOWN || types[i] == WRD_SCTP_SACK ? s.tsn - 1 : T);
            wrd_wr_bytes(&s.wr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
            script_chunk_end(&s, start);
            script_send(&s);
            script_collect(&s);
            assert_int_equal(s.out_count, 0);
            assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
            assert_int_equal(wrd_sctp_deadline(s.sctp), deadline); /* not even a sign of life */
            assert_int_equal(wrd_sctp_next(s.sctp), 0);
        }
        script_free(&s);
    }
}

static void rule_1_reflected_tag_is_good_for_its_own_chunk_only(void **state)
{
    struct script s;
    opened(&s);
    script_begin(&s, SCRIPT_TAG);
    script_plain(&s, WRD_SCTP_SHUTDOWN_COMPLETE, WRD_SCTP_REFLECTED);
    script_data(&s, T, 0, 0, 3, "smuggled", 8);
    script_send(&s);
    assert_true(script_hears_nothing(&s));
    script_begin(&s, s.tag); /* and the flag is not to be borrowed by what does not come first */
    script_data(&s, T, 0, 0, 3, "honest", 6);
    script_plain(&s, WRD_SCTP_ABORT, WRD_SCTP_REFLECTED);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_hear(&s, "honest");
    send_plain(&s, SCRIPT_TAG, WRD_SCTP_ABORT, 0);
    send_plain(&s, s.tag, WRD_SCTP_ABORT, WRD_SCTP_REFLECTED);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    send_plain(&s, SCRIPT_TAG, WRD_SCTP_ABORT, WRD_SCTP_REFLECTED);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void rule_1_stray_packets_get_what_the_rfc_says(void **state)
{
    const struct {
        uint8_t type;
        int answer; /* -1: none */
    } cases[] = {{WRD_SCTP_ABORT, -1},
                 {WRD_SCTP_SHUTDOWN_COMPLETE, -1},
                 {WRD_SCTP_COOKIE_ACK, -1},
                 {WRD_SCTP_ERROR, -1},
                 {WRD_SCTP_COOKIE_ECHO, -1},
                 {WRD_SCTP_SHUTDOWN_ACK, WRD_SCTP_SHUTDOWN_COMPLETE},
                 {WRD_SCTP_DATA, WRD_SCTP_ABORT},
                 {WRD_SCTP_HEARTBEAT, WRD_SCTP_ABORT},
                 {0x3f, WRD_SCTP_ABORT}};
    for (size_t i = 0; i < 9; i++) {
        struct script s;
        script_init(&s, NULL);
        send_plain(&s, 4711, cases[i].type, 0);
        script_collect(&s);
        assert_int_equal(s.out_count, cases[i].answer >= 0);
        if (cases[i].answer >= 0) {
            assert_int_equal(s.out[0].bytes[WRD_SCTP_HEADER_SIZE], cases[i].answer);
            assert_int_equal(s.out[0].bytes[WRD_SCTP_HEADER_SIZE + 1], WRD_SCTP_REFLECTED);
            assert_int_equal(s.out[0].tag, 4711);
        }
        send_plain(&s, 0, cases[i].type, 0); /* a tag of nobody is never reflected */
        script_begin(&s, 4711);
        script_plain(&s, cases[i].type, 0);
        script_plain(&s, WRD_SCTP_ABORT, 0); /* nor is a packet that has an ABORT anywhere */
        script_send(&s);
        script_collect(&s);
        assert_int_equal(s.out_count, 0);
        assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
        script_free(&s);
    }
}

static void rule_1_tag_and_tsn_come_from_the_random_source(void **state)
{
    uint32_t tags[50], tsns[50];
    for (uint64_t i = 0; i < 50; i++) {
        struct lab_env env;
        lab_env_init(&env, i);
        struct wrd_sctp *sctp = wrd_sctp_new(NULL, &env.env);
        tags[i] = sctp->local_tag;
        tsns[i] = sctp->local_initial.v;
        wrd_sctp_free(sctp);
        for (uint64_t j = 0; j < i; j++)
            assert_true(tags[i] != tags[j] && tsns[i] != tsns[j]);
    }
}

/* ---- 2. Cookie */

static void rule_2_no_state_is_kept_for_init_and_cookies_are_sealed_and_age(void **state)
{
    struct script s;
    script_init(&s, NULL);
    size_t before = s.env.live;
    for (uint32_t i = 1; i < 300; i++)
        script_send_init(&s, i, i);
    assert_int_equal(s.env.live, before);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        size_t at = lab_random(&seed) % s.cookie_len;
        uint8_t was = s.cookie[at];
        s.cookie[at] ^= (uint8_t)(1 + lab_random(&seed) % 255);
        script_echo(&s);
        script_send(&s);
        s.cookie[at] = was;
        assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    }
    s.now += WRD_SCTP_COOKIE_LIFETIME + 1;
    script_echo(&s);
    script_send(&s);
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

static void rule_2_cookie_of_another_association_is_worthless(void **state)
{
    struct script one, other;
    script_init(&one, NULL);
    script_init(&other, NULL);
    other.sctp->cookie_key[0] ^= 1; /* all else is alike, for the seed is */
    script_send_init(&one, SCRIPT_TAG, T);
    script_send_init(&other, SCRIPT_TAG, T);
    memcpy(other.cookie, one.cookie, one.cookie_len);
    other.tag = one.tag;
    script_echo(&other);
    script_send(&other);
    assert_int_equal(script_state(&other), WRD_SCTP_CLOSED);
    script_free(&one);
    script_free(&other);
}

static void rule_2_cookie_preservative_does_not_prolong_its_life(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_begin(&s, 0);
    struct wrd_sctp_init init = {.tag = SCRIPT_TAG, .a_rwnd = 5000, .streams_out = 9, .streams_in = 9};
    size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT, &init);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_COOKIE_PRESERVATIVE, "\x7f\xff\xff\xff", 4);
    script_chunk_end(&s, start);
    script_send(&s);
    script_take_init_ack(&s);
    s.now += WRD_SCTP_COOKIE_LIFETIME + 1;
    script_echo(&s);
    script_send(&s);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_ERROR));
    assert_int_equal(script_state(&s), WRD_SCTP_CLOSED);
    script_free(&s);
}

/* ---- 3. Lengths */

static void rule_3_every_chunk_cut_short_or_drawn_long_does_no_harm(void **state)
{
    for (unsigned type = 0; type < 256; type++) {
        struct script s;
        opened(&s);
        script_say(&s, 0, 3000);
        script_collect(&s);
        for (uint16_t len = 0; len < 80 && script_state(&s) != WRD_SCTP_CLOSED; len++) {
            script_begin(&s, type == WRD_SCTP_INIT ? 0 : s.tag);
            size_t start = script_chunk(&s, (uint8_t)type, 3);
            for (int i = 0; i < 48; i++)
                wrd_wr8(&s.wr, (uint8_t)(i * len));
            script_chunk_end(&s, start);
            wrd_store16be(s.wr.start + start + 2, len);
            script_send(&s);
            script_collect(&s);
            for (size_t i = 0; i < s.out_count; i++)
                assert_in_range(s.out[i].len, 16, WRD_SCTP_PACKET_MAX);
        }
        script_free(&s);
    }
}

static void rule_3_unknown_chunks_and_parameters_follow_their_top_bits(void **state)
{
    static const uint8_t types[] = {0x3f, 0x7f, 0xbf, 0xff};
    for (size_t i = 0; i < 4; i++) {
        struct script s;
        opened(&s);
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, types[i], 0);
        wrd_wr_bytes(&s.wr, "unknown", 7);
        script_chunk_end(&s, start);
        script_data(&s, T, 0, 0, 3, "behind", 6);
        script_send(&s);
        if (types[i] & 0x80)
            script_hear(&s, "behind");
        assert_true(script_hears_nothing(&s));
        script_collect(&s);
        struct script_chunk error;
        assert_int_equal(script_find(&s, WRD_SCTP_ERROR, 0, &error), (types[i] & 0x40) != 0);
        if (types[i] & 0x40) {
            assert_int_equal(wrd_load16be(error.value), WRD_SCTP_CAUSE_UNRECOGNIZED_CHUNK);
            assert_int_equal(error.value[4], types[i]);
            assert_memory_equal(error.value + 8, "unknown", 7);
        }
        script_free(&s);
    }
}

static void rule_3_parameters_of_an_init_ack_are_reported_as_they_came(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    struct script_chunk init;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    s.tag = script_word(&init, 0);
    script_begin(&s, s.tag);
    struct wrd_sctp_init ack = {.tag = SCRIPT_TAG, .a_rwnd = 5000, .streams_out = 9, .streams_in = 9};
    size_t start = wrd_sctp_init_begin(&s.wr, WRD_SCTP_INIT_ACK, &ack);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_STATE_COOKIE, "abc", 3);
    wrd_sctp_param_write(&s.wr, 0xc999, "what", 4);
    script_chunk_end(&s, start);
    script_send(&s);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    script_collect(&s);
    struct script_chunk error;
    assert_true(script_find(&s, WRD_SCTP_ERROR, 0, &error));
    static const uint8_t expected[] = {0, WRD_SCTP_CAUSE_UNRECOGNIZED_PARAMETERS, 0, 12, 0xc9, 0x99, 0, 8};
    assert_memory_equal(error.value, expected, sizeof expected);
    assert_memory_equal(error.value + 8, "what", 4);
    script_free(&s);
}

static void rule_3_echoes_are_capped(void **state)
{
    struct script s;
    opened(&s);
    static uint8_t large[4000];
    for (int i = 0; i < 3; i++) {
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, 0xff, 0);
        wrd_wr_bytes(&s.wr, large, sizeof large);
        script_chunk_end(&s, start);
        start = script_chunk(&s, WRD_SCTP_HEARTBEAT, 0);
        wrd_wr_bytes(&s.wr, large, sizeof large);
        script_chunk_end(&s, start);
        script_send(&s);
    }
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_true(s.out[0].len <= WRD_SCTP_HEADER_SIZE + 4 + WRD_SCTP_ERROR_MAX);
    assert_false(script_has(&s, WRD_SCTP_HEARTBEAT_ACK));
    script_free(&s);
}

/* ---- 4. SACK */

/* Six packets of one message each are on their way; the first of their TSNs. */
static uint32_t six_on_their_way(struct script *s)
{
    opened(s);
    for (int i = 0; i < 6; i++)
        script_say(s, 0, 1000);
    script_collect(s);
    assert_int_equal(s->sctp->flight.bytes, 6000);
    return s->sctp->flight.cumulative.v + 1;
}

static void rule_4_sack_that_lies_changes_nothing(void **state)
{
    struct script s;
    uint32_t first = six_on_their_way(&s);
    static const uint16_t lies[][5] = {
        {7, 7, 0},       /* above what was sent */
        {2, 60000, 0},   /* reaching above it */
        {4, 3, 0},       /* ends before it starts */
        {2, 3, 6, 7, 0}, /* a truth before the lie counts no more */
    };
    for (size_t i = 0; i < 4; i++)
        script_send_sack(&s, first - 1, lies[i]);
    script_send_sack(&s, first + 6, NULL); /* never sent */
    script_send_sack(&s, first + 0x80000000u, NULL);
    assert_int_equal(s.sctp->flight.bytes, 6000);
    assert_int_equal(s.sctp->flight.cumulative.v, first - 1);
    wrd_sctp_audit(s.sctp);
    script_free(&s);
}

static void rule_4_blocks_in_any_order_and_overlapping_count_once_and_old_sacks_not_at_all(void **state)
{
    struct script s;
    uint32_t first = six_on_their_way(&s);
    static const uint16_t good[] = {4, 5, 3, 5, 3, 3, 5, 5, 0};
    script_send_sack(&s, first, good); /* 1, 4, 5, 6 */
    assert_int_equal(s.sctp->flight.bytes + 1000 * s.sctp->flight.lost_count, 2000);
    script_send_sack(&s, first - 1, NULL); /* overtaken */
    assert_int_equal(s.sctp->flight.cumulative.v, first);
    wrd_sctp_audit(s.sctp);
    script_send_sack(&s, first + 5, NULL);
    assert_int_equal(s.sctp->flight.bytes, 0);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    script_free(&s);
}

/* ---- 8. Stream reset: see also test_reset.c */

static void send_reset(struct script *s, uint32_t number, uint32_t last, uint16_t stream)
{
    script_begin(s, s->tag);
    size_t chunk = script_chunk(s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s->wr, WRD_SCTP_PARAM_OUTGOING_RESET);
    wrd_wr32(&s->wr, number);
    wrd_wr32(&s->wr, s->tsn - 1);
    wrd_wr32(&s->wr, last);
    wrd_wr16(&s->wr, stream);
    wrd_sctp_param_end(&s->wr, param);
    script_chunk_end(s, chunk);
    script_send(s);
    script_collect(s);
}

static uint32_t result_of(struct script *s)
{
    struct script_chunk chunk;
    assert_true(script_find(s, WRD_SCTP_RE_CONFIG, 0, &chunk));
    assert_int_equal(wrd_load16be(chunk.value), WRD_SCTP_PARAM_RECONFIG_RESPONSE);
    return script_word(&chunk, 8);
}

static void rule_8_reset_honours_sequence_and_last_tsn_and_is_looked_at_again(void **state)
{
    struct script s;
    opened(&s);
    send_reset(&s, T + 5, T - 1, 0);
    assert_int_equal(result_of(&s), WRD_SCTP_RESET_BAD_NUMBER);
    send_reset(&s, T, T + 1, 0);
    assert_int_equal(result_of(&s), WRD_SCTP_RESET_IN_PROGRESS);
    script_send_data(&s, T, 0, 0, 3, "a");
    script_send_data(&s, T + 1, 0, 1, 3, "b");
    script_collect(&s);
    assert_int_equal(result_of(&s), WRD_SCTP_RESET_PERFORMED);
    send_reset(&s, T, T + 1, 0);
    assert_int_equal(result_of(&s), WRD_SCTP_RESET_PERFORMED);
    script_hear(&s, "a");
    script_hear(&s, "b");
    script_free(&s);
}

static void rule_8_stream_is_ours_again_only_after_both_the_answer_and_the_acknowledgement(void **state)
{
    struct script s;
    opened(&s);
    script_say(&s, 0, 10);
    assert_int_equal(wrd_sctp_reset_stream(s.sctp, 0), WRD_OK);
    script_collect(&s);
    struct wrd_sctp_message message = {.data = (const uint8_t *)"x", .len = 1};
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_CLOSED);
    script_send_sack(&s, s.tsn, NULL); /* asked only then */
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_RE_CONFIG));
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_CLOSED);
    script_begin(&s, s.tag);
    size_t chunk = script_chunk(&s, WRD_SCTP_RE_CONFIG, 0);
    size_t param = wrd_sctp_param_begin(&s.wr, WRD_SCTP_PARAM_RECONFIG_RESPONSE);
    wrd_wr32(&s.wr, s.tsn);
    wrd_wr32(&s.wr, WRD_SCTP_RESET_PERFORMED);
    wrd_sctp_param_end(&s.wr, param);
    script_chunk_end(&s, chunk);
    script_send(&s);
    assert_int_equal(wrd_sctp_send(s.sctp, s.now, &message), WRD_OK);
    script_free(&s);
}

/* ---- 9. Heartbeat */

static void rule_9_heartbeat_ack_needs_the_nonce_and_one_is_out_at_most(void **state)
{
    struct script s;
    opened(&s);
    script_wait(&s, WRD_SCTP_HEARTBEAT_IDLE + WRD_SECOND);
    struct script_chunk probe;
    assert_int_equal(script_count(&s, WRD_SCTP_HEARTBEAT), 1);
    assert_true(script_find(&s, WRD_SCTP_HEARTBEAT, 0, &probe));
    uint8_t info[64];
    size_t len = probe.len;
    assert_true(len <= sizeof info);
    memcpy(info, probe.value, len);
    for (size_t bit = 0; bit <= 8 * len; bit++) {
        bool right = bit == 8 * len;
        if (!right)
            info[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        script_begin(&s, s.tag);
        size_t start = script_chunk(&s, WRD_SCTP_HEARTBEAT_ACK, 0);
        wrd_wr_bytes(&s.wr, info, len);
        script_chunk_end(&s, start);
        script_send(&s);
        assert_int_equal(wrd_sctp_rtt(s.sctp) > 0, right);
        if (!right)
            info[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    script_free(&s);
}

/* ---- 10. Handshake order */

static void rule_10_nothing_but_cookie_echo_and_data_goes_before_cookie_ack(void **state)
{
    struct script s;
    script_init(&s, NULL);
    for (int i = 0; i < 20; i++)
        script_say(&s, 0, 1000);
    script_answer_init(&s);
    script_begin(&s, s.tag);
    size_t start = script_chunk(&s, WRD_SCTP_HEARTBEAT, 0);
    wrd_sctp_param_write(&s.wr, WRD_SCTP_PARAM_HEARTBEAT_INFO, "info", 4);
    script_chunk_end(&s, start);
    script_plain(&s, 0xff, 0);
    script_send(&s);
    script_send_data(&s, T, 0, 0, 3, "too early");
    script_wait(&s, 5 * WRD_SECOND);
    assert_true(script_count(&s, WRD_SCTP_COOKIE_ECHO) >= 2);
    for (size_t i = 0; i < s.out_count; i++) {
        struct wrd_reader chunks = wrd_rd(s.out[i].bytes + WRD_SCTP_HEADER_SIZE, s.out[i].len - WRD_SCTP_HEADER_SIZE);
        struct wrd_sctp_chunk chunk;
        assert_true(wrd_sctp_chunk_next(&chunks, &chunk) && chunk.type == WRD_SCTP_COOKIE_ECHO);
        while (wrd_sctp_chunk_next(&chunks, &chunk))
            assert_int_equal(chunk.type, WRD_SCTP_DATA);
    }
    assert_true(script_hears_nothing(&s));
    script_free(&s);
}

static void rule_10_cookie_ack_lets_everything_go_at_once(void **state)
{
    struct script s;
    script_init(&s, NULL);
    for (int i = 0; i < 5; i++)
        script_say(&s, 0, 1000);
    script_answer_init(&s);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 1);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    script_collect(&s);
    assert_int_equal(script_count(&s, WRD_SCTP_DATA), 4);
    script_free(&s);
}

static void rule_10_data_before_established_is_dropped_without_sack_unless_it_came_with_the_cookie(void **state)
{
    struct script s;
    script_init(&s, NULL);
    script_answer_init(&s);
    script_collect(&s);
    script_send_data(&s, T, 0, 0, 3, "early");
    script_collect(&s);
    assert_int_equal(s.out_count, 0);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    script_collect(&s);
    assert_false(script_has(&s, WRD_SCTP_SACK));
    assert_true(script_hears_nothing(&s));
    script_free(&s);

    script_init(&s, NULL);
    script_send_init(&s, SCRIPT_TAG, T);
    script_echo(&s);
    script_data(&s, T, 0, 0, 3, "with the cookie", 15);
    script_send(&s);
    script_hear(&s, "with the cookie");
    script_free(&s);
}

/* ---- 11. Reneging */

/* How often the TSN was sent, of what was collected. */
static unsigned sendings(const struct script *s, uint32_t tsn)
{
    struct script_chunk data;
    unsigned count = 0;
    for (unsigned i = 0; script_find(s, WRD_SCTP_DATA, i, &data); i++)
        count += script_word(&data, 0) == tsn;
    return count;
}

static void rule_11_what_a_gap_block_named_goes_again_with_the_second_t3(void **state)
{
    struct script s;
    uint32_t first = six_on_their_way(&s);
    static const uint16_t gaps[] = {2, 6, 0};
    script_send_sack(&s, first - 1, gaps);
    script_wait(&s, 1100 * WRD_MILLISECOND);
    assert_true(sendings(&s, first) > 0);
    for (uint32_t i = 1; i < 6; i++)
        assert_int_equal(sendings(&s, first + i), 0); /* the peer has them, it said */
    script_wait(&s, 8 * WRD_SECOND);
    script_send_sack(&s, first, NULL); /* it dropped them */
    script_wait(&s, 8 * WRD_SECOND);
    unsigned again = 0;
    for (uint32_t i = 1; i < 6; i++)
        again += sendings(&s, first + i) > 0;
    assert_true(again > 0);
    script_send_sack(&s, first + 5, NULL);
    assert_int_equal(wrd_sctp_buffered(s.sctp), 0);
    wrd_sctp_audit(s.sctp);
    script_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_every_chunk_needs_the_right_tag),
        cmocka_unit_test(rule_1_reflected_tag_is_good_for_its_own_chunk_only),
        cmocka_unit_test(rule_1_stray_packets_get_what_the_rfc_says),
        cmocka_unit_test(rule_1_tag_and_tsn_come_from_the_random_source),
        cmocka_unit_test(rule_2_no_state_is_kept_for_init_and_cookies_are_sealed_and_age),
        cmocka_unit_test(rule_2_cookie_of_another_association_is_worthless),
        cmocka_unit_test(rule_2_cookie_preservative_does_not_prolong_its_life),
        cmocka_unit_test(rule_3_every_chunk_cut_short_or_drawn_long_does_no_harm),
        cmocka_unit_test(rule_3_unknown_chunks_and_parameters_follow_their_top_bits),
        cmocka_unit_test(rule_3_parameters_of_an_init_ack_are_reported_as_they_came),
        cmocka_unit_test(rule_3_echoes_are_capped),
        cmocka_unit_test(rule_4_sack_that_lies_changes_nothing),
        cmocka_unit_test(rule_4_blocks_in_any_order_and_overlapping_count_once_and_old_sacks_not_at_all),
        cmocka_unit_test(rule_8_reset_honours_sequence_and_last_tsn_and_is_looked_at_again),
        cmocka_unit_test(rule_8_stream_is_ours_again_only_after_both_the_answer_and_the_acknowledgement),
        cmocka_unit_test(rule_9_heartbeat_ack_needs_the_nonce_and_one_is_out_at_most),
        cmocka_unit_test(rule_10_nothing_but_cookie_echo_and_data_goes_before_cookie_ack),
        cmocka_unit_test(rule_10_cookie_ack_lets_everything_go_at_once),
        cmocka_unit_test(rule_10_data_before_established_is_dropped_without_sack_unless_it_came_with_the_cookie),
        cmocka_unit_test(rule_11_what_a_gap_block_named_goes_again_with_the_second_t3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
