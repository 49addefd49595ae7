/* SPDX-License-Identifier: MIT */
/* Text forms that several rooms print and read: hex, base64url without padding, decimal. */
#ifndef WRD_BASE_TEXT_H
#define WRD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0..15, or -1 for anything that is no hex digit. */
int wrd_hex_digit(char c);
/* Exactly `len` bytes from `2 * len` digits of either case. */
bool wrd_hex_read(uint8_t *out, size_t len, const char *digits);
/* Writes `2 * len` lower-case digits, no NUL. */
void wrd_hex_write(char *out, const uint8_t *bytes, size_t len);

/* Characters that `len` bytes take in base64 without padding. */
#define WRD_BASE64_LEN(len) (((len) * 4 + 2) / 3)
void wrd_base64url_write(char *out, const uint8_t *bytes, size_t len);
/* Decodes all `text_len` characters into exactly `len` bytes; false on any other character, length, or stray last bits. */
bool wrd_base64url_read(uint8_t *out, size_t len, const char *text, size_t text_len);

/* 1..10 digits without sign or leading zero, at most `max`. */
bool wrd_decimal_read(uint32_t *out, const char *text, size_t len, uint32_t max);
/* Writes the digits of `value`, no NUL; returns how many (at most 10). */
size_t wrd_decimal_write(char *out, uint32_t value);

#endif
