/* SPDX-License-Identifier: MIT */
/*
 * The frame decoder. The first byte says how large the pieces are in which the stream arrives, the second after how
 * many allocations one fails (255: none); the rest is the stream. The same stream must end alike in one piece, in many,
 * and after a shortage of memory.
 */
#include "wrd/frame.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 20, NEVER = 255 };

struct memory {
    size_t live;
    unsigned calls, fail_at;
};

static void *limited_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct memory *memory = user;
    if (new_size > old_size && memory->calls++ == memory->fail_at)
        return NULL;
    WRD_ASSERT(memory->live >= old_size);
    memory->live = memory->live - old_size + new_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

/* What a stream came to: how many messages, a sum over their bytes, and how it ended. */
struct outcome {
    size_t messages, bytes;
    uint32_t sum;
    wrd_result end;
};

static void add_message(struct outcome *outcome, wrd_frame_decoder *decoder)
{
    size_t len;
    const uint8_t *message = wrd_frame_decoder_message(decoder, &len);
    WRD_ASSERT(message && len <= LIMIT);
    for (size_t i = 0; i < len; i++)
        outcome->sum = outcome->sum * 31 + message[i];
    outcome->messages++;
    outcome->bytes += len;
    wrd_frame_decoder_release(decoder);
}

static struct outcome run(const uint8_t *stream, size_t size, size_t piece, unsigned fail_at)
{
    struct memory memory = {.fail_at = fail_at};
    wrd_env env = {.user = &memory, .memory = limited_memory};
    struct outcome outcome = {.end = WRD_AGAIN};
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, LIMIT);
    if (!decoder)
        decoder = wrd_frame_decoder_new(&env, LIMIT);
    WRD_ASSERT(decoder);
    size_t at = 0, used;
    while (at < size) {
        size_t take = size - at < piece ? size - at : piece;
        outcome.end = wrd_frame_decoder_push(decoder, stream + at, take, &used);
        WRD_ASSERT(used <= take);
        at += used;
        /* At most twice what arrived, the decoder, and a message that the limit allows. */
        WRD_ASSERT(memory.live <= 2 * at + 2048 + LIMIT);
        if (outcome.end == WRD_OK)
            add_message(&outcome, decoder);
        else if (outcome.end == WRD_AGAIN)
            WRD_ASSERT(used == take);
        else if (outcome.end != WRD_NO_MEMORY)
            break;
    }
    if (outcome.end == WRD_PROTOCOL || outcome.end == WRD_TOO_LARGE)
        WRD_ASSERT(wrd_frame_decoder_push(decoder, stream, size, &used) == outcome.end && used == 0);
    else
        outcome.end = WRD_AGAIN;
    wrd_frame_decoder_free(decoder);
    WRD_ASSERT(memory.live == 0);
    return outcome;
}

static void check_encoder(const uint8_t *message, size_t size)
{
    size_t cap = wrd_frame_bound(size);
    uint8_t *frame = malloc(cap);
    WRD_ASSERT(frame);
    size_t len = wrd_frame_encode(frame, cap, message, size);
    WRD_ASSERT(len > 0 && len <= cap && wrd_frame_encode(frame, cap - 1, message, size) == 0);
    struct outcome outcome = run(frame, len, len, NEVER);
    WRD_ASSERT(outcome.messages == (size <= LIMIT ? 1 : 0) && (size > LIMIT || outcome.bytes == size));
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const uint8_t *stream = data + 2;
    size_t stream_size = size - 2;
    struct outcome whole = run(stream, stream_size, stream_size, NEVER);
    struct outcome pieces = run(stream, stream_size, 1 + (size_t)data[0], data[1]);
    WRD_ASSERT(whole.messages == pieces.messages && whole.bytes == pieces.bytes && whole.sum == pieces.sum);
    WRD_ASSERT(whole.end == pieces.end);
    check_encoder(stream, stream_size);
    return 0;
}
