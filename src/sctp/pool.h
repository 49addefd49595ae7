/* SPDX-License-Identifier: MIT */
/* Blocks of an association. Freed ones of up to 512 KiB are kept by size, so that steady traffic asks `env` for
 * nothing; drained, it costs nothing. */
#ifndef WRD_SCTP_POOL_H
#define WRD_SCTP_POOL_H

#include "base/mem.h"

#define WRD_SCTP_POOL_CLASSES 53

struct wrd_sctp_pool {
    const wrd_env *env;
    void **idle;       /* WRD_SCTP_POOL_CLASSES lists; NULL before the first block is given */
    size_t idle_bytes; /* in them */
};

void wrd_sctp_pool_init(struct wrd_sctp_pool *pool, const wrd_env *env);
/* Gives the idle blocks back to `env`. */
void wrd_sctp_pool_drain(struct wrd_sctp_pool *pool);
/* At least `size` bytes, `*capacity` in truth; NULL when memory is short. */
void *wrd_sctp_pool_take(struct wrd_sctp_pool *pool, size_t size, size_t *capacity);
void wrd_sctp_pool_give(struct wrd_sctp_pool *pool, void *block, size_t capacity);
/* A larger block that begins with the first `used` bytes of the old one, which is gone then; NULL: the old one stays.
 */
void *wrd_sctp_pool_grow(struct wrd_sctp_pool *pool, void *block, size_t used, size_t size, size_t *capacity);

#endif
