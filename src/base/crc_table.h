/* SPDX-License-Identifier: MIT */
/*
 * Tables of a CRC. The register is linear in the byte that goes in, so what the eight bytes of one bit each leave
 * behind gives all 256 entries.
 */
#ifndef WRD_BASE_CRC_TABLE_H
#define WRD_BASE_CRC_TABLE_H

#define WRD_CRC_TABLE_1(v, a)             (v), (v) ^ (a)
#define WRD_CRC_TABLE_2(v, a, b)          WRD_CRC_TABLE_1(v, a), WRD_CRC_TABLE_1((v) ^ (b), a)
#define WRD_CRC_TABLE_3(v, a, b, c)       WRD_CRC_TABLE_2(v, a, b), WRD_CRC_TABLE_2((v) ^ (c), a, b)
#define WRD_CRC_TABLE_4(v, a, b, c, d)    WRD_CRC_TABLE_3(v, a, b, c), WRD_CRC_TABLE_3((v) ^ (d), a, b, c)
#define WRD_CRC_TABLE_5(v, a, b, c, d, e) WRD_CRC_TABLE_4(v, a, b, c, d), WRD_CRC_TABLE_4((v) ^ (e), a, b, c, d)
#define WRD_CRC_TABLE_6(v, a, b, c, d, e, f)                                                                           \
    WRD_CRC_TABLE_5(v, a, b, c, d, e), WRD_CRC_TABLE_5((v) ^ (f), a, b, c, d, e)
#define WRD_CRC_TABLE_7(v, a, b, c, d, e, f, g)                                                                        \
    WRD_CRC_TABLE_6(v, a, b, c, d, e, f), WRD_CRC_TABLE_6((v) ^ (g), a, b, c, d, e, f)

/* The 256 entries, from those of the bytes 1, 2, 4 .. 128. */
#define WRD_CRC_TABLE(a, b, c, d, e, f, g, h)                                                                          \
    WRD_CRC_TABLE_7(0u, a, b, c, d, e, f, g), WRD_CRC_TABLE_7(0u ^ (h), a, b, c, d, e, f, g)

#endif
