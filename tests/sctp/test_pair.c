/* SPDX-License-Identifier: MIT */
/* Two live ends in virtual time. */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

static void one_side_connects_and_both_are_open(void **state)
{
    struct lab lab;
    lab_init(&lab, 1, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    lab_open(&lab);
    lab_run(&lab, WRD_SECOND);
    assert_true(lab.ends[0].events & WRD_SCTP_EVENT_OPEN);
    assert_true(lab.ends[1].events & WRD_SCTP_EVENT_OPEN);
    lab_free(&lab);
}

static void both_sides_connect_at_once_and_both_are_open(void **state)
{
    struct lab lab;
    lab_init(&lab, 1, NULL);
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    wrd_sctp_connect(lab.ends[1].sctp, lab.now);
    lab_open(&lab);
    assert_int_equal(lab_send(&lab, 0, 0, false, "hello", 5), WRD_OK);
    lab_run(&lab, WRD_SECOND);
    assert_int_equal(lab.ends[1].heard, 1);
    lab_free(&lab);
}

static void lossless_echo_of_many_sizes(void **state)
{
    struct lab lab;
    lab_init(&lab, 7, NULL);
    for (int i = 0; i < 2; i++)
        lab.ends[i].traffic = (struct lab_traffic){.messages = 500, .size_max = 40000, .streams = 4, .unordered = 200};
    wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    assert_true(lab_deliver(&lab, 60 * WRD_SECOND));
    lab_free(&lab);
}

static void run_seed(uint64_t seed)
{
    struct lab lab;
    struct wrd_sctp_options options = {0};
    uint64_t r = seed * 77;
    if (lab_random(&r) % 2)
        options.receive_window = 20000 + lab_random(&r) % 200000;
    if (lab_random(&r) % 2)
        options.send_limit = 5000 + lab_random(&r) % 300000;
    lab_init(&lab, seed, &options);
    for (int i = 0; i < 2; i++) {
        struct lab_end *end = &lab.ends[i];
        end->link.delay = lab_random(&r) % 50000;
        end->link.jitter = lab_random(&r) % 2 ? lab_random(&r) % 20000 : 0;
        end->link.loss = lab_random(&r) % 3 ? (unsigned)(lab_random(&r) % 100) : 0;
        end->link.duplicate = (unsigned)(lab_random(&r) % 50);
        end->link.corrupt = (unsigned)(lab_random(&r) % 20);
        end->traffic.messages = (unsigned)(lab_random(&r) % 300);
        end->traffic.size_max = 1 + lab_random(&r) % 60000;
        end->traffic.streams = 1 + (unsigned)(lab_random(&r) % LAB_STREAMS);
        end->traffic.unordered = (unsigned)(lab_random(&r) % 2 ? lab_random(&r) % 1000 : 0);
    }
    uint64_t who = lab_random(&r) % 3;
    if (who != 1)
        wrd_sctp_connect(lab.ends[0].sctp, lab.now);
    if (who != 0)
        wrd_sctp_connect(lab.ends[1].sctp, lab.now);
    if (!lab_deliver(&lab, 3600 * WRD_SECOND)) {
        const char *why[2];
        wrd_sctp_failure(lab.ends[0].sctp, &why[0]);
        wrd_sctp_failure(lab.ends[1].sctp, &why[1]);
        fail_msg("seed %llu: heard %u of %u and %u of %u; %s; %s", (unsigned long long)seed, lab.ends[1].heard,
                 lab.ends[0].traffic.messages, lab.ends[0].heard, lab.ends[1].traffic.messages, why[0], why[1]);
    }
    if (lab_random(&r) % 2)
        wrd_sctp_shutdown(lab.ends[0].sctp, lab.now);
    else
        wrd_sctp_shutdown(lab.ends[1].sctp, lab.now);
    lab_run(&lab, 300 * WRD_SECOND);
    assert_int_equal(wrd_sctp_state(lab.ends[0].sctp), WRD_SCTP_CLOSED);
    assert_int_equal(wrd_sctp_state(lab.ends[1].sctp), WRD_SCTP_CLOSED);
    lab_free(&lab);
}

static void every_byte_arrives_once_and_in_order_over_bad_links(void **state)
{
    const char *one = getenv("WRD_TEST_SEED");
    if (one) {
        run_seed(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 200; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_side_connects_and_both_are_open),
        cmocka_unit_test(both_sides_connect_at_once_and_both_are_open),
        cmocka_unit_test(lossless_echo_of_many_sizes),
        cmocka_unit_test(every_byte_arrives_once_and_in_order_over_bad_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
