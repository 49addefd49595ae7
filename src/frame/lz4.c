/* SPDX-License-Identifier: MIT */
#include "frame/lz4.h"

#include <string.h>

#define MATCH_MIN     4
#define OFFSET_MAX    65535
#define NIBBLE_MAX    15
#define LAST_LITERALS 5  /* the end of a block that no match may cover */
#define LAST_MATCH    12 /* a match begins at least this far before the end */
#define HASH_BITS     12
/* Blocks below this are encoded with a small table: clearing the large one would cost more than all else. The browser
 * client, where bytes of code count more than nanoseconds, is built without. */
#ifndef WRD_LZ4_SHORT
#define WRD_LZ4_SHORT 512
#endif
#define HASH_BITS_SHORT 8
#define PATIENCE_BITS 6 /* after so many misses, as a power of two, the search takes longer steps */

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Of five bytes, since a match of four costs nearly what it saves. The factor is 2^64 by the golden ratio. */
static size_t hash(const uint8_t *p, unsigned bits)
{
    uint64_t bytes = (uint64_t)load32(p) << 8 | p[4];
    return (size_t)(bytes * 0x9e3779b97f4a7c15u >> (64 - bits));
}

/* Writes the part of a length that its nibble does not hold; returns the nibble. */
static size_t put_length(uint8_t **out, size_t length)
{
    if (length < NIBBLE_MAX)
        return length;
    size_t ones = (length - NIBBLE_MAX) / 255;
    memset(*out, 255, ones);
    *out += ones;
    *(*out)++ = (uint8_t)((length - NIBBLE_MAX) % 255);
    return NIBBLE_MAX;
}

/* Writes one sequence; the last one has offset 0 and no match. */
static uint8_t *put_sequence(uint8_t *out, const uint8_t *literals, size_t count, size_t offset, size_t match_len)
{
    uint8_t *token = out++;
    *token = (uint8_t)(put_length(&out, count) << 4);
    if (count > 0)
        memcpy(out, literals, count);
    out += count;
    if (offset > 0) {
        *out++ = (uint8_t)offset;
        *out++ = (uint8_t)(offset >> 8);
        *token = (uint8_t)(*token | put_length(&out, match_len - MATCH_MIN));
    }
    return out;
}

/* How many bytes from `a` on, which ends at `end`, equal those from `b` on. */
static size_t common(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *start = a;
    while (end - a >= 8 && load64(a) == load64(b)) {
        a += 8;
        b += 8;
    }
    while (a < end && *a == *b) {
        a++;
        b++;
    }
    return (size_t)(a - start);
}

size_t wrd_frame_lz4_encode(uint8_t *out, const uint8_t *in, size_t len)
{
    uint32_t last_seen[1 << HASH_BITS]; /* position by hash; an unset one names position 0, which is as good a guess */
    const uint8_t *literals = in, *end = in + len;
    uint8_t *block = out;
    if (len > LAST_MATCH) {
        unsigned bits = len < WRD_LZ4_SHORT ? HASH_BITS_SHORT : HASH_BITS;
        memset(last_seen, 0, sizeof *last_seen << bits);
        const uint8_t *at = in + 1, *last_start = end - LAST_MATCH;
        size_t step = 1 << PATIENCE_BITS;
        while (at <= last_start) {
            uint32_t *seen = &last_seen[hash(at, bits)];
            const uint8_t *match = in + *seen;
            *seen = (uint32_t)(at - in);
            if (at - match > OFFSET_MAX || load32(match) != load32(at)) {
                size_t skip = step++ >> PATIENCE_BITS;
                if (skip > (size_t)(last_start - at))
                    break;
                at += skip;
                continue;
            }
            while (at > literals && match > in && at[-1] == match[-1]) {
                at--;
                match--;
            }
            size_t match_len = MATCH_MIN + common(at + MATCH_MIN, match + MATCH_MIN, end - LAST_LITERALS);
            out = put_sequence(out, literals, (size_t)(at - literals), (size_t)(at - match), match_len);
            at += match_len;
            literals = at;
            step = 1 << PATIENCE_BITS;
            if (at <= last_start)
                last_seen[hash(at - 2, bits)] = (uint32_t)(at - 2 - in);
        }
    }
    return (size_t)(put_sequence(out, literals, (size_t)(end - literals), 0, 0) - block);
}

/* Adds the bytes that follow a full nibble. */
static bool take_length(size_t *length, const uint8_t **in, const uint8_t *end)
{
    if (*length < NIBBLE_MAX)
        return true;
    uint8_t more;
    do {
        if (*in == end)
            return false;
        more = *(*in)++;
        *length += more; /* at most 255 for each byte of input, which is below 4 GiB / 255 */
    } while (more == 255);
    return true;
}

/* Copies a match, which may reach into what it writes: each turn doubles what can be copied at once. */
static void copy_match(uint8_t *out, size_t offset, size_t length)
{
    const uint8_t *match = out - offset;
    while (length > offset) {
        memcpy(out, match, offset);
        out += offset;
        length -= offset;
        offset *= 2;
    }
    memcpy(out, match, length);
}

bool wrd_frame_lz4_decode(uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len)
{
    const uint8_t *in_end = in + in_len, *out_end = out + out_len, *out_start = out;
    while (in < in_end) {
        uint8_t token = *in++;
        size_t literals = token >> 4;
        if (!take_length(&literals, &in, in_end) || literals > (size_t)(in_end - in) ||
            literals > (size_t)(out_end - out))
            return false;
        if (literals <= 16 && in_end - in >= 16 && out_end - out >= 16)
            memcpy(out, in, 16); /* a fixed size is one instruction or two */
        else
            memcpy(out, in, literals);
        in += literals;
        out += literals;
        if (in == in_end)
            return out == out_end;
        if (in_end - in < 2)
            return false;
        size_t offset = (size_t)(in[0] | in[1] << 8);
        size_t length = token & 15;
        in += 2;
        if (!take_length(&length, &in, in_end))
            return false;
        length += MATCH_MIN;
        if (offset == 0 || offset > (size_t)(out - out_start) || length > (size_t)(out_end - out))
            return false;
        if (offset >= 16 && length <= 16 && out_end - out >= 16)
            memcpy(out, out - offset, 16);
        else
            copy_match(out, offset, length);
        out += length;
    }
    return false;
}
