/* SPDX-License-Identifier: MIT */
/*
 * Our association and libusrsctp in one process and in virtual time, joined by the link model of the tests; and traffic
 * between them that an oracle checks: what was sent arrives unchanged, once, in order where that was asked for.
 */
#ifndef WRD_TESTS_FOREIGN_H
#define WRD_TESTS_FOREIGN_H

#include "net/link.h"
#include "sctp/sctp.h"

#include <stdio.h>
#include <stdlib.h>
#include <usrsctp.h>

#define CHECK(claim)                                                                                                   \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            foreign_tell();                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);                                        \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define FOREIGN_STREAMS     256
#define FOREIGN_MESSAGE_MAX ((size_t)262144)
#define FOREIGN_COUNT_MAX   8192

enum side { OURS, THEIRS };
enum limit { RELIABLE, LIMIT_RETRANSMITS, LIMIT_LIFETIME };

/* What one side says: `count` messages, dealt to streams in turn, then one reliable last word on each stream. */
struct plan {
    unsigned count, streams;
    size_t size_max;
    unsigned unordered; /* in a thousand */
    enum limit limit;
    uint32_t limit_value; /* retransmits, or ms */
};

struct foreign_side {
    struct plan plan;
    unsigned said, last_words, composed;
    /* What was heard of the other side. */
    unsigned heard, lasts;
    uint64_t bytes;
    uint32_t next[FOREIGN_STREAMS];   /* index expected on a stream, ordered */
    uint8_t seen[FOREIGN_COUNT_MAX];  /* unordered ones */
    unsigned resets[FOREIGN_STREAMS]; /* by the other side */
};

struct foreign_options {
    bool we_connect, they_connect;
    bool interleaving; /* of theirs; ours offers it always */
    struct link_options link;
    uint64_t seed;
};

struct foreign {
    struct foreign_options options;
    wrd_time now, ticked;
    uint64_t seed;
    struct wrd_sctp *ours;
    struct socket *listener, *theirs;
    struct foreign_side sides[2];
    struct link_state ways[2];
    struct transit transit;
    uint8_t epoch;           /* a byte of every message; the tests move it on when streams begin anew */
    unsigned events;         /* of ours, all so far */
    bool old;                /* what is heard is of before, and not looked at */
    bool deaf;               /* what theirs sends is dropped */
    bool they_lost, they_up; /* told by usrsctp */
    unsigned idata, data;    /* chunks of each kind that passed */
    unsigned ours_reset;     /* our own resets that were performed */
    struct partial {
        uint8_t *bytes;
        size_t len;
    } partial[FOREIGN_STREAMS][2];
};

extern struct foreign foreign;

void foreign_start(void);
void foreign_finish(void);

void foreign_open(const struct foreign_options *options);
/* Until both are up. */
void foreign_establish(void);
void foreign_plan(enum side side, const struct plan *plan);
/* Until every word of both plans was heard; fails after `limit`. */
void foreign_deliver(wrd_time limit);
void foreign_run(wrd_time time);
/* One step to the next event, at the latest `until`. */
void foreign_step(wrd_time until);
/* Their socket is replaced by a new one that connects again, as after a crash. */
void foreign_crash_theirs(void);
void foreign_reset_theirs(uint16_t stream);
void foreign_close(void);
void foreign_tell(void);

#endif
