/* SPDX-License-Identifier: MIT */
/*
 * Secret keys in files: the server's (`--key FILE`: the key in the file, or a new one that is put there), and those of
 * connect tokens, whose files are of the same form.
 */
#ifndef WRD_CLI_KEYFILE_H
#define WRD_CLI_KEYFILE_H

#include "wrd/identity.h"
#include "wrd/token.h"

/* Loads the key of `path` and says on stderr what is wrong when it cannot. */
bool keyfile_load(wrd_key *out, const char *path);
/* Makes a random key and writes it to `path`, which must not exist. */
bool keyfile_create(wrd_key *out, const char *path);
/* Loads, or creates when the file does not exist, and then says so on stderr. */
bool keyfile_load_or_create(wrd_key *out, const char *path);

/* The same for the key of connect tokens. */
bool keyfile_load_token(wrd_token_key *out, const char *path);
bool keyfile_create_token(wrd_token_key *out, const char *path);

#endif
