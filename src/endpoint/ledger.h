/* SPDX-License-Identifier: MIT */
/* The environment's memory, counted and bounded: what all connections of an endpoint may take together. */
#ifndef WRD_ENDPOINT_LEDGER_H
#define WRD_ENDPOINT_LEDGER_H

#include "wrd/base.h"

struct wrd_ledger {
    wrd_env env; /* where the memory comes from */
    size_t used, limit;
};

/* An environment that takes from `ledger`, which must not move while it is used. */
wrd_env wrd_ledger_env(struct wrd_ledger *ledger);
/* Is there enough left that one more connection does not live at the others' expense? */
bool wrd_ledger_has_room(const struct wrd_ledger *ledger);

/* One connection's part of it. */
struct wrd_account {
    wrd_env env; /* for whatever belongs to the connection */
    const wrd_env *outer;
    size_t used;
};

/* `outer` is where the memory comes from; neither may move while it is used. */
void wrd_account_open(struct wrd_account *account, const wrd_env *outer);

#endif
