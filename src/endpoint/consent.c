/* SPDX-License-Identifier: MIT */
#include "endpoint/consent.h"

#include "base/earlier.h"

/* Between later tries: three of them at least fit into what is_lost() waits beyond the limit. */
static wrd_time slow_pace(wrd_time limit)
{
    return wrd_earlier(limit / 12 + 1, WRD_CONSENT_PACE_MAX);
}

static wrd_time eager_time(wrd_time limit)
{
    return WRD_CONSENT_TRIES * wrd_earlier(WRD_CONSENT_TRY_TIME, slow_pace(limit));
}

static wrd_time next_try(const struct wrd_consent *consent, wrd_time limit)
{
    if (consent->tries <= WRD_CONSENT_TRIES)
        return consent->since + consent->tries * eager_time(limit) / WRD_CONSENT_TRIES;
    return consent->since + eager_time(limit) + (consent->tries - WRD_CONSENT_TRIES) * slow_pace(limit);
}

/* A line that was dead for nearly the limit is not lost by this either: tries follow. */
static wrd_time lost_at(const struct wrd_consent *consent, wrd_time limit)
{
    return consent->since + limit + limit / 4;
}

void wrd_consent_given(struct wrd_consent *consent, wrd_time now, uint64_t sent)
{
    *consent = (struct wrd_consent){.since = now, .sent = sent};
}

static void begin(struct wrd_consent *consent, wrd_time now, const wrd_env *env)
{
    consent->asking = true;
    consent->since = now;
    env->random(env->user, consent->nonce, sizeof consent->nonce);
}

void wrd_consent_note(struct wrd_consent *consent, wrd_time now, wrd_time limit, uint64_t sent, const wrd_env *env)
{
    if (consent->asking)
        return;
    uint64_t fresh = sent - consent->sent;
    wrd_time age = now - consent->since;
    if ((fresh >= WRD_CONSENT_MUCH && age >= wrd_earlier(WRD_CONSENT_MUCH_INTERVAL, limit / 2)) ||
        (fresh >= WRD_CONSENT_LITTLE && age >= wrd_earlier(WRD_CONSENT_LITTLE_INTERVAL, limit / 2)))
        begin(consent, now, env);
}

void wrd_consent_expire(struct wrd_consent *consent, wrd_time now, const wrd_env *env)
{
    if (!consent->asking && now >= consent->since + WRD_CONSENT_INTERVAL_MAX)
        begin(consent, now, env);
}

bool wrd_consent_take_try(struct wrd_consent *consent, wrd_time now, wrd_time limit)
{
    if (!consent->asking || now < next_try(consent, limit))
        return false;
    do /* those that were missed are made up for by this one */
        consent->tries++;
    while (now >= next_try(consent, limit));
    return true;
}

const uint8_t *wrd_consent_nonce(const struct wrd_consent *consent)
{
    return consent->asking ? consent->nonce : NULL;
}

bool wrd_consent_is_overdue(const struct wrd_consent *consent, wrd_time now, wrd_time limit)
{
    return consent->asking && now >= consent->since + eager_time(limit);
}

bool wrd_consent_is_lost(const struct wrd_consent *consent, wrd_time now, wrd_time limit)
{
    return consent->asking && now >= lost_at(consent, limit);
}

wrd_time wrd_consent_deadline(const struct wrd_consent *consent, wrd_time limit)
{
    if (!consent->asking)
        return consent->since + WRD_CONSENT_INTERVAL_MAX;
    return wrd_earlier(next_try(consent, limit), lost_at(consent, limit));
}
