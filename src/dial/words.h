/* SPDX-License-Identifier: MIT */
/* Small text helpers that the files of this room share. */
#ifndef WRD_DIAL_WORDS_H
#define WRD_DIAL_WORDS_H

#include "base/bytes.h"
#include "wrd/base.h"

/* A string literal and its length without the NUL, as two arguments. */
#define WRD_DIAL_LITERAL(text) (text), sizeof(text) - 1

/* A piece of somebody else's text. */
struct wrd_dial_slice {
    const char *text;
    size_t len;
};

/* When `from` begins with `prefix`, takes it off and answers true. */
bool wrd_dial_take(struct wrd_dial_slice *from, const char *prefix, size_t prefix_len);
/* Whether all of `text` is ice-char (RFC 8839 5.1) and `min` to 256 long. */
bool wrd_dial_is_ice_text(const char *text, size_t len, size_t min);
void wrd_dial_put_decimal(struct wrd_writer *wr, uint32_t value);
/* A parser's verdict: no complaint is success; else WRD_INVALID with the complaint in `*why`, which may be NULL. */
wrd_result wrd_dial_verdict(const char *complaint, const char **why);

#endif
