/* SPDX-License-Identifier: MIT */
/* The part of <string.h> that the protocol rooms use, for bare wasm32: the copies are single instructions there. */
#ifndef WRD_WASM_STRING_H
#define WRD_WASM_STRING_H

#include <stddef.h>

int memcmp(const void *a, const void *b, size_t len);

#define memcpy  __builtin_memcpy
#define memmove __builtin_memmove
#define memset  __builtin_memset

#endif
