/* SPDX-License-Identifier: MIT */
/* What everyone can read of a connect token, without its key. */
#ifndef WRD_CLI_TOKEN_TEXT_H
#define WRD_CLI_TOKEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "wrd/token.h"

/* False: `text` is not written as a token is (docs/WIRE.md). */
bool token_read(wrd_token *out, const char *text);
/* `count` bytes from lower- or upper-case hex digits. */
bool token_read_hex(uint8_t *out, size_t count, const char *text);

#define TOKEN_TIME_SIZE 64
/* Seconds since 1970 as 2026-11-28T11:05:10Z. Returns `out`. */
const char *token_time(char out[TOKEN_TIME_SIZE], uint64_t seconds);

/* By this machine's clock; what is no token of this kind does not expire. `expires` may be NULL. */
bool token_has_expired(const char *text, char expires[TOKEN_TIME_SIZE]);
/* Says so, where a command is about to use such a token. NULL is none. */
void token_warn(const char *text);

#endif
