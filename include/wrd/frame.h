/* SPDX-License-Identifier: MIT */
/*
 * Message framing over an ordered reliable byte stream, as the original does it (docs/WIRE.md):
 *
 *   u32be n | u32le size | LZ4 block of n - 4 bytes that decodes to `size` bytes        5 <= n <= 16 MiB
 *
 * The stream's bytes travel as data-channel messages of at most WRD_CHUNK_MAX; their boundaries mean nothing.
 * Freestanding; part of the protocol library. One decoder belongs to one thread at a time.
 */
#ifndef WRD_FRAME_H
#define WRD_FRAME_H

#include "wrd/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_FRAME_HEADER_SIZE 8

/*
 * A message up to WRD_MESSAGE_MAX has a frame if LZ4 shortens it; one up to this size has a frame whatever its bytes
 * are, since n, which counts what LZ4 adds to incompressible bytes, may not exceed 16 MiB either.
 */
#define WRD_FRAME_ANY_MAX ((size_t)16711661)

/* The most bytes that a message of `len` bytes can take as a frame; 0 when `len` is over WRD_MESSAGE_MAX. */
WRD_API size_t wrd_frame_bound(size_t len);

/*
 * Writes one whole frame. `cap` must be at least wrd_frame_bound(len). Returns its length; 0 when `len` is over
 * WRD_MESSAGE_MAX, `cap` is too small, or n would be over 16 MiB, which needs more than WRD_FRAME_ANY_MAX bytes.
 * `message` may be NULL when `len` is 0. Takes 16 KiB of stack.
 */
WRD_API size_t wrd_frame_encode(uint8_t *out, size_t cap, const uint8_t *message, size_t len);

typedef struct wrd_frame_decoder wrd_frame_decoder;

/* `limit`: largest accepted message, at most and by 0 WRD_MESSAGE_MAX. `env` needs `memory`. NULL when memory is short.
 */
WRD_API wrd_frame_decoder *wrd_frame_decoder_new(const wrd_env *env, size_t limit);
WRD_API void wrd_frame_decoder_free(wrd_frame_decoder *decoder); /* NULL is fine */

/*
 * Takes bytes from the stream until a message is complete or `len` are used; `*used` says how many were taken.
 * WRD_OK: a message is complete and must be taken with wrd_frame_decoder_message() and _release() before the next push.
 * While a message waits for its release, WRD_OK again with nothing used.
 * WRD_AGAIN: all bytes used, more needed. WRD_PROTOCOL or WRD_TOO_LARGE: the stream is broken for good (sticky).
 * WRD_NO_MEMORY: nothing was used of what did not fit; pushing the rest again later is fine.
 * The announced sizes are checked before memory is taken, and memory grows with what arrived, not with what was
 * announced: up to twice the bytes of an unfinished frame, then the message, which no block can make longer than 255
 * times itself.
 */
WRD_API WRD_MUST_USE wrd_result wrd_frame_decoder_push(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len,
                                                       size_t *used);
/* The complete message, borrowed until release; NULL and 0 when there is none (an empty message has a non-NULL
 * pointer). */
WRD_API const uint8_t *wrd_frame_decoder_message(const wrd_frame_decoder *decoder, size_t *len);
WRD_API void wrd_frame_decoder_release(wrd_frame_decoder *decoder);

#ifdef __cplusplus
}
#endif
#endif
