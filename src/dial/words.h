/* SPDX-License-Identifier: MIT */
/*
 * How the files of this room read and write text. Small code matters more here than speed: it goes to every browser.
 */
#ifndef WRD_DIAL_WORDS_H
#define WRD_DIAL_WORDS_H

#include "base/bytes.h"
#include "wrd/base.h"
#include "wrd/fingerprint.h"

/* A text read from left to right. After a complaint nothing is left to take, and the first complaint stays. */
struct wrd_dial_text {
    const char *at, *end;
    const char *complaint;
};

/* `start` may be NULL when `len` is 0. */
struct wrd_dial_text wrd_dial_text(const char *start, size_t len);
void wrd_dial_complain(struct wrd_dial_text *text, const char *complaint);
/* Takes `word` if it stands there. */
bool wrd_dial_take(struct wrd_dial_text *text, const char *word);
/* Takes blanks, if any, from the front. */
void wrd_dial_take_blanks(struct wrd_dial_text *text);
/* Takes a hex digit: 0..15, or -1 when none stands there. */
int wrd_dial_take_hex(struct wrd_dial_text *text);
/* Takes a number of at most `max`, in digits without a leading zero; else complains and answers 0. */
uint32_t wrd_dial_take_number(struct wrd_dial_text *text, uint32_t max, const char *complaint);
/* WRD_OK, or WRD_INVALID with the complaint in `*why`, which may be NULL. */
wrd_result wrd_dial_verdict(const struct wrd_dial_text *text, const char **why);

/* Takes the text to its end, in the forms of wrd_fingerprint_parse(). */
void wrd_dial_take_fingerprint(struct wrd_dial_text *text, wrd_fingerprint *out);
/* Takes a certhash of which the leading "u" is taken already, and nothing behind it. */
void wrd_dial_take_certhash(struct wrd_dial_text *text, wrd_fingerprint *out);

/* Whether all of `text` is ice-char (RFC 8839 5.1) and `min` to 256 long. */
bool wrd_dial_is_ice_text(const char *text, size_t len, size_t min);

bool wrd_dial_is_blank(char c);

void wrd_dial_put8(struct wrd_writer *wr, char c);
void wrd_dial_put(struct wrd_writer *wr, const char *word);
void wrd_dial_put_text(struct wrd_writer *wr, const char *text, size_t len);
void wrd_dial_put_number(struct wrd_writer *wr, uint32_t value, uint32_t base);
/* The IP without zone. */
void wrd_dial_put_ip(struct wrd_writer *wr, const wrd_addr *addr);

#endif
