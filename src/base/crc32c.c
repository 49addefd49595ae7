/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

#include "base/bytes.h"
#include "base/crc_table.h"

/* slices[k][b]: the register after byte `b` and k zero bytes. Reflected polynomial 0x82f63b78. */
static const uint32_t slices[8][256] = {
    {WRD_CRC_TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78)},
    {WRD_CRC_TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9)},
    {WRD_CRC_TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743)},
    {WRD_CRC_TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f)},
    {WRD_CRC_TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c)},
    {WRD_CRC_TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6)},
    {WRD_CRC_TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)},
    {WRD_CRC_TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664)},
};

uint32_t wrd_crc32c_by_table(uint32_t crc, const uint8_t *bytes, size_t len)
{
    for (; len >= 8; len -= 8, bytes += 8) {
        uint32_t low = wrd_load32le(bytes) ^ crc;
        uint32_t high = wrd_load32le(bytes + 4);
        crc = slices[7][low & 0xff] ^ slices[6][(low >> 8) & 0xff] ^ slices[5][(low >> 16) & 0xff] ^
              slices[4][low >> 24] ^ slices[3][high & 0xff] ^ slices[2][(high >> 8) & 0xff] ^
              slices[1][(high >> 16) & 0xff] ^ slices[0][high >> 24];
    }
    for (; len > 0; len--)
        crc = (crc >> 8) ^ slices[0][(crc ^ *bytes++) & 0xff];
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>

typedef long long two_words __attribute__((vector_size(16)));

#define WITH_CRC_UNIT __attribute__((target("sse4.2,pclmul")))

/* Three registers side by side hide the three cycles that each crc32 instruction takes. */
#define LONG_STRIPE  ((size_t)384)
#define SHORT_STRIPE ((size_t)64)

/* x^(8n - 33) modulo the polynomial, reflected: a carry-less product with it moves a register past n bytes. */
#define PAST_384 0xd270f1a2
#define PAST_768 0xd7a4825c
#define PAST_64  0x9e4addf8
#define PAST_128 0x0d3b6092

static inline uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

WITH_CRC_UNIT static inline uint32_t move_past(uint64_t crc, long long factor)
{
    two_words product = __builtin_ia32_pclmulqdq128((two_words){(long long)crc, 0}, (two_words){factor, 0}, 0);
    return (uint32_t)__builtin_ia32_crc32di(0, (unsigned long long)product[0]);
}

WITH_CRC_UNIT static inline uint32_t three_stripes(uint32_t crc, const uint8_t *bytes, size_t stripe,
                                                   long long past_one, long long past_two)
{
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;
    for (size_t i = 0; i < stripe; i += 8) {
        a = __builtin_ia32_crc32di(a, word_at(bytes + i));
        b = __builtin_ia32_crc32di(b, word_at(bytes + stripe + i));
        c = __builtin_ia32_crc32di(c, word_at(bytes + 2 * stripe + i));
    }
    return move_past(a, past_two) ^ move_past(b, past_one) ^ (uint32_t)c;
}

WITH_CRC_UNIT static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t len)
{
    for (; len >= 3 * LONG_STRIPE; len -= 3 * LONG_STRIPE, bytes += 3 * LONG_STRIPE)
        crc = three_stripes(crc, bytes, LONG_STRIPE, PAST_384, PAST_768);
    for (; len >= 3 * SHORT_STRIPE; len -= 3 * SHORT_STRIPE, bytes += 3 * SHORT_STRIPE)
        crc = three_stripes(crc, bytes, SHORT_STRIPE, PAST_64, PAST_128);
    for (; len >= 8; len -= 8, bytes += 8)
        crc = (uint32_t)__builtin_ia32_crc32di(crc, word_at(bytes));
    for (; len > 0; len--)
        crc = __builtin_ia32_crc32qi(crc, *bytes++);
    return crc;
}

wrd_crc32c_update *wrd_crc32c_pick(void)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    unsigned needed = bit_SSE4_2 | bit_PCLMUL;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & needed) == needed)
        return by_instruction;
    return wrd_crc32c_by_table;
}

#else

wrd_crc32c_update *wrd_crc32c_pick(void)
{
    return wrd_crc32c_by_table;
}

#endif
