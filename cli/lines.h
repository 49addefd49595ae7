/* SPDX-License-Identifier: MIT */
/*
 * The way of lines to stderr. Until lines_start() they are written where they are said. From then on one thread writes
 * them and who says one never waits: they wait in bounded memory, and what does not fit there, because nobody reads, is
 * dropped and counted. Lines keep their order, and do not mix.
 */
#ifndef WRD_CLI_LINES_H
#define WRD_CLI_LINES_H

#include <stddef.h>
#include <stdint.h>

/* `gap` makes the line, for free(), that stands where `count` others are missing. SIGPIPE must be ignored. 0 or an
 * error number: there is no thread to be had. */
int lines_start(char *(*gap)(uint64_t count));
/* Waits for all to be written, `ms` at most: nobody may say anything more, and what is left then is lost. */
void lines_end(int ms);
/* `text` without the end of its line. Any thread. */
void lines_put(const char *text, size_t len);
/* Those that were said and never written, so far. */
uint64_t lines_dropped(void);

#endif
