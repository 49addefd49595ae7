/* SPDX-License-Identifier: MIT */
/* Keys on disk, by POSIX calls: the only code of the core rooms that knows a file system. */
#define _POSIX_C_SOURCE 200809L

#include "wrd/identity.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS     (2 * (size_t)WRD_KEY_SIZE)
#define LINE_SIZE  (DIGITS + 1)
#define PATH_SIZE  4096 /* Linux's PATH_MAX */
#define OTHERS     (S_IRWXG | S_IRWXO)
#define OWNER_ONLY (S_IRUSR | S_IWUSR)

static wrd_result refuse(const char **why, wrd_result result, const char *sentence)
{
    if (why)
        *why = sentence;
    return result;
}

/* Closing and removing must not hide why the step before failed. */
static void close_quietly(int fd)
{
    int saved = errno;
    (void)close(fd);
    errno = saved;
}

static void unlink_quietly(const char *path)
{
    int saved = errno;
    (void)unlink(path);
    errno = saved;
}

/* ---- load */

static wrd_result check_file(int fd, const char **why)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return refuse(why, WRD_SYSTEM, "The key file cannot be examined.");
    if (!S_ISREG(info.st_mode))
        return refuse(why, WRD_INVALID,
                      "The path names no regular file; a key file holds 64 hex digits and a newline.");
    if (info.st_mode & OTHERS)
        return refuse(why, WRD_INVALID,
                      "Group or others may access the key file; make it private with chmod 600, and if others could "
                      "have read it, make a new key.");
    return WRD_OK;
}

/* Up to `cap` bytes; `*len` says how many there were. */
static bool read_all(int fd, char *out, size_t cap, size_t *len)
{
    *len = 0;
    while (*len < cap) {
        ssize_t got = read(fd, out + *len, cap - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return true;
        *len += (size_t)got;
    }
    return true;
}

/* An editor may have left out the newline or written CR LF. */
static size_t without_newline(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    return len;
}

static wrd_result parse_file(wrd_key *out, const char *text, size_t len, const char **why)
{
    if (len == 0)
        return refuse(why, WRD_INVALID, "The key file is empty; remove it to let a new key be made.");
    len = without_newline(text, len);
    if (len > DIGITS)
        return refuse(why, WRD_INVALID, "The key file is too long; it must hold 64 hex digits and a newline.");
    if (len < DIGITS)
        return refuse(why, WRD_INVALID, "The key file is too short; it must hold 64 hex digits and a newline.");
    return wrd_key_from_hex(out, text, len, why);
}

wrd_result wrd_key_load(wrd_key *out, const char *path, const char **why)
{
    /* Without O_NONBLOCK a named pipe would hold us up before we can see what it is. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse(why, WRD_SYSTEM, "The key file cannot be opened.");
    char text[DIGITS + 3]; /* CR LF, and one more to see that the file goes on. */
    size_t len = 0;
    wrd_result result = check_file(fd, why);
    if (result == WRD_OK) {
        if (read_all(fd, text, sizeof text, &len))
            result = parse_file(out, text, len, why);
        else
            result = refuse(why, WRD_SYSTEM, "The key file cannot be read.");
        wrd_crypto_wipe(text, sizeof text);
    }
    close_quietly(fd);
    return result;
}

/* ---- save */

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, text, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        text += put;
        len -= (size_t)put;
    }
    return true;
}

/* Makes `path`, which must not exist, holds the key in it and sees it safely to disk; removes it when it cannot. */
static wrd_result create_file(const char *path, const wrd_key *key, const char **why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, OWNER_ONLY);
    if (fd < 0)
        return refuse(why, WRD_SYSTEM,
                      errno == EEXIST ? "The file exists already; a key is never replaced."
                                      : "The key file cannot be created.");
    char line[LINE_SIZE + 1];
    wrd_key_hex(key, line);
    line[DIGITS] = '\n';
    wrd_result result = WRD_OK;
    struct stat info;
    /* fchmod, for the umask may have taken the owner's rights too. */
    if (fchmod(fd, OWNER_ONLY) != 0 || fstat(fd, &info) != 0)
        result = refuse(why, WRD_SYSTEM, "The key file cannot be made private.");
    else if (info.st_mode & OTHERS)
        result = refuse(why, WRD_INVALID, "This file system cannot keep a file private; choose another place.");
    else if (!write_all(fd, line, LINE_SIZE) || fsync(fd) != 0)
        result = refuse(why, WRD_SYSTEM, "The key file cannot be written.");
    wrd_crypto_wipe(line, sizeof line);
    if (result != WRD_OK)
        close_quietly(fd);
    else if (close(fd) != 0)
        result = refuse(why, WRD_SYSTEM, "The key file cannot be written.");
    if (result != WRD_OK)
        unlink_quietly(path);
    return result;
}

/* How long the path's folder is, its last slash included; 0 when there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Makes the new name itself last. A folder that cannot be synced is no reason to fail: the file is there. */
static void sync_folder(const char *path)
{
    char folder[PATH_SIZE] = ".";
    size_t len = folder_length(path);
    if (len > 0) {
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

/* A name beside `path` that nobody else uses, so that both are on one file system. */
static bool temporary_name(char out[PATH_SIZE], const char *path)
{
    static const char prefix[] = ".wrd-key-";
    size_t folder_len = folder_length(path);
    if (strlen(path) >= PATH_SIZE || folder_len + sizeof prefix + 32 > PATH_SIZE)
        return false;
    uint8_t random[16];
    wrd_crypto_random(NULL, random, sizeof random);
    memcpy(out, path, folder_len);
    memcpy(out + folder_len, prefix, sizeof prefix - 1);
    wrd_hex_write(out + folder_len + sizeof prefix - 1, random, sizeof random);
    out[folder_len + sizeof prefix - 1 + 32] = '\0';
    return true;
}

static bool has_no_hard_links(int error)
{
    return error == EPERM || error == ENOSYS || error == EOPNOTSUPP || error == EMLINK;
}

wrd_result wrd_key_save(const wrd_key *key, const char *path, const char **why)
{
    if (!wrd_p256_scalar_ok(key->bytes))
        return refuse(why, WRD_INVALID, "The number is no P-256 key: it is zero or not below the group order.");
    char temporary[PATH_SIZE];
    if (!temporary_name(temporary, path)) {
        errno = ENAMETOOLONG;
        return refuse(why, WRD_SYSTEM, "The path of the key file is too long.");
    }
    wrd_result result = create_file(temporary, key, why);
    if (result != WRD_OK)
        return result;
    /* link(), unlike rename(), never replaces: the file appears whole under its name, or not at all. */
    if (link(temporary, path) != 0) {
        if (has_no_hard_links(errno)) /* Then in place: only a crash in this very moment can leave a part. */
            result = create_file(path, key, why);
        else
            result = refuse(why, WRD_SYSTEM,
                            errno == EEXIST ? "The file exists already; a key is never replaced."
                                            : "The key file cannot be created.");
    }
    unlink_quietly(temporary);
    if (result == WRD_OK)
        sync_folder(path);
    return result;
}
