/* SPDX-License-Identifier: MIT */
/*
 * Does the peer of an accepted connection still receive at its address? Its records may come from anywhere and from a
 * forged address, and the key of a check is in the check: none of them shows it. So whoever is sent something is asked
 * now and then, by a HEARTBEAT with a nonce that only goes there, and gets nothing but that while it owes an answer for
 * seconds; after lost_timeout and a few tries more it is lost (RFC 7675 has the aim). The answer to a heartbeat of an
 * idle association is as good, so that who is idle is seldom asked besides.
 */
#ifndef WRD_ENDPOINT_CONSENT_H
#define WRD_ENDPOINT_CONSENT_H

#include "sctp/sctp.h"
#include "wrd/base.h"

/* Asked anew once so much went out and so much time passed: little, much, or nothing. */
#define WRD_CONSENT_LITTLE          ((uint64_t)16 * 1024)
#define WRD_CONSENT_LITTLE_INTERVAL (15 * WRD_SECOND)
#define WRD_CONSENT_MUCH            ((uint64_t)4 * 1024 * 1024)
#define WRD_CONSENT_MUCH_INTERVAL   (1 * WRD_SECOND)
#define WRD_CONSENT_INTERVAL_MAX    (300 * WRD_SECOND)
/* So many tries in quick succession, for lines that lose much; then nothing else goes there. */
#define WRD_CONSENT_TRIES    10
#define WRD_CONSENT_TRY_TIME (500 * WRD_MILLISECOND)
/* A line that was dead for longer gets the next one so soon at the latest, and with its answer everything else. */
#define WRD_CONSENT_PACE_MAX (5 * WRD_SECOND)

struct wrd_consent {
    wrd_time since; /* the last proof; while one is asked for, when that began */
    uint64_t sent;  /* bytes that had gone out by the last proof */
    bool asking;
    uint32_t tries; /* not answered */
    uint8_t nonce[WRD_SCTP_PATH_INFO];
};

/* The address proved itself. `sent`: bytes that went out so far, here and below; `limit`: options.lost_timeout. */
void wrd_consent_given(struct wrd_consent *consent, wrd_time now, uint64_t sent);
/* A packet of the association goes out: is it time to ask? Besides this only the longest interval begins that, so that
 * who is idle is left in peace. */
void wrd_consent_note(struct wrd_consent *consent, wrd_time now, wrd_time limit, uint64_t sent, const wrd_env *env);
void wrd_consent_expire(struct wrd_consent *consent, wrd_time now, const wrd_env *env);
/* Is it time for a try? It goes out with `nonce`, the same for all of one question: late answers count, too. */
bool wrd_consent_take_try(struct wrd_consent *consent, wrd_time now, wrd_time limit);
/* What the answer must have; NULL: none is asked for. */
const uint8_t *wrd_consent_nonce(const struct wrd_consent *consent);
/* Should nothing else go there until the answer comes? */
bool wrd_consent_is_overdue(const struct wrd_consent *consent, wrd_time now, wrd_time limit);
bool wrd_consent_is_lost(const struct wrd_consent *consent, wrd_time now, wrd_time limit);
/* Of the next question, try or the end. */
wrd_time wrd_consent_deadline(const struct wrd_consent *consent, wrd_time limit);

#endif
