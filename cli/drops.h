/* SPDX-License-Identifier: MIT */
/* Why datagrams were not taken: the causes that a server counts, in words, and when the log tells of them. */
#ifndef WRD_CLI_DROPS_H
#define WRD_CLI_DROPS_H

#include "wrd/server.h"

struct drops_cause {
    const char *name;  /* for machines */
    const char *words; /* for people, after a number */
    size_t offset;     /* of the counter in wrd_server_counters */
    bool is_shortage;  /* a limit or a buffer of ours, by which good clients suffer: told without being asked */
};

#define DROPS_CAUSES 15
extern const struct drops_cause drops_causes[DROPS_CAUSES];

uint64_t drops_count(const wrd_server_counters *counters, const struct drops_cause *cause);

/* Zeroed at the start. */
struct drops_watch {
    uint64_t told[DROPS_CAUSES];
    double told_at[DROPS_CAUSES];
    double looked_at;
};

/* Logs what was dropped since, at once when it begins, then at most one line per cause in 10 s. `now` in seconds. */
void drops_look(struct drops_watch *watch, const wrd_server_counters *counters, bool verbose, double now);

#endif
