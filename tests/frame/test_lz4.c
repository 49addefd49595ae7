/* SPDX-License-Identifier: MIT */
#include "frame/lz4.h"

#include <lz4.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A heap block of exactly `len` bytes, so that a sanitizer sees one byte too many. */
static uint8_t *exactly(size_t len)
{
    uint8_t *p = malloc(len > 0 ? len : 1);
    assert_non_null(p);
    return p;
}

/* Bytes of many natures: runs, copies from near and far, small alphabets, noise. */
static void fill(uint8_t *out, size_t len, uint32_t *seed)
{
    uint32_t alphabet = 1 + next_random(seed) % 256;
    for (size_t at = 0; at < len;) {
        size_t piece = 1 + next_random(seed) % (1u << next_random(seed) % 10);
        if (piece > len - at)
            piece = len - at;
        uint32_t nature = next_random(seed) % 4;
        size_t back = at > 0 ? 1 + next_random(seed) % at : 0;
        if (back > 0 && next_random(seed) % 2)
            back = 1 + back % 20 <= at ? 1 + back % 20 : back;
        for (size_t i = 0; i < piece; i++, at++)
            out[at] = (uint8_t)(nature > 0 && back > 0 ? out[at - back] : next_random(seed) % alphabet);
    }
}

static size_t encode(uint8_t **block, const uint8_t *in, size_t len)
{
    *block = exactly(WRD_FRAME_LZ4_BOUND(len));
    size_t block_len = wrd_frame_lz4_encode(*block, in, len);
    assert_true(block_len > 0 && block_len <= WRD_FRAME_LZ4_BOUND(len));
    return block_len;
}

static bool decode(const uint8_t *block, size_t block_len, size_t len, uint8_t *out)
{
    uint8_t *exact_block = exactly(block_len), *exact_out = exactly(len);
    memcpy(exact_block, block, block_len);
    bool good = wrd_frame_lz4_decode(exact_out, len, exact_block, block_len);
    if (good && out)
        memcpy(out, exact_out, len);
    free(exact_block);
    free(exact_out);
    return good;
}

static void assert_round_trips(const uint8_t *in, size_t len)
{
    uint8_t *block, *back = exactly(len), *theirs = exactly((size_t)LZ4_compressBound((int)len));
    size_t block_len = encode(&block, in, len);
    assert_true(decode(block, block_len, len, back));
    assert_memory_equal(back, in, len);
    /* The reference decoder is strict about the end of a block. */
    memset(back, 0, len);
    assert_int_equal(LZ4_decompress_safe((char *)block, (char *)back, (int)block_len, (int)len), len);
    assert_memory_equal(back, in, len);
    int theirs_len = LZ4_compress_default((const char *)in, (char *)theirs, (int)len, LZ4_compressBound((int)len));
    memset(back, 0, len);
    assert_true(decode(theirs, (size_t)theirs_len, len, back));
    assert_memory_equal(back, in, len);
    free(block);
    free(back);
    free(theirs);
}

static void every_short_length_round_trips_both_ways(void **state)
{
    uint8_t in[600];
    for (size_t len = 0; len <= sizeof in; len++) {
        memset(in, 'x', sizeof in);
        assert_round_trips(in, len);
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)(i % 7);
        assert_round_trips(in, len);
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)(i * 167 >> 3);
        assert_round_trips(in, len);
    }
}

static void random_data_round_trips_both_ways(void **state)
{
    uint32_t seed = 11;
    for (int turn = 0; turn < 6000; turn++) {
        size_t len = next_random(&seed) % (turn % 50 == 0 ? 300000 : 3000);
        uint8_t *in = exactly(len);
        fill(in, len, &seed);
        assert_round_trips(in, len);
        free(in);
    }
}

static void match_at_the_farthest_offset_is_found_and_beyond_it_is_not(void **state)
{
    enum { WORD = 64, FAR = 65535 };
    static uint8_t in[FAR + 1 + WORD + 16];
    for (size_t distance = FAR; distance <= FAR + 1; distance++) {
        uint32_t seed = 12;
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)(next_random(&seed) >> 8);
        memset(in + WORD, 0, distance - WORD);
        memcpy(in + distance, in, WORD);
        uint8_t *block;
        size_t block_len = encode(&block, in, distance + WORD + 16);
        free(block);
        assert_round_trips(in, distance + WORD + 16);
        /* The zeros are one short sequence; the word costs its 64 bytes a second time only if it was out of reach. */
        assert_int_equal(block_len > 390, distance > FAR);
    }
}

static void sixteen_mebibytes_of_one_byte_become_64_kib(void **state)
{
    size_t len = (size_t)16 * 1024 * 1024;
    uint8_t *in = exactly(len), *block;
    memset(in, 7, len);
    size_t block_len = encode(&block, in, len);
    assert_true(block_len < 66000);
    free(block);
    assert_round_trips(in, len);
    free(in);
}

static void sixteen_mebibytes_of_noise_stay_below_the_bound(void **state)
{
    size_t len = (size_t)16 * 1024 * 1024;
    uint32_t seed = 13;
    uint8_t *in = exactly(len);
    for (size_t i = 0; i < len; i++)
        in[i] = (uint8_t)(next_random(&seed) >> 8);
    assert_round_trips(in, len);
    free(in);
}

static void text_shrinks_nearly_as_far_as_with_the_reference(void **state)
{
    enum { LEN = 200000 };
    static char text[LEN + 64];
    static char theirs[LEN + LEN / 255 + 64];
    uint32_t seed = 14;
    size_t len = 0;
    static const char *const words[] = {"the ",      "message ", "of ",    "a ",   "channel ", "carries ",
                                        "bytes ",    "in ",      "order ", "and ", "once, ",   "then ",
                                        "nothing. ", "entity ",  "x=",     "hp="};
    while (len < LEN) {
        const char *word = words[next_random(&seed) % 16];
        memcpy(text + len, word, strlen(word));
        len += strlen(word);
    }
    uint8_t *block;
    size_t ours = encode(&block, (uint8_t *)text, LEN);
    free(block);
    int reference = LZ4_compress_default(text, theirs, LEN, sizeof theirs);
    assert_true(ours < (size_t)reference + (size_t)reference / 10);
}

static void handmade_blocks_decode_by_the_letter(void **state)
{
    static const struct {
        const char *block;
        size_t block_len;
        const char *out;
    } good[] = {
        {"\x00", 1, ""},
        {"\x10x", 2, "x"},
        {"\x50hello", 6, "hello"},
        {"\xf0\x00"
         "123456789012345",
         17, "123456789012345"},
        {"\x10x\x01\x00\x00", 5, "xxxxx"},    /* offset 1: a run */
        {"\x21xy\x02\x00\x00", 6, "xyxyxyx"}, /* the copy reaches into itself */
        {"\x1fx\x01\x00\x00\x00", 6, "xxxxxxxxxxxxxxxxxxxx"},
        {"\x1fx\x01\x00\x01\x10y", 7, "xxxxxxxxxxxxxxxxxxxxxy"},
        {"\x40wxyz\x04\x00\x00\x04\x00\x10!", 12, "wxyzwxyzwxyz!"}, /* a sequence without literals */
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t len = strlen(good[i].out);
        uint8_t out[64];
        assert_true(decode((const uint8_t *)good[i].block, good[i].block_len, len, out));
        assert_memory_equal(out, good[i].out, len);
        /* A size that is off by one either way is a lie. */
        assert_false(decode((const uint8_t *)good[i].block, good[i].block_len, len + 1, out));
        if (len > 0)
            assert_false(decode((const uint8_t *)good[i].block, good[i].block_len, len - 1, out));
        /* Cut anywhere, or with a byte too many, it is no block of that size. */
        for (size_t cut = 0; cut < good[i].block_len; cut++)
            assert_false(decode((const uint8_t *)good[i].block, cut, len, out));
    }
}

static void broken_blocks_are_refused(void **state)
{
    static const struct {
        const char *block;
        size_t block_len, len;
    } bad[] = {
        {"", 0, 0},
        {"", 0, 5},
        {"\x10", 1, 1},  /* a literal is missing */
        {"\xf0", 1, 15}, /* the length goes on nowhere */
        {"\xf0\xff", 2, 270},
        {"\xf0\xff\xff\xff\xff", 5, 1},
        {"\x10x\x01", 3, 5},         /* half an offset */
        {"\x10x\x01\x00", 4, 5},     /* ends behind a match */
        {"\x10x\x00\x00\x00", 5, 5}, /* offset 0 */
        {"\x10x\x02\x00\x00", 5, 5}, /* offset before the start */
        {"\x10x\xff\xff\x00", 5, 5},
        {"\x00\x01\x00\x00", 4, 4}, /* a match with nothing before it */
        {"\x1fx\x01\x00", 4, 20},   /* the match length goes on nowhere */
        {"\x1fx\x01\x00\xff\xff", 6, 600},
        {"\x10x\x01\x00\x00\x10", 6, 6}, /* a last literal is missing */
        {"\x10x\x01\x00\x00\x00\x00", 7, 5},
        {"\x20xy", 3, 1},            /* more literals than room */
        {"\x10x\x01\x00\x00", 5, 4}, /* a longer match than room */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(decode((const uint8_t *)bad[i].block, bad[i].block_len, bad[i].len, NULL));
}

/*
 * Whatever both decoders accept must come out alike. The reference refuses some blocks that break only the rules for an
 * encoder's last bytes, and lets offset 0 pass, which the format calls invalid; we read by the format's letter.
 */
static void damaged_blocks_never_overrun_and_agree_with_the_reference(void **state)
{
    uint32_t seed = 15;
    int both = 0;
    for (int turn = 0; turn < 30000; turn++) {
        uint8_t in[400], ours[400], theirs[400], *block;
        size_t len = 1 + next_random(&seed) % sizeof in;
        fill(in, len, &seed);
        size_t block_len = encode(&block, in, len);
        for (uint32_t flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
            block[next_random(&seed) % block_len] ^= (uint8_t)(1u << next_random(&seed) % 8);
        bool good = decode(block, block_len, len, ours);
        int theirs_len = LZ4_decompress_safe((char *)block, (char *)theirs, (int)block_len, (int)len);
        if (good && theirs_len == (int)len) {
            assert_memory_equal(ours, theirs, len);
            both++;
        }
        free(block);
    }
    assert_true(both > 100);
}

static void noise_is_never_trouble(void **state)
{
    uint32_t seed = 16;
    for (int turn = 0; turn < 50000; turn++) {
        uint8_t block[64];
        size_t block_len = next_random(&seed) % sizeof block;
        for (size_t i = 0; i < block_len; i++)
            block[i] = (uint8_t)(next_random(&seed) % 3 ? next_random(&seed) % 4 : next_random(&seed) >> 8);
        (void)decode(block, block_len, next_random(&seed) % 300, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_length_round_trips_both_ways),
        cmocka_unit_test(random_data_round_trips_both_ways),
        cmocka_unit_test(match_at_the_farthest_offset_is_found_and_beyond_it_is_not),
        cmocka_unit_test(sixteen_mebibytes_of_one_byte_become_64_kib),
        cmocka_unit_test(sixteen_mebibytes_of_noise_stay_below_the_bound),
        cmocka_unit_test(text_shrinks_nearly_as_far_as_with_the_reference),
        cmocka_unit_test(handmade_blocks_decode_by_the_letter),
        cmocka_unit_test(broken_blocks_are_refused),
        cmocka_unit_test(damaged_blocks_never_overrun_and_agree_with_the_reference),
        cmocka_unit_test(noise_is_never_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
