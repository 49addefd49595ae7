/* SPDX-License-Identifier: MIT */
#include "endpoint/admit.h"

#include "wrd/address.h"

/* How long crowds are remembered. */
#define CROWD_TIME (2 * WRD_SECOND)

static bool fresh(const struct wrd_admitted *entry, wrd_time now)
{
    return entry->remote.family != 0 && now - entry->at <= WRD_ADMIT_LIFETIME;
}

struct wrd_admitted *wrd_admit_note(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote,
                                    uint64_t name)
{
    struct wrd_admitted *bucket = admit->entries[hash % WRD_ADMIT_BUCKETS];
    struct wrd_admitted *entry = &bucket[0];
    for (int i = 0; i < WRD_ADMIT_WAYS; i++) {
        if (wrd_addr_equal(&bucket[i].remote, remote)) {
            entry = &bucket[i];
            break;
        }
        if (entry->remote.family != 0 && (bucket[i].remote.family == 0 || bucket[i].at < entry->at))
            entry = &bucket[i];
    }
    bool same = wrd_addr_equal(&entry->remote, remote);
    if (!same && entry->remote.family != 0 && now - entry->at < WRD_ADMIT_MISSED)
        admit->crowded_at = now;
    bool known = same && fresh(entry, now);
    if (!known || entry->name != name)
        *entry = (struct wrd_admitted){.remote = *remote, .name = name, .contested = known};
    entry->at = now;
    return entry;
}

struct wrd_admitted *wrd_admit_find(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote)
{
    struct wrd_admitted *bucket = admit->entries[hash % WRD_ADMIT_BUCKETS];
    for (int i = 0; i < WRD_ADMIT_WAYS; i++)
        if (wrd_addr_equal(&bucket[i].remote, remote) && fresh(&bucket[i], now))
            return &bucket[i];
    return NULL;
}

void wrd_admit_forget(struct wrd_admitted *entry)
{
    *entry = (struct wrd_admitted){0};
}

bool wrd_admit_is_crowded(const struct wrd_admit *admit, wrd_time now)
{
    return admit->crowded_at != 0 && now - admit->crowded_at < CROWD_TIME;
}
