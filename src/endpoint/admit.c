/* SPDX-License-Identifier: MIT */
#include "endpoint/admit.h"

#include "wrd/address.h"

static bool fresh(const struct wrd_admitted *entry, wrd_time now)
{
    return entry->remote.family != 0 && now - entry->at <= WRD_ADMIT_LIFETIME;
}

void wrd_admit_note(struct wrd_admit *admit, wrd_time now, uint64_t hash, const wrd_addr *remote, uint64_t ufrag_hash,
                    size_t bytes_in, size_t bytes_out)
{
    struct wrd_admitted *bucket = admit->entries[hash % WRD_ADMIT_BUCKETS];
    struct wrd_admitted *entry = &bucket[0];
    for (int i = 0; i < WRD_ADMIT_WAYS; i++) {
        if (wrd_addr_equal(&bucket[i].remote, remote)) {
            entry = &bucket[i];
            break;
        }
        if (bucket[i].remote.family == 0 || bucket[i].at < entry->at)
            entry = &bucket[i];
    }
    if (!fresh(entry, now) || !wrd_addr_equal(&entry->remote, remote) || entry->ufrag_hash != ufrag_hash)
        *entry = (struct wrd_admitted){.remote = *remote, .ufrag_hash = ufrag_hash};
    entry->at = now;
    entry->bytes_in += (uint32_t)bytes_in;
    entry->bytes_out += (uint32_t)bytes_out;
}

const struct wrd_admitted *wrd_admit_find(const struct wrd_admit *admit, wrd_time now, uint64_t hash,
                                          const wrd_addr *remote)
{
    const struct wrd_admitted *bucket = admit->entries[hash % WRD_ADMIT_BUCKETS];
    for (int i = 0; i < WRD_ADMIT_WAYS; i++)
        if (wrd_addr_equal(&bucket[i].remote, remote) && fresh(&bucket[i], now))
            return &bucket[i];
    return NULL;
}
