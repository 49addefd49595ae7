/* SPDX-License-Identifier: MIT */
/* Two associations with channels, their packets handed over by hand, on a clock that stands unless a test moves it. */
#ifndef WRD_TESTS_CHAN_PAIR_H
#define WRD_TESTS_CHAN_PAIR_H

#include "chan/chan.h"

#define PAIR_WINDOW        ((size_t)64 * 1024)
#define PAIR_MESSAGE_LIMIT ((size_t)20000)

struct pair {
    wrd_env env;
    size_t live;
    uint64_t allocations;
    bool refuses; /* memory */
    bool denies;  /* each end's answers to resets say so */
    uint8_t random;
    wrd_time now;
    struct wrd_sctp *near, *far;
    struct wrd_chan speaker, chan; /* of the near and the far end; the near one is the DTLS client */
};

/* For cmocka: `*state` is a struct pair. */
int pair_set_up(void **state);
int pair_set_up_open(void **state);
int pair_tear_down(void **state); /* and nothing leaked */

/* Until both are quiet, delayed acknowledgements included. */
void pair_exchange(struct pair *p);
/* On the main channel of the near end. */
wrd_result pair_say(struct pair *p, bool text, const void *data, size_t len);
/* Below the channels of the near end: whatever a peer may send. */
void pair_say_raw(struct pair *p, uint16_t stream, uint32_t ppid, bool unordered, const void *data, size_t len);
/* The far end's next message is this one. */
void pair_hears(struct pair *p, bool text, const void *data, size_t len);
void pair_hears_nothing(struct pair *p);

#endif
