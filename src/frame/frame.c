/* SPDX-License-Identifier: MIT */
#include "wrd/frame.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "frame/lz4.h"

#define PREFIX_SIZE    4                 /* of n, and again of the size */
#define FRAME_REST_MAX WRD_MESSAGE_MAX   /* n: what follows its own prefix */
#define FRAME_REST_MIN (PREFIX_SIZE + 1) /* the shortest block is one byte, that of the empty message */
#define GROWTH_MIN     ((size_t)1024)

struct wrd_frame_decoder {
    wrd_env env;
    size_t limit;
    wrd_result broken; /* WRD_OK while the stream is good */
    uint8_t header[WRD_FRAME_HEADER_SIZE];
    size_t header_len;
    size_t size;      /* announced for the message */
    size_t block_len; /* announced for the block */
    uint8_t *block;   /* the part of the block that earlier pushes brought */
    size_t block_have, block_cap;
    uint8_t *message; /* complete, waiting for its release */
};

size_t wrd_frame_bound(size_t len)
{
    return len > WRD_MESSAGE_MAX ? 0 : WRD_FRAME_HEADER_SIZE + WRD_FRAME_LZ4_BOUND(len);
}

size_t wrd_frame_encode(uint8_t *out, size_t cap, const uint8_t *message, size_t len)
{
    if (len > WRD_MESSAGE_MAX || cap < wrd_frame_bound(len))
        return 0;
    if (len == 0)
        message = out; /* may have been NULL, from which nothing may be counted */
    size_t rest = PREFIX_SIZE + wrd_frame_lz4_encode(out + WRD_FRAME_HEADER_SIZE, message, len);
    if (rest > FRAME_REST_MAX)
        return 0;
    wrd_store32be(out, (uint32_t)rest);
    wrd_store32le(out + PREFIX_SIZE, (uint32_t)len);
    return PREFIX_SIZE + rest;
}

wrd_frame_decoder *wrd_frame_decoder_new(const wrd_env *env, size_t limit)
{
    wrd_frame_decoder *decoder = wrd_mem_zalloc(env, sizeof *decoder);
    if (!decoder)
        return NULL;
    decoder->env = *env;
    decoder->limit = limit == 0 || limit > WRD_MESSAGE_MAX ? WRD_MESSAGE_MAX : limit;
    return decoder;
}

static void drop_block(wrd_frame_decoder *decoder)
{
    wrd_mem_free(&decoder->env, decoder->block, decoder->block_cap);
    decoder->block = NULL;
    decoder->block_have = decoder->block_cap = 0;
    decoder->header_len = 0;
}

/* An empty message takes a byte too, so that it has an address. */
static size_t message_cap(const wrd_frame_decoder *decoder)
{
    return decoder->size > 0 ? decoder->size : 1;
}

void wrd_frame_decoder_release(wrd_frame_decoder *decoder)
{
    wrd_mem_free(&decoder->env, decoder->message, message_cap(decoder));
    decoder->message = NULL;
}

void wrd_frame_decoder_free(wrd_frame_decoder *decoder)
{
    if (!decoder)
        return;
    wrd_frame_decoder_release(decoder);
    drop_block(decoder);
    wrd_env env = decoder->env;
    wrd_mem_free(&env, decoder, sizeof *decoder);
}

const uint8_t *wrd_frame_decoder_message(const wrd_frame_decoder *decoder, size_t *len)
{
    *len = decoder->message ? decoder->size : 0;
    return decoder->message;
}

/* Judges each announced size as soon as it is there, before any memory is taken for it. */
static wrd_result check_header(wrd_frame_decoder *decoder)
{
    if (decoder->header_len == PREFIX_SIZE) {
        uint32_t rest = wrd_load32be(decoder->header);
        if (rest > FRAME_REST_MAX)
            return WRD_TOO_LARGE;
        if (rest < FRAME_REST_MIN)
            return WRD_PROTOCOL;
        decoder->block_len = rest - PREFIX_SIZE;
    } else if (decoder->header_len == WRD_FRAME_HEADER_SIZE) {
        decoder->size = wrd_load32le(decoder->header + PREFIX_SIZE);
        if (decoder->size > decoder->limit)
            return WRD_TOO_LARGE;
        if (decoder->size > WRD_FRAME_LZ4_GROWTH_MAX * decoder->block_len ||
            decoder->block_len > WRD_FRAME_LZ4_BOUND(decoder->size))
            return WRD_PROTOCOL;
    }
    return WRD_OK;
}

/* Makes room for `need` bytes of the block. The room doubles, so it stays below twice of what has arrived. */
static bool reserve(wrd_frame_decoder *decoder, size_t need)
{
    if (need <= decoder->block_cap)
        return true;
    size_t cap = 2 * decoder->block_cap;
    if (cap < need)
        cap = need;
    if (cap < GROWTH_MIN)
        cap = GROWTH_MIN;
    if (cap > decoder->block_len)
        cap = decoder->block_len;
    uint8_t *block = wrd_mem_resize(&decoder->env, decoder->block, decoder->block_cap, cap);
    if (!block)
        return false;
    decoder->block = block;
    decoder->block_cap = cap;
    return true;
}

/* Takes the block's bytes; a block that stands whole in `bytes` is decoded from there. */
static wrd_result push_block(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len, size_t *used)
{
    size_t have = decoder->block_have;
    bool is_last = len >= decoder->block_len - have;
    if (is_last)
        len = decoder->block_len - have;
    const uint8_t *block = bytes;
    if (have > 0 || !is_last) {
        if (!reserve(decoder, have + len))
            return WRD_NO_MEMORY;
        block = decoder->block;
    }
    if (is_last) {
        decoder->message = wrd_mem_alloc(&decoder->env, message_cap(decoder));
        if (!decoder->message)
            return WRD_NO_MEMORY;
    }
    if (block != bytes && len > 0)
        memcpy(decoder->block + have, bytes, len);
    *used += len;
    decoder->block_have += len;
    if (!is_last)
        return WRD_AGAIN;
    bool good = wrd_frame_lz4_decode(decoder->message, decoder->size, block, decoder->block_len);
    drop_block(decoder);
    if (good)
        return WRD_OK;
    wrd_frame_decoder_release(decoder);
    return WRD_PROTOCOL;
}

wrd_result wrd_frame_decoder_push(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len, size_t *used)
{
    *used = 0;
    if (decoder->broken || decoder->message)
        return decoder->broken;
    wrd_result result = WRD_OK;
    while (result == WRD_OK && decoder->header_len < WRD_FRAME_HEADER_SIZE) {
        if (*used == len)
            return WRD_AGAIN;
        decoder->header[decoder->header_len++] = bytes[(*used)++];
        result = check_header(decoder);
    }
    if (result == WRD_OK)
        result = push_block(decoder, bytes + *used, len - *used, used);
    if (result == WRD_PROTOCOL || result == WRD_TOO_LARGE) {
        drop_block(decoder);
        decoder->broken = result;
    }
    return result;
}
