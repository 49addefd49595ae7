/* SPDX-License-Identifier: MIT */
/* Capture and key log as pipes, whose readers come late, pause or go. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "native/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE "CLIENT_RANDOM 00 11"

struct scene {
    char folder[64], pipe[80];
    int reader;
    struct wrd_trace_files files;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    strcpy(s->folder, "/tmp/wrd-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->pipe, sizeof s->pipe, "%s/pipe", s->folder);
    assert_int_equal(mkfifo(s->pipe, 0600), 0);
    s->reader = -1;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    if (s->reader >= 0)
        close(s->reader);
    wrd_trace_close(&s->files);
    unlink(s->pipe);
    rmdir(s->folder);
    free(s);
    return 0;
}

static void open_keys(struct scene *s)
{
    const char *why = "";
    s->reader = open(s->pipe, O_RDONLY | O_NONBLOCK);
    assert_true(s->reader >= 0);
    assert_int_equal(wrd_trace_open(&s->files, NULL, s->pipe, &why), WRD_OK);
}

static void write_line(struct scene *s)
{
    s->files.trace.key(s->files.trace.user, LINE);
}

static void close_reader(struct scene *s)
{
    close(s->reader);
    s->reader = -1;
}

static void a_pipe_that_nobody_reads_is_refused(void **state)
{
    struct scene *s = *state;
    const char *why = "";
    assert_int_equal(wrd_trace_open(&s->files, s->pipe, NULL, &why), WRD_SYSTEM);
    assert_int_equal(errno, ENXIO);
    assert_string_equal(why, "the capture is a pipe that nobody reads: start its reader first");
    assert_int_equal(wrd_trace_open(&s->files, NULL, s->pipe, &why), WRD_SYSTEM);
    assert_string_equal(why, "the key log is a pipe that nobody reads: start its reader first");
}

static void a_pipe_that_is_full_misses_whole_lines_and_goes_on(void **state)
{
    struct scene *s = *state;
    char bytes[8192];
    open_keys(s);
    assert_true(fcntl(s->reader, F_SETPIPE_SZ, 4096) == 4096);
    unsigned written = 0;
    for (; s->files.keys.lost < 10; written++)
        write_line(s);
    assert_int_equal(s->files.keys.error, 0);
    assert_int_equal(wrd_trace_error(&s->files.keys), EAGAIN);
    size_t len = (size_t)read(s->reader, bytes, sizeof bytes);
    assert_int_equal(len, (written - 10) * (sizeof LINE));
    assert_memory_equal(bytes + len - sizeof LINE, LINE "\n", sizeof LINE);
    write_line(s);
    assert_int_equal(read(s->reader, bytes, sizeof bytes), sizeof LINE);
    assert_int_equal(s->files.keys.lost, 10);
}

static bool is_pending(void)
{
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    return sigismember(&pending, SIGPIPE) == 1;
}

/* SIGPIPE is left as every program finds it. */
static void a_reader_that_goes_ends_no_program(void **state)
{
    struct scene *s = *state;
    open_keys(s);
    close_reader(s);
    write_line(s);
    write_line(s);
    assert_int_equal(wrd_trace_error(&s->files.keys), EPIPE);
    assert_int_equal(s->files.keys.lost, 2);
    assert_false(is_pending());
}

static void a_signal_of_the_programs_own_stays(void **state)
{
    struct scene *s = *state;
    sigset_t pipe, before;
    int number = 0;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    open_keys(s);
    close_reader(s);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &pipe, &before), 0);
    raise(SIGPIPE);
    write_line(s);
    assert_true(is_pending());
    assert_int_equal(sigwait(&pipe, &number), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_that_is_full_misses_whole_lines_and_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_that_goes_ends_no_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_of_the_programs_own_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
