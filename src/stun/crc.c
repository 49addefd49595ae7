/* SPDX-License-Identifier: MIT */
#include "stun/crc.h"

#include "base/crc_table.h"

/* slices[k][b]: the register after byte `b` and k zero bytes. Reflected polynomial 0xedb88320. */
static const uint32_t slices[8][256] = {
    {WRD_CRC_TABLE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320)},
    {WRD_CRC_TABLE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b)},
    {WRD_CRC_TABLE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80)},
    {WRD_CRC_TABLE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b)},
    {WRD_CRC_TABLE(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092)},
    {WRD_CRC_TABLE(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8)},
    {WRD_CRC_TABLE(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2)},
    {WRD_CRC_TABLE(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da)},
};

uint32_t wrd_stun_crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (; len >= 8; data += 8, len -= 8)
        crc = slices[7][(crc ^ data[0]) & 0xff] ^ slices[6][(crc >> 8 ^ data[1]) & 0xff] ^
              slices[5][(crc >> 16 ^ data[2]) & 0xff] ^ slices[4][crc >> 24 ^ data[3]] ^ slices[3][data[4]] ^
              slices[2][data[5]] ^ slices[1][data[6]] ^ slices[0][data[7]];
    for (; len > 0; data++, len--)
        crc = crc >> 8 ^ slices[0][(crc ^ data[0]) & 0xff];
    return ~crc;
}
