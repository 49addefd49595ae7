/* SPDX-License-Identifier: MIT */
/*
 * Which loop has an open connection of a name: names are 64-bit keyed hashes, of ufrags or of addresses, so they spread
 * by themselves. The same name may be of several connections and loops. Any thread.
 */
#ifndef WRD_NATIVE_SERVER_DIRECTORY_H
#define WRD_NATIVE_SERVER_DIRECTORY_H

#include "wrd/base.h"

struct wrd_directory;

/* NULL: no memory. */
struct wrd_directory *wrd_directory_new(unsigned loops, uint32_t max_connections);
void wrd_directory_free(struct wrd_directory *directory); /* NULL is fine */
/* One connection of this name more at `loop`, or one less. Above max_connections of a loop, or without memory, a name
 * is not listed: its client then cannot go on from another address if it meets another loop there. */
void wrd_directory_set(struct wrd_directory *directory, uint64_t name, unsigned loop, bool owned);
/* Loops other than `asker` that have a connection of this name; how many, up to `cap`. */
unsigned wrd_directory_find(struct wrd_directory *directory, uint64_t name, unsigned asker, unsigned *loops,
                            unsigned cap);
/* Bytes of heap. */
size_t wrd_directory_memory(struct wrd_directory *directory);

#endif
