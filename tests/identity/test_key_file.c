/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE

#include "wrd/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

/*
 * The system calls of key_file.c pass through here, so that a test can make the next one of a kind fail. Each is done
 * by a sibling of the same meaning.
 */
enum { NO_CALL, LINK, FSYNC, FSTAT, FCHMOD, READ, WRITE };
static int failing_call;
static int failing_errno;
static bool everyone_may_read; /* fstat tells of a file system without modes. */

static bool fails(int call)
{
    if (failing_call != call)
        return false;
    failing_call = NO_CALL;
    errno = failing_errno;
    return true;
}

static void fail_next(int call, int error)
{
    failing_call = call;
    failing_errno = error;
}

int link(const char *from, const char *to)
{
    return fails(LINK) ? -1 : linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int fsync(int fd)
{
    return fails(FSYNC) ? -1 : fdatasync(fd);
}

int fstat(int fd, struct stat *info)
{
    int result = fails(FSTAT) ? -1 : fstatat(fd, "", info, AT_EMPTY_PATH);
    if (result == 0 && everyone_may_read)
        info->st_mode |= 0777;
    return result;
}

int fchmod(int fd, mode_t mode)
{
    char name[64];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return fails(FCHMOD) ? -1 : chmod(name, mode);
}

ssize_t read(int fd, void *out, size_t len)
{
    struct iovec piece = {.iov_base = out, .iov_len = len};
    return fails(READ) ? -1 : readv(fd, &piece, 1);
}

/* One byte at a time, which write() may do. */
ssize_t write(int fd, const void *bytes, size_t len)
{
    char byte = len > 0 ? *(const char *)bytes : 0;
    struct iovec piece = {.iov_base = &byte, .iov_len = len > 0};
    return fails(WRITE) ? -1 : writev(fd, &piece, 1);
}

static const char digits[] = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

/* Each test has a folder of its own and stands in it. */
struct place {
    char folder[1000];
    int home;
};

static int enter(void **state)
{
    static struct place place;
    const char *base = getenv("TMPDIR");
    (void)snprintf(place.folder, sizeof place.folder, "%s/wrd-test-key-XXXXXX", base ? base : P_tmpdir);
    place.home = open(".", O_RDONLY | O_DIRECTORY);
    if (place.home < 0 || !mkdtemp(place.folder) || chdir(place.folder) != 0)
        return -1;
    *state = &place;
    return 0;
}

static int count_files(void)
{
    int count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(folder);
    return count;
}

static int leave(void **state)
{
    struct place *place = *state;
    DIR *folder = opendir(".");
    if (!folder)
        return -1;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)remove(entry->d_name);
    (void)closedir(folder);
    int result = fchdir(place->home) == 0 ? rmdir(place->folder) : -1;
    (void)close(place->home);
    return result;
}

static void put(const char *path, const char *text, size_t len, mode_t mode)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static wrd_key a_key(void)
{
    wrd_key key;
    assert_int_equal(wrd_key_from_hex(&key, digits, 64, NULL), WRD_OK);
    return key;
}

static void a_saved_key_is_64_digits_and_a_newline_for_its_owner_only(void **state)
{
    (void)state;
    wrd_key key = a_key();
    mode_t mask = umask(0);
    assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_OK);
    (void)umask(mask);
    struct stat info;
    assert_int_equal(lstat("key", &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, 65);
    assert_int_equal(info.st_nlink, 1);
    char text[66] = {0};
    FILE *file = fopen("key", "rb");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text, file), 65);
    (void)fclose(file);
    assert_memory_equal(text, digits, 64);
    assert_int_equal(text[64], '\n');
    assert_int_equal(count_files(), 1);
}

static void a_saved_key_loads_again(void **state)
{
    struct place *place = *state;
    wrd_key key, loaded;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/key", place->folder);
    assert_int_equal(wrd_key_random(&key, NULL), WRD_OK);
    assert_int_equal(wrd_key_save(&key, path, NULL), WRD_OK);
    assert_int_equal(wrd_key_load(&loaded, "key", NULL), WRD_OK);
    assert_memory_equal(&loaded, &key, sizeof key);
    assert_int_equal(count_files(), 1);
}

static void the_umask_does_not_take_the_owners_rights(void **state)
{
    (void)state;
    wrd_key key = a_key();
    mode_t mask = umask(0777);
    wrd_result result = wrd_key_save(&key, "key", NULL);
    (void)umask(mask);
    assert_int_equal(result, WRD_OK);
    struct stat info;
    assert_int_equal(lstat("key", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void an_existing_file_is_never_replaced(void **state)
{
    (void)state;
    wrd_key key = a_key();
    const char *why = NULL;
    put("key", "mine", 4, 0644);
    errno = 0;
    assert_int_equal(wrd_key_save(&key, "key", &why), WRD_SYSTEM);
    assert_int_equal(errno, EEXIST);
    assert_non_null(strstr(why, "exists"));
    struct stat info;
    assert_int_equal(stat("key", &info), 0);
    assert_int_equal(info.st_size, 4);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_int_equal(count_files(), 1);
}

static void a_link_is_not_followed_when_saving(void **state)
{
    (void)state;
    wrd_key key = a_key();
    assert_int_equal(symlink("elsewhere", "key"), 0);
    errno = 0;
    assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_SYSTEM);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(count_files(), 1);
}

static void saving_into_a_missing_folder_says_so(void **state)
{
    (void)state;
    wrd_key key = a_key();
    const char *why = NULL;
    errno = 0;
    assert_int_equal(wrd_key_save(&key, "missing/key", &why), WRD_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_non_null(why);
    assert_int_equal(wrd_key_save(&key, "", &why), WRD_SYSTEM);
    assert_int_equal(count_files(), 0);
}

static void a_path_of_any_length_is_survived(void **state)
{
    (void)state;
    wrd_key key = a_key();
    static char path[9000];
    for (size_t len = 200; len < sizeof path; len += len < 4000 || len > 4200 ? 100 : 1) {
        memset(path, 'a', len);
        path[len] = '\0';
        for (size_t i = 100; i < len; i += 100)
            path[i] = '/';
        assert_int_equal(wrd_key_save(&key, path, NULL), WRD_SYSTEM);
        assert_int_equal(wrd_key_load(&key, path, NULL), WRD_SYSTEM);
        memset(path, 'a', len);
        assert_int_equal(wrd_key_save(&key, path, NULL), len == 200 ? WRD_OK : WRD_SYSTEM);
    }
    assert_int_equal(count_files(), 1);
}

static void a_key_out_of_range_is_not_saved(void **state)
{
    (void)state;
    wrd_key key = {{0}};
    const char *why = NULL;
    assert_int_equal(wrd_key_save(&key, "key", &why), WRD_INVALID);
    assert_non_null(why);
    assert_int_equal(count_files(), 0);
}

/* A file size limit stands for a full disk: the write fails half-way. */
static void a_write_that_fails_leaves_no_file(void **state)
{
    (void)state;
    wrd_key key = a_key();
    const char *why = NULL;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    errno = 0;
    wrd_result result = wrd_key_save(&key, "key", &why);
    int error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(result, WRD_SYSTEM);
    assert_int_equal(error, EFBIG);
    assert_non_null(strstr(why, "written"));
    assert_int_equal(count_files(), 0);
}

static void a_file_that_others_may_access_is_refused(void **state)
{
    (void)state;
    char text[66];
    (void)snprintf(text, sizeof text, "%s\n", digits);
    for (mode_t bit = 1; bit <= 0100; bit <<= 1) {
        wrd_key key;
        const char *why = NULL;
        put("key", text, 65, 0600 | bit);
        assert_int_equal(wrd_key_load(&key, "key", &why), bit == 0100 ? WRD_OK : WRD_INVALID);
        assert_true(bit == 0100 || strstr(why, "chmod 600"));
    }
}

static void a_read_only_file_and_any_line_end_are_fine(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < 3; i++) {
        wrd_key key, expected = a_key();
        char text[70];
        int len = snprintf(text, sizeof text, "%s%s", digits, ends[i]);
        (void)remove("key");
        put("key", text, (size_t)len, 0400);
        assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_OK);
        assert_memory_equal(&key, &expected, sizeof key);
    }
}

static void wrong_contents_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {{"", "empty"},
                 {"\n", "short"},
                 {"0011\n", "short"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcde\n", "short"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef0", "long"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n\n", "long"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\r\n\n", "long"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\nmore and more\n", "long"},
                 {"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdeX\n", "hex"},
                 {"0000000000000000000000000000000000000000000000000000000000000000\n", "group order"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wrd_key key, untouched;
        memset(&key, 0x33, sizeof key);
        memset(&untouched, 0x33, sizeof untouched);
        const char *why = NULL;
        put("key", cases[i].text, strlen(cases[i].text), 0600);
        assert_int_equal(wrd_key_load(&key, "key", &why), WRD_INVALID);
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].word));
        assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_INVALID);
        assert_memory_equal(&key, &untouched, sizeof key);
    }
}

static void zeros_in_the_file_are_no_digits(void **state)
{
    (void)state;
    wrd_key key;
    static const char text[65];
    put("key", text, sizeof text, 0600);
    assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_INVALID);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    (void)state;
    wrd_key key;
    const char *why = NULL;
    assert_int_equal(wrd_key_load(&key, ".", &why), WRD_INVALID);
    assert_non_null(strstr(why, "regular file"));
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(wrd_key_load(&key, "pipe", &why), WRD_INVALID);
    assert_int_equal(symlink("/dev/zero", "zero"), 0);
    assert_int_equal(wrd_key_load(&key, "zero", &why), WRD_INVALID);
    assert_int_equal(symlink(".", "folder"), 0);
    assert_int_equal(wrd_key_load(&key, "folder", &why), WRD_INVALID);
}

static void a_link_is_as_good_as_the_file_it_names(void **state)
{
    (void)state;
    wrd_key key, expected = a_key();
    assert_int_equal(wrd_key_save(&expected, "real", NULL), WRD_OK);
    assert_int_equal(symlink("real", "key"), 0);
    assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_OK);
    assert_memory_equal(&key, &expected, sizeof key);
    assert_int_equal(chmod("real", 0640), 0);
    assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_INVALID);
}

static void a_missing_file_is_told_by_errno(void **state)
{
    (void)state;
    wrd_key key;
    const char *why = NULL;
    errno = 0;
    assert_int_equal(wrd_key_load(&key, "key", &why), WRD_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_non_null(why);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(wrd_key_load(&key, "dangling", NULL), WRD_SYSTEM);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(wrd_key_load(&key, "loop", NULL), WRD_SYSTEM);
    assert_int_equal(errno, ELOOP);
}

static void a_file_system_without_hard_links_is_good_too(void **state)
{
    (void)state;
    static const int errors[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        wrd_key key = a_key(), loaded;
        (void)remove("key");
        fail_next(LINK, errors[i]);
        assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_OK);
        assert_int_equal(wrd_key_load(&loaded, "key", NULL), WRD_OK);
        assert_memory_equal(&loaded, &key, sizeof key);
        assert_int_equal(count_files(), 1);
        fail_next(LINK, errors[i]);
        errno = 0;
        assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_SYSTEM);
        assert_int_equal(errno, EEXIST);
        assert_int_equal(wrd_key_load(&loaded, "key", NULL), WRD_OK);
        assert_int_equal(count_files(), 1);
    }
}

static void each_call_that_fails_while_saving_leaves_no_file(void **state)
{
    (void)state;
    static const int calls[] = {LINK, FSYNC, FSTAT, FCHMOD, WRITE};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        wrd_key key = a_key();
        const char *why = NULL;
        fail_next(calls[i], EIO);
        assert_int_equal(wrd_key_save(&key, "key", &why), WRD_SYSTEM);
        assert_int_equal(errno, EIO);
        assert_non_null(why);
        assert_int_equal(count_files(), 0);
    }
}

static void each_call_that_fails_while_loading_is_told(void **state)
{
    (void)state;
    static const int calls[] = {FSTAT, READ};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        wrd_key key;
        const char *why = NULL;
        put("key", digits, 64, 0600);
        fail_next(calls[i], EIO);
        assert_int_equal(wrd_key_load(&key, "key", &why), WRD_SYSTEM);
        assert_int_equal(errno, EIO);
        assert_non_null(why);
    }
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    wrd_key key = a_key(), loaded;
    fail_next(WRITE, EINTR);
    assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_OK);
    fail_next(READ, EINTR);
    assert_int_equal(wrd_key_load(&loaded, "key", NULL), WRD_OK);
    assert_memory_equal(&loaded, &key, sizeof key);
}

static void a_file_system_that_keeps_nothing_private_is_refused(void **state)
{
    (void)state;
    wrd_key key = a_key();
    const char *why = NULL;
    everyone_may_read = true;
    wrd_result result = wrd_key_save(&key, "key", &why);
    everyone_may_read = false;
    assert_int_equal(result, WRD_INVALID);
    assert_non_null(strstr(why, "private"));
    assert_int_equal(count_files(), 0);
}

static void no_descriptor_is_left_open(void **state)
{
    (void)state;
    wrd_key key = a_key();
    int before = open(".", O_RDONLY);
    (void)close(before);
    put("bad", "x", 1, 0600);
    put("open", digits, 64, 0644);
    assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_OK);
    assert_int_equal(wrd_key_save(&key, "key", NULL), WRD_SYSTEM);
    assert_int_equal(wrd_key_load(&key, "key", NULL), WRD_OK);
    assert_int_equal(wrd_key_load(&key, "bad", NULL), WRD_INVALID);
    assert_int_equal(wrd_key_load(&key, "open", NULL), WRD_INVALID);
    assert_int_equal(wrd_key_load(&key, ".", NULL), WRD_INVALID);
    int after = open(".", O_RDONLY);
    assert_int_equal(after, before);
    (void)close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_saved_key_is_64_digits_and_a_newline_for_its_owner_only, enter, leave),
        cmocka_unit_test_setup_teardown(a_saved_key_loads_again, enter, leave),
        cmocka_unit_test_setup_teardown(the_umask_does_not_take_the_owners_rights, enter, leave),
        cmocka_unit_test_setup_teardown(an_existing_file_is_never_replaced, enter, leave),
        cmocka_unit_test_setup_teardown(a_link_is_not_followed_when_saving, enter, leave),
        cmocka_unit_test_setup_teardown(saving_into_a_missing_folder_says_so, enter, leave),
        cmocka_unit_test_setup_teardown(a_path_of_any_length_is_survived, enter, leave),
        cmocka_unit_test_setup_teardown(a_key_out_of_range_is_not_saved, enter, leave),
        cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_no_file, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_access_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_read_only_file_and_any_line_end_are_fine, enter, leave),
        cmocka_unit_test_setup_teardown(wrong_contents_are_refused_with_a_reason, enter, leave),
        cmocka_unit_test_setup_teardown(zeros_in_the_file_are_no_digits, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused_at_once, enter, leave),
        cmocka_unit_test_setup_teardown(a_link_is_as_good_as_the_file_it_names, enter, leave),
        cmocka_unit_test_setup_teardown(a_missing_file_is_told_by_errno, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_system_without_hard_links_is_good_too, enter, leave),
        cmocka_unit_test_setup_teardown(each_call_that_fails_while_saving_leaves_no_file, enter, leave),
        cmocka_unit_test_setup_teardown(each_call_that_fails_while_loading_is_told, enter, leave),
        cmocka_unit_test_setup_teardown(an_interrupted_call_is_made_again, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_system_that_keeps_nothing_private_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(no_descriptor_is_left_open, enter, leave)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
