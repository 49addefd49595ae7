/* SPDX-License-Identifier: MIT */
/* Fast open against peers that take the cookie they never gave, and against those that do not. */
#include "script.h"

#include <string.h>

/* What the cookie says, read as the browser's stack does. */
struct cookie {
    size_t len;
    uint32_t vtag; /* of the packet */
    uint32_t peer_tag, my_tag, peer_tsn, my_tsn, a_rwnd;
    uint16_t streams_in, streams_out;
};

static struct cookie read_cookie(const struct script *s, unsigned n)
{
    struct script_chunk chunk;
    assert_true(script_find(s, WRD_SCTP_COOKIE_ECHO, n, &chunk));
    struct cookie c = {.len = chunk.len, .vtag = s->out[n].tag};
    assert_true(c.len == 44 || c.len == 48);
    assert_memory_equal(chunk.value, "dcSCTP00", 8);
    c.peer_tag = script_word(&chunk, 8);
    c.my_tag = script_word(&chunk, 12);
    c.peer_tsn = script_word(&chunk, 16);
    c.my_tsn = script_word(&chunk, 20);
    c.a_rwnd = script_word(&chunk, 24);
    assert_int_equal(script_word(&chunk, 28) | script_word(&chunk, 32), 0);
    static const uint8_t flags[] = {1, 0, 1, 0};
    assert_memory_equal(chunk.value + 36, flags, 4);
    if (c.len == 48)
        assert_int_equal(script_word(&chunk, 40), 0);
    c.streams_in = wrd_load16be(chunk.value + c.len - 4);
    c.streams_out = wrd_load16be(chunk.value + c.len - 2);
    return c;
}

/* We connect; the last packet is the INIT. `c` is the long form. */
static struct cookie offered(struct script *s)
{
    static const struct wrd_sctp_options options = {.fast_open = true};
    script_init(s, &options);
    wrd_sctp_connect(s->sctp, s->now);
    script_collect(s);
    assert_int_equal(s->out_count, 3);
    struct cookie c = read_cookie(s, 1);
    struct script_chunk init;
    assert_true(script_find(s, WRD_SCTP_INIT, 0, &init));
    s->tag = script_word(&init, 0);
    s->tsn = script_word(&init, 12);
    s->now += 100 * WRD_MILLISECOND;
    return c;
}

static void send_plain(struct script *s, uint32_t tag, uint8_t type, uint8_t flags)
{
    script_begin(s, tag);
    script_plain(s, type, flags);
    script_send(s);
}

static void send_init_ack(struct script *s, uint32_t tag, const void *cookie, size_t cookie_len)
{
    script_begin(s, s->tag);
    struct wrd_sctp_init ack = {
        .tag = tag, .a_rwnd = s->rwnd, .streams_out = 100, .streams_in = 100, .tsn = wrd_tsn(SCRIPT_TSN)};
    size_t start = wrd_sctp_init_begin(&s->wr, WRD_SCTP_INIT_ACK, &ack);
    wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_STATE_COOKIE, cookie, cookie_len);
    script_chunk_end(s, start);
    script_send(s);
}

/* The association with the tags and TSNs of `c` works both ways. */
static void assert_open_by(struct script *s, const struct cookie *c)
{
    assert_int_equal(script_state(s), WRD_SCTP_ESTABLISHED);
    assert_true(wrd_sctp_next(s->sctp) & WRD_SCTP_EVENT_OPEN);
    s->tag = c->peer_tag;
    script_send_data(s, c->my_tsn, 0, 0, 3, "hello");
    script_hear(s, "hello");
    script_say(s, 0, 10);
    script_collect(s);
    struct script_chunk data;
    assert_true(script_find(s, WRD_SCTP_DATA, 0, &data));
    assert_int_equal(script_word(&data, 0), c->peer_tsn);
    for (size_t i = 0; i < s->out_count; i++)
        assert_int_equal(s->out[i].tag, c->my_tag);
    script_send_sack(s, c->peer_tsn, NULL);
    assert_int_equal(wrd_sctp_buffered(s->sctp), 0);
}

/* ... or with those of the usual handshake. */
static void assert_open_as_usual(struct script *s)
{
    const struct cookie usual = {.peer_tag = s->tag, .my_tag = SCRIPT_TAG, .peer_tsn = s->tsn, .my_tsn = SCRIPT_TSN};
    assert_open_by(s, &usual);
}

static void both_forms_go_before_the_init(void **state)
{
    struct script s;
    static const struct wrd_sctp_options options = {.fast_open = true, .receive_window = 777777};
    script_init(&s, &options);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    assert_int_equal(s.out_count, 3);
    assert_int_equal(s.out[2].bytes[WRD_SCTP_HEADER_SIZE], WRD_SCTP_INIT);
    assert_int_equal(s.out[2].tag, 0);
    struct cookie brief = read_cookie(&s, 0), full = read_cookie(&s, 1);
    assert_int_equal(brief.len, 44);
    assert_int_equal(full.len, 48);
    assert_int_equal(full.vtag, full.my_tag);
    assert_int_equal(full.a_rwnd, 777777);
    assert_int_equal(full.streams_in, 65535);
    assert_int_equal(full.streams_out, 65535);
    struct script_chunk init;
    assert_true(script_find(&s, WRD_SCTP_INIT, 0, &init));
    assert_int_equal(full.peer_tsn, script_word(&init, 12));
    assert_int_not_equal(full.peer_tag, script_word(&init, 0)); /* tells the two associations apart */
    brief.len = full.len;
    assert_memory_equal(&brief, &full, sizeof full);
    script_free(&s);
}

static void nothing_of_it_goes_unless_asked_for(void **state)
{
    struct script s;
    script_init(&s, NULL);
    wrd_sctp_connect(s.sctp, s.now);
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_true(script_has(&s, WRD_SCTP_INIT));
    script_free(&s);
}

static void peer_that_takes_it_is_open_with_its_cookie_ack(void **state)
{
    struct script s;
    struct cookie c = offered(&s);
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    assert_in_range(wrd_sctp_rtt(s.sctp), 99 * WRD_MILLISECOND, 101 * WRD_MILLISECOND);
    assert_open_by(&s, &c);
    script_collect(&s);
    assert_false(script_has(&s, WRD_SCTP_INIT));
    script_free(&s);
}

static void data_bundled_with_its_cookie_ack_is_taken(void **state)
{
    struct script s;
    struct cookie c = offered(&s);
    script_begin(&s, c.peer_tag);
    script_plain(&s, WRD_SCTP_COOKIE_ACK, 0);
    script_data(&s, c.my_tsn, 0, 0, 3, "first", 5);
    script_send(&s);
    script_hear(&s, "first");
    script_free(&s);
}

static void answers_to_the_init_that_come_later_are_ignored(void **state)
{
    static uint8_t theirs[48] = {'d', 'c', 'S', 'C', 'T', 'P', '0', '0'};
    theirs[30] = 1; /* tie */
    struct script s;
    struct cookie c = offered(&s);
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    send_init_ack(&s, 4711, theirs, sizeof theirs);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    assert_open_by(&s, &c);
    script_free(&s);
}

static void lost_cookie_ack_shows_in_what_follows_it(void **state)
{
    struct script s; /* data */
    struct cookie c = offered(&s);
    script_begin(&s, c.peer_tag);
    script_data(&s, c.my_tsn + 1, 0, 1, 3, "second", 6);
    script_send(&s);
    assert_open_by(&s, &c);
    script_hear(&s, "second");
    script_free(&s);

    /* The answer to our INIT of a peer that is established: its cookie is tied to that. */
    for (size_t len = 44; len <= 48; len += 4) {
        uint8_t theirs[48] = {'d', 'c', 'S', 'C', 'T', 'P', '0', '0'};
        theirs[35] = 1;
        c = offered(&s);
        send_init_ack(&s, 4711, theirs, len);
        assert_open_by(&s, &c);
        script_free(&s);
    }
}

static void peer_of_another_make_opens_as_usual_and_at_once(void **state)
{
    struct script s;
    (void)offered(&s);
    send_init_ack(&s, SCRIPT_TAG, "KAME-BSD 1.1 and more, as usrsctp has it in its cookie", 54);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_ECHOED);
    script_collect(&s);
    assert_int_equal(s.out_count, 1);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ECHO));
    assert_int_equal(s.out[0].tag, SCRIPT_TAG);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    assert_open_as_usual(&s);
    script_free(&s);
}

static void peer_of_the_same_make_that_did_not_take_it_opens_as_usual(void **state)
{
    static uint8_t theirs[48] = {'d', 'c', 'S', 'C', 'T', 'P', '0', '0'}; /* no tie */
    struct script s;
    (void)offered(&s);
    send_init_ack(&s, SCRIPT_TAG, theirs, sizeof theirs);
    assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_ECHOED);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    assert_open_as_usual(&s);
    script_free(&s);
}

static void peers_own_init_is_answered_and_nothing_of_it_kept(void **state)
{
    struct script s; /* it is taken in the end */
    struct cookie c = offered(&s);
    uint32_t tag = s.tag;
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    assert_int_equal(s.tag, tag);
    assert_int_equal(s.tsn, c.peer_tsn);
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    script_echo(&s); /* what the peer might do with our INIT-ACK, if it had not taken ours */
    script_send(&s);
    assert_open_by(&s, &c);
    script_free(&s);

    (void)offered(&s); /* it is not */
    script_send_init(&s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(&s);
    script_send(&s);
    assert_open_as_usual(&s);
    script_free(&s);
}

static void peer_that_took_it_after_it_had_answered_the_init_is_followed(void **state)
{
    struct script s; /* the network put the INIT first */
    struct cookie c = offered(&s);
    script_say(&s, 0, 100);
    send_init_ack(&s, SCRIPT_TAG, "cookie", 6);
    script_collect(&s);
    assert_true(script_has(&s, WRD_SCTP_COOKIE_ECHO) && script_has(&s, WRD_SCTP_DATA));
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    assert_int_equal(script_state(&s), WRD_SCTP_ESTABLISHED);
    script_collect(&s);
    struct script_chunk data;
    assert_true(script_find(&s, WRD_SCTP_DATA, 0, &data)); /* once more, where it can arrive */
    assert_int_equal(script_word(&data, 0), c.peer_tsn);
    assert_int_equal(data.len, 12 + 100);
    assert_int_equal(s.out[0].tag, c.my_tag);
    script_free(&s);
}

static void late_word_of_it_changes_nothing_once_open(void **state)
{
    struct script s;
    struct cookie c = offered(&s);
    send_init_ack(&s, SCRIPT_TAG, "cookie", 6);
    send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
    send_plain(&s, c.peer_tag, WRD_SCTP_COOKIE_ACK, 0);
    script_begin(&s, c.peer_tag);
    script_data(&s, c.my_tsn, 0, 0, 3, "stray", 5);
    script_send(&s);
    assert_true(script_hears_nothing(&s));
    assert_open_as_usual(&s);
    script_free(&s);
}

static void peer_that_refuses_it_loudly_opens_as_usual(void **state)
{
    static const uint8_t types[] = {WRD_SCTP_ABORT, WRD_SCTP_ERROR, WRD_SCTP_SHUTDOWN_ACK, WRD_SCTP_SHUTDOWN_COMPLETE};
    for (size_t i = 0; i < 4; i++) {
        struct script s;
        struct cookie c = offered(&s);
        for (uint8_t flags = 0; flags < 2; flags++) {
            send_plain(&s, c.peer_tag, types[i], flags);
            send_plain(&s, c.my_tag, types[i], flags);
        }
        assert_int_equal(script_state(&s), WRD_SCTP_COOKIE_WAIT);
        script_collect(&s);
        send_init_ack(&s, SCRIPT_TAG, "cookie", 6);
        send_plain(&s, s.tag, WRD_SCTP_COOKIE_ACK, 0);
        assert_open_as_usual(&s);
        script_free(&s);
    }
}

static void cookies_are_sent_once(void **state)
{
    struct script s;
    (void)offered(&s);
    script_wait(&s, 10 * WRD_SECOND);
    assert_int_equal(script_count(&s, WRD_SCTP_COOKIE_ECHO), 0); /* a late one would confuse more than it helps */
    assert_true(script_count(&s, WRD_SCTP_INIT) > 2);
    script_free(&s);
}

static void our_own_kind_opens_as_fast_as_without_it(void **state)
{
    wrd_time took[2];
    for (int fast = 0; fast < 2; fast++) {
        struct lab lab;
        const struct wrd_sctp_options options = {.fast_open = fast == 1};
        lab_init(&lab, 1, &options);
        wrd_time start = lab.now;
        wrd_sctp_connect(lab.ends[0].sctp, lab.now);
        wrd_sctp_connect(lab.ends[1].sctp, lab.now);
        lab_open(&lab);
        took[fast] = lab.now - start;
        assert_int_equal(lab_send(&lab, 0, 0, false, "hello", 5), WRD_OK);
        lab_run(&lab, WRD_SECOND);
        assert_int_equal(lab.ends[1].heard, 1);
        lab_free(&lab);
    }
    assert_int_equal(took[0], took[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_go_before_the_init),
        cmocka_unit_test(nothing_of_it_goes_unless_asked_for),
        cmocka_unit_test(peer_that_takes_it_is_open_with_its_cookie_ack),
        cmocka_unit_test(data_bundled_with_its_cookie_ack_is_taken),
        cmocka_unit_test(answers_to_the_init_that_come_later_are_ignored),
        cmocka_unit_test(lost_cookie_ack_shows_in_what_follows_it),
        cmocka_unit_test(peer_of_another_make_opens_as_usual_and_at_once),
        cmocka_unit_test(peer_of_the_same_make_that_did_not_take_it_opens_as_usual),
        cmocka_unit_test(peers_own_init_is_answered_and_nothing_of_it_kept),
        cmocka_unit_test(peer_that_took_it_after_it_had_answered_the_init_is_followed),
        cmocka_unit_test(late_word_of_it_changes_nothing_once_open),
        cmocka_unit_test(peer_that_refuses_it_loudly_opens_as_usual),
        cmocka_unit_test(cookies_are_sent_once),
        cmocka_unit_test(our_own_kind_opens_as_fast_as_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
