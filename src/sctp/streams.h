/* SPDX-License-Identifier: MIT */
/* A set of stream numbers: nothing while empty, a short list while small, one bit for each stream when large. */
#ifndef WRD_SCTP_STREAMS_H
#define WRD_SCTP_STREAMS_H

#include "wrd/base.h"

#define WRD_SCTP_STREAMS_LISTED 32

struct wrd_sctp_streams {
    uint16_t *list; /* room for WRD_SCTP_STREAMS_LISTED, the first `count` in use, sorted; or NULL */
    uint64_t *bits; /* 65536 of them; or NULL */
    uint32_t count;
    uint32_t lowest; /* with bits: none is below it */
};

void wrd_sctp_streams_free(struct wrd_sctp_streams *set, const wrd_env *env);
/* Makes room, so that the next `more` additions cannot fail. False: no memory. */
bool wrd_sctp_streams_reserve(struct wrd_sctp_streams *set, const wrd_env *env, size_t more);
/* False: no memory. One that is there already stays. */
bool wrd_sctp_streams_add(struct wrd_sctp_streams *set, const wrd_env *env, uint16_t stream);
bool wrd_sctp_streams_has(const struct wrd_sctp_streams *set, uint16_t stream);
/* It must be there. The last one gives the memory back. */
void wrd_sctp_streams_remove(struct wrd_sctp_streams *set, const wrd_env *env, uint16_t stream);
/* The first one at or after `*cursor`, which moves behind it; false: none. */
bool wrd_sctp_streams_next(struct wrd_sctp_streams *set, uint32_t *cursor, uint16_t *stream);

#endif
