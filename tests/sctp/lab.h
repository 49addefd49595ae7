/* SPDX-License-Identifier: MIT */
/*
 * Two live associations on one virtual clock, with a link between them that loses, delays, repeats and damages packets
 * from a seed, and traffic that an oracle checks: every byte of every message once, in order for each stream; only
 * those sent with a limit may be missing. A reset comes in its place among them.
 */
#ifndef TESTS_SCTP_LAB_H
#define TESTS_SCTP_LAB_H

#include "net/link.h"
#include "sctp/assoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* An environment that counts, and refuses the n-th allocation when told so. */
struct lab_env {
    wrd_env env;
    uint64_t seed;
    size_t live;       /* bytes allocated and not freed */
    uint64_t asked;    /* allocations so far */
    uint64_t fail_at;  /* this one is refused; 0: none */
    uint64_t fail_for; /* how many in a row */
};

void lab_env_init(struct lab_env *lab, uint64_t seed);
uint64_t lab_random(uint64_t *seed);

#define LAB_STREAMS      8
#define LAB_MESSAGES_MAX 8192 /* of one stream and order */
#define LAB_RESETS_MAX   64   /* of one stream */

/* Resets of one stream by its sender. */
struct lab_resets {
    unsigned asked, performed, heard;
    uint32_t next_ordered[LAB_RESETS_MAX], next_unordered[LAB_RESETS_MAX]; /* indexes, when each was asked for */
};

/* What one end wants to say. */
struct lab_traffic {
    unsigned messages;  /* to send in all */
    size_t size_max;    /* sizes are spread over 4 .. 3 + this, mostly small */
    unsigned unordered; /* in a thousand */
    unsigned limited;   /* in a thousand: with a lifetime or a number of retransmits */
    unsigned resets;    /* in a thousand: the stream is reset behind the message */
    unsigned streams;
    unsigned sent, sent_reliable;
    uint32_t sent_on[2 * LAB_STREAMS]; /* next index; the second half counts unordered ones */
};

/* What became of a message, bits. */
enum lab_fate { LAB_SENT = 1, LAB_LIMITED = 2, LAB_HEARD = 4 };

struct lab_end {
    struct lab_env env;
    struct wrd_sctp *sctp;
    struct link_options out; /* of what it sends */
    struct link_state line;
    struct lab_traffic traffic;
    uint8_t *fates;                        /* of what it sends: stream (+ LAB_STREAMS when unordered), index */
    struct lab_resets resets[LAB_STREAMS]; /* of what it sends */
    unsigned events;                       /* all so far */
    uint32_t heard_on[LAB_STREAMS];        /* the next index in order */
    unsigned heard, heard_reliable;
    uint64_t heard_bytes;
    bool reading; /* false: messages stay unread */
};

struct lab {
    struct lab_end ends[2];
    wrd_time now;
    uint64_t seed;
    struct transit transit;
    /* Sees every packet before it is sent; false drops it. */
    bool (*tap)(struct lab *lab, int from, const uint8_t *bytes, size_t len);
    void *tap_user;
};

/* `options` of both ends; NULL: defaults. */
void lab_init(struct lab *lab, uint64_t seed, const struct wrd_sctp_options *options);
void lab_init_each(struct lab *lab, uint64_t seed, const struct wrd_sctp_options options[2]);
/* Frees all, and checks that nothing leaked. */
void lab_free(struct lab *lab);
/* Sends, reads and transmits what each end can, then moves to the next event. False: nothing will happen any more, or
 * the next event is after `until`. */
bool lab_step(struct lab *lab, wrd_time until);
/* Steps until both ends are established. */
void lab_open(struct lab *lab);
/* Steps until everything sent was acknowledged or given up, and all that could not be given up was heard; false: not by
 * `limit` from now. */
bool lab_deliver(struct lab *lab, wrd_time limit);
/* Steps for this long. */
void lab_run(struct lab *lab, wrd_time time);
void lab_pump(struct lab *lab, int end);
wrd_result lab_send(struct lab *lab, int end, uint16_t stream, bool unordered, const void *bytes, size_t len);

#endif
