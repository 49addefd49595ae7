/* SPDX-License-Identifier: MIT */
/*
 * ICE, RFC 8445, as far as one candidate pair needs it.
 *
 * lite.c   the server: answers a connectivity check from the packet alone, keeps nothing.
 * check.c  the client: sends checks until one is answered, then consent checks (RFC 7675); a small value, no memory.
 *
 * Both sides' ufrag and password are one string that the client invents (docs/WIRE.md). The key of a check travels in
 * the check: it proves good form and that the sender means this server, not where the sender is.
 */
#ifndef WRD_ICE_H
#define WRD_ICE_H

#include "wrd/base.h"
#include "wrd/ufrag.h"

#define WRD_ICE_ANSWER_MAX 128

/* ---- server */

struct wrd_ice_answered {
    wrd_ufrag ufrag; /* the part before the colon */
    bool use_candidate;
    bool is_success; /* false: the response is an error (420, 487), so the check counts for nothing */
};

/*
 * Answers a binding request that came from `remote`. Returns the length of the response in `out`, 0 for anything but a
 * well-formed request with a USERNAME of ours, a right MESSAGE-INTEGRITY and a right FINGERPRINT: it gets no answer and
 * may leave no trace. The response is never longer than the request. `answered` is filled only with a response.
 */
size_t wrd_ice_lite_answer(struct wrd_ice_answered *answered, const wrd_addr *remote, const uint8_t *datagram,
                           size_t len, uint8_t *out, size_t cap);

/* ---- client */

enum wrd_ice_check_state {
    WRD_ICE_CHECKING, /* no answer yet */
    WRD_ICE_VALID,    /* answered; consent holds */
    WRD_ICE_LOST      /* answered once, but consent ran out */
};

#define WRD_ICE_TRANSACTIONS 8 /* RFC 7675: 30 s of consent checks, 4 s apart at the least, and no more */

struct wrd_ice_check {
    wrd_ufrag ufrag;
    uint64_t tie_breaker;
    enum wrd_ice_check_state state;
    uint8_t transactions[WRD_ICE_TRANSACTIONS][12]; /* the last checks sent; an answer to any of them counts, once */
    wrd_time sent_at[WRD_ICE_TRANSACTIONS];         /* WRD_NEVER: nothing sent, or answered */
    uint32_t sent;                                  /* checks sent so far */
    wrd_time interval;                              /* while checking: between the last check and the next */
    wrd_time consent_interval;                      /* 4..6 s, drawn anew for each consent check */
    wrd_time next_at;                               /* when the next check is due */
    wrd_time consent_until;                         /* RFC 7675 5.1: 30 s after the last valid answer */
    wrd_time rtt;                                   /* of the last answered check; 0 before */
    bool due, hurried;
};

/* Timers: first check at once; then 50 ms, doubling to 1 s while checking; every 4..6 s (randomised) once valid. */
void wrd_ice_check_start(struct wrd_ice_check *check, wrd_time now, const wrd_ufrag *ufrag, const wrd_env *env);
/*
 * Answers a check of the server's: full agents, which others build servers with, go on only when theirs is answered
 * too. Returns the length of the response in `out`, not longer than the request; 0 for anything but a well-formed check
 * with our credentials.
 */
size_t wrd_ice_check_answer(const struct wrd_ice_check *check, const wrd_addr *remote, const uint8_t *datagram,
                            size_t len, uint8_t *out, size_t cap);
/* True when `datagram` is a success response to one of our checks with a right MESSAGE-INTEGRITY. */
bool wrd_ice_check_receive(struct wrd_ice_check *check, wrd_time now, const uint8_t *datagram, size_t len);
/* The next check, 0 when none is due or `cap` is short. WRD_STUN_MESSAGE_MAX bytes always suffice. */
size_t wrd_ice_check_transmit(struct wrd_ice_check *check, wrd_time now, const wrd_env *env, uint8_t *out, size_t cap);
/* Something that was sent went unanswered: asks now whether the path still holds, twice a second at most. */
void wrd_ice_check_hurry(struct wrd_ice_check *check, wrd_time now);
wrd_time wrd_ice_check_deadline(const struct wrd_ice_check *check);
void wrd_ice_check_expire(struct wrd_ice_check *check, wrd_time now);

#endif
