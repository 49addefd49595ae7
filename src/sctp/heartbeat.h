/* SPDX-License-Identifier: MIT */
/* Probing an idle peer (RFC 9260 8.3), and answering its probes. One of ours is outstanding at most. */
#ifndef WRD_SCTP_HEARTBEAT_H
#define WRD_SCTP_HEARTBEAT_H

#include "base/bytes.h"
#include "sctp/bounds.h"

#define WRD_SCTP_NONCE_SIZE 16

struct wrd_sctp_heartbeat {
    const wrd_env *env;
    wrd_time deadline; /* of the next probe */
    bool send, outstanding;
    uint8_t unanswered; /* in a row, since the peer was heard */
    uint8_t nonce[WRD_SCTP_NONCE_SIZE];
    wrd_time sent;
    uint8_t *echo; /* the peer's information that we owe back; or NULL */
    uint16_t echo_len;
};

void wrd_sctp_heartbeat_init(struct wrd_sctp_heartbeat *hb, const wrd_env *env);
void wrd_sctp_heartbeat_free(struct wrd_sctp_heartbeat *hb);
/* The peer was heard: no probe for a while. */
void wrd_sctp_heartbeat_heard(struct wrd_sctp_heartbeat *hb, wrd_time now);
/* The deadline passed. True: the previous probe went unanswered. */
bool wrd_sctp_heartbeat_expire(struct wrd_sctp_heartbeat *hb, wrd_time now);
/* HEARTBEAT came; its value is echoed as it is, unless it is too large or memory is short. */
void wrd_sctp_heartbeat_asked(struct wrd_sctp_heartbeat *hb, const uint8_t *value, size_t len);
/* HEARTBEAT-ACK came. Its round-trip time, or 0 when it answers nothing outstanding. */
wrd_time wrd_sctp_heartbeat_answered(struct wrd_sctp_heartbeat *hb, wrd_time now, struct wrd_reader value);
/* Writes a HEARTBEAT with information of the caller's, whose answer is not waited for. */
void wrd_sctp_heartbeat_write_aside(struct wrd_writer *wr, const uint8_t info[WRD_SCTP_NONCE_SIZE]);
/* The information of a HEARTBEAT-ACK, if it has the size of ours, else NULL. */
const uint8_t *wrd_sctp_heartbeat_info(struct wrd_reader value);
/* Writes what is due and fits: HEARTBEAT-ACK, HEARTBEAT. */
void wrd_sctp_heartbeat_write(struct wrd_sctp_heartbeat *hb, wrd_time now, struct wrd_writer *wr);

#endif
