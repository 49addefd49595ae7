/* SPDX-License-Identifier: MIT */
/* What loops share, as the core would use it: this test stands in for the endpoints. Run under ThreadSanitizer, too. */
#define _POSIX_C_SOURCE 200809L
#include "native/server_directory.h"
#include "native/server_siblings.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the directory */

/* Spreads as a keyed hash does. */
static uint64_t name_of(uint64_t i)
{
    uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool is_at(struct wrd_directory *directory, uint64_t name, unsigned asker, unsigned loop)
{
    unsigned found;
    return wrd_directory_find(directory, name, asker, &found, 1) == 1 && found == loop;
}

static void a_name_is_found_at_its_loop_until_it_is_given_up(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    unsigned found;
    struct wrd_directory *directory = wrd_directory_new(3, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        wrd_directory_set(directory, name_of(i), i % 3, true);
    for (unsigned i = 0; i < COUNT; i += 2)
        wrd_directory_set(directory, name_of(i), i % 3, false);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(is_at(directory, name_of(i), (i + 1) % 3, i % 3), i % 2);
        assert_false(wrd_directory_find(directory, name_of(i), i % 3, &found, 1)); /* the asker's own */
        assert_false(wrd_directory_find(directory, name_of(i + COUNT), 0, &found, 1));
    }
    wrd_directory_free(directory);
}

static void a_name_of_several_connections_stays_until_the_last_is_gone(void **state)
{
    (void)state;
    unsigned found;
    struct wrd_directory *directory = wrd_directory_new(3, 10);
    wrd_directory_set(directory, 7, 0, true);
    wrd_directory_set(directory, 7, 0, true);
    wrd_directory_set(directory, 7, 1, true);
    assert_true(is_at(directory, 7, 0, 1));
    assert_true(is_at(directory, 7, 1, 0));
    unsigned both[3];
    assert_int_equal(wrd_directory_find(directory, 7, 2, both, 3), 2);
    assert_int_equal(both[0] + both[1], 1);
    wrd_directory_set(directory, 7, 0, false);
    assert_true(is_at(directory, 7, 1, 0));
    wrd_directory_set(directory, 7, 0, false);
    assert_true(is_at(directory, 7, 2, 1));
    assert_false(wrd_directory_find(directory, 7, 1, &found, 1));
    wrd_directory_set(directory, 7, 0, false); /* nothing that it has */
    wrd_directory_set(directory, 7, 1, false);
    assert_false(wrd_directory_find(directory, 7, 2, &found, 1));
    wrd_directory_free(directory);
}

static void names_that_lie_close_together_survive_each_others_end(void **state)
{
    (void)state;
    enum { COUNT = 200, ROUNDS = 20000 };
    bool owned[COUNT] = {false};
    uint64_t random = 1;
    unsigned found;
    struct wrd_directory *directory = wrd_directory_new(1, COUNT);
    for (unsigned round = 0; round < ROUNDS; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned i = (unsigned)(random >> 33) % COUNT;
        wrd_directory_set(directory, i / 8, 0, false); /* may have none */
        owned[i / 8] = false;
        owned[i] = !owned[i];
        wrd_directory_set(directory, i, 0, owned[i]);
        if (round % 100 == 0) {
            for (unsigned k = 0; k < COUNT; k++)
                assert_int_equal(wrd_directory_find(directory, k, 1, &found, 1), owned[k]);
        }
    }
    wrd_directory_free(directory);
}

static void a_flood_of_names_takes_no_more_memory_than_the_connections_allow(void **state)
{
    (void)state;
    enum { ALLOWED = 1000 };
    unsigned found;
    struct wrd_directory *directory = wrd_directory_new(2, ALLOWED);
    for (unsigned i = 0; i < ALLOWED; i++)
        wrd_directory_set(directory, name_of(i), 0, true);
    size_t memory = wrd_directory_memory(directory);
    for (unsigned i = 0; i < 1000000; i++) {
        assert_false(wrd_directory_find(directory, name_of(ALLOWED + i), 1, &found, 1));
        wrd_directory_set(directory, name_of(ALLOWED + i), 0, true);
    }
    assert_int_equal(wrd_directory_memory(directory), memory);
    assert_true(memory < 200000);
    for (unsigned i = 0; i < ALLOWED; i++)
        assert_true(is_at(directory, name_of(i), 1, 0));
    wrd_directory_free(directory);
}

/* ---- the office */

struct scene {
    struct wrd_office *office;
    atomic_uint woken[12];
};

static void note_wake(void *user, unsigned loop)
{
    struct scene *s = user;
    atomic_fetch_add(&s->woken[loop], 1);
}

static int set_up(void **state)
{
    const char *why = "";
    struct scene *s = calloc(1, sizeof *s);
    wrd_endpoint_options endpoint;
    wrd_endpoint_options_init(&endpoint);
    endpoint.max_connections = 100;
    const struct wrd_office_options options = {.loops = 3, .endpoint = &endpoint, .user = s, .wake = note_wake};
    assert_int_equal(wrd_office_open(&s->office, &options, &why), WRD_OK);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    wrd_office_close(s->office);
    free(s);
    return 0;
}

static void own(struct scene *s, unsigned loop, uint64_t name, bool owned)
{
    const wrd_siblings *siblings = wrd_office_siblings(s->office, loop);
    siblings->own(siblings->user, name, owned);
}

static void own_address(struct scene *s, unsigned loop, const wrd_path *path, bool owned)
{
    const wrd_siblings *siblings = wrd_office_siblings(s->office, loop);
    siblings->own_address(siblings->user, &path->remote, owned);
}

static bool is_owned(struct scene *s, unsigned loop, const wrd_path *path)
{
    const wrd_siblings *siblings = wrd_office_siblings(s->office, loop);
    return siblings->is_owned(siblings->user, &path->remote);
}

static wrd_result try_pass(struct scene *s, unsigned loop, uint64_t name, const wrd_path *path, const void *bytes,
                           size_t len)
{
    const wrd_siblings *siblings = wrd_office_siblings(s->office, loop);
    return siblings->pass(siblings->user, name, path, bytes, len);
}

static bool pass(struct scene *s, unsigned loop, uint64_t name, const wrd_path *path, const void *bytes, size_t len)
{
    return try_pass(s, loop, name, path, bytes, len) == WRD_OK;
}

static wrd_path path_of(unsigned i)
{
    return (wrd_path){.local = {.ip = {127, 0, 0, 1}, .port = 3478, .family = 4},
                      .remote = {.ip = {10, (uint8_t)(i >> 24), (uint8_t)(i >> 16)}, .port = (uint16_t)i, .family = 4}};
}

static void expect_mail(struct scene *s, unsigned loop, const wrd_path *path, const char *text)
{
    const struct wrd_mail *mail;
    assert_true(wrd_office_take(s->office, loop, &mail) >= 1);
    assert_int_equal(mail->len, strlen(text));
    assert_memory_equal(mail->bytes, text, mail->len);
    assert_true(wrd_addr_equal(&mail->path.remote, &path->remote));
    assert_true(wrd_addr_equal(&mail->path.local, &path->local));
    wrd_office_done(s->office, loop, 1);
}

static void expect_no_mail(struct scene *s)
{
    const struct wrd_mail *mail;
    for (unsigned loop = 0; loop < 3; loop++)
        assert_int_equal(wrd_office_take(s->office, loop, &mail), 0);
}

static void a_named_datagram_reaches_the_loop_of_the_name_with_its_path(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    own(s, 2, 99, true);
    assert_true(pass(s, 0, 99, &path, "check", 5));
    assert_int_equal(atomic_load(&s->woken[2]), 1);
    expect_mail(s, 2, &path, "check");
    assert_false(pass(s, 2, 99, &path, "own", 3)); /* it asks for its own */
    assert_false(pass(s, 0, 98, &path, "none", 4));
    own(s, 2, 99, false);
    assert_false(pass(s, 0, 99, &path, "late", 4));
    expect_no_mail(s);
}

static void datagrams_without_a_name_follow_the_named_ones_of_their_address(void **state)
{
    struct scene *s = *state;
    wrd_path one = path_of(1), two = path_of(2);
    own(s, 1, 11, true);
    own(s, 2, 12, true);
    assert_false(pass(s, 0, 0, &one, "early", 5));
    assert_true(pass(s, 0, 11, &one, "a", 1));
    assert_true(pass(s, 0, 12, &two, "b", 1));
    assert_true(pass(s, 0, 0, &one, "c", 1));
    assert_true(pass(s, 0, 0, &two, "d", 1));
    expect_mail(s, 1, &one, "a");
    expect_mail(s, 1, &one, "c");
    expect_mail(s, 2, &two, "b");
    expect_mail(s, 2, &two, "d");
    assert_false(pass(s, 1, 0, &one, "x", 1)); /* each loop remembers for itself */
    assert_true(pass(s, 0, 12, &one, "e", 1)); /* another client has the address, or somebody forges it */
    assert_true(pass(s, 0, 0, &one, "f", 1));
    expect_mail(s, 2, &one, "e");
    expect_mail(s, 2, &one, "f");
    expect_mail(s, 1, &one, "f");
    assert_false(pass(s, 0, 13, &one, "g", 1)); /* a name that nobody has, which anybody can send, changes nothing */
    assert_true(pass(s, 0, 0, &one, "h", 1));
    expect_mail(s, 2, &one, "h");
    expect_mail(s, 1, &one, "h");
    expect_no_mail(s);
}

static void a_named_datagram_vouches_for_a_few_without_a_name(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    own(s, 1, 11, true);
    own(s, 2, 12, true);
    for (unsigned round = 0; round < 2; round++) {
        assert_true(pass(s, 0, 11, &path, "a", 1));
        expect_mail(s, 1, &path, "a");
        for (unsigned i = 0; i < WRD_HEARSAY_MAX; i++) {
            assert_true(pass(s, 0, 0, &path, "b", 1));
            expect_mail(s, 1, &path, "b");
        }
        assert_int_equal(try_pass(s, 0, 0, &path, "c", 1), WRD_GONE);
    }
    expect_no_mail(s);
}

static void a_proved_address_goes_to_its_loop_from_all_others_until_it_is_given_up(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1), other = path_of(2);
    own_address(s, 1, &path, true);
    assert_true(is_owned(s, 0, &path));
    assert_true(is_owned(s, 2, &path));
    assert_false(is_owned(s, 1, &path)); /* by a sibling */
    assert_false(is_owned(s, 0, &other));
    for (unsigned i = 0; i < 2 * WRD_HEARSAY_MAX; i++) {
        assert_true(pass(s, 0, 0, &path, "a", 1));
        assert_true(pass(s, 2, 0, &path, "b", 1));
        expect_mail(s, 1, &path, "a");
        expect_mail(s, 1, &path, "b");
    }
    assert_int_equal(try_pass(s, 1, 0, &path, "own", 3), WRD_GONE);
    own(s, 1, 11, true);
    assert_true(pass(s, 0, 11, &path, "check", 5)); /* its own: one copy is enough */
    assert_true(pass(s, 0, 0, &path, "a", 1));
    expect_mail(s, 1, &path, "check");
    expect_mail(s, 1, &path, "a");
    expect_no_mail(s);
    assert_int_equal(try_pass(s, 0, 0, &other, "x", 1), WRD_GONE);
    own_address(s, 2, &path, true); /* its peer proved it, too */
    assert_true(pass(s, 0, 0, &path, "c", 1));
    expect_mail(s, 1, &path, "c");
    expect_mail(s, 2, &path, "c");
    own_address(s, 1, &path, false);
    assert_true(pass(s, 1, 0, &path, "d", 1));
    expect_mail(s, 2, &path, "d");
    own_address(s, 2, &path, false);
    assert_int_equal(try_pass(s, 1, 0, &path, "e", 1), WRD_GONE);
    assert_false(is_owned(s, 0, &path));
    expect_no_mail(s);
}

/* As far as the box holds it. */
static unsigned empty_box(struct scene *s, unsigned loop)
{
    const struct wrd_mail *mail;
    unsigned count, sum = 0;
    while ((count = wrd_office_take(s->office, loop, &mail)) > 0) {
        wrd_office_done(s->office, loop, count);
        sum += count;
    }
    return sum;
}

static void hearsay_pushes_no_proved_address_out(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    own(s, 1, 11, true);
    own(s, 2, 12, true);
    own_address(s, 1, &path, true);
    for (unsigned i = 0; i < 70000; i++) { /* from all ports of its NAT, its own among them */
        wrd_path forged = path_of(i);
        (void)pass(s, 0, 12, &forged, "x", 1);
    }
    (void)pass(s, 0, 12, &path, "x", 1);
    (void)empty_box(s, 2);
    for (unsigned i = 0; i < 2 * WRD_HEARSAY_MAX; i++)
        assert_true(pass(s, 0, 0, &path, "a", 1));
    assert_int_equal(empty_box(s, 1), 2 * WRD_HEARSAY_MAX);
    assert_int_equal(empty_box(s, 2), WRD_HEARSAY_MAX); /* copies for the sake of the last forged one */
}

static void no_datagram_is_copied_to_more_than_four_loops(void **state)
{
    (void)state;
    enum { LOOPS = 12 };
    struct scene s = {0};
    const char *why = "";
    wrd_endpoint_options endpoint;
    wrd_endpoint_options_init(&endpoint);
    const struct wrd_office_options options = {.loops = LOOPS, .endpoint = &endpoint, .user = &s, .wake = note_wake};
    assert_int_equal(wrd_office_open(&s.office, &options, &why), WRD_OK);
    wrd_path path = path_of(1);
    for (unsigned proved = 0; proved < 3; proved++) {
        for (unsigned loop = 1; loop < LOOPS; loop++) {
            own(&s, loop, loop, true);
            assert_true(pass(&s, 0, loop, &path, "name", 4));
        }
        for (unsigned loop = 1; loop < LOOPS; loop++)
            (void)empty_box(&s, loop);
        if (proved > 0)
            own_address(&s, 1 + proved, &path, true);
        assert_true(pass(&s, 0, 0, &path, "x", 1));
        unsigned copies = 0;
        for (unsigned loop = 1; loop < LOOPS; loop++) {
            unsigned got = empty_box(&s, loop);
            assert_true(loop > 1 && loop <= 1 + proved ? got == 1 : got <= 1);
            copies += got;
        }
        assert_int_equal(copies, 4);
    }
    wrd_office_close(s.office);
}

static void a_full_box_loses_what_comes_counts_it_and_keeps_what_is_there(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    own(s, 1, 11, true);
    for (unsigned i = 0; i < WRD_MAIL_MAX + 10; i++)
        assert_int_equal(try_pass(s, 0, 11, &path, &i, sizeof i), i < WRD_MAIL_MAX ? WRD_OK : WRD_AGAIN);
    assert_int_equal(try_pass(s, 0, 12, &path, "x", 1), WRD_GONE);
    assert_int_equal(wrd_office_lost(s->office, 1), 10);
    assert_int_equal(wrd_office_lost(s->office, 0), 0);
    assert_int_equal(atomic_load(&s->woken[1]), 1); /* once, until it has looked */
    const struct wrd_mail *mail;
    assert_int_equal(wrd_office_take(s->office, 1, &mail), WRD_MAIL_MAX);
    for (unsigned i = 0; i < WRD_MAIL_MAX; i++)
        assert_memory_equal(mail[i].bytes, &i, sizeof i);
    wrd_office_done(s->office, 1, WRD_MAIL_MAX);
    expect_no_mail(s);
}

static void mail_that_comes_twice_to_a_wrong_loop_goes_no_further(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    const struct wrd_mail *mail;
    own(s, 1, 11, true);
    own(s, 2, 11, true);
    assert_true(pass(s, 0, 11, &path, "a", 1));
    unsigned loop = wrd_office_take(s->office, 1, &mail) == 1 ? 1 : 2;
    if (loop == 2)
        assert_int_equal(wrd_office_take(s->office, 2, &mail), 1);
    assert_false(pass(s, loop, 11, &path, mail->bytes, mail->len));
    wrd_office_done(s->office, loop, 1);
    assert_true(pass(s, loop, 11, &path, "b", 1)); /* what comes by its socket may */
}

static void a_flood_of_addresses_forgets_the_oldest_and_nothing_else(void **state)
{
    struct scene *s = *state;
    wrd_path path = path_of(1);
    own(s, 1, 11, true);
    for (unsigned i = 0; i < 100000; i++) {
        wrd_path flood = path_of(i + 2);
        (void)pass(s, 0, 11, &flood, "x", 1);
    }
    unsigned known = 0;
    for (unsigned i = 99000; i < 100000; i++) {
        wrd_path flood = path_of(i + 2);
        known += try_pass(s, 0, 0, &flood, "x", 1) != WRD_GONE;
    }
    assert_true(known > 900);
    assert_int_equal(try_pass(s, 0, 12, &path, "y", 1), WRD_GONE);
}

/* ---- all at once */

struct party {
    struct scene *scene;
    unsigned loop;
    unsigned passed, refused, taken;
    atomic_uint *running;
};

static void take_all(struct party *p)
{
    const struct wrd_mail *mail;
    unsigned count;
    while ((count = wrd_office_take(p->scene->office, p->loop, &mail)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(mail[i].len, 1000);
            assert_int_equal(mail[i].bytes[0], p->loop);
            assert_int_equal(mail[i].bytes[999], p->loop);
        }
        p->taken += count;
        wrd_office_done(p->scene->office, p->loop, count);
    }
}

static void pass_counted(struct party *p, uint64_t name, const wrd_path *path, const uint8_t *bytes, size_t len)
{
    wrd_result result = try_pass(p->scene, p->loop, name, path, bytes, len);
    p->passed += result == WRD_OK;
    p->refused += result == WRD_AGAIN;
}

static void *take_part(void *argument)
{
    struct party *p = argument;
    uint8_t bytes[1000];
    for (unsigned i = 0; i < 3000; i++) {
        unsigned to = (p->loop + 1 + i % 2) % 3;
        wrd_path path = path_of(i % 50);
        own(p->scene, p->loop, name_of(1000 + p->loop * 50 + i % 50), i / 50 % 2 == 0);
        memset(bytes, (int)to, sizeof bytes);
        pass_counted(p, to + 1, &path, bytes, sizeof bytes);
        if (i % 3 == 0)
            pass_counted(p, 0, &path, bytes, sizeof bytes);
        wrd_path proved = path_of(1000 + p->loop * 50 + i % 50);
        own_address(p->scene, p->loop, &proved, i / 50 % 2 == 0);
        proved = path_of(1000 + to * 50 + i % 50);
        pass_counted(p, 0, &proved, bytes, sizeof bytes);
        if (i % 16 == 0)
            take_all(p);
    }
    atomic_fetch_sub(p->running, 1);
    while (atomic_load(p->running) > 0)
        take_all(p);
    take_all(p);
    return NULL;
}

static void threads_that_pass_to_each_other_lose_only_what_is_counted(void **state)
{
    struct scene *s = *state;
    pthread_t threads[3];
    struct party parties[3];
    atomic_uint running = 3;
    unsigned passed = 0, refused = 0, taken = 0;
    uint64_t lost = 0;
    for (unsigned i = 0; i < 3; i++)
        own(s, i, i + 1, true);
    for (unsigned i = 0; i < 3; i++) {
        parties[i] = (struct party){.scene = s, .loop = i, .running = &running};
        assert_int_equal(pthread_create(&threads[i], NULL, take_part, &parties[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        passed += parties[i].passed;
        refused += parties[i].refused;
        taken += parties[i].taken;
        lost += wrd_office_lost(s->office, i);
    }
    assert_int_equal(passed, taken);
    assert_int_equal(refused, lost);
    assert_true(taken >= WRD_MAIL_MAX); /* one box full, if the threads run one after the other */
    for (unsigned i = 0; i < 3; i++)
        assert_true(atomic_load(&s->woken[i]) > 0);
}

int main(void)
{
#define OFFICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_at_its_loop_until_it_is_given_up),
        cmocka_unit_test(a_name_of_several_connections_stays_until_the_last_is_gone),
        cmocka_unit_test(names_that_lie_close_together_survive_each_others_end),
        cmocka_unit_test(a_flood_of_names_takes_no_more_memory_than_the_connections_allow),
        OFFICE_TEST(a_named_datagram_reaches_the_loop_of_the_name_with_its_path),
        OFFICE_TEST(datagrams_without_a_name_follow_the_named_ones_of_their_address),
        OFFICE_TEST(a_named_datagram_vouches_for_a_few_without_a_name),
        OFFICE_TEST(a_proved_address_goes_to_its_loop_from_all_others_until_it_is_given_up),
        OFFICE_TEST(hearsay_pushes_no_proved_address_out),
        cmocka_unit_test(no_datagram_is_copied_to_more_than_four_loops),
        OFFICE_TEST(a_full_box_loses_what_comes_counts_it_and_keeps_what_is_there),
        OFFICE_TEST(mail_that_comes_twice_to_a_wrong_loop_goes_no_further),
        OFFICE_TEST(a_flood_of_addresses_forgets_the_oldest_and_nothing_else),
        OFFICE_TEST(threads_that_pass_to_each_other_lose_only_what_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
