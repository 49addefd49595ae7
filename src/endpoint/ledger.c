/* SPDX-License-Identifier: MIT */
#include "endpoint/ledger.h"

#include "base/mem.h"

static void *memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct wrd_ledger *ledger = user;
    if (new_size > old_size && new_size - old_size > ledger->limit - ledger->used)
        return NULL;
    void *p = ledger->env.memory(ledger->env.user, old, old_size, new_size);
    if (p || new_size == 0)
        ledger->used = ledger->used - (old ? old_size : 0) + (p ? new_size : 0);
    return p;
}

static void random_bytes(void *user, uint8_t *out, size_t len)
{
    const struct wrd_ledger *ledger = user;
    ledger->env.random(ledger->env.user, out, len);
}

static uint64_t unix_time(void *user)
{
    const struct wrd_ledger *ledger = user;
    return ledger->env.unix_time(ledger->env.user);
}

wrd_env wrd_ledger_env(struct wrd_ledger *ledger)
{
    return (wrd_env){.user = ledger,
                     .memory = memory,
                     .random = random_bytes,
                     .unix_time = ledger->env.unix_time ? unix_time : NULL};
}

bool wrd_ledger_has_room(const struct wrd_ledger *ledger)
{
    return ledger->used <= ledger->limit / 4 * 3;
}

/* ---- one connection's part */

static void *account_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct wrd_account *account = user;
    void *p = wrd_mem_resize(account->outer, old, old_size, new_size);
    if (p || new_size == 0)
        account->used = account->used - (old ? old_size : 0) + (p ? new_size : 0);
    return p;
}

static void account_random(void *user, uint8_t *out, size_t len)
{
    const struct wrd_account *account = user;
    account->outer->random(account->outer->user, out, len);
}

void wrd_account_open(struct wrd_account *account, const wrd_env *outer)
{
    *account = (struct wrd_account){
        .env = {.user = account, .memory = account_memory, .random = account_random}, .outer = outer};
}
