/* SPDX-License-Identifier: MIT */
/*
 * Connect tokens: who may connect, and until when, in the ufrag that a client sends anyway. A web page or matchmaker
 * mints one for a user it knows; who checks it needs only the key and the clock. A token may be used more than once
 * until it expires.
 *
 * An endpoint with options.token_keys asks for one: wrd_endpoint_options, wrd_conn_info.subject. These are the two pure
 * functions. Native only (libcrypto). Any thread.
 */
#ifndef WRD_TOKEN_H
#define WRD_TOKEN_H

#include "wrd/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_TOKEN_KEY_SIZE     32
#define WRD_TOKEN_SUBJECT_SIZE 16
#define WRD_TOKEN_LEN          93 /* "wt1" and 90 hex digits (docs/WIRE.md) */

/* Secret, shared by those who mint and those who check. Any 32 random bytes. */
typedef struct wrd_token_key {
    uint8_t bytes[WRD_TOKEN_KEY_SIZE];
} wrd_token_key;

/* What a token says. */
typedef struct wrd_token {
    uint64_t expires;                        /* seconds since 1970; below 2^40 */
    uint8_t subject[WRD_TOKEN_SUBJECT_SIZE]; /* whatever tells the application who this is; readable by all */
} wrd_token;

/* Writes WRD_TOKEN_LEN characters and NUL. WRD_INVALID: `expires` is too large. WRD_NO_MEMORY. */
WRD_API WRD_MUST_USE wrd_result wrd_token_mint(char out[WRD_TOKEN_LEN + 1], const wrd_token *token,
                                               const wrd_token_key *key);
/*
 * Checks the token that `ufrag` begins with; what follows it is the client's own. `now` in seconds since 1970.
 * WRD_INVALID: there is none. WRD_MISMATCH: made with none of the `count` keys, or changed. WRD_TIMEOUT: expired; `out`
 * is filled then, too. `*why` (may be NULL) gets a static sentence.
 */
WRD_API WRD_MUST_USE wrd_result wrd_token_check(wrd_token *out, const char *ufrag, size_t len,
                                                const wrd_token_key *keys, size_t count, uint64_t now,
                                                const char **why);

#ifdef __cplusplus
}
#endif
#endif
