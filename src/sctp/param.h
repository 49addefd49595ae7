/* SPDX-License-Identifier: MIT */
/* Parameters: the type-length-value lists inside INIT, INIT-ACK, HEARTBEAT, RE-CONFIG; error causes have the same
 * shape. */
#ifndef WRD_SCTP_PARAM_H
#define WRD_SCTP_PARAM_H

#include "base/bytes.h"

enum wrd_sctp_param_type {
    WRD_SCTP_PARAM_HEARTBEAT_INFO = 1,
    WRD_SCTP_PARAM_IPV4 = 5,
    WRD_SCTP_PARAM_IPV6 = 6,
    WRD_SCTP_PARAM_STATE_COOKIE = 7,
    WRD_SCTP_PARAM_UNRECOGNIZED = 8,
    WRD_SCTP_PARAM_COOKIE_PRESERVATIVE = 9,
    WRD_SCTP_PARAM_ADDRESS_TYPES = 12,
    WRD_SCTP_PARAM_OUTGOING_RESET = 13,
    WRD_SCTP_PARAM_INCOMING_RESET = 14,
    WRD_SCTP_PARAM_ASSOCIATION_RESET = 15,
    WRD_SCTP_PARAM_RECONFIG_RESPONSE = 16,
    WRD_SCTP_PARAM_ADD_OUTGOING = 17,
    WRD_SCTP_PARAM_ADD_INCOMING = 18,
    WRD_SCTP_PARAM_ZERO_CHECKSUM = 0x8001,
    WRD_SCTP_PARAM_SUPPORTED_EXTENSIONS = 0x8008,
    WRD_SCTP_PARAM_FORWARD_TSN = 0xc000,
    WRD_SCTP_PARAM_ADAPTATION = 0xc006
};

enum wrd_sctp_cause {
    WRD_SCTP_CAUSE_INVALID_STREAM = 1,
    WRD_SCTP_CAUSE_MISSING_PARAMETER = 2,
    WRD_SCTP_CAUSE_STALE_COOKIE = 3,
    WRD_SCTP_CAUSE_OUT_OF_RESOURCE = 4,
    WRD_SCTP_CAUSE_UNRECOGNIZED_CHUNK = 6,
    WRD_SCTP_CAUSE_INVALID_PARAMETER = 7,
    WRD_SCTP_CAUSE_UNRECOGNIZED_PARAMETERS = 8,
    WRD_SCTP_CAUSE_NO_USER_DATA = 9,
    WRD_SCTP_CAUSE_CLOSING = 10, /* a cookie came while shutting down */
    WRD_SCTP_CAUSE_RESTART_ADDRESSES = 11,
    WRD_SCTP_CAUSE_USER_ABORT = 12,
    WRD_SCTP_CAUSE_PROTOCOL = 13
};

struct wrd_sctp_param {
    uint16_t type;
    const uint8_t *whole;
    size_t whole_len;
    struct wrd_reader value;
};

/* The next one; false at the end, or with `list->bad` at a length that is below 4 or past the list. */
bool wrd_sctp_param_next(struct wrd_reader *list, struct wrd_sctp_param *param);

/* Begins a parameter or cause; wrd_sctp_param_end() fills in the length and pads. */
size_t wrd_sctp_param_begin(struct wrd_writer *wr, uint16_t type);
void wrd_sctp_param_end(struct wrd_writer *wr, size_t start);
/* One with `len` bytes of value. */
void wrd_sctp_param_write(struct wrd_writer *wr, uint16_t type, const void *value, size_t len);

#endif
