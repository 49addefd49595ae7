/* SPDX-License-Identifier: MIT */
#include "ice/ice.h"
#include "base/bytes.h"
#include "base/check.h"
#include "stun/stun.h"

#define INTERVAL_FIRST (50 * WRD_MILLISECOND)
#define INTERVAL_MAX   (1 * WRD_SECOND)
/* RFC 7675 5.1: consent checks every 5 s, each interval times a random factor of 0.8 to 1.2; consent ends after 30 s.
 */
#define CONSENT_INTERVAL_MIN    (4 * WRD_SECOND)
#define CONSENT_INTERVAL_SPREAD (2 * WRD_SECOND)
#define CONSENT_LIFETIME        (30 * WRD_SECOND)
/* Between two checks, however much there is to ask. */
#define HURRY_MIN (500 * WRD_MILLISECOND)
/* RFC 8445 5.1.2.1: what our side would be as a peer-reflexive candidate, 2^24 * 110 + 2^8 * 65535 + (256 - 1). */
#define PRIORITY 0x6effffffu

static uint64_t draw(const wrd_env *env)
{
    uint8_t random[8];
    env->random(env->user, random, sizeof random);
    return wrd_load64be(random);
}

static wrd_time draw_consent_interval(const wrd_env *env)
{
    return CONSENT_INTERVAL_MIN + draw(env) % (CONSENT_INTERVAL_SPREAD + 1);
}

void wrd_ice_check_start(struct wrd_ice_check *check, wrd_time now, const wrd_ufrag *ufrag, const wrd_env *env)
{
    memset(check, 0, sizeof *check);
    check->ufrag = *ufrag;
    check->tie_breaker = draw(env);
    check->state = WRD_ICE_CHECKING;
    for (size_t i = 0; i < WRD_ICE_TRANSACTIONS; i++)
        check->sent_at[i] = WRD_NEVER;
    check->interval = INTERVAL_FIRST;
    check->consent_interval = draw_consent_interval(env);
    check->next_at = now;
    check->consent_until = WRD_NEVER;
    check->due = true;
}

/* Which outstanding check has this transaction; WRD_ICE_TRANSACTIONS when none. */
static size_t find_transaction(const struct wrd_ice_check *check, const uint8_t *transaction)
{
    size_t i = 0;
    while (i < WRD_ICE_TRANSACTIONS && (check->sent_at[i] == WRD_NEVER ||
                                        memcmp(check->transactions[i], transaction, WRD_STUN_TRANSACTION_SIZE) != 0))
        i++;
    return i;
}

size_t wrd_ice_check_answer(const struct wrd_ice_check *check, const wrd_addr *remote, const uint8_t *datagram,
                            size_t len, uint8_t *out, size_t cap)
{
    struct wrd_stun request;
    const uint8_t *key = (const uint8_t *)check->ufrag.text;
    size_t key_len = check->ufrag.len;
    if (check->state == WRD_ICE_LOST || !wrd_stun_read(&request, datagram, len) ||
        request.type != WRD_STUN_BINDING_REQUEST || !request.has_fingerprint || request.unknown_required != 0)
        return 0;
    /* RFC 8445 7.2.2: our ufrag stands first. Who claims our role, which nobody can want, gets no answer. */
    if (request.has_ice_controlling || request.username_len <= key_len || memcmp(request.username, key, key_len) != 0 ||
        request.username[key_len] != ':' || !wrd_stun_verify(&request, datagram, key, key_len))
        return 0;
    return wrd_stun_write_success(out, cap < len ? cap : len, request.transaction, remote, key, key_len);
}

bool wrd_ice_check_receive(struct wrd_ice_check *check, wrd_time now, const uint8_t *datagram, size_t len)
{
    struct wrd_stun answer;
    wrd_ice_check_expire(check, now);
    if (check->state == WRD_ICE_LOST || !wrd_stun_read(&answer, datagram, len))
        return false;
    /* RFC 8445 7.2.5.3.1 needs the mapped address, RFC 8489 6.3.3 discards what holds an unknown required attribute. */
    if (answer.type != WRD_STUN_BINDING_SUCCESS || !answer.has_mapped || answer.unknown_required != 0)
        return false;
    size_t i = find_transaction(check, answer.transaction);
    if (i == WRD_ICE_TRANSACTIONS ||
        !wrd_stun_verify(&answer, datagram, (const uint8_t *)check->ufrag.text, check->ufrag.len))
        return false;

    check->rtt = now > check->sent_at[i] ? now - check->sent_at[i] : 0;
    check->sent_at[i] = WRD_NEVER; /* A copy of this answer must not prolong consent. */
    check->consent_until = now + CONSENT_LIFETIME;
    if (check->state == WRD_ICE_CHECKING) {
        check->state = WRD_ICE_VALID;
        check->next_at = now + check->consent_interval;
        check->due = false;
    }
    return true;
}

static void schedule_next(struct wrd_ice_check *check, wrd_time now, const wrd_env *env)
{
    check->due = false;
    if (check->state == WRD_ICE_VALID) {
        check->consent_interval = draw_consent_interval(env);
        check->next_at = now + check->consent_interval;
        check->hurried = false;
        return;
    }
    check->next_at = now + check->interval;
    check->interval = 2 * check->interval < INTERVAL_MAX ? 2 * check->interval : INTERVAL_MAX;
}

size_t wrd_ice_check_transmit(struct wrd_ice_check *check, wrd_time now, const wrd_env *env, uint8_t *out, size_t cap)
{
    wrd_ice_check_expire(check, now);
    if (!check->due)
        return 0;
    uint8_t transaction[WRD_STUN_TRANSACTION_SIZE];
    env->random(env->user, transaction, sizeof transaction);
    char username[2 * WRD_UFRAG_MAX + 1];
    size_t ufrag_len = check->ufrag.len;
    WRD_ASSERT(ufrag_len <= WRD_UFRAG_MAX);
    memcpy(username, check->ufrag.text, ufrag_len);
    username[ufrag_len] = ':';
    memcpy(username + ufrag_len + 1, check->ufrag.text, ufrag_len);
    struct wrd_stun_request request = {.transaction = transaction,
                                       .username = username,
                                       .username_len = 2 * ufrag_len + 1,
                                       .priority = PRIORITY,
                                       .tie_breaker = check->tie_breaker,
                                       .use_candidate = true};
    size_t written = wrd_stun_write_request(out, cap, &request, (const uint8_t *)check->ufrag.text, ufrag_len);
    if (written == 0)
        return 0;
    size_t slot = check->sent++ % WRD_ICE_TRANSACTIONS;
    memcpy(check->transactions[slot], transaction, sizeof transaction);
    check->sent_at[slot] = now;
    schedule_next(check, now, env);
    return written;
}

void wrd_ice_check_hurry(struct wrd_ice_check *check, wrd_time now)
{
    if (check->state != WRD_ICE_VALID || check->hurried)
        return;
    wrd_time last = check->next_at > check->consent_interval ? check->next_at - check->consent_interval : 0;
    wrd_time at = now > last + HURRY_MIN ? now : last + HURRY_MIN;
    if (at < check->next_at)
        check->next_at = at;
    check->hurried = true;
}

wrd_time wrd_ice_check_deadline(const struct wrd_ice_check *check)
{
    if (check->state == WRD_ICE_LOST)
        return WRD_NEVER;
    return check->next_at < check->consent_until ? check->next_at : check->consent_until;
}

void wrd_ice_check_expire(struct wrd_ice_check *check, wrd_time now)
{
    if (check->state == WRD_ICE_LOST)
        return;
    /* RFC 7675 5.1: without consent nothing more may be sent. */
    if (now >= check->consent_until) {
        check->state = WRD_ICE_LOST;
        check->due = false;
        return;
    }
    if (now >= check->next_at)
        check->due = true;
}
