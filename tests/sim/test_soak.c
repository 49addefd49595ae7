/* SPDX-License-Identifier: MIT */
/* An hour of a server's life, in virtual time. `make sim SEED=n` plays one of its seeds again. */
#include "net/seeds.h"
#include "sim/soak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOUR (3600 * WRD_SECOND)

#if defined(WRD_TEST_SANITIZED)
#define PARTS  6
#define GUESTS 24
#else
#define PARTS  6
#define GUESTS 40
#endif

static struct soak soak;

static void must_be_right(void)
{
    if (soak.wrong)
        fail_msg("guest %u, life %u, at %.1f s: %s (%s)", soak.wrong_guest, soak.guests[soak.wrong_guest].life,
                 (double)(soak.world.now - 1000 * WRD_SECOND) / 1e6, soak.wrong, wrd_result_text(soak.wrong_reason));
}

static void end(void)
{
    world_free(&soak.world);
    assert_int_equal(soak.world.allocations.bytes, 0);
}

/* After each part all leave: then there must be as much memory in use as after the first. */
static void an_hour_of_comings_and_goings_loses_no_message_and_keeps_no_memory(void **state)
{
    struct seeds *seeds = *state;
    for (; seeds->first <= seeds->last; seeds->first++) {
        size_t first = 0;
        soak = (struct soak){.vanishes = true};
        soak_start(&soak, seeds->first, GUESTS);
        for (unsigned part = 1; part <= PARTS; part++) {
            soak_run(&soak, HOUR / PARTS);
            must_be_right();
            wrd_endpoint_counters busy = soak_counters(&soak);
            assert_true(soak_empty(&soak, 200 * WRD_SECOND));
            must_be_right();
            if (part == 1)
                first = soak.world.allocations.bytes;
            printf("  part %u: %u connections at its end, %zu bytes in use when empty, %zu at most\n", part,
                   busy.connections, soak.world.allocations.bytes, soak.world.allocations.peak_bytes);
            assert_int_equal(soak.world.allocations.bytes, first);
        }
        printf("  seed %llu: %llu lives, %llu closed, %llu vanished, %llu messages came back\n",
               (unsigned long long)seeds->first, (unsigned long long)soak.lives, (unsigned long long)soak.finished,
               (unsigned long long)soak.vanished, (unsigned long long)soak.messages);
        assert_int_equal(soak.lives, soak.finished + soak.vanished);
        assert_true(soak.vanished > GUESTS && soak.finished > GUESTS && soak.messages > 100 * GUESTS);
        end();
    }
}

#ifndef WRD_TEST_REAL_DTLS /* libssl draws its secrets elsewhere */
static uint64_t digest_of(uint64_t seed)
{
    soak = (struct soak){.vanishes = true};
    soak_start(&soak, seed, 5);
    soak_run(&soak, 300 * WRD_SECOND);
    must_be_right();
    uint64_t digest = soak.world.digest;
    end();
    return digest;
}

static void the_same_seed_gives_the_same_hour(void **state)
{
    (void)state;
    assert_true(digest_of(7) == digest_of(7));
    assert_true(digest_of(7) != digest_of(8));
}
#endif

int main(void)
{
    struct seeds seeds = seeds_chosen(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(an_hour_of_comings_and_goings_loses_no_message_and_keeps_no_memory,
                                                 NULL, seeds_name_failed, &seeds),
#ifndef WRD_TEST_REAL_DTLS
        cmocka_unit_test(the_same_seed_gives_the_same_hour),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
