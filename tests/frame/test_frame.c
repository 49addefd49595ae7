/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "wrd/frame.h"

#include <cjson/cJSON.h>
#include <lz4.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above before it. */
#include <cmocka.h>

/* Memory that counts, checks the sizes it is told, and fails when asked. */
struct heap {
    size_t live, peak;
    long calls;   /* that asked for more */
    long fail_at; /* the call that fails, from 0; negative: none */
    bool fail_always;
};

static void *heap_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    struct heap *heap = user;
    if (new_size > old_size) {
        if (heap->fail_always || heap->calls++ == heap->fail_at)
            return NULL;
    }
    assert_true(heap->live >= old_size);
    heap->live = heap->live - old_size + new_size;
    if (heap->live > heap->peak)
        heap->peak = heap->live;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    /* Always somewhere else, so that a stale pointer shows. */
    void *p = malloc(new_size);
    assert_non_null(p);
    if (old) {
        memcpy(p, old, old_size < new_size ? old_size : new_size);
        free(old);
    }
    return p;
}

static struct heap heap;
static const wrd_env env = {.user = &heap, .memory = heap_memory};

static int reset_heap(void **state)
{
    (void)state;
    heap = (struct heap){.fail_at = -1};
    return 0;
}

static int heap_is_empty(void **state)
{
    (void)state;
    return heap.live == 0 ? 0 : -1;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const uint8_t empty_frame[] = {0, 0, 0, 5, 0, 0, 0, 0, 0};
static const uint8_t hello_frame[] = {0, 0, 0, 10, 5, 0, 0, 0, 0x50, 'h', 'e', 'l', 'l', 'o'};

/* Pushes all of `bytes`, which must be one frame, in pieces of at most `piece`; the message must be `expected`. */
static void assert_decodes(wrd_frame_decoder *decoder, const uint8_t *bytes, size_t len, size_t piece,
                           const uint8_t *expected, size_t expected_len)
{
    wrd_result result = WRD_AGAIN;
    for (size_t at = 0, used; at < len; at += used) {
        assert_int_equal(result, WRD_AGAIN);
        size_t take = len - at < piece ? len - at : piece;
        result = wrd_frame_decoder_push(decoder, bytes + at, take, &used);
        assert_int_equal(used, take);
    }
    assert_int_equal(result, WRD_OK);
    size_t message_len;
    const uint8_t *message = wrd_frame_decoder_message(decoder, &message_len);
    assert_non_null(message);
    assert_int_equal(message_len, expected_len);
    assert_true(memcmp(message, expected, expected_len) == 0);
    wrd_frame_decoder_release(decoder);
    assert_null(wrd_frame_decoder_message(decoder, &message_len));
    assert_int_equal(message_len, 0);
}

/* The vectors. */

static const char *vectors_path(void)
{
#ifdef WRD_TEST_VECTORS
    return WRD_TEST_VECTORS;
#else
    const char *path = getenv("WRD_TEST_VECTORS");
    return path ? path : "tests/vectors";
#endif
}

static uint8_t *read_file(const char *name, size_t *len)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", vectors_path(), name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened; WRD_TEST_VECTORS names its folder", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*len + 1);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    bytes[*len] = 0;
    fclose(file);
    return bytes;
}

static uint8_t *from_hex(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *bytes = malloc(*len + 1);
    for (size_t i = 0; i < *len; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        bytes[i] = (uint8_t)value;
    }
    return bytes;
}

static size_t number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return (size_t)item->valuedouble;
}

static const char *string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* The input of a vector, by its recipe. */
static uint8_t *cook(const cJSON *recipe, size_t len)
{
    uint8_t *out = malloc(len + 128);
    if (string(recipe, "hex")) {
        size_t hex_len;
        uint8_t *bytes = from_hex(string(recipe, "hex"), &hex_len);
        assert_int_equal(hex_len, len);
        memcpy(out, bytes, len);
        free(bytes);
    } else if (string(recipe, "text")) {
        size_t text_len = strlen(string(recipe, "text"));
        for (size_t at = 0; at < len; at += text_len)
            memcpy(out + at, string(recipe, "text"), text_len);
    } else if (string(recipe, "repeat_byte")) {
        assert_int_equal(number(recipe, "count"), len);
        memset(out, (int)strtoul(string(recipe, "repeat_byte"), NULL, 16), len);
    } else if (string(recipe, "format")) {
        assert_string_equal(string(recipe, "format"), "entity {i%37} x={i*7%1000} y={i*13%1000} hp=100;");
        size_t at = 0;
        for (int i = 0; at < len; i++)
            at += (size_t)snprintf((char *)out + at, 64, "entity %d x=%d y=%d hp=100;", i % 37, i * 7 % 1000,
                                   i * 13 % 1000);
        assert_int_equal(at, len);
    } else {
        assert_int_equal(number(recipe, "count"), len);
        uint32_t x = (uint32_t)number(recipe, "lcg_seed");
        for (size_t i = 0; i < len; i++) {
            x = x * 1664525u + 1013904223u;
            out[i] = (uint8_t)(x >> 24);
        }
    }
    return out;
}

static void every_vector_decodes_and_what_we_encode_decodes_here_and_by_the_reference(void **state)
{
    size_t json_len;
    uint8_t *json = read_file("frames.json", &json_len);
    cJSON *vectors = cJSON_Parse((const char *)json);
    free(json);
    assert_int_equal(cJSON_GetArraySize(vectors), 14);
    const cJSON *vector;
    cJSON_ArrayForEach(vector, vectors)
    {
        size_t len = number(vector, "input_len"), wire_len;
        uint8_t *input = cook(cJSON_GetObjectItemCaseSensitive(vector, "input"), len);
        const char *hex = string(vector, "wire");
        uint8_t *wire = hex ? from_hex(hex, &wire_len) : read_file(string(vector, "wire_file"), &wire_len);
        assert_int_equal(wire_len, number(vector, "wire_len"));

        wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
        assert_decodes(decoder, wire, wire_len, wire_len, input, len);
        assert_decodes(decoder, wire, wire_len, WRD_CHUNK_MAX, input, len);
        assert_decodes(decoder, wire, wire_len, 1, input, len);
        if (len <= 16)
            assert_decodes(decoder, wire, wire_len, 3, input, len);

        size_t cap = wrd_frame_bound(len);
        uint8_t *frame = malloc(cap), *back = malloc(len + 1);
        size_t frame_len = wrd_frame_encode(frame, cap, input, len);
        assert_true(frame_len > WRD_FRAME_HEADER_SIZE && frame_len <= cap);
        /* lz4_flex looks with the same care: we are never far above it. */
        assert_true(frame_len <= wire_len + wire_len / 16 + 16);
        assert_int_equal(wrd_load32be(frame), frame_len - 4);
        assert_int_equal(wrd_load32le(frame + 4), len);
        assert_decodes(decoder, frame, frame_len, 1000, input, len);
        assert_int_equal(LZ4_decompress_safe((char *)frame + 8, (char *)back, (int)(frame_len - 8), (int)len), len);
        assert_true(memcmp(back, input, len) == 0);
        wrd_frame_decoder_free(decoder);
        free(back);
        free(frame);
        free(wire);
        free(input);
    }
    cJSON_Delete(vectors);
}

/* Encoding. */

static void empty_message_is_the_known_nine_bytes(void **state)
{
    uint8_t out[64];
    assert_int_equal(wrd_frame_encode(out, wrd_frame_bound(0), NULL, 0), sizeof empty_frame);
    assert_memory_equal(out, empty_frame, sizeof empty_frame);
    assert_int_equal(wrd_frame_encode(out, sizeof out, (const uint8_t *)"hello", 5), sizeof hello_frame);
    assert_memory_equal(out, hello_frame, sizeof hello_frame);
}

static void encode_refuses_a_small_room_and_a_large_message(void **state)
{
    uint8_t out[64];
    assert_int_equal(wrd_frame_encode(out, wrd_frame_bound(5) - 1, (const uint8_t *)"hello", 5), 0);
    assert_int_equal(wrd_frame_encode(out, 0, NULL, 0), 0);
    assert_int_equal(wrd_frame_bound(WRD_MESSAGE_MAX + 1), 0);
    assert_int_equal(wrd_frame_bound(SIZE_MAX), 0);
    assert_int_equal(wrd_frame_encode(out, SIZE_MAX, out, WRD_MESSAGE_MAX + 1), 0);
}

static void noise_fits_up_to_the_named_size_and_not_at_16_mib(void **state)
{
    uint8_t *noise = malloc(WRD_MESSAGE_MAX), *frame = malloc(wrd_frame_bound(WRD_MESSAGE_MAX));
    uint32_t seed = 21;
    for (size_t i = 0; i < WRD_MESSAGE_MAX; i++)
        noise[i] = (uint8_t)(next_random(&seed) >> 8);
    size_t len = wrd_frame_encode(frame, wrd_frame_bound(WRD_MESSAGE_MAX), noise, WRD_FRAME_ANY_MAX);
    assert_true(len > WRD_FRAME_ANY_MAX && len <= WRD_MESSAGE_MAX + 4);
    assert_int_equal(wrd_frame_encode(frame, wrd_frame_bound(WRD_MESSAGE_MAX), noise, WRD_MESSAGE_MAX), 0);
    /* The name promises for every message, not just for this one: by the bound, and by no byte more. */
    assert_true(wrd_frame_bound(WRD_FRAME_ANY_MAX) - 4 <= WRD_MESSAGE_MAX);
    assert_true(wrd_frame_bound(WRD_FRAME_ANY_MAX + 1) - 4 > WRD_MESSAGE_MAX);
    free(noise);
    free(frame);
}

static void runs_fit_up_to_16_mib(void **state)
{
    uint8_t *message = calloc(1, WRD_MESSAGE_MAX);
    size_t cap = wrd_frame_bound(WRD_MESSAGE_MAX);
    uint8_t *frame = malloc(cap);
    size_t len = wrd_frame_encode(frame, cap, message, WRD_MESSAGE_MAX);
    assert_true(len > 0 && len < 66000);
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
    assert_decodes(decoder, frame, len, WRD_CHUNK_MAX, message, WRD_MESSAGE_MAX);
    wrd_frame_decoder_free(decoder);
    free(message);
    free(frame);
}

/* Decoding. */

static void several_messages_in_one_push_come_out_one_by_one(void **state)
{
    uint8_t bytes[3 * sizeof hello_frame + sizeof empty_frame + 2];
    size_t len = 0;
    memcpy(bytes, hello_frame, sizeof hello_frame);
    len += sizeof hello_frame;
    memcpy(bytes + len, empty_frame, sizeof empty_frame);
    len += sizeof empty_frame;
    memcpy(bytes + len, hello_frame, sizeof hello_frame);
    len += sizeof hello_frame;
    memcpy(bytes + len, hello_frame, 2);
    len += 2;

    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
    static const size_t lengths[] = {5, 0, 5};
    size_t at = 0, used;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wrd_frame_decoder_push(decoder, bytes + at, len - at, &used), WRD_OK);
        at += used;
        size_t message_len;
        const uint8_t *message = wrd_frame_decoder_message(decoder, &message_len);
        assert_non_null(message); /* the empty one too */
        assert_int_equal(message_len, lengths[i]);
        assert_memory_equal(message, "hello", message_len);
        /* While it waits for its release nothing more is taken. */
        assert_int_equal(wrd_frame_decoder_push(decoder, bytes + at, len - at, &used), WRD_OK);
        assert_int_equal(used, 0);
        assert_ptr_equal(wrd_frame_decoder_message(decoder, &message_len), message);
        wrd_frame_decoder_release(decoder);
        wrd_frame_decoder_release(decoder);
    }
    assert_int_equal(wrd_frame_decoder_push(decoder, bytes + at, len - at, &used), WRD_AGAIN);
    assert_int_equal(used, 2);
    assert_int_equal(wrd_frame_decoder_push(decoder, NULL, 0, &used), WRD_AGAIN);
    assert_int_equal(used, 0);
    wrd_frame_decoder_free(decoder);
    wrd_frame_decoder_free(NULL);
}

static void random_streams_in_random_pieces_keep_every_message(void **state)
{
    uint32_t seed = 22;
    for (int turn = 0; turn < 60; turn++) {
        enum { COUNT = 30, LONGEST = 6000 };
        uint8_t *messages[COUNT], *stream = malloc(COUNT * wrd_frame_bound(LONGEST));
        size_t lengths[COUNT], stream_len = 0;
        for (int i = 0; i < COUNT; i++) {
            lengths[i] = next_random(&seed) % (i % 3 ? 40 : LONGEST);
            messages[i] = malloc(lengths[i] + 1);
            uint32_t alphabet = 1 + next_random(&seed) % 256;
            for (size_t at = 0; at < lengths[i]; at++)
                messages[i][at] = (uint8_t)(next_random(&seed) % alphabet);
            stream_len += wrd_frame_encode(stream + stream_len, wrd_frame_bound(lengths[i]), messages[i], lengths[i]);
        }
        wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, LONGEST);
        size_t at = 0, used;
        int seen = 0;
        while (at < stream_len) {
            size_t piece = 1 + next_random(&seed) % (turn % 2 ? 20 : 8000);
            if (piece > stream_len - at)
                piece = stream_len - at;
            /* A copy of exactly that size, so that a sanitizer sees a read beyond it. */
            uint8_t *copy = malloc(piece);
            memcpy(copy, stream + at, piece);
            wrd_result result = wrd_frame_decoder_push(decoder, copy, piece, &used);
            at += used;
            free(copy);
            if (result != WRD_OK) {
                assert_int_equal(result, WRD_AGAIN);
                assert_int_equal(used, piece);
                continue;
            }
            size_t len;
            const uint8_t *message = wrd_frame_decoder_message(decoder, &len);
            assert_int_equal(len, lengths[seen]);
            assert_memory_equal(message, messages[seen], len);
            wrd_frame_decoder_release(decoder);
            seen++;
        }
        assert_int_equal(seen, COUNT);
        wrd_frame_decoder_free(decoder);
        for (int i = 0; i < COUNT; i++)
            free(messages[i]);
        free(stream);
    }
}

static void put_header(uint8_t *out, uint32_t rest, uint32_t size)
{
    wrd_store32be(out, rest);
    wrd_store32le(out + 4, size);
}

/* What a header of these two numbers, and nothing behind it, answers; and that it stays so and takes no memory. */
static wrd_result judge(size_t limit, uint32_t rest, uint32_t size)
{
    uint8_t header[8];
    put_header(header, rest, size);
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, limit);
    size_t before = heap.peak, used, len;
    wrd_result result = wrd_frame_decoder_push(decoder, header, sizeof header, &used);
    assert_int_equal(heap.peak, before);
    if (result != WRD_AGAIN) {
        assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame, sizeof hello_frame, &used), result);
        assert_int_equal(used, 0);
        assert_null(wrd_frame_decoder_message(decoder, &len));
    }
    wrd_frame_decoder_free(decoder);
    return result;
}

static void announced_sizes_are_judged_before_memory_is_taken(void **state)
{
    static const struct {
        size_t limit;
        uint32_t rest, size;
        wrd_result result;
    } cases[] = {
        /* n: at least the size and one byte of block; lz4_flex refuses an empty block too */
        {0, 0, 0, WRD_PROTOCOL},
        {0, 1, 0, WRD_PROTOCOL},
        {0, 3, 0, WRD_PROTOCOL},
        {0, 4, 0, WRD_PROTOCOL},
        {0, 4, 1, WRD_PROTOCOL},
        {0, 5, 0, WRD_AGAIN},
        {0, 16777216, 16777216, WRD_AGAIN},
        {0, 16777217, 16777216, WRD_TOO_LARGE},
        {0, UINT32_MAX, 16777216, WRD_TOO_LARGE},
        /* the message's size against the limit */
        {0, 65808, 16777216, WRD_AGAIN},
        {0, 65808, 16777217, WRD_TOO_LARGE},
        {0, 9, UINT32_MAX, WRD_TOO_LARGE},
        {SIZE_MAX, 16777216, 16777217, WRD_TOO_LARGE},
        {1000, 100, 1000, WRD_AGAIN},
        {1000, 100, 1001, WRD_TOO_LARGE},
        {1, 6, 1, WRD_AGAIN},
        {1, 7, 2, WRD_TOO_LARGE},
        /* a size that so short a block cannot hold: the bomb that asks for memory with a few bytes */
        {0, 5, 256, WRD_PROTOCOL},
        {0, 5, 255, WRD_AGAIN},
        {0, 14, 16777216, WRD_PROTOCOL},
        {0, 65796, 16777216, WRD_PROTOCOL},
        {0, 65798, 16777216, WRD_AGAIN},
        /* a block longer than its message can need */
        {0, 4 + 16, 0, WRD_AGAIN},
        {0, 4 + 17, 0, WRD_PROTOCOL},
        {0, 16777216, 5, WRD_PROTOCOL},
        {0, 4 + 1000 + 3 + 16, 1000, WRD_AGAIN},
        {0, 4 + 1000 + 3 + 17, 1000, WRD_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wrd_result result = judge(cases[i].limit, cases[i].rest, cases[i].size);
        if (result != cases[i].result)
            fail_msg("n %u, size %u: %d", cases[i].rest, cases[i].size, (int)result);
    }
}

static void bad_first_length_is_known_from_its_four_bytes(void **state)
{
    static const uint8_t zero[4] = {0, 0, 0, 0}, four[4] = {0, 0, 0, 4}, huge[4] = {1, 0, 0, 1};
    static const struct {
        const uint8_t *bytes;
        wrd_result result;
    } cases[] = {{zero, WRD_PROTOCOL}, {four, WRD_PROTOCOL}, {huge, WRD_TOO_LARGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
        size_t used;
        assert_int_equal(wrd_frame_decoder_push(decoder, cases[i].bytes, 3, &used), WRD_AGAIN);
        assert_int_equal(wrd_frame_decoder_push(decoder, cases[i].bytes + 3, 1, &used), cases[i].result);
        assert_int_equal(used, 1);
        wrd_frame_decoder_free(decoder);
    }
}

static void lying_blocks_break_the_stream_for_good(void **state)
{
    static const struct {
        const char *frame;
        size_t len;
    } lies[] = {
        {"\0\0\0\x0a\x04\0\0\0\x50hello", 14},   /* more than announced */
        {"\0\0\0\x0a\x06\0\0\0\x50hello", 14},   /* less than announced */
        {"\0\0\0\x0a\x05\0\0\0\x60hello", 14},   /* literals beyond the block */
        {"\0\0\0\x0a\x05\0\0\0\x40hello", 14},   /* a byte too many */
        {"\0\0\0\x09\x05\0\0\0\x10h\0\0\0", 13}, /* offset 0 */
        {"\0\0\0\x09\x05\0\0\0\x10h\2\0\0", 13}, /* offset before the start */
        {"\0\0\0\x05\x00\0\0\0\x10", 9},         {"\0\0\0\x05\x01\0\0\0\x00", 9},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        for (size_t first = 0; first < lies[i].len; first++) {
            wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
            size_t used, len;
            const uint8_t *frame = (const uint8_t *)lies[i].frame;
            assert_int_equal(wrd_frame_decoder_push(decoder, frame, first, &used), WRD_AGAIN);
            assert_int_equal(wrd_frame_decoder_push(decoder, frame + first, lies[i].len - first, &used), WRD_PROTOCOL);
            assert_null(wrd_frame_decoder_message(decoder, &len));
            assert_int_equal(len, 0);
            assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame, sizeof hello_frame, &used), WRD_PROTOCOL);
            assert_int_equal(used, 0);
            wrd_frame_decoder_free(decoder);
            assert_int_equal(heap.live, 0);
        }
    }
}

static void memory_grows_with_what_arrived_not_with_what_was_announced(void **state)
{
    uint8_t header[8];
    put_header(header, 16777216, 16777216);
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
    size_t own = heap.live, used, arrived = 0;
    assert_int_equal(wrd_frame_decoder_push(decoder, header, sizeof header, &used), WRD_AGAIN);
    assert_int_equal(heap.live, own);
    static const uint8_t noise[3000];
    long calls = 0;
    while (arrived < 4000000) {
        assert_int_equal(wrd_frame_decoder_push(decoder, noise, sizeof noise, &used), WRD_AGAIN);
        arrived += used;
        assert_true(heap.live - own <= 2 * arrived + 1024);
        calls++;
    }
    /* Geometric: the many pushes took few allocations. */
    assert_true(calls > 1000 && heap.calls < 20);
    wrd_frame_decoder_free(decoder);
}

static void message_in_one_push_takes_only_its_own_memory(void **state)
{
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
    size_t own = heap.live, used;
    assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame, sizeof hello_frame, &used), WRD_OK);
    assert_int_equal(heap.live, own + 5);
    assert_int_equal(heap.calls, 2);
    wrd_frame_decoder_release(decoder);
    assert_int_equal(heap.live, own);
    wrd_frame_decoder_free(decoder);
}

static void bomb_of_the_original_is_bounded_by_the_limit(void **state)
{
    size_t len;
    uint8_t *wire = read_file("frame-run-16mib.bin", &len);
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 1000000);
    size_t used, own = heap.peak;
    assert_int_equal(wrd_frame_decoder_push(decoder, wire, len, &used), WRD_TOO_LARGE);
    assert_int_equal(used, 8);
    assert_int_equal(heap.peak, own);
    /* The same block that lies about its size, to pass the limit: decoding stops at the size, not behind it. */
    wrd_frame_decoder_free(decoder);
    decoder = wrd_frame_decoder_new(&env, 1000000);
    wrd_store32le(wire + 4, 1000000);
    assert_int_equal(wrd_frame_decoder_push(decoder, wire, len, &used), WRD_PROTOCOL);
    assert_true(heap.peak < 1000000 + 1000);
    wrd_frame_decoder_free(decoder);
    free(wire);
}

static void failing_memory_at_any_place_loses_nothing(void **state)
{
    uint8_t message[5000], frame[6000];
    uint32_t seed = 23;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(next_random(&seed) >> 8);
    size_t len = wrd_frame_encode(frame, sizeof frame, message, sizeof message);
    for (size_t piece = 700; piece <= len; piece += 1100) {
        long failures = 0;
        for (long fail_at = 0;; fail_at++) {
            heap = (struct heap){.fail_at = fail_at};
            wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
            if (fail_at == 0) {
                assert_null(decoder);
                continue;
            }
            wrd_result result = WRD_AGAIN;
            bool failed = false;
            for (size_t at = 0, used; result != WRD_OK; at += used) {
                size_t take = len - at < piece ? len - at : piece, message_len;
                result = wrd_frame_decoder_push(decoder, frame + at, take, &used);
                if (result == WRD_NO_MEMORY) {
                    assert_false(failed);
                    assert_true(take > used); /* something is left to push again */
                    assert_null(wrd_frame_decoder_message(decoder, &message_len));
                    failed = true;
                } else {
                    assert_int_equal(used, take);
                }
            }
            size_t message_len;
            const uint8_t *got = wrd_frame_decoder_message(decoder, &message_len);
            assert_int_equal(message_len, sizeof message);
            assert_memory_equal(got, message, sizeof message);
            wrd_frame_decoder_free(decoder);
            assert_int_equal(heap.live, 0);
            failures += failed;
            if (!failed)
                break;
        }
        assert_true(failures > 0);
    }
}

static void lasting_shortage_is_no_end_of_the_stream(void **state)
{
    wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 0);
    size_t used, len, at = 0;
    heap.fail_always = true;
    assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame, 10, &used), WRD_NO_MEMORY);
    assert_int_equal(used, 8);
    at += used;
    assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame + at, 6, &used), WRD_NO_MEMORY);
    assert_int_equal(used, 0);
    heap.fail_always = false;
    assert_int_equal(wrd_frame_decoder_push(decoder, hello_frame + at, 6, &used), WRD_OK);
    assert_memory_equal(wrd_frame_decoder_message(decoder, &len), "hello", 5);
    wrd_frame_decoder_free(decoder); /* with a message still waiting */
    assert_int_equal(heap.live, 0);
}

static void damaged_streams_end_in_an_error_or_wait_for_more(void **state)
{
    uint32_t seed = 24;
    uint8_t message[300];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i / 9);
    for (int turn = 0; turn < 20000; turn++) {
        uint8_t frame[400];
        size_t len = wrd_frame_encode(frame, sizeof frame, message, next_random(&seed) % sizeof message);
        for (uint32_t flips = 1 + next_random(&seed) % 4; flips > 0; flips--)
            frame[next_random(&seed) % len] ^= (uint8_t)(1u << next_random(&seed) % 8);
        wrd_frame_decoder *decoder = wrd_frame_decoder_new(&env, 100000);
        wrd_result result = WRD_AGAIN;
        for (size_t at = 0, used; at < len && (result == WRD_AGAIN || result == WRD_OK); at += used) {
            size_t piece = 1 + next_random(&seed) % (len - at);
            uint8_t *copy = malloc(piece);
            memcpy(copy, frame + at, piece);
            result = wrd_frame_decoder_push(decoder, copy, piece, &used);
            free(copy);
            assert_true(result == WRD_OK || result == WRD_AGAIN || result == WRD_PROTOCOL || result == WRD_TOO_LARGE);
            wrd_frame_decoder_release(decoder);
        }
        wrd_frame_decoder_free(decoder);
        assert_int_equal(heap.live, 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, reset_heap, heap_is_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_vector_decodes_and_what_we_encode_decodes_here_and_by_the_reference),
        CASE(empty_message_is_the_known_nine_bytes),
        CASE(encode_refuses_a_small_room_and_a_large_message),
        CASE(noise_fits_up_to_the_named_size_and_not_at_16_mib),
        CASE(runs_fit_up_to_16_mib),
        CASE(several_messages_in_one_push_come_out_one_by_one),
        CASE(random_streams_in_random_pieces_keep_every_message),
        CASE(announced_sizes_are_judged_before_memory_is_taken),
        CASE(bad_first_length_is_known_from_its_four_bytes),
        CASE(lying_blocks_break_the_stream_for_good),
        CASE(memory_grows_with_what_arrived_not_with_what_was_announced),
        CASE(message_in_one_push_takes_only_its_own_memory),
        CASE(bomb_of_the_original_is_bounded_by_the_limit),
        CASE(failing_memory_at_any_place_loses_nothing),
        CASE(lasting_shortage_is_no_end_of_the_stream),
        CASE(damaged_streams_end_in_an_error_or_wait_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
