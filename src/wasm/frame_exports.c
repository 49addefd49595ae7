/* SPDX-License-Identifier: MIT */
#include "wasm/wasm.h"

#include "wrd/frame.h"

WRD_EXPORT("bound") size_t wrd_wasm_bound(size_t len);
WRD_EXPORT("encode") size_t wrd_wasm_encode(uint8_t *out, size_t cap, size_t len);
WRD_EXPORT("decoder") wrd_frame_decoder *wrd_wasm_decoder(size_t limit);
WRD_EXPORT("push") const uint32_t *wrd_wasm_push(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len);
WRD_EXPORT("release") void wrd_wasm_release(wrd_frame_decoder *decoder);
WRD_EXPORT("drop") void wrd_wasm_drop(wrd_frame_decoder *decoder);

size_t wrd_wasm_bound(size_t len)
{
    return wrd_frame_bound(len);
}

/* The message stands right behind the `cap` bytes for the frame. 0: too large. */
size_t wrd_wasm_encode(uint8_t *out, size_t cap, size_t len)
{
    return wrd_frame_encode(out, cap, out + cap, len);
}

wrd_frame_decoder *wrd_wasm_decoder(size_t limit)
{
    return wrd_frame_decoder_new(&wrd_wasm_env, limit);
}

/*
 * Answers the address of four words: the result, bytes used, and after WRD_OK the message and its length, which stay
 * until `release`.
 */
const uint32_t *wrd_wasm_push(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len)
{
    static uint32_t words[4];
    size_t used;
    size_t message_len;
    words[0] = (uint32_t)wrd_frame_decoder_push(decoder, bytes, len, &used);
    words[1] = used;
    words[2] = (uint32_t)(uintptr_t)wrd_frame_decoder_message(decoder, &message_len);
    words[3] = message_len;
    return words;
}

void wrd_wasm_release(wrd_frame_decoder *decoder)
{
    wrd_frame_decoder_release(decoder);
}

void wrd_wasm_drop(wrd_frame_decoder *decoder)
{
    wrd_frame_decoder_free(decoder);
}
