/* SPDX-License-Identifier: MIT */
/* Numbers that reader and writer share: RFC 8489 5, 14.7, 18.3 and RFC 8445 16.1. Inside the stun room only. */
#ifndef WRD_STUN_ATTRIBUTE_H
#define WRD_STUN_ATTRIBUTE_H

#define WRD_STUN_MAGIC_COOKIE    0x2112a442u
#define WRD_STUN_FINGERPRINT_XOR 0x5354554eu
#define WRD_STUN_INTEGRITY_SIZE  20

enum wrd_stun_attribute {
    WRD_STUN_MAPPED_ADDRESS = 0x0001,
    WRD_STUN_USERNAME = 0x0006,
    WRD_STUN_INTEGRITY = 0x0008,
    WRD_STUN_ERROR_CODE = 0x0009,
    WRD_STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    WRD_STUN_REALM = 0x0014,
    WRD_STUN_NONCE = 0x0015,
    WRD_STUN_XOR_MAPPED_ADDRESS = 0x0020,
    WRD_STUN_PRIORITY = 0x0024,
    WRD_STUN_USE_CANDIDATE = 0x0025,
    /* From here on an agent that does not know the attribute passes over it. */
    WRD_STUN_COMPREHENSION_OPTIONAL = 0x8000,
    WRD_STUN_FINGERPRINT = 0x8028,
    WRD_STUN_ICE_CONTROLLED = 0x8029,
    WRD_STUN_ICE_CONTROLLING = 0x802a
};

#endif
