/* SPDX-License-Identifier: MIT */
#include "cli/keyfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"

/* Says so and is true when `path` is a symbolic link to what is not there: it neither exists nor is it free. */
static bool say_dangling(const char *path)
{
    char target[512];
    ssize_t len = readlink(path, target, sizeof target);

    if (len < 0 || access(path, F_OK) == 0 || (errno != ENOENT && errno != ELOOP)) {
        return false;
    }
    bool whole = (size_t)len < sizeof target;
    say("%s is a symbolic link to %.*s%s, and nothing is there. No key is made through a link: remove the link, or "
        "name "
        "the file itself.",
        path, (int)len, target, whole ? "" : "...");
    return true;
}

static void say_load_failed(const char *path, const char *maker, wrd_result result, const char *why, int error)
{
    if (result != WRD_SYSTEM) {
        say("cannot use the key file %s: %s", path, why);
    } else if ((error == ENOENT || error == ELOOP) && say_dangling(path)) {
        return;
    } else if (error == ENOENT) {
        say("the key file %s does not exist. `wrd %s %s` makes one.", path, maker, path);
    } else {
        say("cannot read the key file %s: %s", path, say_cause(error));
    }
}

/* `maker` is the command that makes such a file. */
static bool load(wrd_key *out, const char *path, const char *maker)
{
    const char *why = "";
    wrd_result result = wrd_key_load(out, path, &why);

    if (result != WRD_OK) {
        say_load_failed(path, maker, result, why, errno);
    }
    return result == WRD_OK;
}

bool keyfile_load(wrd_key *out, const char *path)
{
    return load(out, path, "key new");
}

bool keyfile_create(wrd_key *out, const char *path)
{
    const char *why = "";

    if (wrd_key_random(out, NULL) != WRD_OK) {
        say("the operating system gives no random bytes, so no key was made");
        return false;
    }
    wrd_result result = wrd_key_save(out, path, &why);
    if (result == WRD_OK) {
        return true;
    }
    int error = errno;
    wrd_key_wipe(out);
    if (result == WRD_SYSTEM && error == EEXIST) {
        if (!say_dangling(path)) {
            say("%s exists already, and a key is never replaced. Choose another name, or remove the file first if no "
                "server needs it any more.",
                path);
        }
    } else if (result == WRD_SYSTEM) {
        say("cannot write the key file %s: %s", path, say_cause(error));
    } else {
        say("cannot write the key file %s: %s", path, why);
    }
    return false;
}

bool keyfile_load_or_create(wrd_key *out, const char *path)
{
    /* access() only chooses between the two; a file that appears in between is not overwritten by the second. */
    if (access(path, F_OK) == 0 || errno != ENOENT) {
        return keyfile_load(out, path);
    }
    if (!keyfile_create(out, path)) {
        return false;
    }
    say("made a new key in %s; whoever has this file can pretend to be this server", path);
    return true;
}

_Static_assert(WRD_TOKEN_KEY_SIZE == WRD_KEY_SIZE, "both kinds of files hold 32 bytes");

bool keyfile_load_token(wrd_token_key *out, const char *path)
{
    wrd_key key;

    if (!load(&key, path, "token new-key")) {
        return false;
    }
    memcpy(out->bytes, key.bytes, sizeof out->bytes);
    wrd_key_wipe(&key);
    return true;
}

bool keyfile_create_token(wrd_token_key *out, const char *path)
{
    wrd_key key;

    if (!keyfile_create(&key, path)) {
        return false;
    }
    memcpy(out->bytes, key.bytes, sizeof out->bytes);
    wrd_key_wipe(&key);
    return true;
}
