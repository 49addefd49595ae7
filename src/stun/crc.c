/* SPDX-License-Identifier: MIT */
#include "stun/crc.h"

#include "base/crc_table.h"

/* slices[k][b]: the register after byte `b` and k zero bytes. Reflected polynomial 0xedb88320. */
static const uint32_t slices[4][256] = {
    {WRD_CRC_TABLE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320)},
    {WRD_CRC_TABLE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b)},
    {WRD_CRC_TABLE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80)},
    {WRD_CRC_TABLE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b)},
};

uint32_t wrd_stun_crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (; len >= 4; data += 4, len -= 4)
        crc = slices[3][(crc ^ data[0]) & 0xff] ^ slices[2][(crc >> 8 ^ data[1]) & 0xff] ^
              slices[1][(crc >> 16 ^ data[2]) & 0xff] ^ slices[0][crc >> 24 ^ data[3]];
    for (; len > 0; data++, len--)
        crc = crc >> 8 ^ slices[0][(crc ^ data[0]) & 0xff];
    return ~crc;
}
