/* SPDX-License-Identifier: MIT */
/*
 * The LZ4 codec: the input once as a block (behind a 16-bit size to decode it to) and once as data to encode. Where
 * WRD_FUZZ_LIBLZ4 is defined, the reference library judges both.
 */
#include "frame/lz4.h"

#include "base/bytes.h"
#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A heap block of exactly that size, so that a sanitizer sees one byte too many. */
static uint8_t *exactly(size_t len)
{
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    WRD_ASSERT(bytes);
    return bytes;
}

#ifdef WRD_FUZZ_LIBLZ4
#include <lz4.h>

/*
 * What both decoders accept comes out alike. The reference refuses blocks that break the rules for an encoder's last
 * bytes, so it may refuse more; it lets offset 0 pass, which the format calls invalid, so it may also refuse less.
 */
static void compare_decoded(const uint8_t *block, size_t block_len, const uint8_t *ours, size_t len)
{
    uint8_t *theirs = exactly(len);
    int theirs_len = LZ4_decompress_safe((const char *)block, (char *)theirs, (int)block_len, (int)len);
    if (theirs_len == (int)len)
        WRD_ASSERT(memcmp(ours, theirs, len) == 0);
    free(theirs);
}

static void compare_encoded(const uint8_t *block, size_t block_len, const uint8_t *data, size_t len)
{
    size_t cap = (size_t)LZ4_compressBound((int)len);
    uint8_t *back = exactly(len), *theirs = exactly(cap);
    WRD_ASSERT(LZ4_decompress_safe((const char *)block, (char *)back, (int)block_len, (int)len) == (int)len);
    WRD_ASSERT(memcmp(back, data, len) == 0);
    int theirs_len = LZ4_compress_default((const char *)data, (char *)theirs, (int)len, (int)cap);
    memset(back, 0, len);
    WRD_ASSERT(wrd_frame_lz4_decode(back, len, theirs, (size_t)theirs_len) && memcmp(back, data, len) == 0);
    free(back);
    free(theirs);
}
#else
static void compare_decoded(const uint8_t *block, size_t block_len, const uint8_t *ours, size_t len)
{
}

static void compare_encoded(const uint8_t *block, size_t block_len, const uint8_t *data, size_t len)
{
}
#endif

static void check_decoder(const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    size_t len = wrd_load16be(data);
    uint8_t *out = exactly(len);
    if (wrd_frame_lz4_decode(out, len, data + 2, size - 2)) {
        WRD_ASSERT(len <= WRD_FRAME_LZ4_GROWTH_MAX * (size - 2));
        compare_decoded(data + 2, size - 2, out, len);
    }
    free(out);
}

static void check_encoder(const uint8_t *data, size_t size)
{
    size_t cap = WRD_FRAME_LZ4_BOUND(size);
    uint8_t *block = exactly(cap), *back = exactly(size);
    size_t len = wrd_frame_lz4_encode(block, data, size);
    WRD_ASSERT(len > 0 && len <= cap);
    WRD_ASSERT(wrd_frame_lz4_decode(back, size, block, len) && (size == 0 || memcmp(back, data, size) == 0));
    compare_encoded(block, len, data, size);
    free(block);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_decoder(data, size);
    check_encoder(data, size);
    return 0;
}
